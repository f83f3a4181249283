/**
 * A cluster out of objects as they are, status included, without any controller: for a dump of a
 * real cluster (`kubectl get nodes,pods,services,endpointslices -A -o yaml`). Only what packets
 * meet is programmed: machines and their Pods, kube-proxies, load balancers, names.
 */
import { articleDomains, type ClusterOptions, type Traceable } from "./cluster.js";
import { kubernetes } from "./objects/kubernetes.js";
import { askedOf } from "./cloud/annotations.js";
import {
  AddressPool,
  publicAddresses,
  standInAddresses,
  standInAddressesIPv6,
} from "./cloud/addresses.js";
import { firstBalanced, hostnamesOf, recordsFor } from "./cloud/external-dns.js";
import { explaining, whyOf } from "./diagnosis.js";
import { DataPath } from "./journey/data-path.js";
import { dumpedDocuments } from "./dumped.js";
import { Network } from "./journey/network.js";
import { keyOf } from "./machinery/informer.js";
import { Random } from "./machinery/random.js";
import { VirtualClock } from "./machinery/virtual-clock.js";
import { parseCIDR, readAddress, readCIDR } from "./net/ip.js";
import { addressRecord, Zone } from "./net/dns.js";
import { printable } from "./net/printable.js";
import {
  fixedBalancers,
  type Balancer,
  type LoadBalancer,
  type Target,
} from "./net/load-balancer.js";
import { Routes } from "./net/routes.js";
import { clusterDomain, podRecordsOf, recordsOf, serviceKeyOf } from "./node/dns.js";
import { attributesUnderstood, isNlb, keepsClient, nlbWords } from "./cloud/nlb-attributes.js";
import { sourceRangesOf } from "./cloud/provider.js";
import { readConfiguration } from "./node/proxy/configuration.js";
import { cidrsOf, ProxyFleet } from "./node/proxy/fleet.js";
import { grantedTo } from "./node/granted.js";
import { Machine } from "./node/machine.js";
import { podRoutesOf } from "./node/cni/pod-routes.js";
import { internalBy } from "./objects/annotations.js";
import type { Documents } from "./objects/files.js";
import { isTerminal } from "./objects/pods.js";
import type {
  EndpointSlice,
  Kind,
  Kinds,
  Node,
  Pod,
  Service,
  ServicePort,
} from "./objects/types.js";
import type { World } from "./why/types.js";

/** A dumped cluster, to be asked where requests and packets go. */
export interface Snapshot extends Traceable {
  /** The objects of a kind, as they were given. */
  list<K extends Kind>(kind: K): readonly Kinds[K][];
}

/**
 * Without a KubeProxyConfiguration among the documents, kube-proxy has its own defaults: no
 * clusterCIDR, so it cannot tell Pods from strangers.
 */
export function openSnapshot(
  documents: Documents,
  options: Pick<
    ClusterOptions,
    "seed" | "domains" | "nfacct" | "randomFully" | "proxyMode" | "version" | "onWarning"
  > = {},
): Snapshot {
  refuseManifests(documents);
  const { documents: told, basis, doubtful, dnsFault } = dumpedDocuments(documents);
  const byKind = grouped(
    told.manifests.map(({ object }) => object),
    ({ kind }) => kind,
  );
  const list = <K extends Kind>(kind: K): Kinds[K][] => (byKind.get(kind) ?? []) as Kinds[K][];
  const clock = new VirtualClock();
  const random = new Random(options.seed ?? 1);
  const internet = new Zone();
  const standIns = new StandIns(
    new Set([
      ...list("Node").flatMap(({ status }) => (status?.addresses ?? []).map((a) => a.address)),
      ...list("Pod").flatMap(ipsOf),
      ...list("Service").flatMap(addressesOf),
      ...list("EndpointSlice").flatMap((slice) => slice.endpoints.flatMap((e) => e.addresses)),
    ]),
  );
  const slices = grouped(list("EndpointSlice"), serviceKeyOf);
  const balancers = list("Service").flatMap((service) =>
    balancersOf(service, list("Node"), slices.get(keyOf(service)) ?? [], standIns),
  );
  const network = new Network(new Routes(), internet, new Zone(), fixedBalancers(balancers));
  const { proxyMode: mode, version, onWarning } = options;
  const features = { ...options, kubernetes: kubernetes(version) };
  const config = readConfiguration(told.kubeProxy ?? {}, features.kubernetes);
  const proxies = new ProxyFleet({ clock, config, features, mode });
  for (const text of proxies.warnings) onWarning?.(text);
  network.podRanges.push(
    ...config.clusterCIDR.split(",").flatMap((range) => readCIDR(range.trim()) ?? []),
    ...list("Node").flatMap((node) => podRoutesOf(node).map(({ to }) => parseCIDR(to))),
  );

  for (const node of list("Node")) network.addMachine(machineOf(node, clock, network.routes));
  for (const node of list("Node")) podRoutesOf(node).forEach((route) => network.routes.add(route));
  for (const pod of list("Pod")) attach(network, pod);
  network.bases.push(basis);
  network.dnsFault = dnsFault;
  network.learn((kind) => byKind.get(kind) ?? []);
  for (const [name, doubt] of doubtful) {
    const machine = network.machines.get(name);
    if (machine) machine.doubt = doubt;
  }
  const taken = new Set(
    [...network.machines.values()].flatMap((machine) => [
      ...machine.addresses,
      ...[...machine.sandboxes].flatMap(({ ips }) => ips),
    ]),
  );
  const pods = new Map(list("Pod").map((pod) => [keyOf(pod), pod]));
  for (const slice of list("EndpointSlice"))
    for (const endpoint of slice.endpoints)
      for (const address of endpoint.addresses) {
        const { kind, name, namespace = slice.metadata.namespace } = endpoint.targetRef ?? {};
        const pod = kind === "Pod" ? pods.get(`${namespace}/${name}`) : undefined;
        if (pod && hasNot(pod, address)) {
          if (!taken.has(address)) nobodyHas(network, endpoint.nodeName, address);
          continue;
        }
        standIn(
          network,
          taken,
          address,
          endpoint.nodeName,
          endpoint.targetRef?.kind === "Pod"
            ? {
                name: endpoint.targetRef.name!,
                namespace: endpoint.targetRef.namespace ?? slice.metadata.namespace!,
              }
            : undefined,
        );
      }

  for (const machine of network.machines.values()) proxies.add(machine);
  proxies.setServiceCIDRs(list("ServiceCIDR" as Kind).flatMap(cidrsOf));
  for (const service of list("Service")) proxies.setService(keyOf(service), service);
  for (const slice of list("EndpointSlice")) proxies.setEndpointSlice(keyOf(slice), slice);
  for (const node of list("Node")) proxies.setNode(node.metadata.name, node);
  clock.settle();

  for (const service of list("Service")) {
    const { name, namespace } = service.metadata;
    network.clusterDns.set(
      `${name}.${namespace}.svc.${clusterDomain}`,
      recordsOf(service, slices.get(keyOf(service)) ?? []),
    );
    for (const [pod, records] of podRecordsOf(service, slices.get(keyOf(service)) ?? []))
      network.clusterDns.set(pod, records);
  }
  for (const { balancer } of balancers)
    if (balancer.hostname) internet.set(balancer.hostname, balancer.addresses.map(addressRecord));
  const services = list("Service");
  for (const [domain, target] of Object.entries(options.domains ?? articleDomains)) {
    internet.set(
      domain,
      recordsFor(services.find((each) => keyOf(each) === target) ?? firstBalanced(services)),
    );
  }

  for (const service of services)
    for (const name of hostnamesOf(service))
      if (!internet.has(name)) internet.set(name, recordsFor(service));

  if (network.machines.size === 0) basis.leftOut.push(noNodes);
  const world = (): World => ({
    network,
    list,
    domains: options.domains ?? articleDomains,
    kubeProxy: config,
    makesBalancers: undefined,
    proxy: (name) => proxies.progress(name),
  });
  const path = new DataPath(
    network,
    random.fork("requests").next,
    random.fork("health checks").next,
    explaining(world),
  );
  for (const { balancer, targets } of balancers)
    for (const target of targets)
      target.healthy =
        balancer.healthCheck === undefined || path.healthy(target, balancer.healthCheck, balancer);
  /** Half a dump gives no verdict: whatever is asked for, nobody would have the address. */
  const asked = (): DataPath => {
    if (network.machines.size > 0 || services.length + list("Pod").length === 0) return path;
    throw new Error(noNodes.sentence);
  };
  return {
    network,
    list,
    node(name) {
      const [machine, proxy] = [network.machines.get(name), proxies.get(name)];
      if (!machine || !proxy)
        throw new Error(
          printable(
            `there is no node "${name}"; the nodes are ${[...network.machines.keys()].slice(0, 10).join(", ") || "none: no Node is among the documents"}`,
          ),
        );
      return { name, rules: proxy.tables };
    },
    request: (url, o) => asked().request(url, o),
    outcomes: (url, o) => asked().outcomes(url, o),
    shares: (url, o) => asked().shares(url, o),
    packet: (bare) => asked().packet(bare),
    packetOutcomes: (bare) => asked().packetOutcomes(bare),
    why: whyOf(world),
  };
}

const noNodes = {
  object: "Node",
  field: "",
  sentence:
    "no Node is among the documents, and it is nodes that hold a Service's rules and its Pods: kubectl get nodes -o yaml prints them",
};

/** What was read to be applied is without what a snapshot is made of: statuses, and owned Pods. */
function refuseManifests({ notices = [] }: Documents): void {
  const lost = notices.find(({ isServersOwn }) => isServersOwn);
  if (lost)
    throw new Error(
      `openSnapshot: ${lost.text}. So it was read to be applied; read a dump with { as: "dump" }`,
    );
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

/**
 * The Node's InternalIPs and ExternalIPs are its interface's addresses; its first InternalIP is the
 * node IP.
 */
function machineOf(node: Node, clock: VirtualClock, sharedRoutes: Routes): Machine {
  const of = (type: string) =>
    (node.status?.addresses ?? [])
      .filter((a) => a.type === type && readAddress(a.address))
      .map(({ address }) => `${readAddress(address)!.text}/${address.includes(":") ? 128 : 32}`);
  return new Machine({
    name: node.metadata.name,
    addresses: [...new Set([...of("InternalIP"), ...of("ExternalIP")])],
    clock,
    sharedRoutes,
  });
}

const ipsOf = ({ status }: Pod): string[] =>
  status?.podIPs?.map(({ ip }) => ip) ?? (status?.podIP ? [status.podIP] : []);

/** A Pod that has ended, or whose status has other addresses: a slice that says so is stale. */
function hasNot(pod: Pod, address: string): boolean {
  const ips = ipsOf(pod).map((ip) => readAddress(ip)?.text ?? ip);
  const isOther = ips.length > 0 && !ips.includes(readAddress(address)?.text ?? address);
  return isOther || isTerminal(pod);
}

const addressesOf = ({ spec, status }: Service): string[] => [
  ...(spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])),
  ...(spec.externalIPs ?? []),
  ...(status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []),
];

/**
 * Pods are reached through their node, wherever their addresses come from: its podCIDR, a block of
 * Calico's, a subnet of the cloud's.
 */
function leadTo(network: Network, machine: Machine, ips: readonly string[]): void {
  for (const to of ips) {
    if (network.machineFor(to) === machine) continue;
    const via = machine.addresses.find((one) => one.includes(":") === to.includes(":"));
    if (via !== undefined) network.routes.add({ to, via, dev: "eth0" });
  }
}

function attach(network: Network, pod: Pod): void {
  const machine = network.machines.get(pod.spec.nodeName ?? "");
  const ips = ipsOf(pod);
  if (!machine || !ips.length || isTerminal(pod)) return;
  const sandbox = machine.attach(pod, ips);
  sandbox.started = () => grantedTo(pod);
  if (!sandbox.hostNetwork) leadTo(network, machine, ips);
  for (const { name, state } of pod.status?.containerStatuses ?? [])
    if (state?.waiting ?? state?.terminated) sandbox.crash(name);
}

/** The network leads to the endpoint's node, and there nobody has its address any more. */
function nobodyHas(network: Network, nodeName: string | undefined, address: string): void {
  const machine = network.machines.get(nodeName ?? "");
  if (!machine || !readAddress(address)) return;
  machine.kernel.routes.add({ to: address, dev: "lo", type: "unreachable" });
  leadTo(network, machine, [address]);
}

/**
 * An endpoint whose Pod is not among the documents: somebody answers there all the same, on its
 * node or outside of the cluster.
 */
function standIn(
  network: Network,
  taken: Set<string>,
  address: string,
  nodeName: string | undefined,
  target: { name: string; namespace: string } | undefined,
): void {
  const ip = readAddress(address)?.text;
  if (ip === undefined || taken.has(ip)) return;
  taken.add(ip);
  const machine = network.machines.get(nodeName ?? "");
  const { name, namespace } = target ?? { name: ip, namespace: "default" };
  if (!machine) return void network.outside.set(ip, target ? `${namespace}/${name}` : ip);
  machine.attach(
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace },
      spec: { containers: [], nodeName: machine.name },
    },
    [ip],
  );
  network.routes.add({ to: ip, via: machine.addresses[0]!, dev: "eth0" });
}

/**
 * A load balancer as its Service's status tells of it: a hostname (or an IP in Proxy mode) stands
 * for a proxy to the NodePorts, an IP for a passthrough.
 */
function balancersOf(
  service: Service,
  nodes: readonly Node[],
  slices: readonly EndpointSlice[],
  standIns: StandIns,
): Balancer[] {
  const { spec, status, metadata } = service;
  if (spec.type !== "LoadBalancer") return [];
  const own = new Set(nodes.flatMap((node) => node.status?.addresses?.map((a) => a.address) ?? []));
  // k3s' ServiceLB: the address is a node's own, and its rules know it
  const ingresses = (status?.loadBalancer?.ingress ?? []).filter(({ ip }) => !own.has(ip ?? ""));
  return ingresses.map(({ ip, hostname, ipMode = "VIP" }): Balancer => {
    const toPods = targetsPods(service);
    const proxy = ip === undefined || ipMode === "Proxy" || toPods;
    const nlb = isNlb(service);
    const targets = toPods ? podTargets(slices) : holdersOf(service, nodes.flatMap(targetOf));
    const balancer: LoadBalancer = {
      name: hostname ?? ip ?? metadata.name,
      mode: proxy ? "proxy" : "passthrough",
      ...(hostname && { hostname }),
      addresses: [ip ?? standIns.publicFor(hostname ?? metadata.uid ?? metadata.name)],
      privateAddresses: proxy ? standIns.private(targets) : [],
      listeners: (spec.ports ?? []).map(({ protocol = "TCP", port, nodePort = 0, ...rest }) => ({
        protocol,
        port,
        targetPort: toPods ? podPort(slices, { protocol, port, ...rest }) : proxy ? nodePort : 0,
        ...(nlb && keepsClient(service, toPods, protocol) && { keepsClient: true }),
      })),
      sourceRanges: proxy ? sourceRangesOf(service) : [],
      ...(internalBy(service) !== undefined && { internal: true }),
      ...(isAnnounced(service) && { announced: true }),
      ...leftOutOf(service, nlb),
      ...(nlb && { words: nlbWords(service, toPods, "") }),
      ...(spec.externalTrafficPolicy === "Local" &&
        spec.healthCheckNodePort && {
          healthCheck: {
            protocol: "HTTP" as const,
            port: spec.healthCheckNodePort,
            intervalSeconds: 10,
            healthyThreshold: 2,
            unhealthyThreshold: 6,
          },
        }),
    };
    return { balancer, targets };
  });
}

const vipHost = "kube-vip.io/vipHost";
const metallbPool = /^metallb\.(io|universe\.tf)\/ip-allocated-from-pool$/;

/** What MetalLB and kube-vip note on a Service: nodes themselves have its address. */
const isAnnounced = ({ metadata: { annotations = {} } }: Service): boolean =>
  Object.keys(annotations).some((key) => key === vipHost || metallbPool.test(key));

/** kube-vip also notes which node that is. */
function holdersOf({ metadata: { annotations = {} } }: Service, nodes: Target[]): Target[] {
  const holder = nodes.filter(({ instance }) => instance === annotations[vipHost]);
  return holder.length > 0 ? holder : nodes;
}

function leftOutOf(service: Service, nlb: boolean): Pick<LoadBalancer, "unread"> {
  const { unread = [] } = askedOf(service, [
    ...readInDumps,
    ...(nlb ? attributesUnderstood(service) : []),
  ]);
  const pool = Object.keys(service.metadata.annotations ?? {}).find((key) => metallbPool.test(key));
  const which = pool && {
    object: `Service ${service.metadata.namespace}/${service.metadata.name}`,
    field: `metadata.annotations["${pool}"]`,
    sentence:
      "whether MetalLB announces the address from one node (layer 2) or from all (BGP) is not in a dump: each node is taken to get it",
  };
  const all = which ? [...unread, which] : unread;
  return all.length > 0 ? { unread: all } : {};
}

/** Annotations that say where a load balancer sends: see targetsPods. */
const readInDumps = [
  "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type",
  "service.beta.kubernetes.io/aws-load-balancer-type",
  "cloud.google.com/neg",
];

/**
 * Whether its load balancer sends to Pods: an NLB with IP targets, a NEG, or one that has no node
 * ports to send to. (aws-load-balancer-controller: docs/guide/service/nlb.md)
 */
function targetsPods({ metadata: { annotations = {} }, spec }: Service): boolean {
  const aws = "service.beta.kubernetes.io/aws-load-balancer";
  return (
    annotations[`${aws}-nlb-target-type`] === "ip" ||
    annotations[`${aws}-type`] === "nlb-ip" ||
    /"ingress"\s*:\s*true|exposed_ports/.test(annotations["cloud.google.com/neg"] ?? "") ||
    (spec.ports ?? []).every(({ nodePort }) => !nodePort)
  );
}

function podPort(
  slices: readonly EndpointSlice[],
  { name = "", protocol = "TCP", port, targetPort }: ServicePort,
): number {
  const found = slices
    .flatMap(({ ports }) => ports ?? [])
    .find((one) => (one.name ?? "") === name && (one.protocol ?? "TCP") === protocol);
  return found?.port ?? (typeof targetPort === "number" ? targetPort : port);
}

const podTargets = (slices: readonly EndpointSlice[]): Target[] =>
  slices.flatMap(({ endpoints }) =>
    endpoints.flatMap(({ addresses, nodeName, conditions }) =>
      conditions?.ready === false || nodeName === undefined
        ? []
        : addresses
            .filter((address) => readAddress(address))
            .map((address) => ({ instance: nodeName, address, healthy: true })),
    ),
  );

/**
 * A dump does not tell which addresses a hostname stands for, nor where the proxy behind it
 * connects from. These stand in for them: never two for one, and none that is in the dump.
 */
class StandIns {
  readonly #public = new AddressPool(publicAddresses());
  readonly #private = {
    IPv4: new AddressPool(standInAddresses()),
    IPv6: new AddressPool(standInAddressesIPv6()),
  };
  readonly #byName = new Map<string, string>();

  constructor(private readonly inDump: ReadonlySet<string>) {}

  /** Load balancers of one name share its address, and are told apart by their ports. */
  publicFor(name: string): string {
    const address = this.#byName.get(name) ?? this.#take(this.#public);
    this.#byName.set(name, address);
    return address;
  }

  /** One of each family in which it has targets; of IPv4 where it has none. */
  private(targets: readonly Target[]): string[] {
    const families = new Set(targets.map(({ address }) => readAddress(address)?.family ?? "IPv4"));
    if (families.size === 0) families.add("IPv4");
    return [...families].map((family) => this.#take(this.#private[family]));
  }

  #take(pool: AddressPool): string {
    const address = pool.take((each) => this.inDump.has(each));
    if (address !== undefined) return address;
    throw new Error(
      "the dump has more load balancers than there are addresses to stand in for theirs",
    );
  }
}

/** (cloud-provider: controllers/service, nodeIncludedPredicate) */
function targetOf({ metadata, spec, status }: Node): Target[] {
  const address = status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
  const excluded =
    metadata.labels && "node.kubernetes.io/exclude-from-external-load-balancers" in metadata.labels;
  const leaving =
    metadata.deletionTimestamp ||
    spec?.taints?.some(({ key }) => key === "ToBeDeletedByClusterAutoscaler");
  return address && !excluded && !leaving
    ? [{ instance: metadata.name, address, healthy: true }]
    : [];
}
