/** A rule set as rows with their reasons. */
import type { Rule } from "../../../net/iptables/rule.js";
import type { Chain, RuleSet } from "../../../net/iptables/syntax.js";
import type { TableName } from "../../../net/iptables/tables.js";
import { natTo, ruleText } from "../../../net/iptables/text.js";
import { printable } from "../../../net/printable.js";
import { ownPlaces } from "../places.js";
import { remembered } from "../remembered.js";
import type { ChainRow, NodeRuleTables, RuleRow } from "../rule-tables.js";
import { why, whyChain } from "./why.js";

/** A rule and where it stands. */
interface Placed {
  table: TableName;
  chain: Chain;
  rule: Rule;
}

/** `rules`: those that the node holds at the moment when somebody asks. */
export function ruleRows(
  rules: () => RuleSet | undefined,
): Pick<NodeRuleTables, "chain" | "chains" | "of" | "endpoints"> {
  const family = () => rules()?.family ?? "IPv4";
  const rowOf = ({ table, chain: { name }, rule }: Placed): RuleRow => ({
    table,
    chain: name,
    rule: ruleText(rule, family()),
    ...(rule.purpose?.object && { object: rule.purpose.object }),
    ...(rule.purpose?.field && { field: rule.purpose.field }),
    why: printable(why(rule, name)),
  });
  return {
    chain(name, table = "nat") {
      const chain = rules()?.chain(table as TableName, name);
      return chain ? placed(table as TableName, chain).map(rowOf) : [];
    },
    chains: (table = "nat") =>
      [...(rules()?.chains(table as TableName) ?? [])].map(
        ({ name, rules: { length } }): ChainRow => ({
          chain: name,
          rules: length,
          why: whyChain(name),
        }),
      ),
    of: (service) => serving(rules(), service).map(rowOf),
    endpoints: (service) => [
      ...new Set(
        serving(rules(), service).flatMap(({ rule: { target } }) =>
          target?.kind === "DNAT" ? [natTo(target)] : [],
        ),
      ),
    ],
  };
}

const placed = (table: TableName, chain: Chain): Placed[] =>
  chain.rules.map((rule) => ({ table, chain, rule }));

/** What serves a Service in a rule set, which never changes: who films a node asks at each look. */
const known = new WeakMap<RuleSet, Map<string, readonly Placed[]>>();

function serving(rules: RuleSet | undefined, service: string): readonly Placed[] {
  if (!rules) return [];
  const ofServices = known.get(rules) ?? new Map<string, readonly Placed[]>();
  known.set(rules, ofServices);
  return remembered(ofServices, service, () => findServing(rules, service));
}

/** The rules that name the Service, and all of the Service's own chains that they lead to. */
function findServing(rules: RuleSet, service: string): readonly Placed[] {
  const all = (["nat", "filter"] as const).flatMap((table) =>
    [...rules.chains(table)].flatMap((chain) => placed(table, chain)),
  );
  const found = new Set(all.filter(({ rule }) => names(rule, service)));
  const own = new Set<Chain>();
  for (const { table, chain, rule } of found)
    for (const each of [chain, targetOf(rules, table, rule)]) {
      if (!each || !ownPlaces.has(each.purpose?.place) || own.has(each)) continue;
      own.add(each);
      // a Set's loop goes on to what is added: so the jumps are followed
      for (const its of all) if (its.chain === each) found.add(its);
    }
  return all.filter((each) => found.has(each));
}

/** Whether a rule is for the Service, or for one of its ports: "default/nginx:http". */
const names = ({ purpose, comment }: Rule, service: string): boolean =>
  purpose?.object === `Service ${service}` ||
  (comment?.split(" ").some((word) => word === service || word.startsWith(`${service}:`)) ?? false);

function targetOf(rules: RuleSet, table: TableName, { target }: Rule): Chain | undefined {
  return target?.kind === "jump" || target?.kind === "goto"
    ? (target.within?.chain(target.chain) ?? rules.chain(table, target.chain))
    : undefined;
}
