/** A cluster of only what one journey met, where that is all there is. */
import type { EndpointSlice, Hop, Journey, KubeObject, Node, Service } from "stopover";
import type { Lister } from "../objects.js";
import { readHeader } from "./way.js";

/** Lists the nodes, the Service and the Pod that the journey's own hops tell of. */
export function sourceOf(trip: Journey): Lister {
  const hops = [...trip.hops, ...trip.reply];
  const objects: KubeObject[] = [...nodesOf(hops), ...serviceOf(trip, hops)];
  return { list: (kind: string) => objects.filter((object) => object.kind === kind) };
}

function nodesOf(hops: readonly Hop[]): Node[] {
  const names = new Set(hops.flatMap(({ kind, name }) => (kind === "node" ? [name] : [])));
  return [...names].sort().map((name) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    spec: {},
    status: { addresses: addressesOf(name, hops) },
  }));
}

/** What a node at the NodePort is called by those who ask it. */
function addressesOf(
  name: string,
  hops: readonly Hop[],
): { type: "InternalIP"; address: string }[] {
  const door = hops.find((hop) => hop.kind === "node" && hop.name === name && hop.stop === 2);
  const address = door ? readHeader(door.in.destination).address : "";
  return [{ type: "InternalIP", address }];
}

function serviceOf(trip: Journey, hops: readonly Hop[]): (Service | EndpointSlice)[] {
  const object = hops
    .flatMap(({ steps }) => steps)
    .find(({ object }) => object?.startsWith("Service "))?.object;
  const met = hops.find(({ kind }) => kind === "cluster-ip");
  const [namespace = "default", name = "the Service"] = (
    object?.replace("Service ", "") ??
    met?.name ??
    "default/the Service"
  ).split("/");
  const balancer = hops.find(({ kind }) => kind === "load-balancer");
  const door = hops.find(({ stop }) => stop === 2);
  const ports = {
    port: balancer ? readHeader(balancer.in.destination).port : 0,
    ...(door && { nodePort: readHeader(door.in.destination).port }),
  };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: {
      type: balancer ? "LoadBalancer" : door ? "NodePort" : "ClusterIP",
      clusterIP: met ? "" : "None", // that there is one is all that is known
      ports: ports.port || door ? [ports] : [],
    },
    ...(balancer && { status: { loadBalancer: { ingress: [{ hostname: balancer.name }] } } }),
  } as unknown as Service;
  return [service, ...sliceOf(trip, namespace, name)];
}

function sliceOf(trip: Journey, namespace: string, service: string): EndpointSlice[] {
  if (!trip.pod || !trip.destination) return [];
  const { address, port } = readHeader(trip.destination);
  const [home, name] = trip.pod.split("/") as [string, string];
  return [
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      addressType: address.includes(":") ? "IPv6" : "IPv4",
      metadata: { name: service, namespace, labels: { "kubernetes.io/service-name": service } },
      ports: [{ port }],
      endpoints: [
        {
          addresses: [address],
          conditions: { ready: true },
          ...(trip.node !== undefined && { nodeName: trip.node }),
          targetRef: { kind: "Pod", name, namespace: home },
        },
      ],
    },
  ];
}
