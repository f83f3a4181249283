/**
 * Following a request: URL -> DNS -> load balancer -> node -> rules -> perhaps a second node ->
 * Pod, and the answer all the way back.
 *
 *     travel(network, { url: "http://mynginx-app.com:8080/", from: "internet" }, { choose: seeded(random) })
 *
 * It ends in a Disposition, never in an exception: only a question that cannot be asked (an unknown
 * client) throws.
 */
import { Budget } from "../net/budget.js";
import {
  addTo,
  everyWay,
  forEveryWay,
  toNumber,
  type Chooser,
  type Fraction,
} from "../net/choice.js";
import { parseAddress } from "../net/ip.js";
import { rollBack, type Walk } from "../net/passage.js";
import { sourceOf, type Packet, type Transport } from "../net/packet.js";
import { printable } from "../net/printable.js";
import type { Machine } from "../node/machine.js";
import type { PickTarget } from "./balance.js";
import { atMachine, fromProcess } from "./carrier.js";
import { together } from "./basis.js";
import { ephemeral, Trip } from "./connection.js";
import type { Result, Stage } from "./stages.js";
import { endOf } from "./end.js";
import type { Network } from "./network.js";
import { originAt } from "./origin.js";
import type { Origin } from "./party.js";
import type { Basis, Disposition, Founded, Hop, Journey, Outcomes } from "./types.js";

export interface TravelOptions {
  choose: Chooser;
  /** Keep hops and steps; without them a journey costs a fraction. Default: true. */
  record?: boolean;
  /** What-if: leave no connection and no affinity behind. Default: false. */
  dry?: boolean;
  /**
   * Forget the connection when it is over, as if its two minutes of TIME_WAIT had passed; affinity
   * stays. Default: false.
   */
  forget?: boolean;
  /** What it may spend together with other ways. */
  budget?: Budget;
  /** Which of its healthy targets a load balancer picks. Default: each is as likely. */
  pickTarget?: PickTarget;
}

/** Follows one request. */
export function travel(
  network: Network,
  question: { url: string; from: string },
  options: TravelOptions,
): Founded<Journey> {
  return finished(options, (walk) => {
    const trip = new Trip(network, walk, options.record ?? true, options.pickTarget);
    return founded(network, walked(trip, trip.begin(question.url, question.from)));
  });
}

/** Every way the request can go, each with its exact probability. */
export function travelAll(
  network: Network,
  question: { url: string; from: string },
): Founded<Outcomes> {
  const budget = Budget.forAllWays();
  return allWays(network, (choose) =>
    finished({ choose, dry: true, budget }, (walk) => {
      const trip = new Trip(network, walk, true);
      return walked(trip, trip.begin(question.url, question.from));
    }),
  );
}

export interface Question {
  url: string;
  from: string;
}

/** End -> its probability, in the order in which ways first led there. */
export type Shares = Map<string, Fraction>;

/** So many ways are walked one by one; more are refused, so that it ends. */
export const mostWays = 250_000;

/** Who spares walks where ways are alike (shares.ts); undefined: nothing can be spared. */
type Sparing = (network: Network, question: Question) => Shares | undefined;
let merged: Sparing = () => undefined;

export const mergeWith = (sparing: Sparing): void => {
  merged = sparing;
};

function oneByOne(network: Network, { url, from }: Question): Shares {
  const shares: Shares = new Map();
  const budget = Budget.forAllWays();
  forEveryWay(
    (choose) =>
      finished({ choose, dry: true, budget }, (walk) => {
        const trip = new Trip(network, walk, false);
        return endOf(walked(trip, trip.begin(url, from)).result);
      }),
    (end, probability) => addTo(shares, end, probability),
    mostWays,
  );
  return shares;
}

/**
 * How likely each end is: the Pod's name, or the disposition where none answers. Added up as exact
 * fractions, turned to numbers at the end.
 */
export function travelShares(network: Network, question: Question): Record<string, number> {
  const shares = merged(network, question) ?? oneByOne(network, question);
  return Object.fromEntries([...shares].map(([end, share]) => [end, toNumber(share)]));
}

/**
 * One bare packet that arrives at a node, or leaves it where the source is one of the node's own
 * addresses.
 */
export interface BarePacket {
  node: string;
  /** "IP" or "IP:PORT". */
  from: string;
  /** "IP:PORT"; of ICMP "IP". */
  to: string;
  /** ICMP: an echo request, as `ping` sends it. Default: TCP. */
  protocol?: Transport | "ICMP";
}

export function travelPacket(
  network: Network,
  bare: BarePacket,
  options: TravelOptions,
): Founded<Journey> {
  return finished(options, (walk) => {
    const trip = new Trip(network, walk, options.record ?? true);
    return founded(network, walked(trip, beginBare(trip, network, bare, walk)));
  });
}

export function travelPacketAll(network: Network, bare: BarePacket): Founded<Outcomes> {
  const budget = Budget.forAllWays();
  return allWays(network, (choose) =>
    finished({ choose, dry: true, budget }, (walk) => {
      const trip = new Trip(network, walk, true);
      return walked(trip, beginBare(trip, network, bare, walk));
    }),
  );
}

/** How a request or a packet ends, for who asks by the thousand: no journey is made of it. */
export function endOfTravel(
  network: Network,
  question: { url: string; from: string } | BarePacket,
  options: Omit<TravelOptions, "record">,
): Disposition {
  return finished(options, (walk) => {
    const trip = new Trip(network, walk, false, options.pickTarget);
    const begun =
      "url" in question
        ? trip.begin(question.url, question.from)
        : beginBare(trip, network, question, walk);
    return walked(trip, begun).result.disposition;
  });
}

/** One literal with all fields: walks are made by the million, and one shape is faster. */
export function finished<T>(
  { choose, dry, forget, budget }: TravelOptions,
  run: (walk: Walk) => T,
): T {
  const walk: Walk = {
    choose,
    undo: dry ? [] : undefined,
    begun: forget ? [] : undefined,
    budget,
    record: undefined,
    rules: undefined,
  };
  try {
    return run(walk);
  } finally {
    if (dry) rollBack(walk);
    for (const { table, connection } of walk.begun ?? []) table.delete(connection);
  }
}

/** A trip at its end, with what was written down on the way. */
export interface Walked {
  result: Result;
  basis: Basis;
  hops: Hop[];
  reply: Hop[];
  recorded: boolean;
}

/** From stage to stage, to the end. */
export function walked(trip: Trip, begun: Stage): Walked {
  let stage = begun;
  while (stage.doing !== "ended") stage = trip.next(stage);
  const hops = trip.there?.hops ?? nothing;
  const reply = trip.back?.hops ?? nothing;
  const { basis, there } = trip;
  return { result: stage.result, basis, hops, reply, recorded: there !== undefined };
}

export function founded(
  { bases }: Network,
  { result, basis, hops, reply, recorded }: Walked,
): Founded<Journey> {
  const { assumed, leftOut } = recorded ? together([basis, ...bases]) : basis;
  // a walk's result is its own, and a copy of all its fields is slow
  return Object.assign(result, { assumed, leftOut, hops, reply });
}

/** What the ways rest on is said once, of all of them. */
function allWays({ bases }: Network, run: (choose: Chooser) => Walked): Founded<Outcomes> {
  const ways = everyWay(run);
  const [first, ...others] = ways.map(({ result }) => result.basis);
  const { assumed, leftOut } = together([first!, ...bases, ...others]);
  return {
    request: ways[0]!.result.result.request,
    assumed,
    leftOut,
    outcomes: ways.map(({ probability, result: { result, hops, reply } }) => ({
      probability: toNumber(probability),
      ...result,
      hops,
      reply,
    })),
  };
}

/** Without a record there are no hops: one list of none serves all. */
const nothing: Hop[] = [];

/** A packet that has arrived at a node, or is about to leave it. */
function beginBare(trip: Trip, network: Network, bare: BarePacket, walk: Walk): Stage {
  const machine = network.machines.get(bare.node);
  if (!machine)
    throw new Error(
      `node "${printable(bare.node)}": there is no such node; the nodes are ${printable([...network.machines.keys()].slice(0, 10).join(", "))}`,
    );
  const packet = packetOf(bare, () => walk.choose.port(...ephemeral));
  const own = machine.kernel.isLocal(parseAddress(packet.source));
  const sender = machine.sandboxAt(packet.source);
  const device = sender ? machine.deviceOf(sender) : "eth0";
  const position = own ? fromProcess(packet, machine) : atMachine(packet, machine, device, sender);
  return trip.beginWith(
    { url: "", from: bare.from, source: sourceOf(packet) },
    openerOf(network, packet.source, own ? machine : undefined),
    packet,
    position,
    network.isUnknownPod(packet.source) ? machine : undefined,
  );
}

/** Whose address it is; `machine`: the one that has it among its own. */
function openerOf(network: Network, address: string, machine: Machine | undefined): Origin {
  const origin = originAt(network, address);
  return machine && origin.kind !== "node"
    ? { kind: "node", machine, addresses: [address] }
    : origin;
}

function packetOf({ from, to, protocol = "TCP" }: BarePacket, port: () => number): Packet {
  const [source, destination] = [readEndpoint("from", from), readEndpoint("to", to)];
  const isPing = protocol === "ICMP";
  if (isPing && (source.port ?? destination.port) !== undefined)
    throw new Error(
      `from "${printable(from)}" and to "${printable(to)}": ICMP has no ports; write addresses alone`,
    );
  if (!isPing && destination.port === undefined)
    throw new Error(
      `to "${printable(to)}": the port is missing; write IP:PORT, for IPv6 [IP]:PORT`,
    );
  if (parseAddress(source.address).family !== parseAddress(destination.address).family)
    throw new Error(
      `from "${printable(from)}" and to "${printable(to)}" are of different IP families`,
    );
  return {
    protocol,
    source: source.address,
    sourcePort: isPing ? 0 : (source.port ?? port()),
    destination: destination.address,
    destinationPort: destination.port ?? 0,
  };
}

/** "10.1.1.2", "10.1.1.2:80", "fd00::1", "[fd00::1]:80". */
function readEndpoint(name: string, text: string): { address: string; port: number | undefined } {
  const [, v6, v4, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = v6 ?? v4 ?? text.replace(/^\[|\]$/g, "");
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65535))
    throw new Error(`${name} "${printable(text)}": the port must be between 1 and 65535`);
  try {
    return {
      address: parseAddress(host).text,
      port: port === undefined ? undefined : Number(port),
    };
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  }
}
