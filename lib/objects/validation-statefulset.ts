/** What kube-apiserver refuses of a StatefulSet. (pkg/apis/apps/validation) */
import {
  checkAtLeast0,
  checkFormat,
  dns1123Label,
  type FieldError,
  forbidden,
  invalid,
  notSupported,
  required,
} from "./field-errors.js";
import { same } from "./freeze.js";
import { checkLabels } from "./metadata.js";
import type { KubeObject, LabelSelector, PodTemplate } from "./types.js";
import { checkPercentOrNumber, isZero, moreThanAll } from "./validation-apps-more.js";
import { checkSelectorParts, shownSelector } from "./validation-apps.js";
import { checkClaimSpec, type ClaimSpec } from "./validation-claims.js";
import {
  checkMatches,
  checkRunsForEver,
  checkTemplate,
  isEmptySelector,
  isReadable,
  type UpdateStrategy,
} from "./validation-templates.js";
import { type Counts, countsOf } from "./validation-counts.js";

interface StatefulSet extends KubeObject {
  spec: {
    replicas?: number;
    selector?: LabelSelector;
    serviceName?: string;
    template: PodTemplate;
    podManagementPolicy?: string;
    updateStrategy?: UpdateStrategy;
    minReadySeconds?: number;
    ordinals?: { start?: number };
    persistentVolumeClaimRetentionPolicy?: { whenDeleted?: string; whenScaled?: string };
    volumeClaimTemplates?: { metadata?: { name?: string }; spec?: ClaimSpec }[];
  };
}

export function validateStatefulSet({ spec }: StatefulSet, old?: StatefulSet): FieldError[] {
  if (old && same(spec, old.spec)) return [];
  return [
    ...checkManagement(spec.podManagementPolicy),
    ...checkStatefulStrategy(spec.updateStrategy),
    ...checkRetention(spec.persistentVolumeClaimRetentionPolicy),
    ...(old ? [] : checkClaims(spec.volumeClaimTemplates)),
    ...checkAtLeast0("spec.replicas", spec.replicas),
    ...checkAtLeast0("spec.minReadySeconds", spec.minReadySeconds),
    ...checkAtLeast0("spec.ordinals.start", spec.ordinals?.start),
    ...(spec.serviceName && !old
      ? checkFormat("spec.serviceName", spec.serviceName, dns1123Label)
      : []),
    ...checkStatefulSelector(spec),
    ...checkRunsForEver(spec.template, "spec.template", "StatefulSet"),
    ...(old ? checkOnlyMutable(spec, old.spec) : []),
  ];
}

function checkManagement(policy: string | undefined): FieldError[] {
  const at = "spec.podManagementPolicy";
  if (!policy) return [required(at)];
  return ["OrderedReady", "Parallel"].includes(policy)
    ? []
    : [invalid(at, policy, "must be 'OrderedReady' or 'Parallel'")];
}

function checkStatefulStrategy({ type, rollingUpdate }: UpdateStrategy = {}): FieldError[] {
  const at = "spec.updateStrategy";
  const shown = rollingUpdate && {
    Partition: rollingUpdate.partition ?? 0,
    MaxUnavailable: rollingUpdate.maxUnavailable ?? null,
  };
  if (!type) return [required(at)];
  if (type === "OnDelete")
    return rollingUpdate
      ? [invalid(`${at}.rollingUpdate`, shown, "only allowed for updateStrategy 'RollingUpdate'")]
      : [];
  if (type !== "RollingUpdate") {
    const value = { Type: type, RollingUpdate: shown ?? null };
    return [invalid(at, value, "must be 'RollingUpdate' or 'OnDelete'")];
  }
  const here = `${at}.rollingUpdate.maxUnavailable`;
  const most = rollingUpdate?.maxUnavailable;
  return [
    ...checkAtLeast0(`${at}.rollingUpdate.partition`, rollingUpdate?.partition),
    ...(most === undefined
      ? []
      : [
          ...checkPercentOrNumber(here, most),
          ...(isZero(most) ? [invalid(here, most, "cannot be 0")] : []),
          ...moreThanAll(here, most),
        ]),
  ];
}

function checkRetention(
  policy: StatefulSet["spec"]["persistentVolumeClaimRetentionPolicy"],
): FieldError[] {
  if (!policy) return [];
  return (["whenDeleted", "whenScaled"] as const)
    .filter((name) => !["Retain", "Delete"].includes(policy[name] ?? ""))
    .map((name) =>
      notSupported(`spec.persistentVolumeClaimRetentionPolicy.${name}`, policy[name] ?? "", [
        "Retain",
        "Delete",
      ]),
    );
}

const checkClaims = (claims: StatefulSet["spec"]["volumeClaimTemplates"] = []): FieldError[] =>
  claims.flatMap(({ spec = {} }, i) =>
    checkClaimSpec(spec, `spec.volumeClaimTemplates[${i}].spec`),
  );

function checkStatefulSelector(spec: StatefulSet["spec"]): FieldError[] {
  const { selector, template } = spec;
  const at = "spec.selector";
  const found = selector ? checkSelectorParts(at, selector) : [required(at)];
  if (selector && isEmptySelector(selector))
    found.push(invalid(at, shownSelector(selector), "empty selector is invalid for statefulset"));
  if (!isReadable(selector)) return [...found, invalid(at, shownSelector(selector), "")];
  return [
    ...found,
    ...(selector && isEmptySelector(selector)
      ? []
      : checkMatches(selector, template, "spec.template")),
    ...checkTemplate(withClaims(spec), "spec.template"),
    ...checkLabels("spec.template.labels", template.metadata?.labels),
  ];
}

/** Claims become volumes of the same name, which containers may mount. */
function withClaims({ template, volumeClaimTemplates = [] }: StatefulSet["spec"]): PodTemplate {
  if (volumeClaimTemplates.length === 0) return template;
  const names = new Set(volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? ""));
  const own = (template.spec.volumes ?? []) as { name?: string }[];
  const volumes = [
    ...Array.from(names, (name) => ({ name, persistentVolumeClaim: { claimName: name } })),
    ...own.filter(({ name }) => !names.has(name ?? "")),
  ];
  return { ...template, spec: { ...template.spec, volumes } };
}

const mutable = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
] as const;

function checkOnlyMutable(now: StatefulSet["spec"], was: StatefulSet["spec"]): FieldError[] {
  const kept = (spec: object) => ({
    ...spec,
    ...Object.fromEntries(mutable.map((name) => [name, undefined])),
  });
  return same(kept(now), kept(was))
    ? []
    : [
        forbidden(
          "spec",
          "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        ),
      ];
}

export function statefulStatus(set: { status?: Counts }): FieldError[] {
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = set.status ?? {};
  const parts = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];
  return [
    ...countsOf(
      "replicas",
      "readyReplicas",
      "currentReplicas",
      "updatedReplicas",
      "availableReplicas",
      "observedGeneration",
      "collisionCount",
    )(set),
    ...parts
      .filter((name) => (set.status?.[name] ?? 0) > replicas)
      .map((name) =>
        invalid(`status.${name}`, set.status?.[name], "cannot be greater than status.replicas"),
      ),
    ...(availableReplicas > readyReplicas
      ? [
          invalid(
            "status.availableReplicas",
            availableReplicas,
            "cannot be greater than status.readyReplicas",
          ),
        ]
      : []),
  ];
}
