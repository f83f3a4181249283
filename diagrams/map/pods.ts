/** The Pods on the map: a Service's own, and those that a journey came through. */
import type { EndpointSlice, Journey, Pod, Service } from "stopover";
import { items } from "../objects.js";
import type { MapPod } from "./data.js";
import type { MapSource } from "./inside.js";
import { askerOf, endpointText } from "./way.js";

export function podsOf(source: MapSource, service: Service, trips: readonly Journey[]): MapPod[] {
  const asks = trips[0] && askerOf(trips[0])?.name;
  const met = new Set([...trips.flatMap(podsMetBy), ...(asks === undefined ? [] : [asks])]);
  const found = new Map<string, MapPod>();
  for (const pod of endpointsOf(source, service)) if (!found.has(pod.key)) found.set(pod.key, pod);
  for (const pod of items<Pod>(source, "Pod")) {
    const key = keyOfPod(pod);
    const wanted = met.has(key) || isSelected(pod, service);
    if (wanted && !found.has(key) && !hasEnded(pod)) found.set(key, aPod(source, pod, service));
  }
  const pods = [...found.values()].map((pod) => ({ ...pod, asks: pod.key === asks }));
  return pods.sort(
    (a, b) => (a.node ?? "~").localeCompare(b.node ?? "~") || a.name.localeCompare(b.name),
  );
}

/** Also those that pass a request on, and those of other Services. */
function podsMetBy({ pod, hops, reply }: Journey): string[] {
  const names = [...hops, ...reply].flatMap(({ kind, name }) =>
    kind === "pod" || kind === "proxy" ? [name] : [],
  );
  return pod === undefined ? names : [...names, pod];
}

const keyOfPod = ({ metadata }: Pod): string =>
  `${metadata.namespace ?? "default"}/${metadata.name}`;
const hasEnded = ({ status }: Pod): boolean =>
  status?.phase === "Succeeded" || status?.phase === "Failed";

function isSelected({ metadata }: Pod, service: Service): boolean {
  const selector = Object.entries(service.spec.selector ?? {});
  return (
    selector.length > 0 &&
    (metadata.namespace ?? "default") === (service.metadata.namespace ?? "default") &&
    selector.every(([key, value]) => metadata.labels?.[key] === value)
  );
}

function slicesOf(source: MapSource, { metadata }: Service): EndpointSlice[] {
  return items<EndpointSlice>(source, "EndpointSlice").filter(
    (slice) =>
      (slice.metadata.namespace ?? "default") === (metadata.namespace ?? "default") &&
      slice.metadata.labels?.["kubernetes.io/service-name"] === metadata.name,
  );
}

function endpointsOf(source: MapSource, service: Service): MapPod[] {
  const namespace = service.metadata.namespace ?? "default";
  const port = service.spec.ports?.[0];
  return slicesOf(source, service).flatMap(({ endpoints, ports }) => {
    const target = (ports?.find(({ name }) => (name ?? "") === (port?.name ?? "")) ?? ports?.[0])
      ?.port;
    return endpoints.flatMap(({ addresses: [ip], conditions, nodeName, targetRef }): MapPod[] => {
      if (ip === undefined) return [];
      const name = targetRef?.name ?? ip;
      const key = `${targetRef?.namespace ?? namespace}/${name}`;
      const pod = { key, name, node: nodeName, address: endpointText(ip, target) };
      const isTrue = listens(source, pod, target, port);
      const believed = stateOf(conditions);
      return [{ ...pod, asks: false, stranger: false, believed, listens: isTrue }];
    });
  });
}

function stateOf(conditions: EndpointSlice["endpoints"][number]["conditions"]): MapPod["believed"] {
  if (conditions?.terminating) return "terminating";
  return conditions?.ready === false ? "not ready" : "ready";
}

function aPod(source: MapSource, pod: Pod, service: Service): MapPod {
  const port = isSelected(pod, service) ? service.spec.ports?.[0] : undefined;
  const target = typeof port?.targetPort === "number" ? port.targetPort : undefined;
  const ip = pod.status?.podIP;
  const one = {
    key: keyOfPod(pod),
    name: pod.metadata.name,
    node: pod.spec.nodeName,
    address: ip === undefined ? "no address yet" : endpointText(ip, target),
  };
  const ending = pod.metadata.deletionTimestamp !== undefined && port !== undefined;
  return {
    ...one,
    asks: false,
    stranger: port === undefined,
    believed: ending ? "terminating" : "absent",
    listens: listens(source, one, target, port),
  };
}

function listens(
  { network }: MapSource,
  { node, key }: { node: string | undefined; key: string },
  port: number | undefined,
  { protocol = "TCP" }: { protocol?: "TCP" | "UDP" | "SCTP" } = {},
): boolean | undefined {
  if (!network || port === undefined) return undefined;
  const machine = node === undefined ? undefined : network.machines.get(node);
  return machine?.up === true && (machine.sandbox(key)?.listens(protocol, port) ?? false);
}
