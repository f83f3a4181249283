import { tooManyRequests, unexpected, ApiError } from "../api/errors.js";
import {
  allowedCondition,
  covers,
  type PodDisruptionBudget,
} from "../objects/disruption-budgets.js";
import { isActive, isReady } from "../objects/pods.js";
import type { Pod } from "../objects/types.js";

/**
 * Why a Pod may not be evicted now: fewer would be well than a budget asks for. Its controller
 * keeps that in the budget's status; one that nobody keeps lets nobody go. (kubernetes:
 * pkg/registry/core/pod/storage/eviction.go)
 */
export function whyNotEvicted(
  pod: Pod,
  budgets: readonly PodDisruptionBudget[],
): ApiError | undefined {
  if (!isActive(pod) || pod.status?.phase === "Pending") return undefined;
  const [budget, second] = budgets.filter((one) => covers(one, pod));
  if (second) return severalBudgets();
  if (!budget || (!isReady(pod) && mayGoUnready(budget))) return undefined;
  if (!isKept(budget)) return unkept(budget.metadata.name);
  return (budget.status?.disruptionsAllowed ?? 0) > 0 ? undefined : refusal(budget);
}

/** Its end makes nothing worse, where the others are well. (unhealthyPodEvictionPolicy) */
function mayGoUnready({ spec, status }: PodDisruptionBudget): boolean {
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  const isWell = currentHealthy >= desiredHealthy && desiredHealthy > 0;
  return isWell || spec?.unhealthyPodEvictionPolicy === "AlwaysAllow";
}

/** Whether a controller has counted since somebody changed it. */
const isKept = ({ metadata, status }: PodDisruptionBudget): boolean =>
  status?.observedGeneration !== undefined &&
  status.observedGeneration === (metadata.generation ?? 1);

/**
 * The budget that one Pod less is left of, until its controller has seen the Pod go; undefined
 * where no controller counts.
 */
export function spent(
  pod: Pod,
  budgets: readonly PodDisruptionBudget[],
  now: string,
): PodDisruptionBudget | undefined {
  const budget = budgets.find((one) => covers(one, pod));
  if (!isActive(pod) || !isReady(pod) || !budget || !isKept(budget)) return undefined;
  const { disruptionsAllowed = 0, disruptedPods } = budget.status!;
  const left = disruptionsAllowed - 1;
  const conditions = budget.status!.conditions?.map((one) =>
    one.type === "DisruptionAllowed" ? allowedCondition(budget, left, now) : one,
  );
  return {
    ...budget,
    status: {
      ...budget.status,
      disruptionsAllowed: left,
      disruptedPods: { ...disruptedPods, [pod.metadata.name]: now },
      ...(conditions && { conditions }),
    },
  };
}

const severalBudgets = (): ApiError =>
  // 500, so that nobody asks again until somebody has changed the budgets
  unexpected(
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
  );

/** It may be asked again after ten seconds. (createTooManyRequestsError) */
const unkept = (name: string): ApiError =>
  refused(`The disruption budget ${name} is still being processed by the server.`, 10);

/** (checkAndDecrement) */
function refusal({ metadata: { name }, status = {} }: PodDisruptionBudget): ApiError {
  const { desiredHealthy: needed = 0, currentHealthy: healthy = 0 } = status;
  return refused(
    healthy <= needed
      ? `The disruption budget ${name} needs ${needed} healthy pods and has ${healthy} currently`
      : `The disruption budget ${name} does not allow evicting pods currently`,
  );
}

function refused(message: string, retryAfterSeconds?: number): ApiError {
  const { status } = tooManyRequests(
    "Cannot evict pod as it would violate the pod's disruption budget.",
  );
  const causes = [{ reason: "DisruptionBudget", message }];
  return new ApiError({
    ...status,
    details: { causes, ...(retryAfterSeconds && { retryAfterSeconds }) },
  });
}
