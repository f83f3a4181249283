/** iptables' tables and their built-in chains. */
import type { Hook } from "../dataplane.js";

export type { Hook };
export type TableName = "raw" | "mangle" | "nat" | "filter";

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

/**
 * The kernel refuses rule sets that jump deeper (NFT_JUMP_STACK_SIZE); a loader does so first, a
 * walk only makes sure that it ends.
 */
export const maxJumps = 16;
