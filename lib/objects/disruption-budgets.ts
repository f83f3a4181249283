/**
 * PodDisruptionBudgets as evictions, the scheduler and the controller that keeps their status read
 * them. (kubernetes: pkg/controller/disruption)
 */
import { matches } from "./selectors.js";
import type { Condition, KubeObject, LabelSelector, Pod } from "./types.js";

export interface PodDisruptionBudget extends KubeObject {
  spec?: {
    minAvailable?: number | string;
    maxUnavailable?: number | string;
    selector?: LabelSelector;
    unhealthyPodEvictionPolicy?: string;
  };
  status?: {
    observedGeneration?: number;
    disruptionsAllowed?: number;
    currentHealthy?: number;
    desiredHealthy?: number;
    expectedPods?: number;
    /** Evicted, but not yet seen to go: when that was. */
    disruptedPods?: Record<string, string>;
    conditions?: Condition[];
  };
}

/** Whether a budget is about a Pod; one without a selector is about none. */
export const covers = ({ metadata, spec }: PodDisruptionBudget, pod: Pod): boolean =>
  metadata.namespace === pod.metadata.namespace && matches(spec?.selector, pod.metadata.labels);

/** "25%" or 2, of so many; a part of one counts as one. */
export const share = (value: number | string, all: number): number =>
  typeof value === "number" ? value : Math.ceil((all * parseInt(value, 10)) / 100);

/** What a budget says where so many more may go. (UpdateDisruptionAllowedCondition) */
export function allowedCondition(
  { metadata, status }: PodDisruptionBudget,
  allowed: number,
  now: string,
): Condition {
  const is = allowed > 0 ? "True" : "False";
  const before = status?.conditions?.find(({ type }) => type === "DisruptionAllowed");
  return {
    type: "DisruptionAllowed",
    status: is,
    observedGeneration: metadata.generation ?? 1,
    lastTransitionTime: before?.status === is ? before.lastTransitionTime! : now,
    reason: allowed > 0 ? "SufficientPods" : "InsufficientPods",
    message: "",
  };
}
