/**
 * OpenStack's load balancers (Octavia): a proxy, as AWS's classic one, with an address instead of a
 * name. So kube-proxy knows that address, and a Pod that asks for it never gets as far as the load
 * balancer, unless the status says ipMode Proxy: where a PROXY header is asked for, which only the
 * load balancer can write, it does. (KEP-1860; cloud-provider-openstack:
 * pkg/openstack/loadbalancer.go, createLoadBalancerStatus)
 */
import { unknownKeys } from "../api/options.js";
import type { HealthCheck, LoadBalancer } from "../net/load-balancer.js";
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
  type Instance,
  type LoadBalancerStatus,
} from "./provider.js";
import "./annotations.js";

/** There is none yet. */
export type OctaviaOptions = Record<string, never>;

export function octavia(options: OctaviaOptions = {}): Cloud {
  for (const problem of unknownKeys("", options, [])) throw new Error(`octavia: ${problem}`);
  return (environment) => new Octavia(environment);
}

const proxyProtocol = "loadbalancer.openstack.org/proxy-protocol";

/**
 * As with create-monitor; without it, which is the default where the policy is Cluster, a dead node
 * is found out by nobody. (OpenStackOpts: MonitorDelay, MonitorMaxRetries, MonitorMaxRetriesDown)
 */
function monitor({ spec }: Service): HealthCheck {
  const times = { intervalSeconds: 5, healthyThreshold: 1, unhealthyThreshold: 3 };
  if (spec.externalTrafficPolicy === "Local" && spec.healthCheckNodePort)
    return { protocol: "HTTP", port: spec.healthCheckNodePort, path: "/healthz", ...times };
  return { protocol: "TCP", port: spec.ports![0]!.nodePort!, ...times };
}

class Octavia extends BaseCloud {
  readonly name = "openstack";

  protected describe(
    name: string,
    number: number,
  ): Omit<Instance, "name" | "addresses" | "publicAddresses"> {
    const id = this.environment.random
      .fork(`openstack/${name}/${number}`)
      .text(32, "0123456789abcdef");
    return {
      zone: "nova",
      region: "RegionOne",
      type: "m1.medium",
      providerID: `openstack:///${id.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")}`,
    };
  }

  protected design(service: Service, existing: LoadBalancer | undefined): LoadBalancer {
    const { spec } = service;
    if (!spec.ports?.length) throw new CloudError("no service ports provided");
    for (const { nodePort } of spec.ports)
      if (!nodePort)
        throw new CloudError(
          "the members of its pools are NodePorts, and allocateLoadBalancerNodePorts is false: set it to true",
        );
    const internal = internalBy(service) !== undefined;
    return {
      ...(this.kept(existing, internal) ?? this.#addresses(spec.loadBalancerIP, internal)),
      name: this.balancerName(service),
      mode: "proxy",
      listeners: listenersOf(service, (nodePort) => nodePort),
      healthCheck: monitor(service),
      sourceRanges: sourceRangesOf(service),
      ...(internal && { internal }),
      ...wishes.proxied(service, proxyProtocol),
    };
  }

  #addresses(wished: string | undefined, internal: boolean): Addressed {
    const pools = wished ? [] : [internal ? this.inside : this.outside];
    const refusal = "Quota exceeded for resources: ['floatingip']";
    const [own, first = wished!] = this.takeEach([this.inside, ...pools], refusal);
    return { addresses: [first], privateAddresses: [own!] };
  }

  protected statusOf({ addresses }: LoadBalancer, { metadata }: Service): LoadBalancerStatus {
    const isProxied = /^(true|v\d)$/.test(metadata.annotations?.[proxyProtocol] ?? "");
    const ipMode = isProxied ? "Proxy" : "VIP";
    return { ingress: addresses.map((ip) => ({ ip, ipMode })) };
  }
}
