import { unknownKeys } from "../../api/options.js";
import type { Kernel } from "../../net/kernel.js";
import type { Cni, CniPlugin, Link, Port } from "./cni.js";
import { gatewayOf } from "./host-local.js";

export interface BridgeOptions {
  /** The bridge's name. Default "cni0". */
  bridge?: string;
  /**
   * A Pod's packet may come back to it, as it must where a Service sends the Pod to itself. Default
   * true; the plugin's own default is false, and most configurations set it.
   */
  hairpinMode?: boolean;
  /**
   * Once the same by other means: the node hears all that passes the bridge, and sends it back.
   * Since Linux 6.9 (and its stable kernels of that time) what is heard so has lost its connection,
   * and kube-proxy's rules drop it as INVALID; a lab on 6.18 shows it. (751de2012eaf: netfilter:
   * bridge: skip conntrack input hook for promisc packets)
   */
  promiscMode?: boolean;
  /**
   * Packets between Pods of one node meet its rules: br_netfilter is loaded, and
   * net.bridge.bridge-nf-call-iptables is 1, as kubeadm demands. Without it, the answer of a
   * Service's Pod on the client's own node never finds its way back through NAT. Default true.
   */
  netfilter?: boolean;
}

/**
 * All Pods of a node on one bridge, which has the gateway's address: masquerading towards them
 * takes that address, and no longer the node's. (containernetworking/plugins: plugins/main/bridge,
 * with isGateway)
 */
export function bridge(options: BridgeOptions = {}): CniPlugin {
  for (const problem of unknownKeys("", options, optionNames))
    throw new Error(`bridge: ${problem}`);
  if (options.hairpinMode && options.promiscMode)
    throw new Error("bridge: cannot set hairpin mode and promiscuous mode at the same time");
  return (kernel) => new Bridge(kernel, options);
}

const optionNames: readonly (keyof BridgeOptions)[] = [
  "bridge",
  "hairpinMode",
  "promiscMode",
  "netfilter",
];

class Bridge implements Cni {
  readonly name = "bridge";
  readonly #device: string;
  readonly #port: Port;
  readonly #ranges = new Set<string>();

  constructor(
    private readonly kernel: Kernel,
    {
      bridge = "cni0",
      promiscMode = false,
      hairpinMode = !promiscMode,
      netfilter = true,
    }: BridgeOptions,
  ) {
    this.#device = bridge;
    this.#port = {
      device: bridge,
      bridge: { hairpin: hairpinMode, promiscuous: promiscMode, netfilter },
    };
  }

  add(link: Link, ranges: readonly string[]): Port {
    this.#serve(ranges);
    // without a range there is no network that the bridge is in
    if (ranges.length === 0)
      for (const ip of link.ips) this.kernel.routes.add({ to: ip, dev: this.#device });
    return this.#port;
  }

  remove({ ips }: Link): void {
    for (const ip of ips) this.kernel.routes.remove(ip);
  }

  /** The bridge comes with the first Pod and stays; it gets an address in each range. */
  #serve(ranges: readonly string[]): void {
    const there = this.kernel.interfaces.some(({ name }) => name === this.#device);
    const known = this.#ranges.size;
    for (const range of ranges) this.#ranges.add(range);
    if (there && this.#ranges.size === known) return;
    const addresses = [...this.#ranges].map(gatewayOf);
    this.kernel.setInterface({ name: this.#device, addresses });
  }
}
