/** What a lab builds, and what it reports: plain data. */
import type { Disposition, Journey } from "../../journey/types.js";
import type { Origin } from "../../journey/party.js";
import type { DnsRecord } from "../../net/dns.js";
import type { LoadBalancer, Target } from "../../net/load-balancer.js";
import type { Route } from "../../net/routes.js";
import type { Port } from "../../node/cni/cni.js";
import type { Answer } from "./client.js";
import type { NodeComparison } from "./compare.js";
import type { Flow } from "./conntrack.js";
import type { TracedPacket } from "./trace.js";

export interface LabNode {
  name: string;
  /** Of eth0, with their prefix lengths: "192.168.0.1/16". */
  addresses: readonly string[];
  /** All but those to its own Pods and to the networks of its addresses. */
  routes: readonly Route[];
  /** For iptables-restore, ip6tables-restore, and nft -f. */
  rules: {
    IPv4?: string | undefined;
    IPv6?: string | undefined;
    nftables?: string | undefined;
  };
  routeLocalnet: boolean;
  bridges: readonly LabBridge[];
}

/** What a node's Pods hang on, where they share a device. */
export interface LabBridge extends NonNullable<Port["bridge"]> {
  name: string;
  /** The gateway's: "10.1.1.1/24". */
  addresses: readonly string[];
}

export interface LabPod {
  /** "default/nginx-…" */
  key: string;
  node: string;
  /** The node's end of its link. */
  interface: string;
  /** The node's bridge that this is a port of. */
  bridge?: string;
  ips: readonly string[];
  /** What its HTTP server listens on. */
  ports: readonly number[];
  hostNetwork: boolean;
}

/** What a lab builds: machines, Pods, load balancers, names and rules, as plain data. */
export interface LabPlan {
  nodes: readonly LabNode[];
  pods: readonly LabPod[];
  balancers: readonly (LoadBalancer & { targets: readonly Target[] })[];
  /** Which range of Pods lies behind which node's address: what a cloud's route table says. */
  podRoutes: readonly { to: string; via: string }[];
  names: readonly { name: string; records: readonly DnsRecord[] }[];
  client: {
    kind: Origin["kind"];
    name: string;
    addresses: readonly string[];
    /** It is in a network of the cluster's, from which routes lead to Pods. */
    inside: boolean;
  };
  url: string;
  /** What the client's resolver asks for, in this order. */
  lookups: readonly string[];
}

/** What the real kernel and the real programs did. */
export interface Observed {
  kernel: string;
  answer: Answer;
  /** How it ended, in our words. */
  disposition: Disposition;
  /** Who answered, and whom it saw as its client. */
  pod?: string;
  clientSeenByPod?: string;
  /**
   * By node: the packets that opened the connection, and the connections that each kernel keeps.
   */
  traces: ReadonlyMap<string, readonly TracedPacket[]>;
  flows: ReadonlyMap<string, readonly Flow[]>;
}

/** The kernel's journey and ours, side by side. */
export interface LabReport {
  observed: Observed;
  /** The one of our outcomes that the kernel's choices led to. */
  ours: Journey;
  nodes: NodeComparison[];
  /** What differs besides rules, in words. */
  remarks: string[];
  /** 0: both agree. */
  differences: number;
}
