/**
 * The user's own domain: somebody has to make its record, and Kubernetes does not. Here a small
 * external-dns does it, as soon as the Service has an address: a CNAME to the load balancer's
 * hostname, or A and AAAA records for its IPs. (github.com/kubernetes-sigs/external-dns; its
 * annotation is understood as well)
 */
import type { Informers } from "../machinery/informer.js";
import { addressRecord, type DnsRecord, type Zone } from "../net/dns.js";
import type { Service } from "../objects/types.js";

/** One domain name, or several with commas between them. */
export const hostnameAnnotation = "external-dns.alpha.kubernetes.io/hostname";

/**
 * Domain -> "namespace/name" of the Service that it stands for; where there is no such Service, the
 * first of type LoadBalancer.
 */
export type Domains = Readonly<Record<string, string>>;

/**
 * Keeps the zone's records equal to the Services' status: those of `domains`, and those that
 * Services ask for by annotation. Where several ask for one name, the oldest has it until it asks
 * no more; a name of `domains` is nobody else's.
 */
export function runExternalDns(informers: Informers, zone: Zone, domains: Domains): void {
  const services = informers.of("Service");
  const own = new Map(Object.entries(domains).map(([name, key]) => [normal(name), key]));
  services.index("hostname", hostnamesOf);
  services.index("type", ({ spec }) => spec.type);
  const first = (index: string, value: string): Service | undefined => {
    const [key] = services.keysBy(index, value);
    return key === undefined ? undefined : services.get(key);
  };
  services.onChange((_key, service, before) => {
    const asked = [service, before].flatMap((each) => (each ? hostnamesOf(each) : []));
    for (const name of new Set(asked))
      if (!own.has(name)) zone.set(name, recordsFor(first("hostname", name)));
    for (const [name, key] of own)
      zone.set(name, recordsFor(services.get(key) ?? first("type", "LoadBalancer")));
  });
}

/** The names that a Service asks for. */
export const hostnamesOf = ({ metadata }: Service): string[] =>
  (metadata.annotations?.[hostnameAnnotation] ?? "").split(",").map(normal).filter(Boolean);

/** DNS names are case-blind, and a final dot is ignored. */
const normal = (name: string): string => name.trim().toLowerCase().replace(/\.$/, "");

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
