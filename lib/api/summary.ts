/**
 * What a cluster, a node and a Pod say of themselves where a reader looks at one as a whole: the
 * last line of a notebook's cell, or `console.log(cluster)`.
 */
import { printable } from "../net/printable.js";

/** What Node.js, and everything that prints as it does, asks a value for its text. */
const inspected = Symbol.for("nodejs.util.inspect.custom");

/** How many names are written out before "and N more". */
const MOST_NAMES = 10;

/** The same value, which says `text()` where it is printed, and is plain data all the same. */
export function printedAs<T extends object>(value: T, text: () => string): T {
  return Object.defineProperty(value, inspected, { value: text, enumerable: false });
}

/** "a, b and c", of many the first ten; "none". */
export function names(all: readonly string[]): string {
  const more = all.length - MOST_NAMES;
  const written = all.slice(0, MOST_NAMES);
  if (more > 0) return printable(`${written.join(", ")} and ${more} more`);
  const [last, ...others] = written.reverse();
  if (last === undefined) return "none";
  return printable(others.length ? `${others.reverse().join(", ")} and ${last}` : last);
}

/** "1 Pod", "2 Pods". */
export const count = (number: number, what: string): string =>
  `${number} ${what}${number === 1 ? "" : "s"}`;
