import type { Clock } from "../../api/clock.js";
import type {
  Client,
  DeleteOptions,
  List,
  ListOptions,
  Patch,
  Subresource,
  Status,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "../../api/client.js";
import { frozen } from "../../objects/freeze.js";
import { kindInfo } from "../../objects/kinds.js";
import { received } from "../../objects/received.js";
import type { Kind, Kinds, KubeObject, Pod } from "../../objects/types.js";
import { checked, type Remote, type Reply } from "./remote.js";
import { SyncHttp } from "./sync-http.js";
import { ApiError, badRequest, serviceUnavailable } from "../../api/errors.js";
import { pathOf } from "./openapi.js";

export interface HttpClientOptions extends Omit<Remote, "urls"> {
  /** Where the API server is: "http://127.0.0.1:8001". */
  url: string;
  /** The name in the server's history: "endpointslice-controller". */
  who: string;
  /** Tells when to begin a broken watch again. */
  clock: Clock;
}

// How long a request may take that the API server is at work on. Milliseconds.
const PATIENCE_MS = 30_000;
// The wait before a watch that broke off is begun again: doubled each time. Milliseconds.
// (client-go: tools/cache/reflector.go has 800 ms to 30 s)
const WATCH_AGAIN_MS = { first: 800, longest: 5_000 };

/**
 * The Client over HTTP: what components in another process use, against `stopover serve` or any
 * other API server. Calls wait for their answer as the in-process client's do; watch events come
 * through the event loop. A watch that breaks off goes on where it was.
 *
 *     const server = fromKubeconfig("~/.kube/config");
 *     new HttpClient({ ...server, who: "my-controller", clock: new RealClock() })
 *
 * A server that is away is an ApiError 503, within two seconds. It may be the answer that was lost:
 * reads are asked for again, writes are not, since nobody knows whether they happened.
 */
export class HttpClient implements Client {
  readonly #http: SyncHttp;
  readonly #headers: Record<string, string>;
  readonly #clock: Clock;

  constructor({ url, who, clock, ...remote }: HttpClientOptions) {
    this.#clock = clock;
    this.#http = new SyncHttp(checked({ ...remote, urls: [url] }, "http://127.0.0.1:8001"), {
      alivePath: "/livez",
      patience: PATIENCE_MS,
    });
    this.#headers = { Accept: "application/json", "X-Stopover-Client": who };
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
    const under = options?.under ? `/${options.under}` : "";
    return this.#write("PUT", pathTo(object) + under + writeQuery(options), object) as T;
  }

  updateStatus<T extends KubeObject>(object: T, options?: WriteOptions): T {
    return this.#write("PUT", `${pathTo(object)}/status${writeQuery(options)}`, object) as T;
  }

  patch<K extends Kind>(
    kind: K,
    name: string,
    namespace: string | undefined,
    patch: Patch,
    options: WriteOptions & { subresource?: Subresource } = {},
  ): Kinds[K] {
    const type = {
      merge: "application/merge-patch+json",
      strategic: "application/strategic-merge-patch+json",
      json: "application/json-patch+json",
      apply: "application/apply-patch+yaml",
    }[patch.type];
    const path = `${objectPath(kind, name, namespace)}${options.subresource ? `/${options.subresource}` : ""}${writeQuery(options)}${patch.type === "apply" && patch.force ? "&force=true" : ""}`;
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
    let wait = WATCH_AGAIN_MS.first;
    const again = () => {
      stop(); // a process lives on while it waits for its server
      stop = this.#clock.schedule(wait, begin);
      wait = Math.min(2 * wait, WATCH_AGAIN_MS.longest);
    };
    const line = (text: string, status: number) => {
      const event = eventIn<Kinds[K]>(text, status);
      if (!event) return again();
      wait = WATCH_AGAIN_MS.first;
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
        { method: "GET", path, headers: this.#headers, repeatable: true },
        { line, end: again },
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
    const reply = this.#http.request({
      method,
      path,
      headers: { ...this.#headers, ...(type && { "Content-Type": type }) },
      ...(body !== undefined && { body }),
      repeatable: method === "GET",
    });
    const value = parsed<object>(reply.body);
    if (reply.status >= 400 || !value) throw new ApiError(statusOf(reply, value));
    return value;
  }
}

/** undefined where the line is no event: the watch is broken, or the server cannot serve it. */
function eventIn<T>(text: string, status: number): WatchEvent<T> | undefined {
  const value = parsed<WatchEvent<T> | Status>(text);
  if (status < 400 || !value) return value as WatchEvent<T> | undefined;
  return status === 410 ? { type: "ERROR", object: value as Status } : undefined;
}

/** The answer's Status; who answers something else is no API server, or one behind a proxy. */
function statusOf({ status, body }: Reply, value: unknown): Status {
  const given = value as Status | undefined;
  if (given?.kind === "Status" && given.status === "Failure") return { code: status, ...given };
  const text = body.replace(/\s+/g, " ").slice(0, 200);
  const { status: unavailable } = serviceUnavailable(
    `the server answered ${status} with ${text ? JSON.stringify(text) : "nothing"}, which is no object`,
  );
  return status >= 400
    ? { ...unavailable, code: status, reason: reasons[status] ?? "" }
    : unavailable;
}

// (apimachinery: pkg/api/errors/errors.go, NewGenericServerResponse)
const reasons: Record<number, string> = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  409: "Conflict",
  410: "Gone",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

function parsed<T>(text: string): T | undefined {
  try {
    const value = JSON.parse(text) as T;
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
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
  return `${collection(kind, namespace)}${query.size > 0 ? `?${query.toString()}` : ""}`;
}

function writeQuery({
  dryRun,
  fieldManager,
  fieldValidation = "Strict",
}: WriteOptions = {}): string {
  const query = new URLSearchParams({
    fieldValidation,
    ...(dryRun && { dryRun: "All" }),
    ...(fieldManager && { fieldManager }),
  });
  return `?${query.toString()}`;
}
