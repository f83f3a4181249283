/**
 * The kube-proxies of a whole cluster: one on each machine, all fed by one watch of Services,
 * EndpointSlices and Nodes, and all sharing what they decide (frontend.ts). In life each has
 * a watch of its own; they would all see the same.
 */
import { proxyModeWarning } from "../../objects/kubernetes-features.js";
import type { Clock } from "../../api/clock.js";
import type { Informers } from "../../machinery/informer.js";
import { readCIDR, type Family } from "../../net/ip.js";
import type { EndpointSlice, Kind, KubeObject, Node, Service } from "../../objects/types.js";
import type { Machine } from "../machine.js";
import type { ProxyMode } from "./backend.js";
import { configFor, type Features, type KubeProxyConfiguration } from "./config.js";
import { KubeProxy } from "./kube-proxy.js";
import { ServiceTable } from "./frontend.js";
import { proxyMode } from "./modes.js";
import type { NodeRuleTables } from "./rule-tables.js";
import { watched } from "./watched.js";

export interface FleetOptions {
  clock: Clock;
  config: KubeProxyConfiguration;
  features?: Features;
  /** How they write what they decided. Default: as the configuration says, else iptables. */
  mode?: ProxyMode | string | undefined;
  /** Hears of what kube-proxies ignore in manifests. */
  warn?: (problem: string) => void;
}

/** A machine, and how its kube-proxy writes. */
interface Site {
  machine: Machine;
  mode: ProxyMode | string;
}

/** A ServiceCIDR's ranges. */
export const cidrsOf = (object: KubeObject): readonly string[] =>
  (object as { spec?: { cidrs?: string[] } }).spec?.cidrs ?? [];

export class ProxyFleet {
  readonly #services: Record<Family, ServiceTable>;
  readonly #machines = new Map<string, Site>();
  /** One for each machine that ever had a Node: what it wrote outlives the Node. */
  readonly #proxies = new Map<string, KubeProxy>();
  readonly #registered = new Set<string>();

  constructor(private readonly options: FleetOptions) {
    const table = (family: Family) =>
      new ServiceTable(configFor(family, options.config, options.features), options.warn);
    this.#services = { IPv4: table("IPv4"), IPv6: table("IPv6") };
  }

  /**
   * A machine of the cluster; its kube-proxy starts when its Node is there. `mode`: where it
   * differs from the others'.
   */
  add(machine: Machine, mode = this.mode): void {
    this.#machines.set(machine.name, { machine, mode });
    machine.doubt ??= proxyMode(mode).doubt;
  }

  /** A machine that is no more, and its kube-proxy, which has stopped, with it. */
  remove(name: string): void {
    this.#proxies.delete(name);
    this.#registered.delete(name);
    this.#machines.delete(name);
  }

  /** How they write what they decided, but for those that were added with another mode. */
  get mode(): ProxyMode | string {
    return this.options.mode ?? (this.options.config.mode || "iptables");
  }

  /** What they warn of when they start. (cmd/kube-proxy/app/server.go; kubernetes #139957) */
  get warnings(): string[] {
    const { config, features, mode } = this.options;
    const isOpen = mode === undefined && !config.mode;
    const warnings = (this.mode === "nftables" && config.warnings) || [];
    return isOpen && features?.kubernetes?.has(proxyModeWarning)
      ? [
          "kube-proxy: no mode is set, so it is iptables; the default is planned to become nftables in 1.40: set mode",
          ...warnings,
        ]
      : [...warnings];
  }

  /** How they are configured. */
  get config(): KubeProxyConfiguration {
    return this.options.config;
  }

  /** How far a node's kube-proxy is; undefined where its Node is not there. */
  progress(node: string): { running: boolean; version: number; pending: boolean } | undefined {
    const proxy = this.get(node);
    if (!proxy) return undefined;
    return {
      running: proxy.running,
      version: proxy.lastSync()?.version ?? 0,
      pending: proxy.pending,
    };
  }

  /** The kube-proxy of a node; undefined where its Node is not there. */
  get(node: string): KubeProxy | undefined {
    return this.#registered.has(node) ? this.#proxies.get(node) : undefined;
  }

  /** What a machine's kube-proxy wrote, even where its Node is gone; undefined: it never ran. */
  tables(name: string): NodeRuleTables | undefined {
    return this.#proxies.get(name)?.tables;
  }

  /** The ranges of all ServiceCIDRs; what is none is left out. */
  setServiceCIDRs(cidrs: readonly string[]): void {
    for (const [family, table] of Object.entries(this.#services))
      table.serviceCIDRs = [...new Set(cidrs)]
        .filter((cidr) => readCIDR(cidr)?.family === family)
        .sort();
  }

  setService(key: string, service: Service | undefined): void {
    for (const table of Object.values(this.#services)) table.setService(key, watched(service));
  }

  setEndpointSlice(key: string, slice: EndpointSlice | undefined): void {
    for (const table of Object.values(this.#services)) table.setEndpointSlice(key, watched(slice));
  }

  setNode(name: string, node: Node | undefined): void {
    const site = this.#machines.get(name);
    if (site === undefined) return;
    if (node === undefined) {
      this.#registered.delete(name);
      this.#proxies.get(name)?.stop();
      return;
    }
    const proxy = this.#proxies.get(name) ?? this.#make(node, site);
    proxy.setNode(this.#asItSees(node));
    if (this.#registered.has(name)) return;
    this.#registered.add(name);
    // a machine that is down starts its kube-proxy when it is back
    if (site.machine.up) proxy.start();
  }

  /**
   * Follows the cluster; the informers are started by the caller. `withRanges`: and its
   * ServiceCIDRs, whether they give addresses or not.
   */
  follow(informers: Informers, withRanges = false): void {
    if (withRanges) {
      const ranges = informers.of("ServiceCIDR" as Kind);
      ranges.onChange(() => this.setServiceCIDRs([...ranges.all()].flatMap(cidrsOf)));
    }
    informers.of("Service").onChange((key, service) => this.setService(key, service));
    informers.of("EndpointSlice").onChange((key, slice) => this.setEndpointSlice(key, slice));
    informers.of("Node").onChange((name, node) => this.setNode(name, node));
  }

  /** A Node under the name that kube-proxy takes for its own (--hostname-override). */
  #asItSees(node: Node): Node {
    const { hostnameOverride: name } = this.options.config;
    return name ? { ...node, metadata: { ...node.metadata, name } } : node;
  }

  #make(node: Node, { machine, mode }: Site): KubeProxy {
    const { clock, config } = this.options;
    const { kernel } = machine;
    const services = this.#services;
    const proxy = new KubeProxy({
      node: this.#asItSees(node),
      config,
      clock,
      kernel,
      services,
      mode,
    });
    this.#proxies.set(machine.name, proxy);
    machine.httpStatus = (port) => proxy.httpStatus(port);
    return proxy;
  }
}
