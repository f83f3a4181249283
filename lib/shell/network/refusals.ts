/** What a client's kernel makes of a journey that ended badly. (net/ipv4/icmp.c, tcp_input.c) */
import type { Origin } from "../../journey/party.js";
import type { Disposition, Journey } from "../../journey/types.js";

/** Why the kernel says no; errno by its name. */
export type Refusal = "ECONNREFUSED" | "ETIMEDOUT" | "EHOSTUNREACH" | "ENETUNREACH" | "unknown";

export const refusals = {
  ECONNREFUSED: "Connection refused",
  ETIMEDOUT: "Connection timed out",
  EHOSTUNREACH: "No route to host",
  ENETUNREACH: "Network is unreachable",
  unknown: "unknown",
} as const;

export interface Failed {
  failed: Refusal;
  /** What a person is told who asks why: the journey's own sentence. */
  why: string;
}

/** What the client's kernel makes of a journey that ended badly. */
export function failureOf(journey: Journey, origin: Origin): Refusal {
  const { disposition, reason, hops } = journey;
  switch (disposition) {
    case "rejected":
      return /\((?:icmp6?-)?(?:host|net|adm|no-route)[\w-]*\)/.test(reason)
        ? "EHOSTUNREACH"
        : "ECONNREFUSED";
    case "connection refused":
    case "port not listening":
      // a cloud's firewall says nothing
      return hops.at(-1)?.kind === "load-balancer" ? "ETIMEDOUT" : "ECONNREFUSED";
    case "no route":
      if (isSwallowed(journey, origin)) return "ETIMEDOUT";
      return /has no route to/.test(reason) ? "ENETUNREACH" : "EHOSTUNREACH";
    case "unknown":
      return "unknown";
    default:
      return "ETIMEDOUT";
  }
}

/** Somebody says no: with a reset, or with an ICMP message. */
export const isRefused = (disposition: Disposition): boolean =>
  disposition === "rejected" ||
  disposition === "connection refused" ||
  disposition === "port not listening";

/** A gateway, a blackhole route and a cloud's network say nothing of what they cannot deliver. */
export const isSwallowed = ({ reason }: Journey, origin: Origin): boolean =>
  origin.kind === "outside" ||
  /nobody on the network|blackhole route|no route leads there/.test(reason);
