import {
  checkAtLeast0,
  checkFormat,
  checkOneOf,
  forbidden,
  invalid,
  qualifiedName,
  labelValue,
  required,
  type FieldError,
} from "./field-errors.js";
import { same } from "./freeze.js";
import { checkLabels } from "./metadata.js";
import { matches } from "./selectors.js";
import type { Deployment, LabelSelector, PodTemplate, ReplicaSet } from "./types.js";
import { validatePodSpec } from "./validation-pod.js";

/**
 * What may be asked of those who make Pods, in the order and the words of Kubernetes.
 * (kubernetes: pkg/apis/apps/validation/validation.go)
 */

/**
 * Checks that few manifests need, which a page's first chunk does without; who knows all kinds adds
 * them (validation-apps-more.ts).
 */
export const further = {
  strategy: (_spec: Deployment["spec"]): FieldError[] => [],
};

export function validateDeployment({ spec }: Deployment, old?: Deployment): FieldError[] {
  if (old && spec === old.spec) return [];
  return [
    ...checkAtLeast0("spec.replicas", spec.replicas),
    ...checkSelector(spec.selector, "deployment"),
    ...checkTemplate(spec.template, spec.selector),
    ...further.strategy(spec),
    ...checkAtLeast0("spec.minReadySeconds", spec.minReadySeconds),
    ...checkAtLeast0("spec.revisionHistoryLimit", spec.revisionHistoryLimit),
    ...checkDeadline(spec.progressDeadlineSeconds, spec.minReadySeconds),
    ...(old ? checkSameSelector(spec.selector, old.spec.selector) : []),
  ];
}

function checkDeadline(deadline: number | undefined, minReady = 0): FieldError[] {
  const at = "spec.progressDeadlineSeconds";
  if (deadline === undefined) return [];
  return [
    ...checkAtLeast0(at, deadline),
    ...(deadline > minReady ? [] : [invalid(at, deadline, "must be greater than minReadySeconds")]),
  ];
}

export const checkSameSelector = (
  now: LabelSelector | undefined,
  was: LabelSelector | undefined,
): FieldError[] =>
  same(now, was) ? [] : [invalid("spec.selector", shownSelector(now), "field is immutable")];

export function validateReplicaSet({ spec }: ReplicaSet, old?: ReplicaSet): FieldError[] {
  if (old && spec === old.spec) return [];
  return [
    ...checkAtLeast0("spec.replicas", spec.replicas),
    ...checkAtLeast0("spec.minReadySeconds", spec.minReadySeconds),
    ...checkSelector(spec.selector, "deployment"), // upstream says "deployment" here too
    ...checkTemplate(spec.template, spec.selector),
    ...(old ? checkSameSelector(spec.selector, old.spec.selector) : []),
  ];
}

// ---- selector, template, strategy ---------------------------------------------------------------

/** Its fields in the order of the Go type. */
export function shownSelector(selector: LabelSelector | undefined): object | null {
  if (!selector) return null;
  const { matchLabels, matchExpressions } = selector;
  return {
    ...(matchLabels && Object.keys(matchLabels).length > 0 && { matchLabels }),
    ...(matchExpressions?.length && {
      matchExpressions: matchExpressions.map(({ key, operator, values }) => ({
        key,
        operator,
        ...(values && values.length > 0 && { values }),
      })),
    }),
  };
}

/** `owner`: as the message names it. */
export function checkSelector(selector: LabelSelector | undefined, owner: string): FieldError[] {
  if (!selector) return [required("spec.selector")];
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const problems = checkSelectorParts("spec.selector", selector);
  if (Object.keys(matchLabels).length + matchExpressions.length === 0)
    return [
      invalid("spec.selector", shownSelector(selector), `empty selector is invalid for ${owner}`),
    ];
  return problems.length > 0
    ? [...problems, invalid("spec.selector", shownSelector(selector), "invalid label selector")]
    : [];
}

/** What is wrong with its labels and expressions. (ValidateLabelSelector) */
export const checkSelectorParts = (
  at: string,
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
): FieldError[] => [
  ...checkLabels(`${at}.matchLabels`, matchLabels),
  ...matchExpressions.flatMap((one, i) => checkExpression(one, `${at}.matchExpressions[${i}]`)),
];

type Expression = NonNullable<LabelSelector["matchExpressions"]>[number];

const checkExpression = (expression: Expression, at: string): FieldError[] => [
  ...checkOperator(expression, at),
  ...checkFormat(`${at}.key`, expression.key, qualifiedName),
  ...(expression.values ?? []).flatMap((value, i) =>
    checkFormat(`${at}.values[${i}]`, value, labelValue),
  ),
];

function checkOperator({ operator, values = [] }: Expression, at: string): FieldError[] {
  switch (operator) {
    case "In":
    case "NotIn":
      return values.length > 0
        ? []
        : [required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
    case "Exists":
    case "DoesNotExist":
      return values.length === 0
        ? []
        : [
            forbidden(
              `${at}.values`,
              "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ),
          ];
    default:
      return [invalid(`${at}.operator`, operator, "not a valid selector operator")];
  }
}

const selectsNothingSensible = (selector: LabelSelector | undefined): boolean =>
  selector !== undefined && checkSelector(selector, "").length > 0;

const isEmpty = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean =>
  Object.keys(matchLabels).length + matchExpressions.length === 0;

/** (ValidatePodTemplateSpecForReplicaSet) */
export function checkTemplate(
  template: PodTemplate,
  selector: LabelSelector | undefined,
): FieldError[] {
  const labels = template.metadata?.labels;
  const { restartPolicy } = template.spec;
  const at = "spec.template.spec";
  if (selectsNothingSensible(selector) && !isEmpty(selector!)) return [];
  return [
    ...(matches(selector, labels ?? {})
      ? []
      : [
          invalid(
            "spec.template.metadata.labels",
            labels ?? null,
            "`selector` does not match template `labels`",
          ),
        ]),
    ...checkLabels("spec.template.labels", labels),
    ...validatePodSpec(template.spec, at, false),
    ...(restartPolicy && restartPolicy !== "Always"
      ? checkOneOf(`${at}.restartPolicy`, restartPolicy, ["Always"])
      : []),
    ...(template.spec.activeDeadlineSeconds === undefined
      ? []
      : [
          forbidden(
            `${at}.activeDeadlineSeconds`,
            "activeDeadlineSeconds in ReplicaSet is not Supported",
          ),
        ]),
  ];
}
