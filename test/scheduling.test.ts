/** Where a Pod lands besides room, taints and nodeSelector; and who makes room for whom. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCluster } from "stopover";
import { condition } from "stopover/internal/objects/pods";
import type { Kind, KubeObject, Node, Pod, PodSpec } from "stopover/internal/objects/types";
import { deployment, harness, type Harness, type HarnessOptions } from "./control-harness.js";

const ZONE = "topology.kubernetes.io/zone";
const HOST = "kubernetes.io/hostname";
const zones: Record<string, string> = { "node-a": "x", "node-b": "x", "node-c": "y" };

/** node-a and node-b are in zone x, node-c in y. */
function ready(options: HarnessOptions = {}): Harness {
  const h = harness(options);
  h.clock.settle();
  for (const { metadata } of h.all("Node"))
    h.client.patch("Node", metadata.name, undefined, {
      type: "merge",
      body: { metadata: { labels: { [ZONE]: zones[metadata.name] ?? "x" } } },
    });
  h.clock.settle();
  return h;
}

function pod(h: Harness, name: string, spec: Partial<PodSpec> = {}, app = name): void {
  h.client.create<Pod>({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app } },
    spec: { containers: [{ name: "c", image: "nginx" }], ...spec },
  });
  h.clock.settle();
}
const nodeOf = (h: Harness, name: string) => h.client.get("Pod", name).spec.nodeName;
const refusal = (h: Harness, name: string) =>
  /nodes are available: (.*?)\. no new claims/.exec(
    condition(h.client.get("Pod", name), "PodScheduled")?.message ?? "",
  )?.[1];
const asking = (requests: Record<string, string>): Partial<PodSpec> => ({
  containers: [{ name: "c", image: "nginx", resources: { requests } }],
});
const near = (app: string, topologyKey: string) => ({
  requiredDuringSchedulingIgnoredDuringExecution: [
    { labelSelector: { matchLabels: { app } }, topologyKey },
  ],
});
const onNodes = (...matchExpressions: object[]): Partial<PodSpec> => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] },
    },
  },
});

for (const [sentence, expression, node] of [
  ["In", { key: ZONE, operator: "In", values: ["y"] }, "node-c"],
  ["NotIn", { key: ZONE, operator: "NotIn", values: ["x"] }, "node-c"],
  ["Exists", { key: ZONE, operator: "Exists" }, "node-a"],
  ["DoesNotExist", { key: ZONE, operator: "DoesNotExist" }, undefined],
  ["Gt, of a label that is no number", { key: ZONE, operator: "Gt", values: ["1"] }, undefined],
] as const)
  test(`node affinity: ${sentence}`, () => {
    const h = ready();
    pod(h, "web", onNodes(expression));
    assert.is(nodeOf(h, "web"), node);
    if (node === undefined)
      assert.is(refusal(h, "web"), "3 node(s) didn't match Pod's node affinity/selector");
  });

test("node affinity by name; of several terms one is enough", () => {
  const h = ready();
  const byName = (name: string) => ({
    matchFields: [{ key: "metadata.name", operator: "In", values: [name] }],
  });
  const affinity = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [byName("node-z"), byName("node-b")],
      },
    },
  };
  pod(h, "web", { affinity });
  assert.is(nodeOf(h, "web"), "node-b");
});

test("a node that is preferred is taken, if it is there", () => {
  const h = ready();
  const wish = (zone: string) => ({
    affinity: {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            preference: { matchExpressions: [{ key: ZONE, operator: "In", values: [zone] }] },
          },
        ],
      },
    },
  });
  pod(h, "one", wish("y"));
  pod(h, "two", wish("nowhere"));
  assert.is(nodeOf(h, "one"), "node-c");
  assert.ok(nodeOf(h, "two"));
});

test("Pods that want to be together are on one node, those that do not are apart", () => {
  const h = ready();
  pod(h, "db");
  pod(h, "near", { affinity: { podAffinity: near("db", HOST) } });
  assert.is(nodeOf(h, "near"), nodeOf(h, "db"));
  pod(h, "far", { affinity: { podAntiAffinity: near("db", ZONE) } });
  assert.is(nodeOf(h, "far"), "node-c");
  pod(h, "lost", { affinity: { podAffinity: near("nobody", HOST) } });
  assert.is(refusal(h, "lost"), "3 node(s) didn't match pod affinity rules");
});

test("the first of a group that wants to be together may go anywhere", () => {
  const h = ready();
  const affinity = { podAffinity: near("web", HOST) };
  pod(h, "one", { affinity }, "web");
  pod(h, "two", { affinity }, "web");
  assert.ok(nodeOf(h, "one"));
  assert.is(nodeOf(h, "two"), nodeOf(h, "one"));
});

test("one Pod for each node: the fourth of three nodes waits, and goes where one goes", () => {
  const h = ready();
  const affinity = { podAntiAffinity: near("web", HOST) };
  for (const name of ["one", "two", "three", "four"]) pod(h, name, { affinity }, "web");
  assert.is(new Set(["one", "two", "three"].map((name) => nodeOf(h, name))).size, 3);
  assert.is(refusal(h, "four"), "3 node(s) didn't match pod anti-affinity rules");
  const free = nodeOf(h, "two");
  h.client.delete("Pod", "two", "default");
  h.clock.settle();
  assert.is(nodeOf(h, "four"), free);
});

test("who is there already may not want the newcomer", () => {
  const h = ready({ nodes: 1 });
  pod(h, "hermit", { affinity: { podAntiAffinity: near("web", HOST) } });
  pod(h, "web");
  assert.is(refusal(h, "web"), "1 node(s) didn't satisfy existing pods anti-affinity rules");
});

const spread = (topologyKey: string, more: object = {}) => ({
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: "DoNotSchedule",
      labelSelector: { matchLabels: { app: "web" } },
      ...more,
    },
  ],
});

test("spread over zones: as many in y as in x, though x has two nodes", () => {
  const h = ready();
  for (const name of ["a", "b", "c", "d"]) pod(h, name, spread(ZONE), "web");
  const inY = ["a", "b", "c", "d"].filter((name) => nodeOf(h, name) === "node-c");
  assert.is(inY.length, 2);
});

test("spread: a zone that is full lets the next one wait", () => {
  const h = ready();
  h.client.patch("Node", "node-c", undefined, {
    type: "merge",
    body: { spec: { unschedulable: true } },
  });
  h.clock.settle();
  pod(h, "a", spread(ZONE), "web");
  pod(h, "b", spread(ZONE), "web");
  assert.ok(nodeOf(h, "a"));
  assert.is(
    refusal(h, "b"),
    "1 node(s) were unschedulable, 2 node(s) didn't match pod topology spread constraints",
  );
});

test("spread over a label that no node has", () => {
  const h = ready();
  pod(h, "a", spread("rack"), "web");
  assert.is(
    refusal(h, "a"),
    "3 node(s) didn't match pod topology spread constraints (missing required label)",
  );
  pod(h, "b", spread("rack", { whenUnsatisfiable: "ScheduleAnyway" }), "web");
  assert.ok(nodeOf(h, "b"));
});

test("extended resources are counted as all others: of init containers the most at a time", () => {
  const h = ready();
  const node = h.client.get("Node", "node-b");
  const more = { ...node.status!.allocatable, "example.com/gpu": "2" };
  h.client.updateStatus<Node>({ ...node, status: { ...node.status, allocatable: more } });
  const one = (name: string, gpus: string, restartPolicy?: string) => ({
    name,
    image: "nginx",
    resources: { limits: { "example.com/gpu": gpus } },
    ...(restartPolicy && { restartPolicy }),
  });
  pod(h, "much", { initContainers: [one("i", "3")], containers: [one("c", "1")] });
  assert.match(refusal(h, "much")!, /Insufficient example.com\/gpu/);
  pod(h, "beside", { initContainers: [one("i", "1", "Always")], containers: [one("c", "2")] });
  assert.match(refusal(h, "beside")!, /Insufficient example.com\/gpu/);
  pod(h, "first", { initContainers: [one("i", "2")], containers: [one("c", "1")] });
  assert.is(nodeOf(h, "first"), "node-b");
});

test("extended resources: only where a node has them, and as many as it has", () => {
  const h = ready();
  const gpu = asking({ "example.com/gpu": "1" });
  pod(h, "early", gpu);
  assert.is(refusal(h, "early"), "3 Insufficient example.com/gpu");
  const node = h.client.get("Node", "node-b");
  const more = { ...node.status!.allocatable, "example.com/gpu": "1" };
  h.client.updateStatus<Node>({
    ...node,
    status: { ...node.status, allocatable: more, capacity: more },
  });
  h.clock.settle();
  assert.is(nodeOf(h, "early"), "node-b");
});

test("a gated Pod waits without a word, and goes when its gate is opened", () => {
  const h = ready();
  pod(h, "web", { schedulingGates: [{ name: "example.com/x" }] });
  const found = condition(h.client.get("Pod", "web"), "PodScheduled")!;
  assert.equal(
    [found.status, found.reason, found.message],
    ["False", "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates"],
  );
  assert.equal(h.events("web"), []);
  h.client.patch("Pod", "web", "default", {
    type: "merge",
    body: { spec: { schedulingGates: [] } },
  });
  h.clock.settle();
  assert.ok(nodeOf(h, "web"));
});

// ---- priorities

const priorityClass = (h: Harness, name: string, value: number, more: object = {}): void => {
  h.client.create({
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name },
    value,
    ...more,
  } as KubeObject);
};
const why = (act: () => void): string => {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};

test("a class gives its Pods their priority; one that there is not keeps them out", () => {
  const h = ready();
  priorityClass(h, "high", 1000, { preemptionPolicy: "Never" });
  pod(h, "web", { priorityClassName: "high" });
  pod(h, "dns", { priorityClassName: "system-cluster-critical" });
  const { priority, preemptionPolicy } = h.client.get("Pod", "web").spec;
  assert.equal([priority, preemptionPolicy], [1000, "Never"]);
  assert.is(h.client.get("Pod", "dns").spec.priority, 2_000_000_000);
  assert.is(
    why(() => pod(h, "lost", { priorityClassName: "none" })),
    'pods "lost" is forbidden: no PriorityClass with name none was found',
  );
});

test("the default class is for who names none", () => {
  const h = ready();
  priorityClass(h, "usual", 7, { globalDefault: true });
  pod(h, "web");
  const { priority, priorityClassName } = h.client.get("Pod", "web").spec;
  assert.equal([priority, priorityClassName], [7, "usual"]);
});

test("who is more important takes the place of a lesser one, with an event and a nomination", () => {
  const h = ready({ nodes: 1 });
  priorityClass(h, "high", 1000);
  pod(h, "lesser", asking({ cpu: "3" }));
  pod(h, "small", asking({ cpu: "100m" }));
  pod(h, "newcomer", { ...asking({ cpu: "3" }), priorityClassName: "high" });
  assert.is(nodeOf(h, "newcomer"), "node-a");
  assert.equal(
    h.all("Pod").map(({ metadata }) => metadata.name),
    ["newcomer", "small"],
  );
  assert.ok(h.events("lesser").some((text) => /Preempted by pod [-0-9a-f]+ on node/.test(text)));
});

test("nobody has to go for one of the same priority, nor for one that may not", () => {
  const h = ready({ nodes: 1 });
  priorityClass(h, "polite", 1000, { preemptionPolicy: "Never" });
  pod(h, "lesser", asking({ cpu: "3" }));
  pod(h, "equal", asking({ cpu: "3" }));
  pod(h, "meek", { ...asking({ cpu: "3" }), priorityClassName: "polite" });
  assert.equal(
    ["lesser", "equal", "meek"].map((name) => nodeOf(h, name)),
    ["node-a", undefined, undefined],
  );
});

test("it lands where the least is lost", () => {
  const h = ready({ nodes: 2 });
  priorityClass(h, "high", 1000);
  priorityClass(h, "middle", 10);
  const on = (node: string) => ({ nodeSelector: { [HOST]: node } });
  pod(h, "m", { ...asking({ cpu: "3" }), ...on("node-a"), priorityClassName: "middle" });
  pod(h, "l", { ...asking({ cpu: "3" }), ...on("node-b") });
  pod(h, "newcomer", { ...asking({ cpu: "3" }), priorityClassName: "high" });
  assert.is(nodeOf(h, "newcomer"), "node-b");
  assert.is(nodeOf(h, "m"), "node-a");
});

test("the replacement of one that had to go waits behind the newcomer", () => {
  const h = ready({ nodes: 1 });
  priorityClass(h, "high", 1000);
  const lesser = deployment("lesser", 1);
  h.client.create({
    ...lesser,
    spec: {
      ...lesser.spec,
      template: { ...lesser.spec.template, spec: asking({ cpu: "3" }) as PodSpec },
    },
  });
  h.clock.settle();
  pod(h, "newcomer", { ...asking({ cpu: "3" }), priorityClassName: "high" });
  assert.is(nodeOf(h, "newcomer"), "node-a");
  const left = h.all("Pod").find(({ metadata }) => metadata.name.startsWith("lesser"));
  assert.is(left!.spec.nodeName, undefined);
});

test("a PriorityClass is a kind that is stored", () => {
  const h = ready();
  priorityClass(h, "high", 1000);
  assert.ok(h.client.get("PriorityClass" as Kind, "high"));
});

test("a Pod is told where it is, how important it is, and how often it was changed", () => {
  const cluster = createCluster({ nodes: [{ name: "node-a", zone: "zone-1" }] });
  const labels = { app: "web", "topology.kubernetes.io/zone": "zone-1" };
  const spec = { containers: [{ name: "web", image: "nginx" }] };
  const pod = { apiVersion: "v1", kind: "Pod", spec };
  cluster.apply({ ...pod, metadata: { name: "web", labels: { app: "web" } } });
  const bound = { ...spec, nodeName: "node-a" };
  cluster.apply({
    ...pod,
    spec: bound,
    metadata: { name: "fixed", labels: { app: "web" } },
  } as Pod);
  cluster.settle();
  for (const name of ["web", "fixed"]) {
    const { metadata, spec } = cluster.get("Pod", name);
    assert.equal(metadata.labels, labels);
    assert.equal([spec.priority, spec.preemptionPolicy], [0, "PreemptLowerPriority"]);
    assert.is(metadata.generation, 1);
  }
  // the manifest again, without what the server added
  const { metadata } = cluster.get("Pod", "web");
  const containers = [{ name: "web", image: "nginx:1.28" }];
  const replaced = { ...bound, containers };
  const again = cluster.apiserver.client("kubectl").update({
    ...pod,
    metadata: { ...metadata, labels },
    spec: { ...cluster.get("Pod", "web").spec, ...replaced, priority: undefined },
  } as unknown as Pod);
  assert.equal([again.spec.priority, again.metadata.generation], [0, 2]);
  cluster.delete("Pod", "web");
  assert.is(cluster.get("Pod", "web").metadata.generation, 3);
});

test.run();
