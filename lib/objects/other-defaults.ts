/**
 * What kube-apiserver fills into objects of the kinds that are stored only. (kubernetes:
 * pkg/apis, the defaults.go of each group)
 */
import { podTemplate } from "./defaulting.js";
import { isRecord, same } from "./freeze.js";
import { kindOf } from "./kinds.js";
import { canonical } from "./quantity.js";
import type { KubeObject, PodTemplate } from "./types.js";

export type Fields = Record<string, unknown>;

/**
 * Kind -> path -> what stands there where nothing does, if the object above it is there. Who knows
 * kinds that only a server's clients write adds them (stored-defaults.ts).
 */
export const defaults: Record<string, Readonly<Record<string, unknown>>> = {
  Secret: { type: "Opaque" },
  PersistentVolumeClaim: { "spec.volumeMode": "Filesystem", status: { phase: "Pending" } },
  PersistentVolume: {
    "spec.hostPath.type": "",
    "spec.iscsi.iscsiInterface": "default",
    "spec.rbd.pool": "rbd",
    "spec.rbd.user": "admin",
    "spec.rbd.keyring": "/etc/ceph/keyring",
    "spec.azureDisk.cachingMode": "ReadWrite",
    "spec.azureDisk.kind": "Shared",
    "spec.azureDisk.fsType": "ext4",
    "spec.azureDisk.readOnly": false,
    "spec.scaleIO.storageMode": "ThinProvisioned",
    "spec.scaleIO.fsType": "xfs",
    "spec.volumeMode": "Filesystem",
    "spec.persistentVolumeReclaimPolicy": "Retain",
    status: { phase: "Pending" },
  },
  ReplicationController: { "spec.replicas": 1, status: { replicas: 0 } },
  StatefulSet: {
    "spec.replicas": 1,
    "spec.serviceName": "",
    "spec.ordinals.start": 0,
    "spec.podManagementPolicy": "OrderedReady",
    "spec.revisionHistoryLimit": 10,
    "spec.updateStrategy": {},
    "spec.updateStrategy.type": "RollingUpdate",
    "spec.persistentVolumeClaimRetentionPolicy": {},
    "spec.persistentVolumeClaimRetentionPolicy.whenDeleted": "Retain",
    "spec.persistentVolumeClaimRetentionPolicy.whenScaled": "Retain",
    status: { replicas: 0, availableReplicas: 0 },
  },
  DaemonSet: {
    "spec.revisionHistoryLimit": 10,
    "spec.updateStrategy": {},
    "spec.updateStrategy.type": "RollingUpdate",
    status: {
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
    },
  },
  Job: {
    "spec.parallelism": 1,
    "spec.completionMode": "NonIndexed",
    "spec.suspend": false,
    "spec.manualSelector": false,
    status: {},
  },
  CronJob: {
    "spec.concurrencyPolicy": "Allow",
    "spec.suspend": false,
    "spec.successfulJobsHistoryLimit": 3,
    "spec.failedJobsHistoryLimit": 1,
    "spec.jobTemplate.metadata": {},
    "spec.jobTemplate.spec.template.metadata": {},
    status: {},
  },
  HorizontalPodAutoscaler: {
    "spec.minReplicas": 1,
    "spec.metrics": [
      {
        type: "Resource",
        resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
      },
    ],
    status: { desiredReplicas: 0, currentMetrics: null },
  },
  PodDisruptionBudget: {
    status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
  },
  Ingress: { status: { loadBalancer: {} } },
  StorageClass: { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" },
  PriorityClass: { preemptionPolicy: "PreemptLowerPriority" },
  RoleBinding: { "roleRef.apiGroup": "rbac.authorization.k8s.io" },
  ClusterRoleBinding: { "roleRef.apiGroup": "rbac.authorization.k8s.io" },
  CSIDriver: {
    "spec.attachRequired": true,
    "spec.podInfoOnMount": false,
    "spec.fsGroupPolicy": "ReadWriteOnceWithFSType",
    "spec.storageCapacity": false,
    "spec.requiresRepublish": false,
    "spec.seLinuxMount": false,
    "spec.volumeLifecycleModes": ["Persistent"],
  },
};

/** The object with what it leaves out. */
export function withOtherDefaults(object: KubeObject): KubeObject {
  if (kindOf(object)?.type === undefined) return object; // somebody's own kind, of whatever name
  const own = ofKind[object.kind];
  let filled = own ? own(object as unknown as Fields) : (object as unknown as Fields);
  for (const [path, value] of Object.entries(defaults[object.kind] ?? {}))
    filled = withDefault(filled, path.split("."), value);
  const places = object.kind === "PodTemplate" ? ["template"] : templates;
  for (const path of places)
    filled = changed(filled, path.split("."), (part) =>
      podTemplate(part as unknown as PodTemplate),
    );
  return filled as unknown as KubeObject;
}

/** Where most kinds have the template of their Pods. */
const templates = ["spec.template", "spec.jobTemplate.spec.template"];

export function withDefault(record: Fields, [key = "", ...rest]: string[], value: unknown): Fields {
  if (rest.length === 0) {
    const isUnset = record[key] === undefined || (record[key] === "" && !pointers.has(key));
    return isUnset ? { ...record, [key]: value } : record;
  }
  const part = record[key];
  return isRecord(part) ? { ...record, [key]: withDefault(part, rest, value) } : record;
}

/** Go has pointers here: what is empty says something. */
const pointers = new Set(
  "completionMode podReplacementPolicy preemptionPolicy reclaimPolicy volumeBindingMode volumeMode".split(
    " ",
  ),
);

/** What is at the path, made anew; nothing where nothing is there. */
export function changed(
  record: Fields,
  [key = "", ...rest]: string[],
  make: (part: Fields) => unknown,
): Fields {
  const part = record[key];
  if (!isRecord(part)) return record;
  return { ...record, [key]: rest.length === 0 ? make(part) : changed(part, rest, make) };
}

export const ofKind: Record<string, (object: Fields) => Fields> = {
  Secret: inBase64,
  StatefulSet: (object) => changed(object, ["spec"], withStatefulDefaults),
  DaemonSet: (object) => rolling(object, { maxSurge: 0, maxUnavailable: 1 }),
  Job: (object) => withTemplatesLabels(changed(object, ["spec"], withJobDefaults)),
  ReplicationController: withOldSelector,
  NetworkPolicy: (object) => changed(object, ["spec"], withPolicyDefaults),
  HorizontalPodAutoscaler: (object) => changed(object, ["spec", "behavior"], withScalingRules),
  RoleBinding: withGroups,
  ClusterRoleBinding: withGroups,
};

/** How a set's Pods are replaced, where they are one after the other. */
function rolling(object: Fields, rollingUpdate: Fields): Fields {
  return changed(object, ["spec"], (spec) => {
    const strategy = isRecord(spec["updateStrategy"]) ? spec["updateStrategy"] : {};
    if ((strategy["type"] ?? "RollingUpdate") !== "RollingUpdate") return spec;
    const given = isRecord(strategy["rollingUpdate"]) ? strategy["rollingUpdate"] : {};
    return {
      ...spec,
      updateStrategy: { ...strategy, rollingUpdate: { ...rollingUpdate, ...given } },
    };
  });
}

/** Claims stand in a StatefulSet as objects of their own. */
function withStatefulDefaults(spec: Fields): Fields {
  const { spec: rolled } = rolling({ spec }, { partition: 0 }) as { spec: Fields };
  // MaxUnavailableStatefulSet is off
  const filled = changed(rolled, ["updateStrategy", "rollingUpdate"], (one) => {
    const { maxUnavailable: _, ...rest } = one;
    return rest;
  });
  const claims = filled["volumeClaimTemplates"];
  if (!Array.isArray(claims)) return filled;
  const volumeClaimTemplates = claims.map((claim: Fields) =>
    withOtherDefaults({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      ...claim,
    } as unknown as KubeObject),
  );
  return { ...filled, volumeClaimTemplates };
}

const MANY = 2 ** 31 - 1;

/** (pkg/apis/batch/v1/defaults.go, SetDefaults_Job) */
function withJobDefaults(spec: Fields): Fields {
  const isAlone = spec["completions"] === undefined && spec["parallelism"] === undefined;
  const replaced = spec["podFailurePolicy"] ? "Failed" : "TerminatingOrFailed";
  const filled = changed(spec, ["podFailurePolicy"], withConditionsTrue);
  return {
    ...(isAlone && { completions: 1 }),
    backoffLimit: spec["backoffLimitPerIndex"] === undefined ? 6 : MANY,
    podReplacementPolicy: replaced,
    ...filled,
  };
}

const withConditionsTrue = (policy: Fields): Fields => {
  const { rules } = policy;
  if (!Array.isArray(rules)) return policy;
  const filled = rules.map((rule: Fields) =>
    Array.isArray(rule["onPodConditions"])
      ? {
          ...rule,
          onPodConditions: rule["onPodConditions"].map((one: Fields) =>
            one["status"] ? one : { ...one, status: "True" },
          ),
        }
      : rule,
  );
  return { ...policy, rules: filled };
};

const labelsOf = (object: Fields): Fields => {
  const { metadata } = object;
  const labels = isRecord(metadata) ? metadata["labels"] : undefined;
  return isRecord(labels) ? labels : {};
};

const templateOf = (object: Fields): Fields => {
  const template = isRecord(object["spec"]) ? object["spec"]["template"] : undefined;
  return isRecord(template) ? template : {};
};

/** Old kinds have their template's labels, where they have none of their own. */
function withTemplatesLabels(object: Fields): Fields {
  const labels = labelsOf(templateOf(object));
  if (Object.keys(labelsOf(object)).length > 0 || Object.keys(labels).length === 0) return object;
  return changed(object, ["metadata"], (metadata) => ({ ...metadata, labels }));
}

/** (pkg/apis/core/v1/defaults.go, SetDefaults_ReplicationController) */
function withOldSelector(object: Fields): Fields {
  const labels = labelsOf(templateOf(object));
  if (Object.keys(labels).length === 0) return object;
  const selecting = changed(object, ["spec"], (spec) => {
    const selector = isRecord(spec["selector"]) ? spec["selector"] : {};
    return Object.keys(selector).length > 0 ? spec : { ...spec, selector: labels };
  });
  return withTemplatesLabels(selecting);
}

/** What a new object gets besides. */
export function withOwn(object: KubeObject): KubeObject {
  return object.kind === "Namespace" ? held(object) : withSelector(object);
}

/** (pkg/registry/core/namespace/strategy.go, PrepareForCreate) */
function held(namespace: KubeObject): KubeObject {
  const { spec } = namespace as KubeObject & { spec?: { finalizers?: string[] } };
  const { finalizers = [] } = spec ?? {};
  if (finalizers.includes("kubernetes")) return namespace;
  return {
    ...namespace,
    spec: { ...spec, finalizers: [...finalizers, "kubernetes"] },
  } as KubeObject;
}

/** A new Job selects its Pods by its uid. (pkg/registry/batch/job/strategy.go, generateSelector) */
function withSelector(object: KubeObject): KubeObject {
  const { spec, metadata } = object as KubeObject & { spec?: Fields };
  if (object.kind !== "Job" || !isRecord(spec) || spec["manualSelector"] === true) return object;
  const { name, uid = "" } = metadata;
  const labels = {
    "job-name": name,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "batch.kubernetes.io/controller-uid": uid,
    ...labelsOf(templateOf(object as unknown as Fields)),
  };
  const selector = isRecord(spec["selector"]) ? spec["selector"] : {};
  const own = isRecord(selector["matchLabels"]) ? selector["matchLabels"] : {};
  const matchLabels = { "batch.kubernetes.io/controller-uid": uid, ...own };
  const template = templateOf(object as unknown as Fields);
  const isLabelled = metadata.labels && Object.keys(metadata.labels).length > 0;
  // upstream, a Job without labels shares its template's
  const shares = !isLabelled || same(metadata.labels, labelsOf(template));
  return {
    ...object,
    metadata: shares ? { ...metadata, labels } : metadata,
    spec: {
      ...spec,
      selector: { ...selector, matchLabels },
      template: {
        ...template,
        metadata: { ...(template["metadata"] as Fields | undefined), labels },
      },
    },
  } as KubeObject;
}

/** stringData is written only: it becomes data. */
function inBase64({ stringData, ...object }: Fields): Fields {
  if (!isRecord(stringData)) return object;
  const encoded = Object.entries(stringData).map(([key, text]) => [key, base64(String(text))]);
  const data = isRecord(object["data"]) ? object["data"] : {};
  return { ...object, data: { ...data, ...Object.fromEntries(encoded) } };
}

const base64 = (text: string): string =>
  btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));

/** (pkg/apis/networking/v1/defaults.go, SetDefaults_NetworkPolicy) */
function withPolicyDefaults(given: Fields): Fields {
  const spec = { podSelector: {}, ...given };
  for (const name of ["ingress", "egress"])
    if (Array.isArray(given[name])) (spec as Fields)[name] = given[name].map(withProtocols);
  return withPolicyTypes(spec);
}

function withProtocols(rule: Fields): Fields {
  const { ports } = rule;
  if (!Array.isArray(ports)) return rule;
  return { ...rule, ports: ports.map((port: Fields) => ({ protocol: "TCP", ...port })) };
}

/** (pkg/apis/autoscaling/v2/defaults.go, GenerateHPAScaleUpRules, GenerateHPAScaleDownRules) */
function withScalingRules({ scaleUp, scaleDown, ...rest }: Fields): Fields {
  const given = (rules: unknown) => {
    const own = isRecord(rules) ? rules : {};
    const { tolerance } = own;
    return typeof tolerance === "string" ? { ...own, tolerance: canonical(tolerance) } : own;
  };
  const byShare = { type: "Percent", value: 100, periodSeconds: 15 };
  return {
    ...rest,
    scaleUp: {
      stabilizationWindowSeconds: 0,
      selectPolicy: "Max",
      policies: [{ type: "Pods", value: 4, periodSeconds: 15 }, byShare],
      ...given(scaleUp),
    },
    scaleDown: { selectPolicy: "Max", policies: [byShare], ...given(scaleDown) },
  };
}

function withPolicyTypes(spec: Fields): Fields {
  const { policyTypes } = spec;
  if (Array.isArray(policyTypes) && policyTypes.length > 0) return spec;
  const egress = Array.isArray(spec["egress"]) && spec["egress"].length > 0 ? ["Egress"] : [];
  return { ...spec, policyTypes: ["Ingress", ...egress] };
}

function withGroups(object: Fields): Fields {
  const subjects = object["subjects"];
  if (!Array.isArray(subjects)) return object;
  const group = (kind: unknown) => (kind === "ServiceAccount" ? "" : "rbac.authorization.k8s.io");
  return {
    ...object,
    subjects: subjects.map((one: Fields) =>
      one["apiGroup"] === undefined && group(one["kind"])
        ? { ...one, apiGroup: group(one["kind"]) }
        : one,
    ),
  };
}
