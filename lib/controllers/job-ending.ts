/**
 * What a Job's Pods have come to, and whether that is its end. (kubernetes:
 * pkg/controller/job/job_controller.go, syncJob; backoff_utils.go)
 */
import { condition, isActive, isTerminal } from "../objects/pods.js";
import type { Condition, Pod } from "../objects/types.js";
import type { Job } from "./job-object.js";
import type { Round } from "./job-counting.js";
import {
  counts,
  endsIndex,
  failuresBefore,
  hasFailed,
  indexesIn,
  indexOf,
  isIndexed,
  isIndexOf,
  metRule,
  onlyFailedCount,
  ruleFor,
} from "./job-rules.js";

// Milliseconds after a failure before the next Pod: doubled each time (DefaultJobPodFailureBackOff)
const BACKOFF_BASE = 10_000;
const BACKOFF_MAX = 600_000;

export interface Findings extends Pick<Round, "awaited" | "done" | "givenUp"> {
  /** With those that are not counted yet. */
  succeeded: number;
  failed: number;
  /** Not counted before. */
  newlySucceeded: readonly Pod[];
  newlyFailed: readonly Pod[];
}

/** On its way out, and not ended yet. */
export const isLeaving = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp !== undefined && !isTerminal(pod);

export function findingsOf(
  job: Job,
  pods: readonly Pod[],
  isTracked: (pod: Pod) => boolean,
): Findings {
  const { succeeded = 0, failed = 0, uncountedTerminatedPods: uncounted = {} } = job.status ?? {};
  const own = pods.filter(
    (pod) => isTracked(pod) && (!isIndexed(job) || isIndexOf(job, indexOf(pod))),
  );
  const ended = own.filter(({ status }) => status?.phase === "Succeeded");
  const fresh = (pods: readonly Pod[], known: readonly string[] = []) =>
    pods.filter(({ metadata }) => !known.includes(metadata.uid!));
  const newlySucceeded = fresh(ended, uncounted.succeeded);
  const allFailed = own.filter((pod) => hasFailed(job, pod));
  const newlyFailed = fresh(allFailed, uncounted.failed);
  const counted = newlyFailed.filter((pod) => counts(job, pod)).length;
  const common = {
    newlySucceeded,
    newlyFailed,
    failed: failed + (uncounted.failed?.length ?? 0) + counted,
  };
  if (!isIndexed(job))
    return {
      ...common,
      succeeded: succeeded + (uncounted.succeeded?.length ?? 0) + newlySucceeded.length,
      done: new Set(),
      awaited: new Map(),
    };
  const { completions = 0, backoffLimitPerIndex } = job.spec;
  const done = indexesIn(job.status?.completedIndexes, completions);
  for (const pod of ended) done.add(indexOf(pod));
  const indexed = { ...common, done, succeeded: done.size };
  if (backoffLimitPerIndex === undefined) return { ...indexed, awaited: new Map() };
  const givenUp = indexesIn(job.status?.failedIndexes, completions);
  for (const pod of own) if (endsIndex(job, pod)) givenUp.add(indexOf(pod));
  return { ...indexed, givenUp, awaited: awaitedOf(pods, allFailed, done, givenUp) };
}

/** The last failed Pod of each index that has no other now: the next one is told of it. */
function awaitedOf(
  pods: readonly Pod[],
  failed: readonly Pod[],
  done: ReadonlySet<number>,
  givenUp: ReadonlySet<number>,
): Map<number, Pod> {
  const active = new Set(pods.filter(isActive).map(indexOf));
  const awaited = new Map<number, Pod>();
  for (const pod of failed) {
    const index = indexOf(pod);
    if (done.has(index) || givenUp.has(index) || active.has(index)) continue;
    const last = awaited.get(index);
    const isLater =
      !last || (failuresBefore(last) <= failuresBefore(pod) && endedAt(last) <= endedAt(pod));
    if (isLater) awaited.set(index, pod);
  }
  return awaited;
}

// ---- the end ------------------------------------------------------------------------------------

export const conditionOf = (
  type: string,
  reason: string,
  message: string,
  now: string,
  status: "True" | "False" = "True",
): Condition => ({
  type,
  status,
  lastProbeTime: now,
  lastTransitionTime: now,
  reason,
  message,
});

/** Why the Job is over, if it is, but for its completions. */
export function endOf(
  { job, pods }: Pick<Round, "job" | "pods">,
  found: Findings,
  startTime: string | undefined,
  now: number,
  at: string,
): Condition | undefined {
  const standing = (type: string) =>
    job.status?.conditions?.find((one) => one.type === type && one.status === "True");
  const met = standing("SuccessCriteriaMet");
  if (met) return { ...met, lastProbeTime: at, lastTransitionTime: at };
  const target = standing("FailureTarget");
  const failed = (reason: string, message: string) =>
    conditionOf("FailureTarget", reason, message, at);
  if (target) return conditionOf("Failed", target.reason!, target.message!, at);
  for (const pod of pods) {
    const rule = hasFailed(job, pod) ? ruleFor(job, pod) : undefined;
    if (rule?.action === "FailJob") return failed("PodFailurePolicy", rule.message);
  }
  const { backoffLimit = 6, completions = 0, maxFailedIndexes } = job.spec;
  if (found.failed > backoffLimit || restartedTooOften(job, pods, backoffLimit))
    return failed("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  if ((untilDeadline(job, startTime, now)?.inBackground ?? 1) <= 0)
    return failed("DeadlineExceeded", "Job was active longer than specified deadline");
  const lost = found.givenUp?.size ?? 0;
  if (maxFailedIndexes !== undefined && lost > maxFailedIndexes)
    return failed(
      "MaxFailedIndexesExceeded",
      "Job has exceeded the specified maximal number of failed indexes",
    );
  if (lost > 0 && lost + found.done.size >= completions)
    return failed("FailedIndexes", "Job has failed indexes");
  const rule = metRule(job, found.done);
  return rule === undefined
    ? undefined
    : conditionOf("SuccessCriteriaMet", "SuccessPolicy", rule, at);
}

/** Without a number, it is complete once one has ended well and none runs. */
export const isComplete = ({ spec }: Job, succeeded: number, active: number): boolean =>
  active === 0 && (spec.completions === undefined ? succeeded > 0 : succeeded >= spec.completions);

/** Containers that begin again in their Pod count as well. */
function restartedTooOften({ spec }: Job, pods: readonly Pod[], limit: number): boolean {
  if (spec.template.spec.restartPolicy !== "OnFailure") return false;
  const restarts = pods
    .filter(({ status }) => status?.phase === "Running" || status?.phase === "Pending")
    .flatMap(({ status }) => [
      ...(status?.initContainerStatuses ?? []),
      ...(status?.containerStatuses ?? []),
    ])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  return restarts > 0 && restarts >= limit;
}

/** When to look at a Job again that may only run for so long. */
export function untilDeadline(
  { spec }: Job,
  startTime: string | undefined,
  now: number,
): { inBackground: number } | undefined {
  const { activeDeadlineSeconds: deadline, suspend } = spec;
  if (deadline === undefined || suspend || startTime === undefined) return undefined;
  return { inBackground: Date.parse(startTime) + deadline * 1_000 - now };
}

/** The condition of a Job that rests, or has begun again; and what is to be told of that. */
export function withSuspension(
  { spec }: Job,
  conditions: Condition[],
  now: string,
): { conditions: Condition[]; event?: { reason: string; message: string } } {
  const is = spec.suspend ? "True" : "False";
  const before = conditions.find(({ type }) => type === "Suspended");
  if (before?.status === is || (!before && is === "False")) return { conditions };
  const event =
    is === "True"
      ? { reason: "Suspended", message: "Job suspended" }
      : { reason: "Resumed", message: "Job resumed" };
  const next = conditionOf("Suspended", `Job${event.reason}`, event.message, now, is);
  const others = conditions.map((one) => (one === before ? next : one));
  return { conditions: before ? others : [...conditions, next], event };
}

// ---- rest after failures ------------------------------------------------------------------------

/** Failures in a row, and when the last one was. */
export interface BackOffRecord {
  failures: number;
  last: number;
}

export function recordAfter(
  record: BackOffRecord,
  { newlySucceeded, newlyFailed }: Findings,
): BackOffRecord {
  const ends = newlyFailed.map(endedAt);
  if (newlySucceeded.length === 0)
    return ends.length === 0
      ? record
      : { failures: record.failures + ends.length, last: Math.max(...ends) };
  const lastGood = Math.max(...newlySucceeded.map(endedAt));
  const since = ends.filter((end) => end > lastGood);
  return { failures: since.length, last: Math.max(0, ...since) };
}

/** Milliseconds. */
export function restAfter({ failures, last }: BackOffRecord, now: number): number {
  if (failures === 0) return 0;
  return Math.max(0, last + Math.min(BACKOFF_BASE * 2 ** (failures - 1), BACKOFF_MAX) - now);
}

export const restOf = (failed: Pod | undefined, now: number): number =>
  failed ? restAfter({ failures: failuresBefore(failed) + 1, last: endedAt(failed) }, now) : 0;

/** The last end of a container, or what comes nearest to it. (getFinishedTime) */
export function endedAt(pod: Pod): number {
  const { status, metadata } = pod;
  const ends = (status?.containerStatuses ?? []).map(({ state }) => state?.terminated?.finishedAt);
  if (ends.length > 0 && ends.every((end) => end !== undefined))
    return Math.max(...ends.map((end) => Date.parse(end)));
  const ready = condition(pod, "Ready");
  if (ready?.status === "False" && ready.lastTransitionTime)
    return Date.parse(ready.lastTransitionTime);
  const { deletionTimestamp, deletionGracePeriodSeconds: grace = 0 } = metadata;
  if (deletionTimestamp) return Date.parse(deletionTimestamp) - grace * 1_000;
  return Date.parse(metadata.creationTimestamp ?? "");
}

// ---- which Pods ---------------------------------------------------------------------------------

/** Indexes that are neither done nor given up, and have no Pod. */
export function pendingIndexes(round: Round, running: readonly Pod[], number: number): number[] {
  const { job, pods, done, givenUp } = round;
  const taken = new Set(running.map(indexOf));
  if (onlyFailedCount(job)) for (const pod of pods.filter(isLeaving)) taken.add(indexOf(pod));
  const pending: number[] = [];
  for (let i = 0; i < (job.spec.completions ?? 0) && pending.length < number; i++)
    if (!taken.has(i) && !done.has(i) && !givenUp?.has(i)) pending.push(i);
  return pending;
}

/** Those that are too many: without an index of their own first, then those that are less far. */
export function surplusOf(job: Job, running: readonly Pod[], number: number): Pod[] {
  const far = ({ spec, status }: Pod) =>
    (spec.nodeName ? 4 : 0) + (status?.phase === "Running" ? 2 : 0);
  const byAge = [...running].sort((a, b) => far(a) - far(b));
  if (!isIndexed(job)) return byAge.slice(0, Math.max(0, number));
  const last = new Map(byAge.map((pod) => [indexOf(pod), pod]));
  const isOdd = (pod: Pod) => !isIndexOf(job, indexOf(pod)) || last.get(indexOf(pod)) !== pod;
  const odd = byAge.filter(isOdd);
  const others = byAge.filter((pod) => !isOdd(pod));
  return [...odd, ...others.slice(0, Math.max(0, number - odd.length))];
}
