// Those who make Pods besides Deployments, and Pods that end or never begin.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createCluster, type Cluster } from "stopover";
import type { Kind, KubeObject, Pod } from "stopover/internal/objects/types";
import { endOf } from "stopover/internal/node/kubelet/command";
import { read } from "stopover/internal/controllers/cronjob";

const test = suite("workloads");

const container = { name: "c", image: "nginx" };
const template = (app: string, spec: object = {}) => ({
  metadata: { labels: { app } },
  spec: { containers: [container], ...spec },
});
const selector = (app: string) => ({ matchLabels: { app } });

function cluster(): Cluster {
  return createCluster({ nodes: 3, seed: 1 });
}

function make(on: Cluster, apiVersion: string, kind: string, name: string, spec: object): void {
  const object = { apiVersion, kind, metadata: { name, namespace: "default" }, spec };
  on.as("kubectl").create(object);
  on.settle();
}

const pods = (on: Cluster, prefix: string): Pod[] =>
  on.list("Pod").filter(({ metadata }) => metadata.name.startsWith(prefix));
const names = (on: Cluster, prefix: string) =>
  pods(on, prefix).map(({ metadata }) => metadata.name);
const events = (on: Cluster, name: string) =>
  on
    .list("Event")
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ reason, message }) => `${reason}: ${message}`);
const status = (on: Cluster, kind: string, name: string) =>
  (on.get(kind as Kind, name) as { status?: Record<string, unknown> }).status ?? {};

test("a StatefulSet: names by number, one after the other, and the last goes first", () => {
  const on = cluster();
  const spec = { serviceName: "web", replicas: 3, selector: selector("web") };
  make(on, "apps/v1", "StatefulSet", "web", { ...spec, template: template("web") });
  assert.equal(names(on, "web-"), ["web-0", "web-1", "web-2"]);
  const made = on.history({ verb: "create", kind: "Pod", who: "statefulset-controller" });
  assert.ok(made[1]!.time - made[0]!.time > 500, "each waits for the one before to be ready");
  const [first] = pods(on, "web-0");
  assert.is(first!.spec.hostname, "web-0");
  assert.is(first!.spec.subdomain, "web");
  assert.is(first!.metadata.labels!["apps.kubernetes.io/pod-index"], "0");
  assert.is(status(on, "StatefulSet", "web")["readyReplicas"], 3);
  on.patch("StatefulSet" as Kind, "web", { spec: { replicas: 1 } });
  on.settle();
  assert.equal(names(on, "web-"), ["web-0"]);
  assert.equal(events(on, "web").slice(-2), [
    "SuccessfulDelete: delete Pod web-2 in StatefulSet web successful",
    "SuccessfulDelete: delete Pod web-1 in StatefulSet web successful",
  ]);
});

test("a StatefulSet's update begins at the end and stops at its partition", () => {
  const on = cluster();
  const updateStrategy = { type: "RollingUpdate", rollingUpdate: { partition: 1 } };
  const spec = { serviceName: "db", replicas: 3, selector: selector("db"), updateStrategy };
  make(on, "apps/v1", "StatefulSet", "db", { ...spec, template: template("db") });
  const image = "nginx:1.28";
  const containers = [{ ...container, image }];
  on.patch("StatefulSet" as Kind, "db", { spec: { template: { spec: { containers } } } });
  on.settle();
  assert.equal(
    pods(on, "db-").map(({ spec }) => spec.containers[0]!.image),
    ["nginx", image, image],
  );
  on.delete("Pod", "db-0");
  on.settle();
  assert.is(pods(on, "db-0")[0]!.spec.containers[0]!.image, "nginx", "below the partition");
});

test("a DaemonSet: one Pod on each node that its template fits", () => {
  const on = cluster();
  on.patch("Node", "node-b", { metadata: { labels: { disk: "ssd" } } });
  make(on, "apps/v1", "DaemonSet", "all", { selector: selector("all"), template: template("all") });
  const nodes = (prefix: string) =>
    pods(on, prefix)
      .map(({ spec }) => spec.nodeName)
      .sort();
  assert.equal(nodes("all-"), ["node-a", "node-b", "node-c"]);
  const ssd = template("ssd", { nodeSelector: { disk: "ssd" } });
  make(on, "apps/v1", "DaemonSet", "ssd", { selector: selector("ssd"), template: ssd });
  assert.equal(nodes("ssd-"), ["node-b"]);
  on.patch("Node", "node-c", { metadata: { labels: { disk: "ssd" } } });
  on.settle();
  assert.equal(nodes("ssd-"), ["node-b", "node-c"], "a label that comes");
  assert.is(status(on, "DaemonSet", "ssd")["numberReady"], 2);
});

test("a daemon is pinned to its node, and bound by the scheduler, who says so", () => {
  const on = cluster();
  const affinity = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          {
            matchExpressions: [
              { key: "kubernetes.io/hostname", operator: "NotIn", values: ["node-b"] },
            ],
          },
        ],
      },
    },
  };
  const daemons = template("all", { affinity });
  make(on, "apps/v1", "DaemonSet", "all", { selector: selector("all"), template: daemons });
  const made = pods(on, "all-");
  assert.equal(made.map(({ spec }) => spec.nodeName).sort(), ["node-a", "node-c"]);
  for (const { metadata, spec } of made) {
    const { nodeAffinity } = spec.affinity as typeof affinity;
    const [term] = nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms;
    const matchFields = [{ key: "metadata.name", operator: "In", values: [spec.nodeName] }];
    assert.equal(term, { matchFields });
    const bound = `Scheduled: Successfully assigned default/${metadata.name} to ${spec.nodeName}`;
    assert.ok(events(on, metadata.name).includes(bound));
  }
  assert.is(status(on, "DaemonSet", "all")["numberReady"], 2);
});

for (const kind of ["StatefulSet", "DaemonSet"])
  test(`the revisions of a ${kind} are counted, come back, and are forgotten`, () => {
    const on = cluster();
    const spec = { selector: selector("x"), revisionHistoryLimit: 1 };
    make(on, "apps/v1", kind, "x", { ...spec, template: template("x") });
    const revisions = () =>
      (on.list("ControllerRevision" as Kind) as unknown as { revision: number }[])
        .map(({ revision }) => revision)
        .sort();
    const image = (image: string) => {
      const containers = [{ ...container, image }];
      on.patch(kind as Kind, "x", { spec: { template: { spec: { containers } } } });
      on.settle();
    };
    assert.equal(revisions(), [1]);
    image("nginx:1.28");
    assert.equal(revisions(), [1, 2]);
    image("nginx");
    assert.equal(revisions(), [2, 3], "the first is the newest again");
    image("nginx:1.29");
    on.patch(kind as Kind, "x", { metadata: { labels: { touched: "yes" } } });
    on.settle();
    assert.equal(revisions(), [3, 4], "of those that are not in use one is kept");
  });

const job = (command: string[], more: object = {}) => ({
  ...more,
  template: {
    spec: { restartPolicy: "Never", containers: [{ name: "c", image: "busybox", command }] },
  },
});

test("a Job: Pods that end well, as many as are asked for", () => {
  const on = cluster();
  make(on, "batch/v1", "Job", "ok", job(["sleep", "5"], { completions: 3, parallelism: 2 }));
  assert.equal(
    pods(on, "ok-").map(({ status }) => status!.phase),
    Array(3).fill("Succeeded"),
  );
  const { succeeded, conditions } = status(on, "Job", "ok");
  assert.is(succeeded, 3);
  assert.is((conditions as { type: string }[]).at(-1)!.type, "Complete");
  assert.ok(events(on, "ok").includes("Completed: Job completed"));
  on.delete("Job" as Kind, "ok");
  on.settle();
  assert.equal(pods(on, "ok-"), [], "its Pods go with it");
});

test("a Job that fails is tried again, later and later, and given up", () => {
  const on = cluster();
  make(on, "batch/v1", "Job", "bad", job(["false"], { backoffLimit: 2 }));
  on.advance("2m");
  assert.is(pods(on, "bad-").length, 3);
  const { conditions } = status(on, "Job", "bad");
  assert.is((conditions as { type: string }[]).at(-1)!.type, "Failed");
  assert.match(events(on, "bad").at(-1)!, /^BackoffLimitExceeded: /);
});

test("a CronJob makes a Job at each minute that it names, and keeps three that are over", () => {
  const on = cluster();
  const jobTemplate = { spec: job(["true"]) };
  make(on, "batch/v1", "CronJob", "tick", { schedule: "* * * * *", jobTemplate });
  on.advance("6m");
  assert.is(on.list("Job" as Kind).length, 3);
  assert.match(events(on, "tick")[0]!, /^SuccessfulCreate: Created job tick-\d+$/);
  assert.match(
    events(on, "tick").join("\n"),
    /SawCompletedJob: Saw completed job: tick-\d+, condition: Complete/,
  );
});

test("a CronJob that forbids a second Job says that the first one still runs", () => {
  const on = cluster();
  const jobTemplate = { spec: job(["sleep", "100000"]) };
  const spec = { schedule: "* * * * *", concurrencyPolicy: "Forbid", jobTemplate };
  make(on, "batch/v1", "CronJob", "slow", spec);
  on.advance("4m");
  assert.is(on.list("Job" as Kind).length, 1);
  assert.ok(
    events(on, "slow").includes(
      "JobAlreadyActive: Not starting job because prior execution is running and concurrency policy is Forbid",
    ),
  );
});

test("a ReplicationController keeps its number", () => {
  const on = cluster();
  make(on, "v1", "ReplicationController", "rc", {
    replicas: 2,
    selector: { app: "rc" },
    template: template("rc"),
  });
  on.delete("Pod", names(on, "rc-")[0]!);
  on.settle();
  assert.is(status(on, "ReplicationController", "rc")["readyReplicas"], 2);
});

test("an image that is nowhere: ErrImagePull, then ImagePullBackOff, and the Pod stays pending", () => {
  const on = cluster();
  on.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p" },
    spec: { containers: [{ name: "c", image: "nginx:bad" }] },
  });
  on.settle();
  const waiting = () => on.get("Pod", "p").status!.containerStatuses![0]!.state!.waiting!.reason;
  assert.is(waiting(), "ErrImagePull");
  on.advance("5s");
  assert.is(waiting(), "ImagePullBackOff");
  assert.is(on.get("Pod", "p").status!.phase, "Pending");
  for (const said of ["Failed: Error: ErrImagePull", "Failed: Error: ImagePullBackOff"])
    assert.ok(events(on, "p").includes(said), said);
});

test("a claim that is deleted stays until the last Pod that uses it has ended or gone", () => {
  const on = createCluster({ nodes: 3, seed: 1, systemObjects: true });
  const claim = "PersistentVolumeClaim" as Kind;
  const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
  const finalizers = ["kubernetes.io/pvc-protection"]; // which an API server over HTTP gives it
  const metadata = { name: "data", namespace: "default", finalizers };
  on.as("kubectl").create({ apiVersion: "v1", kind: claim, metadata, spec } as KubeObject);
  const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "data" } }];
  for (const [name, command] of [
    ["ended", ["true"]],
    ["running", ["sleep", "100000"]],
  ] as const)
    make(on, "v1", "Pod", name, {
      restartPolicy: "Never",
      containers: [{ ...container, command }],
      volumes,
    });
  assert.is(on.get("Pod", "ended").status?.phase, "Succeeded");
  on.as("kubectl").delete(claim, "data", "default");
  on.advance("1m");
  assert.type(on.get(claim, "data").metadata.deletionTimestamp, "string");
  on.delete("Pod", "running");
  on.advance("1m");
  assert.equal(on.list(claim), []);
});

test("a process that ends is started again, if the policy says so", () => {
  const on = cluster();
  const command = ["sh", "-c", "sleep 1; exit 3"];
  const spec = (restartPolicy: string) => ({
    restartPolicy,
    containers: [{ name: "c", image: "busybox", command }],
  });
  for (const [name, policy] of [
    ["always", "Always"],
    ["never", "Never"],
  ] as const)
    on.apply({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec: spec(policy) });
  on.settle();
  on.advance("5s");
  assert.is(on.get("Pod", "never").status!.phase, "Failed");
  const [told] = on.get("Pod", "always").status!.containerStatuses!;
  assert.is(told!.restartCount, 1);
  assert.is(told!.state!.waiting!.reason, "CrashLoopBackOff");
  assert.is(told!.lastState!.terminated!.exitCode, 3);
});

for (const [words, end] of [
  [["sh", "-c", "exit 3"], { after: 0, exitCode: 3 }],
  [["false"], { after: 0, exitCode: 1 }],
  [["/bin/true"], { after: 0, exitCode: 0 }],
  [["sleep", "5"], { after: 5_000, exitCode: 0 }],
  [["sh", "-c", "echo hello; sleep 2m && false"], { after: 120_000, exitCode: 1 }],
  [["sh", "-c", "while true; do sleep 1; done"], undefined],
  [["sleep", "infinity"], undefined],
  [["nginx", "-g", "daemon off;"], undefined],
  [[], undefined],
] as const)
  test(`${words.join(" ") || "no command"}: ${end ? JSON.stringify(end) : "for ever"}`, () =>
    assert.equal(endOf({ name: "c", command: [...words] }), end));

for (const [schedule, time, due] of [
  ["*/15 * * * *", "2024-01-21T05:45:00Z", true],
  ["*/15 * * * *", "2024-01-21T05:46:00Z", false],
  ["0 9 * * mon-fri", "2024-01-22T09:00:00Z", true],
  ["0 9 * * mon-fri", "2024-01-21T09:00:00Z", false],
  ["0 0 13 * 5", "2024-01-19T00:00:00Z", true],
  ["@hourly", "2024-01-21T05:00:00Z", true],
] as const)
  test(`${schedule} at ${time}: ${due ? "due" : "not due"}`, () =>
    assert.is(read(schedule)!(new Date(time)), due));

for (const schedule of ["", "* * * *", "61 * * * *", "a b c d e", "*/0 * * * *", "5-1 * * * *"])
  test(`"${schedule}" is no schedule`, () => assert.is(read(schedule), undefined));

test.run();
