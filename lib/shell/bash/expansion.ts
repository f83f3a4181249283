/** What `$name` and `${name…}` stand for. (bash, subst.c: parameter_brace_expand) */
import type { ParameterExpansionPart, ParameterOperation, Word } from "unbash";
import type { Act } from "../../machinery/act.js";
import { keyOf, valueOf, type Surroundings } from "./arithmetic.js";
import type { Piece } from "./fields.js";
import { parameterOf, refuseUnset } from "./parameters.js";
import { patternOf } from "./pattern.js";
import type { Shell } from "./shell.js";
import { cased, removed, replaced, sliced, transformed } from "./values.js";
import { ShellError } from "./variables.js";

/** How the words that stand in an expansion are expanded themselves. (words.ts) */
export interface Words {
  text(word: Word | undefined): Act<string>;
  pattern(word: Word): Act<string>;
  pieces(word: Word): Act<Piece[]>;
  around: Surroundings;
}

/** What an expansion stands for: one text, or several of which each is a field of its own. */
export type Expanded = { text: string } | { each: readonly string[] } | { pieces: Piece[] };

/** `$name` */
export function plain(shell: Shell, name: string): Expanded {
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

/** `${…}` */
export function* parameter(
  shell: Shell,
  words: Words,
  part: ParameterExpansionPart,
  isQuoted: boolean,
): Act<Expanded> {
  const { parameter: name, prefix, index, operation } = part;
  if (name === "" || operation?.type === "Unknown")
    throw new ShellError(`${part.text}: bad substitution`, 1, true);
  const many = yield* manyIn(shell, part);
  if (many) return yield* ofMany(shell, words, part, many);
  const value = index ? yield* elementOf(shell, words, name, index) : parameterOf(shell, name);
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
      const keyed = yield* keyOf(words.around, base, key);
      const found = shell.variables.elements(base).find(([each]) => each === keyed)?.[1];
      return yield* operated(shell, words, part, base, found, isQuoted);
    }
    return yield* operated(shell, words, part, base, parameterOf(shell, base), isQuoted);
  }
  return yield* operated(shell, words, part, name, value, isQuoted);
}

function* elementOf(
  shell: Shell,
  words: Words,
  name: string,
  index: Word,
): Act<string | undefined> {
  const key = yield* keyOf(words.around, name, yield* words.text(index));
  return shell.variables.elements(name).find(([each]) => each === key)?.[1];
}

function* ofMany(
  shell: Shell,
  words: Words,
  { prefix, operation, parameter: name }: ParameterExpansionPart,
  { values, keys, isJoined }: { values: string[]; keys: string[]; isJoined: boolean },
): Act<Expanded> {
  if (prefix === "#") return { text: String(values.length) };
  if (prefix === "!") return isJoined ? { text: keys.join(" ") } : { each: keys };
  let each = values;
  if (operation?.type === "Slice") {
    const around = words.around;
    const offset = Number(yield* valueOf(around, yield* words.text(operation.offset)));
    const length =
      operation.length && Number(yield* valueOf(around, yield* words.text(operation.length)));
    // positional parameters are counted from $1; $0 comes before them
    const all = name === "@" || name === "*" ? [shell.name, ...values] : values;
    const from = offset < 0 ? Math.max(0, all.length + offset) : offset;
    each = all.slice(from, length === undefined ? undefined : from + length);
  } else if (operation?.type === "Default") {
    const isSet = values.length > 0 && (values.length > 1 || values[0] !== "");
    return yield* defaulted(
      shell,
      words,
      operation,
      name,
      isSet ? values.join(" ") : undefined,
      isSet ? { each: values } : { each: [] },
      false,
    );
  } else if (operation) {
    each = [];
    for (const value of values) each.push(yield* changed(shell, words, operation, value));
  }
  return isJoined ? { text: each.join(shell.separators[0] ?? "") } : { each };
}

function* operated(
  shell: Shell,
  words: Words,
  { operation }: ParameterExpansionPart,
  name: string,
  value: string | undefined,
  isQuoted: boolean,
): Act<Expanded> {
  if (operation?.type === "Default")
    return yield* defaulted(shell, words, operation, name, value, { text: value ?? "" }, isQuoted);
  if (value === undefined) refuseUnset(shell, name);
  return { text: operation ? yield* changed(shell, words, operation, value ?? "") : (value ?? "") };
}

function* defaulted(
  shell: Shell,
  words: Words,
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
    if (isQuoted) return { text: yield* words.text(operand) };
    const pieces = yield* words.pieces(operand);
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
      const text = yield* words.text(operand);
      shell.variables.set(name, text);
      return { text };
    }
    default: {
      if (isThere) return itself;
      const text = yield* words.text(operand);
      throw new ShellError(`${name}: ${text || "parameter null or not set"}`, 127, true);
    }
  }
}

function* changed(
  shell: Shell,
  words: Words,
  operation: ParameterOperation,
  value: string,
): Act<string> {
  const number = function* (word: Word): Act<number> {
    return Number(yield* valueOf(words.around, yield* words.text(word)));
  };
  switch (operation.type) {
    case "Remove": {
      const pattern = patternOf(yield* words.pattern(operation.operand));
      return yield* removed(shell.process, value, operation.operator, pattern);
    }
    case "Replace": {
      const pattern = patternOf(yield* words.pattern(operation.pattern));
      const other = yield* words.text(operation.replacement);
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
      const text = yield* words.text(operation.operand);
      return cased(value, operation.operator, patternOf(text === "" ? "?" : text));
    }
    case "Transform":
      return transformed(yield* words.text(operation.operand), value);
    default:
      throw new ShellError("bad substitution", 1, true);
  }
}
