/**
 * The set that stands in a rule: nft takes an element once, and makes one interval of those that
 * touch. In a map it makes none, and refuses what contradicts itself.
 * (src/segtree.c, src/intervals.c)
 */
import type { Element } from "./ruleset.js";
import {
  canonical,
  isSpan,
  spanOf,
  typeOf,
  types,
  type Quantity,
  type Span,
  type ValueType,
} from "./types.js";

export interface Anonymous {
  readonly elements: readonly Element[];
  /** Why nft does not take it. */
  readonly problem?: string;
}

export function anonymous(
  given: readonly Element[],
  names: readonly string[],
  isMap: boolean,
): Anonymous {
  const [type] = names.length === 1 ? [typeOf(names[0]!)] : [];
  if (type === types["ifname"] && given.some(({ key }) => isPattern(key)))
    return { elements: isMap ? given : withoutCovered(given) };
  const isInterval =
    type?.text !== undefined && !type.flags && given.some(({ key }) => isRange(type, key));
  if (isMap) {
    const problem = isInterval ? overlap(given, type) : double(given);
    return { elements: once(given), ...(problem !== undefined && { problem }) };
  }
  return { elements: isInterval ? merged(once(given), type) : once(given) };
}

/** What a set with auto-merge makes of its elements. */
export function intervalsOf(
  given: readonly Element[],
  names: readonly string[],
): readonly Element[] {
  const [type] = names.length === 1 ? [typeOf(names[0]!)] : [];
  return type?.text !== undefined && !type.flags ? merged(once(given), type) : given;
}

const isPattern = (key: string): boolean => key.endsWith('*"');
const isRange = (type: ValueType, key: string): boolean => key !== "*" && isSpan(type, key);

const once = (given: readonly Element[]): Element[] => [
  ...new Map(given.map((each) => [each.key, each])).values(),
];

/** Names that another one with a * has in itself are left out. */
function withoutCovered(given: readonly Element[]): Element[] {
  const starts = given.filter(({ key }) => isPattern(key)).map(({ key }) => key.slice(0, -2));
  return once(given).filter(
    ({ key }) => !starts.some((start) => key.startsWith(start) && key !== `${start}*"`),
  );
}

interface Place extends Span {
  readonly element: Element;
}

const inOrder = (given: readonly Element[], type: ValueType): Place[] =>
  given
    .filter(({ key }) => key !== "*")
    .map((element) => ({ element, ...spanOf(type, element.key) }))
    .sort((x, y) => (x.low < y.low ? -1 : x.low > y.low ? 1 : 0));

function merged(given: readonly Element[], type: ValueType): Element[] {
  const all: Place[] = [];
  for (const place of inOrder(given, type)) {
    const before = all.at(-1);
    if (!before || place.low > next(before.high)) all.push(place);
    else if (place.high > before.high)
      all[all.length - 1] = joined(before.low, place.high, type, before.element);
  }
  return all.map(({ element }) => element);
}

const next = (value: Quantity): Quantity => (typeof value === "bigint" ? value + 1n : value + 1);

function joined(low: Quantity, high: Quantity, type: ValueType, element: Element): Place {
  const key = canonical(type, `${type.text!(low)}-${type.text!(high)}`, true)!;
  return { low, high, element: { ...element, key } };
}

/** Of intervals, the kernel would not know where a packet belongs. */
function overlap(given: readonly Element[], type: ValueType): string | undefined {
  const places = inOrder(given, type);
  for (const [i, { low, element }] of places.entries()) {
    const before = places[i - 1];
    if (before && low <= before.high && JSON.stringify(before.element) !== JSON.stringify(element))
      return `the intervals ${before.element.key} and ${element.key} of the map overlap`;
  }
  return undefined;
}

function double(given: readonly Element[]): string | undefined {
  const known = new Map<string, Element>();
  for (const each of given) {
    const before = known.get(each.key);
    if (before && JSON.stringify(before.data) !== JSON.stringify(each.data))
      return `${each.key} is in the map already, mapped to something else`;
    known.set(each.key, each);
  }
  return undefined;
}
