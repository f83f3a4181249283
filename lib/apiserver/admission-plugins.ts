/**
 * Admission of Pods that reads other objects: each Pod gets its namespace's ServiceAccount, and the
 * means by which its processes speak to the API server. (kubernetes:
 * plugin/pkg/admission/serviceaccount)
 */
import { forbidden } from "../api/errors.js";
import { frozen } from "../objects/freeze.js";
import { actedOn, kindInfo } from "../objects/kinds.js";
import type {
  Container,
  KubeObject,
  LocalObjectReference,
  Pod,
  PodSpec,
} from "../objects/types.js";
import "./expiry.js";
import "./ip-addresses.js";
import "./default-service-cidr.js";
import "./kubernetes-service.js";
import "./misplaced.js";
import "./scale.js";
import { admissionPlugins, type Admitting } from "./admission.js";
import { withTopology } from "./topology-labels.js";

type ServiceAccount = KubeObject & {
  automountServiceAccountToken?: boolean;
  imagePullSecrets?: LocalObjectReference[];
};

/** Where a container finds its token. */
const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Seconds: an hour, and seven more, by which the kubelet knows this default. */
const TOKEN_SECONDS = 3607;

// Pods of one template share what is added: its volume then has one name for all of them
const withAccount = new WeakMap<PodSpec, Map<string, PodSpec>>();

function admitServiceAccount(pod: Pod, server: Admitting): Pod {
  if (pod.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) return pod;
  const name = pod.spec.serviceAccountName || "default";
  const account = server.find("ServiceAccount", name, pod.metadata.namespace) as
    ServiceAccount | undefined;
  // For the default one upstream waits a second or two: its controller is about to make it.
  if (!account && name !== "default")
    throw forbidden(
      kindInfo("Pod")!,
      pod.metadata.name,
      `error looking up service account ${pod.metadata.namespace}/${name}: serviceaccount "${name}" not found`,
    );
  return { ...pod, spec: remembered(pod.spec, name, account, server) };
}

function remembered(
  spec: PodSpec,
  name: string,
  account: ServiceAccount | undefined,
  server: Admitting,
): PodSpec {
  if (!Object.isFrozen(spec)) return accounted(spec, name, account, server);
  const known = withAccount.get(spec) ?? new Map<string, PodSpec>();
  withAccount.set(spec, known);
  const key = `${name} ${account?.metadata.uid} ${account?.metadata.resourceVersion}`;
  let made = known.get(key);
  if (!made) known.set(key, (made = frozen(accounted(spec, name, account, server))));
  return made;
}

function accounted(
  spec: PodSpec,
  name: string,
  account: ServiceAccount | undefined,
  server: Admitting,
): PodSpec {
  const secrets = spec.imagePullSecrets ?? account?.imagePullSecrets;
  const own: PodSpec = {
    ...spec,
    serviceAccountName: name,
    serviceAccount: name,
    ...(secrets && { imagePullSecrets: secrets }),
  };
  const mounts = spec.automountServiceAccountToken ?? account?.automountServiceAccountToken ?? true;
  return mounts ? withToken(own, server) : own;
}

/** Each container that has nothing at the token's path gets it there. */
function withToken(spec: PodSpec, server: Admitting): PodSpec {
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  if (all.every(hasToken)) return spec;
  const name = `kube-api-access-${server.suffix()}`;
  const mounted = (one: Container): Container =>
    hasToken(one)
      ? one
      : {
          ...one,
          volumeMounts: [
            ...(one.volumeMounts ?? []),
            { name, readOnly: true, mountPath: MOUNT_PATH },
          ],
        };
  return {
    ...spec,
    containers: spec.containers.map(mounted),
    ...(spec.initContainers && { initContainers: spec.initContainers.map(mounted) }),
    volumes: [...(spec.volumes ?? []), { name, projected: tokenSources }],
  };
}

const hasToken = ({ volumeMounts }: Container): boolean =>
  ((volumeMounts ?? []) as { mountPath?: string }[]).some(
    ({ mountPath }) => mountPath === MOUNT_PATH,
  );

/** The token, the authority that the API server's certificate is from, and the namespace. */
const tokenSources = frozen({
  sources: [
    { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: "token" } },
    { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
    {
      downwardAPI: {
        items: [
          { path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } },
        ],
      },
    },
  ],
  defaultMode: 420,
});

admissionPlugins.push({ name: "ServiceAccount", admit: admitServiceAccount });

actedOn.add("PriorityClass");

type PriorityClass = KubeObject & {
  value: number;
  globalDefault?: boolean;
  preemptionPolicy?: string;
};

/** Those that every cluster has. (pkg/apis/scheduling/v1/helpers.go) */
const systemClasses = new Map([
  ["system-node-critical", 2_000_001_000],
  ["system-cluster-critical", 2_000_000_000],
]);

/** Who names no class has the default one's priority, or none. (plugin/pkg/admission/priority) */
function admitPriority(pod: Pod, server: Admitting): Pod {
  const { priorityClassName } = pod.spec;
  const system = systemClasses.get(priorityClassName ?? "");
  const found = priorityClassName
    ? (server.find("PriorityClass", priorityClassName) as PriorityClass | undefined)
    : defaultClass(server);
  if (priorityClassName && !found && system === undefined)
    throw forbidden(
      kindInfo("Pod")!,
      pod.metadata.name,
      `no PriorityClass with name ${priorityClassName} was found`,
    );
  checkOwnPriority(pod, found, system);
  const isOrdinary = !found && system === undefined;
  // not in a copy: the engine would take each of these for an object of a kind of its own
  pod.spec = isOrdinary ? ordinary(pod.spec) : prioritized(pod.spec, found, system);
  return pod;
}

/** What a Pod says of its priority itself is what its class says, or it is refused. */
function checkOwnPriority(
  { metadata, spec }: Pod,
  found: PriorityClass | undefined,
  system: number | undefined,
): void {
  const is = found?.value ?? system ?? 0;
  const policy = found?.preemptionPolicy ?? "PreemptLowerPriority";
  const given = "must not be provided in pod spec; priority admission controller computed";
  const refuse = (what: string, computed: string | number) =>
    forbidden(
      kindInfo("Pod")!,
      metadata.name,
      `the ${what} ${given} ${computed} from the given PriorityClass name`,
    );
  if (spec.priority !== undefined && spec.priority !== is)
    throw refuse(`integer value of priority (${spec.priority})`, is);
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy)
    throw refuse(`string value of PreemptionPolicy (${spec.preemptionPolicy})`, policy);
}

function prioritized(
  spec: PodSpec,
  found: PriorityClass | undefined,
  system: number | undefined,
): PodSpec {
  return {
    ...spec,
    priority: found?.value ?? system ?? 0,
    preemptionPolicy: spec.preemptionPolicy ?? found?.preemptionPolicy ?? "PreemptLowerPriority",
    ...(found && { priorityClassName: found.metadata.name }),
  };
}

// as with accounts: worked out once for all Pods of a template
const withoutClass = new WeakMap<PodSpec, PodSpec>();

function ordinary(spec: PodSpec): PodSpec {
  let made = withoutClass.get(spec);
  if (!made) {
    made = frozen(prioritized(spec, undefined, undefined));
    if (Object.isFrozen(spec)) withoutClass.set(spec, made);
  }
  return made;
}

/** Of several the lowest. */
function defaultClass(server: Admitting): PriorityClass | undefined {
  const all = server.all("PriorityClass") as readonly PriorityClass[];
  if (all.length === 0) return undefined;
  return all.filter((one) => one.globalDefault).sort((a, b) => a.value - b.value)[0];
}

admissionPlugins.push({ name: "Priority", isAlways: true, admit: admitPriority });

admissionPlugins.push({
  name: "PodTopologyLabels",
  isAlways: true,
  admit: (pod, server) =>
    pod.spec.nodeName ? withTopology(pod, server.find("Node", pod.spec.nodeName)) : pod,
});
