/**
 * Admission that looks at classes: who names none gets the default one, there is one default
 * priority, a claim grows where its class allows it, and a RuntimeClass brings its nodes along; and
 * what is in use stays until nobody uses it. (kubernetes: plugin/pkg/admission, the folders named)
 */
import { forbidden } from "../api/errors.js";
import { same } from "../objects/freeze.js";
import { actedOn, kindInfo } from "../objects/kinds.js";
import { quantity } from "../objects/quantity.js";
import type { Kind, KubeObject, Toleration } from "../objects/types.js";
import { admissionPlugins, type Admitting } from "./admission.js";

for (const kind of ["IngressClass", "StorageClass", "RuntimeClass"]) actedOn.add(kind);

type Spec<T> = KubeObject & { spec?: T };

/** The newest of those that say so. */
function defaultOf(server: Admitting, kind: string, annotation: string): string | undefined {
  const made = ({ metadata }: KubeObject) => Date.parse(metadata.creationTimestamp ?? "");
  const [first] = server
    .all(kind)
    .filter(({ metadata }) => metadata.annotations?.[annotation] === "true")
    .sort((a, b) => made(b) - made(a) || (a.metadata.name < b.metadata.name ? -1 : 1));
  return first?.metadata.name;
}

// ---- ingressclass/defaultingressclass, storage/storageclass/setdefault

const CLAIM = "PersistentVolumeClaim" as Kind;

/** `told`: the annotation by which it was said before there was the field. */
const defaulting = [
  {
    name: "DefaultIngressClass",
    kind: "Ingress" as Kind,
    field: "ingressClassName",
    told: "kubernetes.io/ingress.class",
    classes: "IngressClass",
    mark: "ingressclass.kubernetes.io/is-default-class",
  },
  {
    name: "DefaultStorageClass",
    kind: CLAIM,
    field: "storageClassName",
    told: "volume.beta.kubernetes.io/storage-class",
    classes: "StorageClass",
    mark: "storageclass.kubernetes.io/is-default-class",
  },
];

for (const { name, kind, field, told, classes, mark } of defaulting)
  admissionPlugins.push({
    name,
    isAlways: true,
    kind,
    admit(object: KubeObject, server) {
      const { metadata, spec = {} } = object as Spec<Record<string, unknown>>;
      if (spec[field] !== undefined || metadata.annotations?.[told] !== undefined) return object;
      const found = defaultOf(server, classes, mark);
      return found ? ({ ...object, spec: { ...spec, [field]: found } } as KubeObject) : object;
    },
  });

// ---- storage/storageobjectinuseprotection

const protection = {
  PersistentVolumeClaim: "kubernetes.io/pvc-protection",
  PersistentVolume: "kubernetes.io/pv-protection",
} as const;

for (const [kind, finalizer] of Object.entries(protection))
  admissionPlugins.push({
    name: "StorageObjectInUseProtection",
    isAlways: true,
    kind: kind as Kind,
    admit(object) {
      const { finalizers = [] } = object.metadata;
      if (finalizers.includes(finalizer)) return object;
      return {
        ...object,
        metadata: { ...object.metadata, finalizers: [...finalizers, finalizer] },
      };
    },
  });

// ---- storage/persistentvolume/resize

interface ClaimSpec {
  storageClassName?: string;
  resources?: { requests?: Record<string, string> };
}

admissionPlugins.push({
  name: "PersistentVolumeClaimResize",
  isAlways: true,
  check(object, server, { info, old, under }) {
    if (info.key !== CLAIM || !old || under !== undefined) return;
    const [now, was] = [object, old].map((one) => (one as Spec<ClaimSpec>).spec ?? {}) as [
      ClaimSpec,
      ClaimSpec,
    ];
    const size = ({ resources }: ClaimSpec) => quantity(resources?.requests?.["storage"] ?? "0");
    if (size(now) <= size(was)) return;
    const found = now.storageClassName
      ? (server.find("StorageClass", now.storageClassName) as
          { allowVolumeExpansion?: boolean } | undefined)
      : undefined;
    if (found?.allowVolumeExpansion) return;
    throw forbidden(
      info,
      object.metadata.name,
      "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    );
  },
});

// ---- priority

admissionPlugins.push({
  name: "DefaultPriority",
  isAlways: true,
  check(object, server, { info }) {
    const isDefault = (one: KubeObject) => (one as { globalDefault?: boolean }).globalDefault;
    if ((info.key as string) !== "PriorityClass" || !isDefault(object)) return;
    const other = server
      .all("PriorityClass")
      .find((one) => isDefault(one) && one.metadata.name !== object.metadata.name);
    if (!other) return;
    throw forbidden(
      info,
      object.metadata.name,
      `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`,
    );
  },
});

// ---- runtimeclass

interface Scheduling {
  nodeSelector?: Record<string, string>;
  tolerations?: Toleration[];
}

admissionPlugins.push({
  name: "RuntimeClassScheduling",
  isAlways: true,
  admit(pod, server) {
    const { runtimeClassName: name } = pod.spec as { runtimeClassName?: string };
    const found = name
      ? (server.find("RuntimeClass", name) as { scheduling?: Scheduling } | undefined)
      : undefined;
    const { nodeSelector = {}, tolerations = [] } = found?.scheduling ?? {};
    const own = pod.spec.nodeSelector ?? {};
    for (const [key, value] of Object.entries(nodeSelector))
      if (own[key] !== undefined && own[key] !== value)
        throw forbidden(
          kindInfo("Pod")!,
          pod.metadata.name,
          `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own[key]}`,
        );
    const more = tolerations.filter(
      (one) => !(pod.spec.tolerations ?? []).some((other) => same(one, other)),
    );
    if (Object.keys(nodeSelector).length === 0 && more.length === 0) return pod;
    return {
      ...pod,
      spec: {
        ...pod.spec,
        nodeSelector: { ...own, ...nodeSelector },
        tolerations: [...(pod.spec.tolerations ?? []), ...more],
      },
    };
  },
});
