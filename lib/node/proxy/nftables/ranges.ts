/** What nft makes of ranges of addresses that touch. (nftables 1.0.6, src/intervals.c) */
import { fromBits, type Address, type CIDR } from "../../../net/ip.js";

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
