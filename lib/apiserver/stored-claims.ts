import { isApiError } from "../api/errors.js";
import type { Clock } from "../api/clock.js";
import type { KubeObject, Service } from "../objects/types.js";
import type { Entry, Store } from "../store/store.js";
import { REPAIR_INTERVAL_MS, sharedStores, type SharedClaims } from "./claims.js";
import type { Stamps } from "./stamps.js";

/**
 * In a store that others write to as well, each number that is taken has a key of its own, which
 * says for which Service. It is made before the Service is written and removed after the Service
 * has let the number go; a server that ends in between leaves a claim that no Service stands
 * behind, and a repair finds it. (kubernetes: pkg/registry/core/service/ipallocator/ipallocator.go)
 */
export class StoredClaims implements SharedClaims {
  /** Claims without a Service and without a date: in how many repairs they were found so. */
  readonly #suspects = new Map<string, number>();

  /** `prefix`: "/registry/ranges/servicenodeports/" */
  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly stamps: Stamps,
    private readonly prefix: string,
    private readonly form: ClaimForm = rangeAllocation,
  ) {}

  take(what: string, holder: Service): boolean {
    return this.store.put(this.prefix + what, this.#claim(what, holder), 0) !== undefined;
  }

  /** Where the store is away, the claim is left to the repair. */
  release(what: string, holder: Service): void {
    try {
      const entry = this.store.get(this.prefix + what);
      if (entry && this.form.isOf(entry.value, holder))
        this.store.delete(entry.key, entry.modRevision);
    } catch (error) {
      if (!isApiError(error)) throw error;
    }
  }

  all(): readonly Entry[] {
    return this.store.range(this.prefix).entries;
  }

  repair(
    claims: readonly Entry[],
    held: ReadonlyMap<string, readonly Service[]>,
    isKnown = (_what: string) => true,
  ): { taken: string[]; again: number } {
    const claimed = new Map(claims.map((entry) => [entry.key.slice(this.prefix.length), entry]));
    for (const [what, holders] of held) {
      const entry = claimed.get(what);
      const service = holders.find((one) => entry && this.form.isOf(entry.value, one));
      const doubts = holders.filter((one) => one !== service);
      if (!isKnown(what)) this.form.onUnknown?.(what, holders);
      else if (entry && service) {
        this.form.onTwice?.(what, doubts);
        if (!this.form.isWhole(entry.value)) this.#make(what, service, entry);
      } else {
        this.form.onMissing?.(what, holders[0]!, entry?.value);
        this.#make(what, holders[0]!, entry);
      }
    }
    const waits = new Map<string, number>();
    for (const [what, entry] of claimed)
      if (!held.has(what) && this.form.isOurs(entry.value)) waits.set(what, this.#wait(entry));
    for (const [what, wait] of waits)
      if (wait <= 0) {
        const { value, modRevision } = claimed.get(what)!;
        this.form.onLeft?.(value);
        this.store.delete(this.prefix + what, modRevision);
      }
    const young = [...waits].filter(([, wait]) => wait > 0);
    for (const what of this.#suspects.keys())
      if (!young.some(([one]) => one === what)) this.#suspects.delete(what);
    return {
      taken: [...held.keys(), ...young.map(([what]) => what)],
      again: Math.min(...young.map(([, wait]) => wait)),
    };
  }

  /** In place of a claim of somebody else's. */
  #make(what: string, holder: Service, entry: Entry | undefined): void {
    const key = this.prefix + what;
    if (entry && !this.store.delete(key, entry.modRevision)) return; // changed: the next time
    this.store.put(key, this.#claim(what, holder), 0);
  }

  /** Milliseconds for which a claim without a Service may still be about to get one. */
  #wait({ key, value }: Entry): number {
    const made = Date.parse(value.metadata.creationTimestamp ?? "");
    if (!Number.isNaN(made)) return made + this.form.grace(value) - this.clock.now();
    const what = key.slice(this.prefix.length);
    const seen = (this.#suspects.get(what) ?? 0) + 1;
    this.#suspects.set(what, seen);
    return seen < REPAIRS_BEFORE_CLEANUP ? REPAIR_INTERVAL_MS : 0;
  }

  #claim(what: string, holder: Service): KubeObject {
    return this.form.make(what, holder, this.stamps);
  }
}

/** How a claim is written down. */
export interface ClaimForm {
  make(what: string, holder: Service, stamps: Stamps): KubeObject;
  /** Whether it is this Service's. */
  isOf(claim: KubeObject, holder: Service): boolean;
  /** Whether nothing else about it has to be mended. */
  isWhole(claim: KubeObject): boolean;
  /** Whether an API server made it, and a repair may take it away. */
  isOurs(claim: KubeObject): boolean;
  /** Milliseconds after which one without a Service is cleaned up. */
  grace(claim: KubeObject): number;
  /** A Service holds what nobody, or somebody else, has claimed. */
  onMissing?(what: string, holder: Service, claim: KubeObject | undefined): void;
  /** Services hold what another one has claimed. */
  onTwice?(what: string, holders: readonly Service[]): void;
  /** Services hold what is of no range. */
  onUnknown?(what: string, holders: readonly Service[]): void;
  /** A claim goes that no Service stands behind. */
  onLeft?(claim: KubeObject): void;
}

/**
 * A claim that says when it was made is cleaned up when it is so old and no Service has come.
 * Kubernetes waits for a minute, as long as a request may take there; here the store answers or
 * fails within seconds. (ipallocator/controller/repairip.go, gracePeriod)
 */
const CLAIM_GRACE_MS = 10_000;
/** One that does not is, when it was found so often. (portallocator/controller/repair.go) */
const REPAIRS_BEFORE_CLEANUP = 3;

interface StoredClaim extends KubeObject {
  parentRef: { resource: "services"; namespace: string; name: string; uid?: string };
}

const isOf = (value: KubeObject, { metadata }: Service): boolean => {
  const { parentRef } = value as Partial<StoredClaim>;
  return (
    parentRef?.namespace === (metadata.namespace ?? "default") &&
    parentRef.name === metadata.name &&
    parentRef.uid === metadata.uid
  );
};

const rangeAllocation: ClaimForm = {
  make: (name, { metadata: { namespace = "default", name: service, uid } }, stamps) =>
    ({
      apiVersion: "v1",
      kind: "RangeAllocation",
      metadata: { name, creationTimestamp: stamps.now() },
      parentRef: {
        resource: "services",
        namespace,
        name: service,
        ...(uid !== undefined && { uid }),
      },
    }) as StoredClaim,
  isOf,
  isWhole: () => true,
  isOurs: () => true,
  grace: () => CLAIM_GRACE_MS,
};

sharedStores.claims = (store, clock, stamps, prefix) =>
  new StoredClaims(store, clock, stamps, prefix);
