import { test } from "uvu";
import * as assert from "uvu/assert";
import { condition } from "stopover/internal/objects/pods";
import { spent, whyNotEvicted } from "stopover/internal/apiserver/eviction";
import {
  allowedCondition,
  covers,
  type PodDisruptionBudget,
} from "stopover/internal/objects/disruption-budgets";
import type { Kind, KubeObject, Node, Pod } from "stopover/internal/objects/types";
import { deployment, harness, type Harness } from "./control-harness.js";

const BUDGET = "PodDisruptionBudget" as Kind;

function budget(h: Harness, name: string, spec: PodDisruptionBudget["spec"]): void {
  const metadata = { name, namespace: "default" };
  h.client.create({ apiVersion: "policy/v1", kind: BUDGET, metadata, spec } as KubeObject);
}

const statusOf = (h: Harness, name: string) =>
  (h.client.get(BUDGET, name) as unknown as PodDisruptionBudget).status!;
const web = { matchLabels: { app: "web" } };
const target = (pod: Pod) => {
  const found = condition(pod, "DisruptionTarget");
  return found && `${found.status} ${found.reason}: ${found.message}`;
};

/** What a Pod said last. */
const last = (h: Harness, name: string): Pod | undefined =>
  gone.get(h)!.findLast(({ metadata }) => metadata.name === name);
const gone = new WeakMap<Harness, Pod[]>();

function running(options: Parameters<typeof harness>[0] = {}): Harness {
  const h = harness(options);
  const seen: Pod[] = [];
  gone.set(h, seen);
  h.client.watch("Pod", { resourceVersion: h.client.list("Pod").resourceVersion }, (event) => {
    if (event.type !== "BOOKMARK" && event.type !== "ERROR") seen.push(event.object);
  });
  h.clock.settle();
  return h;
}

for (const [title, spec, expected] of [
  ["so many must be well", { minAvailable: 2 }, [1, 3, 2, 3]],
  ["a share must be well", { minAvailable: "50%" }, [1, 3, 2, 3]],
  ["so many may be missing", { maxUnavailable: 2 }, [2, 3, 1, 3]],
  ["more than there are", { minAvailable: 5 }, [0, 3, 5, 3]],
] as const)
  test(`a budget says how many may go: ${title}`, () => {
    const h = running();
    budget(h, "web", { ...spec, selector: web });
    h.clock.settle();
    assert.match(
      h.events("web").at(-1)!,
      /^Normal NoPods \d disruption-controller No matching pods/,
    );
    h.client.create(deployment("web", 3));
    h.clock.settle();
    const status = statusOf(h, "web");
    const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = status;
    assert.equal([disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods], expected);
    const [allowed] = status.conditions!;
    assert.is(allowed!.reason, expected[0] > 0 ? "SufficientPods" : "InsufficientPods");
    h.client.delete("Pod", h.all("Pod")[0]!.metadata.name);
    h.clock.advance(200);
    assert.is(statusOf(h, "web").disruptionsAllowed, Math.max(0, expected[0] - 1));
  });

test("a Pod that a taint drives away says so; one that is spared after all is told of", () => {
  const h = running();
  const patient = [{ key: "k", operator: "Exists", effect: "NoExecute", tolerationSeconds: 60 }];
  const spec = { containers: [{ name: "c", image: "nginx" }], nodeName: "node-a" };
  const make = (name: string, more: object) =>
    h.client.create<Pod>({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: { ...spec, ...more },
    });
  make("hasty", {});
  make("patient", { tolerations: patient });
  h.clock.settle();
  const taint = (taints: Node["spec"]["taints"] | null) =>
    h.client.patch("Node", "node-a", undefined, { type: "merge", body: { spec: { taints } } });
  taint([{ key: "k", effect: "NoExecute" }]);
  h.clock.advance(50_000);
  assert.is(
    target(last(h, "hasty")!),
    "True DeletionByTaintManager: Taint manager: deleting due to NoExecute taint",
  );
  taint(null);
  h.clock.advance(30_000);
  assert.is(target(last(h, "patient")!), undefined);
  assert.ok(
    h.events("patient").some((told) => /Cancelling deletion of Pod default\/patient$/.test(told)),
  );
});

function important(h: Harness): void {
  const metadata = { name: "high" };
  const value = 1_000;
  h.client.create({
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata,
    value,
  } as KubeObject);
}

const big = (name: string, more: object = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: name.split("-")[0]! } },
  spec: {
    containers: [{ name: "c", image: "nginx", resources: { requests: { cpu: "3" } } }],
    ...more,
  },
});

test("a Pod that makes room says for whom; where a budget would be broken others go first", () => {
  const h = running({ nodes: 2, capacity: { cpu: "4", memory: "8Gi", pods: "10" } });
  important(h);
  h.client.create(big("web-a"));
  h.clock.settle();
  h.client.create(big("other-b"));
  h.clock.settle();
  budget(h, "web", { minAvailable: 1, selector: web });
  h.clock.settle();
  h.client.create(big("new", { priorityClassName: "high" }));
  h.clock.settle();
  assert.ok(h.client.get("Pod", "web-a"));
  assert.is(
    target(last(h, "other-b")!),
    "True PreemptionByScheduler: default-scheduler: preempting to accommodate a higher priority pod",
  );
  // a budget is kept only as far as that is possible
  h.client.create(big("newer", { priorityClassName: "high" }));
  h.clock.settle();
  assert.match(target(last(h, "web-a")!) ?? "", /PreemptionByScheduler/);
});

test("a Pod whose node is gone ends as failed, and says why", () => {
  const h = running();
  h.client.create(big("lost", { nodeName: "node-a" }));
  h.clock.settle();
  h.kubelets.get("node-a")!.stop();
  h.client.delete("Node", "node-a");
  h.clock.advance(120_000);
  assert.throws(() => h.client.get("Pod", "lost"), /not found/);
  const { status } = last(h, "lost")!;
  assert.is(status?.phase, "Failed");
  assert.is(target(last(h, "lost")!), "True DeletionByPodGC: PodGC: node no longer exists");
});

// ---- one budget, one Pod

const now = "2026-01-01T00:00:00Z";
const pod = (namespace: string, labels = { app: "web" }): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web-0", namespace, labels },
  spec: { containers: [] },
  status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
});
const kept = (more: PodDisruptionBudget["status"] & { generation?: number } = {}) => {
  const { generation = 1, ...status } = more;
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "web", namespace: "default", generation },
    spec: { minAvailable: 1, selector: web },
    status: { observedGeneration: 1, ...status },
  } satisfies PodDisruptionBudget;
};

for (const [title, budget, of, expected] of [
  ["its own Pod", kept(), pod("default"), true],
  ["a Pod like it, in another namespace", kept(), pod("prod"), false],
  ["another Pod", kept(), pod("default", { app: "shop" }), false],
  ["any Pod, without a selector", { ...kept(), spec: {} }, pod("default"), false],
  ["any Pod, with an empty one", { ...kept(), spec: { selector: {} } }, pod("default"), true],
] as const)
  test(`whether a budget is about ${title}`, () => assert.is(covers(budget, of), expected));

test("what a budget says changes its time with its status alone", () => {
  const said = (status: string, time: string) => [
    { ...allowedCondition(kept(), 1, time), status } as ReturnType<typeof allowedCondition>,
  ];
  const old = "2025-01-01T00:00:00Z";
  for (const [before, allowed, expected] of [
    ["True", 1, ["True", "SufficientPods", old]],
    ["True", 0, ["False", "InsufficientPods", now]],
    ["False", 0, ["False", "InsufficientPods", old]],
    ["False", 2, ["True", "SufficientPods", now]],
  ] as const) {
    const one = kept({ conditions: said(before, old) });
    const { status, reason, lastTransitionTime } = allowedCondition(one, allowed, now);
    assert.equal([status, reason, lastTransitionTime], [...expected]);
  }
});

const healthy = { desiredHealthy: 1, currentHealthy: 2 };
const unkept = "The disruption budget web is still being processed by the server.";
for (const [title, budget, why] of [
  [
    "its controller allows none",
    kept({ disruptionsAllowed: 0 }),
    "The disruption budget web needs 0 healthy pods and has 0 currently",
  ],
  [
    "none, though enough are well",
    kept({ disruptionsAllowed: 0, ...healthy }),
    "The disruption budget web does not allow evicting pods currently",
  ],
  ["its controller allows one", kept({ disruptionsAllowed: 1 }), undefined],
  ["nobody counted since it changed", kept({ generation: 2, disruptionsAllowed: 1 }), unkept],
] as const)
  test(`whether a Pod may be evicted: ${title}`, () => {
    const { status } = whyNotEvicted(pod("default"), [budget]) ?? {};
    assert.is(status?.details?.causes?.[0]?.message, why);
    assert.is(status?.details?.retryAfterSeconds, why === unkept ? 10 : undefined);
    const left = spent(pod("default"), [budget], now)?.status?.disruptionsAllowed;
    assert.is(
      left,
      budget.metadata.generation === 2 ? undefined : budget.status.disruptionsAllowed! - 1,
    );
  });

test("a Pod of two budgets is nobody's to evict, and nobody is to try again", () => {
  const refusal = whyNotEvicted(pod("default"), [kept(), kept()]);
  assert.is(refusal?.code, 500);
  assert.match(refusal!.message, /^This pod has more than one PodDisruptionBudget/);
});

test("a namespace that goes lets go of its Pods first", () => {
  const h = running();
  const metadata = { name: "shop" };
  h.client.create({ apiVersion: "v1", kind: "Namespace", metadata });
  const spec = { containers: [{ name: "c", image: "nginx" }], terminationGracePeriodSeconds: 30 };
  const patient = { finalizers: ["example.com/wait"] };
  h.client.create<Pod>({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "shop", ...patient },
    spec,
  });
  h.client.create({
    apiVersion: "v1",
    kind: "ConfigMap" as Kind,
    metadata: { name: "conf", namespace: "shop" },
  });
  h.clock.settle();
  h.client.delete("Namespace", "shop");
  h.clock.advance(60_000);
  assert.ok(h.client.get("ConfigMap" as Kind, "conf", "shop"), "the Pod is still there");
  h.client.patch("Pod", "web", "shop", { type: "merge", body: { metadata: { finalizers: null } } });
  h.clock.advance(60_000);
  assert.throws(() => h.client.get("Namespace", "shop"), /not found/);
});

test.run();
