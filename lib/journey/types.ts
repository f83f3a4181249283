/**
 * What a journey is, once it has been walked: plain data, JSON as design.md section 6 promises it
 * to other programs.
 *
 * journey -> hops -> steps. A hop is a place (the client, DNS, the load balancer, a node, the
 * ClusterIP's rules, the Pod); a step is one thing that happens there. Every journey ends in one
 * Disposition.
 */
import type { HopKind } from "./hops.js";
import type { Hook } from "../net/dataplane.js";

/** All the ways in which a journey can end. */
export const dispositions = [
  "delivered",
  "rejected",
  "dropped",
  "no route",
  "name not found",
  "no healthy target",
  "connection refused",
  "port not listening",
  "timed out",
  /** A field or an object decides that is not modelled; the reason names it. */
  "unknown",
] as const;
/** How a journey ends. */
export type Disposition = (typeof dispositions)[number];

/**
 * Who a packet comes from and goes to, as "IP:PORT" ("[v6]:port"), and its protocol in capitals:
 * "TCP".
 */
export interface Header {
  source: string;
  destination: string;
  protocol: string;
}

/** All that can happen to a packet at a hop. */
export const actions = [
  "resolve",
  "forward",
  "match",
  "jump",
  "mark",
  "dnat",
  "snat",
  "route",
  "deliver",
  "reject",
  "drop",
] as const;
/** What a step does. */
export type Action = (typeof actions)[number];

/**
 * One thing that happens to the packet at a hop. `before` and `after` are set where a translation
 * changed it: "IP:PORT".
 */
export interface Step {
  action: Action;
  table?: string | undefined;
  chain?: string | undefined;
  /** The rule as iptables-save prints it (without -A and chain), the route, or the record. */
  rule?: string | undefined;
  /** The object that caused it: "Service default/nginx", "EndpointSlice default/nginx-x7k2p". */
  object?: string | undefined;
  before?: string | undefined;
  after?: string | undefined;
  /** One sentence in plain words, for readers. */
  note?: string | undefined;
  /** Netfilter's hook: the moment on the packet's way through the node. */
  hook?: Hook | undefined;
  /** The rule's number in its chain, from 1. */
  number?: number | undefined;
  /** How many rules that chain has; left out where the walk of it ended here. */
  of?: number | undefined;
  /** On a jump: the chain it led to had so many rules, and none of them matched. */
  passed?: number | undefined;
  /** What the rule does, and in brackets what it comes from: one sentence. */
  why?: string | undefined;
}

export type { HopKind };

/** One place on the way: the packet as it came, as it left, and what happened in between. */
export interface Hop {
  /** The article's stop-overs: 1 the load balancer, 2 the NodePort, 3 the ClusterIP. */
  stop: 1 | 2 | 3 | null;
  kind: HopKind;
  /** "node-a", "default/nginx-…", "1234.ap-south-1.elb.amazonaws.com". */
  name: string;
  in: Header;
  out: Header;
  /**
   * On a node: what its connection tracking said of the packet when it came, for example "NEW,
   * original direction". Left out where nothing was tracked.
   */
  conntrack?: string | undefined;
  steps: Step[];
}

/** What was asked. */
export interface JourneyRequest {
  url: string;
  /** "internet", an IP, "node/NAME" or "pod/NAMESPACE/NAME", as it was asked. */
  from: string;
  /** "IP:PORT" of the client's socket. */
  source: string;
}

/** What a verdict rests on, in one sentence, and the field that it is about. */
export interface Remark {
  /** "Pod default/nginx-…", "kube-proxy" */
  object: string;
  /** "spec.containers[0].ports"; "" where it is the object as such. */
  field: string;
  sentence: string;
}

/** What verdicts rest on beside what was walked. */
export interface Basis {
  /** What the input does not say and was taken for granted. */
  assumed: Remark[];
  /** What the input says, could have mattered, and is not modelled. */
  leftOut: Remark[];
}

/** A journey, or all outcomes, and what the verdict rests on. */
export type Founded<T> = T & Basis;

/** One request followed to its end, and its answer back to the client. */
export interface Journey {
  request: JourneyRequest;
  disposition: Disposition;
  /** One sentence. */
  reason: string;
  /** "default/nginx-…" */
  pod?: string;
  /** The node that the Pod is on. */
  node?: string;
  /** Where the packet ended: "10.1.2.2:80". */
  destination?: string;
  clientSeenByPod?: string;
  hops: Hop[];
  /** The answer's way back, from the Pod to the client; empty where nothing answered. */
  reply: Hop[];
}

/** Every way a request can go. */
export interface Outcomes {
  request: JourneyRequest;
  /** Probabilities are exact fractions turned to numbers at the end; they sum to 1. */
  outcomes: (Journey & { probability: number })[];
}
