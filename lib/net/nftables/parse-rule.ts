/**
 * From the text of a rule to its statements, as the kernel gives them back: `and` becomes &, a
 * comparison that another one holds in itself is left out, values stand as nft prints them.
 * (src/parser_bison.y, src/netlink_delinearize.c)
 *
 * A statement that is not modelled is kept as its text, with all that follows in the rule.
 */
import { bareMetas, cts, fibs, metas, payloads, typesOf } from "./expressions.js";
import type {
  Counted,
  Element,
  Expression,
  NamedSet,
  NatFlag,
  Operator,
  Rule,
  SetRef,
  Statement,
  TableFamily,
  Verdict,
} from "./ruleset.js";
import { Rule as RuleOf } from "./ruleset.js";
import { contradiction } from "./contradictions.js";
import { anonymous } from "./anonymous.js";
import { inOrder } from "./order.js";
import { rejectionCode } from "./rejections.js";
import { parseTime } from "./time.js";
import { tidied } from "./tidy.js";
import type { Cursor } from "./tokens.js";
import { canonical, typeOf } from "./types.js";

/** What a rule may name of the table around it. */
export interface Surroundings {
  readonly family: TableFamily;
  /** undefined: there is no set or map of that name. */
  set(
    name: string,
  ): Pick<NamedSet, "name" | "type" | "data" | "dataIntervals" | "flags" | "timeout"> | undefined;
}

/** Thrown, and caught here, where something is not modelled. */
class NotModelled extends Error {}

/** Reads to the end of the rule. Throws a RulesError for what nft would not take either. */
export function parseRule(cursor: Cursor, around: Surroundings): Rule {
  const statements: Statement[] = [];
  let comment: string | undefined;
  while (!cursor.atEnd) {
    if (cursor.take("comment")) {
      comment = cursor.comment();
      continue;
    }
    const start = cursor.place;
    const { line } = cursor;
    try {
      statements.push(...statement(cursor, around));
    } catch (error) {
      if (!(error instanceof NotModelled)) throw error;
      cursor.back(start);
      cursor.skipRest();
      const { text, said } = withoutComment(cursor.since(start));
      comment = said ?? comment;
      statements.push({ kind: "unknown", text, line });
    }
  }
  if (statements.length === 0) throw cursor.error("a rule says nothing: it has no statement");
  const problem = contradiction(statements, around.family);
  if (problem !== undefined) throw cursor.error(problem);
  return new RuleOf(tidied(statements, around.family), comment);
}

/** A rule's comment stands last. */
function withoutComment(text: string): { text: string; said: string | undefined } {
  const [whole, quoted, plain] = /\s+comment\s+(?:"([^"]*)"|(\S+))$/.exec(text) ?? [];
  const said = quoted ?? plain;
  return { text: whole === undefined ? text : text.slice(0, -whole.length), said };
}

function statement(cursor: Cursor, around: Surroundings): Statement[] {
  const verdict = takeVerdict(cursor);
  if (verdict) return [verdict];
  const { text } = cursor.peek();
  switch (text) {
    case "counter":
      cursor.next();
      return [{ kind: "counter", ...counted(cursor) }];
    case "dnat":
    case "snat":
      cursor.next();
      return [natTo(text, cursor, around)];
    case "masquerade":
    case "redirect":
      cursor.next();
      return [ownNat(text, cursor, around)];
    case "reject":
      cursor.next();
      return [{ kind: "reject", ...rejection(cursor) }];
    case "notrack":
      cursor.next();
      return [{ kind: "notrack" }];
    case "log":
      return [log(cursor)];
    case "update":
    case "add":
    case "delete":
      cursor.next();
      return [setChange(text, cursor, around)];
    default:
      return compared(cursor, around);
  }
}

export function takeVerdict(cursor: Cursor): Verdict | undefined {
  for (const kind of ["accept", "drop", "return", "continue"] as const)
    if (cursor.take(kind)) return { kind };
  for (const kind of ["jump", "goto"] as const)
    if (cursor.take(kind)) return { kind, chain: cursor.name("a chain's name") };
  return undefined;
}

function counted(cursor: Cursor): Counted {
  if (cursor.at("name") || cursor.peek().kind === "string") throw new NotModelled();
  if (!cursor.take("packets")) return { packets: 0, bytes: 0 };
  const packets = cursor.number("how many packets");
  cursor.need("bytes");
  return { packets, bytes: cursor.number("how many bytes") };
}

// ---- comparisons --------------------------------------------------------------------------------

/** What begins with an expression: a comparison, a vmap, or that something is set. */
function compared(cursor: Cursor, around: Surroundings): Statement[] {
  const left = expression(cursor, around);
  if (cursor.take("vmap")) {
    const map = reference(cursor, around, typesOf(left), true);
    return [{ kind: "vmap", key: left, map }];
  }
  if (cursor.take("set")) {
    if (left.kind !== "meta" && left.kind !== "ct") throw new NotModelled();
    const what = `${left.kind} ${left.key}`;
    if (!["meta mark", "ct mark"].includes(what)) throw new NotModelled();
    return [{ kind: "set", what: left, to: markValue(cursor, around) }];
  }
  return [comparison(cursor, around, left)];
}

/** What a mark becomes: a number, another mark with its bits changed, what a map says. */
function markValue(cursor: Cursor, around: Surroundings): Expression {
  if (/^[0-9]/.test(cursor.peek().text))
    return { kind: "value", text: readValue(cursor, ["mark"]) };
  const isOpen = cursor.take("(");
  let to = expression(cursor, around);
  if (isOpen) {
    cursor.need(")");
    to = changed(cursor, to);
  }
  if (cursor.take("map")) {
    const names = typesOf(to);
    if (names.includes("")) throw new NotModelled();
    return { kind: "map", key: to, map: reference(cursor, around, names, ["mark"]) };
  }
  if (typesOf(to)[0] !== "mark" && to.kind !== "numgen") throw new NotModelled();
  return combined(to);
}

const operators: Readonly<Record<string, Operator>> = {
  "==": "==",
  "!=": "!=",
  "<": "<",
  ">": ">",
  "<=": "<=",
  ">=": ">=",
  eq: "==",
  ne: "!=",
  lt: "<",
  gt: ">",
  le: "<=",
  ge: ">=",
  "!": "!",
};

function comparison(cursor: Cursor, around: Surroundings, given: Expression): Statement {
  const mark = cursor.peek();
  let op: Operator | undefined;
  if (mark.kind !== "string" && Object.hasOwn(operators, mark.text)) {
    op = operators[mark.text]!;
    cursor.next();
  } else if (mark.text === "in") throw new NotModelled();
  const names = typesOf(given);
  if (names.includes("")) throw new NotModelled();
  const isFlags = names.length === 1 && typeOf(names[0]!)?.flags !== undefined;
  const isSet = cursor.at("{") || cursor.peek().text.startsWith("@");
  if (isFlags && !isSet) return flagsCompared(cursor, given, op);
  if (op === "!") throw new NotModelled();
  // by its number, an interface is the machine's own
  const isRoute = given.kind === "fib" && names[0] === "boolean";
  if (isRoute && !cursor.at("exists") && !cursor.at("missing")) throw new NotModelled();
  const { left, turned } = operationsOf(given, op);
  if (isSet) {
    if (op !== undefined && op !== "!=" && op !== "==")
      throw cursor.error(`got a set after ${op}; elements are in it or not (!=)`);
    const set = reference(cursor, around, names, false);
    return inSet(left, op, "name" in set ? set : turnedSet(set, turned), names);
  }
  if (names.length > 1)
    throw cursor.error("a concatenation is compared with sets and maps, not with single values");
  const right = turned(readValue(cursor, names));
  const isRange = right.includes("-") && left.kind === "bitwise";
  const shown = left.kind === "bitwise" && !isRange ? (op ?? "==") : op === "==" ? undefined : op;
  return { kind: "match", left, ...(shown && { op: shown }), right };
}

/** A set of one element is that element; nft prints == before a set after & and the like. */
function inSet(
  left: Expression,
  op: Operator | undefined,
  set: SetRef,
  names: readonly string[],
): Statement {
  const isBits = left.kind === "bitwise";
  const [only, ...others] = "elements" in set ? set.elements : [];
  const isOne = only && others.length === 0 && names.length === 1 && only.key !== "*";
  const shown = op === "!=" ? op : isBits ? "==" : undefined;
  if (!isOne || "name" in set || set.isMany)
    return { kind: "match", left, ...(shown && { op: shown }), right: set };
  return { kind: "match", left, ...(shown && { op: shown }), right: only.key };
}

/**
 * A comparison of a mark's bits as nft keeps it: where they are compared for being equal, what is
 * flipped on the left is flipped on the right (src/evaluate.c, binop_transfer).
 */
function operationsOf(
  given: Expression,
  op: Operator | undefined,
): { left: Expression; turned: (value: string) => string } {
  const type = typeOf("mark")!;
  const isEqual = op === undefined || op === "==" || op === "!=";
  let [left, bits] = [given, 0];
  for (; isEqual && left.kind === "bitwise" && left.op === "^"; left = left.left)
    bits = (bits ^ Number(left.right)) >>> 0;
  const turned = (value: string): string =>
    bits === 0 || /[-/]/.test(value)
      ? value
      : type.text!((Number(type.quantity(value)) ^ bits) >>> 0);
  return { left: left.kind === "bitwise" ? combined(left) : left, turned };
}

const turnedSet = (
  set: Extract<SetRef, { elements: unknown }>,
  turned: (value: string) => string,
): SetRef => ({
  ...set,
  elements: set.elements.map((each) => ({ ...each, key: turned(each.key) })),
});

/**
 * Flags: any of some (`syn,ack`), none (`! syn`), all of them as they are (`== syn`), or as they
 * are under a mask (`syn / syn,ack`). (src/netlink_delinearize.c, relational_binop_postprocess)
 */
function flagsCompared(cursor: Cursor, given: Expression, op: Operator | undefined): Statement {
  const [name = ""] = typesOf(given);
  if (given.kind === "bitwise") {
    const right = maskedValue(cursor, name);
    return underMask(given.left, given.right, op === "!=" ? "!=" : "==", right);
  }
  const separator = cursor.peek(1).text === "|" ? "|" : ",";
  const right = flagList(cursor, [name]);
  if (cursor.take("/")) {
    const mask = flagList(cursor, [name]);
    return underMask(given, mask, op === "!=" ? "!=" : "==", right);
  }
  if (op === "<" || op === ">" || op === "<=" || op === ">=") throw new NotModelled();
  const isMany = right.includes(",");
  const isPlain = op === undefined || op === "!" || (!isMany && separator === ",");
  if (isPlain) return { kind: "match", left: given, ...(op && { op }), right };
  return { kind: "match", left: given, op: op, right };
}

/** A value behind a mask: flags in parentheses, or 0. */
function maskedValue(cursor: Cursor, name: string): string {
  const isOpen = cursor.take("(");
  const value = flagList(cursor, [name]);
  if (isOpen) cursor.need(")");
  return Number(value) === 0 ? "0" : value;
}

function underMask(left: Expression, mask: string, op: "==" | "!=", right: string): Statement {
  if (isWhole(typesOf(left)[0] ?? "", mask))
    return { kind: "match", left, op, right: right === "0" ? "0x0" : right };
  if (right === "0")
    return { kind: "match", left, ...(op === "==" && { op: "!" as const }), right: mask };
  return { kind: "match", left: { kind: "bitwise", op: "&", left, right: mask }, op, right };
}

/** A mask that leaves every bit is none. */
function isWhole(name: string, mask: string): boolean {
  const type = typeOf(name)!;
  const bits = Number(type.quantity(mask.replaceAll(",", " | ")));
  return bits >>> 0 === 2 ** (8 * type.bytes) - 1;
}

// ---- expressions --------------------------------------------------------------------------------

/** Parts joined by " . ", each with what is done to its bits. */
export function expression(cursor: Cursor, around: Surroundings): Expression {
  const parts = [single(cursor, around)];
  while (cursor.take(".")) parts.push(single(cursor, around));
  return parts.length === 1 ? parts[0]! : { kind: "concat", parts };
}

const bitOps = { "&": "&", "|": "|", "^": "^", and: "&", or: "|", xor: "^" } as const;

function single(cursor: Cursor, around: Surroundings): Expression {
  return changed(cursor, operand(cursor, around));
}

/** With what is done to its bits. */
function changed(cursor: Cursor, base: Expression): Expression {
  let left = base;
  for (;;) {
    const { kind, text } = cursor.peek();
    if (kind === "string" || !Object.hasOwn(bitOps, text)) return left;
    const names = typesOf(left);
    const isFlags = typeOf(names[0]!)?.flags !== undefined;
    if (isFlags ? text !== "&" && text !== "and" : names[0] !== "mark") throw new NotModelled();
    cursor.next();
    const right = isFlags ? maskedValue(cursor, names[0]!) : readValue(cursor, names);
    left = { kind: "bitwise", op: bitOps[text as keyof typeof bitOps], left, right };
  }
}

function operand(cursor: Cursor, around: Surroundings): Expression {
  const { kind, text } = cursor.peek();
  if (kind !== "word") throw new NotModelled();
  const second = cursor.peek(1).text;
  if (text === "meta" && second === "random") return metaRandom(cursor);
  if (text === "meta") return meta(cursor, second, 2);
  if (bareMetas.has(text)) return meta(cursor, text, 1);
  if (text === "ct") return ct(cursor, around.family);
  if (text === "fib") return fib(cursor);
  if (text === "numgen") return numgen(cursor);
  if (Object.hasOwn(payloads, text) && Object.hasOwn(payloads[text]!, second)) {
    if (wrongFamily(text, around.family))
      throw cursor.error(`${text} ${second} is never met in a table of family ${around.family}`);
    cursor.next();
    cursor.next();
    return { kind: "payload", header: text, field: second };
  }
  throw new NotModelled();
}

const wrongFamily = (header: string, family: TableFamily): boolean =>
  (header === "ip" && family === "ip6") || (header === "ip6" && family === "ip");

function meta(cursor: Cursor, key: string, words: number): Expression {
  if (!Object.hasOwn(metas, key)) throw new NotModelled();
  for (let i = 0; i < words; i++) cursor.next();
  return { kind: "meta", key };
}

/** As iptables-nft writes `-m statistic --mode random`: 31 bits of a number of 32. */
function metaRandom(cursor: Cursor): Expression {
  cursor.next();
  cursor.next();
  const isMasked = cursor.take("&") || cursor.take("and");
  if (isMasked && cursor.number("a mask") !== 0x7fffffff) throw new NotModelled();
  if (!Object.hasOwn(operators, cursor.peek().text)) throw new NotModelled();
  const modulus = isMasked ? 2 ** 31 : 2 ** 32;
  return { kind: "numgen", mode: "random", modulus, isMeta: true };
}

/** An address alone is one of the table's family. */
const ofFamily = (key: string, family: TableFamily): string =>
  (key === "saddr" || key === "daddr") && (family === "ip" || family === "ip6")
    ? `${family} ${key}`
    : key;

function ct(cursor: Cursor, family: TableFamily): Expression {
  cursor.next();
  const direction = (["original", "reply"] as const).find((each) => cursor.take(each));
  const key =
    direction && (cursor.at("ip") || cursor.at("ip6"))
      ? `${cursor.next().text} ${cursor.next().text}`
      : ofFamily(cursor.word("what of the connection is meant"), family);
  if (!Object.hasOwn(cts, key)) throw new NotModelled();
  return { kind: "ct", key, ...(direction && { direction }) };
}

function fib(cursor: Cursor): Expression {
  cursor.next();
  const from = [cursor.word("what is looked up")];
  while (cursor.take(".")) from.push(cursor.word("what is looked up"));
  const result = cursor.word("what is asked for");
  const known = from.every((each) => ["saddr", "daddr", "mark", "iif", "oif"].includes(each));
  if (!known || !Object.hasOwn(fibs, result)) throw new NotModelled();
  return { kind: "fib", from, result };
}

function numgen(cursor: Cursor): Expression {
  cursor.next();
  const mode = cursor.word("random or inc");
  if (mode !== "random" && mode !== "inc") throw new NotModelled();
  cursor.need("mod");
  const modulus = cursor.number("a number above 0");
  if (modulus < 1 || modulus > 0xffffffff)
    throw cursor.error(`got numgen mod ${modulus}; expected a number above 0`);
  const offset = cursor.take("offset") ? cursor.number("a number") : 0;
  return { kind: "numgen", mode, modulus, ...(offset > 0 && { offset }) };
}

/**
 * What is done to a mark's bits, as the kernel keeps it: one mask and one exclusive or, of which
 * nft makes &, ^ and | again (netlink_parse_bitwise_bool).
 */
export function combined(expression: Expression): Expression {
  const operations: { op: string; right: number }[] = [];
  let base: Expression = expression;
  for (; base.kind === "bitwise"; base = base.left)
    operations.unshift({ op: base.op, right: Number(base.right) });
  if (operations.length === 0) return expression;
  const all = 0xffffffff;
  let [mask, xor] = [all, 0];
  for (const { op, right } of operations) {
    if (op === "&") [mask, xor] = [(mask & right) >>> 0, (xor & right) >>> 0];
    if (op === "|") [mask, xor] = [(mask & ~right) >>> 0, ((xor & ~right) | right) >>> 0];
    if (op === "^") xor = (xor ^ right) >>> 0;
  }
  const or = (xor & ~mask) >>> 0;
  const kept = (mask | or) >>> 0;
  let result: Expression = base;
  const apply = (op: "&" | "|" | "^", bits: number): void => {
    const right = canonical(typeOf("mark")!, String(bits))!;
    result = { kind: "bitwise", op, left: result, right };
  };
  if (kept !== all) apply("&", kept);
  if ((xor & mask) >>> 0) apply("^", (xor & mask) >>> 0);
  if (or) apply("|", or);
  return result;
}

// ---- values -------------------------------------------------------------------------------------

/** A value of these types, joined by " . " where there are several. */
export function readValue(cursor: Cursor, names: readonly string[], asSets = false): string {
  if (!asSets && names.length === 1 && typeOf(names[0]!)?.flags) return flagList(cursor, names);
  const parts: string[] = [];
  for (const [i, name] of names.entries()) {
    if (i > 0) cursor.need(".");
    const isSeveral = cursor.at("|", 1) && typeOf(name)?.flags !== undefined;
    parts.push(isSeveral ? severalFlags(cursor, name) : readOne(cursor, name, asSets));
  }
  return parts.join(" . ");
}

function readOne(cursor: Cursor, name: string, asSets: boolean): string {
  const type = typeOf(name);
  const token = cursor.peek();
  if (token.kind !== "word" && token.kind !== "string") {
    if (token.kind === "mark" && token.text === "$") throw new NotModelled();
    return cursor.fail(type?.what ?? "a value");
  }
  cursor.next();
  if (!type) return token.kind === "string" ? `"${token.text}"` : token.text;
  const text = canonical(type, token.text, asSets);
  if (text !== undefined) return text;
  cursor.back(cursor.place - 1);
  return cursor.fail(type.what);
}

/** In sets, several flags of one element are written with |. */
const severalFlags = (cursor: Cursor, name: string): string =>
  flagList(cursor, [name]).replaceAll(",", " | ");

/** Flags in the order of nft's table of them. */
function flagList(cursor: Cursor, names: readonly string[]): string {
  const type = typeOf(names[0]!)!;
  const found = [readOne(cursor, names[0]!, false)];
  while (cursor.take(",") || cursor.take("|")) found.push(readOne(cursor, names[0]!, false));
  const bits = found.reduce((all, each) => all | Number(type.quantity(each)), 0);
  return type.text!(bits).replaceAll(" | ", ",");
}

/** "@name", or elements in braces; `mapped`: with what each is mapped to. */
export function reference(
  cursor: Cursor,
  around: Surroundings,
  names: readonly string[],
  mapped: boolean | readonly string[],
): SetRef {
  if (cursor.peek().kind === "word" && cursor.peek().text.startsWith("@")) {
    const name = cursor.word("a set").slice(1);
    if (name === "" || cursor.at(",")) throw new NotModelled();
    const set = around.set(name);
    if (!set) throw cursor.error(`there is no set or map ${name} in this table`);
    const problem = mismatch(set, names) ?? noMap(set, mapped);
    if (problem !== undefined) throw cursor.error(problem);
    return { name: set.name };
  }
  const data = mapped === true ? "verdict" : mapped === false ? undefined : mapped;
  const word = cursor.peek(1).text;
  const given = readElements(cursor, names, data);
  const { elements, problem } = anonymous(given, names, data !== undefined);
  if (problem !== undefined) throw cursor.error(problem);
  if (given.length > 1) return { elements: inOrder(elements, names), isMany: true };
  // a range alone is told as it was written, in a set as a prefix where it is one
  const key = data === undefined && word.includes("-") && canonical(typeOf(names[0]!)!, word);
  return { elements: key ? [{ ...elements[0]!, key }] : elements };
}

/** What is found is a verdict, or a value. */
function noMap(
  { name, data }: Pick<NamedSet, "name" | "data">,
  mapped: unknown,
): string | undefined {
  if (mapped === false || data === "verdict") return undefined;
  if (data === undefined) return `${name} is a set, and no map`;
  return mapped === true ? `${name} maps to values; a vmap has verdicts` : undefined;
}

/** A set holds values of the type that is looked up in it. */
function mismatch(
  { name, type }: Pick<NamedSet, "name" | "type">,
  names: readonly string[],
): string | undefined {
  const isKnown = [...type, ...names].every((each) => typeOf(each) !== undefined);
  return isKnown && type.join() !== names.join()
    ? `${name} has elements of type ${type.join(" . ")}; what is looked up in it is of type ${names.join(" . ")}`
    : undefined;
}

/** `{ KEY OPTIONS [: DATA], … }`, over as many lines as there are. */
export function readElements(
  cursor: Cursor,
  names: readonly string[],
  data: "verdict" | readonly string[] | undefined,
): Element[] {
  cursor.need("{");
  const elements: Element[] = [];
  for (;;) {
    while (cursor.peek().kind === "line") cursor.next();
    if (elements.length > 0 && cursor.take("}")) return elements;
    if (cursor.at("}")) cursor.fail("an element");
    elements.push(readElement(cursor, names, data));
    while (cursor.peek().kind === "line") cursor.next();
    if (!cursor.at("}")) cursor.need(",");
  }
}

function readElement(
  cursor: Cursor,
  names: readonly string[],
  data: "verdict" | readonly string[] | undefined,
): Element {
  const key = cursor.take("*") ? "*" : readValue(cursor, names, true);
  const options = elementOptions(cursor);
  if (data === undefined) {
    if (cursor.at(":"))
      throw cursor.error(`got : after ${key}; a set maps its elements to nothing`);
    return { key, ...options };
  }
  if (!cursor.at(":"))
    throw cursor.error(`${key} is mapped to nothing; in a map, write "${key} : VALUE"`);
  cursor.next();
  if (data !== "verdict") return { key, ...options, data: readValue(cursor, data) };
  const verdict = takeVerdict(cursor);
  return verdict ? { key, ...options, data: verdict } : cursor.fail("a verdict such as drop");
}

function elementOptions(cursor: Cursor): Omit<Element, "key"> {
  const options: { -readonly [K in keyof Element]?: Element[K] } = {};
  for (;;) {
    if (cursor.take("timeout")) options.timeout = parseTime(cursor);
    else if (cursor.take("expires")) options.expires = parseTime(cursor);
    else if (cursor.take("comment")) options.comment = cursor.comment();
    else if (cursor.take("counter")) options.counter = counted(cursor);
    else return options;
  }
}

// ---- NAT and the rest ---------------------------------------------------------------------------

function natTo(kind: "dnat" | "snat", cursor: Cursor, around: Surroundings): Statement {
  const family = (["ip", "ip6"] as const).find((each) => cursor.take(each));
  // an address and a port at once; nft lists it without
  const isPair = cursor.take("addr", ".", "port");
  if (cursor.at("prefix") || cursor.at("interval")) throw new NotModelled();
  cursor.need("to");
  if (family && cursor.at(":")) cursor.fail("an address");
  const isSix = around.family === "ip6" || (around.family === "inet" && isIPv6Next(cursor));
  const which = family ?? (isSix ? "ip6" : "ip");
  const isInet = around.family === "inet";
  const address = cursor.at(":") ? undefined : goal(cursor, around, which);
  const isConcat = address?.kind === "map" && hasPorts(address.map, around);
  if (isPair && !isConcat) throw cursor.error("what follows says no address and port");
  const isChoice = isConcat || (address?.kind === "map" && hasIntervals(address.map, around));
  const port = cursor.take(":") ? portGoal(cursor, around) : undefined;
  const shown = isInet ? family : isChoice ? which : undefined;
  return {
    kind,
    ...(shown && { family: shown }),
    ...(address && { address }),
    ...(port && { port }),
    ...natFlags(cursor),
  };
}

const isIPv6Next = (cursor: Cursor): boolean =>
  cursor.at("[") || canonical(typeOf("ipv6_addr")!, cursor.peek().text) !== undefined;

/** Whether a map says both an address and a port. */
function hasPorts(map: SetRef, around: Surroundings): boolean {
  if ("elements" in map)
    return map.elements.some(({ data }) => typeof data === "string" && data.includes(" . "));
  const data = around.set(map.name)?.data;
  return data !== undefined && data !== "verdict" && data.length > 1;
}

const hasIntervals = (map: SetRef, around: Surroundings): boolean =>
  "name" in map && around.set(map.name)?.dataIntervals === true;

function goal(cursor: Cursor, around: Surroundings, family: "ip" | "ip6"): Expression {
  const type = family === "ip" ? "ipv4_addr" : "ipv6_addr";
  const { kind, text } = cursor.peek();
  if (cursor.take("[")) {
    const low = inBrackets(cursor, type);
    const high = cursor.peek().text === "-" ? highAddress(cursor, type) : low;
    return { kind: "value", text: low === high ? low : `${low}-${high}` };
  }
  const isAddress = kind === "word" && canonical(typeOf(type)!, text) !== undefined;
  if (isAddress) return { kind: "value", text: readOne(cursor, type, true) };
  if (kind === "word" && (/^[0-9.:]+$/.test(text) || isAnyAddress(text)))
    cursor.fail(typeOf(type)!.what);
  return mapped(cursor, around, type);
}

const isAnyAddress = (text: string): boolean =>
  ["ipv4_addr", "ipv6_addr"].some((type) => canonical(typeOf(type)!, text) !== undefined);

/** The second half of [fd00::1]-[fd00::9]. */
function highAddress(cursor: Cursor, type: string): string {
  cursor.next();
  cursor.need("[");
  return inBrackets(cursor, type);
}

/** One address, no prefix. */
function inBrackets(cursor: Cursor, type: string): string {
  if (cursor.peek().text.includes("/")) cursor.fail(typeOf(type)!.what);
  const address = readOne(cursor, type, false);
  cursor.need("]");
  return address;
}

function portGoal(cursor: Cursor, around: Surroundings): Expression {
  const { kind, text } = cursor.peek();
  const isNamed = canonical(typeOf("inet_service")!, text) !== undefined;
  const isPort = kind === "word" && (isNamed || /^\d/.test(text));
  if (isPort) return { kind: "value", text: readOne(cursor, "inet_service", false) };
  return mapped(cursor, around, "inet_service");
}

/** EXPRESSION map { … } or EXPRESSION map @name. */
function mapped(cursor: Cursor, around: Surroundings, type: string): Expression {
  const key = expression(cursor, around);
  if (!cursor.take("map")) throw new NotModelled();
  const names = typesOf(key);
  if (names.includes("")) throw new NotModelled();
  // what the elements look like tells whether they hold ports as well
  const start = cursor.place;
  const isPair = cursor.at("{") && pairs(cursor);
  cursor.back(start);
  return {
    kind: "map",
    key,
    map: reference(cursor, around, names, isPair ? [type, "inet_service"] : [type]),
  };
}

/** Whether the first element of a map in braces is mapped to a concatenation. */
function pairs(cursor: Cursor): boolean {
  while (!cursor.at(":") && cursor.peek().kind !== "end" && !cursor.at("}")) cursor.next();
  cursor.next();
  return cursor.at(".", 1);
}

function ownNat(kind: "masquerade" | "redirect", cursor: Cursor, around: Surroundings): Statement {
  if (cursor.take("to")) {
    cursor.take(":");
    return { kind, port: portGoal(cursor, around), ...natFlags(cursor) };
  }
  return { kind, ...natFlags(cursor) };
}

function natFlags(cursor: Cursor): { flags?: readonly NatFlag[] } {
  const flags: NatFlag[] = [];
  for (;;) {
    const flag = (["random", "fully-random", "persistent"] as const).find((each) =>
      cursor.at(each),
    );
    if (!flag) break;
    cursor.next();
    flags.push(flag);
    if (!cursor.take(",")) break;
  }
  // src/statement.c, print_nf_nat_flags
  const order = ["random", "fully-random", "persistent"] as const;
  return flags.length > 0 ? { flags: order.filter((each) => flags.includes(each)) } : {};
}

function rejection(cursor: Cursor): { with?: string } {
  if (!cursor.take("with")) return {};
  if (cursor.take("tcp")) {
    cursor.need("reset");
    return { with: "tcp reset" };
  }
  const kind = cursor.word("icmp, icmpv6, icmpx or tcp reset");
  if (!["icmp", "icmpv6", "icmpx"].includes(kind)) throw new NotModelled();
  cursor.take("type");
  const code = cursor.word("what the answer says");
  return { with: `${kind} ${rejectionCode(kind, code) ?? code}` };
}

/** In the order in which nft prints it; nothing of it changes a packet's way. */
function log(cursor: Cursor): Statement {
  cursor.next();
  const found = new Map<string, string>();
  for (;;) {
    const option = logOptions.find((each) => cursor.at(each));
    if (option === undefined) break;
    cursor.next();
    found.set(option, logValue(cursor, option));
  }
  if (found.get("level") === "warn") found.delete("level");
  const options = logOptions.flatMap((each) =>
    found.has(each) ? [`${each} ${found.get(each)!}`] : [],
  );
  return { kind: "log", ...(options.length > 0 && { options: options.join(" ") }) };
}

/** src/statement.c, log_stmt_print */
const logOptions = ["prefix", "group", "snaplen", "queue-threshold", "level", "flags"] as const;

function logValue(cursor: Cursor, option: (typeof logOptions)[number]): string {
  switch (option) {
    case "prefix":
      return `"${cursor.string("a prefix")}"`;
    case "level":
      return cursor.word("a level");
    case "flags": {
      const layer = cursor.at("tcp") || cursor.at("ip") ? `${cursor.next().text} ` : "";
      const flags = [cursor.word("a flag")];
      while (cursor.take(",")) flags.push(cursor.word("a flag"));
      return `${layer}${flags.join(",")}`;
    }
    default:
      return String(cursor.number("a number"));
  }
}

function setChange(
  kind: "update" | "add" | "delete",
  cursor: Cursor,
  around: Surroundings,
): Statement {
  const set = cursor.word("a set").replace(/^@/, "");
  const known = around.set(set);
  if (!known) throw cursor.error(`there is no set or map ${set} in this table`);
  if (known.flags?.includes("constant"))
    throw cursor.error(`${set} is constant: nothing is put in`);
  cursor.need("{");
  const key = expression(cursor, around);
  const timeout = cursor.take("timeout") ? parseTime(cursor) : undefined;
  const isTimed = known.flags?.includes("timeout") || known.timeout !== undefined;
  if (timeout !== undefined && !isTimed)
    throw cursor.error(`${set} takes no timeout; write flags timeout where it is declared`);
  const counter = cursor.take("counter");
  if (cursor.at("comment")) throw cursor.error("what a rule puts into a set has no comment");
  if (!cursor.take("}")) throw new NotModelled();
  return { kind, set, key, ...(timeout !== undefined && { timeout }), ...(counter && { counter }) };
}
