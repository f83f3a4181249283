/** From where components draw the uids and the names of what they make. */
import type { Random } from "./machinery/random.js";

/**
 * Where the draws of some begin in the stream that all drew from once: so the article's Pods, its
 * EndpointSlice and its load balancer (seed 1) are called as they always were.
 */
const begins = new Map([
  ["kubectl", 100],
  ["endpointslice-controller", 116],
  ["replicaset-controller", 133],
]);

/** Each has a stream of its own: one that is new moves nobody's names. */
export function nameStream(random: Random, who: string): Random {
  const place = begins.get(who);
  return place === undefined
    ? random.fork(`apiserver/${who}`)
    : random.fork("apiserver").skip(place);
}
