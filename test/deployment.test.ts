import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCluster } from "stopover";
import { forbidden } from "stopover/internal/api/errors";
import { MAX_PODS } from "stopover/internal/controllers/replicaset";
import { intercept, type ClientFault } from "stopover/internal/machinery/interceptor";
import { templateHash } from "stopover/internal/controllers/deployment";
import { condition, isReady } from "stopover/internal/objects/pods";
import type { Condition, Pod, ReplicaSet } from "stopover/internal/objects/types";
import { deployment, harness, type Harness } from "./control-harness.js";

const get = ({ client }: Harness, name = "web") => client.get("Deployment", name);
const sizes = (h: Harness) => h.all("ReplicaSet").map(({ spec }) => spec.replicas);
const live = (h: Harness) => h.all("Pod").filter(({ metadata }) => !metadata.deletionTimestamp);
const setImage = ({ client }: Harness, image: string, name = "web") =>
  client.patch("Deployment", name, "default", {
    type: "json",
    body: [{ op: "replace", path: "/spec/template/spec/containers/0/image", value: image }],
  });

function started(replicas: number, spec: Parameters<typeof deployment>[2] = {}): Harness {
  const h = harness();
  h.clock.settle();
  h.client.create(deployment("web", replicas, spec));
  h.clock.settle();
  return h;
}

test("a ReplicaSet makes, and ends, at most 500 Pods at once", () => {
  const h = started(0);
  const most = (verb: string) => {
    const moments = new Map<number, number>();
    for (const { time, kind, verb: did, who } of h.server.history())
      if (kind === "Pod" && did === verb && who === "replicaset-controller")
        moments.set(time, (moments.get(time) ?? 0) + 1);
    return Math.max(...moments.values());
  };
  const scale = (replicas: number) => {
    h.client.patch("Deployment", "web", "default", { type: "merge", body: { spec: { replicas } } });
    h.clock.settle();
  };
  scale(600);
  assert.equal([h.all("Pod").length, most("create")], [600, 500]);
  scale(0);
  assert.is(most("delete"), 500);
});

test("a Deployment becomes a ReplicaSet, which becomes Pods", () => {
  const h = started(3);
  const [set] = h.all("ReplicaSet") as [ReplicaSet];
  const hash = templateHash(get(h).spec.template);
  assert.is(set.metadata.name, `web-${hash}`);
  assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
  assert.equal(set.spec.selector?.matchLabels, { app: "web", "pod-template-hash": hash });
  assert.equal(set.metadata.annotations, {
    "deployment.kubernetes.io/revision": "1",
    "deployment.kubernetes.io/desired-replicas": "3",
    "deployment.kubernetes.io/max-replicas": "4",
  });
  assert.is(live(h).length, 3);
  for (const pod of live(h)) {
    assert.match(pod.metadata.name, new RegExp(`^web-${hash}-[a-z0-9]{5}$`));
    assert.equal(pod.metadata.ownerReferences, [
      {
        apiVersion: "apps/v1",
        kind: "ReplicaSet",
        name: set.metadata.name,
        uid: set.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
  }
  const { status, metadata } = get(h);
  assert.is(metadata.annotations?.["deployment.kubernetes.io/revision"], "1");
  assert.equal(
    [
      status?.replicas,
      status?.updatedReplicas,
      status?.readyReplicas,
      status?.availableReplicas,
      status?.observedGeneration,
    ],
    [3, 3, 3, 3, 1],
  );
  assert.equal(
    status?.conditions?.map(
      ({ type, status, reason, message }) => `${type} ${status} ${reason} ${message}`,
    ),
    [
      "Available True MinimumReplicasAvailable Deployment has minimum availability.",
      `Progressing True NewReplicaSetAvailable ReplicaSet "${set.metadata.name}" has successfully progressed.`,
    ],
  );
  assert.equal(h.events("web"), [
    `Normal ScalingReplicaSet 1 deployment-controller Scaled up replica set ${set.metadata.name} from 0 to 3`,
  ]);
  assert.is(
    h
      .events(set.metadata.name)
      .filter((text) =>
        text.startsWith("Normal SuccessfulCreate 1 replicaset-controller Created pod: web-"),
      ).length,
    3,
  );
});

test("a Pod that is deleted is replaced, one that the user adds by scaling comes, one too many goes", () => {
  const h = started(3);
  const [first] = live(h) as [Pod];
  h.client.delete("Pod", first.metadata.name, "default");
  h.clock.settle();
  assert.is(live(h).length, 3);
  assert.not.ok(live(h).some(({ metadata }) => metadata.uid === first.metadata.uid));
  for (const replicas of [7, 2, 0]) {
    h.client.patch(
      "Deployment",
      "web",
      "default",
      { type: "merge", body: { spec: { replicas } } },
      { subresource: "scale" },
    );
    h.clock.settle();
    assert.equal(
      [h.all("Pod").length, sizes(h), get(h).status?.readyReplicas ?? 0],
      [replicas, [replicas], replicas],
    );
  }
  assert.is(
    condition(get(h), "Progressing")?.reason,
    "NewReplicaSetAvailable",
    "scaling is no new rollout",
  );
});

test("scaling down takes the Pods that are not ready, then those of the fullest node, then the youngest", () => {
  const h = started(3, { container: { readinessProbe: { httpGet: { port: 80 } } } });
  const [sick] = live(h) as [Pod];
  h.machines.get(sick.spec.nodeName!)!.probes = () => ({ ok: false, message: "ill" });
  h.clock.advance(30_000);
  assert.not.ok(isReady(live(h)[0]!));
  h.client.patch("Deployment", "web", "default", {
    type: "merge",
    body: { spec: { replicas: 2 } },
  });
  h.clock.settle();
  assert.not.ok(live(h).some(({ metadata }) => metadata.uid === sick.metadata.uid));
});

for (const [maxSurge, maxUnavailable, replicas] of [
  ["25%", "25%", 4],
  [1, 0, 3],
  [0, 1, 3],
  ["50%", "0%", 5],
  [3, 2, 10],
  ["25%", "25%", 1],
  [1, 5, 3],
] as const)
  test(`a rolling update of ${replicas} with maxSurge ${maxSurge} and maxUnavailable ${maxUnavailable} never leaves its bounds`, () => {
    const h = started(replicas, {
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } },
    });
    const of = (value: number | string, round: (n: number) => number) =>
      typeof value === "number" ? value : round((parseInt(value, 10) * replicas) / 100);
    const [most, least] = [
      replicas + of(maxSurge, Math.ceil),
      replicas - of(maxUnavailable, Math.floor),
    ];
    let seen = [0, Infinity];
    const stop = h.client.watch(
      "Pod",
      { resourceVersion: h.client.list("Pod").resourceVersion },
      () => {
        const pods = live(h);
        seen = [Math.max(seen[0]!, pods.length), Math.min(seen[1]!, pods.filter(isReady).length)];
      },
    );
    setImage(h, "nginx:1.27");
    h.clock.settle();
    stop();
    assert.ok(seen[0]! <= most, `${seen[0]} Pods at once, allowed are ${most}`);
    assert.ok(seen[1]! >= least, `only ${seen[1]} ready, needed are ${least}`);
    assert.equal(
      live(h).map(({ spec }) => spec.containers[0]!.image),
      Array(replicas).fill("nginx:1.27"),
    );
    assert.equal(sizes(h).sort(), [0, replicas]);
    assert.is(get(h).metadata.annotations?.["deployment.kubernetes.io/revision"], "2");
    assert.is(condition(get(h), "Progressing")?.reason, "NewReplicaSetAvailable");
  });

test("a rollout to an image that never becomes ready stops in the middle, keeps serving, and is called off in time", () => {
  const h = started(4, {
    progressDeadlineSeconds: 60,
    container: { readinessProbe: { httpGet: { port: 80 }, periodSeconds: 5 } },
  });
  for (const machine of h.machines.values())
    machine.probes = (pod) =>
      pod.spec.containers[0]!.image === "broken"
        ? { ok: false, message: "HTTP probe failed with statuscode: 500" }
        : { ok: true, message: "" };
  setImage(h, "broken");
  h.clock.settle();
  assert.is(live(h).filter(isReady).length, 3);
  assert.is(live(h).filter(({ spec }) => spec.containers[0]!.image === "broken").length, 2);
  assert.is(condition(get(h), "Progressing")?.reason, "ReplicaSetUpdated");
  h.clock.advance(70_000);
  const progress = condition(get(h), "Progressing");
  assert.equal([progress?.status, progress?.reason], ["False", "ProgressDeadlineExceeded"]);
  assert.match(progress!.message!, /^ReplicaSet "web-[a-z0-9]+" has timed out progressing\.$/);
  setImage(h, "nginx"); // undo: the old ReplicaSet becomes the newest revision again
  h.clock.settle();
  assert.equal(
    [
      live(h).filter(isReady).length,
      sizes(h).sort(),
      get(h).metadata.annotations?.["deployment.kubernetes.io/revision"],
    ],
    [4, [0, 4], "3"],
  );
});

test("Recreate ends all old Pods before the first new one begins", () => {
  const h = started(3, { strategy: { type: "Recreate" } });
  let mixed = false;
  h.client.watch(
    "Pod",
    { resourceVersion: h.client.list("Pod").resourceVersion },
    () => (mixed ||= new Set(live(h).map(({ spec }) => spec.containers[0]!.image)).size > 1),
  );
  setImage(h, "nginx:2");
  h.clock.settle();
  assert.not.ok(mixed);
  assert.equal(
    live(h).map(({ spec }) => spec.containers[0]!.image),
    ["nginx:2", "nginx:2", "nginx:2"],
  );
});

test("while it is paused a new template waits, and scaling does not", () => {
  const h = started(2);
  h.client.patch("Deployment", "web", "default", {
    type: "merge",
    body: { spec: { paused: true } },
  });
  setImage(h, "nginx:2");
  h.client.patch("Deployment", "web", "default", {
    type: "merge",
    body: { spec: { replicas: 4 } },
  });
  h.clock.settle();
  assert.equal(
    live(h).map(({ spec }) => spec.containers[0]!.image),
    Array(4).fill("nginx"),
  );
  h.client.patch("Deployment", "web", "default", {
    type: "merge",
    body: { spec: { paused: false } },
  });
  h.clock.settle();
  assert.equal(
    live(h).map(({ spec }) => spec.containers[0]!.image),
    Array(4).fill("nginx:2"),
  );
});

test("conditions: paused, resumed, done; the one that changed comes last", () => {
  const h = started(2);
  const say = () =>
    get(h).status!.conditions!.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
  const pause = (paused: boolean) => {
    h.client.patch("Deployment", "web", "default", { type: "merge", body: { spec: { paused } } });
    h.clock.advance(60);
  };
  const available = "Available True MinimumReplicasAvailable";
  const done = "Progressing True NewReplicaSetAvailable";
  assert.equal(say(), [available, done]);
  pause(true);
  assert.equal(say(), [available, "Progressing Unknown DeploymentPaused"]);
  setImage(h, "nginx:1.28");
  h.clock.settle();
  assert.equal(say(), [available, "Progressing Unknown DeploymentPaused"]);
  pause(false);
  assert.is.not(say()[1], "Progressing Unknown DeploymentPaused");
  h.clock.settle();
  assert.equal(say(), [available, done]);
  for (const { metadata } of live(h)) h.client.delete("Pod", metadata.name);
  h.clock.settle();
  assert.equal(say(), [done, available]);
});

test("without a deadline nothing is said of progress", () => {
  const h = started(1, { progressDeadlineSeconds: 2 ** 31 - 1 });
  assert.equal(
    get(h).status!.conditions!.map(({ type }) => type),
    ["Available"],
  );
});

test("Pods that are on their way out are counted apart, of the set and of its Deployment", () => {
  const h = started(3);
  const terminating = () =>
    [get(h).status, h.all("ReplicaSet")[0]!.status].map((one) => one!.terminatingReplicas);
  assert.equal(terminating(), [0, 0]);
  h.client.delete("Pod", live(h)[0]!.metadata.name);
  h.clock.advance(200);
  assert.equal(terminating(), [1, 1]);
  h.clock.settle();
  assert.equal(terminating(), [0, 0]);
});

test("a name that is taken by a ReplicaSet of somebody else: another one, and that is counted", () => {
  const h = harness();
  h.clock.settle();
  const web = deployment("web", 1);
  const { spec } = h.client.create(web, { dryRun: true });
  const labels = { app: "other" };
  h.client.create({
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: `web-${templateHash(spec.template)}` },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { ...spec.template, metadata: { labels } },
    },
  });
  h.client.create(web);
  h.clock.settle();
  assert.is(get(h).status!.collisionCount, 1);
  assert.is(get(h).status!.readyReplicas, 1);
  const own = h.all("ReplicaSet").find(({ metadata }) => metadata.ownerReferences)!;
  assert.is(own.metadata.name, `web-${templateHash(spec.template, 1)}`);
});

test("a ReplicaSet that the API server refuses: the Deployment says why", () => {
  const h = harness();
  h.clock.settle();
  const { client } = h;
  const name = "w".repeat(243); // with its hash too long for a name
  const { metadata: _, ...web } = deployment("web", 1);
  client.create({ ...web, metadata: { name } });
  h.clock.advance(1_000);
  const failed = condition(get(h, name), "Progressing")!;
  assert.equal([failed.status, failed.reason], ["False", "ReplicaSetCreateError"]);
  assert.match(failed.message!, /^Failed to create new replica set "w+-[a-z0-9]+": ReplicaSet/);
});

test("scaled in the middle of a rollout, old and new keep their shares", () => {
  const h = started(10, {
    strategy: { rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } },
    container: { readinessProbe: { httpGet: { port: 80 } } },
  });
  for (const machine of h.machines.values())
    machine.probes = (pod) => ({ ok: pod.spec.containers[0]!.image === "nginx", message: "" });
  setImage(h, "broken");
  h.clock.settle();
  assert.equal(sizes(h).sort(), [5, 8]);
  h.client.patch("Deployment", "web", "default", {
    type: "merge",
    body: { spec: { replicas: 15 } },
  });
  h.clock.settle();
  assert.equal(
    sizes(h).sort((a, b) => a! - b!),
    [7, 11],
  ); // 13 became 18: the documentation's own example of proportional scaling
});

test("old ReplicaSets are kept for undo as far as revisionHistoryLimit says", () => {
  const h = started(1, { revisionHistoryLimit: 2 });
  for (const tag of ["1", "2", "3", "4", "5"]) {
    setImage(h, `nginx:${tag}`);
    h.clock.settle();
  }
  assert.equal(
    h
      .all("ReplicaSet")
      .map(({ metadata }) => metadata.annotations?.["deployment.kubernetes.io/revision"])
      .sort(),
    ["4", "5", "6"],
  );
});

test("minReadySeconds: a Pod that is ready counts as available only a while later", () => {
  const h = harness();
  h.clock.settle();
  h.client.create(deployment("web", 2, { minReadySeconds: 30 }));
  h.clock.advance(5_000);
  assert.equal([get(h).status?.readyReplicas, get(h).status?.availableReplicas], [2, undefined]);
  h.clock.settle();
  assert.equal([get(h).status?.readyReplicas, get(h).status?.availableReplicas], [2, 2]);
});

test("hundreds of Pods come in bursts, and the events about them are few", () => {
  const h = harness({ nodes: 12, historyLimit: 0 });
  h.clock.settle();
  h.client.create(deployment("web", 1_100));
  h.clock.settle();
  assert.equal([live(h).length, get(h).status?.readyReplicas], [1_100, 1_100]);
  const [set] = h.all("ReplicaSet") as [ReplicaSet];
  // nine, and one for all the others (client-go's correlator)
  assert.is(h.events(set.metadata.name).length, 10);
});

for (const [title, replicas] of [
  ["the most that a manifest can say", 2 ** 31 - 1],
  ["one more than there is room for", MAX_PODS - 2],
] as const)
  test(`more Pods than a cluster can hold (${title}): none is made, an event says so, and all goes on`, () => {
    const h = harness();
    h.client.create(deployment("small", 3));
    h.clock.settle();
    h.client.create(deployment("huge", replicas));
    h.client.create(deployment("next", 3));
    h.clock.settle();
    assert.is(h.client.get("Deployment", "huge").spec.replicas, replicas);
    assert.is(h.all("Pod").length, 6);
    const set = h.all("ReplicaSet").find(({ metadata }) => metadata.labels?.app === "huge")!;
    assert.is(set.status?.replicas ?? 0, 0);
    assert.match(
      h.events(set.metadata.name).join(),
      /^Warning FailedCreate \d+ replicaset-controller Error creating: this cluster holds \d Pods, and \d+ more/,
    );
    const message = /^this cluster holds \d Pods, and \d+ more/;
    for (const { status } of [set, h.client.get("Deployment", "huge")]) {
      const failure = status?.conditions?.find(({ type }) => type === "ReplicaFailure");
      assert.equal([failure?.status, failure?.reason], ["True", "FailedCreate"]);
      assert.match(failure!.message!, message);
    }
    h.client.patch("Deployment", "huge", "default", {
      type: "merge",
      body: { spec: { replicas: 4 } },
    });
    h.clock.settle();
    assert.is(h.all("Pod").filter(isReady).length, 10);
    assert.equal(
      h.client.get("Deployment", "huge").status?.conditions?.map(({ type }) => type),
      ["Available", "Progressing"],
    );
    h.client.patch("Deployment", "huge", "default", {
      type: "merge",
      body: { spec: { replicas } },
    });
    h.clock.settle();
    h.clock.advance(3_600_000);
    assert.is(h.all("Pod").length, 10, "those that are there stay");
  });

test("Pods that the API server refuses: ReplicaFailure on the ReplicaSet and on its Deployment", () => {
  const message = 'pods "web-7d" is forbidden: exceeded quota: small, requested: pods=1';
  let refuses = true;
  const onCall: ClientFault["onCall"] = ({ verb, kind }) =>
    refuses && verb === "create" && kind === "Pod"
      ? {
          error: forbidden(
            { kind: "Pod", plural: "pods", group: "" },
            "web-7d",
            message.split(": ").slice(1).join(": "),
          ),
        }
      : "pass";
  const cluster = createCluster({ faults: { client: intercept({ onCall }) } });
  cluster.apply(deployment("web", 3));
  cluster.settle();
  const failures = () =>
    [cluster.list("ReplicaSet")[0]!, cluster.get("Deployment", "web")].map(({ status }) =>
      status?.conditions?.find(({ type }) => type === "ReplicaFailure"),
    );
  for (const failure of failures()) {
    const { status, reason, message: said } = failure!;
    assert.equal([status, reason, said], ["True", "FailedCreate", message]);
  }
  const [{ lastTransitionTime }] = failures() as [Condition];
  cluster.advance("1m");
  assert.is(failures()[0]!.lastTransitionTime, lastTransitionTime, "it is the same failure");
  refuses = false;
  cluster.advance("5m");
  assert.equal(failures(), [undefined, undefined]);
  assert.is(cluster.get("Deployment", "web").status?.readyReplicas, 3);
});

test("minReadySeconds of hours: settle() waits for all the Pods of a rollout", () => {
  const h = harness({ historyLimit: 0 });
  h.clock.settle();
  const times = { minReadySeconds: 7_200, progressDeadlineSeconds: 9_000 };
  h.client.create(deployment("web", 4, times));
  h.clock.settle();
  assert.is(get(h).status?.availableReplicas, 4);
  setImage(h, "nginx:2");
  h.clock.settle();
  assert.equal([get(h).status?.updatedReplicas, get(h).status?.availableReplicas], [4, 4]);
});

test("minReadySeconds of years: settle() leaves them to advance()", () => {
  const h = harness({ historyLimit: 0 });
  h.clock.settle();
  const times = { minReadySeconds: 2 ** 31 - 2, progressDeadlineSeconds: 2 ** 31 - 1 };
  h.client.create(deployment("web", 4, times));
  h.clock.settle();
  assert.equal([get(h).status?.readyReplicas, get(h).status?.availableReplicas], [4, undefined]);
});

test("the same seed gives the same cluster, to the byte", () => {
  const run = () => {
    const h = started(5);
    setImage(h, "nginx:2");
    h.clock.settle();
    return JSON.stringify([
      h.clock.now(),
      h.all("Deployment"),
      h.all("ReplicaSet"),
      h.all("Pod"),
      h.all("Event"),
    ]);
  };
  assert.is(run(), run());
});

test("a Deployment that is deleted takes its ReplicaSets and Pods with it; orphaned, it leaves them", () => {
  const h = started(2);
  h.client.delete("Deployment", "web", "default");
  h.clock.settle();
  assert.equal(
    [h.all("Deployment").length, h.all("ReplicaSet").length, h.all("Pod").length],
    [0, 0, 0],
  );
  h.client.create(deployment("web", 2));
  h.clock.settle();
  h.client.delete("Deployment", "web", "default", { propagationPolicy: "Orphan" });
  h.clock.settle();
  assert.equal(
    [h.all("Deployment").length, h.all("ReplicaSet").length, h.all("Pod").length],
    [0, 1, 2],
  );
  assert.is(h.all("ReplicaSet")[0]!.metadata.ownerReferences?.length ?? 0, 0);
});

test("a Pod whose labels are changed leaves its set, which makes another; labelled back, it is one too many", () => {
  const h = started(3);
  const [first] = live(h) as [Pod];
  const label = (app: string) => (
    h.client.patch("Pod", first.metadata.name, "default", {
      type: "merge",
      body: { metadata: { labels: { app } } },
    }),
    h.clock.settle()
  );
  label("under-repair");
  assert.equal(
    [live(h).length, h.client.get("Pod", first.metadata.name).metadata.ownerReferences ?? []],
    [4, []],
  );
  assert.is(get(h).status?.replicas, 3);
  label("web");
  assert.equal([h.all("Pod").length, get(h).status?.replicas], [3, 3]);
});

test("of two ReplicaSets of one template and one age the Deployment takes one, and keeps to it", () => {
  const h = harness();
  h.clock.settle();
  const { spec } = deployment("web", 0);
  for (const name of ["web-1", "web-2"])
    h.client.create<ReplicaSet>({
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: { name, namespace: "default", labels: { app: "web" } },
      spec: { replicas: 0, selector: spec.selector!, template: spec.template },
    });
  h.client.create(deployment("web", 2));
  h.clock.settle();
  assert.equal(sizes(h), [2, 0]);
  const { resourceVersion } = get(h).metadata;
  h.clock.advance(60_000);
  assert.is(get(h).metadata.resourceVersion, resourceVersion);
});

test("a Deployment made anew adopts the ReplicaSet and the Pods that the old one left", () => {
  const h = started(2);
  const before = live(h).map(({ metadata }) => metadata.uid);
  h.client.delete("Deployment", "web", "default", { propagationPolicy: "Orphan" });
  h.clock.settle();
  h.client.create(deployment("web", 2));
  h.clock.settle();
  assert.equal(
    [h.all("ReplicaSet").length, live(h).map(({ metadata }) => metadata.uid)],
    [1, before],
  );
});

test("deleted in the foreground, the owner is the last to go", () => {
  const h = started(2);
  h.client.delete("Deployment", "web", "default", { propagationPolicy: "Foreground" });
  const order: string[] = [];
  for (const kind of ["Deployment", "ReplicaSet", "Pod"] as const)
    h.client.watch(
      kind,
      { resourceVersion: h.client.list(kind).resourceVersion },
      (event) => event.type === "DELETED" && order.push(kind),
    );
  h.clock.settle();
  assert.equal(order, ["Pod", "Pod", "ReplicaSet", "Deployment"]);
});

test("Pods that own each other in a circle all go with the first, which waits for the others", () => {
  const h = harness();
  const names = ["a", "b", "c"];
  for (const name of names)
    h.client.create({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: { containers: [{ name: "it", image: "nginx" }] },
    });
  h.clock.settle();
  for (const [i, name] of names.entries()) {
    const { metadata } = h.client.get("Pod", names[(i + 2) % 3]!);
    const reference = { kind: "Pod", name: metadata.name, uid: metadata.uid! };
    const ownerReferences = [{ apiVersion: "v1", ...reference, blockOwnerDeletion: true }];
    h.client.patch("Pod", name, "default", {
      type: "merge",
      body: { metadata: { ownerReferences } },
    });
  }
  h.clock.settle();
  h.client.delete("Pod", "a", "default", { propagationPolicy: "Foreground" });
  h.clock.settle();
  assert.is(h.all("Pod").length, 0);
});

test("revisions are Go's int64, beyond what a number here holds", () => {
  const h = started(1);
  const key = "deployment.kubernetes.io/revision";
  const [{ metadata }] = h.all("ReplicaSet") as [ReplicaSet];
  h.client.patch("ReplicaSet", metadata.name, "default", {
    type: "merge",
    body: { metadata: { annotations: { [key]: "3546343826724305832" } } },
  });
  setImage(h, "nginx:2");
  h.clock.settle();
  assert.is(get(h).metadata.annotations![key], "3546343826724305833");
});

test("a namespace that is deleted is emptied first", () => {
  const h = started(1);
  h.client.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  h.client.create({
    ...deployment("cart", 2),
    metadata: { name: "cart", namespace: "shop" },
  });
  h.clock.settle();
  assert.is(h.all("Pod", "shop").length, 2);
  h.client.delete("Namespace", "shop");
  h.clock.settle();
  assert.equal(
    [
      h.all("Namespace").some(({ metadata }) => metadata.name === "shop"),
      h.all("Pod", "shop").length,
      h.all("Pod").length,
    ],
    [false, 0, 1],
  );
});

test("a namespace that cannot be emptied says what is left, and of what it may be waiting", () => {
  const h = started(1);
  h.client.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  const web = deployment("web", 2);
  h.client.create({ ...web, metadata: { name: "web", namespace: "shop" } });
  const finalizers = ["example.com/hold"];
  const metadata = { name: "held", namespace: "shop", finalizers };
  const spec = { ports: [{ port: 80 }] };
  h.client.create({ apiVersion: "v1", kind: "Service", metadata, spec });
  h.clock.settle();
  h.client.delete("Namespace", "shop");
  const say = () => {
    const { status } = h.client.get("Namespace", "shop");
    return status!.conditions?.map(
      ({ status, reason, message }) => `${status} ${reason} ${message}`,
    );
  };
  assert.is(say(), undefined);
  h.clock.advance(5_100);
  const remain = "True SomeResourcesRemain Some resources are remaining:";
  assert.is(say()![3], `${remain} pods. has 2 resource instances`);
  assert.equal(
    h.events("web").filter((told) => told.includes("FailedCreate")),
    [],
  );
  h.clock.advance(60_000);
  assert.is(say()![2]!.split(" ")[0], "False");
  assert.is(say()![3], `${remain} services. has 1 resource instances`);
  const holds = "Some content in the namespace has finalizers remaining:";
  assert.is(
    say()![4],
    `True SomeFinalizersRemain ${holds} example.com/hold in 1 resource instances`,
  );
  const freed = { metadata: { finalizers: null } };
  h.client.patch("Service", "held", "shop", { type: "merge", body: freed });
  h.clock.advance(60_000);
  assert.throws(() => h.client.get("Namespace", "shop"), /not found/);
});

test("the cause of a change goes to the ReplicaSet at once; one that is used again knows its revisions", () => {
  const { client, clock, all } = harness();
  client.create(deployment("web", 1));
  clock.settle();
  const cause = "kubernetes.io/change-cause";
  const body = { metadata: { annotations: { [cause]: "to 1.28" } }, spec: { minReadySeconds: 1 } };
  client.patch("Deployment", "web", undefined, { type: "merge", body });
  clock.settle();
  const [set] = all("ReplicaSet");
  assert.is(set!.metadata.annotations![cause], "to 1.28");
  assert.is(set!.spec.minReadySeconds, 1);
  const image = (name: string) => ({
    spec: { template: { spec: { containers: [{ name: "web", image: name }] } } },
  });
  const before = set!.spec.template.spec.containers[0]!.image!;
  for (const name of ["other", before]) {
    client.patch("Deployment", "web", undefined, { type: "strategic", body: image(name) });
    clock.settle();
  }
  const again = all("ReplicaSet").find(({ metadata }) => metadata.name === set!.metadata.name)!;
  assert.is(again.metadata.annotations!["deployment.kubernetes.io/revision"], "3");
  assert.is(again.metadata.annotations!["deployment.kubernetes.io/revision-history"], "1");
});

test.run();
