/**
 * A packet on its way through one kernel: what can be seen of it, and what the kernel itself does
 * to it at the hooks, which is to track its connection and to translate it. The dataplanes do the
 * rest (dataplane.ts); kernel.ts decides where a packet goes between the hooks.
 */
import { Budget } from "./budget.js";
import type { Chooser } from "./choice.js";
import { translate, type Conntrack, type Connection, type Tracked } from "./conntrack.js";
import type { Decision, HookFunction, Hook, ShownRule, Stop, Turns, Where } from "./dataplane.js";
import { parseAddress, type Address } from "./ip.js";
import type { Kernel } from "./kernel.js";
import { bindDestination, bindSource } from "./nat.js";
import { destinationOf, sourceOf, type Packet } from "./packet.js";

/** How a packet is followed. One Walk serves a whole journey, over all kernels that it meets. */
export interface Walk {
  choose: Chooser;
  /** Called for everything that happens; leave it out for speed. */
  record?: ((step: NetStep) => void) | undefined;
  /**
   * What-if: every change of state (conntrack, a dataplane's own) leaves its inverse here;
   * `rollBack(walk)` takes all of it back.
   */
  undo?: (() => void)[] | undefined;
  /** Counts the rules that were looked at. */
  rules?: number | undefined;
  /** Connections that this walk began are put down here, so that somebody can end them. */
  begun?: { table: Conntrack; connection: Connection }[] | undefined;
  /** What many walks may spend together. Each packet at each kernel has a budget besides. */
  budget?: Budget | undefined;
}

/** Takes back what packets of this what-if walk left behind in the kernels they met. */
export function rollBack(walk: Walk): void {
  for (let undo = walk.undo?.pop(); undo; undo = walk.undo?.pop()) undo();
}

export interface NetStep {
  /**
   * match: the rule matched and did nothing that ends it. return: back to the chain before, by a
   * rule or (without one) at the chain's end. policy: the end of a base chain. accept … reject: the
   * rule's verdict. untranslate: conntrack rewrote a packet of a connection that NAT already knows,
   * without any rule.
   */
  kind:
    | "match"
    | "mark"
    | "jump"
    | "return"
    | "policy"
    | "accept"
    | "drop"
    | "reject"
    | "dnat"
    | "snat"
    | "untranslate"
    | "conntrack"
    | "route"
    | "deliver";
  /** The kernel (machine) where it happened. */
  at: string;
  hook: Hook | undefined;
  table: string | undefined;
  chain: string | undefined;
  rule: ShownRule | undefined;
  /** The rule's number in its chain, from 1. */
  number: number | undefined;
  /** How many rules the chain has, where that is known. */
  of: number | undefined;
  /** What part of its author's program the chain is. */
  place: string | undefined;
  /** jump: the same of the chain jumped to. */
  into: string | undefined;
  /** mark: "0x0" and "0x4000". dnat, snat, untranslate: "IP:PORT". */
  before: string | undefined;
  after: string | undefined;
  /** The chain jumped to, the policy, the route, the connection's state. */
  to: string | undefined;
  /** The packet as it is after this step. */
  packet: Packet;
}

/** The state of a packet's connection, as bits of `connectionStates`. */
export const connectionStates = [
  "NEW",
  "ESTABLISHED",
  "RELATED",
  "INVALID",
  "UNTRACKED",
  "SNAT",
  "DNAT",
] as const;
export type ConnectionState = (typeof connectionStates)[number];

export const stateBits = (states: readonly ConnectionState[]): number =>
  states.reduce((bits, state) => bits | (1 << connectionStates.indexOf(state)), 0);

const INVALID = stateBits(["INVALID"]);
const UNTRACKED = stateBits(["UNTRACKED"]);
const SNAT = stateBits(["SNAT"]);
const DNAT = stateBits(["DNAT"]);
const stateOf = {
  NEW: stateBits(["NEW"]),
  ESTABLISHED: stateBits(["ESTABLISHED"]),
  RELATED: stateBits(["RELATED"]),
};

/** How conntrack's answer is told. */
const told = {
  NEW: directions("NEW"),
  ESTABLISHED: directions("ESTABLISHED"),
  RELATED: directions("RELATED"),
};

function directions(state: Tracked["state"]): Readonly<Record<Tracked["direction"], string>> {
  return { original: `${state}, original direction`, reply: `${state}, reply direction` };
}

type Decide = Extract<HookFunction, { decide: unknown }>["decide"];

const decidedOf = { source: "sourceDecided", destination: "destinationDecided" } as const;

export class Passage {
  protocol!: string;
  source!: Address;
  destination!: Address;
  sourcePort!: number;
  destinationPort!: number;
  /** The interface by which it came, and by which it will leave; "" where there is none. */
  in = "";
  out = "";
  mark = 0;
  /** Bits of connectionStates. */
  state = 0;
  hook: Hook = "PREROUTING";
  readonly choose: Chooser;
  readonly undo: (() => void)[] | undefined;
  readonly budget: Budget;
  /** undefined before conntrack has seen it, and for INVALID and UNTRACKED packets. */
  tracked: Tracked | undefined;
  #seen = false;
  readonly #turns: Turns | undefined;

  constructor(
    readonly kernel: Kernel,
    public packet: Packet,
    readonly walk: Walk,
  ) {
    this.choose = walk.choose;
    this.undo = walk.undo;
    this.budget = new Budget(walk.budget);
    this.#become(packet);
    this.#turns = kernel.dataplanes.turns(this.source.family);
  }

  /** So many rules more were looked at: they are spent of the budget, and counted if asked for. */
  looked(rules: number): void {
    this.budget.takeRules(rules);
    if (this.walk.rules !== undefined) this.walk.rules += rules;
  }

  /**
   * Takes the packet through one hook; answers why it went no further, or undefined. `reroute`:
   * where NAT gives a packet of this machine another destination, its way is looked up anew before
   * the filters see it (nf_nat_proto.c, nf_nat_ipv4_local_fn).
   */
  through(
    hook: Hook,
    incoming: string,
    outgoing: string,
    reroute?: () => Stop | undefined,
  ): Stop | undefined {
    if (this.#turns === undefined) return undefined;
    this.hook = hook;
    this.in = incoming;
    this.out = outgoing;
    for (const turn of this.#turns[hook]) {
      const stop = turn(this, reroute);
      if (stop) return stop;
    }
    return undefined;
  }

  // ---- the record ----

  /** Whether somebody wants to hear of the steps. */
  get recorded(): boolean {
    return this.walk.record !== undefined;
  }

  /** Records what happened outside of any rule. */
  note(kind: NetStep["kind"], to: string, hook?: Hook): void {
    this.#record(kind, hook, undefined, to);
  }

  /** Records what a rule did at this hook. Ask `recorded` first. */
  record(
    kind: NetStep["kind"],
    where: Where,
    to?: string,
    into?: string,
    before?: string,
    after?: string,
  ): void {
    this.#record(kind, this.hook, where, to, into, before, after);
  }

  /**
   * One literal with all fields: steps are made by the million, and objects of one shape are
   * several times faster.
   */
  #record(
    kind: NetStep["kind"],
    hook: Hook | undefined,
    where: Where | undefined,
    to?: string,
    into?: string,
    before?: string,
    after?: string,
  ): void {
    this.budget.takeStep();
    this.walk.record!({
      kind,
      at: this.kernel.name,
      hook,
      table: where?.table,
      chain: where?.chain,
      rule: where?.rule,
      number: where?.number,
      of: where?.of,
      place: where?.place,
      into,
      before,
      after,
      to,
      packet: this.packet,
    });
  }

  #become(packet: Packet): void {
    this.packet = packet;
    this.protocol = packet.protocol;
    this.source = parseAddress(packet.source);
    this.destination = parseAddress(packet.destination);
    this.sourcePort = packet.sourcePort;
    this.destinationPort = packet.destinationPort;
  }

  // ---- conntrack ----

  /** Finds the packet's connection, or begins one. */
  track(): undefined {
    if (this.#seen) return; // it came back over lo, or somebody said that it shall not be tracked
    this.#seen = true;
    this.tracked = this.kernel.conntrack.track(this.packet, this.undo);
    this.#refreshState();
    if (this.walk.record)
      this.note(
        "conntrack",
        this.tracked ? told[this.tracked.state][this.tracked.direction] : "INVALID",
        this.hook,
      );
  }

  /** Conntrack shall not look at this packet. */
  leaveUntracked(): void {
    this.#seen = true;
    this.state = UNTRACKED;
  }

  #refreshState(): void {
    const { tracked } = this;
    this.state =
      tracked === undefined
        ? INVALID
        : stateOf[tracked.state] |
          (tracked.connection.snat ? SNAT : 0) |
          (tracked.connection.dnat ? DNAT : 0);
  }

  /** Keeps the connection: its first packet got through. */
  confirm(): Stop | undefined {
    const { tracked } = this;
    const { conntrack } = this.kernel;
    if (tracked && !tracked.connection.confirmed)
      this.walk.begun?.push({ table: conntrack, connection: tracked.connection });
    if (
      tracked === undefined ||
      tracked.state === "RELATED" ||
      conntrack.confirm(tracked.connection, this.undo)
    )
      return undefined;
    return { kind: "drop", packet: this.packet, why: "nf_conntrack: table full, dropping packet" };
  }

  // ---- NAT ----

  /**
   * Has the dataplanes decide on a connection's first packet, and rewrites that one and all that
   * follow. The first decision counts; without one the connection stays as it is.
   */
  translate(decide: readonly Decide[], reroute?: () => Stop | undefined): Stop | undefined {
    const { tracked } = this;
    if (tracked === undefined) return undefined;
    const side = this.hook === "PREROUTING" || this.hook === "OUTPUT" ? "destination" : "source";
    const { connection } = tracked;
    let decision: Decision | undefined;
    if (tracked.state === "NEW" && !connection[decidedOf[side]]) {
      for (const each of decide) {
        const answer = each(this);
        if (answer === undefined) continue;
        if (answer.kind !== "translate") return answer;
        decision = answer;
        break;
      }
      const bind = side === "destination" ? bindDestination : bindSource;
      if (!bind(this, connection, decision?.translation))
        return this.#untranslatable(side, decision!);
      connection[decidedOf[side]] = true;
    }
    const { destination } = this;
    this.#rewrite(tracked, side, decision);
    return reroute && this.destination !== destination && this.destination.text !== destination.text
      ? reroute()
      : undefined;
  }

  /** MASQUERADE and REDIRECT drop what they have no address for. */
  #untranslatable(side: "source" | "destination", decision: Decision): Stop {
    if (this.walk.record) this.record("drop", decision);
    const { table, chain, rule } = decision;
    const why = `${this.out || this.in} has no address to translate the ${side} to`;
    return { kind: "drop", packet: this.packet, why, table, chain, rule };
  }

  #rewrite(tracked: Tracked, side: "source" | "destination", decision: Decision | undefined): void {
    const packet = this.packet;
    const translated = translate(packet, tracked, side);
    if (translated !== packet) {
      this.#become(translated);
      this.#refreshState();
    }
    if (!this.walk.record) return;
    const text = side === "source" ? sourceOf : destinationOf;
    const kind = !decision ? "untranslate" : side === "source" ? "snat" : "dnat";
    if (decision || translated !== packet)
      this.record(kind, decision ?? natTable, undefined, undefined, text(packet), text(translated));
  }
}

const natTable: Where = { table: "nat" };
