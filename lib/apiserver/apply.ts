/**
 * Server-side apply: who applied which fields is kept in metadata.managedFields, and whoever
 * changes a field of somebody else's is told so. (KEP-555; apimachinery: pkg/util/managedfields)
 *
 * An object has managedFields from its first apply on, or from the first write that names its
 * manager (managed-fields.ts); what it had before that is "before-first-apply"'s, as of an object
 * that upstream had stored without. What components of this process write is nobody's.
 */
import { conflicts, unexpected, type ApiError, type Subject } from "../api/errors.js";
import { isRecord, ownField, same, setField } from "../objects/freeze.js";
import { keyDefault } from "../objects/custom-types.js";
import { goName, typeOf, types, type FieldType } from "../objects/schema.js";
import type { Subresource } from "../api/client.js";
import type { KindInfo } from "../objects/kinds.js";
import { otherKinds } from "../objects/others.js";
import type { KubeObject } from "../objects/types.js";

/** Fields as FieldsV1 writes them: f:name, k:{"key":"value"}, v:value, and "." for the whole. */
export type Fields = { [element: string]: Fields };

export interface Managed {
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
  subresource?: Subresource | undefined;
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
  subject: Subject & Typed,
  old: KubeObject | undefined,
  config: KubeObject,
  { manager, force, now, subresource }: Applying,
): KubeObject {
  const type = typeOfSubject(subject);
  const asked = part(config, subresource);
  checkTyped(type, asked, config);
  const wanted = fieldsOf(type, owned(asked, subresource));
  const before = old ? managersOf(type, old, now) : [];
  const mine = before.find(
    (one) =>
      one.manager === manager && one.operation === "Apply" && one.subresource === subresource,
  );
  const others = before.filter((one) => one !== mine);
  const disputed = others.flatMap((one) => {
    const paths = differing(type, wanted, one.fieldsV1, old, asked);
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
    .filter(({ fieldsV1 }) => !isLeaf(fieldsV1));
  const given = mine ? minus(minus(mine.fieldsV1, wanted), ...kept.map((one) => one.fieldsV1)) : {};
  const left = old ? (removed(type, old, given) as KubeObject) : config;
  const merged = merge(type, left, asked) as KubeObject;
  const entry: Managed = {
    manager,
    operation: "Apply",
    apiVersion: config.apiVersion,
    time: mine && same(mine.fieldsV1, wanted) && same(merged, old) ? mine.time : now,
    fieldsType: "FieldsV1",
    fieldsV1: wanted,
    ...(subresource && { subresource }),
  };
  return { ...merged, metadata: { ...merged.metadata, managedFields: [entry, ...kept] } };
}

export function typeOfSubject({ type, applyType }: Typed): FieldType {
  const name = type ?? (applyType !== undefined && types().has(applyType) ? applyType : undefined);
  return name === undefined ? { is: "any" } : { is: "object", name };
}

/** A kind, as far as its fields go. */
export type Typed = Pick<KindInfo, "type" | "applyType">;

/** A sub-resource's door is for its part alone. */
function part(config: KubeObject, subresource: Subresource | undefined): KubeObject {
  if (subresource === "scale") return config;
  const { status, ...rest } = config as KubeObject & { status?: unknown };
  if (subresource !== "status") return rest;
  const { apiVersion, kind, metadata } = rest;
  const { name, namespace, uid, resourceVersion } = metadata;
  const meant = { name, namespace, uid, resourceVersion };
  const said = Object.entries(meant).filter(([, value]) => value !== undefined);
  const naming = Object.fromEntries(said) as unknown as KubeObject["metadata"];
  return {
    apiVersion,
    kind,
    metadata: naming,
    ...(status !== undefined && { status }),
  };
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
export function owned(object: KubeObject, subresource?: string): Plain {
  const { status, ...rest } = object as unknown as Plain;
  const metadata = { ...(object.metadata as unknown as Plain) };
  for (const field of unownedMeta) delete metadata[field];
  for (const field of [...unowned, "metadata"]) delete rest[field];
  if (subresource === "status") return status === undefined ? {} : { status };
  return Object.keys(metadata).length > 0 ? { ...rest, metadata } : rest;
}

// ---- what is no such object ---------------------------------------------------------------------

/** What is applied is measured by the kind's own fields. (structured-merge-diff: typed) */
function checkTyped(type: FieldType, asked: KubeObject, config: KubeObject): void {
  const problems = [...new Set([...untyped(type, asked, ""), ...undeclared(asked)])].sort();
  if (problems.length === 0) return;
  const { apiVersion, kind, metadata } = config;
  const said = problems.length === 1 ? ` ${problems[0]!}` : ` errors:\n  ${problems.join("\n  ")}`;
  throw unexpected(
    `failed to create typed patch object (${metadata.namespace ?? ""}/${metadata.name}; ${withGroup(apiVersion)}, Kind=${kind}):${said}`,
  );
}

/** What a definition's schema does not have. */
const undeclared = (asked: KubeObject): string[] =>
  otherKinds
    .misfits(asked)
    .filter(({ problem }) => problem === "unknown")
    .map(({ path }) => `.${path}: field not declared in schema`);

/** "/v1", "apps/v1" */
const withGroup = (apiVersion: string): string =>
  apiVersion.includes("/") ? apiVersion : `/${apiVersion}`;

const goValue = (value: unknown): string =>
  `&value.valueUnstructured{Value:${isRecord(value) ? "map[string]interface {}{}" : JSON.stringify(value)}}`;

function untyped(type: FieldType, value: unknown, at: string, keys?: readonly string[]): string[] {
  if (value === null || value === undefined) return [];
  const not = (what: string, got = goValue(value)) => [`${at}: expected ${what}, got ${got}`];
  switch (type.is) {
    case "object":
      if (!isRecord(value)) return not("map");
      return Object.entries(value).flatMap(([name, inner]) => {
        const field = typeOf(type.name).fields.get(name);
        const isHeader = at === "" && unowned.includes(name);
        if (!field && !isHeader) return [`${at}.${name}: field not declared in schema`];
        return field ? untyped(field.type, inner, `${at}.${name}`, field.listKeys) : [];
      });
    case "map":
      if (!isRecord(value)) return not("map");
      return Object.entries(value).flatMap(([key, inner]) =>
        untyped(type.of, inner, `${at}.${key}`),
      );
    case "list":
      return Array.isArray(value) ? untypedList(type.of, value, at, keys) : not("list");
    case "string":
    case "time":
      return typeof value === "string" ? [] : not("string");
    case "bool":
      return typeof value === "boolean" ? [] : not("boolean");
    case "int":
    case "int64":
      return typeof value === "number" ? [] : not("numeric (int or float)", typeof value);
    default:
      return [];
  }
}

function untypedList(
  of: FieldType,
  list: readonly unknown[],
  at: string,
  keys: readonly string[] | undefined,
): string[] {
  const found = list.flatMap((item, i) => {
    const known = keys && isRecord(item) && keys.length > 0;
    return untyped(of, item, known ? at + shown([elementOf(item, keys, of)]) : `${at}[${i}]`);
  });
  if (!keys) return found;
  const elements = list.map((item) => shown([itemOf(item, keys, of)]));
  const twice = elements.filter((one, i) => elements.indexOf(one) < i);
  return [...found, ...new Set(twice)].map((one) =>
    twice.includes(one) ? `${at}: duplicate entries for key ${one}` : one,
  );
}

// ---- fields -------------------------------------------------------------------------------------

/** Keys of a list whose elements have owners of their own; undefined: it has one as a whole. */
type Keys = readonly string[] | undefined;

function elementOf(item: Plain, keys: readonly string[], of: FieldType): string {
  const unsaid = (key: string): unknown =>
    (of.is === "object" ? keyDefault(of.name, key) : undefined) ??
    (key === "protocol" ? "TCP" : "");
  const found = keys.map((key) => [key, ownField(item, key) ?? unsaid(key)]);
  return `k:${JSON.stringify(Object.fromEntries(found))}`;
}

const itemOf = (item: unknown, keys: readonly string[], of: FieldType): string =>
  keys.length > 0 && isRecord(item) ? elementOf(item, keys, of) : `v:${JSON.stringify(item)}`;

interface Part {
  element: string;
  type: FieldType;
  value: unknown;
}

/** What a value is made of, where its parts have owners of their own. */
export function partsOf(type: FieldType, value: unknown, keys?: Keys): Part[] | undefined {
  if (Array.isArray(value)) {
    if (!keys || (keys.length > 0 && !value.every(isRecord))) return undefined;
    const of: FieldType = type.is === "list" ? type.of : { is: "any" };
    return value.map((item: unknown) => ({
      element: itemOf(item, keys, of),
      type: of,
      value: item,
    }));
  }
  if (!isRecord(value) || isAtomic(type)) return undefined;
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .map(([name, inner]) => ({
      element: `f:${name}`,
      type: fieldOf(type, name).type,
      value: inner,
    }));
}

/** Selectors and references are one thing. (x-kubernetes-map-type: atomic) */
const isAtomic = (type: FieldType): boolean =>
  type.is === "object" && atomics.has(goName(type.name));

const atomics = new Set(
  "ConfigMapKeySelector CrossVersionObjectReference EndpointAddress EndpointPort FileKeySelector LabelSelector LocalObjectReference MatchResources NamedRuleWithOperations NodeSelector NodeSelectorTerm ObjectFieldSelector ObjectReference OwnerReference ParamKind ParamRef ResourceFieldSelector RoleRef ScopeSelector SecretKeySelector SecretReference ServiceBackendPort Subject TopologySelectorTerm Atomic TypedLocalObjectReference Variable".split(
    " ",
  ),
);
const atomic: FieldType = { is: "object", name: "LabelSelector" };
const atomicMaps = new Set([
  "ServiceSpec.selector",
  "PodSpec.nodeSelector",
  "ReplicationControllerSpec.selector",
  "Scheduling.nodeSelector",
]);

export function fieldOf(type: FieldType, name: string): { type: FieldType; keys?: Keys } {
  if (type.is === "object" && atomicMaps.has(`${goName(type.name)}.${name}`))
    return { type: atomic };
  if (type.is === "map") return { type: type.of };
  const field = type.is === "object" ? typeOf(type.name).fields.get(name) : undefined;
  return field ? { type: field.type, keys: field.listKeys } : { type: { is: "any" } };
}

/** The keys of what an element holds, where it is a field. */
export const keysIn = (type: FieldType, element: string): Keys =>
  element.startsWith("f:") ? fieldOf(type, element.slice(2)).keys : undefined;

export function fieldsOf(type: FieldType, value: unknown, keys?: Keys): Fields {
  const fields: Fields = {};
  for (const { element, type: inner, value: found } of partsOf(type, value, keys) ?? []) {
    const within = fieldsOf(inner, found, keysIn(type, element));
    const isItem = element.startsWith("k:") && !isAtomic(inner);
    fields[element] = isItem ? { ".": {}, ...within } : within;
  }
  return fields;
}

export const isLeaf = (fields: Fields): boolean => Object.keys(fields).length === 0;

/** Fields of `a` that are in none of the others. */
export function minus(a: Fields, ...others: readonly Fields[]): Fields {
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
  keys?: Keys,
): string[][] {
  const [before, after] = [partsOf(type, old, keys), partsOf(type, config, keys)].map(
    (parts) => new Map((parts ?? []).map((part) => [part.element, part])),
  ) as [Map<string, Part>, Map<string, Part>];
  const found: string[][] = [];
  for (const [element, within] of Object.entries(wanted)) {
    const shared = ownField<Fields>(theirs, element);
    const [was, is] = [before.get(element), after.get(element)];
    if (element === "." || !shared || !was || !is) continue;
    if (saysNothing(is)) continue; // and so changes nothing
    if (isLeaf(within) || isLeaf(shared)) {
      if (!same(was.value, is.value)) found.push([element]);
      continue;
    }
    const inner = differing(is.type, within, shared, was.value, is.value, keysIn(type, element));
    found.push(...inner.map((path) => [element, ...path]));
  }
  return found;
}

const saysNothing = ({ type, value }: Part): boolean =>
  value === null || (isRecord(value) && !isAtomic(type) && isLeaf(value as Fields));

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

/** What ends at a level comes before what goes on below it. (fieldpath.Set, Iterate) */
function byPath(a: readonly string[], b: readonly string[]): number {
  const level = a.findIndex((element, i) => element !== b[i]);
  if (level < 0) return a.length - b.length;
  const endsThere = (path: readonly string[]) => Number(path.length !== level + 1);
  const [x, y] = [a[level]!, b[level] ?? ""];
  return endsThere(a) - endsThere(b) || Number(x > y) - Number(x < y);
}

function refusal(
  subject: Subject,
  name: string,
  disputed: readonly { one: Managed; path: readonly string[] }[],
): ApiError {
  const inOrder = [...disputed].sort((a, b) => byPath(a.path, b.path));
  const causes = inOrder.map(({ one, path }) => {
    const by = one.subresource ? ` with subresource ${JSON.stringify(one.subresource)}` : "";
    const using = one.operation === "Update" ? ` using ${one.apiVersion}` : "";
    const message = `conflict with ${JSON.stringify(one.manager)}${by}${using}`;
    return { reason: "FieldManagerConflict", message, field: shown(path) };
  });
  const byManager = (a: { message: string }, b: { message: string }) =>
    Number(a.message > b.message) - Number(a.message < b.message);
  return conflicts(subject, name, causes.sort(byManager));
}

// ---- merging ------------------------------------------------------------------------------------

/** The value without the fields that are given up. */
function removed(type: FieldType, value: unknown, given: Fields, keys?: Keys): unknown {
  const parts = partsOf(type, value, keys);
  if (!parts || isLeaf(given)) return value;
  const kept = parts.flatMap((part) => {
    const gone = ownField<Fields>(given, part.element);
    if (!gone) return [part];
    if (isLeaf(gone) || gone["."]) return [];
    return [{ ...part, value: removed(part.type, part.value, gone, keysIn(type, part.element)) }];
  });
  if (Array.isArray(value)) return kept.map((part) => part.value);
  const result: Plain = {};
  for (const part of kept) setField(result, part.element.slice(2), part.value);
  return result;
}

/** What is applied goes over what there is; lists with keys by element, new ones last. */
function merge(type: FieldType, there: unknown, config: unknown, keys?: Keys): unknown {
  if (config === null) return there;
  const parts = partsOf(type, config, keys);
  const before = partsOf(type, there, keys);
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
    setField(result, name, merge(inner, ownField(result, name), value, keysIn(type, element)));
  }
  return result;
}
