/** From a journey's hops to the devices that its packet took, one after the other. */
import type { Network } from "../../journey/network.js";
import type { Header, Hop, Journey } from "../../journey/types.js";
import { parseAddress, parseEndpoint } from "../../net/ip.js";
import type { Machine } from "../../node/machine.js";
import { isRefused } from "./refusals.js";
import type { Passing, Spot } from "./frame.js";

/** A place on the way: what is a Service's belongs to the node before it. */
interface Stop {
  spot: Spot;
  machine: Machine | undefined;
  in: Header;
  out: Header;
}

/**
 * `from`, `to`: the spot of who began the journey, where the way begins or ends there; the hops
 * of a client do not say whether it is a Pod or a node.
 */
export function passingsOf(
  network: Network,
  from: Spot | undefined,
  to: Spot | undefined,
  hops: readonly Hop[],
  journey: Journey,
): Passing[] {
  const stops = stopsOf(network, from, to, hops);
  const [only] = stops;
  if (only && stops.length === 1 && !isGone(journey)) {
    const isOwn = journey.disposition === "delivered" || isRefused(journey.disposition);
    return isOwn ? [passing(only, "In", "lo", only.in)] : [];
  }
  return stops.flatMap((stop, i) => {
    const [before, next] = [stops[i - 1], stops[i + 1]];
    const passings: Passing[] = [];
    const isLast = next === undefined;
    if (before && before.spot !== stop.spot)
      passings.push(passing(stop, "In", deviceTowards(network, stop, before.spot), stop.in));
    const leaves = isLast ? isGone(journey) && to === undefined : next.spot !== stop.spot;
    if (leaves && (stop.machine || !isLast)) {
      const device = next ? deviceTowards(network, stop, next.spot) : outOf(stop);
      passings.push(passing(stop, "Out", device, stop.out));
    }
    return passings;
  });
}

function stopsOf(
  network: Network,
  from: Spot | undefined,
  to: Spot | undefined,
  hops: readonly Hop[],
): Stop[] {
  const stops: Stop[] = [];
  for (const [i, hop] of hops.entries()) {
    const last = stops.at(-1);
    if (hop.kind === "dns") continue;
    if (hop.kind === "cluster-ip" && last) {
      last.out = hop.out;
      continue;
    }
    const ends = i === 0 ? from : i === hops.length - 1 ? to : undefined;
    const spot = (hop.kind === "client" ? ends : undefined) ?? spotOf(network, hop);
    const name = /^node\/(.*)$/.exec(spot)?.[1];
    const machine = name === undefined ? undefined : network.machines.get(name);
    // a process of the node itself: its packets pass the node's devices alone
    if (last?.spot === spot && machine) last.out = hop.out;
    else stops.push({ spot, machine, in: hop.in, out: hop.out });
  }
  return stops;
}

function spotOf(network: Network, { kind, name }: Hop): Spot {
  if (kind === "node" || network.machines.has(name)) return `node/${name}`;
  if (kind === "load-balancer") return `load-balancer/${name}`;
  return network.sandbox(name) ? `pod/${name}` : "internet";
}

/** By which device one goes from a place to its neighbour. */
function deviceTowards(network: Network, { machine }: Stop, neighbour: Spot): string {
  const key = /^pod\/(.*)$/.exec(neighbour)?.[1];
  const found = machine && key !== undefined ? network.sandbox(key) : undefined;
  return found?.machine === machine && found ? machine!.deviceOf(found.sandbox) : "eth0";
}

/** Where nobody is known to be next: by the node's own routes. */
function outOf({ machine, out }: Stop): string {
  const address = parseAddress(ends(out.destination).address);
  return machine?.kernel.routes.lookup(address)?.dev ?? "eth0";
}

/** Its last machine has sent it on, and it came nowhere. */
const isGone = ({ disposition, reason }: Journey): boolean =>
  (disposition === "no route" && /nobody on the network|no route leads there/.test(reason)) ||
  (disposition === "timed out" && /the network between/.test(reason));

const ends = (text: string): { address: string; port: number } =>
  /:\d+$/.test(text) && !/^[^[]*:[^[]*:/.test(text)
    ? parseEndpoint(text)
    : { address: text, port: 0 };

function passing(
  { spot }: Stop,
  direction: "In" | "Out",
  device: string,
  { source, destination, protocol }: Header,
): Passing {
  const [a, b] = [ends(source), ends(destination)];
  return {
    spot,
    device,
    direction,
    protocol: protocol as Passing["protocol"],
    source: a.address,
    sourcePort: a.port,
    destination: b.address,
    destinationPort: b.port,
  };
}
