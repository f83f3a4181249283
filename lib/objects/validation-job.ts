/** What kube-apiserver refuses of a Job. (pkg/apis/batch/validation) */
import {
  checkAtLeast0,
  checkFormat,
  dns1123Label,
  dns1123Subdomain,
  type FieldError,
  invalid,
  notSupported,
  required,
  tooLong,
} from "./field-errors.js";
import { same } from "./freeze.js";
import { matches } from "./selectors.js";
import type { KubeObject } from "./types.js";
import { checkSelectorParts, shownSelector } from "./validation-apps.js";
import { checkFailurePolicy, checkSuccessPolicy, type JobSpec } from "./validation-job-policies.js";
import { checkMatches, checkTemplate, isReadable } from "./validation-templates.js";

interface Job extends KubeObject {
  spec: JobSpec;
}

export function validateJob(job: Job, old?: Job): FieldError[] {
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

export function checkJobSpec(spec: JobSpec, at: string): FieldError[] {
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

const MANAGED_BY_MOST = 63;

/** (IsDomainPrefixedPath) */
function checkManagedBy(by: string, at: string): FieldError[] {
  if (by === "") return [required(at)];
  const [domain = "", ...path] = by.split("/");
  const isPath = domain !== "" && path.join("/") !== "";
  return [
    ...(isPath
      ? checkFormat(at, domain, dns1123Subdomain)
      : [invalid(at, by, 'must be a domain-prefixed path (such as "acme.io/foo")')]),
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
