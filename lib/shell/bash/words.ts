/**
 * From words as they are written to the fields that a command gets: expansions, splitting, names of
 * files, quotes. (bash, subst.c)
 */
import {
  type ArithmeticExpression,
  type DoubleQuotedChild,
  parse,
  type Script,
  type Word,
  type WordPart,
} from "unbash";
import type { Act } from "../../machinery/act.js";
import { evaluate, expressionOf, type Surroundings } from "./arithmetic.js";
import { braced, MOST_FIELDS } from "./braces.js";
import { joined, type Piece, split } from "./fields.js";
import { filesOf } from "./glob.js";
import { parameter, plain, type Expanded, type Words } from "./expansion.js";
import { quotedPattern } from "./pattern.js";
import type { Shell } from "./shell.js";
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
      return yield* parameter(shell, wordsOf(shell), part, isQuoted);
    case "CommandExpansion":
      return { text: yield* outputOf(shell, part.script) };
    case "ArithmeticExpansion":
      return { text: String(yield* numberOf(shell, part.expression, part.text)) };
  }
}

const wordsOf = (shell: Shell): Words => ({
  text: (word) => textOf(shell, word),
  pattern: (word) => patternText(shell, word),
  pieces: (word) => piecesOf(shell, word),
  around: aroundOf(shell),
});

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
