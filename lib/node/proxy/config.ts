/**
 * kube-proxy's configuration: a KubeProxyConfiguration document, kubeproxy.config.k8s.io/v1alpha1,
 * by its real field names. (k8s.io/kube-proxy/config/v1alpha1/types.go; defaults:
 * pkg/proxy/apis/config/v1alpha1/defaults.go)
 *
 *     const config = readConfiguration({ apiVersion, kind, clusterCIDR: "10.0.0.0/8" });
 *     const forIPv4 = configFor("IPv4", config, node);
 */
import { duration } from "../../machinery/duration.js";
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

type Check = (value: unknown, field: string) => unknown;

const wrong = (field: string, value: unknown, allowed: string): never => {
  throw new Error(`KubeProxyConfiguration: ${field}: got ${JSON.stringify(value)}; ${allowed}`);
};
const text: Check = (value, field) =>
  typeof value === "string" ? value : wrong(field, value, "write a text");
const flag: Check = (value, field) =>
  typeof value === "boolean" ? value : wrong(field, value, "write true or false");
const whole =
  (low: number, high: number): Check =>
  (value, field) =>
    Number.isInteger(value) && (value as number) >= low && (value as number) <= high
      ? value
      : wrong(field, value, `write a whole number from ${low} to ${high}`);
const oneOf =
  (...allowed: string[]): Check =>
  (value, field) =>
    allowed.includes(value as string)
      ? value
      : wrong(
          field,
          value,
          `write one of ${allowed.map((each) => JSON.stringify(each)).join(", ")}`,
        );
/** Accepted as it stands: it changes nothing that Stopover models. */
const anything: Check = (value) => value;

/** 0 is unset, as in Go: the default is taken. */
const period: Check = (value, field) => {
  try {
    return duration(value as string | number) || undefined;
  } catch (error) {
    return wrong(field, value, (error as Error).message.replace(/^.*?: /, ""));
  }
};

const clusterCIDR: Check = (value, field) => {
  const ranges = String(text(value, field))
    .split(",")
    .filter((part) => part !== "")
    .map(
      (part) =>
        readCIDR(part.trim()) ??
        wrong(
          field,
          value,
          'write a CIDR such as "10.0.0.0/8", or one of each family: "10.0.0.0/8,fd00::/64"',
        ),
    );
  return ranges.length > 2 || (ranges.length === 2 && ranges[0]!.family === ranges[1]!.family)
    ? wrong(field, value, "write at most one CIDR of each family")
    : value;
};

const nodePortAddresses: Check = (value, field) => {
  if (!Array.isArray(value)) return wrong(field, value, 'write a list of CIDRs, or ["primary"]');
  if (value.length === 1 && value[0] === "primary") return value;
  value.forEach((each, i) =>
    typeof each === "string" && each.includes("/") && readCIDR(each)
      ? each
      : wrong(
          `${field}[${i}]`,
          each,
          'write a CIDR such as "192.168.0.0/24" ("primary" stands alone)',
        ),
  );
  return value;
};

type Schema = { readonly [field: string]: Check | Schema };

const ignored = (...fields: string[]): Schema =>
  Object.fromEntries(fields.map((field) => [field, anything]));

const sectionSchema: Schema = {
  masqueradeAll: flag,
  masqueradeBit: whole(0, 31),
  minSyncPeriod: period,
  syncPeriod: period,
};

const schema: Schema = {
  clusterCIDR,
  hostnameOverride: text,
  detectLocalMode: oneOf("", "ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix"),
  detectLocal: { bridgeInterface: text, interfaceNamePrefix: text },
  nodePortAddresses,
  mode: oneOf("", "iptables", "nftables", "ipvs"),
  iptables: { ...sectionSchema, localhostNodePorts: flag },
  nftables: sectionSchema,
  conntrack: {
    tcpBeLiberal: flag,
    ...ignored(
      "maxPerCore",
      "min",
      "tcpEstablishedTimeout",
      "tcpCloseWaitTimeout",
      "udpTimeout",
      "udpStreamTimeout",
    ),
  },
  ...ignored(
    "apiVersion",
    "kind",
    "metadata",
    "featureGates",
    "bindAddress",
    "healthzBindAddress",
    "metricsBindAddress",
    "bindAddressHardFail",
    "enableProfiling",
    "showHiddenMetricsForVersion",
  ),
  ...ignored(
    "ipvs",
    "winkernel",
    "oomScoreAdj",
    "configSyncPeriod",
    "portRange",
    "windowsRunAsService",
    "clientConnection",
    "logging",
  ),
};

/**
 * The configuration of a document, with defaults. Throws where a field is unknown or its value is
 * not allowed, naming both.
 */
export function readConfiguration(document: object): KubeProxyConfiguration {
  const config = merge(
    defaults as unknown as Record<string, unknown>,
    document,
    schema,
    "",
  ) as unknown as KubeProxyConfiguration;
  if (!config.hostnameOverride) delete config.hostnameOverride;
  const { detectLocal, detectLocalMode } = config;
  for (const name of ["iptables", "nftables"] as const) {
    const { minSyncPeriod, syncPeriod } = config[name];
    if (minSyncPeriod > syncPeriod)
      wrong(
        `${name}.minSyncPeriod`,
        `${minSyncPeriod}ms`,
        `write at most ${name}.syncPeriod, which is ${syncPeriod}ms`,
      );
  }
  if (detectLocalMode === "BridgeInterface" && !detectLocal.bridgeInterface)
    wrong(
      "detectLocal.bridgeInterface",
      "",
      "name the bridge, since detectLocalMode is BridgeInterface",
    );
  if (detectLocalMode === "InterfaceNamePrefix" && !detectLocal.interfaceNamePrefix)
    wrong(
      "detectLocal.interfaceNamePrefix",
      "",
      "write the prefix, since detectLocalMode is InterfaceNamePrefix",
    );
  return config;
}

function merge(
  base: Record<string, unknown>,
  document: object,
  schema: Schema,
  path: string,
): Record<string, unknown> {
  const result = { ...base };
  for (const [name, value] of Object.entries(document)) {
    const field = path + name;
    const check = Object.hasOwn(schema, name)
      ? schema[name]!
      : wrong(
          field,
          value,
          `there is no such field here; there are ${Object.keys(schema).join(", ")}`,
        );
    // kubeadm writes null for what nobody has set
    if (value === undefined || value === null || check === anything) continue;
    if (typeof check === "function") result[name] = check(value, field) ?? base[name];
    else if (typeof value === "object" && !Array.isArray(value))
      result[name] = merge(
        (base[name] ?? {}) as Record<string, unknown>,
        value as Record<string, unknown>,
        check,
        `${field}.`,
      );
    else wrong(field, value, `write an object with ${Object.keys(check).join(", ")}`);
  }
  return result;
}

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
  nodePortAddresses: "all" | "primary" | readonly CIDR[];
  /** What takes its place on nodes without a node IP of this family; see configOn. */
  withoutNodeIP?: FamilyConfig;
  tcpLiberal: boolean;
  /** Counters (nfacct) in the rules; kube-proxy writes those that it could create. */
  nfacct: ReadonlySet<string>;
  randomFully: boolean;
}

/** What the machine can do, not the document: the kernel's and iptables' features. */
export interface Features {
  /** Names of nfacct counters; true: both of kube-proxy's. Default: none. */
  nfacct?: boolean | readonly string[] | undefined;
  /** Whether iptables knows --random-fully. Default: true. */
  randomFully?: boolean | undefined;
}

export const counters = {
  invalid: "ct_state_invalid_dropped_pkts",
  localhost: "localhost_nps_accepted_pkts",
} as const;

/**
 * What the nftables mode makes of it: its own section; NodePorts on the primary addresses alone
 * unless others are asked for, and on no loopback address. (cmd/kube-proxy/app/server.go, options)
 */
export const nftablesConfigFor = (family: Family, config: KubeProxyConfiguration): FamilyConfig =>
  configFor(family, {
    ...config,
    nodePortAddresses: config.nodePortAddresses.length > 0 ? config.nodePortAddresses : ["primary"],
    iptables: { ...config.nftables, localhostNodePorts: false },
  });

export function configFor(
  family: Family,
  config: KubeProxyConfiguration,
  { nfacct = false, randomFully = true }: Features = {},
): FamilyConfig {
  const names = nfacct === true ? Object.values(counters) : nfacct === false ? [] : nfacct;
  const answeringOn = (nodePortAddresses: FamilyConfig["nodePortAddresses"]): FamilyConfig => ({
    family,
    nodePortAddresses,
    randomFully,
    nfacct: new Set(names),
    masqueradeMark: 2 ** config.iptables.masqueradeBit,
    masqueradeAll: config.iptables.masqueradeAll,
    localhostNodePorts:
      family === "IPv4" && config.iptables.localhostNodePorts && holdsLoopback(nodePortAddresses),
    detector: detectorFor(family, config),
    tcpLiberal: config.conntrack.tcpBeLiberal,
  });
  const addresses = addressesFor(family, config.nodePortAddresses);
  return addresses === "primary"
    ? { ...answeringOn(addresses), withoutNodeIP: answeringOn("all") }
    : answeringOn(addresses);
}

/**
 * The configuration as it is on a node. "primary" stands for the node's IPs; a node without one of
 * this family has no range for it, and so all its addresses of the family answer NodePorts.
 */
export const configOn = ({ nodeIP }: NodeView, config: FamilyConfig): FamilyConfig =>
  (nodeIP === undefined ? config.withoutNodeIP : undefined) ?? config;

/**
 * (pkg/proxy/util/nodeport_addresses.go) A family without a range of its own answers on all
 * addresses, as does one with a zero range.
 */
function addressesFor(family: Family, texts: readonly string[]): FamilyConfig["nodePortAddresses"] {
  if (texts[0] === "primary") return "primary";
  const ranges = texts.map(parseCIDR).filter((range) => range.family === family);
  return ranges.length === 0 || ranges.some(({ length }) => length === 0) ? "all" : ranges;
}

const holdsLoopback = (addresses: FamilyConfig["nodePortAddresses"]): boolean =>
  addresses === "all" ||
  (addresses !== "primary" &&
    addresses.some((range) => range.address.loopback || range.contains(readAddress("127.0.0.1")!)));

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
  const answering =
    nodePortAddresses === "primary"
      ? own.filter(({ text }) => text === view.nodeIP)
      : nodePortAddresses.flatMap((range) => own.filter((address) => range.contains(address)));
  return [...new Map(answering.map((address) => [address.text, address])).values()];
}
