/** What iptables' matches can see of a packet and of the kernel around it. */
import type { Chooser } from "../choice.js";
import type { Address } from "../ip.js";
import type { AddressType } from "../kernel.js";

/** What a rule can see: the packet on its way through one hook. A Passage is one. */
export interface Look {
  protocol: string;
  source: Address;
  destination: Address;
  sourcePort: number;
  destinationPort: number;
  /** The interface by which it came, and by which it will leave; "" where there is none. */
  in: string;
  out: string;
  mark: number;
  /** Bits of connectionStates, see stateBits. */
  state: number;
  choose: Chooser;
  kernel: LookKernel;
  /** Where state changes are noted, to be undone after a what-if (see Walk). */
  undo: (() => void)[] | undefined;
}

/** What a rule asks of the kernel around it. */
export interface LookKernel {
  addressType(address: Address): AddressType;
  conntrack: { clock: { now(): number } };
}

export type Test = (look: Look) => boolean;
