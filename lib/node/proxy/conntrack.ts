/**
 * A UDP flow goes on to the endpoint that it was given, for as long as it speaks: flows to
 * endpoints that are gone must be forgotten. (pkg/proxy/conntrack/cleanup.go)
 */
import * as features from "../../objects/kubernetes-features.js";
import type { Kubernetes } from "../../objects/kubernetes.js";
import type { Conntrack } from "../../net/conntrack.js";
import { endpoint } from "../../net/ip.js";
import type { ServiceState } from "./frontend.js";

/**
 * Forgets the flows to endpoints that these Services no longer have. From 1.32 to 1.36, Services
 * without any endpoint were passed over, and their flows went on into nothing.
 * (kubernetes #139628, #139629)
 */
export function forgetStaleFlows(
  conntrack: Conntrack,
  services: () => Iterable<ServiceState>,
  kubernetes: Kubernetes,
): void {
  if (conntrack.udpConnections().next().done) return;
  const serving = servingByAddress(services());
  const evenLast = kubernetes.has(features.lastUDPFlows);
  for (const connection of conntrack.udpConnections()) {
    const { original, reply } = connection;
    const alive =
      serving.get(endpoint(original.destination, original.destinationPort)) ??
      serving.get(`nodePort ${original.destinationPort}`);
    if (alive === undefined || (alive.size === 0 && !evenLast)) continue;
    if (!alive.has(endpoint(reply.source, reply.sourcePort))) conntrack.delete(connection);
  }
}

/** The endpoints that still serve, by each address and NodePort of a UDP port. */
function servingByAddress(services: Iterable<ServiceState>): Map<string, ReadonlySet<string>> {
  const serving = new Map<string, ReadonlySet<string>>();
  for (const { ports } of services)
    for (const { info, endpoints } of ports) {
      if (info.protocol !== "udp") continue;
      const alive = new Set(endpoints.filter((each) => each.serving).map(({ text }) => text));
      for (const address of [info.clusterIP, ...info.externalIPs, ...info.loadBalancerIPs])
        serving.set(endpoint(address, info.port), alive);
      if (info.nodePort !== 0) serving.set(`nodePort ${info.nodePort}`, alive);
    }
  return serving;
}
