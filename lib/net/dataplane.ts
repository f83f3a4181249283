/**
 * SEAM: what looks at packets on their way through a kernel.
 *
 * A kernel has five hooks. A dataplane (iptables is one) puts functions there, each with a
 * priority; a packet meets those of all dataplanes, lowest priority first. Connection tracking and
 * NAT are not theirs but the kernel's: a dataplane may only say what a new connection is to be
 * translated to. (include/linux/netfilter.h; net/netfilter/core.c)
 *
 *     const look = (passage) => void seen++;
 *     const functions = () => [{ hook: "FORWARD", priority: priority.filter, look }];
 *     const counter = { name: "counter", functions };
 *     kernel.dataplanes.attach(counter);
 */
import type { CIDR, Family } from "./ip.js";
import type { Translation } from "./nat.js";
import type { Packet } from "./packet.js";
import type { Passage } from "./passage.js";

export type Hook = "PREROUTING" | "INPUT" | "FORWARD" | "OUTPUT" | "POSTROUTING";

/** Whose turn it is (include/uapi/linux/netfilter_ipv4.h, enum nf_ip_hook_priorities). */
export const priority = {
  raw: -300,
  conntrack: -200,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
  confirm: 2 ** 31 - 1,
} as const;

export interface Dataplane {
  readonly name: string;
  /**
   * Its functions for packets of a family; none: it does not look at them. It is asked for every
   * packet, and answers the same array for as long as nothing changed.
   */
  functions(family: Family): readonly HookFunction[];
  /**
   * Whether another kernel's dataplane says the same of every packet of a family. Without it, none
   * does.
   */
  isSameAs?(other: Dataplane, family: Family): boolean;
  /**
   * The ranges by which it tells addresses of a family apart: two addresses that lie in the same of
   * them look alike to it. undefined, or without it: it may tell any two apart.
   */
  rangesToldApart?(family: Family): readonly CIDR[] | undefined;
}

export type HookFunction =
  | {
      readonly hook: Hook;
      readonly priority: number;
      /** Looks at a packet, and may mark or stop it. */
      readonly look: (passage: Passage) => Stop | undefined;
    }
  | {
      /** In FORWARD nothing is translated. */
      readonly hook: Exclude<Hook, "FORWARD">;
      /** The order among such functions, as Linux has it; NAT has its own place at each hook. */
      readonly priority: number;
      /**
       * What a connection's first packet is translated to: its destination in PREROUTING and
       * OUTPUT, its source in INPUT and POSTROUTING; undefined leaves that to others.
       */
      readonly decide: (passage: Passage) => Decision | Stop | undefined;
    };

export interface Decision extends Where {
  kind: "translate";
  translation: Translation;
}

/** Why a packet went no further. */
export type Stop =
  | ({ kind: "reject"; packet: Packet; with: string } & Where)
  | ({ kind: "drop"; packet: Packet; why: string } & Where)
  | { kind: "no route"; packet: Packet; why: string }
  /** Nobody knows: the walk's budget was spent before the rules came to an end. */
  | ({ kind: "unknown"; packet: Packet; why: string } & Where);

/** The rule by which something happened, and where it stands. All of it may be unknown. */
export interface Where {
  table?: string | undefined;
  chain?: string | undefined;
  rule?: ShownRule | undefined;
  /** The rule's number in its chain, from 1. */
  number?: number | undefined;
  /** How many rules the chain has; of rules that do not end the walk, and of a chain's end. */
  of?: number | undefined;
  /** The `place` of the chain. */
  place?: string | undefined;
}

/** A rule, whatever the dataplane, as far as readers are concerned. */
export interface ShownRule {
  /** As the dataplane's own tool prints it. */
  text(family: Family): string;
  /** What its author wrote beside it. */
  readonly comment?: string | undefined;
  readonly purpose?: Purpose | undefined;
  /** Why it is there, in one sentence, where its author can say so. `chain`: where it stands. */
  why?: ((chain: string) => string) | undefined;
}

/**
 * What a rule or a chain is for. Whoever writes it knows; here it is only carried along, so that
 * nobody has to read it out of names.
 */
export interface Purpose {
  /** What part of its author's program it is. */
  readonly place?: string | undefined;
  /** What it was written for. */
  readonly object?: string | undefined;
  /** The field of that object which asked for it. */
  readonly field?: string | undefined;
}

/** One function's turn. `reroute`: looks the way up anew, after another destination. */
export type Turn = (passage: Passage, reroute?: () => Stop | undefined) => Stop | undefined;
export type Turns = Readonly<Record<Hook, readonly Turn[]>>;

/** The turns that were put together from these functions of each dataplane. */
interface Known {
  from: readonly (readonly HookFunction[])[];
  turns: Turns | undefined;
}

/** The dataplanes of one kernel, and at each hook their turns. */
export class Dataplanes {
  readonly #all: Dataplane[] = [];
  #ipv4: Known | undefined;
  #ipv6: Known | undefined;

  /** Of two with the same priority, the one that came later is asked first, as in Linux. */
  attach(dataplane: Dataplane): void {
    this.detach(dataplane);
    this.#all.unshift(dataplane);
  }

  detach(dataplane: Dataplane): void {
    const place = this.#all.indexOf(dataplane);
    if (place >= 0) this.#all.splice(place, 1);
    this.#ipv4 = this.#ipv6 = undefined;
  }

  [Symbol.iterator](): Iterator<Dataplane> {
    return this.#all.values();
  }

  /** Who looks at packets of this family; undefined: nobody, and they pass untracked. */
  turns(family: Family): Turns | undefined {
    const known = family === "IPv4" ? this.#ipv4 : this.#ipv6;
    if (known && isCurrent(known, this.#all, family)) return known.turns;
    const from = this.#all.map((each) => each.functions(family));
    const functions = from.flat().sort((x, y) => x.priority - y.priority);
    const turns = functions.length > 0 ? inTurn(functions) : undefined;
    if (family === "IPv4") this.#ipv4 = { from, turns };
    else this.#ipv6 = { from, turns };
    return turns;
  }
}

/** Asked for every packet: a plain loop. */
function isCurrent({ from }: Known, all: readonly Dataplane[], family: Family): boolean {
  for (let i = 0; i < all.length; i++) if (all[i]!.functions(family) !== from[i]) return false;
  return true;
}

/**
 * The kernel's own turns among those of the dataplanes. Where one of them decides on NAT at any
 * hook, NAT works at all of them: what comes back must be translated, too (nf_nat_core.c,
 * nf_nat_register_fn).
 */
function inTurn(functions: readonly HookFunction[]): Turns {
  const translates = functions.some((each) => "decide" in each);
  const at = (hook: Hook): Turn[] => {
    const turns: { priority: number; turn: Turn }[] = [];
    const nat = functions.flatMap((each) =>
      each.hook === hook && "decide" in each ? [each.decide] : [],
    );
    const first = hook === "PREROUTING" || hook === "OUTPUT";
    const last = hook === "INPUT" || hook === "POSTROUTING";
    if (first) turns.push({ priority: priority.conntrack, turn: (passage) => passage.track() });
    if (translates && (first || last))
      turns.push({
        priority: first ? priority.dstnat : priority.srcnat,
        turn: (passage, reroute) => passage.translate(nat, reroute),
      });
    if (last) turns.push({ priority: priority.confirm, turn: (passage) => passage.confirm() });
    for (const each of functions)
      if (each.hook === hook && "look" in each)
        turns.push({ priority: each.priority, turn: each.look });
    return turns.sort((x, y) => x.priority - y.priority).map(({ turn }) => turn);
  };
  return {
    PREROUTING: at("PREROUTING"),
    INPUT: at("INPUT"),
    FORWARD: at("FORWARD"),
    OUTPUT: at("OUTPUT"),
    POSTROUTING: at("POSTROUTING"),
  };
}
