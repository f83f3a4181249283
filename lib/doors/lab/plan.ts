/**
 * What a lab has to build, as plain data: the machines of a network with their addresses, routes
 * and rules, the Pods on them, the load balancers, the names, and the client. It is read from the
 * very network that our own journeys go through.
 */
import { questionsOf } from "../../journey/lookup.js";
import { nameOf, originOf } from "../../journey/origin.js";
import { readURL } from "../../journey/url.js";
import type { Network } from "../../journey/network.js";
import { saveText } from "../../net/iptables/text.js";
import { iptables } from "../../net/iptables/walk.js";
import type { Kernel } from "../../net/kernel.js";
import { listText } from "../../net/nftables/text.js";
import { nftables } from "../../net/nftables/walk.js";
import type { Route } from "../../net/routes.js";
import type { RuleSet } from "../../net/iptables/syntax.js";
import type { Machine, Sandbox } from "../../node/machine.js";
import { checkPlan } from "./check-plan.js";
import type { LabBridge, LabNode, LabPlan, LabPod } from "./types.js";

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
