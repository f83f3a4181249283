/**
 * Text that comes from outside (names, URLs, rules) on its way into mermaid's source or into HTML.
 *
 * Names are not to be trusted: a Service called `x"]; click` is text like any other. In mermaid
 * everything but letters, digits and harmless punctuation is written as an entity (`#34;`), so no
 * label can end a string, open a directive, start a comment or be taken for markdown.
 * https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
 */
import { printable } from "stopover/internal/net/printable";

/**
 * One line of a label, safe in a quoted flowchart label and in a sequence diagram's message; never
 * empty.
 */
export function label(text: string): string {
  const line = text.replace(/[\s\p{C}]+/gu, " ").trim() || "\u00a0"; // mermaid takes no empty label
  return (
    line
      // all that is left is inert, but for four habits of its parsers:
      .replace(/[^\p{L}\p{M}\p{N} .,:/()=+'!?·×…–-]/gu, entity)
      .replace(/^(\d+)([.)])(?= |$)/, (_, n: string, mark: string) => n + entity(mark))
      .replace(/^[-+](?= |$)/, entity) // "1. x" and "- x" would be markdown lists
      // an order to a sequence diagram
      .replace(/^(no)?wrap:/i, (word) => word.slice(0, -1) + entity(":"))
      // markdown would make a link of it
      .replace(/\b(https?|ftp):\/\/|\bwww\./gi, (link) => link.slice(0, -1) + entity(link.at(-1)!))
      // ends a block; loses the entity's semicolon
      .replace(/\bend\b|style|classDef/gi, (word) => entity(word[0]!) + word.slice(1))
  );
}

function entity(character: string): string {
  return `#${character.codePointAt(0)};`;
}

/** Several lines, each escaped; those that are undefined or "" are left out. */
export function labels(...lines: (string | undefined)[]): string {
  return (
    lines
      .filter(Boolean)
      .map((line) => label(line!))
      .join("<br/>") || label("")
  );
}

/**
 * Breaks at spaces into lines of at most `width` characters; words that are longer stay whole
 * unless they exceed twice that.
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text
    .split(/\s+/)
    .filter(Boolean)
    .flatMap((word) => pieces(word, width * 2))) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function pieces(word: string, width: number): string[] {
  return word.length <= width
    ? [word]
    : [word.slice(0, width), ...pieces(word.slice(width), width)];
}

/** Cuts the middle out of what is longer than `width`, since names differ most at their ends. */
export function shorten(text: string, width = 34): string {
  if (text.length <= width) return text;
  const tail = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - tail)}…${text.slice(-tail)}`;
}

/** A long host name on several lines, broken at its dots. */
export function hostLines(name: string, width = 20): string[] {
  return name.split(/(?<=\.)/).reduce<string[]>((lines, part) => {
    const last = lines.at(-1);
    return last !== undefined && last.length + part.length <= width
      ? [...lines.slice(0, -1), last + part]
      : [...lines, shorten(part, width)];
  }, []);
}

/** "3 nodes", "1 node". */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString("en-US")} ${noun}${n === 1 ? "" : "s"}`;
}

export { fraction } from "stopover/internal/journey/fraction";

const htmlEntities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
/** Safe as HTML text and inside a quoted attribute. */
export function html(text: string): string {
  return text.replace(/[&<>"']/g, (character) => htmlEntities[character]!);
}

/** Any JSON value as a literal inside a <script>: `</script>` and `<!--` in it end nothing. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

/** Columns padded to their widest cell, two spaces apart, as kubectl prints them. */
export function aligned(cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(printable));
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, column) => Math.max(widest[column] ?? 0, cell.length)),
    [],
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
