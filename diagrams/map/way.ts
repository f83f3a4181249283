/**
 * Where on the map a journey came through: its hops as places, and the stretches between them on
 * which its addresses stayed as they were. All of it is read from the journey's own hops.
 */
import type { Header, Hop, Journey, Outcomes } from "stopover";
import { keyOf, type Edge, type Leg, type MapJourney, type MapWays } from "./data.js";
import type { MapService, Place, Visit } from "./data.js";

/** What a way needs to know of the cluster: who has which address, and who is alive. */
export interface World {
  service: Pick<MapService, "key" | "clusterIP" | "nodePort">;
  /** The node that has this address as its own. */
  nodeAt(address: string): string | undefined;
  /** The Pod that has it. */
  podAt(address: string): string | undefined;
  /** The node that a Pod is on. */
  homeOf(pod: string): string | undefined;
  isNode(name: string): boolean;
  /** Whether a machine is known not to run. */
  isDown(node: string): boolean;
}

export function journeyOf(trip: Journey, world: World): MapJourney {
  const there = visitsThere(trip, world);
  const back = trip.reply.length ? visitsBack(trip, there, world) : [];
  const lost = trip.disposition === "delivered" ? undefined : back.length ? "back" : "there";
  return {
    there: { visits: there, legs: legsOf(there, trip.hops) },
    back: { visits: back, legs: legsOf(back, trip.reply) },
    lost,
    disposition: trip.disposition,
  };
}

/** All ways laid over each other: each part of them with the share of requests that takes it. */
export function waysOf({ outcomes }: Outcomes, world: World): MapWays {
  const edges = new Map<string, Edge>();
  const shares: Record<string, number> = {};
  const ends = new Map<string, MapWays["ends"][number]>();
  for (const { probability, ...trip } of outcomes) {
    const places = withoutRepeats(visitsThere(trip, world).map(({ place }) => place));
    for (const key of new Set(places.map(keyOf))) shares[key] = (shares[key] ?? 0) + probability;
    places.forEach((to, i) => {
      const from = places[i - 1];
      if (!from) return;
      const edge = edges.get(`${keyOf(from)} ${keyOf(to)}`) ?? { from, to, share: 0 };
      edges.set(`${keyOf(from)} ${keyOf(to)}`, { ...edge, share: edge.share + probability });
    });
    const place = places.at(-1);
    if (trip.disposition === "delivered" || !place) continue;
    const key = `${keyOf(place)} ${trip.disposition}`;
    const share = (ends.get(key)?.share ?? 0) + probability;
    ends.set(key, { place, disposition: trip.disposition, share });
  }
  return { edges: [...edges.values()], shares, ends: [...ends.values()] };
}

/** The first node that a request came to, or came in front of. */
export function enteredBy(trip: Journey, world: World): string | undefined {
  for (const { place } of visitsThere(trip, world)) if ("node" in place) return place.node;
  return undefined;
}

function withoutRepeats(places: readonly Place[]): Place[] {
  return places.filter((place, i) => i === 0 || keyOf(place) !== keyOf(places[i - 1]!));
}

// ---- there ----

function visitsThere(trip: Journey, world: World): Visit[] {
  const visits: Visit[] = [];
  trip.hops.forEach((hop, i) => {
    const place = placeThere(trip, i, visits.at(-1)?.place, world);
    if (place) visits.push({ place, hop: i });
  });
  const [last, hop] = [visits.at(-1), trip.hops.length - 1];
  const edge = last && deadEnd(trip.hops.at(-1)!.out, last.place, trip.disposition, world);
  if (edge && !trip.reply.length) visits.push({ place: edge, hop });
  // a Pod that shares its node's network has no hop of its own
  if (trip.pod && last && ["node", "cluster-ip"].includes(trip.hops.at(-1)!.kind))
    visits.push({ place: { at: "pod", pod: trip.pod }, hop });
  return visits;
}

function placeThere(
  trip: Journey,
  i: number,
  before: Place | undefined,
  world: World,
): Place | undefined {
  const hop = trip.hops[i]!;
  switch (hop.kind) {
    case "client":
      return clientPlace(hop, world);
    case "dns":
      return undefined; // the question goes there, not the packet
    case "load-balancer":
      return { at: "balancer" };
    case "pod":
    case "proxy":
      return { at: "pod", pod: hop.name };
    case "cluster-ip":
      return { at: isItsBar(hop, world) ? "bar" : "core", node: machineOf(trip.hops, i) };
    case "node":
      return onNode(trip, i, before, world);
  }
}

/** Whether it is the rules of the map's own Service, not of another one, that the packet met. */
function isItsBar({ kind, name }: Hop, { service }: World): boolean {
  return kind === "cluster-ip" && name === service.key;
}

/** Who asks: a bare packet is on its way already, and only its answer says who waits for it. */
export function askerOf({ hops, reply }: Journey): Hop | undefined {
  const [first] = hops;
  return first?.kind === "client" ? first : (reply.find(({ kind }) => kind === "client") ?? first);
}

function clientPlace({ name }: Hop, world: World): Place {
  if (world.homeOf(name) !== undefined) return { at: "pod", pod: name };
  return world.isNode(name) ? { at: "proc", node: name } : { at: "client" };
}

function onNode(trip: Journey, i: number, before: Place | undefined, world: World): Place {
  const { name: node, in: arrives } = trip.hops[i]!;
  const next = trip.hops[i + 1];
  const { address, port } = readHeader(arrives.destination);
  const { clusterIP, nodePort } = world.service;
  const toBar = (next && isItsBar(next, world)) || address === clusterIP;
  if (nodePort !== undefined && port === nodePort && world.nodeAt(address) === node)
    return { at: "door", node };
  const inside = before !== undefined && nodeOf(before, world) === node;
  if (toBar) return { at: inside ? "bar" : "eth", node };
  if (next?.kind === "cluster-ip") return { at: inside ? "core" : "eth", node };
  if (!next && trip.disposition === "delivered") return { at: trip.pod ? "core" : "proc", node };
  const leaves = next !== undefined && !(isPod(next) && world.homeOf(next.name) === node);
  return { at: inside && !leaves ? "core" : "eth", node };
}

// ---- back ----

function visitsBack(trip: Journey, there: readonly Visit[], world: World): Visit[] {
  const visits: Visit[] = [];
  trip.reply.forEach((hop, i) => {
    const before = visits.at(-1)?.place;
    for (const place of placesBack(trip, i, there, before, world)) visits.push({ place, hop: i });
  });
  const last = visits.at(-1)!;
  const edge = deadEnd(trip.reply.at(-1)!.out, last.place, trip.disposition, world);
  return edge ? [...visits, { place: edge, hop: last.hop }] : visits;
}

function placesBack(
  trip: Journey,
  i: number,
  there: readonly Visit[],
  before: Place | undefined,
  world: World,
): Place[] {
  const hop = trip.reply[i]!;
  const node = hop.name;
  switch (hop.kind) {
    case "client":
      return [clientPlace(askerOf(trip)!, world)];
    case "load-balancer":
      return [{ at: "balancer" }];
    case "pod":
    case "proxy":
      return [{ at: "pod", pod: hop.name }];
    case "node": {
      const inside = before === undefined || nodeOf(before, world) === node;
      const leaves = staysOn(trip.reply[i + 1], node, trip, world) === false;
      const door = there.some(({ place }) => place.at === "door" && place.node === node);
      if (hop.steps.every(({ rule }) => rule !== "conntrack"))
        return [{ at: inside && !leaves ? "core" : "eth", node }];
      return [{ at: "core", node }, ...(door && leaves ? [{ at: "door" as const, node }] : [])];
    }
    default:
      return [];
  }
}

/** Whether the next hop of an answer is on this node. */
function staysOn(next: Hop | undefined, node: string, trip: Journey, world: World): boolean {
  if (next?.kind !== "client")
    return next !== undefined && isPod(next) && world.homeOf(next.name) === node;
  return nodeOf(clientPlace(askerOf(trip)!, world), world) === node;
}

// ---- both ----

function isPod({ kind }: Hop): boolean {
  return kind === "pod" || kind === "proxy";
}

/** In front of a machine that does not run, where the packet was on its way to one. */
function deadEnd(
  { destination }: Header,
  last: Place,
  disposition: Journey["disposition"],
  world: World,
): Place | undefined {
  if (disposition === "delivered") return undefined;
  const { address } = readHeader(destination);
  const pod = world.podAt(address);
  const node = world.nodeAt(address) ?? (pod && world.homeOf(pod));
  if (node === undefined || !world.isDown(node)) return undefined;
  return nodeOf(last, world) === node ? undefined : { at: "edge", node };
}

export function nodeOf(place: Place, world: Pick<World, "homeOf">): string | undefined {
  return "node" in place ? place.node : "pod" in place ? world.homeOf(place.pod) : undefined;
}

/** The machine whose rules a hop of kind "cluster-ip" tells of: the node before it. */
function machineOf(hops: readonly Hop[], i: number): string {
  return hops.slice(0, i).findLast(({ kind }) => kind === "node")?.name ?? hops[i]!.name;
}

/** "10.1.1.2:80", "[fd00::2]:80"; the address alone where there is no port. */
export function endpointText(address: string, port: number | undefined): string {
  if (port === undefined) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The other way round. */
export function readHeader(endpoint: string): { address: string; port: number } {
  const at = endpoint.lastIndexOf(":");
  return {
    address: endpoint.slice(0, at).replace(/^\[|\]$/g, ""),
    port: Number(endpoint.slice(at + 1)),
  };
}

/**
 * The packet on the way to a visit is as it comes to that hop; where the hop is still the same, as
 * it leaves it.
 */
export function headerTowards(visits: readonly Visit[], i: number, hops: readonly Hop[]): Header {
  const [before, visit] = [visits[i - 1], visits[i]!];
  const hop = hops[visit.hop]!;
  return before?.hop === visit.hop ? hop.out : hop.in;
}

function legsOf(visits: readonly Visit[], hops: readonly Hop[]): Leg[] {
  const legs: Leg[] = [];
  for (let i = 1; i < visits.length; i++) {
    const header = headerTowards(visits, i, hops);
    const last = legs.at(-1);
    if (last && sameHeader(last.header, header)) last.to = i;
    else legs.push({ header, from: i - 1, to: i });
  }
  return legs;
}

function sameHeader(one: Header, other: Header): boolean {
  return one.source === other.source && one.destination === other.destination;
}

/** "the client", "node-c", "Pod nginx-…": the machine or the Pod of a place. */
export function nameOfPlace(place: Place): string {
  if ("node" in place) return place.node;
  if ("pod" in place) return `Pod ${place.pod.replace(/^.*\//, "")}`;
  return place.at === "balancer" ? "the load balancer" : `the ${place.at}`;
}
