/**
 * The same rules and packets for IPv6: addresses, types and answers of IPv4 in a text, told in
 * IPv6's words. What a contest draws is drawn once for both.
 */
import { readAddress } from "stopover/internal/net/ip";
import type { Sent } from "./clusters.js";
import { nodeAddresses, sentinel } from "./rig.js";

const known: Readonly<Record<string, string>> = {
  [nodeAddresses.IPv4]: nodeAddresses.IPv6,
  "127.0.0.1": "::1",
  "0.0.0.0": "::",
  [sentinel.IPv4.split(":")[0]!]: "2001:db8:98::98",
};

/** 10.1.1.2 is fd00:10:1:1::2, so that prefixes and the Pods' range hold the same hosts. */
export function addressAsIPv6(text: string): string {
  const [a, b, c, d] = text.split(".");
  return known[text] ?? readAddress(`fd00:${a}:${b}:${c}::${d}`)!.text;
}

/** /8, /16 and /24 end where the same parts of the address do. */
const lengths: Readonly<Record<string, string>> = {
  "/0": "/0",
  "/1": "/1",
  "/8": "/32",
  "/16": "/48",
  "/24": "/64",
  "/32": "/128",
};

const words: readonly (readonly [RegExp, string])[] = [
  [/\bip (saddr|daddr)\b/g, "ip6 $1"],
  [/\bip protocol\b/g, "ip6 nexthdr"],
  [/\bipv4_addr\b/g, "ipv6_addr"],
  [/\bipv4\b/g, "ipv6"],
  [/\b(dnat|snat) ip to\b/g, "$1 ip6 to"],
  [/\bicmp host-unreachable\b/g, "icmpv6 addr-unreachable"],
  [/\bicmp-host-unreachable\b/g, "icmp6-addr-unreachable"],
  [/\bicmp-port-unreachable\b/g, "icmp6-port-unreachable"],
  [/^table ip /gm, "table ip6 "],
];

/** A text of rules, nft's or iptables-save's. */
export function asIPv6(text: string): string {
  const addressed = text.replace(
    /\b(\d+\.\d+\.\d+\.\d+)(\/\d+)?(:\d+)?/g,
    (_, address: string, length = "", port = "") => {
      const own = addressAsIPv6(address);
      return port === "" ? `${own}${lengths[length as string] ?? ""}` : `[${own}]${port}`;
    },
  );
  return words.reduce((all, [from, to]) => all.replace(from, to), addressed);
}

export const packetAsIPv6 = ({ packet, ...sent }: Sent): Sent => ({
  ...sent,
  packet: {
    ...packet,
    source: addressAsIPv6(packet.source),
    destination: addressAsIPv6(packet.destination),
  },
});
