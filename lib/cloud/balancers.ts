/** A cloud's load balancers, as they are whenever a packet comes by. */
import type { Balancer, Balancers, LoadBalancer } from "../net/load-balancer.js";
import type { BaseCloud } from "./provider.js";

/** `cloud`: undefined where there is none, or not yet. */
export function balancersOf(cloud: () => BaseCloud | undefined): Balancers {
  const withTargets = (balancer: LoadBalancer): Balancer => ({
    balancer,
    targets: cloud()?.targets.get(balancer.name) ?? [],
  });
  return {
    [Symbol.iterator]: () => [...(cloud()?.loadBalancers.values() ?? [])].map(withTargets).values(),
    at: (address) => cloud()?.balancersAt(address).map(withTargets) ?? [],
  };
}
