import type { KindInfo } from "../objects/kinds.js";
import { decode, type Misfit } from "../objects/decode.js";
import { goName, type FieldType } from "../objects/schema.js";
import type { KubeObject } from "../objects/types.js";
import type { WriteOptions } from "../api/client.js";
import { badRequest } from "../api/errors.js";

/**
 * A value as an object of a kind: types are checked always; with fields that the kind does not have
 * is done what was asked for (KEP-2885). The texts are those of Go's decoder, since people search
 * for them.
 */
export function decoded<T extends KubeObject>(
  info: KindInfo,
  value: T,
  options: WriteOptions = {},
): T {
  const { fieldValidation = "Strict", onWarning } = options;
  if (options.decoded) return value;
  if (info.type === undefined) return plain(value);
  const { value: object, misfits } = decode<T>(info.type, value);
  if (misfits.length === 0) return object;
  const refuse = (why: string) =>
    badRequest(
      `${info.kind} in version "${info.apiVersion.split("/").pop()}" cannot be handled as a ${info.kind}: ${why}`,
    );
  const wrong = misfits.find(({ problem }) => problem === "type");
  if (wrong) throw refuse(unmarshal(wrong));
  const unknown = misfits.map(({ path }) => `unknown field "${path}"`);
  if (fieldValidation === "Strict") throw refuse(`strict decoding error: ${unknown.join(", ")}`);
  if (fieldValidation === "Warn") unknown.forEach((text) => onWarning?.(text));
  return object;
}

/** An object of whose fields nobody knows anything but metadata's. */
function plain<T extends KubeObject>(value: T): T {
  const { value: metadata } = decode<T["metadata"]>("ObjectMeta", value.metadata ?? {});
  return metadata === value.metadata ? value : { ...value, metadata };
}

/**
 * A body that is no stored object (Scale, DeleteOptions): its types are checked, unknown fields are
 * dropped.
 */
export function decodedAs<T>(type: string, value: unknown): T {
  const { value: body, misfits } = decode<T>(type, value);
  const wrong = misfits.find(({ problem }) => problem === "type");
  if (wrong)
    throw badRequest(`${type} in version "v1" cannot be handled as a ${type}: ${unmarshal(wrong)}`);
  return body;
}

function unmarshal({ path, value, allowed, owner }: Misfit): string {
  const came =
    value === null || value === undefined
      ? "null"
      : Array.isArray(value)
        ? "array"
        : typeof value === "boolean"
          ? "bool"
          : typeof value === "number" && !Number.isInteger(value)
            ? `number ${value}`
            : typeof value;
  if (typeof value === "string" && (allowed as FieldType).is === "time")
    return `parsing time ${JSON.stringify(value)}: it is no time like "2024-01-21T05:09:08Z" (${path})`;
  if (typeof value === "string" && (allowed as FieldType).is === "quantity")
    return `quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' (${path})`;
  const into = path === "" ? "value" : `struct field ${owner}.${path.replace(/\[\d+\]/g, "")}`;
  return `json: cannot unmarshal ${came} into Go ${into} of type ${goType(allowed as FieldType)}`;
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
