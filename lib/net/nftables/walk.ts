/**
 * nftables as a dataplane: at each hook a packet walks the base chains that stand there, in the
 * order of their priorities. What one of them accepts still meets the next; what one drops meets
 * nobody. (net/netfilter/nf_tables_core.c, nft_do_chain)
 *
 *     nftables(kernel).rules = parseNftables(text);
 *
 * ruleset.ts has the rules as data, compile.ts what a rule asks.
 */
import type { Dataplane, Decision, Hook, HookFunction, ShownRule } from "../dataplane.js";
import type { Stop, Where } from "../dataplane.js";
import type { CIDR, Family } from "../ip.js";
import type { Kernel } from "../kernel.js";
import type { Passage } from "../passage.js";
import type { Operation } from "./compile.js";
import { maxJumps } from "./limits.js";
import { Memory } from "./memory.js";
import type { Look } from "./reading.js";
import type { Chain, Element, Rule, RuleSet, Table, Verdict } from "./ruleset.js";
import { isSameRules, rangesToldApart, tablesFor } from "./sameness.js";

/** The rules that a kernel's nftables hold. */
export class Nftables implements Dataplane {
  readonly name = "nftables";
  readonly memory: Memory;
  #rules: RuleSet | undefined;
  #functions: Partial<Record<Family, readonly HookFunction[]>> = {};

  constructor(clock: { now(): number }) {
    this.memory = new Memory(clock);
  }

  get rules(): RuleSet | undefined {
    return this.#rules;
  }

  /** All at once, as a transaction changes them. Sets that stay keep what packets put into them. */
  set rules(rules: RuleSet | undefined) {
    this.#rules = rules;
    this.#functions = {};
    this.memory.keepWhatIsIn(rules);
  }

  functions(family: Family): readonly HookFunction[] {
    return (this.#functions[family] ??= this.#rules
      ? functionsOf(this.#rules, family, this)
      : none);
  }

  isSameAs(other: Dataplane, family: Family): boolean {
    if (!(other instanceof Nftables)) return false;
    const [own, theirs] = [this.#rules, other.#rules];
    return own && theirs ? isSameRules(own, theirs, family) : own === theirs;
  }

  rangesToldApart(family: Family): readonly CIDR[] | undefined {
    return this.#rules ? rangesToldApart(this.#rules, family) : [];
  }
}

const none: readonly HookFunction[] = [];

/** A kernel's nftables; loaded where it was not. */
export function nftables(kernel: Kernel): Nftables {
  for (const dataplane of kernel.dataplanes) if (dataplane instanceof Nftables) return dataplane;
  const loaded = new Nftables(kernel.conntrack.clock);
  kernel.dataplanes.attach(loaded);
  return loaded;
}

const hooks: Readonly<Record<string, Hook>> = {
  prerouting: "PREROUTING",
  input: "INPUT",
  forward: "FORWARD",
  output: "OUTPUT",
  postrouting: "POSTROUTING",
};

/** Of chains with the same priority, the later one comes first (nf_hook_entries_grow). */
function functionsOf(rules: RuleSet, family: Family, { memory }: Nftables): HookFunction[] {
  const functions: HookFunction[] = [];
  for (const table of tablesFor(rules, family)) {
    if (table.flags?.includes("dormant")) continue;
    for (const chain of table.baseChains?.() ?? table.chains()) {
      const on = chain.base && functionOf(table, chain, memory);
      if (on) functions.push(on);
    }
  }
  return functions.reverse();
}

function functionOf(table: Table, chain: Chain, memory: Memory): HookFunction | undefined {
  const { type, hook: name, priority } = chain.base!;
  const hook = hooks[name];
  if (hook === undefined) return undefined; // ingress and egress are a device's
  const named = `${table.family} ${table.name}`;
  const walker = (passage: Passage): Walker => new Walker(passage, table, named, chain, memory);
  if (type === "nat")
    return hook === "FORWARD"
      ? undefined
      : { hook, priority, decide: (passage) => walker(passage).decide() };
  return { hook, priority, look: (passage) => walker(passage).look() };
}

/** What ended the walk of a base chain, and where that stands. */
type Ruling =
  | Decision
  | {
      kind: "accept" | "drop" | "reject" | "unknown";
      where: Where;
      /** reject: as iptables calls it. */
      with?: string;
      why?: string;
    };

const accepted: Ruling = { kind: "accept", where: {} };

/** What a rule comes to: undefined goes on to the next one. */
type Result = Ruling | "return" | undefined;

/** A packet's walk through one base chain. */
class Walker implements Look {
  /** The last element with a comment that led the packet on. */
  #led: Element | undefined;

  constructor(
    readonly passage: Passage,
    readonly table: Table,
    readonly tableName: string,
    readonly base: Chain,
    readonly memory: Memory,
  ) {}

  /** As a chain of type filter or route looks at a packet. */
  look(): Stop | undefined {
    const ruling = this.#walk();
    if (ruling === undefined || ruling.kind === "accept") return undefined;
    if (ruling.kind !== "translate") return this.#stop(ruling);
    const why =
      "NAT is decided on in chains of type nat alone; the kernel would not take this rule";
    return this.#stop({ kind: "unknown", where: ruling, why });
  }

  /** As a chain of type nat decides on a connection. */
  decide(): Decision | Stop | undefined {
    const ruling = this.#walk();
    if (ruling === undefined || ruling.kind === "accept") return undefined;
    return ruling.kind === "translate" ? ruling : this.#stop(ruling);
  }

  #stop({
    kind,
    where,
    with: answer = "",
    why = "a rule drops it",
  }: Exclude<Ruling, Decision>): Stop {
    const { packet } = this.passage;
    const { table, chain, rule, number, place } = where;
    if (kind === "reject") return { kind, packet, with: answer, table, chain, rule, number, place };
    const at = kind === "unknown" ? `${this.passage.kernel.name}: ${why}` : why;
    return {
      kind: kind === "unknown" ? "unknown" : "drop",
      packet,
      why: at,
      table,
      chain,
      rule,
      number,
      place,
    };
  }

  /** undefined: the policy accepted. */
  #walk(): Ruling | undefined {
    const { base, passage } = this;
    const result = this.#chain(base, 0);
    if (result !== undefined && result !== "return") return result;
    const policy = base.base!.policy ?? "accept";
    if (passage.recorded) passage.record("policy", this.#end(base), policy.toUpperCase());
    return policy === "drop"
      ? { kind: "drop", where: this.#end(base), why: "the chain's policy drops it" }
      : undefined;
  }

  #chain(chain: Chain, depth: number): Result {
    const { rules } = chain;
    for (let i = 0; i < rules.length; i++) {
      const result = this.#rule(chain, rules[i]!, i + 1, depth);
      if (result === undefined) continue;
      this.passage.looked(i + 1);
      return result;
    }
    this.passage.looked(rules.length);
    return undefined;
  }

  /** Does what a rule says, one statement after the other, until one does not match. */
  #rule(chain: Chain, rule: Rule, number: number, depth: number): Result {
    const { tests, operations } = rule.compiled;
    for (let i = 0; i < tests.length; i++) if (!tests[i]!(this)) return undefined;
    const { passage } = this;
    let recorded = false;
    for (let i = 0; i < operations.length; i++) {
      const operation = operations[i]!;
      switch (operation.kind) {
        case "test":
          if (!operation.test(this)) return undefined;
          break;
        case "vmap": {
          const element = operation.find(this);
          if (element === undefined) return undefined;
          const verdict = element.data as Verdict;
          if (verdict.kind === "continue") break;
          const isOnItsWay = "chain" in verdict;
          if (isOnItsWay && element.comment !== undefined) this.#led = element;
          // of a jump that nobody records the rule is not asked for
          const shown = isOnItsWay && !passage.recorded ? rule : found(rule, element);
          return this.#verdict(verdict, chain, shown, number, depth);
        }
        case "mark":
          if (!this.#mark(operation, chain, rule, number)) return undefined;
          recorded ||= operation.of === "packet";
          break;
        case "change":
          if (!this.#change(operation)) return undefined;
          break;
        case "nat": {
          const ruling = this.#translate(operation, chain, rule, number);
          if (ruling === "break") return undefined;
          if (ruling) return ruling;
          break;
        }
        case "unknown":
          return {
            kind: "unknown",
            where: this.#at(chain, rule, number),
            why: unmodelled(operation),
          };
        case "statement": {
          const { statement } = operation;
          switch (statement.kind) {
            case "notrack":
              passage.leaveUntracked();
              break;
            case "reject":
              return this.#reject(statement.with, chain, rule, number);
            case "counter":
            case "log":
              break;
          }
          break;
        }
        case "verdict": {
          const { verdict } = operation;
          if (verdict.kind === "continue") break;
          return this.#verdict(verdict, chain, rule, number, depth);
        }
      }
    }
    if (passage.recorded && !recorded) passage.record("match", this.#at(chain, rule, number));
    return undefined;
  }

  #verdict(verdict: Verdict, chain: Chain, rule: ShownRule, number: number, depth: number): Result {
    const { passage } = this;
    if ("chain" in verdict) return this.#jump(verdict, chain, rule, number, depth);
    const { kind } = verdict;
    if (kind === "continue") return undefined;
    if (passage.recorded) passage.record(kind, this.#at(chain, rule, number));
    if (kind === "return") return kind;
    return kind === "accept" ? accepted : { kind, where: this.#at(chain, rule, number) };
  }

  #jump(
    { kind, chain: name }: Extract<Verdict, { chain: string }>,
    from: Chain,
    rule: ShownRule,
    number: number,
    depth: number,
  ): Result {
    const { passage, table } = this;
    if (passage.budget.spent) return this.#gaveUp(from);
    const chain = table.chain(name);
    if (chain === undefined || depth >= maxJumps)
      throw new Error(
        `table ${table.family} ${table.name}: the jump to ${name} ${chain ? `is more than ${maxJumps} deep` : "leads nowhere: there is no such chain"}; load rules with parseNftables, which checks that`,
      );
    if (passage.recorded)
      passage.record("jump", this.#at(from, rule, number), name, chain.purpose?.place);
    const result = this.#chain(chain, depth + 1);
    if (result === undefined && passage.recorded) passage.record("return", this.#end(chain));
    if (result !== undefined && result !== "return") return result;
    return kind === "goto" ? "return" : undefined;
  }

  #gaveUp(chain: Chain): Ruling {
    const { budget, hook } = this.passage;
    const why = `gave up after ${budget.text}, in ${hook} of table ${this.tableName}: its chains branch into too many jumps to follow them all`;
    return { kind: "unknown", where: this.#end(chain), why };
  }

  /** False: there is no value, and the rule does not match. */
  #mark(
    { of, value }: Extract<Operation, { kind: "mark" }>,
    chain: Chain,
    rule: Rule,
    number: number,
  ): boolean {
    const { passage, memory } = this;
    const mark = value(this);
    if (mark === undefined) return false;
    if (of === "connection") {
      // without a connection nothing happens, and the rule goes on (nft_ct_set_eval)
      if (passage.tracked) memory.mark(passage.tracked.connection, mark, passage.undo);
      return true;
    }
    const before = passage.mark;
    passage.mark = mark >>> 0;
    if (passage.recorded) {
      const where = this.#at(chain, rule, number);
      passage.record("mark", where, undefined, undefined, hex(before), hex(passage.mark));
    }
    return true;
  }

  /** False: the set is full, or the packet has no such key. */
  #change({ statement, key }: Extract<Operation, { kind: "change" }>): boolean {
    const { table, memory, passage } = this;
    const set = table.set(statement.set);
    const text = key(this);
    if (set === undefined || text === undefined) return false;
    if (statement.kind === "delete") memory.take(table, set, text, passage.undo);
    else return memory.put(table, set, text, statement.kind, statement.timeout, passage.undo);
    return true;
  }

  /** "break": a map has no such key. undefined: it is not for this family. */
  #translate(
    { family, goal, isMapped }: Extract<Operation, { kind: "nat" }>,
    chain: Chain,
    rule: Rule,
    number: number,
  ): Ruling | "break" | undefined {
    // what it is translated to is looked up before anybody asks for the family (nft_nat_inet_eval)
    const translation = goal(this);
    if (translation === undefined) return "break";
    const { address } = translation as { address?: string };
    if (isMapped && address !== undefined && /[-/]/.test(address)) {
      const why = `${JSON.stringify(rule.text())} chooses among ${address} by a hash, which is not modelled`;
      return { kind: "unknown", where: this.#at(chain, rule, number), why };
    }
    const own = this.passage.source.family === "IPv4" ? "ip" : "ip6";
    if (family !== undefined && family !== own) return undefined;
    const { name, purpose, rules } = chain;
    const { tableName: table } = this;
    const [of, place] = [rules.length, purpose?.place];
    return { kind: "translate", translation, table, chain: name, rule, number, of, place };
  }

  #reject(answer: string | undefined, chain: Chain, rule: Rule, number: number): Result {
    const { passage } = this;
    const said = rejection(answer, passage);
    if (said === undefined) return undefined;
    // a chain that refuses for many does not say for whom; who led here does
    const isSilent = rule.comment === undefined && rule.purpose?.object === undefined;
    const shown = isSilent && this.#led ? found(rule, this.#led) : rule;
    const where = this.#at(chain, shown, number);
    if (passage.recorded) passage.record("reject", where);
    return { kind: "reject", where, with: said };
  }

  #at({ name, purpose, rules }: Chain, rule: ShownRule, number: number): Where {
    const { tableName: table } = this;
    return { table, chain: name, rule, number, of: rules.length, place: purpose?.place };
  }

  #end({ name, purpose, rules }: Chain): Where {
    return { table: this.tableName, chain: name, of: rules.length, place: purpose?.place };
  }
}

const hex = (mark: number): string => `0x${mark.toString(16)}`;

const unmodelled = ({ text, line }: Extract<Operation, { kind: "unknown" }>): string =>
  `the packet meets ${JSON.stringify(text)}${line === undefined ? "" : ` (line ${line} of the rules)`}, which is not modelled`;

/** A rule that looked into a map is for what the element is for. */
class FoundRule implements ShownRule {
  constructor(
    readonly rule: Rule,
    readonly element: Element,
  ) {}

  text(): string {
    return this.rule.text();
  }

  get comment(): string | undefined {
    return this.element.comment ?? this.rule.comment;
  }

  get purpose() {
    return this.element.purpose ?? this.rule.purpose;
  }

  get statements() {
    return this.rule.statements;
  }

  /** Of this rule as it is here: what it is for is the element's. */
  get why(): ((chain: string) => string) | undefined {
    const rule: ShownRule = this.rule;
    return rule.why && ((chain) => rule.why!.call(this, chain));
  }
}

const foundRules = new WeakMap<Element, Map<Rule, FoundRule>>();

/** The same for the same: readers remember what they know of a rule. */
function found(rule: Rule, element: Element): ShownRule {
  let known = foundRules.get(element);
  if (!known) foundRules.set(element, (known = new Map<Rule, FoundRule>()));
  let made = known.get(rule);
  if (!made) known.set(rule, (made = new FoundRule(rule, element)));
  return made;
}

/** icmpx is told in the words of either family (include/uapi/linux/netfilter/nf_tables.h). */
const either: Readonly<Record<string, readonly [IPv4: string, IPv6: string]>> = {
  "port-unreachable": ["icmp-port-unreachable", "icmp6-port-unreachable"],
  "host-unreachable": ["icmp-host-unreachable", "icmp6-addr-unreachable"],
  "no-route": ["icmp-net-unreachable", "icmp6-no-route"],
  "admin-prohibited": ["icmp-admin-prohibited", "icmp6-adm-prohibited"],
};

/** As iptables calls it; undefined: this packet is none that is answered so. */
function rejection(
  answer = "icmpx port-unreachable",
  { protocol, source }: Passage,
): string | undefined {
  if (answer === "tcp reset") return protocol === "TCP" ? "tcp-reset" : undefined;
  const isIPv4 = source.family === "IPv4";
  const [kind, code = ""] = answer.split(" ");
  if (kind === "icmpx") return either[code]?.[isIPv4 ? 0 : 1] ?? `icmp-${code}`;
  if ((kind === "icmp") !== isIPv4) return undefined;
  if (isIPv4) return `icmp-${code.replace("prot-", "proto-")}`;
  return `icmp6-${code.replace("admin-", "adm-")}`;
}
