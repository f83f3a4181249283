/**
 * Kubernetes' strategic merge patch: as RFC 7396, but lists merge by the keys in schema.ts, and
 * `$patch`, `$retainKeys`, `$setElementOrder` and `$deleteFromPrimitiveList` say what a list or an
 * object becomes. (k8s.io/apimachinery: pkg/util/strategicpatch)
 */
import { invalidPatch, unexpected, unsupportedMediaType } from "../api/errors.js";
import { isRecord, ownField, setField } from "../objects/freeze.js";
import { typeOf, type FieldType } from "../objects/schema.js";

/** @param type Of an object; undefined: nobody knows one, so that its lists have no keys. */
export function strategic(type: string | undefined, current: unknown, patch: unknown): unknown {
  if (type === undefined)
    throw unsupportedMediaType(
      "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
    );
  try {
    const result = merged({ is: "object", name: type }, current, patch);
    checkShape({ is: "object", name: type }, patch);
    return result;
  } catch (error) {
    if (error instanceof Unrecognized) throw invalidPatch(inGo(patch), error.message);
    throw error;
  }
}

/** What the whole patch is refused for. */
class Unrecognized extends Error {}

const goKind = (value: unknown): string =>
  Array.isArray(value) ? "slice" : isRecord(value) ? "map" : typeof value;

/** What cannot become the type that it stands for. (runtime.DefaultUnstructuredConverter) */
function checkShape(type: FieldType, value: unknown): void {
  if (value === null || value === undefined || type.is === "any") return;
  const not = (what: string) => new Unrecognized(`cannot restore ${what} ${goKind(value)}`);
  switch (type.is) {
    case "object":
      if (!isRecord(value)) throw not("struct from:");
      for (const [key, part] of Object.entries(value)) {
        const field = typeOf(type.name).fields.get(key);
        if (field) checkShape(field.type, part);
      }
      return;
    case "map":
      if (!isRecord(value)) throw not("map from");
      for (const [key, part] of Object.entries(value))
        if (!key.startsWith("$")) checkShape(type.of, part);
      return;
    case "list":
      if (!Array.isArray(value)) throw not("slice from");
      for (const part of value) checkShape(type.of, part);
      return;
    case "int":
    case "int64":
      if (typeof value !== "number")
        throw new Unrecognized(`unrecognized type: ${type.is === "int" ? "int32" : "int64"}`);
      return;
    case "bool":
      if (typeof value !== "boolean") throw new Unrecognized("unrecognized type: bool");
      return;
    case "string":
      if (typeof value !== "string") throw new Unrecognized("unrecognized type: string");
      return;
    default:
  }
}

function merged(type: FieldType, current: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const { $patch: directive, $retainKeys: retained, ...changes } = patch;
  if (directive === "replace") return changes;
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge")
    throw unexpected(`unknown patch type: ${inGo(directive)} in map: ${inGo(patch)}`);
  const result: Record<string, unknown> = isRecord(current) ? { ...current } : {};
  // upstream looks for the field's name among a plain map's, of which it knows the type alone
  if (retained !== undefined && type.is === "map")
    throw new Unrecognized("unrecognized type: string");
  if (Array.isArray(retained)) retain(result, new Set(retained));
  for (const [key, value] of Object.entries(changes))
    if (!key.startsWith("$")) change(type, result, key, value, changes[`$setElementOrder/${key}`]);
  for (const [key, value] of Object.entries(changes)) {
    const [instruction, field] = key.split("/") as [string, string?];
    if (field === undefined) continue;
    if (instruction === "$deleteFromPrimitiveList") takeOut(result, field, asList(value));
    else if (instruction === "$setElementOrder" && !Object.hasOwn(changes, field))
      change(type, result, field, [], value);
  }
  return result;
}

/** As Go prints values of no certain type: map[a:1 b:[x y]]. */
function inGo(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inGo).join(" ")}]`;
  if (isRecord(value)) {
    const fields = Object.keys(value).sort();
    return `map[${fields.map((key) => `${key}:${inGo(value[key])}`).join(" ")}]`;
  }
  return value === null ? "<nil>" : String(value);
}

function retain(result: Record<string, unknown>, kept: ReadonlySet<unknown>): void {
  for (const key of Object.keys(result)) if (!kept.has(key)) delete result[key];
}

function takeOut(result: Record<string, unknown>, field: string, items: unknown[]): void {
  const gone = new Set(items);
  setField(
    result,
    field,
    asList(ownField(result, field)).filter((one) => !gone.has(one)),
  );
}

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** Sets, merges or removes one field. */
function change(
  owner: FieldType,
  result: Record<string, unknown>,
  key: string,
  value: unknown,
  order: unknown,
): void {
  if (value === null) return void delete result[key];
  const field = owner.is === "object" ? typeOf(owner.name).fields.get(key) : undefined;
  const type: FieldType = field?.type ?? (owner.is === "map" ? owner.of : { is: "any" });
  const current = ownField(result, key);
  let next: unknown = value;
  if (!Array.isArray(value)) next = merged(type, current, value);
  else if (field?.mergeKey !== undefined && type.is === "list")
    next = field.mergeKey
      ? mergedByKey(type.of, asList(current), value, field.mergeKey, order)
      : union(asList(current), value, order);
  setField(result, key, next);
}

/** A list that is a set. */
function union(current: unknown[], patch: unknown[], order: unknown): unknown[] {
  checkOrder(patch, order, (one) => one);
  return inOrder(
    [...new Set([...current, ...patch])],
    current,
    orderOf(order, patch),
    (one) => one,
  );
}

/** What a patch names stands in its own order, too. (validatePatchWithSetOrderList) */
function checkOrder(patch: unknown[], order: unknown, keyOf: KeyOf): void {
  if (!Array.isArray(order) || patch.length === 0) return;
  let from = 0;
  for (const item of order as unknown[])
    if (from < patch.length && keyOf(item) === keyOf(patch[from])) from++;
  if (from < patch.length)
    throw unexpected(
      `The order in patch list:\n${inGo(patch)}\n doesn't match $setElementOrder list:\n${inGo(order)}\n`,
    );
}

const orderOf = (order: unknown, patch: unknown[]): unknown[] =>
  Array.isArray(order) ? order : patch;

type KeyOf = (item: unknown) => unknown;

function mergedByKey(
  type: FieldType,
  current: unknown[],
  patch: unknown[],
  mergeKey: string,
  order: unknown,
): unknown[] {
  const keyOf: KeyOf = (item) => (isRecord(item) ? ownField(item, mergeKey) : undefined);
  const directive = (item: unknown) => (isRecord(item) ? item["$patch"] : undefined);
  if (patch.some((item) => directive(item) === "replace"))
    return patch.filter((item) => directive(item) !== "replace");
  // looked up by key, so that a long list costs what its length is
  const places = new Map<unknown, number[]>();
  const note = (key: unknown, place: number) => {
    const known = places.get(key);
    if (known) known.push(place);
    else places.set(key, [place]);
  };
  const result = current.slice();
  for (const [place, item] of result.entries()) note(keyOf(item), place);
  // what is to go goes first: another element of that key may come (deleteMatchingEntries)
  const isGoing = (item: unknown) => directive(item) === "delete";
  for (const item of [...patch.filter(isGoing), ...patch.filter((one) => !isGoing(one))]) {
    const key = keyOf(item);
    if (key === undefined)
      throw unexpected(`map: ${inGo(item)} does not contain declared merge key: ${mergeKey}`);
    const [place, ...twins] = places.get(key) ?? [];
    if (isGoing(item)) {
      for (const gone of [place, ...twins]) if (gone !== undefined) result[gone] = DELETED;
      places.delete(key);
    } else if (place !== undefined) result[place] = merged(type, result[place], item);
    else note(key, result.push(merged(type, undefined, item)) - 1);
  }
  const left = result.filter((item) => item !== DELETED);
  const kept = patch.filter((item) => directive(item) === undefined);
  checkOrder(kept, order, keyOf);
  return inOrder(left, current, orderOf(order, kept), keyOf);
}

const DELETED = Symbol("deleted");

/**
 * The elements that the patch names, in the order that it gives (by $setElementOrder, or by naming
 * them), among those that only the server has, which keep theirs. One that is new to the server has
 * no place among these, and comes before them. (normalizeElementOrder, mergeSortedSlice)
 */
function inOrder(list: unknown[], before: unknown[], order: unknown[], keyOf: KeyOf): unknown[] {
  const keyed = (item: unknown) => keyOf(item) ?? item;
  const places = new Map(order.map((item, i) => [keyed(item), i]));
  const formerly = new Map(before.map((item, i) => [keyed(item), i]));
  const named = list
    .filter((item) => places.has(keyed(item)))
    .sort((a, b) => places.get(keyed(a))! - places.get(keyed(b))!);
  const rest = list.filter((item) => !places.has(keyed(item)));
  const result: unknown[] = [];
  for (let [i, j] = [0, 0]; i < rest.length || j < named.length;) {
    const [left, right] = [formerly.get(keyed(rest[i])), formerly.get(keyed(named[j]))];
    const leftFirst =
      j === named.length ||
      (i < rest.length && left !== undefined && right !== undefined && left < right);
    result.push(leftFirst ? rest[i++] : named[j++]);
  }
  return result;
}
