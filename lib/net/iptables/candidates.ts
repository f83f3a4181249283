/**
 * Which rules of a long chain a packet can match at all. Most rules of a large node ask for one
 * address or for one port; those that ask for another one are skipped without a look, so that a
 * packet costs the same among thousands of them as among two.
 *
 * The walk is the same as one that looks at them all: a rule is skipped only where it fails before
 * it would have drawn a lot, counted a packet or remembered an address.
 */
import { parseCIDR } from "../ip.js";
import type { Look } from "./look.js";
import type { Rule } from "./rule.js";
import type { Match } from "./syntax.js";

/** Shorter chains are walked rule by rule. */
const LONG = 32;
/** In longer ones a look at every rule costs more than to file them all. */
const VERY_LONG = 256;

const known = new WeakMap<readonly Rule[], Candidates | "met once">();

/**
 * undefined: every rule has to be looked at. The first walk through a chain is not worth it, unless
 * it is a very long one.
 */
export function candidatesAmong(rules: readonly Rule[]): Candidates | undefined {
  if (rules.length < LONG) return undefined;
  const found = known.get(rules);
  if (found instanceof Candidates) return found.areFew ? found : undefined;
  if (!found && rules.length < VERY_LONG) {
    known.set(rules, "met once");
    return undefined;
  }
  const filed = new Candidates(rules);
  known.set(rules, filed);
  return filed.areFew ? filed : undefined;
}

/** The places of a chain's rules, in ascending order, by what they ask for. */
export class Candidates {
  readonly #byAddress = new Map<string, number[]>();
  readonly #byPort = new Map<number, number[]>();
  /** Those that ask for neither one address nor one port. */
  readonly #others: number[] = [];
  /** Whether most rules ask for one. */
  readonly areFew: boolean;

  constructor(rules: readonly Rule[]) {
    for (const [place, { matches }] of rules.entries()) {
      const [address, port] = [addressOf(matches), portOf(matches)];
      if (address !== undefined) file(this.#byAddress, address, place);
      else if (port !== undefined) file(this.#byPort, port, place);
      else this.#others.push(place);
    }
    this.areFew = this.#others.length * 2 < rules.length;
  }

  /** The place of the first rule from `start` on that the packet may match; Infinity: none. */
  next({ destination, destinationPort }: Look, start: number): number {
    return Math.min(
      firstFrom(this.#byAddress.get(destination.text), start),
      firstFrom(this.#byPort.get(destinationPort), start),
      firstFrom(this.#others, start),
    );
  }
}

/** One IPv4 address, as it is always written. */
const plain = /^[1-9]\d{0,2}(\.(0|[1-9]\d{0,2})){3}$/;

/** The one destination that a rule asks for; headers are looked at before everything else. */
function addressOf(matches: readonly Match[]): string | undefined {
  for (const match of matches) {
    if (match.kind !== "destination" || match.not) continue;
    if (plain.test(match.cidr)) return match.cidr;
    const { address, length, family } = parseCIDR(match.cidr);
    if (length === (family === "IPv4" ? 32 : 128)) return address.text;
  }
  return undefined;
}

/** The one destination port that a rule asks for, before it does anything. */
function portOf(matches: readonly Match[]): number | undefined {
  for (const match of matches) {
    if (hasEffect.has(match.kind)) return undefined;
    if (match.kind === "dport" && !match.not && match.low === match.high) return match.low;
  }
  return undefined;
}

const hasEffect: ReadonlySet<Match["kind"]> = new Set(["statistic", "recent", "nfacct"] as const);

function file<K>(places: Map<K, number[]>, key: K, place: number): void {
  const filed = places.get(key);
  if (filed) filed.push(place);
  else places.set(key, [place]);
}

function firstFrom(places: readonly number[] | undefined, start: number): number {
  if (!places) return Infinity;
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle]! < start) low = middle + 1;
    else high = middle;
  }
  return places[low] ?? Infinity;
}
