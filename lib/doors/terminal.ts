/**
 * Where text leaves for a terminal, or for whatever stands in its place. What came from outside
 * (names in a dump, comments in rules, errors of others) must not command it, so every line is made
 * printable here, and nothing else in the library writes.
 */
import { printableLines } from "../net/printable.js";

/** To standard output, one line or several. */
export const say = (text: string): void =>
  void process.stdout.write(`${printableLines(text.replace(/\n$/, ""))}\n`);

/** To standard error. */
export const complain = (text: string): void =>
  void process.stderr.write(`${printableLines(text.replace(/\n$/, ""))}\n`);
