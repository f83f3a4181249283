/** What is asked of the templates of all kinds that make Pods. (pkg/apis/core/validation) */
import { type FieldError, forbidden, invalid, notSupported } from "./field-errors.js";
import { checkAnnotations, checkLabels } from "./metadata.js";
import { matches } from "./selectors.js";
import type { LabelSelector, PodTemplate } from "./types.js";
import { checkSelectorParts } from "./validation-apps.js";
import { validatePodSpec } from "./validation-pod.js";

/** (ValidatePodTemplateSpec) */
export const checkTemplate = (template: PodTemplate | undefined, at: string): FieldError[] => [
  ...checkLabels(`${at}.labels`, template?.metadata?.labels),
  ...checkAnnotations(`${at}.annotations`, template?.metadata?.annotations),
  ...(template?.spec ? validatePodSpec(template.spec, `${at}.spec`, false) : []),
];

/** Pods that are kept running: they start anew always, and have no deadline. */
export function checkRunsForEver({ spec }: PodTemplate, at: string, kind: string): FieldError[] {
  const { restartPolicy = "", activeDeadlineSeconds } = spec;
  return [
    ...(restartPolicy === "Always"
      ? []
      : [notSupported(`${at}.spec.restartPolicy`, restartPolicy, ["Always"])]),
    ...(activeDeadlineSeconds === undefined
      ? []
      : [
          forbidden(
            `${at}.spec.activeDeadlineSeconds`,
            `activeDeadlineSeconds in ${kind} is not Supported`,
          ),
        ]),
  ];
}

export const isEmptySelector = ({
  matchLabels = {},
  matchExpressions = [],
}: LabelSelector): boolean => Object.keys(matchLabels).length + matchExpressions.length === 0;

/** A selector that no Go code can read selects nothing, and is told once. */
export const isReadable = (selector: LabelSelector | undefined): boolean =>
  (selector?.matchExpressions ?? []).every(
    (_, i, all) => checkSelectorParts("", { matchExpressions: [all[i]!] }).length === 0,
  ) && checkSelectorParts("", { matchLabels: selector?.matchLabels ?? {} }).length === 0;

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);

export function checkMatches(
  selector: LabelSelector | undefined,
  template: PodTemplate,
  at: string,
): FieldError[] {
  const labels = template.metadata?.labels;
  return matches(selector, labels ?? {})
    ? []
    : [
        invalid(
          `${at}.metadata.labels`,
          // as Go writes a map
          labels ? Object.fromEntries(Object.entries(labels).sort(byName)) : null,
          "`selector` does not match template `labels`",
        ),
      ];
}

export interface UpdateStrategy {
  type?: string;
  rollingUpdate?: {
    partition?: number;
    maxUnavailable?: number | string;
    maxSurge?: number | string;
  };
}
