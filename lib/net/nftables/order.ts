/** The order in which nft lists elements, whatever that of their coming was. (src/mergesort.c) */
import type { Element } from "./ruleset.js";
import { sortKey, typeOf, type Quantity } from "./types.js";

/**
 * Concatenations of intervals stay as the kernel holds them; * is as great as the greatest, which
 * it comes before.
 */
export function inOrder(elements: Iterable<Element>, types: readonly string[]): readonly Element[] {
  const all = [...elements];
  if (all.length < 2 || (types.length > 1 && all.some(isInterval))) return all;
  const keyed = all.map((element) => ({ element, at: place(element, types) }));
  const isNames = types[0] === "ifname" && all.some(({ key }) => key.endsWith('*"'));
  if (isNames) return all.sort((x, y) => (x.key < y.key ? -1 : x.key > y.key ? 1 : 0));
  const isPlain = types.length === 1 && !all.some((each) => each.key !== "*" && isInterval(each));
  const most = isPlain ? greatest(types[0]!) : undefined;
  keyed.sort((x, y) => compare(x.at, y.at, most));
  return keyed.map(({ element }) => element);
}

/** A name such as ipv6-icmp has a dash as well. */
const isInterval = ({ key }: Element): boolean =>
  /[/*]|\d-\d|:-|-:/.test(key.replace(/"[^"]*"/g, ""));

const place = ({ key }: Element, types: readonly string[]): Quantity | undefined =>
  key === "*" ? undefined : sortKey(types, key);

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
