import { readAddress, readNetwork, type CIDR } from "../net/ip.js";

/**
 * Where several API servers share a store, a number is taken by making a key for it, which only one
 * of them can. (As the IPAddress objects of KEP-1880.) Answers whether it was free.
 */
export interface Claims {
  take(what: string): boolean;
  release(what: string): void;
}

const alone: Claims = { take: () => true, release: () => {} };

/**
 * Numbers that the API server hands out: ClusterIPs and NodePorts. Users may ask for one; who asks
 * for none gets one from the upper band of the range, found from a random start, so that the lower
 * band (the static one) stays free for those who ask; when the upper band is full the lower one
 * serves too. (KEP-3070, KEP-3668; kubernetes: pkg/registry/core/service/{ip,port}allocator)
 */
export class RangeAllocator {
  #taken = new Set<number>();
  #first: number | undefined;

  /**
   * Offsets 0 … size-1; those below `band` are the static ones. `first` is given to the first who
   * asks for none, if it is still free: an open pin for sample clusters.
   */
  constructor(
    readonly size: number,
    readonly band: number,
    private readonly random: () => number,
    first?: number,
    private readonly claim: (offset: number) => boolean = () => true,
  ) {
    this.#first = first;
  }

  /** Takes one; false if it is taken. */
  take(offset: number): boolean {
    return !this.#taken.has(offset) && this.claim(offset) && this.adopt(offset);
  }

  /** Marks one that somebody holds already. */
  adopt(offset: number): boolean {
    return Boolean(this.#taken.add(offset));
  }

  release(offset: number): boolean {
    return this.#taken.delete(offset);
  }

  /** Takes the next free one; undefined when the range is full. */
  next(): number | undefined {
    const pinned = this.#first;
    this.#first = undefined;
    if (pinned !== undefined && this.take(pinned)) return pinned;
    return this.#scan(this.band, this.size) ?? this.#scan(0, this.band);
  }

  #scan(low: number, high: number): number | undefined {
    const width = high - low;
    const start = Math.floor(this.random() * width);
    for (let i = 0; i < width; i++) {
      const offset = low + ((start + i) % width);
      if (this.take(offset)) return offset;
    }
    return undefined;
  }
}

/** Why a number was refused; the texts are Kubernetes'. */
export class AllocationError extends Error {}

/**
 * ClusterIPs out of one Service CIDR. The network's own address and, for IPv4, the broadcast
 * address are never given.
 */
export class IPAllocator {
  readonly network: CIDR;
  #range: RangeAllocator;

  constructor(
    readonly cidr: string,
    random: () => number,
    first?: string,
    private readonly claims = alone,
  ) {
    const network = readNetwork(cidr);
    if (!network)
      throw new RangeError(
        `serviceCIDRs: ${JSON.stringify(cidr)} is no CIDR; write one like "10.96.0.0/12"`,
      );
    this.network = network;
    // A /64 holds more than any cluster: as upstream, at most 2^16 of an IPv6 range are used.
    const usable =
      Number(network.size > 65536n && network.family === "IPv6" ? 65536n : network.size) -
      (network.family === "IPv4" ? 2 : 1);
    const band = Math.min(Math.max(16, Math.floor(usable / 16)), 256);
    this.#range = new RangeAllocator(
      Math.max(0, usable),
      usable > band ? band : 0,
      random,
      first === undefined ? undefined : this.#offset(first),
      (offset) => claims.take(this.#text(offset)),
    );
  }

  get family() {
    return this.network.family;
  }

  take(ip: string): void {
    const offset = this.#offset(ip);
    if (offset === undefined)
      throw new AllocationError(
        `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${this.cidr}`,
      );
    if (!this.#range.take(offset)) throw new AllocationError("provided IP is already allocated");
  }

  next(): string {
    const offset = this.#range.next();
    if (offset === undefined) throw new AllocationError("range is full");
    return this.#text(offset);
  }

  adopt(ip: string): void {
    const offset = this.#offset(ip);
    if (offset !== undefined) this.#range.adopt(offset);
  }

  release(ip: string): void {
    const offset = this.#offset(ip);
    if (offset !== undefined && this.#range.release(offset)) this.claims.release(ip);
  }

  #text(offset: number): string {
    return this.network.at(offset + 1).text;
  }

  #offset(ip: string): number | undefined {
    const address = readAddress(ip);
    const place = address && this.network.offsetOf(address);
    if (place === undefined || place === 0n) return undefined;
    const offset = place - 1n;
    return this.#range && offset >= BigInt(this.#range.size) ? undefined : Number(offset);
  }
}

/** NodePorts (and health check NodePorts) out of `--service-node-port-range`. */
export class PortAllocator {
  #range: RangeAllocator;

  constructor(
    readonly from: number,
    readonly to: number,
    random: () => number,
    first?: number,
    private readonly claims = alone,
  ) {
    const size = to - from + 1;
    const band = size < 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 32)), 128);
    this.#range = new RangeAllocator(
      size,
      band === size ? 0 : band,
      random,
      first === undefined || first < from || first > to ? undefined : first - from,
      (offset) => claims.take(String(from + offset)),
    );
  }

  take(port: number): void {
    if (port < this.from || port > this.to)
      throw new AllocationError(
        `provided port is not in the valid range. The range of valid ports is ${this.from}-${this.to}`,
      );
    if (!this.#range.take(port - this.from))
      throw new AllocationError("provided port is already allocated");
  }

  next(): number {
    const offset = this.#range.next();
    if (offset === undefined) throw new AllocationError("range is full");
    return this.from + offset;
  }

  adopt(port: number): void {
    this.#range.adopt(port - this.from);
  }

  release(port: number): void {
    if (this.#range.release(port - this.from)) this.claims.release(String(port));
  }
}
