import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Patch } from "../../api/client.js";
import type { KindInfo } from "../../objects/kinds.js";
import type { KubeObject } from "../../objects/types.js";
import type { ApiServer } from "../../apiserver/apiserver.js";
import { decodedAs } from "../../apiserver/decode.js";
import * as errors from "../../api/errors.js";
import { bodyOf, deleteOptions, fitted, mediaType, parsedBody, writeOptions } from "./http-body.js";
import {
  includeObject,
  json,
  listOptions,
  send,
  shown,
  success,
  targetOf,
  wantsTable,
  type Call,
} from "./http-call.js";
import { watch } from "./http-watch.js";
import {
  coreVersions,
  group,
  groupList,
  openapi,
  openapiIndex,
  resourceList,
  rootPaths,
  version,
} from "./openapi.js";
import { openapiV2, openapiV2Type } from "./protobuf.js";
import { scaled, scaleOf, type Scale } from "../../apiserver/scale.js";
import { table } from "./tables.js";

/**
 * The API server's front door for kubectl and client libraries: Kubernetes' REST paths over HTTP,
 * on the loopback address, and nothing but the API. A request becomes a Target (which kind, which
 * object) and then calls of the same Client that components in the process use. (kubernetes:
 * staging/src/k8s.io/apiserver/pkg/endpoints/handlers)
 */
export interface ServeOptions {
  apiserver: ApiServer;
  /** Default 8001, kubectl proxy's; 0 takes a free one. */
  port?: number;
  /** A loopback address; default 127.0.0.1. */
  host?: string;
}

export interface Serving {
  /** "http://127.0.0.1:8001" */
  url: string;
  close(): Promise<void>;
}

const loopback = /^(localhost|127\.0\.0\.1|\[?::1\]?)$/i;
/**
 * Tables come in larger pages than asked for, as a server may: kubectl asks for 500 rows at a time,
 * but holds itself to 5 requests a second.
 */
const leastRows = 5000;

/** @throws where the host is not this machine, or the port is taken. */
export async function serve({
  apiserver,
  port = 8001,
  host = "127.0.0.1",
}: ServeOptions): Promise<Serving> {
  if (!loopback.test(host))
    throw new Error(
      `host: got ${JSON.stringify(host)}; the API has no authentication, so it listens on a loopback address only: 127.0.0.1, ::1 or localhost`,
    );
  const server = createServer((request, response) => void answer(apiserver, request, response));
  await new Promise<void>((resolve, reject) =>
    server.once("error", reject).listen(port, host.replace(/[[\]]/g, ""), resolve),
  );
  const { address, port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${address.includes(":") ? `[${address}]` : address}:${taken}`,
    close: () => close(server),
  };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function answer(
  apiserver: ApiServer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    refuseStrangers(request);
    const url = urlOf(request);
    const path = url.pathname.split("/").filter(Boolean).map(decodedSegment);
    const document = request.method === "GET" ? aboutItself(path, request) : undefined;
    if (typeof document === "string")
      return send(response, 200, "text/plain; charset=utf-8", document);
    if (document instanceof Buffer) return send(response, 200, openapiV2Type, document);
    if (document !== undefined) return json(response, 200, document);
    const call: Call = {
      apiserver,
      client: apiserver.client(whoAsks(request)),
      target: targetOf(path),
      query: url.searchParams,
      request,
      response,
    };
    await handle(call);
  } catch (error) {
    const { status } =
      error instanceof errors.ApiError ? error : errors.internal((error as Error).message);
    if (!response.headersSent) json(response, status.code!, status);
    else response.destroy();
  }
}

/**
 * A page on the web may make this browser send requests here, under a name of its own (DNS
 * rebinding): refused by Host and Origin.
 */
function refuseStrangers({ headers, headersDistinct }: IncomingMessage): void {
  // RFC 9112, 3.2: which of two would be meant?
  if ((headersDistinct["host"] ?? []).length > 1) throw errors.badRequest("too many Host headers");
  const host = headers.host ?? "";
  if (!loopback.test(host.replace(/:\d+$/, ""))) throw strangeHost(host);
  const origin = headers.origin;
  if (origin !== undefined && !(URL.canParse(origin) && loopback.test(new URL(origin).hostname)))
    throw errors.forbidden(
      { kind: "", plural: "origin", group: "" },
      origin,
      "web pages of other origins may not call this API",
    );
}

const strangeHost = (host: string) =>
  errors.forbidden(
    { kind: "", plural: "host", group: "" },
    host,
    "this server answers to localhost, 127.0.0.1 and [::1] only",
  );

/** Of "/api/v1/pods", or of a whole URL, as a proxy is sent: its host counts like a Host header. */
function urlOf({ url: target = "/" }: IncomingMessage): URL {
  const text = target.startsWith("/") ? `http://localhost${target}` : target;
  if (!URL.canParse(text)) throw errors.badRequest("the request's path is no URL");
  const url = new URL(text);
  if (!loopback.test(url.hostname)) throw strangeHost(url.host);
  return url;
}

function decodedSegment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw errors.badRequest(
      `the path holds ${JSON.stringify(text)}, which is no valid percent-encoding`,
    );
  }
}

/** "kubectl" out of "kubectl/v1.32.4 (linux/amd64) …": the name in the history. */
const whoAsks = ({ headers }: IncomingMessage): string =>
  String(headers["x-stopover-client"] ?? (headers["user-agent"] ?? "http").split(/[/ ]/)[0]).slice(
    0,
    100,
  );

/** Version, health, discovery and OpenAPI. */
function aboutItself(
  [first, ...rest]: string[],
  request: IncomingMessage,
): object | string | Buffer | undefined {
  const path = rest.join("/");
  if (first === "version" && !path) return version;
  if (first === "healthz" || first === "livez" || first === "readyz") return "ok";
  if (first === "openapi" && rest[0] === "v3")
    return rest.length === 1 ? openapiIndex() : (openapi(rest.slice(1).join("/")) ?? refuse());
  if (
    first === "openapi" &&
    path === "v2" &&
    request.headers.accept?.includes("proto-openapi.spec.v2")
  )
    return openapiV2();
  if (first === undefined) return rootPaths();
  if (first === "api" && rest.length < 2)
    return rest.length === 0
      ? coreVersions(request.headers.host ?? "")
      : (resourceList(path) ?? refuse());
  if (first === "apis" && rest.length < 3)
    return rest.length === 0
      ? groupList()
      : ((rest.length === 1 ? group(path) : resourceList(path)) ?? refuse());
  return undefined;
}

function refuse(): never {
  throw errors.unknownPath();
}

/** Subresources that Kubernetes has and this server has not, with what to do instead. */
const missing = new Map([
  ["log", "its containers have no output"],
  ["exec", "its containers run no commands"],
  ["attach", "its containers have no terminal"],
  ["portforward", "use `stopover packet` or `stopover journey` to follow a connection"],
  ["proxy", "use `stopover journey` to follow a request"],
  ["eviction", "delete the Pod instead"],
  ["ephemeralcontainers", "a Pod keeps the containers it has"],
  ["resize", "a Pod keeps the resources it has"],
  ["token", "there are no service accounts"],
]);

function notOffered(info: KindInfo, subresource: string): errors.ApiError {
  const instead = missing.get(subresource);
  if (instead === undefined) return errors.unknownPath();
  return errors.methodNotAllowed(
    `Stopover does not offer ${info.plural}/${subresource}: ${instead}`,
  );
}

const methods: Record<string, readonly string[]> = {
  collection: ["GET", "POST", "DELETE"],
  object: ["GET", "PUT", "PATCH", "DELETE"],
  status: ["GET", "PUT", "PATCH"],
  scale: ["GET", "PUT", "PATCH"],
  binding: ["POST"],
  finalize: ["PUT"],
};

async function handle(call: Call): Promise<void> {
  const {
    target: { info, name, subresource },
    request: { method },
  } = call;
  if (subresource !== undefined && !(info.subresources as readonly string[]).includes(subresource))
    throw notOffered(info, subresource);
  const watching = call.query.get("watch") === "true" || call.query.get("watch") === "1";
  const under = name === undefined ? "collection" : (subresource ?? "object");
  if (methods[under]!.includes(method!)) {
    if (method === "GET")
      return watching ? watch(call) : name === undefined ? list(call) : read(call);
    if (method === "POST") return create(call);
    if (method === "PUT") return update(call);
    if (method === "PATCH") return patch(call);
    return name === undefined ? removeAll(call) : remove(call);
  }
  call.response.setHeader("Allow", methods[under]!.join(", "));
  throw errors.methodNotAllowed("the server does not allow this method on the requested resource");
}

// ---- reading ------------------------------------------------------------------------------------------------------

function read(call: Call): void {
  const {
    client,
    target: { info, name, namespace, subresource },
  } = call;
  const object = client.get(info.kind, name!, namespace);
  shown(call, 200, subresource === "scale" ? scaleOf(object) : object, [object]);
}

function list(call: Call): void {
  const {
    client,
    target: { info },
    query,
  } = call;
  const asTable = wantsTable(call);
  const asked = listOptions(call);
  const options =
    asTable && asked.limit ? { ...asked, limit: Math.max(asked.limit, leastRows) } : asked;
  const {
    items,
    resourceVersion,
    continue: next,
    remainingItemCount,
  } = client.list(info.kind, options);
  const metadata = {
    resourceVersion,
    ...(next && { continue: next }),
    ...(remainingItemCount !== undefined && { remainingItemCount }),
  };
  if (asTable)
    return json(
      call.response,
      200,
      table(info.kind, items, call.apiserver.clock.now(), includeObject(query), metadata),
    );
  json(call.response, 200, {
    kind: `${info.kind}List`,
    apiVersion: info.apiVersion,
    metadata,
    items,
  });
}

// ---- writing ------------------------------------------------------------------------------------------------------

async function create(call: Call): Promise<void> {
  const {
    client,
    target: { info, namespace, name, subresource },
  } = call;
  const body = await bodyOf(call);
  if (subresource === "binding") {
    const node = (body as { target?: { name?: unknown } }).target?.name;
    if (typeof node !== "string" || node === "")
      throw errors.invalid({ kind: "Binding", plural: "bindings", group: "" }, name!, [
        { field: "target.name", reason: "FieldValueRequired", message: "Required value" },
      ]);
    client.bind(name!, namespace, node, writeOptions(call));
    return json(call.response, 201, success());
  }
  const object = fitted(body, info, namespace, undefined);
  const created = client.create(object, writeOptions(call));
  shown(call, 201, created, [created]);
}

async function update(call: Call): Promise<void> {
  const {
    client,
    target: { info, namespace, name, subresource },
  } = call;
  const body = await bodyOf(call);
  if (subresource === "scale") {
    const scaledObject = client.update(
      scaled(client.get(info.kind, name!, namespace), decodedAs<Scale>("Scale", body)),
      writeOptions(call),
    );
    return json(call.response, 200, scaleOf(scaledObject));
  }
  const object = fitted(body, info, namespace, name);
  const updated =
    subresource === "status"
      ? client.updateStatus(object, writeOptions(call))
      : client.update(object, writeOptions(call));
  shown(call, 200, updated, [updated]);
}

const patchTypes = new Map<string, Patch["type"]>([
  ["application/json-patch+json", "json"],
  ["application/merge-patch+json", "merge"],
  ["application/strategic-merge-patch+json", "strategic"],
]);

async function patch(call: Call): Promise<void> {
  const {
    client,
    target: { info, namespace, name, subresource },
    request,
  } = call;
  const contentType = mediaType(request) ?? "";
  const type = patchTypes.get(contentType);
  if (contentType === "application/apply-patch+yaml")
    throw errors.unsupportedMediaType(
      "Stopover does not offer server-side apply; use kubectl apply without --server-side",
    );
  if (!type)
    throw errors.unsupportedMediaType(
      `the body of the request was in an unknown format - accepted media types include: ${[...patchTypes.keys()].join(", ")}`,
    );
  const body = await parsedBody(request);
  const under =
    subresource === "status" || subresource === "scale" ? ({ subresource } as const) : {};
  const result = client.patch(
    info.kind,
    name!,
    namespace,
    { type, body },
    { ...writeOptions(call), ...under },
  );
  if (subresource === "scale") return json(call.response, 200, scaleOf(result));
  shown(call, 200, result, [result]);
}

async function remove(call: Call): Promise<void> {
  const {
    apiserver,
    client,
    target: { info, namespace, name },
  } = call;
  const options = await deleteOptions(call);
  const object = client.get(info.kind, name!, namespace);
  client.delete(info.kind, name!, namespace, options);
  const left = stillThere(apiserver, info, object);
  if (left) return shown(call, 200, left, [left]);
  json(
    call.response,
    200,
    success({
      name: name!,
      ...(info.group && { group: info.group }),
      kind: info.plural,
      uid: object.metadata.uid!,
    }),
  );
}

function stillThere(
  apiserver: ApiServer,
  info: KindInfo,
  { metadata: { name, namespace, uid } }: KubeObject,
): KubeObject | undefined {
  const [found] = apiserver.list(info.kind, {
    ...(namespace && { namespace }),
    fieldSelector: `metadata.name=${name}`,
  }).items;
  return found?.metadata.uid === uid ? found : undefined;
}

async function removeAll(call: Call): Promise<void> {
  const {
    client,
    target: { info },
  } = call;
  const options = await deleteOptions(call);
  const { items, resourceVersion } = client.list(info.kind, listOptions(call));
  for (const { metadata } of items)
    client.delete(info.kind, metadata.name, metadata.namespace, options);
  json(call.response, 200, {
    kind: `${info.kind}List`,
    apiVersion: info.apiVersion,
    metadata: { resourceVersion },
    items,
  });
}
