/** What is outside of the cluster: who asks, DNS, and the load balancer. */
import type { Journey, Service } from "stopover";
import { items, loadBalancerOf } from "../objects.js";
import type { MapBalancer, MapClient, MapDns } from "./data.js";
import type { MapSource } from "./inside.js";
import { askerOf, readHeader, type World } from "./way.js";

export function clientOf(
  service: Service,
  trip: Journey | undefined,
  world: World,
): MapClient | undefined {
  const hop = trip && askerOf(trip);
  if (!hop) {
    return service.spec.type === "LoadBalancer" ? { name: "internet", address: "" } : undefined;
  }
  if (world.homeOf(hop.name) !== undefined || world.isNode(hop.name)) return undefined;
  return { name: hop.name, address: trip.request.source };
}

export function dnsOf(service: Service, trip: Journey | undefined): MapDns | undefined {
  const hop = trip?.hops.find(({ kind }) => kind === "dns");
  if (hop)
    return {
      name: readHeader(hop.in.destination).address,
      lines: hop.steps.map(({ rule, note }) => recordOf(rule) ?? note ?? ""),
    };
  const hostname = service.status?.loadBalancer?.ingress?.[0]?.hostname;
  return trip || !hostname ? undefined : { name: hostname, lines: [] };
}

/** "mynginx-app.com A 198.51.100.10" is, in plain words, "is 198.51.100.10". */
function recordOf(rule: string | undefined): string | undefined {
  return rule?.replace(/^\S+ (?:CNAME|A|AAAA) /, "is ");
}

/**
 * Whose load balancer is drawn: of the one that the request passed, which need not be the map's own
 * Service's, or else of the map's own Service, where it asks for one.
 */
export function balancedBy(
  source: MapSource,
  service: Service,
  trips: readonly Journey[],
): Service | undefined {
  const passed = trips.flatMap(({ hops }) =>
    hops.flatMap(({ kind, name }) => (kind === "load-balancer" ? [name] : [])),
  );
  const own = service.spec.type === "LoadBalancer" ? service : undefined;
  if (own && passed.includes(loadBalancerOf(own) ?? "")) return own;
  return (
    items<Service>(source, "Service").find((each) => passed.includes(loadBalancerOf(each) ?? "")) ??
    own
  );
}

export function balancerOf(source: MapSource, service: Service): MapBalancer {
  const ingress = service.status?.loadBalancer?.ingress?.[0];
  const found = balancerIn(source, service)?.balancer;
  return {
    believed: ingress !== undefined,
    there: source.network && found !== undefined,
    hostname: ingress?.hostname,
    address: ingress?.ip ?? found?.addresses[0],
    port: service.spec.ports?.[0]?.port,
  };
}

/** The load balancer of a Service, with its targets. */
export function balancerIn({ network }: MapSource, service: Service) {
  const name = loadBalancerOf(service);
  for (const each of network?.balancers ?? [])
    if (each.balancer.hostname === name || (name && each.balancer.addresses.includes(name)))
      return name === undefined ? undefined : each;
  return undefined;
}
