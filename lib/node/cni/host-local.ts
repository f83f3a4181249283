import { parseCIDR, type CIDR } from "../../net/ip.js";

/**
 * Which Pod has which address of the node's range: CNI's host-local plugin. The first address is
 * the network's, the second the gateway's; Pods get the next free one after the last that was
 * given, so an address rests before it is used again. (github.com/containernetworking/plugins:
 * plugins/ipam/host-local/backend/allocator)
 */
export class HostLocal {
  readonly #range: CIDR;
  readonly #owners = new Map<number, string>();
  #last = 1;

  constructor(range: string) {
    this.#range = parseCIDR(range);
  }

  /** Throws where the range is used up. */
  allocate(owner: string): string {
    const size = 2 ** Math.min(30, this.#bits - this.#range.length);
    for (let step = 1; step <= size - 3; step++) {
      const offset = 2 + ((this.#last - 2 + step) % (size - 3));
      if (this.#owners.has(offset)) continue;
      this.#owners.set(offset, owner);
      this.#last = offset;
      return this.#range.at(offset).text;
    }
    throw new Error(`no IP addresses available in range set: ${this.#range.text} is used up`);
  }

  release(owner: string): void {
    for (const [offset, holder] of this.#owners) if (holder === owner) this.#owners.delete(offset);
  }

  get #bits(): number {
    return this.#range.family === "IPv4" ? 32 : 128;
  }
}

/** The gateway's address in a node's range, the first that a host can have: "10.1.1.1/24". */
export function gatewayOf(range: string): string {
  const parsed = parseCIDR(range);
  return `${parsed.at(1).text}/${parsed.length}`;
}
