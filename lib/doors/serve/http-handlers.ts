import type { Patch } from "../../api/client.js";
import * as errors from "../../api/errors.js";
import type { ApiServer } from "../../apiserver/apiserver.js";
import { decodedAs } from "../../apiserver/decode.js";
import { scaled, scaleOf, type Scale } from "../../apiserver/scale.js";
import { converted } from "../../objects/convert.js";
import type { KindInfo } from "../../objects/kinds.js";
import type { KubeObject } from "../../objects/types.js";
import type { EventStream } from "./event-stream.js";
import type { ApiAnswer, ApiRequest } from "./exchange.js";
import { bodyOf, deleteOptions, fitted, parsedBody, writeOptions } from "./http-body.js";
import {
  callOf,
  includeObject,
  json,
  listOptions,
  shown,
  success,
  wantsTable,
  type Call,
} from "./http-call.js";
import { watch } from "./http-watch.js";
import { statusOf } from "./http-status.js";
import { table } from "./tables.js";

/**
 * Kubernetes' REST paths: a request becomes a Target (which kind, which object) and then calls of
 * the same Client that components in the process use. All of it is synchronous, and knows nothing
 * of connections. (kubernetes: staging/src/k8s.io/apiserver/pkg/endpoints/handlers)
 */
export function answer(apiserver: ApiServer, request: ApiRequest): ApiAnswer | WatchStart {
  try {
    const call = callOf(apiserver, request);
    const answer = handle(call);
    if (typeof answer === "function" || !call.warnings.any) return answer;
    return { ...answer, headers: { ...answer.headers, Warning: call.warnings.headers() } };
  } catch (error) {
    const status = statusOf(request, error);
    const refusal = json(status.code!, status);
    if (!(error instanceof NotAllowed)) return refusal;
    return { ...refusal, headers: { ...refusal.headers, Allow: error.allowed.join(", ") } };
  }
}

/** The answer is a watch, which begins on the stream that this is given. */
export type WatchStart = (stream: EventStream) => void;

/**
 * Tables come in larger pages than asked for, as a server may: kubectl asks for 500 rows at a time,
 * but holds itself to 5 requests a second.
 */
const leastRows = 5000;

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

/** A wrong method for a path, and the right ones. */
class NotAllowed extends errors.ApiError {
  constructor(readonly allowed: readonly string[]) {
    const why = "the server does not allow this method on the requested resource";
    super(errors.methodNotAllowed(why).status);
  }
}

const methods = {
  collection: ["GET", "POST", "DELETE"],
  object: ["GET", "PUT", "PATCH", "DELETE"],
  status: ["GET", "PUT", "PATCH"],
  scale: ["GET", "PUT", "PATCH"],
  binding: ["POST"],
  finalize: ["PUT"],
} as const;

function handle(call: Call): ApiAnswer | WatchStart {
  const { info, name, subresource } = call.target;
  const { method } = call.request;
  const under = name === undefined ? "collection" : subresourceOf(info, subresource);
  const allowed: readonly string[] = methods[under];
  if (!allowed.includes(method)) throw new NotAllowed(allowed);
  switch (method) {
    case "GET":
      if (isWatch(call)) return watch(call);
      return name === undefined ? list(call) : read(call);
    case "POST":
      return create(call);
    case "PUT":
      return update(call);
    case "PATCH":
      return patch(call);
    default:
      return name === undefined ? removeAll(call) : remove(call);
  }
}

function subresourceOf(info: KindInfo, name: string | undefined): keyof typeof methods {
  if (name === undefined) return "object";
  const found = info.subresources.find((one) => one === name);
  if (found === undefined) throw notOffered(info, name);
  return found;
}

const isWatch = ({ query }: Call): boolean => ["true", "1"].includes(query.get("watch") ?? "");

// ---- reading ------------------------------------------------------------------------------------

function read(call: Call): ApiAnswer {
  const {
    client,
    target: { info, name, namespace, subresource },
  } = call;
  const object = client.get(info.key, name!, namespace);
  return shown(call, 200, subresource === "scale" ? scaleOf(object) : object, [object]);
}

function list(call: Call): ApiAnswer {
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
  } = client.list(info.key, options);
  const metadata = {
    resourceVersion,
    ...(next && { continue: next }),
    ...(remainingItemCount !== undefined && { remainingItemCount }),
  };
  if (asTable)
    return json(
      200,
      table(info, items, call.apiserver.clock.now(), includeObject(query), metadata),
    );
  const { kind, apiVersion } = info;
  const told = items.map((one) => converted(one, info));
  return json(200, { kind: `${kind}List`, apiVersion, metadata, items: told });
}

// ---- writing ------------------------------------------------------------------------------------

function create(call: Call): ApiAnswer {
  const {
    client,
    target: { info, namespace, name, subresource },
  } = call;
  const body = bodyOf(call);
  if (subresource === "binding") {
    const node = (body as { target?: { name?: unknown } }).target?.name;
    if (typeof node !== "string" || node === "")
      throw errors.invalid({ kind: "Binding", plural: "bindings", group: "" }, name!, [
        { field: "target.name", reason: "FieldValueRequired", message: "Required value" },
      ]);
    client.bind(name!, namespace, node, writeOptions(call));
    return json(201, success());
  }
  const object = fitted(body, info, namespace, undefined);
  const created = client.create(object, writeOptions(call));
  return shown(call, 201, created, [created]);
}

function update(call: Call): ApiAnswer {
  const {
    client,
    target: { info, namespace, name, subresource },
  } = call;
  const body = bodyOf(call);
  if (subresource === "scale") {
    const scaledObject = client.update(
      scaled(client.get(info.key, name!, namespace), decodedAs<Scale>("Scale", body)),
      writeOptions(call),
    );
    return json(200, scaleOf(scaledObject));
  }
  const object = fitted(body, info, namespace, name);
  const updated =
    subresource === "status"
      ? client.updateStatus(object, writeOptions(call))
      : client.update(object, writeOptions(call));
  return shown(call, 200, updated, [updated]);
}

const patchTypes = new Map<string, Patch["type"]>([
  ["application/json-patch+json", "json"],
  ["application/merge-patch+json", "merge"],
  ["application/strategic-merge-patch+json", "strategic"],
]);

function patch(call: Call): ApiAnswer {
  const {
    client,
    target: { info, namespace, name, subresource },
    request,
  } = call;
  const { contentType = "" } = request;
  const type = patchTypes.get(contentType);
  if (contentType === "application/apply-patch+yaml")
    throw errors.unsupportedMediaType(
      "Stopover does not offer server-side apply; use kubectl apply without --server-side",
    );
  if (!type)
    throw errors.unsupportedMediaType(
      `the body of the request was in an unknown format - accepted media types include: ${[...patchTypes.keys()].join(", ")}`,
    );
  const body = parsedBody(request);
  const under =
    subresource === "status" || subresource === "scale" ? ({ subresource } as const) : {};
  const result = client.patch(
    info.key,
    name!,
    namespace,
    { type, body },
    { ...writeOptions(call), ...under },
  );
  if (subresource === "scale") return json(200, scaleOf(result));
  return shown(call, 200, result, [result]);
}

function remove(call: Call): ApiAnswer {
  const {
    apiserver,
    client,
    target: { info, namespace, name },
  } = call;
  const options = deleteOptions(call);
  const object = client.get(info.key, name!, namespace);
  client.delete(info.key, name!, namespace, options);
  const left = stillThere(apiserver, info, object);
  if (left) return shown(call, 200, left, [left]);
  return json(
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
  const [found] = apiserver.list(info.key, {
    ...(namespace && { namespace }),
    fieldSelector: `metadata.name=${name}`,
  }).items;
  return found?.metadata.uid === uid ? found : undefined;
}

function removeAll(call: Call): ApiAnswer {
  const {
    client,
    target: { info },
  } = call;
  const options = deleteOptions(call);
  const { items, resourceVersion } = client.list(info.key, listOptions(call));
  for (const { metadata } of items)
    client.delete(info.key, metadata.name, metadata.namespace, options);
  const { kind, apiVersion } = info;
  return json(200, { kind: `${kind}List`, apiVersion, metadata: { resourceVersion }, items });
}
