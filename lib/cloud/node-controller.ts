import { watch, type Context, type Controller } from "../machinery/controller.js";
import { every } from "../api/clock.js";
import { ignoring } from "../api/errors.js";
import { same } from "../objects/freeze.js";
import { condition } from "../objects/pods.js";
import type { Node, NodeAddress } from "../objects/types.js";
import type { CloudProvider, Instance } from "./provider.js";

const UNINITIALIZED = "node.cloudprovider.kubernetes.io/uninitialized";
/** How often silent nodes are looked up in the cloud. (--node-monitor-period) Milliseconds. */
const MONITOR_MS = 5_000;

/**
 * Tells a new Node what the cloud knows of its machine: addresses, providerID, type, zone and
 * region; then takes away the taint that kept Pods off it. (k8s.io/cloud-provider:
 * controllers/node/node_controller.go)
 */
export function cloudNodeController(
  { client, informers, events }: Context,
  provider: CloudProvider,
): Controller {
  const nodes = informers.of("Node");

  function reconcile(name: string): void {
    const node = nodes.get(name);
    if (!node?.spec.taints?.some(({ key }) => key === UNINITIALIZED)) return;
    const instance = provider.instance(node);
    // the machine is not known yet, or no more: the lifecycle controller decides
    if (!instance) return;
    const addresses = addressesOf(instance);
    const addressed = same(node.status?.addresses ?? [], addresses)
      ? node
      : client.updateStatus<Node>({ ...node, status: { ...node.status, addresses } });
    const taints = addressed.spec.taints!.filter(({ key }) => key !== UNINITIALIZED);
    nodes.learn(
      client.update<Node>({
        ...addressed,
        spec: { ...addressed.spec, taints, providerID: instance.providerID },
        metadata: {
          ...addressed.metadata,
          labels: { ...addressed.metadata.labels, ...labelsOf(instance) },
        },
      }),
    );
    events.normal(node, "Synced", "Node synced successfully");
  }

  return { name: "cloud-node-controller", watches: [watch("Node")], reconcile };
}

function addressesOf({ name, addresses, publicAddresses }: Instance): NodeAddress[] {
  return [
    ...addresses.map((address) => ({ type: "InternalIP" as const, address })),
    ...publicAddresses.map((address) => ({ type: "ExternalIP" as const, address })),
    { type: "Hostname", address: name },
  ];
}

const labelsOf = ({ type, zone, region }: Instance) => ({
  "node.kubernetes.io/instance-type": type,
  "topology.kubernetes.io/zone": zone,
  "topology.kubernetes.io/region": region,
  // (cloud-provider: controllers/node, labelReconcileInfo)
  "beta.kubernetes.io/instance-type": type,
  "failure-domain.beta.kubernetes.io/zone": zone,
  "failure-domain.beta.kubernetes.io/region": region,
});

/**
 * Removes Nodes that are not ready and whose machine is gone from the cloud.
 * (controllers/nodelifecycle/node_lifecycle_controller.go)
 */
export function cloudNodeLifecycleController(
  { clock, client, informers, events }: Context,
  provider: CloudProvider,
): Controller {
  const nodes = informers.of("Node");

  function reconcile(name: string): void {
    const node = nodes.get(name);
    if (!node || condition(node, "Ready")?.status === "True" || provider.instance(node)) return;
    events.normal(
      node,
      "DeletingNode",
      `Deleting node ${name} because it does not exist in the cloud provider`,
    );
    ignoring([404], () => client.delete("Node", name));
  }

  return {
    name: "cloud-node-lifecycle-controller",
    reconcile,
    watches: [watch("Node", () => [])],
    start(queue) {
      return every(clock, MONITOR_MS, () => {
        for (const node of nodes.all())
          if (condition(node, "Ready")?.status !== "True") queue.add(node.metadata.name);
      });
    },
  };
}
