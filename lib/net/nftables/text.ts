/**
 * Rules as text: `listText` writes what `nft list ruleset` prints, tabs and line breaks included.
 * (nftables 1.0.6, src/rule.c, src/expression.c, src/statement.c)
 */
import { printable } from "../printable.js";
import { typesOf } from "./expressions.js";
import { inOrder } from "./order.js";
import type {
  Base,
  Chain,
  Element,
  Expression,
  NamedSet,
  NatFlag,
  Operator,
  Rule,
  RuleSet,
  SetRef,
  Statement,
  Table,
  Verdict,
} from "./ruleset.js";
import { typeOf, type ValueType } from "./types.js";

/** What `nft list ruleset` prints. */
export function listText(rules: RuleSet): string {
  let text = "";
  for (const table of rules.tables()) text += tableText(table);
  return text;
}

/** What `nft list table` prints. */
export function tableText(table: Table): string {
  const { family, name, comment, flags, others = [] } = table;
  const head = [`table ${family} ${printable(name)} {\n`];
  if (flags?.length) head.push(`\tflags ${flags.join(",")}\n`);
  if (comment !== undefined) head.push(`\tcomment ${quoted(comment)}\n`);
  const blocks = others.map((block) => block.replace(/^(?=.)/gm, "\t"));
  for (const set of table.sets()) blocks.push(setText(set));
  for (const chain of table.chains()) blocks.push(chainText(chain, family));
  // flags, other than a comment, are a block of their own (src/rule.c, table_print_flags)
  if (flags?.length && blocks.length > 0) head.push("\n");
  return `${head.join("")}${blocks.join("\n")}}\n`;
}

function setText(set: NamedSet): string {
  let text = `\t${set.data === undefined ? "set" : "map"} ${printable(set.name)} {\n`;
  for (const line of setLines(set)) text += `\t\t${line}\n`;
  return `${text}\t}\n`;
}

/** In the order of set_print_declaration. */
function* setLines(set: NamedSet): Generator<string> {
  const flags = set.flags ?? [];
  yield typeText(set);
  if (set.policy !== undefined && !flags.includes("constant")) yield `policy ${set.policy}`;
  if (set.size !== undefined && !flags.includes("constant")) yield `size ${set.size}`;
  if (flags.some((flag) => flag !== "timeout" || set.timeout === undefined))
    yield `flags ${flagOrder.filter((each) => flags.includes(each)).join(",")}`;
  if (set.autoMerge) yield "auto-merge";
  if (set.counter) yield "counter";
  if (set.timeout !== undefined) yield `timeout ${timeText(set.timeout)}`;
  if (set.gcInterval !== undefined) yield `gc-interval ${timeText(set.gcInterval)}`;
  if (set.comment !== undefined) yield `comment ${quoted(set.comment)}`;
  if (set.elements.size > 0) yield `elements = ${elementsText(set)}`;
}

const flagOrder = ["constant", "dynamic", "interval", "timeout"] as const;

function typeText({ type, typeof: by, data, dataIntervals }: NamedSet): string {
  // nft forgets the example where ranges are found
  if (by !== undefined && !dataIntervals) return `typeof ${by}`;
  if (data === undefined) return `type ${type.join(" . ")}`;
  const found = data === "verdict" ? data : data.join(" . ");
  return `type ${type.join(" . ")} : ${dataIntervals ? "interval " : ""}${found}`;
}

/** How many elements stand in a line; those of other types have a line each (calculate_delim). */
const inLine: Readonly<Record<string, number>> = {
  nf_proto: 5,
  integer: 5,
  inet_proto: 5,
  inet_service: 5,
  tcp_flag: 5,
  mark: 5,
  iface_index: 5,
  uid: 5,
  gid: 5,
  ct_dir: 5,
  ipv4_addr: 2,
  ct_state: 2,
};

function elementsText({ type, elements, flags }: NamedSet): string {
  const most = (type.length === 1 && inLine[type[0]!]) || 1;
  let text = "{ ";
  let count = 0;
  for (const element of inOrder(elements.values(), type, flags?.includes("interval"))) {
    if (count > 0) text += count % most === 0 ? ",\n\t\t\t     " : ", ";
    text += elementText(element);
    count++;
  }
  return `${text} }`;
}

export function elementText({ key, data, timeout, expires, comment, counter }: Element): string {
  let text = printable(key);
  if (counter) text += ` ${counterText(counter)}`;
  if (timeout !== undefined) text += ` timeout ${timeText(timeout)}`;
  if (expires !== undefined) text += ` expires ${timeText(expires)}`;
  if (comment !== undefined) text += ` comment ${quoted(comment)}`;
  if (data === undefined) return text;
  return `${text} : ${typeof data === "string" ? printable(data) : verdictText(data)}`;
}

function chainText({ name, comment, base, rules }: Chain, family: string): string {
  let text = `\tchain ${printable(name)} {\n`;
  if (comment !== undefined) text += `\t\tcomment ${quoted(comment)}\n`;
  if (base) text += `\t\t${baseText(base, family)}\n`;
  for (const rule of rules) text += `\t\t${ruleText(rule)}\n`;
  return `${text}\t}\n`;
}

/** "type nat hook prerouting priority dstnat; policy accept;" */
export function baseText(base: Base, family = "ip"): string {
  const { type, hook, devices = [], policy = "accept" } = base;
  const names = devices.map((name) => quoted(name));
  const on =
    names.length === 0
      ? ""
      : names.length === 1
        ? ` device ${names[0]}`
        : ` devices = { ${names.join(", ")} }`;
  return `type ${type} hook ${hook}${on} priority ${priorityText(base, family)}; policy ${policy};`;
}

/** The priorities that have a name; those of NAT only where it has its own turn. */
const named = [
  { name: "raw", at: -300 },
  { name: "mangle", at: -150 },
  { name: "dstnat", at: -100, hook: "prerouting" },
  { name: "filter", at: 0 },
  { name: "security", at: 50 },
  { name: "srcnat", at: 100, hook: "postrouting" },
] as const;
/** So near to one, a number is told by its name (src/rule.c, prio2str). */
const reach = 10;

function priorityText({ priority, hook }: Base, family: string): string {
  const near = named.find(({ at }) => Math.abs(priority - at) <= reach);
  const isPlain = near === undefined || ("hook" in near && near.hook !== hook);
  if (isPlain || family === "bridge") return String(priority);
  const offset = priority - near.at;
  if (offset === 0) return near.name;
  return `${near.name} ${offset > 0 ? "+" : "-"} ${Math.abs(offset)}`;
}

/** The rule as it stands in its chain. */
export function ruleText({ statements, comment }: Rule): string {
  const parts = statements.map(statementText);
  if (comment !== undefined) parts.push(`comment ${quoted(comment)}`);
  return printable(parts.join(" "));
}

export function statementText(statement: Statement): string {
  switch (statement.kind) {
    case "match": {
      return matchText(statement);
    }
    case "vmap":
      return `${expressionText(statement.key)} vmap ${refText(statement.map)}`;
    case "set":
      return `${expressionText(statement.what)} set ${expressionText(statement.to)}`;
    case "dnat":
    case "snat":
    case "masquerade":
    case "redirect":
      return natText(statement);
    case "reject":
      return statement.with === undefined ? "reject" : `reject with ${statement.with}`;
    case "counter":
      return counterText(statement);
    case "update":
    case "add":
    case "delete": {
      const { kind, set, key, timeout, counter } = statement;
      const until = timeout === undefined ? "" : ` timeout ${timeText(timeout)}`;
      return `${kind} @${set} { ${expressionText(key)}${until}${counter ? " counter" : ""} }`;
    }
    case "log":
      return statement.options === undefined ? "log" : `log ${statement.options}`;
    case "unknown":
      return statement.text;
    case "notrack":
      return "notrack";
    default:
      return verdictText(statement);
  }
}

function matchText({ left, op, right }: Extract<Statement, { kind: "match" }>): string {
  if (typeof right !== "string")
    return `${expressionText(left)}${op === undefined ? "" : ` ${op}`} ${refText(right)}`;
  const type = typeOf(typesOf(left)[0] ?? "");
  if (type?.flags) return flagsText(left, op, right, type);
  const [base, bits] = left.kind === "bitwise" ? [left.left, firstBits(left, op, right)] : [left];
  if (bits !== undefined)
    return `${expressionText(base)}${op === "!=" ? " !=" : ""} ${right}/${bits}`;
  return `${expressionText(left)}${op === undefined ? "" : ` ${op}`} ${right}`;
}

/** How many of a mark's first bits are compared, where it is those: nft tells them as a prefix. */
function firstBits(
  { op: what, left, right: mask }: Extract<Expression, { kind: "bitwise" }>,
  op: Operator | undefined,
  right: string,
): number | undefined {
  if (what !== "&" || left.kind === "bitwise" || right.includes("-")) return undefined;
  if (op !== undefined && op !== "==" && op !== "!=") return undefined;
  const bits = Number(mask).toString(2).padStart(32, "0");
  const [, ones = ""] = /^(1*)0*$/.exec(bits) ?? [];
  return /^1*0*$/.test(bits) ? ones.length : undefined;
}

/** Flags under a mask are told by a slash, several exact ones by a number. */
function flagsText(
  left: Expression,
  op: Operator | undefined,
  right: string,
  type: ValueType,
): string {
  if (left.kind === "bitwise") {
    const base = expressionText(left.left);
    const isOne = left.right === right && !right.includes(",");
    if (isOne) return `${base} & ${left.right} ${op} ${right}`;
    return `${base}${op === "!=" ? " !=" : ""} ${right} / ${left.right}`;
  }
  const base = expressionText(left);
  if (op === undefined) return `${base} ${right}`;
  if (op === "!" || !right.includes(",")) return `${base} ${op} ${right}`;
  const flags = right.split(",");
  if (!type.host) {
    const bits = flags.reduce((all, each) => all | Number(type.quantity(each)), 0);
    return `${base} ${op} 0x${bits.toString(16)}`;
  }
  return `${base}${op === "==" ? "" : ` ${op}`} ${flags.join(" | ")}`;
}

const verdictText = (verdict: Verdict): string =>
  "chain" in verdict ? `${verdict.kind} ${printable(verdict.chain)}` : verdict.kind;

const counterText = ({ packets, bytes }: { packets: number; bytes: number }): string =>
  `counter packets ${packets} bytes ${bytes}`;

type NatStatement = Extract<
  Statement,
  { kind: "dnat" | "snat" } | { kind: "masquerade" | "redirect" }
>;

function natText(statement: NatStatement): string {
  const { kind, port, flags } = statement;
  const goal = natGoal(statement);
  const family = "family" in statement && statement.family ? ` ${statement.family}` : "";
  const to = goal === "" && port === undefined ? "" : ` to ${goal}`;
  return `${kind}${family}${to}${port ? `:${expressionText(port)}` : ""}${natFlags(flags)}`;
}

/** An IPv6 address stands in brackets beside a port. */
function natGoal(statement: NatStatement): string {
  if (!("address" in statement) || statement.address === undefined) return "";
  const text = expressionText(statement.address);
  const isBare = statement.address.kind !== "value" || !text.includes(":");
  if (isBare || statement.port === undefined) return text;
  return text
    .split("-")
    .map((address) => `[${address}]`)
    .join("-");
}

const natFlags = (flags: readonly NatFlag[] = []): string =>
  flags.length === 0 ? "" : ` ${flags.join(",")}`;

/** "@name", or the elements. Those of a rule's own set all stand in one line. */
const refText = (ref: SetRef): string =>
  "name" in ref ? `@${ref.name}` : `{ ${ref.elements.map(elementText).join(", ")} }`;

export function expressionText(expression: Expression): string {
  switch (expression.kind) {
    case "payload":
      return `${expression.header} ${expression.field}`;
    case "meta":
      return bareMeta.has(expression.key) ? expression.key : `meta ${expression.key}`;
    case "ct":
      return ["ct", expression.direction, expression.key].filter(Boolean).join(" ");
    case "fib":
      return `fib ${expression.from.join(" . ")} ${expression.result}`;
    case "numgen": {
      const { mode, modulus, offset = 0 } = expression;
      if (expression.isMeta) return `meta random${modulus < 2 ** 32 ? ` & ${modulus - 1}` : ""}`;
      return `numgen ${mode} mod ${modulus}${offset === 0 ? "" : ` offset ${offset}`}`;
    }
    case "concat":
      return expression.parts.map(expressionText).join(" . ");
    case "bitwise":
      return `${expressionText(expression.left)} ${expression.op} ${expression.right}`;
    case "map":
      return `${expressionText(expression.key)} map ${refText(expression.map)}`;
    case "value":
      return expression.text;
  }
}

/** Those that nft prints without "meta" (src/meta.c, meta_key_is_unqualified). */
const bareMeta: ReadonlySet<string> = new Set([
  "iif",
  "oif",
  "iifname",
  "oifname",
  "iifgroup",
  "oifgroup",
]);

/** nft knows no escapes: what stands between the quotes is the text. */
const quoted = (text: string): string => `"${printable(text)}"`;

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;

/** Milliseconds as nft prints them: "3h", "2h59m58s123ms", "0s". */
export function timeText(milliseconds: number): string {
  let left = milliseconds;
  let text = "";
  for (const [unit, size] of units) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text || "0s";
}
