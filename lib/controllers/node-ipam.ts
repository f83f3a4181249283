import { watch, type Context, type Controller } from "../machinery/controller.js";
import { readAddress, readNetwork, type CIDR } from "../net/ip.js";
import type { Node } from "../objects/types.js";

export interface NodeIpamOptions {
  /** The Pods' network, one CIDR for each IP family: "10.1.0.0/16". (--cluster-cidr) */
  clusterCIDRs: readonly string[];
  /**
   * Bits of each node's part. Default 24 for IPv4 and 64 for IPv6. (--node-cidr-mask-size-ipv4,
   * -ipv6)
   */
  nodeMaskSize?: { IPv4?: number; IPv6?: number };
  /**
   * The number of the first part to give away; default 0. The sample cluster says 1: node-a gets
   * 10.1.1.0/24, as in the article.
   */
  firstPart?: number;
}

/**
 * Gives each Node its part of the Pods' network, in order. (kubernetes:
 * pkg/controller/nodeipam/ipam/range_allocator.go)
 */
export function nodeIpamController(
  { client, informers, events, guard }: Context,
  options: NodeIpamOptions,
): Controller {
  const nodes = informers.of("Node");
  const ranges = options.clusterCIDRs.map((cidr) => new Parts(cidr, options));
  nodes.onChange((_key, node, previous) => {
    if (!node)
      for (const cidr of cidrsOf(previous!)) for (const range of ranges) range.release(cidr);
    else if (!previous)
      for (const cidr of cidrsOf(node)) for (const range of ranges) range.occupy(cidr);
  }, guard);

  function reconcile(name: string): void {
    const node = nodes.get(name);
    if (!node || cidrsOf(node).length > 0) return;
    const podCIDRs = ranges.map((range) => range.next());
    const given = podCIDRs.filter((cidr) => cidr !== undefined);
    if (given.length < ranges.length) {
      podCIDRs.forEach((cidr, i) => cidr !== undefined && ranges[i]!.release(cidr));
      return events.normal(
        node,
        "CIDRNotAvailable",
        `Node ${name} status is now: CIDRNotAvailable`,
      );
    }
    nodes.learn(
      client.patch("Node", name, undefined, {
        type: "merge",
        body: { spec: { podCIDR: given[0], podCIDRs: given } },
      }),
    );
  }

  return { name: "node-ipam-controller", watches: [watch("Node")], reconcile };
}

const cidrsOf = ({ spec: { podCIDR, podCIDRs } }: Node): readonly string[] =>
  podCIDRs ?? (podCIDR ? [podCIDR] : []);

/** A network cut into parts of equal size. */
class Parts {
  readonly #network: CIDR;
  readonly #bits: number;
  readonly #count: number;
  readonly #taken = new Set<number>();
  #candidate: number;

  constructor(cidr: string, { nodeMaskSize = {}, firstPart = 0 }: NodeIpamOptions) {
    const network = readNetwork(cidr);
    if (!network)
      throw new RangeError(
        `clusterCIDRs: ${JSON.stringify(cidr)} is no CIDR; write one like "10.1.0.0/16"`,
      );
    this.#network = network;
    this.#bits = nodeMaskSize[network.family] ?? (network.family === "IPv4" ? 24 : 64);
    if (this.#bits < network.length)
      throw new RangeError(
        `clusterCIDRs: ${cidr} is smaller than one node's part of /${this.#bits}; take a shorter prefix`,
      );
    this.#count = 2 ** Math.min(16, this.#bits - network.length); // upstream: at most 2^16 parts
    this.#candidate = firstPart % this.#count;
  }

  occupy(cidr: string): void {
    const number = this.#numberOf(cidr);
    if (number !== undefined) this.#taken.add(number);
  }

  release(cidr: string): void {
    const number = this.#numberOf(cidr);
    if (number !== undefined) this.#taken.delete(number);
  }

  /** The next free part; undefined where all are taken. */
  next(): string | undefined {
    for (let i = 0; i < this.#count; i++) {
      const number = (this.#candidate + i) % this.#count;
      if (this.#taken.has(number)) continue;
      this.#taken.add(number);
      this.#candidate = (number + 1) % this.#count;
      return `${this.#network.at(BigInt(number) * this.#size).text}/${this.#bits}`;
    }
    return undefined;
  }

  get #size(): bigint {
    return 1n << BigInt((this.#network.family === "IPv4" ? 32 : 128) - this.#bits);
  }

  #numberOf(cidr: string): number | undefined {
    const address = readAddress(cidr.split("/")[0]!);
    const offset = address && this.#network.offsetOf(address);
    return offset === undefined ? undefined : Number(offset / this.#size);
  }
}
