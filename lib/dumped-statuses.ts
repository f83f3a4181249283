/**
 * Of Nodes and Pods without a status, as kubectl-neat leaves them, and of Services without an
 * address: what others tell of it. Each such thing is said.
 */
import type { Basis } from "./journey/types.js";
import { keyOf } from "./machinery/informer.js";
import { ofKind } from "./objects/of-kind.js";
import type { EndpointSlice, KubeObject, Node, Pod, Service } from "./objects/types.js";

/** An object -> what it is with a status. */
export function withoutStatus(
  objects: readonly KubeObject[],
  basis: Basis,
): ReadonlyMap<KubeObject, KubeObject> {
  const pods = ofKind<Pod>(objects, "Pod");
  const whole = new Map<KubeObject, KubeObject>();
  for (const [i, node] of ofKind<Node>(objects, "Node").entries()) {
    if ((node.status?.addresses ?? []).length > 0) continue;
    const { name } = node.metadata;
    const host = pods.find(({ spec, status }) => spec.nodeName === name && status?.hostIP);
    const address = host?.status?.hostIP ?? made(someNodes, i);
    const whence = host
      ? `as Pod ${keyOf(host)} says in status.hostIP`
      : "which stands for its own";
    const sentence = `the dump has none: it is taken to be ${address}, ${whence}`;
    basis.assumed.push({ object: `Node ${name}`, field: "status.addresses", sentence });
    const addresses = [{ type: "InternalIP", address }];
    whole.set(node, { ...node, status: { ...node.status, addresses } } as KubeObject);
  }
  for (const [i, service] of ofKind<Service>(objects, "Service").entries()) {
    const { type, clusterIP, clusterIPs = [] } = service.spec;
    if (type === "ExternalName" || clusterIP || clusterIPs.length > 0) continue;
    const address = made(someServices, i);
    const sentence = `the dump has none: it is taken to be ${address}, which stands for its own`;
    basis.assumed.push({ object: `Service ${keyOf(service)}`, field: "spec.clusterIP", sentence });
    const spec = { ...service.spec, clusterIP: address, clusterIPs: [address] };
    whole.set(service, { ...service, spec } as KubeObject);
  }
  const bare = new Map(
    pods.filter(({ status }) => !status?.phase && !status?.podIP).map((pod) => [keyOf(pod), pod]),
  );
  if (bare.size === 0) return whole;
  for (const slice of ofKind<EndpointSlice>(objects, "EndpointSlice"))
    for (const { addresses, targetRef, conditions } of slice.endpoints) {
      if (targetRef?.kind !== "Pod") continue;
      const pod = bare.get(`${targetRef.namespace ?? slice.metadata.namespace}/${targetRef.name}`);
      if (!pod || whole.has(pod)) continue;
      const [podIP = ""] = addresses;
      const sentence = `the dump has none: it is taken to be ${podIP}, as EndpointSlice ${keyOf(slice)} says`;
      basis.assumed.push({ object: `Pod ${keyOf(pod)}`, field: "status.podIP", sentence });
      const ready = { type: "Ready", status: conditions?.ready === false ? "False" : "True" };
      const status = { phase: "Running", podIP, podIPs: [{ ip: podIP }], conditions: [ready] };
      whole.set(pod, { ...pod, status } as KubeObject);
    }
  return whole;
}
/** Kept for measurements, as long as no cluster has more than 65,536 of either. (RFC 2544) */
const [someServices, someNodes] = ["198.18", "198.19"] as const;
const made = (network: string, i: number): string => `${network}.${i >> 8}.${i & 255}`;
