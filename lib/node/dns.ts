/**
 * The cluster's DNS: turns Services and EndpointSlices into names, as CoreDNS's kubernetes plugin
 * does. (DNS-Based Service Discovery, schema 1.1.0: github.com/kubernetes/dns
 * docs/specification.md)
 */
import type { Informers } from "../machinery/informer.js";
import { addressRecord, type DnsRecord, type Zone } from "../net/dns.js";
import type { EndpointSlice, Service } from "../objects/types.js";

export const clusterDomain = "cluster.local";

/** Keeps `zone` equal to what the informers hold; they are started by the caller. */
export function runCoreDns(informers: Informers, zone: Zone): void {
  const services = informers.of("Service");
  const slices = informers.of("EndpointSlice");
  slices.index("service", serviceKeyOf);
  const told = new Map<string, readonly string[]>();
  const program = (key: string) => {
    const [namespace, name] = key.split("/");
    const service = services.get(key);
    const own = slices.by("service", key);
    const full = `${name}.${namespace}.svc.${clusterDomain}`;
    zone.set(full, service ? recordsOf(service, own) : []);
    zone.ports.set(full, service?.spec.ports ?? []);
    const pods = service ? podRecordsOf(service, own) : noRecords;
    for (const gone of told.get(key) ?? []) if (!pods.has(gone)) zone.set(gone, []);
    for (const [pod, records] of pods) zone.set(pod, records);
    if (pods.size > 0) told.set(key, [...pods.keys()]);
    else told.delete(key);
  };
  services.onChange(program);
  slices.onChange((_key, slice, before) => program(serviceKeyOf((slice ?? before)!)));
}

/**
 * What a Service's name stands for: its ClusterIPs, an alias, or (headless) the addresses of its
 * ready endpoints.
 */
export function recordsOf(service: Service, slices: readonly EndpointSlice[]): DnsRecord[] {
  const { spec } = service;
  if (spec.type === "ExternalName")
    return spec.externalName ? [{ type: "CNAME", target: spec.externalName }] : [];
  const headless = spec.clusterIP === "None";
  const addresses = headless
    ? slices.flatMap((slice) =>
        slice.endpoints.filter((e) => e.conditions?.ready !== false).flatMap((e) => e.addresses),
      )
    : (spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []));
  return [...new Set(addresses)].map(addressRecord);
}

const noRecords: ReadonlyMap<string, DnsRecord[]> = new Map();

/** The names of the Pods behind a headless Service: their hostname below the Service's own. */
export function podRecordsOf(
  { metadata, spec }: Service,
  slices: readonly EndpointSlice[],
): ReadonlyMap<string, DnsRecord[]> {
  if (spec.clusterIP !== "None") return noRecords;
  const records = new Map<string, DnsRecord[]>();
  for (const { endpoints } of slices)
    for (const { hostname, addresses, conditions } of endpoints) {
      if (hostname === undefined || conditions?.ready === false) continue;
      const name = `${hostname}.${metadata.name}.${metadata.namespace}.svc.${clusterDomain}`;
      records.set(name, [...(records.get(name) ?? []), ...addresses.map(addressRecord)]);
    }
  return records;
}

export const serviceKeyOf = (slice: EndpointSlice): string =>
  `${slice.metadata.namespace}/${slice.metadata.labels?.["kubernetes.io/service-name"]}`;
