/**
 * From words as they are written to the fields that a command gets: expansions, splitting, names of
 * files, quotes. (bash, subst.c)
 */
import {
  type ArithmeticExpression,
  type DoubleQuotedChild,
  type ParameterExpansionPart,
  type ParameterOperation,
  parse,
  type Script,
  type Word,
  type WordPart,
} from "unbash";
import type { Act } from "../../machinery/act.js";
import { evaluate, expressionOf, keyOf, type Surroundings, valueOf } from "./arithmetic.js";
import { braced, MOST_FIELDS } from "./braces.js";
import { joined, type Piece, split } from "./fields.js";
import { filesOf } from "./glob.js";
import { parameterOf, refuseUnset } from "./parameters.js";
import { patternOf, quotedPattern } from "./pattern.js";
import type { Shell } from "./shell.js";
import { cased, removed, replaced, sliced, transformed } from "./values.js";
import { ShellError } from "./variables.js";

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
  const value = parameterOf(shell, name);
  if (value === undefined) refuseUnset(shell, name);
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
  const value = index ? yield* elementOf(shell, name, index) : parameterOf(shell, name);
  if (prefix === "#") {
    if (value === undefined) refuseUnset(shell, name);
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
    return yield* operated(shell, part, base, parameterOf(shell, base), isQuoted);
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
  if (value === undefined) refuseUnset(shell, name);
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
  const number = function* (word: Word): Act<number> {
    return Number(yield* valueOf(aroundOf(shell), yield* textOf(shell, word)));
  };
  switch (operation.type) {
    case "Remove": {
      const pattern = patternOf(yield* patternText(shell, operation.operand));
      return yield* removed(shell.process, value, operation.operator, pattern);
    }
    case "Replace": {
      const pattern = patternOf(yield* patternText(shell, operation.pattern));
      const other = yield* textOf(shell, operation.replacement);
      return yield* replaced(shell.process, value, operation.operator, pattern, other);
    }
    case "Slice": {
      const { length } = operation;
      return yield* sliced(
        value,
        yield* number(operation.offset),
        length && (() => number(length)),
      );
    }
    case "CaseModification": {
      const text = yield* textOf(shell, operation.operand);
      return cased(value, operation.operator, patternOf(text === "" ? "?" : text));
    }
    case "Transform":
      return transformed(yield* textOf(shell, operation.operand), value);
    default:
      throw new ShellError("bad substitution", 1, true);
  }
}
