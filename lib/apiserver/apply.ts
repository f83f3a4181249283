/**
 * Server-side apply: who applied which fields is kept in metadata.managedFields, and whoever
 * changes a field of somebody else's is told so. (KEP-555; apimachinery: pkg/util/managedfields)
 *
 * An object has managedFields from its first apply on; what it had before that is
 * "before-first-apply"'s, as of an object that upstream had stored without. Of writes that are no
 * applies it is not kept who made them.
 */
import { conflicts, type ApiError, type Subject } from "../api/errors.js";
import { isRecord, ownField, same, setField } from "../objects/freeze.js";
import { typeOf, type FieldType } from "../objects/schema.js";
import type { KubeObject } from "../objects/types.js";

/** Fields as FieldsV1 writes them: f:name, k:{"key":"value"}, v:value, and "." for the whole. */
type Fields = { [element: string]: Fields };

interface Managed {
  manager: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  time: string;
  fieldsType: "FieldsV1";
  fieldsV1: Fields;
  subresource?: string;
}

export interface Applying {
  manager: string;
  force: boolean;
  /** The moment, as a stamp. */
  now: string;
}

type Plain = Record<string, unknown>;

/** What nobody owns: it says which object is meant, or is the server's. */
const unowned = ["apiVersion", "kind"];
const unownedMeta = [
  "name",
  "namespace",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "managedFields",
];

/** The object as it is after the apply; `old` is what there is. @throws a conflict */
export function applied(
  subject: Subject & { type: string | undefined },
  old: KubeObject | undefined,
  config: KubeObject,
  { manager, force, now }: Applying,
): KubeObject {
  const type: FieldType = subject.type ? { is: "object", name: subject.type } : { is: "any" };
  const wanted = fieldsOf(type, owned(config));
  const before = old ? managersOf(type, old, now) : [];
  const mine = before.find((one) => one.manager === manager && one.operation === "Apply");
  const others = before.filter((one) => one !== mine);
  const disputed = others.flatMap((one) => {
    const paths = differing(type, wanted, one.fieldsV1, old, config);
    return paths.map((path) => ({ one, path }));
  });
  if (disputed.length > 0 && !force) throw refusal(subject, config.metadata.name, disputed);
  const kept = others
    .map((one) => ({
      ...one,
      fieldsV1: without(
        one.fieldsV1,
        disputed.filter((d) => d.one === one),
      ),
    }))
    .filter(({ fieldsV1 }) => Object.keys(fieldsV1).length > 0);
  const given = mine ? minus(minus(mine.fieldsV1, wanted), ...kept.map((one) => one.fieldsV1)) : {};
  const left = old ? (removed(type, old, given) as KubeObject) : config;
  const merged = merge(type, left, config) as KubeObject;
  const entry: Managed = {
    manager,
    operation: "Apply",
    apiVersion: config.apiVersion,
    time: mine && same(mine.fieldsV1, wanted) && same(merged, old) ? mine.time : now,
    fieldsType: "FieldsV1",
    fieldsV1: wanted,
  };
  return { ...merged, metadata: { ...merged.metadata, managedFields: [entry, ...kept] } };
}

function managersOf(type: FieldType, old: KubeObject, now: string): Managed[] {
  const known = old.metadata.managedFields as Managed[] | undefined;
  if (known?.length) return known;
  const fieldsV1 = fieldsOf(type, owned(old));
  const { apiVersion } = old;
  const time = old.metadata.creationTimestamp ?? now;
  const manager = "before-first-apply";
  return [{ manager, operation: "Update", apiVersion, time, fieldsType: "FieldsV1", fieldsV1 }];
}

/** The object without what nobody owns, and without its status, which has a door of its own. */
function owned(object: KubeObject): Plain {
  const { status: _, ...rest } = object as unknown as Plain;
  const metadata = { ...(object.metadata as unknown as Plain) };
  for (const field of unownedMeta) delete metadata[field];
  for (const field of [...unowned, "metadata"]) delete rest[field];
  return Object.keys(metadata).length > 0 ? { ...rest, metadata } : rest;
}

// ---- fields -------------------------------------------------------------------------------------

/** Keys of a list whose elements have owners of their own; undefined: it has one as a whole. */
function keysOf(mergeKey: string | undefined, list: readonly unknown[]): string[] | undefined {
  if (!mergeKey || !list.every(isRecord)) return undefined;
  // two protocols may share a port (x-kubernetes-list-map-keys)
  return mergeKey === "port" || mergeKey === "containerPort" ? [mergeKey, "protocol"] : [mergeKey];
}

function elementOf(item: Plain, keys: readonly string[]): string {
  const found = keys.map((key) => [key, ownField(item, key) ?? (key === "protocol" ? "TCP" : "")]);
  return `k:${JSON.stringify(Object.fromEntries(found))}`;
}

interface Part {
  element: string;
  type: FieldType;
  value: unknown;
}

/** What a value is made of, where its parts have owners of their own. */
function partsOf(type: FieldType, value: unknown, mergeKey?: string): Part[] | undefined {
  if (Array.isArray(value)) {
    const keys = keysOf(mergeKey, value);
    const of: FieldType = type.is === "list" ? type.of : { is: "any" };
    if (keys)
      return value.map((item) => ({
        element: elementOf(item as Plain, keys),
        type: of,
        value: item as unknown,
      }));
    return mergeKey === ""
      ? value.map((item) => ({
          element: `v:${JSON.stringify(item)}`,
          type: of,
          value: item as unknown,
        }))
      : undefined;
  }
  if (!isRecord(value) || isAtomic(type)) return undefined;
  return Object.entries(value)
    .filter(([, part]) => part !== undefined)
    .map(([name, part]) => ({ element: `f:${name}`, type: fieldOf(type, name).type, value: part }));
}

/** Selectors are one thing. (x-kubernetes-map-type: atomic) */
const isAtomic = (type: FieldType): boolean =>
  type.is === "object" &&
  ["LabelSelector", "ObjectReference", "LocalObjectReference"].includes(type.name);

const atomic: FieldType = { is: "object", name: "LabelSelector" };
const atomicMaps = new Set(["ServiceSpec.selector", "PodSpec.nodeSelector"]);

function fieldOf(type: FieldType, name: string): { type: FieldType; mergeKey?: string } {
  if (type.is === "object" && atomicMaps.has(`${type.name}.${name}`)) return { type: atomic };
  if (type.is === "map") return { type: type.of };
  const field = type.is === "object" ? typeOf(type.name).fields.get(name) : undefined;
  return field
    ? { type: field.type, ...(field.mergeKey !== undefined && { mergeKey: field.mergeKey }) }
    : { type: { is: "any" } };
}

function fieldsOf(type: FieldType, value: unknown, mergeKey?: string): Fields {
  const fields: Fields = {};
  for (const part of partsOf(type, value, mergeKey) ?? []) {
    const key = part.element.startsWith("f:")
      ? fieldOf(type, part.element.slice(2)).mergeKey
      : undefined;
    const within = fieldsOf(part.type, part.value, key);
    const isItem = !part.element.startsWith("f:");
    fields[part.element] = isItem && isRecord(part.value) ? { ".": {}, ...within } : within;
  }
  return fields;
}

const isLeaf = (fields: Fields): boolean => Object.keys(fields).length === 0;

/** Fields of `a` that are in none of the others. */
function minus(a: Fields, ...others: readonly Fields[]): Fields {
  const left: Fields = {};
  for (const [element, within] of Object.entries(a)) {
    const there = others.map((one) => ownField<Fields>(one, element));
    const found = there.filter((one) => one !== undefined);
    if (found.length === 0) left[element] = within;
    else if (!isLeaf(within)) {
      const rest = minus(within, ...found);
      if (!isLeaf(rest)) left[element] = rest;
    }
  }
  return left;
}

function without(fields: Fields, disputed: readonly { path: readonly string[] }[]): Fields {
  const nested = disputed.map(({ path }) =>
    path.reduceRight<Fields>((inner, element) => ({ [element]: inner }), {}),
  );
  return nested.reduce((left, one) => minus(left, one), fields);
}

// ---- conflicts ----------------------------------------------------------------------------------

/** Paths that both own and that the apply gives another value. */
function differing(
  type: FieldType,
  wanted: Fields,
  theirs: Fields,
  old: unknown,
  config: unknown,
  mergeKey?: string,
): string[][] {
  const [before, after] = [partsOf(type, old, mergeKey), partsOf(type, config, mergeKey)].map(
    (parts) => new Map((parts ?? []).map((part) => [part.element, part])),
  ) as [Map<string, Part>, Map<string, Part>];
  const found: string[][] = [];
  for (const [element, within] of Object.entries(wanted)) {
    const shared = ownField<Fields>(theirs, element);
    const [was, is] = [before.get(element), after.get(element)];
    if (element === "." || !shared || !was || !is) continue;
    const key = element.startsWith("f:") ? fieldOf(type, element.slice(2)).mergeKey : undefined;
    if (isLeaf(within) || isLeaf(shared)) {
      if (!same(was.value, is.value)) found.push([element]);
      continue;
    }
    const inner = differing(is.type, within, shared, was.value, is.value, key);
    found.push(...inner.map((path) => [element, ...path]));
  }
  return found;
}

/** .spec.containers[name="web"].image */
const shown = (path: readonly string[]): string =>
  path
    .map((element) => {
      if (element.startsWith("f:")) return `.${element.slice(2)}`;
      if (element.startsWith("v:")) return `[=${element.slice(2)}]`;
      const keys = Object.entries(JSON.parse(element.slice(2)) as Plain);
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")}]`;
    })
    .join("");

function refusal(
  subject: Subject,
  name: string,
  disputed: readonly { one: Managed; path: readonly string[] }[],
): ApiError {
  const causes = disputed.map(({ one, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${JSON.stringify(one.manager)}${one.operation === "Update" && one.manager !== "before-first-apply" ? ` using ${one.apiVersion}` : ""}`,
    field: shown(path),
  }));
  return conflicts(subject, name, causes);
}

// ---- merging ------------------------------------------------------------------------------------

/** The value without the fields that are given up. */
function removed(type: FieldType, value: unknown, given: Fields, mergeKey?: string): unknown {
  const parts = partsOf(type, value, mergeKey);
  if (!parts || isLeaf(given)) return value;
  const kept = parts.flatMap((part) => {
    const gone = ownField<Fields>(given, part.element);
    if (!gone) return [part];
    if (isLeaf(gone) || gone["."]) return [];
    const key = part.element.startsWith("f:")
      ? fieldOf(type, part.element.slice(2)).mergeKey
      : undefined;
    return [{ ...part, value: removed(part.type, part.value, gone, key) }];
  });
  if (Array.isArray(value)) return kept.map((part) => part.value);
  const result: Plain = {};
  for (const part of kept) setField(result, part.element.slice(2), part.value);
  return result;
}

/** What is applied goes over what there is; lists with keys by element, new ones last. */
function merge(type: FieldType, there: unknown, config: unknown, mergeKey?: string): unknown {
  const parts = partsOf(type, config, mergeKey);
  const before = partsOf(type, there, mergeKey);
  if (!parts || !before || Array.isArray(there) !== Array.isArray(config)) return config;
  if (Array.isArray(config)) {
    const places = new Map(before.map((part, i) => [part.element, i]));
    const result = before.map(({ value }) => value);
    for (const part of parts) {
      const place = places.get(part.element);
      if (place === undefined) result.push(part.value);
      else result[place] = merge(part.type, result[place], part.value);
    }
    return result;
  }
  const result = { ...(there as Plain) };
  for (const { element, type: inner, value } of parts) {
    const name = element.slice(2);
    setField(
      result,
      name,
      merge(inner, ownField(result, name), value, fieldOf(type, name).mergeKey),
    );
  }
  return result;
}
