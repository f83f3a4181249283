/**
 * Kubernetes' other kinds, which are stored and on which nobody acts here. Who imports this makes
 * them known: they would be a tenth of a page's first chunk.
 */
import { withPodDefaults } from "./pod-defaults.js";
import { otherColumns, otherKinds, otherTypes } from "./generated/others.js";
import { addColumns } from "./columns.js";
import { converted, toStored } from "./convert.js";
import { acceptedDefinition, define, isDefinition } from "./custom.js";
import { addKinds, kindOf, readKind, type KindInfo } from "./kinds.js";
import { withOtherDefaults, withOwn } from "./other-defaults.js";
import { otherKinds as others, type OtherKinds } from "./others.js";
import { addTypes } from "./schema.js";
import "./validation-components.js";
import "./validation-apps-more.js";
import "./validation-metadata.js";
import "./validation-pod-more.js";
import "./validation-pod-places.js";
import "./validation-service-more.js";
import "./validation-statuses.js";
import "./validation-service-cidrs.js";
import "./validation-workloads.js";

/** Versions that kube-apiserver serves by default: since 1.24 no new beta is. */
const isStable = ({ apiVersion }: KindInfo): boolean => /(^|\/)v\d+$/.test(apiVersion);

/** Where a group has another name in the Go packages of its types. */
const packageOf = ({ group }: KindInfo): string => (group === "" ? "core" : group.split(".")[0]!);

function typeNameOf(info: KindInfo): string {
  const version = info.apiVersion.slice(info.apiVersion.lastIndexOf("/") + 1);
  const home = info.group.startsWith("internal.") ? "apiserverinternal" : packageOf(info);
  return `${home}.${version}.${info.kind}`;
}

/** Where etcd has them, if not under their plural. (pkg/registry and kubeadm's etcd) */
const prefixes: Readonly<Record<string, string>> = {
  Ingress: "ingress",
  ReplicationController: "controllers",
  CustomResourceDefinition: "apiextensions.k8s.io/customresourcedefinitions",
  APIService: "apiregistration.k8s.io/apiservices",
};

/** Those whose metadata.generation counts changes. (pkg/registry, the strategies) */
const counted = new Set(
  "DaemonSet StatefulSet ReplicationController Job PriorityClass CronJob Ingress IngressClass NetworkPolicy PodDisruptionBudget FlowSchema PriorityLevelConfiguration ValidatingWebhookConfiguration MutatingWebhookConfiguration ValidatingAdmissionPolicy CustomResourceDefinition CSIDriver".split(
    " ",
  ),
);

/** Newest versions first: the first is the one in which a kind is stored. */
const versionOf = ({ apiVersion }: KindInfo): number =>
  Number(/v(\d+)$/.exec(apiVersion)?.[1] ?? 0);

const isKept = ({ kind }: KindInfo): boolean => !/Review$|^Binding$|^ComponentStatus$/.test(kind);

const all = otherKinds.trim().split("\n").map(readKind);

Object.assign(others, {
  toStored,
  inVersion: (object, apiVersion) => {
    const info = kindOf({ ...object, apiVersion });
    return info ? converted(object, info) : object;
  },
  defaulted: withOtherDefaults,
  podSpec: withPodDefaults,
  created: withOwn,
  firstStatus: (object, now) =>
    isDefinition(object) ? acceptedDefinition(object, now) : undefined,
  written: define,
  isDefinition,
} satisfies Partial<OtherKinds>);
addTypes(otherTypes, all.map(typeNameOf));
addColumns(otherColumns);
const stable: readonly KindInfo[] = all
  .filter(isStable)
  .sort((x, y) => versionOf(y) - versionOf(x))
  .map((info) => ({
    ...info,
    type: typeNameOf(info),
    isModelled: false,
    prefix: `/registry/${prefixes[info.kind] ?? info.plural}/`,
    generation: counted.has(info.kind),
  }));
addKinds(stable.filter(isKept));

/** Kinds that are asked and answered, and never stored. */
export const reviewKinds = stable.filter(({ kind }) => kind.endsWith("Review"));
/** The same, besides reviews: Bindings and ComponentStatuses. */
export const passingKinds = stable.filter((info) => !isKept(info) && !reviewKinds.includes(info));
