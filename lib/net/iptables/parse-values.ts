/** What stands behind options in iptables' text: ports, networks, masks, states. */
import { type Family, readCIDR } from "../ip.js";
import { connectionStates } from "../passage.js";
import type { ConnectionState } from "./syntax.js";
import { restoreProbability, saveProbability } from "./text.js";
import type { Tokens } from "./tokens.js";

export function cidr(tokens: Tokens, family: Family): string {
  const text = tokens.next("an address");
  const range = readCIDR(text);
  if (range?.family !== family) return tokens.fail(text, `an ${family} address or CIDR`);
  return text.includes("/") ? range.text : range.address.text;
}

export function protocol(tokens: Tokens): string {
  const name = tokens.next("a protocol").toLowerCase();
  return /^(tcp|udp|sctp|icmp|icmpv6|ipv6-icmp|all|\d{1,3})$/.test(name)
    ? name
    : tokens.fail(name, "tcp, udp, sctp, icmp, ipv6-icmp, all or a number");
}

export function ports(tokens: Tokens, separator: string): { low: number; high: number } {
  const text = tokens.next("a port");
  const [low, high] =
    portsIn(text, separator) ??
    tokens.fail(text, `a port from 0 to 65535, or a range such as 80${separator}90`);
  return { low, high };
}

export function portList(tokens: Tokens): [number, number][] {
  const text = tokens.next("ports");
  return text
    .split(",")
    .map((part) => portsIn(part, ":") ?? tokens.fail(text, "ports such as 80,443,8000:8080"));
}

/** "80" or "80:90". */
export function portsIn(text: string, separator: string): [low: number, high: number] | undefined {
  const parts = text.split(separator).map((part) => (/^\d+$/.test(part) ? Number(part) : NaN));
  const [low = NaN, high = low] = parts;
  return parts.length <= 2 && low <= high && high <= 65535 ? [low, high] : undefined;
}

/**
 * The exact fraction that the text stands for: 1/n where n is what a program (or iptables-save)
 * writes so, else the decimal itself.
 */
export function probability(tokens: Tokens): { numerator: number; denominator: number } {
  const text = tokens.next("a probability");
  const value = /^(?:\d+|\d*\.\d+)$/.test(text) ? Number(text) : NaN;
  if (!(value >= 0 && value <= 1)) return tokens.fail(text, "a number from 0 to 1");
  const n = Math.round(1 / value);
  if (value > 0 && (restoreProbability(1, n) === text || saveProbability(1, n) === text))
    return { numerator: 1, denominator: n };
  const digits = Math.min(15, text.split(".")[1]?.length ?? 0);
  return { numerator: Math.round(value * 10 ** digits), denominator: 10 ** digits };
}

export function valueAndMask(tokens: Tokens): { value: number; mask: number } {
  const text = tokens.next("a mark");
  const parts = text
    .split("/")
    .map((part) => (/^(0x[0-9a-f]+|\d+)$/i.test(part) ? Number(part) : NaN));
  const [value = NaN, mask = 0xffffffff] = parts;
  return parts.length <= 2 && value <= 0xffffffff && mask <= 0xffffffff
    ? { value, mask }
    : tokens.fail(text, "a mark such as 0x4000/0x4000");
}

export function states(tokens: Tokens): ConnectionState[] {
  const text = tokens.next("states");
  return text
    .split(",")
    .map(
      (state) =>
        connectionStates.find((each) => each === state) ??
        tokens.fail(text, `states out of ${connectionStates.join(", ")}, with commas between`),
    );
}
