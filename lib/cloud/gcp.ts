import { unknownKeys } from "../api/options.js";
import type { HealthCheck, Listener, LoadBalancer } from "../net/load-balancer.js";
import { internalBy } from "../objects/annotations.js";
import type { Service } from "../objects/types.js";
import {
  BaseCloud,
  CloudError,
  listenersOf,
  sourceRangesOf,
  wishes,
  type Cloud,
  type CloudEnvironment,
  type Instance,
  type LoadBalancerStatus,
} from "./provider.js";

/** kube-proxy's own health server on each node. (kube-proxy: --healthz-bind-address) */
const KUBE_PROXY_HEALTH_PORT = 10_256;

export interface GcpOptions {
  /** Default "asia-south1". */
  region?: string;
  zones?: readonly string[];
  /**
   * The first three parts of the load balancers' addresses, .10 to .254. Default: those of
   * 198.51.100 (RFC 5737), then 198.18.0.0/16 (RFC 2544).
   */
  publicAddresses?: string;
}

/**
 * A cloud like Google's with its passthrough load balancers: an address, and packets that reach a
 * node as the client sent them, the load balancer's address still their destination. The NodePort
 * is not used. (cloud-provider-gcp: providers/gce/gce_loadbalancer_external.go)
 */
export function gcp(options: GcpOptions = {}): Cloud {
  for (const problem of unknownKeys("", options, optionNames)) throw new Error(`gcp: ${problem}`);
  return (environment) => new Gcp(environment, options);
}

const optionNames: readonly (keyof GcpOptions)[] = ["region", "zones", "publicAddresses"];

export class Gcp extends BaseCloud {
  readonly name = "gce";
  protected readonly zones: readonly string[];
  readonly #region: string;

  constructor(environment: CloudEnvironment, options: GcpOptions) {
    super(environment, options);
    this.#region = options.region ?? "asia-south1";
    this.zones = options.zones ?? ["a", "b", "c"].map((letter) => `${this.#region}-${letter}`);
  }

  protected describe(
    name: string,
    number: number,
  ): Omit<Instance, "name" | "addresses" | "publicAddresses"> {
    const zone = this.zones[number % this.zones.length]!;
    return {
      zone,
      region: this.#region,
      type: "e2-medium",
      providerID: `gce://stopover/${zone}/${name}`,
    };
  }

  protected design(service: Service, existing: LoadBalancer | undefined): LoadBalancer {
    const { spec } = service;
    const protocols = new Set(spec.ports?.map(({ protocol = "TCP" }) => protocol));
    if (protocols.size > 1)
      throw new CloudError("mixed protocol is not supported for LoadBalancer");
    if (protocols.has("SCTP"))
      throw new CloudError("invalid protocol SCTP: only TCP and UDP are supported");
    const listeners = listenersOf(service, () => 0);
    if (spec.loadBalancerIP) this.#refuseConflict(service, spec.loadBalancerIP, listeners);
    const internal = internalBy(service) !== undefined;
    const address =
      spec.loadBalancerIP ??
      this.kept(existing, internal)?.addresses[0] ??
      this.#newAddress(internal);
    return {
      name: this.balancerName(service),
      mode: "passthrough",
      addresses: [address],
      privateAddresses: [],
      listeners,
      healthCheck: healthCheckFor(service),
      sourceRanges: sourceRangesOf(service),
      ...(internal && { internal }),
      // the target pool's CLIENT_IP (gce_loadbalancer.go, translateAffinityType)
      ...(spec.sessionAffinity === "ClientIP" && { sticky: true }),
      ...wishes.unread(service),
    };
  }

  #newAddress(internal: boolean): string {
    const pool = internal ? this.inside : this.outside;
    const refusal = "Quota 'ADDRESSES' exceeded: all addresses for load balancers are taken";
    return this.takeEach([pool], refusal)[0]!;
  }

  /** Several load balancers may share an address, each with ports of its own. */
  #refuseConflict(service: Service, address: string, listeners: readonly Listener[]): void {
    const own = this.balancerName(service);
    const others = this.balancersAt(address).filter(({ name }) => name !== own);
    const ports = new Set(listeners.map(({ protocol, port }) => `${protocol} ${port}`));
    const clash = others.some((other) =>
      other.listeners.some(({ protocol, port }) => ports.has(`${protocol} ${port}`)),
    );
    if (clash || [...this.instances.values()].some((each) => each.addresses.includes(address)))
      throw new CloudError("Specified IP address is in-use and would result in a conflict.");
  }

  protected statusOf({ addresses }: LoadBalancer): LoadBalancerStatus {
    return { ingress: addresses.map((ip) => ({ ip, ipMode: "VIP" })) };
  }
}

function healthCheckFor({ spec }: Service): HealthCheck {
  const local = spec.externalTrafficPolicy === "Local" && spec.healthCheckNodePort;
  return {
    protocol: "HTTP",
    port: local || KUBE_PROXY_HEALTH_PORT,
    path: "/healthz",
    intervalSeconds: 8,
    healthyThreshold: 1,
    unhealthyThreshold: 3,
  }; // gce_healthchecks.go
}
