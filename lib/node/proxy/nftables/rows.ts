/** A node's table as rows with their reasons: the rules of its chains, the elements of its sets. */
import type { Chain, NamedSet, Table } from "../../../net/nftables/ruleset.js";
import { elementText } from "../../../net/nftables/text.js";
import { printable } from "../../../net/printable.js";
import type { ChainRow, NodeRuleTables, RuleRow } from "../rule-tables.js";
import { serviceIn } from "./names.js";
import type { NodeTable } from "./node-table.js";
import type { ProxyElement } from "./rules.js";
import { why, whyChain, whyElement, whySet } from "./why.js";

/** `table`: the one that the node holds at the moment when somebody asks. */
export function tableRows(
  table: () => NodeTable | undefined,
): Pick<NodeRuleTables, "chain" | "chains" | "of" | "endpoints"> {
  return {
    chain(name) {
      const held = table();
      const [chain, set] = [held?.chain(name), held?.set(name)];
      return chain ? ruleRows(held!, chain) : set ? elementRows(held!, set) : [];
    },
    chains() {
      const held = table();
      return held ? [...allRows(held)] : [];
    },
    of: (service) => {
      const held = table();
      return held ? [...rowsOf(held, service)] : [];
    },
    endpoints: (service) => [
      ...new Set(
        [...(table()?.programs() ?? [])]
          .filter(({ port: { info } }) => info.service === service || info.name === service)
          .flatMap(({ chosen }) => chosen.reachable.map(({ text }) => text)),
      ),
    ],
  };
}

function* allRows(table: Table): Generator<ChainRow> {
  for (const set of table.sets())
    yield { chain: set.name, rules: set.elements.size, why: whySet(set) };
  for (const chain of table.chains())
    yield { chain: chain.name, rules: chain.rules.length, why: whyChain(chain) };
}

const ruleRows = (table: Table, { name, rules }: Chain): RuleRow[] =>
  rules.map((rule) => ({
    table: table.name,
    chain: name,
    rule: rule.text(),
    ...(rule.purpose?.object && { object: rule.purpose.object }),
    ...(rule.purpose?.field && { field: rule.purpose.field }),
    why: printable(why(rule, name)),
  }));

function elementRows(
  table: Table,
  { name, elements }: NamedSet,
  wanted: (element: ProxyElement) => boolean = () => true,
): RuleRow[] {
  return ([...elements.values()] as ProxyElement[]).filter(wanted).map((element) => ({
    table: table.name,
    chain: name,
    rule: elementText(element),
    ...(element.purpose.object && { object: element.purpose.object }),
    ...(element.purpose.field && { field: element.purpose.field }),
    why: printable(whyElement(name, element)),
  }));
}

/** The elements that name a Service (or one port of it), and all of its own chains. */
function* rowsOf(table: NodeTable, service: string): Generator<RuleRow> {
  const programs = [...table.programs()].filter(
    ({ port: { info } }) => info.service === service || info.name === service,
  );
  const keys = new Set(programs.flatMap(({ port }) => [...port.keys()]));
  const object = `Service ${programs[0]?.port.info.service ?? service}`;
  for (const set of table.sets())
    if (serviceIn(set.name) === undefined)
      yield* elementRows(
        table,
        set,
        ({ key, purpose }) => keys.has(key) && purpose.object === object,
      );
  const own = new Set(programs.flatMap((program) => [...program.names]));
  for (const name of own) {
    const chain = table.chain(name);
    if (chain) yield* ruleRows(table, chain);
  }
}
