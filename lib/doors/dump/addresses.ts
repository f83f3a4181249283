/**
 * Other addresses for those of a dump. Addresses that share a range still share one afterwards
 * (each bit is turned, or not, by what stands before it), so that podCIDRs, source ranges and
 * routes keep their sense. (Xu, Fan, Ammar, Moon: Prefix-Preserving IP Address Anonymization, 2002)
 *
 * What is special stays so: private ranges remain private, and loopback, link-local, multicast and
 * the ranges of documentation are kept as they are. Of an IPv4 address the last octet is kept.
 */
import { createHmac } from "node:crypto";
import { fromBits, parseCIDR, readNetwork, type Address } from "../../net/ip.js";

/** Kept whole. */
const kept = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "192.0.2.0/24",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
  "::/8",
  "fe80::/10",
  "ff00::/8",
  "2001:db8::/32",
];
/** Within them addresses move, and none leaves them. */
const closed = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

const bitsOf = ({ family, value }: Address): string =>
  value.toString(2).padStart(family === "IPv4" ? 32 : 128, "0");

const prefixOf = (range: string): string => {
  const { address, length } = parseCIDR(range);
  return `${address.family} ${bitsOf(address).slice(0, length)}`;
};

const keptPrefixes = kept.map(prefixOf);
const specialPrefixes = [...keptPrefixes, ...closed.map(prefixOf)];

export class Addresses {
  readonly #turns = new Map<string, boolean>();

  constructor(private readonly key: string) {}

  /** Another address for this one, always the same. */
  of(address: Address): string {
    const { family } = address;
    const bits = bitsOf(address);
    const last = family === "IPv4" ? 24 : 128;
    let turned = "";
    for (let i = 0; i < bits.length; i++) {
      const bit = bits[i]!;
      const turns = i < last && this.#turnsAfter(`${family} ${bits.slice(0, i)}`);
      turned += turns ? (bit === "0" ? "1" : "0") : bit;
    }
    const [a = 0, b, c, d] = turned.match(/.{32}/g)!.map((word) => parseInt(word, 2) | 0);
    return fromBits(family, a, b, c, d).text;
  }

  /** Another range of the same length; what stands behind its bits stays nothing. */
  ofRange(text: string): string | undefined {
    const found = readNetwork(text);
    if (!found) return undefined;
    const moved = parseCIDR(`${this.of(found.address)}/${found.length}`);
    return found.text === text ? moved.text : `${moved.address.text}/${moved.length}`;
  }

  /** Whether the bit behind this prefix is turned; on the way to a special range it is not. */
  #turnsAfter(prefix: string): boolean {
    const known = this.#turns.get(prefix);
    if (known !== undefined) return known;
    const isFixed =
      keptPrefixes.some((one) => prefix.startsWith(one)) ||
      specialPrefixes.some((one) => one !== prefix && one.startsWith(prefix));
    const turns = !isFixed && createHmac("sha256", this.key).update(prefix).digest()[0]! % 2 === 1;
    this.#turns.set(prefix, turns);
    return turns;
  }
}
