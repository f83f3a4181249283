/**
 * Whether a cluster can be made as it is asked for: each fault is one sentence that says which
 * option, what came, and what is allowed. Who imports this has options checked.
 */
import { kubernetesVersions } from "./objects/kubernetes.js";
import { shown, unknownKeys } from "./api/options.js";
import { gateway, machineAddresses } from "./cloud/addresses.js";
import { aws } from "./cloud/aws.js";
import { gcp } from "./cloud/gcp.js";
import {
  optionChecks,
  rangesFor,
  type ClusterOptions,
  type KnownMachine,
  type NodeSpec,
  type OptionChecks,
} from "./cluster-options.js";
import { modeNames } from "./node/proxy/modes.js";
import { parseAddress, readAddress, readCIDR, type CIDR, type Family } from "./net/ip.js";
import { dns1123Subdomain, labelValue, type Format } from "./objects/field-errors.js";
import { checkLabels } from "./objects/metadata.js";
import { isQuantity } from "./objects/quantity.js";
import { bridge, ptp } from "./node/cni/plugins.js";

/** Throws with the first thing that is wrong. */
function checkOptions(options: ClusterOptions): void {
  for (const problem of problemsOf(options)) throw new Error(`createCluster: ${problem}`);
}

function* problemsOf(options: ClusterOptions): Generator<string> {
  if (!isRecord(options)) return yield `the options are ${shown(options)}; they must be an object`;
  yield* unknownKeys("", options, Object.keys(checks));
  for (const [name, check] of Object.entries<Check>(checks)) {
    const value = options[name];
    if (value !== undefined) yield* check(value, name);
  }
  yield* overlaps(options);
}

function checkNewNode(
  node: NodeSpec,
  machines: readonly KnownMachine[],
  options: ClusterOptions,
): void {
  for (const problem of newNodeProblems(node, machines, rangesFor(options)))
    throw new Error(`addNode: ${problem}`);
}

function* newNodeProblems(
  node: NodeSpec,
  machines: readonly KnownMachine[],
  { clusterCIDR, serviceCIDR }: { clusterCIDR: string; serviceCIDR: string },
): Generator<string> {
  yield* checkNode(node, "node");
  const { name, addresses = [] } = node;
  for (const other of machines) {
    if (other.name === name) yield `node.name is "${name}", and there is a node of that name`;
    const [both] = addresses.filter((address) => other.addresses.includes(address));
    if (both) yield `node.addresses holds "${both}", which node "${other.name}" has already`;
  }
  yield* machinesInside([node], rangesOf(clusterCIDR), "the Pods' range", "clusterCIDR");
  yield* machinesInside([node], rangesOf(serviceCIDR), "the Services' range", "serviceCIDR");
}

// ---- each option by itself ----------------------------------------------------------------------

type Check = (value: unknown, name: string) => Generator<string>;

/** A check that asks one question; `allowed` ends the sentence. */
const must = (isFine: (value: unknown) => boolean, allowed: string): Check =>
  function* (value, name) {
    if (!isFine(value)) yield `${name} is ${shown(value)}; ${allowed}`;
  };

const isText = (value: unknown): value is string => typeof value === "string";
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const hasMethods =
  (...names: string[]) =>
  (value: unknown): boolean =>
    isRecord(value) && names.every((name) => typeof value[name] === "function");
const isWhole = (value: unknown, low: number, high: number): boolean =>
  Number.isInteger(value) && (value as number) >= low && (value as number) <= high;

const trueOrFalse = must((value) => typeof value === "boolean", "allowed are true and false");
/** So many addresses there are for machines. */
const mostNodes = [...machineAddresses()].length;

function* checkNodes(value: unknown): Generator<string> {
  if (!Array.isArray(value)) {
    if (!isWhole(value, 0, mostNodes))
      yield `nodes is ${shown(value)}; allowed are a whole number from 0 to ${mostNodes} and a list of nodes`;
    return;
  }
  for (const [i, node] of value.entries()) yield* checkNode(node, `nodes[${i}]`);
  yield* doubles(value as NodeSpec[]);
}

function* checkNode(node: unknown, at: string): Generator<string> {
  if (!isRecord(node)) return yield `${at} is ${shown(node)}; a node looks like { name: "node-a" }`;
  const known = ["name", "addresses", "zone", "labels", "capacity", "proxyMode"];
  yield* unknownKeys(`${at}.`, node, known);
  yield* checkText(node.name, `${at}.name`, dns1123Subdomain);
  if (node.addresses !== undefined) yield* checkAddresses(node.addresses, `${at}.addresses`);
  if (node.zone !== undefined) yield* checkText(node.zone, `${at}.zone`, labelValue);
  if (node.labels !== undefined) yield* checkNodeLabels(node.labels, `${at}.labels`);
  if (node.capacity !== undefined) yield* checkCapacity(node.capacity, `${at}.capacity`);
  if (node.proxyMode !== undefined) yield* checkProxyMode(node.proxyMode, `${at}.proxyMode`);
}

function* checkText(value: unknown, at: string, format: Format): Generator<string> {
  if (!isText(value)) return yield `${at} is ${shown(value)}; it must be a text`;
  for (const detail of format(value)) yield `${at} is ${shown(value)}: ${detail}`;
}

function* checkAddresses(value: unknown, at: string): Generator<string> {
  if (!Array.isArray(value) || value.length === 0)
    return yield `${at} is ${shown(value)}; it must be a list of at least one IP address`;
  for (const [i, address] of value.entries()) {
    const problem = isText(address) ? unusable(address) : "it must be a text";
    if (problem) yield `${at}[${i}] is ${shown(address)}; ${problem}`;
  }
}

/** Why no machine can have this address. */
function unusable(text: string): string | undefined {
  const address = readAddress(text);
  if (!address) return "it must be an IP address such as 192.168.0.1, without a prefix length";
  if (address.text !== text) return `write it as ${address.text}`;
  if (text === gateway) return "it is the gateway's";
  if (address.loopback || ["0.0.0.0", "::", "255.255.255.255"].includes(text) || isMulticast(text))
    return "no machine can have it";
  return undefined;
}

const isMulticast = (text: string): boolean =>
  ["224.0.0.0/4", "ff00::/8"].some((range) => readCIDR(range)!.contains(parseAddress(text)));

function* checkNodeLabels(value: unknown, at: string): Generator<string> {
  if (!isRecord(value) || !Object.values(value).every(isText))
    return yield `${at} is ${shown(value)}; it must be an object of texts`;
  for (const { message } of checkLabels(at, value as Record<string, string>))
    yield `${at}: ${message}`;
}

function* checkCapacity(value: unknown, at: string): Generator<string> {
  if (!isRecord(value)) return yield `${at} is ${shown(value)}; it must be an object of quantities`;
  yield* unknownKeys(`${at}.`, value, ["cpu", "memory", "pods"]);
  for (const [name, amount] of Object.entries(value))
    if (amount !== undefined && !(isText(amount) && isQuantity(amount)))
      yield `${at}.${name} is ${shown(amount)}; it must be a quantity such as "4" or "16Gi"`;
}

/** Nodes of one name, and addresses that two nodes have. */
function* doubles(nodes: readonly NodeSpec[]): Generator<string> {
  const names = new Set<string>();
  const owners = new Map<string, string>();
  for (const [i, { name, addresses = [] }] of nodes.entries()) {
    if (names.has(name)) yield `nodes[${i}].name is "${name}", and so is an earlier node's`;
    names.add(name);
    for (const [j, address] of addresses.entries()) {
      const owner = owners.get(address);
      if (owner !== undefined)
        yield `nodes[${i}].addresses[${j}] is "${address}", which node "${owner}" has already`;
      owners.set(address, name);
    }
  }
}

/**
 * One range of each family at most, with a comma between them, large enough for a node's part of it
 * (--node-cidr-mask-size) or for 8 Services (cmd/kube-apiserver/app/options, getServiceIPRange).
 */
const checkRanges = (smallest: Record<Family, number>): Check =>
  function* (value, name) {
    const allowed = `it must be a CIDR such as 10.1.0.0/16, or one of each family with a comma between them`;
    if (!isText(value)) return yield `${name} is ${shown(value)}; ${allowed}`;
    const ranges = value
      .split(",")
      .map((text) => (text.includes("/") ? readCIDR(text) : undefined));
    const families = new Set(ranges.map((range) => range?.family));
    if (families.has(undefined) || families.size < ranges.length)
      yield `${name} is ${shown(value)}; ${allowed}`;
    for (const range of ranges)
      if (range && range.length > smallest[range.family])
        yield `${name} is ${shown(value)}; a range of ${range.family} must have at least the size of a /${smallest[range.family]}`;
  };

function* checkFirst(value: unknown): Generator<string> {
  if (!isRecord(value))
    return yield `first is ${shown(value)}; it looks like { clusterIP: "10.2.1.1", nodePort: 30519 }`;
  yield* unknownKeys("first.", value, ["clusterIP", "nodePort"]);
  const { clusterIP, nodePort } = value;
  if (clusterIP !== undefined && !(isText(clusterIP) && readAddress(clusterIP)))
    yield `first.clusterIP is ${shown(clusterIP)}; it must be an IP address`;
  if (nodePort !== undefined && !isWhole(nodePort, 30000, 32767))
    yield `first.nodePort is ${shown(nodePort)}; it must be a whole number from 30000 to 32767`;
}

function* checkDomains(value: unknown): Generator<string> {
  const example = `{ "mynginx-app.com": "default/nginx" }`;
  if (!isRecord(value)) return yield `domains is ${shown(value)}; it looks like ${example}`;
  for (const [domain, service] of Object.entries(value)) {
    for (const detail of dns1123Subdomain(domain.toLowerCase().replace(/\.$/, "")))
      yield `domains has the name "${domain}": ${detail}`;
    if (!isText(service) || !/^[^/]+\/[^/]+$/.test(service))
      yield `domains["${domain}"] is ${shown(service)}; it must be a Service's "namespace/name"`;
  }
}

function* checkProxyMode(value: unknown, name: string): Generator<string> {
  if (typeof value === "function" || (isText(value) && modeNames.includes(value))) return;
  yield `${name} is ${shown(value)}; allowed are ${modeNames.map((each) => `"${each}"`).join(", ")} and a function that makes a proxy backend`;
}

/** What each option must be. */
const checks: { [Option in keyof Required<ClusterOptions>]: Check } = {
  nodes: checkNodes,
  cloud: must(
    (value) => typeof value === "function" && value !== aws && value !== gcp,
    "allowed are aws(), gcp() and any other function that makes a cloud provider",
  ),
  cni: must(
    (value) => typeof value === "function" && value !== ptp && value !== bridge,
    "allowed are ptp(), bridge() and any other function that makes a CNI plugin",
  ),
  runtime: must(
    (value) => typeof value === "function",
    "allowed are runsCommands and any other function that makes a container runtime",
  ),
  version: must(
    (value) => isText(value) && kubernetesVersions.includes(value),
    `allowed are ${kubernetesVersions.map((each) => `"${each}"`).join(", ")}`,
  ),
  seed: must(
    (value) => isText(value) || Number.isFinite(value),
    "allowed are a finite number and a text",
  ),
  kubeProxy: must(isRecord, "it must be a KubeProxyConfiguration document"),
  proxyMode: checkProxyMode,
  clusterCIDR: checkRanges({ IPv4: 24, IPv6: 64 }),
  serviceCIDR: checkRanges({ IPv4: 29, IPv6: 125 }),
  first: checkFirst,
  domains: checkDomains,
  store: must(hasMethods("get", "range", "put", "delete", "watch"), "it must be a Store"),
  clock: must(hasMethods("now", "schedule"), "it must be a Clock"),
  nfacct: trueOrFalse,
  randomFully: trueOrFalse,
  systemObjects: trueOrFalse,
  missingImages: must(
    (value) => Array.isArray(value) && value.every(isText),
    'it must be a list of images: ["shop:2"]',
  ),
  onWarning: must((value) => typeof value === "function", "it must be a function"),
  onFailure: must((value) => typeof value === "function", "it must be a function"),
  faults: must(isRecord, "it must be an object with client, network or both"),
  historyLimit: must(
    (value) => value === Infinity || isWhole(value, 0, Number.MAX_SAFE_INTEGER),
    "it must be a whole number, 0 or more",
  ),
};

// ---- all together -------------------------------------------------------------------------------

/** Nobody's address may lie in a range of somebody else's. */
function* overlaps(options: ClusterOptions): Generator<string> {
  const { nodes = 3, first } = options;
  const { clusterCIDR, serviceCIDR } = rangesFor(options);
  const [pods, services] = [rangesOf(clusterCIDR), rangesOf(serviceCIDR)];
  for (const x of pods)
    for (const y of services)
      if (x.contains(y.base) || y.contains(x.base))
        yield `serviceCIDR ${y.text} and clusterCIDR ${x.text} overlap; Services and Pods need ranges of their own`;
  yield* machinesInside(nodes, pods, "the Pods' range", "clusterCIDR");
  yield* machinesInside(nodes, services, "the Services' range", "serviceCIDR");
  const { clusterIP } = first ?? {};
  if (clusterIP && !services.some((range) => range.contains(parseAddress(clusterIP))))
    yield `first.clusterIP is "${clusterIP}", which is not in the Services' range ${serviceCIDR} (serviceCIDR)`;
}

function* machinesInside(
  nodes: number | readonly NodeSpec[],
  ranges: readonly CIDR[],
  whose: string,
  option: string,
): Generator<string> {
  for (const [holder, address] of machinesOf(nodes))
    for (const range of ranges)
      if (range.contains(parseAddress(address)))
        yield `${whose} ${range.text} (${option}) holds ${address}, the address of ${holder}; choose another range or address`;
}

const rangesOf = (text: string): CIDR[] =>
  text.split(",").flatMap((range) => readCIDR(range) ?? []);

/** Who has which address: machines without one get theirs in order. */
function* machinesOf(nodes: number | readonly NodeSpec[]): Generator<[string, string]> {
  yield ["the gateway", gateway];
  if (typeof nodes === "number") {
    for (const address of machineAddresses()) {
      if (nodes-- <= 0) return;
      yield ["a node", address];
    }
    return;
  }
  for (const { name, addresses = [] } of nodes)
    for (const address of addresses) yield [`node "${name}"`, address];
}

Object.assign(optionChecks, { cluster: checkOptions, node: checkNewNode } satisfies OptionChecks);
