/**
 * From a rule's statements to what the walk does with them: tests become closures once, so that a
 * packet costs a few comparisons. (net/netfilter/nft_cmp.c, nft_lookup.c, nft_bitwise.c)
 */
import { parseCIDR } from "../ip.js";
import type { Translation } from "../nat.js";
import { typesOf } from "./expressions.js";
import { elementFinder, NotModelled, readingOf, type Look, type Reading } from "./reading.js";
import type { Element, Expression, Operator, Statement, Verdict } from "./ruleset.js";
import { statementText } from "./text.js";
import { spanOf, typeOf, types, type Quantity, type Span, type ValueType } from "./types.js";

type Only<K extends Statement["kind"]> = Statement extends infer S
  ? S extends { kind: infer Kind }
    ? K extends Kind
      ? S
      : never
    : never
  : never;

export type Operation =
  | { readonly kind: "test"; readonly test: Test }
  | { readonly kind: "vmap"; readonly find: (look: Look) => Element | undefined }
  | {
      readonly kind: "mark";
      readonly of: "packet" | "connection";
      readonly value: (look: Look) => number | undefined;
    }
  | {
      readonly kind: "nat";
      readonly family: "ip" | "ip6" | undefined;
      readonly goal: Goal;
      /** A map says where to, and may say a range. */
      readonly isMapped: boolean;
    }
  | {
      readonly kind: "change";
      readonly statement: Only<"update">;
      readonly key: (look: Look) => string | undefined;
    }
  | { readonly kind: "verdict"; readonly verdict: Verdict }
  | { readonly kind: "statement"; readonly statement: Plain }
  | { readonly kind: "unknown"; readonly text: string; readonly line: number | undefined };

export type NatStatement = Only<"dnat"> | Only<"masquerade">;
export type Plain = Exclude<
  Statement,
  | Only<"match">
  | Only<"vmap">
  | Only<"set">
  | NatStatement
  | Only<"update">
  | Only<"unknown">
  | Verdict
>;

/** What to translate to; undefined: the map has nothing for this packet. */
export type Goal = (look: Look) => Translation | undefined;

/** What a rule asks first, and what it does then. */
export interface Compiled {
  readonly tests: readonly Test[];
  readonly operations: readonly Operation[];
}

export function compile(statements: readonly Statement[]): Compiled {
  const all = statements.map(operationOf);
  const first = all.findIndex(({ kind }) => kind !== "test");
  const operations = first < 0 ? [] : all.slice(first);
  const tests = (first < 0 ? all : all.slice(0, first)).map((each) => (each as Asking).test);
  return { tests, operations };
}
type Asking = Extract<Operation, { kind: "test" }>;

function operationOf(statement: Statement): Operation {
  try {
    return modelled(statement);
  } catch (error) {
    if (!(error instanceof NotModelled)) throw error;
    return { kind: "unknown", text: statementText(statement), line: undefined };
  }
}

function modelled(statement: Statement): Operation {
  switch (statement.kind) {
    case "match":
      return { kind: "test", test: testOf(statement) };
    case "vmap":
      return { kind: "vmap", find: elementFinder(statement.key, statement.map) };
    case "set":
      return setting(statement);
    case "dnat":
    case "snat":
      return {
        kind: "nat",
        family: statement.family,
        goal: goalOf(statement, statement.address),
        isMapped: statement.address?.kind === "map",
      };
    case "masquerade":
    case "redirect":
      return {
        kind: "nat",
        family: undefined,
        goal: goalOf(statement, undefined),
        isMapped: false,
      };
    case "update":
    case "add":
    case "delete":
      return { kind: "change", statement, key: readingOf(statement.key).text };
    case "unknown":
      return { kind: "unknown", text: statement.text, line: statement.line };
    case "accept":
    case "drop":
    case "return":
    case "continue":
    case "jump":
    case "goto":
      return { kind: "verdict", verdict: statement };
    default:
      return { kind: "statement", statement };
  }
}

function setting({ what, to }: Only<"set">): Operation {
  const value = readingOf(to).quantity;
  const isMark = (what.kind === "meta" || what.kind === "ct") && what.key === "mark";
  if (!isMark) throw new NotModelled();
  return {
    kind: "mark",
    of: what.kind === "meta" ? "packet" : "connection",
    value: (look) => {
      const found = value(look);
      return found === undefined ? undefined : Number(found);
    },
  };
}

/** A range of addresses is chosen from by a hash that nobody knows here. */
function goalOf(statement: NatStatement, address: Expression | undefined): Goal {
  const { port } = statement;
  if (address?.kind === "value" && isRange(address.text)) throw new NotModelled();
  const isFixed = statement.kind !== "redirect" && address?.kind !== "map" && port?.kind !== "map";
  const [where, which] = [address && readingOf(address), port && readingOf(port)];
  const goal: Goal = (look) => {
    const found = where?.text(look);
    if (where && found === undefined) return undefined;
    const [host, its] = found?.split(" . ") ?? [];
    const ports = which ? which.text(look) : its;
    if (which && ports === undefined) return undefined;
    return translationOf(statement, host, ports, look);
  };
  if (!isFixed) return goal;
  let fixed: Translation | undefined;
  return (look) => (fixed ??= goal(look));
}

function translationOf(
  { kind, flags = [] }: NatStatement,
  address: string | undefined,
  port: string | undefined,
  { passage }: Look,
): Translation {
  const [low, high = low] = port?.split("-").map(Number) ?? [];
  const ports = low === undefined ? {} : { low, high: high! };
  const randomFully = flags.some((flag) => flag !== "persistent");
  switch (kind) {
    case "masquerade":
      return { kind: "MASQUERADE", ...ports, ...(randomFully && { randomFully }) };
    case "redirect": {
      const own = passage.destinationPort;
      return { kind: "REDIRECT", low: low ?? own, high: high ?? own };
    }
    case "dnat":
    case "snat":
      return {
        kind: kind === "dnat" ? "DNAT" : "SNAT",
        ...(address !== undefined && { address }),
        ...ports,
        ...(randomFully && { randomFully }),
      };
  }
}

const isRange = (text: string): boolean => text.includes("-") || text.includes("/");

// ---- comparisons --------------------------------------------------------------------------------

type Test = (look: Look) => boolean;

function testOf({ left, op, right }: Only<"match">): Test {
  if (typeof right !== "string") {
    const reading = readingOf(left);
    const find = elementFinder(left, right);
    if (op !== "!=") return (look) => find(look) !== undefined;
    return (look) => reading.text(look) !== undefined && find(look) === undefined;
  }
  if (left.kind === "numgen" && left.mode === "random") return chanceOf(left, op, right);
  const reading = readingOf(left);
  if (left.kind === "concat") return partsTest(reading, typesOf(left), op, right);
  const type = typeOf(typesOf(left)[0] ?? "");
  if (!type) throw new NotModelled();
  if (type.flags && left.kind !== "bitwise") return flagsTest(reading, type, op, right);
  if (type.flags) return spanTest(reading, oneOf(bitsOf(type, right)), op === "!=");
  const isName = type === types["ifname"] || type === types["iface_index"];
  if (isName) return nameTest(reading, op, right);
  if (type === types["ipv4_addr"] || type === types["ipv6_addr"])
    return addressTest(left, reading, type, op, right);
  return spanTest(reading, rangeOf(type, op, right), op === "!=");
}

const oneOf = (value: number): Span => ({ low: value, high: value });

/** The values that a comparison asks for. */
function rangeOf(type: ValueType, op: Operator | undefined, right: string): Span {
  const { low, high } = spanOf(type, right);
  const one = typeof low === "bigint" ? 1n : 1;
  const less = (value: Quantity): Quantity => (value as number) - (one as number);
  const more = (value: Quantity): Quantity => (value as number) + (one as number);
  switch (op) {
    case "<":
      return { low: 0, high: less(low) };
    case "<=":
      return { low: 0, high };
    case ">":
      return { low: more(high), high: Infinity };
    case ">=":
      return { low, high: Infinity };
    default:
      return { low, high };
  }
}

function spanTest({ quantity }: Reading, { low, high }: Span, not: boolean): Test {
  return (look) => {
    const value = quantity(look);
    return value !== undefined && (value >= low && value <= high) !== not;
  };
}

/** The common case is one address, or one range. */
function addressTest(
  left: Expression,
  reading: Reading,
  type: ValueType,
  op: Operator | undefined,
  right: string,
): Test {
  const not = op === "!=";
  const isEqual = op === undefined || op === "==" || not;
  const isOwn = left.kind === "payload" && !right.includes("-");
  if (!isEqual || !isOwn) return spanTest(reading, rangeOf(type, op, right), not);
  const { text } = reading;
  if (!right.includes("/"))
    return (look) => {
      const found = text(look);
      return found !== undefined && (found === right) !== not;
    };
  const range = parseCIDR(right);
  const side = left.field === "saddr" ? "source" : "destination";
  return ({ passage }) => {
    const address = passage[side];
    return address.family === range.family && range.contains(address) !== not;
  };
}

function nameTest({ text }: Reading, op: Operator | undefined, right: string): Test {
  if (op !== undefined && op !== "==" && op !== "!=") throw new NotModelled();
  const not = op === "!=";
  const prefix = right.endsWith('*"') ? right.slice(0, -2) : undefined;
  if (prefix === undefined) return (look) => (text(look) === right) !== not;
  return (look) => text(look)!.startsWith(prefix) !== not;
}

/** Without an operator, one of the flags is enough; ! asks for none of them. */
function flagsTest(
  { quantity }: Reading,
  type: ValueType,
  op: Operator | undefined,
  right: string,
): Test {
  const bits = bitsOf(type, right);
  if (op === undefined) return (look) => (Number(quantity(look) ?? 0) & bits) !== 0;
  const test = (value: number): boolean => {
    if (op === "!") return (value & bits) === 0;
    return (value === bits) !== (op === "!=");
  };
  if (op !== "==" && op !== "!=" && op !== "!") throw new NotModelled();
  return (look) => {
    const value = quantity(look);
    return value !== undefined && test(Number(value));
  };
}

/** Flags in a row, as one number. */
const bitsOf = (type: ValueType, text: string): number =>
  text.split(",").reduce((all, name) => all | Number(type.quantity(name)), 0);

function partsTest(
  { text, parts = [] }: Reading,
  names: readonly string[],
  op: Operator | undefined,
  right: string,
): Test {
  const kinds = names.map(typeOf);
  const spans = right.split(" . ").map((part, i) => {
    const type = kinds[i];
    if (!type || (op !== undefined && op !== "==" && op !== "!=")) throw new NotModelled();
    return spanOf(type, part);
  });
  const not = op === "!=";
  return (look) => {
    if (text(look) === undefined) return false;
    const isInside = spans.every(({ low, high }, i) => {
      const value = parts[i]!.quantity(look)!;
      return value >= low && value <= high;
    });
    return isInside !== not;
  };
}

/** So many of a generator's numbers fulfil the comparison: one draw instead of one for each. */
function chanceOf(
  { modulus, offset = 0 }: Extract<Expression, { kind: "numgen" }>,
  op: Operator | undefined,
  right: string,
): Test {
  const { low, high } = rangeOf(types["integer"]!, op, right);
  const from = Math.max(Number(low), offset);
  const to = Math.min(Number(high), offset + modulus - 1);
  const inside = Math.max(0, to - from + 1);
  const count = op === "!=" ? modulus - inside : inside;
  if (count === 0) return () => false;
  if (count === modulus) return () => true;
  return ({ passage }) => passage.choose.chance(count, modulus);
}
