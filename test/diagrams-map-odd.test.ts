/** Clusters that few draw: Pods in their node's network, Pods on no node, too many of all. */
import { map, matrix } from "@stopover/diagrams";
import { mapOf } from "@stopover/diagrams/internal/map/source";
import { createCluster } from "stopover";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { article, url } from "./diagrams-map-scenes.js";

const containers = [{ name: "nginx", image: "nginx", ports: [{ containerPort: 80 }] }];
const labels = { app: "web" };

function inTheNodesNetwork() {
  const cluster = createCluster({ nodes: 3, seed: 1 });
  cluster.apply({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { hostNetwork: true, containers } },
    },
  });
  cluster.apply({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { type: "NodePort", selector: labels, ports: [{ port: 80 }] },
  });
  cluster.settle();
  return cluster;
}

test("a way leads to a Pod in its node's network on the node that was entered, too", () => {
  const cluster = inTheNodesNetwork();
  const { nodePort } = cluster.get("Service", "web").spec.ports![0]!;
  const outcomes = cluster.outcomes(`http://192.168.0.1:${nodePort}/`);
  const { ways, pods } = mapOf(cluster, { outcomes });
  assert.equal(
    pods.map(({ key, node }) => [node, ways!.shares[`pod ${key}`]]),
    [
      ["node-a", 0.5],
      ["node-b", 0.5],
    ],
  );
});

test("in a Pod that is on no node nobody listens, and the picture of objects alone does not know", () => {
  const cluster = inTheNodesNetwork();
  cluster.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "nowhere", labels },
    spec: { nodeSelector: { no: "where" }, containers },
  });
  cluster.settle();
  const listens = (source: Parameters<typeof mapOf>[0]) =>
    mapOf(source, { service: "web" }).pods.find(({ name }) => name === "nowhere")!.listens;
  assert.is(listens(cluster), false);
  assert.is(listens({ list: cluster.list.bind(cluster) }), undefined);
});

test("the answer to a bare packet goes to who sent it: a Pod, somebody outside, a node's process", () => {
  const cluster = article();
  const pod = cluster.list("Pod")[0]!;
  const key = `default/${pod.metadata.name}`;
  const [to, door] = ["10.2.1.1:8080", "192.168.0.1:30519"];
  const senders = [
    [pod.spec.nodeName!, `${pod.status!.podIP}:5555`, to, { at: "pod", pod: key }, `pod ${key}`],
    ["node-a", "203.0.113.9:5555", door, { at: "client" }, "client"],
    ["node-a", "192.168.0.1:5555", to, { at: "proc", node: "node-a" }, "process"],
  ] as const;
  for (const [node, from, to, place, box] of senders) {
    const journey = cluster.packet({ node, from, to });
    const { back } = mapOf(cluster, { journey }).journey!;
    assert.equal(back.visits.at(-1)!.place, place, from);
    const picture = map(cluster, { journey });
    for (const shape of ["svg", "stacked"] as const)
      assert.ok(picture[shape].includes(`data-is="${box}"`), `${from}, ${shape}: ${box}`);
  }
});

test("of forty nodes and thirty Pods the table shows those that are drawn, and the sum of the others", () => {
  const cluster = article(40, 30);
  const outcomes = cluster.outcomes(url);
  const { grid, nodes, pods, moreNodes } = mapOf(cluster, { outcomes });
  assert.equal(grid!.rows, [...nodes.map(({ name }) => name), `${moreNodes} more`]);
  assert.equal(
    grid!.columns.map(({ name }) => name).sort(),
    [...pods.map(({ name }) => name), `${30 - pods.length} more Pods`].sort(),
  );
  const all = grid!.cells.flat().reduce((sum, share) => sum + share, 0);
  assert.ok(Math.abs(all - 1) < 1e-9, `the shares add up to ${all}`);
  assert.ok(matrix(outcomes).text.split("\n").length > 40, "by itself it shows all");
});

test.run();
