import type { Patch } from "../api/client.js";
import { same } from "../objects/freeze.js";
import { types, type FieldType } from "../objects/schema.js";
import { ApiError, badRequest } from "../api/errors.js";

/**
 * The three ways to patch: JSON merge patch (RFC 7396), JSON patch (RFC 6902) and Kubernetes'
 * strategic merge patch, whose lists merge by the keys in schema.ts. Nothing is changed in place:
 * what a patch does not touch is shared with the original. (k8s.io/apimachinery:
 * pkg/util/strategicpatch; apiserver: pkg/endpoints/handlers/patch.go)
 */
export function patched(type: string, object: unknown, patch: Patch): unknown {
  if (patch.type === "json") return jsonPatched(object, patch.body);
  if (!isRecord(patch.body))
    throw badRequest(
      `a ${patch.type} patch is a JSON object; got ${patch.body === null ? "null" : Array.isArray(patch.body) ? "a list" : typeof patch.body}`,
    );
  return patch.type === "merge"
    ? merged(object, patch.body)
    : strategic({ is: "object", name: type }, object, patch.body);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** RFC 7396: objects merge, null removes, all else replaces. */
export function merged(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(Object.hasOwn(result, key) ? result[key] : undefined, value);
  }
  return result;
}

// ---- strategic ----------------------------------------------------------------------------------------------------

function strategic(type: FieldType, current: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const { $patch: directive, $retainKeys: retained, ...changes } = patch;
  if (directive === "replace") return changes;
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge")
    throw badRequest(
      `unknown $patch directive ${JSON.stringify(directive)}: it is replace, merge or delete`,
    );
  const result: Record<string, unknown> = isRecord(current) ? { ...current } : {};
  if (Array.isArray(retained))
    for (const key of Object.keys(result)) if (!retained.includes(key)) delete result[key];
  for (const [key, value] of Object.entries(changes))
    if (!key.startsWith("$"))
      setField(type, result, key, value, changes[`$setElementOrder/${key}`]);
  for (const [key, value] of Object.entries(changes)) {
    const [instruction, field] = key.split("/") as [string, string?];
    if (instruction === "$deleteFromPrimitiveList")
      result[field!] = asList(result[field!]).filter((one) => !asList(value).includes(one));
    else if (instruction === "$setElementOrder" && !(field! in changes))
      setField(type, result, field!, [], value);
  }
  return result;
}

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

function setField(
  owner: FieldType,
  result: Record<string, unknown>,
  key: string,
  value: unknown,
  order: unknown,
): void {
  if (value === null) return void delete result[key];
  const field = owner.is === "object" ? types().get(owner.name)!.fields.get(key) : undefined;
  const type: FieldType = field?.type ?? (owner.is === "map" ? owner.of : { is: "any" });
  const current = Object.hasOwn(result, key) ? result[key] : undefined;
  if (!Array.isArray(value)) result[key] = strategic(type, current, value);
  else if (field?.mergeKey === undefined || type.is !== "list") result[key] = value;
  else if (field.mergeKey === "")
    result[key] = inOrder(
      [...new Set([...asList(current), ...value])],
      asList(current),
      order,
      (one) => one,
    );
  else result[key] = mergedByKey(type.of, asList(current), value, field.mergeKey, order);
}

function mergedByKey(
  type: FieldType,
  current: unknown[],
  patch: unknown[],
  mergeKey: string,
  order: unknown,
): unknown[] {
  const keyOf = (item: unknown): unknown => (isRecord(item) ? item[mergeKey] : undefined);
  if (patch.some((item) => isRecord(item) && item["$patch"] === "replace"))
    return patch.filter((item) => !(isRecord(item) && item["$patch"] === "replace"));
  let result = current;
  for (const item of patch) {
    const key = keyOf(item);
    if (key === undefined)
      throw badRequest(
        `map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`,
      );
    const at = result.findIndex((one) => keyOf(one) === key);
    if (isRecord(item) && item["$patch"] === "delete")
      result = result.filter((one) => keyOf(one) !== key);
    else if (at < 0) result = [...result, strategic(type, undefined, item)];
    else result = result.map((one, i) => (i === at ? strategic(type, one, item) : one));
  }
  return inOrder(result, current, order, keyOf);
}

/**
 * $setElementOrder: the named elements in its order; those that only the server has keep their
 * place among them.
 */
function inOrder(
  list: unknown[],
  before: unknown[],
  order: unknown,
  keyOf: (item: unknown) => unknown,
): unknown[] {
  if (!Array.isArray(order)) return list;
  const places = new Map(order.map((item, i) => [keyOf(item) ?? item, i]));
  const formerly = new Map(before.map((item, i) => [keyOf(item), i]));
  const named = list
    .filter((item) => places.has(keyOf(item)))
    .sort((a, b) => places.get(keyOf(a))! - places.get(keyOf(b))!);
  const rest = list.filter((item) => !places.has(keyOf(item)));
  const result: unknown[] = [];
  for (const item of named) {
    const place = formerly.get(keyOf(item));
    while (rest.length > 0 && place !== undefined && formerly.get(keyOf(rest[0]))! < place)
      result.push(rest.shift());
    result.push(item);
  }
  return [...result, ...rest];
}

// ---- RFC 6902 -----------------------------------------------------------------------------------------------------

/**
 * More operations than a person or a program has reason to send at once. (apiserver:
 * maxJSONPatchOperations)
 */
const maxOperations = 10_000;

function jsonPatched(object: unknown, body: unknown): unknown {
  if (!Array.isArray(body))
    throw badRequest(
      'a JSON patch is a list of operations, as [{"op": "replace", "path": "/spec/replicas", "value": 2}]',
    );
  if (body.length > maxOperations)
    throw badRequest(
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${body.length}`,
    );
  return body.reduce((value: unknown, operation: unknown) => applied(value, operation), object);
}

function applied(object: unknown, operation: unknown): unknown {
  const { op, path, from, value } = (isRecord(operation) ? operation : {}) as {
    op?: unknown;
    path?: unknown;
    from?: unknown;
    value?: unknown;
  };
  const to = pointer(path, "path");
  switch (op) {
    case "test":
      if (!same(read(object, to), value))
        throw unprocessable(`testing value ${JSON.stringify(path)} failed`);
      return object;
    case "remove":
      read(object, to);
      return written(object, to, undefined, "remove");
    case "replace":
      read(object, to);
      return written(object, to, value, "replace");
    case "add":
      return written(object, to, value, "add");
    case "copy":
      return written(object, to, read(object, pointer(from, "from")), "add");
    case "move": {
      const source = pointer(from, "from");
      return written(written(object, source, undefined, "remove"), to, read(object, source), "add");
    }
    default:
      throw badRequest(
        `unknown JSON patch operation ${JSON.stringify(op)}: it is add, remove, replace, move, copy or test`,
      );
  }
}

/** RFC 6901. */
function pointer(text: unknown, what: string): string[] {
  if (typeof text !== "string" || (text !== "" && !text.startsWith("/")))
    throw badRequest(
      `a JSON patch operation's ${what} begins with "/"; got ${JSON.stringify(text)}`,
    );
  return text
    .split("/")
    .slice(1)
    .map((part) => part.replace(/~1/g, "/").replace(/~0/g, "~"));
}

const missing = (path: readonly string[]) =>
  unprocessable(`there is nothing at /${path.join("/")}`);

function read(object: unknown, path: readonly string[]): unknown {
  let value = object;
  for (const key of path) {
    if ((!isRecord(value) && !Array.isArray(value)) || !Object.hasOwn(value, key))
      throw missing(path);
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

function written(
  object: unknown,
  [key, ...rest]: readonly string[],
  value: unknown,
  how: "add" | "remove" | "replace",
): unknown {
  if (key === undefined) return value;
  if (Array.isArray(object)) {
    const index = key === "-" && how === "add" ? object.length : Number(key);
    if (
      !/^(\d+|-)$/.test(key) ||
      index > object.length ||
      (rest.length > 0 && index === object.length)
    )
      throw missing([key]);
    if (rest.length > 0)
      return object.map((one, i) => (i === index ? written(one, rest, value, how) : one));
    return [
      ...object.slice(0, index),
      ...(how === "remove" ? [] : [value]),
      ...object.slice(how === "add" ? index : index + 1),
    ];
  }
  if (!isRecord(object) || (rest.length > 0 && !Object.hasOwn(object, key)))
    throw missing([key, ...rest]);
  const { [key]: old, ...others } = object;
  if (rest.length > 0) return { ...object, [key]: written(old, rest, value, how) };
  return how === "remove" ? others : { ...object, [key]: value };
}

function unprocessable(why: string): ApiError {
  return new ApiError({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    code: 422,
    reason: "Invalid",
    message: `the server rejected our request due to an error in our request: ${why}`,
    details: { causes: [{ reason: "UnexpectedServerResponse", message: why }] },
  });
}
