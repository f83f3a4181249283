/** Whether two kernels' rules are the same, and which addresses rules tell apart. */
import { readCIDR, type CIDR, type Family } from "../ip.js";
import { typesOf } from "./expressions.js";
import type {
  Chain,
  Element,
  Elements,
  NamedSet,
  Rule,
  RuleSet,
  Statement,
  Table,
} from "./ruleset.js";
import { baseText } from "./text.js";

/** Whether both say the same of every packet of a family. */
export function isSameRules(x: RuleSet, y: RuleSet, family: Family): boolean {
  if (x === y) return true;
  return isSameList(tablesFor(x, family), tablesFor(y, family), isSameTable);
}

/** The tables that see packets of a family. */
export function tablesFor(rules: RuleSet, family: Family): Table[] {
  const own = family === "IPv4" ? "ip" : "ip6";
  return [...rules.tables()].filter((table) => table.family === own || table.family === "inet");
}

function isSameList<T>(x: Iterable<T>, y: Iterable<T>, isSame: (x: T, y: T) => boolean): boolean {
  if (x === y) return true;
  const others = y[Symbol.iterator]();
  for (const one of x) {
    const other = others.next();
    if (other.done || !(one === other.value || isSame(one, other.value))) return false;
  }
  return others.next().done === true;
}

const isSameTable = (x: Table, y: Table): boolean =>
  x === y ||
  (x.family === y.family &&
    x.name === y.name &&
    String(x.flags) === String(y.flags) &&
    isSameList(x.chains(), y.chains(), isSameChain) &&
    isSameList(x.sets(), y.sets(), isSameSet));

const isSameChain = (x: Chain, y: Chain): boolean =>
  x === y ||
  (x.name === y.name &&
    (x.base && baseText(x.base)) === (y.base && baseText(y.base)) &&
    isSameList(x.rules, y.rules, isSameRule));

const isSameRule = (x: Rule, y: Rule): boolean => x.text() === y.text();

const isSameSet = (x: NamedSet, y: NamedSet): boolean =>
  x === y ||
  (x.name === y.name &&
    x.type.join() === y.type.join() &&
    String(x.flags) === String(y.flags) &&
    x.timeout === y.timeout &&
    (x.own && y.own ? x.own.join() === y.own.join() : isSameElements(x.elements, y.elements)));

const isSameElements = (x: Elements, y: Elements): boolean =>
  x === y || (x.size === y.size && isSameList(x.values(), y.values(), isSameElement));

const isSameElement = (x: Element, y: Element): boolean =>
  x.key === y.key && JSON.stringify(x.data) === JSON.stringify(y.data);

/**
 * The ranges by which rules tell addresses of a family apart: two that lie in the same of them look
 * alike. undefined: some rule remembers what it saw, and may tell any two apart.
 */
export function rangesToldApart(rules: RuleSet, family: Family): readonly CIDR[] | undefined {
  const ranges: CIDR[] = [];
  for (const table of tablesFor(rules, family)) {
    const own = rangesIn(table);
    if (own === undefined) return undefined;
    ranges.push(...own);
  }
  return ranges;
}

const known = new WeakMap<Table, { ranges: readonly CIDR[] | undefined }>();

function rangesIn(table: Table): readonly CIDR[] | undefined {
  let found = known.get(table);
  if (!found) known.set(table, (found = { ranges: rangesOf(table) }));
  return found.ranges;
}

function rangesOf(table: Table): readonly CIDR[] | undefined {
  const texts = new Set<string>();
  for (const set of table.sets())
    if (hasAddress(set.type) && !set.own) addKeys(set.elements.values(), texts);
  for (const chain of table.chains())
    for (const { statements } of chain.rules)
      for (const statement of statements) if (!addStatement(statement, texts)) return undefined;
  const ranges = Array.from(texts, readCIDR);
  return ranges.includes(undefined) ? undefined : (ranges as CIDR[]);
}

const hasAddress = (types: readonly string[]): boolean =>
  types.some((type) => type === "ipv4_addr" || type === "ipv6_addr");

/** False: it cannot be told what it tells apart. */
function addStatement(statement: Statement, texts: Set<string>): boolean {
  switch (statement.kind) {
    case "update":
    case "add":
    case "delete":
    case "unknown":
      return false;
    case "match":
      if (!hasAddress(typesOf(statement.left))) return true;
      if (typeof statement.right === "string") addParts(statement.right, texts);
      else if ("elements" in statement.right) addKeys(statement.right.elements, texts);
      return true;
    case "vmap":
      if (hasAddress(typesOf(statement.key)) && "elements" in statement.map)
        addKeys(statement.map.elements, texts);
      return true;
    case "dnat":
    case "snat":
      if (statement.address?.kind === "map" && "elements" in statement.address.map)
        addKeys(statement.address.map.elements, texts);
      return true;
    default:
      return true;
  }
}

function addKeys(elements: Iterable<Element>, texts: Set<string>): void {
  for (const { key } of elements) addParts(key, texts);
}

/** Of a concatenation, what is an address; a range of them is no prefix, and spoils it all. */
function addParts(key: string, texts: Set<string>): void {
  for (const part of key.split(" . ")) if (/[.:]/.test(part)) texts.add(part);
}
