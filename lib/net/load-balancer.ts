import type { Packet } from "./packet.js";

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
  /**
   * There is no box: machines tell the router, by ARP or BGP, that they have its addresses. So all
   * that is for these reaches them, whatever the port.
   */
  announced?: boolean;
  /** The first of its healthy targets gets everything. Default: each is as likely. */
  single?: boolean;
  /** Address -> zone: what is for that address goes to targets of that zone alone. */
  zones?: Readonly<Record<string, string>>;
  /** While none of its targets is healthy all of them get packets. Default: none does. */
  failsOpen?: boolean;
  /** How it does what it does, where there is more to say than its mode does. */
  words?: Words;
  /** What was asked of it and is not modelled. Default: nothing. */
  unread?: readonly Unread[];
}

/** Sentences about a load balancer, for readers. */
export interface Words {
  /** Why this target of so many healthy ones gets the packet. */
  picked: (target: Target, healthy: number, packet: Packet) => string;
  /** Why nobody gets it while no target is healthy. */
  nobody?: string;
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
  /**
   * Of a proxying one: targets see the client's own address and port, since the destination alone
   * is rewritten.
   */
  keepsClient?: boolean;
}

export interface HealthCheck {
  /** "heartbeat": others hear from the machine as long as it is up; its port does not matter. */
  protocol: "TCP" | "HTTP" | "heartbeat";
  /** Of targets that have no port of their own. */
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
  /** Where it is not the listener's targetPort: each target may have another. */
  port?: number;
  /** The listener that it is a target of, as keyOf writes it. Default: of all. */
  listener?: string;
  zone?: string;
}

/** "TCP 80" */
export const keyOf = ({ protocol, port }: Pick<Listener, "protocol" | "port">): string =>
  `${protocol} ${port}`;

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
