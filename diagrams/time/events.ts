/** What happened from one moment to the next, in words: read off two maps. */
import type { MapData, MapNode, MapPod } from "../map/data.js";

/** "node-b is NotReady", "the load balancer gives node-b up" */
export function eventsBetween(before: MapData, after: MapData): string[] {
  return [
    ...after.nodes.flatMap((node) => {
      const old = before.nodes.find(({ name }) => name === node.name);
      return old ? nodeEvents(old, node) : [`${node.name} joins`];
    }),
    ...after.pods.flatMap((pod) => {
      const old = before.pods.find(({ key }) => key === pod.key);
      return old ? podEvents(old, pod) : [`${pod.name} is made`];
    }),
    ...before.pods
      .filter(({ key }) => !after.pods.some((pod) => pod.key === key))
      .map(({ name }) => `${name} is gone`),
  ];
}

function nodeEvents(old: MapNode, { name, ready, up, proxy, target, stale }: MapNode): string[] {
  const events: string[] = [];
  if (old.up !== up) events.push(up ? `${name}'s machine runs` : `${name}'s machine is down`);
  if (old.ready !== ready) events.push(`${name} is ${ready ? "Ready" : "NotReady"}`);
  if (old.target !== target) events.push(targetEvent(name, target));
  if (old.proxy !== proxy)
    events.push(`${name}'s kube-proxy ${proxy === "running" ? "runs" : "is stopped"}`);
  if (old.stale !== stale) events.push(`${name}'s rules are ${stale ? "old" : "up to date"}`);
  return events;
}

function targetEvent(name: string, target: MapNode["target"]): string {
  switch (target) {
    case "healthy":
      return `the load balancer takes ${name}`;
    case "unhealthy":
      return `the load balancer gives ${name} up`;
    default:
      return `${name} is no target of the load balancer`;
  }
}

function podEvents(old: MapPod, { name, believed, listens, node }: MapPod): string[] {
  const events: string[] = [];
  if (old.node !== node && node !== undefined) events.push(`${name} gets ${node}`);
  if (old.believed !== believed)
    events.push(
      believed === "absent" ? `${name} leaves the EndpointSlice` : `${name} is ${believed}`,
    );
  if (old.listens !== listens && listens !== undefined)
    events.push(listens ? `${name} listens` : `${name} listens no more`);
  return events;
}
