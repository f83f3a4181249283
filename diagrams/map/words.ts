/** What is said in words of a node or a Pod, where believed and true differ from all's well. */
import { printable } from "stopover/internal/net/printable";
import { widthOf } from "../svg/measure.js";
import { fraction } from "../text.js";
import type { MapData, MapNode, MapPod, MapWays } from "./data.js";

/** Empty where there is nothing to say. */
export function wordsOfNode(node: MapNode, { balancer, ways }: MapData): string[] {
  const words: string[] = [];
  if (node.up === false) words.push("machine is down");
  if (!node.ready) words.push("NotReady");
  else if (node.up === false) words.push("believed Ready");
  if (node.up !== false && node.proxy === "stopped") words.push("kube-proxy stopped");
  if (node.up !== false && node.stale) words.push("its rules are old");
  if (node.up !== false && node.shut) words.push("drops: no Pod here");
  if (balancer?.believed) words.push(...wordsOfTarget(node));
  return [...words, ...endsAt(ways, (place) => "node" in place && place.node === node.name)];
}

function wordsOfTarget({ target }: MapNode): string[] {
  if (target === "unhealthy") return ["fails the health check"];
  return target === "healthy" ? [] : ["not behind the load balancer"];
}

/**
 * How many of the requests enter this node, beside its name; that all do, its line says where the
 * name needs the room.
 */
export function shareEntering(
  { ways }: MapData,
  { name }: MapNode,
  width: number,
): string | undefined {
  const share = ways?.shares[`door ${name}`];
  if (!share) return undefined;
  const words = fraction(share);
  const isTight = widthOf(printable(name)) + widthOf(words) + 8 > width;
  return share === 1 && isTight ? undefined : words;
}

/** The second of its lines: it is drawn solid where it is "ready" and a process listens. */
export function wordsOfPod(pod: MapPod, { ways, nodes }: MapData): string[] {
  const words: string[] = [];
  if (pod.asks) words.push("asks");
  if (!hasAddress(pod)) return words;
  if (pod.believed === "absent" && !pod.stranger) words.push("in no EndpointSlice");
  if (pod.believed === "not ready" || pod.believed === "terminating") words.push(pod.believed);
  const down = nodes.some(({ name, up }) => name === pod.node && up === false);
  if (pod.listens === false && !down) words.push("nobody listens");
  return [...words, ...endsAt(ways, (place) => "pod" in place && place.pod === pod.key)];
}

function hasAddress({ address }: MapPod): boolean {
  return /\d/.test(address);
}

/** Where requests end that nobody answers: "dropped 1/3". */
export function endsAt(
  ways: MapWays | undefined,
  isHere: (place: MapWays["ends"][number]["place"]) => boolean,
): string[] {
  return (ways?.ends ?? [])
    .filter(({ place }) => isHere(place))
    .map(({ disposition, share }) => `${disposition} ${fraction(share)}`);
}

/** The client, or the load balancer: "no healthy target 1/1". */
export function endsOutside(ways: MapWays | undefined, at: "client" | "balancer"): string[] {
  return endsAt(ways, (place) => place.at === at);
}
