/**
 * Of what type each expression is, as far as they are modelled. (src/proto.c, src/meta.c, src/ct.c,
 * src/fib.c)
 */
import type { Expression } from "./ruleset.js";

/** header -> field -> type. */
export const payloads: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ip: { saddr: "ipv4_addr", daddr: "ipv4_addr", protocol: "inet_proto" },
  ip6: { saddr: "ipv6_addr", daddr: "ipv6_addr", nexthdr: "inet_proto" },
  tcp: { sport: "inet_service", dport: "inet_service", flags: "tcp_flag" },
  udp: { sport: "inet_service", dport: "inet_service" },
  sctp: { sport: "inet_service", dport: "inet_service" },
  th: { sport: "inet_service", dport: "inet_service" },
  icmp: { type: "icmp_type" },
  icmpv6: { type: "icmpv6_type" },
};

export const metas: Readonly<Record<string, string>> = {
  mark: "mark",
  l4proto: "inet_proto",
  nfproto: "nf_proto",
  protocol: "ether_type",
  iif: "iface_index",
  oif: "iface_index",
  iifname: "ifname",
  oifname: "ifname",
};

/** Those that may stand without "meta". */
export const bareMetas: ReadonlySet<string> = new Set(["mark", "iif", "oif", "iifname", "oifname"]);

export const cts: Readonly<Record<string, string>> = {
  state: "ct_state",
  status: "ct_status",
  direction: "ct_dir",
  mark: "mark",
  protocol: "inet_proto",
  "ip saddr": "ipv4_addr",
  "ip daddr": "ipv4_addr",
  "ip6 saddr": "ipv6_addr",
  "ip6 daddr": "ipv6_addr",
  "proto-src": "inet_service",
  "proto-dst": "inet_service",
};

export const fibs: Readonly<Record<string, string>> = {
  type: "fib_addrtype",
  oif: "boolean",
  oifname: "ifname",
};

const own = (table: Readonly<Record<string, string>> | undefined, key: string): string =>
  table && Object.hasOwn(table, key) ? table[key]! : "";

/** The types of what an expression's value is concatenated of; "" where that is not known. */
export function typesOf(expression: Expression): readonly string[] {
  switch (expression.kind) {
    case "payload":
      return [own(payloads[expression.header], expression.field)];
    case "meta":
      return [own(metas, expression.key)];
    case "ct":
      return [own(cts, expression.key)];
    case "fib":
      return [own(fibs, expression.result)];
    case "numgen":
      return ["integer"];
    case "concat":
      return expression.parts.flatMap(typesOf);
    case "bitwise":
      return typesOf(expression.left);
    case "map":
    case "value":
      return [""];
  }
}
