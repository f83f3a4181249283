import { ignoring } from "../api/errors.js";
import { stamp } from "../api/time.js";
import {
  controllerOf,
  watch,
  watchOwned,
  type Again,
  type Context,
  type Controller,
} from "../machinery/controller.js";
import { isActive, isReady } from "../objects/pods.js";
import type { Condition, Container, Kind, Pod } from "../objects/types.js";
import { hasFinalizer, JobCounting, TRACKING, type Round } from "./job-counting.js";
import {
  conditionOf,
  endOf,
  findingsOf,
  isComplete,
  isLeaving,
  pendingIndexes,
  recordAfter,
  restAfter,
  restOf,
  surplusOf,
  untilDeadline,
  withSuspension,
  type BackOffRecord,
  type Findings,
} from "./job-ending.js";
import type { Job } from "./job-object.js";
import { failureCounts, INDEX, isIndexed, onlyFailedCount } from "./job-rules.js";
import { informerOf, OwnedPods, podOf, withLabels } from "./owned-pods.js";

/** Who acts on a Job that names nobody. */
const OWN_NAME = "kubernetes.io/job-controller";
const COMPLETION_INDEX = "JOB_COMPLETION_INDEX"; // the variable in which a container finds its own

/** The condition that says how a Job has come to its end, well or not. */
export const endingOf = ({ status }: Job): Condition | undefined =>
  (status?.conditions ?? []).find(
    ({ type, status: is }) => (type === "Complete" || type === "Failed") && is === "True",
  );

export const isFinished = (job: Job): boolean => endingOf(job) !== undefined;

const noFailures: BackOffRecord = { failures: 0, last: 0 };

/**
 * Runs Pods until so many have ended well, or too many badly. (kubernetes:
 * pkg/controller/job/job_controller.go)
 */
export function jobController(context: Context): Controller {
  const { client, clock, events } = context;
  const jobs = informerOf<Job>(context, "Job");
  const owned = new OwnedPods(context);
  const counting = new JobCounting(context, jobs, owned.pods);
  const records = new Map<string, BackOffRecord>();
  owned.pods.index("job", (pod) => (hasFinalizer(pod) ? jobKeyOf(pod) : undefined));

  function reconcile(key: string): Again | void {
    const job = jobs.get(key);
    for (const pod of owned.pods.by("job", key))
      if (!job || controllerOf(pod)?.uid !== job.metadata.uid || isFinished(job))
        counting.untrack(pod);
    if (!job || isFinished(job)) records.delete(key);
    if (!job || (job.spec.managedBy ?? OWN_NAME) !== OWN_NAME) return;
    return isFinished(job) ? expire(job) : sync(key, job);
  }

  function sync(key: string, job: Job): Again | void {
    const pods = owned.of(job);
    const running = pods.filter(isActive);
    const found = findingsOf(job, pods, counting.isTracked);
    const record = recordAfter(records.get(key) ?? noFailures, found);
    records.set(key, record);
    const now = stamp(clock.now());
    const isSuspended = job.spec.suspend ?? false;
    let startTime = job.status?.startTime ?? (isSuspended ? undefined : now);
    let conditions = job.status?.conditions ?? [];
    const round: Round = {
      ...found,
      job,
      pods,
      active: running.length,
      ready: running.filter(isReady).length,
      terminating: pods.filter(isLeaving).length,
    };
    round.end = endOf(round, found, startTime, clock.now(), now);
    let wait: Again | void = round.end ? undefined : untilDeadline(job, startTime, clock.now());
    if (round.end) removeAll(round, running);
    else {
      const isManaged = job.metadata.deletionTimestamp === undefined;
      if (isManaged) wait = manage(round, found, running, record) ?? wait;
      if (isComplete(job, found.succeeded, round.active))
        round.end = conditionOf(
          "SuccessCriteriaMet",
          "CompletionsReached",
          "Reached expected number of succeeded pods",
          now,
        );
      else if (isManaged) {
        const changed = withSuspension(job, conditions, now);
        if (changed.event) events.normal(job, changed.event.reason, changed.event.message);
        if (changed.event?.reason === "Resumed") startTime = now;
        ({ conditions } = changed);
      }
    }
    if (counting.track(round, conditions, startTime)) tellEnd(job, round.end!);
    return wait;
  }

  function tellEnd(job: Job, { type, reason, message }: Condition): void {
    if (type === "SuccessCriteriaMet") events.normal(job, "Completed", "Job completed");
    else events.warning(job, reason!, message!);
  }

  // ---- making and removing Pods

  function removeAll(round: Round, pods: readonly Pod[], isCounted = true): void {
    for (const pod of pods) {
      if (!isCounted && counting.isTracked(pod)) counting.untrack(pod);
      owned.delete(round.job, pod);
      round.active--;
      round.terminating++;
      if (isReady(pod)) round.ready--;
    }
  }

  /** As many Pods as may run at once and are still needed; answers when to look again. */
  function manage(
    round: Round,
    { succeeded }: Findings,
    running: readonly Pod[],
    record: BackOffRecord,
  ): Again | void {
    const { job } = round;
    const { parallelism = 1, completions, suspend } = job.spec;
    if (suspend) return removeAll(round, running, false);
    const wanted =
      completions === undefined
        ? succeeded > 0
          ? round.active
          : parallelism
        : Math.max(0, Math.min(parallelism, completions - succeeded));
    const surplus = surplusOf(job, running, round.active - wanted);
    if (surplus.length > 0) return removeAll(round, surplus, false);
    const missing = wanted - round.active - (onlyFailedCount(job) ? round.terminating : 0);
    return missing > 0 ? createMissing(round, running, missing, record) : undefined;
  }

  function createMissing(
    round: Round,
    running: readonly Pod[],
    missing: number,
    record: BackOffRecord,
  ): Again | void {
    const { job } = round;
    const now = clock.now();
    const perIndex = job.spec.backoffLimitPerIndex !== undefined;
    const rest = perIndex ? 0 : restAfter(record, now);
    let indexes = isIndexed(job) ? pendingIndexes(round, running, missing) : [];
    const rests = perIndex ? indexes.map((index) => restOf(round.awaited.get(index), now)) : [];
    const least = rests.length > 0 ? Math.min(...rests) : rest;
    if (least > 0) {
      round.active = 0; // as upstream says until then
      return { inBackground: least };
    }
    if (perIndex) indexes = indexes.filter((_, i) => rests[i] === 0);
    const number = isIndexed(job) ? indexes.length : missing;
    for (let i = 0; i < number; i++) {
      owned.create(job, podFor(round, indexes[i]));
      round.active++;
    }
  }

  /** Its time to live is over: it goes, and its Pods with it. (pkg/controller/ttlafterfinished) */
  function expire(job: Job): { inBackground: number } | void {
    const ttl = job.spec.ttlSecondsAfterFinished;
    if (ttl === undefined) return;
    const ended = endingOf(job)?.lastTransitionTime ?? "";
    const left = Date.parse(ended) + ttl * 1_000 - clock.now();
    if (left > 0) return { inBackground: left };
    const { name, namespace } = job.metadata;
    const options = { propagationPolicy: "Background" as const };
    ignoring([404], () => client.delete("Job" as Kind, name, namespace, options));
  }

  return {
    name: "job-controller",
    reconcile,
    watches: [
      watch("Job" as Kind),
      watchOwned("Pod", "Job" as Kind),
      watch("Pod", (_key, pod) => {
        const key = pod && !controllerOf(pod) && hasFinalizer(pod) ? jobKeyOf(pod) : undefined;
        return key === undefined ? [] : [key]; // one that was let go of
      }),
    ],
  };
}

// ---- what a Pod is made of ----------------------------------------------------------------------

function podFor({ job, awaited }: Round, index: number | undefined): Pod {
  const { name } = job.metadata;
  if (index === undefined) return tracked(podOf(job, job.spec.template, `${name}-`));
  const end = `-${index}-`;
  const made = podOf(job, job.spec.template, name.slice(0, MOST_GENERATED - end.length) + end);
  const { metadata, spec } = withLabels(made, { [INDEX]: String(index) });
  const failures =
    job.spec.backoffLimitPerIndex === undefined ? {} : failureCounts(job, awaited.get(index));
  return tracked({
    ...made,
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, [INDEX]: String(index), ...failures },
    },
    spec: {
      ...spec,
      hostname: `${name}-${index}`,
      containers: spec.containers.map(withIndex),
      ...(spec.initContainers && { initContainers: spec.initContainers.map(withIndex) }),
    },
  });
}

/** Of a name that the API server completes. (apiserver: pkg/storage/names/generate.go) */
const MOST_GENERATED = 58;

const tracked = (pod: Pod): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, finalizers: [TRACKING] },
});

function withIndex(container: Container): Container {
  const { env = [] } = container;
  if (env.some(({ name }) => name === COMPLETION_INDEX)) return container;
  const fieldRef = { fieldPath: `metadata.labels['${INDEX}']` };
  return { ...container, env: [...env, { name: COMPLETION_INDEX, valueFrom: { fieldRef } }] };
}

/** Of the Job that has it or had it. */
function jobKeyOf(pod: Pod): string | undefined {
  const owner = controllerOf(pod);
  const { namespace, labels } = pod.metadata;
  const name = owner
    ? owner.kind === "Job" && owner.name
    : labels?.["batch.kubernetes.io/job-name"];
  return name ? `${namespace}/${name}` : undefined;
}
