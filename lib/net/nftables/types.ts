/**
 * The types of values: how each is read and printed, compared and put in order.
 * (src/datatype.c, src/proto.c, src/ct.c, src/fib.c; include/uapi/linux/netfilter/nf_tables.h)
 */
import { fromBits, readAddress, readCIDR, type Address, type Family } from "../ip.js";

/** IPv6 addresses do not fit into a number. */
export type Quantity = number | bigint;

export interface ValueType {
  readonly bytes: number;
  /** As nft prints it; undefined: the word is no such value. */
  read(word: string): string | undefined;
  /** Of the printed text. */
  quantity(text: string): Quantity;
  /** The text of a quantity, where ranges of them are met. */
  text?(quantity: Quantity): string;
  /** The kernel holds it in the machine's byte order, not the network's. */
  readonly host?: boolean;
  /** Several at once are written with commas. */
  readonly flags?: readonly string[];
  /** What one is, for messages. */
  readonly what: string;
}

const integerPattern = /^(?:0x[0-9a-f]{1,16}|\d{1,20})$/i;

function integer(bytes: number, what: string, host = false): ValueType {
  const most = 2 ** (8 * bytes) - 1;
  const read = (word: string): string | undefined =>
    integerPattern.test(word) && Number(word) <= most ? String(Number(word)) : undefined;
  return { bytes, read, quantity: Number, text: String, host, what };
}

interface NamedOptions {
  host?: boolean;
  flags?: boolean;
  aliases?: Readonly<Record<string, string>>;
}

/** Names for numbers; a number without a name stands for itself. */
function named(
  bytes: number,
  names: Readonly<Record<string, number>>,
  what: string,
  { host = false, flags = false, aliases = {} }: NamedOptions = {},
): ValueType {
  const byNumber = new Map(Object.entries(names).map(([name, number]) => [number, name]));
  const most = 2 ** (8 * bytes) - 1;
  const textOf = (quantity: Quantity): string =>
    byNumber.get(Number(quantity)) ??
    (flags ? flagsText(names, Number(quantity)) : String(quantity));
  return {
    bytes,
    host,
    what,
    ...(flags && { flags: Object.keys(names) }),
    read(word) {
      const name = Object.hasOwn(aliases, word) ? aliases[word]! : word;
      if (Object.hasOwn(names, name)) return name;
      return integerPattern.test(word) && Number(word) <= most ? textOf(Number(word)) : undefined;
    },
    quantity: flags ? (text) => bitsOf(names, text) : (text) => numberOf(names, text),
    text: textOf,
  };
}

type Names = Readonly<Record<string, number>>;

const numberOf = (names: Names, text: string): number =>
  Object.hasOwn(names, text) ? names[text]! : Number(text);

/** "syn | ack" is one value, too. */
const bitsOf = (names: Names, text: string): number =>
  text.split(" | ").reduce((all, each) => all | numberOf(names, each), 0);

/** Bits without a name stand behind the others, as one number. */
function flagsText(names: Names, bits: number): string {
  const found = Object.keys(names).filter((name) => bits & names[name]!);
  const rest = found.reduce((left, name) => left & ~names[name]!, bits);
  return [...found, ...(rest || !bits ? [`0x${(rest >>> 0).toString(16)}`] : [])].join(" | ");
}

const hexadecimal = (value: number): string => `0x${value.toString(16).padStart(8, "0")}`;

const mark: ValueType = {
  bytes: 4,
  host: true,
  what: "a mark such as 0x4000",
  // "0x00000000/1": nft prints a mask of the first bits so
  read(word) {
    const [number = "", length] = word.split(/\/(?=(?:[12]?\d|3[012])$)/);
    if (!integerPattern.test(number) || Number(number) > 0xffffffff) return undefined;
    return hexadecimal(Number(number)) + (length === undefined ? "" : `/${length}`);
  },
  quantity: Number,
  text: (quantity) => hexadecimal(Number(quantity)),
};

/** The C library tells an IPv4 address in an IPv6 one by its dots (inet_ntop). */
function printed({ family, text, a, b, c, d }: Address): string {
  if (family === "IPv4" || a !== 0 || b !== 0 || c !== 0xffff) return text;
  return `::ffff:${fromBits("IPv4", d).text}`;
}

function address(family: Family): ValueType {
  const read = (word: string): string | undefined => {
    const found = readAddress(word);
    return found?.family === family ? printed(found) : undefined;
  };
  if (family === "IPv4")
    return {
      bytes: 4,
      read,
      quantity: (text) => readAddress(text)!.a >>> 0,
      text: (quantity) => fromBits("IPv4", Number(quantity) | 0).text,
      what: "an IPv4 address",
    };
  return {
    bytes: 16,
    read,
    quantity: (text) => readAddress(text)!.value,
    text: (quantity) => {
      const word = (shift: bigint) => Number((BigInt(quantity) >> shift) & 0xffffffffn) | 0;
      return printed(fromBits("IPv6", word(96n), word(64n), word(32n), word(0n)));
    },
    what: "an IPv6 address",
  };
}

/** A name is a string of bytes; * at its end stands for any others. */
const interfaceName: ValueType = {
  bytes: 16,
  host: true,
  read: (word) => (word.length > 0 && word.length <= 16 ? `"${word}"` : undefined),
  quantity: (text) =>
    [...text.replace(/^"|[*]?"$/g, "")].reduceRight(
      (value, letter) => (value << 8n) | BigInt(letter.charCodeAt(0) & 255),
      0n,
    ),
  what: "the name of an interface",
};

const protocols = {
  ip: 0,
  icmp: 1,
  igmp: 2,
  ipencap: 4,
  tcp: 6,
  egp: 8,
  igp: 9,
  udp: 17,
  dccp: 33,
  ipv6: 41,
  gre: 47,
  esp: 50,
  ah: 51,
  "ipv6-icmp": 58,
  ospf: 89,
  ipcomp: 108,
  vrrp: 112,
  l2tp: 115,
  sctp: 132,
  udplite: 136,
};

/** A few of the names in /etc/services that people write. */
const services: Readonly<Record<string, string>> = {
  ftp: "21",
  ssh: "22",
  telnet: "23",
  smtp: "25",
  domain: "53",
  bootps: "67",
  bootpc: "68",
  http: "80",
  kerberos: "88",
  ntp: "123",
  snmp: "161",
  ldap: "389",
  https: "443",
  imaps: "993",
  mysql: "3306",
  postgresql: "5432",
};

const port: ValueType = (() => {
  const plain = integer(2, "a port");
  const read = (word: string) => plain.read(Object.hasOwn(services, word) ? services[word]! : word);
  return { ...plain, read };
})();

export const stateBits = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 } as const;
export const statusBits = {
  expected: 1,
  "seen-reply": 2,
  assured: 4,
  confirmed: 8,
  snat: 16,
  dnat: 32,
  dying: 512,
} as const;
export const tcpFlagBits = {
  fin: 1,
  syn: 2,
  rst: 4,
  psh: 8,
  ack: 16,
  urg: 32,
  ecn: 64,
  cwr: 128,
} as const;

export const types: Readonly<Record<string, ValueType>> = {
  ipv4_addr: address("IPv4"),
  ipv6_addr: address("IPv6"),
  inet_proto: named(1, protocols, "a protocol such as tcp", {
    aliases: { icmpv6: "ipv6-icmp", comp: "ipcomp" },
  }),
  inet_service: port,
  mark,
  integer: integer(4, "a number", true),
  ifname: interfaceName,
  iface_index: interfaceName,
  nf_proto: named(1, { ipv4: 2, ipv6: 10 }, "ipv4 or ipv6"),
  ether_type: named(2, { ip: 0x0800, arp: 0x0806, vlan: 0x8100, ip6: 0x86dd }, "ip or ip6"),
  ct_state: named(4, stateBits, "a connection's state such as new", { host: true, flags: true }),
  ct_status: named(4, statusBits, "a connection's status such as dnat", {
    host: true,
    flags: true,
  }),
  ct_dir: named(1, { original: 0, reply: 1 }, "original or reply"),
  fib_addrtype: named(
    4,
    {
      unspec: 0,
      unicast: 1,
      local: 2,
      broadcast: 3,
      anycast: 4,
      multicast: 5,
      blackhole: 6,
      unreachable: 7,
      prohibit: 8,
    },
    "a type of addresses such as local",
    { host: true },
  ),
  boolean: named(1, { missing: 0, exists: 1 }, "exists or missing"),
  tcp_flag: named(1, tcpFlagBits, "one of TCP's flags such as syn", { flags: true }),
  icmp_type: named(
    1,
    {
      "echo-reply": 0,
      "destination-unreachable": 3,
      "source-quench": 4,
      redirect: 5,
      "echo-request": 8,
      "router-advertisement": 9,
      "router-solicitation": 10,
      "time-exceeded": 11,
      "parameter-problem": 12,
      "timestamp-request": 13,
      "timestamp-reply": 14,
      "info-request": 15,
      "info-reply": 16,
      "address-mask-request": 17,
      "address-mask-reply": 18,
    },
    "one of ICMP's types such as echo-request",
  ),
  icmpv6_type: named(
    1,
    {
      "destination-unreachable": 1,
      "packet-too-big": 2,
      "time-exceeded": 3,
      "parameter-problem": 4,
      "echo-request": 128,
      "echo-reply": 129,
      "mld-listener-query": 130,
      "mld-listener-report": 131,
      "mld-listener-done": 132,
      "nd-router-solicit": 133,
      "nd-router-advert": 134,
      "nd-neighbor-solicit": 135,
      "nd-neighbor-advert": 136,
      "nd-redirect": 137,
    },
    "one of ICMPv6's types such as echo-request",
  ),
};

export const typeOf = (name: string): ValueType | undefined =>
  Object.hasOwn(types, name) ? types[name] : undefined;

/** One component of a key: a value, a prefix or a range, from `low` to `high`. */
export interface Span {
  readonly low: Quantity;
  readonly high: Quantity;
}

const isAddress = (type: ValueType): boolean =>
  type === types["ipv4_addr"] || type === types["ipv6_addr"];

/** A range of these is told as a prefix (src/datatype.c, DTYPE_F_PREFIX). */
const hasPrefixes = (type: ValueType): boolean => isAddress(type) || type === types["mark"];

/**
 * A value, prefix, range or list of flags as nft prints it; undefined: the word is none.
 * `asSets`: a range that is a prefix is printed as one, as sets do.
 */
export function canonical(type: ValueType, word: string, asSets = false): string | undefined {
  if (type.what === interfaceName.what) return type.read(word);
  const single = type.read(word);
  if (single !== undefined) return single;
  if (isAddress(type) && word.includes("/")) return prefixText(type, word);
  const dash = word.indexOf("-", 1);
  if (dash < 0 || !type.text) return undefined;
  const [low, high] = [type.read(word.slice(0, dash)), type.read(word.slice(dash + 1))];
  if (low === undefined || high === undefined) return undefined;
  if (type.quantity(low) > type.quantity(high)) return undefined;
  return asSets && hasPrefixes(type)
    ? (asPrefix(type, low, high) ?? `${low}-${high}`)
    : `${low}-${high}`;
}

function prefixText(type: ValueType, word: string): string | undefined {
  const range = readCIDR(word);
  if (range === undefined || type.read(range.address.text) === undefined) return undefined;
  return range.length === 8 * type.bytes ? range.address.text : range.text;
}

function asPrefix(type: ValueType, low: string, high: string): string | undefined {
  const [from, to] = [BigInt(type.quantity(low)), BigInt(type.quantity(high))];
  const size = to - from + 1n;
  const isAligned = (size & (size - 1n)) === 0n && from % size === 0n;
  if (!isAligned) return undefined;
  const length = 8 * type.bytes - (size.toString(2).length - 1);
  return length === 8 * type.bytes ? low : `${low}/${length}`;
}

/** From where to where a printed value goes. */
export function spanOf(type: ValueType, text: string): Span {
  if (text.includes("/") && isAddress(type)) {
    const range = readCIDR(text)!;
    const low = type.quantity(range.text.slice(0, range.text.indexOf("/")));
    const size = 1n << BigInt(8 * type.bytes - range.length);
    return typeof low === "bigint"
      ? { low, high: low + size - 1n }
      : { low, high: low + Number(size) - 1 };
  }
  // a number as well, where the mask is of its first bits: "0x00000000/1"
  const [, base, length] = /^(0x[0-9a-f]+|\d+)\/(\d+)$/.exec(text) ?? [];
  if (base !== undefined) {
    const low = Number(type.quantity(base));
    return { low, high: low + 2 ** (8 * type.bytes - Number(length)) - 1 };
  }
  const dash = text.indexOf("-", 1);
  const isRange = dash > 0 && type.read(text) === undefined;
  if (isRange)
    return { low: type.quantity(text.slice(0, dash)), high: type.quantity(text.slice(dash + 1)) };
  const low = type.quantity(text);
  return { low, high: low };
}

/** Whether a printed component is more than one value. */
export const isSpan = (type: ValueType, text: string): boolean => {
  const { low, high } = spanOf(type, text);
  return low !== high;
};

// ---- the order in which nft lists elements ------------------------------------------------------

/**
 * Keys as numbers that are in nft's order. Those of a concatenation are made of its bytes as if the
 * last were the greatest (src/mergesort.c, concat_expr_msort_value).
 */
export function sortKey(names: readonly string[], key: string): Quantity {
  if (names.length === 1) {
    const type = typeOf(names[0]!);
    return type ? spanOf(type, key).low : 0;
  }
  let value = 0n;
  let shift = 0n;
  for (const [i, part] of key.split(" . ").entries()) {
    const type = typeOf(names[i] ?? "");
    if (!type) return 0;
    value |= littleEndian(BigInt(spanOf(type, part).low), type) << shift;
    shift += BigInt(8 * type.bytes);
  }
  return value;
}

function littleEndian(value: bigint, { bytes, host }: ValueType): bigint {
  if (host) return value;
  let turned = 0n;
  for (let i = 0, rest = value; i < bytes; i++, rest >>= 8n)
    turned = (turned << 8n) | (rest & 255n);
  return turned;
}
