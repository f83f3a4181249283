/**
 * The patch that `kubectl apply` sends: what the manifest says now, and the end of what it said the
 * last time and says no more. Lists merge by their keys, as everywhere.
 * (k8s.io/apimachinery: pkg/util/strategicpatch, CreateThreeWayMergePatch)
 */
import { isRecord, ownField } from "./freeze.js";
import { kindOf } from "./kinds.js";
import { typeOf, type Field, type FieldType } from "./schema.js";
import type { KubeObject } from "./types.js";

type Fields = Record<string, unknown>;

/** `before`: what the manifest said the last time. */
export function withDeletions(before: KubeObject | undefined, now: KubeObject): unknown {
  const type = kindOf(now)?.type;
  const none = before ?? { apiVersion: now.apiVersion, kind: now.kind };
  return changes(type === undefined ? { is: "any" } : { is: "object", name: type }, none, now);
}

/** What leads from one to the other; null for what is gone. */
function changes(type: FieldType, before: unknown, now: unknown): unknown {
  if (!isRecord(now)) return now;
  const old: Fields = isRecord(before) ? before : {};
  const patch: Fields = {};
  for (const key of Object.keys(old)) if (!Object.hasOwn(now, key)) patch[key] = null;
  for (const [key, value] of Object.entries(now)) {
    const field = type.is === "object" ? typeOf(type.name).fields.get(key) : undefined;
    const inner = field?.type ?? (type.is === "map" ? type.of : ({ is: "any" } as const));
    if (Array.isArray(value) && field?.mergeKey !== undefined)
      Object.assign(patch, listChanges(field, asList(ownField(old, key)), value));
    else patch[key] = changes(inner, ownField(old, key), value);
  }
  return patch;
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A list that merges: by its items' keys, or as a set. */
function listChanges(
  { name, type, mergeKey }: Field,
  before: readonly unknown[],
  now: readonly unknown[],
): Fields {
  if (!mergeKey) {
    const gone = before.filter((one) => !now.includes(one));
    return { [name]: now, ...(gone.length > 0 && { [`$deleteFromPrimitiveList/${name}`]: gone }) };
  }
  const keyOf = (item: unknown): unknown => (isRecord(item) ? ownField(item, mergeKey) : undefined);
  // without keys they cannot be told apart: kubectl has nothing to merge by either
  if (now.some((item) => keyOf(item) === undefined)) return { [name]: now };
  const keys = new Set(now.map(keyOf));
  const of = type.is === "list" ? type.of : ({ is: "any" } as const);
  const gone = before
    .map(keyOf)
    .filter((key) => key !== undefined && !keys.has(key))
    .map((key) => ({ $patch: "delete", [mergeKey]: key }));
  const kept = now.map((item) =>
    changes(
      of,
      before.find((one) => keyOf(one) === keyOf(item)),
      item,
    ),
  );
  const isSameOrder = before.length === 0 || keys.size !== now.length;
  return {
    [name]: [...gone, ...kept],
    ...(!isSameOrder && {
      [`$setElementOrder/${name}`]: [...keys].map((key) => ({ [mergeKey]: key })),
    }),
  };
}
