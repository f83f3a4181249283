/** What `${x#…}`, `${x/…/…}`, `${x:…}`, `${x^…}` and `${x@…}` make of a value. (bash, subst.c) */
import type { ParameterOperation } from "unbash";
import type { Act } from "../../machinery/act.js";
import type { Process } from "../process.js";
import { isWild, matches, type Pattern } from "./pattern.js";
import { ShellError } from "./variables.js";

type Remove = Extract<ParameterOperation, { type: "Remove" }>;
type Replace = Extract<ParameterOperation, { type: "Replace" }>;
type CaseModification = Extract<ParameterOperation, { type: "CaseModification" }>;

/** `${x#pattern}`, `${x%%pattern}`. */
export function* removed(
  process: Process,
  value: string,
  operator: Remove["operator"],
  pattern: Pattern,
): Act<string> {
  const isFront = operator.startsWith("#");
  const isLongest = operator.length === 2;
  const lengths = Array.from({ length: value.length + 1 }, (_, i) => i);
  for (const length of isLongest ? lengths.reverse() : lengths) {
    const part = isFront ? value.slice(0, length) : value.slice(value.length - length);
    if (!matches(pattern, part)) continue;
    return isFront ? value.slice(length) : value.slice(0, value.length - length);
  }
  yield* process.spend(1 + (value.length >> 4));
  return value;
}

/** `${x/pattern/other}`, `${x//…}`, `${x/#…}`, `${x/%…}`. */
export function* replaced(
  process: Process,
  value: string,
  operator: Replace["operator"],
  pattern: Pattern,
  other: string,
): Act<string> {
  if (pattern.length === 0) return value;
  let result = "";
  for (let at = 0; at <= value.length;) {
    yield* process.spend();
    const end = operator === "/%" ? endAtEnd(pattern, value, at) : longest(pattern, value, at);
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

function longest(pattern: Pattern, value: string, at: number) {
  if (!isWild(pattern)) {
    const end = at + pattern.length;
    return matches(pattern, value.slice(at, end)) ? end : undefined;
  }
  for (let end = value.length; end >= at; end--)
    if (matches(pattern, value.slice(at, end))) return end;
  return undefined;
}

const endAtEnd = (pattern: Pattern, value: string, at: number) =>
  matches(pattern, value.slice(at)) ? value.length : undefined;

/** `${x:offset:length}`; a length that is asked for last. */
export function* sliced(
  value: string,
  offset: number,
  lengthOf: (() => Act<number>) | undefined,
): Act<string> {
  const from = offset < 0 ? value.length + offset : offset;
  if (from < 0 || from > value.length) return "";
  if (!lengthOf) return value.slice(from);
  const length = yield* lengthOf();
  const end = length < 0 ? value.length + length : from + length;
  if (end < from) throw new ShellError(`${length}: substring expression < 0`, 1, true);
  return value.slice(from, end);
}

/** `${x^pattern}`, `${x,,pattern}`. */
export function cased(
  value: string,
  operator: CaseModification["operator"],
  pattern: Pattern,
): string {
  const change = (char: string): string =>
    !matches(pattern, char)
      ? char
      : operator.startsWith("^")
        ? char.toUpperCase()
        : char.toLowerCase();
  return operator.length === 2
    ? [...value].map(change).join("")
    : change(value[0] ?? "") + value.slice(1);
}

/** `${x@Q}` and its like. */
export function transformed(how: string, value: string): string {
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
