import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Client, DeleteOptions, ListOptions, Patch, Status, WatchEvent, WriteOptions } from "../machinery/client.js";
import { kinds, type KindInfo } from "../objects/kinds.js";
import { nestsDeeper } from "../objects/manifest.js";
import type { KubeObject } from "../objects/types.js";
import type { ApiServer } from "./apiserver.js";
import * as errors from "./errors.js";
import { decodedAs } from "./decode.js";
import { coreVersions, group, groupList, openapi, openapiIndex, resourceList, version } from "./openapi.js";
import { bodyType, decodeBody, openapiV2, openapiV2Type } from "./protobuf.js";
import { scaled, scaleOf, type Scale } from "./scale.js";
import { table } from "./tables.js";

/**
 * The API server's front door for kubectl and client libraries: Kubernetes' REST paths over HTTP, on the loopback address, and
 * nothing but the API. A request becomes a Target (which kind, which object) and then calls of the same Client that components
 * in the process use. (kubernetes: staging/src/k8s.io/apiserver/pkg/endpoints/handlers)
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

const loopback = /^(localhost|127\.0\.0\.1|\[?::1\]?)$/;
/** What the API server takes as a request's body: 3 MB. (apiserver: pkg/server/config.go, MaxRequestBodyBytes) */
const maxBody = 3 * 1024 * 1024;
const maxDepth = 100; // nested collections in a body
/** What a watcher may leave unread, in bytes, before its connection is ended; it will list and watch again. */
const maxBacklog = 8 * 1024 * 1024;
const bookmarkEvery = 60_000; // milliseconds (apiserver: pkg/storage/cacher, defaultBookmarkFrequency)
/** Tables come in larger pages than asked for, as a server may: kubectl asks for 500 rows at a time, but holds itself to 5 requests a second. */
const leastRows = 5000;
const watchTimeout = 1800; // seconds (kube-apiserver --min-request-timeout)

/** @throws where the host is not this machine, or the port is taken. */
export async function serve({ apiserver, port = 8001, host = "127.0.0.1" }: ServeOptions): Promise<Serving> {
  if (!loopback.test(host)) throw new Error(`host: got ${JSON.stringify(host)}; the API has no authentication, so it listens on a loopback address only: 127.0.0.1, ::1 or localhost`);
  const server = createServer((request, response) => void answer(apiserver, request, response));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host.replace(/[[\]]/g, ""), resolve));
  const { address, port: taken } = server.address() as AddressInfo;
  return { url: `http://${address.includes(":") ? `[${address}]` : address}:${taken}`, close: () => close(server) };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function answer(apiserver: ApiServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    refuseStrangers(request);
    const url = new URL(request.url ?? "/", "http://localhost");
    const path = url.pathname.split("/").filter(Boolean).map(decodedSegment);
    const document = request.method === "GET" ? aboutItself(path, request) : undefined;
    if (typeof document === "string") return send(response, 200, "text/plain; charset=utf-8", document);
    if (document instanceof Buffer) return send(response, 200, openapiV2Type, document);
    if (document !== undefined) return json(response, 200, document);
    const call: Call = { apiserver, client: apiserver.client(whoAsks(request)), target: targetOf(path), query: url.searchParams, request, response };
    await handle(call);
  } catch (error) {
    const { status } = error instanceof errors.ApiError ? error : errors.internal((error as Error).message);
    if (!response.headersSent) json(response, status.code!, status);
    else response.destroy();
  }
}

/** A page on the web may make this browser send requests here, under a name of its own (DNS rebinding): refused by Host and Origin. */
function refuseStrangers({ headers }: IncomingMessage): void {
  const name = (headers.host ?? "").replace(/:\d+$/, "");
  if (!loopback.test(name)) throw errors.forbidden({ kind: "", plural: "host", group: "" }, headers.host ?? "", "this server answers to localhost, 127.0.0.1 and [::1] only");
  const origin = headers.origin;
  if (origin !== undefined && !(URL.canParse(origin) && loopback.test(new URL(origin).hostname))) throw errors.forbidden({ kind: "", plural: "origin", group: "" }, origin, "web pages of other origins may not call this API");
}

function decodedSegment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw errors.badRequest(`the path holds ${JSON.stringify(text)}, which is no valid percent-encoding`);
  }
}

/** "kubectl" out of "kubectl/v1.32.4 (linux/amd64) …": the name in the history. */
const whoAsks = ({ headers }: IncomingMessage): string =>
  String(headers["x-stopover-client"] ?? (headers["user-agent"] ?? "http").split(/[/ ]/)[0]).slice(0, 100);

/** Version, health, discovery and OpenAPI. */
function aboutItself([first, ...rest]: string[], request: IncomingMessage): object | string | Buffer | undefined {
  const path = rest.join("/");
  if (first === "version" && !path) return version;
  if (first === "healthz" || first === "livez" || first === "readyz") return "ok";
  if (first === "openapi" && rest[0] === "v3") return rest.length === 1 ? openapiIndex() : (openapi(rest.slice(1).join("/")) ?? refuse());
  if (first === "openapi" && path === "v2" && request.headers.accept?.includes("proto-openapi.spec.v2")) return openapiV2();
  if (first === undefined) return { paths: ["/api", "/api/v1", "/apis", ...kinds.map(({ apiVersion }) => `/apis/${apiVersion}`).filter((one, i, all) => one !== "/apis/v1" && all.indexOf(one) === i), "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"] };
  if (first === "api" && rest.length < 2) return rest.length === 0 ? coreVersions(request.headers.host ?? "") : (resourceList(path) ?? refuse());
  if (first === "apis" && rest.length < 3) return rest.length === 0 ? groupList() : ((rest.length === 1 ? group(path) : resourceList(path)) ?? refuse());
  return undefined;
}

function refuse(): never {
  throw errors.unknownPath();
}

// ---- what a request is about --------------------------------------------------------------------------------------

interface Target {
  info: KindInfo;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
}

interface Call {
  apiserver: ApiServer;
  client: Client;
  target: Target;
  query: URLSearchParams;
  request: IncomingMessage;
  response: ServerResponse;
}

/** /api/v1/namespaces/default/pods/x/status -> Pod x in default, status */
function targetOf(path: string[]): Target {
  const core = path[0] === "api";
  const groupVersion = core ? path[1] : path.slice(1, 3).join("/");
  let rest = path.slice(core ? 2 : 3);
  let namespace: string | undefined;
  if (rest[0] === "namespaces" && rest.length > 2 && !["status", "finalize"].includes(rest[2]!)) [namespace, rest] = [rest[1], rest.slice(2)];
  const [plural, name, subresource, ...more] = rest;
  const info = kinds.find((one) => one.apiVersion === groupVersion && one.plural === plural);
  if ((path[0] !== "api" && path[0] !== "apis") || !info || more.length > 0 || (namespace !== undefined && !info.namespaced)) throw errors.unknownPath();
  for (const [what, text] of Object.entries({ name, namespace })) {
    if (text !== undefined && (text === "." || text === ".." || /[/%]/.test(text))) throw errors.badRequest(`invalid resource ${what} ${JSON.stringify(text)}: [may not contain '/' or '%', nor be '.' or '..']`);
  }
  return { info, namespace, name, subresource };
}

const missing: Record<string, string> = {
  log: "its containers have no output", exec: "its containers run no commands", attach: "its containers have no terminal", portforward: "use `stopover packet` or `stopover journey` to follow a connection",
  proxy: "use `stopover journey` to follow a request", eviction: "delete the Pod instead", ephemeralcontainers: "a Pod keeps the containers it has", resize: "a Pod keeps the resources it has", token: "there are no service accounts",
};

async function handle(call: Call): Promise<void> {
  const { target: { info, name, subresource }, request: { method } } = call;
  if (subresource !== undefined && !(info.subresources as readonly string[]).includes(subresource)) {
    throw errors.methodNotAllowed(`Stopover does not offer ${info.plural}/${subresource}${missing[subresource] ? `: ${missing[subresource]}` : ""}`);
  }
  if (method === "GET" && name !== undefined && call.query.get("watch") !== "true") return read(call);
  if (method === "GET") return call.query.get("watch") === "true" || call.query.get("watch") === "1" ? watch(call) : list(call);
  if (method === "POST" && (name === undefined || subresource === "binding")) return create(call);
  if (method === "PUT" && name !== undefined) return update(call);
  if (method === "PATCH" && name !== undefined) return patch(call);
  if (method === "DELETE") return name === undefined ? removeAll(call) : remove(call);
  call.response.setHeader("Allow", name === undefined ? "GET, POST, DELETE" : "GET, PUT, PATCH, DELETE");
  throw errors.methodNotAllowed("the server does not allow this method on the requested resource");
}

// ---- reading ------------------------------------------------------------------------------------------------------

function read(call: Call): void {
  const { client, target: { info, name, namespace, subresource } } = call;
  const object = client.get(info.kind, name!, namespace);
  shown(call, 200, subresource === "scale" ? scaleOf(object) : object, [object]);
}

function list(call: Call): void {
  const { client, target: { info }, query } = call;
  const asTable = wantsTable(call);
  const asked = listOptions(call);
  const options = asTable && asked.limit ? { ...asked, limit: Math.max(asked.limit, leastRows) } : asked;
  const { items, resourceVersion, continue: next, remainingItemCount } = client.list(info.kind, options);
  const metadata = { resourceVersion, ...(next && { continue: next }), ...(remainingItemCount !== undefined && { remainingItemCount }) };
  if (asTable) return json(call.response, 200, table(info.kind, items, call.apiserver.clock.now(), includeObject(query), metadata));
  json(call.response, 200, { kind: `${info.kind}List`, apiVersion: info.apiVersion, metadata, items });
}

function listOptions({ target: { namespace, name }, query }: Call): ListOptions {
  const limit = Number(query.get("limit") ?? 0);
  if (!Number.isSafeInteger(limit) || limit < 0) throw errors.badRequest(`limit: got ${JSON.stringify(query.get("limit"))}; a whole number of 0 or more is needed`);
  const only = name === undefined ? undefined : `metadata.name=${name}`;
  const fieldSelector = [query.get("fieldSelector"), only].filter(Boolean).join(",");
  return {
    ...(namespace !== undefined && { namespace }), ...(query.get("labelSelector") && { labelSelector: query.get("labelSelector")! }), ...(fieldSelector && { fieldSelector }),
    ...(limit > 0 && { limit }), ...(query.get("continue") && { continue: query.get("continue")! }),
  };
}

/** kubectl asks "application/json;as=Table;v=v1;g=meta.k8s.io,application/json": the first that is offered counts. */
function wantsTable({ request, target }: Call): boolean {
  const offered = (request.headers.accept ?? "*/*").split(",").map((one) => one.trim());
  for (const one of offered) {
    if (/^application\/json;.*\bas=Table\b/.test(one) && /\bg=meta\.k8s\.io\b/.test(one) && /\bv=v1\b/.test(one)) return target.subresource !== "scale";
    if (/^(application\/(json|\*)|\*\/\*)\s*(;\s*(q=[\d.]+|stream=watch|charset=utf-8))*$/i.test(one)) return false;
  }
  throw errors.notAcceptable("only the following media types are accepted: application/json, application/json;as=Table;v=v1;g=meta.k8s.io");
}

function includeObject(query: URLSearchParams): "None" | "Metadata" | "Object" {
  const asked = query.get("includeObject");
  return asked === "None" || asked === "Object" ? asked : "Metadata";
}

/** An object as it is, or as a table of one row. */
function shown(call: Call, code: number, object: object, [row]: [KubeObject]): void {
  if (wantsTable(call)) json(call.response, code, table(call.target.info.kind, [row], call.apiserver.clock.now(), includeObject(call.query), { resourceVersion: row.metadata.resourceVersion! }));
  else json(call.response, code, object);
}

// ---- watching -----------------------------------------------------------------------------------------------------

const encoded = new WeakMap<object, string>(); // an object goes to a thousand watchers, but is written as JSON once

function watch(call: Call): void {
  const { apiserver, client, target: { info }, query, response } = call;
  const asTable = wantsTable(call);
  const { limit: _, continue: __, ...filter } = listOptions(call);
  const everything = query.get("sendInitialEvents") === "true";
  let header = true; // only the first table names its columns
  const send = (event: WatchEvent<KubeObject>) => {
    if (response.writableLength > maxBacklog) return void response.destroy();
    const object = asTable && event.type !== "ERROR" && event.type !== "BOOKMARK" ? rowOf(call, event.object, header) : jsonOf(event.object);
    if (event.type !== "BOOKMARK") header = false;
    response.write(`{"type":"${event.type}","object":${object}}\n`);
  };
  response.writeHead(200, { "Content-Type": "application/json", "Transfer-Encoding": "chunked" });
  response.flushHeaders();
  let stop = () => {};
  try {
    stop = client.watch(info.kind, { ...filter, resourceVersion: everything ? "" : (query.get("resourceVersion") ?? "") }, send);
  } catch (error) {
    if (!(error instanceof errors.ApiError)) throw error;
    return void response.end(`{"type":"ERROR","object":${JSON.stringify(error.status)}}\n`);
  }
  const later = [scheduled(apiserver, (Number(query.get("timeoutSeconds")) || watchTimeout) * 1000, () => response.end())];
  if (query.get("allowWatchBookmarks") === "true") later.push(bookmarks(apiserver, info, send, everything));
  response.on("close", () => {
    stop();
    later.forEach((cancel) => cancel());
  });
}

const scheduled = (apiserver: ApiServer, delay: number, run: () => void) => apiserver.clock.schedule(delay, run, { background: true });

/** Bookmarks tell a quiet watcher how far it is, so that it need not list again after a break. */
function bookmarks(apiserver: ApiServer, info: KindInfo, send: (event: WatchEvent<KubeObject>) => void, initial: boolean): () => void {
  const bookmark = (annotations?: Record<string, string>) =>
    send({ type: "BOOKMARK", object: { kind: info.kind, apiVersion: info.apiVersion, metadata: { resourceVersion: apiserver.progress(info.kind), ...(annotations && { annotations }) } } });
  let cancel = () => {};
  const next = () => {
    bookmark();
    cancel = scheduled(apiserver, bookmarkEvery, next);
  };
  cancel = scheduled(apiserver, initial ? 0 : bookmarkEvery, initial ? () => {
    bookmark({ "k8s.io/initial-events-end": "true" });
    cancel = scheduled(apiserver, bookmarkEvery, next);
  } : next);
  return () => cancel();
}

function rowOf(call: Call, object: KubeObject, header: boolean): string {
  const rows = table(call.target.info.kind, [object], call.apiserver.clock.now(), includeObject(call.query), { resourceVersion: object.metadata.resourceVersion! });
  return JSON.stringify(header ? rows : { ...rows, columnDefinitions: null });
}

function jsonOf(object: object): string {
  let text = encoded.get(object);
  if (text === undefined) encoded.set(object, (text = JSON.stringify(object)));
  return text;
}

// ---- writing ------------------------------------------------------------------------------------------------------

async function create(call: Call): Promise<void> {
  const { client, target: { info, namespace, name, subresource } } = call;
  const body = await bodyOf(call);
  if (subresource === "binding") {
    const node = (body as { target?: { name?: unknown } }).target?.name;
    if (typeof node !== "string" || node === "") throw errors.invalid({ kind: "Binding", plural: "bindings", group: "" }, name!, [{ field: "target.name", reason: "FieldValueRequired", message: "Required value" }]);
    client.bind(name!, namespace, node, writeOptions(call));
    return json(call.response, 201, success());
  }
  if (name !== undefined) throw errors.methodNotAllowed("the server does not allow this method on the requested resource");
  const object = fitted(body, info, namespace, undefined);
  const created = client.create(object, writeOptions(call));
  shown(call, 201, created, [created]);
}

async function update(call: Call): Promise<void> {
  const { client, target: { info, namespace, name, subresource } } = call;
  const body = await bodyOf(call);
  if (subresource === "scale") {
    const scaledObject = client.update(scaled(client.get(info.kind, name!, namespace), decodedAs<Scale>("Scale", body)), writeOptions(call));
    return json(call.response, 200, scaleOf(scaledObject));
  }
  const object = fitted(body, info, namespace, name);
  const updated = subresource === "status" ? client.updateStatus(object, writeOptions(call)) : client.update(object, writeOptions(call));
  shown(call, 200, updated, [updated]);
}

const patchTypes: Record<string, Patch["type"]> = { "application/json-patch+json": "json", "application/merge-patch+json": "merge", "application/strategic-merge-patch+json": "strategic" };

async function patch(call: Call): Promise<void> {
  const { client, target: { info, namespace, name, subresource }, request } = call;
  const contentType = (request.headers["content-type"] ?? "").split(";")[0]!.trim();
  const type = patchTypes[contentType];
  if (contentType === "application/apply-patch+yaml") throw errors.unsupportedMediaType("Stopover does not offer server-side apply; use kubectl apply without --server-side");
  if (!type) throw errors.unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${Object.keys(patchTypes).join(", ")}`);
  const body = await parsedBody(request);
  const under = subresource === "status" || subresource === "scale" ? { subresource } as const : {};
  const result = client.patch(info.kind, name!, namespace, { type, body }, { ...writeOptions(call), ...under });
  if (subresource === "scale") return json(call.response, 200, scaleOf(result));
  shown(call, 200, result, [result]);
}

async function remove(call: Call): Promise<void> {
  const { apiserver, client, target: { info, namespace, name } } = call;
  const options = await deleteOptions(call);
  const object = client.get(info.kind, name!, namespace);
  client.delete(info.kind, name!, namespace, options);
  const left = stillThere(apiserver, info, object);
  if (left) return shown(call, 200, left, [left]);
  json(call.response, 200, success({ name: name!, ...(info.group && { group: info.group }), kind: info.plural, uid: object.metadata.uid! }));
}

function stillThere(apiserver: ApiServer, info: KindInfo, { metadata: { name, namespace, uid } }: KubeObject): KubeObject | undefined {
  const [found] = apiserver.list(info.kind, { ...(namespace && { namespace }), fieldSelector: `metadata.name=${name}` }).items;
  return found?.metadata.uid === uid ? found : undefined;
}

async function removeAll(call: Call): Promise<void> {
  const { client, target: { info } } = call;
  const options = await deleteOptions(call);
  const { items, resourceVersion } = client.list(info.kind, listOptions(call));
  for (const { metadata } of items) client.delete(info.kind, metadata.name, metadata.namespace, options);
  json(call.response, 200, { kind: `${info.kind}List`, apiVersion: info.apiVersion, metadata: { resourceVersion }, items });
}

/** The body as an object of the kind that the path names; kind, apiVersion and namespace may be left to the path. */
function fitted(body: Record<string, unknown>, info: KindInfo, namespace: string | undefined, name: string | undefined): KubeObject {
  const object = { ...body, kind: body["kind"] ?? info.kind, apiVersion: body["apiVersion"] ?? info.apiVersion } as KubeObject;
  if (object.kind !== info.kind || object.apiVersion !== info.apiVersion) throw errors.badRequest(`${object.kind} in version ${JSON.stringify(object.apiVersion)} cannot be handled as a ${info.kind}: this path takes ${info.apiVersion} ${info.kind}`);
  const metadata = { ...(object.metadata as KubeObject["metadata"] | undefined) } as KubeObject["metadata"];
  if (name !== undefined && (metadata.name ??= name) !== name) throw errors.badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  if (namespace !== undefined && (metadata.namespace ??= namespace) !== namespace) throw errors.badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  return { ...object, metadata };
}

function writeOptions({ query, response }: Call): WriteOptions {
  const asked = query.get("fieldValidation") ?? "Warn";
  if (asked !== "Strict" && asked !== "Warn" && asked !== "Ignore") throw errors.badRequest(`fieldValidation: got ${JSON.stringify(asked)}; it is Strict, Warn or Ignore`);
  return { fieldValidation: asked, dryRun: dryRun(query.getAll("dryRun")), onWarning: (text) => response.appendHeader("Warning", `299 - ${JSON.stringify(text)}`) };
}

function dryRun(asked: readonly unknown[]): boolean {
  const wrong = asked.find((one) => one !== "All");
  if (wrong !== undefined) throw errors.badRequest(`dryRun: Unsupported value: ${JSON.stringify(wrong)}: supported values: "All"`);
  return asked.length > 0;
}

async function deleteOptions({ query, request }: Call): Promise<DeleteOptions> {
  const raw = request.headers["content-type"]?.startsWith(bodyType) ? decodeBody(await bytesOf(request)) : await parsedBody(request, true);
  const body = decodedAs<{ gracePeriodSeconds?: number; propagationPolicy?: string; orphanDependents?: boolean; preconditions?: { uid?: string; resourceVersion?: string }; dryRun?: string[] }>("DeleteOptions", raw);
  const grace = body.gracePeriodSeconds ?? (query.has("gracePeriodSeconds") ? Number(query.get("gracePeriodSeconds")) : undefined);
  const policy = body.propagationPolicy ?? query.get("propagationPolicy") ?? (body.orphanDependents ? "Orphan" : undefined);
  if (policy !== undefined && policy !== "Background" && policy !== "Foreground" && policy !== "Orphan") throw errors.badRequest(`propagationPolicy: got ${JSON.stringify(policy)}; it is Background, Foreground or Orphan`);
  if (grace !== undefined && (!Number.isInteger(grace) || grace < 0)) throw errors.badRequest(`gracePeriodSeconds: got ${String(grace)}; a whole number of 0 or more is needed`);
  return { ...(grace !== undefined && { gracePeriodSeconds: grace }), ...(policy && { propagationPolicy: policy }), ...body.preconditions, dryRun: dryRun([...(body.dryRun ?? []), ...query.getAll("dryRun")]) };
}

// ---- bodies -------------------------------------------------------------------------------------------------------

async function bodyOf({ request }: Call): Promise<Record<string, unknown>> {
  const contentType = (request.headers["content-type"] ?? "application/json").split(";")[0]!.trim();
  if (contentType === bodyType) return decodeBody(await bytesOf(request));
  if (contentType !== "application/json") throw errors.unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: application/json, ${bodyType}`);
  const body = await parsedBody(request);
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw errors.badRequest(`the body must be a JSON object; got ${body === null ? "null" : Array.isArray(body) ? "a list" : typeof body}`);
  const { metadata } = body as { metadata?: unknown };
  if (metadata !== undefined && (typeof metadata !== "object" || Array.isArray(metadata))) throw errors.badRequest("json: cannot unmarshal: metadata must be an object");
  return body as Record<string, unknown>;
}

async function parsedBody(request: IncomingMessage, mayBeEmpty = false): Promise<unknown> {
  const text = (await bytesOf(request)).toString("utf8");
  if (text === "" && mayBeEmpty) return {};
  if (nestsDeeper(text, maxDepth)) throw errors.badRequest(`the body nests more than ${maxDepth} levels deep`);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw errors.badRequest(`the body is no JSON: ${(error as Error).message}`);
  }
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBody) throw errors.tooLarge(`Request entity too large: limit is ${maxBody}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

// ---- answers ------------------------------------------------------------------------------------------------------

const success = (details?: Status["details"]): Status => ({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", ...(details && { details }) });

const json = (response: ServerResponse, code: number, body: object): void => send(response, code, "application/json", JSON.stringify(body));

function send(response: ServerResponse, code: number, type: string, body: string | Buffer): void {
  response.writeHead(code, { "Content-Type": type, "Content-Length": Buffer.byteLength(body), "Cache-Control": "no-cache, private", "X-Content-Type-Options": "nosniff" });
  response.end(body);
}
