/**
 * Copies Endpoints that somebody wrote by hand, for a Service without a selector, into
 * EndpointSlices: kube-proxy reads nothing else. (pkg/controller/endpointslicemirroring)
 */
import { ignoring } from "../api/errors.js";
import { watch, type Context, type Controller } from "../machinery/controller.js";
import { readAddress, type Family } from "../net/ip.js";
import { same } from "../objects/freeze.js";
import type { Endpoint, Endpoints, EndpointSlice, Service } from "../objects/types.js";
import { ownerReference } from "./owned-pods.js";
import { MAX_ENDPOINTS } from "./slice-packing.js";

/** --mirroring-max-endpoints-per-subset */
const MAX_ADDRESSES = 1_000;
const SERVICE = "kubernetes.io/service-name";
const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
const MANAGER = "endpointslicemirroring-controller.k8s.io";
const SKIP = "endpointslice.kubernetes.io/skip-mirror";
/** Such Endpoints are a lock of old: who leads writes them every other second. */
const LEADER = "control-plane.alpha.kubernetes.io/leader";
/** Annotations that are about the Endpoints themselves. */
const notCopied = [
  "kubectl.kubernetes.io/last-applied-configuration",
  "endpoints.kubernetes.io/last-change-trigger-time",
];

type Subset = NonNullable<Endpoints["subsets"]>[number];
type Address = NonNullable<Subset["addresses"]>[number];

/** What is to be in the slices of one family with the same ports. */
interface Group {
  family: Family;
  ports: NonNullable<EndpointSlice["ports"]>;
  endpoints: Endpoint[];
}

export function endpointSliceMirroringController({
  client,
  informers,
  events,
}: Context): Controller {
  const services = informers.of("Service");
  const all = informers.of("Endpoints");
  const slices = informers.of("EndpointSlice");
  slices.index(
    "mirrored",
    ({ metadata: { namespace, labels } }) =>
      labels?.[MANAGED_BY] === MANAGER ? `${namespace}/${labels[SERVICE]}` : undefined,
    ({ metadata }) => metadata.labels,
  );

  function reconcile(key: string): void {
    const endpoints = all.get(key);
    const present = new Set(slices.by("mirrored", key));
    if (endpoints && isMirrored(endpoints, services.get(key)))
      for (const group of groupsOf(endpoints)) write(endpoints, group, present);
    for (const { metadata } of present)
      ignoring([404], () => client.delete("EndpointSlice", metadata.name, metadata.namespace));
  }

  /** Takes the slices that it needs out of `present`. */
  function write(endpoints: Endpoints, group: Group, present: Set<EndpointSlice>): void {
    for (let at = 0; at < group.endpoints.length; at += MAX_ENDPOINTS) {
      const wanted = sliceOf(endpoints, group, group.endpoints.slice(at, at + MAX_ENDPOINTS));
      const old = [...present].find(
        ({ addressType, ports }) =>
          addressType === group.family && same(ports ?? [], wanted.ports ?? []),
      );
      if (old) present.delete(old);
      if (!old) slices.learn(client.create(wanted));
      else if (!same(copied(old), copied(wanted)))
        slices.learn(client.update({ ...wanted, metadata: { ...old.metadata, ...marks(wanted) } }));
    }
  }

  function groupsOf(endpoints: Endpoints): Iterable<Group> {
    const groups = new Map<string, Group>();
    let [invalid, skipped] = [0, 0];
    for (const subset of endpoints.subsets ?? []) {
      let taken = 0;
      for (const [address, ready] of addressesOf(subset)) {
        const family = readAddress(address.ip)?.family;
        if (!family) invalid++;
        else if (taken >= MAX_ADDRESSES) skipped++;
        else {
          taken++;
          groupFor(groups, family, subset).endpoints.push(endpointOf(address, ready));
        }
      }
    }
    if (invalid > 0)
      events.warning(
        endpoints,
        "InvalidIPAddress",
        `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`,
      );
    if (skipped > 0)
      events.warning(
        endpoints,
        "TooManyAddressesToMirror",
        `A max of ${MAX_ADDRESSES} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped + invalid} addresses were skipped`,
      );
    return groups.values();
  }

  return {
    name: "endpointslice-mirroring-controller",
    reconcile,
    describe: (key) => `Endpoints ${key}`,
    watches: [
      watch("Endpoints"),
      watch("Service"),
      watch("EndpointSlice", (_key, slice, previous) => {
        const { namespace, labels } = (slice ?? previous)!.metadata;
        return labels?.[MANAGED_BY] === MANAGER ? [`${namespace}/${labels[SERVICE]}`] : [];
      }),
    ],
  };
}

function isMirrored({ metadata }: Endpoints, service: Service | undefined): boolean {
  return (
    service !== undefined &&
    service.spec.selector === undefined &&
    metadata.labels?.[SKIP] !== "true" &&
    metadata.annotations?.[LEADER] === undefined
  );
}

const addressesOf = ({ addresses = [], notReadyAddresses = [] }: Subset): [Address, boolean][] => [
  ...addresses.map((one): [Address, boolean] => [one, true]),
  ...notReadyAddresses.map((one): [Address, boolean] => [one, false]),
];

function groupFor(groups: Map<string, Group>, family: Family, subset: Subset): Group {
  const ports = (subset.ports ?? []).map(({ name = "", port, protocol = "TCP", appProtocol }) => ({
    name,
    port,
    protocol,
    ...(appProtocol && { appProtocol }),
  }));
  const key = `${family} ${JSON.stringify(ports)}`;
  let group = groups.get(key);
  if (!group) groups.set(key, (group = { family, ports, endpoints: [] }));
  return group;
}

const endpointOf = ({ ip, hostname, nodeName, targetRef }: Address, ready: boolean): Endpoint => ({
  addresses: [ip],
  conditions: { ready },
  ...(hostname && { hostname }),
  ...(nodeName && { nodeName }),
  ...(targetRef && { targetRef }),
});

function sliceOf(owner: Endpoints, group: Group, endpoints: Endpoint[]): EndpointSlice {
  const { name, namespace, labels, annotations } = owner.metadata;
  const kept = Object.entries(annotations ?? {}).filter(([each]) => !notCopied.includes(each));
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: "",
      generateName: `${name}-`,
      namespace: namespace!,
      labels: { ...labels, [SERVICE]: name, [MANAGED_BY]: MANAGER },
      ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }),
      ownerReferences: [ownerReference(owner)],
    },
    addressType: group.family,
    endpoints,
    ports: group.ports,
  };
}

/** What follows the Endpoints at every change. */
const marks = ({ metadata: { labels, annotations = {} } }: EndpointSlice) => ({
  labels: labels!,
  annotations,
});

const copied = (slice: EndpointSlice): object => [
  slice.endpoints,
  slice.ports ?? [],
  slice.metadata.labels,
  slice.metadata.annotations ?? {},
];
