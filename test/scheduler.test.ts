import { test } from "uvu";
import * as assert from "uvu/assert";
import { quantity } from "stopover/internal/objects/quantity";
import { condition } from "stopover/internal/objects/pods";
import type { Node, Pod, PodSpec, Taint } from "stopover/internal/objects/types";
import { deployment, harness, type Harness, type HarnessOptions } from "./control-harness.js";

function ready(options: HarnessOptions = {}): Harness {
  const h = harness(options);
  h.clock.settle();
  return h;
}

const pod = (
  h: Harness,
  name: string,
  spec: Partial<PodSpec> = {},
  labels?: Record<string, string>,
): Pod =>
  h.client.create<Pod>({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, ...(labels && { labels }) },
    spec: { containers: [{ name: "c", image: "nginx" }], ...spec },
  });

const asking = (requests: Record<string, string>): Partial<PodSpec> => ({
  containers: [{ name: "c", image: "nginx", resources: { requests } }],
});
const nodeOf = (h: Harness, name: string) => h.client.get("Pod", name).spec.nodeName;
const refusal = (h: Harness, name: string) =>
  h
    .events(name)
    .find((text) => text.includes("FailedScheduling"))
    ?.replace("Warning FailedScheduling 1 default-scheduler ", "");
const taint = ({ client }: Harness, name: string, ...taints: Taint[]) =>
  client.update<Node>({
    ...client.get("Node", name),
    spec: { ...client.get("Node", name).spec, taints },
  });

test("the Pods of one owner are spread over the nodes, the first by name first", () => {
  const h = ready();
  h.client.create(deployment("web", 3));
  h.clock.settle();
  assert.equal(
    h
      .all("Pod")
      .map(({ spec }) => spec.nodeName)
      .sort(),
    ["node-a", "node-b", "node-c"],
  );
  const [first] = h.all("Pod") as [Pod];
  assert.ok(
    h
      .events(first.metadata.name)
      .includes(
        `Normal Scheduled 1 default-scheduler Successfully assigned default/${first.metadata.name} to ${first.spec.nodeName}`,
      ),
  );
  assert.is(condition(first, "PodScheduled")?.status, "True");
});

test("only on nodes that can take the Pod its group is counted", () => {
  const h = ready();
  for (const [name, nodeName] of [
    ["one", "node-a"],
    ["two", "node-a"],
    ["three", "node-a"],
    ["four", "node-b"],
  ] as const)
    pod(h, name, { nodeName }, { app: "web" });
  pod(h, "big", { ...asking({ cpu: "3", memory: "10Gi" }), nodeName: "node-c" }, { app: "other" });
  h.clock.settle();
  taint(h, "node-a", { key: "full", effect: "NoSchedule" });
  h.clock.settle();
  pod(h, "next", {}, { app: "web" });
  h.clock.settle();
  assert.is(nodeOf(h, "next"), "node-c");
});

test("a Pod goes where most is free", () => {
  const h = ready();
  pod(h, "big", asking({ cpu: "3", memory: "8Gi" }));
  h.clock.settle();
  pod(h, "small", asking({ cpu: "500m" }), { other: "group" });
  h.clock.settle();
  assert.equal([nodeOf(h, "big"), nodeOf(h, "small")], ["node-a", "node-b"]);
});

// Each line: what is asked, and what Kubernetes 1.32 says where nothing fits.
const none =
  "no new claims to deallocate, preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.";
const helpless =
  "no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.";
const cases: [string, (h: Harness) => void, Partial<PodSpec>, string][] = [
  [
    "more CPU than is free",
    (h) => {
      for (let i = 0; i < 3; i++) pod(h, `full-${i}`, asking({ cpu: "3500m" }));
    },
    asking({ cpu: "1" }),
    `0/3 nodes are available: 3 Insufficient cpu. ${none}`,
  ],
  [
    "more CPU than any node has",
    () => {},
    asking({ cpu: "5" }),
    `0/3 nodes are available: 3 Insufficient cpu. ${helpless}`,
  ],
  [
    "too much of both",
    () => {},
    asking({ cpu: "5", memory: "17Gi" }),
    `0/3 nodes are available: 3 Insufficient cpu, 3 Insufficient memory. ${helpless}`,
  ],
  [
    "a label that no node has",
    () => {},
    { nodeSelector: { disk: "ssd" } },
    `0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. ${helpless}`,
  ],
  [
    "a taint that is not tolerated",
    (h) =>
      h.kubelets.forEach((_, name) =>
        taint(h, name, { key: "gpu", value: "yes", effect: "NoSchedule" }),
      ),
    {},
    `0/3 nodes are available: 3 node(s) had untolerated taint(s). ${helpless}`,
  ],
  [
    "different reasons on different nodes",
    (h) => taint(h, "node-b", { key: "gpu", effect: "NoSchedule" }),
    asking({ memory: "20Gi" }),
    "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient memory. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
  ],
  [
    "a host port that is taken everywhere",
    (h) => {
      for (let i = 0; i < 3; i++)
        pod(h, `port-${i}`, {
          containers: [
            { name: "c", image: "nginx", ports: [{ containerPort: 80, hostPort: 8080 }] },
          ],
        });
    },
    { containers: [{ name: "c", image: "nginx", ports: [{ containerPort: 80, hostPort: 8080 }] }] },
    `0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports. ${none}`,
  ],
];
for (const [what, before, spec, message] of cases)
  test(`${what}: the Pod stays pending and an event says why`, () => {
    const h = ready();
    before(h);
    h.clock.settle();
    pod(h, "asker", spec);
    h.clock.settle();
    assert.is(nodeOf(h, "asker"), undefined);
    assert.is(refusal(h, "asker"), message);
    const scheduled = condition(h.client.get("Pod", "asker"), "PodScheduled");
    assert.equal(
      [scheduled?.status, scheduled?.reason, scheduled?.message],
      ["False", "Unschedulable", message],
    );
  });

test("too many Pods for a node's limit", () => {
  const h = ready({ nodes: 1, capacity: { pods: "2" } });
  for (const name of ["a", "b", "c"]) pod(h, name);
  h.clock.settle();
  assert.is(
    refusal(h, "c"),
    "0/1 nodes are available: 1 Too many pods. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
  );
});

test("without any node the event says so; the first node is taken as soon as it is ready", () => {
  const h = ready({ nodes: 0 });
  pod(h, "early");
  h.clock.settle();
  assert.is(refusal(h, "early"), "no nodes available to schedule pods");
  h.client.create<Node>({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "late" },
    spec: { taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }] },
    status: {
      allocatable: { cpu: "1", memory: "1Gi", pods: "10" },
      conditions: [{ type: "Ready", status: "True" }],
    },
  });
  h.clock.settle();
  assert.is(nodeOf(h, "early"), "late");
});

test("who waits is looked at again when something makes room", () => {
  const h = ready({ nodes: 1 });
  pod(h, "first", asking({ cpu: "3" }));
  h.clock.settle();
  pod(h, "second", asking({ cpu: "3" }));
  pod(h, "picky", { nodeSelector: { disk: "ssd" } });
  h.clock.settle();
  assert.equal([nodeOf(h, "second"), nodeOf(h, "picky")], [undefined, undefined]);
  h.client.delete("Pod", "first", "default");
  h.client.patch("Node", "node-a", undefined, {
    type: "merge",
    body: { metadata: { labels: { disk: "ssd" } } },
  });
  h.clock.settle();
  assert.equal([nodeOf(h, "second"), nodeOf(h, "picky")], ["node-a", "node-a"]);
});

test("tolerations open tainted nodes; PreferNoSchedule only discourages; a cordoned node is left alone", () => {
  const h = ready();
  taint(h, "node-a", { key: "gpu", value: "yes", effect: "NoSchedule" });
  taint(h, "node-b", { key: "slow", effect: "PreferNoSchedule" });
  pod(h, "plain");
  pod(h, "tolerant", {
    tolerations: [{ key: "gpu", operator: "Equal", value: "yes" }],
    nodeSelector: { "kubernetes.io/hostname": "node-a" },
  });
  h.clock.settle();
  assert.equal([nodeOf(h, "plain"), nodeOf(h, "tolerant")], ["node-c", "node-a"]);
  h.client.patch("Node", "node-c", undefined, {
    type: "merge",
    body: { spec: { unschedulable: true } },
  });
  h.clock.settle();
  assert.ok(
    h.client
      .get("Node", "node-c")
      .spec.taints?.some(({ key }) => key === "node.kubernetes.io/unschedulable"),
  );
  pod(h, "next", {}, { another: "group" });
  h.clock.settle();
  assert.is(nodeOf(h, "next"), "node-b");
});

test("in a cluster of hundreds of nodes a part of them is looked at for each Pod, and still none gets many", () => {
  const h = ready({ nodes: 300, historyLimit: 0 });
  h.client.create(deployment("web", 300));
  h.clock.settle();
  const counts = new Map<string, number>();
  for (const { spec } of h.all("Pod"))
    counts.set(spec.nodeName!, (counts.get(spec.nodeName!) ?? 0) + 1);
  assert.ok(
    counts.size >= 250 && Math.max(...counts.values()) <= 2,
    `${counts.size} nodes used, at most ${Math.max(...counts.values())} on one`,
  );
});

for (const [text, value] of [
  ["250m", 0.25],
  ["1.5", 1.5],
  ["128Mi", 134_217_728],
  ["1e3", 1_000],
  ["2k", 2_000],
  ["3Gi", 3_221_225_472],
] as const)
  test(`the quantity ${text} is ${value}`, () => assert.is(quantity(text), value));

test.run();
