import { tooManyRequests, ApiError } from "../api/errors.js";
import { actedOn } from "../objects/kinds.js";
import { isActive, isReady } from "../objects/pods.js";
import { matches } from "../objects/selectors.js";
import type { KubeObject, LabelSelector, Pod } from "../objects/types.js";

actedOn.add("PodDisruptionBudget");

/** As far as an eviction asks it. */
export interface DisruptionBudget extends KubeObject {
  spec?: {
    minAvailable?: number | string;
    maxUnavailable?: number | string;
    selector?: LabelSelector;
  };
}

/**
 * Why a Pod may not be evicted now: fewer would be well than a budget asks for. Upstream asks the
 * budget's status, which a controller keeps; here its Pods are counted. (kubernetes:
 * pkg/registry/core/pod/storage/eviction.go)
 */
export function whyNotEvicted(
  pod: Pod,
  budgets: readonly DisruptionBudget[],
  pods: readonly Pod[],
): ApiError | undefined {
  if (!isActive(pod) || !isReady(pod)) return undefined; // its end makes nothing worse
  const [budget, second] = budgets.filter(({ spec }) =>
    matches(spec?.selector, pod.metadata.labels),
  );
  if (second)
    return tooManyRequests(
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    );
  if (!budget) return undefined;
  const chosen = pods.filter(({ metadata }) => matches(budget.spec?.selector, metadata.labels));
  const active = chosen.filter(isActive);
  const healthy = active.filter(isReady).length;
  const needed = leastOf(budget, active.length);
  if (healthy > needed) return undefined;
  return refusal(budget.metadata.name, needed, healthy);
}

function leastOf({ spec = {} }: DisruptionBudget, all: number): number {
  const share = (value: number | string): number =>
    typeof value === "number" ? value : Math.ceil((all * parseInt(value, 10)) / 100);
  if (spec.maxUnavailable !== undefined) return Math.max(0, all - share(spec.maxUnavailable));
  return share(spec.minAvailable ?? 1);
}

function refusal(name: string, needed: number, healthy: number): ApiError {
  const { status } = tooManyRequests(
    "Cannot evict pod as it would violate the pod's disruption budget.",
  );
  const message = `The disruption budget ${name} needs ${needed} healthy pods and has ${healthy} currently`;
  return new ApiError({
    ...status,
    details: { causes: [{ reason: "DisruptionBudget", message }] },
  });
}
