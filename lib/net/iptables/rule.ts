/**
 * Rules and sets of them, for who reads or writes them.
 *
 *     const web = [{ kind: "protocol", protocol: "tcp" }, { kind: "dport", low: 80, high: 80 }];
 *     new Rule(web, { kind: "ACCEPT" })
 */
import type { Purpose } from "../dataplane.js";
import type { Family } from "../ip.js";
import type { Test } from "./look.js";
import { compile } from "./match.js";
import type * as syntax from "./syntax.js";
import type { Chain, Match, RuleSet, RuleTarget } from "./syntax.js";
import type { TableName } from "./tables.js";
import { ruleText } from "./text.js";

class MadeRule implements syntax.Rule {
  #test: Test | undefined;

  constructor(
    readonly matches: readonly Match[],
    readonly target?: RuleTarget,
    readonly purpose?: Purpose,
  ) {}

  /**
   * Whether a packet matches; made on first use, since most rules of a large node never see a
   * packet.
   */
  get test(): Test {
    return (this.#test ??= compile(this.matches));
  }

  text(family: Family): string {
    return ruleText(this, family);
  }

  get comment(): string | undefined {
    return this.matches.find((match) => match.kind === "comment")?.text;
  }
}

export type Rule = syntax.Rule;
/** A rule of these matches, with what it is for. */
export const Rule: new (
  matches: readonly Match[],
  target?: RuleTarget,
  purpose?: Purpose,
) => syntax.Rule = MadeRule;

/** A rule set of given chains. */
export class Rules implements RuleSet {
  readonly #tables = new Map<TableName, Map<string, Chain>>();

  constructor(
    readonly family: Family,
    tables: Partial<Record<TableName, Iterable<Chain>>> = {},
  ) {
    for (const [name, chains] of Object.entries(tables))
      this.#tables.set(name as TableName, new Map([...chains].map((chain) => [chain.name, chain])));
  }

  chain(table: TableName, name: string): Chain | undefined {
    return this.#tables.get(table)?.get(name);
  }

  chains(table: TableName): Iterable<Chain> {
    return this.#tables.get(table)?.values() ?? [];
  }
}
