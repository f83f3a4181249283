import type {
  Client,
  DeleteOptions,
  List,
  ListOptions,
  Patch,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "../api/client.js";
import type { HistoryEntry } from "../api/history.js";
import type { Kind, Kinds, KubeObject, Pod } from "../objects/types.js";
import type { ApiServer } from "./apiserver.js";
import type { Stamps } from "./stamps.js";
import { ApiError } from "../api/errors.js";

type Asked = Omit<HistoryEntry, "time" | "who" | "revision" | "error">;

/** The client within the process: calls the API server and notes who asked for what. */
export class LocalClient implements Client {
  constructor(
    private readonly server: ApiServer,
    private readonly who: string,
    private readonly stamps: Stamps,
    private readonly note: (entry: HistoryEntry) => void,
    private readonly onWatcherFailure: (who: string, object: string, error: unknown) => void,
  ) {}

  get<K extends Kind>(kind: K, name: string, namespace?: string): Kinds[K] {
    return this.#noted({ verb: "get", kind, name, ...(namespace && { namespace }) }, () =>
      this.server.get(kind, name, namespace),
    ) as Kinds[K];
  }

  list<K extends Kind>(kind: K, options: ListOptions = {}): List<Kinds[K]> {
    return this.#noted(
      { verb: "list", kind, ...(options.namespace && { namespace: options.namespace }) },
      () => this.server.list(kind, options),
    ) as List<Kinds[K]>;
  }

  create<T extends KubeObject>(object: T, options?: WriteOptions): T {
    return this.#noted(asked("create", object), () =>
      this.server.create(object, options, this.stamps),
    );
  }

  update<T extends KubeObject>(object: T, options?: WriteOptions): T {
    return this.#noted(asked("update", object), () => this.server.update(object, options));
  }

  updateStatus<T extends KubeObject>(object: T, options?: WriteOptions): T {
    return this.#noted({ ...asked("update", object), subresource: "status" }, () =>
      this.server.update(object, options, "status"),
    );
  }

  patch<K extends Kind>(
    kind: K,
    name: string,
    namespace: string | undefined,
    patch: Patch,
    options: WriteOptions & { subresource?: "status" | "scale" } = {},
  ): Kinds[K] {
    const { subresource } = options;
    return this.#noted(
      {
        verb: "patch",
        kind,
        name,
        ...(namespace && { namespace }),
        ...(subresource && { subresource }),
      },
      () => this.server.patch(kind, name, namespace, patch, options),
    ) as Kinds[K];
  }

  bind(name: string, namespace: string | undefined, node: string, options?: WriteOptions): Pod {
    return this.#noted(
      {
        verb: "create",
        kind: "Pod",
        name,
        ...(namespace && { namespace }),
        subresource: "binding",
      },
      () => this.server.bind(name, namespace, node, options),
    );
  }

  delete<K extends Kind>(kind: K, name: string, namespace?: string, options?: DeleteOptions): void {
    this.#noted({ verb: "delete", kind, name, ...(namespace && { namespace }) }, () =>
      this.server.delete(kind, name, namespace, options),
    );
  }

  watch<K extends Kind>(
    kind: K,
    options: WatchOptions,
    on: (event: WatchEvent<Kinds[K]>) => void,
  ): () => void {
    const { namespace } = options;
    return this.#noted({ verb: "watch", kind, ...(namespace && { namespace }) }, () =>
      this.server.watch(kind, options, (event, revision) => {
        const { name, namespace } = (event.object as KubeObject).metadata;
        this.note({
          time: this.server.clock.now(),
          who: this.who,
          verb: "notify",
          kind,
          ...(namespace && { namespace }),
          name,
          revision,
          event: event.type,
        });
        try {
          on(event as WatchEvent<Kinds[K]>);
        } catch (error) {
          const path = namespace === undefined ? name : `${namespace}/${name}`;
          this.onWatcherFailure(this.who, `${kind} ${path}`, error);
        }
      }),
    );
  }

  #noted<T>(asked: Asked, call: () => T): T {
    const entry: HistoryEntry = { time: this.server.clock.now(), who: this.who, ...asked };
    try {
      const answer = call();
      entry.revision = revisionOf(answer) ?? this.server.store.revision;
      // a generated name
      if (!entry.name && asked.verb === "create") entry.name = (answer as KubeObject).metadata.name;
      return answer;
    } catch (error) {
      if (error instanceof ApiError) entry.error = error.code;
      throw error;
    } finally {
      this.note(entry);
    }
  }
}

function asked(verb: Asked["verb"], { kind, metadata }: KubeObject): Asked {
  const { name, namespace } = metadata ?? {}; // what is not there is the server's to refuse
  return { verb, kind, ...(namespace && { namespace }), ...(name && { name }) };
}

/** Of an object or of a list. */
function revisionOf(answer: unknown): number | undefined {
  const found = answer as
    { metadata?: { resourceVersion?: string }; resourceVersion?: string } | undefined;
  const revision = found?.metadata?.resourceVersion ?? found?.resourceVersion;
  return revision === undefined ? undefined : Number(revision);
}
