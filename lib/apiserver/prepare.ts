import { defaulted, defaultedStatus, tolerant } from "../objects/defaulting.js";
import { frozen, same } from "../objects/freeze.js";
import { isPod, isService, kindOf, specOf, type KindInfo } from "../objects/kinds.js";
import { otherKinds } from "../objects/others.js";
import { qosClass } from "../objects/pod-resources.js";
import type {
  Condition,
  IPFamily,
  KubeObject,
  ObjectMeta,
  Pod,
  Service,
} from "../objects/types.js";
import type { FieldError } from "../objects/validation.js";
import type { Subresource } from "../api/client.js";
import * as errors from "../api/errors.js";
import { prepareService } from "./services.js";
import type { Stamps } from "./stamps.js";
import { subresources } from "./subresources.js";

/**
 * A new object as it will be stored, but for what the allocators give, and what is wrong with it so
 * far. `named`: with its first metadata; it is the server's own and not frozen.
 */
export function prepareCreate(
  info: KindInfo,
  named: KubeObject,
  stamps: Stamps,
  families: readonly IPFamily[],
): [KubeObject, FieldError[]] {
  const fresh = created(info, admitted(named));
  const status = statusAtFirst(fresh, stamps);
  if (status) (fresh as { status?: object }).status = status; // it is a copy, or a copy of that
  if (!isService(fresh)) return [fresh, []];
  const { service, errors: problems } = prepareService(fresh as Service, families);
  return [service, problems];
}

/**
 * What the client asks for, and what the server gives each new object. `isOwn`: the client lets go
 * of what it asks for, so that it need not be copied; where a name is to be made, it may be made
 * again.
 */
export function firstMetadata(
  info: KindInfo,
  asked: ObjectMeta,
  stamps: Stamps,
  isOwn = false,
): ObjectMeta {
  if (asked.resourceVersion)
    throw errors.unexpected("resourceVersion should not be set on objects to be created");
  const isKept = isOwn && Boolean(asked.name) && !Object.isFrozen(asked);
  const metadata = withoutEmpty(withoutServersOwn(asked, isKept));
  const { name, namespace, generateName } = asked;
  metadata.name = name || (generateName ? generateName.slice(0, 58) + stamps.suffix() : "");
  if (info.namespaced) metadata.namespace = namespace || "default";
  metadata.uid = stamps.uid();
  metadata.creationTimestamp = stamps.now();
  if (info.generation) metadata.generation = 1;
  return metadata;
}

/** Without what only the server sets: a copy, or itself. */
function withoutServersOwn(meta: ObjectMeta, isKept: boolean): ObjectMeta {
  if (!serversOwn.some((field) => meta[field] !== undefined)) return isKept ? meta : { ...meta };
  const {
    resourceVersion: _,
    uid: __,
    deletionTimestamp: ___,
    deletionGracePeriodSeconds: ____,
    ...rest
  } = meta;
  return rest;
}

const serversOwn = [
  "resourceVersion",
  "uid",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
] as const;

const created = ({ isModelled }: KindInfo, object: KubeObject): KubeObject =>
  isModelled && object.kind !== "Namespace" ? object : otherKinds.created(object);

function statusAtFirst(object: KubeObject, stamps: Stamps): object | undefined {
  return kindOf(object)?.isModelled
    ? firstStatus[object.kind]?.(object as never, stamps.now())
    : otherKinds.firstStatus(object, stamps.now());
}

/** Defaulted, and with what admission adds. */
function admitted(object: KubeObject): KubeObject {
  const defaults = defaulted(object);
  return isPod(defaults) ? tolerant(defaults as Pod) : defaults;
}

/** (pkg/registry/core/pod/strategy.go, applySchedulingGatedCondition) */
const gated: Condition = {
  type: "PodScheduled",
  status: "False",
  reason: "SchedulingGated",
  message: "Scheduling is blocked due to non-empty scheduling gates",
};

/** What a new object's status is, whatever came; a Node may bring its own, as kubelets do. */
const firstStatus: Record<string, (object: never, now: string) => object> = {
  Pod: (pod: Pod, now: string) =>
    pod.spec.schedulingGates?.length
      ? {
          ...statusOfClass.get(qosClass(pod))!,
          conditions: [{ ...gated, lastTransitionTime: now }],
        }
      : statusOfClass.get(qosClass(pod))!,
  Service: () => ({ loadBalancer: {} }),
  Deployment: () => ({}),
  ReplicaSet: () => ({ replicas: 0 }),
};

/** What an update makes of `old`: what the server owns stays as it was. */
export function prepareUpdate(
  info: KindInfo,
  old: KubeObject,
  wanted: KubeObject,
  subresource: Subresource | "finalize" | undefined,
  families: readonly IPFamily[],
): [KubeObject, FieldError[]] {
  if (subresource === "status")
    return [
      // a struct in Go: where none comes, it is empty
      defaultedStatus({
        ...old,
        metadata: besideStatus(info, old, wanted),
        status: (wanted as { status?: object }).status ?? {},
      } as KubeObject),
      [],
    ];
  const part = subresources.parts[subresource ?? ""];
  if (part) wanted = part.of(old, wanted);
  let next: KubeObject = admitted({ ...wanted, metadata: nextMetadata(old, wanted) });
  if (isPod(next)) next = asImportant(next as Pod, old as Pod);
  // pkg/registry/core/namespace: who else writes it leaves them as they are
  if (next.kind === "Namespace" && subresource !== "finalize")
    next = { ...next, spec: specOf(old) ?? {} } as KubeObject;
  if (info.subresources.includes("status"))
    next = withStatus(next, (old as { status?: object }).status);
  let problems: FieldError[] = [];
  if (isService(next))
    ({ service: next, errors: problems } = prepareService(
      next as Service,
      families,
      old as Service,
    ));
  if (info.generation && (!sameBut(next, old) || isAnnotatedAnew(next, old)))
    next = {
      ...next,
      metadata: { ...next.metadata, generation: (old.metadata.generation ?? 0) + 1 },
    };
  return [next, problems];
}

/** A manifest does not repeat what admission has added. (plugin/pkg/admission/priority) */
function asImportant(pod: Pod, { spec: { priority, preemptionPolicy } }: Pod): Pod {
  if (priority === undefined || pod.spec.priority !== undefined) return pod;
  const spec = { priority, ...(preemptionPolicy && { preemptionPolicy }), ...pod.spec };
  return { ...pod, spec };
}

/** A Deployment's counts its annotations, too. (pkg/registry/apps/deployment/strategy.go) */
const isAnnotatedAnew = (next: KubeObject, old: KubeObject): boolean =>
  next.kind === "Deployment" && !same(next.metadata.annotations, old.metadata.annotations);

/**
 * Who writes a status may annotate, too, but for objects of a definition; a Deployment keeps its
 * labels, and a Pod its owners. (pkg/registry, the PrepareForUpdate of each status strategy)
 */
function besideStatus(info: KindInfo, old: KubeObject, wanted: KubeObject): ObjectMeta {
  if (wanted.metadata === old.metadata || info.definedBy !== undefined) return old.metadata;
  const metadata = nextMetadata(old, wanted);
  const kept = ({ Deployment: "labels", Pod: "ownerReferences" } as const)[old.kind as "Pod"];
  if (kept) {
    delete metadata[kept];
    if (old.metadata[kept]) Object.assign(metadata, { [kept]: old.metadata[kept] });
  }
  return same(metadata, old.metadata) ? old.metadata : metadata;
}

/** What the client asks for, but what is the server's stays as it was. */
function nextMetadata({ metadata: old }: KubeObject, wanted: KubeObject): ObjectMeta {
  const metadata = { ...wanted.metadata };
  if (!metadata.managedFields && old.managedFields) metadata.managedFields = old.managedFields;
  for (const field of kept)
    if (old[field] !== undefined) (metadata as Record<string, unknown>)[field] = old[field];
  return withoutEmpty(metadata);
}

const kept = [
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "generation",
  "resourceVersion",
  "namespace",
] as const;

/** A Pod on its node. (pods/binding; kubernetes: pkg/registry/core/pod/storage, BindingREST) */
export function bound(pod: Pod, node: string, stamps: Stamps): Pod {
  const { name, deletionTimestamp } = pod.metadata;
  const refusal = deletionTimestamp
    ? `pod ${name} is being deleted, cannot be assigned to a host`
    : pod.spec.nodeName
      ? `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`
      : pod.spec.schedulingGates?.length
        ? `pod ${name} has non-empty .spec.schedulingGates`
        : undefined;
  if (refusal)
    throw errors.conflict({ kind: "Pod", plural: "pods/binding", group: "" }, name, refusal);
  const others = pod.status?.conditions?.filter(({ type }) => type !== "PodScheduled") ?? [];
  const scheduled = {
    type: "PodScheduled",
    status: "True" as const,
    lastTransitionTime: stamps.now(),
  };
  return {
    ...pod,
    spec: { ...pod.spec, nodeName: node },
    status: { ...pod.status, conditions: [...others, scheduled] },
  };
}

/** As Go's omitempty has it: the last label gone, `labels` is gone. */
function withoutEmpty(meta: ObjectMeta): ObjectMeta {
  let kept: ObjectMeta | undefined;
  for (const field of omittedIfEmpty)
    if (meta[field] && isEmpty(meta[field])) delete (kept ??= { ...meta })[field];
  return kept ?? meta;
}

const omittedIfEmpty = ["labels", "annotations", "finalizers", "ownerReferences"] as const;

function isEmpty(value: object): boolean {
  for (const _ in value) return false;
  return true;
}

/** Whether two versions differ in nothing but metadata and status: then the generation stays. */
function sameBut(a: KubeObject, b: KubeObject): boolean {
  const core = ({ metadata: _, ...rest }: KubeObject) => ({ ...rest, status: undefined });
  return same(core(a), core(b));
}

function withStatus(object: KubeObject, status: object | undefined): KubeObject {
  const { status: _, ...rest } = object as KubeObject & { status?: object };
  return status ? ({ ...rest, status } as KubeObject) : rest;
}

const statusOfClass = new Map(
  ["BestEffort", "Burstable", "Guaranteed"].map((qosClass) => [
    qosClass,
    frozen({ phase: "Pending" as const, qosClass }),
  ]),
);
