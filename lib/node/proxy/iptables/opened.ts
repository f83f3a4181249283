/** iptables-save's text, opened: the rules, and what they tell of their node. */
import type { Family } from "../../../net/ip.js";
import { parseRules } from "../../../net/iptables/parse.js";
import type { RuleSet } from "../../../net/iptables/syntax.js";
import { builtinChains, type TableName } from "../../../net/iptables/tables.js";
import { saveText } from "../../../net/iptables/text.js";
import { iptables } from "../../../net/iptables/walk.js";
import { byDevice, type OpenedRules, type Told } from "../opened.js";
import { placeOf, recognised } from "./names.js";
import { pastedText } from "./pasted.js";
import { ruleRows } from "./rows.js";
import type { RuleRow } from "../rule-tables.js";
import { isOwn } from "./strangers.js";

/** Throws a RulesError with the line where the text is no such rules. */
export function openIptables(text: string, family: Family): OpenedRules {
  const pasted = pastedText(text, family);
  const rules = recognised(parseRules(pasted.text, { family }));
  return {
    install: (kernel) => void (iptables(kernel).rules[family] = rules),
    rows: withoutStrangers(ruleRows(() => rules)),
    isOwn,
    text: () => saveText(rules),
    goals: new Set(goalsOf(rules)),
    podRanges: [...clusterRanges(rules)],
    services: serviceAddresses(rules),
    addresses: [],
    devices: byDevice(devicesIn(rules)),
    warnings: pasted.warnings,
    unmodelled: pasted.unmodelled,
  };
}

/** Nobody here knows what others' rules are for. */
function withoutStrangers({ chain, of, ...rest }: OpenedRules["rows"]): OpenedRules["rows"] {
  const honest = (rows: RuleRow[]) =>
    rows.map((row) => (isOwn(row.chain, row.rule) ? row : { ...row, why: "" }));
  return {
    ...rest,
    chain: (...asked) => honest(chain(...asked)),
    of: (service) => honest(of(service)),
  };
}

function serviceAddresses(rules: RuleSet): ReadonlySet<string> {
  const found = new Set<string>();
  for (const chain of rules.chains("nat"))
    for (const { matches } of placeOf("nat", chain.name) === "services" ? chain.rules : [])
      for (const match of matches)
        if (match.kind === "destination" && !match.not) found.add(match.cidr.replace(/\/\d+$/, ""));
  return found;
}

/** As a rule "! -s RANGE" takes it. */
function* clusterRanges(rules: RuleSet): Generator<string> {
  for (const chain of rules.chains("nat"))
    for (const { matches, target } of chain.rules)
      if (target?.kind === "jump" && placeOf("nat", target.chain) === "masquerade mark")
        for (const match of matches)
          if (match.kind === "source" && match.not && match.cidr.includes("/")) yield match.cidr;
}

/** "-s 172.17.0.0/16 ! -o docker0" tells who is behind docker0. */
function* devicesIn(rules: RuleSet): Generator<Told> {
  for (const table of Object.keys(builtinChains) as TableName[])
    for (const chain of rules.chains(table))
      for (const { matches } of chain.rules) {
        const ranges = matches.flatMap((match) =>
          (match.kind === "source" || match.kind === "destination") && !match.not
            ? [match.cidr]
            : [],
        );
        for (const match of matches)
          if (match.kind === "in" || match.kind === "out") yield [match.interface, ranges];
      }
}

/** Where rules send packets: the endpoints, as far as the text tells. */
function* goalsOf(rules: RuleSet): Generator<string> {
  for (const chain of rules.chains("nat"))
    for (const { target } of chain.rules)
      if (target?.kind === "DNAT" && target.address) yield target.address;
}
