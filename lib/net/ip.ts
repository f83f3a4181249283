/**
 * IP addresses and CIDR ranges, parsed once and remembered.
 *
 *     parseAddress("10.1.1.2").text            // canonical text: RFC 5952 for IPv6
 *     parseCIDR("10.0.0.0/8").contains(parseAddress("10.1.1.2"))
 *     endpoint("fd00::1", 80)                  // "[fd00::1]:80"
 *
 * Packets and rules carry addresses as canonical text. Whoever compares many of them (a rule, a
 * route) parses them first: an Address holds its bits as four 32-bit integers (IPv4 in the first
 * alone), so that a match costs a few integer operations.
 */
import { printable } from "./printable.js";

/** For the rooms that see no other file of this one: errors quote what came from outside. */
export { printable } from "./printable.js";

export type Family = "IPv4" | "IPv6";

export class Address {
  constructor(
    readonly family: Family,
    readonly text: string,
    readonly a: number,
    readonly b = 0,
    readonly c = 0,
    readonly d = 0,
  ) {}

  /** All bits as one number, for who counts addresses. */
  get value(): bigint {
    if (this.family === "IPv4") return BigInt(this.a >>> 0);
    return [this.a, this.b, this.c, this.d].reduce(
      (value, word) => (value << 32n) | BigInt(word >>> 0),
      0n,
    );
  }

  /** 127.0.0.0/8 or ::1. */
  get loopback(): boolean {
    return this.family === "IPv4"
      ? this.a >>> 24 === 127
      : this.a === 0 && this.b === 0 && this.c === 0 && this.d === 1;
  }
}

export class CIDR {
  readonly ma: number;
  readonly mb: number;
  readonly mc: number;
  readonly md: number;

  constructor(
    readonly address: Address,
    readonly length: number,
  ) {
    this.ma = mask(length);
    this.mb = mask(length - 32);
    this.mc = mask(length - 64);
    this.md = mask(length - 96);
  }

  get family(): Family {
    return this.address.family;
  }

  contains(other: Address): boolean {
    const own = this.address;
    return (
      other.family === own.family &&
      ((other.a ^ own.a) & this.ma) === 0 &&
      ((other.b ^ own.b) & this.mb) === 0 &&
      ((other.c ^ own.c) & this.mc) === 0 &&
      ((other.d ^ own.d) & this.md) === 0
    );
  }

  /** The range's first address, with all host bits 0. */
  get base(): Address {
    const { family, a, b, c, d } = this.address;
    return fromBits(family, a & this.ma, b & this.mb, c & this.mc, d & this.md);
  }

  /** How many addresses it holds. */
  get size(): bigint {
    return 1n << BigInt((this.family === "IPv4" ? 32 : 128) - this.length);
  }

  /** Its address number `offset`; 0 is the base. Beyond the range it goes on into the next one. */
  at(offset: number | bigint): Address {
    if (this.family === "IPv4")
      return fromBits(this.family, (this.address.a & this.ma) + Number(offset));
    const { family, value } = this.base;
    const bits = value + BigInt(offset);
    const word = (shift: bigint): number => Number((bits >> shift) & 0xffffffffn);
    return fromBits(family, word(96n), word(64n), word(32n), word(0n));
  }

  /** The inverse of `at`; undefined for an address that is not inside. */
  offsetOf(address: Address): bigint | undefined {
    return this.contains(address) ? address.value - this.base.value : undefined;
  }

  /** "10.0.0.0/8": canonical, host bits 0. */
  get text(): string {
    return `${this.base.text}/${this.length}`;
  }
}

const mask = (bits: number): number => (bits <= 0 ? 0 : bits >= 32 ? -1 : -1 << (32 - bits));

/** The address of a family whose bits these are. */
export function fromBits(family: Family, a: number, b = 0, c = 0, d = 0): Address {
  if (family === "IPv4")
    return new Address(
      family,
      `${a >>> 24}.${(a >>> 16) & 255}.${(a >>> 8) & 255}.${a & 255}`,
      a | 0,
    );
  const parts = [a, b, c, d].flatMap((word) => [word >>> 16, word & 0xffff]);
  return new Address(family, textOfIPv6(parts), a | 0, b | 0, c | 0, d | 0);
}

/** RFC 5952, 4: small letters, no leading zeros, the first of the longest runs of zeros as "::". */
function textOfIPv6(parts: readonly number[]): string {
  let [start, length] = [0, 1];
  for (let i = 0; i < parts.length; i++) {
    let end = i;
    while (parts[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
  }
  const words = parts.map((part) => part.toString(16));
  if (length < 2) return words.join(":");
  return `${words.slice(0, start).join(":")}::${words.slice(start + length).join(":")}`;
}

/**
 * Enough for every address that a large cluster uses; a scan by a hostile client only empties the
 * memory.
 */
const remembered = 1 << 18;
const addresses = new Map<string, Address | undefined>();
const ranges = new Map<string, CIDR | undefined>();

/**
 * The address, or undefined where `text` is none. IPv4 parts may have leading zeros, read as
 * decimal, as Go's net.ParseIPSloppy reads them.
 */
export function readAddress(text: string): Address | undefined {
  return recall(addresses, text, () => readIPv4(text) ?? readIPv6(text));
}

/** As readAddress; throws where `text` is no address. */
export function parseAddress(text: string): Address {
  const address = readAddress(text);
  if (address === undefined)
    throw new Error(`"${printable(text)}" is no IP address; write one like 10.1.1.2 or fd00::2`);
  return address;
}

/**
 * The canonical text of an address of this family, or undefined. For long lists of addresses that
 * nobody compares: it remembers nothing, and makes nothing where the text is canonical IPv4
 * already.
 */
export function canonicalAddress(text: string, family: Family): string | undefined {
  if (family === "IPv4" && /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]\d|\d)(?:\.(?!$)|$)){4}$/.test(text))
    return text;
  const address = readIPv4(text) ?? readIPv6(text);
  return address?.family === family ? address.text : undefined;
}

/** The range, or undefined where `text` is none. A single address is a range of one. */
export function readCIDR(text: string): CIDR | undefined {
  return recall(ranges, text, () => {
    const slash = text.indexOf("/");
    const address = readAddress(slash < 0 ? text : text.slice(0, slash));
    if (address === undefined) return undefined;
    const bits = address.family === "IPv4" ? 32 : 128;
    const length =
      slash < 0
        ? bits
        : /^\d{1,3}$/.test(text.slice(slash + 1))
          ? Number(text.slice(slash + 1))
          : Infinity;
    return length <= bits ? new CIDR(address, length) : undefined;
  });
}

/** As readCIDR, but the prefix length has to be there. */
export const readNetwork = (text: string): CIDR | undefined =>
  text.includes("/") ? readCIDR(text) : undefined;

/** As readCIDR; throws where `text` is no range. */
export function parseCIDR(text: string): CIDR {
  const range = readCIDR(text);
  if (range === undefined)
    throw new Error(`"${printable(text)}" is no CIDR; write one like 10.0.0.0/8 or fd00::/64`);
  return range;
}

/** "IPv4" or "IPv6"; throws where `text` is no address. */
export const familyOf = (text: string): Family => parseAddress(text).family;

/** Of several addresses the first one of each family. */
export const firstOfEachFamily = (addresses: readonly string[]): string[] =>
  addresses.filter(
    (one, i) => addresses.findIndex((other) => familyOf(other) === familyOf(one)) === i,
  );

/** "10.1.1.2:80", "[fd00::2]:80". */
export const endpoint = (address: string, port: number): string =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;

/** The inverse of `endpoint`; throws where `text` is none. */
export function parseEndpoint(text: string): { address: string; port: number } {
  const [, v6, v4, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = readAddress(v6 ?? v4 ?? "");
  if (address === undefined || Number(port) > 65535)
    throw new Error(
      `"${printable(text)}" is no address with a port; write 10.1.1.2:80 or [fd00::2]:80`,
    );
  return { address: address.text, port: Number(port) };
}

function readIPv4(text: string): Address | undefined {
  const [dot, zero, nine] = [46, 48, 57];
  let [bits, part, digits, dots] = [0, 0, 0, 0];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= zero && code <= nine && digits < 3) {
      part = part * 10 + code - zero;
      digits++;
    } else if (code === dot && digits > 0 && part <= 255 && dots < 3) {
      bits = (bits << 8) | part;
      [part, digits, dots] = [0, 0, dots + 1];
    } else return undefined;
  }
  if (dots < 3 || digits === 0 || part > 255) return undefined;
  return fromBits("IPv4", (bits << 8) | part);
}

function readIPv6(text: string): Address | undefined {
  const parts = text.includes(":") ? partsOfIPv6(text) : undefined;
  if (parts === undefined) return undefined;
  const word = (i: number): number => (parts[i]! << 16) | parts[i + 1]!;
  return fromBits("IPv6", word(0), word(2), word(4), word(6));
}

/** The eight parts of an address (RFC 4291, 2.2); undefined where `text` is none. */
function partsOfIPv6(text: string): number[] | undefined {
  const halves = inHexadecimal(text).split("::");
  const [head = [], tail] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (halves.length > 2 || (tail ? missing < 1 : missing !== 0)) return undefined;
  const words = [...head, ...Array<string>(missing).fill("0"), ...(tail ?? [])];
  return words.every((word) => /^[\da-f]{1,4}$/i.test(word))
    ? words.map((word) => parseInt(word, 16))
    : undefined;
}

/** The IPv4 address at the end of "::ffff:10.1.1.2" as two parts like the others. */
function inHexadecimal(text: string): string {
  const colon = text.lastIndexOf(":") + 1;
  const address = readIPv4(text.slice(colon));
  if (!address) return text;
  const words = [address.a >>> 16, address.a & 0xffff].map((word) => word.toString(16));
  return text.slice(0, colon) + words.join(":");
}

function recall<T>(memory: Map<string, T>, key: string, make: () => T): T {
  let value = memory.get(key);
  if (value === undefined && !memory.has(key)) {
    value = make();
    if (memory.size >= remembered) memory.clear();
    memory.set(key, value);
  }
  return value as T;
}
