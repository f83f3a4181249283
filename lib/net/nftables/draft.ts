/**
 * A rule set while a text is read: what commands add and take away, and in the end the checks that
 * the kernel makes when a transaction is committed (net/netfilter/nf_tables_api.c).
 */
import { RulesError } from "../rules-error.js";
import { intervalsOf } from "./anonymous.js";
import { maxJumps } from "./limits.js";
import { expressionsIn } from "./parts.js";
import {
  elementsOf,
  PlainTable,
  ruleSetOf,
  type Base,
  type Chain,
  type Element,
  type NamedSet,
  type Rule,
  type RuleSet,
  type Statement,
  type Table,
  type TableFamily,
  type Verdict,
} from "./ruleset.js";
import { isSpan, spanOf, typeOf, type Span } from "./types.js";

export interface DraftRule {
  readonly rule: Rule;
  readonly line: number;
}

export interface DraftChain {
  comment?: string | undefined;
  base?: Base | undefined;
  rules: DraftRule[];
}

export interface DraftSet extends Omit<NamedSet, "elements"> {
  readonly elements: Map<string, Element>;
  /** The line where it was declared. */
  readonly line: number;
}

export class DraftTable {
  comment: string | undefined;
  flags: readonly string[] | undefined;
  readonly others: string[] = [];
  readonly chains = new Map<string, DraftChain>();
  readonly sets = new Map<string, DraftSet>();

  constructor(
    readonly family: TableFamily,
    readonly name: string,
  ) {}

  static from(table: Table): DraftTable {
    const draft = new DraftTable(table.family, table.name);
    draft.comment = table.comment;
    draft.flags = table.flags;
    draft.others.push(...(table.others ?? []));
    for (const { name, comment, base, rules } of table.chains())
      draft.chains.set(name, { comment, base, rules: rules.map((rule) => ({ rule, line: 0 })) });
    for (const { elements, ...set } of table.sets()) {
      const own = new Map(Array.from(elements.values(), (each) => [each.key, each]));
      draft.sets.set(set.name, { ...set, elements: own, line: 0 });
    }
    return draft;
  }

  finished(): Table {
    const { family, name, comment, flags, others } = this;
    checkJumps(this);
    checkHooks(this);
    for (const set of this.sets.values()) {
      checkElements(set);
      checkIntervals(set);
    }
    return new PlainTable({
      family,
      name,
      comment,
      flags,
      ...(others.length > 0 && { others }),
      chains: Array.from(this.chains, ([chain, draft]): Chain => finishedChain(chain, draft)),
      sets: Array.from(this.sets.values(), ({ elements, line: _, ...set }): NamedSet => ({
        ...set,
        elements: elementsOf(
          set.autoMerge ? intervalsOf([...elements.values()], set.type) : elements.values(),
        ),
      })),
    });
  }
}

const finishedChain = (name: string, { comment, base, rules }: DraftChain): Chain => ({
  name,
  rules: rules.map(({ rule }) => rule),
  ...(comment !== undefined && { comment }),
  ...(base && { base }),
});

export class Draft {
  readonly tables = new Map<string, DraftTable>();

  constructor(onto?: RuleSet) {
    for (const table of onto?.tables() ?? [])
      this.tables.set(`${table.family} ${table.name}`, DraftTable.from(table));
  }

  table(family: TableFamily, name: string): DraftTable | undefined {
    return this.tables.get(`${family} ${name}`);
  }

  addTable(family: TableFamily, name: string): DraftTable {
    const table = this.table(family, name) ?? new DraftTable(family, name);
    this.tables.set(`${family} ${name}`, table);
    return table;
  }

  finished(): RuleSet {
    return ruleSetOf(...Array.from(this.tables.values(), (table) => table.finished()));
  }
}

// ---- what the kernel refuses --------------------------------------------------------------------

/** Every verdict that a statement may come to. */
function* verdictsOf(statement: Statement, table: DraftTable): Generator<Verdict> {
  if ("chain" in statement) yield statement;
  if (statement.kind !== "vmap") return;
  const { map } = statement;
  const elements = "name" in map ? table.sets.get(map.name)?.elements.values() : map.elements;
  for (const { data } of elements ?? []) if (typeof data === "object") yield data;
}

/** Jumps lead to chains that are there; from a base chain on never in a circle, nor too deep. */
function checkJumps(table: DraftTable): void {
  for (const { rules } of table.chains.values())
    for (const { rule, line } of rules)
      for (const statement of rule.statements)
        if (statement.kind !== "vmap" || "elements" in statement.map)
          for (const verdict of verdictsOf(statement, table)) checkGoal(verdict, table, line, "");
  for (const { name, data, elements, line } of table.sets.values())
    if (data === "verdict")
      for (const { data: verdict } of elements.values())
        if (typeof verdict === "object")
          checkGoal(verdict, table, line, `, which map ${name} goes to`);
  const heights = new Map<string, number>();
  for (const [name, { base }] of table.chains) if (base) heightOf(name, table, heights, new Set());
}

function checkGoal(verdict: Verdict, table: DraftTable, line: number, where: string): void {
  if (!("chain" in verdict)) return;
  const chain = table.chains.get(verdict.chain);
  if (chain?.base)
    throw new RulesError(
      line || 1,
      `${verdict.chain}${where} is a base chain: packets come there by its hook, and not by a jump`,
    );
  if (chain) return;
  const { family, name } = table;
  throw new RulesError(
    line || 1,
    `there is no chain ${verdict.chain} in table ${family} ${name}${where}`,
  );
}

/** How many jumps lead on from a chain, at most; `path`: the chains that lead here. */
function heightOf(
  name: string,
  table: DraftTable,
  heights: Map<string, number>,
  path: Set<string>,
): number {
  const known = heights.get(name);
  if (known !== undefined) return known;
  path.add(name);
  let most = 0;
  for (const { rule, line } of table.chains.get(name)!.rules)
    for (const statement of rule.statements)
      for (const verdict of verdictsOf(statement, table)) {
        if (!("chain" in verdict)) continue;
        const { chain } = verdict;
        if (path.has(chain)) throw circle(line || 1, [...path, chain]);
        if (path.size >= maxJumps) throw tooDeep(line || 1, chain);
        most = Math.max(most, 1 + heightOf(chain, table, heights, path));
        if (path.size - 1 + most >= maxJumps) throw tooDeep(line || 1, chain);
      }
  path.delete(name);
  heights.set(name, most);
  return most;
}

const circle = (line: number, path: readonly string[]): RulesError =>
  new RulesError(line, `the jump to ${path.at(-1)} closes a circle: ${path.join(" -> ")}`);

const tooDeep = (line: number, chain: string): RulesError =>
  new RulesError(
    line,
    `the jump to ${chain} is the ${maxJumps}th in a row; the kernel takes fewer`,
  );

/** A rule does its work only where the base chain that leads to it is. */
function checkHooks(table: DraftTable): void {
  const known = new Set<string>();
  for (const [name, { base }] of table.chains) if (base) checkFrom(name, base, table, known);
}

function checkFrom(name: string, base: Base, table: DraftTable, known: Set<string>): void {
  const key = `${base.type} ${base.hook} ${name}`;
  if (known.has(key)) return;
  known.add(key);
  for (const { rule, line } of table.chains.get(name)!.rules)
    for (const statement of rule.statements) {
      const places = placesOf(statement);
      const isHome =
        !places || (places.hooks.includes(base.hook) && (!places.nat || base.type === "nat"));
      if (!isHome)
        throw new RulesError(
          line || 1,
          `${statement.kind} in chain ${name}: a chain of type ${base.type} at hook ${base.hook} leads there; the kernel takes it ${places.nat ? "in chains of type nat " : ""}at ${places.hooks.join(" and ")}`,
        );
      for (const verdict of verdictsOf(statement, table))
        if ("chain" in verdict) checkFrom(verdict.chain, base, table, known);
    }
}

interface Places {
  readonly nat?: true;
  readonly hooks: readonly Base["hook"][];
}

/** (net/netfilter/nft_nat.c, nft_masq.c, nft_redir.c, nft_reject_inet.c: …_validate) */
const places: Partial<Record<Statement["kind"], Places>> = {
  dnat: { nat: true, hooks: ["prerouting", "output"] },
  redirect: { nat: true, hooks: ["prerouting", "output"] },
  snat: { nat: true, hooks: ["postrouting", "input"] },
  masquerade: { nat: true, hooks: ["postrouting"] },
  reject: { hooks: ["prerouting", "input", "forward", "output", "ingress"] },
};
/** What a route says of the interface by which the packet came. (net/netfilter/nft_fib.c) */
const incoming: Places = { hooks: ["prerouting", "input", "forward"] };
const placesOf = (statement: Statement): Places | undefined =>
  expressionsIn(statement).some((each) => each.kind === "fib" && each.from.includes("iif"))
    ? incoming
    : places[statement.kind];

/** What its flags and its size do not allow. */
function checkElements({ name, type, flags = [], size, timeout, elements, line }: DraftSet): void {
  const refuse = (problem: string): never => {
    throw new RulesError(line || 1, `in ${name}, ${problem}`);
  };
  const isTimed = timeout !== undefined || flags.includes("timeout");
  const isPlain = !flags.includes("interval");
  if (isPlain && size !== undefined && elements.size > size)
    refuse(`there are ${elements.size} elements; its size is ${size}`);
  const kinds = type.map(typeOf);
  const isInterval = (key: string): boolean =>
    key !== "*" && key.split(" . ").some((part, i) => kinds[i]?.text && isSpan(kinds[i], part));
  for (const element of elements.values()) {
    if (element.timeout !== undefined && !isTimed)
      refuse(`${element.key} has a timeout; write flags timeout`);
    if (isPlain && isInterval(element.key))
      refuse(`${element.key} is more than one value; write flags interval`);
  }
}

/** Intervals of one set may not overlap, unless it merges them (auto-merge). */
function checkIntervals({ name, type, flags, autoMerge, elements, line }: DraftSet): void {
  const kind = type.length === 1 ? typeOf(type[0]!) : undefined;
  if (!kind?.text || autoMerge || !flags?.includes("interval")) return;
  const spans = Array.from(elements.keys())
    .filter((key) => key !== "*")
    .map((key): Span & { key: string } => ({ key, ...spanOf(kind, key) }))
    .sort((x, y) => (x.low < y.low ? -1 : x.low > y.low ? 1 : 0));
  for (const [i, { key, low }] of spans.entries()) {
    const before = spans[i - 1];
    if (before && low <= before.high)
      throw new RulesError(
        line || 1,
        `in ${name}, the intervals ${before.key} and ${key} overlap; write auto-merge, or take one out`,
      );
  }
}
