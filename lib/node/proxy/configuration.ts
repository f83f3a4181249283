/**
 * Reads a KubeProxyConfiguration document, and says what is wrong with it. Who imports this makes
 * clusters with such documents possible.
 *
 *     const config = readConfiguration({ apiVersion, kind, clusterCIDR: "10.0.0.0/8" });
 */
import { duration } from "../../machinery/duration.js";
import { readAddress, readCIDR } from "../../net/ip.js";
import { isRecord } from "../../objects/freeze.js";
import { localhostNodePortGate, nodePortKeywords } from "../../objects/kubernetes-features.js";
import { kubernetes as usualKubernetes, type Kubernetes } from "../../objects/kubernetes.js";
import { configurations, defaults, type KubeProxyConfiguration } from "./config.js";

type Check = (value: unknown, field: string, kubernetes: Kubernetes) => unknown;

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
const address: Check = (value, field) =>
  typeof value === "string" && readAddress(value) ? value : wrong(field, value, "write an address");
/** Where it listens; a port that is left out is the usual one. "" is none. */
const addressAndPort: Check = (value, field) => {
  const [, host, port = "1"] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(String(value)) ?? [];
  const isGood = readAddress(host ?? "") && Number(port) >= 1 && Number(port) <= 65535;
  return value === "" || isGood ? value : wrong(field, value, 'write it as "127.0.0.1:10249"');
};

/** Checked, and not kept: it changes nothing that Stopover models. */
const only =
  (check: Check): Check =>
  (value, field, kubernetes) =>
    void check(value, field, kubernetes);
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

const clusterCIDR: Check = (value, field, kubernetes) => {
  const ranges = String(text(value, field, kubernetes))
    .split(",")
    .filter((part) => part !== "")
    .map(
      (part) =>
        (/^\S+\/\d+$/.test(part) && readCIDR(part)) ||
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

/** (pkg/proxy/apis/config/validation/validation.go, validateKubeProxyNodePortAddress) */
const nodePortAddresses: Check = (value, field, kubernetes) => {
  if (!Array.isArray(value)) return wrong(field, value, 'write a list of CIDRs, or ["primary"]');
  if (value.length === 1 && value[0] === "primary") return value;
  const knows = kubernetes.has(nodePortKeywords);
  const also = knows
    ? 'or "primary", "localhost", "all", each once'
    : '("primary" stands alone; kube-proxy 1.37 also takes "localhost" and "all")';
  value.forEach((each: unknown, i) => {
    const isKeyword = ["primary", "localhost", "all"].includes(each as string);
    const isGood = isKeyword
      ? knows && value.indexOf(each) === i
      : typeof each === "string" && each.includes("/") && readCIDR(each);
    if (!isGood) wrong(`${field}[${i}]`, each, `write a CIDR such as "192.168.0.0/24" ${also}`);
  });
  return value;
};

/** A gate that nobody knows ends kube-proxy; here, those are told that would change packets. */
const featureGates: Check = (value, field, kubernetes) => {
  const gates = value as Record<string, unknown>;
  if (typeof value !== "object" || Array.isArray(value))
    return wrong(field, value, "write an object of gates, each true or false");
  for (const [name, isOn] of Object.entries(gates)) flag(isOn, `${field}.${name}`, kubernetes);
  if (localhostGate in gates && !kubernetes.has(localhostNodePortGate))
    wrong(`${field}.${localhostGate}`, gates[localhostGate], "kube-proxy knows it from 1.37 on");
  return value;
};
const localhostGate = "KubeProxyNFTablesLocalhostNodePorts";

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
    maxPerCore: only(whole(0, 2 ** 31 - 1)),
    min: only(whole(0, 2 ** 31 - 1)),
    ...ignored("tcpEstablishedTimeout", "tcpCloseWaitTimeout", "udpTimeout", "udpStreamTimeout"),
  },
  featureGates,
  bindAddress: only(address),
  healthzBindAddress: only(addressAndPort),
  metricsBindAddress: only(addressAndPort),
  oomScoreAdj: only(whole(-1000, 1000)),
  ...ignored(
    "apiVersion",
    "kind",
    "metadata",
    "bindAddressHardFail",
    "enableProfiling",
    "showHiddenMetricsForVersion",
  ),
  ...ignored(
    "ipvs",
    "winkernel",
    "configSyncPeriod",
    "portRange",
    "windowsRunAsService",
    "clientConnection",
    "logging",
  ),
};

/**
 * The configuration of a document, with defaults. Throws where a field is unknown or its value is
 * not allowed, naming both. `kubernetes`: whose kube-proxy reads it. Default: the usual one.
 */
export function readConfiguration(
  document: object,
  kubernetes = usualKubernetes(),
): KubeProxyConfiguration {
  const config = merge(
    defaults as unknown as Record<string, unknown>,
    document,
    schema,
    "",
    kubernetes,
  ) as unknown as KubeProxyConfiguration;
  if (!config.hostnameOverride) delete config.hostnameOverride;
  const { featureGates: gates } = config as { featureGates?: Record<string, boolean> };
  const isOn = gates?.[localhostGate] ?? gates?.["AllAlpha"];
  if (isOn && kubernetes.has(localhostNodePortGate))
    config.warnings = [
      `kube-proxy: featureGates.${localhostGate} is on, which is not modelled: NodePorts on 127.0.0.1 and ::1 stay closed here (KEP-6032)`,
    ];
  const { detectLocal, detectLocalMode } = config;
  for (const name of ["iptables", "nftables"] as const) {
    const { minSyncPeriod, syncPeriod } = config[name];
    // of the other mode nobody reads them
    if (name === (config.mode || "iptables") && minSyncPeriod > syncPeriod)
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

/**
 * A document without the fields that nobody knows here, and the names of these: kube-proxy reads
 * one of another version all the same, and says so in its log.
 */
export function knownFields<D extends object>(document: D): { document: D; unknown: string[] } {
  const unknown: string[] = [];
  const known = (of: object, schema: Schema, path: string): object =>
    Object.fromEntries(
      Object.entries(of).flatMap(([name, value]): [string, unknown][] => {
        if (!Object.hasOwn(schema, name)) {
          if (value !== null) unknown.push(path + name);
          return [];
        }
        const inner = schema[name]!;
        const isSection = typeof inner !== "function" && isRecord(value);
        return [[name, isSection ? known(value, inner, `${path}${name}.`) : value]];
      }),
    );
  return { document: known(document, schema, "") as D, unknown };
}

function merge(
  base: Record<string, unknown>,
  document: object,
  schema: Schema,
  path: string,
  kubernetes: Kubernetes,
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
    if (typeof check === "function") {
      const found = check(value, field, kubernetes) ?? base[name];
      if (found !== undefined) result[name] = found;
    } else if (typeof value === "object" && !Array.isArray(value))
      result[name] = merge(
        (base[name] ?? {}) as Record<string, unknown>,
        value as Record<string, unknown>,
        check,
        `${field}.`,
        kubernetes,
      );
    else wrong(field, value, `write an object with ${Object.keys(check).join(", ")}`);
  }
  return result;
}

configurations.read = readConfiguration;
