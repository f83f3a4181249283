/**
 * What kubectl's tables show of kinds that are stored only: one reading of a cell for each column,
 * whatever the kind, and a few of a kind's own. (kubernetes: pkg/printers/internalversion/
 * printers.go; for custom kinds apiextensions-apiserver: customresource/tableconvertor)
 */
import { isRecord } from "../../objects/freeze.js";
import type { KindInfo } from "../../objects/kinds.js";
import { selectorText } from "../../objects/selectors.js";
import type { KubeObject } from "../../objects/types.js";
import { age, few, labelText, since, type Column } from "./cells.js";

type Value = string | number | boolean;
type Fields = Record<string, unknown>;
/** The cell of an object; `at` reads a path such as "spec.replicas". */
type Cell = (at: (path: string) => unknown, object: KubeObject, now: number) => unknown;

const none = "<none>";

/** A row of a kind on which nobody acts. */
export function otherCells(
  info: KindInfo,
  columns: readonly Column[],
  object: KubeObject,
  now: number,
): (string | number)[] {
  return columns.map(({ name }): string | number => {
    const custom = info.columns?.find((each) => each.name.replace("+", "") === name);
    if (custom) return customCell(custom, object, now);
    const cell = ofKind[`${info.kind} ${name}`] ?? ofAll[name];
    return shown(cell?.((path) => valueAt(object, path), object, now));
  });
}

const shown = (value: unknown): string | number =>
  typeof value === "number" ? value : value === undefined ? "" : String(value);

/** The value at "spec.names.kind"; undefined where there is none. */
export function valueAt(object: unknown, path: string): unknown {
  let value = object;
  for (const part of path.split("."))
    value = isRecord(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  return value;
}

/** A column that a CustomResourceDefinition asks for: its JSONPath, as far as tables use it. */
function customCell(
  { jsonPath, type }: { jsonPath: string; type: string },
  object: KubeObject,
  now: number,
): string | number {
  const value = jsonPathOf(object, jsonPath);
  if (type === "date") return typeof value === "string" ? since(value, now) : "";
  if (isRecord(value) || Array.isArray(value)) return JSON.stringify(value);
  return shown(value);
}

/** ".spec.size", ".status.conditions[?(@.type=="Ready")].status", ".spec.hosts[0]" */
function jsonPathOf(object: unknown, path: string): unknown {
  let value = object;
  for (const [, key, index, field, wanted] of path.matchAll(
    /\.([\w-]+)|\[(\d+|\*)\]|\[\?\(@\.(\w+)\s*==\s*["']([^"']*)["']\)\]/g,
  )) {
    if (key !== undefined) value = valueAt(value, key);
    else if (!Array.isArray(value)) return undefined;
    else if (index !== undefined) value = index === "*" ? value[0] : value[Number(index)];
    else value = value.find((one) => valueAt(one, field!) === wanted);
  }
  return value;
}

const list = (value: unknown): Fields[] =>
  (Array.isArray(value) ? value : []).map((one) => (isRecord(one) ? one : {}));
const count = (value: unknown): number =>
  isRecord(value) ? Object.keys(value).length : Array.isArray(value) ? value.length : 0;
const text = (value: unknown, otherwise = none): string =>
  value === undefined || value === "" || value === null ? otherwise : String(value);
const joined = (all: unknown[], otherwise = none): string => all.join(",") || otherwise;
const labels = (value: unknown): string => labelText(value as Record<string, string> | undefined);
const selected = (value: unknown): string => selectorText(value ?? {}) || none;
const condition = (object: unknown, type: string): unknown =>
  list(valueAt(object, "status.conditions")).find((one) => one["type"] === type)?.["status"];

const containers = (at: (path: string) => unknown): Fields[] =>
  list(
    at("spec.template.spec.containers") ??
      at("spec.jobTemplate.spec.template.spec.containers") ??
      at("template.spec.containers"),
  );

/** RWO for ReadWriteOnce */
const accessModes = (modes: unknown): string =>
  (Array.isArray(modes) ? modes : [])
    .map((mode) => String(mode).replace("WriteOncePod", "WOP").replace(/[a-z]/g, ""))
    .join(",");

const quantities = (hard: unknown, used: unknown, only: (name: string) => boolean): string =>
  Object.entries((hard ?? {}) as Fields)
    .filter(([name]) => only(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}: ${text(valueAt(used, name), "0")}/${text(value)}`)
    .join(", ");

const subjects = (object: KubeObject, kind: string): string =>
  list((object as unknown as Fields)["subjects"])
    .filter((one) => one["kind"] === kind)
    .map(({ namespace, name }) =>
      namespace === undefined ? name : `${String(namespace)}/${String(name)}`,
    )
    .join(", ");

const ofAll: Readonly<Record<string, Cell>> = {
  Name: (_, { metadata }) => metadata.name,
  Age: (_, object, now) => age(object, now),
  "Created At": (_, { metadata }) => metadata.creationTimestamp,
  Containers: (at) =>
    containers(at)
      .map(({ name }) => name)
      .join(","),
  Images: (at) =>
    containers(at)
      .map(({ image }) => image)
      .join(","),
  Selector: (at) =>
    isRecord(valueAt(at("spec.selector"), "matchLabels")) || at("spec.jobTemplate")
      ? selected(at("spec.selector"))
      : labels(at("spec.selector")),
  Data: (at) => count(at("data")) + count(at("binaryData")),
  Type: (at) => at("type") ?? at("spec.type"),
  Status: (at) => at("status.phase"),
  Webhooks: (at) => count(at("webhooks")),
  Desired: (at) => at("spec.replicas") ?? 0,
  Current: (at) => at("status.replicas") ?? 0,
  Ready: (at) => at("status.readyReplicas") ?? 0,
  Role: (at) => `${text(at("roleRef.kind"))}/${text(at("roleRef.name"))}`,
  Users: (_, object) => subjects(object, "User"),
  Groups: (_, object) => subjects(object, "Group"),
  ServiceAccounts: (_, object) => subjects(object, "ServiceAccount"),
  Validations: (at) => count(at("spec.validations")),
  ParamKind: (at) =>
    at("spec.paramKind")
      ? `${text(at("spec.paramKind.apiVersion"))}/${text(at("spec.paramKind.kind"))}`
      : "<unset>",
  PolicyName: (at) => at("spec.policyName"),
  Handler: (at) => at("handler"),
  Provisioner: (at) => at("provisioner"),
};

const ofKind: Readonly<Record<string, Cell>> = {
  "PersistentVolumeClaim Status": (at, { metadata }) =>
    metadata.deletionTimestamp ? "Terminating" : at("status.phase"),
  "PersistentVolumeClaim Volume": (at) => at("spec.volumeName"),
  "PersistentVolumeClaim Capacity": (at) =>
    at("spec.volumeName") ? valueAt(at("status.capacity"), "storage") : "",
  "PersistentVolumeClaim Access Modes": (at) =>
    at("spec.volumeName") ? accessModes(at("status.accessModes")) : "",
  "PersistentVolumeClaim StorageClass": (at) => at("spec.storageClassName") ?? "",
  "PersistentVolumeClaim VolumeAttributesClass": (at) =>
    text(at("spec.volumeAttributesClassName"), "<unset>"),
  "PersistentVolumeClaim VolumeMode": (at) => text(at("spec.volumeMode"), "<unset>"),
  "PersistentVolume Capacity": (at) => valueAt(at("spec.capacity"), "storage"),
  "PersistentVolume Access Modes": (at) => accessModes(at("spec.accessModes")),
  "PersistentVolume Reclaim Policy": (at) => at("spec.persistentVolumeReclaimPolicy"),
  "PersistentVolume Claim": (at) =>
    at("spec.claimRef")
      ? `${text(at("spec.claimRef.namespace"))}/${text(at("spec.claimRef.name"))}`
      : "",
  "PersistentVolume StorageClass": (at) => at("spec.storageClassName") ?? "",
  "PersistentVolume VolumeAttributesClass": (at) =>
    text(at("spec.volumeAttributesClassName"), "<unset>"),
  "PersistentVolume Reason": (at) => at("status.reason") ?? "",
  "PersistentVolume VolumeMode": (at) => text(at("spec.volumeMode"), "<unset>"),
  "PodTemplate Pod Labels": (at) => labels(at("template.metadata.labels")),
  "ResourceQuota Request": (at) =>
    quantities(at("spec.hard"), at("status.used"), (name) => !name.startsWith("limits")),
  "ResourceQuota Limit": (at) =>
    quantities(at("spec.hard"), at("status.used"), (name) => name.startsWith("limits")),
  "ControllerRevision Controller": (_, { metadata }) => {
    const owner = metadata.ownerReferences?.find(({ controller }) => controller);
    return owner ? `${owner.kind.toLowerCase()}.apps/${owner.name}` : none;
  },
  "ControllerRevision Revision": (at) => at("revision"),
  "DaemonSet Desired": (at) => at("status.desiredNumberScheduled") ?? 0,
  "DaemonSet Current": (at) => at("status.currentNumberScheduled") ?? 0,
  "DaemonSet Ready": (at) => at("status.numberReady") ?? 0,
  "DaemonSet Up-to-date": (at) => at("status.updatedNumberScheduled") ?? 0,
  "DaemonSet Available": (at) => at("status.numberAvailable") ?? 0,
  "DaemonSet Node Selector": (at) => labels(at("spec.template.spec.nodeSelector")),
  "DaemonSet Selector": (at) => selected(at("spec.selector")),
  "StatefulSet Ready": (at) =>
    `${text(at("status.readyReplicas"), "0")}/${text(at("spec.replicas"), "1")}`,
  "HorizontalPodAutoscaler Reference": (at) =>
    `${text(at("spec.scaleTargetRef.kind"))}/${text(at("spec.scaleTargetRef.name"))}`,
  "HorizontalPodAutoscaler Targets": (at) => targets(at("spec.metrics")),
  "HorizontalPodAutoscaler MinPods": (at) => text(at("spec.minReplicas"), "<unset>"),
  "HorizontalPodAutoscaler MaxPods": (at) => at("spec.maxReplicas"),
  "HorizontalPodAutoscaler Replicas": (at) => at("status.currentReplicas") ?? 0,
  "CronJob Schedule": (at) => at("spec.schedule"),
  "CronJob Timezone": (at) => text(at("spec.timeZone")),
  "CronJob Suspend": (at) => (at("spec.suspend") === true ? "True" : "False"),
  "CronJob Active": (at) => count(at("status.active")),
  "CronJob Last Schedule": (at, _, now) =>
    at("status.lastScheduleTime") ? since(at("status.lastScheduleTime") as string, now) : none,
  "CronJob Selector": (at) => selected(at("spec.jobTemplate.spec.selector")),
  "Job Status": (at, object) => jobStatus(at, object),
  "Job Completions": (at) => {
    const done = text(at("status.succeeded"), "0");
    if (at("spec.completions") !== undefined) return `${done}/${text(at("spec.completions"))}`;
    const parallel = Number(at("spec.parallelism") ?? 0);
    return parallel > 1 ? `${done}/1 of ${parallel}` : `${done}/1`;
  },
  "Job Duration": (at, _, now) => {
    const [start, end] = [at("status.startTime"), at("status.completionTime")];
    if (typeof start !== "string") return "";
    return since(start, typeof end === "string" ? Date.parse(end) : now);
  },
  "Job Selector": (at) => selected(at("spec.selector")),
  "CertificateSigningRequest SignerName": (at) => text(at("spec.signerName")),
  "CertificateSigningRequest Requestor": (at) => at("spec.username"),
  "CertificateSigningRequest RequestedDuration": (at) => text(at("spec.expirationSeconds")),
  "CertificateSigningRequest Condition": (at) =>
    joined(
      list(at("status.conditions")).map(({ type }) => type),
      "Pending",
    ),
  "FlowSchema PriorityLevel": (at) => at("spec.priorityLevelConfiguration.name"),
  "FlowSchema MatchingPrecedence": (at) => at("spec.matchingPrecedence"),
  "FlowSchema DistinguisherMethod": (at) => text(at("spec.distinguisherMethod.type")),
  "FlowSchema MissingPL": (_, object) => text(condition(object, "Dangling"), "?"),
  "PriorityLevelConfiguration NominalConcurrencyShares": (at) =>
    text(at("spec.limited.nominalConcurrencyShares") ?? at("spec.exempt.nominalConcurrencyShares")),
  "PriorityLevelConfiguration Queues": (at) =>
    text(at("spec.limited.limitResponse.queuing.queues")),
  "PriorityLevelConfiguration HandSize": (at) =>
    text(at("spec.limited.limitResponse.queuing.handSize")),
  "PriorityLevelConfiguration QueueLengthLimit": (at) =>
    text(at("spec.limited.limitResponse.queuing.queueLengthLimit")),
  "IngressClass Controller": (at) => at("spec.controller"),
  "IngressClass Parameters": (at) =>
    at("spec.parameters")
      ? `${text(at("spec.parameters.kind"))}${at("spec.parameters.apiGroup") ? `.${text(at("spec.parameters.apiGroup"))}` : ""}/${text(at("spec.parameters.name"))}`
      : none,
  "Ingress Class": (at, { metadata }) =>
    text(at("spec.ingressClassName") ?? metadata.annotations?.["kubernetes.io/ingress.class"]),
  "Ingress Hosts": (at) =>
    few(
      list(at("spec.rules")).flatMap(({ host }) => (host ? [String(host as Value)] : [])),
      "*",
    ),
  "Ingress Address": (at) =>
    joined(
      list(at("status.loadBalancer.ingress")).map(({ ip, hostname }) => ip ?? hostname),
      "",
    ),
  "Ingress Ports": (at) => (count(at("spec.tls")) > 0 ? "80, 443" : "80"),
  "IPAddress ParentRef": (at) => {
    const { group = "", resource, namespace, name } = (at("spec.parentRef") ?? {}) as Fields;
    return [`${text(resource, "")}${group ? `.${text(group)}` : ""}`, namespace, name]
      .filter(Boolean)
      .join("/");
  },
  "NetworkPolicy Pod-Selector": (at) => selected(at("spec.podSelector")),
  "ServiceCIDR CIDRs": (at) => joined((at("spec.cidrs") as string[] | undefined) ?? []),
  "PodDisruptionBudget Min Available": (at) => text(at("spec.minAvailable"), "N/A"),
  "PodDisruptionBudget Max Unavailable": (at) => text(at("spec.maxUnavailable"), "N/A"),
  "PodDisruptionBudget Allowed Disruptions": (at) => at("status.disruptionsAllowed") ?? 0,
  "ResourceClaim State": (at) => (at("status.allocation") ? "allocated" : "pending"),
  "ResourceSlice Node": (at) => text(at("spec.nodeName"), "<unset>"),
  "ResourceSlice Driver": (at) => at("spec.driver"),
  "ResourceSlice Pool": (at) => at("spec.pool.name"),
  "PriorityClass Value": (at) => at("value") ?? 0,
  "PriorityClass Global-Default": (at) => String(at("globalDefault") === true),
  "PriorityClass PreemptionPolicy": (at) => at("preemptionPolicy"),
  "CSIDriver AttachRequired": (at) => String(at("spec.attachRequired") !== false),
  "CSIDriver PodInfoOnMount": (at) => String(at("spec.podInfoOnMount") === true),
  "CSIDriver StorageCapacity": (at) => String(at("spec.storageCapacity") === true),
  "CSIDriver TokenRequests": (at) =>
    joined(
      list(at("spec.tokenRequests")).map(({ audience }) => audience),
      "<unset>",
    ),
  "CSIDriver RequiresRepublish": (at) => String(at("spec.requiresRepublish") === true),
  "CSIDriver Modes": (at) => joined((at("spec.volumeLifecycleModes") as string[]) ?? []),
  "CSINode Drivers": (at) => count(at("spec.drivers")),
  "CSIStorageCapacity StorageClassName": (at) => at("storageClassName"),
  "CSIStorageCapacity Capacity": (at) => text(at("capacity"), "0"),
  "StorageClass Name": (_, { metadata: { name, annotations } }) =>
    annotations?.["storageclass.kubernetes.io/is-default-class"] === "true"
      ? `${name} (default)`
      : name,
  "StorageClass ReclaimPolicy": (at) => text(at("reclaimPolicy"), "Delete"),
  "StorageClass VolumeBindingMode": (at) => text(at("volumeBindingMode"), "Immediate"),
  "StorageClass AllowVolumeExpansion": (at) => String(at("allowVolumeExpansion") === true),
  "VolumeAttachment Attacher": (at) => at("spec.attacher"),
  "VolumeAttachment PV": (at) => at("spec.source.persistentVolumeName") ?? "",
  "VolumeAttachment Node": (at) => at("spec.nodeName"),
  "VolumeAttachment Attached": (at) => String(at("status.attached") === true),
  "VolumeAttributesClass DriverName": (at) => at("driverName"),
  "ValidatingAdmissionPolicyBinding ParamRef": (at) =>
    at("spec.paramRef")
      ? `${text(at("spec.paramRef.namespace"), "*")}/${text(at("spec.paramRef.name"), "*")}`
      : "<unset>",
  "APIService Service": (at) =>
    at("spec.service")
      ? `${text(at("spec.service.namespace"))}/${text(at("spec.service.name"))}`
      : "Local",
  "APIService Available": (_, object) => text(condition(object, "Available"), "Unknown"),
};

function jobStatus(at: (path: string) => unknown, object: KubeObject): string {
  if (condition(object, "Complete") === "True") return "Complete";
  if (condition(object, "Failed") === "True") return "Failed";
  if (object.metadata.deletionTimestamp) return "Terminating";
  if (at("spec.suspend") === true) return "Suspended";
  return "Running";
}

/** "cpu: <unknown>/80%" */
function targets(metrics: unknown): string {
  const all = list(metrics).map((metric) => {
    const target = (valueAt(metric, "resource.target") ?? {}) as Fields;
    const name = text(valueAt(metric, "resource.name"), text(metric["type"]));
    const wanted =
      target["averageUtilization"] === undefined
        ? text(target["averageValue"])
        : `${text(target["averageUtilization"])}%`;
    return `${name}: <unknown>/${wanted}`;
  });
  return all.length > 2 ? `${all.slice(0, 2).join(", ")} + ${all.length - 2} more...` : joined(all);
}
