/** The order in which nft lists elements, whatever that of their coming was. (src/mergesort.c) */
import type { Element } from "./ruleset.js";
import { sortKey, type Quantity } from "./types.js";

/** Concatenations of intervals stay as the kernel holds them; * comes last. */
export function inOrder(elements: Iterable<Element>, types: readonly string[]): readonly Element[] {
  const all = [...elements];
  if (all.length < 2 || (types.length > 1 && all.some(isInterval))) return all;
  const keyed = all.map((element) => ({ element, at: place(element, types) }));
  keyed.sort((x, y) => compare(x.at, y.at));
  return keyed.map(({ element }) => element);
}

/** A name such as ipv6-icmp has a dash as well. */
const isInterval = ({ key }: Element): boolean =>
  /[/*]|\d-\d|:-|-:/.test(key.replace(/"[^"]*"/g, ""));

const place = ({ key }: Element, types: readonly string[]): Quantity | undefined =>
  key === "*" ? undefined : sortKey(types, key);

function compare(x: Quantity | undefined, y: Quantity | undefined): number {
  if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
  return x < y ? -1 : x > y ? 1 : 0;
}
