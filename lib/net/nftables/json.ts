/**
 * What `nft -j list ruleset` prints, and what `nft -j -f` takes, told as commands: one line for
 * each object, which parse.ts then reads. (libnftables-json(5))
 */
import { RulesError } from "../rules-error.js";

type Data = Readonly<Record<string, unknown>>;

const isData = (value: unknown): value is Data =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Thrown where an object is none that can be told. */
class Untold extends Error {}

/** Of each object, its command. Throws a RulesError where the text is no such JSON. */
export function commandsOf(text: string): string[] {
  linesIn(text);
  const { nftables } = parsed(text);
  if (!Array.isArray(nftables))
    throw new RulesError(1, 'got JSON without the list "nftables", which nft -j prints');
  return nftables.map((object: unknown, i) => {
    try {
      return command(object);
    } catch (error) {
      if (!(error instanceof Untold)) throw error;
      throw new RulesError(lineOf(text, i), `object ${i + 1} of the list: ${error.message}`);
    }
  });
}

function parsed(text: string): Data {
  try {
    const value: unknown = JSON.parse(text);
    if (isData(value)) return value;
  } catch (error) {
    const [, position] = /position (\d+)/.exec(String(error)) ?? [];
    const before = position === undefined ? "" : text.slice(0, Number(position));
    throw new RulesError(before.split("\n").length, `no JSON: ${(error as Error).message}`);
  }
  throw new RulesError(1, 'got JSON without the list "nftables", which nft -j prints');
}

/** Objects stand in a list in an object; what is deeper than this says nothing any more. */
const deepest = 64;

/** The line where each object of the list begins. Throws where it is nested too deep. */
function linesIn(text: string): number[] {
  const lines: number[] = [];
  let [line, depth] = [1, 0];
  for (const [found] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}\n]/g)) {
    if (found === "\n") line++;
    else if (found === "{" || found === "[") {
      if (depth === 2) lines.push(line);
      if (++depth > deepest) throw new RulesError(line, `nested more than ${deepest} deep`);
    } else if (found === "}" || found === "]") depth--;
  }
  return lines;
}

/** Where an object of the list begins. */
export const lineOf = (text: string, index: number): number => linesIn(text)[index] ?? 1;

// ---- objects ------------------------------------------------------------------------------------

function command(object: unknown): string {
  const [kind, value] = only(object);
  switch (kind) {
    case "metainfo":
      return "";
    case "add":
    case "create":
      return command(value);
    case "flush":
    case "delete": {
      const [what, named] = only(value);
      if (what === "ruleset") return `${kind} ruleset`;
      return `${kind} ${plain(what)} ${place(data(named), what === "table" ? [] : ["name"])}`;
    }
    case "table": {
      const { comment } = data(value);
      const inside = comment === undefined ? "" : ` { comment ${quoted(comment)}; }`;
      return `add table ${place(data(value), [])}${inside}`;
    }
    case "chain":
      return `add chain ${place(data(value), ["name"])}${chainBody(data(value))}`;
    case "set":
    case "map":
      return `add ${kind} ${place(data(value), ["name"])} { ${setBody(data(value))} }`;
    case "element": {
      const { elem } = data(value);
      return `add element ${place(data(value), ["name"])} { ${elements(elem)} }`;
    }
    case "rule": {
      const { expr, comment } = data(value);
      if (!Array.isArray(expr)) throw new Untold('a rule has no list "expr"');
      const said = comment === undefined ? "" : ` comment ${quoted(comment)}`;
      return `add rule ${place(data(value), ["chain"])} ${expr.map(statement).join(" ")}${said}`;
    }
    default:
      return ""; // counters and other objects change no packet's way
  }
}

/** Family, table, and what of the object is named. */
function place(object: Data, names: readonly string[]): string {
  const { family, table, name } = object;
  const where = [plain(family), quoted(names.length === 0 ? name : table)];
  return [...where, ...names.map((each) => quoted(object[each]))].join(" ");
}

function chainBody({ type, hook, prio, policy, dev, comment }: Data): string {
  const parts: string[] = [];
  if (comment !== undefined) parts.push(`comment ${quoted(comment)};`);
  if (type !== undefined) {
    const on = dev === undefined ? "" : ` device ${quoted(dev)}`;
    parts.push(`type ${plain(type)} hook ${plain(hook)}${on} priority ${whole(prio)};`);
    if (policy !== undefined) parts.push(`policy ${plain(policy)};`);
  }
  return parts.length > 0 ? ` { ${parts.join(" ")} }` : "";
}

function setBody(set: Data): string {
  const { type, map, flags, timeout, size, comment, policy, elem } = set;
  const names = (value: unknown): string =>
    list(value)
      .map((each) => String(each).split(" . ").map(plain).join(" . "))
      .join(" . ");
  const parts = [`type ${names(type)}${map === undefined ? "" : ` : ${names(map)}`};`];
  if (flags !== undefined) parts.push(`flags ${list(flags).map(plain).join(",")};`);
  if (timeout !== undefined) parts.push(`timeout ${whole(timeout)}s;`);
  if (set["gc-interval"] !== undefined) parts.push(`gc-interval ${whole(set["gc-interval"])}s;`);
  if (size !== undefined) parts.push(`size ${whole(size)};`);
  if (policy !== undefined) parts.push(`policy ${plain(policy)};`);
  if (set["auto-merge"] === true) parts.push("auto-merge;");
  if (comment !== undefined) parts.push(`comment ${quoted(comment)};`);
  if (elem !== undefined) parts.push(`elements = { ${elements(elem)} };`);
  return parts.join(" ");
}

// ---- elements and values ------------------------------------------------------------------------

const elements = (value: unknown): string => list(value).map(element).join(", ");

/** KEY, or of a map [KEY, DATA]. */
function element(value: unknown): string {
  if (!Array.isArray(value)) return key(value);
  const [first, second] = value as unknown[];
  return `${key(first)} : ${isData(second) && verdictOf(second) ? verdictOf(second) : term(second)}`;
}

function key(value: unknown): string {
  if (!isData(value) || !isData(value["elem"])) return term(value);
  const { val, timeout, expires, comment, counter } = value["elem"];
  let text = term(val);
  if (timeout !== undefined) text += ` timeout ${whole(timeout)}s`;
  if (expires !== undefined) text += ` expires ${whole(expires)}s`;
  if (isData(counter)) text += ` ${counted(counter)}`;
  return comment === undefined ? text : `${text} comment ${quoted(comment)}`;
}

/** An expression or a value. */
function term(value: unknown): string {
  if (typeof value === "number") return whole(value);
  if (typeof value === "boolean") return value ? "exists" : "missing";
  if (typeof value === "string")
    return value === "*" || /^@[\w./-]+$/.test(value) ? value : quoted(value);
  if (Array.isArray(value)) return value.map(term).join(",");
  const [kind, inside] = only(value);
  switch (kind) {
    case "set":
      return `{ ${elements(inside)} }`;
    case "concat":
      return list(inside).map(term).join(" . ");
    case "prefix": {
      const { addr, len } = data(inside);
      // of a mark, the first bits: JSON has a number where text has eight hexadecimal digits
      const from =
        typeof addr === "number"
          ? `0x${Number(whole(addr)).toString(16).padStart(8, "0")}`
          : address(addr);
      return `${from}/${whole(len)}`;
    }
    case "range": {
      const [low, high] = list(inside).map((each) =>
        typeof each === "string" ? address(each) : whole(each),
      );
      return `${low}-${high}`;
    }
    case "&":
    case "|":
    case "^": {
      const [left, right] = list(inside);
      return `${term(left)} ${kind} ${term(right)}`;
    }
    default:
      return expression(kind, data(inside));
  }
}

function expression(kind: string, inside: Data): string {
  const { protocol, field, key: name, family, dir, flags, result, mode, mod, offset } = inside;
  switch (kind) {
    case "payload":
      if (protocol === undefined) throw new Untold("a payload by its offset cannot be told");
      return `${plain(protocol)} ${plain(field)}`;
    case "meta":
      return `meta ${plain(name)}`;
    case "ct":
      return ["ct", dir, family, ...String(name).split(" ")].filter(Boolean).map(plain).join(" ");
    case "fib":
      return `fib ${list(flags).map(plain).join(" . ")} ${plain(result)}`;
    case "numgen":
      return `numgen ${plain(mode)} mod ${whole(mod)}${offset ? ` offset ${whole(offset)}` : ""}`;
    case "map":
      return `${term(name)} map ${term(inside["data"])}`;
    default:
      throw new Untold(`${kind} cannot be told`);
  }
}

// ---- statements ---------------------------------------------------------------------------------

/** What cannot be told stays a statement that nobody knows. */
function statement(value: unknown): string {
  const [kind, inside] = only(value);
  try {
    return told(kind, inside);
  } catch (error) {
    if (!(error instanceof Untold)) throw error;
    return unknown(kind, inside);
  }
}

/** Nothing, of what JSON has no word for. */
const jsonOf = (value: unknown): string | undefined => JSON.stringify(value);

const unknown = (kind: string, inside: unknown): string =>
  `unknown ${kind} ${jsonOf(inside) ?? ""}`.replace(/[^\w.:/-]+/g, " ").trim();

function told(kind: string, inside: unknown): string {
  const verdict = verdictOf({ [kind]: inside });
  if (verdict) return verdict;
  switch (kind) {
    case "match": {
      const { left, op, right } = data(inside);
      return `${term(left)} ${operator(op, right)}${term(right)}`;
    }
    case "vmap": {
      const { key: from, data: to } = data(inside);
      return `${term(from)} vmap ${term(to)}`;
    }
    case "mangle": {
      const { key: what, value } = data(inside);
      return `${term(what)} set ${term(value)}`;
    }
    case "counter":
      if (typeof inside === "string") throw new Untold("a named counter");
      return inside === null ? "counter" : counted(data(inside));
    case "dnat":
    case "snat":
    case "masquerade":
    case "redirect":
      return nat(kind, inside === null ? {} : data(inside));
    case "reject": {
      const { type, expr } = inside === null ? {} : data(inside);
      if (type === undefined) return "reject";
      return type === "tcp reset"
        ? "reject with tcp reset"
        : `reject with ${plain(type)} ${plain(expr)}`;
    }
    case "set": {
      const { op, elem, set } = data(inside);
      return `${plain(op)} ${term(set)} { ${key(elem)} }`;
    }
    case "log":
    case "notrack":
      return kind; // how it is logged changes no packet's way
    default:
      throw new Untold(kind);
  }
}

/** "in" is what text writes without an operator, as it does == before a set. */
function operator(op: unknown, right: unknown): string {
  const known = ["==", "!=", "<", ">", "<=", ">=", "in"].find((each) => each === op);
  if (known === undefined) throw new Untold(`the operator ${cut(op)}`);
  const isSet = isData(right) || (typeof right === "string" && right.startsWith("@"));
  return known === "in" || (isSet && known === "==") ? "" : `${known} `;
}

const counted = ({ packets, bytes }: Data): string =>
  `counter packets ${whole(packets)} bytes ${whole(bytes)}`;

function nat(kind: string, { family, addr, port, flags }: Data): string {
  const of = family === undefined ? "" : ` ${plain(family)}`;
  const goal =
    addr === undefined
      ? ""
      : typeof addr === "string" && addr.includes(":") && port !== undefined
        ? `[${address(addr)}]`
        : typeof addr === "string"
          ? address(addr)
          : term(addr);
  const to = addr === undefined && port === undefined ? "" : ` to ${goal}`;
  const which = port === undefined ? "" : `:${term(port)}`;
  const how = flags === undefined ? "" : ` ${list(flags).map(plain).join(",")}`;
  return `${kind}${of}${to}${which}${how}`;
}

function verdictOf(value: Data): string | undefined {
  const [kind, inside] = only(value);
  if (["accept", "drop", "return", "continue"].includes(kind)) return kind;
  if (kind !== "jump" && kind !== "goto") return undefined;
  return `${kind} ${quoted(data(inside)["target"])}`;
}

// ---- words --------------------------------------------------------------------------------------

function only(value: unknown): [kind: string, inside: unknown] {
  const [entry, ...others] = isData(value) ? Object.entries(value) : [];
  if (entry && others.length === 0) return entry;
  throw new Untold(`got ${cut(value)}; expected an object of one field`);
}

function data(value: unknown): Data {
  if (isData(value)) return value;
  throw new Untold(`got ${cut(value)}; expected an object`);
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

function plain(value: unknown): string {
  if (typeof value === "string" && /^[\w-]+$/.test(value)) return value;
  throw new Untold(`got ${cut(value)}; expected a word`);
}

function whole(value: unknown): string {
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  throw new Untold(`got ${cut(value)}; expected a number`);
}

function address(value: unknown): string {
  if (typeof value === "string" && /^[0-9a-f.:]+$/i.test(value)) return value;
  throw new Untold(`got ${cut(value)}; expected an address`);
}

function quoted(value: unknown): string {
  if (typeof value === "string" && !/["\n]/.test(value)) return `"${value}"`;
  throw new Untold(`got ${cut(value)}; expected a text without quotation marks`);
}

const cut = (value: unknown): string => (jsonOf(value) ?? "nothing").slice(0, 60);
