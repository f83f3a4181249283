import "../../apiserver/stored-claims.js";
import "../../apiserver/ip-addresses.js";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { frozen } from "../../objects/freeze.js";
import type { KubeObject } from "../../objects/types.js";
import { type Change, type Entry, stamped, type Store } from "../../store/store.js";
import { complain } from "../terminal.js";
import { EtcdWatch, requireLeader } from "./etcd-watch.js";
import {
  base64,
  exists,
  type Failed,
  failure,
  isAt,
  type KeyValue,
  parsed,
  prefixEnd,
  type RangeResponse,
  type ResponseHeader,
  text,
  type TxnResponse,
  type WatchEvent,
  type Written,
} from "./etcd-wire.js";
import { checked, type Remote } from "./remote.js";
import { storedObject } from "./stored.js";
import { SyncHttp } from "./sync-http.js";

export interface EtcdOptions extends Pick<
  Remote,
  "ca" | "cert" | "key" | "serverName" | "insecureSkipTLSVerify" | "username" | "password"
> {
  /** "http://127.0.0.1:2379"; all members of the cluster, so that each of them may fail. */
  urls: readonly string[];
  /** Where a line goes that somebody should read. Default: standard error. */
  log?: (line: string) => void;
}

// Milliseconds. A single member that does not answer for as long is given up; of several most of
// which live, one becomes the leader within this time (etcd: --election-timeout 1000, at random up
// to twice that).
const PATIENCE_MS = { one: 1_700, several: 5_000 };

// Entries that are fetched at a time: no answer takes long, whatever is held.
const PAGE = 500;

/**
 * The store in a real etcd (3.4 or later), through its JSON gateway: the state survives a restart,
 * several API servers may share it, and `etcdctl get /registry/ --prefix` shows it. Values are
 * JSON, without the resourceVersion: that is etcd's to say. (etcd: api/etcdserverpb/rpc.proto,
 * Documentation/dev-guide/api_grpc_gateway.md; kubernetes: apiserver/pkg/storage/etcd3/store.go)
 *
 * An etcd that is away is an ApiError 503. A watch that breaks off is begun again by itself, from
 * where it was.
 *
 * **Each write happens once**, though it may be sent several times, to several members, because
 * its answer is late or lost. Every writer has a key of its own (/stopover/writers/…) that is
 * written with each of its writes, in the same transaction: its version counts the writer's writes
 * and its value names the last one. A transaction holds only where that count is as the writer
 * knows it; else the key says whether the write at hand has happened already.
 */
export class EtcdStore implements Store {
  readonly immediate = false;
  readonly #http: SyncHttp;
  readonly #log: (line: string) => void;
  readonly #writer = `/stopover/writers/${randomUUID()}`;
  /** Writes of ours that etcd has counted. */
  #counted = 0;
  #lastWrite = 0;
  #revision = 1;
  readonly #watches = new Set<EtcdWatch>();
  /** Keys whose value could not be used, and the revision at which that was said. */
  readonly #leftOut = new Map<string, string>();
  #misplaced: (key: string, value: KubeObject) => string | undefined = () => undefined;

  /**
   * `members`: "http://127.0.0.1:2379", several of them separated by commas, or options. With
   * addresses alone, https goes with the files that etcdctl would take: ETCDCTL_CACERT,
   * ETCDCTL_CERT and ETCDCTL_KEY. Throws where no etcd answers there.
   */
  constructor(members: string | EtcdOptions) {
    const options = typeof members === "string" ? etcdOptions(members) : members;
    const { log = complain, ...remote } = options;
    this.#log = log;
    this.#http = new SyncHttp(checked(remote, "http://127.0.0.1:2379"), {
      title: "etcd at ",
      alivePath: "/version",
      patience: remote.urls.length > 1 ? PATIENCE_MS.several : PATIENCE_MS.one,
    });
    try {
      this.range("\0", { limit: 1 }); // learns the revision
    } catch (error) {
      this.#http.close();
      throw error;
    }
  }

  get revision(): number {
    return this.#revision;
  }

  get(key: string): Entry | undefined {
    return this.#at(key);
  }

  range(
    prefix: string,
    { revision, limit = Infinity, from }: { revision?: number; limit?: number; from?: string } = {},
  ) {
    const range_end = base64(prefixEnd(prefix));
    const entries: Entry[] = [];
    let [at, total, read, more] = [revision, 0, 0, true];
    let start = base64(from !== undefined && from > prefix ? from : prefix);
    while (more && (read < limit || read === 0)) {
      const page = this.#call<RangeResponse>("kv/range", {
        key: start,
        range_end,
        limit: String(Math.min(PAGE, Math.max(limit - read, 1))),
        ...(at !== undefined && { revision: String(at) }),
      });
      const { kvs = [], count = "0", header } = page;
      if (read === 0) total = Number(count);
      at ??= Number(header.revision);
      for (const kv of kvs) entries.push(...[this.#entryOf(kv) ?? []].flat());
      read += kvs.length;
      more = page.more ?? false;
      if (more) start = base64(`${text(kvs.at(-1)!.key)}\0`);
    }
    return { entries, revision: this.#revision, more, count: total };
  }

  put(key: string, value: KubeObject, expected?: number): Entry | undefined {
    const { resourceVersion: _, ...metadata } = value.metadata;
    const put = { key: base64(key), value: base64(JSON.stringify({ ...value, metadata })) };
    const written = this.#write(expected === undefined ? [] : [isAt(key, expected)], [
      { request_put: put },
      { request_range: { key: base64(key) } },
    ]);
    if (!written) return undefined;
    const kv = written.responses?.[1]?.response_range?.kvs?.[0];
    return kv ? this.#entryOf(kv) : this.#at(key, written.revision);
  }

  delete(key: string, expected?: number): Entry | undefined {
    const written = this.#write(
      expected === undefined ? [exists(key)] : [exists(key), isAt(key, expected)],
      [{ request_delete_range: { key: base64(key), prev_kv: true } }],
    );
    if (!written) return undefined;
    const kv = written.responses?.[0]?.response_delete_range?.prev_kvs?.[0];
    const before = kv ? this.#entryOf(kv) : this.#at(key, written.revision - 1);
    return before && { ...before, modRevision: written.revision };
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
    const watch = new EtcdWatch(this.#http, prefix, revision, {
      changes: (response) => {
        const changes = (response.events ?? []).flatMap((event) => this.#changeOf(event));
        if (changes.length === 0) return;
        this.#revision = Math.max(this.#revision, changes.at(-1)!.revision);
        on(changes);
      },
      lost: (compacted) => {
        this.#revision = Math.max(this.#revision, compacted);
        lost?.();
      },
    });
    this.#watches.add(watch);
    return () => {
      watch.stop();
      this.#watches.delete(watch);
    };
  }

  leaveOut(misplaced: (key: string, value: KubeObject) => string | undefined): void {
    this.#misplaced = misplaced;
  }

  compact(revision: number): void {
    this.#call("kv/compaction", { revision: String(revision) }, { repeatable: false });
  }

  /** Hands over the changes that have arrived, without waiting for the event loop. */
  poll(): void {
    this.#http.poll();
  }

  close(): void {
    for (const watch of this.#watches) watch.stop();
    try {
      if (this.#counted > 0) this.#call("kv/deleterange", { key: base64(this.#writer) });
    } catch {} // it is away: a key of a few bytes is left behind
    this.#http.close();
  }

  /**
   * One transaction, once; undefined where `compare` does not hold. `responses` are left out where
   * only its revision is known, because the answer to it was lost.
   */
  #write(compare: object[], operations: object[]): Written | undefined {
    const write = base64(String(++this.#lastWrite));
    const key = base64(this.#writer);
    for (;;) {
      const counted = { key, target: "VERSION", result: "EQUAL", version: String(this.#counted) };
      const { succeeded, responses, header } = this.#call<TxnResponse>("kv/txn", {
        compare: [counted, ...compare],
        success: [...operations, { request_put: { key, value: write } }],
        failure: [{ request_range: { key } }],
      });
      if (succeeded) {
        this.#counted++;
        return { revision: Number(header.revision), responses: responses! };
      }
      const last = responses![0]!.response_range?.kvs?.[0];
      const count = Number(last?.version ?? 0);
      const missed = count !== this.#counted;
      this.#counted = count;
      if (last?.value === write) return { revision: Number(last.mod_revision) };
      if (!missed) return undefined;
    }
  }

  /** What a key held at a revision; default: what it holds. */
  #at(key: string, revision?: number): Entry | undefined {
    const { kvs } = this.#call<RangeResponse>("kv/range", {
      key: base64(key),
      ...(revision !== undefined && { revision: String(revision) }),
    });
    return kvs?.[0] && this.#entryOf(kvs[0]);
  }

  #call<T extends { header?: ResponseHeader }>(
    method: string,
    body: object,
    { repeatable = true } = {},
  ): T {
    const { status, body: text } = this.#http.request({
      method: "POST",
      path: `/v3/${method}`,
      headers: requireLeader,
      body: JSON.stringify(body),
      repeatable,
    });
    const value = parsed<T & Failed>(text);
    if (status >= 400 || !value) throw failure(status, value?.message ?? value?.error ?? text);
    this.#revision = Math.max(this.#revision, Number(value.header?.revision ?? 0));
    for (const watch of this.#watches) watch.wake();
    return value;
  }

  /** undefined where the value is no object that belongs there. */
  #entryOf({ key, value, create_revision, mod_revision, version }: KeyValue): Entry | undefined {
    const name = text(key);
    const object = storedObject(text(value));
    const wrong = typeof object === "string" ? object : this.#misplaced(name, object);
    if (typeof object === "string" || wrong !== undefined)
      return this.#complain(name, mod_revision, wrong!);
    return frozen({
      key: name,
      value: stamped(object, Number(mod_revision)),
      createRevision: Number(create_revision),
      modRevision: Number(mod_revision),
      version: Number(version),
    });
  }

  /** One line for each value that is left out, however often it is read. */
  #complain(key: string, revision: string, wrong: string): undefined {
    if (this.#leftOut.get(key) === revision) return;
    this.#leftOut.set(key, revision);
    const shown = JSON.stringify(key);
    this.#log(`etcd: ${shown} is left out, because ${wrong} (to remove it: etcdctl del ${shown})`);
  }

  /**
   * Whose former value is compacted away cannot say what was deleted: Kubernetes drops it too. A
   * value that cannot be read is as good as gone.
   */
  #changeOf({ type = "PUT", kv, prev_kv }: WatchEvent): Change[] {
    const previous = prev_kv && this.#entryOf(prev_kv);
    const entry = type === "PUT" ? this.#entryOf(kv as KeyValue) : undefined;
    const value = entry?.value ?? previous?.value;
    if (!value) return [];
    return [
      {
        type: entry ? "PUT" : "DELETE",
        revision: Number(kv.mod_revision),
        key: text(kv.key),
        value,
        previous,
      },
    ];
  }
}

/** Files with PEM texts, as etcdctl takes them. */
export interface CertificateFiles {
  /** Whose certificates are trusted: --etcd-cacert, ETCDCTL_CACERT. */
  cacert?: string | undefined;
  /** The client's certificate and its private key. */
  cert?: string | undefined;
  key?: string | undefined;
}

/**
 * Members separated by commas, and the files that go with https: those given, else those of the
 * environment. @throws where a file cannot be read
 */
export function etcdOptions(members: string, files: CertificateFiles = {}): EtcdOptions {
  const urls = members.split(",");
  const secure = urls.some((url) => url.startsWith("https:"));
  const pem = (name: keyof CertificateFiles): string | undefined => {
    const variable = `ETCDCTL_${name.toUpperCase()}`;
    const [file, from] = files[name]
      ? [files[name], `--etcd-${name}`]
      : [process.env[variable], variable];
    return file && secure ? contents(file, from) : undefined;
  };
  const [ca, cert, key] = [pem("cacert"), pem("cert"), pem("key")];
  if ((cert === undefined) !== (key === undefined))
    throw new Error(
      `a client's certificate and its key go together: ${cert === undefined ? "--etcd-cert (ETCDCTL_CERT)" : "--etcd-key (ETCDCTL_KEY)"} is missing`,
    );
  return {
    urls,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

function contents(file: string, from: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`${from} is ${JSON.stringify(file)}, which cannot be read: ${code}`, {
      cause: error,
    });
  }
}
