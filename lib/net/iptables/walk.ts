/**
 * A packet's passage through the hooks of one kernel: tables in the kernel's order, conntrack after
 * raw, NAT once for each connection. (include/uapi/linux/netfilter_ipv4.h has the order;
 * net/netfilter/nf_nat_core.c what NAT does)
 *
 * kernel.ts decides where a packet goes between the hooks; rule.ts has the tables.
 */
import { Budget } from "../budget.js";
import { endpoint, parseAddress, type Address } from "../ip.js";
import type { Chooser } from "../choice.js";
import { translate, type Conntrack, type Connection, type Tracked } from "../conntrack.js";
import { stateBits, type Look, type Surroundings } from "./match.js";
import { destinationOf, sourceOf, type Packet } from "../packet.js";
import type { Chain, Hook, Rule, RuleSet, TableName, Target } from "./rule.js";

/** How a packet is followed. One Walk serves a whole journey, over all kernels that it meets. */
export interface Walk {
  choose: Chooser;
  /** Called for everything that happens; leave it out for speed. */
  record?: (step: NetStep) => void;
  /**
   * What-if: every change of state (conntrack, recent) leaves its inverse here; `rollBack(walk)`
   * takes all of it back.
   */
  undo?: (() => void)[];
  /** Counts the rules that were looked at. */
  rules?: number;
  /** Connections that this walk began are put down here, so that somebody can end them. */
  begun?: { table: Conntrack; connection: Connection }[];
  /** What many walks may spend together. Each packet at each kernel has a budget besides. */
  budget?: Budget;
}

/** Takes back what packets of this what-if walk left behind in the kernels they met. */
export function rollBack(walk: Walk): void {
  for (let undo = walk.undo?.pop(); undo; undo = walk.undo?.pop()) undo();
}

export interface NetStep {
  /**
   * match: the rule matched and did nothing that ends it (no target, LOG). return: a RETURN, or the
   * end of a chain (then without rule). policy: the end of a built-in chain. accept … reject: the
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
  /** The kernel (node) where it happened. */
  at: string;
  hook: Hook | undefined;
  table: TableName | undefined;
  chain: string | undefined;
  rule: Rule | undefined;
  /** The rule's number in its chain, from 1. */
  number: number | undefined;
  /** mark: "0x0" and "0x4000". dnat, snat, untranslate: "IP:PORT". */
  before: string | undefined;
  after: string | undefined;
  /** The chain jumped to, the policy, the route, the connection's state. */
  to: string | undefined;
  /** The packet as it is after this step. */
  packet: Packet;
}

/** Why a packet went no further. */
export type Stop =
  | { kind: "reject"; packet: Packet; with: string; table: TableName; chain: string; rule: Rule }
  | { kind: "drop"; packet: Packet; why: string; table?: TableName; chain?: string; rule?: Rule }
  | { kind: "no route"; packet: Packet; why: string }
  /** Nobody knows: the walk's budget was spent before the rules came to an end. */
  | { kind: "unknown"; packet: Packet; why: string; table: TableName; chain: string };

/** What the hooks ask of the kernel around them. */
export interface Host extends Surroundings {
  readonly name: string;
  readonly conntrack: Conntrack;
  rulesFor(family: "IPv4" | "IPv6"): RuleSet | undefined;
  /** The address that packets get which leave by this interface (MASQUERADE). */
  sourceAddress(out: string, destination: Address): string | undefined;
  /** The first address of this interface itself (REDIRECT). */
  interfaceAddress(name: string, family: "IPv4" | "IPv6"): string | undefined;
}

type Station = TableName | "track" | "confirm";
const stations: Readonly<Record<Hook, readonly Station[]>> = {
  PREROUTING: ["raw", "track", "mangle", "nat"],
  INPUT: ["mangle", "filter", "nat", "confirm"],
  FORWARD: ["mangle", "filter"],
  OUTPUT: ["raw", "track", "mangle", "nat", "filter"],
  POSTROUTING: ["mangle", "nat", "confirm"],
};

/**
 * The kernel refuses rule sets that jump deeper (NFT_JUMP_STACK_SIZE); a loader does so first, this
 * only makes sure that walks end.
 */
export const maxJumps = 16;

/** A rule's target that ends the walk of a table, and where it stands. */
interface Verdict {
  target: Target;
  chain: string;
  /** Left out for a policy. */
  rule?: Rule;
  number?: number;
}

/** Stands for the verdict of a walk that gave up. */
const gaveUp: Verdict = { target: { kind: "DROP" }, chain: "" };

export class Passage implements Look {
  protocol!: string;
  source!: Address;
  destination!: Address;
  sourcePort!: number;
  destinationPort!: number;
  in = "";
  out = "";
  mark = 0;
  state = 0;
  readonly choose: Chooser;
  readonly surroundings: Surroundings;
  readonly undo: (() => void)[] | undefined;
  /** undefined before conntrack has seen it, and for INVALID and UNTRACKED packets. */
  tracked: Tracked | undefined;
  #seen = false;
  #hook: Hook = "PREROUTING";
  readonly #rules: RuleSet | undefined;
  readonly #budget: Budget;

  constructor(
    readonly host: Host,
    public packet: Packet,
    readonly walk: Walk,
  ) {
    this.choose = walk.choose;
    this.undo = walk.undo;
    this.#budget = new Budget(walk.budget);
    this.surroundings = host;
    this.#become(packet);
    this.#rules = host.rulesFor(this.source.family);
  }

  /**
   * Takes the packet through one hook; answers why it went no further, or undefined. `reroute`:
   * where nat gives a packet of this machine another destination, its way is looked up anew before
   * filter sees it (nf_nat_proto.c, nf_nat_ipv4_local_fn).
   */
  through(
    hook: Hook,
    incoming: string,
    outgoing: string,
    reroute?: () => Stop | undefined,
  ): Stop | undefined {
    if (this.#rules === undefined) return undefined;
    this.#hook = hook;
    this.in = incoming;
    this.out = outgoing;
    for (const station of stations[hook]) {
      const stop =
        station === "track"
          ? this.#track()
          : station === "confirm"
            ? this.#confirm()
            : station === "nat"
              ? this.#nat(reroute)
              : this.#filter(station);
      if (stop) return stop;
    }
    return undefined;
  }

  /** Records what happened outside of any rule. */
  note(kind: NetStep["kind"], to: string, hook?: Hook): void {
    this.#record(kind, hook, undefined, undefined, undefined, undefined, to);
  }

  /**
   * One literal with all fields: steps are made by the million, and objects of one shape are
   * several times faster.
   */
  #record(
    kind: NetStep["kind"],
    hook?: Hook,
    table?: TableName,
    chain?: string,
    rule?: Rule,
    number?: number,
    to?: string,
    before?: string,
    after?: string,
  ): void {
    this.#budget.takeStep();
    this.walk.record!({
      kind,
      at: this.host.name,
      hook,
      table,
      chain,
      rule,
      number,
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

  #track(): Stop | undefined {
    if (this.#seen) return undefined; // it came back over lo, or raw said NOTRACK
    this.#seen = true;
    this.tracked = this.host.conntrack.track(this.packet, this.undo);
    this.#refreshState();
    if (this.walk.record)
      this.note(
        "conntrack",
        this.tracked ? `${this.tracked.state}, ${this.tracked.direction} direction` : "INVALID",
        this.#hook,
      );
    return undefined;
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

  #confirm(): Stop | undefined {
    const { tracked } = this;
    if (tracked && !tracked.connection.confirmed)
      this.walk.begun?.push({ table: this.host.conntrack, connection: tracked.connection });
    if (
      tracked === undefined ||
      tracked.state === "RELATED" ||
      this.host.conntrack.confirm(tracked.connection, this.undo)
    )
      return undefined;
    return { kind: "drop", packet: this.packet, why: "nf_conntrack: table full, dropping packet" };
  }

  // ---- nat ----

  /**
   * Rules decide for a connection's first packet; conntrack rewrites it and all that follow, both
   * ways.
   */
  #nat(reroute?: () => Stop | undefined): Stop | undefined {
    const { tracked } = this;
    if (tracked === undefined) return undefined;
    const side = this.#hook === "PREROUTING" || this.#hook === "OUTPUT" ? "destination" : "source";
    const { connection } = tracked;
    const decide = tracked.state === "NEW" && !connection.bound[side];
    const verdict = decide ? this.#walk("nat") : undefined;
    if (verdict?.target.kind === "DROP" || verdict?.target.kind === "REJECT")
      return this.#stop("nat", verdict);
    if (decide) {
      if (!this.#bind(connection, side, verdict)) return this.#untranslatable(side, verdict!);
      connection.bound[side] = true;
    }
    const { destination } = this;
    this.#rewrite(tracked, side, verdict);
    return reroute && this.destination !== destination && this.destination.text !== destination.text
      ? reroute()
      : undefined;
  }

  /** MASQUERADE and REDIRECT drop what they have no address for. */
  #untranslatable(side: "source" | "destination", { chain, rule, number }: Verdict): Stop {
    if (this.walk.record) this.#record("drop", this.#hook, "nat", chain, rule, number);
    return {
      kind: "drop",
      packet: this.packet,
      why: `${this.out || this.in} has no address to translate the ${side} to`,
      table: "nat",
      chain,
      ...(rule && { rule }),
    };
  }

  #rewrite(tracked: Tracked, side: "source" | "destination", verdict: Verdict | undefined): void {
    const before = this.packet;
    const after = translate(before, tracked, side);
    if (after !== before) {
      this.#become(after);
      this.#refreshState();
    }
    if (!this.walk.record) return;
    const text = side === "source" ? sourceOf : destinationOf;
    const translates = verdict !== undefined && verdict.target.kind !== "ACCEPT";
    if (translates)
      this.#record(
        side === "source" ? "snat" : "dnat",
        this.#hook,
        "nat",
        verdict.chain,
        verdict.rule,
        verdict.number,
        undefined,
        text(before),
        text(after),
      );
    else if (after !== before)
      this.#record(
        "untranslate",
        this.#hook,
        "nat",
        undefined,
        undefined,
        undefined,
        undefined,
        text(before),
        text(after),
      );
  }

  /**
   * Chooses the connection's reply tuple. Without a rule the source port still changes where it
   * would clash (nf_nat_core.c, get_unique_tuple).
   */
  #bind(
    connection: Connection,
    side: "source" | "destination",
    verdict: Verdict | undefined,
  ): boolean {
    const target = verdict?.target;
    if (side === "destination") {
      if (target?.kind === "DNAT")
        this.#bindDestination(connection, target.address ?? this.packet.destination, target);
      const here =
        target?.kind === "REDIRECT"
          ? this.host.interfaceAddress(this.in || "lo", this.source.family)
          : undefined; // nf_nat_redirect.c
      if (target?.kind === "REDIRECT" && here !== undefined)
        this.#bindDestination(connection, here, target);
      return target?.kind !== "REDIRECT" || here !== undefined;
    }
    const address =
      target?.kind === "MASQUERADE"
        ? this.host.sourceAddress(this.out, this.destination)
        : target?.kind === "SNAT"
          ? (target.address ?? this.packet.source)
          : this.packet.source;
    if (address === undefined) return false;
    const range = target?.kind === "MASQUERADE" || target?.kind === "SNAT" ? target : {};
    const port = this.#sourcePort(connection, address, range);
    if (address === connection.reply.destination && port === connection.reply.destinationPort)
      return true;
    connection.reply = { ...connection.reply, destination: address, destinationPort: port };
    connection.snat = true;
    return true;
  }

  #bindDestination(
    connection: Connection,
    address: string,
    { low, high }: { low?: number; high?: number },
  ): void {
    const port =
      low === undefined
        ? connection.reply.sourcePort
        : low === high || high === undefined
          ? low
          : this.choose.port(low, high);
    // IPS_DST_NAT tells of a change, not of a rule
    connection.dnat = address !== connection.reply.source || port !== connection.reply.sourcePort;
    connection.reply = { ...connection.reply, source: address, sourcePort: port };
  }

  /**
   * Keeps the port where nobody else uses it, as nf_nat_l4proto_unique_tuple does; with
   * --random-fully, draws at once.
   */
  #sourcePort(
    connection: Connection,
    address: string,
    range: { low?: number; high?: number; randomFully?: boolean },
  ): number {
    const own = connection.original.sourcePort;
    const free = (port: number): boolean =>
      !this.host.conntrack.taken({
        ...connection.reply,
        destination: address,
        destinationPort: port,
      });
    if (this.packet.protocol === "ICMP") return own;
    const inRange =
      range.low === undefined || (own >= range.low && own <= (range.high ?? range.low));
    if (!range.randomFully && inRange && free(own)) return own;
    const [low, high] =
      range.low !== undefined
        ? [range.low, range.high ?? range.low]
        : own < 512
          ? [1, 511]
          : own < 1024
            ? [600, 1023]
            : [1024, 65535];
    let port = this.choose.port(low, high);
    for (let tries = 1; tries < 128 && !free(port); tries++) port = this.choose.port(low, high);
    return port;
  }

  // ---- tables ----

  #filter(table: TableName): Stop | undefined {
    const verdict = this.#walk(table);
    return verdict && (verdict.target.kind === "DROP" || verdict.target.kind === "REJECT")
      ? this.#stop(table, verdict)
      : undefined;
  }

  #stop(table: TableName, verdict: Verdict): Stop {
    const { target, rule, chain } = verdict;
    if (verdict === gaveUp) return this.#giveUp(table);
    if (target.kind !== "REJECT")
      return {
        kind: "drop",
        packet: this.packet,
        why: rule ? "a rule drops it" : "the chain's policy drops it",
        table,
        chain,
        ...(rule && { rule }),
      };
    const unreachable =
      this.source.family === "IPv4" ? "icmp-port-unreachable" : "icmp6-port-unreachable";
    return {
      kind: "reject",
      packet: this.packet,
      with: target.with ?? unreachable,
      table,
      chain,
      rule: rule!,
    };
  }

  #giveUp(table: TableName): Stop {
    return {
      kind: "unknown",
      packet: this.packet,
      why: `${this.host.name}: gave up after ${this.#budget.text}, in ${this.#hook} of table ${table}: its chains branch into too many jumps to follow them all`,
      table,
      chain: this.#hook,
    };
  }

  /**
   * Walks the built-in chain of this hook; answers the rule that decided, or undefined where the
   * policy accepted.
   */
  #walk(table: TableName): Verdict | undefined {
    const chain = this.#rules!.chain(table, this.#hook);
    if (chain === undefined) return undefined;
    const verdict = this.#chain(table, chain, 0);
    if (verdict !== undefined && verdict !== "return")
      return verdict.target.kind === "ACCEPT" ? undefined : verdict;
    if (this.walk.record)
      this.#record(
        "policy",
        this.#hook,
        table,
        chain.name,
        undefined,
        undefined,
        chain.policy ?? "ACCEPT",
      );
    return chain.policy === "DROP" ? { target: { kind: "DROP" }, chain: chain.name } : undefined;
  }

  /** The verdict; "return" where a RETURN ended the chain; undefined at its end. */
  #chain(table: TableName, chain: Chain, depth: number): Verdict | "return" | undefined {
    const { rules } = chain;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i]!;
      if (!rule.test(this)) continue;
      const result = this.#act(table, chain, rule, i + 1, depth);
      if (result === undefined) continue;
      this.#count(i + 1);
      return result;
    }
    this.#count(rules.length);
    return undefined;
  }

  #count(rules: number): void {
    this.#budget.takeRules(rules);
    if (this.walk.rules !== undefined) this.walk.rules += rules;
  }

  /** What a rule that matched does; undefined: the next rule's turn. */
  #act(
    table: TableName,
    { name }: Chain,
    rule: Rule,
    number: number,
    depth: number,
  ): Verdict | "return" | undefined {
    if (this.#budget.spent) return gaveUp;
    const { target } = rule;
    const kind = target === undefined ? "match" : stepOf[target.kind];
    if (target?.kind === "MARK") {
      const before = this.mark;
      this.mark = ((before & ~target.mask) ^ target.value) >>> 0;
      if (this.walk.record)
        this.#record(
          "mark",
          this.#hook,
          table,
          name,
          rule,
          number,
          undefined,
          hex(before),
          hex(this.mark),
        );
      return undefined;
    }
    if (this.walk.record && kind)
      this.#record(
        kind,
        this.#hook,
        table,
        name,
        rule,
        number,
        kind === "jump" ? (target as { chain: string }).chain : undefined,
      );
    switch (target?.kind) {
      case undefined:
      case "LOG":
      case "TRACE":
        return undefined;
      case "jump":
      case "goto":
        return this.#jump(table, target!, depth);
      case "NOTRACK":
        this.#seen = true;
        this.state = UNTRACKED;
        return undefined;
      case "RETURN":
        return "return";
      default:
        // a verdict, or a translation, which #nat does and records
        return { target: target!, rule, chain: name, number };
    }
  }

  #jump(
    table: TableName,
    target: Target & { kind: "jump" | "goto" },
    depth: number,
  ): Verdict | "return" | undefined {
    const chain = target.within?.chain(target.chain) ?? this.#rules!.chain(table, target.chain);
    if (chain === undefined || depth >= maxJumps)
      throw new Error(
        `table ${table}: the jump to ${target.chain} ${chain ? `is more than ${maxJumps} deep` : "leads nowhere: there is no such chain"}; load rules with parseRules, which checks that`,
      );
    const result = this.#chain(table, chain, depth + 1);
    if (result === undefined && this.walk.record)
      this.#record("return", this.#hook, table, chain.name);
    if (result === undefined || result === "return")
      return target.kind === "goto" ? "return" : undefined;
    return result;
  }
}

/** How a target is recorded; translations, and marks, are recorded where they are done. */
const stepOf: Partial<Record<Target["kind"], NetStep["kind"]>> = {
  LOG: "match",
  TRACE: "match",
  NOTRACK: "match",
  jump: "jump",
  goto: "jump",
  RETURN: "return",
  ACCEPT: "accept",
  DROP: "drop",
  REJECT: "reject",
};

const INVALID = stateBits(["INVALID"]);
const UNTRACKED = stateBits(["UNTRACKED"]);
const SNAT = stateBits(["SNAT"]);
const DNAT = stateBits(["DNAT"]);
const stateOf = {
  NEW: stateBits(["NEW"]),
  ESTABLISHED: stateBits(["ESTABLISHED"]),
  RELATED: stateBits(["RELATED"]),
};

export const hex = (mark: number): string => `0x${mark.toString(16)}`;

/**
 * "Where to" of a DNAT or SNAT rule as iptables writes it: "10.1.1.2:80", ":53", "10.1.1.2:80-90".
 */
export function natTo({
  address,
  low,
  high,
}: {
  address?: string;
  low?: number;
  high?: number;
}): string {
  const ports =
    low === undefined ? "" : high === undefined || high === low ? `${low}` : `${low}-${high}`;
  if (address === undefined) return `:${ports}`;
  return ports === "" ? address : endpoint(address, 0).slice(0, -1) + ports;
}
