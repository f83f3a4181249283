/**
 * What is said of objects that are stored here and on which nobody acts: once, in one line; and of
 * those that could decide about a request, with each verdict.
 */
import type { Remark } from "./journey/types.js";
import { actedOn, kindOf, type KindInfo } from "./objects/kinds.js";
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
  return objects.flatMap((object) => {
    const info = kindOf(object);
    if ((info && isActedOn(info)) || (isDump && makes.has(object.kind))) return [];
    const sentence =
      matters[object.kind] ??
      (object.kind === "NetworkPolicy" && !object.apiVersion.startsWith("networking.k8s.io/")
        ? policy
        : undefined);
    const { namespace, name } = object.metadata;
    const key = `${object.kind} ${namespace ? `${namespace}/` : ""}${name}`;
    return sentence === undefined ? [] : [{ object: key, field: "", sentence }];
  });
}
