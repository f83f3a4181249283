/**
 * Which element of a set a packet's key is. Elements that are single values are found by their
 * text; intervals by search, or one by one where they are concatenated. (net/netfilter/
 * nft_set_hash.c, nft_set_rbtree.c, nft_set_pipapo.c)
 */
import type { Look, Reading } from "./reading.js";
import type { Element, NamedSet, SetRef } from "./ruleset.js";
import { isSpan, spanOf, typeOf, type Quantity, type Span } from "./types.js";

export function find(
  look: Look,
  reading: Reading,
  ref: SetRef,
  types: readonly string[],
): Element | undefined {
  if ("elements" in ref) return among(ref.elements, types, look, reading);
  const set = look.table.set(ref.name);
  if (set === undefined)
    throw new Error(
      `table ${look.table.name}: there is no set ${ref.name}; load rules with parseNftables, which checks that`,
    );
  return inSet(set, look, reading);
}

function inSet(set: NamedSet, look: Look, reading: Reading): Element | undefined {
  if (set.flags?.includes("interval")) return among(set.elements, set.type, look, reading);
  const text = reading.text(look);
  if (text === undefined) return undefined;
  return (
    set.elements.get(text) ?? look.memory.element(look.table, set, text) ?? set.elements.get("*")
  );
}

type Source = readonly Element[] | NamedSet["elements"];

const indexes = new WeakMap<object, Index>();

function among(
  elements: Source,
  types: readonly string[],
  look: Look,
  reading: Reading,
): Element | undefined {
  let index = indexes.get(elements);
  if (!index) indexes.set(elements, (index = new Index(elements, types)));
  return index.find(look, reading);
}

interface Interval extends Span {
  readonly element: Element;
}

/** One set's elements, in the forms in which they are looked for. */
class Index {
  readonly #single = new Map<string, Element>();
  /** In ascending order. */
  readonly #intervals: readonly Interval[];
  readonly #concatenated: { spans: readonly Span[]; element: Element }[] = [];
  readonly #other: Element | undefined;

  constructor(elements: Source, types: readonly string[]) {
    const kinds = types.map(typeOf);
    const intervals: Interval[] = [];
    for (const element of elements.values()) {
      const parts = element.key.split(" . ");
      if (element.key === "*") {
        this.#other = element;
        continue;
      }
      if (!parts.some((part, i) => kinds[i] !== undefined && isSpan(kinds[i], part)))
        this.#single.set(element.key, element);
      else {
        const spans = parts.map((part, i) => spanOf(kinds[i]!, part));
        if (spans.length === 1) intervals.push({ ...spans[0]!, element });
        else this.#concatenated.push({ spans, element });
      }
    }
    this.#intervals = intervals.sort((x, y) => (x.low < y.low ? -1 : 1));
  }

  find(look: Look, reading: Reading): Element | undefined {
    const text = reading.text(look);
    if (text === undefined) return undefined;
    return this.#single.get(text) ?? this.#inIntervals(look, reading) ?? this.#other;
  }

  #inIntervals(look: Look, { quantity, parts }: Reading): Element | undefined {
    if (this.#intervals.length > 0) return lastFrom(this.#intervals, quantity(look));
    if (this.#concatenated.length === 0) return undefined;
    const values = (parts ?? []).map((part) => part.quantity(look));
    const inside = ({ low, high }: Span, i: number): boolean => {
      const value = values[i];
      return value !== undefined && value >= low && value <= high;
    };
    return this.#concatenated.find(({ spans }) => spans.every(inside))?.element;
  }
}

function lastFrom(
  intervals: readonly Interval[],
  value: Quantity | undefined,
): Element | undefined {
  if (value === undefined) return undefined;
  let [low, high] = [0, intervals.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (intervals[middle]!.low <= value) low = middle + 1;
    else high = middle;
  }
  const found = intervals[low - 1];
  return found && value <= found.high ? found.element : undefined;
}
