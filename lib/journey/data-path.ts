import { endpoint, familyOf } from "../net/ip.js";
import { seeded, type Chooser } from "../net/choice.js";
import type { HealthCheck, LoadBalancer, Target } from "../net/load-balancer.js";
import type { Network } from "./network.js";
import { endOf } from "./end.js";
import {
  travel,
  travelAll,
  travelPacket,
  travelPacketAll,
  travelShares,
  type BarePacket,
} from "./travel.js";
import type { Founded, Journey, Outcomes } from "./types.js";

/**
 * Where load balancers without addresses in the cluster's network check from: Google's ranges
 * 35.191.0.0/16 and 2600:1901:8001::/48.
 */
const healthProbers = { IPv4: "35.191.0.1", IPv6: "2600:1901:8001::1" } as const;

/** Makes somebody who adds the cause to journeys that end badly. */
export type Explaining = () => <J extends Journey>(journey: J) => J;

export interface RequestOptions {
  /** "internet" (default), an IP, "node/NAME" or "pod/NAMESPACE/NAME". */
  from?: string | undefined;
}

/**
 * The questions that can be asked of a network: where does this request go, where might it, and
 * where does this packet.
 */
export class DataPath {
  readonly #choose: Chooser;
  readonly #chooseForChecks: Chooser;

  /**
   * `random`, `checks`: numbers in [0, 1), seeded; health checks draw their own, so that they do
   * not disturb requests. `explaining`: who adds the cause to journeys that end badly.
   */
  constructor(
    readonly network: Network,
    random: () => number,
    checks: () => number,
    private readonly explaining: Explaining = () => (journey) => journey,
  ) {
    this.#choose = seeded(random);
    this.#chooseForChecks = seeded(checks);
  }

  /**
   * Sends one request and follows it to the Pod and back. It leaves behind what a real one leaves:
   * connections, and affinity.
   */
  request(url: string, { from = "internet" }: RequestOptions = {}): Founded<Journey> {
    return this.explaining()(travel(this.network, { url, from }, { choose: this.#choose }));
  }

  /** Every way the request can go now, with its exact probability. Nothing is left behind. */
  outcomes(url: string, { from = "internet" }: RequestOptions = {}): Founded<Outcomes> {
    return this.#explained(travelAll(this.network, { url, from }));
  }

  /**
   * How likely each end is now: the Pod's name, or the disposition where none answers -> its exact
   * probability.
   */
  shares(url: string, { from = "internet" }: RequestOptions = {}): Record<string, number> {
    return travelShares(this.network, { url, from });
  }

  /**
   * How `times` requests end: the Pod's name, or the disposition where none answered -> how often.
   * Without recording their steps.
   */
  spread(
    url: string,
    times: number,
    { from = "internet" }: RequestOptions = {},
  ): Record<string, number> {
    const counts: Record<string, number> = {};
    for (let i = 0; i < times; i++) {
      const end = endOf(
        travel(this.network, { url, from }, { choose: this.#choose, record: false, forget: true }),
      );
      counts[end] = (counts[end] ?? 0) + 1;
    }
    return counts;
  }

  /**
   * One bare packet that arrives at a node, or leaves it where `from` is one of the node's own
   * addresses.
   */
  packet(bare: BarePacket): Founded<Journey> {
    return this.explaining()(travelPacket(this.network, bare, { choose: this.#choose }));
  }

  packetOutcomes(bare: BarePacket): Founded<Outcomes> {
    return this.#explained(travelPacketAll(this.network, bare));
  }

  #explained({ outcomes, ...all }: Founded<Outcomes>): Founded<Outcomes> {
    const explain = this.explaining();
    return {
      ...all,
      outcomes: outcomes.map((one) => explain(one)),
    };
  }

  /** One health check: does the target's port answer, and where HTTP is asked for, with 200? */
  healthy(
    { instance, address, port: own }: Target,
    { protocol, port }: HealthCheck,
    { privateAddresses }: LoadBalancer,
  ): boolean {
    const machine = this.network.machines.get(instance);
    if (!machine || protocol === "heartbeat") return machine?.up ?? false;
    const family = familyOf(address);
    const from = privateAddresses.find((each) => familyOf(each) === family);
    const bare = {
      node: instance,
      from: from ?? healthProbers[family],
      to: endpoint(address, own ?? port),
    };
    const { disposition } = travelPacket(this.network, bare, {
      choose: this.#chooseForChecks,
      record: false,
      dry: true,
    });
    // what nobody knows does not keep a target out: the request's own way will say so
    if (disposition === "unknown") return true;
    return disposition === "delivered" && (protocol === "TCP" || machine.httpStatus(port) === 200);
  }
}
