/**
 * The user's own domain: somebody has to make its record, and Kubernetes does not. Here a small
 * external-dns does it, as soon as the Service has an address: a CNAME to the load balancer's
 * hostname, or A and AAAA records for its IPs. (github.com/kubernetes-sigs/external-dns; its
 * annotation is understood as well)
 */
import type { Informers } from "../machinery/informer.js";
import { addressRecord, type DnsRecord, type Zone } from "../net/dns.js";
import type { Service } from "../objects/types.js";

export const hostnameAnnotation = "external-dns.alpha.kubernetes.io/hostname";

/**
 * Domain -> "namespace/name" of the Service that it stands for; where there is no such Service, the
 * first of type LoadBalancer.
 */
export type Domains = Readonly<Record<string, string>>;

/** Keeps the zone's records for `domains` equal to the Services' status. */
export function runExternalDns(informers: Informers, zone: Zone, domains: Domains): void {
  const services = informers.of("Service");
  services.onChange((_key, service, before) => {
    const annotated = [service, before].flatMap(
      (each) => each?.metadata.annotations?.[hostnameAnnotation] ?? [],
    );
    for (const name of annotated)
      zone.set(name, service && annotated[0] === name ? recordsFor(service) : []);
    for (const [name, target] of Object.entries(domains))
      zone.set(name, recordsFor(services.get(target) ?? firstBalanced(services.all())));
  });
}

export function recordsFor(service: Service | undefined): DnsRecord[] {
  const ingress = service?.status?.loadBalancer?.ingress ?? [];
  const hostname = ingress.find((each) => each.hostname !== undefined)?.hostname;
  if (hostname !== undefined) return [{ type: "CNAME", target: hostname }];
  return ingress.flatMap(({ ip }) => (ip === undefined ? [] : [addressRecord(ip)]));
}

export function firstBalanced(services: Iterable<Service>): Service | undefined {
  for (const service of services) if (service.spec.type === "LoadBalancer") return service;
  return undefined;
}
