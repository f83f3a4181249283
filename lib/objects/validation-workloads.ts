/**
 * What may be asked of the other kinds that make Pods, and of what guards them, in the order and
 * the words of Kubernetes. Who imports this has the checks. (kubernetes: pkg/apis/apps/validation,
 * pkg/apis/batch/validation, pkg/apis/policy/validation, pkg/apis/core/validation)
 */
import { checkAtLeast0, type FieldError, invalid, notSupported, required } from "./field-errors.js";
import { same } from "./freeze.js";
import type { KubeObject, LabelSelector, PodTemplate } from "./types.js";
import { checkPercentOrNumber, moreThanAll } from "./validation-apps-more.js";
import { checkSelectorParts, shownSelector } from "./validation-apps.js";
import { countsOf } from "./validation-counts.js";
import { validateCronJob } from "./validation-cronjob.js";
import { validateDaemonSet } from "./validation-daemonset.js";
import { validateJob } from "./validation-job.js";
import { statefulStatus, validateStatefulSet } from "./validation-statefulset.js";
import { checkMatches, checkRunsForEver, checkTemplate } from "./validation-templates.js";
import { byKind, byStatus } from "./validation.js";

interface ReplicationController extends KubeObject {
  spec: {
    replicas?: number;
    minReadySeconds?: number;
    selector?: Record<string, string>;
    template?: PodTemplate;
  };
}

function validateReplicationController(
  { spec }: ReplicationController,
  old?: ReplicationController,
): FieldError[] {
  if (old && same(spec, old.spec)) return [];
  const { selector = {}, template } = spec;
  const isEmpty = Object.keys(selector).length === 0;
  return [
    ...checkAtLeast0("spec.minReadySeconds", spec.minReadySeconds),
    ...(isEmpty ? [required("spec.selector")] : []),
    ...checkAtLeast0("spec.replicas", spec.replicas),
    ...(template
      ? [
          ...(isEmpty ? [] : checkMatches({ matchLabels: selector }, template, "spec.template")),
          ...checkTemplate(template, "spec.template"),
          ...checkRunsForEver(template, "spec.template", "ReplicationController"),
        ]
      : [required("spec.template")]),
  ];
}

interface PodDisruptionBudget extends KubeObject {
  spec?: {
    minAvailable?: number | string;
    maxUnavailable?: number | string;
    selector?: LabelSelector;
    unhealthyPodEvictionPolicy?: string;
  };
}

function validateBudget({ spec = {} }: PodDisruptionBudget, old?: KubeObject): FieldError[] {
  if (old && same(spec, (old as PodDisruptionBudget).spec)) return [];
  const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy: policy, selector } = spec;
  const policies = ["AlwaysAllow", "IfHealthyBudget"];
  return [
    ...(minAvailable !== undefined && maxUnavailable !== undefined
      ? [
          invalid(
            "spec",
            {
              MinAvailable: minAvailable,
              Selector: shownSelector(selector),
              MaxUnavailable: maxUnavailable,
              UnhealthyPodEvictionPolicy: policy ?? null,
            },
            "minAvailable and maxUnavailable cannot be both set",
          ),
        ]
      : []),
    ...Object.entries({ minAvailable, maxUnavailable }).flatMap(([name, value]) =>
      value === undefined
        ? []
        : [...checkPercentOrNumber(`spec.${name}`, value), ...moreThanAll(`spec.${name}`, value)],
    ),
    ...(selector ? checkSelectorParts("spec.selector", selector) : []),
    ...(policy === undefined || policies.includes(policy)
      ? []
      : [notSupported("spec.unhealthyPodEvictionPolicy", policy, policies)]),
  ];
}

Object.assign(byKind, {
  StatefulSet: validateStatefulSet,
  DaemonSet: validateDaemonSet,
  Job: validateJob,
  CronJob: validateCronJob,
  ReplicationController: validateReplicationController,
  PodDisruptionBudget: validateBudget,
});

Object.assign(byStatus, {
  StatefulSet: statefulStatus,
  DaemonSet: countsOf(
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
    "collisionCount",
  ),
  Job: countsOf("active", "succeeded", "failed", "terminating", "ready"),
  PodDisruptionBudget: countsOf(
    "disruptionsAllowed",
    "currentHealthy",
    "desiredHealthy",
    "expectedPods",
  ),
});
