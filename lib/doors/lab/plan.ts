/**
 * What a lab has to build, as plain data: the machines of a network with their addresses, routes
 * and rules, the Pods on them, the load balancers, the names, and the client. It is read from the
 * very network that our own journeys go through.
 */
import { questionsOf } from "../../journey/lookup.js";
import { nameOf, originOf, type Origin } from "../../journey/origin.js";
import { readURL } from "../../journey/url.js";
import type { Network } from "../../journey/network.js";
import type { DnsRecord } from "../../net/dns.js";
import { saveText } from "../../net/iptables/text.js";
import { iptables } from "../../net/iptables/walk.js";
import type { Kernel } from "../../net/kernel.js";
import type { LoadBalancer, Target } from "../../net/load-balancer.js";
import { listText } from "../../net/nftables/text.js";
import { nftables } from "../../net/nftables/walk.js";
import type { Route } from "../../net/routes.js";
import type { RuleSet } from "../../net/iptables/rule.js";
import type { Port } from "../../node/cni/cni.js";
import type { Machine, Sandbox } from "../../node/machine.js";
import { checkPlan } from "./check-plan.js";

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

/** A class-room's machine holds so many namespaces without trouble. */
const limits = { nodes: 20, pods: 100 } as const;

/**
 * Throws where the question cannot be put to a lab: too large a cluster, a URL that is not http, a
 * name that is none.
 */
export function planOf(network: Network, { url, from }: { url: string; from: string }): LabPlan {
  const goal = readURL(url);
  if ("failure" in goal) throw new Error(goal.failure);
  if (!/^http:/i.test(url))
    throw new Error(
      `the lab's servers speak plain HTTP, and "${url}" asks for something else; write http://…`,
    );
  const machines = [...network.machines.values()];
  const pods = machines.flatMap((machine) =>
    [...machine.sandboxes].map((sandbox) =>
      podOf(machine, sandbox, [...servedPorts(machines), goal.port]),
    ),
  );
  for (const [kind, all] of [
    ["nodes", machines],
    ["pods", pods],
  ] as const) {
    if (all.length > limits[kind])
      throw new Error(
        `this cluster has ${all.length} ${kind}, and a lab holds ${limits[kind]}; make the cluster smaller (--nodes 3, replicas: 3)`,
      );
  }
  const origin = originOf(network, from);
  const { ofCluster, names } = questionsOf(origin, goal.host);
  const zones = [network.internet, ...(ofCluster ? [network.clusterDns] : [])];
  const plan: LabPlan = {
    nodes: machines.map(nodeOf),
    pods,
    url,
    balancers: [...network.balancers].map(({ balancer, targets }) => ({ ...balancer, targets })),
    podRoutes: [...network.routes].flatMap(({ to, via }) =>
      via === undefined ? [] : [{ to, via }],
    ),
    names: zones.flatMap((zone) => zone.entries()).map(([name, records]) => ({ name, records })),
    client: {
      kind: origin.kind,
      name: nameOf(origin),
      addresses: origin.addresses,
      inside: origin.addresses.every((address) => network.isInside(address)),
    },
    lookups: names,
  };
  checkPlan(plan);
  return plan;
}

function nodeOf(machine: Machine): LabNode {
  const { name, kernel } = machine;
  const { addresses = [] } = kernel.interfaces.find((each) => each.name === "eth0") ?? {};
  const routes = new Map<string, Route>(); // the node's own before those that all share
  for (const route of kernel.routes) if (!routes.has(route.to)) routes.set(route.to, route);
  const { rules } = iptables(kernel);
  const text = (rules: RuleSet | undefined): string | undefined => rules && saveText(rules);
  return {
    name,
    addresses,
    routeLocalnet: kernel.routeLocalnet,
    bridges: bridgesOf(machine),
    routes: [...routes.values()].filter(
      ({ dev, via, to, type }) =>
        type !== undefined || via !== undefined || (dev === "eth0" && isDefault(to)),
    ),
    rules: { IPv4: text(rules.IPv4), IPv6: text(rules.IPv6), nftables: nftablesText(kernel) },
  };
}

/** As nft takes it, whatever order the tables have. */
function nftablesText(kernel: Kernel): string | undefined {
  const { rules } = nftables(kernel);
  return rules && listText(rules);
}

function bridgesOf({ kernel, pods, sandboxes }: Machine): LabBridge[] {
  const bridges = new Map<string, LabBridge>();
  for (const { key } of sandboxes) {
    const { device: name, bridge } = pods.portOf(key) ?? {};
    if (name === undefined || !bridge || bridges.has(name)) continue;
    const { addresses = [] } = kernel.interfaces.find((each) => each.name === name) ?? {};
    bridges.set(name, { name, addresses, ...bridge });
  }
  return [...bridges.values()];
}

export const isDefault = (to: string): boolean => ["default", "0.0.0.0/0", "::/0"].includes(to);

function podOf(machine: Machine, sandbox: Sandbox, candidates: readonly number[]): LabPod {
  const declared = sandbox.pod.spec.containers.flatMap(({ ports = [] }) =>
    ports.map(({ containerPort }) => containerPort),
  );
  const port = machine.pods.portOf(sandbox.key);
  return {
    key: sandbox.key,
    node: machine.name,
    interface: sandbox.veth,
    ...(port?.bridge && { bridge: port.device }),
    ips: sandbox.ips,
    hostNetwork: sandbox.hostNetwork,
    ports: [...new Set([...declared, ...candidates])].filter((port) =>
      sandbox.listens("TCP", port),
    ),
  };
}

/** The ports that some node's rules send connections to. */
function servedPorts(machines: readonly Machine[]): Set<number> {
  const ports = new Set<number>();
  for (const { kernel } of machines) {
    for (const rules of Object.values(iptables(kernel).rules)) {
      for (const { rules: all } of rules.chains("nat"))
        for (const { target } of all)
          if (target?.kind === "DNAT" && target.low !== undefined) ports.add(target.low);
    }
    for (const port of nftablesPorts(kernel)) ports.add(port);
  }
  return ports;
}

function* nftablesPorts(kernel: Kernel): Generator<number> {
  for (const table of nftables(kernel).rules?.tables() ?? [])
    for (const { rules } of table.chains())
      for (const { statements } of rules)
        for (const statement of statements)
          if (statement.kind === "dnat" && statement.port?.kind === "value")
            yield Number(statement.port.text);
}
