/** What nft lists or takes, opened: the rules, and what they tell of their node. */
import type { Purpose } from "../../../net/dataplane.js";
import { readAddress, type Family } from "../../../net/ip.js";
import { typesOf } from "../../../net/nftables/expressions.js";
import { readNftables } from "../../../net/nftables/read.js";
import {
  elementsOf,
  PlainTable,
  ruleSetOf,
  type Chain,
  type Element,
  type Expression,
  type NamedSet,
  type Rule,
  type RuleSet,
  type SetRef,
  type Statement,
  type Table,
} from "../../../net/nftables/ruleset.js";
import { tablesFor } from "../../../net/nftables/sameness.js";
import { elementText, listText } from "../../../net/nftables/text.js";
import { nftables } from "../../../net/nftables/walk.js";
import { printable } from "../../../net/printable.js";
import { byDevice, type OpenedRules, type Told } from "../opened.js";
import type { ChainRow, RuleRow } from "../rule-tables.js";
import { purposeOf, serviceIn, tableName } from "./names.js";
import { isMarking, ProxyRule } from "./rules.js";
import { whyChain, whyElement, whySet } from "./why.js";

/** Throws a RulesError with the line where the text is no such rules. */
export function openNftables(text: string, family: Family): OpenedRules {
  const { rules: read, warnings } = readNftables(text);
  const rules = ruleSetOf(...Array.from(read.tables(), recognised));
  const tables = tablesFor(rules, family);
  return {
    install: (kernel) => void (nftables(kernel).rules = rules),
    rows: {
      chain: (name) => tables.flatMap((table) => [...rowsIn(table, name)]),
      chains: () => tables.flatMap((table) => [...chainRows(table)]),
      of: (service) => tables.flatMap((table) => [...rowsFor(table, service)]),
      endpoints: (service) => [
        ...new Set(tables.flatMap((table) => [...goalsFor(table, service)])),
      ],
    },
    text: () => listText(rules),
    goals: new Set(tables.flatMap((table) => [...goalsIn(table)])),
    podRanges: tables.flatMap((table) => [...podRanges(table)]),
    services: new Set(tables.flatMap((table) => keysIn(table.set("service-ips")))),
    addresses: tables.flatMap((table) => keysIn(table.set("nodeport-ips"))),
    devices: byDevice(tables.flatMap((table) => [...devicesIn(table)])),
    warnings: [...warnings, ...leftOut(rules)],
    unmodelled: new Map(),
  };
}

function* leftOut(rules: RuleSet): Generator<string> {
  for (const { family, name } of rules.tables())
    if (!["ip", "ip6", "inet"].includes(family))
      yield `table ${family} ${name} is not modelled, and is left out`;
}

// ---- what the names tell ------------------------------------------------------------------------

/** kube-proxy's own table with what its chains, rules and elements are for; others as they are. */
function recognised(table: Table): Table {
  if (table.name !== tableName) return table;
  const { family, name, comment, flags, others } = table;
  return new PlainTable({
    family,
    name,
    comment,
    flags,
    others,
    chains: Array.from(table.chains(), explainedChain),
    sets: Array.from(table.sets(), explainedSet),
  });
}

function explainedChain(chain: Chain): Chain {
  const service = serviceIn(chain.name);
  const purpose = {
    ...purposeOf(chain.name),
    ...(service !== undefined && { object: `Service ${service}` }),
  };
  const rules = chain.rules.map(({ statements, comment }) => {
    return new ProxyRule(statements, { ...(comment !== undefined && { comment }), purpose });
  });
  return { ...chain, rules, purpose: purposeOf(chain.name) };
}

function explainedSet(set: NamedSet): NamedSet {
  const explained = (element: Element): Element => {
    const purpose = elementPurpose(element);
    return purpose ? { ...element, purpose } : element;
  };
  return { ...set, elements: elementsOf(Array.from(set.elements.values(), explained)) };
}

/** By the chain that it leads to, or the name ("default/web:http") that its comment is. */
function elementPurpose({ data, comment }: Element): Purpose | undefined {
  const chain = typeof data === "object" && "chain" in data ? data.chain : "";
  const service = serviceIn(chain) ?? /^([^/ ]+\/[^/: ]+)(?::\S*)?$/.exec(comment ?? "")?.[1];
  return service === undefined ? undefined : { object: `Service ${service}` };
}

// ---- rows ---------------------------------------------------------------------------------------

function* rowsIn(table: Table, name: string): Generator<RuleRow> {
  const [chain, set] = [table.chain(name), table.set(name)];
  if (chain) for (const rule of chain.rules) yield ruleRow(table, name, rule);
  if (set) for (const element of set.elements.values()) yield elementRow(table, name, element);
}

const ruleRow = ({ name: table }: Table, chain: string, rule: Rule): RuleRow => ({
  table,
  chain,
  rule: rule.text(),
  ...(rule.purpose?.object && { object: rule.purpose.object }),
  why: rule instanceof ProxyRule ? printable(rule.why(chain)) : "",
});

const elementRow = ({ name: table }: Table, set: string, element: Element): RuleRow => ({
  table,
  chain: set,
  rule: elementText(element),
  ...(element.purpose?.object && { object: element.purpose.object }),
  why: printable(whyElement(set, element)),
});

function* chainRows(table: Table): Generator<ChainRow> {
  for (const set of table.sets())
    yield { chain: set.name, rules: set.elements.size, why: printable(whySet(set)) };
  for (const chain of table.chains())
    yield { chain: chain.name, rules: chain.rules.length, why: whyChain(chain) };
}

const isFor = (service: string, { purpose, comment }: Rule | Element): boolean =>
  purpose?.object === `Service ${service}` || comment === service;

/** The elements that name a Service, and all of its own chains. */
function* rowsFor(table: Table, service: string): Generator<RuleRow> {
  for (const { name, elements } of table.sets())
    for (const element of elements.values())
      if (isFor(service, element)) yield elementRow(table, name, element);
  for (const { name, rules } of table.chains())
    if (serviceIn(name) === service) for (const rule of rules) yield ruleRow(table, name, rule);
}

function* goalsFor(table: Table, service: string): Generator<string> {
  for (const { name, rules } of table.chains())
    for (const { statements } of serviceIn(name) === service ? rules : [])
      for (const statement of statements)
        if (statement.kind === "dnat" && statement.address)
          for (const found of said(statement.address, table)) {
            const [text = "", its] = found.split(" . ");
            const number = statement.port?.kind === "value" ? statement.port.text : its;
            const port = number === undefined ? "" : `:${number}`;
            yield text.includes(":") && port ? `[${text}]${port}` : `${text}${port}`;
          }
}

// ---- what rules tell of their node --------------------------------------------------------------

const keysIn = (set: NamedSet | undefined): string[] =>
  set ? Array.from(set.elements.values(), ({ key }) => key.split(" . ")[0]!) : [];

function* goalsIn(table: Table): Generator<string> {
  for (const chain of table.chains())
    for (const { statements } of chain.rules)
      for (const statement of statements)
        if (statement.kind === "dnat" && statement.address)
          for (const text of said(statement.address, table)) {
            const address = text.split(" . ")[0]!;
            if (readAddress(address)) yield address;
          }
}

function said(expression: Expression, table: Table): string[] {
  if (expression.kind === "value") return [expression.text];
  if (expression.kind !== "map") return [];
  return Array.from(elementsIn(expression.map, table), ({ data }) =>
    typeof data === "string" ? data : "",
  );
}

const elementsIn = (ref: SetRef, table: Table): Iterable<Element> =>
  "name" in ref ? (table.set(ref.name)?.elements.values() ?? []) : ref.elements;

/** As a rule "saddr != RANGE" takes it, that marks what comes from elsewhere. */
function* podRanges(table: Table): Generator<string> {
  for (const chain of table.chains())
    for (const { statements } of chain.rules)
      if (table.name === tableName && isMarking(statements.at(-1)))
        yield* rangesIn(statements, ["saddr"], "!=");
}

/** `ip saddr 172.17.0.0/16 oifname != "docker0"` tells who is behind docker0. */
function* devicesIn(table: Table): Generator<Told> {
  for (const chain of table.chains())
    for (const { statements } of chain.rules) {
      const ranges = [...rangesIn(statements, ["saddr", "daddr"])];
      for (const device of statements.flatMap((one) => [...devicesOf(one, table)]))
        yield [device, ranges];
    }
}

/** Ranges with which packets' addresses are compared. */
function* rangesIn(
  statements: readonly Statement[],
  fields: readonly string[],
  how?: "!=",
): Generator<string> {
  for (const statement of statements)
    if (
      statement.kind === "match" &&
      statement.op === how &&
      statement.left.kind === "payload" &&
      fields.includes(statement.left.field) &&
      typeof statement.right === "string" &&
      statement.right.includes("/")
    )
      yield statement.right;
}

/** The devices that a statement asks for, of which others may stand beside them in a set's keys. */
function* devicesOf(statement: Statement, table: Table): Generator<string> {
  if (statement.kind !== "match" && statement.kind !== "vmap") return;
  const [asked, given] =
    statement.kind === "match" ? [statement.left, statement.right] : [statement.key, statement.map];
  const keys =
    typeof given === "string" ? [given] : Array.from(elementsIn(given, table), ({ key }) => key);
  for (const [i, type] of typesOf(asked).entries())
    if (type === "ifname" || type === "iface_index")
      for (const key of keys) {
        const name = key.split(" . ")[i]?.replace(/^"(.*)"$/, "$1") ?? "*";
        if (name !== "*") yield name;
      }
}
