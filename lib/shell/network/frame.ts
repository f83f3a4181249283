/** A packet as who looks on sees it, at one device of one place. */
import type { Packet } from "../../net/packet.js";

/** One packet at one device. */
export interface Frame {
  /** Milliseconds. */
  at: number;
  device: string;
  direction: "In" | "Out";
  protocol: Packet["protocol"];
  source: string;
  sourcePort: number;
  destination: string;
  destinationPort: number;
  said: Said;
}

/** What a packet says beside its addresses. */
export type Said =
  | Segment
  /** `dns`: what it asks or answers, in tcpdump's words. */
  | { kind: "udp"; bytes: string; dns?: string }
  | { kind: "echo"; reply: boolean; id: number; seq: number; size: number }
  /** An ICMP error, about a packet that it quotes. */
  | {
      kind: "unreachable";
      what: "port" | "host" | "admin";
      about: Packet;
      size: number;
      by?: string;
    };

/** `seq`, `ack`: what was sent and heard before, in bytes; the SYN is the first. */
export interface Segment {
  kind: "tcp";
  by: "client" | "server";
  /** As tcpdump writes them: "S", "S.", ".", "P.", "F.", "R.". */
  flags: string;
  seq: number;
  ack: number;
  bytes: string;
  /** Its connection, as its client knows it; whatever NAT does to its packets. */
  connection: string;
}

/** Where somebody looks: "pod/default/client", "node/node-a", "internet". */
export type Spot = string;

/** A packet at one device of one place. */
export type Passing = Omit<Frame, "at" | "said"> & { spot: Spot };
