/** How to make a cluster. */
import type { Clock } from "./api/clock.js";
import type { Domains } from "./cloud/external-dns.js";
import type { Cloud } from "./cloud/provider.js";
import type { ProxyMode } from "./node/proxy/backend.js";
import type { CniPlugin } from "./node/cni/cni.js";
import type { Runtime } from "./node/kubelet/runtime.js";
import type { Machine } from "./node/machine.js";
import type { World as ShellWorld } from "./shells.js";
import type { KubeObject } from "./objects/types.js";
import type { NetworkFault } from "./journey/network.js";
import type { Interception } from "./machinery/interceptor.js";
import type { ComponentError } from "./machinery/supervisor.js";
import type { Store } from "./store/store.js";

/** One machine of the cluster. */
export interface NodeSpec {
  name: string;
  /** Default: the next free one of 192.168.0.0/16, from 192.168.0.1. */
  addresses?: string[] | undefined;
  zone?: string | undefined;
  labels?: Record<string, string> | undefined;
  /** Default: 4 CPUs, 16 GiB, 110 Pods. */
  capacity?: { cpu?: string; memory?: string; pods?: string } | undefined;
  /** How its kube-proxy writes what it decided. Default: as on the other nodes. */
  proxyMode?: string | ProxyMode | undefined;
}

/** How to make a cluster; every option has a default. */
export interface ClusterOptions {
  /** How many (node-a, node-b, …), or which. Default 3. */
  nodes?: number | NodeSpec[] | undefined;
  /** Default: none, and a Service of type LoadBalancer stays pending. */
  cloud?: Cloud | undefined;
  /** How Pods hang on their nodes: ptp() or bridge(). Default ptp(). */
  cni?: CniPlugin | undefined;
  /**
   * What runs containers on a machine: `runsCommands` runs their commands in a shell. Default: the
   * machine itself, which takes commands to run for ever and looks at nothing that they do.
   */
  runtime?: ((machine: Machine, world: ShellWorld) => Runtime) | undefined;
  /** Which Kubernetes: "1.33" to "1.37". Default "1.35". */
  version?: string | undefined;
  /** Everything random follows from it. Default 1. */
  seed?: number | string | undefined;
  /**
   * A KubeProxyConfiguration document. Default: kube-proxy's defaults, with the cluster's own
   * clusterCIDR.
   */
  kubeProxy?: KubeObject | undefined;
  /**
   * How kube-proxies write what they decided: the name of a mode, or one of your own. Default: the
   * `mode` of kubeProxy, else "iptables".
   */
  proxyMode?: string | ProxyMode | undefined;
  /**
   * Range of the Pods' addresses; each node gets a part. Default 10.1.0.0/16 (10.0.0.0/9 for more
   * than 255 nodes).
   */
  clusterCIDR?: string | undefined;
  /** Default 10.2.0.0/16, or 10.128.0.0/12 beside the larger clusterCIDR. */
  serviceCIDR?: string | undefined;
  /**
   * The numbers that the allocators give first, if they are free. Default: those of the article's
   * figures, so that the notebook and the figures can be read side by side; `{}` leaves all to
   * chance, as Kubernetes does.
   */
  first?: { clusterIP?: string; nodePort?: number } | undefined;
  /**
   * The users' own domains and the Service that each stands for. Default: mynginx-app.com for
   * default/nginx.
   */
  domains?: Domains | undefined;
  /** Default: in memory. */
  store?: Store | undefined;
  /** Default: virtual time. */
  clock?: Clock | undefined;
  /**
   * Counters of nfacct in the rules, default off; --random-fully, default on: what kube-proxy finds
   * out about its kernel.
   */
  nfacct?: boolean | undefined;
  randomFully?: boolean | undefined;
  /**
   * What a real control plane makes by itself besides: the Service default/kubernetes, the
   * ServiceAccount default and the ConfigMap kube-root-ca.crt of each namespace, and in each Pod
   * its ServiceAccount's token; an IPAddress for each ClusterIP, and ServiceCIDRs, by which the
   * Services' range grows; and a ConfigMap or Secret that is not there keeps the Pods that
   * need it from starting. Default false, so that a chapter sees what it applied and nothing
   * else; `stopover serve` has them.
   */
  systemObjects?: boolean | undefined;
  /**
   * Images that no registry has, as they stand in manifests: `["shop:2"]`. Default: those with the
   * tag "bad" and those whose name says "no-such", which are missing anyway.
   */
  missingImages?: readonly string[] | undefined;
  /** Calls kept for history(). Default 100,000. */
  historyLimit?: number | undefined;
  /**
   * Hears of a mistake in a component, which is tried again in any case. Default: the clock throws
   * it: in virtual time out of settle() or advance().
   */
  onFailure?: (failure: ComponentError) => void;
  /** Hears what the API server and kube-proxies warn of, each text once. Default: nobody does. */
  onWarning?: (text: string) => void;
  /**
   * What goes wrong between the components and the API server, and on the network between the
   * machines. Default: nothing.
   */
  faults?: { client?: Interception; network?: NetworkFault };
}

/** The ranges of Pods and Services of a cluster of so many nodes, unless others are asked for. */
export const defaultRanges = (nodes: number): { clusterCIDR: string; serviceCIDR: string } =>
  nodes > 255
    ? { clusterCIDR: "10.0.0.0/9", serviceCIDR: "10.128.0.0/12" }
    : { clusterCIDR: "10.1.0.0/16", serviceCIDR: "10.2.0.0/16" };

/** The ranges of a cluster made with these options. */
export function rangesFor({ nodes = 3, clusterCIDR, serviceCIDR }: ClusterOptions): {
  clusterCIDR: string;
  serviceCIDR: string;
} {
  const defaults = defaultRanges(Array.isArray(nodes) ? nodes.length : nodes);
  return {
    clusterCIDR: clusterCIDR ?? defaults.clusterCIDR,
    serviceCIDR: serviceCIDR ?? defaults.serviceCIDR,
  };
}

/** Nodes with names: node-a, node-b, … */
export const nodeSpecs = (nodes: number | NodeSpec[]): NodeSpec[] =>
  typeof nodes === "number"
    ? Array.from({ length: nodes }, (_, i) => ({ name: nodeName(i) }))
    : nodes;

export const nodeName = (i: number): string => `node-${letters(i)}`;

/** a, b, … z, aa, ab, … as spreadsheets name their columns. */
const letters = (i: number): string =>
  (i < 26 ? "" : letters(Math.floor(i / 26) - 1)) + String.fromCharCode(97 + (i % 26));

/** A machine that a cluster has. */
export interface KnownMachine {
  readonly name: string;
  readonly addresses: readonly string[];
}

/**
 * Throw with the first thing that is wrong. Who imports option-checks.ts has them check; a page's
 * first chunk, whose author tried his options, does without.
 */
export interface OptionChecks {
  cluster(options: ClusterOptions): void;
  /** Whether `node` can join a cluster made with `options` that has `machines` already. */
  node(node: NodeSpec, machines: readonly KnownMachine[], options: ClusterOptions): void;
}

export const optionChecks: OptionChecks = { cluster() {}, node() {} };
