/**
 * AWS's Network Load Balancers as the AWS Load Balancer Controller asks for them.
 *
 *     createCluster({ cloud: nlb() }); // to the nodes' NodePorts
 *     createCluster({ cloud: nlb({ targetType: "ip" }) }); // to the Pods themselves
 *
 * It has an address in each zone, and each sends to targets of its own zone alone, unless
 * cross-zone load balancing is asked for. It rewrites the destination and keeps the client's
 * address, or takes its own: which of the two depends on the targets and the protocol.
 * (aws-load-balancer-controller: pkg/service/model_build_target_group.go,
 * docs/guide/service/nlb.md; Elastic Load Balancing: edit-target-group-attributes)
 */
import { shown, unknownKeys } from "../api/options.js";
import {
  keyOf,
  type HealthCheck,
  type Listener,
  type LoadBalancer,
  type Target,
} from "../net/load-balancer.js";
import { internalBy } from "../objects/annotations.js";
import type { Node, Service, ServicePort } from "../objects/types.js";
import type { AddressPool } from "./addresses.js";
import { askedOf } from "./annotations.js";
import { awsMachine, awsZones } from "./aws.js";
import { attributesUnderstood, isOn, keepsClient, nlbWords, prefix } from "./nlb-attributes.js";
import { EndpointCloud } from "./endpoint-targets.js";
import {
  CloudError,
  sourceRangesOf,
  type Addressed,
  type Cloud,
  type CloudEnvironment,
  type Instance,
  type LoadBalancerStatus,
} from "./provider.js";

export interface NlbOptions {
  /**
   * Where it sends to: "instance", the nodes' NodePorts, or "ip", the Pods. A Service's annotation
   * aws-load-balancer-nlb-target-type goes before. Default "instance", as the controller's
   * --default-target-type.
   */
  targetType?: "instance" | "ip";
  /**
   * Where it is without an annotation. Default "internet-facing"; the controller's own default is
   * "internal" (--default-load-balancer-scheme).
   */
  scheme?: "internet-facing" | "internal";
  /** Default "ap-south-1". */
  region?: string;
  /**
   * Zones that machines are spread over, in turn; it has an address in each. Default: a, b and c.
   */
  zones?: readonly string[];
}

const optionNames: readonly (keyof NlbOptions)[] = ["targetType", "scheme", "region", "zones"];
const allowed = {
  targetType: ["instance", "ip"],
  scheme: ["internet-facing", "internal"],
} as const;

export function nlb(options: NlbOptions = {}): Cloud {
  for (const problem of unknownKeys("", options, optionNames)) throw new Error(`nlb: ${problem}`);
  for (const key of ["targetType", "scheme"] as const) {
    const value = options[key];
    if (value !== undefined && !(allowed[key] as readonly string[]).includes(value))
      throw new Error(
        `nlb: ${key} is ${shown(value)}; allowed are ${allowed[key].map((one) => `"${one}"`).join(" and ")}`,
      );
  }
  return (environment) => new Nlb(environment, options);
}

/** What these ask for is read here. */
const read = [`${prefix}-type`, `${prefix}-nlb-target-type`];

class Nlb extends EndpointCloud {
  readonly name = "nlb";
  override readonly loadBalancerClass = "service.k8s.aws/nlb";
  readonly #region: string;
  readonly #zones: readonly string[];
  #names = 0;

  constructor(
    environment: CloudEnvironment,
    private readonly options: NlbOptions,
  ) {
    super(environment);
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
    this.#refuse(service);
    const internal =
      internalBy(service) !== undefined ||
      (this.options.scheme === "internal" && !isPublic(service));
    const addressed = this.kept(existing, internal) ?? this.#newAddresses(internal);
    const toPods = this.#toPods(service);
    const zones = Object.fromEntries(
      addressed.addresses.map((address, i) => [address, this.#zones[i]!]),
    );
    return {
      ...addressed,
      ...(internal && { internal }),
      name: this.balancerName(service),
      mode: "proxy",
      ...(!isOn(service, "load_balancing.cross_zone.enabled") && { zones }),
      failsOpen: true,
      listeners: (service.spec.ports ?? []).map((port) => listenerOf(service, port, toPods)),
      healthCheck: healthCheckFor(service, toPods),
      sourceRanges: sourceRangesOf(service),
      words: nlbWords(
        service,
        toPods,
        isOn(service, "load_balancing.cross_zone.enabled") ? "" : " of this address's zone",
      ),
      ...askedOf(service, [...read, ...attributesUnderstood(service)]),
    };
  }

  protected override targetsOf(service: Service, machines: readonly Instance[]): Target[] {
    const zoneOf = new Map(machines.map(({ name, zone }) => [name, zone]));
    const ports = service.spec.ports ?? [];
    if (this.#toPods(service))
      return ports.flatMap((port) => this.#podTargets(service, port, zoneOf));
    const nodes = super
      .targetsOf(service, machines)
      .map((target) => ({ ...target, zone: zoneOf.get(target.instance)! }));
    // one answer of kube-proxy's for all ports
    if (localCheckPort(service)) return nodes;
    return nodes.flatMap((target) =>
      ports.map(({ protocol = "TCP", port, nodePort }) => ({
        ...target,
        port: nodePort!,
        listener: keyOf({ protocol, port }),
      })),
    );
  }

  /** Pods that are ready, wherever their own port differs. (pkg/backend/endpoint_resolver.go) */
  #podTargets(
    service: Service,
    wanted: ServicePort,
    zoneOf: ReadonlyMap<string, string>,
  ): Target[] {
    const { name = "", protocol = "TCP" } = wanted;
    return this.endpoints.of(service).flatMap(({ address, node, ready, ports }) => {
      const own = ports.find((port) => port.name === name && port.protocol === protocol);
      const zone = zoneOf.get(node);
      if (!ready || !own) return [];
      const listener = keyOf({ protocol, port: wanted.port });
      return {
        instance: node,
        address,
        port: own.port,
        listener,
        healthy: false,
        ...(zone !== undefined && { zone }),
      };
    });
  }

  #toPods({ metadata: { annotations = {} } }: Service): boolean {
    if (annotations[`${prefix}-type`] === "nlb-ip") return true;
    const asked = annotations[`${prefix}-nlb-target-type`] ?? this.options.targetType;
    return asked === "ip";
  }

  #refuse(service: Service): void {
    const { ports, ipFamilies } = service.spec;
    if (!ports?.length) throw new CloudError("requested load balancer with no ports");
    for (const { protocol = "TCP", nodePort } of ports) {
      if (protocol === "SCTP") throw new CloudError("unsupported protocol SCTP");
      if (!nodePort && !this.#toPods(service))
        throw new CloudError(
          "instance targets are reached by NodePort, and allocateLoadBalancerNodePorts is false: set it to true, or ask for ip targets",
        );
    }
    if (ipFamilies?.[0] === "IPv6")
      throw new CloudError("the load balancer is not dual-stack, and the Service is IPv6");
  }

  /** A public address (of an internal one, a private one) and a private one in each zone. */
  #newAddresses(internal: boolean): Addressed {
    const zones = this.#zones.length;
    const each = (pool: AddressPool) => this.#zones.map(() => pool);
    const taken = this.takeEach(
      [...each(this.inside), ...(internal ? [] : each(this.outside))],
      "TooManyLoadBalancers: all addresses for load balancers are taken",
    );
    const inside = taken.slice(0, zones);
    return {
      hostname: this.#newName(),
      addresses: internal ? inside : taken.slice(zones),
      privateAddresses: inside,
    };
  }

  /** "k8s-…" and 16 hexadecimal digits. */
  #newName(): string {
    const draw = this.environment.random.fork(`aws/nlb/${this.#names++}`);
    return `k8s-${draw.text(16, "0123456789abcdef")}.elb.${this.#region}.amazonaws.com`;
  }

  protected statusOf({ hostname }: LoadBalancer): LoadBalancerStatus {
    return { ingress: [{ hostname: hostname! }] };
  }

  // ---- the name follows the zones ----

  override updateLoadBalancer(service: Service, nodes: readonly Node[]): void {
    super.updateLoadBalancer(service, nodes);
    this.healthChanged(this.balancerName(service));
  }

  override healthChanged(name: string): void {
    const balancer = this.loadBalancers.get(name);
    if (balancer) this.setName(balancer, balancer.addresses);
  }

  /** The address of a zone without a healthy target is no answer, while another zone has one. */
  protected override setName(balancer: LoadBalancer, addresses: readonly string[]): void {
    const targets = this.targets.get(balancer.name) ?? [];
    const live = new Set(targets.flatMap(({ healthy, zone }) => (healthy ? [zone] : [])));
    const { zones } = balancer;
    const answers = addresses.filter((address) => !zones || live.has(zones[address]));
    super.setName(balancer, answers.length > 0 ? answers : addresses);
  }
}

const isPublic = ({ metadata: { annotations = {} } }: Service): boolean =>
  annotations[`${prefix}-scheme`] === "internet-facing";

function listenerOf(service: Service, port: ServicePort, toPods: boolean): Listener {
  const { protocol = "TCP", nodePort = 0 } = port;
  return {
    protocol,
    port: port.port,
    targetPort: toPods ? 0 : nodePort,
    ...(keepsClient(service, toPods, protocol) && { keepsClient: true }),
  };
}

/** Where kube-proxy says whether a node has Pods of the Service, if that matters. */
const localCheckPort = ({ spec }: Service): number | undefined =>
  spec.externalTrafficPolicy === "Local" ? spec.healthCheckNodePort : undefined;

function healthCheckFor(service: Service, toPods: boolean): HealthCheck {
  const port = localCheckPort(service);
  if (!toPods && port)
    // (model_builder.go: default…ForInstanceModeLocal)
    return {
      protocol: "HTTP",
      port,
      path: "/healthz",
      intervalSeconds: 10,
      healthyThreshold: 2,
      unhealthyThreshold: 2,
    };
  // TCP at each target's own port ("traffic-port")
  return {
    protocol: "TCP",
    port: service.spec.ports![0]!.nodePort ?? 0,
    intervalSeconds: 10,
    healthyThreshold: 3,
    unhealthyThreshold: 3,
  };
}
