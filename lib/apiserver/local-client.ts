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
import { Deeds, type Deed, type History } from "./history.js";
import { kindInfo } from "../objects/kinds.js";
import type { Kind, Kinds, KubeObject, Pod } from "../objects/types.js";
import type { ApiServer } from "./apiserver.js";
import type { Stamps } from "./stamps.js";
import { ApiError } from "../api/errors.js";

/** The client within the process: calls the API server and notes who asked for what. */
export class LocalClient implements Client {
  readonly #deeds: Deeds;

  constructor(
    private readonly server: ApiServer,
    private readonly who: string,
    private readonly stamps: Stamps,
    private readonly history: History,
    private readonly onWatcherFailure: (who: string, object: string, error: unknown) => void,
  ) {
    this.#deeds = new Deeds(who);
  }

  get<K extends Kind>(kind: K, name: string, namespace?: string): Kinds[K] {
    const call = () => this.server.get(kind, name, namespace);
    return this.#noted("get", kind, namespace, name, undefined, call) as Kinds[K];
  }

  list<K extends Kind>(kind: K, options: ListOptions = {}): List<Kinds[K]> {
    const call = () => this.server.list(kind, options);
    if (this.#isUnused(kind)) return call() as List<Kinds[K]>;
    const { namespace } = options;
    return this.#noted("list", kind, namespace, undefined, undefined, call) as List<Kinds[K]>;
  }

  create<T extends KubeObject>(object: T, options?: WriteOptions): T {
    return this.#write("create", object, undefined, options);
  }

  update<T extends KubeObject>(object: T, options?: WriteOptions): T {
    return this.#write("update", object, undefined, options);
  }

  updateStatus<T extends KubeObject>(object: T, options?: WriteOptions): T {
    return this.#write("update", object, "status", options);
  }

  /** Two in three of all calls: without a function made for each. */
  #write<T extends KubeObject>(
    verb: "create" | "update",
    object: T,
    subresource: "status" | undefined,
    options: WriteOptions | undefined,
  ): T {
    const { kind } = object;
    const { name, namespace } = object.metadata ?? {}; // missing: for the server to refuse
    const time = this.server.clock.now();
    try {
      const written =
        verb === "create"
          ? this.server.create(object, options, this.stamps)
          : this.server.update(object, options, subresource);
      const called = verb === "create" && !name ? written.metadata.name : name; // a generated one
      const deed = this.#deeds.of(verb, kind, subresource);
      this.history.add(time, deed, namespace, called, revisionOf(written));
      return written;
    } catch (error) {
      const deed = this.#deeds.of(verb, kind, subresource, codeOf(error));
      this.history.add(time, deed, namespace, name, undefined);
      throw error;
    }
  }

  patch<K extends Kind>(
    kind: K,
    name: string,
    namespace: string | undefined,
    patch: Patch,
    options: WriteOptions & { subresource?: Subresource } = {},
  ): Kinds[K] {
    const call = () => this.server.patch(kind, name, namespace, patch, options);
    return this.#noted("patch", kind, namespace, name, options.subresource, call) as Kinds[K];
  }

  bind(name: string, namespace: string | undefined, node: string, options?: WriteOptions): Pod {
    const call = () => this.server.bind(name, namespace, node, options);
    return this.#noted("create", "Pod", namespace, name, "binding", call);
  }

  delete<K extends Kind>(kind: K, name: string, namespace?: string, options?: DeleteOptions): void {
    const call = () => this.server.delete(kind, name, namespace, options);
    this.#noted("delete", kind, namespace, name, undefined, call);
  }

  watch<K extends Kind>(
    kind: K,
    options: WatchOptions,
    on: (event: WatchEvent<Kinds[K]>) => void,
  ): () => void {
    const { namespace } = options;
    let deed: Deed | undefined; // as a rule, the last one again
    const call = () =>
      this.server.watch(kind, options, (event, revision) => {
        const { name, namespace } = (event.object as KubeObject).metadata;
        if (deed?.what !== event.type) deed = this.#deeds.of("notify", kind, event.type);
        this.history.add(this.server.clock.now(), deed, namespace, name, revision);
        try {
          on(event as WatchEvent<Kinds[K]>);
        } catch (error) {
          const path = namespace === undefined ? name : `${namespace}/${name}`;
          this.onWatcherFailure(this.who, `${kind} ${path}`, error);
        }
      });
    if (this.#isUnused(kind)) return call();
    return this.#noted("watch", kind, namespace, undefined, undefined, call);
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

  #noted<T>(
    verb: Deed["verb"],
    kind: string,
    namespace: string | undefined,
    name: string | undefined,
    what: string | undefined,
    call: () => T,
  ): T {
    const time = this.server.clock.now();
    try {
      const answer = call();
      const revision = revisionOf(answer) ?? this.server.store.revision;
      this.history.add(time, this.#deeds.of(verb, kind, what), namespace, name, revision);
      return answer;
    } catch (error) {
      const deed = this.#deeds.of(verb, kind, what, codeOf(error));
      this.history.add(time, deed, namespace, name, undefined);
      throw error;
    }
  }
}

/** Of an object or of a list. */
function revisionOf(answer: unknown): number | undefined {
  const found = answer as
    { metadata?: { resourceVersion?: string }; resourceVersion?: string } | undefined;
  const revision = found?.metadata?.resourceVersion ?? found?.resourceVersion;
  return revision === undefined ? undefined : Number(revision);
}

const codeOf = (error: unknown): number | undefined =>
  error instanceof ApiError ? error.code : undefined;
