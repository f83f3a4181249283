/** One watch of etcd, begun again where it broke off. (etcd: api/v3rpc/watch.go) */
import { base64, parsed, prefixEnd, type WatchResponse } from "./etcd-wire.js";
import type { SyncHttp } from "./sync-http.js";

/** One watch, begun again from where it was whenever it breaks off. */
export class EtcdWatch {
  #stop = () => {};
  #broken = false;

  /** `after`: the revision up to which everything was told. */
  constructor(
    private readonly http: SyncHttp,
    private readonly prefix: string,
    private after: number,
    private readonly tell: {
      changes: (response: WatchResponse) => void;
      /** Changes up to this revision. */
      lost: (revision: number) => void;
    },
  ) {
    this.#begin();
  }

  stop(): void {
    this.#broken = false;
    this.#stop();
  }

  /** etcd has answered somebody: what is broken is begun again now. */
  wake(): void {
    if (!this.#broken) return;
    this.#stop();
    this.#begin();
  }

  #begin(): void {
    this.#broken = false;
    const create_request = {
      key: base64(this.prefix),
      range_end: base64(prefixEnd(this.prefix)),
      start_revision: String(this.after + 1),
      prev_kv: true,
    };
    this.#stop = this.http.stream(
      {
        method: "POST",
        path: "/v3/watch",
        headers: requireLeader,
        body: JSON.stringify({ create_request }),
        repeatable: true,
      },
      {
        line: (line) => this.#hear(parsed<{ result?: WatchResponse }>(line)?.result),
        end: () => this.#again(),
      },
    );
  }

  #again(): void {
    this.#broken = true;
    const timer = setTimeout(() => this.#begin(), WATCH_AGAIN_MS);
    this.#stop = () => clearTimeout(timer);
  }

  #hear(response: WatchResponse | undefined): void {
    if (!response || response.compact_revision || response.canceled) {
      this.#stop();
      const compacted = response?.compact_revision;
      return compacted ? this.#skip(Number(compacted)) : this.#again();
    }
    const last = response.events?.at(-1);
    if (!last) return;
    this.after = Number(last.kv.mod_revision);
    this.tell.changes(response);
  }

  /** etcd has forgotten where this watch was: it goes on from what is remembered. */
  #skip(compacted: number): void {
    this.after = compacted;
    this.#begin();
    this.tell.lost(compacted);
  }
}

// The wait before a watch that broke off is begun again, unless a call is answered before that.
const WATCH_AGAIN_MS = 1_000;

/** A member that is cut off from the others says so at once, instead of waiting. */
export const requireLeader = { "Grpc-Metadata-hasleader": "true" };
