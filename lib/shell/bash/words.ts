/**
 * From words as they are written to the fields that a command gets: expansions, splitting, names of
 * files, quotes. (bash, subst.c)
 */
import {
  parse,
  type ArithmeticExpression,
  type ArrayValue,
  type DoubleQuotedChild,
  type ParameterExpansionPart,
  type ParameterOperation,
  type Script,
  type Word,
  type WordPart,
} from "unbash";
import type { Act } from "../../machinery/act.js";
import { evaluate, expressionOf, keyOf, valueOf, type Surroundings } from "./arithmetic.js";
import { absolute, type Entry } from "../files.js";
import { isWild, matches, patternOf, quotedPattern } from "./pattern.js";
import type { Shell } from "./shell.js";
import { ShellError } from "./variables.js";

/**
 * A part of what a word has become. quote: as it is. wild: a part of a file name's pattern, as it
 * was written. split: what an unquoted expansion left, to be split into fields, whose characters
 * may be a pattern's. break: the next field begins.
 */
type Piece = { kind: "quote" | "wild" | "split"; text: string } | { kind: "break" };

/** So many fields may a word become. */
const MOST_FIELDS = 100_000;

/** The fields of several words. */
export function* fieldsOf(shell: Shell, words: readonly Word[]): Act<string[]> {
  const fields: string[] = [];
  for (const word of words)
    for (const each of braced(word)) {
      yield* shell.process.spend();
      for (const field of split(yield* piecesOf(shell, each), shell.separators))
        fields.push(...filesOf(shell, field));
      if (fields.length > MOST_FIELDS) throw new ShellError("Argument list too long", 126);
    }
  return fields;
}

/** One text: of an assignment, a redirection, `case`. Nothing is split. */
export function* textOf(shell: Shell, word: Word | undefined): Act<string> {
  if (!word) return "";
  return joined(yield* piecesOf(shell, word));
}

/** The same as a pattern: what was quoted stands for itself. */
export function* patternText(shell: Shell, word: Word): Act<string> {
  const pieces = yield* piecesOf(shell, word);
  return pieces
    .map((piece) =>
      piece.kind === "break"
        ? " "
        : piece.kind === "quote"
          ? quotedPattern(piece.text)
          : piece.text,
    )
    .join("");
}

const joined = (pieces: readonly Piece[]): string =>
  pieces.map((piece) => (piece.kind === "break" ? " " : piece.text)).join("");

// ---- parts

function* piecesOf(shell: Shell, word: Word): Act<Piece[]> {
  const pieces: Piece[] = [];
  const home = homeIn(shell, word.text);
  if (!word.parts) {
    if (home) return [{ kind: "quote", text: home.folder + word.value.slice(home.length) }];
    return [{ kind: "quote", text: word.value }];
  }
  for (const [i, part] of word.parts.entries()) {
    if (i === 0 && home && part.type === "Literal")
      pieces.push({ kind: "quote", text: home.folder + part.value.slice(home.length) });
    else pieces.push(...(yield* partOf(shell, part)));
  }
  return pieces;
}

/** `~` and `~root` at a word's begin. */
function homeIn(shell: Shell, text: string): { folder: string; length: number } | undefined {
  const found = /^~(root|)(?=\/|:|$)/.exec(text);
  if (!found) return undefined;
  const folder = found[1] === "" ? (shell.variables.get("HOME") ?? "/root") : "/root";
  return { folder, length: found[0].length };
}

function* partOf(shell: Shell, part: WordPart): Act<Piece[]> {
  switch (part.type) {
    case "Literal":
      return [{ kind: "quote", text: part.value }];
    case "SingleQuoted":
    case "AnsiCQuoted":
      return [{ kind: "quote", text: part.value }];
    case "DoubleQuoted":
    case "LocaleString":
      return yield* quoted(shell, part.parts);
    case "Glob":
    case "ExtendedGlob":
    case "BraceExpansion":
      return [{ kind: "wild", text: part.text }];
    case "ProcessSubstitution":
      return [{ kind: "quote", text: shell.substitute(part.operator, part.script!) }];
    default:
      return unquotedPieces(yield* expansion(shell, part, false));
  }
}

/** What an expansion stands for: one text, or several of which each is a field of its own. */
type Expanded = { text: string } | { each: readonly string[] } | { pieces: Piece[] };

function unquotedPieces(expanded: Expanded): Piece[] {
  if ("pieces" in expanded) return expanded.pieces;
  if ("text" in expanded) return [{ kind: "split", text: expanded.text }];
  return between(expanded.each.map((text) => ({ kind: "split", text })));
}

const between = (pieces: readonly Piece[]): Piece[] =>
  pieces.flatMap((piece, i) => (i === 0 ? [piece] : [{ kind: "break" as const }, piece]));

function* quoted(shell: Shell, parts: readonly DoubleQuotedChild[]): Act<Piece[]> {
  if (parts.length === 0) return [{ kind: "quote", text: "" }];
  const pieces: Piece[] = [];
  let isNothing = true;
  for (const part of parts) {
    if (part.type === "Literal") {
      pieces.push({ kind: "quote", text: part.value });
      isNothing = false;
      continue;
    }
    const expanded = yield* expansion(shell, part, true);
    if ("each" in expanded) {
      if (expanded.each.length > 0) isNothing = false;
      pieces.push(...between(expanded.each.map((text) => ({ kind: "quote", text }))));
    } else {
      isNothing = false;
      const text = "text" in expanded ? expanded.text : joined(expanded.pieces);
      pieces.push({ kind: "quote", text });
    }
  }
  // "$@" of nobody is no field at all
  return isNothing ? [] : pieces;
}

function* expansion(
  shell: Shell,
  part: Exclude<DoubleQuotedChild, { type: "Literal" }>,
  isQuoted: boolean,
): Act<Expanded> {
  switch (part.type) {
    case "SimpleExpansion":
      return plain(shell, part.text.slice(1));
    case "ParameterExpansion":
      return yield* parameter(shell, part, isQuoted);
    case "CommandExpansion":
      return { text: yield* outputOf(shell, part.script) };
    case "ArithmeticExpansion":
      return { text: String(yield* numberOf(shell, part.expression, part.text)) };
  }
}

/** `$(…)`: what it prints, without the line ends after it. */
function* outputOf(shell: Shell, script: Script | undefined): Act<string> {
  const text = script ? yield* shell.outputOf(script) : "";
  return text.replaceAll("\0", "").replace(/\n+$/, "");
}

export function* numberOf(
  shell: Shell,
  expression: ArithmeticExpression | undefined,
  text: string,
): Act<bigint> {
  const around = aroundOf(shell);
  if (expression) return yield* evaluate(around, expression);
  // what holds expansions in odd places is read once they are made
  const source = text.replace(/^\$\(\(|\)\)$/g, "");
  return yield* evaluate(around, expressionOf(source));
}

export const aroundOf = (shell: Shell): Surroundings => ({
  variables: shell.variables,
  *expand(word) {
    // the parser leaves $1 as it is written
    if (!word.parts && !/[$`"']/.test(word.value)) return word.value;
    if (!word.parts) {
      const command = parse(`: ${word.value}`).commands[0]?.command;
      const read = command?.type === "Command" ? command.suffix[0] : undefined;
      return read?.type === "Word" ? yield* textOf(shell, read) : word.value;
    }
    return yield* textOf(shell, { ...word, type: "Word", text: word.value });
  },
  *command(script) {
    return yield* outputOf(shell, script as Script);
  },
});

// ---- parameters

function plain(shell: Shell, name: string): Expanded {
  if (name === "@") return { each: shell.positional };
  if (name === "*") return { text: shell.positional.join(shell.separators[0] ?? "") };
  const value = shell.parameter(name);
  if (value === undefined) shell.refuseUnset(name);
  return { text: value ?? "" };
}

/** An array's name with `[@]` or `[*]`; `$@` and `$*` are such, too. */
function* manyIn(
  shell: Shell,
  { parameter, index }: ParameterExpansionPart,
): Act<{ values: string[]; keys: string[]; isJoined: boolean } | undefined> {
  const all = index?.text;
  if (parameter === "@" || parameter === "*") {
    const values = [...shell.positional];
    return { values, keys: values.map((_, i) => String(i + 1)), isJoined: parameter === "*" };
  }
  if (all !== "@" && all !== "*") return undefined;
  const elements = shell.variables.elements(parameter);
  return {
    values: elements.map(([, value]) => value),
    keys: elements.map(([key]) => key),
    isJoined: all === "*",
  };
}

function* parameter(shell: Shell, part: ParameterExpansionPart, isQuoted: boolean): Act<Expanded> {
  const { parameter: name, prefix, index, operation } = part;
  if (name === "" || operation?.type === "Unknown")
    throw new ShellError(`${part.text}: bad substitution`, 1, true);
  const many = yield* manyIn(shell, part);
  if (many) return yield* ofMany(shell, part, many);
  const value = index ? yield* elementOf(shell, name, index) : shell.parameter(name);
  if (prefix === "#") {
    if (value === undefined) shell.refuseUnset(name);
    return { text: String((value ?? "").length) };
  }
  if (prefix === "!") {
    if (operation?.type === "Names") {
      const names = shell.variables.all().map(([each]) => each);
      return { each: names.filter((each) => each.startsWith(name)) };
    }
    const pointed = value ?? "";
    if (!/^(\w+|[@*#?$!-])(\[.*\])?$/.test(pointed))
      throw new ShellError(`${pointed || name}: invalid indirect expansion`, 1, true);
    const [, base = "", , key] = /^([^[]+)(\[(.*)\])?$/.exec(pointed) ?? [];
    if (key !== undefined) {
      const keyed = yield* keyOf(aroundOf(shell), base, key);
      const found = shell.variables.elements(base).find(([each]) => each === keyed)?.[1];
      return yield* operated(shell, part, base, found, isQuoted);
    }
    return yield* operated(shell, part, base, shell.parameter(base), isQuoted);
  }
  return yield* operated(shell, part, name, value, isQuoted);
}

function* elementOf(shell: Shell, name: string, index: Word): Act<string | undefined> {
  const key = yield* keyOf(aroundOf(shell), name, yield* textOf(shell, index));
  return shell.variables.elements(name).find(([each]) => each === key)?.[1];
}

function* ofMany(
  shell: Shell,
  { prefix, operation, parameter: name }: ParameterExpansionPart,
  { values, keys, isJoined }: { values: string[]; keys: string[]; isJoined: boolean },
): Act<Expanded> {
  if (prefix === "#") return { text: String(values.length) };
  if (prefix === "!") return isJoined ? { text: keys.join(" ") } : { each: keys };
  let each = values;
  if (operation?.type === "Slice") {
    const around = aroundOf(shell);
    const offset = Number(yield* valueOf(around, yield* textOf(shell, operation.offset)));
    const length =
      operation.length && Number(yield* valueOf(around, yield* textOf(shell, operation.length)));
    // positional parameters are counted from $1; $0 comes before them
    const all = name === "@" || name === "*" ? [shell.name, ...values] : values;
    const from = offset < 0 ? Math.max(0, all.length + offset) : offset;
    each = all.slice(from, length === undefined ? undefined : from + length);
  } else if (operation?.type === "Default") {
    const isSet = values.length > 0 && (values.length > 1 || values[0] !== "");
    return yield* defaulted(
      shell,
      operation,
      name,
      isSet ? values.join(" ") : undefined,
      isSet ? { each: values } : { each: [] },
      false,
    );
  } else if (operation) {
    each = [];
    for (const value of values) each.push(yield* changed(shell, operation, value));
  }
  return isJoined ? { text: each.join(shell.separators[0] ?? "") } : { each };
}

function* operated(
  shell: Shell,
  { operation }: ParameterExpansionPart,
  name: string,
  value: string | undefined,
  isQuoted: boolean,
): Act<Expanded> {
  if (operation?.type === "Default")
    return yield* defaulted(shell, operation, name, value, { text: value ?? "" }, isQuoted);
  if (value === undefined) shell.refuseUnset(name);
  return { text: operation ? yield* changed(shell, operation, value ?? "") : (value ?? "") };
}

function* defaulted(
  shell: Shell,
  { operator, operand }: Extract<ParameterOperation, { type: "Default" }>,
  name: string,
  value: string | undefined,
  itself: Expanded,
  isQuoted: boolean,
): Act<Expanded> {
  const isThere = operator.startsWith(":")
    ? value !== undefined && value !== ""
    : value !== undefined;
  const other = function* (): Act<Expanded> {
    if (isQuoted) return { text: yield* textOf(shell, operand) };
    const pieces = yield* piecesOf(shell, operand);
    // what stands there unquoted is split as an expansion is
    return {
      pieces: operand.parts
        ? pieces
        : pieces.map((piece) =>
            piece.kind === "quote" && !/["'\\]/.test(operand.text)
              ? { ...piece, kind: "split" as const }
              : piece,
          ),
    };
  };
  switch (operator.replace(":", "")) {
    case "+":
      return isThere ? yield* other() : { text: "" };
    case "-":
      return isThere ? itself : yield* other();
    case "=": {
      if (isThere) return itself;
      const text = yield* textOf(shell, operand);
      shell.variables.set(name, text);
      return { text };
    }
    default: {
      if (isThere) return itself;
      const text = yield* textOf(shell, operand);
      throw new ShellError(`${name}: ${text || "parameter null or not set"}`, 127, true);
    }
  }
}

function* changed(shell: Shell, operation: ParameterOperation, value: string): Act<string> {
  switch (operation.type) {
    case "Remove": {
      const pattern = patternOf(yield* patternText(shell, operation.operand));
      return yield* removed(shell, value, operation.operator, pattern);
    }
    case "Replace":
      return yield* replaced(shell, operation, value);
    case "Slice": {
      const around = aroundOf(shell);
      const offset = Number(yield* valueOf(around, yield* textOf(shell, operation.offset)));
      const from = offset < 0 ? value.length + offset : offset;
      if (from < 0 || from > value.length) return "";
      if (!operation.length) return value.slice(from);
      const length = Number(yield* valueOf(around, yield* textOf(shell, operation.length)));
      const end = length < 0 ? value.length + length : from + length;
      if (end < from) throw new ShellError(`${length}: substring expression < 0`, 1, true);
      return value.slice(from, end);
    }
    case "CaseModification": {
      const text = yield* textOf(shell, operation.operand);
      const pattern = patternOf(text === "" ? "?" : text);
      const change = (char: string): string =>
        !matches(pattern, char)
          ? char
          : operation.operator.startsWith("^")
            ? char.toUpperCase()
            : char.toLowerCase();
      return operation.operator.length === 2
        ? [...value].map(change).join("")
        : change(value[0] ?? "") + value.slice(1);
    }
    case "Transform":
      return transformed(yield* textOf(shell, operation.operand), value);
    default:
      throw new ShellError("bad substitution", 1, true);
  }
}

/** `${x@Q}` and its like. */
function transformed(how: string, value: string): string {
  switch (how) {
    case "Q":
      return shellQuoted(value);
    case "U":
      return value.toUpperCase();
    case "u":
      return (value[0] ?? "").toUpperCase() + value.slice(1);
    case "L":
      return value.toLowerCase();
    default:
      throw new ShellError("bad substitution", 1, true);
  }
}

/** As bash writes a text that it wants to read again. */
export const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function* removed(
  shell: Shell,
  value: string,
  operator: "#" | "##" | "%" | "%%",
  pattern: ReturnType<typeof patternOf>,
): Act<string> {
  const isFront = operator.startsWith("#");
  const isLongest = operator.length === 2;
  const lengths = Array.from({ length: value.length + 1 }, (_, i) => i);
  for (const length of isLongest ? lengths.reverse() : lengths) {
    const part = isFront ? value.slice(0, length) : value.slice(value.length - length);
    if (!matches(pattern, part)) continue;
    return isFront ? value.slice(length) : value.slice(0, value.length - length);
  }
  yield* shell.process.spend(1 + (value.length >> 4));
  return value;
}

function* replaced(
  shell: Shell,
  { operator, pattern, replacement }: Extract<ParameterOperation, { type: "Replace" }>,
  value: string,
): Act<string> {
  const wanted = patternOf(yield* patternText(shell, pattern));
  const other = yield* textOf(shell, replacement);
  if (wanted.length === 0) return value;
  let result = "";
  for (let at = 0; at <= value.length;) {
    yield* shell.process.spend();
    const end = operator === "/%" ? endAtEnd(wanted, value, at) : longest(wanted, value, at);
    const isHere = end !== undefined && (end > at || value === "");
    if (isHere) {
      result += other;
      if (operator !== "//" || value === "") return result + value.slice(end);
      at = end;
    } else {
      if (operator === "/#") return value;
      result += value[at] ?? "";
      at++;
    }
  }
  return result;
}

function longest(pattern: ReturnType<typeof patternOf>, value: string, at: number) {
  if (!isWild(pattern)) {
    const end = at + pattern.length;
    return matches(pattern, value.slice(at, end)) ? end : undefined;
  }
  for (let end = value.length; end >= at; end--)
    if (matches(pattern, value.slice(at, end))) return end;
  return undefined;
}

const endAtEnd = (pattern: ReturnType<typeof patternOf>, value: string, at: number) =>
  matches(pattern, value.slice(at)) ? value.length : undefined;

// ---- fields

interface Field {
  text: string;
  /** The same with what was quoted marked. */
  pattern: string;
  mayBeWild: boolean;
}

function split(pieces: readonly Piece[], separators: string): Field[] {
  const fields: Field[] = [];
  let field: Field | undefined;
  const open = (): Field => (field ??= { text: "", pattern: "", mayBeWild: false });
  const close = (): void => {
    if (field) fields.push(field);
    field = undefined;
  };
  const add = (text: string, isQuoted: boolean): void => {
    const one = open();
    one.text += text;
    one.pattern += isQuoted ? quotedPattern(text) : text;
    if (!isQuoted && /[*?[]|[@+!]\(/.test(text)) one.mayBeWild = true;
  };
  for (const piece of pieces)
    if (piece.kind === "break") close();
    else if (piece.kind === "split") splitText(piece.text, separators, add, close, () => !!field);
    else add(piece.text, piece.kind === "quote");
  close();
  return fields;
}

function splitText(
  text: string,
  separators: string,
  add: (text: string, isQuoted: boolean) => void,
  close: () => void,
  isOpen: () => boolean,
): void {
  if (separators === "") return void (text !== "" && add(text, false));
  const isWhite = (char: string | undefined): boolean =>
    char !== undefined && " \t\n".includes(char) && separators.includes(char);
  let start = 0;
  for (let i = 0; i < text.length;) {
    if (!separators.includes(text[i]!)) {
      i++;
      continue;
    }
    if (i > start) add(text.slice(start, i), false);
    const hadField = isOpen();
    let isHard = false;
    while (isWhite(text[i])) i++;
    if (i < text.length && separators.includes(text[i]!)) {
      isHard = true;
      i++;
      while (isWhite(text[i])) i++;
    }
    if (isHard && !hadField) add("", true);
    close();
    start = i;
  }
  if (start < text.length) add(text.slice(start), false);
}

// ---- names of files

function filesOf(shell: Shell, { text, pattern, mayBeWild }: Field): string[] {
  if (!mayBeWild || shell.options.has("noglob")) return [text];
  const found = glob(shell, pattern);
  return found.length > 0 ? found : [text];
}

/** The paths that are as the pattern says, in order. */
function glob(shell: Shell, pattern: string): string[] {
  const isAbsolute = pattern.startsWith("/");
  let bases: string[] = [isAbsolute ? "/" : ""];
  const parts = pattern.split("/").filter((part) => part !== "");
  for (const [i, part] of parts.entries()) {
    const wanted = patternOf(part);
    const isLast = i === parts.length - 1;
    bases = bases.flatMap((base) => {
      const at = shell.place.files.find(absolute(base === "" ? "." : base, shell.process.folder));
      if (at?.kind !== "folder") return [];
      if (!isWild(wanted)) {
        const name = wanted.map((token) => (token.kind === "char" ? token.char : "")).join("");
        const there = name === "." || name === ".." || at.entries.has(name);
        return there ? [join(base, name)] : [];
      }
      return [...at.entries]
        .filter(([name, entry]) => isWanted(part, name, entry, isLast) && matches(wanted, name))
        .map(([name]) => join(base, name));
    });
  }
  return bases.sort();
}

const isWanted = (part: string, name: string, entry: Entry, isLast: boolean): boolean =>
  (!name.startsWith(".") || part.startsWith(".")) &&
  (isLast || entry.kind === "folder" || entry.kind === "link");

const join = (base: string, name: string): string =>
  base === "" || base.endsWith("/") ? `${base}${name}` : `${base}/${name}`;

// ---- braces

/** `{a,b}` and `{1..3}`: made before anything else, as text. */
function braced(word: Word): Word[] {
  if (!word.parts?.some(({ type }) => type === "BraceExpansion")) return [word];
  let texts = [""];
  for (const part of word.parts) {
    const choices = part.type === "BraceExpansion" ? choicesOf(part.text) : [part.text];
    texts = texts.flatMap((text) => choices.map((choice) => text + choice));
    if (texts.length > MOST_FIELDS) throw new ShellError("Argument list too long", 126);
  }
  if (texts.length === 1 && texts[0] === word.text) return [word]; // they stand for themselves
  return texts.flatMap((text) => {
    if (text === "") return [];
    const command = parse(`: ${text}`).commands[0]?.command;
    const again = command?.type === "Command" ? command.suffix[0] : undefined;
    if (again?.type !== "Word") return [];
    // what is left are braces that stand for themselves
    return again.parts?.some(({ type }) => type === "BraceExpansion") ? braced(again) : [again];
  });
}

function choicesOf(text: string): string[] {
  const inner = text.slice(1, -1);
  const range = /^(-?\d+|[a-z])\.\.(-?\d+|[a-z])(?:\.\.(-?\d+))?$/i.exec(inner);
  if (range) return rangeOf(range[1]!, range[2]!, range[3]);
  const choices: string[] = [];
  let [depth, start] = [0, 0];
  for (let i = 0; i <= inner.length; i++) {
    const char = inner[i];
    if (char === "\\") i++;
    else if (char === "{") depth++;
    else if (char === "}") depth--;
    else if (char === undefined || (char === "," && depth === 0)) {
      choices.push(inner.slice(start, i));
      start = i + 1;
    }
  }
  return choices;
}

function rangeOf(first: string, last: string, by: string | undefined): string[] {
  const isNumber = /\d/.test(first) && /\d/.test(last);
  const [from, to] = isNumber
    ? [Number(first), Number(last)]
    : [first.charCodeAt(0), last.charCodeAt(0)];
  const step = Math.max(1, Math.abs(Number(by ?? 1)));
  if (Math.abs(to - from) / step > MOST_FIELDS) throw new ShellError("Argument list too long", 126);
  const width =
    /^-?0\d/.test(first) || /^-?0\d/.test(last) ? Math.max(first.length, last.length) : 0;
  const all: string[] = [];
  for (let i = from; from <= to ? i <= to : i >= to; i += from <= to ? step : -step)
    all.push(isNumber ? String(i).padStart(width, "0") : String.fromCharCode(i));
  return all;
}

/** `x=(a b [5]=c)`. */
export function* elementsOf(
  shell: Shell,
  name: string,
  { elements }: ArrayValue,
  before: Map<string, string>,
): Act<Map<string, string>> {
  const values = new Map(before);
  const isNamed = shell.variables.find(name)?.isNamed ?? false;
  let next = values.size === 0 || isNamed ? 0 : Math.max(...[...values.keys()].map(Number)) + 1;
  for (const element of elements) {
    const keyed = /^\[([^\]]+)\]=/.exec(element.text);
    if (keyed) {
      const command = parse(`x=${element.text.slice(keyed[0].length)}`).commands[0]?.command;
      const assignment = command?.type === "Command" ? command.prefix[0] : undefined;
      const value =
        assignment?.type === "Assignment" && assignment.value.type === "Word"
          ? yield* textOf(shell, assignment.value)
          : "";
      const key = yield* keyOf(aroundOf(shell), name, keyed[1]!);
      values.set(key, value);
      next = isNamed ? next : Number(key) + 1;
    } else for (const field of yield* fieldsOf(shell, [element])) values.set(String(next++), field);
  }
  return values;
}
