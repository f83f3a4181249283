/**
 * What may be asked of storage that hardly anybody writes by hand. (kubernetes:
 * pkg/apis/storage/validation, pkg/apis/core/validation)
 */
import {
  checkAtLeast0,
  checkFormat,
  dns1123Subdomain,
  duplicate,
  forbidden,
  invalid,
  qualifiedName,
  required,
  type FieldError,
} from "./field-errors.js";
import { same } from "./freeze.js";
import { checkAnnotations } from "./metadata.js";
import { quantity } from "./quantity.js";
import type { KubeObject } from "./types.js";
import { byKind } from "./validation.js";
import { immutable } from "./validation-cluster.js";

type Spec<T> = KubeObject & { spec?: T };
type Check = (object: never, old?: never) => FieldError[];

/** What is asked besides of a kind that has checks already. */
function also<T extends KubeObject>(kind: string, more: (now: T, old?: T) => FieldError[]): void {
  const before = byKind[kind] as Check | undefined;
  byKind[kind] = (now: T, old?: T) => [
    ...(before?.(now as never, old as never) ?? []),
    ...more(now, old),
  ];
}

interface NodeDriver {
  name?: string;
  nodeID?: string;
  topologyKeys?: string[];
  allocatable?: { count?: number };
}

/** (ValidateCSINodeSpec) */
function nodeDrivers({ spec = {} }: Spec<{ drivers?: NodeDriver[] }>): FieldError[] {
  const { drivers = [] } = spec;
  const names = drivers.map(({ name = "" }) => name);
  return drivers.flatMap(({ name = "", nodeID = "", topologyKeys: keys = [], allocatable }, i) => {
    const at = `spec.drivers[${i}]`;
    return [
      ...(name === ""
        ? [required(`${at}.name`)]
        : checkFormat(`${at}.name`, name.toLowerCase(), dns1123Subdomain)),
      ...(nodeID === "" ? [required(`${at}.nodeID`)] : []),
      ...checkAtLeast0(`${at}.allocatable.count`, allocatable?.count),
      ...(names.indexOf(name) < i ? [duplicate(`${at}.name`, name)] : []),
      ...keys.flatMap((key, j) => [
        ...(key === "" ? [required(at)] : []),
        ...checkFormat(at, key, qualifiedName),
        ...(keys.indexOf(key) < j ? [duplicate(at, key)] : []),
      ]),
    ];
  });
}

type Capacity = KubeObject & {
  storageClassName?: string;
  capacity?: string;
  maximumVolumeSize?: string;
  nodeTopology?: object;
};

/** (ValidateCSIStorageCapacity) */
function capacity(now: Capacity, old?: Capacity): FieldError[] {
  const amount = (field: "capacity" | "maximumVolumeSize") =>
    now[field] !== undefined && quantity(now[field]) < 0
      ? [invalid(field, now[field], "must be greater than or equal to 0")]
      : [];
  const kept = (field: "nodeTopology" | "storageClassName") =>
    old ? immutable(field, now[field], old[field]) : [];
  return [
    ...checkFormat("storageClassName", now.storageClassName ?? "", dns1123Subdomain),
    ...amount("capacity"),
    ...amount("maximumVolumeSize"),
    ...kept("nodeTopology"),
    ...kept("storageClassName"),
  ];
}

type Attributes = KubeObject & { driverName?: string; parameters?: Record<string, string> };

/** (ValidateVolumeAttributesClass) */
function attributes({ driverName = "", parameters = {} }: Attributes, old?: Attributes) {
  if (old)
    return [
      ...(driverName === old.driverName
        ? []
        : [forbidden("driverName", "updates to driverName are forbidden.")]),
      ...(same(parameters, old.parameters ?? {})
        ? []
        : [forbidden("parameters", "updates to parameters are forbidden.")]),
    ];
  return [
    ...(driverName === ""
      ? [required("driverName")]
      : checkFormat("driverName", driverName.toLowerCase(), qualifiedName)),
    ...(Object.keys(parameters).length === 0
      ? [required("parameters", "must contain at least one key/value pair")]
      : []),
  ];
}

const SHORTEST = 10; // seconds

const driver = ({ spec = {} }: Spec<{ nodeAllocatableUpdatePeriodSeconds?: number }>) => {
  const { nodeAllocatableUpdatePeriodSeconds: period } = spec;
  return period !== undefined && period < SHORTEST
    ? [
        invalid(
          "spec.nodeAllocatableUpdatePeriodSeconds",
          period,
          `must be greater than or equal to ${SHORTEST} seconds`,
        ),
      ]
    : [];
};

type Service = KubeObject & {
  spec?: {
    group?: string;
    version?: string;
    groupPriorityMinimum?: number;
    versionPriority?: number;
  };
};

/** (kube-aggregator: pkg/apis/apiregistration/validation) */
function apiService({ metadata, spec = {} }: Service): FieldError[] {
  const { group = "", version = "", groupPriorityMinimum: first = 0, versionPriority = 0 } = spec;
  const name = `${version}.${group}`;
  const between = (field: string, value: number, most: number) =>
    value <= 0 || value > most
      ? [invalid(`spec.${field}`, value, `must be positive and less than ${most}`)]
      : [];
  return [
    ...(metadata.name === name
      ? []
      : [
          invalid(
            "metadata.name",
            metadata.name,
            `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`,
          ),
        ]),
    ...between("groupPriorityMinimum", first, 20_000),
    ...between("versionPriority", versionPriority, 1_000),
  ];
}

type Templated = Spec<{ template?: { metadata?: { annotations?: Record<string, string> } } }>;

const annotated = ({ spec = {} }: Templated): FieldError[] =>
  checkAnnotations("spec.template.annotations", spec.template?.metadata?.annotations);

also("Deployment", annotated);
also("ReplicaSet", annotated);
also("CSINode", nodeDrivers);
also("CSIStorageCapacity", capacity);
also("VolumeAttributesClass", attributes);
also("CSIDriver", driver);
also("APIService", apiService);
