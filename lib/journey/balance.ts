/** What a load balancer does with a packet: lets it in, and picks one of its healthy targets. */
import type { Chooser } from "../net/choice.js";
import { endpoint, familyOf, parseAddress, parseCIDR } from "../net/ip.js";
import { keyOf, type Balancer, type Listener, type Target } from "../net/load-balancer.js";
import { destinationOf, type Packet } from "../net/packet.js";
import type { Machine } from "../node/machine.js";
import type { Network } from "./network.js";
import type { Disposition, Step } from "./types.js";

/** Where it sends the packet on. */
export interface Picked {
  listener: Listener;
  target: Target;
  machine: Machine;
}

export interface Refused {
  refused: Disposition;
  why: string;
}

/** Which of the healthy targets; by default each is as likely. */
export type PickTarget = (healthy: readonly Target[]) => number;

export function balance(
  network: Network,
  balanced: Balancer,
  packet: Packet,
  choose: Chooser,
  pickTarget: PickTarget = (healthy) => choose.pick(healthy.length),
): Picked | Refused {
  const { balancer } = balanced;
  const listener = listenerFor(balanced, packet);
  if (!listener) {
    const ports = balancer.listeners.map((l) => `${l.protocol} ${l.port}`).join(", ") || "nothing";
    return {
      refused: "port not listening",
      why:
        `the load balancer has no listener for ${packet.protocol} ${packet.destinationPort}; ` +
        `it listens on ${ports}, and the cloud's firewall drops the rest in silence`,
    };
  }
  if (balancer.internal && isFromFar(network, packet.source))
    return {
      refused: "no route",
      why: `${destinationOf(packet)} is an internal load balancer's, in the cluster's own network, and no route leads there from the internet`,
    };
  if (!admits(balanced, packet))
    return {
      refused: "dropped",
      why: `the load balancer's firewall lets in ${balancer.sourceRanges.join(", ")}, and ${packet.source} is not among them`,
    };
  const healthy = healthyFor(balanced, listener, packet);
  if (!healthy.length)
    return {
      refused: "no healthy target",
      why:
        balancer.words?.nobody ??
        `none of the load balancer's ${targetsFor(balanced, listener, packet).length} targets passes its health check`,
    };
  const target = healthy[balancer.single ? 0 : pickTarget(healthy)]!;
  const machine = network.machines.get(target.instance);
  if (machine) return { listener, target, machine };
  return {
    refused: "timed out",
    why: `the load balancer's target ${target.instance} (${target.address}) is gone`,
  };
}

const listenerFor = ({ balancer }: Balancer, packet: Packet): Listener | undefined =>
  balancer.listeners.find(
    (each) => each.port === packet.destinationPort && each.protocol === packet.protocol,
  ) ?? (balancer.announced ? everyPort : undefined);
const everyPort: Listener = { protocol: "TCP", port: 0, targetPort: 0 };

/** Those that the packet may get to: of the listener's, in the zone of the address. */
const targetsFor = (
  { balancer: { zones }, targets }: Balancer,
  wanted: Listener,
  { destination }: Packet,
): readonly Target[] =>
  targets.filter(
    ({ listener = keyOf(wanted), zone }) =>
      listener === keyOf(wanted) && (!zones || zone === zones[destination]),
  );

function healthyFor(balanced: Balancer, listener: Listener, packet: Packet): readonly Target[] {
  const all = targetsFor(balanced, listener, packet);
  const healthy = all.filter((target) => target.healthy);
  const { failsOpen } = balanced.balancer;
  return failsOpen && !balanced.targets.some((target) => target.healthy) ? all : healthy;
}

/** Who has a private address may be of a network that is joined with the cluster's. (RFC 1918) */
const isFromFar = (network: Network, source: string): boolean =>
  !network.isInside(source) &&
  !joined.some((range) => parseCIDR(range).contains(parseAddress(source)));
const joined = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

const admits = ({ balancer: { sourceRanges } }: Balancer, { source }: Packet): boolean =>
  sourceRanges.length === 0 ||
  sourceRanges.some((range) => parseCIDR(range).contains(parseAddress(source)));

/**
 * The step in which a load balancer sends nothing on. What is for another port never comes to it:
 * the firewall that a cloud's provider makes for a Service opens the ports of its spec alone
 * (cloud-provider-aws, EnsureLoadBalancer, `permissions`), so nobody refuses it either.
 */
export const refusal = ({ refused, why }: Refused): Step => ({
  action: actionOf(refused),
  note: why,
});

function actionOf(refused: Disposition): Step["action"] {
  if (refused === "dropped" || refused === "port not listening") return "drop";
  return refused === "timed out" ? "forward" : "reject";
}

/** A proxy's own connection to the target; `port`: its own. */
export function onwardPacket(
  { balancer }: Balancer,
  { listener, target }: Picked,
  front: Packet,
  port: number,
): Packet {
  const family = familyOf(target.address);
  const { addresses, privateAddresses } = balancer;
  const own = privateAddresses.filter((address) => familyOf(address) === family);
  const kept = listener.keepsClient && familyOf(front.source) === family;
  return {
    protocol: front.protocol,
    source: kept
      ? front.source
      : (own[addresses.indexOf(front.destination)] ?? own[0] ?? privateAddresses[0]!),
    sourcePort: kept ? front.sourcePort : port,
    destination: target.address,
    destinationPort: target.port ?? listener.targetPort,
  };
}

/** The step in which a packet is sent on; `onward` is `packet` where it is untouched. */
export function forwarding(
  balanced: Balancer,
  { listener, target }: Picked,
  packet: Packet,
  onward: Packet,
): Step {
  const { balancer } = balanced;
  const healthy = healthyFor(balanced, listener, packet).length;
  const { destinationPort } = packet;
  const rule = `listener ${packet.protocol} ${destinationPort} -> ${target.instance} ${endpoint(target.address, target.port ?? (listener.targetPort || destinationPort))}`;
  const note = balancer.words
    ? balancer.words.picked(target, healthy, packet)
    : balancer.mode === "proxy"
      ? `one of ${healthy} healthy targets; the load balancer opens a connection of its own to it`
      : `one of ${healthy} healthy targets; the packet is handed on as it is, the load balancer's address still its destination`;
  return {
    action: "forward",
    rule,
    note,
    ...(onward !== packet && { before: destinationOf(packet), after: destinationOf(onward) }),
  };
}
