import "../../apiserver/ephemeral.js";
import "../../apiserver/resize.js";
import "../../objects/validation-events.js";
import "../../apiserver/managed-fields.js";
import "../../apiserver/other-patches.js";
import { passingKinds, reviewKinds } from "../../objects/built-in.js";
import "../../objects/stored-checks.js";
import type { Client, ListOptions, Status } from "../../api/client.js";
import { converted } from "../../objects/convert.js";
import { allKinds, type KindInfo } from "../../objects/kinds.js";
import type { KubeObject } from "../../objects/types.js";
import type { ApiServer } from "../../apiserver/apiserver.js";
import * as errors from "../../api/errors.js";
import { parseRevision } from "../../apiserver/listing.js";
import type { Kubelets } from "./kubelets.js";
import type { ApiAnswer, ApiRequest } from "./exchange.js";
import { whole } from "./http-options.js";
import { formOf, metadataOnly, textOf, type Form } from "./negotiation.js";
import { table } from "./tables.js";
import { Warnings } from "./warnings.js";

/** What a request is about, what it asks for, and how it is answered: shared by all handlers. */
export interface ResourcePath {
  info: KindInfo;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
  /** What follows "proxy": whose business it is, the one knows to whom the request is passed on. */
  below: readonly string[];
}

/** Kinds that requests are passed on to. */
const passedOnTo = ["pods", "services", "nodes"];

export interface Call {
  apiserver: ApiServer;
  client: Client;
  target: ResourcePath;
  query: URLSearchParams;
  request: ApiRequest;
  warnings: Warnings;
  kubelets: Kubelets | undefined;
}

export const callOf = (
  apiserver: ApiServer,
  request: ApiRequest,
  kubelets: Kubelets | undefined,
): Call => ({
  apiserver,
  client: apiserver.client(request.who),
  target: targetOf(request.path),
  query: queryOf(request),
  request,
  warnings: new Warnings(),
  kubelets,
});

/** A path that begins with "watch" is the older way to ask for `?watch=true`. */
function queryOf({ path, query }: ApiRequest): URLSearchParams {
  const found = new URLSearchParams(query);
  if (path[path[0] === "api" ? 2 : 3] === "watch") found.set("watch", "true");
  return found;
}

/** /api/v1/namespaces/default/pods/x/status -> Pod x in default, status */
export function targetOf(path: string[]): ResourcePath {
  const core = path[0] === "api";
  const groupVersion = core ? path[1] : path.slice(1, 3).join("/");
  let rest = path.slice(core ? 2 : 3);
  if (rest[0] === "watch") rest = rest.slice(1);
  let namespace: string | undefined;
  if (rest[0] === "namespaces" && rest.length > 2 && !["status", "finalize"].includes(rest[2]!))
    [namespace, rest] = [rest[1] || undefined, rest.slice(2)]; // none: all of them
  const [plural, name, subresource, ...more] = rest;
  const isPassedOn = subresource === "proxy" && core && passedOnTo.includes(plural!);
  const below = isPassedOn ? more.splice(0) : [];
  // two slashes side by side
  if ([plural, name, subresource, ...more].includes("")) throw errors.unknownPath();
  const isMeant = (one: KindInfo) => one.apiVersion === groupVersion && one.plural === plural;
  const info = allKinds().find(isMeant) ?? [...reviewKinds, ...passingKinds].find(isMeant);
  if (
    (path[0] !== "api" && path[0] !== "apis") ||
    !info ||
    more.length > 0 ||
    (namespace !== undefined && !info.namespaced)
  )
    throw errors.unknownPath();
  for (const [what, text] of Object.entries({ name, namespace })) {
    if (text === "." || text === ".." || text?.includes("%"))
      throw errors.badRequest(
        `invalid resource ${what} ${JSON.stringify(text)}: [may not contain '/' or '%', nor be '.' or '..']`,
      );
  }
  return { info, namespace, name, subresource, below };
}

/** Fields that Events have by another name in the newer group. (pkg/apis/events/v1) */
function selectorOf({ group }: KindInfo, text: string | null): string | null {
  if (group !== "events.k8s.io" || text === null) return text;
  return text.replace(/(^|,)([\w.]+)/g, (_, start: string, field: string) => {
    if (/^(involvedObject|reportingComponent|source)/.test(field))
      throw errors.badRequest(`field label not supported: ${field}`);
    const kept = field
      .replace(/^regarding\./, "involvedObject.")
      .replace("reportingController", "reportingComponent");
    return start + kept;
  });
}

export function listOptions({ target, query }: Call): ListOptions {
  const { namespace, name } = target;
  const limit = whole(query, "limit") ?? 0;
  const only = name === undefined ? undefined : `metadata.name=${name}`;
  const exact = exactRevision(query, limit);
  const asked = selectorOf(target.info, query.get("fieldSelector"));
  const fieldSelector = [asked, only].filter(Boolean).join(",");
  return {
    ...(namespace !== undefined && { namespace }),
    ...(query.get("labelSelector") && { labelSelector: query.get("labelSelector")! }),
    ...(fieldSelector && { fieldSelector }),
    ...(limit > 0 && { limit }), // less than nothing limits nothing
    ...(query.get("continue") && { continue: query.get("continue")! }),
    ...(exact !== undefined && { revision: exact }),
  };
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

/** A Scale is no row of a table. */
export function wantedForm({ request, target }: Call): Form {
  const form = formOf(request.accept);
  return form.as === "Table" && target.subresource === "scale" ? { ...form, as: "Object" } : form;
}

export const wantsTable = (call: Call): boolean => wantedForm(call).as === "Table";

export function includeObject(query: URLSearchParams): "None" | "Metadata" | "Object" {
  const asked = query.get("includeObject");
  if (asked && !["None", "Object", "Metadata"].includes(asked))
    throw errors.badRequest(
      `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(asked)}: must be 'Metadata', 'Object', 'None', or empty`,
    );
  return asked === "None" || asked === "Object" ? asked : "Metadata";
}

/** An object as it is, or as a table of one row. */
export function shown(call: Call, code: number, object: object, [row]: [KubeObject]): ApiAnswer {
  const form = wantedForm(call);
  if (form.as === "PartialObjectMetadataList")
    throw errors.notAcceptable(
      `you requested PartialObjectMetadataList, but the requested object is not a list (*core.${row.kind})`,
    );
  if (form.as !== "Table")
    return told(form, code, form.as === "Object" ? asAsked(object, row, call) : metadataOnly(row));
  const resourceVersion = row.metadata.resourceVersion!;
  const now = call.apiserver.clock.now();
  const rows = table(call.target.info, [row], now, includeObject(call.query), { resourceVersion });
  return told(form, code, rows);
}

/** The object in the version that the path names. */
const asAsked = (object: object, row: KubeObject, { target }: Call): object =>
  object === row ? converted(row, target.info) : object;

/** An answer in the form that the client asked for. */
export const told = (form: Form, code: number, body: object): ApiAnswer =>
  content(code, form.type, textOf(body, form));

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
