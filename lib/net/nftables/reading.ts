/**
 * What expressions say of a packet: each becomes a closure once. A value is read as the text by
 * which sets know it, or as a number that can be compared. (net/netfilter/nft_payload.c,
 * nft_meta.c, nft_ct.c, nft_fib.c, nft_numgen.c)
 */
import type { Address, Family } from "../ip.js";
import type { Passage } from "../passage.js";
import { connectionStates } from "../passage.js";
import { typesOf } from "./expressions.js";
import type { Memory } from "./memory.js";
import type { Expression, SetRef, Table } from "./ruleset.js";
import { finder, type Find } from "./lookup.js";
import {
  stateBits,
  statusBits,
  tcpFlagBits,
  typeOf,
  type Quantity,
  type ValueType,
} from "./types.js";

/** A packet at a hook, and the table whose rules look at it. */
export interface Look {
  readonly passage: Passage;
  readonly table: Table;
  readonly memory: Memory;
}

/** What is read; undefined: the packet has no such thing, and the rule does not match. */
export interface Reading {
  readonly text: (look: Look) => string | undefined;
  readonly quantity: (look: Look) => Quantity | undefined;
  /** Of a concatenation, each part. */
  readonly parts?: readonly Reading[];
  /** It is always a small number. */
  readonly isSmall?: boolean;
}

/** Thrown while a rule is compiled, where an expression is not modelled. */
export class NotModelled extends Error {}

export function readingOf(expression: Expression): Reading {
  switch (expression.kind) {
    case "payload":
      return payload(expression.header, expression.field);
    case "meta":
      return meta(expression.key);
    case "ct":
      return ct(expression.key, expression.direction);
    case "fib":
      return fib(expression.from, expression.result);
    case "numgen":
      return numgen(expression);
    case "concat":
      return concatenated(expression.parts.map(readingOf));
    case "bitwise":
      return bitwise(expression);
    case "map":
      return mapped(expression.key, expression.map);
    case "value": {
      const { text } = expression;
      return { text: () => text, quantity: () => Number(text) };
    }
  }
}

/** By its number; the text follows from it. */
function counted(type: ValueType, quantity: (look: Look) => Quantity | undefined): Reading {
  const text = (look: Look): string | undefined => {
    const found = quantity(look);
    return found === undefined ? undefined : type.text!(found);
  };
  return { text, quantity };
}

/** By its text; the number follows from it. */
function texted(type: ValueType, text: (look: Look) => string | undefined): Reading {
  const quantity = (look: Look): Quantity | undefined => {
    const found = text(look);
    return found === undefined ? undefined : type.quantity(found);
  };
  return { text, quantity };
}

function address(family: Family, of: (look: Look) => Address | undefined): Reading {
  const own = (look: Look): Address | undefined => {
    const found = of(look);
    return found?.family === family ? found : undefined;
  };
  return {
    text: (look) => own(look)?.text,
    quantity: (look) => {
      const found = own(look);
      if (found === undefined) return undefined;
      return family === "IPv4" ? found.a >>> 0 : found.value;
    },
  };
}

const port = (of: (look: Look) => number | undefined): Reading => ({
  quantity: of,
  text: (look) => {
    const found = of(look);
    return found === undefined ? undefined : String(found);
  },
});

// ---- headers ------------------------------------------------------------------------------------

function payload(header: string, field: string): Reading {
  switch (`${header} ${field}`) {
    case "ip saddr":
      return address("IPv4", ({ passage }) => passage.source);
    case "ip daddr":
      return address("IPv4", ({ passage }) => passage.destination);
    case "ip6 saddr":
      return address("IPv6", ({ passage }) => passage.source);
    case "ip6 daddr":
      return address("IPv6", ({ passage }) => passage.destination);
    case "ip protocol":
      return protocolIn("IPv4");
    case "ip6 nexthdr":
      return protocolIn("IPv6");
    case "tcp flags":
      return counted(typeOf("tcp_flag")!, ({ passage: { packet } }) =>
        packet.protocol === "TCP" ? flagBits[packet.flags ?? "SYN"] : undefined,
      );
    case "icmp type":
      return icmpType("IPv4", "icmp_type");
    case "icmpv6 type":
      return icmpType("IPv6", "icmpv6_type");
  }
  if (field !== "sport" && field !== "dport") throw new NotModelled();
  const of = field === "sport" ? "sourcePort" : "destinationPort";
  if (header === "th") return port(({ passage }) => transportPort(passage, passage[of]));
  const protocol = header.toUpperCase();
  return port(({ passage }) => (passage.protocol === protocol ? passage[of] : undefined));
}

/** ICMP has something else where ports are: no number that a rule asks for. */
const transportPort = ({ protocol }: Passage, number: number): number =>
  protocol === "ICMP" ? -1 : number;

const { fin, syn, rst, ack } = tcpFlagBits;
const flagBits = {
  SYN: syn,
  "SYN,ACK": syn | ack,
  ACK: ack,
  "FIN,ACK": fin | ack,
  RST: rst,
} as const;

const protocolIn = (family: Family): Reading =>
  texted(typeOf("inet_proto")!, ({ passage }) =>
    passage.source.family === family ? protocolText(passage) : undefined,
  );

function protocolText({ protocol, source }: Passage): string {
  switch (protocol) {
    case "TCP":
      return "tcp";
    case "UDP":
      return "udp";
    case "ICMP":
      return source.family === "IPv4" ? "icmp" : "ipv6-icmp";
    default:
      return protocol.toLowerCase();
  }
}

/** Of ICMP there are errors here, and echoes: what asks for one, and what answers. */
const icmpType = (family: Family, type: string): Reading =>
  texted(typeOf(type)!, ({ passage: { protocol, source, packet, tracked } }) => {
    if (protocol !== "ICMP" || source.family !== family) return undefined;
    if (packet.error !== undefined) return "destination-unreachable";
    return tracked?.direction === "reply" ? "echo-reply" : "echo-request";
  });

// ---- meta ---------------------------------------------------------------------------------------

function meta(key: string): Reading {
  switch (key) {
    case "mark":
      return counted(typeOf("mark")!, ({ passage }) => passage.mark);
    case "l4proto":
      return texted(typeOf("inet_proto")!, ({ passage }) => protocolText(passage));
    case "nfproto":
      return texted(typeOf("nf_proto")!, ({ passage }) =>
        passage.source.family === "IPv4" ? "ipv4" : "ipv6",
      );
    case "protocol":
      return texted(typeOf("ether_type")!, ({ passage }) =>
        passage.source.family === "IPv4" ? "ip" : "ip6",
      );
    case "iif":
    case "iifname":
      return texted(typeOf("ifname")!, ({ passage }) => `"${passage.in}"`);
    case "oif":
    case "oifname":
      return texted(typeOf("ifname")!, ({ passage }) => `"${passage.out}"`);
    default:
      throw new NotModelled();
  }
}

// ---- conntrack ----------------------------------------------------------------------------------

/** By the first five bits of a passage's state; INVALID is also what conntrack has not seen. */
const states = Array.from({ length: 32 }, (_, bits) => {
  const found = connectionStates.findIndex((_, i) => i < 5 && bits & (1 << i));
  const state = connectionStates[found]?.toLowerCase() ?? "invalid";
  return stateBits[state as keyof typeof stateBits];
});

/** nft_ct_get_eval */
const stateOf = ({ state }: Passage): number => states[state & 31]!;

function statusOf({ tracked }: Passage): number | undefined {
  if (!tracked) return undefined;
  const { connection } = tracked;
  return (
    (connection.replied ? statusBits["seen-reply"] : 0) |
    (connection.assured ? statusBits.assured : 0) |
    (connection.confirmed ? statusBits.confirmed : 0) |
    (connection.snat ? statusBits.snat : 0) |
    (connection.dnat ? statusBits.dnat : 0)
  );
}

function ct(key: string, direction: "original" | "reply" | undefined): Reading {
  switch (key) {
    case "state":
      return counted(typeOf("ct_state")!, ({ passage }) => stateOf(passage));
    case "status":
      return counted(typeOf("ct_status")!, ({ passage }) => statusOf(passage));
    case "direction":
      return texted(typeOf("ct_dir")!, ({ passage }) => passage.tracked?.direction);
    case "mark":
      return counted(typeOf("mark")!, ({ passage: { tracked }, memory }) =>
        tracked ? memory.connectionMark(tracked.connection) : undefined,
      );
  }
  if (direction === undefined) throw new NotModelled();
  return tupleReading(key, direction);
}

function tupleReading(key: string, direction: "original" | "reply"): Reading {
  const tuple = ({ passage: { tracked } }: Look) => tracked?.connection[direction];
  const family = key.startsWith("ip6") ? "IPv6" : "IPv4";
  const type = typeOf(family === "IPv4" ? "ipv4_addr" : "ipv6_addr")!;
  const end = (of: "source" | "destination") =>
    texted(type, (look) => {
      const text = tuple(look)?.[of];
      return text?.includes(":") === (family === "IPv6") ? text : undefined;
    });
  switch (key) {
    case "ip saddr":
    case "ip6 saddr":
      return end("source");
    case "ip daddr":
    case "ip6 daddr":
      return end("destination");
    case "proto-src":
      return port((look) => tuple(look)?.sourcePort);
    case "proto-dst":
      return port((look) => tuple(look)?.destinationPort);
    default:
      throw new NotModelled();
  }
}

// ---- routing ------------------------------------------------------------------------------------

function fib(from: readonly string[], result: string): Reading {
  const which = from.find((each) => each === "saddr" || each === "daddr");
  if (which === undefined) throw new NotModelled();
  const of = ({ passage }: Look) => (which === "saddr" ? passage.source : passage.destination);
  const device = from.find((each) => each === "iif" || each === "oif");
  const near = ({ passage }: Look) => (device === "iif" ? passage.in : passage.out);
  if (result === "type")
    return texted(typeOf("fib_addrtype")!, (look) => {
      const type = look.passage.kernel.addressType(of(look)).toLowerCase();
      const isElsewhere =
        type === "local" && device !== undefined && !isAt(look, of(look), near(look));
      return isElsewhere ? "unicast" : type;
    });
  if (result === "oif")
    return texted(typeOf("boolean")!, (look) => {
      const { kernel } = look.passage;
      const way = kernel.routes.lookup(of(look));
      const leads = way !== undefined && way.type === undefined;
      return leads && (device === undefined || way.dev === near(look)) ? "exists" : "missing";
    });
  throw new NotModelled();
}

/** Whether an address is one of this interface's (inet_dev_addr_type). */
function isAt({ passage: { kernel } }: Look, address: Address, name: string): boolean {
  if (address.loopback) return name === "lo";
  const own = kernel.interfaces.find((each) => each.name === name)?.addresses ?? [];
  return own.some((each) => each.split("/")[0] === address.text);
}

// ---- made of others -----------------------------------------------------------------------------

function numgen(expression: Extract<Expression, { kind: "numgen" }>): Reading {
  const { mode, modulus, offset = 0 } = expression;
  const type = typeOf("integer")!;
  if (mode === "random")
    return small(counted(type, ({ passage }) => passage.choose.pick(modulus) + offset));
  const next = ({ passage, memory }: Look): number =>
    memory.count(expression, modulus, passage.undo) + offset;
  return small(counted(type, next));
}

const small = (reading: Reading): Reading => ({ ...reading, isSmall: true });

function bitwise({ op, left, right }: Extract<Expression, { kind: "bitwise" }>): Reading {
  const from = readingOf(left);
  const type = typeOf(typesOf(left)[0] ?? "");
  if (!type?.text || type.bytes > 4) throw new NotModelled();
  const bits = right.split(",").reduce((all, each) => all | Number(type.quantity(each)), 0);
  const apply = {
    "&": (value: number) => (value & bits) >>> 0,
    "|": (value: number) => (value | bits) >>> 0,
    "^": (value: number) => (value ^ bits) >>> 0,
  }[op];
  return counted(type, (look) => {
    const value = from.quantity(look);
    return value === undefined ? undefined : apply(Number(value));
  });
}

/** Most packets go where the one before went: its text serves, whose hash a set's map knows. */
function concatenated(parts: readonly Reading[]): Reading {
  const last: string[] = [];
  let whole: string | undefined;
  const text = (look: Look): string | undefined => {
    for (let i = 0; i < parts.length; i++) {
      const own = parts[i]!.text(look);
      if (own === undefined) return undefined;
      if (own === last[i]) continue;
      last[i] = own;
      whole = undefined;
    }
    return (whole ??= last.join(" . "));
  };
  return { text, quantity: () => undefined, parts };
}

/** What a map says of the key. */
function mapped(key: Expression, map: SetRef): Reading {
  const element = elementFinder(key, map);
  const text = (look: Look): string | undefined => {
    const data = element(look)?.data;
    return typeof data === "string" ? data : undefined;
  };
  return { text, quantity: (look) => Number(text(look)) };
}

/** Finds the element that a packet's key has in a set or map. */
export const elementFinder = (key: Expression, ref: SetRef): Find =>
  finder(readingOf(key), ref, typesOf(key));
