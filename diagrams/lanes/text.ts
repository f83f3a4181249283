import type { Journey } from "stopover";
import { wrap } from "../text.js";
import {
  lanesOf,
  passedText,
  type LanesOptions,
  visitTitle,
  type Card,
  type Line,
} from "./lanes.js";

/** How `lanesText` writes. */
export interface LanesTextOptions extends LanesOptions {
  /** The window's width. Default 100. */
  columns?: number | undefined;
  /** Colours of a terminal (ANSI); the caller asks NO_COLOR. Default: none. */
  colour?: boolean | undefined;
}

const codes = { bold: "1", pale: "90", red: "31", lane: "36" } as const;
type Ink = (look: keyof typeof codes, words: string) => string;

/**
 * The same lanes as `lanes` draws, for a terminal: no line is longer than the window is wide, and
 * none breaks in the middle of a word.
 */
export function lanesText(trip: Journey, options: LanesTextOptions = {}): string {
  const { colour = false } = options;
  const columns = Math.max(24, options.columns ?? 100);
  const ink: Ink = (look, words) =>
    colour && words ? `\u001b[${codes[look]}m${words}\u001b[0m` : words;
  const lines: string[] = [];
  for (const visit of lanesOf(trip, options)) {
    if (lines.length) lines.push("");
    lines.push(...broken(visitTitle(visit), columns).map((line) => ink("bold", line)));
    for (const { name, cards } of visit.lanes) {
      lines.push(...broken(name, columns).map((line) => ink("lane", line)));
      for (const card of cards) lines.push(...cardLines(card, columns, ink));
    }
  }
  return `${lines.join("\n")}\n`;
}

function cardLines({ chain, depth, lines }: Card, columns: number, ink: Ink): string[] {
  const indent = " ".repeat(Math.min(2 + 2 * depth, Math.floor(columns / 4)));
  const write = (words: string, look?: keyof typeof codes, more = 2): string[] => {
    const space = indent + " ".repeat(more);
    return broken(words, columns - space.length).map(
      (line) => space + (look ? ink(look, line) : line),
    );
  };
  return [
    ...write(chain, "bold", 0),
    ...lines.flatMap((line) => lineLines(line, write, columns - indent.length, ink, indent)),
  ];
}

function lineLines(
  line: Line,
  write: (words: string, look?: keyof typeof codes, more?: number) => string[],
  room: number,
  ink: Ink,
  indent: string,
): string[] {
  if (line.kind === "passed") return write(passedText(line), "pale");
  if (line.kind === "note") return [...write(line.text), ...write(line.change, "red")];
  const { parts, number, why, change } = line;
  const comment = parts.comment && `"${parts.comment}"`;
  const pieces: Piece[] = [[parts.match], [parts.verdict, "bold"], [comment, "pale"]];
  const [first, ...others] = pieces.filter(([words]) => words);
  const numbered: Piece[] = first
    ? [[`${number ?? ""} ${first[0]}`.trim(), first[1]], ...others]
    : [];
  const rule = flow(numbered, room - 2).flatMap((row) =>
    row.length === 1
      ? write(...row[0]!)
      : [`${indent}  ${row.map(([words, look]) => (look ? ink(look, words) : words)).join("  ")}`],
  );
  return [...rule, ...write(change, "red", 4), ...write(why, "pale", 4)];
}

type Piece = [words: string, look?: keyof typeof codes | undefined];

/** Pieces that fit on a line together stand on one. */
function flow(pieces: readonly Piece[], room: number): Piece[][] {
  const rows: Piece[][] = [];
  let used = Infinity;
  for (const piece of pieces) {
    const size = piece[0].length + 2;
    if (used + size <= room + 2) rows.at(-1)!.push(piece);
    else rows.push([piece]);
    used = rows.at(-1)!.length === 1 ? size : used + size;
  }
  return rows;
}

/** Broken at spaces; a word that is longer than the line is broken, too. */
function broken(words: string, columns: number): string[] {
  const width = Math.max(8, columns);
  return wrap(words, width).flatMap((line) => line.match(new RegExp(`.{1,${width}}`, "gu")) ?? []);
}
