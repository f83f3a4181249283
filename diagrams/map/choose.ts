/** Which nodes and Pods are drawn where there are too many: first of all those on the way. */
import type { Node } from "stopover";
import type { MapData, MapPod, Visit } from "./data.js";
import { nodeOf, type World } from "./way.js";

export function choose(
  nodes: readonly Node[],
  pods: readonly MapPod[],
  way: readonly Visit[] | undefined,
  world: World,
  {
    nodes: roomForNodes = 6,
    pods: roomForPods = 12,
  }: { nodes?: number | undefined; pods?: number | undefined },
): Pick<MapData, "moreNodes" | "pods" | "morePods"> & { shown: Node[] } {
  const places = (way ?? []).map(({ place }) => place);
  const onWay = new Set(places.flatMap((place) => nodeOf(place, world) ?? []));
  const podsOnWay = new Set(places.flatMap((place) => ("pod" in place ? [place.pod] : [])));
  const shown = firstOf(nodes, roomForNodes, ({ metadata }) => onWay.has(metadata.name));
  const drawn = new Set(shown.map(({ metadata }) => metadata.name));
  const here = pods.filter(
    ({ node }) => node === undefined || drawn.has(node) || !world.isNode(node),
  );
  const shownPods = new Set(
    firstOf(inTurn(here), roomForPods, ({ key, asks }) => asks || podsOnWay.has(key)),
  );
  const morePods: Record<string, number> = {};
  for (const pod of here)
    if (!shownPods.has(pod)) morePods[pod.node ?? ""] = (morePods[pod.node ?? ""] ?? 0) + 1;
  return {
    shown,
    moreNodes: nodes.length - shown.length,
    pods: here.filter((pod) => shownPods.has(pod)),
    morePods,
  };
}

/** The first `room` of them, and before those the ones that must be there. */
function firstOf<T>(all: readonly T[], room: number, must: (one: T) => boolean): T[] {
  let left = Math.max(0, room - all.filter(must).length);
  return all.filter((one) => must(one) || left-- > 0);
}

/** One Pod of each node, then each node's second one, and so on. */
function inTurn(pods: readonly MapPod[]): MapPod[] {
  const turns = new Map<MapPod, number>();
  const seen = new Map<string | undefined, number>();
  for (const pod of pods) {
    turns.set(pod, seen.get(pod.node) ?? 0);
    seen.set(pod.node, (seen.get(pod.node) ?? 0) + 1);
  }
  return [...pods].sort((a, b) => turns.get(a)! - turns.get(b)!);
}
