/**
 * Google's passthrough load balancers with network endpoint groups of nodes (GCE_VM_IP), as GKE
 * makes them for `networking.gke.io/l4-regional-external`, and by default since 1.37: behind them
 * are the nodes that have Pods with externalTrafficPolicy Local, else a part of all nodes. Packets
 * go the same way as with target pools. (ingress-gce: pkg/neg/syncers/subsets.go)
 *
 * Not modelled: weighted load balancing, GCE_VM_IP_PORT groups, which are Ingress' business.
 */
import type { LoadBalancer, Target } from "../net/load-balancer.js";
import { internalBy } from "../objects/annotations.js";
import type { Node, Service } from "../objects/types.js";
import { Endpoints } from "./endpoint-targets.js";
import { Gcp, type GcpOptions } from "./gcp.js";
import { byHash } from "./hash-order.js";
import type { Cloud, Instance } from "./provider.js";

export function gcpNegs(options: GcpOptions = {}): Cloud {
  return (environment) => new GcpNegs(environment, options);
}

/** So many nodes stand behind an external load balancer, or an internal one. */
const most = {
  external: { Cluster: 250, Local: 3000 },
  internal: { Cluster: 25, Local: 250 },
} as const;

class GcpNegs extends Gcp {
  override readonly loadBalancerClass = "networking.gke.io/l4-regional-external";
  readonly #endpoints = new Endpoints((service, nodes) => this.updateLoadBalancer(service, nodes));
  override readonly controllers = this.#endpoints.controllers;

  override updateLoadBalancer(service: Service, nodes: readonly Node[]): void {
    this.#endpoints.follow(service, nodes);
    super.updateLoadBalancer(service, nodes);
  }

  override ensureLoadBalancerDeleted(service: Service): void {
    this.#endpoints.forget(service);
    super.ensureLoadBalancerDeleted(service);
  }

  /** A backend service: its last resort is to send to all. */
  protected override design(service: Service, existing: LoadBalancer | undefined): LoadBalancer {
    return { ...super.design(service, existing), failsOpen: true };
  }

  protected override targetsOf(service: Service, machines: readonly Instance[]): Target[] {
    return super.targetsOf(service, this.#members(service, machines));
  }

  /** In each zone its share of the limit, the first by the hash of their names and the Service. */
  #members(service: Service, machines: readonly Instance[]): readonly Instance[] {
    const policy = service.spec.externalTrafficPolicy === "Local" ? "Local" : "Cluster";
    const serving = this.#endpoints.nodesServing(service);
    const fit = machines.filter(({ name }) => policy === "Cluster" || serving.has(name));
    let left: number = most[internalBy(service) === undefined ? "external" : "internal"][policy];
    if (fit.length <= left) return fit;
    const zones = this.zones
      .map((zone) => fit.filter((machine) => machine.zone === zone))
      .sort((a, b) => a.length - b.length);
    const salt = service.metadata.uid ?? "";
    return zones.flatMap((inZone, i) => {
      const share = Math.floor(left / (zones.length - i));
      const picked = byHash(inZone, ({ name }) => `${name}:${salt}`).slice(0, share);
      left -= picked.length;
      return picked;
    });
  }
}
