/**
 * What MetalLB and kube-vip have in common: there is no load balancer between the router and the
 * nodes. Nodes make a Service's address known, the router sends what is for it to one of them, and
 * kube-proxy's rules there do the rest, since the packet comes with that address.
 */
import type { LoadBalancer, Target } from "../net/load-balancer.js";
import type { Service } from "../objects/types.js";
import { askedOf } from "./annotations.js";
import { EndpointCloud } from "./endpoint-targets.js";
import {
  CloudError,
  listenersOf,
  type CloudEnvironment,
  type Instance,
  type LoadBalancerStatus,
} from "./provider.js";

export abstract class AnnouncingCloud extends EndpointCloud {
  /** The machines are somebody else's: no providerID, no zones. */
  override readonly hasMachines = false;
  /** Annotations that ask for an address. */
  protected abstract readonly addressAnnotations: readonly string[];

  /** `addresses`: the first three parts of those that it gives, .10 to .254. */
  constructor(environment: CloudEnvironment, addresses: string | undefined) {
    super(environment, { publicAddresses: addresses });
  }

  /** Nothing is known of a machine but its name. */
  protected describe(): Omit<Instance, "name" | "addresses" | "publicAddresses"> {
    return { zone: "", region: "", type: "", providerID: "" };
  }

  /** Who announces decides what becomes of a packet; a firewall there is none. */
  protected design(service: Service, existing: LoadBalancer | undefined): LoadBalancer {
    const { spec } = service;
    if (spec.ipFamilies?.[0] === "IPv6")
      throw new CloudError("no available IPs: the pool has no IPv6 addresses");
    const address = this.#wished(service) ?? existing?.addresses[0] ?? this.#next();
    return {
      name: this.balancerName(service),
      mode: "passthrough",
      announced: true,
      addresses: [address],
      privateAddresses: [],
      listeners: listenersOf(service, () => 0),
      // kube-proxy looks at spec.loadBalancerSourceRanges
      sourceRanges: [],
      ...askedOf(service, this.addressAnnotations),
      ...this.announcing(address, service),
    };
  }

  /** How nodes announce an address, and how it is found that one of them is gone. */
  protected abstract announcing(
    address: string,
    service: Service,
  ): Pick<LoadBalancer, "single" | "healthCheck" | "words">;

  #wished({ metadata: { annotations = {} }, spec }: Service): string | undefined {
    const asked = this.addressAnnotations.flatMap((key) => annotations[key]?.split(",") ?? []);
    return asked[0]?.trim() ?? spec.loadBalancerIP;
  }

  #next(): string {
    const refusal = "no available IPs: all addresses of the pool are taken";
    return this.takeEach([this.outside], refusal)[0]!;
  }

  protected statusOf({ addresses }: LoadBalancer): LoadBalancerStatus {
    return { ingress: addresses.map((ip) => ({ ip, ipMode: "VIP" })) };
  }

  /** Those of the nodes that have Pods which can answer; `all`: every node, if any has. */
  protected announcers(service: Service, machines: readonly Instance[], all: boolean): Target[] {
    const serving = this.endpoints.nodesServing(service);
    const fit = machines.filter(({ name }) => (all ? serving.size > 0 : serving.has(name)));
    return super.targetsOf(service, fit);
  }
}

/** Whoever asks for this address on the link asks so. */
export const askedBy = (address: string): string => (address.includes(":") ? "NDP" : "ARP");
