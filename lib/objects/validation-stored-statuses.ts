/** What is wrong with the statuses of kinds that only a server's clients write. (pkg/apis) */
import {
  checkFormat,
  checkIP,
  dns1123Subdomain,
  duplicate,
  invalid,
  notSupported,
  required,
  type FieldError,
} from "./field-errors.js";
import { readAddress } from "../net/ip.js";
import { quantity } from "./quantity.js";
import type { Condition, KubeObject, Node } from "./types.js";
import { byStatus } from "./validation.js";
import { countsOf } from "./validation-counts.js";
import { checkIndexes, indexesIn } from "./validation-job-policies.js";
import "./validation-workloads.js"; // whose checks of Jobs and budgets go on here

type WithStatus<T> = KubeObject & { status?: T };

interface JobStatus {
  startTime?: string;
  completionTime?: string;
  conditions?: Condition[];
  active?: number;
  ready?: number;
  terminating?: number;
  completedIndexes?: string;
  failedIndexes?: string;
  uncountedTerminatedPods?: { succeeded?: string[]; failed?: string[] };
}
type Job = WithStatus<JobStatus> & {
  spec?: { completions?: number; completionMode?: string; backoffLimitPerIndex?: number };
};

/** (pkg/apis/batch/validation; pkg/registry/batch/job, validateJobStatusUpdate) */
function jobStatus({ spec = {}, status: now = {} }: Job, old: Job): FieldError[] {
  if (now === old.status) return [];
  const { succeeded = [], failed: gone = [] } = now.uncountedTerminatedPods ?? {};
  const has = (type: string) =>
    (now.conditions ?? []).some((one) => one.type === type && one.status === "True");
  const [complete, failed] = [has("Complete"), has("Failed")];
  const at = "status.conditions";
  const wrong = (why: string): FieldError => ({
    field: at,
    reason: "FieldValueInvalid",
    message: `Invalid value: ${why}`,
  });
  const isFinished = complete || failed;
  const not = (is: unknown, field: string, value: unknown, why: string) =>
    is ? [invalid(`status.${field}`, value, why)] : [];
  return [
    ...uncounted(succeeded, gone),
    ...(complete && failed ? [wrong("cannot set Complete=True and Failed=true conditions")] : []),
    ...(complete && has("FailureTarget")
      ? [wrong("cannot set Complete=True and FailureTarget=true conditions")]
      : []),
    ...not(
      !complete && now.completionTime,
      "completionTime",
      now.completionTime,
      "cannot set completionTime when there is no Complete=True condition",
    ),
    ...(complete && !now.completionTime
      ? [required("status.completionTime", "completionTime is required for Complete jobs")]
      : []),
    ...(failed && !has("FailureTarget")
      ? [wrong("cannot set Failed=True condition without the FailureTarget=true condition")]
      : []),
    ...(complete && !has("SuccessCriteriaMet")
      ? [wrong("cannot set Complete=True condition without the SuccessCriteriaMet=true condition")]
      : []),
    ...not(
      isFinished && (now.active ?? 0) > 0,
      "active",
      now.active,
      "active>0 is invalid for finished job",
    ),
    ...(isFinished && !now.startTime
      ? [required("status.startTime", "startTime is required for finished job")]
      : []),
    ...not(
      isFinished && succeeded.length + gone.length > 0,
      "uncountedTerminatedPods",
      { Succeeded: succeeded, Failed: gone },
      "must be empty for finished job",
    ),
    ...indexesOf(spec, now),
    ...not(
      isFinished && (now.terminating ?? 0) > 0,
      "terminating",
      now.terminating,
      "terminating>0 is invalid for finished job",
    ),
    ...not(
      now.ready !== undefined && now.ready > (now.active ?? 0),
      "ready",
      now.ready,
      "cannot set more ready pods than active",
    ),
  ];
}

/** A Pod's end is counted once. */
function uncounted(succeeded: readonly string[], failed: readonly string[]): FieldError[] {
  const seen = new Set<string>();
  return Object.entries({ succeeded, failed }).flatMap(([list, uids]) =>
    uids.flatMap((uid, i) => {
      const place = `status.uncountedTerminatedPods.${list}[${i}]`;
      if (uid === "") return [invalid(place, uid, "must not be empty")];
      if (seen.has(uid)) return [duplicate(place, uid)];
      seen.add(uid);
      return [];
    }),
  );
}

/** What is said of single indexes. */
function indexesOf(spec: NonNullable<Job["spec"]>, now: JobStatus): FieldError[] {
  const { completions, completionMode, backoffLimitPerIndex } = spec;
  const { completedIndexes: done = "", failedIndexes: failed } = now;
  const [at, there] = ["status.completedIndexes", "status.failedIndexes"];
  const both =
    completions === undefined || failed === undefined
      ? undefined
      : indexesIn(failed).find((one) => indexesIn(done).includes(one));
  return [
    ...(completions === undefined ? [] : checkIndexes(done, completions, at, "completedIndexes")),
    ...(completions === undefined || backoffLimitPerIndex === undefined
      ? []
      : checkIndexes(failed, completions, there, "failedIndexes")),
    ...(done !== "" && completionMode !== "Indexed"
      ? [
          invalid(
            at,
            done,
            "cannot set non-empty completedIndexes when non-indexed completion mode",
          ),
        ]
      : []),
    ...(failed !== undefined && backoffLimitPerIndex === undefined
      ? [
          invalid(
            there,
            failed,
            "cannot set non-null failedIndexes when backoffLimitPerIndex is null",
          ),
        ]
      : []),
    ...(both === undefined
      ? []
      : [invalid(there, failed, `failedIndexes and completedIndexes overlap at index: ${both}`)]),
  ];
}

/** (ValidateNamespaceStatusUpdate) */
function namespaceStatus({ metadata, status }: WithStatus<{ phase?: string }>) {
  const { phase = "" } = status ?? {};
  const needed = metadata.deletionTimestamp ? "Terminating" : "Active";
  if (phase === needed) return [];
  const when = metadata.deletionTimestamp ? "is not empty" : "is empty";
  return [
    invalid("status.Phase", phase, `may only be '${needed}' if \`deletionTimestamp\` ${when}`),
  ];
}

const ingressStatus = ({
  status,
}: WithStatus<{
  loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] };
}>): FieldError[] =>
  (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, i) => {
    const at = `status.loadBalancer.ingress[${i}]`;
    return [
      ...(ip ? checkIP(`${at}.ip`, ip) : []),
      ...(hostname ? checkFormat(`${at}.hostname`, hostname, dns1123Subdomain) : []),
      ...(hostname && readAddress(hostname)
        ? [invalid(`${at}.hostname`, hostname, "must be a DNS name, not an IP address")]
        : []),
    ];
  });

/** (ValidateReplicationControllerStatus) */
function controllerStatus({ status = {} }: WithStatus<Record<string, number>>): FieldError[] {
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status;
  const more = (field: string, than: number, what: string) =>
    (status[field] ?? 0) > than
      ? [invalid(`status.${field}`, status[field], `cannot be greater than ${what}`)]
      : [];
  return [
    ...countsOf(
      "replicas",
      "fullyLabeledReplicas",
      "readyReplicas",
      "availableReplicas",
      "observedGeneration",
    )({ status }),
    ...["fullyLabeledReplicas", "readyReplicas", "availableReplicas"].flatMap((field) =>
      more(field, replicas, "status.replicas"),
    ),
    ...(availableReplicas > readyReplicas
      ? more("availableReplicas", readyReplicas, "readyReplicas")
      : []),
  ];
}

const resizing = [
  "ControllerResizeInProgress",
  "ControllerResizeInfeasible",
  "NodeResizeInProgress",
  "NodeResizeInfeasible",
  "NodeResizePending",
];

interface ClaimStatus {
  capacity?: Record<string, string>;
  allocatedResources?: Record<string, string>;
  allocatedResourceStatuses?: Record<string, string>;
}

/** (ValidatePersistentVolumeClaimStatusUpdate) */
function claimStatus({ status = {} }: WithStatus<ClaimStatus>): FieldError[] {
  const { capacity = {}, allocatedResources = {}, allocatedResourceStatuses = {} } = status;
  const negative = (field: string, amounts: Record<string, string>) =>
    Object.entries(amounts)
      .filter(([, amount]) => quantity(amount) < 0)
      .map(([name, amount]) =>
        invalid(`status.${field}[${name}]`, quantity(amount), "must be a valid resource quantity"),
      );
  return [
    ...negative("capacity", capacity),
    ...Object.entries(allocatedResourceStatuses)
      .filter(([, is]) => !resizing.includes(is))
      .map(([name]) => notSupported("status.allocatedResourceStatuses", name, resizing)),
    ...negative("allocatedResources", allocatedResources),
  ];
}

/** An address of a kind is told once. */
function nodeStatus({ status }: Node, old: Node): FieldError[] {
  if (status?.addresses === old.status?.addresses) return [];
  const seen = new Set<string>();
  return (status?.addresses ?? []).flatMap(({ type, address }, i) => {
    const isNew = !seen.has(`${type} ${address}`);
    seen.add(`${type} ${address}`);
    if (isNew) return [];
    // as the internal type has it
    return [duplicate(`status.addresses[${i}]`, { Type: type, Address: address })];
  });
}

/** metav1.Condition. (apimachinery: pkg/apis/meta/v1/validation, ValidateConditions) */
function conditionErrors(conditions: readonly Condition[] = [], at: string): FieldError[] {
  const known = ["False", "True", "Unknown"];
  const types = conditions.map(({ type }) => type);
  return conditions.flatMap(({ type = "", status = "", lastTransitionTime, reason = "" }, i) => {
    const here = `${at}[${i}]`;
    return [
      ...(types.indexOf(type) < i ? [duplicate(`${here}.type`, type)] : []),
      ...(type === "" ? [required(`${here}.type`)] : []),
      ...(known.includes(status) ? [] : [notSupported(`${here}.status`, status, known)]),
      ...(lastTransitionTime ? [] : [required(`${here}.lastTransitionTime`)]),
      ...(reason === "" ? [required(`${here}.reason`)] : []),
    ];
  });
}

const budgetConditions = ({ status }: WithStatus<{ conditions?: Condition[] }>) =>
  conditionErrors(status?.conditions, "status.conditions");

/** (ValidatePodStatusUpdate) */
function podStatus(
  { status = {} }: WithStatus<{ nominatedNodeName?: string; qosClass?: string }>,
  { status: old = {} }: WithStatus<{ qosClass?: string }>,
): FieldError[] {
  const { nominatedNodeName: node, qosClass } = status;
  return [
    ...(node ? checkFormat("status.nominatedNodeName", node, dns1123Subdomain) : []),
    ...(qosClass && qosClass !== old.qosClass && old.qosClass !== undefined
      ? [invalid("status.qosClass", qosClass, "field is immutable")]
      : []),
  ];
}

/** What is asked besides of a status that has checks already. */
function also(kind: string, more: (now: never, old: never) => FieldError[]): void {
  const before = byStatus[kind];
  byStatus[kind] = (now, old) => [...(before?.(now, old) ?? []), ...more(now, old)];
}

/** The same, told before the others. */
function first(kind: string, more: (now: never, old: never) => FieldError[]): void {
  const others = byStatus[kind];
  byStatus[kind] = (now, old) => [...more(now, old), ...(others?.(now, old) ?? [])];
}

Object.assign(byStatus, {
  Namespace: namespaceStatus,
  Ingress: ingressStatus,
  PersistentVolumeClaim: claimStatus,
  ReplicationController: controllerStatus,
  HorizontalPodAutoscaler: countsOf("currentReplicas", "desiredReplicas"),
  Node: nodeStatus,
});

also("Job", jobStatus);
first("PodDisruptionBudget", budgetConditions);
first("Pod", podStatus);
