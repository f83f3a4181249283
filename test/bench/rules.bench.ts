// Issue 3's figures: rules for 10,000 Services, one change among them, and what one packet costs.
import { spawnSync } from "node:child_process";
import { iptables } from "stopover/internal/net/iptables/walk";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import { seeded } from "stopover/internal/net/choice";
import { Kernel } from "stopover/internal/net/kernel";
import { rollBack, type Walk } from "stopover/internal/net/passage";
import { packet } from "stopover/internal/net/packet";
import { configFor, defaults } from "stopover/internal/node/proxy/config";
import { KubeProxy } from "stopover/internal/node/proxy/kube-proxy";
import { NodeRules } from "stopover/internal/node/proxy/iptables/node-rules";
import { ServiceTable } from "stopover/internal/node/proxy/frontend";
import { sharedRules } from "stopover/internal/node/proxy/iptables/shared";
import type { EndpointSlice, Node, Service } from "stopover/internal/objects/types";

export const view = {
  name: "node-a",
  nodeIP: "192.168.0.1",
  addresses: ["127.0.0.1", "192.168.0.1"],
};
export const name = (i: number): string => `svc-${String(i).padStart(5, "0")}`;

export const service = (i: number): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: name(i), namespace: "default" },
  spec: {
    type: "ClusterIP",
    clusterIP: `10.96.${i >> 8}.${i & 255}`,
    ports: [{ name: "http", port: 80, targetPort: 8080, protocol: "TCP" }],
  },
});
export const slice = (i: number, endpoints = 10, shift = 0): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: {
    name: `${name(i)}-x`,
    namespace: "default",
    labels: { "kubernetes.io/service-name": name(i) },
  },
  addressType: "IPv4",
  endpoints: Array.from({ length: endpoints }, (_, e) => ({
    addresses: [`10.${(i % 100) + 100}.${(i / 100) | 0}.${e + 1 + shift}`],
    nodeName: `node-${e}`,
  })),
  ports: [{ name: "http", port: 8080, protocol: "TCP" }],
});
export const objects = (services: number): [Service, EndpointSlice][] =>
  Array.from({ length: services }, (_, i) => [service(i), slice(i)]);
export function programmed(cluster: readonly [Service, EndpointSlice][]): ServiceTable {
  const rules = new ServiceTable(configFor("IPv4", { ...defaults, clusterCIDR: "10.0.0.0/8" }));
  for (const [each, itsSlice] of cluster) {
    rules.setService(`default/${each.metadata.name}`, each);
    rules.setEndpointSlice(`default/${itsSlice.metadata.name}`, itsSlice);
  }
  return rules;
}
export const cluster = (services: number): ServiceTable => programmed(objects(services));
export const seconds = (run: () => void): number => {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
};
export const bestOfThree = (run: () => void): number =>
  Math.min(...[1, 2, 3].map(() => seconds(run)));
export const thousands = (n: number): string => Math.round(n).toLocaleString("en");

function fullRuleSet(): string {
  const given = objects(10_000); // what informers hold already
  let rules!: ServiceTable;
  let count = 0;
  const built = bestOfThree(() => {
    rules = programmed(given);
    count = 0;
    const node = new NodeRules(sharedRules(rules), rules.version, view);
    for (const table of ["filter", "nat"] as const)
      for (const chain of node.chains(table)) count += chain.rules.length;
  });
  let text = "";
  const written = bestOfThree(
    () => (text = new NodeRules(sharedRules(rules), rules.version, view).restoreText()),
  );
  const figures = `${thousands(count)} rules built in ${built.toFixed(2)} s of CPU (goal: 1), ${(text.length / 1e6).toFixed(0)} MB written in ${written.toFixed(2)} s (best of three)`;
  const read = spawnSync("unshare", ["-n", "sh", "-c", "iptables-restore --test; times"], {
    input: text,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const [, minutes, rest, systemMinutes, systemRest] =
    /\n(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/.exec(read.stdout) ?? [];
  if (read.status !== 0 || minutes === undefined)
    return `${figures}; no iptables-restore to compare with (${read.stderr?.trim().split("\n")[0] || read.error?.message || "it failed"})`;
  const real =
    Number(minutes) * 60 + Number(rest) + Number(systemMinutes) * 60 + Number(systemRest);
  return `${figures}; iptables-restore --test reads it in ${real.toFixed(2)} s: ${(real / written).toFixed(1)} times as long (goal: 5)`;
}

/**
 * Milliseconds until the node's rules say what one changed EndpointSlice says, its chains and their
 * text made.
 */
function oneChange(services: number): number {
  const rules = cluster(services);
  let node = new NodeRules(sharedRules(rules), rules.version, view);
  rules.use(undefined, node.version);
  const change = (round: number): void => {
    const key = `default/${name(services >> 1)}`;
    rules.setEndpointSlice(`${key}-x`, slice(services >> 1, 10, round % 200));
    node = new NodeRules(sharedRules(rules), rules.version, view);
    rules.use(rules.version - 1, rules.version);
    for (const program of node.programs([rules.stateAt(key, rules.version)!]))
      for (const chain of program.chains.values())
        if (chain.rules.length === 0) throw new Error("an empty chain");
  };
  for (let round = 0; round < 200; round++) change(round);
  const rounds = 2000;
  return (
    (seconds(() => {
      for (let round = 0; round < rounds; round++) change(round);
    }) /
      rounds) *
    1000
  );
}

function change(): string {
  const few = oneChange(100);
  const many = oneChange(10_000);
  return `one changed EndpointSlice: ${few.toFixed(3)} ms among 100 Services, ${many.toFixed(3)} ms among 10,000 (goal: under 1), ratio ${(many / few).toFixed(2)}`;
}

/**
 * Packets to the last of `services` ClusterIPs: how many rules one looks at, and how long that
 * takes.
 */
function onePacket(services: number): { rules: number; microseconds: number } {
  const rules = cluster(services);
  const kernel = new Kernel({
    name: "node-a",
    clock: { now: () => 0 },
    forwarding: true,
    interfaces: [{ name: "eth0", addresses: ["192.168.0.1/24"] }],
  });
  kernel.routes.add({ to: "default", dev: "eth0" });
  iptables(kernel).rules.IPv4 = new NodeRules(sharedRules(rules), rules.version, view);
  let state = 1;
  const choose = seeded(() => (state = (state * 16807) % 2147483647) / 2147483647);
  const walk: Walk = { choose, undo: [], rules: 0 };
  const sent = packet("10.1.1.2:40000", `${service(services - 1).spec.clusterIP}:80`);
  const send = (): void => {
    if (kernel.receive(sent, "eth0", walk).kind !== "forward")
      throw new Error("the packet was not forwarded");
    rollBack(walk);
  };
  for (let i = 0; i < 100; i++) send();
  walk.rules = 0;
  const packets = Math.max(100, 200_000 / services);
  const time = seconds(() => {
    for (let i = 0; i < packets; i++) send();
  });
  return { rules: Math.round(walk.rules / packets), microseconds: (time / packets) * 1e6 };
}

/**
 * The cost of one packet against the number of Services: the data of a chart (iptables looks at
 * rules one by one).
 */
export const costOfServices = (
  counts: readonly number[] = [1, 10, 100, 1000, 5000, 10_000],
): { services: number; rules: number; microseconds: number }[] =>
  counts.map((services) => ({ services, ...onePacket(services) }));

function packets(): string {
  const costs = costOfServices();
  const most = Math.max(...costs.map(({ microseconds }) => microseconds));
  const lines = costs.map(
    ({ services, rules, microseconds }) =>
      `    ${String(services).padStart(6)} Services ${String(rules).padStart(6)} rules ${microseconds.toFixed(1).padStart(7)} µs ${"█".repeat(Math.max(1, Math.round((40 * microseconds) / most)))}`,
  );
  return ["one packet to the last ClusterIP:", ...lines].join("\n");
}

/** The article's Service: three Pods behind a NodePort. */
function walks(): string {
  const rules = new ServiceTable(configFor("IPv4", { ...defaults, clusterCIDR: "10.1.0.0/16" }));
  rules.setService("default/nginx", {
    ...service(0),
    metadata: { name: "nginx", namespace: "default" },
    spec: {
      type: "LoadBalancer",
      clusterIP: "10.2.1.1",
      ports: [{ name: "http", port: 8080, targetPort: 80, nodePort: 30519, protocol: "TCP" }],
    },
  });
  rules.setEndpointSlice("default/nginx-x", {
    ...slice(0, 3),
    metadata: {
      name: "nginx-x",
      namespace: "default",
      labels: { "kubernetes.io/service-name": "nginx" },
    },
  });
  const kernel = new Kernel({
    name: "node-a",
    clock: { now: () => 0 },
    forwarding: true,
    interfaces: [{ name: "eth0", addresses: ["192.168.0.1/24"] }],
  });
  kernel.routes.add({ to: "default", dev: "eth0" });
  iptables(kernel).rules.IPv4 = new NodeRules(sharedRules(rules), rules.version, view);
  let state = 1;
  const choose = seeded(() => (state = (state * 16807) % 2147483647) / 2147483647);
  const sent = packet("203.0.113.9:40000", "192.168.0.1:30519");
  const rate = (record?: Walk["record"]): number => {
    const walk: Walk = { choose, undo: [], ...(record && { record }) };
    const run = (n: number): void => {
      for (let i = 0; i < n; i++) {
        kernel.receive(sent, "eth0", walk);
        rollBack(walk);
      }
    };
    run(20_000);
    return 200_000 / seconds(() => run(200_000));
  };
  let steps = 0;
  return `walks of a packet through the article's rules: ${thousands(rate())} a second, ${thousands(rate(() => void steps++))} with every step recorded (goals: 200,000 and 40,000)`;
}

/**
 * The size that Kubernetes calls its limit: every node's kube-proxy syncs, then one endpoint
 * changes.
 */
function everyNode(): string {
  const clock = new VirtualClock(0);
  const rules = cluster(10_000);
  const config = { ...defaults, clusterCIDR: "10.0.0.0/8" };
  const kernels = Array.from({ length: 5000 }, (_, i) => {
    const name = `node-${i}`;
    const address = `192.168.${i >> 8}.${i & 255}`;
    const kernel = new Kernel({
      name,
      clock,
      forwarding: true,
      interfaces: [{ name: "eth0", addresses: [`${address}/16`] }],
    });
    const node: Node = {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name },
      spec: {},
      status: { addresses: [{ type: "InternalIP", address }] },
    };
    new KubeProxy({ node, config, clock, kernel, services: { IPv4: rules } }).start();
    return kernel;
  });
  const first = seconds(() => clock.settle());
  rules.setEndpointSlice(`default/${name(7)}-x`, slice(7, 10, 50));
  const next = seconds(() => clock.settle());
  if (
    kernels.some((kernel) => (iptables(kernel).rules.IPv4 as NodeRules).version !== rules.version)
  )
    throw new Error("a node did not sync");
  return `5,000 nodes x 10,000 Services: all synced in ${first.toFixed(2)} s of CPU; after one change, all again in ${next.toFixed(2)} s`;
}

export const benches = [
  { name: "rules of 10,000 Services x 10 endpoints", run: fullRuleSet },
  { name: "one change", run: change },
  { name: "cost of a packet", run: packets },
  { name: "walks", run: walks },
  { name: "every node", run: everyNode },
];
