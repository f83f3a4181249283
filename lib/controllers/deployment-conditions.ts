/**
 * What a Deployment says of itself: Available, and Progressing with its reasons, which `kubectl
 * rollout status` reads. A condition that changes goes to the end of the list. (kubernetes:
 * pkg/controller/deployment/progress.go, sync.go; util/deployment_util.go, SetDeploymentCondition)
 */
import { stamp } from "../api/time.js";
import { condition } from "../objects/pods.js";
import type { Condition, Deployment, ReplicaSet } from "../objects/types.js";
import { REPLICA_FAILURE } from "./replicaset.js";

/** A number of progressDeadlineSeconds that means: never. */
const NO_DEADLINE = 2 ** 31 - 1;

type Status = NonNullable<Deployment["status"]>;
type News = Pick<Condition, "type" | "status" | "reason" | "message">;

/** What a look at a Deployment found. */
export interface Sight {
  /** How its Pods stand now; its own status says how they stood. */
  status: Status;
  /** The ReplicaSet of its template, and whether this look made it. */
  current: ReplicaSet | undefined;
  isNew: boolean;
  all: readonly ReplicaSet[];
  /** Whether it rolls out: it is neither paused nor only scaled nor on its way out. */
  isRolling: boolean;
  leastAvailable: number;
  now: number;
}

/** Its conditions after that look. */
export function conditionsOf(deployment: Deployment, sight: Sight): Condition[] {
  const { current, isRolling, now } = sight;
  const subject = current
    ? `ReplicaSet "${current.metadata.name}"`
    : `Deployment "${deployment.metadata.name}"`;
  let conditions = deployment.status?.conditions ?? [];
  const set = (news: News | undefined): void => {
    if (news) conditions = withNews(conditions, news, now);
  };
  if (hasDeadline(deployment)) {
    if (!deployment.metadata.deletionTimestamp) set(pauseOf(deployment));
    if (isRolling || !sight.isNew) set(firstSightOf(conditions, sight));
  }
  set(availability(sight));
  if (!hasDeadline(deployment)) conditions = without(conditions, "Progressing");
  if (!isRolling) return conditions;
  if (hasDeadline(deployment)) conditions = withProgress(deployment, conditions, sight, subject);
  return withFailure(conditions, sight);
}

/** Its conditions where the ReplicaSet of its template could not be made. */
export function failedToCreate(deployment: Deployment, message: string, now: number): Condition[] {
  const conditions = deployment.status?.conditions ?? [];
  return hasDeadline(deployment)
    ? withNews(conditions, progressing("False", "ReplicaSetCreateError", message), now)
    : conditions;
}

const hasDeadline = ({ spec }: Deployment): boolean => spec.progressDeadlineSeconds !== NO_DEADLINE;

const deadlineOf = ({ spec }: Deployment): number => (spec.progressDeadlineSeconds ?? 600) * 1_000;

/** What took too long before it was paused stays known for that. */
function pauseOf(deployment: Deployment): News | undefined {
  const reason = condition(deployment, "Progressing")?.reason;
  if (reason === "ProgressDeadlineExceeded") return undefined;
  const wasPaused = reason === "DeploymentPaused";
  if (Boolean(deployment.spec.paused) === wasPaused) return undefined;
  return wasPaused
    ? progressing("Unknown", "DeploymentResumed", "Deployment is resumed")
    : progressing("Unknown", "DeploymentPaused", "Deployment is paused");
}

/** From when the time that a rollout may take is counted. */
function firstSightOf(
  conditions: readonly Condition[],
  { current, isNew }: Sight,
): News | undefined {
  if (!current) return undefined;
  const { name } = current.metadata;
  if (isNew)
    return progressing("True", "NewReplicaSetCreated", `Created new replica set "${name}"`);
  if (conditions.some(({ type }) => type === "Progressing")) return undefined;
  return progressing("True", "FoundNewReplicaSet", `Found new replica set "${name}"`);
}

const progressing = (status: News["status"], reason: string, message: string): News => ({
  type: "Progressing",
  status,
  reason,
  message,
});

const availability = ({ status, leastAvailable }: Sight): News =>
  status.availableReplicas! >= leastAvailable
    ? {
        type: "Available",
        status: "True",
        reason: "MinimumReplicasAvailable",
        message: "Deployment has minimum availability.",
      }
    : {
        type: "Available",
        status: "False",
        reason: "MinimumReplicasUnavailable",
        message: "Deployment does not have minimum availability.",
      };

/** A rollout that is over stays so, whatever its Pods do later. (syncRolloutStatus) */
function withProgress(
  deployment: Deployment,
  conditions: Condition[],
  { status, now }: Sight,
  subject: string,
): Condition[] {
  const before = conditions.find(({ type }) => type === "Progressing");
  const isOver =
    status.replicas === status.updatedReplicas && before?.reason === "NewReplicaSetAvailable";
  if (isOver) return conditions;
  const wanted = deployment.spec.replicas ?? 1;
  if (isCompleteAt(status, wanted)) {
    const message = `${subject} has successfully progressed.`;
    return withNews(conditions, progressing("True", "NewReplicaSetAvailable", message), now);
  }
  if (hasMoved(deployment.status ?? {}, status)) {
    const news = progressing("True", "ReplicaSetUpdated", `${subject} is progressing.`);
    return renewed(conditions, news, now); // each step counts, though the words are the same
  }
  if (!hasTimedOut(deployment, before, now)) return conditions;
  const message = `${subject} has timed out progressing.`;
  return withNews(conditions, progressing("False", "ProgressDeadlineExceeded", message), now);
}

const isCompleteAt = (status: Status, wanted: number): boolean =>
  status.updatedReplicas === wanted &&
  status.replicas === wanted &&
  status.availableReplicas === wanted;

function hasMoved(before: Status, after: Status): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: Status): number => replicas - updatedReplicas;
  return (
    after.updatedReplicas! > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    after.readyReplicas! > (before.readyReplicas ?? 0) ||
    after.availableReplicas! > (before.availableReplicas ?? 0)
  );
}

function hasTimedOut(deployment: Deployment, before: Condition | undefined, now: number): boolean {
  if (!before || before.reason === "NewReplicaSetAvailable") return false;
  if (before.reason === "ProgressDeadlineExceeded") return true;
  return now >= Date.parse(before.lastUpdateTime ?? "") + deadlineOf(deployment);
}

/**
 * What the newest ReplicaSet says about Pods that it cannot create, else another one.
 * (getReplicaFailures)
 */
function withFailure(conditions: Condition[], { current, all }: Sight): Condition[] {
  const [failure] = [...(current ? [current] : []), ...all].flatMap(
    ({ status }) => status?.conditions?.find(({ type }) => type === REPLICA_FAILURE) ?? [],
  );
  if (!failure) return without(conditions, REPLICA_FAILURE);
  const { type, status, reason, message, lastTransitionTime } = failure;
  const known = conditions.find((one) => one.type === type);
  if (known?.status === status && known.reason === reason) return conditions;
  const times = { lastUpdateTime: lastTransitionTime!, lastTransitionTime: lastTransitionTime! };
  const own = { type, status, ...times, reason: reason!, message: message! };
  return [...without(conditions, type), own];
}

const without = (conditions: Condition[], type: string): Condition[] =>
  conditions.some((one) => one.type === type)
    ? conditions.filter((one) => one.type !== type)
    : conditions;

/** Nothing is new where status and reason are the same, whatever the words. */
function withNews(conditions: Condition[], news: News, now: number): Condition[] {
  const before = conditions.find(({ type }) => type === news.type);
  return before?.status === news.status && before.reason === news.reason
    ? conditions
    : renewed(conditions, news, now);
}

function renewed(conditions: Condition[], news: News, now: number): Condition[] {
  const before = conditions.find(({ type }) => type === news.type);
  const lastUpdateTime = stamp(now);
  const lastTransitionTime =
    before?.status === news.status ? before.lastTransitionTime! : lastUpdateTime;
  return [...without(conditions, news.type), { ...news, lastUpdateTime, lastTransitionTime }];
}

/** Milliseconds until it is to be looked whether the rollout has taken too long. */
export function untilDeadline(
  deployment: Deployment,
  conditions: readonly Condition[],
  now: number,
): number | undefined {
  const progress = conditions.find(({ type }) => type === "Progressing");
  const { reason = "", lastUpdateTime } = progress ?? {};
  if (!hasDeadline(deployment) || lastUpdateTime === undefined || atRest.has(reason))
    return undefined;
  return Math.max(1_000, Date.parse(lastUpdateTime) + deadlineOf(deployment) - now);
}

const atRest = new Set(["NewReplicaSetAvailable", "ProgressDeadlineExceeded", "DeploymentPaused"]);
