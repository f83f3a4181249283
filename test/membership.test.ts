/** Machines that join a living cluster and leave it, and what a cluster says of itself. */
import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { aws, createCluster, type Cluster, type ClusterOptions } from "stopover";

const manifest = (name: string) =>
  readFileSync(new URL(`../../lib/manifests/${name}.yaml`, import.meta.url), "utf8");

function article(options: ClusterOptions = {}): Cluster {
  const cluster = createCluster({ nodes: 3, cloud: aws(), ...options });
  cluster.apply(manifest("deployment"));
  cluster.apply(manifest("service"));
  cluster.settle();
  return cluster;
}

const url = "http://mynginx-app.com:8080/";
const targets = (cluster: Cluster) =>
  [...cluster.cloud!.targets.values()].flat().map(({ instance }) => instance);
const ready = (cluster: Cluster) =>
  cluster
    .list("Node")
    .map(({ metadata, status }) => [
      metadata.name,
      status?.conditions?.find(({ type }) => type === "Ready")?.status,
    ]);

test("a node that joins gets a range of Pods, a route, kube-proxy's rules and a place behind the load balancer", () => {
  const cluster = article();
  const before = cluster.shares(url);
  const node = cluster.addNode();
  cluster.settle();
  assert.is(node.name, "node-d");
  assert.equal(ready(cluster).at(-1), ["node-d", "True"]);
  assert.equal(node.machine.addresses, ["192.168.0.4"]);
  assert.is(cluster.get("Node", "node-d").spec.podCIDR, "10.1.4.0/24");
  assert.equal(targets(cluster), ["node-a", "node-b", "node-c", "node-d"]);
  assert.equal(
    node.rules.endpoints("default/nginx"),
    cluster.node("node-a").rules.endpoints("default/nginx"),
  );
  assert.equal(cluster.shares(url), before, "three Pods, whoever the way in");
  cluster.scale("Deployment", "nginx", 8);
  cluster.settle();
  const there = cluster.list("Pod").filter(({ spec }) => spec.nodeName === "node-d");
  assert.ok(there.length > 0, "the scheduler uses it");
  assert.is(Object.keys(cluster.shares(url)).length, 8);
});

test("a node that leaves: its Node goes when the cloud says so, its Pods are made anew elsewhere, and requests arrive", () => {
  const cluster = article();
  cluster.removeNode("node-b");
  assert.not(cluster.network.machines.has("node-b"));
  assert.equal(targets(cluster), ["node-a", "node-c"], "the cloud knows at once");
  assert.ok(Object.keys(cluster.shares(url)).length > 1, "its Pod is still an endpoint");
  cluster.advance("2m");
  assert.equal(ready(cluster), [
    ["node-a", "True"],
    ["node-c", "True"],
  ]);
  cluster.settle();
  assert.equal(
    cluster
      .list("Pod")
      .map(({ spec }) => spec.nodeName)
      .filter((name) => name === "node-b"),
    [],
  );
  assert.is(Object.keys(cluster.shares(url)).filter((key) => key.startsWith("default/")).length, 3);
});

test("without a cloud nobody deletes the Node of a machine that is gone", () => {
  const cluster = article({ cloud: undefined });
  cluster.removeNode("node-b");
  cluster.advance("10m");
  assert.equal(ready(cluster)[1], ["node-b", "Unknown"]);
  cluster.delete("Node", "node-b");
  cluster.settle();
  assert.is(cluster.list("Node").length, 2);
});

test("a name is free again once its machine is gone, and so is an address", () => {
  const cluster = article();
  cluster.removeNode("node-b");
  cluster.advance("2m");
  const again = cluster.addNode({ name: "node-b", addresses: ["192.168.0.2"] });
  cluster.settle();
  assert.equal(
    ready(cluster)
      .map(([name]) => name)
      .sort(),
    ["node-a", "node-b", "node-c"],
  );
  assert.ok(again.kubeProxy.running);
  assert.ok(again.rules.endpoints("default/nginx").length > 0);
  assert.equal(fromNode(cluster, "node-b"), ["delivered"], "its own kernel has the rules");
});

test("a machine of the same name before its Node was deleted takes the Node over, as a kubelet does", () => {
  const cluster = article({ cloud: undefined });
  const { uid } = cluster.get("Node", "node-b").metadata;
  cluster.removeNode("node-b");
  cluster.advance("1m");
  cluster.addNode("node-b");
  cluster.advance("1m");
  assert.is(cluster.get("Node", "node-b").metadata.uid, uid);
  assert.equal(ready(cluster)[1], ["node-b", "True"]);
  assert.ok(cluster.node("node-b").kubeProxy.running);
  assert.equal(fromNode(cluster, "node-b"), ["delivered"]);
});

test("a machine that is gone leaves no kube-proxy at work", () => {
  const cluster = article();
  const { kubeProxy } = cluster.node("node-b");
  cluster.removeNode("node-b");
  assert.not.ok(kubeProxy.running);
});

/** How requests end that a node sends to the Service's ClusterIP. */
function fromNode(cluster: Cluster, name: string): string[] {
  const { clusterIP } = cluster.get("Service", "nginx").spec;
  const asked = cluster.outcomes(`http://${clusterIP}:8080/`, { from: `node/${name}` });
  return [...new Set(asked.outcomes.map(({ disposition }) => disposition))];
}

const refused: [what: Parameters<Cluster["addNode"]>[0], error: RegExp][] = [
  ["node-a", /addNode: node.name is "node-a", and there is a node of that name/],
  ["Node_D", /addNode: node.name is "Node_D": /],
  [
    { name: "x", addresses: ["192.168.0.1"] },
    /holds "192.168.0.1", which node "node-a" has already/,
  ],
  [
    { name: "x", addresses: ["10.1.7.7"] },
    /the Pods' range 10.1.0.0\/16 \(clusterCIDR\) holds 10.1.7.7/,
  ],
  [{ name: "x", zones: "b" } as never, /node.zones/],
  [{ name: "x", addresses: ["192.168.0.250"] }, /192.168.0.250/],
];
for (const [node, error] of refused)
  test(`no node joins as ${JSON.stringify(node)}, and nothing is left of it`, () => {
    const cluster = article();
    assert.throws(() => cluster.addNode(node), error);
    assert.is(cluster.network.machines.size, 3);
    assert.is(cluster.list("Node").length, 3);
  });

test("no node leaves that is not there", () => {
  assert.throws(() => article().removeNode("node-x"), /no node "node-x"; the nodes are node-a/);
});

test("a cluster, a node and a Pod say in a few lines what they are, and are data all the same", () => {
  const cluster = article();
  cluster.node("node-c").stop();
  const [pod] = cluster.list("Pod").filter(({ spec }) => spec.nodeName === "node-a");
  const handle = cluster.pod(pod!.metadata.name);
  assert.match(
    inspect(cluster),
    /^a cluster at 20.*, in the cloud aws\n {2}3 nodes: node-a, node-b and node-c \(down\)\n {2}1 Service, 1 Deployment, 3 Pods\n/,
  );
  assert.match(
    inspect(cluster.node("node-a")),
    /^node node-a: up, 192\.168\.0\.1\n {2}\d Pods?: default\/nginx-.*\n {2}kube-proxy running; \d+ tracked connections?\n/,
  );
  assert.match(
    inspect(cluster.node("node-c")),
    /^node node-c: down, .*\n.*\n {2}kube-proxy stopped; /,
  );
  handle.setHealthy(false);
  assert.match(
    inspect(handle),
    new RegExp(
      `^Pod default/${pod!.metadata.name} on node-a, 10\\.1\\.1\\.\\d+\\n {2}container nginx \\(.*\\): runs, says it is ill\\n`,
    ),
  );
  assert.ok(Object.keys(handle).includes("crash"));
});

test.run();
