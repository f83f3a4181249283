import type { HealthCheck, LoadBalancer } from "../net/load-balancer.js";
import type { Service } from "../objects/types.js";
import {
  BaseCloud,
  CloudError,
  listenersOf,
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
   * The first three parts of the load balancers' addresses. Default "198.51.100", kept for
   * documentation (RFC 5737).
   */
  publicAddresses?: string;
}

/**
 * A cloud like Google's with its passthrough load balancers: an address, and packets that reach a
 * node as the client sent them, the load balancer's address still their destination. The NodePort
 * is not used. (cloud-provider-gcp: providers/gce/gce_loadbalancer_external.go)
 */
export const gcp =
  (options: GcpOptions = {}): Cloud =>
  (environment) =>
    new Gcp(environment, options);

class Gcp extends BaseCloud {
  readonly name = "gce";
  readonly #region: string;
  readonly #zones: readonly string[];
  #made = 0;

  constructor(
    environment: CloudEnvironment,
    private readonly options: GcpOptions,
  ) {
    super(environment);
    this.#region = options.region ?? "asia-south1";
    this.#zones = options.zones ?? ["a", "b", "c"].map((letter) => `${this.#region}-${letter}`);
  }

  protected describe(
    name: string,
    number: number,
  ): Omit<Instance, "name" | "addresses" | "publicAddresses"> {
    const zone = this.#zones[number % this.#zones.length]!;
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
    const address =
      spec.loadBalancerIP ??
      existing?.addresses[0] ??
      `${this.options.publicAddresses ?? "198.51.100"}.${10 + (this.#made++ % 240)}`;
    return {
      name: this.balancerName(service),
      mode: "passthrough",
      addresses: [address],
      privateAddresses: [],
      listeners: listenersOf(service, () => 0),
      healthCheck: healthCheckFor(service),
      sourceRanges: spec.loadBalancerSourceRanges ?? [],
    };
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
