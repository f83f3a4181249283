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
import type { Condition, KubeObject, Node } from "./types.js";
import { byStatus } from "./validation.js";
import { countsOf } from "./validation-counts.js";
import "./validation-workloads.js"; // whose checks of Jobs and budgets go on here

type WithStatus<T> = KubeObject & { status?: T };

interface JobStatus {
  startTime?: string;
  completionTime?: string;
  conditions?: Condition[];
}

/** (pkg/apis/batch/validation; pkg/registry/batch/job, validateJobStatusUpdate) */
function jobStatus({ status: now = {} }: WithStatus<JobStatus>, old: WithStatus<JobStatus>) {
  if (now === old.status) return [];
  const has = (type: string) =>
    (now.conditions ?? []).some((one) => one.type === type && one.status === "True");
  const [complete, failed] = [has("Complete"), has("Failed")];
  const at = "status.conditions";
  const wrong = (why: string): FieldError => ({
    field: at,
    reason: "FieldValueInvalid",
    message: `Invalid value: ${why}`,
  });
  return [
    ...(complete && failed ? [wrong("cannot set Complete=True and Failed=true conditions")] : []),
    ...(complete && !now.completionTime
      ? [required("status.completionTime", "completionTime is required for Complete jobs")]
      : []),
    ...(failed && !has("FailureTarget")
      ? [wrong("cannot set Failed=True condition without the FailureTarget=true condition")]
      : []),
    ...(complete && !has("SuccessCriteriaMet")
      ? [wrong("cannot set Complete=True condition without the SuccessCriteriaMet=true condition")]
      : []),
    ...((complete || failed) && !now.startTime
      ? [required("status.startTime", "startTime is required for finished job")]
      : []),
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
}: WithStatus<{ loadBalancer?: { ingress?: { ip?: string }[] } }>): FieldError[] =>
  (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }, i) =>
    ip ? checkIP(`status.loadBalancer.ingress[${i}].ip`, ip) : [],
  );

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

Object.assign(byStatus, {
  Namespace: namespaceStatus,
  Ingress: ingressStatus,
  HorizontalPodAutoscaler: countsOf("currentReplicas", "desiredReplicas"),
  Node: nodeStatus,
});

also("Job", jobStatus);
also("PodDisruptionBudget", budgetConditions);
also("Pod", podStatus);
