import { frozenItself } from "../objects/freeze.js";
import type { KubeObject } from "../objects/types.js";

/**
 * What Kubernetes asks of etcd, and nothing more: keys with revisions, compare-and-set, ranges by
 * prefix, a watch from any revision that is not compacted, compaction. (etcd:
 * api/etcdserverpb/rpc.proto; Kubernetes: storage/etcd3/store.go)
 *
 * Keys are Kubernetes' own: /registry/services/specs/default/nginx. Values are objects, deeply
 * frozen and shared by reference. What a store hands out carries its modRevision as
 * metadata.resourceVersion, and that is all the store knows of objects (as Kubernetes' versioner
 * does when it decodes). One counter, the revision, counts every write of the whole store.
 */
export interface Store {
  /** The revision of the last write that this store knows of; 1 before the first, as in etcd. */
  readonly revision: number;
  /**
   * Whether watchers are told within the write, so that they know all that happened up to
   * `revision`.
   */
  readonly immediate: boolean;
  get(key: string): Entry | undefined;
  /**
   * All entries whose key begins with `prefix`, in key order. `revision`: as of then (throws
   * CompactedError if that is gone).
   */
  range(
    prefix: string,
    options?: { revision?: number; limit?: number; from?: string },
  ): { entries: Entry[]; revision: number; more: boolean; count: number };
  /**
   * Writes if the key's modRevision is still `expected` (0: it must not exist), and answers the new
   * entry; else answers undefined. Without `expected` it always writes. `isGiven`: the caller lets
   * go of the value, so that it need not be copied.
   */
  put(key: string, value: KubeObject, expected?: number, isGiven?: boolean): Entry | undefined;
  /**
   * Removes if the key's modRevision is still `expected`, and answers what was there with the
   * revision of the removal; else undefined.
   */
  delete(key: string, expected?: number): Entry | undefined;
  /**
   * Every change to keys under `prefix` after `revision`, in order of revision, first those that
   * already happened. Throws CompactedError. The memory store calls `on` inside the write, etcd's
   * when it hears of it: whoever listens must only take note and act later. `lost` is called where
   * changes were compacted away before they could be told: the watch goes on, with a gap.
   */
  watch(
    prefix: string,
    revision: number,
    on: (events: readonly Change[]) => void,
    lost?: () => void,
  ): () => void;
  /**
   * Others write into this store, too: what `misplaced` gives a reason against is left out of all
   * that is read. A store into which nobody else writes needs no such check.
   */
  leaveOut?(misplaced: (key: string, value: KubeObject) => string | undefined): void;
  /** Forgets what was before `revision`: older ranges and watches throw CompactedError. */
  compact(revision: number): void;
  close(): void;
}

export interface Entry {
  readonly key: string;
  readonly value: KubeObject;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Counts the writes since the key was created; the first is 1. */
  readonly version: number;
}

export interface Change {
  type: "PUT" | "DELETE";
  revision: number;
  key: string;
  /** For a DELETE: the last value before it. */
  value: KubeObject;
  previous: Entry | undefined;
}

/** etcd's "required revision has been compacted". */
export class CompactedError extends Error {
  /** `compactRevision`: the oldest one kept, where that is known. */
  constructor(readonly compactRevision?: number) {
    super(
      `the required revision has been compacted${compactRevision === undefined ? "" : ` (the oldest one kept is ${compactRevision})`}`,
    );
    this.name = "CompactedError";
  }
}

/**
 * A copy of the object with its resourceVersion, frozen; parts that were frozen are shared.
 * `isGiven`: what is not frozen is taken as it is, not copied.
 */
export function stamped<T extends KubeObject>(value: T, revision: number, isGiven = false): T {
  const own = isGiven && !Object.isFrozen(value) ? value : { ...value };
  const isFree = isGiven && !Object.isFrozen(own.metadata);
  const metadata = isFree ? own.metadata : { ...own.metadata };
  metadata.resourceVersion = String(revision);
  own.metadata = frozenItself(metadata);
  return frozenItself(own);
}
