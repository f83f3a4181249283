/** The cluster's objects, by what a diagnosis asks for. Each index is made when first used. */
import { kindInfo } from "../objects/kinds.js";
import { namespacedName } from "../objects/names.js";
import type {
  EndpointSlice,
  Kind,
  KubeObject,
  Node,
  Pod,
  PodTemplate,
  Service,
} from "../objects/types.js";
import type { World } from "./types.js";

/** Makes Pods: a Deployment, a StatefulSet, … */
export interface Workload extends KubeObject {
  spec: { replicas?: number; template: PodTemplate };
}

const workloadKinds = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"];

export class Objects {
  readonly #made = new Map<string, unknown>();

  constructor(private readonly world: Pick<World, "list">) {}

  get services(): readonly Service[] {
    return this.all("Service");
  }

  get nodes(): readonly Node[] {
    return this.all("Node");
  }

  /** All objects of a kind; none where nobody here knows the kind. */
  all<T extends KubeObject>(kind: string): readonly T[] {
    return this.once(kind, () =>
      kindInfo(kind) ? (this.world.list(kind as Kind) as unknown as readonly T[]) : [],
    );
  }

  service(key: string): Service | undefined {
    return this.#index("services", this.services, namespacedName).get(key)?.[0];
  }

  pod(key: string): Pod | undefined {
    return this.#index("pods", this.all<Pod>("Pod"), namespacedName).get(key)?.[0];
  }

  node(name: string): Node | undefined {
    return this.#index("nodes", this.nodes, ({ metadata }) => metadata.name).get(name)?.[0];
  }

  podsIn(namespace: string): readonly Pod[] {
    return this.#index("pods by namespace", this.all<Pod>("Pod"), namespaceOf).get(namespace) ?? [];
  }

  slicesIn(namespace: string): readonly EndpointSlice[] {
    const slices = this.all<EndpointSlice>("EndpointSlice");
    return this.#index("slices by namespace", slices, namespaceOf).get(namespace) ?? [];
  }

  slicesOf(service: Service): readonly EndpointSlice[] {
    const slices = this.all<EndpointSlice>("EndpointSlice");
    const owner = (slice: EndpointSlice) =>
      `${namespaceOf(slice)}/${slice.metadata.labels?.["kubernetes.io/service-name"] ?? ""}`;
    return this.#index("slices by Service", slices, owner).get(namespacedName(service)) ?? [];
  }

  /** The Pods that a Service's selector matches. */
  selectedBy(service: Service): readonly Pod[] {
    const { selector } = service.spec;
    const [first] = Object.entries(selector ?? {});
    if (!selector || !first) return [];
    const byLabel = this.#indexMany("pods by label", this.all<Pod>("Pod"), (pod) =>
      Object.entries(pod.metadata.labels ?? {}).map(
        (pair) => `${namespaceOf(pod)}/${pair.join("=")}`,
      ),
    );
    const some = byLabel.get(`${namespaceOf(service)}/${first.join("=")}`) ?? [];
    return some.filter(({ metadata }) => hasLabels(metadata.labels, selector));
  }

  /** What makes Pods in a namespace; ReplicaSets of a Deployment come after it. */
  workloadsIn(namespace: string): readonly Workload[] {
    const all = workloadKinds.flatMap((kind) => this.all<Workload>(kind));
    return this.#index("workloads", all, namespaceOf).get(namespace) ?? [];
  }

  /** The last warning about an object with one of these reasons. */
  warning(object: KubeObject, reasons: readonly string[]): string | undefined {
    const key = (kind: string, namespace: string | undefined, name: string | undefined) =>
      `${kind} ${namespace ?? "default"}/${name}`;
    const events = this.#index("events", this.all("Event"), (event) => {
      const { kind, namespace, name } = (event as EventLike).involvedObject;
      return key(kind, namespace, name);
    }).get(key(object.kind, object.metadata.namespace, object.metadata.name));
    return (events as EventLike[] | undefined)?.findLast(({ reason }) => reasons.includes(reason))
      ?.message;
  }

  /** What somebody works out of the objects: made once. */
  once<T>(name: string, make: () => T): T {
    if (!this.#made.has(name)) this.#made.set(name, make());
    return this.#made.get(name) as T;
  }

  #index<T>(name: string, all: readonly T[], key: (one: T) => string): Map<string, T[]> {
    return this.#indexMany(name, all, (one) => [key(one)]);
  }

  #indexMany<T>(name: string, all: readonly T[], keys: (one: T) => string[]): Map<string, T[]> {
    return this.once(`index: ${name}`, () => {
      const index = new Map<string, T[]>();
      for (const one of all)
        for (const key of keys(one)) {
          const group = index.get(key);
          if (group) group.push(one);
          else index.set(key, [one]);
        }
      return index;
    });
  }
}

interface EventLike extends KubeObject {
  involvedObject: { kind: string; namespace?: string; name: string };
  reason: string;
  message: string;
}

export const namespaceOf = ({ metadata }: KubeObject): string => metadata.namespace ?? "default";

/** "Service default/web", "Node node-a" */
export const nameOf = (object: KubeObject): string =>
  `${object.kind} ${kindInfo(object.kind)?.namespaced === false ? object.metadata.name : namespacedName(object)}`;

/** "kubectl get service web -n default -o yaml" */
export function kubectlGet(object: KubeObject, output = "-o yaml"): string {
  const { metadata, kind } = object;
  const namespaced = kindInfo(kind)?.namespaced !== false;
  const where = namespaced ? ` -n ${namespaceOf(object)}` : "";
  return `kubectl get ${kind.toLowerCase()} ${metadata.name}${where} ${output}`.trimEnd();
}

export const hasLabels = (
  labels: Readonly<Record<string, string>> | undefined,
  wanted: Readonly<Record<string, string>>,
): boolean => Object.entries(wanted).every(([key, value]) => labels?.[key] === value);
