import { kinds } from "../../objects/kinds.js";
import { describe } from "./descriptions.js";
import { types, type FieldType, type ObjectType } from "../../objects/schema.js";
import { kubernetes, releaseOf } from "../../objects/kubernetes.js";
import { pathOf } from "./openapi.js";

/**
 * OpenAPI v2 as Protocol Buffers, which kubectl reads before 1.27, for `apply` and `explain`.
 * (gnostic: openapiv2/OpenAPIv2.proto)
 *
 * Asked for with an "@", which is no valid media type, and answered with a dot instead.
 */
export const openapiV2Type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

function encoded(number: number, content: Buffer | string): Buffer {
  const data = typeof content === "string" ? Buffer.from(content) : content;
  return Buffer.concat([encodedVarint((number << 3) | 2), encodedVarint(data.length), data]);
}

function encodedVarint(value: number): Buffer {
  const parts: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) parts.push((value & 0x7f) | 0x80);
  return Buffer.from([...parts, value]);
}

const message = (...fields: Buffer[]): Buffer => Buffer.concat(fields);
const named = (number: number, name: string, value: Buffer): Buffer =>
  encoded(number, message(encoded(1, name), encoded(2, value)));
/** A vendor extension: its value is YAML, of which JSON is a part. */
const extension = (number: number, name: string, value: unknown): Buffer =>
  named(number, name, encoded(2, JSON.stringify(value)));

let document: Buffer | undefined;

/**
 * openapi.v2.Document: definitions of all types, and the PATCH paths, in which old kubectl looks
 * for dryRun.
 */
export function openapiV2(): Buffer {
  const definitions = [...types().values()].map((type) =>
    named(1, `${type.package}.${type.name}`, definition(type)),
  );
  return (document ??= message(
    encoded(1, "2.0"),
    encoded(2, message(encoded(1, "Stopover"), encoded(2, releaseOf(kubernetes())))),
    encoded(
      8,
      message(
        ...kinds.map(({ apiVersion, namespaced, plural, group, kind }) =>
          named(
            2,
            `/${pathOf(apiVersion)}/${namespaced ? "namespaces/{namespace}/" : ""}${plural}/{name}`,
            encoded(8, patchOperation({ group, version: apiVersion.split("/").pop()!, kind })),
          ),
        ),
      ),
    ),
    encoded(9, message(...definitions)),
  ));
}

function patchOperation(gvk: object): Buffer {
  const parameter = (name: string) =>
    encoded(
      8,
      encoded(
        1,
        encoded(
          2,
          encoded(3, message(encoded(3, "query"), encoded(4, name), encoded(6, "string"))),
        ),
      ),
    );
  return message(
    parameter("dryRun"),
    parameter("fieldManager"),
    extension(13, "x-kubernetes-group-version-kind", gvk),
  );
}

function definition(type: ObjectType): Buffer {
  const fields = [...type.fields.values()];
  const info = kinds.find(({ kind }) => kind === type.name);
  return message(
    encoded(4, describe(type.name)),
    ...fields.filter(({ required }) => required).map(({ name }) => encoded(19, name)),
    encoded(22, encoded(1, "object")),
    encoded(
      25,
      message(
        ...fields.map(({ name, type: fieldType, mergeKey }) =>
          named(
            1,
            name,
            message(
              schemaMessage(fieldType),
              ...(fieldType.is === "object" ? [] : [encoded(4, describe(type.name, name))]),
              ...(mergeKey === undefined
                ? []
                : [extension(31, "x-kubernetes-patch-strategy", "merge")]),
              ...(mergeKey ? [extension(31, "x-kubernetes-patch-merge-key", mergeKey)] : []),
            ),
          ),
        ),
      ),
    ),
    ...(info
      ? [
          extension(31, "x-kubernetes-group-version-kind", [
            { group: info.group, kind: info.kind, version: info.apiVersion.split("/").pop() },
          ]),
        ]
      : []),
  );
}

function schemaMessage(type: FieldType): Buffer {
  const primitive = (name: string, format?: string) =>
    message(...(format ? [encoded(2, format)] : []), encoded(22, encoded(1, name)));
  switch (type.is) {
    case "object":
      return encoded(1, `#/definitions/${types().get(type.name)!.package}.${type.name}`);
    case "list":
      return message(primitive("array"), encoded(23, encoded(1, schemaMessage(type.of))));
    case "map":
      return message(primitive("object"), encoded(21, encoded(1, schemaMessage(type.of))));
    case "int":
      return primitive("integer", "int32");
    case "int64":
      return primitive("integer", "int64");
    case "bool":
      return primitive("boolean");
    case "time":
      return primitive("string", "date-time");
    case "intOrString":
      return primitive("string", "int-or-string");
    case "any":
      return Buffer.alloc(0);
    default:
      return primitive("string");
  }
}
