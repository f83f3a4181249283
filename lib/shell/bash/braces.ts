/** `{a,b}` and `{1..3}`. (bash, braces.c) */
import { parse, type Word } from "unbash";
import { ShellError } from "./variables.js";

/** So many fields may a word become. */
export const MOST_FIELDS = 100_000;

/** `{a,b}` and `{1..3}`: made before anything else, as text. */
export function braced(word: Word): Word[] {
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
