import type { Service } from "../objects/types.js";
import { readAddress, readNetwork, type CIDR } from "../net/ip.js";
import type { Claims } from "./claims.js";

/**
 * Numbers that the API server hands out: ClusterIPs and NodePorts. Users may ask for one; who asks
 * for none gets one from the upper band of the range, found from a random start, so that the lower
 * band (the static one) stays free for those who ask; when the upper band is full the lower one
 * serves too. (KEP-3070, KEP-3668; kubernetes: pkg/registry/core/service/{ip,port}allocator)
 */
export class RangeAllocator {
  readonly #taken = new Set<number>();
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
    private readonly claim?: (offset: number, holder: Service) => boolean,
  ) {
    this.#first = first;
  }

  /** Takes one; false if it is taken. Where there are claims, they say so, not this memory. */
  take(offset: number, holder: Service = nobody): boolean {
    const free = this.claim ? this.claim(offset, holder) : !this.#taken.has(offset);
    if (free) this.adopt(offset);
    return free;
  }

  /** Marks one that somebody holds already. */
  adopt(offset: number): void {
    this.#taken.add(offset);
  }

  forget(offset: number): void {
    this.#taken.delete(offset);
  }

  clear(): void {
    this.#taken.clear();
  }

  /** Takes the next free one; undefined when the range is full. */
  next(holder?: Service): number | undefined {
    const pinned = this.#first;
    this.#first = undefined;
    if (pinned !== undefined && this.#tryOne(pinned, holder)) return pinned;
    return this.#scan(this.band, this.size, holder) ?? this.#scan(0, this.band, holder);
  }

  #tryOne(offset: number, holder: Service | undefined): boolean {
    return !this.#taken.has(offset) && this.take(offset, holder);
  }

  #scan(low: number, high: number, holder: Service | undefined): number | undefined {
    const width = high - low;
    const start = Math.floor(this.random() * width);
    for (let i = 0; i < width; i++) {
      const offset = low + ((start + i) % width);
      if (this.#tryOne(offset, holder)) return offset;
    }
    return undefined;
  }
}

const nobody = { metadata: { name: "" } } as Service;

/** Why a number was refused; the texts are Kubernetes'. */
export class AllocationError extends Error {}

export const OUTSIDE = "the provided network does not match the current range";

/**
 * ClusterIPs out of one Service CIDR. The network's own address and, for IPv4, the broadcast
 * address are never given.
 */
export class IPAllocator {
  readonly network: CIDR;
  /** Whether it gives any: not while its ServiceCIDR is on its way in or out. */
  isOpen = true;
  readonly #range: RangeAllocator;

  constructor(
    readonly cidr: string,
    random: () => number,
    first?: string,
    claims?: Claims,
  ) {
    const network = readNetwork(cidr);
    if (!network)
      throw new RangeError(
        `serviceCIDRs: ${JSON.stringify(cidr)} is no CIDR; write one like "10.96.0.0/12"`,
      );
    this.network = network;
    // A /64 holds more than any cluster: of IPv6, the first 2^16 are given; all may be asked for.
    const isV4 = network.family === "IPv4";
    const usable = Math.min(Number(network.size), isV4 ? 2 ** 32 : 65536) - (isV4 ? 2 : 1);
    const band = Math.min(Math.max(16, Math.floor(usable / 16)), 256);
    this.#range = new RangeAllocator(
      Math.max(0, usable),
      usable > band ? band : 0,
      random,
      first === undefined ? undefined : this.#offset(first),
      claims && ((offset, holder) => claims.take(this.#text(offset), holder)),
    );
  }

  get family() {
    return this.network.family;
  }

  /** Whether it could give this address: not the network's own, nor the broadcast one. */
  has(ip: string): boolean {
    return this.#offset(ip) !== undefined;
  }

  take(ip: string, holder?: Service): void {
    const offset = this.#offset(ip);
    if (offset === undefined) throw new AllocationError(OUTSIDE);
    if (!this.#range.take(offset, holder))
      throw new AllocationError("provided IP is already allocated");
  }

  /** Undefined when it is full. */
  next(holder?: Service): string | undefined {
    const offset = this.#range.next(holder);
    return offset === undefined ? undefined : this.#text(offset);
  }

  adopt(ip: string): void {
    const offset = this.#offset(ip);
    if (offset !== undefined) this.#range.adopt(offset);
  }

  /** It is free, as far as this server knows. */
  forget(ip: string): void {
    const offset = this.#offset(ip);
    if (offset !== undefined) this.#range.forget(offset);
  }

  /** All that is taken is what follows. */
  clear(): void {
    this.#range.clear();
  }

  #text(offset: number): string {
    return this.network.at(offset + 1).text;
  }

  #offset(ip: string): number | undefined {
    const address = readAddress(ip);
    const place = address && this.network.offsetOf(address);
    if (!place) return undefined; // no address of it, or its own
    const offset = Number(place - 1n);
    const isEnd = this.family === "IPv4" && offset >= this.#range?.size;
    return isEnd || offset >= 2 ** 53 ? undefined : offset;
  }
}

/** NodePorts (and health check NodePorts) out of `--service-node-port-range`. */
export class PortAllocator {
  readonly #range: RangeAllocator;

  constructor(
    readonly from: number,
    readonly to: number,
    random: () => number,
    first?: number,
    claims?: Claims,
  ) {
    const size = to - from + 1;
    const band = size < 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 32)), 128);
    this.#range = new RangeAllocator(
      size,
      band === size ? 0 : band,
      random,
      first === undefined || first < from || first > to ? undefined : first - from,
      claims && ((offset, holder) => claims.take(String(from + offset), holder)),
    );
  }

  take(port: number, holder?: Service): void {
    if (port < this.from || port > this.to)
      throw new AllocationError(
        `provided port is not in the valid range. The range of valid ports is ${this.from}-${this.to}`,
      );
    if (!this.#range.take(port - this.from, holder))
      throw new AllocationError("provided port is already allocated");
  }

  next(holder?: Service): number {
    const offset = this.#range.next(holder);
    if (offset === undefined) throw new AllocationError("range is full");
    return this.from + offset;
  }

  adopt(port: number): void {
    this.#range.adopt(port - this.from);
  }

  forget(port: number): void {
    this.#range.forget(port - this.from);
  }

  clear(): void {
    this.#range.clear();
  }
}
