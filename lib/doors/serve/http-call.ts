import "../../objects/built-in.js";
import type { Client, ListOptions, Status } from "../../api/client.js";
import { converted } from "../../objects/convert.js";
import { allKinds, type KindInfo } from "../../objects/kinds.js";
import type { KubeObject } from "../../objects/types.js";
import type { ApiServer } from "../../apiserver/apiserver.js";
import * as errors from "../../api/errors.js";
import { parseRevision } from "../../apiserver/listing.js";
import type { ApiAnswer, ApiRequest } from "./exchange.js";
import { table } from "./tables.js";
import { Warnings } from "./warnings.js";

/** What a request is about, what it asks for, and how it is answered: shared by all handlers. */
export interface Target {
  info: KindInfo;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
}

export interface Call {
  apiserver: ApiServer;
  client: Client;
  target: Target;
  query: URLSearchParams;
  request: ApiRequest;
  warnings: Warnings;
}

export const callOf = (apiserver: ApiServer, request: ApiRequest): Call => ({
  apiserver,
  client: apiserver.client(request.who),
  target: targetOf(request.path),
  query: new URLSearchParams(request.query),
  request,
  warnings: new Warnings(),
});

/** /api/v1/namespaces/default/pods/x/status -> Pod x in default, status */
export function targetOf(path: string[]): Target {
  const core = path[0] === "api";
  const groupVersion = core ? path[1] : path.slice(1, 3).join("/");
  let rest = path.slice(core ? 2 : 3);
  let namespace: string | undefined;
  if (rest[0] === "namespaces" && rest.length > 2 && !["status", "finalize"].includes(rest[2]!))
    [namespace, rest] = [rest[1], rest.slice(2)];
  const [plural, name, subresource, ...more] = rest;
  const info = allKinds().find((one) => one.apiVersion === groupVersion && one.plural === plural);
  if (
    (path[0] !== "api" && path[0] !== "apis") ||
    !info ||
    more.length > 0 ||
    (namespace !== undefined && !info.namespaced)
  )
    throw errors.unknownPath();
  for (const [what, text] of Object.entries({ name, namespace })) {
    if (text !== undefined && (text === "." || text === ".." || /[/%]/.test(text)))
      throw errors.badRequest(
        `invalid resource ${what} ${JSON.stringify(text)}: [may not contain '/' or '%', nor be '.' or '..']`,
      );
  }
  return { info, namespace, name, subresource };
}

export function listOptions({ target: { namespace, name }, query }: Call): ListOptions {
  const limit = wholeNumber(query, "limit") ?? 0;
  const only = name === undefined ? undefined : `metadata.name=${name}`;
  const exact = exactRevision(query, limit);
  const fieldSelector = [query.get("fieldSelector"), only].filter(Boolean).join(",");
  return {
    ...(namespace !== undefined && { namespace }),
    ...(query.get("labelSelector") && { labelSelector: query.get("labelSelector")! }),
    ...(fieldSelector && { fieldSelector }),
    ...(limit > 0 && { limit }),
    ...(query.get("continue") && { continue: query.get("continue")! }),
    ...(exact !== undefined && { revision: exact }),
  };
}

/** A number in the query, if it is there. */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || /^\d{1,15}$/.test(text)) return text === null ? undefined : Number(text);
  throw errors.badRequest(
    `${name}: got ${JSON.stringify(text)}; a whole number of 0 or more is needed`,
  );
}

/**
 * The revision that a list has to be of. A page of a revision is of that one without being asked,
 * as it was before there was resourceVersionMatch. (k8s.io/apiserver: pkg/storage/etcd3/store.go,
 * GetList)
 */
function exactRevision(query: URLSearchParams, limit: number): number | undefined {
  const match = query.get("resourceVersionMatch") ?? "";
  const revision = query.get("resourceVersion") ?? "";
  if (match === "Exact") return parseRevision(revision);
  const isPage = match === "" && limit > 0 && revision !== "" && revision !== "0";
  return isPage ? parseRevision(revision) : undefined;
}

/**
 * kubectl asks "application/json;as=Table;v=v1;g=meta.k8s.io,application/json": the first that is
 * offered counts.
 */
export function wantsTable({ request, target }: Call): boolean {
  const offered = (request.accept ?? "*/*").split(",").map((one) => one.trim());
  for (const one of offered) {
    if (
      /^application\/json;.*\bas=Table\b/.test(one) &&
      /\bg=meta\.k8s\.io\b/.test(one) &&
      /\bv=v1\b/.test(one)
    )
      return target.subresource !== "scale";
    if (
      /^(application\/(json|\*)|\*\/\*)\s*(;\s*(q=[\d.]+|stream=watch|charset=utf-8))*$/i.test(one)
    )
      return false;
  }
  throw errors.notAcceptable(
    "only the following media types are accepted: application/json, application/json;as=Table;v=v1;g=meta.k8s.io",
  );
}

export function includeObject(query: URLSearchParams): "None" | "Metadata" | "Object" {
  const asked = query.get("includeObject");
  return asked === "None" || asked === "Object" ? asked : "Metadata";
}

/** An object as it is, or as a table of one row. */
export function shown(call: Call, code: number, object: object, [row]: [KubeObject]): ApiAnswer {
  const { info } = call.target;
  if (!wantsTable(call)) return json(code, object === row ? converted(row, info) : object);
  const resourceVersion = row.metadata.resourceVersion!;
  const now = call.apiserver.clock.now();
  return json(code, table(info, [row], now, includeObject(call.query), { resourceVersion }));
}

export const success = (details?: Status["details"]): Status => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  ...(details && { details }),
});

export const json = (code: number, body: object): ApiAnswer =>
  content(code, "application/json", JSON.stringify(body));

export const content = (code: number, type: string, body: string | Uint8Array): ApiAnswer => ({
  code,
  headers: {
    "Content-Type": type,
    "Cache-Control": "no-cache, private",
    "X-Content-Type-Options": "nosniff",
  },
  body: typeof body === "string" ? utf8(body) : body,
});

/** In memory of its own, so that it can move to another thread alone. */
export const utf8 = (text: string): Uint8Array => encoder.encode(text);
const encoder = new TextEncoder();
