/**
 * kube-vip in ARP mode: a virtual address that one node has on its interface.
 *
 *     createCluster({ cloud: kubeVip() });
 *     createCluster({ cloud: kubeVip({ servicesElection: true }) });
 *
 * The node that holds the Lease plndr-svcs-lock has the addresses of all Services, until it is
 * gone; with servicesElection each Service has a Lease and a node of its own. A node that comes
 * back does not take an address away from the one that has it. (kube-vip: cmd/kube-vip.go,
 * pkg/manager)
 *
 * Not modelled: its BGP and routing-table modes, the control plane's address, DHCP, egress.
 */
import { unknownKeys } from "../api/options.js";
import type { HealthCheck, LoadBalancer, Target } from "../net/load-balancer.js";
import type { Node, Service } from "../objects/types.js";
import { AnnouncingCloud, askedBy } from "./announced.js";
import type { Cloud, CloudEnvironment, Instance } from "./provider.js";

export interface KubeVipOptions {
  /** The first three parts of the addresses, .10 to .254. Default 198.51.100. */
  addresses?: string;
  /**
   * A leader for each Service, with externalTrafficPolicy Local among the nodes that have its Pods.
   * Default: no, one for all, whether it has Pods or not (--servicesElection).
   */
  servicesElection?: boolean;
}

const optionNames: readonly (keyof KubeVipOptions)[] = ["addresses", "servicesElection"];

export function kubeVip(options: KubeVipOptions = {}): Cloud {
  for (const problem of unknownKeys("", options, optionNames))
    throw new Error(`kubeVip: ${problem}`);
  return (environment) => new KubeVip(environment, options);
}

class KubeVip extends AnnouncingCloud {
  readonly name = "kube-vip";
  override readonly loadBalancerClass = "kube-vip.io/kube-vip-class";
  protected readonly addressAnnotations = ["kube-vip.io/loadbalancerIPs"];
  /** Lease -> the node that holds it. */
  readonly #holders = new Map<string, string>();

  constructor(
    environment: CloudEnvironment,
    private readonly options: KubeVipOptions,
  ) {
    super(environment, options.addresses);
  }

  protected announcing(address: string): Pick<LoadBalancer, "single" | "healthCheck" | "words"> {
    return {
      single: true,
      healthCheck: lease,
      words: {
        picked: ({ instance }) =>
          `${instance} holds the Lease, so it has ${address} on its eth0 and answers ${askedBy(address)} requests for it; kube-proxy there spreads the connections`,
        nobody: `nobody has ${address}: no node holds the Lease`,
      },
    };
  }

  protected override targetsOf(service: Service, machines: readonly Instance[]): Target[] {
    const isLocal = service.spec.externalTrafficPolicy === "Local";
    return this.options.servicesElection
      ? this.announcers(service, machines, !isLocal)
      : super.targetsOf(service, machines);
  }

  // ---- who holds the Lease has the address ----

  override updateLoadBalancer(service: Service, nodes: readonly Node[]): void {
    super.updateLoadBalancer(service, nodes);
    this.healthChanged(this.balancerName(service));
  }

  override ensureLoadBalancerDeleted(service: Service): void {
    super.ensureLoadBalancerDeleted(service);
    this.#bindAll();
  }

  override healthChanged(name: string): void {
    const targets = this.targets.get(name);
    if (!targets) return;
    const lock = this.options.servicesElection ? name : "plndr-svcs-lock";
    const healthy = targets.filter((target) => target.healthy);
    const held = healthy.find(({ instance }) => instance === this.#holders.get(lock));
    const holder = held ?? this.#first(lock, healthy);
    if (holder) this.#holders.set(lock, holder.instance);
    const before = targets.filter((target) => target !== holder);
    this.targets.set(name, holder ? [holder, ...before] : before);
    this.#bindAll();
  }

  /** Who is the first to ask for the Lease is chance. */
  #first(lock: string, candidates: readonly Target[]): Target | undefined {
    if (candidates.length === 0) return undefined;
    const draw = this.environment.random.fork(`kube-vip/${lock}/${this.#holders.get(lock) ?? ""}`);
    return candidates[draw.between(0, candidates.length - 1)];
  }

  /** Addresses lie where their holders are. A holder that is down keeps its own for itself. */
  #bindAll(): void {
    for (const { name } of this.instances.values()) {
      const own = [...this.targets].flatMap(([balancer, [first]]) =>
        first?.instance === name && first.healthy
          ? (this.loadBalancers.get(balancer)?.addresses ?? [])
          : [],
      );
      this.environment.bind?.(
        name,
        own.map((address) => `${address}/${address.includes(":") ? 128 : 32}`),
      );
    }
  }
}

/**
 * A Lease of five seconds, asked for every second. (--leaseDuration 5, --leaseRenewDuration 3,
 * --leaseRetry 1)
 */
const lease: HealthCheck = {
  protocol: "heartbeat",
  port: 0,
  intervalSeconds: 1,
  healthyThreshold: 1,
  unhealthyThreshold: 5,
};
