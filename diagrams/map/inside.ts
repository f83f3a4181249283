/** What the map asks of a cluster beside its objects: its machines, and what they hold. */
import type { Lister } from "../objects.js";

/** A Cluster, a Snapshot, or anything that lists objects: then what is true is not known. */
export interface MapSource extends Lister {
  network?: {
    machines: ReadonlyMap<string, Machine>;
    balancers: Iterable<{
      balancer: { hostname?: string; addresses: string[] };
      targets: readonly { instance: string; healthy: boolean }[];
    }>;
  };
  node?(name: string): NodeInside;
  packetOutcomes?(bare: {
    node: string;
    from: string;
    to: string;
    protocol?: "TCP" | "UDP" | "SCTP";
  }): { outcomes: readonly { disposition: string }[] };
}
export interface Machine {
  up: boolean;
  sandbox(
    key: string,
  ): { listens(protocol: "TCP" | "UDP" | "SCTP", port: number): boolean } | undefined;
}
export interface NodeInside {
  name: string;
  kubeProxy?: { running: boolean; isBehind(service: string): boolean };
}
