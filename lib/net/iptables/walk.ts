/**
 * iptables as a dataplane: at each hook a packet walks the built-in chains of the tables that are
 * there, in the order of their priorities. (net/ipv4/netfilter/ip_tables.c, iptable_*.c)
 *
 *     iptables(kernel).rules.IPv4 = parseRules(text);
 *
 * rule.ts has the tables as data, match.ts what a rule asks.
 */
import { priority, type Dataplane, type Decision, type HookFunction } from "../dataplane.js";
import type { Stop, Where } from "../dataplane.js";
import type { CIDR, Family } from "../ip.js";
import type { Kernel } from "../kernel.js";
import type { NetStep, Passage } from "../passage.js";
import { candidatesAmong } from "./candidates.js";
import { drawsAmong } from "./draws.js";
import { isSameRules, rangesToldApart } from "./sameness.js";
import type { Rule } from "./rule.js";
import type { Chain, RuleSet, RuleTarget } from "./syntax.js";
import { builtinChains, maxJumps, type Hook, type TableName } from "./tables.js";
import { hex } from "./text.js";

/** The rules that a kernel's iptables and ip6tables hold. */
export class Iptables implements Dataplane {
  readonly name = "iptables";
  /** Without rules of a family, its packets pass untouched. */
  rules: Partial<Record<Family, RuleSet>> = {};
  /** Made for the first packet: most nodes of a large cluster never see one. */
  #all: readonly Turn[] | undefined;
  readonly #current: Partial<Record<Family, Current>> = {};

  functions(family: Family): readonly HookFunction[] {
    const rules = this.rules[family];
    if (!rules) return none;
    const current = this.#current[family];
    if (current?.rules === rules) return current.functions;
    return (this.#current[family] = this.#functionsFor(rules, current)).functions;
  }

  /** Without those that look into a chain that is not there. */
  #functionsFor(rules: RuleSet, before: Current | undefined): Current {
    const turns = (this.#all ??= turnsOf(this)).filter(
      ({ table, on }) => table === "nat" || rules.chain(table, on.hook),
    );
    const functions = turns.map(({ on }) => on);
    const isSame =
      before?.functions.length === functions.length &&
      functions.every((each, i) => each === before.functions[i]);
    return { rules, functions: isSame ? before.functions : functions };
  }

  isSameAs(other: Dataplane, family: Family): boolean {
    if (!(other instanceof Iptables)) return false;
    const [own, theirs] = [this.rules[family], other.rules[family]];
    return own && theirs ? isSameRules(own, theirs) : own === theirs;
  }

  rangesToldApart(family: Family): readonly CIDR[] | undefined {
    const rules = this.rules[family];
    return rules ? rangesToldApart(rules) : [];
  }
}

const none: readonly HookFunction[] = [];

/** The functions for these rules. */
interface Current {
  rules: RuleSet;
  functions: readonly HookFunction[];
}

/** A kernel's iptables; loaded where it was not. */
export function iptables(kernel: Kernel): Iptables {
  for (const dataplane of kernel.dataplanes) if (dataplane instanceof Iptables) return dataplane;
  const loaded = new Iptables();
  kernel.dataplanes.attach(loaded);
  return loaded;
}

/** A table's turn at one of its hooks. */
interface Turn {
  table: TableName;
  on: HookFunction;
}

function turnsOf(own: Iptables): Turn[] {
  const filters = (["raw", "mangle", "filter"] as const).flatMap((table) =>
    builtinChains[table].map((hook) => {
      const look = (passage: Passage) => new Walker(passage, own, table).look();
      return { table, on: { hook, priority: priority[table], look } };
    }),
  );
  const nat = builtinChains.nat.map((each) => {
    const hook = each as Exclude<Hook, "FORWARD">;
    const decide = (passage: Passage) => new Walker(passage, own, "nat").decide();
    const first = hook === "PREROUTING" || hook === "OUTPUT";
    const turn = first ? priority.dstnat : priority.srcnat;
    return { table: "nat" as const, on: { hook, priority: turn, decide } };
  });
  return [...filters, ...nat];
}

/** A target that ends the walk of a table, and where it stands. */
class Ruling implements Where {
  constructor(
    readonly target: RuleTarget,
    readonly table: TableName,
    readonly chain: string,
    /** Left out for a policy. */
    readonly rule?: Rule,
    readonly number?: number,
    readonly place?: string,
  ) {}
}

/** Stands for the ruling of a walk that gave up. */
const gaveUp = new Ruling({ kind: "DROP" }, "filter", "");

/** A packet's walk through one table at one hook. */
class Walker {
  readonly #rules: RuleSet;

  constructor(
    readonly passage: Passage,
    readonly own: Iptables,
    readonly table: TableName,
  ) {
    this.#rules = own.rules[passage.source.family]!;
  }

  /** As raw, mangle and filter look at a packet. */
  look(): Stop | undefined {
    const ruling = this.#walk();
    return ruling && this.#stop(ruling);
  }

  /** As nat decides on a connection. */
  decide(): Decision | Stop | undefined {
    const ruling = this.#walk();
    if (ruling === undefined) return undefined;
    const { target, table, chain, rule, number, place } = ruling;
    switch (target.kind) {
      case "DNAT":
      case "SNAT":
      case "MASQUERADE":
      case "REDIRECT":
        return { kind: "translate", translation: target, table, chain, rule, number, place };
      default:
        return this.#stop(ruling);
    }
  }

  #stop(ruling: Ruling): Stop | undefined {
    const { packet, source, budget, kernel, hook } = this.passage;
    const { target, table, chain, rule, place } = ruling;
    if (ruling === gaveUp)
      return {
        kind: "unknown",
        packet,
        why: `${kernel.name}: gave up after ${budget.text}, in ${hook} of table ${this.table}: its chains branch into too many jumps to follow them all`,
        table: this.table,
        chain: hook,
      };
    if (target.kind === "DROP")
      return {
        kind: "drop",
        packet,
        why: rule ? "a rule drops it" : "the chain's policy drops it",
        table,
        chain,
        rule,
        place,
      };
    if (target.kind !== "REJECT") return undefined;
    const unreachable =
      source.family === "IPv4" ? "icmp-port-unreachable" : "icmp6-port-unreachable";
    return { kind: "reject", packet, with: target.with ?? unreachable, table, chain, rule, place };
  }

  /**
   * Walks the built-in chain of this hook; answers the rule that decided, or undefined where the
   * policy accepted.
   */
  #walk(): Ruling | undefined {
    const chain = this.#rules.chain(this.table, this.passage.hook);
    if (chain === undefined) return undefined;
    const ruling = this.#chain(chain, 0);
    if (ruling !== undefined && ruling !== "return")
      return ruling.target.kind === "ACCEPT" ? undefined : ruling;
    const policy = chain.policy ?? "ACCEPT";
    if (this.passage.recorded) this.passage.record("policy", this.#end(chain), policy);
    return policy === "DROP" ? new Ruling({ kind: "DROP" }, this.table, chain.name) : undefined;
  }

  /** The ruling; "return" where a RETURN ended the chain; undefined at its end. */
  #chain(chain: Chain, depth: number): Ruling | "return" | undefined {
    const { rules } = chain;
    const { passage } = this;
    const { choose } = passage;
    const among = choose.first && rules.length > 2 ? drawsAmong(rules) : undefined;
    const candidates = candidatesAmong(rules);
    const next = (from: number) => candidates?.next(passage, from) ?? from;
    for (let i = next(0); i < rules.length; i = next(i + 1)) {
      const draws = among?.get(i);
      if (draws) {
        const drawn = choose.first!(draws);
        i += drawn < draws.length ? drawn : drawn - 1;
        if (drawn === draws.length) continue;
      } else if (!rules[i]!.test(passage)) continue;
      const rule = rules[i]!;
      const result = this.#act(chain, rule, i + 1, depth);
      if (result === undefined) continue;
      this.passage.looked(i + 1);
      return result;
    }
    this.passage.looked(rules.length);
    return undefined;
  }

  /** What a rule that matched does; undefined: the next rule's turn. */
  #act(chain: Chain, rule: Rule, number: number, depth: number): Ruling | "return" | undefined {
    const { passage } = this;
    if (passage.budget.spent) return gaveUp;
    const { target } = rule;
    const kind = target === undefined ? "match" : stepOf[target.kind];
    if (passage.recorded && kind) passage.record(kind, this.#at(chain, rule, number));
    switch (target?.kind) {
      case undefined:
      case "LOG":
      case "TRACE":
        return undefined;
      case "MARK":
        this.#mark(target, chain, rule, number);
        return undefined;
      case "jump":
      case "goto":
        return this.#jump(target, chain, rule, number, depth);
      case "NOTRACK":
        passage.leaveUntracked();
        return undefined;
      case "RETURN":
        return "return";
      default:
        // a verdict, or a translation, which NAT does and records
        return new Ruling(target!, this.table, chain.name, rule, number, chain.purpose?.place);
    }
  }

  #mark(target: RuleTarget & { kind: "MARK" }, chain: Chain, rule: Rule, number: number): void {
    const { passage } = this;
    const before = passage.mark;
    passage.mark = ((before & ~target.mask) ^ target.value) >>> 0;
    if (passage.recorded)
      passage.record(
        "mark",
        this.#at(chain, rule, number),
        undefined,
        undefined,
        hex(before),
        hex(passage.mark),
      );
  }

  #jump(
    target: RuleTarget & { kind: "jump" | "goto" },
    from: Chain,
    rule: Rule,
    number: number,
    depth: number,
  ): Ruling | "return" | undefined {
    const { passage, table } = this;
    const chain = target.within?.chain(target.chain) ?? this.#rules.chain(table, target.chain);
    if (chain === undefined || depth >= maxJumps)
      throw new Error(
        `table ${table}: the jump to ${target.chain} ${chain ? `is more than ${maxJumps} deep` : "leads nowhere: there is no such chain"}; load rules with parseRules, which checks that`,
      );
    if (passage.recorded)
      passage.record("jump", this.#at(from, rule, number), target.chain, chain.purpose?.place);
    const result = this.#chain(chain, depth + 1);
    if (result === undefined && passage.recorded) passage.record("return", this.#end(chain));
    if (result === undefined || result === "return")
      return target.kind === "goto" ? "return" : undefined;
    return result;
  }

  #at(chain: Chain, rule: Rule, number: number): Where {
    const { table } = this;
    const { name, purpose, rules } = chain;
    return { table, chain: name, rule, number, of: rules.length, place: purpose?.place };
  }

  #end(chain: Chain): Where {
    const { name, purpose, rules } = chain;
    return { table: this.table, chain: name, of: rules.length, place: purpose?.place };
  }
}

/** How a target is recorded; marks, jumps and translations are recorded where they are done. */
const stepOf: Partial<Record<RuleTarget["kind"], NetStep["kind"]>> = {
  LOG: "match",
  TRACE: "match",
  NOTRACK: "match",
  RETURN: "return",
  ACCEPT: "accept",
  DROP: "drop",
  REJECT: "reject",
};
