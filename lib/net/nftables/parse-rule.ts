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
import { inOrder } from "./order.js";
import { parseTime } from "./time.js";
import { tidied } from "./tidy.js";
import type { Cursor } from "./tokens.js";
import { canonical, typeOf } from "./types.js";

/** What a rule may name of the table around it. */
export interface Surroundings {
  readonly family: TableFamily;
  /** undefined: there is no set or map of that name. */
  set(name: string): Pick<NamedSet, "name" | "type" | "data"> | undefined;
}

/** Thrown, and caught here, where something is not modelled. */
class NotModelled extends Error {}

/** Reads to the end of the rule. Throws a RulesError for what nft would not take either. */
export function parseRule(cursor: Cursor, around: Surroundings): Rule {
  const statements: Statement[] = [];
  let comment: string | undefined;
  while (!cursor.atEnd) {
    if (cursor.take("comment")) {
      comment = cursor.peek().kind === "string" ? cursor.next().text : cursor.word("a comment");
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
  return new RuleOf(tidied(statements, around.family), comment);
}

/** A rule's comment stands last. */
function withoutComment(text: string): { text: string; said: string | undefined } {
  const [whole, said] = /\s+comment\s+"([^"]*)"$/.exec(text) ?? [];
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
    const to = cursor.peek().text.match(/^[0-9]/)
      ? ({ kind: "value", text: readValue(cursor, typesOf(left)) } as const)
      : expression(cursor, around);
    if (typesOf(to)[0] !== "mark" && to.kind !== "value") throw new NotModelled();
    return [{ kind: "set", what: left, to: combined(to) }];
  }
  return [comparison(cursor, around, left)];
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
};

function comparison(cursor: Cursor, around: Surroundings, left: Expression): Statement {
  const mark = cursor.peek();
  let op: Operator | undefined;
  if (mark.kind !== "string" && Object.hasOwn(operators, mark.text)) {
    op = operators[mark.text]!;
    cursor.next();
  } else if (mark.text === "!" || mark.text === "in") throw new NotModelled();
  const names = typesOf(left);
  if (names.includes("")) throw new NotModelled();
  if (left.kind === "payload" && left.field === "flags" && left.header === "tcp")
    return tcpFlags(cursor, left, op);
  const isSet = cursor.at("{") || cursor.peek().text.startsWith("@");
  if (isSet) {
    if (op !== undefined && op !== "!=" && op !== "==")
      throw cursor.error(`got a set after ${op}; elements are in it or not (!=)`);
    const right = reference(cursor, around, names, false);
    return { kind: "match", left, ...(op === "!=" && { op }), right };
  }
  const right = readValue(cursor, names);
  const isFlags = names.length === 1 && typeOf(names[0]!)?.flags !== undefined;
  const shown =
    isFlags || left.kind === "bitwise" ? (op ?? plainOp(left)) : op === "==" ? undefined : op;
  return { kind: "match", left, ...(shown && { op: shown }), right };
}

/** nft prints == after & and not after anything else. */
const plainOp = (left: Expression): Operator | undefined =>
  left.kind === "bitwise" ? "==" : undefined;

/** tcp flags are compared in a form of their own: syn / fin,syn,rst,ack. */
function tcpFlags(cursor: Cursor, left: Expression, op: Operator | undefined): Statement {
  if (cursor.at("{")) throw new NotModelled();
  const right = flagList(cursor, ["tcp_flag"]);
  if (cursor.at("/")) throw new NotModelled();
  return { kind: "match", left, ...(op && { op }), right };
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
  let left = operand(cursor, around);
  for (;;) {
    const { kind, text } = cursor.peek();
    if (kind === "string" || !Object.hasOwn(bitOps, text)) return left;
    const names = typesOf(left);
    if (names[0] !== "mark") throw new NotModelled();
    cursor.next();
    const right = readValue(cursor, names);
    left = { kind: "bitwise", op: bitOps[text as keyof typeof bitOps], left, right };
  }
}

function operand(cursor: Cursor, around: Surroundings): Expression {
  const { kind, text } = cursor.peek();
  if (kind !== "word") throw new NotModelled();
  const second = cursor.peek(1).text;
  if (text === "meta") return meta(cursor, second, 2);
  if (bareMetas.has(text)) return meta(cursor, text, 1);
  if (text === "ct") return ct(cursor);
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

function ct(cursor: Cursor): Expression {
  cursor.next();
  const direction = (["original", "reply"] as const).find((each) => cursor.take(each));
  const key =
    direction && (cursor.at("ip") || cursor.at("ip6"))
      ? `${cursor.next().text} ${cursor.next().text}`
      : cursor.word("what of the connection is meant");
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
  if (operations.length < 2) return expression;
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
    parts.push(readOne(cursor, name, asSets));
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

/** Flags in the order of nft's table of them. */
function flagList(cursor: Cursor, names: readonly string[]): string {
  const found = [readOne(cursor, names[0]!, false)];
  while (cursor.take(",") || cursor.take("|")) found.push(readOne(cursor, names[0]!, false));
  const order = typeOf(names[0]!)!.flags!;
  return order.filter((each) => found.includes(each)).join(",") || found.join(",");
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
    return { name: set.name };
  }
  const data = mapped === true ? "verdict" : mapped === false ? undefined : mapped;
  const elements = readElements(cursor, names, data);
  return { elements: inOrder(elements, names) };
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
    if (cursor.take("}")) return elements;
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
    else if (cursor.take("comment")) options.comment = cursor.name("a comment");
    else if (cursor.take("counter")) options.counter = counted(cursor);
    else return options;
  }
}

// ---- NAT and the rest ---------------------------------------------------------------------------

function natTo(kind: "dnat" | "snat", cursor: Cursor, around: Surroundings): Statement {
  const family = (["ip", "ip6"] as const).find((each) => cursor.at(each) && cursor.at("to", 1));
  if (family) cursor.next();
  cursor.need("to");
  const which = family ?? (around.family === "ip6" ? "ip6" : "ip");
  const isInet = around.family === "inet";
  const address = cursor.at(":") ? undefined : goal(cursor, around, which);
  const isConcat = address?.kind === "map" && hasPorts(address.map, around);
  const port = cursor.take(":") ? portGoal(cursor, around) : undefined;
  const shown = isInet ? (family ?? undefined) : isConcat ? which : undefined;
  return {
    kind,
    ...(shown && { family: shown }),
    ...(address && { address }),
    ...(port && { port }),
    ...natFlags(cursor),
  };
}

/** Whether a map says both an address and a port. */
function hasPorts(map: SetRef, around: Surroundings): boolean {
  if ("elements" in map)
    return map.elements.some(({ data }) => typeof data === "string" && data.includes(" . "));
  const data = around.set(map.name)?.data;
  return data !== undefined && data !== "verdict" && data.length > 1;
}

function goal(cursor: Cursor, around: Surroundings, family: "ip" | "ip6"): Expression {
  const type = family === "ip" ? "ipv4_addr" : "ipv6_addr";
  const { kind, text } = cursor.peek();
  if (cursor.take("[")) {
    const low = readOne(cursor, type, false);
    cursor.need("]");
    if (cursor.at("-")) throw new NotModelled();
    return { kind: "value", text: low };
  }
  const isAddress = kind === "word" && canonical(typeOf(type)!, text) !== undefined;
  if (isAddress) return { kind: "value", text: readOne(cursor, type, true) };
  if (kind === "word" && /^[0-9.:]+$/.test(text)) cursor.fail(typeOf(type)!.what);
  return mapped(cursor, around, type);
}

function portGoal(cursor: Cursor, around: Surroundings): Expression {
  const { kind, text } = cursor.peek();
  const isPort = kind === "word" && /^\d/.test(text);
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
  return { with: `${kind} ${code}` };
}

/** Only what nft would print is kept; nothing of it changes a packet's way. */
function log(cursor: Cursor): Statement {
  cursor.next();
  const start = cursor.place;
  for (;;) {
    if (cursor.take("prefix")) cursor.string("a prefix");
    else if (cursor.at("level")) {
      cursor.next();
      cursor.word("a level");
    } else if (["group", "snaplen", "queue-threshold"].some((each) => cursor.take(each)))
      cursor.number("a number");
    else if (cursor.take("flags")) {
      do cursor.word("a flag");
      while (cursor.take(","));
    } else break;
  }
  if (cursor.place === start) return { kind: "log" };
  const options = cursor
    .since(start)
    .replace(/ ?\blevel warn\b/, "")
    .trim();
  return { kind: "log", ...(options && { options }) };
}

function setChange(
  kind: "update" | "add" | "delete",
  cursor: Cursor,
  around: Surroundings,
): Statement {
  const set = cursor.word("a set").replace(/^@/, "");
  if (!around.set(set)) throw cursor.error(`there is no set or map ${set} in this table`);
  cursor.need("{");
  const key = expression(cursor, around);
  const timeout = cursor.take("timeout") ? parseTime(cursor) : undefined;
  if (!cursor.take("}")) throw new NotModelled();
  return { kind, set, key, ...(timeout !== undefined && { timeout }) };
}
