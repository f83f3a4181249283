/** What has changed of the objects that decide about a Service. */
import { namespacedName } from "../objects/names.js";
import { condition } from "../objects/pods.js";
import type { Kind, Kinds, KubeObject, Node } from "../objects/types.js";
import { hasLabels, nameOf, namespaceOf, Objects } from "./objects.js";
import type { Changed, World } from "./types.js";

export type ListAt = <K extends Kind>(kind: K) => readonly Kinds[K][];

/** Fields whose values differ between then and now, of the Service and of all that it rests on. */
export function changesSince(world: World, then: ListAt, service: string): Changed[] {
  const [before, now] = [related({ ...world, list: then }, service), related(world, service)];
  const names = [...new Set([...before.keys(), ...now.keys()])];
  return names.flatMap((name) => differences(name, "", before.get(name), now.get(name)));
}

/** By name, what decides of each object: its labels, annotations and spec, and a node's state. */
function related(world: World, key: string): Map<string, unknown> {
  const objects = new Objects(world);
  const service = objects.service(key);
  const selector = service?.spec.selector ?? {};
  const workloads = service
    ? objects
        .workloadsIn(namespaceOf(service))
        .filter(
          ({ kind, spec }) =>
            kind !== "ReplicaSet" && isMeant(spec.template.metadata?.labels, selector),
        )
    : [];
  const pods = service ? objects.selectedBy(service) : [];
  const found = new Map<string, unknown>();
  for (const each of [...(service ? [service] : []), ...workloads])
    found.set(nameOf(each), decisive(each));
  for (const node of objects.nodes) found.set(nameOf(node), stateOf(node));
  const ready = pods.filter((pod) => condition(pod, "Ready")?.status === "True");
  found.set(`Pods of ${key}`, {
    selected: pods.map(namespacedName).sort(),
    ready: ready.map(namespacedName).sort(),
  });
  return found;
}

/** The workload that the selector matches, or nearly: it has one of its labels' keys. */
const isMeant = (
  labels: Record<string, string> | undefined,
  selector: Record<string, string>,
): boolean =>
  hasLabels(labels, selector) ||
  Object.keys(selector).some((label) => labels?.[label] !== undefined);

const decisive = ({ metadata, spec }: KubeObject & { spec?: unknown }): unknown => ({
  metadata: { labels: metadata.labels, annotations: metadata.annotations },
  spec,
});

const stateOf = (node: Node): unknown => ({
  metadata: { labels: node.metadata.labels },
  spec: { taints: node.spec.taints, unschedulable: node.spec.unschedulable },
  status: { ready: condition(node, "Ready")?.status },
});

function differences(object: string, field: string, before: unknown, now: unknown): Changed[] {
  if (JSON.stringify(before) === JSON.stringify(now)) return [];
  if (!isMap(before) || !isMap(now)) return [{ object, field, before, now }];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return keys.flatMap((key) =>
    differences(
      object,
      `${field}${Array.isArray(now) ? `[${key}]` : `${field && "."}${key}`}`,
      before[key],
      now[key],
    ),
  );
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;
