/** The kernel's own table of connections, read from `conntrack -L`. (conntrack(8)) */
import { endpoint, readAddress } from "../../net/ip.js";

export interface Flow {
  /** "tcp", "udp", "sctp", "icmp". */
  protocol: string;
  /** TCP's and SCTP's state, e.g. "ESTABLISHED"; "" for others. */
  state: string;
  /** "IP:PORT" as the first packet came; the port is 0 where the protocol has none. */
  source: string;
  destination: string;
  /**
   * The answer's source and destination, as it comes in: a translation shows as a difference
   * between the two directions.
   */
  replySource: string;
  replyDestination: string;
  replied: boolean;
}

/** One flow a line; lines that are none (the closing count) are left out. */
export const parseFlows = (text: string): Flow[] =>
  text.split("\n").flatMap((line) => flowOf(line) ?? []);

function flowOf(line: string): Flow | undefined {
  const values = (name: string): string[] =>
    [...line.matchAll(new RegExp(` ${name}=(\\S+)`, "g"))].map(([, value]) => value!);
  const [sources, destinations, from, to] = [
    values("src"),
    values("dst"),
    values("sport"),
    values("dport"),
  ];
  if (sources.length < 2 || destinations.length < 2) return undefined;
  const at = (addresses: string[], ports: string[], side: number): string =>
    endpoint(readAddress(addresses[side]!)?.text ?? addresses[side]!, Number(ports[side] ?? 0));
  return {
    protocol: line.split(" ", 1)[0]!,
    state: / \d+ \d+ ([A-Z][A-Z_0-9]+) src=/.exec(line)?.[1] ?? "",
    source: at(sources, from, 0),
    destination: at(destinations, to, 0),
    replySource: at(sources, from, 1),
    replyDestination: at(destinations, to, 1),
    replied: !line.includes("[UNREPLIED]"),
  };
}
