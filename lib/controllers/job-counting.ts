/**
 * How a Job counts: each of its Pods has a finalizer until it is counted. What has ended is written
 * into the status first, then loses its finalizer, and is a number from then on: so nothing is
 * counted twice, and nothing is lost that somebody deletes. (kubernetes:
 * pkg/controller/job/job_controller.go, trackJobStatusAndRemoveFinalizers)
 */
import { ignoring } from "../api/errors.js";
import type { Context } from "../machinery/controller.js";
import type { Informer } from "../machinery/informer.js";
import { same } from "../objects/freeze.js";
import type { Condition, Pod } from "../objects/types.js";
import type { Job, JobStatus } from "./job-object.js";
import { counts, hasFailed, indexesAsText, indexOf, isIndexed, isIndexOf } from "./job-rules.js";

export const TRACKING = "batch.kubernetes.io/job-tracking";

/** What one look at a Job has found. */
export interface Round {
  job: Job;
  pods: readonly Pod[];
  active: number;
  ready: number;
  terminating: number;
  /** Its end, as soon as there is one. */
  end?: Condition | undefined;
  /** Pods whose index waits for the next one, which is told of them. */
  awaited: ReadonlyMap<number, Pod>;
  /** Of an Indexed Job: those that are done, and those that are given up. */
  done: ReadonlySet<number>;
  givenUp?: ReadonlySet<number> | undefined;
}

export class JobCounting {
  /** Uids of Pods whose finalizer is off, which the cache may not know yet. */
  readonly #off = new Set<string>();

  constructor(
    private readonly context: Context,
    private readonly jobs: Informer<Job>,
    pods: Informer<Pod>,
  ) {
    pods.onChange((_key, pod, previous) => {
      if (previous && (!pod || !hasFinalizer(pod))) this.#off.delete(previous.metadata.uid!);
    }, context.guard);
  }

  readonly isTracked = (pod: Pod): boolean =>
    hasFinalizer(pod) && !this.#off.has(pod.metadata.uid!);

  /** Writes how the Job stands; answers whether it has come to its end. */
  track(round: Round, conditions: readonly Condition[], startTime: string | undefined): boolean {
    const { job, end } = round;
    const counted = this.#withEnded(round);
    const interim = end && this.#interim(end, conditions);
    const all = [...conditions, ...(interim ? [interim] : [])];
    const status = statusOf(round, counted, all, startTime);
    let written = this.#write(job, status);
    if (!written) return false;
    for (const pod of round.pods)
      if (this.isTracked(pod) && mayLeave(round, pod)) this.untrack(pod);
    const final = this.#settled(written.status!, round.pods);
    const isOver = end !== undefined && hasEnded(final, round);
    if (isOver) Object.assign(final, ended(final, end));
    written = this.#write(written, final);
    return isOver && written !== undefined;
  }

  /** Those that have ended since: by uid, or by index. */
  #withEnded(round: Round): Partial<JobStatus> {
    const { job, pods, end } = round;
    const before = job.status?.uncountedTerminatedPods ?? {};
    const settled = this.#settled(job.status ?? {}, pods);
    const known = settled.uncountedTerminatedPods!;
    const succeeded = [...(known.succeeded ?? [])];
    const failed = [...(known.failed ?? [])];
    const isBadEnd = end !== undefined && end.type !== "SuccessCriteriaMet";
    for (const pod of pods) {
      const { uid } = pod.metadata;
      const isNew = this.isTracked(pod) && !before.failed?.includes(uid!) && mayLeave(round, pod);
      if (!isNew) continue;
      if (pod.status?.phase === "Succeeded") {
        if (!isIndexed(job) && !succeeded.includes(uid!)) succeeded.push(uid!);
      } else if (hasFailed(job, pod) || isBadEnd) {
        const isOwn = !isIndexed(job) || isIndexOf(job, indexOf(pod));
        if (isOwn && counts(job, pod)) failed.push(uid!);
      }
    }
    return {
      ...settled,
      uncountedTerminatedPods: {
        ...(succeeded.length > 0 && { succeeded }),
        ...(failed.length > 0 && { failed }),
      },
      ...(isIndexed(job) && indexCounts(round)),
    };
  }

  /** What stands there before the end itself, once. */
  #interim(end: Condition, conditions: readonly Condition[]): Condition | undefined {
    const isThere = conditions.some(({ type, status }) => type === end.type && status === "True");
    return isThere || end.type === "Failed" ? undefined : end;
  }

  /** undefined: the Job is gone. */
  #write(job: Job, status: JobStatus): Job | undefined {
    if (same(job.status ?? {}, status)) return job;
    const next = { ...job, status };
    const written = ignoring([404], () => this.context.client.updateStatus<Job>(next));
    if (written) this.jobs.learn(written);
    return written;
  }

  /** Takes its finalizer off; where somebody else has changed it meanwhile, the next time. */
  untrack(pod: Pod): void {
    const { uid, finalizers = [] } = pod.metadata;
    const metadata = { ...pod.metadata, finalizers: finalizers.filter((one) => one !== TRACKING) };
    ignoring([409], () => {
      ignoring([404], () => this.context.client.update<Pod>({ ...pod, metadata }));
      this.#off.add(uid!);
    });
  }

  /** Those that have no finalizer any more have become numbers. */
  #settled(status: JobStatus, pods: readonly Pod[]): JobStatus {
    const held = new Set(pods.filter(this.isTracked).map(({ metadata }) => metadata.uid!));
    const next: JobStatus = { ...status };
    const uncounted: { succeeded?: string[]; failed?: string[] } = {};
    for (const which of ["succeeded", "failed"] as const) {
      const before = status.uncountedTerminatedPods?.[which] ?? [];
      const still = before.filter((uid) => held.has(uid));
      const number = (status[which] ?? 0) + before.length - still.length;
      if (number > 0) next[which] = number;
      if (still.length > 0) uncounted[which] = still;
    }
    next.uncountedTerminatedPods = uncounted;
    return next;
  }
}

export const hasFinalizer = ({ metadata }: Pod): boolean =>
  metadata.finalizers?.includes(TRACKING) ?? false;

function mayLeave({ job, end, awaited }: Round, pod: Pod): boolean {
  if (job.metadata.deletionTimestamp || end || pod.status?.phase === "Succeeded") return true;
  if (!hasFailed(job, pod)) return false;
  return awaited.get(indexOf(pod))?.metadata.uid !== pod.metadata.uid;
}

function statusOf(
  { active, ready, terminating }: Round,
  { active: _, conditions: __, startTime: ___, ...counted }: Partial<JobStatus>,
  conditions: Condition[],
  startTime: string | undefined,
): JobStatus {
  return {
    ...counted,
    ...(conditions.length > 0 && { conditions }),
    ...(startTime !== undefined && { startTime }),
    ...(active > 0 && { active }),
    ready,
    terminating,
  };
}

function indexCounts({ done, givenUp }: Round): Partial<JobStatus> {
  return {
    ...(done.size > 0 && { succeeded: done.size, completedIndexes: indexesAsText(done) }),
    ...(givenUp && { failedIndexes: indexesAsText(givenUp) }),
  };
}

/** It ends when all are counted, and none is on its way out. */
const hasEnded = ({ uncountedTerminatedPods }: JobStatus, { terminating }: Round): boolean =>
  Object.keys(uncountedTerminatedPods ?? {}).length === 0 && terminating === 0;

function ended(status: JobStatus, end: Condition): Partial<JobStatus> {
  const type = end.type === "SuccessCriteriaMet" ? "Complete" : "Failed";
  return {
    conditions: [...(status.conditions ?? []), { ...end, type }],
    ...(type === "Complete" && { completionTime: end.lastTransitionTime! }),
  };
}
