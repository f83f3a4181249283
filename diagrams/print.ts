/**
 * How a value is printed below a cell: as Node.js prints it, by Node's own code, taken out of it so
 * that it runs in a browser as well. The kernel and the pages of the book both print through this,
 * so their texts are the same whatever version of Node.js the reader has.
 */
import { format } from "node-inspect-extracted";

/** What `console.log(...values)` prints, without the end of its last line. */
export function printed(...values: readonly unknown[]): string {
  return format(...values);
}

/** Lets `console` print so, from now on: `write` gets each text, with the end of its last line. */
export function printThrough(
  console: Pick<Console, "log" | "info" | "debug">,
  write: (text: string) => void,
): void {
  const log = (...values: unknown[]): void => write(`${printed(...values)}\n`);
  Object.assign(console, { log, info: log, debug: log });
}
