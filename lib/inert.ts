/**
 * What is said of objects that are stored here and on which nobody acts: once, in one line; and of
 * those that could decide about a request, with each verdict.
 */
import type { Remark } from "./journey/types.js";
import { actedOn, kindOf, type KindInfo } from "./objects/kinds.js";
import { isRecord } from "./objects/freeze.js";
import type { KubeObject } from "./objects/types.js";

/** "Ingress web: stored; nobody acts on it here"; undefined where somebody does. */
export function inertNotice(object: KubeObject): string | undefined {
  const info = kindOf(object);
  return info && !isActedOn(info) ? `${nameIn(object)}: stored; nobody acts on it here` : undefined;
}

const isActedOn = ({ key, isModelled }: KindInfo): boolean => isModelled || actedOn.has(key);

const nameIn = ({ kind, metadata: { namespace, name } }: KubeObject): string =>
  `${kind} ${namespace && namespace !== "default" ? `${namespace}/` : ""}${name}`;

const workload = "its Pods are not made here";
const proxy = "no proxy here reads it: it sends nobody anywhere";
const policy = "it may keep connections from each other, and is not evaluated here";
const pool = "which addresses load balancers may get is not read from it";
const mesh = "a service mesh may send this traffic elsewhere; that is not modelled";

/** Kind -> what of it could matter to a request. */
const matters: Readonly<Record<string, string>> = {
  StatefulSet: workload,
  DaemonSet: workload,
  Job: workload,
  CronJob: workload,
  ReplicationController: workload,
  Rollout: workload,
  DeploymentConfig: workload,
  HorizontalPodAutoscaler: "it would change how many Pods there are; nobody scales here",
  Ingress: proxy,
  IngressRoute: proxy,
  Gateway: proxy,
  HTTPRoute: proxy,
  GRPCRoute: proxy,
  TCPRoute: proxy,
  Route: proxy,
  VirtualService: mesh,
  DestinationRule: mesh,
  ServiceEntry: mesh,
  Sidecar: mesh,
  PeerAuthentication: mesh,
  AuthorizationPolicy: mesh,
  IPAddressPool: pool,
  CiliumLoadBalancerIPPool: pool,
  MutatingWebhookConfiguration: "it could change objects as they are created; nobody calls it here",
  ResourceQuota: "it could keep Pods from being created; nobody looks at it here",
  LimitRange: "it could keep Pods from being created, or change them; nobody looks at it here",
  CiliumNetworkPolicy: policy,
  CiliumClusterwideNetworkPolicy: policy,
  GlobalNetworkPolicy: policy,
  AdminNetworkPolicy: policy,
  BaselineAdminNetworkPolicy: policy,
};

/** Those that make other objects, or change them as they are made. */
const makes: ReadonlySet<string> = new Set([
  ...Object.keys(matters).filter((kind) => matters[kind] === workload),
  ...Object.keys(matters).filter((kind) => matters[kind] === pool),
  "HorizontalPodAutoscaler",
  "MutatingWebhookConfiguration",
  "ResourceQuota",
  "LimitRange",
]);

/**
 * What is left out of every verdict, since nobody acts on it. `isDump`: somebody has acted on it
 * already, and what came of it is there.
 */
export function inertRemarks(objects: readonly KubeObject[], isDump = false): Remark[] {
  const made = isDump ? [] : topologyRemarks(objects);
  return [...meshRemarks(objects, isDump), ...made, ...inertOnes(objects, isDump)];
}

/** Containers that service meshes put into Pods, whose connections then go by them. */
const meshProxies = /^(istio-proxy|linkerd-proxy|kuma-sidecar|consul-dataplane|envoy-sidecar)$/;
const meshWords =
  "a service mesh's proxy takes the Pod's connections first, and may want them encrypted; that is not modelled";
/** Labels and annotations by which meshes are asked to put them in. */
const meshMarks: Readonly<Record<string, RegExp>> = {
  "istio-injection": /^enabled$/,
  "istio.io/rev": /./,
  "istio.io/dataplane-mode": /^ambient$/,
  "sidecar.istio.io/inject": /^true$/,
  "linkerd.io/inject": /^(enabled|ingress)$/,
};

/** Of an object that was refused, too: any field may hold anything. */
type PodLike = { containers?: unknown; initContainers?: unknown } | undefined;

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const isMeshProxy = (container: unknown): boolean =>
  isRecord(container) && meshProxies.test(String(container["name"]));

function meshRemarks(objects: readonly KubeObject[], isDump: boolean): Remark[] {
  return objects.flatMap((object) => {
    const { spec } = object as { spec?: { template?: { metadata?: unknown; spec?: PodLike } } };
    const template = isDump ? undefined : spec?.template;
    const field =
      (object.kind === "Pod" ? proxyIn(spec as PodLike) : undefined) ??
      below("spec.template.", proxyIn(template?.spec) ?? markIn(template?.metadata)) ??
      (isDump ? undefined : markIn(object.metadata));
    return field === undefined ? [] : [{ object: keyIn(object), field, sentence: meshWords }];
  });
}

const below = (place: string, field: string | undefined): string | undefined =>
  field && `${place}${field}`;

/** "spec.containers[1]" */
function proxyIn(pod: PodLike): string | undefined {
  for (const field of ["containers", "initContainers"] as const) {
    const place = listOf(pod?.[field]).findIndex(isMeshProxy);
    if (place >= 0) return `spec.${field}[${place}]`;
  }
  return undefined;
}

/** A dump's slices have the hints; here nobody makes those of whole zones. */
const topologyMarks = [
  "service.kubernetes.io/topology-mode",
  "service.kubernetes.io/topology-aware-hints",
];

const topologyRemarks = (objects: readonly KubeObject[]): Remark[] =>
  objects.flatMap((object) => {
    const { annotations = {} } = object.metadata;
    const mark = topologyMarks.find((key) => /^auto$/i.test(String(annotations[key])));
    if (object.kind !== "Service" || mark === undefined) return [];
    const sentence =
      "no hints by zone are made here: each endpoint is taken to get requests from every zone";
    return [{ object: keyIn(object), field: `metadata.annotations["${mark}"]`, sentence }];
  });

/** 'metadata.labels["istio-injection"]' */
function markIn(metadata: unknown): string | undefined {
  for (const where of ["labels", "annotations"] as const) {
    const marks = isRecord(metadata) ? metadata[where] : undefined;
    for (const [key, value] of Object.entries(isRecord(marks) ? marks : {}))
      if (meshMarks[key]?.test(String(value))) return `metadata.${where}["${key}"]`;
  }
  return undefined;
}

const keyIn = ({ kind, metadata: { namespace, name } }: KubeObject): string =>
  `${kind} ${namespace ? `${namespace}/` : ""}${name}`;

function inertOnes(objects: readonly KubeObject[], isDump: boolean): Remark[] {
  return objects.flatMap((object) => {
    const info = kindOf(object);
    if ((info && isActedOn(info)) || (isDump && makes.has(object.kind))) return [];
    const sentence =
      matters[object.kind] ??
      (object.kind === "NetworkPolicy" && !object.apiVersion.startsWith("networking.k8s.io/")
        ? policy
        : undefined);
    return sentence === undefined ? [] : [{ object: keyIn(object), field: "", sentence }];
  });
}
