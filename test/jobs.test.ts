// Jobs count by finalizer, and end by the rules that they bring along. What is expected is what
// kube-controller-manager 1.35.4 writes (pkg/controller/job).
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createCluster, type Cluster } from "stopover";
import { endedAt, surplusOf } from "stopover/internal/controllers/job-ending";
import type { Job } from "stopover/internal/controllers/job-object";
import { failureCounts } from "stopover/internal/controllers/job-rules";
import type { Condition, Kind, Pod } from "stopover/internal/objects/types";

const test = suite("jobs");
const JOB = "Job" as Kind;
const INDEX = "batch.kubernetes.io/job-completion-index";

const cluster = (): Cluster => createCluster({ nodes: 2, seed: 1 });

function run(on: Cluster, command: string[], more: object = {}): void {
  const containers = [{ name: "c", image: "busybox", command }];
  const template = { spec: { restartPolicy: "Never", containers } };
  const metadata = { name: "j", namespace: "default" };
  on.as("kubectl").create({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata,
    spec: { template, ...more },
  });
  on.settle();
}

const status = (on: Cluster) => (on.get(JOB, "j") as { status?: Record<string, unknown> }).status!;
const conditions = (on: Cluster) =>
  ((status(on)["conditions"] ?? []) as Condition[]).map(({ type, status, reason }) =>
    [type, status, reason].join(" "),
  );
const events = (on: Cluster) =>
  on
    .list("Event")
    .filter(({ involvedObject }) => involvedObject.name === "j")
    .map(({ reason, message }) => `${reason}: ${message}`);
const finalizers = (on: Cluster) => on.list("Pod").map(({ metadata }) => metadata.finalizers);
const tracking = ["batch.kubernetes.io/job-tracking"];

test("a Pod of a Job has a finalizer until it is counted, and counts when it is deleted later", () => {
  const on = cluster();
  run(on, ["sleep", "5"]);
  assert.equal(finalizers(on), [undefined], "settled: it has ended, and is counted");
  const { completionTime, startTime, conditions: _, ...counts } = status(on);
  assert.type(completionTime, "string");
  assert.type(startTime, "string");
  assert.equal(counts, { succeeded: 1, ready: 0, terminating: 0, uncountedTerminatedPods: {} });
  assert.equal(conditions(on), [
    "SuccessCriteriaMet True CompletionsReached",
    "Complete True CompletionsReached",
  ]);
  on.delete("Pod", on.list("Pod")[0]!.metadata.name);
  on.settle();
  assert.is(status(on)["succeeded"], 1);
});

test("a Pod that somebody deletes while it runs has failed, and another takes its place", () => {
  const on = cluster();
  run(on, ["sleep", "100000"]);
  assert.equal(finalizers(on), [tracking]);
  const [{ metadata }] = on.list("Pod") as [Pod];
  on.delete("Pod", metadata.name);
  on.advance("1m");
  assert.is(status(on)["failed"], 1);
  assert.is(status(on)["active"], 1);
  assert.equal(
    on.list("Pod").map((pod) => pod.metadata.name === metadata.name),
    [false],
    "the old one is gone, and a new one is there",
  );
});

test("a Job that goes away holds no Pod, whether they go with it or stay", () => {
  for (const propagationPolicy of ["Background", "Foreground", "Orphan"] as const) {
    const on = cluster();
    run(on, ["sleep", "100000"]);
    on.as("kubectl").delete(JOB, "j", "default", { propagationPolicy });
    on.advance("1m");
    const left = propagationPolicy === "Orphan" ? [undefined] : [];
    assert.equal(finalizers(on), left, propagationPolicy);
  }
});

test("an Indexed Job: each index once, told to its container, and done in ranges", () => {
  const on = cluster();
  run(on, ["true"], { completionMode: "Indexed", completions: 4, parallelism: 2 });
  assert.is(status(on)["completedIndexes"], "0-3");
  const pods = on.list("Pod");
  assert.equal(pods.map(({ metadata }) => metadata.annotations![INDEX]).sort(), [
    "0",
    "1",
    "2",
    "3",
  ]);
  const [{ spec, metadata }] = pods as [Pod];
  assert.is(metadata.labels![INDEX], metadata.annotations![INDEX]);
  const fieldRef = { apiVersion: "v1", fieldPath: `metadata.labels['${INDEX}']` };
  assert.equal(spec.containers[0]!.env, [
    { name: "JOB_COMPLETION_INDEX", valueFrom: { fieldRef } },
  ]);
});

test("indexes that fail are given up one by one, and the Job with them", () => {
  const on = cluster();
  run(on, ["false"], { completionMode: "Indexed", completions: 2, backoffLimitPerIndex: 1 });
  on.advance("10m");
  assert.equal(conditions(on), ["FailureTarget True FailedIndexes", "Failed True FailedIndexes"]);
  assert.is(status(on)["failedIndexes"], "0,1");
  assert.is(status(on)["failed"], 4);
  const counts = on
    .list("Pod")
    .map(({ metadata }) => metadata.annotations!["batch.kubernetes.io/job-index-failure-count"]);
  assert.equal(counts.sort(), ["0", "0", "1", "1"]);
});

test("a rule for failures ends the Job at once, or lets one pass", () => {
  const rule = (action: string) => ({
    podFailurePolicy: {
      rules: [{ action, onExitCodes: { operator: "In", values: [42] } }],
    },
  });
  const failing = cluster();
  run(failing, ["sh", "-c", "exit 42"], rule("FailJob"));
  const [{ metadata }] = failing.list("Pod") as [Pod];
  assert.is(
    events(failing).at(-1),
    `PodFailurePolicy: Container c for pod default/${metadata.name} failed with exit code 42 matching FailJob rule at index 0`,
  );
  const ignoring = cluster();
  run(ignoring, ["sh", "-c", "exit 42"], { backoffLimit: 0, ...rule("Ignore") });
  ignoring.advance("1m");
  assert.equal(conditions(ignoring), []);
  assert.ok(ignoring.list("Pod").length > 1, "it goes on trying");
});

test("a rule for success is met before all are done, and those that run are stopped", () => {
  const on = cluster();
  const successPolicy = { rules: [{ succeededIndexes: "0", succeededCount: 1 }] };
  const command = ["sh", "-c", "exit 0"];
  run(on, command, { completionMode: "Indexed", completions: 3, parallelism: 1, successPolicy });
  assert.equal(conditions(on), [
    "SuccessCriteriaMet True SuccessPolicy",
    "Complete True SuccessPolicy",
  ]);
  assert.is(status(on)["completedIndexes"], "0");
});

test("a Job that is suspended stops its Pods, and begins its time anew when it goes on", () => {
  const on = cluster();
  run(on, ["sleep", "100000"]);
  on.patch(JOB, "j", { spec: { suspend: true } });
  on.advance("1m");
  assert.equal(on.list("Pod"), []);
  assert.equal(conditions(on), ["Suspended True JobSuspended"]);
  assert.is(status(on)["failed"], undefined);
  const { startTime } = status(on);
  on.patch(JOB, "j", { spec: { suspend: false } });
  on.settle();
  assert.equal(conditions(on), ["Suspended False JobResumed"]);
  assert.is.not(status(on)["startTime"], startTime);
  assert.is(status(on)["active"], 1);
  const told = events(on).filter((said) => /^(Suspended|Resumed)/.test(said));
  assert.equal(told, ["Suspended: Job suspended", "Resumed: Job resumed"]);
});

test("what ends a Job well stands once in its conditions while others are on their way out", () => {
  const on = cluster();
  const successPolicy = { rules: [{ succeededIndexes: "0" }] };
  const containers = [{ name: "c", image: "busybox" }];
  const nodeSelector = { there: "none" }; // so that no kubelet says how its Pods are
  const template = { spec: { restartPolicy: "Never", containers, nodeSelector } };
  const indexed = { completionMode: "Indexed", completions: 2, parallelism: 2 };
  run(on, [], { template, successPolicy, ...indexed });
  const [first, second] = ["0", "1"].map((index) =>
    on.list("Pod").find(({ metadata }) => metadata.annotations![INDEX] === index)!,
  ) as [Pod, Pod];
  const hold = (...finalizers: string[]) =>
    on.patch("Pod", second.metadata.name, { metadata: { finalizers } });
  hold(...tracking, "example.com/hold");
  on.as("kubelet").updateStatus({ ...first, status: { ...first.status!, phase: "Succeeded" } });
  on.advance("1s");
  assert.equal(conditions(on), ["SuccessCriteriaMet True SuccessPolicy"]);
  on.patch(JOB, "j", { metadata: { labels: { seen: "again" } } });
  on.advance("1s");
  assert.equal(conditions(on), ["SuccessCriteriaMet True SuccessPolicy"]);
  hold();
  on.advance("1m");
  assert.equal(conditions(on), [
    "SuccessCriteriaMet True SuccessPolicy",
    "Complete True SuccessPolicy",
  ]);
});

// ---- which Pods, and when

const jobOf = (spec: object) => ({ metadata: { name: "j" }, spec }) as Job;
const podOf = (metadata: object, status: object = {}) =>
  ({ metadata, spec: { containers: [] }, status }) as unknown as Pod;

test("of Pods that are too many, the second of an index goes before one that is less far", () => {
  const at = (index: string, phase: string) =>
    podOf({ annotations: { [INDEX]: index } }, { phase });
  const [twin, other, pending] = [at("0", "Running"), at("0", "Running"), at("1", "Pending")];
  const job = jobOf({ completionMode: "Indexed", completions: 2 });
  assert.equal(surplusOf(job, [twin, other, pending], 1), [twin]);
  assert.equal(surplusOf(job, [twin, other, pending], 2), [twin, pending]);
  assert.equal(surplusOf(jobOf({}), [twin, other, pending], 1), [pending]);
});

test("a Pod that is deleted before a container has ended, ended when that was asked for", () => {
  const deletionTimestamp = "2026-01-01T00:01:00Z"; // at the latest
  const metadata = { deletionTimestamp, deletionGracePeriodSeconds: 30 };
  assert.is(endedAt(podOf(metadata)), Date.parse("2026-01-01T00:00:30Z"));
});

test("the next Pod of an index is told how many failures before it counted, and how many did not", () => {
  const [failed, ignored] = ["failure-count", "ignored-failure-count"].map(
    (end) => `batch.kubernetes.io/job-index-${end}`,
  ) as [string, string];
  const rules = [{ action: "Ignore", onPodConditions: [{ type: "Disrupted", status: "True" }] }];
  const job = jobOf({ podFailurePolicy: { rules } });
  const annotations = { [failed]: "2", [ignored]: "1" };
  const conditions = [{ type: "Disrupted", status: "True" }];
  assert.equal(failureCounts(job, undefined), { [failed]: "0" });
  assert.equal(failureCounts(job, podOf({ annotations }, { conditions })), {
    [failed]: "2",
    [ignored]: "2",
  });
  assert.equal(failureCounts(job, podOf({ annotations })), { [failed]: "3", [ignored]: "1" });
});

test("somebody else's Job is left alone", () => {
  const on = cluster();
  run(on, ["true"], { managedBy: "example.com/other" });
  assert.equal(on.list("Pod"), []);
});

// ---- ReplicationControllers

test("a ReplicationController adopts Pods that fit, lets go of others, and waits for minReadySeconds", () => {
  const on = cluster();
  const labels = { app: "rc" };
  const spec = { containers: [{ name: "c", image: "nginx" }] };
  const stray = { apiVersion: "v1", kind: "Pod", metadata: { name: "stray", labels }, spec };
  on.apply(stray);
  on.settle();
  on.apply({
    apiVersion: "v1",
    kind: "ReplicationController",
    metadata: { name: "rc" },
    spec: {
      replicas: 2,
      minReadySeconds: 30,
      selector: labels,
      template: { metadata: { labels }, spec },
    },
  });
  const rc = () => (on.get("ReplicationController" as Kind, "rc") as { status?: object }).status;
  on.advance("5s");
  assert.equal(rc(), {
    replicas: 2,
    fullyLabeledReplicas: 2,
    readyReplicas: 2,
    ...((rc() as { availableReplicas?: number }).availableReplicas === 1 && {
      availableReplicas: 1,
    }),
    observedGeneration: 1,
  });
  on.advance("1m");
  assert.is((rc() as { availableReplicas: number }).availableReplicas, 2);
  assert.is(on.list("Pod").length, 2, "the stray one is one of them");
  assert.is(on.get("Pod", "stray").metadata.ownerReferences?.[0]?.kind, "ReplicationController");
  on.patch("Pod", "stray", { metadata: { labels: { app: "other" } } });
  on.settle();
  assert.is(on.get("Pod", "stray").metadata.ownerReferences, undefined);
  assert.is(on.list("Pod").length, 3);
});

test.run();
