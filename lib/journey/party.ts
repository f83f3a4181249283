/** Who can begin a connection or end one. */
import type { Balancer } from "../net/load-balancer.js";
import type { Machine, Sandbox } from "../node/machine.js";

export type Origin =
  /** A host that is no machine of the cluster: on the internet, or in the nodes' own network. */
  | { kind: "outside"; name: string; addresses: readonly string[] }
  /**
   * A process in a node's own network; `pod` where it is a hostNetwork Pod's, `bound` where it
   * insists on one source address.
   */
  | {
      kind: "node";
      machine: Machine;
      addresses: readonly string[];
      pod?: Sandbox;
      bound?: true;
    }
  | { kind: "pod"; machine: Machine; sandbox: Sandbox; addresses: readonly string[] };

/** Whoever holds an end of a connection. */
export type Party = Origin | { kind: "load-balancer"; balanced: Balancer };

/** Whether both are the same process's home: the same Pod, node, load balancer or stranger. */
export function isSame(x: Party, y: Party): boolean {
  if (x.kind === "outside") return y.kind === "outside" && x.name === y.name;
  if (x.kind === "load-balancer")
    return y.kind === "load-balancer" && x.balanced.balancer === y.balanced.balancer;
  if (x.kind === "pod") return y.kind === "pod" && x.sandbox === y.sandbox;
  return y.kind === "node" && x.machine === y.machine;
}
