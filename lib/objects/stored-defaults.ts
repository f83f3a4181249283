/**
 * What kube-apiserver fills into objects that only a server's clients write: a page does without.
 * (kubernetes: pkg/apis, the defaults.go of each group)
 */
import { defaultsByKind } from "./defaulting.js";
import { isRecord } from "./freeze.js";
import type { Lease } from "./types.js";
import { selectable } from "./selectors.js";
import { changed, defaults, ofKind, withDefault, type Fields } from "./other-defaults.js";

Object.assign(defaults, {
  CustomResourceDefinition: { "spec.conversion": { strategy: "None" } },
  FlowSchema: { "spec.matchingPrecedence": 1000 },
  PriorityLevelConfiguration: {
    "spec.limited.nominalConcurrencyShares": 30,
    "spec.limited.lendablePercent": 0,
    "spec.limited.limitResponse": {},
    "spec.limited.limitResponse.queuing.queues": 64,
    "spec.limited.limitResponse.queuing.handSize": 8,
    "spec.limited.limitResponse.queuing.queueLengthLimit": 50,
    "spec.exempt.nominalConcurrencyShares": 0,
    "spec.exempt.lendablePercent": 0,
  },
  ResourceClaimTemplate: { "spec.metadata": {} },
  APIService: { "spec.service.port": 443 },
  ValidatingAdmissionPolicyBinding: {
    "spec.matchResources.matchPolicy": "Equivalent",
    "spec.matchResources.namespaceSelector": {},
    "spec.matchResources.objectSelector": {},
  },
  ValidatingAdmissionPolicy: {
    "spec.failurePolicy": "Fail",
    "spec.matchConstraints.matchPolicy": "Equivalent",
    "spec.matchConstraints.namespaceSelector": {},
    "spec.matchConstraints.objectSelector": {},
  },
});

Object.assign(ofKind, {
  LimitRange: (object) => each(object, ["spec", "limits"], withLimits),
  PersistentVolumeClaim: (object) => changed(object, ["spec"], withSources),
  CustomResourceDefinition: (object) => changed(object, ["spec", "names"], withListKind),
  ValidatingAdmissionPolicy: (object) =>
    each(object, ["spec", "matchConstraints", "resourceRules"], withScope),
  ValidatingWebhookConfiguration: (object) => each(object, ["webhooks"], withWebhookDefaults),
  MutatingWebhookConfiguration: (object) =>
    each(object, ["webhooks"], (one) => ({
      reinvocationPolicy: "Never",
      ...withWebhookDefaults(one),
    })),
  ResourceSlice: (object) =>
    each(object, ["spec", "devices"], ({ taints: _, ...device }) => device),
  ResourceClaim: (object) => each(object, ["spec", "devices", "requests"], withAllocation),
  ResourceClaimTemplate: (object) =>
    each(object, ["spec", "spec", "devices", "requests"], withAllocation),
} satisfies typeof ofKind);

defaultsByKind["Lease"] = (lease: Lease) =>
  changed(lease as unknown as Fields, ["spec"], withoutElection) as unknown as Lease;

/** Each of a list that stands at the path, made anew. */
function each(object: Fields, path: string[], make: (one: Fields) => Fields): Fields {
  const [key = ""] = path.slice(-1);
  const within = (part: Fields): Fields =>
    Array.isArray(part[key])
      ? { ...part, [key]: part[key].map((one: unknown) => (isRecord(one) ? make(one) : one)) }
      : part;
  return path.length === 1 ? within(object) : changed(object, path.slice(0, -1), within);
}

/** (pkg/apis/core/v1/defaults.go, SetDefaults_LimitRangeItem) */
function withLimits(limit: Fields): Fields {
  if (limit["type"] !== "Container") return limit;
  const list = (name: string): Fields => (isRecord(limit[name]) ? limit[name] : {});
  const most = { ...list("max"), ...list("default") };
  const requests = { ...list("min"), ...most, ...list("defaultRequest") };
  const some = (name: string, amounts: Fields) =>
    Object.keys(amounts).length > 0 ? { [name]: amounts } : {};
  return { ...limit, ...some("default", most), ...some("defaultRequest", requests) };
}

/** What a claim is filled from is a claim or a snapshot. (pkg/api/persistentvolumeclaim/util.go) */
function withSources({ dataSource, ...spec }: Fields): Fields {
  if (!isRecord(dataSource))
    return dataSource === undefined ? fromRef(spec) : { ...spec, dataSource };
  if (!isClaimOrSnapshot(dataSource)) return spec;
  return { ...spec, dataSource, dataSourceRef: spec["dataSourceRef"] ?? dataSource };
}

const isClaimOrSnapshot = ({ kind, apiGroup = "" }: Fields): boolean =>
  (kind === "PersistentVolumeClaim" && apiGroup === "") ||
  (kind === "VolumeSnapshot" && apiGroup === "snapshot.storage.k8s.io");

/** The newer field stands for the older one, too. (NormalizeDataSources) */
function fromRef(spec: Fields): Fields {
  const { dataSourceRef: ref } = spec;
  if (!isRecord(ref) || ref["namespace"] !== undefined) return spec;
  return isClaimOrSnapshot(ref) ? { ...spec, dataSource: ref } : spec;
}

/** (pkg/apis/apiextensions/v1/defaults.go) */
const withListKind = (names: Fields): Fields => ({
  ...names,
  singular: names["singular"] || String(names["kind"] ?? "").toLowerCase(),
  listKind: names["listKind"] || `${String(names["kind"] ?? "")}List`,
});

/** Fields of CoordinatedLeaderElection, which is off. */
const withoutElection = ({ strategy: _, preferredHolder: __, ...spec }: Fields): Fields => spec;

const withScope = (rule: Fields): Fields => ({ scope: "*", ...rule });

/** (pkg/apis/admissionregistration/v1/defaults.go) */
function withWebhookDefaults(webhook: Fields): Fields {
  const filled = {
    failurePolicy: "Fail",
    matchPolicy: "Equivalent",
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
    ...webhook,
  };
  const service = withDefault(filled, ["clientConfig", "service", "port"], 443);
  return each(service, ["rules"], withScope);
}

/** (pkg/apis/resource/v1/defaults.go) */
const withAllocation = (request: Fields): Fields =>
  each(changed(request, ["exactly"], allocated), ["firstAvailable"], allocated);

/** DRADeviceTaints is off. */
function allocated({ tolerations: _, ...request }: Fields): Fields {
  const mode = request["allocationMode"] || "ExactCount";
  const isCounted = mode === "ExactCount" && !request["count"];
  return { ...request, allocationMode: mode, ...(isCounted && { count: 1 }) };
}

/** By which fields of such objects lists can be selected. */
Object.assign(selectable, {
  Secret: ["type"],
  ReplicationController: ["status.replicas"],
  Job: ["status.successful"],
  CertificateSigningRequest: ["spec.signerName"],
});
