/**
 * Bash's patterns: `*`, `?`, `[…]` and, of the extended ones, `@(a|b)`, `?(…)`, `*(…)`, `+(…)`,
 * `!(…)`. Matching never takes longer than the product of both lengths, but for the extended ones,
 * whose texts are kept short.
 */
import { setIn, type CharacterSet } from "../character-sets.js";

type Token =
  | { kind: "char"; char: string }
  | { kind: "any" }
  | { kind: "star" }
  | CharacterSet
  | { kind: "group"; operator: string; choices: Token[][] };

export type Pattern = readonly Token[];

/** So long may a text be that an extended pattern is tried on. */
const LONGEST_FOR_GROUPS = 200;

/** The characters of a pattern that stand for themselves are marked by a backslash before them. */
export function patternOf(text: string): Pattern {
  const reader = { text, at: 0 };
  return sequence(reader, "");
}

/** A text in which nothing has a meaning. */
export const quotedPattern = (text: string): string => text.replace(/[\\*?[\]()|@!+]/g, "\\$&");

/** Whether it holds anything but characters that stand for themselves. */
export const isWild = (pattern: Pattern): boolean => pattern.some(({ kind }) => kind !== "char");

function sequence(reader: { text: string; at: number }, ends: string): Token[] {
  const tokens: Token[] = [];
  while (reader.at < reader.text.length) {
    const char = reader.text[reader.at]!;
    if (ends.includes(char)) return tokens;
    reader.at++;
    if (char === "\\" && reader.at < reader.text.length)
      tokens.push({ kind: "char", char: reader.text[reader.at++]! });
    else if ("@?*+!".includes(char) && reader.text[reader.at] === "(") {
      const group = groupIn(reader, char);
      tokens.push(group ?? plain(char));
    } else if (char === "[") tokens.push(setIn(reader) ?? { kind: "char", char });
    else tokens.push(plain(char));
  }
  return tokens;
}

function plain(char: string): Token {
  if (char === "*") return { kind: "star" };
  return char === "?" ? { kind: "any" } : { kind: "char", char };
}

function groupIn(reader: { text: string; at: number }, operator: string): Token | undefined {
  const start = reader.at;
  reader.at++;
  const choices: Token[][] = [];
  for (;;) {
    choices.push(sequence(reader, "|)"));
    const end = reader.text[reader.at++];
    if (end === ")") return { kind: "group", operator, choices };
    if (end === undefined) break;
  }
  reader.at = start;
  return undefined;
}

const takes = (token: Token, char: string): boolean =>
  token.kind === "any" ||
  (token.kind === "char" && token.char === char) ||
  (token.kind === "set" && token.has(char));

/** Whether the whole text is as the pattern says. */
export function matches(pattern: Pattern, text: string): boolean {
  if (pattern.some(({ kind }) => kind === "group"))
    return text.length <= LONGEST_FOR_GROUPS && ends(pattern, 0, text, 0).has(text.length);
  let [at, i] = [0, 0];
  let back: { at: number; i: number } | undefined;
  while (i < text.length) {
    const token = pattern[at];
    if (token?.kind === "star") back = { at: ++at, i };
    else if (token && takes(token, text[i]!)) {
      at++;
      i++;
    } else if (back) {
      at = back.at;
      i = ++back.i;
    } else return false;
  }
  while (pattern[at]?.kind === "star") at++;
  return at === pattern.length;
}

/** Where in the text a match of the pattern's rest may end. */
function ends(pattern: Pattern, at: number, text: string, i: number): Set<number> {
  let places = new Set([i]);
  for (const token of pattern.slice(at)) {
    const next = new Set<number>();
    for (const place of places) for (const end of endsOf(token, text, place)) next.add(end);
    places = next;
  }
  return places;
}

function* endsOf(token: Token, text: string, i: number): Generator<number> {
  if (token.kind === "star") for (let end = i; end <= text.length; end++) yield end;
  else if (token.kind !== "group") {
    if (i < text.length && takes(token, text[i]!)) yield i + 1;
  } else yield* endsOfGroup(token, text, i);
}

function endsOfGroup(
  { operator, choices }: Extract<Token, { kind: "group" }>,
  text: string,
  i: number,
): Set<number> {
  const once = (from: number): number[] =>
    choices.flatMap((choice) => [...ends(choice, 0, text, from)]);
  if (operator === "!") {
    const taken = new Set(once(i));
    const all = Array.from({ length: text.length - i + 1 }, (_, n) => i + n);
    return new Set(all.filter((end) => !taken.has(end)));
  }
  const found = new Set(operator === "@" || operator === "+" ? [] : [i]);
  const todo = [i];
  const seen = new Set<number>();
  for (let from = todo.pop(); from !== undefined; from = todo.pop()) {
    if (seen.has(from)) continue;
    seen.add(from);
    for (const end of once(from)) {
      found.add(end);
      if (operator === "*" || operator === "+") todo.push(end);
    }
  }
  return found;
}
