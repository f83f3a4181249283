/**
 * What `why` answers: the doors of a Service, what each of them does, and the first cause where it
 * does not answer. Plain data, JSON as design.md section 6 promises it.
 */
import type { Network } from "../journey/network.js";
import type { Basis, Disposition } from "../journey/types.js";
import type { KubeProxyConfiguration } from "../node/proxy/config.js";
import type { Kind, Kinds } from "../objects/types.js";

/** The ladder: where a request can end, from the name down to the process. */
export const rungs = [
  "name",
  "load-balancer",
  "node-port",
  "cluster-ip",
  "endpoints",
  "pod",
  "process",
] as const;
export type Rung = (typeof rungs)[number];

/** The ways in to a Service. */
export type DoorKind = "name" | "load-balancer" | "node-port" | "cluster-ip" | "pod";

export type Value = string | number | boolean | null;

/** An object, one of its fields, what the field says, and what it should have said. */
export interface Cause {
  /** "Service default/web" */
  object: string;
  /** "spec.selector" */
  field: string;
  value: Value;
  expected: Value;
  sentence: string;
}

/** The field to change, and to what. */
export interface Change {
  object: string;
  field: string;
  value: Value;
}

/** A cause with its place on the ladder, and what to do about it. */
export interface Fault extends Cause {
  rung: Rung;
  /** undefined: no field of a manifest mends it. */
  change?: Change | undefined;
  /** The command that shows it on a real cluster. */
  kubectl: string;
}

/** One door, tried in every way. */
export interface Door {
  door: DoorKind;
  /** Which one: a node, a Pod, a host name. */
  name: string;
  /** How it was tried: "http://192.168.0.1:30519/ from internet". */
  path: string;
  /** Its worst way's. */
  disposition: Disposition;
  /** What happened on that way; "" where all of them work. */
  reason: string;
  /** How much of the ways that a request can go work, from 0 to 1. */
  share: number;
  /** A door that is closed on purpose is no alarm: policy Local on a node without endpoints. */
  shouldAnswer: boolean;
  /** The first of `causes`. */
  cause: Cause | null;
  /** All that are in the way, in the order of the ladder. */
  causes: Cause[];
  change: Change | null;
  kubectl: string | null;
}

/** A field that is not what it was. */
export interface Changed {
  object: string;
  field: string;
  before: unknown;
  now: unknown;
}

/** What is to be said of one Service, and what that rests on. */
export interface Diagnosis extends Basis {
  /** "default/web" */
  service: string;
  doors: Door[];
  /** What is so on purpose, or does no harm now. */
  notes: string[];
  /** What changed since the revision that was asked for. */
  changes?: Changed[];
}

/** What there is to be looked at. */
export interface World {
  readonly network: Network;
  list<K extends Kind>(kind: K): readonly Kinds[K][];
  /** Names of the internet, and the Services that they are meant for. */
  readonly domains: Readonly<Record<string, string>>;
  /** How the nodes' kube-proxies are configured. */
  readonly kubeProxy: KubeProxyConfiguration;
  /** Whether something here makes load balancers. undefined: nobody can tell (a dump). */
  readonly makesBalancers: boolean | undefined;
  /** Who makes them, where that is known. */
  readonly cloud?: { name: string; loadBalancerClass: string | undefined } | undefined;
  /** How the kube-proxy of a node does; undefined where it has none. */
  proxy(node: string): { running: boolean; version: number; pending: boolean } | undefined;
}

/** What is asked: a Service ("web", "default/web"), or a URL. */
export interface WhyOptions {
  url?: string | undefined;
  /** "internet", an IP, "node/NAME" or "pod/NAMESPACE/NAME". Default: a door's usual client. */
  from?: string | undefined;
}
