import type { Informer } from "../machinery/informer.js";
import type { Informers } from "../machinery/informer.js";
import type {
  Container,
  Endpoint,
  ObjectReference,
  Pod,
  Protocol,
  Service,
  ServicePort,
} from "../objects/types.js";
import { isReady, isTerminal } from "../objects/pods.js";

/**
 * Which Pods a Service selects, and which Services select a Pod: asked by both endpoint
 * controllers. Both questions are answered from indexes by label, so that neither looks at all Pods
 * or at all Services.
 */
export class Selection {
  readonly services: Informer<Service>;
  readonly pods: Informer<Pod>;

  constructor(informers: Informers) {
    this.services = informers.of("Service");
    this.pods = informers.of("Pod");
    this.services.index("selector", ({ metadata: { namespace }, spec }) =>
      labelKeys(namespace!, spec.selector ?? {}).slice(0, 1),
    );
    this.pods.index(
      "label",
      ({ metadata: { namespace, labels } }) => labels && labelKeys(namespace!, labels),
      ({ metadata }) => metadata.labels,
    );
  }

  /**
   * The keys of the Pods that a Service selects; none where it has no selector (its endpoints are
   * the user's business).
   */
  *podsOf({ metadata: { namespace }, spec: { selector = {} } }: Service): Iterable<Pod> {
    const [fewest = nobody] = labelKeys(namespace!, selector)
      .map((key) => this.pods.keysBy("label", key))
      .sort((a, b) => a.size - b.size);
    for (const key of fewest) {
      const pod = this.pods.get(key)!;
      if (selects(selector, pod)) yield pod;
    }
  }

  /** The keys of the Services that select a Pod. */
  servicesOf(pod: Pod): readonly string[] {
    const { namespace, labels } = pod.metadata;
    if (!labels) return nobody;
    let keys = nobody;
    for (const label of labelKeys(namespace!, labels))
      for (const key of this.services.keysBy("selector", label))
        if (selects(this.services.get(key)!.spec.selector!, pod))
          keys = keys === nobody ? [key] : [...keys, key];
    return keys;
  }

  /**
   * The Services whose endpoints may differ after a Pod's change; none where nothing changed that
   * an endpoint shows.
   */
  affectedBy(pod: Pod | undefined, previous: Pod | undefined): readonly string[] {
    if (pod && previous && looksTheSame(pod, previous)) return nobody;
    const now = pod ? this.servicesOf(pod) : nobody;
    if (!previous || previous.metadata.labels === pod?.metadata.labels) return now;
    return [...new Set([...now, ...this.servicesOf(previous)])];
  }
}

const nobody: readonly string[] = [];

// Pods of one template share their labels
const knownKeys = new WeakMap<Record<string, string>, { namespace: string; keys: string[] }>();

function labelKeys(namespace: string, labels: Record<string, string>): string[] {
  const known = knownKeys.get(labels);
  if (known?.namespace === namespace) return known.keys;
  const keys = Object.keys(labels).map((key) => `${namespace}/${key}=${labels[key]}`);
  knownKeys.set(labels, { namespace, keys });
  return keys;
}

export function selects(selector: Record<string, string>, pod: Pod): boolean {
  const labels = pod.metadata.labels;
  for (const key in selector) if (labels?.[key] !== selector[key]) return false;
  return true;
}

const looksTheSame = (a: Pod, b: Pod): boolean =>
  a.metadata.labels === b.metadata.labels &&
  a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
  a.spec.nodeName === b.spec.nodeName &&
  a.status?.podIP === b.status?.podIP &&
  isReady(a) === isReady(b) &&
  isTerminal(a) === isTerminal(b);

/** ready, serving, terminating: who may get traffic. (k8s.io/endpointslice: utils.go) */
export function endpointConditions(
  pod: Pod,
  service: Service,
): Required<NonNullable<Endpoint["conditions"]>> {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  return conditionsOf[(ready ? 4 : 0) + (serving ? 2 : 0) + (terminating ? 1 : 0)]!;
}

/** There are no more than these: thousands of endpoints share them. */
const conditionsOf = Array.from({ length: 8 }, (_, bits) =>
  Object.freeze({ ready: bits > 3, serving: (bits & 2) > 0, terminating: (bits & 1) > 0 }),
);

/** As `targetPorts`, with the ports as text; worked out once for all the Pods of one template. */
export function portsByTemplate(
  service: Service,
): (pod: Pod) => { ports: TargetPort[]; text: string } {
  const known = new Map<unknown, { ports: TargetPort[]; text: string }>();
  return (pod) => {
    let found = known.get(pod.spec.containers);
    if (!found) {
      const ports = targetPorts(service, pod);
      known.set(pod.spec.containers, (found = { ports, text: JSON.stringify(ports) }));
    }
    return found;
  };
}

export interface TargetPort {
  name: string;
  port: number;
  protocol: Protocol;
  appProtocol?: string;
}

/**
 * The ports of an endpoint: the Service's, each with the number that its targetPort means in this
 * Pod. A name that the Pod does not have is left out.
 */
export function targetPorts(service: Service, pod: Pod): TargetPort[] {
  return (service.spec.ports ?? []).flatMap((servicePort) => {
    const port = targetPort(servicePort, pod);
    const { name = "", protocol = "TCP", appProtocol } = servicePort;
    return port === undefined
      ? []
      : [{ name, port, protocol, ...(appProtocol !== undefined && { appProtocol }) }];
  });
}

function targetPort(
  { port, targetPort = port, protocol = "TCP" }: ServicePort,
  { spec }: Pod,
): number | undefined {
  if (typeof targetPort === "number") return targetPort;
  const sidecars = (spec.initContainers ?? []).filter(
    (container) => (container as Container & { restartPolicy?: string }).restartPolicy === "Always",
  );
  for (const { ports = [] } of [...spec.containers, ...sidecars])
    for (const one of ports)
      if (one.name === targetPort && (one.protocol ?? "TCP") === protocol) return one.containerPort;
  return undefined;
}

export const podReference = ({ metadata: { namespace, name, uid } }: Pod): ObjectReference => ({
  kind: "Pod",
  namespace: namespace!,
  name,
  uid: uid!,
});
