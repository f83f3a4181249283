/**
 * What a Pod mounts and where it may land. Who imports this has the checks. (kubernetes:
 * pkg/apis/core/validation/validation.go, ValidateVolumes, ValidateVolumeMounts, validateAffinity,
 * validateTopologySpreadConstraints)
 */
import {
  checkFormat,
  dns1123Label,
  duplicate,
  forbidden,
  invalid,
  qualifiedName,
  labelValue,
  notFound,
  notSupported,
  required,
  type FieldError,
} from "./field-errors.js";
import type { Container, LabelSelector, PodSpec } from "./types.js";
import { checkSelectorParts } from "./validation-apps.js";
import { checkDescends } from "./validation-pod-fields.js";
import { further, records } from "./validation-pod.js";

// ---- volumes ------------------------------------------------------------------------------------

type Volume = Record<string, unknown> & { name?: string };

/** What some sources cannot do without: source -> field, by the name that messages have. */
const needed: Readonly<Record<string, string>> = {
  secret: "secretName",
  configMap: "name",
  persistentVolumeClaim: "claimName",
  hostPath: "path",
};

function checkVolumes(spec: PodSpec, at: string): FieldError[] {
  const names = new Set<string>();
  return records<Volume>(spec.volumes).flatMap((volume, i) => {
    const here = `${at}.volumes[${i}]`;
    const { name = "" } = volume;
    const isTaken = names.has(name);
    if (name !== "") names.add(name);
    return [
      ...checkSource(volume, here),
      ...(name === ""
        ? [required(`${here}.name`)]
        : checkFormat(`${here}.name`, name, dns1123Label)),
      ...(isTaken && dns1123Label(name).length === 0 ? [duplicate(`${here}.name`, name)] : []),
    ];
  });
}

/** One that names no source is an emptyDir. */
function checkSource(volume: Volume, at: string): FieldError[] {
  const sources = Object.keys(volume).filter((key) => key !== "name");
  return [
    ...sources.slice(0, 1).flatMap((source) => {
      const field = needed[source];
      const value = (volume[source] as Record<string, unknown>)[field ?? ""];
      return field === undefined || value ? [] : [required(`${at}.${source}.${field}`)];
    }),
    ...further.source(volume, at),
    ...sources
      .slice(1)
      .map((source) => forbidden(`${at}.${source}`, "may not specify more than 1 volume type")),
  ];
}

interface Mount {
  name?: string;
  mountPath?: string;
  subPath?: string;
  subPathExpr?: string;
  readOnly?: boolean;
  mountPropagation?: string;
  recursiveReadOnly?: string;
}
interface Device {
  name?: string;
  devicePath?: string;
}

/** What containers mount has to be there. (ValidateVolumeMounts) */
function checkMounts(container: Container, at: string, spec: PodSpec): FieldError[] {
  const volumes = new Set(records<Volume>(spec.volumes).map(({ name }) => name));
  const devices = devicesOf(container);
  const paths = new Set<string>();
  return records<Mount>(container.volumeMounts).flatMap((mount, i) => {
    const here = `${at}[${i}]`;
    const { name = "", mountPath = "", subPath = "", subPathExpr = "" } = mount;
    const isTaken = paths.has(mountPath);
    paths.add(mountPath);
    return [
      ...(name === "" ? [required(`${here}.name`)] : []),
      ...(volumes.has(name) ? [] : [notFound(`${here}.name`, name)]),
      ...(mountPath === "" ? [required(`${here}.mountPath`)] : []),
      ...(isTaken ? [invalid(`${here}.mountPath`, mountPath, "must be unique")] : []),
      ...(devices.some((one) => one.name === name)
        ? [invalid(`${here}.name`, name, "must not already exist in volumeDevices")]
        : []),
      ...(devices.some((one) => one.devicePath === mountPath)
        ? [
            invalid(
              `${here}.mountPath`,
              mountPath,
              "must not already exist as a path in volumeDevices",
            ),
          ]
        : []),
      ...(subPath ? checkDescends(`${at}.subPath`, subPath) : []),
      ...(subPath && subPathExpr
        ? [
            invalid(
              `${here}.subPathExpr`,
              subPathExpr,
              "subPathExpr and subPath are mutually exclusive",
            ),
          ]
        : []),
      ...(subPathExpr ? checkDescends(`${at}.subPathExpr`, subPathExpr) : []),
      ...checkPropagation(mount, container, at),
    ];
  });
}

const devicesOf = (container: Container): Device[] =>
  records<Device>((container as unknown as Record<string, unknown>)["volumeDevices"]);

const ways = ["Bidirectional", "HostToContainer", "None"];
const recursively = ["Disabled", "Enabled", "IfPossible"];

/** (validateMountPropagation, validateMountRecursiveReadOnly) */
function checkPropagation(
  { mountPropagation: way, recursiveReadOnly: deep, readOnly = false }: Mount,
  container: Container,
  at: string,
): FieldError[] {
  const { securityContext } = container as { securityContext?: { privileged?: boolean } };
  const found: FieldError[] = [];
  if (way !== undefined && !ways.includes(way))
    found.push(notSupported(`${at}.mountPropagation`, way, ways));
  else if (way === "Bidirectional" && !securityContext?.privileged)
    found.push(
      forbidden(
        `${at}.mountPropagation`,
        "Bidirectional mount propagation is available only to privileged containers",
      ),
    );
  const here = `${at}.recursiveReadOnly`;
  if (deep === undefined || deep === "Disabled") return found;
  if (!recursively.includes(deep)) return [...found, notSupported(here, deep, recursively)];
  if (!readOnly) found.push(forbidden(here, "may only be specified when readOnly is true"));
  if (way !== undefined && way !== "None")
    found.push(
      forbidden(here, "may only be specified when mountPropagation is None or not specified"),
    );
  return found;
}

// ---- affinity -----------------------------------------------------------------------------------

interface Requirement {
  key?: string;
  operator?: string;
  values?: string[];
}
export interface NodeTerm {
  matchExpressions?: Requirement[];
  matchFields?: Requirement[];
}
interface PodTerm {
  labelSelector?: LabelSelector;
  namespaces?: string[];
  topologyKey?: string;
  namespaceSelector?: LabelSelector;
  matchLabelKeys?: string[];
  mismatchLabelKeys?: string[];
}
interface PodAffinity {
  requiredDuringSchedulingIgnoredDuringExecution?: PodTerm[];
  preferredDuringSchedulingIgnoredDuringExecution?: {
    weight?: number;
    podAffinityTerm?: PodTerm;
  }[];
}
interface Affinity {
  nodeAffinity?: {
    requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms?: NodeTerm[] };
    preferredDuringSchedulingIgnoredDuringExecution?: { weight?: number; preference?: NodeTerm }[];
  };
  podAffinity?: PodAffinity;
  podAntiAffinity?: PodAffinity;
}

const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution";

function checkAffinity(spec: PodSpec, at: string): FieldError[] {
  const { nodeAffinity, podAffinity, podAntiAffinity } = (spec.affinity ?? {}) as Affinity;
  return [
    ...checkNodeAffinity(nodeAffinity, `${at}.nodeAffinity`),
    ...checkPodAffinity(podAffinity, `${at}.podAffinity`),
    ...checkPodAffinity(podAntiAffinity, `${at}.podAntiAffinity`),
  ];
}

function checkNodeAffinity(affinity: Affinity["nodeAffinity"], at: string): FieldError[] {
  const needs = affinity?.[REQUIRED];
  const terms = needs?.nodeSelectorTerms ?? [];
  const here = `${at}.${REQUIRED}.nodeSelectorTerms`;
  return [
    ...(needs && terms.length === 0
      ? [required(here, "must have at least one node selector term")]
      : []),
    ...terms.flatMap((term, i) => checkTerm(term, `${here}[${i}]`)),
    ...(affinity?.[PREFERRED] ?? []).flatMap(({ weight = 0, preference = {} }, i) => [
      ...checkWeight(weight, `${at}.${PREFERRED}[${i}].weight`),
      ...checkTerm(preference, `${at}.${PREFERRED}[${i}].preference`),
    ]),
  ];
}

const checkWeight = (weight: number, at: string): FieldError[] =>
  weight >= 1 && weight <= 100 ? [] : [invalid(at, weight, "must be in the range 1-100")];

export const checkTerm = (
  { matchExpressions = [], matchFields = [] }: NodeTerm,
  at: string,
): FieldError[] => [
  ...matchExpressions.flatMap((one, i) => checkRequirement(one, `${at}.matchExpressions[${i}]`)),
  ...matchFields.flatMap((one, i) => checkFieldRequirement(one, `${at}.matchFields[${i}]`)),
];

/** (ValidateNodeSelectorRequirement) */
function checkRequirement(
  { key = "", operator = "", values = [] }: Requirement,
  at: string,
): FieldError[] {
  return [
    ...checkOperator(operator, values, at),
    ...checkFormat(`${at}.key`, key, qualifiedName),
    ...(operator === "Gt" || operator === "Lt"
      ? []
      : values.flatMap((value, i) => checkFormat(`${at}.values[${i}]`, value, labelValue))),
  ];
}

function checkOperator(operator: string, values: readonly string[], at: string): FieldError[] {
  const here = `${at}.values`;
  switch (operator) {
    case "In":
    case "NotIn":
      return values.length > 0
        ? []
        : [required(here, "must be specified when `operator` is 'In' or 'NotIn'")];
    case "Exists":
    case "DoesNotExist":
      return values.length === 0
        ? []
        : [forbidden(here, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
    case "Gt":
    case "Lt":
      return values.length === 1
        ? []
        : [required(here, "must be specified single value when `operator` is 'Lt' or 'Gt'")];
    default:
      return [invalid(`${at}.operator`, operator, "not a valid selector operator")];
  }
}

function checkFieldRequirement(
  { key = "", operator = "", values = [] }: Requirement,
  at: string,
): FieldError[] {
  const isSupported = operator === "In" || operator === "NotIn";
  return [
    ...(!isSupported
      ? [invalid(`${at}.operator`, operator, "not a valid selector operator")]
      : values.length === 1
        ? []
        : [
            required(
              `${at}.values`,
              "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
            ),
          ]),
    ...(key === "metadata.name"
      ? []
      : [invalid(`${at}.key`, key, "not a valid field selector key")]),
  ];
}

function checkPodAffinity(affinity: PodAffinity | undefined, at: string): FieldError[] {
  return [
    ...(affinity?.[REQUIRED] ?? []).flatMap((term, i) =>
      checkPodTerm(term, `${at}.${REQUIRED}[${i}]`),
    ),
    ...(affinity?.[PREFERRED] ?? []).flatMap(({ weight = 0, podAffinityTerm = {} }, i) => [
      ...checkWeight(weight, `${at}.${PREFERRED}[${i}].weight`),
      ...checkPodTerm(podAffinityTerm, `${at}.${PREFERRED}[${i}].podAffinityTerm`),
    ]),
  ];
}

const checkPodTerm = (
  { labelSelector, namespaceSelector, namespaces = [], topologyKey = "", ...keys }: PodTerm,
  at: string,
): FieldError[] => [
  ...(labelSelector ? checkSelectorParts(`${at}.labelSelector`, labelSelector) : []),
  ...(namespaceSelector ? checkSelectorParts(`${at}.namespaceSelector`, namespaceSelector) : []),
  ...namespaces.flatMap((name) => checkFormat(`${at}.namespace`, name, dns1123Label)),
  ...checkLabelKeys(keys, labelSelector, at),
  ...(topologyKey === "" ? [required(`${at}.topologyKey`, "can not be empty")] : []),
  ...checkFormat(`${at}.topologyKey`, topologyKey, qualifiedName),
];

/** (validateMatchLabelKeysAndMismatchLabelKeys) */
function checkLabelKeys(
  { matchLabelKeys: same = [], mismatchLabelKeys: other = [] }: PodTerm,
  labelSelector: LabelSelector | undefined,
  at: string,
): FieldError[] {
  const lists = { matchLabelKeys: same, mismatchLabelKeys: other };
  return [
    ...Object.entries(lists).flatMap(([name, keys]) =>
      keys.length > 0 && !labelSelector
        ? [forbidden(`${at}.${name}`, "must not be specified when labelSelector is not set")]
        : keys.flatMap((key, i) => checkFormat(`${at}.${name}[${i}]`, key, qualifiedName)),
    ),
    ...same.flatMap((key, i) =>
      other.includes(key)
        ? [
            invalid(
              `${at}.matchLabelKeys[${i}]`,
              key,
              "exists in both matchLabelKeys and mismatchLabelKeys",
            ),
          ]
        : [],
    ),
  ];
}

// ---- spreading ----------------------------------------------------------------------------------

interface Spread {
  maxSkew?: number;
  topologyKey?: string;
  whenUnsatisfiable?: string;
  labelSelector?: LabelSelector;
  minDomains?: number;
  nodeAffinityPolicy?: string;
  nodeTaintsPolicy?: string;
  matchLabelKeys?: string[];
}

const inclusion = ["Honor", "Ignore"];
const actions = ["DoNotSchedule", "ScheduleAnyway"];

function checkSpreading(spec: PodSpec, at: string): FieldError[] {
  const all = records<Spread>(spec.topologySpreadConstraints);
  return all.flatMap((spread, i) => {
    const here = `${at}[${i}]`;
    const { maxSkew = 0, topologyKey = "", whenUnsatisfiable: action = "" } = spread;
    const { labelSelector, minDomains } = spread;
    const isTwin = all
      .slice(i + 1)
      .some((one) => one.topologyKey === topologyKey && one.whenUnsatisfiable === action);
    return [
      ...(maxSkew > 0 ? [] : [invalid(`${here}.maxSkew`, maxSkew, "must be greater than zero")]),
      ...(topologyKey === "" ? [required(`${here}.topologyKey`, "can not be empty")] : []),
      ...(actions.includes(action)
        ? []
        : [notSupported(`${here}.whenUnsatisfiable`, action, actions)]),
      ...(isTwin
        ? [duplicate(`${here}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${action}}`)]
        : []),
      ...(minDomains !== undefined && minDomains <= 0
        ? [invalid(`${here}.minDomains`, minDomains, "must be greater than zero")]
        : []),
      ...(minDomains !== undefined && minDomains > 0 && action !== "DoNotSchedule"
        ? [
            invalid(
              `${here}.minDomains`,
              minDomains,
              `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`,
            ),
          ]
        : []),
      ...(["nodeAffinityPolicy", "nodeTaintsPolicy"] as const).flatMap((policy) =>
        spread[policy] === undefined || inclusion.includes(spread[policy])
          ? []
          : [notSupported(`${here}.${policy}`, spread[policy], inclusion)],
      ),
      ...(spread.matchLabelKeys?.length && !labelSelector
        ? [
            forbidden(
              `${here}.matchLabelKeys`,
              "must not be specified when labelSelector is not set",
            ),
          ]
        : []),
      ...(labelSelector ? checkSelectorParts(`${here}.labelSelector`, labelSelector) : []),
    ];
  });
}

Object.assign(further, {
  volumes: checkVolumes,
  mounts: checkMounts,
  placing: (spec, at) => [
    ...checkAffinity(spec, `${at}.affinity`),
    ...checkSpreading(spec, `${at}.topologySpreadConstraints`),
  ],
} satisfies Partial<typeof further>);
