/** Nodes among manifests: each is a machine of the cluster, whose kubelet registers it. */
import type { Cluster, NodeSpec } from "../../cluster.js";
import { onWindows } from "../../dumped.js";
import type { Remark } from "../../journey/types.js";
import type { Node } from "../../objects/types.js";

/** So it is not applied: this is the machine. */
export function nodeSpec({ metadata, status }: Node): NodeSpec {
  const of = (wanted: string) =>
    (status?.addresses ?? []).filter(({ type }) => type === wanted).map(({ address }) => address);
  const addresses = [...of("InternalIP"), ...of("ExternalIP")];
  const zone = metadata.labels?.["topology.kubernetes.io/zone"];
  const { cpu, memory, pods } = status?.allocatable ?? status?.capacity ?? {};
  const capacity = { ...(cpu && { cpu }), ...(memory && { memory }), ...(pods && { pods }) };
  return {
    name: metadata.name,
    labels: metadata.labels ?? {},
    ...(addresses.length && { addresses }),
    ...(zone && { zone }),
    ...(Object.keys(capacity).length > 0 && { capacity }),
  };
}

/** Taints that controllers put on Nodes and take away, as things are. (well_known_taints.go) */
const ofConditions = /^(node\.kubernetes\.io|node\.cloudprovider\.kubernetes\.io)\//;

/** What its owner has said of a registered Node; and what of it nobody here reads. */
export function furnish(cluster: Cluster, { metadata: { name }, spec = {}, status }: Node): void {
  const taints = (spec.taints ?? []).filter(({ key }) => !ofConditions.test(key));
  const { unschedulable } = spec;
  if (taints.length > 0 || unschedulable)
    cluster.patch("Node", name, {
      spec: { ...(taints.length > 0 && { taints }), ...(unschedulable && { unschedulable }) },
    });
  const other = onWindows({ metadata: cluster.get("Node", name).metadata } as Node);
  const machine = cluster.network.machines.get(name);
  if (other && machine) machine.doubt = other;
  const leftOut = extended(name, status?.allocatable ?? status?.capacity ?? {});
  if (leftOut.length > 0) cluster.network.bases.push({ assumed: [], leftOut });
}

const usual = /^(cpu|memory|pods|ephemeral-storage|hugepages-.*)$/;

const extended = (name: string, offered: Record<string, string>): Remark[] =>
  Object.entries(offered)
    .filter(([resource, amount]) => !usual.test(resource) && amount !== "0")
    .map(([resource, amount]) => ({
      object: `Node ${name}`,
      field: "status.allocatable",
      sentence: `it offers ${resource}=${amount}; nobody here registers devices, so who asks for one finds none`,
    }));
