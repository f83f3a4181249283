/**
 * MetalLB: a cluster's own load balancers where there is no cloud.
 *
 *     createCluster({ cloud: metallb() }); // layer 2
 *     createCluster({ cloud: metallb({ mode: "bgp", bfd: true }) });
 *
 * Layer 2: one node, which every speaker finds by itself, answers who asks for the address. BGP:
 * all nodes announce it, and the router spreads the connections. Which nodes may do so: those that
 * have Pods with externalTrafficPolicy Local, else all, as long as somebody can answer. (metallb:
 * speaker/layer2_controller.go, speaker/bgp_controller.go, website/content/concepts)
 *
 * Not modelled: pools and advertisements as objects, peers that differ from node to node, a speaker
 * that is gone while its node lives, connections that are under way while nodes change.
 */
import { shown, unknownKeys } from "../api/options.js";
import type { HealthCheck, LoadBalancer, Target } from "../net/load-balancer.js";
import type { Service } from "../objects/types.js";
import { AnnouncingCloud, askedBy } from "./announced.js";
import { byHash } from "./hash-order.js";
import type { Cloud, CloudEnvironment, Instance } from "./provider.js";

export interface MetallbOptions {
  /** Default "l2". */
  mode?: "l2" | "bgp";
  /** The first three parts of its pool's addresses, .10 to .254. Default 198.51.100. */
  addresses?: string;
  /** BGP: seconds after which a router drops a peer that is silent. Default 180 (frr-k8s). */
  holdTime?: number;
  /** BGP: whether BFD finds out earlier. Default: no. */
  bfd?: boolean;
}

const optionNames: readonly (keyof MetallbOptions)[] = ["mode", "addresses", "holdTime", "bfd"];

export function metallb(options: MetallbOptions = {}): Cloud {
  for (const problem of problemsOf(options)) throw new Error(`metallb: ${problem}`);
  return (environment) => new Metallb(environment, options);
}

function* problemsOf(options: MetallbOptions): Generator<string> {
  yield* unknownKeys("", options, optionNames);
  const { mode, holdTime }: { mode?: string; holdTime?: number } = options;
  if (mode !== undefined && !["l2", "bgp"].includes(mode))
    yield `mode is ${shown(mode)}; allowed are "l2" and "bgp"`;
  if (holdTime !== undefined && !(Number.isInteger(holdTime) && holdTime >= 3 && holdTime < 65536))
    yield `holdTime is ${shown(holdTime)}; it must be a whole number of seconds from 3 to 65535`;
}

class Metallb extends AnnouncingCloud {
  readonly name = "metallb";
  protected readonly addressAnnotations = [
    "metallb.io/loadBalancerIPs",
    "metallb.universe.tf/loadBalancerIPs",
  ];
  readonly #layer2: boolean;

  constructor(
    environment: CloudEnvironment,
    private readonly options: MetallbOptions,
  ) {
    super(environment, options.addresses);
    this.#layer2 = options.mode !== "bgp";
  }

  protected announcing(address: string): Pick<LoadBalancer, "single" | "healthCheck" | "words"> {
    if (!this.#layer2) return bgp(address, sessionCheck(this.options));
    return {
      single: true,
      healthCheck: memberlist,
      words: {
        picked: ({ instance }, nodes) =>
          `${instance} alone answers ${askedBy(address)} requests for ${address}, the first of ${nodes} by the hash of node and address; kube-proxy there spreads the connections`,
        nobody: `nobody answers ${askedBy(address)} requests for ${address}: no node with a Pod that can answer is there to announce it`,
      },
    };
  }

  /** In layer 2 the first one leads: sorted by SHA-256 of "node#address". */
  protected override targetsOf(service: Service, machines: readonly Instance[]): Target[] {
    const all = service.spec.externalTrafficPolicy !== "Local";
    const targets = this.announcers(service, machines, all);
    const address = this.loadBalancers.get(this.balancerName(service))?.addresses[0];
    return this.#layer2 ? byHash(targets, ({ instance }) => `${instance}#${address}`) : targets;
  }
}

/**
 * Speakers find out by memberlist that one of them is gone: a probe each second, and four seconds
 * of suspicion. (hashicorp/memberlist: DefaultLANConfig, suspicionTimeout)
 */
const memberlist: HealthCheck = {
  protocol: "heartbeat",
  port: 7946,
  intervalSeconds: 1,
  healthyThreshold: 1,
  unhealthyThreshold: 5,
};

/** A router hears from a peer three times in its hold time (RFC 4271, 10), or by BFD (RFC 5880). */
const sessionCheck = ({ holdTime = 180, bfd = false }: MetallbOptions): HealthCheck => ({
  protocol: "heartbeat",
  port: 179,
  // BFDProfile: receiveInterval and transmitInterval 300 ms, detectMultiplier 3
  intervalSeconds: bfd ? 0.3 : holdTime / 3,
  healthyThreshold: 1,
  unhealthyThreshold: 3,
});

const bgp = (
  address: string,
  healthCheck: HealthCheck,
): Pick<LoadBalancer, "healthCheck" | "words"> => ({
  healthCheck,
  words: {
    picked: (_target, nodes) =>
      `one of ${nodes} nodes that announce ${address} over BGP; the router picks one for each connection, by a hash of its addresses and ports (ECMP)`,
    nobody: `no node announces ${address} over BGP: none with a Pod that can answer has a session with the router`,
  },
});
