/**
 * How one packet gets from place to place: over the fabric (the network between the machines),
 * through the kernels of machines, to whoever has its destination.
 *
 *     const end = carrier.carry(departure(party, packet));
 *
 * Where a packet is, is a value: each step makes a new one, so that somebody who asks for every way
 * can go back to any place and on from there.
 */
import { familyOf } from "../net/ip.js";
import type { Verdict } from "../net/kernel.js";
import type { Balancer } from "../net/load-balancer.js";
import type { NetStep, Walk } from "../net/passage.js";
import { destinationOf, sourceOf, type Packet } from "../net/packet.js";
import type { Machine, Sandbox } from "../node/machine.js";
import {
  balance,
  forwarding,
  refusal,
  type Picked,
  type PickTarget,
  type Refused,
} from "./balance.js";
import type { Network } from "./network.js";
import { inPod, nameOf } from "./origin.js";
import type { Party } from "./party.js";
import { headerOf, type Recorder } from "./record.js";
import type { Basis, Disposition, Remark, Step } from "./types.js";

/** Milliseconds of delays after which a client gives up, as its own time limit may be. */
const clientPatience = 30_000;
/**
 * A packet's time to live: the 64th router sends it no further, though a process there may have it
 * (net/ipv4/ip_forward.c). Nothing in a cluster is nearly as far apart.
 */
export const timeToLive = 64;

/**
 * On its way. All kinds are objects of one shape, with all fields: they are made by the million,
 * and that is several times faster.
 */
interface Underway {
  at: "fabric" | "machine" | "process";
  packet: Packet;
  /** How many machines it may still pass. */
  ttl: number;
  /** On the fabric: who sent it there, towards whom, and whether it was at no machine yet. */
  from: string;
  nextHop: string;
  fresh: boolean;
  /** At a machine: by which device it came; `port`: the Pod by whose link. */
  machine: Machine | undefined;
  device: string;
  port: Sandbox | undefined;
  /** The machine that a load balancer handed it to, as it still is. */
  handedTo: Machine | undefined;
}

/** Between machines, on its way to whoever has `nextHop`. */
export type OnFabric = Underway & { at: "fabric" };
/** At a machine's device. */
export type AtMachine = Underway & { at: "machine"; machine: Machine };
/** In a machine, sent by one of its own processes. */
export type FromProcess = Underway & { at: "process"; machine: Machine };

const onFabric = (
  packet: Packet,
  nextHop: string,
  from: string,
  fresh: boolean,
  ttl = timeToLive,
  handedTo?: Machine,
): OnFabric => ({
  at: "fabric",
  packet,
  ttl,
  from,
  nextHop,
  fresh,
  machine: undefined,
  device: "",
  port: undefined,
  handedTo,
});

export const atMachine = (
  packet: Packet,
  machine: Machine,
  device: string,
  port: Sandbox | undefined,
  ttl = timeToLive,
  handedTo?: Machine,
): AtMachine => ({
  at: "machine",
  packet,
  ttl,
  from: "",
  nextHop: "",
  fresh: false,
  machine,
  device,
  port,
  handedTo,
});

export const fromProcess = (packet: Packet, machine: Machine): FromProcess => ({
  at: "process",
  packet,
  ttl: timeToLive,
  from: "",
  nextHop: "",
  fresh: false,
  machine,
  device: "",
  port: undefined,
  handedTo: undefined,
});

/** Somebody has it. */
export interface Arrival {
  at: "end";
  party: Party;
  packet: Packet;
  /** On a machine: whether one of its own sockets takes it. */
  listening: boolean;
}
/** Nobody gets it. */
export interface Lost {
  at: "nowhere";
  failed: Disposition;
  why: string;
  packet: Packet;
  /** What decides and is not modelled. */
  leftOut?: Remark;
}
export type Moving = OnFabric | AtMachine | FromProcess;
export type Position = Moving | Arrival | Lost;

/** A packet at a machine, and what its kernel made of it. */
export interface Pass {
  machine: Machine;
  packet: Packet;
  verdict: Verdict;
}

/**
 * Who waits for an answer, at which address. `behind`: where its Pod is one that nobody knows, the
 * node that answers pass first.
 */
export interface Home {
  party: Party;
  address: string;
  behind: Machine | undefined;
}

export const isMoving = (position: Position): position is Moving =>
  position.at !== "end" && position.at !== "nowhere";

/** Where a packet begins that a party sends. */
export function departure(party: Party, packet: Packet): Moving {
  switch (party.kind) {
    case "outside":
    case "load-balancer":
      return onFabric(packet, packet.destination, placeOf(party), true);
    case "node":
      return fromProcess(packet, party.machine);
    case "pod":
      return atMachine(packet, party.machine, party.machine.deviceOf(party.sandbox), party.sandbox);
  }
}

export class Carrier {
  /** Where hops are written down, if anybody wants them. */
  recorder: Recorder | undefined;
  /** What kernels did with packets, in order, for who picks the targets. */
  readonly passes: Pass[] | undefined;
  /** Milliseconds that the network has held packets up. */
  #late = 0;
  /** The kernel's steps at the current machine. */
  #steps: NetStep[] = [];

  constructor(
    private readonly network: Network,
    private readonly walk: Walk,
    /** Where is noted what was asked of a load balancer and is not modelled. */
    private readonly basis: Basis,
    record: boolean,
    private readonly pickTarget?: PickTarget,
  ) {
    this.passes = pickTarget && [];
    if (record) walk.record = (step) => this.#steps.push(step);
  }

  /** To the end of the way. `home`: for an answer, who waits for it. */
  carry(start: Moving, home?: Home): Arrival | Lost {
    let position: Position = start;
    while (isMoving(position)) position = this.step(position, home);
    return position;
  }

  step(position: Moving, home?: Home): Position {
    switch (position.at) {
      case "fabric":
        return this.#fabric(position, home);
      case "machine":
        return this.#receive(position);
      case "process":
        return this.#send(position);
    }
  }

  // ---- the fabric ----

  /** Whoever owns the destination gets the packet. */
  #fabric(position: OnFabric, home: Home | undefined): Position {
    const { network } = this;
    const { packet, nextHop } = position;
    if (home) {
      if (packet.destination === home.address && isOffMachines(home.party))
        return this.#cross(position, nextToHome(home, position));
    } else {
      const { destination, protocol, destinationPort } = packet;
      if (
        protocol === "ICMP" &&
        network.balancers.at(destination).some(({ balancer }) => !balancer.announced)
      )
        return lost(packet, "timed out", pingsBalancer(destination));
      const balanced = network.balancerAt(destination, protocol, destinationPort);
      if (balanced) return this.#cross(position, { kind: "load-balancer", balanced });
    }
    const machine = network.machineAt(nextHop) ?? network.machineFor(packet.destination);
    if (machine) {
      const isPod = nextHop === packet.destination && !machine.addresses.includes(nextHop);
      if (isPod && !home && position.fresh && !network.isInside(packet.source))
        return lost(
          packet,
          "no route",
          `${packet.destination} is a Pod's address, and no route leads there from the internet`,
        );
      return this.#cross(position, machine);
    }
    const outside = network.outsideAt(packet.destination);
    if (outside !== undefined)
      return this.#cross(position, { kind: "outside", name: outside, addresses: [nextHop] });
    const why = `nobody on the network has the address ${packet.destination}`;
    return lost(packet, "no route", why);
  }

  /** The last bit of the fabric, to a machine or to somebody else; here faults strike. */
  #cross({ from, packet, ttl, handedTo }: OnFabric, to: Machine | Party): Position {
    const fate = this.#fate(from, "kind" in to ? placeOf(to) : to.name, packet);
    if (fate) return fate;
    if (!("kind" in to)) return atMachine(packet, to, "eth0", undefined, ttl);
    if (to.kind === "load-balancer" && to.balanced.balancer.mode === "passthrough")
      return this.#handOn(packet, to.balanced, ttl, handedTo);
    return arrived(to, packet);
  }

  /** How it ends on the wire, where a fault keeps the packet or holds it up for too long. */
  #fate(from: string, to: string, packet: Packet): Lost | undefined {
    const fate = this.network.fault?.onPacket(from, to, packet) ?? "pass";
    if (fate === "pass") return undefined;
    const between = `between ${from} and ${to}`;
    if (fate === "drop") return lost(packet, "timed out", `the network ${between} lost the packet`);
    this.#late += fate.delay;
    if (this.#late < clientPatience) return undefined;
    const why = `packets are ${this.#late} ms late ${between}, and the client no longer waits`;
    return lost(packet, "timed out", why);
  }

  /** From a load balancer to its target, whoever else may have its address. */
  toTarget(packet: Packet, machine: Machine, ttl = timeToLive): AtMachine | Lost {
    return (
      this.#fate("load balancer", machine.name, packet) ??
      atMachine(packet, machine, "eth0", undefined, ttl)
    );
  }

  balance(balanced: Balancer, packet: Packet, pickTarget = this.pickTarget): Picked | Refused {
    if (this.recorder) this.basis.leftOut.push(...(balanced.balancer.unread ?? []));
    const { balancer } = balanced;
    if (!balancer.sticky)
      return balance(this.network, balanced, packet, this.walk.choose, pickTarget);
    const client = `${balancer.name} ${packet.source}`;
    const { stickiness } = this.network;
    const before = stickiness.get(client);
    const isHealthy = balanced.targets.some(
      ({ instance, healthy }) => healthy && instance === before,
    );
    const pick = before !== undefined && isHealthy ? again(before) : pickTarget;
    const picked = balance(this.network, balanced, packet, this.walk.choose, pick);
    if ("refused" in picked) return picked;
    stickiness.set(client, picked.target.instance);
    this.walk.undo?.push(() =>
      before === undefined ? stickiness.delete(client) : stickiness.set(client, before),
    );
    return picked;
  }

  /**
   * A load balancer that hands packets on as they are. It picks by a packet's addresses and ports:
   * one that comes round again, because its target has no rule for it, goes to the same target.
   */
  #handOn(packet: Packet, balanced: Balancer, ttl: number, before: Machine | undefined): Position {
    const picked = this.balance(balanced, packet, before && again(before.name));
    this.balancerHop(balanced, packet, packet, () =>
      "refused" in picked ? refusal(picked) : forwarding(balanced, picked, packet, packet),
    );
    if ("refused" in picked) return lost(packet, picked.refused, picked.why);
    const position = this.toTarget(packet, picked.machine, ttl);
    return position.at === "nowhere" ? position : { ...position, handedTo: picked.machine };
  }

  /** `step` is only asked for where somebody wants it. */
  balancerHop(balanced: Balancer, before: Packet, after: Packet, step: () => Step): void {
    if (!this.recorder) return;
    const name = nameOf({ kind: "load-balancer", balanced });
    this.recorder.hop("load-balancer", name, 1, headerOf(before), headerOf(after), [step()]);
  }

  // ---- machines ----

  #receive(position: AtMachine): Position {
    const { machine, packet, device, port, ttl, handedTo } = position;
    if (!machine.up)
      return lost(packet, "timed out", `${machine.name} is down and does not answer`);
    const neighbour = port && machine.bridged(port, packet.destination);
    if (neighbour) return this.#passBridge(position, neighbour);
    const verdict = machine.kernel.receive(packet, device, this.walk);
    this.passes?.push({ machine, packet, verdict });
    const kept = handedTo && isSameFlow(packet, verdict.packet) ? handedTo : undefined;
    return this.#onwards(machine, packet, verdict, port, ttl - 1, kept);
  }

  #send({ machine, packet, ttl }: FromProcess): Position {
    if (!machine.up) return lost(packet, "timed out", `${machine.name} is down`);
    const verdict = machine.kernel.send(packet, this.walk);
    this.passes?.push({ machine, packet, verdict });
    return this.#onwards(machine, packet, verdict, undefined, ttl);
  }

  /** The node's bridge passes it from Pod to Pod; the node's rules do not see it. */
  #passBridge({ machine, device, packet }: AtMachine, sandbox: Sandbox): Arrival {
    this.recorder?.hop("node", machine.name, null, headerOf(packet), headerOf(packet), [
      { action: "forward", note: `${device} passes it on to ${sandbox.key}; no rule is asked` },
    ]);
    return arrived(inPod({ machine, sandbox }), packet);
  }

  #onwards(
    machine: Machine,
    before: Packet,
    verdict: Verdict,
    port: Sandbox | undefined,
    ttl: number,
    handedTo?: Machine,
  ): Position {
    const { packet } = verdict;
    if (machine.doubt && decides(before, verdict)) return undecided(packet, machine.doubt);
    if (this.recorder) {
      const steps = this.#steps;
      this.#steps = [];
      this.recorder.node(machine.name, before, packet, steps);
    }
    switch (verdict.kind) {
      case "reject":
        return lost(
          packet,
          "rejected",
          `${machine.name} rejects it (${verdict.with}): ${ruleText(verdict)}`,
        );
      case "drop":
        return lost(
          packet,
          "dropped",
          `${machine.name} drops it: ${verdict.rule ? ruleText(verdict) : withoutRule(verdict.why, verdict)}`,
        );
      case "no route":
      case "unknown":
        return lost(packet, verdict.kind, verdict.why);
      case "local":
        return arrived(onMachine(machine), packet, verdict.listening);
      case "forward": {
        if (ttl === 0)
          return lost(
            packet,
            "dropped",
            `the packet went round in a circle until its time to live was over, at ${machine.name}`,
          );
        const { nextHop } = verdict;
        const found = machine.behind(verdict.interface, nextHop, port);
        if (!found) return onFabric(packet, nextHop, machine.name, false, ttl, handedTo);
        if ("lost" in found) return lost(packet, "no route", `${machine.name}: ${found.lost}`);
        return arrived(inPod({ machine, sandbox: found.sandbox }), packet);
      }
    }
  }
}

const pingsBalancer = (address: string): string =>
  `${address} is a load balancer's address: it takes the ports of its listeners, and answers no ping`;

const again =
  (machine: string): PickTarget =>
  (healthy) =>
    Math.max(
      0,
      healthy.findIndex(({ instance }) => instance === machine),
    );

const isSameFlow = (a: Packet, b: Packet): boolean =>
  a === b || (sourceOf(a) === sourceOf(b) && destinationOf(a) === destinationOf(b));

const onMachine = (machine: Machine): Party => ({
  kind: "node",
  machine,
  addresses: machine.addresses,
});

const arrived = (party: Party, packet: Packet, listening = false): Arrival => ({
  at: "end",
  party,
  packet,
  listening,
});

/** What faults of the network call a place that is no machine. */
const placeOf = ({ kind }: Party): string =>
  kind === "load-balancer" ? "load balancer" : "internet";

const nextToHome = ({ party, behind }: Home, { from }: OnFabric): Machine | Party =>
  behind && behind.name !== from ? behind : party;

const isOffMachines = ({ kind }: Party): boolean => kind === "outside" || kind === "load-balancer";

/** Whether a node's rules had a say. */
const decides = (before: Packet, { kind, packet }: Verdict): boolean =>
  kind === "reject" ||
  kind === "drop" ||
  before.destination !== packet.destination ||
  before.destinationPort !== packet.destinationPort;

const undecided = (packet: Packet, leftOut: Remark): Lost => ({
  ...lost(packet, "unknown", leftOut.sentence),
  leftOut,
});

const lost = (packet: Packet, failed: Disposition, why: string): Lost => ({
  at: "nowhere",
  failed,
  why,
  packet,
});

/** A name that tells nobody anything. */
const hashed = /-[A-Z2-7]{16}\b/;

type Stopped = Extract<Verdict, { kind: "reject" | "drop" }>;

/** The rule by what it does: its comment, or the field of the object that it comes from. */
const ruleText = ({ table, chain, rule, packet }: Stopped): string => {
  const { object, field } = rule?.purpose ?? {};
  const where = table === undefined ? "" : ` in table ${table}, chain ${chain}`;
  if (object && field && hashed.test(rule?.comment ?? ""))
    return `${field} of ${object}, by a rule${where}`;
  const text = rule?.comment ?? rule?.text(familyOf(packet.source));
  return `${text === undefined ? "a rule" : `"${text}"`}${where}${object ? `, because of ${object}` : ""}`;
};

/** What no rule did: a chain's policy, or the kernel by itself. */
const withoutRule = (why: string, { table, chain }: Pick<Stopped, "table" | "chain">): string =>
  table === undefined ? why : `${why} (table ${table}, chain ${chain})`;
