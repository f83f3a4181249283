/**
 * A rule set while a text is read: what commands add and take away, and in the end the checks that
 * the kernel makes when a transaction is committed (net/netfilter/nf_tables_api.c).
 */
import { RulesError } from "../rules-error.js";
import { maxJumps } from "./limits.js";
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
import { spanOf, typeOf, type Span } from "./types.js";

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
    for (const set of this.sets.values()) checkIntervals(set);
    return new PlainTable({
      family,
      name,
      comment,
      flags,
      ...(others.length > 0 && { others }),
      chains: Array.from(this.chains, ([chain, draft]): Chain => finishedChain(chain, draft)),
      sets: Array.from(this.sets.values(), ({ elements, line: _, ...set }): NamedSet => ({
        ...set,
        elements: elementsOf(elements.values()),
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
  if (!("chain" in verdict) || table.chains.has(verdict.chain)) return;
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
