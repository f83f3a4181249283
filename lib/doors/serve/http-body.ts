import type { DeleteOptions } from "../../api/client.js";
import * as errors from "../../api/errors.js";
import { cameAs, decodedAs, notOfThisKind } from "../../apiserver/decode.js";
import { otherName, otherNamespace } from "../../apiserver/place.js";
import { kindInfo, type KindInfo } from "../../objects/kinds.js";
import { ManifestError, nestsDeeper, readYaml } from "../../objects/manifest.js";
import { invalid } from "../../objects/field-errors.js";
import type { KubeObject } from "../../objects/types.js";
import type { ApiRequest } from "./exchange.js";
import { readAsGo } from "./go-json.js";
import type { Call } from "./http-call.js";
import {
  deleteOptions as deleteOptionsOf,
  writeOptions as optionsOf,
  type Write,
} from "./http-options.js";
import { bodyType, decodeBody } from "./protobuf.js";

// What a request's body holds, and the options of a write.

const yamlType = "application/yaml";
const maxDepth = 100; // nested collections in a body

/** Go's type of what every object begins with. */
const header =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

/** The body as an object of some kind. */
export function bodyOf(call: Call): Record<string, unknown> {
  const { request, target } = call;
  const { contentType = "application/json" } = request;
  if (contentType === bodyType) return decodeBody(request.body);
  if (contentType !== "application/json" && contentType !== yamlType)
    throw errors.unsupportedMediaType(
      `the body of the request was in an unknown format - accepted media types include: application/json, ${yamlType}, ${bodyType}`,
    );
  const body = documentOf(
    call,
    contentType,
    `the object provided is unrecognized (must be of type ${target.info.kind}): `,
  );
  if (body === null) return {};
  if (typeof body !== "object" || Array.isArray(body))
    throw errors.badRequest(
      `the object provided is unrecognized (must be of type ${target.info.kind}): couldn't get version/kind; json parse error: json: cannot unmarshal ${cameAs(body)} into Go value of type ${header} (${start(decoder.decode(request.body))})`,
    );
  const { metadata, apiVersion } = body as { metadata?: unknown; apiVersion?: unknown };
  if (typeof apiVersion === "string" && apiVersion.split("/").length > 2)
    throw errors.badRequest(
      `the object provided is unrecognized (must be of type ${target.info.kind}): unexpected GroupVersion string: ${apiVersion} (${start(decoder.decode(request.body))})`,
    );
  if (metadata !== undefined && (typeof metadata !== "object" || Array.isArray(metadata))) {
    const { kind, apiVersion: version } = target.info;
    throw errors.badRequest(
      `${kind} in version ${JSON.stringify(version.split("/").pop())} cannot be handled as a ${kind}: json: cannot unmarshal ${cameAs(metadata)} into Go struct field ${kind}.metadata of type v1.ObjectMeta`,
    );
  }
  return body as Record<string, unknown>;
}

/** What a text of YAML or JSON says; fields that stand twice are told or refused as asked. */
function documentOf(
  { request, query, warnings, target }: Call,
  type: string,
  refusal: string,
): unknown {
  const text = decoder.decode(request.body);
  if (type === yamlType) return yamlOf(text);
  const body = jsonOf(
    text,
    (why) => `${refusal}couldn't get version/kind; json parse error: ${why} (${start(text)})`,
  );
  const validation = query.get("fieldValidation") || "Warn";
  if (validation === "Ignore") return body;
  const twice = readAsGo(text).duplicates.map((path) => `duplicate field "${path}"`);
  if (validation === "Strict" && twice.length > 0)
    throw strict(body, target.info, asTheyStand([...unknownIn(body, target.info), ...twice], text));
  for (const warning of twice) warnings.add(warning);
  return body;
}

/** In the order in which their fields are in the text, as far as their names tell. */
function asTheyStand(problems: string[], text: string): string[] {
  const place = (problem: string): number => {
    const [, path = ""] = /"(.*)"$/.exec(problem) ?? [];
    const key = JSON.stringify(
      path
        .split(".")
        .pop()!
        .replace(/\[\d+\]$/, ""),
    );
    return problem.startsWith("duplicate") ? text.lastIndexOf(key) : text.indexOf(key);
  };
  return [...problems].sort((a, b) => place(a) - place(b));
}

/** What is said of fields that nobody knows, before what is said of those that stand twice. */
function unknownIn(body: unknown, { type }: KindInfo): string[] {
  const unknown: string[] = [];
  const onWarning = (text: string): void => void unknown.push(text);
  if (type !== undefined) decodedAs(type, body, { fieldValidation: "Warn", onWarning });
  return unknown;
}

function strict(body: unknown, info: KindInfo, problems: readonly string[]): errors.ApiError {
  const { kind = info.kind, apiVersion = info.apiVersion } = body as {
    kind?: string;
    apiVersion?: string;
  };
  const version = apiVersion.split("/").pop();
  return errors.badRequest(
    `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: strict decoding error: ${problems.join(", ")}`,
  );
}

const START = 30; // bytes of a body that a message shows
/** What is no object is shown in hexadecimal digits. (apiserver: rest.go, summarizeData) */
function start(text: string): string {
  if (text === "") return "<empty>";
  const bytes = new TextEncoder().encode(text);
  const first = bytes.slice(0, START);
  const shown = text.startsWith("{")
    ? new TextDecoder().decode(first)
    : [...first].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return bytes.length > START ? `${shown} ...` : shown;
}

/** `lenient`: of keys that stand twice the last counts. */
export function yamlOf(text: string, lenient = false): unknown {
  try {
    // of several documents the first one, as Go's reader does
    return readYaml(text, "the body", undefined, lenient)[0] ?? null;
  } catch (error) {
    if (error instanceof ManifestError) throw errors.badRequest(error.message);
    throw error;
  }
}

/** `message`: what is said where it is no JSON, of Go's words for it. */
function jsonOf(text: string, message: (why: string) => string): unknown {
  if (nestsDeeper(text, maxDepth))
    throw errors.badRequest(`the body nests more than ${maxDepth} levels deep`);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw errors.badRequest(message(readAsGo(text).error ?? (error as Error).message));
  }
}

/**
 * What is applied, in YAML: of keys that stand twice the last counts, where they are not refused.
 * (apiserver: pkg/endpoints/handlers/patch.go, applyPatcher; sigs.k8s.io/yaml)
 */
export function appliedBody({ request, query, warnings }: Call): unknown {
  const text = decoder.decode(request.body);
  const twice = firstTwice(text);
  if (twice === undefined) return mapOf(yamlOf(text));
  const why = `error converting YAML to JSON: yaml: unmarshal errors:\n  ${twice}`;
  const validation = query.get("fieldValidation") || "Warn";
  if (validation === "Strict") throw errors.badRequest(`error strict decoding YAML: ${why}`);
  if (validation === "Warn") warnings.add(why);
  return mapOf(yamlOf(text, true));
}

function mapOf(body: unknown): unknown {
  if (body === null || (typeof body === "object" && !Array.isArray(body))) return body ?? {};
  throw errors.badRequest(
    `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${cameAs(body)} into Go value of type map[string]interface {}`,
  );
}

/** Of a key that stands twice in a map, what Go's reader says. */
function firstTwice(text: string): string | undefined {
  try {
    readYaml(text, "the body");
    return undefined;
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    const [, line, column] =
      /line (\d+), column (\d+): duplicated mapping key/.exec(error.message) ?? [];
    if (line === undefined) return undefined;
    const rest = text.split("\n")[Number(line) - 1]!.slice(Number(column) - 1);
    const [, key = ""] = /^["']?([^"':]*)/.exec(rest) ?? [];
    return `line ${line}: key ${JSON.stringify(key.trim())} already set in map`;
  }
}

/** A patch. */
export const patchBody = ({ body, contentType = "" }: ApiRequest): unknown =>
  jsonOf(decoder.decode(body), (why) =>
    contentType.includes("strategic") ? why : `error decoding patch: ${why}`,
  );

/** The options of a deletion, which may be left out. */
function deleteBody({ request }: Call): unknown {
  if (request.contentType === bodyType) return decodeBody(request.body);
  const text = decoder.decode(request.body);
  if (text === "") return {};
  if (request.contentType === yamlType) return yamlOf(text);
  return jsonOf(text, (why) => `couldn't get version/kind; json parse error: ${why}`);
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
  if (info.definedBy !== undefined) checkCustom(body, object, info);
  if (object.kind !== info.kind || object.apiVersion !== info.apiVersion)
    throw errors.badRequest(
      `${plain(object.kind)} in version ${JSON.stringify(plain(object.apiVersion).split("/").pop())} cannot be handled as a ${info.kind}: ${notOfThisKind(object.kind, object.apiVersion, info)}`,
    );
  const metadata = {
    ...(object.metadata as KubeObject["metadata"] | undefined),
  } as KubeObject["metadata"];
  if (name !== undefined && (metadata.name ??= name) !== name)
    throw otherName(plain(metadata.name), name);
  // (EnsureObjectNamespaceMatchesRequestNamespace)
  if (!info.namespaced) delete metadata.namespace;
  if (namespace !== undefined && (metadata.namespace ??= namespace) !== namespace)
    throw otherNamespace();
  return { ...object, metadata };
}

/** (apiextensions-apiserver: pkg/apiserver/customresource_handler.go) */
function checkCustom(body: Record<string, unknown>, object: KubeObject, info: KindInfo): void {
  const text = JSON.stringify(body);
  if (!body["kind"])
    throw errors.badRequest(
      `the object provided is unrecognized (must be of type ${info.kind}): Object 'Kind' is missing in '${text}' (${start(text)})`,
    );
  if (body["apiVersion"] !== undefined && object.apiVersion !== info.apiVersion)
    throw otherVersion(object.apiVersion, info.apiVersion);
  if (object.kind !== info.kind)
    throw errors.invalid({ ...info, kind: plain(object.kind) }, object.metadata?.name ?? "", [
      invalid("kind", object.kind, `must be ${info.kind}`),
    ]);
}

export const otherVersion = (came: unknown, expected: string): errors.ApiError =>
  errors.badRequest(
    `the API version in the data (${plain(came)}) does not match the expected API version (${expected})`,
  );

/** A value that ought to be a text, for a message. */
const plain = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);

export function writeOptions(
  { query, request, warnings, target: { info } }: Call,
  kind: "CreateOptions" | "UpdateOptions" | "PatchOptions",
  apply = false,
): Write {
  // who does not say who he is is called by his program's name (managerOrUserAgent)
  const fieldManager = request.who;
  const onWarning = (text: string) => warnings.add(text);
  const isKept = kindInfo(info.key)?.apiVersion === info.apiVersion;
  const version = isKept ? {} : { apiVersion: info.apiVersion };
  return { fieldManager, ...optionsOf(query, kind, apply), ...version, onWarning };
}

export const deleteOptions = (call: Call): DeleteOptions =>
  deleteOptionsOf(call.query, deleteBody(call));
