import { kindInfo, type KindInfo } from "../objects/kinds.js";
import { decode, type Misfit } from "../objects/decode.js";
import { otherKinds } from "../objects/others.js";
import { goName, type FieldType } from "../objects/schema.js";
import type { KubeObject } from "../objects/types.js";
import type { WriteOptions } from "../api/client.js";
import { badRequest, type ApiError } from "../api/errors.js";

/**
 * A value as an object of a kind: types are checked always; with fields that the kind does not have
 * is done what was asked for (KEP-2885). The texts are those of Go's decoder, since people search
 * for them.
 */
export function decoded<T extends KubeObject>(
  info: KindInfo,
  value: T,
  options: WriteOptions = {},
  refusing?: Refuse,
): T {
  if (options.decoded) return value;
  const refuse = refusing ?? refusal(info.kind, info.apiVersion);
  if (info.type === undefined)
    return checked({ value: plain(value), misfits: otherKinds.misfits(value) }, options, refuse);
  const found = checked(decode<T>(info.type, value), options, refuse);
  const why = badBytes(found);
  if (why !== undefined) throw refuse(why);
  return found;
}

/** Maps of bytes, which stand in JSON as base64. */
const bytesIn: Readonly<Record<string, string>> = { Secret: "data", ConfigMap: "binaryData" };

/** As Go reads base64: where it ends to be some. (encoding/base64, CorruptInputError) */
function badBytes(object: KubeObject): string | undefined {
  const map = (object as unknown as Record<string, unknown>)[bytesIn[object.kind] ?? ""];
  for (const text of Object.values((map ?? {}) as Record<string, string>)) {
    const good = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
    if (good.test(text.replace(/[\r\n]/g, ""))) continue;
    const [start = ""] = /^[A-Za-z0-9+/]*/.exec(text) ?? [];
    const at = start.length === text.length ? text.length - (text.length % 4) : start.length;
    return `illegal base64 data at input byte ${at}`;
  }
  return undefined;
}

/** Makes an answer of what is wrong. */
export type Refuse = (why: string) => ApiError;

const refusal =
  (kind: string, apiVersion: string): Refuse =>
  (why) =>
    badRequest(
      `${kind} in version "${apiVersion.split("/").pop()}" cannot be handled as a ${kind}: ${why}`,
    );

function checked<T>(
  { value, misfits }: { value: T; misfits: Misfit[] },
  { fieldValidation = "Strict", onWarning }: WriteOptions,
  refuse: Refuse,
): T {
  const wrong = misfits.find(({ problem }) => problem === "type");
  if (wrong) throw refuse(unmarshal(wrong));
  const unknown = misfits.map(({ path }) => `unknown field "${path}"`);
  if (unknown.length === 0) return value;
  if (fieldValidation === "Strict") throw refuse(`strict decoding error: ${unknown.join(", ")}`);
  if (fieldValidation === "Warn") unknown.forEach((text) => onWarning?.(text));
  return value;
}

/** An object of whose fields nobody knows anything but metadata's. */
function plain<T extends KubeObject>(value: T): T {
  const { value: metadata } = decode<T["metadata"]>("ObjectMeta", value.metadata ?? {});
  return metadata === value.metadata ? value : { ...value, metadata };
}

/**
 * A body that is no stored object (Scale, DeleteOptions): its types are checked; unknown fields are
 * dropped, if nothing else is asked for.
 */
export const decodedAs = <T>(
  type: string,
  value: unknown,
  options: WriteOptions = { fieldValidation: "Ignore" },
  refuse: Refuse = refusal(type, "v1"),
): T => checked(decode<T>(type, value), options, refuse);

/** Why an object cannot be taken for one of a kind. (apiserver: transformDecodeError) */
export function notOfThisKind(
  kind: unknown,
  apiVersion: unknown,
  info: { kind: string; group: string },
): string {
  const version = asText(apiVersion).split("/").pop();
  const known = kindInfo(asText(kind))?.apiVersion === apiVersion || /\wList$/.test(asText(kind));
  return known
    ? `converting (${version}.${asText(kind)}) to (${internalPackage(info)}.${info.kind}): unknown conversion`
    : `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`;
}

/** Go's package of a kind's internal type. */
const internalPackage = ({ group }: { group: string }): string =>
  group === "" ? "core" : group.split(".")[0]!;

const asText = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value ?? null);

/** A server has Go's words for what is no time. (doors/serve/go-time.ts) */
export const words: { time?(value: unknown): string | undefined } = {};

function unmarshal({ path: place, value, allowed, owner, map: path = place }: Misfit): string {
  const why = (allowed as FieldType).is === "time" && words.time?.(value);
  if (why) return why;
  if (typeof value === "string" && (allowed as FieldType).is === "quantity")
    return `quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`;
  const into =
    path === "" ? "value" : `struct field ${goName(owner)}.${path.replace(/\[\d+\]/g, "")}`;
  return `json: cannot unmarshal ${cameAs(value)} into Go ${into} of type ${goType(allowed as FieldType)}`;
}

/** A JSON value as Go's decoder names it. */
export function cameAs(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value === "number" && !Number.isInteger(value) ? `number ${value}` : typeof value;
}

function goType(type: FieldType): string {
  if (type.is === "object") return `v1.${goName(type.name)}`;
  if (type.is === "list") return `[]${goType(type.of)}`;
  if (type.is === "map") return `map[string]${goType(type.of)}`;
  return {
    string: "string",
    int: "int32",
    int64: "int64",
    bool: "bool",
    time: "v1.Time",
    quantity: "resource.Quantity",
    intOrString: "intstr.IntOrString",
    any: "interface {}",
  }[type.is];
}
