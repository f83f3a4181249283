/**
 * What a reader at a terminal sees of a text that programs read too: colours, rules that say first
 * what they match and then what they do, and no line longer than the window. Elsewhere the text
 * stays as it is.
 */
import { printable } from "../net/printable.js";

const codes = { bold: "1", pale: "90", red: "31", green: "32", yellow: "33", back: "35" } as const;
type Ink = keyof typeof codes;

interface Window {
  isTTY?: boolean;
  columns?: number;
}
type Environment = Readonly<Record<string, string | undefined>>;

/** How to print: undefined where nobody looks. https://no-color.org */
export interface Look {
  colour: boolean;
  columns: number | undefined;
}

export function lookFor({ isTTY = false, columns }: Window, env: Environment): Look {
  const forced = env["FORCE_COLOR"] !== undefined && env["FORCE_COLOR"] !== "0";
  const isWanted = (isTTY && env["TERM"] !== "dumb") || forced;
  const width = isTTY ? columns : Number(env["COLUMNS"]) || undefined;
  return { colour: isWanted && !env["NO_COLOR"], columns: forced || isTTY ? width : undefined };
}

/** A text as it is printed: each line painted, and broken where the window ends. */
export function looked(text: string, { colour, columns }: Look): string {
  if (!colour && columns === undefined) return text;
  const ink = (look: Ink, words: string) =>
    colour && words ? `\u001b[${codes[look]}m${words}\u001b[0m` : words;
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => broken(painted(printable(line), ink), columns))
    .join("\n");
}

function painted(line: string, ink: (look: Ink, words: string) => string): string {
  const hop = /^(\(\d\)| {3}) (\S+ +)(.*)$/.exec(line);
  if (hop) return `${ink("red", hop[1]!.trim()).padStart(3)} ${ink("bold", hop[2]!)}${hop[3]}`;
  const step = /^( {20})(\S+ +)(.*)$/.exec(line);
  if (step) return step[1]! + ink(inkOf(step[2]!.trim()), step[2]!) + paintedRule(step[3]!, ink);
  if (line === "the reply") return ink("back", line);
  const end = /^([a-z ]+): /.exec(line);
  if (end && !line.startsWith(" "))
    return ink(endInk(end[1]!), end[1]!) + line.slice(end[1]!.length);
  const share = /^( +[\d.]+ % {2}\S+ +)(.*)$/.exec(line);
  if (share) return ink("bold", share[1]!) + share[2]!;
  return line;
}

function inkOf(action: string): Ink {
  if (action === "drop" || action === "reject") return "red";
  if (action === "deliver") return "green";
  return ["dnat", "snat", "mark"].includes(action) ? "yellow" : "pale";
}

function endInk(end: string): Ink {
  if (end === "delivered") return "green";
  return end === "assumed" || end === "left out" ? "pale" : "red";
}

/** The rule's comment last and pale; what it does, and the change, bold. */
function paintedRule(rule: string, ink: (look: Ink, words: string) => string): string {
  const [, what = rule, change = ""] = /^(.*?)( {2}\[.* => .*\])?$/.exec(rule) ?? [];
  const comment = / -m comment --comment ("[^"]*"|\S+)/.exec(what);
  const bare = comment ? what.replace(comment[0], "") : what;
  const shown = bare.replace(/(-[jg] .*)$/, (verdict: string) => ink("bold", verdict));
  return shown + ink("yellow", change) + (comment ? `  ${ink("pale", comment[1]!)}` : "");
}

/** Breaks at spaces; what follows is indented as the line is, and a little more. */
function broken(line: string, columns: number | undefined): string {
  const width = Math.max(30, columns ?? Infinity);
  if (lengthOf(line) <= width) return line;
  const indent = " ".repeat(Math.min(24, /^ */.exec(line)![0].length + 4));
  const lines = [""];
  for (const word of line.split(/(?<=[^ ]) /)) {
    const last = lines.at(-1)!;
    const longer = last === "" ? word : `${last} ${word}`;
    if (last.trim() === "" || lengthOf(longer) <= width)
      lines[lines.length - 1] = last.trim() === "" ? last + word : longer;
    else lines.push(indent + word);
  }
  return lines.join("\n");
}

// eslint-disable-next-line no-control-regex -- the codes that this file writes
const lengthOf = (text: string): number => text.replace(/\u001b\[\d+m/g, "").length;
