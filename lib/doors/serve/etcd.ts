import { frozen } from "../../objects/freeze.js";
import { received } from "../../objects/received.js";
import type { KubeObject } from "../../objects/types.js";
import { CompactedError, stamped, type Change, type Entry, type Store } from "../../store/store.js";
import { SyncHttp } from "./sync-http.js";

/**
 * The store in a real etcd (3.4 or later), through its JSON gateway: the state survives a restart,
 * several API servers may share it, and `etcdctl get /registry/ --prefix` shows it. Values are
 * JSON, without the resourceVersion: that is etcd's to say. (etcd: api/etcdserverpb/rpc.proto,
 * Documentation/dev-guide/api_grpc_gateway.md; kubernetes: apiserver/pkg/storage/etcd3/store.go)
 *
 * A watch that breaks off is begun again, from where it was, with the next call that etcd answers.
 */
export class EtcdStore implements Store {
  readonly immediate = false;
  readonly #http: SyncHttp;
  #revision = 1;
  /** Watches that broke off, and how to begin them again. */
  #broken = new Set<() => void>();

  /** `url`: "http://127.0.0.1:2379". Throws where no etcd answers there. */
  constructor(url: string) {
    this.#http = new SyncHttp(url);
    this.range("\0", { limit: 1 }); // learns the revision
  }

  get revision(): number {
    return this.#revision;
  }

  get(key: string): Entry | undefined {
    const { kvs } = this.#call<RangeResponse>("kv/range", { key: base64(key) });
    return kvs?.[0] && entryOf(kvs[0]);
  }

  range(
    prefix: string,
    { revision, limit = 0, from }: { revision?: number; limit?: number; from?: string } = {},
  ) {
    if (limit === Infinity) limit = 0;
    const {
      kvs = [],
      more = false,
      count = "0",
      header,
    } = this.#call<RangeResponse>("kv/range", {
      key: base64(from !== undefined && from > prefix ? from : prefix),
      range_end: base64(prefixEnd(prefix)),
      limit: String(limit),
      ...(revision !== undefined && { revision: String(revision) }),
    });
    return {
      entries: kvs.map(entryOf),
      revision: Number(header.revision),
      more,
      count: Number(count),
    };
  }

  put(key: string, value: KubeObject, expected?: number): Entry | undefined {
    const { resourceVersion: _, ...metadata } = value.metadata;
    const put = {
      request_put: { key: base64(key), value: base64(JSON.stringify({ ...value, metadata })) },
    };
    const { succeeded, responses } = this.#call<TxnResponse>("kv/txn", {
      compare: expected === undefined ? [] : [isAt(key, expected)],
      success: [put, { request_range: { key: base64(key) } }],
    });
    return succeeded ? entryOf(responses![1]!.response_range!.kvs![0]!) : undefined;
  }

  delete(key: string, expected?: number): Entry | undefined {
    const remove = { request_delete_range: { key: base64(key), prev_kv: true } };
    const { succeeded, responses, header } = this.#call<TxnResponse>("kv/txn", {
      compare: expected === undefined ? [exists(key)] : [exists(key), isAt(key, expected)],
      success: [remove],
    });
    if (!succeeded) return undefined;
    return {
      ...entryOf(responses![0]!.response_delete_range!.prev_kvs![0]!),
      modRevision: Number(header.revision),
    };
  }

  watch(
    prefix: string,
    revision: number,
    on: (events: readonly Change[]) => void,
    lost?: () => void,
  ): () => void {
    this.#call("kv/range", {
      key: base64(prefix),
      revision: String(Math.max(revision, 1)),
      count_only: true,
    }); // throws CompactedError
    let [after, stop] = [revision, () => {}];
    const line = (text: string) => {
      const { result } = JSON.parse(text) as { result?: WatchResponse };
      if (result?.compact_revision) {
        // etcd ends the watch: it has forgotten where this one was
        after = this.range(prefix, { limit: 1 }).revision;
        stop();
        begin();
        return lost?.();
      }
      const events = (result?.events ?? []).flatMap(changeOf);
      if (events.length === 0) return;
      after = events[events.length - 1]!.revision;
      this.#revision = Math.max(this.#revision, after);
      on(events);
    };
    const begin = () => {
      const create_request = {
        key: base64(prefix),
        range_end: base64(prefixEnd(prefix)),
        start_revision: String(after + 1),
        prev_kv: true,
      };
      stop = this.#http.stream(
        { method: "POST", path: "/v3/watch", body: JSON.stringify({ create_request }) },
        { line, end: () => this.#broken.add(begin) },
      );
    };
    begin();
    return () => {
      stop();
      this.#broken.delete(begin);
    };
  }

  compact(revision: number): void {
    this.#call("kv/compaction", { revision: String(revision) });
  }

  /** Hands over the changes that have arrived, without waiting for the event loop. */
  poll(): void {
    this.#http.poll();
  }

  close(): void {
    this.#http.close();
  }

  #call<T extends { header?: Header }>(method: string, body: object): T {
    const answer = this.#http.request({
      method: "POST",
      path: `/v3/${method}`,
      body: JSON.stringify(body),
    });
    const value = JSON.parse(answer.body) as T & { message?: string; error?: string };
    if (answer.status >= 400) throw failure(value.message ?? value.error ?? answer.body);
    this.#revision = Math.max(this.#revision, Number(value.header?.revision ?? 0));
    for (const begin of this.#broken) {
      this.#broken.delete(begin);
      begin();
    }
    return value;
  }
}

interface Header {
  revision: string;
}

interface KeyValue {
  key: string;
  value: string;
  create_revision: string;
  mod_revision: string;
  version: string;
}

interface RangeResponse {
  header: Header;
  kvs?: KeyValue[];
  more?: boolean;
  count?: string;
}

interface TxnResponse {
  header: Header;
  succeeded?: boolean;
  responses?: {
    response_range?: RangeResponse;
    response_delete_range?: { prev_kvs?: KeyValue[] };
  }[];
}

interface WatchResponse {
  header: Header;
  /** Set when the watch asked for revisions that are gone. */
  compact_revision?: string;
  events?: { type?: "PUT" | "DELETE"; kv: Partial<KeyValue>; prev_kv?: KeyValue }[];
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const text = (encoded: string): string => Buffer.from(encoded, "base64").toString("utf8");

/** The first key after all that begin with the prefix. */
const prefixEnd = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);

const isAt = (key: string, revision: number) => ({
  key: base64(key),
  target: "MOD",
  result: "EQUAL",
  mod_revision: String(revision),
});
const exists = (key: string) => ({
  key: base64(key),
  target: "VERSION",
  result: "GREATER",
  version: "0",
});

function entryOf({ key, value, create_revision, mod_revision, version }: KeyValue): Entry {
  const object = received(JSON.parse(text(value)) as KubeObject);
  return frozen({
    key: text(key),
    value: stamped(object, Number(mod_revision)),
    createRevision: Number(create_revision),
    modRevision: Number(mod_revision),
    version: Number(version),
  });
}

/**
 * An event whose former value is compacted away cannot say what was deleted: Kubernetes drops it
 * too.
 */
function changeOf({
  type = "PUT",
  kv,
  prev_kv,
}: NonNullable<WatchResponse["events"]>[number]): Change[] {
  const previous = prev_kv && entryOf(prev_kv);
  const value = type === "PUT" ? entryOf(kv as KeyValue).value : previous?.value;
  return value
    ? [
        {
          type,
          revision: Number(kv.mod_revision),
          key: text(kv.key!),
          value,
          ...(previous && { previous }),
        },
      ]
    : [];
}

function failure(message: string): Error {
  if (/has been compacted/.test(message)) return new CompactedError();
  return /future revision/.test(message) ? new RangeError(message) : new Error(message);
}
