/**
 * Which element of a set a packet's key is. Elements that are single values are found by their
 * text; intervals by search, or one by one where they are concatenated. (net/netfilter/
 * nft_set_hash.c, nft_set_rbtree.c, nft_set_pipapo.c)
 */
import type { Look, Reading } from "./reading.js";
import type { Element, NamedSet, SetRef } from "./ruleset.js";
import { isSpan, spanOf, typeOf, type Quantity, type Span } from "./types.js";

export type Find = (look: Look) => Element | undefined;

/** Among the elements of a set or map, whichever stands there when a packet comes. */
export function finder(reading: Reading, ref: SetRef, types: readonly string[]): Find {
  if ("elements" in ref) return findAmong(reading, ref.elements, types);
  const { name } = ref;
  return (look) => {
    const set = look.table.set(name);
    if (set === undefined) throw new Error(missing(look, name));
    return inSet(set, look, reading);
  };
}

const missing = ({ table }: Look, name: string): string =>
  `table ${table.name}: there is no set ${name}; load rules with parseNftables, which checks that`;

/** The elements of a rule's own set never change; those of a draw are found by their number. */
function findAmong(reading: Reading, elements: readonly Element[], types: readonly string[]): Find {
  if (reading.isSmall && elements.every(({ key }) => /^\d{1,6}$/.test(key))) {
    const places: (Element | undefined)[] = [];
    for (const element of elements) places[Number(element.key)] = element;
    return (look) => places[Number(reading.quantity(look))];
  }
  let index: Index | undefined;
  return (look) => (index ??= new Index(elements, types)).find(look, reading);
}

function inSet(set: NamedSet, look: Look, reading: Reading): Element | undefined {
  const { elements } = set;
  const { memory, table } = look;
  if (!elements.isUncounted && elements.size === 0 && memory.hasNothingFor(table, set))
    return undefined;
  if (set.flags?.includes("interval")) return indexOf(set).find(look, reading);
  const text = reading.text(look);
  if (text === undefined) return undefined;
  return elements.get(text) ?? memory.element(table, set, text) ?? elements.get("*");
}

const indexes = new WeakMap<object, Index>();

function indexOf({ elements, type }: NamedSet): Index {
  let index = indexes.get(elements);
  if (!index) indexes.set(elements, (index = new Index(elements, type)));
  return index;
}

type Source = readonly Element[] | NamedSet["elements"];

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
