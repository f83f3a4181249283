/** A Job, as far as its controller reads it. (api/batch/v1) */
import type { Condition, KubeObject, PodTemplate } from "../objects/types.js";

export type Action = "FailJob" | "FailIndex" | "Ignore" | "Count";

export interface FailureRule {
  action: Action;
  onExitCodes?: { containerName?: string; operator: "In" | "NotIn"; values: readonly number[] };
  onPodConditions?: readonly { type: string; status: string }[];
}

export interface SuccessRule {
  succeededIndexes?: string;
  succeededCount?: number;
}

/** Pods that are in the status by their uids, and not yet in its numbers. */
export interface Uncounted {
  succeeded?: readonly string[];
  failed?: readonly string[];
}

export interface Job extends KubeObject {
  spec: {
    parallelism?: number;
    completions?: number;
    backoffLimit?: number;
    backoffLimitPerIndex?: number;
    maxFailedIndexes?: number;
    activeDeadlineSeconds?: number;
    ttlSecondsAfterFinished?: number;
    suspend?: boolean;
    completionMode?: "NonIndexed" | "Indexed";
    podReplacementPolicy?: "TerminatingOrFailed" | "Failed";
    podFailurePolicy?: { rules: readonly FailureRule[] };
    successPolicy?: { rules: readonly SuccessRule[] };
    managedBy?: string;
    template: PodTemplate;
  };
  status?: JobStatus;
}

export interface JobStatus {
  startTime?: string;
  completionTime?: string;
  conditions?: Condition[];
  active?: number;
  ready?: number;
  terminating?: number;
  succeeded?: number;
  failed?: number;
  completedIndexes?: string;
  failedIndexes?: string;
  uncountedTerminatedPods?: Uncounted;
}
