/**
 * SEAM: a proxy mode writes into a node's kernel what kube-proxy's front half decided.
 *
 * The front half knows what to serve (frontend.ts, topology.ts) and when to write it
 * (kube-proxy.ts); a mode knows how. A mode may write iptables rules, or put a dataplane of its own
 * into the kernel (net/dataplane.ts). modes.ts lists them.
 */
import type { Clock } from "../../api/clock.js";
import type { Kernel } from "../../net/kernel.js";
import type { KubeProxyConfiguration, NodeView } from "./config.js";
import type { ServiceTable } from "./frontend.js";
import type { FamilyTables } from "./rule-tables.js";

/** Makes one node's half of a mode, for the address family of `services`. */
export type ProxyMode = (services: ServiceTable, site: Site) => ProxyBackend;

/** The machine that a backend writes into. */
export interface Site {
  kernel: Kernel;
  clock: Clock;
  config: KubeProxyConfiguration;
  /** The node as it is when kube-proxy starts. */
  view: NodeView;
}

export interface ProxyBackend {
  /**
   * Makes the kernel do what the services say as of a version. Where it throws, the node stays with
   * what it had, and kube-proxy tries again with a full sync.
   */
  sync(order: SyncOrder): void;
  /** Whether what it wrote is still there; where it is not, a full sync follows. */
  isIntact(): boolean;
  /** How often it may sync, and after how long at the latest. Default: those of iptables mode. */
  readonly periods?: { readonly minSyncPeriod: number; readonly syncPeriod: number };
  /** Whether it does without the full sync that comes every hour. */
  readonly avoidsFull?: boolean;
  /** What it wrote, for readers; left out where there is nothing that one could read. */
  readonly tables?: FamilyTables;
}

/** What a sync has to bring about. */
export interface SyncOrder {
  version: number;
  view: NodeView;
  /** Everything is to be written, whatever the backend remembers of the kernel. */
  full: boolean;
  /** The Services that may differ from the last sync; undefined: any. */
  changed: ReadonlySet<string> | undefined;
}
