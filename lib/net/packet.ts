/**
 * A packet, as far as routing, netfilter and conntrack look at one. Packets are values: whoever
 * changes one makes a new one.
 *
 *     const syn = packet("203.0.113.9:40000", "192.168.0.1:30519");
 *     replyTo(syn)       // the SYN,ACK on its way back
 */
import { endpoint, parseEndpoint } from "./ip.js";

export type Transport = "TCP" | "UDP" | "SCTP";

/**
 * TCP's flags as conntrack tells them apart (net/netfilter/nf_conntrack_proto_tcp.c,
 * get_conntrack_index).
 */
export type Flags = "SYN" | "SYN,ACK" | "ACK" | "FIN,ACK" | "RST";

export interface Packet {
  readonly protocol: Transport | "ICMP";
  /** Canonical text, as address.ts writes it. */
  readonly source: string;
  readonly destination: string;
  /** 0 for ICMP. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** TCP only; left out: SYN. */
  readonly flags?: Flags;
  /** TCP only: its sequence number lies outside the window that conntrack has seen. */
  readonly outOfWindow?: boolean;
  /** ICMP errors only: what happened, e.g. "port-unreachable". */
  readonly error?: string;
  /** ICMP errors only: the packet that they complain of. */
  readonly about?: Packet;
}

/** A packet from "IP:PORT" to "IP:PORT"; by default the SYN that opens a TCP connection. */
export function packet(
  source: string,
  destination: string,
  protocol: Transport = "TCP",
  flags?: Flags,
): Packet {
  const from = parseEndpoint(source);
  const to = parseEndpoint(destination);
  return {
    protocol,
    source: from.address,
    sourcePort: from.port,
    destination: to.address,
    destinationPort: to.port,
    ...(flags && { flags }),
  };
}

/** What the receiver of `packet` answers first: the same addresses, turned round. */
export function replyTo(packet: Packet, flags: Flags = "SYN,ACK"): Packet {
  const { protocol } = packet;
  const turned = {
    protocol,
    source: packet.destination,
    sourcePort: packet.destinationPort,
    destination: packet.source,
    destinationPort: packet.sourcePort,
    flags,
  };
  if (protocol === "TCP") return turned;
  const { flags: _, ...others } = turned;
  return others;
}

/** The ICMP error that `sender` answers `packet` with. */
export const icmpError = (sender: string, about: Packet, error: string): Packet => ({
  protocol: "ICMP",
  source: sender,
  sourcePort: 0,
  destination: about.source,
  destinationPort: 0,
  error,
  about,
});

/** "IP:PORT", and of ICMP, which has no ports, the address alone. */
export const sourceOf = ({ protocol, source, sourcePort }: Packet): string =>
  protocol === "ICMP" ? source : endpoint(source, sourcePort);
export const destinationOf = ({ protocol, destination, destinationPort }: Packet): string =>
  protocol === "ICMP" ? destination : endpoint(destination, destinationPort);

/** "TCP 203.0.113.9:40000 -> 192.168.0.1:30519" */
export const describe = (packet: Packet): string =>
  `${packet.protocol} ${sourceOf(packet)} -> ${destinationOf(packet)}`;
