/**
 * The Pods' network on one node: which Pod has which address, and on which port it hangs. The
 * container runtime asks for it when it makes a Pod's sandbox; the plugin does the hanging.
 */
import type { Kernel } from "../../net/kernel.js";
import type { Cni, CniPlugin, Link, Port } from "./cni.js";
import { HostLocal } from "./host-local.js";

/** Who is met behind a device, or why nobody is. */
export type Neighbour = { link: Link } | { lost: string };

export class PodNetwork {
  readonly plugin: Cni;
  readonly #ipam = new Map<string, HostLocal>();
  readonly #links = new Map<string, { link: Link; port: Port }>();
  readonly #byAddress = new Map<string, Link>();
  /** Devices with one Pod behind them, and bridges, which find theirs by address. */
  readonly #single = new Map<string, Link>();
  readonly #bridges = new Map<string, Port>();

  constructor(kernel: Kernel, plugin: CniPlugin) {
    this.plugin = plugin(kernel);
  }

  /** New addresses for a Pod, one of each range. Throws where a range is used up. */
  allocate(key: string, ranges: readonly string[]): string[] {
    return ranges.map((range) => {
      const pool = this.#ipam.get(range) ?? new HostLocal(range);
      this.#ipam.set(range, pool);
      return pool.allocate(key);
    });
  }

  add(link: Link, ranges: readonly string[]): void {
    const port = this.plugin.add(link, ranges);
    this.#links.set(link.key, { link, port });
    for (const ip of link.ips) this.#byAddress.set(ip, link);
    if (port.bridge) this.#bridges.set(port.device, port);
    else this.#single.set(port.device, link);
  }

  remove(key: string): void {
    const { link, port } = this.#links.get(key) ?? {};
    if (!link || !port) return;
    this.plugin.remove(link);
    this.#links.delete(key);
    // in a dump a Pod that has ended may have had the address before
    for (const ip of link.ips) if (this.at(ip) === link) this.#byAddress.delete(ip);
    this.#single.delete(port.device);
    for (const pool of this.#ipam.values()) pool.release(key);
  }

  at(address: string): Link | undefined {
    return this.#byAddress.get(address);
  }

  /** Where a Pod's link ends. */
  portOf(key: string): Port | undefined {
    return this.#links.get(key)?.port;
  }

  /**
   * Who gets a packet that the kernel sends out by a device towards an address; undefined where no
   * Pods hang on that device. `from`: the Pod by whose port it came.
   */
  behind(device: string, address: string, from?: string): Neighbour | undefined {
    const single = this.#single.get(device);
    if (single) return { link: single };
    const { bridge } = this.#bridges.get(device) ?? {};
    if (!bridge) return undefined;
    const link = this.at(address);
    if (!link || this.portOf(link.key)?.device !== device)
      return { lost: `nobody on ${device} has the address ${address}` };
    if (link.key === from && !bridge.hairpin)
      return {
        lost: `${device} sends no packet back to the port by which it came (no hairpin mode${bridge.promiscuous ? "; what it hears in promiscuous mode has lost its connection, and the node's rules drop it as INVALID" : ""})`,
      };
    return { link };
  }

  /** Who gets a Pod's packet that its bridge passes on past the kernel's hooks. */
  bridged(key: string, address: string): Link | undefined {
    const port = this.portOf(key);
    if (!port?.bridge || port.bridge.netfilter) return undefined;
    const link = this.at(address);
    return link && this.portOf(link.key) === port && link.key !== key ? link : undefined;
  }
}
