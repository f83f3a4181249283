import type { DeleteOptions, WriteOptions } from "../../api/client.js";
import type { KindInfo } from "../../objects/kinds.js";
import { ManifestError, nestsDeeper, readYaml } from "../../objects/manifest.js";
import type { KubeObject } from "../../objects/types.js";
import { decodedAs } from "../../apiserver/decode.js";
import * as errors from "../../api/errors.js";
import type { ApiRequest } from "./exchange.js";
import { wholeNumber, type Call } from "./http-call.js";
import { bodyType, decodeBody } from "./protobuf.js";

// What a request's body holds, and the options of a write.

const YAML = "application/yaml";
const bodyTypes: readonly string[] = ["application/json", YAML, bodyType];
const maxDepth = 100; // nested collections in a body

export function bodyOf({ request }: Call): Record<string, unknown> {
  const { contentType = "application/json" } = request;
  if (!bodyTypes.includes(contentType))
    throw errors.unsupportedMediaType(
      `the body of the request was in an unknown format - accepted media types include: ${bodyTypes.join(", ")}`,
    );
  const body = decodedBody(request);
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw errors.badRequest(
      `the body must be an object; got ${body === null ? "null" : Array.isArray(body) ? "a list" : typeof body}`,
    );
  const { metadata } = body as { metadata?: unknown };
  if (metadata !== undefined && (typeof metadata !== "object" || Array.isArray(metadata)))
    throw errors.badRequest("json: cannot unmarshal: metadata must be an object");
  return body as Record<string, unknown>;
}

/** What the body holds, in the language that its Content-Type names; default: JSON. */
function decodedBody(request: ApiRequest, mayBeEmpty = false): unknown {
  if (request.contentType === bodyType) return decodeBody(request.body);
  if (request.contentType === YAML) return yamlBody(request, mayBeEmpty);
  return parsedBody(request, mayBeEmpty);
}

function yamlBody({ body }: ApiRequest, mayBeEmpty: boolean): unknown {
  try {
    const documents = readYaml(decoder.decode(body), "the body");
    if (documents.length > 1)
      throw errors.badRequest(`the body holds ${documents.length} documents; one is needed`);
    return documents[0] ?? (mayBeEmpty ? {} : null);
  } catch (error) {
    if (error instanceof ManifestError) throw errors.badRequest(error.message);
    throw error;
  }
}

export function parsedBody({ body }: ApiRequest, mayBeEmpty = false): unknown {
  const text = decoder.decode(body);
  if (text === "" && mayBeEmpty) return {};
  if (nestsDeeper(text, maxDepth))
    throw errors.badRequest(`the body nests more than ${maxDepth} levels deep`);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw errors.badRequest(`the body is no JSON: ${(error as Error).message}`);
  }
}

/** A byte order mark is no JSON. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The body as an object of the kind that the path names; kind, apiVersion and namespace may be left
 * to the path.
 */
export function fitted(
  body: Record<string, unknown>,
  info: KindInfo,
  namespace: string | undefined,
  name: string | undefined,
): KubeObject {
  const object = {
    ...body,
    kind: body["kind"] ?? info.kind,
    apiVersion: body["apiVersion"] ?? info.apiVersion,
  } as KubeObject;
  if (object.kind !== info.kind || object.apiVersion !== info.apiVersion)
    throw errors.badRequest(
      `${plain(object.kind)} in version ${JSON.stringify(object.apiVersion)} cannot be handled as a ${info.kind}: this path takes ${info.apiVersion} ${info.kind}`,
    );
  const metadata = {
    ...(object.metadata as KubeObject["metadata"] | undefined),
  } as KubeObject["metadata"];
  if (name !== undefined && (metadata.name ??= name) !== name)
    throw errors.badRequest(
      `the name of the object (${plain(metadata.name)}) does not match the name on the URL (${name})`,
    );
  if (namespace !== undefined && (metadata.namespace ??= namespace) !== namespace)
    throw errors.badRequest(
      `the namespace of the provided object does not match the namespace sent on the request`,
    );
  return { ...object, metadata };
}

/** A value that ought to be a text, for a message. */
const plain = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);

export function writeOptions({ query, warnings }: Call): WriteOptions {
  const asked = query.get("fieldValidation") ?? "Warn";
  if (asked !== "Strict" && asked !== "Warn" && asked !== "Ignore")
    throw errors.badRequest(
      `fieldValidation: got ${JSON.stringify(asked)}; it is Strict, Warn or Ignore`,
    );
  return {
    fieldValidation: asked,
    dryRun: dryRun(query.getAll("dryRun")),
    onWarning: (text) => warnings.add(text),
  };
}

export function dryRun(asked: readonly unknown[]): boolean {
  const wrong = asked.find((one) => one !== "All");
  if (wrong !== undefined)
    throw errors.badRequest(
      `dryRun: Unsupported value: ${JSON.stringify(wrong)}: supported values: "All"`,
    );
  return asked.length > 0;
}

export function deleteOptions({ query, request }: Call): DeleteOptions {
  const raw = decodedBody(request, true);
  const body = decodedAs<{
    gracePeriodSeconds?: number;
    propagationPolicy?: string;
    orphanDependents?: boolean;
    preconditions?: { uid?: string; resourceVersion?: string };
    dryRun?: string[];
  }>("DeleteOptions", raw);
  const grace = body.gracePeriodSeconds ?? wholeNumber(query, "gracePeriodSeconds");
  const policy =
    body.propagationPolicy ??
    query.get("propagationPolicy") ??
    (body.orphanDependents ? "Orphan" : undefined);
  if (
    policy !== undefined &&
    policy !== "Background" &&
    policy !== "Foreground" &&
    policy !== "Orphan"
  )
    throw errors.badRequest(
      `propagationPolicy: got ${JSON.stringify(policy)}; it is Background, Foreground or Orphan`,
    );
  if (grace !== undefined && (!Number.isInteger(grace) || grace < 0))
    throw errors.badRequest(
      `gracePeriodSeconds: got ${String(grace)}; a whole number of 0 or more is needed`,
    );
  return {
    ...(grace !== undefined && { gracePeriodSeconds: grace }),
    ...(policy && { propagationPolicy: policy }),
    ...body.preconditions,
    dryRun: dryRun([...(body.dryRun ?? []), ...query.getAll("dryRun")]),
  };
}
