/** What is to be said of a Service beside its doors: what is so on purpose, or does no harm now. */
import type { Disposition } from "../journey/types.js";
import { namespacedName } from "../objects/names.js";
import { isReady, isTerminal } from "../objects/pods.js";
import type { Pod, Service } from "../objects/types.js";
import type { Way } from "./doors.js";
import { whyNotReady } from "./ladder/pods.js";
import { nameOf, type Objects } from "./objects.js";
import type { Door } from "./types.js";

export const notesOf = (
  objects: Objects,
  service: Service,
  ways: readonly Way[],
  doors: readonly Door[],
): string[] => [
  ...closedDoors(ways, doors),
  ...unmappedPorts(service),
  ...idlePods(objects, service),
  ...deletion(service),
];

/** Of a name outside nobody here can tell whether anybody knows it. */
const isUntold = (disposition: Disposition): boolean =>
  disposition === "name not found" || disposition === "unknown";

/** What is closed on purpose. */
function closedDoors(ways: readonly Way[], doors: readonly Door[]): string[] {
  const closed = doors.filter(
    ({ shouldAnswer, disposition }) => !shouldAnswer && disposition !== "delivered",
  );
  const kinds = [...new Set(closed.map(({ door }) => door))];
  return kinds.map((kind) => {
    const names = closed.filter(({ door }) => door === kind).map(({ name }) => name);
    if (kind === "name" && closed.some(({ disposition }) => isUntold(disposition)))
      return `${names.join(", ")} is an alias for a name outside, of which nothing is known here`;
    if (kind === "load-balancer")
      return `the nodes' rules take what is sent to ${names.join(", ")} (spec.externalIPs), and nobody here brings packets for it to a node; whether a router of yours does, no object says`;
    const field = kind === "node-port" ? "externalTrafficPolicy" : "internalTrafficPolicy";
    return `${field} is Local: by its ${kind} ${names.join(", ")} ${names.length === 1 ? "does" : "do"} not answer, as no ready endpoint is there; of ${ways.length} doors these are closed on purpose`;
  });
}

/** A headless Service's name leads to the Pods themselves, at their own ports. */
function unmappedPorts(service: Service): string[] {
  const { clusterIP, ports = [] } = service.spec;
  const mapped = ports.filter(({ port, targetPort = port }) => targetPort !== port);
  if (clusterIP !== "None" || mapped.length === 0) return [];
  const each = mapped.map(({ port, targetPort }) => `port ${port} to targetPort ${targetPort}`);
  return [
    `${nameOf(service)} is headless: nobody maps ${each.join(", ")}, so clients ask for the Pods' own ports, as was done here`,
  ];
}

/** Pods that the selector matches beside those that get the traffic. */
function idlePods(objects: Objects, service: Service): string[] {
  const served = new Set(
    objects
      .slicesOf(service)
      .filter(({ ports }) => (ports ?? []).length > 0)
      .flatMap(({ endpoints }) => endpoints)
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses }) => addresses),
  );
  if (served.size === 0) return [];
  const pods = objects.selectedBy(service).filter((pod) => isMeant(pod));
  const idle = pods.filter(({ status }) => {
    const ips = status?.podIPs?.map(({ ip }) => ip) ?? [status?.podIP ?? ""];
    return !ips.some((ip) => served.has(ip));
  });
  const [first] = idle;
  if (!first) return [];
  const many = idle.length > 1 ? ` (one of ${idle.length} such Pods, of ${pods.length})` : "";
  return [
    `${nameOf(first)} is selected and gets no traffic${many}: ${whyIdle(objects, service, first)}`,
  ];
}

/** One that ends, or has ended, is none of those that are meant to serve. */
const isMeant = (pod: Pod): boolean => !pod.metadata.deletionTimestamp && !isTerminal(pod);

function whyIdle(objects: Objects, service: Service, pod: Pod): string {
  if (!isReady(pod)) return whyNotReady(objects, pod).sentence;
  const named = (service.spec.ports ?? []).find(({ targetPort }) => typeof targetPort === "string");
  if (named) return `no container of it has a port that is called ${named.targetPort}`;
  return `no EndpointSlice of ${namespacedName(service)} has its address ${pod.status?.podIP ?? "(it has none)"}`;
}

/** What waits for its finalizers works as long as they stand. */
function deletion({ kind, metadata }: Service): string[] {
  const { deletionTimestamp, finalizers = [] } = metadata;
  if (!deletionTimestamp) return [];
  const who = finalizers.length > 0 ? `; it waits for ${finalizers.join(", ")}` : "";
  return [`${kind} ${metadata.name} is being deleted, since ${deletionTimestamp}${who}`];
}
