/**
 * From a rule's matches to one function of a packet. Each kind of match becomes a closure once; a
 * packet then costs a few comparisons of integers and no allocation. The order is the kernel's:
 * first the header (addresses, interfaces, protocol), then the modules as they were written, so
 * that `statistic` draws and `recent` notes only what got that far.
 */
import { parseCIDR, type Address, type CIDR } from "../ip.js";
import { stateBits } from "../passage.js";
import type { Test } from "./look.js";
import { modulesOf } from "./modules.js";
import type { AddressType, Match } from "./syntax.js";

const headerKinds: ReadonlySet<Match["kind"]> = new Set([
  "source",
  "destination",
  "in",
  "out",
  "protocol",
] as const);

/** One function that answers whether a packet meets all of `matches`. */
export function compile(matches: readonly Match[]): Test {
  const ordered = [
    ...matches.filter((match) => headerKinds.has(match.kind)),
    ...matches.filter((match) => !headerKinds.has(match.kind)),
  ];
  const tests = ordered.map(testOf).filter((test) => test !== undefined);
  const [first, second, third] = tests;
  switch (
    tests.length // the common lengths spelt out: a loop costs twice as much
  ) {
    case 0:
      return () => true;
    case 1:
      return first!;
    case 2:
      return (look) => first!(look) && second!(look);
    case 3:
      return (look) => first!(look) && second!(look) && third!(look);
    default:
      return (look) => tests.every((test) => test(look));
  }
}

function testOf(match: Match): Test | undefined {
  const test = plainTestOf(match);
  return test && "not" in match && match.not ? (look) => !test(look) : test;
}

function plainTestOf(match: Match): Test | undefined {
  switch (match.kind) {
    case "comment":
    case "ports":
      return undefined; // they only carry text, or name a module
    case "source": {
      const range = parseCIDR(match.cidr);
      return (look) => range.contains(look.source);
    }
    case "destination":
      return destinationTest(parseCIDR(match.cidr));
    case "in":
    case "out":
      return interfaceTest(match.kind, match.interface);
    case "protocol":
      return protocolTest(match.protocol);
    case "sport":
      return ({ sourcePort }) => sourcePort >= match.low && sourcePort <= match.high;
    case "dport":
      return ({ destinationPort }) => destinationPort >= match.low && destinationPort <= match.high;
    case "multiport":
      return multiportTest(match);
    case "addrtype":
      return (look) => {
        const address = match.side === "src" ? look.source : look.destination;
        const type = look.kernel.addressType(address);
        return type === match.type || (match.type === "UNICAST" && isOwnUnicast(type, address));
      };
    case "statistic":
      return (look) => look.choose.chance(match.numerator, match.denominator);
    case "mark":
      return (look) => (look.mark & match.mask) >>> 0 === match.value;
    case "conntrack": {
      const bits = stateBits(match.states);
      return (look) => (look.state & bits) !== 0;
    }
    case "recent":
      return (look) => modulesOf(look.kernel).recent(look, match);
    case "nfacct":
      return (look) => (modulesOf(look.kernel).account(look, match.name), true);
  }
}

/** IPv6 asks for no route there: the node's own addresses are unicast, too (xt_addrtype.c). */
const isOwnUnicast = (type: AddressType, { family }: Address): boolean =>
  type === "LOCAL" && family === "IPv6";

/**
 * `-d` is what most rules of a node fail on, and nearly always a single address: that case is one
 * comparison.
 */
function destinationTest(range: CIDR): Test {
  const { a, family } = range.address;
  return family === "IPv4" && range.length === 32
    ? (look) => look.destination.a === a && look.destination.family === "IPv4"
    : (look) => range.contains(look.destination);
}

function interfaceTest(side: "in" | "out", name: string): Test {
  const prefix = name.endsWith("+") ? name.slice(0, -1) : undefined;
  return prefix === undefined
    ? (look) => look[side] === name
    : (look) => look[side].startsWith(prefix);
}

const protocolNumbers: Readonly<Record<string, string>> = {
  "6": "TCP",
  "17": "UDP",
  "132": "SCTP",
  "1": "ICMP",
  "58": "ICMP",
  "ipv6-icmp": "ICMP",
  icmpv6: "ICMP",
};

function protocolTest(protocol: string): Test | undefined {
  if (protocol === "all" || protocol === "0") return undefined;
  const name = protocolNumbers[protocol] ?? protocol.toUpperCase();
  return (look) => look.protocol === name;
}

function multiportTest({ side, ranges }: Match & { kind: "multiport" }): Test {
  const inside = (port: number): boolean =>
    ranges.some(([low, high]) => port >= low && port <= high);
  if (side === "ports") return (look) => inside(look.sourcePort) || inside(look.destinationPort);
  return side === "sports"
    ? (look) => inside(look.sourcePort)
    : (look) => inside(look.destinationPort);
}
