import type {
  Client,
  DeleteOptions,
  List,
  ListOptions,
  Patch,
  Subresource,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "../api/client.js";
import type { HistoryEntry } from "../api/history.js";
import type { Noted } from "./history.js";
import { kindInfo } from "../objects/kinds.js";
import type { Kind, Kinds, KubeObject, Pod } from "../objects/types.js";
import type { ApiServer } from "./apiserver.js";
import type { Stamps } from "./stamps.js";
import { ApiError } from "../api/errors.js";

/** The client within the process: calls the API server and notes who asked for what. */
export class LocalClient implements Client {
  constructor(
    private readonly server: ApiServer,
    private readonly who: string,
    private readonly stamps: Stamps,
    private readonly note: (entry: Noted) => void,
    private readonly onWatcherFailure: (who: string, object: string, error: unknown) => void,
  ) {}

  get<K extends Kind>(kind: K, name: string, namespace?: string): Kinds[K] {
    const asked = this.#asked("get", kind, namespace, name);
    return this.#noted(asked, () => this.server.get(kind, name, namespace)) as Kinds[K];
  }

  list<K extends Kind>(kind: K, options: ListOptions = {}): List<Kinds[K]> {
    if (this.#isUnused(kind)) return this.server.list(kind, options) as List<Kinds[K]>;
    const asked = this.#asked("list", kind, options.namespace);
    return this.#noted(asked, () => this.server.list(kind, options)) as List<Kinds[K]>;
  }

  create<T extends KubeObject>(object: T, options?: WriteOptions): T {
    const asked = this.#askedOf("create", object);
    try {
      return this.#answered(asked, this.server.create(object, options, this.stamps));
    } catch (error) {
      throw this.#refused(asked, error);
    }
  }

  update<T extends KubeObject>(object: T, options?: WriteOptions): T {
    return this.#update(this.#askedOf("update", object), object, options);
  }

  updateStatus<T extends KubeObject>(object: T, options?: WriteOptions): T {
    return this.#update(this.#askedOf("update", object, "status"), object, options, "status");
  }

  /** Here and in `create`: two in three of all calls, without a function made for each. */
  #update<T extends KubeObject>(
    asked: Noted,
    object: T,
    options: WriteOptions | undefined,
    subresource?: "status",
  ): T {
    try {
      return this.#answered(asked, this.server.update(object, options, subresource));
    } catch (error) {
      throw this.#refused(asked, error);
    }
  }

  patch<K extends Kind>(
    kind: K,
    name: string,
    namespace: string | undefined,
    patch: Patch,
    options: WriteOptions & { subresource?: Subresource } = {},
  ): Kinds[K] {
    const asked = this.#asked("patch", kind, namespace, name, options.subresource);
    return this.#noted(asked, () =>
      this.server.patch(kind, name, namespace, patch, options),
    ) as Kinds[K];
  }

  bind(name: string, namespace: string | undefined, node: string, options?: WriteOptions): Pod {
    const asked = this.#asked("create", "Pod", namespace, name, "binding");
    return this.#noted(asked, () => this.server.bind(name, namespace, node, options));
  }

  delete<K extends Kind>(kind: K, name: string, namespace?: string, options?: DeleteOptions): void {
    const asked = this.#asked("delete", kind, namespace, name);
    this.#noted(asked, () => this.server.delete(kind, name, namespace, options));
  }

  watch<K extends Kind>(
    kind: K,
    options: WatchOptions,
    on: (event: WatchEvent<Kinds[K]>) => void,
  ): () => void {
    const asked = this.#asked("watch", kind, options.namespace);
    const noted: <T>(call: () => T) => T = this.#isUnused(kind)
      ? (call) => call()
      : (call) => this.#noted(asked, call);
    return noted(() =>
      this.server.watch(kind, options, (event, revision) => {
        const { name, namespace } = (event.object as KubeObject).metadata;
        const notified = this.#asked("notify", kind, namespace, name, event.type);
        notified.revision = revision;
        this.note(notified);
        try {
          on(event as WatchEvent<Kinds[K]>);
        } catch (error) {
          const path = namespace === undefined ? name : `${namespace}/${name}`;
          this.onWatcherFailure(this.who, `${kind} ${path}`, error);
        }
      }),
    );
  }

  /**
   * Of a kind that is none of this story's, and of which there is nothing, a history has nothing to
   * tell: its loops look for it in every cluster.
   */
  #isUnused(kind: Kind): boolean {
    const info = kindInfo(kind);
    if (!info || info.isModelled) return false;
    return this.server.store.range(info.prefix, { limit: 1 }).entries.length === 0;
  }

  #asked(
    verb: HistoryEntry["verb"],
    kind: string,
    namespace: string | undefined,
    name?: string,
    what?: string,
  ): Noted {
    return {
      time: this.server.clock.now(),
      who: this.who,
      verb,
      kind,
      namespace: namespace || undefined,
      name: name || undefined,
      revision: undefined,
      what,
      error: undefined,
    };
  }

  #askedOf(
    verb: HistoryEntry["verb"],
    { kind, metadata }: KubeObject,
    subresource?: string,
  ): Noted {
    const { name, namespace } = metadata ?? {}; // what is not there is the server's to refuse
    return this.#asked(verb, kind, namespace, name, subresource);
  }

  #noted<T>(asked: Noted, call: () => T): T {
    try {
      return this.#answered(asked, call());
    } catch (error) {
      throw this.#refused(asked, error);
    }
  }

  #answered<T>(asked: Noted, answer: T): T {
    asked.revision = revisionOf(answer) ?? this.server.store.revision;
    // a generated name
    if (!asked.name && asked.verb === "create") asked.name = (answer as KubeObject).metadata.name;
    this.note(asked);
    return answer;
  }

  #refused(asked: Noted, error: unknown): unknown {
    if (error instanceof ApiError) asked.error = error.code;
    this.note(asked);
    return error;
  }
}

/** Of an object or of a list. */
function revisionOf(answer: unknown): number | undefined {
  const found = answer as
    { metadata?: { resourceVersion?: string }; resourceVersion?: string } | undefined;
  const revision = found?.metadata?.resourceVersion ?? found?.resourceVersion;
  return revision === undefined ? undefined : Number(revision);
}
