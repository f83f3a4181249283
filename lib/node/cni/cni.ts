/**
 * SEAM: how a Pod hangs on its node.
 *
 * A plugin hangs each Pod's link on the node's kernel, with interfaces and routes, and takes it
 * away again; it says by which device the Pod's packets come and go, and what happens to those that
 * never meet the kernel's hooks. (github.com/containernetworking/cni: SPEC.md, ADD and DEL)
 *
 *     createCluster({ cni: bridge() });
 */
import type { Kernel } from "../../net/kernel.js";

/** A Pod's link to its node. */
export interface Link {
  /** The Pod: "namespace/name". */
  readonly key: string;
  /** The node's end of the veth pair. */
  readonly veth: string;
  readonly ips: readonly string[];
}

/** Where a link ends on the node. */
export interface Port {
  /** The node's interface by which the Pod's packets arrive, and by which packets leave for it. */
  readonly device: string;
  /** Set where Pods share the device, which passes packets on between them by itself. */
  readonly bridge?: {
    /** A packet may go back to the port by which it came. */
    readonly hairpin: boolean;
    /** The node hears all packets on it. */
    readonly promiscuous: boolean;
    /** Packets between its ports meet the kernel's hooks (net.bridge.bridge-nf-call-iptables). */
    readonly netfilter: boolean;
  };
}

export interface Cni {
  readonly name: string;
  /**
   * Hangs a Pod on the node. `ranges`: the node's parts of the Pods' network, which its addresses
   * are of; none in a dump that does not tell.
   */
  add(link: Link, ranges: readonly string[]): Port;
  remove(link: Link): void;
}

/** Makes a node's plugin. */
export type CniPlugin = (kernel: Kernel) => Cni;
