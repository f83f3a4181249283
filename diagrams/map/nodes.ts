/** A node on the map: what the API server believes of it, and what is true. */
import type { Node, Service } from "stopover";
import { addressOf } from "../objects.js";
import type { MapNode, MapPod, Target } from "./data.js";
import type { MapSource, NodeInside } from "./inside.js";
import { balancerIn } from "./outside.js";
import { serviceOf } from "./service.js";
import { endpointText } from "./way.js";

const excludedBy = "node.kubernetes.io/exclude-from-external-load-balancers";

/** `balanced`: the Service whose load balancer is on the map. */
export function nodeOf(
  source: MapSource,
  node: Node,
  { service, balanced }: { service: Service; balanced: Service | undefined },
  pods: readonly MapPod[],
): MapNode {
  const { name } = node.metadata;
  const key = serviceOf(service).key;
  const inside = insideOf(source, name);
  const proxy = inside?.kubeProxy;
  return {
    name,
    address: addressOf(node),
    ready: readyOf(node),
    up: source.network && (source.network.machines.get(name)?.up ?? false),
    proxy: proxy && (proxy.running ? "running" : "stopped"),
    stale: proxy?.isBehind(key) ?? false,
    target: targetOf(source, node, balanced),
    shut: isShut(source, node, service, pods),
  };
}

/** A Node of the API server need not have a machine yet. */
function insideOf(source: MapSource, name: string): NodeInside | undefined {
  return source.network?.machines.has(name) ? source.node?.(name) : undefined;
}

/** The condition Ready; Unknown is not ready, and a Node without conditions is taken to be. */
function readyOf({ status }: Node): boolean {
  const conditions: readonly { type: string; status: string }[] = status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === "Ready");
  return ready === undefined || ready.status === "True";
}

function targetOf(source: MapSource, { metadata }: Node, balanced: Service | undefined): Target {
  const excluded = metadata.labels?.[excludedBy] !== undefined;
  if (!source.network) return excluded ? "excluded" : "healthy";
  const targets = (balanced && balancerIn(source, balanced)?.targets) ?? [];
  const target = targets.find(({ instance }) => instance === metadata.name);
  return target ? (target.healthy ? "healthy" : "unhealthy") : excluded ? "excluded" : "none";
}

/** Somebody who is on no node: only the way of such a packet depends on the policy. */
const stranger = "203.0.113.2";

/**
 * Whether the node drops what comes from outside to the NodePort: a packet is asked, by all of its
 * ways, and leaves no trace. Where there is no kernel to ask, the endpoints say what it should do.
 */
function isShut(
  source: MapSource,
  node: Node,
  { spec }: Service,
  pods: readonly MapPod[],
): boolean {
  const { nodePort, protocol = "TCP" } = spec.ports?.[0] ?? {};
  if (spec.externalTrafficPolicy !== "Local" || nodePort === undefined) return false;
  const { name } = node.metadata;
  if (source.packetOutcomes && source.network?.machines.get(name)?.up) {
    const to = endpointText(addressOf(node), nodePort);
    const { outcomes } = source.packetOutcomes({ node: name, from: stranger, to, protocol });
    return outcomes.every(({ disposition }) => disposition === "dropped");
  }
  return !pods.some((pod) => pod.node === name && pod.believed === "ready");
}
