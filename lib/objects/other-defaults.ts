/**
 * What kube-apiserver fills into objects of the kinds that are stored only. (kubernetes:
 * pkg/apis, the defaults.go of each group)
 */
import { podTemplate } from "./defaulting.js";
import { isRecord } from "./freeze.js";
import type { KubeObject, PodTemplate } from "./types.js";

type Fields = Record<string, unknown>;

/** Kind -> path -> what stands there where nothing does, if the object above it is there. */
const defaults: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  Secret: { type: "Opaque" },
  PersistentVolumeClaim: { "spec.volumeMode": "Filesystem", status: { phase: "Pending" } },
  PersistentVolume: {
    "spec.volumeMode": "Filesystem",
    "spec.persistentVolumeReclaimPolicy": "Retain",
    status: { phase: "Pending" },
  },
  ReplicationController: { "spec.replicas": 1, status: { replicas: 0 } },
  StatefulSet: {
    "spec.replicas": 1,
    "spec.podManagementPolicy": "OrderedReady",
    "spec.revisionHistoryLimit": 10,
    "spec.updateStrategy": { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
    "spec.persistentVolumeClaimRetentionPolicy": { whenDeleted: "Retain", whenScaled: "Retain" },
    status: { replicas: 0, availableReplicas: 0 },
  },
  DaemonSet: {
    "spec.revisionHistoryLimit": 10,
    "spec.updateStrategy": {
      type: "RollingUpdate",
      rollingUpdate: { maxSurge: 0, maxUnavailable: 1 },
    },
    status: {
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
    },
  },
  Job: {
    "spec.completions": 1,
    "spec.parallelism": 1,
    "spec.backoffLimit": 6,
    "spec.completionMode": "NonIndexed",
    "spec.suspend": false,
    "spec.manualSelector": false,
    "spec.podReplacementPolicy": "TerminatingOrFailed",
    status: {},
  },
  CronJob: {
    "spec.concurrencyPolicy": "Allow",
    "spec.suspend": false,
    "spec.successfulJobsHistoryLimit": 3,
    "spec.failedJobsHistoryLimit": 1,
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
  const own = ofKind[object.kind];
  let filled = own ? own(object as unknown as Fields) : (object as unknown as Fields);
  for (const [path, value] of Object.entries(defaults[object.kind] ?? {}))
    filled = withDefault(filled, path.split("."), value);
  for (const path of ["spec.template", "spec.jobTemplate.spec.template"])
    filled = changed(filled, path.split("."), (part) =>
      podTemplate(part as unknown as PodTemplate),
    );
  return filled as unknown as KubeObject;
}

function withDefault(record: Fields, [key = "", ...rest]: string[], value: unknown): Fields {
  if (rest.length === 0)
    return record[key] === undefined || record[key] === "" ? { ...record, [key]: value } : record;
  const part = record[key];
  return isRecord(part) ? { ...record, [key]: withDefault(part, rest, value) } : record;
}

/** What is at the path, made anew; nothing where nothing is there. */
function changed(
  record: Fields,
  [key = "", ...rest]: string[],
  make: (part: Fields) => unknown,
): Fields {
  const part = record[key];
  if (!isRecord(part)) return record;
  return { ...record, [key]: rest.length === 0 ? make(part) : changed(part, rest, make) };
}

const ofKind: Readonly<Record<string, (object: Fields) => Fields>> = {
  Secret: inBase64,
  NetworkPolicy: (object) => changed(object, ["spec"], withPolicyTypes),
  RoleBinding: withGroups,
  ClusterRoleBinding: withGroups,
};

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
function withPolicyTypes(spec: Fields): Fields {
  if (spec["policyTypes"] !== undefined) return spec;
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
