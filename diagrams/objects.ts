/** What several pictures ask of a cluster's objects. */
import type { KubeObject, Node, Service } from "stopover";
import { printable } from "stopover/internal/net/printable";

/**
 * Anything that lists objects: a Cluster, a Client, or `{ list: (kind) => objects.filter((o) =>
 * o.kind === kind) }`.
 */
export interface Lister {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a Cluster knows kinds
  list(kind: any): readonly KubeObject[] | { items: readonly KubeObject[] };
}

/** Throws an Error that names what there is, where the one asked for is not. */
export function findService(cluster: Lister, wanted?: string): Service {
  const services = items<Service>(cluster, "Service");
  const service =
    wanted === undefined
      ? services[0]
      : services.find(
          ({ metadata }) =>
            wanted === metadata.name || wanted === `${metadata.namespace}/${metadata.name}`,
        );
  if (service) return service;
  throw new Error(
    wanted === undefined
      ? "the cluster has no Service to draw: apply one first"
      : printable(
          `there is no Service ${JSON.stringify(wanted)}; there are: ${services.map(({ metadata }) => metadata.name).join(", ") || "none"}`,
        ),
  );
}

/** Its hostname, else its address; undefined while it is pending. */
export function loadBalancerOf({ status }: Service): string | undefined {
  const ingress = status?.loadBalancer?.ingress?.[0];
  return ingress?.hostname ?? ingress?.ip;
}

/**
 * Whether the load balancer hands packets on with its own address as their destination, so that no
 * NodePort is met (KEP-1860).
 */
export function isVip({ status }: Service): boolean {
  const ingress = status?.loadBalancer?.ingress?.[0];
  return ingress?.ip !== undefined && ingress.ipMode !== "Proxy";
}

export function items<T extends KubeObject>(cluster: Lister, kind: T["kind"]): readonly T[] {
  const list = cluster.list(kind);
  return ("items" in list ? list.items : list) as readonly T[];
}

export function addressOf({ status }: Node): string {
  return status?.addresses?.find(({ type }) => type === "InternalIP")?.address ?? "no address";
}
