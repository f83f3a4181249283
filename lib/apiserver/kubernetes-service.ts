/**
 * The Service default/kubernetes, by which Pods find the API server: kube-apiserver makes it
 * itself, at the first address of the range, and keeps it. (kubernetes:
 * pkg/controlplane/controller/kubernetesservice, pkg/controlplane/reconcilers)
 */
import type { Client } from "../api/client.js";
import { every, type Clock } from "../api/clock.js";
import { ignoring, isApiError } from "../api/errors.js";
import { readNetwork } from "../net/ip.js";
import { duties } from "./admission.js";
import type { Endpoints, EndpointSlice, KubeObject, Kind, Service } from "../objects/types.js";

/** How often it is looked at. Milliseconds. (DefaultEndpointReconcilerInterval) */
const LOOK_MS = 10_000;
/** --secure-port */
const SECURE_PORT = 6443;
/** --advertise-address: the control plane is outside of the nodes (cloud/addresses.ts). */
export const ADDRESSES = { IPv4: "192.168.0.254", IPv6: "fd00:192:168::254" } as const;

/** Makes it now, and again within ten seconds where somebody took it away. */
function keepKubernetesService(client: Client, clock: Clock, serviceCIDR: string): void {
  const keep = (): void => {
    try {
      for (const object of kubernetesService(serviceCIDR)) make(client, object);
    } catch (error) {
      if (!isApiError(error)) throw error; // the store is away: the next time, then
    }
  };
  keep();
  every(clock, LOOK_MS, keep);
}

function make(client: Client, object: KubeObject): void {
  const { kind, metadata } = object;
  const there = ignoring([404], () => client.get(kind as Kind, metadata.name, metadata.namespace));
  // another API server on the same store was faster
  if (!there) ignoring([409], () => client.create(object));
}

function kubernetesService(serviceCIDR: string): [Service, Endpoints, EndpointSlice] {
  const range = readNetwork(serviceCIDR.split(",")[0]!)!;
  const address = ADDRESSES[range.family];
  const metadata = { name: "kubernetes", namespace: "default" };
  const ports = [{ name: "https", port: SECURE_PORT, protocol: "TCP" as const }];
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { ...metadata, labels: { component: "apiserver", provider: "kubernetes" } },
      spec: {
        type: "ClusterIP",
        clusterIP: range.at(1).text,
        ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: SECURE_PORT }],
        sessionAffinity: "None",
      },
    },
    {
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: { ...metadata, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
      subsets: [{ addresses: [{ ip: address }], ports }],
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": "kubernetes" } },
      addressType: range.family,
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
      ports,
    },
  ];
}

duties.push(keepKubernetesService);
