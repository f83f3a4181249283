/**
 * kube-proxy's configuration: a KubeProxyConfiguration document, kubeproxy.config.k8s.io/v1alpha1,
 * by its real field names (configuration.ts reads one), and what each address family and node make
 * of it. (k8s.io/kube-proxy/config/v1alpha1/types.go; defaults:
 * pkg/proxy/apis/config/v1alpha1/defaults.go)
 *
 *     const forIPv4 = configFor("IPv4", { ...defaults, clusterCIDR: "10.0.0.0/8" });
 */
import { fewFullSyncs } from "../../objects/kubernetes-features.js";
import { kubernetes as usualKubernetes, type Kubernetes } from "../../objects/kubernetes.js";
import {
  parseAddress,
  parseCIDR,
  readAddress,
  readCIDR,
  type Address,
  type CIDR,
  type Family,
} from "../../net/ip.js";
import type { Node } from "../../objects/types.js";

export interface KubeProxyConfiguration {
  /** The node name that it takes for its own. Default: the Node's. */
  hostnameOverride?: string;
  clusterCIDR: string;
  detectLocalMode: "" | "ClusterCIDR" | "NodeCIDR" | "BridgeInterface" | "InterfaceNamePrefix";
  detectLocal: { bridgeInterface: string; interfaceNamePrefix: string };
  nodePortAddresses: readonly string[];
  /** "" is the default, iptables. */
  mode?: "" | "iptables" | "nftables" | "ipvs";
  iptables: ModeSection & { localhostNodePorts: boolean };
  nftables: ModeSection;
  conntrack: { tcpBeLiberal: boolean };
  /** What of the document is not modelled, though in nftables mode it changes what is served. */
  warnings?: readonly string[];
}

/** What each mode has a section of its own for. */
interface ModeSection {
  masqueradeAll: boolean;
  /** The bit of the packet mark that asks for masquerading: 14 is 0x4000. */
  masqueradeBit: number;
  /** Milliseconds. */
  minSyncPeriod: number;
  syncPeriod: number;
}

const section: ModeSection = {
  masqueradeAll: false,
  masqueradeBit: 14,
  minSyncPeriod: 1000,
  syncPeriod: 30_000,
};

/** What there is when nobody writes a document. */
export const defaults: KubeProxyConfiguration = {
  clusterCIDR: "",
  detectLocalMode: "",
  detectLocal: { bridgeInterface: "", interfaceNamePrefix: "" },
  nodePortAddresses: [],
  iptables: { ...section, localhostNodePorts: true },
  nftables: section,
  conntrack: { tcpBeLiberal: false },
};

/**
 * Reads a document, with defaults. Who imports configuration.ts has it: without it, as in a page's
 * first chunk, there are the defaults alone.
 *
 * @throws where a field is unknown or its value is not allowed, naming both.
 */
export const configurations: {
  read(document: object, kubernetes?: Kubernetes): KubeProxyConfiguration;
} = {
  read() {
    throw new Error("KubeProxyConfiguration: what reads it (given.js) is not loaded");
  },
};

// ---- what one address family makes of it --------------------------------------------------------

/**
 * How kube-proxy tells its own Pods' traffic: by its source, or by the interface that it comes by.
 */
export type LocalDetector = { source: string } | { interface: string; prefix: boolean };

export interface FamilyConfig {
  family: Family;
  masqueradeMark: number;
  masqueradeAll: boolean;
  localhostNodePorts: boolean;
  /** undefined: there is no way to tell local traffic. "node": by the node's own podCIDR. */
  detector: LocalDetector | "node" | undefined;
  /** "all": NodePorts answer on every local address; "primary": on the node IP. */
  nodePortAddresses: "all" | readonly (CIDR | "primary")[];
  /** What takes its place on nodes without a node IP of this family; see configOn. */
  withoutNodeIP?: FamilyConfig;
  tcpLiberal: boolean;
  /** Counters (nfacct) in the rules; kube-proxy writes those that it could create. */
  nfacct: ReadonlySet<string>;
  randomFully: boolean;
  kubernetes: Kubernetes;
}

/** What the machine can do, not the document: the kernel's and iptables' features. */
export interface Features {
  /** Names of nfacct counters; true: both of kube-proxy's. Default: none. */
  nfacct?: boolean | readonly string[] | undefined;
  /** Whether iptables knows --random-fully. Default: true. */
  randomFully?: boolean | undefined;
  /** Which Kubernetes' kube-proxy it is. Default: the usual one. */
  kubernetes?: Kubernetes | undefined;
}

export const counters = {
  invalid: "ct_state_invalid_dropped_pkts",
  localhost: "localhost_nps_accepted_pkts",
} as const;

/**
 * What the nftables mode makes of it: its own section; NodePorts on the primary addresses alone
 * unless others are asked for, and on no loopback address. (cmd/kube-proxy/app/server.go, options)
 */
export function nftablesConfigFor(
  family: Family,
  config: KubeProxyConfiguration,
  features: Features = {},
): FamilyConfig {
  const { nodePortAddresses, nftables } = config;
  const own = {
    ...config,
    nodePortAddresses: nodePortAddresses.length > 0 ? nodePortAddresses : ["primary"],
    iptables: { ...nftables, localhostNodePorts: false },
  };
  return configFor(family, own, features);
}

export function configFor(
  family: Family,
  config: KubeProxyConfiguration,
  { nfacct = false, randomFully = true, kubernetes = usualKubernetes() }: Features = {},
): FamilyConfig {
  const names = nfacct === true ? Object.values(counters) : nfacct === false ? [] : nfacct;
  const answeringOn = (nodePortAddresses: FamilyConfig["nodePortAddresses"]): FamilyConfig => ({
    family,
    nodePortAddresses,
    kubernetes,
    randomFully: randomFully || kubernetes.has(fewFullSyncs),
    nfacct: new Set(names),
    masqueradeMark: 2 ** config.iptables.masqueradeBit,
    masqueradeAll: config.iptables.masqueradeAll,
    localhostNodePorts:
      family === "IPv4" && config.iptables.localhostNodePorts && holdsLoopback(nodePortAddresses),
    detector: detectorFor(family, config),
    tcpLiberal: config.conntrack.tcpBeLiberal,
  });
  const addresses = addressesFor(family, config.nodePortAddresses);
  if (addresses === "all" || !addresses.includes("primary")) return answeringOn(addresses);
  const others = addresses.filter((each) => each !== "primary");
  return {
    ...answeringOn(addresses),
    withoutNodeIP: answeringOn(others.length > 0 ? others : "all"),
  };
}

/**
 * The configuration as it is on a node. "primary" stands for the node's IPs; a node without one of
 * this family has no range for it, and so all its addresses of the family answer NodePorts.
 */
export const configOn = ({ nodeIP }: NodeView, config: FamilyConfig): FamilyConfig =>
  (nodeIP === undefined ? config.withoutNodeIP : undefined) ?? config;

/**
 * (pkg/proxy/util/nodeport_addresses.go; cmd/kube-proxy/app/server.go,
 * expandNodePortAddressKeywords) A family without a range of its own answers on all addresses, as
 * does one with a zero range.
 */
function addressesFor(family: Family, texts: readonly string[]): FamilyConfig["nodePortAddresses"] {
  const ranges = texts.flatMap((text): (CIDR | "primary")[] => {
    if (text === "primary") return [text];
    const range = parseCIDR(keywords[text]?.[family] ?? text);
    return range.family === family ? [range] : [];
  });
  const isOpen = ranges.some((each) => each !== "primary" && each.length === 0);
  return ranges.length === 0 || isOpen ? "all" : ranges;
}

const keywords: Readonly<Record<string, Readonly<Record<Family, string>>>> = {
  localhost: { IPv4: "127.0.0.0/8", IPv6: "::1/128" },
  all: { IPv4: "0.0.0.0/0", IPv6: "::/0" },
};

const holdsLoopback = (addresses: FamilyConfig["nodePortAddresses"]): boolean =>
  addresses === "all" ||
  addresses.some(
    (each) =>
      each !== "primary" && (each.address.loopback || each.contains(readAddress("127.0.0.1")!)),
  );

/** (cmd/kube-proxy/app/server_linux.go, getLocalDetectors; pkg/proxy/util/localdetector.go) */
function detectorFor(
  family: Family,
  { detectLocalMode, detectLocal, clusterCIDR }: KubeProxyConfiguration,
): FamilyConfig["detector"] {
  switch (detectLocalMode) {
    case "NodeCIDR":
      return "node";
    case "BridgeInterface":
      return { interface: detectLocal.bridgeInterface, prefix: false };
    case "InterfaceNamePrefix":
      return { interface: detectLocal.interfaceNamePrefix, prefix: true };
    default: {
      const range = clusterCIDR
        .split(",")
        .map((part) => readCIDR(part.trim()))
        .find((each) => each?.family === family);
      return range && { source: range.text };
    }
  }
}

// ---- what a node adds ---------------------------------------------------------------------------

/** All that kube-proxy takes from the machine it runs on. */
export interface NodeView {
  name: string;
  /** The first InternalIP of the family. */
  nodeIP?: string | undefined;
  /** The addresses of its interfaces, 127.0.0.1 and ::1 included. */
  addresses: readonly string[];
  /** Its label topology.kubernetes.io/zone. */
  zone?: string | undefined;
  podCIDRs?: readonly string[] | undefined;
}

export function viewOf(node: Node, family: Family): NodeView {
  const { podCIDR, podCIDRs = podCIDR ? [podCIDR] : [] } = node.spec;
  const own = (node.status?.addresses ?? []).filter(
    ({ type, address }) =>
      (type === "InternalIP" || type === "ExternalIP") && readAddress(address)?.family === family,
  );
  return {
    name: node.metadata.name,
    podCIDRs,
    zone: node.metadata.labels?.["topology.kubernetes.io/zone"],
    nodeIP: own.find(({ type }) => type === "InternalIP")?.address,
    addresses: [family === "IPv4" ? "127.0.0.1" : "::1", ...own.map(({ address }) => address)],
  };
}

export function detectorOn(
  view: NodeView,
  { detector, family }: FamilyConfig,
): LocalDetector | undefined {
  if (detector !== "node") return detector;
  const range = view.podCIDRs?.map(parseCIDR).find((each) => each.family === family);
  return range && { source: range.text };
}

/**
 * The addresses of a node on which NodePorts answer, where not all of them do: "primary" is the
 * node IP. (pkg/proxy/util/nodeport_addresses.go, GetNodeIPs)
 */
export function nodePortIPs(
  view: NodeView,
  { family, nodePortAddresses }: FamilyConfig,
): Address[] {
  const own = view.addresses
    .map((text) => parseAddress(text.split("/")[0]!))
    .filter((address) => address.family === family);
  if (nodePortAddresses === "all") return own;
  const answering = nodePortAddresses.flatMap((each) =>
    own.filter((address) =>
      each === "primary" ? address.text === view.nodeIP : each.contains(address),
    ),
  );
  return [...new Map(answering.map((address) => [address.text, address])).values()];
}
