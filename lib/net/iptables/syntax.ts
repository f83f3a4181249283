/**
 * What iptables' rules are made of, as data: tables hold chains, chains hold rules, a rule holds
 * matches and a target. rule.ts makes some; text is one rendering of them (text.ts), a packet's
 * walk another (walk.ts).
 *
 * Matches keep the order in which they were written; iptables-save prints them in an order of its
 * own.
 */
import type { Purpose, ShownRule } from "../dataplane.js";
import type { Family } from "../ip.js";
import type { AddressType } from "../kernel.js";
import type { Translation } from "../nat.js";
import type { ConnectionState } from "../passage.js";
import type { Test } from "./look.js";
import type { TableName } from "./tables.js";

export type { AddressType, ConnectionState };

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

export type RuleTarget =
  | { kind: "ACCEPT" | "DROP" | "RETURN" | "NOTRACK" | "TRACE" }
  | { kind: "LOG"; options?: string }
  /** `within`: where the chain is found without a search of the whole rule set. */
  | { kind: "jump" | "goto"; chain: string; within?: ChainSource }
  | { kind: "REJECT"; with?: string } // default: icmp-port-unreachable, icmp6-port-unreachable
  | Translation
  /** mark = (mark & ~mask) ^ value. `written`: the short form that was used for it. */
  | { kind: "MARK"; value: number; mask: number; written?: "or-mark" | "xor-mark" };

/** Some chains, by name. */
export interface ChainSource {
  chain(name: string): Chain | undefined;
}

export interface Rule extends ShownRule {
  readonly matches: readonly Match[];
  readonly target?: RuleTarget | undefined;
  readonly purpose?: Purpose | undefined;
  /** Whether a packet matches. */
  readonly test: Test;
  readonly comment: string | undefined;
  text(family: Family): string;
}

export interface Chain {
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly purpose?: Purpose | undefined;
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
