import type { Kernel } from "../../net/kernel.js";
import type { Cni, CniPlugin, Link, Port } from "./cni.js";

/**
 * Each Pod on a veth pair of its own. The node's end has no address, so that masquerading takes the
 * node's own; a route leads to each Pod, and what is nobody's in the node's range is swallowed, as
 * Calico does it, so that no packet circles. (containernetworking/plugins: plugins/main/ptp)
 */
export const ptp = (): CniPlugin => (kernel) => new PointToPoint(kernel);

class PointToPoint implements Cni {
  readonly name = "ptp";
  readonly #swallowed = new Set<string>();

  constructor(private readonly kernel: Kernel) {}

  add({ veth, ips }: Link, ranges: readonly string[]): Port {
    for (const range of ranges) this.#swallow(range);
    this.kernel.setInterface({ name: veth, addresses: [] });
    for (const ip of ips) this.kernel.routes.add({ to: ip, dev: veth });
    return { device: veth };
  }

  /** The routes out of it go with the interface; those of a Pod of the same address stay. */
  remove({ veth }: Link): void {
    this.kernel.removeInterface(veth);
  }

  #swallow(range: string): void {
    if (this.#swallowed.has(range)) return;
    this.#swallowed.add(range);
    this.kernel.routes.add({ to: range, dev: "lo", type: "blackhole" });
  }
}
