/**
 * What a Job's own rules say of its Pods: which failures count, which indexes are done, and when
 * that is enough. (kubernetes: pkg/controller/job/pod_failure_policy.go, success_policy.go,
 * indexed_job_utils.go)
 */
import type { Condition, Pod } from "../objects/types.js";
import type { Action, FailureRule, Job } from "./job-object.js";

export const INDEX = "batch.kubernetes.io/job-completion-index";
const FAILURES = "batch.kubernetes.io/job-index-failure-count";
const IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count";

// ---- failures -----------------------------------------------------------------------------------

/** By default a Pod that is being deleted has failed; some wait until it really has ended. */
export const onlyFailedCount = ({ spec }: Job): boolean =>
  spec.podReplacementPolicy === "Failed" || spec.podFailurePolicy !== undefined;

export function hasFailed(job: Job, { status, metadata }: Pod): boolean {
  if (status?.phase === "Failed") return true;
  const isGoing = metadata.deletionTimestamp !== undefined && status?.phase !== "Succeeded";
  return isGoing && !onlyFailedCount(job);
}

/** The first rule that a failed Pod meets, and what is to be said where that ends the Job. */
export function ruleFor(job: Job, pod: Pod): { action: Action; message: string } | undefined {
  const { name, namespace } = pod.metadata;
  for (const [i, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    const { action, onExitCodes, onPodConditions } = rule;
    const met = (what: string) => ({
      action,
      message: `${what} matching ${action} rule at index ${i}`,
    });
    const ended = onExitCodes && exitThatMeets(pod, onExitCodes);
    if (ended)
      return met(
        `Container ${ended.name} for pod ${namespace}/${name} failed with exit code ${ended.code}`,
      );
    const condition = !onExitCodes && conditionThatMeets(pod, onPodConditions ?? []);
    if (condition) return met(`Pod ${namespace}/${name} has condition ${condition.type}`);
  }
  return undefined;
}

function exitThatMeets(
  { status }: Pod,
  { containerName, operator, values }: NonNullable<FailureRule["onExitCodes"]>,
): { name: string; code: number } | undefined {
  const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  for (const { name, state } of all) {
    const code = state?.terminated?.exitCode ?? 0;
    if (code === 0 || (containerName !== undefined && containerName !== name)) continue;
    if (values.includes(code) === (operator === "In")) return { name, code };
  }
  return undefined;
}

const conditionThatMeets = (
  { status }: Pod,
  patterns: NonNullable<FailureRule["onPodConditions"]>,
): Condition | undefined =>
  (status?.conditions ?? []).find((condition) =>
    patterns.some(({ type, status }) => type === condition.type && status === condition.status),
  );

/** Whether a failed Pod takes the Job nearer to its limit. */
export const counts = (job: Job, pod: Pod): boolean => ruleFor(job, pod)?.action !== "Ignore";

// ---- indexes ------------------------------------------------------------------------------------

export const isIndexed = ({ spec }: Job): boolean => spec.completionMode === "Indexed";

/** -1: none that is one. */
export function indexOf({ metadata }: Pod): number {
  const text = metadata.annotations?.[INDEX] ?? "";
  return /^\d+$/.test(text) ? Number(text) : -1;
}

export const isIndexOf = (job: Job, index: number): boolean =>
  index >= 0 && index < (job.spec.completions ?? 0);

const numberIn = (pod: Pod, annotation: string): number => {
  const value = Number(pod.metadata.annotations?.[annotation] ?? 0);
  return Number.isInteger(value) && value > 0 ? value : 0;
};

/** How often Pods of its index failed before this one. */
export const failuresBefore = (pod: Pod): number =>
  numberIn(pod, FAILURES) + numberIn(pod, IGNORED_FAILURES);

/** What the next Pod of the index is told of those before it. */
export function failureCounts(job: Job, replaced: Pod | undefined): Record<string, string> {
  if (!replaced) return { [FAILURES]: "0" };
  const isCounted = counts(job, replaced);
  const [failed, ignored] = [numberIn(replaced, FAILURES), numberIn(replaced, IGNORED_FAILURES)];
  const nowIgnored = ignored + Number(!isCounted);
  return {
    [FAILURES]: String(failed + Number(isCounted)),
    ...(nowIgnored > 0 && { [IGNORED_FAILURES]: String(nowIgnored) }),
  };
}

/** Whether this Pod's failure gives its index up. */
export function endsIndex(job: Job, pod: Pod): boolean {
  if (!hasFailed(job, pod)) return false;
  const action = ruleFor(job, pod)?.action;
  if (action === "FailIndex") return true;
  return action !== "Ignore" && numberIn(pod, FAILURES) >= job.spec.backoffLimitPerIndex!;
}

/** "0,2-4,7" as numbers, as far as they are indexes. */
export function indexesIn(text: string | undefined, completions: number): Set<number> {
  const found = new Set<number>();
  for (const part of (text ?? "").split(",")) {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (first === undefined) continue;
    for (let i = Number(first); i <= Number(last) && i < completions; i++) found.add(i);
  }
  return found;
}

export function indexesAsText(indexes: ReadonlySet<number>): string {
  const runs: [number, number][] = [];
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && last[1] === index - 1) last[1] = index;
    else runs.push([index, index]);
  }
  return runs
    .map(([a, b]) => (a === b ? String(a) : `${a}${b === a + 1 ? "," : "-"}${b}`))
    .join(",");
}

/** What to say where the indexes that are done are enough. */
export function metRule(job: Job, done: ReadonlySet<number>): string | undefined {
  const { successPolicy, completions = 0 } = job.spec;
  if (done.size === 0) return undefined;
  const met = (successPolicy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) return done.size >= (succeededCount ?? Infinity);
    const wanted = indexesIn(succeededIndexes, completions);
    const have = [...wanted].filter((index) => done.has(index)).length;
    return wanted.size > 0 && have >= Math.min(wanted.size, succeededCount ?? Infinity);
  });
  return met < 0 ? undefined : `Matched rules at index ${met}`;
}
