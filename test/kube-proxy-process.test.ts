/** kube-proxy as a process: it starts, dies, leaves with its Node and comes back with it. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { iptables } from "stopover/internal/net/iptables/walk";
import { createCluster, gcp, type Cluster, type NodeHandle } from "stopover";
import type { NodeRules } from "stopover/internal/node/proxy/iptables/node-rules";

const web = (type: string): object[] => [
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image: "nginx" }] },
      },
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { type, selector: { app: "web" }, ports: [{ port: 80 }] },
  },
];
function running(options: Parameters<typeof createCluster>[0], type = "ClusterIP"): Cluster {
  const cluster = createCluster({ domains: {}, ...options });
  for (const object of web(type)) cluster.apply(object as never);
  cluster.settle();
  return cluster;
}
/** What a node's kernel holds. */
const rulesOf = ({ machine }: NodeHandle): NodeRules =>
  iptables(machine.kernel).rules.IPv4 as NodeRules;
const written = (node: NodeHandle): number => rulesOf(node).version;
const healthz = { protocol: "TCP", port: 10256, address: "*" };
/** Deletes the Node, and restarts its kubelet, which registers it again. */
function registerAgain(cluster: Cluster, name: string): void {
  const { kubelet } = cluster.node(name);
  cluster.delete("Node", name);
  cluster.settle();
  kubelet.stop();
  kubelet.start();
  cluster.settle();
}

const life = suite("kube-proxy as a process");

life("its health port listens while it runs, once, however often its Node is registered", () => {
  const cluster = running({ nodes: 2 });
  const node = cluster.node("node-b");
  assert.equal(node.sockets(), [healthz]);
  for (let i = 0; i < 3; i++) registerAgain(cluster, "node-b");
  assert.equal(node.sockets(), [healthz]);
  node.kubeProxy.stop();
  assert.equal(node.sockets(), []);
  assert.is(node.machine.httpStatus(10256), undefined);
  node.kubeProxy.start();
  node.kubeProxy.start();
  assert.equal(node.sockets(), [healthz]);
  assert.is(node.machine.httpStatus(10256), 200);
});

life("a cloud that asks kube-proxy itself takes a node out whose kube-proxy is dead", () => {
  const cluster = running({ nodes: 2, cloud: gcp() }, "LoadBalancer");
  const healthy = (): unknown =>
    [...cluster.cloud!.targets.values()][0]!.map((each) => [each.instance, each.healthy]);
  const { kubeProxy } = cluster.node("node-a");
  kubeProxy.stop();
  cluster.advance("5m");
  assert.equal(healthy(), [
    ["node-a", false],
    ["node-b", true],
  ]);
  kubeProxy.start();
  cluster.advance("5m");
  assert.equal(healthy(), [
    ["node-a", true],
    ["node-b", true],
  ]);
});

life("a node that is about to leave answers 503 to load balancers (KEP-3836)", () => {
  const cluster = running({ nodes: 2 });
  const { machine } = cluster.node("node-a");
  const taints = [{ key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" }];
  cluster.patch("Node", "node-a", { spec: { taints } });
  cluster.settle();
  assert.equal([machine.httpStatus(10256), machine.httpStatus(30000)], [503, undefined]);
  cluster.patch("Node", "node-a", { spec: { taints: null } });
  cluster.settle();
  assert.is(machine.httpStatus(10256), 200);
});

life("one kube-proxy programs a kernel, whoever stopped and started the node in between", () => {
  const cluster = running({ nodes: 2 });
  const handle = cluster.node("node-a");
  const before = handle.kubeProxy;
  handle.stop();
  cluster.delete("Node", "node-a");
  cluster.settle();
  assert.throws(() => handle.kubeProxy, /node-a has no kube-proxy, for it has no Node/);
  assert.match(handle.rules.text(), "-A KUBE-SERVICES");
  handle.start();
  handle.start();
  cluster.advance("1m");
  const syncs: number[] = [];
  const seen = handle.kubeProxy.lastSync();
  assert.is(handle.kubeProxy, cluster.node("node-a").kubeProxy);
  cluster.scale("Deployment", "web", 3);
  cluster.settle();
  for (const proxy of new Set([before, handle.kubeProxy])) {
    const { time } = proxy.lastSync()!;
    if (time > seen!.time) syncs.push(time);
  }
  assert.is(syncs.length, 1, "one of them followed the change");
  assert.is(written(handle), handle.kubeProxy.lastSync()!.version);
});

life("a node without its Node keeps its rules: packets meet what was written last", () => {
  const cluster = running({ nodes: 2 }, "NodePort");
  const port = cluster.get("Service", "web").spec.ports![0]!.nodePort!;
  const sent = { node: "node-a", from: "203.0.113.9", to: `192.168.0.1:${port}` };
  const ends = (): (string | undefined)[] =>
    cluster.packetOutcomes(sent).outcomes.map(({ destination }) => destination);
  const before = ends();
  cluster.delete("Node", "node-a");
  for (const replicas of [5, 1]) {
    cluster.scale("Deployment", "web", replicas);
    cluster.settle();
  }
  assert.is(before.length, 2);
  assert.equal(ends(), before);
});

life("a kube-proxy that stands still keeps one old state of a Service, and not each", () => {
  for (const stopped of [false, true]) {
    const cluster = running({ nodes: 2 });
    if (stopped) cluster.node("node-b").kubeProxy.stop();
    const { table: services } = rulesOf(cluster.node("node-a")).shared;
    const from = services.version;
    for (let i = 0; i < 60; i++) {
      cluster.scale("Deployment", "web", 1 + (i % 3));
      cluster.settle();
      cluster.advance("2s");
    }
    const kept = new Set<unknown>();
    for (let version = from; version <= services.version; version++)
      kept.add(services.stateAt("default/web", version));
    kept.delete(undefined);
    assert.ok(services.version > from + 60);
    assert.is(kept.size, stopped ? 2 : 1);
    cluster.node("node-b").kubeProxy.start();
    cluster.settle();
    const [a, b] = ["node-a", "node-b"].map((name) => cluster.node(name).rules.text());
    assert.is(b, a, "it catches up in one sync");
  }
});

life("Services and slices that are labelled for another proxy do not exist for it", () => {
  const label = "service.kubernetes.io/service-proxy-name";
  const cluster = running({ nodes: 1 });
  const ends = (): string => cluster.request("http://web/", { from: "node/node-a" }).disposition;
  const to = cluster.get("Service", "web").spec.clusterIP!;
  const at = (): string =>
    cluster.packet({ node: "node-a", from: "10.1.1.99", to: `${to}:80` }).disposition;
  assert.is(ends(), "name not found");
  assert.is(at(), "delivered");
  cluster.patch("Service", "web", { metadata: { labels: { [label]: "" } } });
  cluster.settle();
  assert.is(at(), "no route");
  cluster.patch("Service", "web", { metadata: { labels: { [label]: null } } });
  cluster.settle();
  assert.is(at(), "delivered");
});

life.run();
