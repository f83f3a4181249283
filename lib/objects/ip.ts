import { isIP } from "node:net";

/**
 * IP addresses and networks as numbers, for validation and for the allocators. The packet path has
 * its own (net/address.ts).
 */
export interface Address {
  family: "IPv4" | "IPv6";
  value: bigint;
}

export interface Network extends Address {
  /** The prefix length. */
  bits: number;
  /** How many addresses it holds. */
  size: bigint;
}

export function parseIP(text: string): Address | undefined {
  const version = isIP(text);
  if (version === 0 || text.includes("%")) return undefined; // no zones in Kubernetes' addresses
  if (version === 4) return { family: "IPv4", value: v4(text) };
  const [head = "", tail] = dottedTailToHex(text).split("::");
  const [front, back] = [head, tail ?? ""].map((half) => (half ? half.split(":") : []));
  const groups =
    tail === undefined
      ? front!
      : [...front!, ...Array<string>(8 - front!.length - back!.length).fill("0"), ...back!];
  return {
    family: "IPv6",
    value: groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n),
  };
}

const v4 = (text: string): bigint =>
  text.split(".").reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);

function dottedTailToHex(text: string): string {
  const dotted = /\d+\.\d+\.\d+\.\d+$/.exec(text);
  if (!dotted) return text;
  const value = v4(dotted[0]);
  return (
    text.slice(0, dotted.index) + (value >> 16n).toString(16) + ":" + (value & 0xffffn).toString(16)
  );
}

/** The canonical text (RFC 5952 for IPv6). */
export function formatIP({ family, value }: Address): string {
  if (family === "IPv4")
    return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  ).join(":");
  const zeros = groups
    .match(/\b0(?::0)+\b/g)
    ?.reduce((longest, run) => (run.length > longest.length ? run : longest));
  return zeros ? groups.replace(new RegExp(`(^|:)${zeros}(:|$)`), "::") : groups;
}

/**
 * A CIDR; undefined where it is none. Bits beyond the prefix may be set ("10.0.0.7/24"): the value
 * is the network's.
 */
export function parseCIDR(text: string): Network | undefined {
  const [address, length, ...more] = text.split("/");
  const ip = parseIP(address!);
  if (!ip || more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(length ?? "")) return undefined;
  const [width, bits] = [ip.family === "IPv4" ? 32 : 128, Number(length)];
  if (bits > width) return undefined;
  const host = BigInt(width - bits);
  return { family: ip.family, value: (ip.value >> host) << host, bits, size: 1n << host };
}

export const inNetwork = (network: Network, ip: Address): boolean =>
  ip.family === network.family &&
  ip.value >= network.value &&
  ip.value < network.value + network.size;
