/**
 * What may be asked of the other kinds that make Pods, and of what guards them, in the order and
 * the words of Kubernetes. Who imports this has the checks. (kubernetes: pkg/apis/apps/validation,
 * pkg/apis/batch/validation, pkg/apis/policy/validation, pkg/apis/core/validation)
 */
import {
  checkAtLeast0,
  checkFormat,
  checkOneOf,
  dns1123Label,
  dns1123Subdomain,
  duplicate,
  forbidden,
  invalid,
  notSupported,
  qualifiedName,
  required,
  tooLong,
  tooMany,
  type FieldError,
} from "./field-errors.js";
import { same } from "./freeze.js";
import { checkLabels } from "./metadata.js";
import { scheduleProblem } from "./schedule.js";
import { matches } from "./selectors.js";
import type { KubeObject, LabelSelector, PodTemplate } from "./types.js";
import { checkSelectorParts, checkSameSelector, shownSelector } from "./validation-apps.js";
import { checkPercentOrNumber, isZero, moreThanAll } from "./validation-apps-more.js";
import { validatePodSpec } from "./validation-pod.js";
import { checkClaimSpec, type ClaimSpec } from "./validation-claims.js";
import { byKind, byStatus } from "./validation.js";

// ---- templates ----------------------------------------------------------------------------------

/** (ValidatePodTemplateSpec) */
const checkTemplate = (template: PodTemplate | undefined, at: string): FieldError[] => [
  ...checkLabels(`${at}.labels`, template?.metadata?.labels),
  ...(template?.spec ? validatePodSpec(template.spec, `${at}.spec`, false) : []),
];

/** Pods that are kept running: they start anew always, and have no deadline. */
function checkRunsForEver({ spec }: PodTemplate, at: string, kind: string): FieldError[] {
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

const isEmptySelector = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean =>
  Object.keys(matchLabels).length + matchExpressions.length === 0;

/** A selector that no Go code can read selects nothing, and is told once. */
const isReadable = (selector: LabelSelector | undefined): boolean =>
  (selector?.matchExpressions ?? []).every(
    (_, i, all) => checkSelectorParts("", { matchExpressions: [all[i]!] }).length === 0,
  ) && checkSelectorParts("", { matchLabels: selector?.matchLabels ?? {} }).length === 0;

function checkMatches(
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
          labels ?? null,
          "`selector` does not match template `labels`",
        ),
      ];
}

// ---- StatefulSet --------------------------------------------------------------------------------

interface UpdateStrategy {
  type?: string;
  rollingUpdate?: {
    partition?: number;
    maxUnavailable?: number | string;
    maxSurge?: number | string;
  };
}

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

function validateStatefulSet({ spec }: StatefulSet, old?: StatefulSet): FieldError[] {
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

// ---- DaemonSet ----------------------------------------------------------------------------------

interface DaemonSet extends KubeObject {
  spec: {
    selector?: LabelSelector;
    template: PodTemplate;
    minReadySeconds?: number;
    updateStrategy?: UpdateStrategy;
    revisionHistoryLimit?: number;
  };
}

function validateDaemonSet({ spec }: DaemonSet, old?: DaemonSet): FieldError[] {
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

// ---- Job ----------------------------------------------------------------------------------------

interface FailureRule {
  action?: string;
  onExitCodes?: { containerName?: string; operator?: string; values?: number[] };
  onPodConditions?: { type?: string; status?: string }[];
}

export interface JobSpec {
  parallelism?: number;
  completions?: number;
  activeDeadlineSeconds?: number;
  backoffLimit?: number;
  backoffLimitPerIndex?: number;
  maxFailedIndexes?: number;
  ttlSecondsAfterFinished?: number;
  managedBy?: string;
  completionMode?: string;
  suspend?: boolean;
  manualSelector?: boolean;
  selector?: LabelSelector;
  podFailurePolicy?: { rules?: FailureRule[] };
  successPolicy?: { rules?: { succeededIndexes?: string; succeededCount?: number }[] };
  podReplacementPolicy?: string;
  template: PodTemplate;
}
interface Job extends KubeObject {
  spec: JobSpec;
}

function validateJob(job: Job, old?: Job): FieldError[] {
  const { spec, metadata } = job;
  if (old && same(spec, old.spec)) return [];
  // a manifest's, which the server is yet to give one
  const awaitsSelector = !metadata.uid && !spec.selector && !spec.manualSelector;
  return [
    ...(old || awaitsSelector ? [] : checkGenerated(job)),
    ...checkJobSpec(spec, "spec"),
    ...(awaitsSelector ? [] : checkJobSelector(spec)),
    ...(old ? checkJobChange(spec, old.spec) : checkHostnames(job)),
  ];
}

/** (validateGeneratedSelector) */
function checkGenerated({ spec, metadata }: Job): FieldError[] {
  if (spec.manualSelector || !spec.selector) return [];
  const { uid = "", name } = metadata;
  const expected = {
    "controller-uid": uid,
    "job-name": name,
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
  };
  const labels: Record<string, string> = spec.template.metadata?.labels ?? {};
  const at = "spec.template.metadata.labels";
  return [
    ...Object.entries(expected).flatMap(([key, value]) =>
      !(key in labels)
        ? [required(`${at}[${key}]`, `must be '${value}'`)]
        : labels[key] === value
          ? []
          : [invalid(`${at}[${key}]`, labels, `must be '${value}'`)],
    ),
    ...(isReadable(spec.selector) && !matches(spec.selector, expected)
      ? [invalid("spec.selector", shownSelector(spec.selector), "`selector` not auto-generated")]
      : []),
  ];
}

function checkJobSelector({ selector, template }: JobSpec): FieldError[] {
  return [
    ...(selector ? checkSelectorParts("spec.selector", selector) : [required("spec.selector")]),
    ...(isReadable(selector) ? checkMatches(selector, template, "spec.template") : []),
  ];
}

const counts = [
  "parallelism",
  "completions",
  "activeDeadlineSeconds",
  "backoffLimit",
  "ttlSecondsAfterFinished",
  "backoffLimitPerIndex",
  "maxFailedIndexes",
] as const;

function checkJobSpec(spec: JobSpec, at: string): FieldError[] {
  const { maxFailedIndexes, backoffLimitPerIndex, managedBy } = spec;
  return [
    ...counts.flatMap((name) => checkAtLeast0(`${at}.${name}`, spec[name])),
    ...(maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined
      ? [required(`${at}.backoffLimitPerIndex`, "when maxFailedIndexes is specified")]
      : []),
    ...(managedBy === undefined ? [] : checkManagedBy(managedBy, `${at}.managedBy`)),
    ...checkCompletionMode(spec, at),
    ...checkFailurePolicy(spec, `${at}.podFailurePolicy.rules`),
    ...checkSuccessPolicy(spec, `${at}.successPolicy`),
    ...checkReplacement(spec, `${at}.podReplacementPolicy`),
    ...checkTemplate(spec.template, `${at}.template`),
    ...checkEnds(spec, `${at}.template.spec.restartPolicy`),
  ];
}

const MANAGED_BY_MOST = 63; // bytes

/** (IsDomainPrefixedPath) */
function checkManagedBy(by: string, at: string): FieldError[] {
  if (by === "") return [required(at)];
  const [domain = "", ...path] = by.split("/");
  if (path.length === 0 || domain === "" || path.join("/") === "")
    return [
      invalid(at, by, 'must be a domain-prefixed path (such as "acme.io/foo")'),
      ...(by.length > MANAGED_BY_MOST ? [tooLong(at, MANAGED_BY_MOST)] : []),
    ];
  return [
    ...checkFormat(at, domain, dns1123Subdomain),
    ...(by.length > MANAGED_BY_MOST ? [tooLong(at, MANAGED_BY_MOST)] : []),
  ];
}

// Pods, indexes (pkg/apis/batch/validation)
const PARALLEL_MOST = 100_000;
const MANY = 100_000;
const PARALLEL_MOST_OF_MANY = 10_000;
const FAILED_MOST_OF_MANY = 10_000;

function checkCompletionMode(spec: JobSpec, at: string): FieldError[] {
  const { completionMode: mode = "NonIndexed", completions, backoffLimitPerIndex } = spec;
  const { parallelism = 0, maxFailedIndexes: failed } = spec;
  const here = (name: keyof JobSpec) => `${at}.${name}`;
  if (mode === "NonIndexed")
    return (["backoffLimitPerIndex", "maxFailedIndexes"] as const)
      .filter((name) => spec[name] !== undefined)
      .map((name) => invalid(here(name), spec[name], "requires indexed completion mode"));
  if (mode !== "Indexed")
    return [notSupported(here("completionMode"), mode, ["NonIndexed", "Indexed"])];
  const found: FieldError[] = [];
  if (completions === undefined)
    found.push(required(here("completions"), "when completion mode is Indexed"));
  if (parallelism > PARALLEL_MOST)
    found.push(
      invalid(
        here("parallelism"),
        parallelism,
        `must be less than or equal to ${PARALLEL_MOST} when completion mode is Indexed`,
      ),
    );
  if (failed !== undefined && completions !== undefined && failed > completions)
    found.push(
      invalid(here("maxFailedIndexes"), failed, "must be less than or equal to completions"),
    );
  if (failed !== undefined && failed > MANY)
    found.push(invalid(here("maxFailedIndexes"), failed, `must be less than or equal to ${MANY}`));
  if ((completions ?? 0) <= MANY || backoffLimitPerIndex === undefined) return found;
  const why = `when completions are above ${MANY} and used with backoff limit per index`;
  if (failed === undefined)
    found.push(
      required(here("maxFailedIndexes"), `must be specified when completions is above ${MANY}`),
    );
  for (const [name, value, most] of [
    ["parallelism", parallelism, PARALLEL_MOST_OF_MANY],
    ["maxFailedIndexes", failed ?? 0, FAILED_MOST_OF_MANY],
  ] as const)
    if (value > most)
      found.push(invalid(here(name), value, `must be less than or equal to ${most} ${why}`));
  return found;
}

const FAILURE_RULES_MOST = 20;
const actions = ["Count", "FailIndex", "FailJob", "Ignore"];
/** As Go prints a list of texts. */
const quoted = (texts: readonly string[]) =>
  `valid values: [${texts.map((one) => JSON.stringify(one)).join(" ")}]`;

/** (validatePodFailurePolicy) */
function checkFailurePolicy(spec: JobSpec, at: string): FieldError[] {
  const { rules = [] } = spec.podFailurePolicy ?? {};
  return [
    ...(rules.length > FAILURE_RULES_MOST ? [tooMany(at, rules.length, FAILURE_RULES_MOST)] : []),
    ...rules.flatMap((rule, i) => checkFailureRule(rule, spec, `${at}[${i}]`)),
  ];
}

function checkFailureRule(rule: FailureRule, spec: JobSpec, at: string): FieldError[] {
  const { action = "", onExitCodes, onPodConditions = [] } = rule;
  const found: FieldError[] = [];
  if (action === "") found.push(required(`${at}.action`, quoted(actions)));
  else if (action === "FailIndex") {
    if (spec.backoffLimitPerIndex === undefined)
      found.push(invalid(`${at}.action`, action, "requires the backoffLimitPerIndex to be set"));
  } else if (!actions.includes(action)) found.push(notSupported(`${at}.action`, action, actions));
  if (onExitCodes) found.push(...checkExitCodes(onExitCodes, spec, `${at}.onExitCodes`));
  found.push(...checkConditions(onPodConditions, `${at}.onPodConditions`));
  const said = [onExitCodes, onPodConditions.length > 0].filter(Boolean).length;
  if (said === 1) return found;
  const why =
    said === 2
      ? "specifying both OnExitCodes and OnPodConditions is not supported"
      : "specifying one of OnExitCodes and OnPodConditions is required";
  return [...found, { field: at, reason: "FieldValueInvalid", message: `Invalid value: ${why}` }];
}

const EXIT_CODES_MOST = 255;

function checkExitCodes(
  { containerName, operator = "", values = [] }: NonNullable<FailureRule["onExitCodes"]>,
  { template }: JobSpec,
  at: string,
): FieldError[] {
  const { containers = [], initContainers = [] } = template.spec;
  const names = [...containers, ...initContainers].map(({ name }) => name);
  const operators = ["In", "NotIn"];
  return [
    ...(operator === ""
      ? [required(`${at}.operator`, quoted(operators))]
      : operators.includes(operator)
        ? []
        : [notSupported(`${at}.operator`, operator, operators)]),
    ...(containerName === undefined || names.includes(containerName)
      ? []
      : [
          invalid(
            `${at}.containerName`,
            containerName,
            "must be one of the container or initContainer names in the pod template",
          ),
        ]),
    ...(values.length === 0
      ? [invalid(`${at}.values`, null, "at least one value is required")]
      : values.length > EXIT_CODES_MOST
        ? [tooMany(`${at}.values`, values.length, EXIT_CODES_MOST)]
        : []),
    ...values.flatMap((value, i) => [
      ...(operator === "In" && value === 0
        ? [invalid(`${at}.values[${i}]`, value, "must not be 0 for the In operator")]
        : []),
      ...(values.indexOf(value) < i ? [duplicate(`${at}.values[${i}]`, value)] : []),
    ]),
    ...(values.some((value, i) => i > 0 && values[i - 1]! > value)
      ? [invalid(`${at}.values`, values, "must be ordered")]
      : []),
  ];
}

const CONDITIONS_MOST = 20;

function checkConditions(
  conditions: NonNullable<FailureRule["onPodConditions"]>,
  at: string,
): FieldError[] {
  const statuses = ["False", "True", "Unknown"];
  return [
    ...(conditions.length > CONDITIONS_MOST
      ? [tooMany(at, conditions.length, CONDITIONS_MOST)]
      : []),
    ...conditions.flatMap(({ type = "", status = "" }, i) => [
      ...checkFormat(`${at}[${i}].type`, type, qualifiedName),
      ...(status === ""
        ? [required(`${at}[${i}].status`, quoted(statuses))]
        : statuses.includes(status)
          ? []
          : [notSupported(`${at}[${i}].status`, status, statuses)]),
    ]),
  ];
}

const SUCCESS_RULES_MOST = 20;

function checkSuccessPolicy(spec: JobSpec, at: string): FieldError[] {
  if (!spec.successPolicy) return [];
  const { rules = [] } = spec.successPolicy;
  if (spec.completionMode !== "Indexed") {
    const shown = {
      Rules: rules.map(({ succeededIndexes, succeededCount }) => ({
        SucceededIndexes: succeededIndexes ?? null,
        SucceededCount: succeededCount ?? null,
      })),
    };
    return [invalid(at, shown, "requires indexed completion mode")];
  }
  const { completions = 0 } = spec;
  return [
    ...(rules.length === 0
      ? [
          required(
            `${at}.rules`,
            "at least one rules must be specified when the successPolicy is specified",
          ),
        ]
      : []),
    ...(rules.length > SUCCESS_RULES_MOST
      ? [tooMany(`${at}.rules`, rules.length, SUCCESS_RULES_MOST)]
      : []),
    ...rules.flatMap(({ succeededIndexes, succeededCount }, i) => [
      ...(succeededIndexes === undefined && succeededCount === undefined
        ? [
            required(
              `${at}.rules[${i}]`,
              "at least one of succeededCount or succeededIndexes must be specified",
            ),
          ]
        : []),
      ...checkAtLeast0(`${at}.rules[${i}].succeededCount`, succeededCount),
      ...(succeededCount !== undefined && succeededCount > completions
        ? [
            invalid(
              `${at}.rules[${i}].succeededCount`,
              succeededCount,
              `must be less than or equal to ${completions} (the number of specified completions)`,
            ),
          ]
        : []),
    ]),
  ];
}

function checkReplacement(spec: JobSpec, at: string): FieldError[] {
  const { podReplacementPolicy: policy } = spec;
  if (policy === undefined) return [];
  const supported = spec.podFailurePolicy ? ["Failed"] : ["Failed", "TerminatingOrFailed"];
  return supported.includes(policy) ? [] : [notSupported(at, policy, supported)];
}

/** Pods of a Job come to an end. */
function checkEnds({ template, podFailurePolicy }: JobSpec, at: string): FieldError[] {
  const { restartPolicy = "" } = template.spec;
  if (restartPolicy === "Always" || restartPolicy === "")
    return [required(at, 'valid values: "OnFailure", "Never"')];
  if (!["OnFailure", "Never"].includes(restartPolicy))
    return [notSupported(at, restartPolicy, ["OnFailure", "Never"])];
  return podFailurePolicy && restartPolicy !== "Never"
    ? [invalid(at, restartPolicy, 'only "Never" is supported when podFailurePolicy is specified')]
    : [];
}

/** An indexed Job's Pods are called by its name and their index. */
function checkHostnames({ metadata: { name }, spec }: Job): FieldError[] {
  if (spec.completionMode !== "Indexed" || !spec.completions || spec.completions < 1) return [];
  const hostname = `${name}-${spec.completions - 1}`;
  return dns1123Label(hostname).length === 0
    ? []
    : [
        invalid(
          "metadata.name",
          name,
          `will not able to create pod with invalid DNS label: ${hostname}`,
        ),
      ];
}

/** (ValidateJobSpecUpdate) */
function checkJobChange(now: JobSpec, was: JobSpec): FieldError[] {
  const unchanged = (name: keyof JobSpec, shown: unknown = now[name] ?? null): FieldError[] =>
    same(now[name], was[name]) ? [] : [invalid(`spec.${name}`, shown, "field is immutable")];
  return [
    ...(now.completionMode === "Indexed" ? checkTandem(now, was) : unchanged("completions")),
    ...unchanged("selector", shownSelector(now.selector)),
    ...checkTemplateChange(now, was),
    ...unchanged("completionMode"),
    ...unchanged("podFailurePolicy"),
    ...unchanged("backoffLimitPerIndex"),
    ...unchanged("managedBy"),
    ...unchanged("successPolicy"),
  ];
}

const checkTandem = (now: JobSpec, was: JobSpec): FieldError[] =>
  now.completions === was.completions ||
  now.completions === undefined ||
  now.completions === now.parallelism
    ? []
    : [
        invalid(
          "spec.completions",
          now.completions,
          "can only be modified in tandem with spec.parallelism",
        ),
      ];

/** Where its Pods go, a Job that never began to run may still be told. */
function checkTemplateChange(now: JobSpec, was: JobSpec): FieldError[] {
  const kept = ({ template }: JobSpec) =>
    was.suspend
      ? {
          ...template,
          metadata: undefined,
          spec: {
            ...template.spec,
            affinity: undefined,
            nodeSelector: undefined,
            tolerations: undefined,
            schedulingGates: undefined,
          },
        }
      : template;
  return same(kept(now), kept(was))
    ? []
    : [invalid("spec.template", now.template, "field is immutable")];
}

// ---- CronJob ------------------------------------------------------------------------------------

interface CronJob extends KubeObject {
  spec: {
    schedule?: string;
    timeZone?: string;
    startingDeadlineSeconds?: number;
    concurrencyPolicy?: string;
    successfulJobsHistoryLimit?: number;
    failedJobsHistoryLimit?: number;
    jobTemplate: { spec: JobSpec };
  };
}

const CRON_NAME_MOST = 52; // characters: a Job's name is eleven longer

function validateCronJob({ metadata, spec }: CronJob, old?: CronJob): FieldError[] {
  if (old && same(spec, old.spec)) return [];
  const { jobTemplate, timeZone } = spec;
  const at = "spec.jobTemplate.spec";
  return [
    ...checkSchedule(spec.schedule, old?.spec.schedule, timeZone),
    ...checkAtLeast0("spec.startingDeadlineSeconds", spec.startingDeadlineSeconds),
    ...(timeZone === undefined || timeZone === old?.spec.timeZone ? [] : checkTimeZone(timeZone)),
    ...checkOneOf("spec.concurrencyPolicy", spec.concurrencyPolicy, ["Allow", "Forbid", "Replace"]),
    ...checkJobSpec(jobTemplate.spec, at),
    ...(jobTemplate.spec.selector
      ? [
          invalid(
            `${at}.selector`,
            shownSelector(jobTemplate.spec.selector),
            "`selector` will be auto-generated",
          ),
        ]
      : []),
    ...(jobTemplate.spec.manualSelector
      ? [notSupported(`${at}.manualSelector`, true, ["nil", "false"])]
      : []),
    ...checkAtLeast0("spec.successfulJobsHistoryLimit", spec.successfulJobsHistoryLimit),
    ...checkAtLeast0("spec.failedJobsHistoryLimit", spec.failedJobsHistoryLimit),
    ...(!old && metadata.name.length > CRON_NAME_MOST
      ? [invalid("metadata.name", metadata.name, "must be no more than 52 characters")]
      : []),
  ];
}

function checkSchedule(
  schedule = "",
  old: string | undefined,
  timeZone: string | undefined,
): FieldError[] {
  const at = "spec.schedule";
  if (schedule === "") return [required(at)];
  const problem = scheduleProblem(schedule);
  const found = problem === undefined ? [] : [invalid(at, schedule, problem)];
  if (!schedule.includes("TZ")) return found;
  if (!old?.includes("TZ"))
    found.push(
      invalid(at, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"),
    );
  else if (timeZone !== undefined)
    found.push(
      invalid(at, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule"),
    );
  return found;
}

function checkTimeZone(zone: string): FieldError[] {
  const at = "spec.timeZone";
  if (zone === "") return [invalid(at, zone, "timeZone must be nil or non-empty string")];
  const isPart = (part: string) =>
    part !== "." && part !== ".." && /^(?!-)[A-Za-z.\-_0-9+]{1,14}$/.test(part);
  if (!zone.split("/").every(isPart)) return [invalid(at, zone, `unknown time zone ${zone}`)];
  if (zone.toLowerCase() === "local")
    return [
      invalid(
        at,
        zone,
        "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
      ),
    ];
  return isTimeZone(zone) ? [] : [invalid(at, zone, `unknown time zone ${zone}`)];
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

// ---- ReplicationController, PodDisruptionBudget -------------------------------------------------

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

// ---- statuses -----------------------------------------------------------------------------------

type Counts = Record<string, number | undefined>;

/** None of the counts is below zero. */
const countsOf =
  (...names: string[]) =>
  ({ status = {} }: { status?: Counts }): FieldError[] =>
    names.flatMap((name) => checkAtLeast0(`status.${name}`, status[name]));

function statefulStatus(set: { status?: Counts }): FieldError[] {
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
  Job: countsOf("active", "succeeded", "failed", "ready", "terminating"),
  PodDisruptionBudget: countsOf(
    "disruptionsAllowed",
    "currentHealthy",
    "desiredHealthy",
    "expectedPods",
  ),
});
