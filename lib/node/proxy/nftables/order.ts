/**
 * The order in which nft lists the elements of a set, and what it makes of ranges that touch.
 * (nftables 1.0.6: src/mergesort.c, src/intervals.c)
 */
import { fromBits, parseAddress, type Address, type CIDR } from "../../../net/ip.js";

const protocols: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 };

/**
 * Elements of a set of one type stand by their value. Those of a concatenation are compared as one
 * number whose *last* byte weighs most, whatever the parts mean: as a little-endian machine reads
 * them.
 */
export function inListOrder<T extends { readonly key: string }>(elements: Iterable<T>): T[] {
  return Array.from(elements, (element) => ({ element, weight: weightOf(element.key) }))
    .sort((x, y) => compare(x.weight, y.weight))
    .map(({ element }) => element);
}

function weightOf(key: string): number[] {
  const parts = key.split(" . ");
  return parts.length === 1 ? words(parts[0]!) : parts.reverse().flatMap(reversed);
}

const words = (text: string): number[] => {
  const { a, b, c, d } = parseAddress(text);
  return [a >>> 0, b >>> 0, c >>> 0, d >>> 0];
};

/** A part of a concatenation, its last byte first. */
function reversed(part: string): number[] {
  const protocol = protocols[part];
  if (protocol !== undefined) return [protocol];
  if (/^\d+$/.test(part)) return [((Number(part) & 255) << 8) | (Number(part) >> 8)];
  return words(part).reverse().map(swapped);
}

const swapped = (word: number): number =>
  (((word & 255) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;

function compare(x: readonly number[], y: readonly number[]): number {
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return x[i]! - y[i]!;
  return 0;
}

/** Ranges of addresses as a rule's own set holds them: sorted, and those that touch made one. */
export function mergedRanges(ranges: readonly CIDR[]): string[] {
  const merged: { first: bigint; last: bigint }[] = [];
  for (const next of ranges.map(boundsOf).sort((x, y) => (x.first < y.first ? -1 : 1))) {
    const before = merged.at(-1);
    if (before === undefined || next.first > before.last + 1n) merged.push(next);
    else if (next.last > before.last) before.last = next.last;
  }
  return merged.map(({ first, last }) => rangeText(ranges[0]!.address, first, last));
}

function boundsOf({ address, length, family }: CIDR): { first: bigint; last: bigint } {
  const size = 1n << BigInt((family === "IPv4" ? 32 : 128) - length);
  const first = address.value - (address.value % size);
  return { first, last: first + size - 1n };
}

/** "10.1.1.2", "10.0.0.0/8", or "10.0.0.0-10.0.2.255" where no prefix says it. */
function rangeText({ family }: Address, first: bigint, last: bigint): string {
  const bits = family === "IPv4" ? 32 : 128;
  const size = last - first + 1n;
  if (size === 1n) return textOf(family, first);
  const length = bits - (size.toString(2).length - 1);
  const isPrefix = (size & (size - 1n)) === 0n && first % size === 0n;
  return isPrefix
    ? `${textOf(family, first)}/${length}`
    : `${textOf(family, first)}-${textOf(family, last)}`;
}

function textOf(family: Address["family"], value: bigint): string {
  const word = (shift: bigint): number => Number((value >> shift) & 0xffffffffn) | 0;
  return family === "IPv4"
    ? fromBits(family, word(0n)).text
    : fromBits(family, word(96n), word(64n), word(32n), word(0n)).text;
}
