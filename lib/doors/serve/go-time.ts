/** What Go says of a text that is no time. (time: Parse, RFC 3339) */
import { words } from "../../apiserver/decode.js";

/** The layout's pieces: what a piece is called, and what it reads. */
const pieces: readonly [string, RegExp][] = [
  ["2006", /^\d{4}/],
  ["-", /^-/],
  ["01", /^\d\d/],
  ["-", /^-/],
  ["02", /^\d\d/],
  ["T", /^T/],
  ["15", /^\d\d/],
  [":", /^:/],
  ["04", /^\d\d/],
  [":", /^:/],
  ["05", /^\d\d/],
];
const micro: readonly [string, RegExp] = [".000000", /^\.\d{6}/];
const zone: readonly [string, RegExp] = ["Z07:00", /^(Z|[+-]\d\d:\d\d)/];

/** Undefined: it is one. `isMicro`: it has six digits after the second. */
export function goTimeError(text: string, isMicro: boolean): string | undefined {
  const layout = [...pieces, ...(isMicro ? [micro] : []), zone];
  const whole = layout.map(([piece]) => piece).join("");
  let rest = text;
  for (const [piece, reads] of layout) {
    // digits after the second are read without being asked for
    if (piece === "Z07:00" && !isMicro) rest = rest.replace(/^[.,]\d+/, "");
    const [found] = reads.exec(rest) ?? [];
    if (found === undefined)
      return `parsing time ${JSON.stringify(text)} as ${JSON.stringify(whole)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(piece)}`;
    rest = rest.slice(found.length);
  }
  return rest === ""
    ? undefined
    : `parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`;
}

/** Of what is written as a time, and is none: which of its numbers is too large. */
function outOfRange(text: string): string {
  const [month = 0, , hour = 0, minute = 0, second = 0] = text
    .slice(5, 19)
    .split(/[-T:]/)
    .map(Number);
  const what =
    month < 1 || month > 12
      ? "month"
      : hour > 23
        ? "hour"
        : minute > 59
          ? "minute"
          : second > 59
            ? "second"
            : "day";
  return `parsing time ${JSON.stringify(text)}: ${what} out of range`;
}

words.time = (value) =>
  typeof value === "string" ? (goTimeError(value, false) ?? outOfRange(value)) : undefined;
