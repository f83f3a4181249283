import { test } from "uvu";
import * as assert from "uvu/assert";
import { condition, isReady } from "stopover/internal/objects/pods";
import type { Node, Pod } from "stopover/internal/objects/types";
import { deployment, harness, service, type Harness } from "./control-harness.js";

function running(replicas = 3): Harness {
  const h = harness();
  h.clock.settle();
  h.client.create(deployment("web", replicas));
  h.client.create(service("web"));
  h.clock.settle();
  return h;
}

const node = (h: Harness, name: string) => h.client.get("Node", name);
const ready = (h: Harness, name: string) => condition(node(h, name), "Ready")!.status;
const taints = (h: Harness, name: string) =>
  (node(h, name).spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);
const on = (h: Harness, name: string) => h.all("Pod").filter(({ spec }) => spec.nodeName === name);

test("nodes get their parts of the Pods' network in order, and a new one takes the next", () => {
  const h = running();
  assert.equal(
    h.all("Node").map(({ spec }) => spec.podCIDR),
    ["10.1.1.0/24", "10.1.2.0/24", "10.1.3.0/24"],
  );
  h.client.create<Node>({ apiVersion: "v1", kind: "Node", metadata: { name: "node-d" }, spec: {} });
  h.clock.settle();
  assert.equal(node(h, "node-d").spec.podCIDRs, ["10.1.4.0/24"]);
  assert.ok(
    h
      .events("node-d")
      .includes(
        "Normal RegisteredNode 1 node-controller Node node-d event: Registered Node node-d in Controller",
      ),
  );
});

test("kubelets may remember the longer, the more nodes there are; labels are called as once, too", () => {
  const h = harness({ nodes: 0 });
  const told = (name: string) =>
    node(h, name).metadata.annotations?.["node.alpha.kubernetes.io/ttl"];
  const add = (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      const metadata = { name: `n-${i}`, labels: { "kubernetes.io/os": "linux" } };
      h.client.create<Node>({ apiVersion: "v1", kind: "Node", metadata, spec: {} });
    }
    h.clock.advance(10_000);
  };
  add(0, 100);
  assert.equal([told("n-0"), told("n-99")], ["0", "0"]);
  assert.is(node(h, "n-0").metadata.labels!["beta.kubernetes.io/os"], "linux");
  add(100, 101);
  assert.is(told("n-100"), "15");
  const touched = { metadata: { labels: { touched: "yes" } } };
  h.client.patch("Node", "n-0", undefined, { type: "merge", body: touched });
  h.clock.advance(1_000);
  assert.is(told("n-0"), "15");
});

test("both families, and what happens when the network is used up", () => {
  const h = harness({ nodes: 3, clusterCIDRs: ["10.1.0.0/23", "fd00:1::/48"] });
  h.clock.settle();
  assert.equal(
    h.all("Node").map(({ spec }) => spec.podCIDRs),
    [["10.1.1.0/24", "fd00:1:0:1::/64"], ["10.1.0.0/24", "fd00:1:0:2::/64"], undefined],
  );
  assert.ok(
    h
      .events("node-c")
      .some((told) => /^Normal CIDRNotAvailable \d node-ipam-controller Node node-c/.test(told)),
  );
  assert.is(ready(h, "node-c"), "False");
  h.kubelets.get("node-a")!.stop();
  h.client.delete("Node", "node-a");
  h.client.patch("Node", "node-c", undefined, {
    type: "merge",
    body: { metadata: { labels: { touched: "yes" } } },
  });
  h.clock.settle();
  assert.equal(
    [node(h, "node-c").spec.podCIDRs?.[0], ready(h, "node-c")],
    ["10.1.1.0/24", "True"],
    "what is given back is given again",
  );
});

test("a silent node: unknown after 50 s, its Pods without traffic, and gone to other nodes after 300 s more", () => {
  const h = running();
  const [lost] = on(h, "node-b") as [Pod];
  h.kubelets.get("node-b")!.stop();
  const start = h.clock.now();
  h.clock.advance(45_000);
  assert.equal(
    [ready(h, "node-b"), taints(h, "node-b"), isReady(on(h, "node-b")[0]!)],
    ["True", [], true],
    "45 s: nobody knows yet",
  );
  h.clock.advance(25_000);
  assert.equal(
    [ready(h, "node-b"), condition(node(h, "node-b"), "Ready")!.reason],
    ["Unknown", "NodeStatusUnknown"],
  );
  assert.is(condition(node(h, "node-b"), "Ready")!.message, "Kubelet stopped posting node status.");
  assert.equal(taints(h, "node-b"), [
    "node.kubernetes.io/unreachable:NoSchedule",
    "node.kubernetes.io/unreachable:NoExecute",
  ]);
  assert.not.ok(isReady(on(h, "node-b")[0]!));
  assert.equal(
    h.all("EndpointSlice")[0]!.endpoints.filter(({ conditions }) => conditions?.ready).length,
    2,
  );
  assert.ok(
    h
      .events("node-b")
      .includes("Normal NodeNotReady 1 node-controller Node node-b status is now: NodeNotReady"),
  );
  assert.ok(
    h
      .events(lost.metadata.name)
      .includes("Warning NodeNotReady 1 node-controller Node is not ready"),
  );
  h.clock.advance(280_000);
  assert.is(on(h, "node-b")[0]!.metadata.deletionTimestamp, undefined, "350 s: still tolerated");
  h.clock.advance(30_000);
  assert.ok(on(h, "node-b")[0]!.metadata.deletionTimestamp, "marked for deletion");
  assert.ok(
    h
      .events(lost.metadata.name)
      .includes(
        `Normal TaintManagerEviction 1 taint-eviction-controller Marking for deletion Pod default/${lost.metadata.name}`,
      ),
  );
  assert.equal(
    h
      .all("Pod")
      .filter((pod) => isReady(pod))
      .map(({ spec }) => spec.nodeName)
      .sort().length,
    3,
  );
  assert.ok(h.clock.now() - start < 390_000);
});

test("a node that is back in time keeps its Pods", () => {
  const h = running();
  const before = on(h, "node-b").map(({ metadata }) => metadata.uid);
  h.kubelets.get("node-b")!.stop();
  h.clock.advance(100_000);
  assert.is(ready(h, "node-b"), "Unknown");
  h.kubelets.get("node-b")!.start();
  h.clock.advance(15_000);
  assert.equal(
    [
      ready(h, "node-b"),
      taints(h, "node-b"),
      on(h, "node-b").map(({ metadata }) => metadata.uid),
      isReady(on(h, "node-b")[0]!),
    ],
    ["True", [], before, true],
  );
  h.clock.advance(600_000);
  assert.equal(
    on(h, "node-b").map(({ metadata }) => metadata.uid),
    before,
  );
});

test("a Pod that tolerates it for 10 s goes earlier, one that tolerates it for ever stays", () => {
  const h = harness();
  h.clock.settle();
  const tolerating = (name: string, tolerationSeconds?: number) =>
    h.client.create<Pod>({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: {
        nodeSelector: { "kubernetes.io/hostname": "node-a" },
        containers: [{ name: "c", image: "nginx" }],
        tolerations: [
          {
            operator: "Exists",
            effect: "NoExecute",
            ...(tolerationSeconds !== undefined && { tolerationSeconds }),
          },
        ],
      },
    });
  tolerating("hasty", 10);
  tolerating("patient");
  h.clock.settle();
  h.kubelets.get("node-a")!.stop();
  h.clock.advance(90_000);
  assert.equal(
    h.all("Pod").map(({ metadata }) => [metadata.name, metadata.deletionTimestamp !== undefined]),
    [
      ["hasty", true],
      ["patient", false],
    ],
  );
});

test("a user's taint has no date: what is tolerated for a while is counted from when it was seen", () => {
  const h = harness();
  h.clock.settle();
  const taint = { key: "out", value: "yes", effect: "NoExecute" as const };
  h.client.create<Pod>({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "guest" },
    spec: {
      containers: [{ name: "c", image: "nginx" }],
      tolerations: [{ key: "out", operator: "Exists", effect: "NoExecute", tolerationSeconds: 60 }],
    },
  });
  h.clock.settle();
  const host = h.all("Pod")[0]!.spec.nodeName!;
  const taintIt = (taints: readonly (typeof taint)[]) =>
    h.client.patch("Node", host, undefined, { type: "merge", body: { spec: { taints } } });
  const leaving = () => h.all("Pod").some(({ metadata }) => metadata.deletionTimestamp);
  taintIt([taint]);
  h.clock.advance(50_000);
  assert.is(leaving(), false);
  taintIt([]);
  h.clock.advance(20_000);
  taintIt([taint]);
  h.clock.advance(50_000);
  assert.is(leaving(), false, "the taint was away: the time begins anew");
  h.clock.advance(11_000);
  assert.is(leaving(), true);
});

test("where no node at all is ready, nobody is evicted", () => {
  const h = running();
  for (const kubelet of h.kubelets.values()) kubelet.stop();
  h.clock.advance(1_000_000);
  assert.equal(
    h.all("Pod").map(({ metadata }) => metadata.deletionTimestamp),
    [undefined, undefined, undefined],
  );
});

test("Pods of a Node that was removed are taken away after 40 s, and made anew elsewhere", () => {
  const h = running();
  h.kubelets.get("node-c")!.stop();
  h.client.delete("Node", "node-c");
  h.clock.advance(30_000);
  assert.is(on(h, "node-c").length, 1);
  h.clock.advance(15_000);
  assert.equal([on(h, "node-c").length, h.all("Pod").filter(isReady).length], [0, 3]);
  assert.is(
    h.client
      .list("Lease", { namespace: "kube-node-lease" })
      .items.some(({ metadata }) => metadata.name === "node-c"),
    false,
    "its Lease went with it",
  );
});

test("when the leading controller manager dies, the other one carries on", () => {
  const h = harness({ replicas: 2 });
  h.clock.settle();
  h.client.create(deployment("web", 2));
  h.clock.settle();
  const [first, , second] = h.managers;
  assert.equal([first!.leading, second!.leading], [true, false]);
  first!.stop();
  h.client.patch("Deployment", "web", "default", {
    type: "merge",
    body: { spec: { replicas: 4 } },
  });
  h.clock.advance(10_000);
  assert.is(h.all("Pod").length, 2, "nobody is at work");
  h.clock.advance(15_000);
  assert.equal([second!.leading, h.all("Pod").length], [true, 4]);
});

test.run();
