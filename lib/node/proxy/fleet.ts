/**
 * The kube-proxies of a whole cluster: one on each machine, all fed by one watch of Services,
 * EndpointSlices and Nodes, and all sharing what they compute (service-rules.ts). In life each has
 * a watch of its own; they would all see the same.
 */
import type { Clock } from "../../api/clock.js";
import type { Informers } from "../../machinery/informer.js";
import type { Family } from "../../net/ip.js";
import type { EndpointSlice, Node, Service } from "../../objects/types.js";
import type { Machine } from "../machine.js";
import { configFor, type Features, type KubeProxyConfiguration } from "./config.js";
import { KubeProxy } from "./kube-proxy.js";
import { ServiceRules } from "./iptables/service-rules.js";

/** kube-proxy's own health server: --healthz-bind-address. */
const healthzPort = 10_256;

export interface FleetOptions {
  clock: Clock;
  config: KubeProxyConfiguration;
  features?: Features;
  /** Hears of what kube-proxies ignore in manifests. */
  warn?: (problem: string) => void;
}

export class ProxyFleet {
  readonly #rules: Record<Family, ServiceRules>;
  readonly #machines = new Map<string, Machine>();
  readonly #proxies = new Map<string, KubeProxy>();

  constructor(private readonly options: FleetOptions) {
    const brain = (family: Family) =>
      new ServiceRules(configFor(family, options.config, options.features), options.warn);
    this.#rules = { IPv4: brain("IPv4"), IPv6: brain("IPv6") };
  }

  /** A machine of the cluster; its kube-proxy starts when its Node is there. */
  add(machine: Machine): void {
    this.#machines.set(machine.name, machine);
  }

  /** The kube-proxy of a node; undefined where its Node is not there yet. */
  get(node: string): KubeProxy | undefined {
    return this.#proxies.get(node);
  }

  setService(key: string, service: Service | undefined): void {
    for (const rules of Object.values(this.#rules)) rules.setService(key, service);
  }

  setEndpointSlice(key: string, slice: EndpointSlice | undefined): void {
    for (const rules of Object.values(this.#rules)) rules.setEndpointSlice(key, slice);
  }

  setNode(name: string, node: Node | undefined): void {
    const [machine, proxy] = [this.#machines.get(name), this.#proxies.get(name)];
    if (node && proxy) proxy.setNode(node);
    else if (node && machine) this.#start(node, machine);
    else if (proxy) {
      proxy.remove();
      this.#proxies.delete(name);
    }
  }

  /** Follows the cluster; the informers are started by the caller. */
  follow(informers: Informers): void {
    informers.of("Service").onChange((key, service) => this.setService(key, service));
    informers.of("EndpointSlice").onChange((key, slice) => this.setEndpointSlice(key, slice));
    informers.of("Node").onChange((name, node) => this.setNode(name, node));
  }

  #start(node: Node, machine: Machine): void {
    const { clock, config } = this.options;
    const proxy = new KubeProxy({
      node,
      config,
      clock,
      kernel: machine.kernel,
      rules: this.#rules,
    });
    this.#proxies.set(node.metadata.name, proxy);
    machine.kernel.listen("TCP", healthzPort);
    machine.httpStatus = (port) => (port === healthzPort ? 200 : proxy.health(port)?.status);
    proxy.start();
  }
}
