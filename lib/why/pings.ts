/** Why nobody answers a ping: the address of a Service is an address for its ports alone. */
import type { Journey } from "../journey/types.js";
import { ingressOf } from "./aim.js";
import { fault, listed } from "./ladder/case.js";
import { nameOf, type Objects } from "./objects.js";
import type { Fault } from "./types.js";

export const isPing = ({ hops: [first] }: Journey): boolean => first?.in.protocol === "ICMP";

export function whyNoPing(objects: Objects, { hops: [first] }: Journey): Fault | undefined {
  const address = first!.in.destination;
  for (const service of objects.services) {
    const { spec } = service;
    const [field, what] = spec.clusterIPs?.includes(address)
      ? ["spec.clusterIP", "the ClusterIP"]
      : spec.externalIPs?.includes(address)
        ? ["spec.externalIPs", "an external address"]
        : ingressOf(service).includes(address)
          ? ["status.loadBalancer.ingress", "the load balancer's address"]
          : [];
    if (!field) continue;
    const ports = (spec.ports ?? []).map(({ protocol = "TCP", port }) => `${protocol} ${port}`);
    return fault("cluster-ip", service, field, {
      value: address,
      expected: ports[0] ?? "a port of the Service",
      sentence: `${address} is ${what} of ${nameOf(service)}, which exists for ${listed(ports) || "no port"} alone: rules take nothing else there and no machine has the address, so nobody answers a ping; ask one of the ports`,
    });
  }
  return undefined;
}
