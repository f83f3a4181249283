/** What kube-apiserver refuses of a DaemonSet. (pkg/apis/apps/validation) */
import { checkAtLeast0, type FieldError, invalid, notSupported, required } from "./field-errors.js";
import { same } from "./freeze.js";
import type { KubeObject, LabelSelector, PodTemplate } from "./types.js";
import { checkPercentOrNumber, isZero, moreThanAll } from "./validation-apps-more.js";
import { checkSameSelector, checkSelectorParts, shownSelector } from "./validation-apps.js";
import {
  checkMatches,
  checkRunsForEver,
  checkTemplate,
  isEmptySelector,
  isReadable,
  type UpdateStrategy,
} from "./validation-templates.js";

interface DaemonSet extends KubeObject {
  spec: {
    selector?: LabelSelector;
    template: PodTemplate;
    minReadySeconds?: number;
    updateStrategy?: UpdateStrategy;
    revisionHistoryLimit?: number;
  };
}

export function validateDaemonSet({ spec }: DaemonSet, old?: DaemonSet): FieldError[] {
  if (old && same(spec, old.spec)) return [];
  const { selector, template } = spec;
  return [
    ...(old ? checkSameSelector(selector, old.spec.selector) : []),
    ...(selector ? checkSelectorParts("spec.selector", selector) : []),
    ...(isReadable(selector) ? checkMatches(selector, template, "spec.template") : []),
    ...(selector && isEmptySelector(selector)
      ? [
          invalid(
            "spec.selector",
            shownSelector(selector),
            "empty selector is invalid for daemonset",
          ),
        ]
      : []),
    ...checkTemplate(template, "spec.template"),
    ...checkRunsForEver(template, "spec.template", "DaemonSet"),
    ...checkAtLeast0("spec.minReadySeconds", spec.minReadySeconds),
    ...checkDaemonStrategy(spec.updateStrategy),
    ...checkAtLeast0("spec.revisionHistoryLimit", spec.revisionHistoryLimit),
  ];
}

function checkDaemonStrategy({ type = "", rollingUpdate }: UpdateStrategy = {}): FieldError[] {
  const at = "spec.updateStrategy";
  if (type === "OnDelete") return [];
  if (type !== "RollingUpdate") {
    const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate ?? {};
    const shown = rollingUpdate ? { MaxUnavailable: maxUnavailable, MaxSurge: maxSurge } : null;
    return [notSupported(at, { Type: type, RollingUpdate: shown }, ["RollingUpdate", "OnDelete"])];
  }
  if (!rollingUpdate) return [required(`${at}.rollingUpdate`)];
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
  const [unavailable, surge] = [
    `${at}.rollingUpdate.maxUnavailable`,
    `${at}.rollingUpdate.maxSurge`,
  ];
  return [
    ...checkPercentOrNumber(unavailable, maxUnavailable),
    ...checkPercentOrNumber(surge, maxSurge),
    ...moreThanAll(unavailable, maxUnavailable),
    ...moreThanAll(surge, maxSurge),
    ...(!isZero(maxUnavailable) && !isZero(maxSurge)
      ? [invalid(surge, maxSurge, "may not be set when maxUnavailable is non-zero")]
      : []),
    ...(isZero(maxUnavailable) && isZero(maxSurge)
      ? [required(unavailable, "cannot be 0 when maxSurge is 0")]
      : []),
  ];
}
