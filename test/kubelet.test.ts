import { test } from "uvu";
import * as assert from "uvu/assert";
import { conflict } from "stopover/internal/api/errors";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import { condition, isReady } from "stopover/internal/objects/pods";
import type { Container, Pod, PodSpec } from "stopover/internal/objects/types";
import { harness, type Harness, type HarnessOptions } from "./control-harness.js";

function one(
  container: Partial<Container> = {},
  spec: Partial<PodSpec> = {},
  options: HarnessOptions = {},
) {
  const h = harness({ nodes: 1, ...options });
  h.clock.settle();
  const machine = h.machines.get("node-a")!;
  const make = () =>
    h.client.create<Pod>({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web" },
      spec: { containers: [{ name: "nginx", image: "nginx", ...container }], ...spec },
    });
  return { h, machine, make, pod: () => h.client.get("Pod", "web") };
}

const told = (h: Harness) =>
  h.events("web").map((text) => text.replace(/ kubelet /, " ").replace(/[0-9.]+ms/g, "…ms"));

test("a Pod's start: what its status and its events say, and when", () => {
  const { h, machine, make, pod } = one();
  const start = h.clock.now();
  make();
  h.clock.advance(100);
  assert.equal(
    [pod().status?.phase, pod().status?.podIP, pod().status?.containerStatuses?.[0]?.state],
    ["Pending", undefined, { waiting: { reason: "ContainerCreating" } }],
  );
  assert.equal(condition(pod(), "Ready")?.message, "containers with unready status: [nginx]");
  h.clock.settle();
  const took = h.clock.now() - start;
  assert.ok(took >= 600 && took <= 1_150, `${took} ms`);
  const { status } = pod();
  assert.equal(
    [status?.phase, status?.podIP, status?.podIPs, status?.hostIP, status?.qosClass],
    ["Running", "10.1.1.2", [{ ip: "10.1.1.2" }], "192.168.0.1", "BestEffort"],
  );
  assert.equal(
    status?.conditions?.map(({ type, status }) => `${type} ${status}`),
    [
      "PodReadyToStartContainers True",
      "Initialized True",
      "Ready True",
      "ContainersReady True",
      "PodScheduled True",
    ],
  );
  assert.ok(status?.containerStatuses?.[0]?.state?.running);
  assert.is(machine.pods.size, 1);
  assert.equal(told(h).sort(), [
    "Normal Created 1 Created container: nginx",
    'Normal Pulled 1 Successfully pulled image "nginx" in …ms (…ms including waiting)',
    'Normal Pulling 1 Pulling image "nginx"',
    "Normal Scheduled 1 default-scheduler Successfully assigned default/web to node-a",
    "Normal Started 1 Started container nginx",
  ]);
});

for (const [what, take] of [
  ["is taken away by a patch", { type: "merge", body: { status: null } }],
  ["is made empty", { type: "merge", body: { status: { conditions: null, addresses: null } } }],
] as const)
  test(`a Node whose status ${what} gets it back from its kubelet`, () => {
    const { h } = one();
    h.client.patch("Node", "node-a", undefined, take, { subresource: "status" });
    h.clock.settle();
    assert.is(condition(h.client.get("Node", "node-a"), "Ready")?.status, "True");
    assert.equal(h.client.get("Node", "node-a").status?.capacity?.["cpu"], "4");
  });

test("a kubelet takes over a Node that somebody made without a status", () => {
  const { h } = one();
  h.kubelets.get("node-a")!.stop();
  h.client.delete("Node", "node-a");
  h.client.create({ apiVersion: "v1", kind: "Node", metadata: { name: "node-a" }, spec: {} });
  h.clock.settle();
  h.kubelets.get("node-a")!.start();
  h.clock.settle();
  assert.is(condition(h.client.get("Node", "node-a"), "Ready")?.status, "True");
});

test("an image that is there is not pulled again", () => {
  const { h, make } = one({ image: "nginx:1.27" });
  make();
  h.clock.settle();
  assert.ok(told(h).includes('Normal Pulling 1 Pulling image "nginx:1.27"'));
  h.client.create<Pod>({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "second" },
    spec: { containers: [{ name: "nginx", image: "nginx:1.27" }] },
  });
  h.clock.settle();
  assert.ok(
    h
      .events("second")
      .includes('Normal Pulled 1 kubelet Container image "nginx:1.27" already present on machine'),
  );
  assert.not.ok(h.events("second").some((text) => text.includes("Pulling")));
});

test("a readiness probe decides who is ready: from its first success, until it failed three times", () => {
  const { h, machine, make, pod } = one({
    readinessProbe: { httpGet: { path: "/", port: 80 }, initialDelaySeconds: 5, periodSeconds: 10 },
  });
  let ok = true;
  machine.probes = () => ({ ok, message: "HTTP probe failed with statuscode: 503" });
  make();
  h.clock.advance(3_000);
  assert.equal([pod().status?.phase, isReady(pod())], ["Running", false]);
  const before = h.clock.now();
  h.clock.settle();
  assert.ok(isReady(pod()) && h.clock.now() - before > 2_000, "settle waits for the first verdict");
  ok = false;
  h.clock.advance(20_000);
  assert.ok(isReady(pod()), "two failures are not three");
  h.clock.advance(10_000);
  assert.not.ok(isReady(pod()));
  assert.ok(
    told(h).includes(
      "Warning Unhealthy 3 Readiness probe failed: HTTP probe failed with statuscode: 503",
    ),
  );
  assert.is(pod().status?.containerStatuses?.[0]?.restartCount, 0);
  ok = true;
  h.clock.advance(10_000);
  assert.ok(isReady(pod()));
});

test("a probe that never succeeds does not keep the cluster busy for ever", () => {
  const { h, machine, make, pod } = one({ readinessProbe: { tcpSocket: { port: 80 } } });
  machine.probes = () => ({ ok: false, message: "connection refused" });
  make();
  h.clock.settle();
  assert.not.ok(isReady(pod()));
});

test("a readiness gate holds the Pod back until somebody opens it", () => {
  const { h, make, pod } = one(
    {},
    { readinessGates: [{ conditionType: "example.com/registered" }] },
  );
  make();
  h.clock.settle();
  assert.equal(
    [
      condition(pod(), "ContainersReady")?.status,
      condition(pod(), "Ready")?.status,
      condition(pod(), "Ready")?.reason,
    ],
    ["True", "False", "ReadinessGatesNotReady"],
  );
  assert.is(
    condition(pod(), "Ready")?.message,
    'corresponding condition of pod readiness gate "example.com/registered" does not exist.',
  );
  h.client.updateStatus<Pod>({
    ...pod(),
    status: {
      ...pod().status,
      conditions: [
        ...pod().status!.conditions!,
        { type: "example.com/registered", status: "True" },
      ],
    },
  });
  h.clock.settle();
  assert.ok(isReady(pod()));
});

test("a liveness probe that fails three times has the container restarted", () => {
  const { h, machine, make, pod } = one({
    livenessProbe: { httpGet: { port: 80 }, periodSeconds: 10 },
  });
  let ok = true;
  machine.probes = () => ({ ok, message: "HTTP probe failed with statuscode: 500" });
  make();
  h.clock.settle();
  ok = false;
  h.clock.advance(40_000);
  ok = true;
  h.clock.advance(10_000);
  assert.is(pod().status?.containerStatuses?.[0]?.restartCount, 1);
  assert.is(pod().status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 137);
  assert.ok(
    told(h).includes("Normal Killing 1 Container nginx failed liveness probe, will be restarted"),
  );
});

test("a startup probe comes before the others", () => {
  const { h, machine, make, pod } = one({
    startupProbe: { httpGet: { port: 80 }, periodSeconds: 1, failureThreshold: 30 },
    readinessProbe: { httpGet: { port: 80 } },
  });
  const start = h.clock.now();
  machine.probes = () => ({ ok: h.clock.now() - start > 8_000, message: "still starting" });
  make();
  h.clock.advance(6_000);
  assert.equal([pod().status?.containerStatuses?.[0]?.started, isReady(pod())], [false, false]);
  h.clock.advance(4_000);
  assert.equal(
    [
      pod().status?.containerStatuses?.[0]?.started,
      isReady(pod()),
      pod().status?.containerStatuses?.[0]?.restartCount,
    ],
    [true, true, 0],
  );
});

test("a container that crashes is restarted at once, then after 10 s, 20 s, 40 s …", () => {
  const { h, machine, make, pod } = one();
  make();
  h.clock.settle();
  const container = () => pod().status!.containerStatuses![0]!;
  const waits: number[] = [];
  for (let crash = 0; crash < 5; crash++) {
    machine.crash(pod());
    const restarts = container().restartCount;
    h.clock.advance(1_000); // until the kubelet looks
    const since = h.clock.now();
    if (crash > 0) {
      assert.is(container().state?.waiting?.reason, "CrashLoopBackOff");
      assert.not.ok(isReady(pod()));
    }
    while (container().restartCount === restarts) h.clock.advance(500);
    waits.push(Math.round((h.clock.now() - since) / 5_000) * 5);
  }
  assert.equal(waits, [0, 10, 20, 40, 80]);
  assert.match(
    told(h).find((text) => text.includes("BackOff"))!,
    /^Warning BackOff 4 Back-off restarting failed container nginx in pod web_default\([-0-9a-f]+\)$/,
  );
  h.clock.advance(601_000);
  machine.crash(pod());
  h.clock.advance(2_000);
  assert.is(container().restartCount, 6, "after ten good minutes the count begins again");
});

test("restartPolicy Never: the Pod has failed", () => {
  const { h, machine, make, pod } = one({}, { restartPolicy: "Never" });
  make();
  h.clock.settle();
  machine.crash(pod());
  h.clock.advance(1_000);
  assert.equal(
    [
      pod().status?.phase,
      isReady(pod()),
      pod().status?.containerStatuses?.[0]?.state?.terminated?.exitCode,
    ],
    ["Failed", false, 1],
  );
});

test("a deletion gives the processes time to end, and takes the Pod away when they have", () => {
  const { h, machine, make, pod } = one();
  make();
  h.clock.settle();
  h.client.delete("Pod", "web", "default");
  h.clock.advance(500);
  assert.equal(
    [pod().metadata.deletionGracePeriodSeconds, isReady(pod()), machine.pods.size],
    [30, true, 1],
  );
  assert.ok(told(h).includes("Normal Killing 1 Stopping container nginx"));
  h.clock.settle();
  assert.equal([h.all("Pod").length, machine.pods.size], [0, 0]);
});

test("a preStop sleep keeps the Pod serving for so long, but not beyond its grace period", () => {
  for (const [seconds, grace, gone] of [
    [15, 30, 16_000],
    [60, 30, 30_000],
  ] as const) {
    const { h, make, pod } = one(
      { lifecycle: { preStop: { sleep: { seconds } } } },
      { terminationGracePeriodSeconds: 60 },
    );
    make();
    h.clock.settle();
    const start = h.clock.now();
    h.client.delete("Pod", "web", "default", { gracePeriodSeconds: grace });
    h.clock.advance(gone - 500);
    assert.equal([isReady(pod()), pod().metadata.deletionTimestamp !== undefined], [true, true]);
    h.clock.settle();
    assert.equal(
      [h.all("Pod").length, Math.floor((h.clock.now() - start) / 1_000) * 1_000],
      [0, gone],
    );
  }
});

for (const [title, second, alive] of [
  ["shorter: the Pod ends sooner", 2, 2_000],
  ["longer: it changes nothing", 1_000, 501_000],
  ["the default, which is as long as the first: it changes nothing", undefined, 501_000],
] as const)
  test(`a second deletion, with a grace period that is ${title}`, () => {
    const { h, machine, make } = one(
      { lifecycle: { preStop: { sleep: { seconds: 500 } } } },
      { terminationGracePeriodSeconds: 600 },
    );
    make();
    h.clock.settle();
    h.client.delete("Pod", "web");
    h.clock.advance(5_000);
    h.client.delete("Pod", "web", "default", {
      ...(second !== undefined && { gracePeriodSeconds: second }),
    });
    const left = alive === 2_000 ? alive : alive - 5_000;
    h.clock.advance(left - 1);
    assert.is(h.all("Pod").length, 1);
    h.clock.advance(1);
    assert.equal([h.all("Pod").length, machine.pods.size], [0, 0]);
    const killing = told(h).filter((text) => text.includes("Killing"));
    assert.equal(killing, ["Normal Killing 1 Stopping container nginx"]);
  });

test("a Pod's end is told until the API server has heard it, by a kubelet that comes back too", () => {
  const { h, make } = one();
  make();
  h.clock.settle();
  const kubelet = h.kubelets.get("node-a")!;
  kubelet.stop();
  h.client.delete("Pod", "web");
  const { delete: remove } = ApiServer.prototype;
  let refused = 0;
  ApiServer.prototype.delete = function (...args) {
    if (refused++ < 5) throw conflict({ kind: "Pod", plural: "pods", group: "" }, "web", "not now");
    return remove.apply(this, args);
  };
  try {
    kubelet.start();
    h.clock.settle();
  } finally {
    ApiServer.prototype.delete = remove;
  }
  assert.equal([h.all("Pod").length, refused], [0, 6]);
});

test("a grace period of zero takes it away at once, and the kubelet cleans up", () => {
  const { h, machine, make } = one();
  make();
  h.clock.settle();
  h.client.delete("Pod", "web", "default", { gracePeriodSeconds: 0 });
  assert.is(h.all("Pod").length, 0);
  h.clock.settle();
  assert.is(machine.pods.size, 0);
});

test("a Pod deleted while it starts never runs", () => {
  const { h, machine, make } = one();
  make();
  h.clock.advance(100);
  h.client.delete("Pod", "web", "default");
  h.clock.settle();
  assert.equal([h.all("Pod").length, machine.pods.size], [0, 0]);
});

test("a sandbox that cannot be made is told, and tried again", () => {
  const { h, machine, make, pod } = one();
  const start = machine.start.bind(machine);
  machine.start = () => {
    throw new Error("no addresses left");
  };
  make();
  h.clock.settle();
  assert.ok(
    told(h).includes(
      "Warning FailedCreatePodSandBox 1 Failed to create pod sandbox: no addresses left",
    ),
  );
  machine.start = start;
  h.clock.advance(11_000);
  assert.ok(isReady(pod()));
});

test("the Node says what it is, and that it lives", () => {
  const { h } = one();
  const node = () => h.client.get("Node", "node-a");
  assert.equal(node().status?.addresses, [
    { type: "InternalIP", address: "192.168.0.1" },
    { type: "Hostname", address: "node-a" },
  ]);
  assert.equal([node().spec.podCIDR, node().spec.taints ?? []], ["10.1.1.0/24", []]);
  const renewed = () =>
    Date.parse(h.client.get("Lease", "node-a", "kube-node-lease").spec.renewTime!);
  h.clock.advance(60_000);
  assert.ok(h.clock.now() - renewed() <= 10_000);
  const heartbeat = () => condition(node(), "Ready")!.lastHeartbeatTime!;
  const first = heartbeat();
  h.clock.advance(200_000);
  assert.is(heartbeat(), first, "nothing changed, so nothing was written");
  h.clock.advance(110_000);
  assert.not.equal(heartbeat(), first);
});

test("a kubelet that comes back finds its Pods as they were", () => {
  const { h, machine, make, pod } = one();
  make();
  h.clock.settle();
  const before = pod();
  h.kubelets.get("node-a")!.stop();
  h.clock.advance(20_000);
  h.kubelets.get("node-a")!.start();
  h.clock.settle();
  assert.equal(
    [
      pod().status?.podIP,
      pod().status?.containerStatuses?.[0]?.restartCount,
      isReady(pod()),
      machine.pods.size,
    ],
    [before.status?.podIP, 0, true, 1],
  );
  assert.equal(
    pod().status?.containerStatuses?.[0]?.state,
    before.status?.containerStatuses?.[0]?.state,
  );
});

test("a Pod that was removed while its kubelet was away is cleaned up when it is back", () => {
  const { h, machine, make } = one();
  make();
  h.clock.settle();
  h.kubelets.get("node-a")!.stop();
  h.client.delete("Pod", "web", "default", { gracePeriodSeconds: 0 });
  h.clock.advance(5_000);
  assert.is(machine.pods.size, 1);
  h.kubelets.get("node-a")!.start();
  h.clock.settle();
  assert.is(machine.pods.size, 0);
});

test.run();
