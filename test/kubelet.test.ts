import { test } from "uvu";
import * as assert from "uvu/assert";
import { conflict } from "stopover/internal/api/errors";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import { condition, isReady } from "stopover/internal/objects/pods";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import { Prober } from "stopover/internal/node/kubelet/prober";
import { stoppingOf } from "stopover/internal/node/kubelet/stopping";
import type { Container, Pod, PodSpec, Probe } from "stopover/internal/objects/types";
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

test("a kubelet that finds the sandbox of its former self, and the container ended, begins the container", () => {
  const { h, machine, make, pod } = one({ readinessProbe: { tcpSocket: { port: 80 } } });
  machine.probes = (of, container) => ({ ok: machine.running(of, container), message: "" });
  const made = make();
  machine.start(made, ["10.1.1.0/24"]);
  machine.crash(made);
  h.clock.advance(20_000);
  assert.ok(machine.running(made, "nginx"));
  assert.ok(isReady(pod()));
  assert.is(pod().status?.containerStatuses?.[0]?.restartCount, 0);
});

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

const agnhost = "registry.k8s.io/e2e-test-images/agnhost:2.53";
const draining = { image: agnhost, args: ["netexec", "--delay-shutdown=8"] };
const sleeping = { lifecycle: { preStop: { sleep: { seconds: 5 } } } };
const script = (command: string[]) => ({ lifecycle: { preStop: { exec: { command } } } });

// container, grace period in s -> when it takes no more connections, and when it has ended, in ms
for (const [title, container, grace, closes, ends] of [
  ["nginx closes its socket at the signal and ends a second later", {}, 30, 0, 1_000],
  ["preStop sleep comes before the signal", sleeping, 30, 5_000, 6_000],
  ["a script that sleeps does, too", script(["sh", "-c", "sleep 5; true"]), 30, 5_000, 6_000],
  ["so does the program alone", script(["/bin/sleep", "5"]), 30, 5_000, 6_000],
  ["another hook is over at once", script(["nginx", "-s", "quit"]), 30, 0, 1_000],
  ["a hook is cut off when the grace period is over", script(["sleep", "9"]), 3, 3_000, 4_000],
  ["an image that drains takes connections until it ends", draining, 30, 8_000, 8_000],
  ["though not longer than the grace period", draining, 4, 4_000, 4_000],
] as const)
  test(`a Pod is deleted: ${title}`, () => {
    const { h, machine, make } = one(container, {
      terminationGracePeriodSeconds: grace,
    });
    make();
    h.clock.settle();
    h.client.delete("Pod", "web");
    const start = h.clock.now();
    const sinceStart = () => Math.floor((h.clock.now() - start) / 100) * 100;
    let closed = NaN;
    h.clock.advance(50);
    while (h.all("Pod").length > 0) {
      if (machine.closed.length === 0) closed = sinceStart() + 100;
      h.clock.advance(100);
    }
    assert.equal([closed || 0, sinceStart()], [closes, ends]);
  });

const told8 = (...args: string[]) => ({ image: agnhost, args });
// container, grace period in s -> the signal, no more connections, the end, in ms
for (const [title, container, grace, ...times] of [
  [
    "a script's own arguments are no commands",
    script(["sh", "-c", "exit", "sleep 5"]),
    30,
    0,
    0,
    1_000,
  ],
  ["minutes", script(["sleep", "2m"]), 300, 120_000, 120_000, 121_000],
  ["parts of a second", script(["sleep", "0.5s"]), 30, 500, 500, 1_500],
  [
    "a sleep among others",
    script(["sh", "-c", "nginx -s quit; sleep 3 && true"]),
    30,
    3_000,
    3_000,
    4_000,
  ],
  ["what only begins like a sleep", script(["sh", "-c", "sleep 5x; oversleep 5"]), 30, 0, 0, 1_000],
  [
    "a whole grace period of hook leaves two seconds",
    script(["sleep", "9"]),
    9,
    9_000,
    9_000,
    10_000,
  ],
  ["agnhost that is not told to drain", told8("netexec"), 30, 0, 0, 1_000],
  ["told to drain by two words", told8("netexec", "--delay-shutdown", "8"), 30, 0, 8_000, 8_000],
  ["told to drain a second", told8("netexec", "--delay-shutdown=1"), 30, 0, 1_000, 1_000],
  ["told to drain for no time", told8("netexec", "--delay-shutdown=0"), 30, 0, 0, 1_000],
  ["told to drain for what is no time", told8("netexec", "--delay-shutdown=x"), 30, 0, 0, 1_000],
  ["another of agnhost's servers", told8("porter", "--delay-shutdown=8"), 30, 0, 0, 1_000],
  ["another image", { image: "nginx", args: ["netexec", "--delay-shutdown=8"] }, 30, 0, 0, 1_000],
  [
    "a drain longer than what the hook leaves",
    { ...draining, ...sleeping },
    9,
    5_000,
    9_000,
    9_000,
  ],
  ["a drain after the hook took it all", { ...draining, ...sleeping }, 5, 5_000, 7_000, 7_000],
] as const)
  test(`a container is stopped: ${title}`, () => {
    const { signal, closes, ends } = stoppingOf(
      { name: "c", ...container } as Container,
      grace * 1_000,
    );
    assert.equal([signal, closes, ends], times);
  });

test("a preStop sleep keeps the Pod serving for so long, but not beyond its grace period", () => {
  for (const [seconds, grace, gone] of [
    [15, 30, 16_000],
    [60, 30, 31_000],
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
  ["shorter: the Pod ends sooner", 2, 3_000],
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
    const left = alive === 3_000 ? alive : alive - 5_000;
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

test("a Pod that is gone at once is asked nothing any more, and restarted never", () => {
  const { h, machine, make } = one({
    livenessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 },
  });
  make();
  h.clock.settle();
  let asked = 0;
  const { probe } = machine;
  machine.probe = (...what) => (asked++, probe.apply(machine, what));
  h.clock.advance(5_000);
  assert.ok(asked >= 4, `${asked}`);
  h.client.delete("Pod", "web", undefined, { gracePeriodSeconds: 0 });
  h.clock.advance(2_000);
  const before = asked;
  h.clock.advance(60_000);
  assert.equal([asked - before, machine.pods.size], [0, 0]);
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

// ---- what a status says -------------------------------------------------------------------------

const half = { cpu: "500m", memory: "64Mi" };
for (const [says, resources, qos] of [
  ["nobody asks for anything", [{}, {}], "BestEffort"],
  ["each has limits for both", [{ limits: half }, { limits: half }], "Guaranteed"],
  ["requests equal limits", [{ requests: half, limits: half }], "Guaranteed"],
  ["only one asks", [{ limits: half }, {}], "Burstable"],
  ["there are requests alone", [{ requests: half }], "Burstable"],
  ["only the CPU has a limit", [{ limits: { cpu: "1" } }], "Burstable"],
  ["only memory has a limit", [{ limits: { memory: "1Gi" } }], "Burstable"],
  ["a request is below its limit", [{ requests: { cpu: "100m" }, limits: half }], "Burstable"],
] as const)
  test(`a Pod is ${qos} where ${says}`, () => {
    const { h, pod } = one();
    const containers = resources.map((each, i) => ({
      name: `c${i}`,
      image: "nginx",
      resources: each,
    }));
    h.client.create<Pod>({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web" },
      spec: { containers },
    });
    h.clock.settle();
    assert.is(pod().status?.qosClass, qos);
  });

for (const [policy, tag, pulls] of [
  ["Always", "nginx:1.27", [1, 1]],
  ["IfNotPresent", "nginx:1.27", [1, 0]],
  ["Never", "nginx:1.27", [0, 0]],
  [undefined, "nginx:1.27", [1, 0]],
  [undefined, "nginx", [1, 1]],
] as const)
  test(`imagePullPolicy ${policy} of ${tag}: the first Pod and the second pull ${pulls.join(" and ")} times`, () => {
    const { h } = one();
    const counts = ["first", "second"].map((name) => {
      h.client.create<Pod>({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name },
        spec: {
          containers: [{ name: "a", image: tag, ...(policy && { imagePullPolicy: policy }) }],
        },
      });
      h.clock.settle();
      const pulled = h.events(name).filter((text) => text.includes("Successfully pulled"));
      const pulling = h.events(name).filter((text) => text.includes("Pulling image"));
      assert.is(pulled.length, pulling.length);
      return pulling.length;
    });
    assert.equal(counts, pulls);
  });

test("three quarters of a Pod's start are its image's", () => {
  const { h, make, pod } = one();
  make();
  const start = h.clock.now();
  h.clock.settle();
  const took = Number(/in (\d+)ms/.exec(h.events("web").join())![1]);
  const whole = Date.parse(pod().status!.containerStatuses![0]!.state!.running!.startedAt!) - start;
  assert.ok(took >= 450 && took <= 750, `${took} ms`);
  assert.ok(whole <= 1000, "stamps are whole seconds");
});

test("of two containers that end for good, the Pod runs until the second has ended", () => {
  const { h, machine, pod } = one();
  h.client.create<Pod>({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: {
      restartPolicy: "Never",
      containers: [
        { name: "a", image: "nginx" },
        { name: "b", image: "nginx" },
      ],
    },
  });
  h.clock.settle();
  machine.crash(pod(), "a");
  h.clock.advance(1_000);
  assert.equal(
    [pod().status?.phase, condition(pod(), "Ready")?.message],
    ["Running", "containers with unready status: [a]"],
  );
  machine.crash(pod(), "b");
  h.clock.advance(1_000);
  const ready = condition(pod(), "Ready")!;
  assert.equal(
    [pod().status?.phase, ready.status, ready.reason, ready.message],
    ["Failed", "False", "PodCompleted", undefined],
  );
});

test("of two readiness gates each says why it is closed", () => {
  const gates = ["example.com/a", "example.com/b"];
  const { h, make, pod } = one(
    {},
    { readinessGates: gates.map((conditionType) => ({ conditionType })) },
  );
  make();
  h.clock.settle();
  h.client.updateStatus<Pod>({
    ...pod(),
    status: {
      ...pod().status,
      conditions: [...pod().status!.conditions!, { type: gates[1]!, status: "False" }],
    },
  });
  h.clock.settle();
  assert.is(
    condition(pod(), "Ready")?.message,
    '[corresponding condition of pod readiness gate "example.com/a" does not exist., the status of pod readiness gate "example.com/b" is not "True", but False]',
  );
  assert.is(condition(pod(), gates[1]!)?.status, "False", "others' conditions stay");
});

test("a condition keeps the time at which it changed, whatever else changes", () => {
  const { h, make, machine, pod } = one({ readinessProbe: { tcpSocket: { port: 80 } } });
  const since = (type: string) => condition(pod(), type)!.lastTransitionTime;
  make();
  h.clock.settle();
  const [ready, scheduled] = [since("Ready"), since("PodScheduled")];
  h.clock.advance(60_000);
  machine.probes = () => ({ ok: false, message: "no" });
  h.clock.advance(40_000);
  assert.is.not(since("Ready"), ready);
  assert.is(since("PodScheduled"), scheduled);
});

// ---- probes -------------------------------------------------------------------------------------

const probed = (answers: string, probe: Probe, options: { once?: true; late?: number } = {}) => {
  const clock = new VirtualClock(0);
  const told: string[] = [];
  let asked = 0;
  if (options.late) clock.advance(options.late * 1_000);
  const say = (what: string) => void told.push(`${clock.now() / 1_000}s ${what}`);
  const prober = new Prober({
    clock,
    probe,
    about: "Pod default/web",
    run: () => ({ ok: (answers[asked++] ?? answers.at(-1)) === "+", message: "no" }),
    onFailure: say,
    onChange: (ok) => say(ok ? "well" : "ill"),
    since: 0,
    ...(options.once && { once: true }),
  });
  clock.advance(60_000 - (options.late ?? 0) * 1_000);
  prober.stop();
  clock.advance(60_000);
  return { told: told.join(", "), asked };
};
for (const [says, answers, probe, options, told] of [
  ["its first success counts", "+", { periodSeconds: 20 }, {}, "0s well"],
  [
    "three failures in a row count, and no fewer",
    "+--+---",
    { periodSeconds: 5 },
    {},
    "0s well, 5s no, 10s no, 20s no, 25s no, 30s no, 30s ill, 35s no, 40s no, 45s no, 50s no, 55s no, 60s no",
  ],
  [
    "so many successes in a row as successThreshold says",
    "-++-++",
    { periodSeconds: 10, successThreshold: 2, failureThreshold: 1 },
    {},
    "0s no, 0s ill, 20s well, 30s no, 30s ill, 50s well",
  ],
  [
    "the delay counts from the container's start",
    "+",
    { initialDelaySeconds: 7, periodSeconds: 50 },
    { late: 3 },
    "7s well",
  ],
  [
    "whose delay is over when it begins asks at once",
    "+",
    { initialDelaySeconds: 7, periodSeconds: 50 },
    { late: 10 },
    "10s well",
  ],
  [
    "ten seconds lie between two",
    "+-",
    {},
    {},
    "0s well, 10s no, 20s no, 30s no, 30s ill, 40s no, 50s no, 60s no",
  ],
] as const)
  test(`a probe: ${says}`, () => assert.is(probed(answers, probe, options).told, told));

test("a startup probe is over with its first success; what is stopped asks no more", () => {
  assert.is(probed("--+", { periodSeconds: 5 }, { once: true }).asked, 3);
  assert.is(probed("+", { periodSeconds: 20 }).asked, 4, "at 0, 20, 40 and 60 seconds");
});

test("a container whose startup probe fails too often is restarted", () => {
  const { h, machine, make, pod } = one({
    startupProbe: { httpGet: { port: 80 }, periodSeconds: 1, failureThreshold: 3 },
  });
  machine.probes = () => ({ ok: false, message: "still starting" });
  make();
  h.clock.advance(4_000);
  assert.is(pod().status?.containerStatuses?.[0]?.restartCount, 1);
  assert.ok(
    told(h).includes("Normal Killing 1 Container nginx failed startup probe, will be restarted"),
  );
});

test("nobody waits for a liveness probe's first verdict", () => {
  const { h, make } = one({ livenessProbe: { tcpSocket: { port: 80 }, initialDelaySeconds: 600 } });
  const start = h.clock.now();
  make();
  h.clock.settle();
  assert.ok(h.clock.now() - start < 60_000);
});

test("who ends is not restarted, however ill", () => {
  const { h, machine, make, pod } = one(
    {
      livenessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 },
      lifecycle: { preStop: { sleep: { seconds: 20 } } },
    },
    { terminationGracePeriodSeconds: 60 },
  );
  make();
  h.clock.settle();
  h.client.delete("Pod", "web");
  machine.probes = () => ({ ok: false, message: "no" });
  h.clock.advance(15_000);
  assert.is(pod().status?.containerStatuses?.[0]?.restartCount, 0);
  const killing = told(h).filter((text) => text.includes("Killing"));
  assert.equal(killing, ["Normal Killing 1 Stopping container nginx"]);
});

// ---- back-off -----------------------------------------------------------------------------------

test("a container that crashes waits longer each time, up to five minutes, and is told so", () => {
  const { h, machine, make, pod } = one();
  make();
  h.clock.settle();
  const container = () => pod().status!.containerStatuses![0]!;
  const said: string[] = [];
  for (let crash = 0; crash < 8; crash++) {
    machine.crash(pod());
    h.clock.advance(1_000);
    const { waiting } = container().state!;
    if (waiting) said.push(/^back-off (\S+) restarting/.exec(waiting.message!)![1]!);
    const since = h.clock.now();
    while (!container().state!.running) h.clock.advance(1_000);
    if (crash === 7) assert.is(h.clock.now() - since, 300_000);
  }
  assert.equal(said, ["10s", "20s", "40s", "1m20s", "2m40s", "5m0s", "5m0s"]);
  h.clock.advance(590_000);
  machine.crash(pod());
  h.clock.advance(1_000);
  assert.ok(container().state!.waiting, "nine good minutes are not ten");
});

test("an image that nobody has is asked for again and again, up to five minutes later", () => {
  const { h, make, pod } = one({ image: "nginx:bad" });
  make();
  h.clock.settle();
  const reason = () => pod().status!.containerStatuses![0]!.state!.waiting!.reason!;
  const reasons = ["", reason()];
  const asked = [h.clock.now()];
  for (let second = 0; second < 1_000; second++) {
    h.clock.advance(1_000);
    reasons.push(reason());
    if (reason() === "ErrImagePull" && reasons.at(-2) !== "ErrImagePull") asked.push(h.clock.now());
  }
  const waits = asked.slice(1).map((time, i) => Math.round((time - asked[i]!) / 1_000));
  assert.equal(waits, [10, 20, 40, 80, 160, 300, 300]);
  assert.equal(new Set(reasons.slice(1)), new Set(["ErrImagePull", "ImagePullBackOff"]));
  assert.equal(
    [pod().status!.phase, pod().status!.containerStatuses![0]!.restartCount],
    ["Pending", 0],
  );
  assert.ok(told(h).includes('Normal Pulling 8 Pulling image "nginx:bad"'), told(h).join("\n"));
});

test("a Node that nothing happens to is written every five minutes, and no sooner", () => {
  const { h } = one();
  const version = () => h.client.get("Node", "node-a").metadata.resourceVersion;
  const written: number[] = [];
  let before = version();
  for (let second = 1; second <= 700; second++) {
    h.clock.advance(1_000);
    if (version() !== before) written.push(second);
    before = version();
  }
  assert.is(written.length, 2, `${written}`);
  assert.ok(Math.abs(written[1]! - written[0]! - 300) <= 10, `${written}`);
  assert.ok(written[0]! > 280, `${written}`);
});

test("a kubelet that comes back starts what it found waiting for its restart", () => {
  const { h, machine, make, pod } = one();
  make();
  h.clock.settle();
  for (let crash = 0; crash < 4; crash++) {
    machine.crash(pod());
    h.clock.advance(crash < 3 ? 60_000 : 1_000);
  }
  const container = () => pod().status!.containerStatuses![0]!;
  assert.is(container().state?.waiting?.reason, "CrashLoopBackOff");
  h.kubelets.get("node-a")!.stop();
  h.clock.advance(20_000);
  h.kubelets.get("node-a")!.start();
  h.clock.settle();
  assert.equal([container().restartCount, isReady(pod())], [4, true]);
});

test("a container that ended while its kubelet was away is restarted when it is back", () => {
  const { h, machine, make, pod } = one();
  make();
  h.clock.settle();
  h.kubelets.get("node-a")!.stop();
  machine.crash(pod());
  h.clock.advance(20_000);
  assert.is(pod().status?.containerStatuses?.[0]?.restartCount, 0);
  h.kubelets.get("node-a")!.start();
  h.clock.settle();
  const { restartCount, lastState } = pod().status!.containerStatuses![0]!;
  assert.equal([restartCount, lastState?.terminated?.exitCode], [1, 1]);
});

// ---- the Node -----------------------------------------------------------------------------------

test("a Node has what its kubelet was told, and defaults for the rest", () => {
  const { h } = one({}, {}, { capacity: { cpu: "8" } });
  const { metadata, spec, status } = h.client.get("Node", "node-a");
  assert.equal(metadata.labels, {
    "kubernetes.io/hostname": "node-a",
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "beta.kubernetes.io/os": "linux",
    "beta.kubernetes.io/arch": "amd64",
  });
  assert.equal(status?.capacity, { cpu: "8", memory: "16Gi", pods: "110" });
  assert.equal(status?.allocatable, status?.capacity);
  assert.equal(spec.taints ?? [], [], "what it had until it was ready is gone");
  assert.equal(
    status?.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`),
    [
      "MemoryPressure False KubeletHasSufficientMemory",
      "DiskPressure False KubeletHasNoDiskPressure",
      "PIDPressure False KubeletHasSufficientPID",
      "Ready True KubeletReady",
    ],
  );
  assert.ok(
    h.events("node-a").includes("Normal NodeReady 1 kubelet Node node-a status is now: NodeReady"),
    h.events("node-a").join("\n"),
  );
});

test("a Node of an external cloud has no addresses of its kubelet's, and waits for its cloud", () => {
  const { h } = one({}, {}, { externalCloudProvider: true });
  const { spec, status } = h.client.get("Node", "node-a");
  assert.is(status?.addresses, undefined);
  assert.ok(
    spec.taints?.some(
      ({ key, value, effect }) =>
        [key, value, effect].join() ===
        "node.cloudprovider.kubernetes.io/uninitialized,true,NoSchedule",
    ),
  );
});

test("a Lease belongs to its Node, is renewed every ten seconds, and made again", () => {
  const { h } = one();
  const lease = () => h.client.get("Lease", "node-a", "kube-node-lease");
  const { uid } = h.client.get("Node", "node-a").metadata;
  assert.equal([lease().spec.holderIdentity, lease().spec.leaseDurationSeconds], ["node-a", 40]);
  assert.equal(lease().metadata.ownerReferences, [
    { apiVersion: "v1", kind: "Node", name: "node-a", uid },
  ]);
  const times = new Set<string>();
  for (let second = 0; second < 60; second++) {
    times.add(lease().spec.renewTime!);
    h.clock.advance(1_000);
  }
  assert.ok(times.size === 6 || times.size === 7, `${times.size} times a minute`);
  h.client.delete("Lease", "node-a", "kube-node-lease");
  h.clock.advance(10_000);
  assert.is(lease().spec.holderIdentity, "node-a");
});

test("an exit is looked at a second later, all of that second's together", () => {
  const { h, machine, make, pod } = one();
  make();
  h.clock.settle();
  machine.crash(pod());
  h.clock.advance(999);
  assert.is(pod().status?.containerStatuses?.[0]?.restartCount, 0);
  h.clock.advance(1);
  assert.is(pod().status?.containerStatuses?.[0]?.restartCount, 1);
  h.kubelets.get("node-a")!.stop();
  machine.crash(pod());
  h.clock.advance(10_000);
  assert.is(pod().status?.containerStatuses?.[0]?.restartCount, 1, "nobody looks");
});

test("a Pod of the same name is another Pod: the first one's sandbox goes", () => {
  const { h, machine, make, pod } = one();
  make();
  h.clock.settle();
  const [first] = [...machine.pods.keys()];
  h.client.delete("Pod", "web", "default", { gracePeriodSeconds: 0 });
  make();
  h.clock.settle();
  assert.equal([...machine.pods.keys()], [pod().metadata.uid]);
  assert.is.not(pod().metadata.uid, first);
  assert.ok(isReady(pod()));
});

test.run();
