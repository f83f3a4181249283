import type { Clock } from "../../api/clock.js";
import type {
  Client,
  DeleteOptions,
  List,
  ListOptions,
  Patch,
  Status,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "../../api/client.js";
import { frozen } from "../../objects/freeze.js";
import { kindInfo } from "../../objects/kinds.js";
import { received } from "../../objects/received.js";
import type { Kind, Kinds, KubeObject, Pod } from "../../objects/types.js";
import { SyncHttp } from "./sync-http.js";
import { ApiError, badRequest } from "../../api/errors.js";
import { pathOf } from "./openapi.js";

export interface HttpClientOptions {
  /** Where the API server is: "http://127.0.0.1:8001". */
  url: string;
  /** The name in the server's history: "endpointslice-controller". */
  who: string;
  /** Tells when to begin a broken watch again. */
  clock: Clock;
}

// milliseconds (client-go: tools/cache/reflector.go begins its back-off at 800 ms)
const reconnectAfter = 1000;

/**
 * The Client over HTTP: what components in another process use, against `stopover serve`. Calls
 * wait for their answer as the in-process client's do; watch events come through the event loop. A
 * watch that breaks off goes on where it was.
 */
export class HttpClient implements Client {
  readonly #http: SyncHttp;
  readonly #headers: Record<string, string>;

  constructor(private readonly options: HttpClientOptions) {
    this.#http = new SyncHttp(options.url);
    this.#headers = { Accept: "application/json", "X-Stopover-Client": options.who };
  }

  get<K extends Kind>(kind: K, name: string, namespace?: string): Kinds[K] {
    return received(this.#call("GET", objectPath(kind, name, namespace)) as Kinds[K]);
  }

  list<K extends Kind>(kind: K, options: ListOptions = {}): List<Kinds[K]> {
    const { items, metadata } = this.#call("GET", listPath(kind, options)) as {
      items?: Kinds[K][] | null;
      metadata: Omit<List<never>, "items">;
    };
    // kube-apiserver leaves out of the items what the list says for all of them
    const header = { apiVersion: kindInfo(kind)!.apiVersion, kind };
    return { ...metadata, items: (items ?? []).map((item) => received({ ...header, ...item })) };
  }

  create<T extends KubeObject>(object: T, options?: WriteOptions): T {
    const { namespace } = object.metadata;
    return this.#write(
      "POST",
      `${collection(object.kind as Kind, namespace ?? "default")}${writeQuery(options)}`,
      object,
    ) as T;
  }

  update<T extends KubeObject>(object: T, options?: WriteOptions): T {
    return this.#write("PUT", pathTo(object) + writeQuery(options), object) as T;
  }

  updateStatus<T extends KubeObject>(object: T, options?: WriteOptions): T {
    return this.#write("PUT", `${pathTo(object)}/status${writeQuery(options)}`, object) as T;
  }

  patch<K extends Kind>(
    kind: K,
    name: string,
    namespace: string | undefined,
    patch: Patch,
    options: WriteOptions & { subresource?: "status" | "scale" } = {},
  ): Kinds[K] {
    const type = {
      merge: "application/merge-patch+json",
      strategic: "application/strategic-merge-patch+json",
      json: "application/json-patch+json",
    }[patch.type];
    const path = `${objectPath(kind, name, namespace)}${options.subresource ? `/${options.subresource}` : ""}${writeQuery(options)}`;
    const answer = this.#write("PATCH", path, patch.body, type) as Kinds[K];
    // that answer is a Scale
    return options.subresource === "scale" ? this.get(kind, name, namespace) : answer;
  }

  bind(pod: string, namespace: string | undefined, node: string, options?: WriteOptions): Pod {
    const target = { apiVersion: "v1", kind: "Node", name: node };
    this.#write("POST", `${objectPath("Pod", pod, namespace)}/binding${writeQuery(options)}`, {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name: pod },
      target,
    });
    return this.get("Pod", pod, namespace);
  }

  delete<K extends Kind>(
    kind: K,
    name: string,
    namespace?: string,
    options: DeleteOptions = {},
  ): void {
    const { uid, resourceVersion, dryRun, ...rest } = options;
    this.#write("DELETE", objectPath(kind, name, namespace), {
      kind: "DeleteOptions",
      apiVersion: "v1",
      ...rest,
      ...(dryRun && { dryRun: ["All"] }),
      preconditions: { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
    });
  }

  /**
   * As the in-process watch, but what is too old is told by an ERROR event (410) rather than
   * thrown.
   */
  watch<K extends Kind>(
    kind: K,
    options: WatchOptions,
    on: (event: WatchEvent<Kinds[K]>) => void,
  ): () => void {
    let { resourceVersion } = options;
    let stop = () => {};
    const line = (text: string, status: number) => {
      const event = (
        status < 400 ? JSON.parse(text) : { type: "ERROR", object: JSON.parse(text) as Status }
      ) as WatchEvent<Kinds[K]>;
      if (event.type === "ERROR") stop();
      else resourceVersion = event.object.metadata.resourceVersion!;
      if (event.type === "ERROR") on({ ...event, object: frozen(event.object) });
      else if (event.type !== "BOOKMARK") on({ ...event, object: received(event.object) });
    };
    const begin = () => {
      const path = listPath(
        kind,
        { ...options, limit: 0 },
        { watch: "true", allowWatchBookmarks: "true", resourceVersion },
      );
      stop = this.#http.stream(
        { method: "GET", path, headers: this.#headers },
        {
          line,
          end: () => {
            stop = this.options.clock.schedule(reconnectAfter, begin, { background: true });
          },
        },
      );
    };
    begin();
    return () => stop();
  }

  close(): void {
    this.#http.close();
  }

  #write(method: string, path: string, body: unknown, type = "application/json"): KubeObject {
    return received(this.#call(method, path, JSON.stringify(body), type) as KubeObject);
  }

  #call(method: string, path: string, body?: string, type?: string): unknown {
    const answer = this.#http.request({
      method,
      path,
      headers: { ...this.#headers, ...(type && { "Content-Type": type }) },
      ...(body !== undefined && { body }),
    });
    const value: unknown = JSON.parse(answer.body);
    if (answer.status >= 400) throw new ApiError(value as Status);
    return value;
  }
}

function collection(kind: Kind, namespace?: string): string {
  const info = kindInfo(kind);
  if (!info) throw badRequest(`no kind ${JSON.stringify(kind)} is known`);
  return `/${pathOf(info.apiVersion)}/${info.namespaced && namespace ? `namespaces/${encodeURIComponent(namespace)}/` : ""}${info.plural}`;
}

const objectPath = (kind: Kind, name: string, namespace = "default"): string =>
  `${collection(kind, namespace)}/${encodeURIComponent(name)}`;
const pathTo = ({ kind, metadata: { name, namespace } }: KubeObject): string =>
  objectPath(kind as Kind, name, namespace);

function listPath(
  kind: Kind,
  { namespace, labelSelector, fieldSelector, limit, continue: next, revision }: ListOptions,
  more: Record<string, string> = {},
): string {
  const query = new URLSearchParams({
    ...(labelSelector && { labelSelector }),
    ...(fieldSelector && { fieldSelector }),
    ...(limit && { limit: String(limit) }),
    ...(next && { continue: next }),
    ...(revision && { resourceVersion: String(revision), resourceVersionMatch: "Exact" }),
    ...more,
  });
  return `${collection(kind, namespace)}${query.size > 0 ? `?${query}` : ""}`;
}

function writeQuery({
  dryRun,
  fieldManager,
  fieldValidation = "Strict",
}: WriteOptions = {}): string {
  return `?${new URLSearchParams({ fieldValidation, ...(dryRun && { dryRun: "All" }), ...(fieldManager && { fieldManager }) })}`;
}
