import type { Clock } from "../api/clock.js";
import type { Event, Service } from "../objects/types.js";
import type { Entry, Store } from "../store/store.js";
import type { Stamps } from "./stamps.js";

/**
 * Where several API servers share a store, a number is taken by making a key for it, which only one
 * of them can. (As the IPAddress objects of KEP-1880.) Left out where this server's memory is
 * enough.
 */
export interface Claims {
  /** Answers whether it was free. */
  take(what: string, holder: Service): boolean;
  /** Nothing happens where somebody else holds it. */
  release(what: string, holder: Service): void;
}

/** Claims as they lie in the store, where a repair looks after them. */
export interface SharedClaims extends Claims {
  /** All claims there are. */
  all(): readonly Entry[];
  /**
   * Brings `claims`, which were read before `held` was, to what Services hold, as far as they may:
   * `isKnown` says what is of a range. Answers what is taken after that, and in how many
   * milliseconds to look at a claim again that is still young.
   */
  repair(
    claims: readonly Entry[],
    held: ReadonlyMap<string, readonly Service[]>,
    isKnown?: (what: string) => boolean,
  ): { taken: string[]; again: number };
}

type MakeClaims = (store: Store, clock: Clock, stamps: Stamps, prefix: string) => SharedClaims;

/** What an API server lends to what keeps its addresses as objects. */
export interface AddressServer {
  store: Store;
  clock: Clock;
  stamps: Stamps;
  /** --service-cluster-ip-range */
  serviceCIDRs: readonly string[];
  /** Writes an Event, as well as can be. */
  tell(event: Event): void;
  /** Claims are to be repaired in so many milliseconds, if not sooner. */
  repairIn(wait: number): void;
}

/** ClusterIPs and their ranges as objects: IPAddresses and ServiceCIDRs (ip-addresses.ts). */
export interface AddressObjects {
  claims: SharedClaims;
  /** Tells of the ranges that there are now, and whenever they change. */
  follow(on: (ranges: ReadonlyMap<string, boolean>) => void): void;
}

/** A store into which others write comes with what makes claims in it: stored-claims.ts. */
export const sharedStores: {
  claims: MakeClaims;
  addresses: (server: AddressServer) => AddressObjects;
} = {
  claims() {
    throw new Error("others write into this store, too: import stored-claims.js with it");
  },
  addresses() {
    throw new Error("ClusterIPs are to be objects: import ip-addresses.js with it");
  },
};

/** (kubernetes: pkg/controlplane/instance.go, repairLoopInterval) */
export const REPAIR_INTERVAL_MS = 180_000;
/** The wait where the store was away. */
export const REPAIR_AGAIN_MS = 11_000;
/** So long after the first claim a Service may still be written: well within a claim's grace. */
export const CLAIM_VALID_MS = 5_000;
