import { ignoring } from "../api/errors.js";
import { stamp } from "../api/time.js";
import { watch, watchOwned, type Context, type Controller } from "../machinery/controller.js";
import { isActive, isReady } from "../objects/pods.js";
import type { Condition, Kind, KubeObject, Pod, PodTemplate } from "../objects/types.js";
import { informerOf, OwnedPods, podOf, withLabels, writeStatus } from "./owned-pods.js";

/** As far as this controller reads it. */
export interface Job extends KubeObject {
  spec: {
    parallelism?: number;
    completions?: number;
    backoffLimit?: number;
    activeDeadlineSeconds?: number;
    ttlSecondsAfterFinished?: number;
    suspend?: boolean;
    completionMode?: "NonIndexed" | "Indexed";
    template: PodTemplate;
  };
  status?: JobStatus;
}

interface JobStatus {
  startTime?: string;
  completionTime?: string;
  conditions?: Condition[];
  [count: string]: unknown;
}

const INDEX = "batch.kubernetes.io/job-completion-index";
// Milliseconds after a failure before the next Pod: doubled each time (DefaultJobPodFailureBackOff)
const BACKOFF_BASE = 10_000;
const BACKOFF_MAX = 600_000;

/** The condition that says how a Job has come to its end, well or not. */
export const endingOf = ({ status }: Job): Condition | undefined =>
  (status?.conditions ?? []).find(
    ({ type, status: is }) => (type === "Complete" || type === "Failed") && is === "True",
  );

export const isFinished = (job: Job): boolean => endingOf(job) !== undefined;

/**
 * Runs Pods until so many have ended well, or too many badly. (kubernetes:
 * pkg/controller/job/job_controller.go)
 */
export function jobController(context: Context): Controller {
  const { client, clock, events } = context;
  const jobs = informerOf<Job>(context, "Job");
  const owned = new OwnedPods(context);

  function reconcile(key: string): number | { inBackground: number } | void {
    const job = jobs.get(key);
    if (!job || job.metadata.deletionTimestamp) return;
    if (isFinished(job)) return expire(job);
    const pods = owned.of(job);
    const started = job.status?.startTime ?? stamp(clock.now());
    const end = job.spec.suspend ? undefined : endOf(job, pods, started);
    if (end) return finish(job, pods, started, end);
    const wait = job.spec.suspend ? stopAll(job, pods) : keepRunning(job, pods);
    report(job, owned.of(job), started);
    return wait;
  }

  /** Why the Job is over, if it is. */
  function endOf(job: Job, pods: readonly Pod[], started: string): End | undefined {
    const { backoffLimit = 6, activeDeadlineSeconds: deadline } = job.spec;
    const failed = pods.filter(({ status }) => status?.phase === "Failed").length;
    const restarts = pods.reduce((sum, pod) => sum + restartsOf(pod), 0);
    if (failed > backoffLimit || (restarts > 0 && restarts >= Math.max(1, backoffLimit)))
      return {
        type: "Failed",
        reason: "BackoffLimitExceeded",
        message: "Job has reached the specified backoff limit",
      };
    if (deadline !== undefined && clock.now() >= Date.parse(started) + deadline * 1_000)
      return {
        type: "Failed",
        reason: "DeadlineExceeded",
        message: "Job was active longer than specified deadline",
      };
    const missing = completionsOf(job) - succeededOf(job, pods);
    return missing > 0
      ? undefined
      : {
          type: "Complete",
          reason: "CompletionsReached",
          message: "Reached expected number of succeeded pods",
        };
  }

  function finish(job: Job, pods: readonly Pod[], started: string, end: End): void {
    stopAll(job, pods);
    const now = stamp(clock.now());
    const before = end.type === "Complete" ? "SuccessCriteriaMet" : "FailureTarget";
    const conditions = [before, end.type].map((type) => ({
      type,
      status: "True" as const,
      lastProbeTime: now,
      lastTransitionTime: now,
      reason: end.reason,
      message: end.message,
    }));
    report(job, owned.of(job), started, {
      conditions: [...(job.status?.conditions ?? []), ...conditions],
      ...(end.type === "Complete" && { completionTime: now }),
    });
    if (end.type === "Complete") events.normal(job, "Completed", "Job completed");
    else events.warning(job, end.reason, end.message);
  }

  /** As many Pods as may run at once and are still needed; answers when to look again. */
  function keepRunning(job: Job, pods: readonly Pod[]): number | { inBackground: number } | void {
    const active = pods.filter(isActive);
    const { parallelism = 1 } = job.spec;
    const needed = Math.min(parallelism, completionsOf(job) - succeededOf(job, pods));
    const wait = backOff(pods);
    if (active.length < needed && wait > 0) return { inBackground: wait };
    const indexes = freeIndexes(job, pods);
    for (let i = active.length; i < needed; i++) create(job, indexes[i - active.length]);
    for (const pod of active.slice(Math.max(0, needed))) owned.delete(job, pod);
    const { activeDeadlineSeconds: deadline } = job.spec;
    if (deadline !== undefined) return { inBackground: deadline * 1_000 };
  }

  /** Milliseconds that a Job rests after its last failure. */
  function backOff(pods: readonly Pod[]): number {
    const ends = pods
      .filter(({ status }) => status?.phase === "Failed")
      .map(endedAt)
      .sort((a, b) => a - b);
    if (ends.length === 0) return 0;
    const rest = Math.min(BACKOFF_BASE * 2 ** (ends.length - 1), BACKOFF_MAX);
    return ends.at(-1)! + rest - clock.now();
  }

  function create(job: Job, index: number | undefined): void {
    const { name, uid } = job.metadata;
    const indexed = job.spec.completionMode === "Indexed";
    const made = withLabels(
      podOf(job, job.spec.template, `${name}-${indexed ? `${index}-` : ""}`),
      {
        "batch.kubernetes.io/controller-uid": uid!,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid!,
        "job-name": name,
        ...(indexed && { [INDEX]: String(index) }),
      },
    );
    const annotations = { ...made.metadata.annotations, [INDEX]: String(index) };
    const pod = indexed
      ? {
          ...made,
          metadata: { ...made.metadata, annotations },
          spec: { ...made.spec, hostname: `${name}-${index}` },
        }
      : made;
    owned.create(job, pod);
  }

  function stopAll(job: Job, pods: readonly Pod[]): void {
    for (const pod of pods) if (isActive(pod)) owned.delete(job, pod);
  }

  /** Its time to live is over: it goes, and its Pods with it. (pkg/controller/ttlafterfinished) */
  function expire(job: Job): { inBackground: number } | void {
    const ttl = job.spec.ttlSecondsAfterFinished;
    if (ttl === undefined) return;
    const ended = (job.status?.conditions ?? []).at(-1)?.lastTransitionTime ?? "";
    const left = Date.parse(ended) + ttl * 1_000 - clock.now();
    if (left > 0) return { inBackground: left };
    const { name, namespace } = job.metadata;
    const options = { propagationPolicy: "Background" as const };
    ignoring([404], () => client.delete("Job" as Kind, name, namespace, options));
  }

  function report(job: Job, pods: readonly Pod[], startTime: string, end: object = {}): void {
    const count = (is: (pod: Pod) => boolean): number => pods.filter(is).length;
    const [active, ready] = [count(isActive), count((pod) => isActive(pod) && isReady(pod))];
    const succeeded = succeededOf(job, pods);
    const failed = count(({ status }) => status?.phase === "Failed");
    const status: JobStatus = {
      ...(job.status?.conditions && { conditions: job.status.conditions }),
      ...(!job.spec.suspend && { startTime }),
      ...(active > 0 && { active }),
      ...(succeeded > 0 && { succeeded }),
      ...(failed > 0 && { failed }),
      ready,
      terminating: count(({ metadata }) => metadata.deletionTimestamp !== undefined),
      uncountedTerminatedPods: {},
      ...end,
    };
    writeStatus(context, jobs, job, status);
  }

  return {
    name: "job-controller",
    reconcile,
    watches: [watch("Job" as Kind), watchOwned("Pod", "Job" as Kind)],
  };
}

interface End {
  type: "Complete" | "Failed";
  reason: string;
  message: string;
}

/** Without a number, one that ends well is enough. */
const completionsOf = ({ spec }: Job): number => spec.completions ?? 1;

const indexOf = ({ metadata }: Pod): number => Number(metadata.annotations?.[INDEX] ?? -1);

function succeededOf(job: Job, pods: readonly Pod[]): number {
  const well = pods.filter(({ status }) => status?.phase === "Succeeded");
  return job.spec.completionMode === "Indexed" ? new Set(well.map(indexOf)).size : well.length;
}

function freeIndexes(job: Job, pods: readonly Pod[]): number[] {
  if (job.spec.completionMode !== "Indexed") return [];
  const taken = new Set(pods.filter(({ status }) => status?.phase !== "Failed").map(indexOf));
  return Array.from({ length: completionsOf(job) }, (_, i) => i).filter((i) => !taken.has(i));
}

const restartsOf = ({ status }: Pod): number =>
  (status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0);

function endedAt({ status, metadata }: Pod): number {
  const ends = (status?.containerStatuses ?? []).map(({ state }) => state?.terminated?.finishedAt);
  const last = ends
    .filter((one) => one !== undefined)
    .sort()
    .at(-1);
  return Date.parse(last ?? metadata.creationTimestamp ?? "");
}
