import { unknownKeys } from "../api/options.js";
import type { HealthCheck, LoadBalancer } from "../net/load-balancer.js";
import type { Random } from "../machinery/random.js";
import { internalBy } from "../objects/annotations.js";
import type { Service } from "../objects/types.js";
import {
  BaseCloud,
  CloudError,
  listenersOf,
  sourceRangesOf,
  wishes,
  type Addressed,
  type Cloud,
  type CloudEnvironment,
  type Instance,
  type LoadBalancerStatus,
} from "./provider.js";

export interface AwsOptions {
  /** Default "ap-south-1", the article's. */
  region?: string;
  /** Zones that machines are spread over, in turn. Default: a, b and c of the region. */
  zones?: readonly string[];
  /**
   * Open pin: the name of the first load balancer. Default "1234", so that it is called as in the
   * article; later names are drawn.
   */
  firstLoadBalancer?: string;
  /**
   * The first three parts of the addresses that load balancers get on the internet, .10 to .254.
   * Default: those of 198.51.100 (RFC 5737), then 198.18.0.0/16 (RFC 2544).
   */
  publicAddresses?: string;
  /**
   * Their addresses inside the cluster's network: where the nodes see connections come from. One
   * for each load balancer. Default: 192.168.0.250 down to .240, then 192.168.1.250 and so on.
   */
  privateAddresses?: readonly string[];
}

/**
 * A cloud like Amazon's with its classic load balancers: a name, not an address; a proxy that ends
 * the client's connection and opens its own to a node's NodePort. (cloud-provider-aws:
 * pkg/providers/v1/aws_loadbalancer.go)
 */
export function aws(options: AwsOptions = {}): Cloud {
  for (const problem of unknownKeys("", options, optionNames)) throw new Error(`aws: ${problem}`);
  return (environment) => new Aws(environment, options);
}

const optionNames: readonly (keyof AwsOptions)[] = [
  "region",
  "zones",
  "firstLoadBalancer",
  "publicAddresses",
  "privateAddresses",
];

/** An EC2 instance; zones are given in turn. */
export function awsMachine(
  random: Random,
  region: string,
  zones: readonly string[],
  name: string,
  number: number,
): Omit<Instance, "name" | "addresses" | "publicAddresses"> {
  const zone = zones[number % zones.length]!;
  const id = `i-${random.fork(`aws/${name}/${number}`).text(17, "0123456789abcdef")}`;
  return { zone, region, type: "t3.medium", providerID: `aws:///${zone}/${id}` };
}

/** The zones that a region has as a rule. */
export const awsZones = (region: string): string[] =>
  ["a", "b", "c"].map((letter) => region + letter);

class Aws extends BaseCloud {
  readonly name = "aws";
  readonly #region: string;
  readonly #zones: readonly string[];
  readonly #names = new Set<string>();

  constructor(
    environment: CloudEnvironment,
    private readonly options: AwsOptions,
  ) {
    super(environment, options);
    this.#region = options.region ?? "ap-south-1";
    this.#zones = options.zones ?? awsZones(this.#region);
  }

  protected describe(
    name: string,
    number: number,
  ): Omit<Instance, "name" | "addresses" | "publicAddresses"> {
    return awsMachine(this.environment.random, this.#region, this.#zones, name, number);
  }

  protected design(service: Service, existing: LoadBalancer | undefined): LoadBalancer {
    const { spec } = service;
    if (!spec.ports?.length) throw new CloudError("requested load balancer with no ports");
    if (spec.sessionAffinity === "ClientIP")
      throw new CloudError("unsupported load balancer affinity: ClientIP");
    for (const { protocol = "TCP", nodePort } of spec.ports) {
      if (protocol !== "TCP")
        throw new CloudError(`Protocol ${protocol} not supported by LoadBalancer`);
      if (!nodePort)
        throw new CloudError(
          "load balancers of this cloud reach the nodes by NodePort, and allocateLoadBalancerNodePorts is false: set it to true",
        );
    }
    if (spec.loadBalancerIP) throw new CloudError("LoadBalancerIP cannot be specified for AWS ELB");
    const internal = internalBy(service) !== undefined;
    return {
      ...(this.kept(existing, internal) ?? this.#address(internal)),
      ...(internal && { internal }),
      name: this.balancerName(service),
      mode: "proxy",
      listeners: listenersOf(service, (nodePort) => nodePort),
      healthCheck: healthCheckFor(service),
      sourceRanges: sourceRangesOf(service),
      ...wishes.proxied(service, "service.beta.kubernetes.io/aws-load-balancer-proxy-protocol"),
    };
  }

  protected statusOf({ hostname }: LoadBalancer): LoadBalancerStatus {
    return { ingress: [{ hostname: hostname! }] };
  }

  #address(internal: boolean): Addressed {
    const [first, own] = this.takeEach(
      [internal ? this.inside : this.outside, this.inside],
      "TooManyLoadBalancers: all addresses for load balancers are taken",
    );
    return {
      hostname: `${internal ? "internal-" : ""}${this.#newName()}.${this.#region}.elb.amazonaws.com`,
      addresses: [first!],
      privateAddresses: [own!],
    };
  }

  /** A name that no load balancer had before. */
  #newName(): string {
    const number = this.#names.size;
    const { firstLoadBalancer = "1234" } = this.options;
    const draw = this.environment.random.fork(`aws/elb/${number}`);
    let name = number === 0 ? firstLoadBalancer : `${draw.between(1_000, 9_999_999)}`;
    while (this.#names.has(name)) name = `${draw.between(1_000, 9_999_999)}`;
    this.#names.add(name);
    return name;
  }
}

/**
 * TCP on the first NodePort; where only nodes with endpoints should get traffic, kube-proxy's
 * answer on the healthCheckNodePort.
 */
function healthCheckFor({ spec }: Service): HealthCheck {
  // cloud-provider-aws: defaultElbHC…
  const thresholds = { intervalSeconds: 10, healthyThreshold: 2, unhealthyThreshold: 6 };
  if (spec.externalTrafficPolicy === "Local" && spec.healthCheckNodePort)
    return { protocol: "HTTP", port: spec.healthCheckNodePort, path: "/healthz", ...thresholds };
  return { protocol: "TCP", port: spec.ports![0]!.nodePort!, ...thresholds };
}
