import { frozen } from "./freeze.js";
import { isService, kindOf } from "./kinds.js";
import { exact } from "./amounts.js";
import { otherKinds } from "./others.js";
import { isOfPods, podResources } from "./pod-resources.js";
import { canonical } from "./quantity.js";
import type {
  Container,
  Deployment,
  Endpoints,
  EndpointSlice,
  HTTPGetAction,
  KubeObject,
  Lifecycle,
  Namespace,
  Node,
  Pod,
  PodSpec,
  PodTemplate,
  Probe,
  ReplicaSet,
  Service,
  Toleration,
} from "./types.js";

/**
 * What the API server fills in where a manifest is silent. Each function answers the very object it
 * got where nothing is missing, so that a defaulted template is shared by all who come from it. The
 * object is a decoded one (decode.ts): no field says "" or 0 and means nothing by it.
 * (kubernetes: pkg/apis/core/v1/defaults.go, pkg/apis/apps/v1/defaults.go)
 */
export function defaulted<T extends KubeObject>(object: T): T {
  const info = kindOf(object);
  if (info && !info.isModelled) return otherKinds.defaulted(object) as T;
  const fill = defaultsByKind[object.kind] as ((object: T) => T) | undefined;
  return fill ? fill(object) : object;
}

/** As `defaulted`, of a stored object that got another status: the rest was defaulted before. */
export function defaultedStatus<T extends KubeObject>(object: T): T {
  return isService(object) || object.kind === "Namespace" ? defaulted(object) : object;
}

/** Who knows what only a server's clients write adds it (stored-defaults.ts). */
export const defaultsByKind: Record<string, (object: never) => KubeObject> = {
  Service: service,
  Pod: pod,
  Deployment: deployment,
  ReplicaSet: replicaSet,
  Namespace: namespace,
  Endpoints: endpoints,
  EndpointSlice: endpointSlice,
  Node: node,
};

/** The object with what `defaults` has and it has not. */
function fill<T extends object>(value: T, defaults: Partial<T>): T {
  let filled: T | undefined;
  for (const key in defaults) {
    if (value[key] === undefined && defaults[key] !== undefined)
      (filled ??= { ...value })[key] = defaults[key]!;
  }
  return filled ?? value;
}

/** The list with each item defaulted; the same list where no item changed. */
function each<T>(list: T[] | undefined, one: (item: T) => T): T[] | undefined {
  let changed: T[] | undefined;
  list?.forEach((item, i) => {
    const next = one(item);
    if (next !== item) (changed ??= list.slice())[i] = next;
  });
  return changed ?? list;
}

function part<T extends object, K extends keyof T>(value: T, key: K, next: T[K]): T {
  return value[key] === next ? value : { ...value, [key]: next };
}

/**
 * NodePort and LoadBalancer, and a ClusterIP with externalIPs: reachable from outside, so
 * externalTrafficPolicy means something.
 */
export const externallyAccessible = ({ spec }: Service): boolean =>
  spec.type === "NodePort" ||
  spec.type === "LoadBalancer" ||
  (spec.type === "ClusterIP" && (spec.externalIPs?.length ?? 0) > 0);

function service(service: Service): Service {
  let spec = fill(service.spec, { sessionAffinity: "None", type: "ClusterIP" });
  spec = part(
    spec,
    "ports",
    each(spec.ports, (port) => fill(port, { protocol: "TCP", targetPort: port.port })),
  );
  if (spec.sessionAffinity === "None" && spec.sessionAffinityConfig) {
    const { sessionAffinityConfig: _, ...without } = spec;
    spec = without;
  }
  if (
    spec.sessionAffinity === "ClientIP" &&
    spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined
  ) {
    // v1.DefaultClientIPServiceAffinitySeconds: 3 hours
    spec = { ...spec, sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } } };
  }
  if (externallyAccessible(part(service, "spec", spec)))
    spec = fill(spec, { externalTrafficPolicy: "Cluster" });
  if (spec.type !== "ExternalName") spec = fill(spec, { internalTrafficPolicy: "Cluster" });
  if (spec.type === "LoadBalancer") spec = fill(spec, { allocateLoadBalancerNodePorts: true });
  const ingress = service.status?.loadBalancer?.ingress;
  // KEP-1860
  const addressed = each(ingress, (one) => (one.ip ? fill(one, { ipMode: "VIP" }) : one));
  if (addressed !== ingress)
    service = {
      ...service,
      status: {
        ...service.status,
        loadBalancer: { ...service.status!.loadBalancer, ingress: addressed! },
      },
    };
  return part(service, "spec", spec);
}

const probe = (probe: Probe | undefined): Probe | undefined => {
  if (!probe) return probe;
  const filled = fill(probe, {
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });
  if (filled.grpc) return part(filled, "grpc", fill(filled.grpc, { service: "" }));
  return asked(filled);
};

/** (SetDefaults_HTTPGetAction) */
const asked = <T extends { httpGet?: HTTPGetAction }>(one: T): T =>
  one.httpGet ? part(one, "httpGet", fill(one.httpGet, { path: "/", scheme: "HTTP" })) : one;

function hooks(lifecycle: Lifecycle): Lifecycle {
  let filled = lifecycle;
  for (const key of ["postStart", "preStop"] as const)
    if (filled[key]) filled = part(filled, key, asked(filled[key]));
  return filled;
}

/** ":latest", or no tag and no digest at all: pulled each time. */
export function isLatest(image: string): boolean {
  const name = image.slice(image.lastIndexOf("/") + 1);
  return name.endsWith(":latest") || !(name.includes(":") || name.includes("@"));
}

export function container(one: Container, hostNetwork?: boolean): Container {
  // (pkg/apis/core/v1/defaults.go, SetDefaults_Container)
  const latest = isLatest(one.image ?? "");
  let filled = fill(one, {
    imagePullPolicy: latest ? "Always" : "IfNotPresent",
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    resources: {},
    readinessProbe: probe(one.readinessProbe),
    livenessProbe: probe(one.livenessProbe),
    startupProbe: probe(one.startupProbe),
  } as Partial<Container>);
  for (const key of ["readinessProbe", "livenessProbe", "startupProbe"] as const)
    filled = part(filled, key, probe(filled[key]));
  filled = part(
    filled,
    "ports",
    each(filled.ports, (port) =>
      fill(port, { protocol: "TCP", ...(hostNetwork && { hostPort: port.containerPort }) }),
    ),
  );
  if (filled.lifecycle) filled = part(filled, "lifecycle", hooks(filled.lifecycle));
  filled = part(
    filled,
    "env",
    each(filled.env, (one) => part(one, "valueFrom", fieldRef(one.valueFrom))),
  );
  return part(filled, "resources", resources(filled.resources!));
}

/** (SetDefaults_ObjectFieldSelector) */
function fieldRef(from: unknown): unknown {
  const source = from as { fieldRef?: { apiVersion?: string } } | undefined;
  return source?.fieldRef
    ? part(source, "fieldRef", fill(source.fieldRef, { apiVersion: "v1" }))
    : from;
}

function resources(given: NonNullable<Container["resources"]>): Container["resources"] {
  let filled = given;
  for (const which of ["limits", "requests"] as const)
    if (filled[which]) filled = part(filled, which, amounts(filled[which]));
  return filled;
}

/**
 * What a Pod's containers are limited in and do not ask for, they ask for up to their limit; in a
 * template that is left open. (SetDefaults_Pod)
 */
function withRequests(spec: PodSpec): PodSpec {
  let filled = spec;
  for (const key of ["containers", "initContainers"] as const) {
    const containers = each(filled[key], (one) =>
      one.resources?.limits
        ? part(
            one,
            "resources",
            part(
              one.resources,
              "requests",
              fill(one.resources.requests ?? {}, one.resources.limits),
            ),
          )
        : one,
    );
    if (containers !== filled[key]) filled = { ...filled, [key]: containers };
  }
  return filled;
}

/**
 * A Pod that says what it may use as a whole asks for what its containers ask for, or else for that
 * much. (defaultPodRequests; KEP-2837)
 */
function withOwnRequests(spec: PodSpec): PodSpec {
  const { resources, containers, initContainers = [] } = spec;
  const { limits = {}, requests: said = {} } = resources ?? {};
  if (!resources || Object.keys(limits).length === 0) return spec;
  const asked = podResources({ spec: { containers, initContainers } }, "requests", exact);
  const requests: Record<string, string> = { ...said };
  for (const [name, amount] of Object.entries(asked)) if (isShared(name)) requests[name] ??= amount;
  for (const [name, most] of Object.entries(limits)) if (isOfPods(name)) requests[name] ??= most;
  return part(spec, "resources", part(resources, "requests", requests));
}

/** More of these may be used than there is. (IsOvercommitAllowed, of those a Pod may say) */
const isShared = (name: string): boolean => name === "cpu" || name === "memory";

/** (SetDefaults_ResourceList) */
function amounts<T extends Record<string, string>>(list: T): T {
  const changed = Object.entries(list).filter(([, amount]) => canonical(amount) !== amount);
  if (changed.length === 0) return list;
  return { ...list, ...Object.fromEntries(changed.map(([name, text]) => [name, canonical(text)])) };
}

function podSpec(spec: PodSpec, isPod = false): PodSpec {
  // what is less than nothing is as short as can be (pkg/api/pod, SetDefaults and its warning)
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0)
    spec = { ...spec, terminationGracePeriodSeconds: 1 };
  let filled = fill(spec, {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
  });
  if (filled.resources) filled = part(filled, "resources", resources(filled.resources));
  // one field by two names (pkg/apis/core/v1/conversion.go)
  const account = filled.serviceAccountName || filled.serviceAccount;
  if (account) filled = { ...filled, serviceAccountName: account, serviceAccount: account };
  for (const key of ["containers", "initContainers"] as const) {
    const containers = each(filled[key], (one) => container(one, isPod && filled.hostNetwork));
    if (containers !== filled[key]) filled = { ...filled, [key]: containers };
  }
  return otherKinds.podSpec(filled);
}

// Pods of one template come with one spec object: what becomes of it is worked out once
const defaultedSpecs = new WeakMap<PodSpec, PodSpec>();
const tolerantSpecs = new WeakMap<PodSpec, PodSpec>();

function once(known: WeakMap<PodSpec, PodSpec>, spec: PodSpec, make: () => PodSpec): PodSpec {
  let made = known.get(spec);
  if (!made) {
    made = make();
    if (Object.isFrozen(spec)) known.set(spec, (made = frozen(made)));
  }
  return made;
}

function pod(pod: Pod): Pod {
  const spec = once(defaultedSpecs, pod.spec, () =>
    fill(withOwnRequests(withRequests(podSpec(pod.spec, true))), { enableServiceLinks: true }),
  );
  return part(pod, "spec", spec);
}

/** Every Pod bears with a lost node for 300 s, unless it says otherwise. */
const patience: Toleration[] = ["not-ready", "unreachable"].map((what) => ({
  key: `node.kubernetes.io/${what}`,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: 300,
}));

/** A Pod with the tolerations that each gets. (plugin/pkg/admission/defaulttolerationseconds) */
export function tolerant(pod: Pod): Pod {
  const spec = once(tolerantSpecs, pod.spec, () => {
    const own = pod.spec.tolerations ?? [];
    const missing = patience.filter(
      ({ key }) =>
        !own.some(
          (one) => (!one.key || one.key === key) && (!one.effect || one.effect === "NoExecute"),
        ),
    );
    return missing.length > 0 ? { ...pod.spec, tolerations: [...own, ...missing] } : pod.spec;
  });
  return part(pod, "spec", spec);
}

export const podTemplate = (one: PodTemplate): PodTemplate => (one.spec ? template(one) : one);

const template = (one: PodTemplate): PodTemplate => part(one, "spec", podSpec(one.spec));

function deployment(deployment: Deployment): Deployment {
  let spec = fill(deployment.spec, {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: {},
  });
  let strategy = fill(spec.strategy!, { type: "RollingUpdate" });
  if (strategy.type === "RollingUpdate")
    strategy = part(
      strategy,
      "rollingUpdate",
      fill(strategy.rollingUpdate ?? {}, { maxSurge: "25%", maxUnavailable: "25%" }),
    );
  spec = part(spec, "strategy", strategy);
  return part(deployment, "spec", part(spec, "template", template(spec.template)));
}

function replicaSet(set: ReplicaSet): ReplicaSet {
  const spec = fill(set.spec, { replicas: 1 });
  return part(set, "spec", part(spec, "template", template(spec.template)));
}

function namespace(namespace: Namespace): Namespace {
  const { name, labels } = namespace.metadata;
  const labelled =
    labels?.["kubernetes.io/metadata.name"] === name
      ? namespace
      : {
          ...namespace,
          metadata: {
            ...namespace.metadata,
            labels: { ...labels, "kubernetes.io/metadata.name": name },
          },
        };
  // [] is left: that is the end of it (a new one gets its own in prepare.ts)
  const kept = part(labelled, "spec", fill(labelled.spec ?? {}, { finalizers: ["kubernetes"] }));
  return part(kept, "status", fill(kept.status ?? {}, { phase: "Active" }));
}

/** Old clients know podCIDR only, so it counts where the two differ. (pkg/apis/core/v1) */
function node(node: Node): Node {
  const { spec = {}, status } = node;
  const { podCIDR, podCIDRs: [first] = [] } = spec;
  const other = podCIDR ? { podCIDRs: [podCIDR] } : { podCIDR: first! };
  const filled = podCIDR === first ? node : part(node, "spec", { ...spec, ...other });
  if (!status?.capacity && !status?.allocatable) return filled;
  let next = status;
  for (const which of ["capacity", "allocatable"] as const)
    if (next[which]) next = part(next, which, amounts(next[which]));
  if (next.capacity) next = fill(next, { allocatable: next.capacity });
  return part(filled, "status", next);
}

function endpoints(endpoints: Endpoints): Endpoints {
  return part(
    endpoints,
    "subsets",
    each(endpoints.subsets, (subset) =>
      part(
        subset,
        "ports",
        each(subset.ports, (port) => fill(port, { protocol: "TCP" })),
      ),
    ),
  );
}

function endpointSlice(slice: EndpointSlice): EndpointSlice {
  return part(
    slice,
    "ports",
    each(slice.ports, (port) => fill(port, { name: "", protocol: "TCP" })),
  );
}
