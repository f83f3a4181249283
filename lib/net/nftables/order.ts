/** The order in which nft lists elements, whatever that of their coming was. (src/mergesort.c) */
import type { Element } from "./ruleset.js";
import { sortKey, typeOf, type Quantity } from "./types.js";

/**
 * Concatenations of intervals stay as the kernel holds them. * is the last; in a set of single
 * values it is as great as the greatest, which it comes before. `hasIntervals`: the set may have
 * them, whatever is in it.
 */
export function inOrder(
  elements: Iterable<Element>,
  types: readonly string[],
  hasIntervals = false,
): readonly Element[] {
  const all = [...elements];
  if (all.length < 2) return all;
  const areIntervals = hasIntervals || all.some(isInterval);
  if (types.length > 1 && areIntervals)
    return all.sort((x, y) => Number(isRest(x)) - Number(isRest(y)));
  const keyed = all.map((element) => ({ element, at: place(element, types) }));
  const isNames = types[0] === "ifname" && all.some(({ key }) => key.endsWith('*"'));
  if (isNames) return all.sort((x, y) => (x.key < y.key ? -1 : 1));
  const most = types.length === 1 && !areIntervals ? greatest(types[0]!) : undefined;
  keyed.sort((x, y) => compare(x.at, y.at, most));
  return keyed.map(({ element }) => element);
}

/** Whatever is not in the set otherwise. */
const isRest = ({ key }: Element): boolean => key === "*";

/** A name such as ipv6-icmp has a dash as well. */
const isInterval = (element: Element): boolean =>
  !isRest(element) && /[/*]|\d-\d|:-|-:/.test(element.key.replace(/"[^"]*"/g, ""));

const place = (element: Element, types: readonly string[]): Quantity | undefined =>
  isRest(element) ? undefined : sortKey(types, element.key);

const greatest = (name: string): Quantity | undefined => {
  const type = typeOf(name);
  return type && type.bytes <= 4 ? 2 ** (8 * type.bytes) - 1 : undefined;
};

function compare(x: Quantity | undefined, y: Quantity | undefined, most?: Quantity): number {
  if (x === undefined || y === undefined) {
    if (x === y) return 0;
    const isGreatest = most !== undefined && (x ?? y) === most;
    return (x === undefined) === isGreatest ? -1 : 1;
  }
  return x < y ? -1 : x > y ? 1 : 0;
}
