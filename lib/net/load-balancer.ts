/**
 * A cloud's load balancer as the network sees it: what somebody programmed into it.
 *
 * mode "proxy": it ends the client's connection and opens one of its own to a target (AWS's classic
 * ELB, haproxy). mode "passthrough": it hands the packet on with the client's address, the load
 * balancer's address still its destination (VIP).
 */
export interface LoadBalancer {
  name: string;
  mode: "proxy" | "passthrough";
  /** The name clients resolve, where the provider gives one. */
  hostname?: string;
  /** The public addresses that the name resolves to (or that clients use directly). */
  addresses: string[];
  /** Where a proxying one connects from: its addresses inside the cluster's network. */
  privateAddresses: string[];
  listeners: Listener[];
  healthCheck?: HealthCheck;
  /** CIDRs that may connect; empty: everybody. */
  sourceRanges: string[];
  /** Its addresses are of the cluster's own network: no route leads there from the internet. */
  internal?: boolean;
  /** It sends a client, whatever its port, to the same target again, while that is healthy. */
  sticky?: boolean;
  /** What was asked of it and is not modelled. Default: nothing. */
  unread?: readonly Unread[];
}

/** A wish that nobody here reads: whose it is, where it stands, and a sentence about it. */
export interface Unread {
  object: string;
  field: string;
  sentence: string;
}

export interface Listener {
  protocol: "TCP" | "UDP" | "SCTP";
  port: number;
  /** The port on each target; 0 where packets are passed through unchanged. */
  targetPort: number;
}

export interface HealthCheck {
  protocol: "TCP" | "HTTP";
  port: number;
  path?: string;
  intervalSeconds: number;
  healthyThreshold: number;
  unhealthyThreshold: number;
}

export interface Target {
  /** The name of the machine. */
  instance: string;
  address: string;
  healthy: boolean;
}

/**
 * A load balancer together with the instances behind it, and what its health checks say of them.
 */
export interface Balancer {
  balancer: LoadBalancer;
  targets: readonly Target[];
}

/** All load balancers of a network. */
export interface Balancers extends Iterable<Balancer> {
  /** Those that answer at this address; several may share one, each with ports of its own. */
  at(address: string): readonly Balancer[];
}

/** Load balancers that are there from the start and stay. */
export function fixedBalancers(all: readonly Balancer[]): Balancers {
  const byAddress = new Map<string, Balancer[]>();
  for (const each of all)
    for (const address of each.balancer.addresses)
      byAddress.set(address, [...(byAddress.get(address) ?? []), each]);
  return { [Symbol.iterator]: () => all.values(), at: (address) => byAddress.get(address) ?? [] };
}
