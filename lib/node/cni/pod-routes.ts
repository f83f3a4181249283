/**
 * The network plugin's part: every node, and the fabric between them, knows behind which node a
 * range of Pods lies. Flannel's host-gw does this on the nodes, a cloud's route controller in its
 * route table; here one table serves both. (kubernetes:
 * staging/src/k8s.io/cloud-provider/controllers/route)
 */
import type { Informers } from "../../machinery/informer.js";
import { readCIDR } from "../../net/ip.js";
import type { Routes } from "../../net/routes.js";
import type { Node } from "../../objects/types.js";

/** Keeps `routes` equal to the Nodes' podCIDRs. */
export function runPodRoutes(informers: Informers, routes: Routes): void {
  informers.of("Node").onChange((_key, node, before) => {
    for (const { to } of before ? podRoutesOf(before) : []) routes.remove(to);
    for (const route of node ? podRoutesOf(node) : []) routes.add(route);
  });
}

/** A route for each podCIDR, by the node's address of the same family. */
export function podRoutesOf({ spec, status }: Node): { to: string; via: string; dev: string }[] {
  const ranges = spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : []);
  const usable = ranges.filter((range) => readCIDR(range));
  const addresses = (status?.addresses ?? [])
    .filter(({ type }) => type === "InternalIP")
    .map(({ address }) => address);
  return usable.flatMap((to) => {
    const via = addresses.find((address) => address.includes(":") === to.includes(":"));
    return via === undefined ? [] : [{ to, via, dev: "eth0" }];
  });
}
