/** Whether two kernels' rules are the same, and which addresses rules tell apart. */
import { parseCIDR, type CIDR } from "../ip.js";
import type { Rule } from "./rule.js";
import type { Chain, RuleSet } from "./syntax.js";

const tables = ["raw", "mangle", "nat", "filter"] as const;

/** Whether both say the same of every packet: the same chains with the same rules. */
export function isSameRules(x: RuleSet, y: RuleSet): boolean {
  if (x === y) return true;
  if (x.family !== y.family) return false;
  return tables.every((table) => {
    const others = y.chains(table)[Symbol.iterator]();
    for (const chain of x.chains(table)) {
      const other = others.next();
      if (other.done || !isSameChain(chain, other.value)) return false;
    }
    return others.next().done === true;
  });
}

const isSameChain = (x: Chain, y: Chain): boolean =>
  x === y || (x.name === y.name && x.policy === y.policy && isSameList(x.rules, y.rules));

function isSameList(x: readonly Rule[], y: readonly Rule[]): boolean {
  if (x === y) return true;
  return (
    x.length === y.length &&
    x.every((rule, i) => rule === y[i] || rule.text("IPv4") === y[i]!.text("IPv4"))
  );
}

/**
 * The ranges by which rules tell addresses apart: two that lie in the same of them look alike.
 * undefined: some rule remembers addresses, and may tell any two apart.
 */
export function rangesToldApart(rules: RuleSet): readonly CIDR[] | undefined {
  const ranges = new Set<string>();
  for (const table of tables)
    for (const chain of rules.chains(table))
      for (const { matches } of chain.rules)
        for (const match of matches) {
          if (match.kind === "recent") return undefined;
          if (match.kind === "source" || match.kind === "destination") ranges.add(match.cidr);
        }
  return [...ranges].map(parseCIDR);
}
