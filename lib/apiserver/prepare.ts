import { defaulted, tolerant } from "../objects/defaulting.js";
import { frozen, same } from "../objects/freeze.js";
import type { KindInfo } from "../objects/kinds.js";
import type { IPFamily, KubeObject, ObjectMeta, Pod, Service } from "../objects/types.js";
import type { FieldError } from "../objects/validation.js";
import * as errors from "../api/errors.js";
import { prepareService } from "./services.js";
import type { Stamps } from "./stamps.js";

/**
 * A new object as it will be stored, but for what the allocators give, and what is wrong with it so
 * far.
 */
export function prepareCreate(
  info: KindInfo,
  object: KubeObject,
  stamps: Stamps,
  families: readonly IPFamily[],
): [KubeObject, FieldError[]] {
  const {
    resourceVersion,
    uid: _,
    deletionTimestamp: __,
    deletionGracePeriodSeconds: ___,
    ...meta
  } = object.metadata;
  if (resourceVersion)
    throw errors.badRequest("resourceVersion should not be set on objects to be created");
  const metadata = {
    ...meta,
    name: meta.name || (meta.generateName ? meta.generateName.slice(0, 58) + stamps.suffix() : ""),
    ...(info.namespaced && { namespace: meta.namespace || "default" }),
    uid: stamps.uid(),
    creationTimestamp: stamps.now(),
    ...(info.generation && { generation: 1 }),
  };
  const defaults = admitted({ ...object, metadata: withoutEmpty(metadata) });
  const status = firstStatus[info.kind]?.(defaults as never);
  const fresh = status ? ({ ...defaults, status } as KubeObject) : defaults;
  if (fresh.kind !== "Service") return [fresh, []];
  const { service, errors: problems } = prepareService(fresh as Service, families);
  return [service, problems];
}

/** Defaulted, and with what admission adds. */
function admitted(object: KubeObject): KubeObject {
  const defaults = defaulted(object);
  return defaults.kind === "Pod" ? tolerant(defaults as Pod) : defaults;
}

/** What a new object's status is, whatever came; a Node may bring its own, as kubelets do. */
const firstStatus: Record<string, (object: never) => object> = {
  Pod: (pod: Pod) => statusOfClass.get(qosClass(pod))!,
  Service: () => ({ loadBalancer: {} }),
  Deployment: () => ({}),
  ReplicaSet: () => ({ replicas: 0 }),
};

/** What an update makes of `old`: what the server owns stays as it was. */
export function prepareUpdate(
  info: KindInfo,
  old: KubeObject,
  wanted: KubeObject,
  subresource: "status" | "scale" | undefined,
  families: readonly IPFamily[],
): [KubeObject, FieldError[]] {
  if (subresource === "status")
    return [
      // a struct in Go: where none comes, it is empty
      defaulted({ ...old, status: (wanted as { status?: object }).status ?? {} } as KubeObject),
      [],
    ];
  const {
    uid,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    generation,
    resourceVersion,
    namespace,
  } = old.metadata;
  const kept = {
    uid,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    generation,
    resourceVersion,
    namespace,
  };
  for (const key in kept)
    if (kept[key as keyof typeof kept] === undefined) delete kept[key as keyof typeof kept];
  const { deletionTimestamp: _1, deletionGracePeriodSeconds: _2, ...meta } = wanted.metadata;
  let next: KubeObject = defaulted({
    ...wanted,
    metadata: withoutEmpty({ ...meta, ...kept } as ObjectMeta),
  });
  if (info.subresources.includes("status"))
    next = withStatus(next, (old as { status?: object }).status);
  let problems: FieldError[] = [];
  if (next.kind === "Service")
    ({ service: next, errors: problems } = prepareService(
      next as Service,
      families,
      old as Service,
    ));
  if (info.generation && !sameBut(next, old))
    next = { ...next, metadata: { ...next.metadata, generation: (generation ?? 0) + 1 } };
  return [next, problems];
}

/** A Pod on its node. (pods/binding; kubernetes: pkg/registry/core/pod/storage, BindingREST) */
export function bound(pod: Pod, node: string, stamps: Stamps): Pod {
  const { name, deletionTimestamp } = pod.metadata;
  const refusal = deletionTimestamp
    ? `pod ${name} is being deleted, cannot be assigned to a host`
    : pod.spec.nodeName
      ? `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`
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
  const empty = (["labels", "annotations", "finalizers", "ownerReferences"] as const).filter(
    (field) => meta[field] && Object.keys(meta[field]).length === 0,
  );
  return empty.length === 0
    ? meta
    : (Object.fromEntries(
        Object.entries(meta).filter(([field]) => !(empty as string[]).includes(field)),
      ) as unknown as ObjectMeta);
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

/** (kubernetes: pkg/apis/core/v1/helper/qos) */
function qosClass({ spec }: Pod): string {
  const resources = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(
    (one) => one.resources ?? {},
  );
  const some = resources.some(
    ({ limits, requests }) => Object.keys({ ...limits, ...requests }).length > 0,
  );
  if (!some) return "BestEffort";
  const guaranteed = resources.every(({ limits, requests }) =>
    ["cpu", "memory"].every(
      (what) => limits?.[what] && (requests?.[what] ?? limits[what]) === limits[what],
    ),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}
