import { tooManyRequests, ApiError } from "../api/errors.js";
import {
  allowedCondition,
  covers,
  share,
  type PodDisruptionBudget,
} from "../objects/disruption-budgets.js";
import { isActive, isReady } from "../objects/pods.js";
import type { Pod } from "../objects/types.js";

/**
 * Why a Pod may not be evicted now: fewer would be well than a budget asks for. A controller keeps
 * that in the budget's status; where none does, its Pods are counted. `pods`: those of its
 * namespace; without them, a budget that nobody keeps lets nobody go. (kubernetes:
 * pkg/registry/core/pod/storage/eviction.go)
 */
export function whyNotEvicted(
  pod: Pod,
  budgets: readonly PodDisruptionBudget[],
  pods?: () => readonly Pod[],
): ApiError | undefined {
  if (!isActive(pod) || pod.status?.phase === "Pending") return undefined;
  const [budget, second] = budgets.filter((one) => covers(one, pod));
  if (second)
    return tooManyRequests(
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    );
  if (!budget) return undefined;
  if (!isReady(pod) && mayGoUnready(budget, pods !== undefined)) return undefined;
  if (isKept(budget)) {
    const { disruptionsAllowed = 0, desiredHealthy = 0, currentHealthy = 0 } = budget.status!;
    return disruptionsAllowed > 0
      ? undefined
      : refusal(budget.metadata.name, desiredHealthy, currentHealthy);
  }
  if (!pods) return unkept(budget.metadata.name);
  const active = pods().filter((one) => covers(budget, one) && isActive(one));
  const healthy = active.filter(isReady).length;
  const needed = leastOf(budget, active.length);
  if (healthy > needed) return undefined;
  return refusal(budget.metadata.name, needed, healthy);
}

/** Its end makes nothing worse, where the others are well. (unhealthyPodEvictionPolicy) */
function mayGoUnready({ spec, status }: PodDisruptionBudget, isCountedHere: boolean): boolean {
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  const isWell = currentHealthy >= desiredHealthy && desiredHealthy > 0;
  return isCountedHere || isWell || spec?.unhealthyPodEvictionPolicy === "AlwaysAllow";
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

function leastOf({ spec = {} }: PodDisruptionBudget, all: number): number {
  if (spec.maxUnavailable !== undefined) return Math.max(0, all - share(spec.maxUnavailable, all));
  return share(spec.minAvailable ?? 1, all);
}

const unkept = (name: string): ApiError =>
  refused(`The disruption budget ${name} is still being processed by the server.`);

const refusal = (name: string, needed: number, healthy: number): ApiError =>
  refused(
    `The disruption budget ${name} needs ${needed} healthy pods and has ${healthy} currently`,
  );

function refused(message: string): ApiError {
  const { status } = tooManyRequests(
    "Cannot evict pod as it would violate the pod's disruption budget.",
  );
  return new ApiError({
    ...status,
    details: { causes: [{ reason: "DisruptionBudget", message }] },
  });
}
