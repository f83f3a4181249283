/**
 * Netfilter's rules as data: tables hold chains, chains hold rules, a rule holds matches and a
 * target. Text is one rendering of them (iptables-text.ts), a packet's walk another (netfilter.ts).
 *
 *     new Rule([{ kind: "protocol", protocol: "tcp" }, { kind: "dport", low: 80, high: 80 }], { kind: "ACCEPT" })
 *
 * Matches keep the order in which they were written; iptables-save prints them in an order of its
 * own.
 */
import type { Family } from "../ip.js";
import { compile, type Test } from "./match.js";

export type TableName = "raw" | "mangle" | "nat" | "filter";
export type Hook = "PREROUTING" | "INPUT" | "FORWARD" | "OUTPUT" | "POSTROUTING";

/**
 * The built-in chains of each table, in the kernel's order of hooks (net/netfilter/x_tables.c, each
 * table's valid_hooks).
 */
export const builtinChains: Readonly<Record<TableName, readonly Hook[]>> = {
  raw: ["PREROUTING", "OUTPUT"],
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
};

export const connectionStates = [
  "NEW",
  "ESTABLISHED",
  "RELATED",
  "INVALID",
  "UNTRACKED",
  "SNAT",
  "DNAT",
] as const;
export type ConnectionState = (typeof connectionStates)[number];
export type AddressType = "LOCAL" | "UNICAST" | "BROADCAST" | "MULTICAST";

export type Match =
  | { kind: "source" | "destination"; cidr: string; not?: boolean }
  | { kind: "in" | "out"; interface: string; not?: boolean } // a name; with + at its end, a prefix
  | { kind: "protocol"; protocol: string; not?: boolean }
  // -m tcp: names the module of the ports that follow
  | { kind: "ports"; protocol: "tcp" | "udp" | "sctp" }
  | { kind: "sport" | "dport"; low: number; high: number; not?: boolean }
  | {
      kind: "multiport";
      side: "sports" | "dports" | "ports";
      ranges: readonly (readonly [number, number])[];
      not?: boolean;
    }
  | { kind: "comment"; text: string }
  | { kind: "addrtype"; side: "src" | "dst"; type: AddressType; not?: boolean }
  | { kind: "statistic"; numerator: number; denominator: number }
  | { kind: "mark"; value: number; mask: number; not?: boolean }
  | { kind: "conntrack"; states: readonly ConnectionState[]; not?: boolean }
  | {
      kind: "recent";
      action: "set" | "rcheck" | "update" | "remove";
      list: string;
      seconds?: number;
      reap?: boolean;
      side?: "rdest";
      not?: boolean;
    }
  | { kind: "nfacct"; name: string };

export type Target =
  | { kind: "ACCEPT" | "DROP" | "RETURN" | "NOTRACK" | "TRACE" }
  | { kind: "LOG"; options?: string }
  /** `within`: where the chain is found without a search of the whole rule set. */
  | { kind: "jump" | "goto"; chain: string; within?: ChainSource }
  | { kind: "REJECT"; with?: string } // default: icmp-port-unreachable, icmp6-port-unreachable
  | { kind: "DNAT" | "SNAT"; address?: string; low?: number; high?: number; randomFully?: boolean }
  | { kind: "MASQUERADE"; low?: number; high?: number; randomFully?: boolean }
  | { kind: "REDIRECT"; low: number; high: number }
  /** mark = (mark & ~mask) ^ value. `written`: kube-proxy's short form of the same. */
  | { kind: "MARK"; value: number; mask: number; written?: "or-mark" | "xor-mark" };

/** Some chains, by name. */
export interface ChainSource {
  chain(name: string): Chain | undefined;
}

export class Rule {
  #test: Test | undefined;

  constructor(
    readonly matches: readonly Match[],
    readonly target?: Target,
    /** The object that caused it: "Service default/nginx", "EndpointSlice default/nginx-x7k2p". */
    readonly cause?: string,
    /** The field of that object: "spec.ports[0].nodePort". */
    readonly field?: string,
  ) {}

  /**
   * Whether a packet matches; made on first use, since most rules of a large node never see a
   * packet.
   */
  get test(): Test {
    return (this.#test ??= compile(this.matches));
  }
}

export interface Chain {
  readonly name: string;
  readonly rules: readonly Rule[];
  /** Built-in chains only: what happens to a packet that reaches their end. */
  readonly policy?: "ACCEPT" | "DROP";
}

/**
 * What one address family of a kernel holds. It does not change: a new one takes its place, all at
 * once, as iptables-restore does.
 */
export interface RuleSet {
  readonly family: Family;
  chain(table: TableName, name: string): Chain | undefined;
  /** All chains of a table, built-in ones first; empty where the table does not exist. */
  chains(table: TableName): Iterable<Chain>;
}

/** A rule set of given chains. */
export class Rules implements RuleSet {
  readonly #tables = new Map<TableName, Map<string, Chain>>();

  constructor(
    readonly family: Family,
    tables: Partial<Record<TableName, Iterable<Chain>>> = {},
  ) {
    for (const [name, chains] of Object.entries(tables))
      this.#tables.set(name as TableName, new Map([...chains].map((chain) => [chain.name, chain])));
  }

  chain(table: TableName, name: string): Chain | undefined {
    return this.#tables.get(table)?.get(name);
  }

  chains(table: TableName): Iterable<Chain> {
    return this.#tables.get(table)?.values() ?? [];
  }
}
