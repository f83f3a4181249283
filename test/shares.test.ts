/**
 * shares() merges ways that are alike; outcomes() walks each of them. Both must say the same,
 * whatever makes nodes different.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  aws,
  bridge,
  createCluster,
  endOf,
  gcp,
  type Cluster,
  type ClusterOptions,
} from "stopover";
import { intercept, type ClientFault } from "stopover/internal/machinery/interceptor";
import { parseRules } from "stopover/internal/net/iptables/parse";
import { iptables } from "stopover/internal/net/iptables/walk";

const url = "http://mynginx-app.com:8080/";
const web = (replicas: number, spec = "containers: [{name: web, image: nginx}]") => `
{apiVersion: apps/v1, kind: Deployment, metadata: {name: nginx}, spec: {replicas: ${replicas}, selector: {matchLabels: {app: web}},
  template: {metadata: {labels: {app: web}}, spec: {${spec}}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: nginx}, spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 8080, targetPort: 80}]}}
`;

function world(options: ClusterOptions = {}, replicas = 6, spec?: string): Cluster {
  const cluster = createCluster({ nodes: 9, cloud: aws(), ...options });
  cluster.apply(web(replicas, spec));
  cluster.settle();
  cluster.advance("30s");
  return cluster;
}

const remembered = (cluster: Cluster): number =>
  [...cluster.network.machines.values()].flatMap(({ kernel }) => [
    ...kernel.conntrack.connections(),
  ]).length;

/** What shares() says, beside the sum of all ways. */
function compare(cluster: Cluster, asked = url, options: { from?: string } = {}): string[] {
  const before = remembered(cluster);
  const sum: Record<string, number> = {};
  for (const way of cluster.outcomes(asked, options).outcomes)
    sum[endOf(way)] = (sum[endOf(way)] ?? 0) + way.probability;
  const shares = cluster.shares(asked, options);
  const text = (all: Record<string, number>) =>
    Object.entries(all)
      .map(([end, share]) => `${end} ${share.toFixed(9)}`)
      .sort();
  assert.equal(text(shares), text(sum));
  assert.is(remembered(cluster), before, "nothing stays behind");
  return Object.keys(shares);
}

const rulesOf = (cluster: Cluster, node: string, change: (text: string) => string): void => {
  const { kernel } = cluster.network.machines.get(node)!;
  iptables(kernel).rules.IPv4 = parseRules(change(cluster.node(node).rules.text()));
};
const noMasquerade = (text: string): string => text.replace(/-j MASQUERADE.*/, "-j ACCEPT");
const names = [
  "node-a",
  "node-b",
  "node-c",
  "node-d",
  "node-e",
  "node-f",
  "node-g",
  "node-h",
  "node-i",
];
const withFilter = (rule: string) => (text: string) =>
  text.replace(/(\*filter[\s\S]*?)(-A FORWARD)/, `$1${rule}\n$2`);

const rows: [says: string, make: () => Cluster][] = [
  ["nodes that are all alike", () => world()],
  ["more Pods than nodes", () => world({}, 13)],
  ["one Pod", () => world({}, 1)],
  ["no Pod", () => world({}, 0)],
  ["a passthrough load balancer", () => world({ cloud: gcp() })],
  ["Pods on bridges", () => world({ cni: bridge() }, 10)],
  [
    "one node that forgets to masquerade",
    () => {
      const cluster = world();
      rulesOf(cluster, "node-c", noMasquerade);
      return cluster;
    },
  ],
  [
    "all nodes forget it: only local Pods' answers come back",
    () => {
      const cluster = world();
      for (const name of names) rulesOf(cluster, name, noMasquerade);
      return cluster;
    },
  ],
  [
    "a node that turns one other node away",
    () => {
      const cluster = world();
      rulesOf(cluster, "node-b", withFilter("-A FORWARD -s 192.168.0.7/32 -j DROP"));
      return cluster;
    },
  ],
  [
    "all nodes turn one node away",
    () => {
      const cluster = world();
      for (const name of names)
        rulesOf(cluster, name, withFilter("-A FORWARD -s 192.168.0.7/32 -j DROP"));
      return cluster;
    },
  ],
  [
    "all nodes turn half of the nodes away",
    () => {
      const cluster = world();
      for (const name of names)
        rulesOf(cluster, name, withFilter("-A FORWARD -s 192.168.0.4/30 -j REJECT"));
      return cluster;
    },
  ],
  [
    "a node that has lost its route to another's Pods",
    () => {
      const cluster = world();
      const { routes } = cluster.network.machines.get("node-d")!.kernel;
      routes.add({ to: "10.1.2.0/24", dev: "eth0", type: "unreachable" });
      return cluster;
    },
  ],
  [
    "a node that has lost its way back to one node",
    () => {
      const cluster = world();
      const { routes } = cluster.network.machines.get("node-a")!.kernel;
      routes.add({ to: "192.168.0.5/32", dev: "eth0", type: "blackhole" });
      return cluster;
    },
  ],
  [
    "a node that is down, and not yet found out",
    () => {
      const cluster = world();
      cluster.node("node-e").stop();
      return cluster;
    },
  ],
  [
    "a node that forwards nothing",
    () => {
      const cluster = world();
      cluster.network.machines.get("node-f")!.kernel.forwarding = false;
      return cluster;
    },
  ],
  [
    "rules that are stale on one node",
    () => {
      const cluster = world();
      cluster.node("node-g").kubeProxy.stop();
      cluster.scale("Deployment", "nginx", 9);
      cluster.settle();
      cluster.advance("20s");
      return cluster;
    },
  ],
  [
    "externalTrafficPolicy Local",
    () => {
      const cluster = world({}, 5);
      cluster.patch("Service", "nginx", { spec: { externalTrafficPolicy: "Local" } });
      cluster.settle();
      return cluster;
    },
  ],
  [
    "session affinity",
    () => {
      const cluster = world();
      cluster.patch("Service", "nginx", { spec: { sessionAffinity: "ClientIP" } });
      cluster.settle();
      cluster.advance("5s");
      for (let i = 0; i < 5; i++) cluster.request(url);
      return cluster;
    },
  ],
  [
    "Pods in the nodes' own network",
    () => world({}, 4, "hostNetwork: true, containers: [{name: web, image: nginx}]"),
  ],
  [
    "a port where nobody listens",
    () => world({}, 4, "containers: [{name: web, image: busybox, ports: [{containerPort: 9}]}]"),
  ],
  [
    "connections that nodes remember",
    () => {
      const cluster = world();
      for (let i = 0; i < 30; i++) cluster.request(url);
      return cluster;
    },
  ],
  [
    "a name with the addresses of two load balancers",
    () => {
      const cluster = world();
      cluster.apply({
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "other" },
        spec: {
          type: "LoadBalancer",
          selector: { app: "web" },
          ports: [{ port: 8080, targetPort: 80 }],
        },
      });
      cluster.settle();
      cluster.advance("1m");
      const addresses = [...cluster.cloud!.loadBalancers.values()].flatMap((b) => b.addresses);
      cluster.dns.set(
        "mynginx-app.com",
        addresses.map((address) => ({ type: "A", address })),
      );
      return cluster;
    },
  ],
  [
    "a network that loses what one node sends another",
    () => {
      const cluster = world();
      cluster.network.fault = {
        onPacket: (from, to) => (from === "node-a" && to === "node-b" ? "drop" : "pass"),
      };
      return cluster;
    },
  ],
];

for (const [says, make] of rows)
  test(`merged or one by one, the shares are the same: ${says}`, () => void compare(make()));

test("from a Pod, by the load balancer's name and by the Service's", () => {
  const cluster = world({}, 12);
  const from = `pod/default/${cluster.list("Pod")[0]!.metadata.name}`;
  compare(cluster, url, { from });
  assert.is(compare(cluster, "http://nginx:8080/", { from }).length, 12);
  compare(cluster, "http://192.168.0.3:30519/");
});

test("thousands of ways are no matter: 60 nodes and 200 Pods, each Pod one in 200", () => {
  const cluster = world({ nodes: 60 }, 200);
  const shares = cluster.shares(url);
  assert.is(Object.keys(shares).length, 200);
  for (const share of Object.values(shares)) assert.is(share, 1 / 200);
});

/** How many packets kernels receive while `ask` runs. */
function received(cluster: Cluster, ask: () => void): number {
  let count = 0;
  for (const { kernel } of cluster.network.machines.values()) {
    const receive = kernel.receive.bind(kernel);
    kernel.receive = (...packet) => (count++, receive(...packet));
  }
  ask();
  for (const { kernel } of cluster.network.machines.values())
    delete (kernel as { receive?: unknown }).receive;
  return count;
}

for (const [what, options, most] of [
  ["a third of the ways is walked", {}, 1 / 3],
  ["so it is with Pods on bridges", { cni: bridge() }, 1 / 3],
] as const)
  test(`of 18 nodes that are alike two are asked for every way: ${what}`, () => {
    const cluster = world({ nodes: 18, ...options }, 4);
    const each = received(cluster, () => cluster.outcomes(url));
    const few = received(cluster, () => cluster.shares(url));
    assert.ok(few < each * most, `${few} of ${each}`);
  });

test("a packet that comes round to its load balancer goes to the same target again", () => {
  let isLate = false;
  const onEvent: ClientFault["onEvent"] = ({ who }) =>
    isLate && who.startsWith("kube-proxy") ? { delay: 600_000 } : "pass";
  const cluster = createCluster({
    nodes: 5,
    cloud: gcp(),
    faults: { client: intercept({ onEvent }) },
  });
  isLate = true; // no node gets a rule for the load balancer's address
  cluster.apply({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { type: "LoadBalancer", selector: { app: "web" }, ports: [{ port: 80 }] },
  });
  cluster.advance("60s");
  const address = `http://${cluster.get("Service", "web").status!.loadBalancer!.ingress![0]!.ip}/`;
  assert.match(
    cluster.request(address).reason,
    /went round in a circle until its time to live was over/,
  );
  assert.equal(cluster.shares(address), { dropped: 1 });
});

test("what a node sends on to another load balancer goes to any of its targets", () => {
  const cluster = world({ nodes: 3, cloud: gcp() });
  const other = web(1).slice(web(1).indexOf("---")).replace("name: nginx", "name: other");
  cluster.apply(other);
  cluster.settle();
  cluster.advance("1m");
  const [to, onto] = ["nginx", "other"].map(
    (name) => cluster.get("Service", name).status!.loadBalancer!.ingress![0]!.ip!,
  );
  const first = `-A PREROUTING -d ${to}/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination ${onto}:8080`;
  for (const name of ["node-a", "node-b", "node-c"])
    rulesOf(cluster, name, (text) => text.replace("-A PREROUTING", `${first}\n-A PREROUTING`));
  const ways = cluster.outcomes(`http://${to}:8080/`).outcomes.map(({ hops }) =>
    hops
      .filter(({ kind }) => kind === "node")
      .slice(0, 2)
      .map(({ name }) => name)
      .join(),
  );
  assert.is(new Set(ways).size, 9, [...new Set(ways)].join(" "));
});

test.run();
