/**
 * Who wrote which fields by other means than a server-side apply: each write over HTTP names its
 * manager, and an apply by somebody else is then told of it. Components of this process name none,
 * and pay nothing. (apimachinery: pkg/util/managedfields/internal, Update)
 */
import type { Subresource } from "../api/client.js";
import { stamp } from "../api/time.js";
import { isRecord, same } from "../objects/freeze.js";
import { specOf } from "../objects/kinds.js";
import type { FieldType } from "../objects/schema.js";
import type { KubeObject } from "../objects/types.js";
import {
  fieldsOf,
  isLeaf,
  keysIn,
  minus,
  owned,
  partsOf,
  typeOfSubject,
  type Fields,
  type Managed,
  type Typed,
} from "./apply.js";
import { otherPatches } from "./patch.js";

export interface Writing {
  manager: string;
  /** The moment, as a stamp. */
  now: string;
  subresource: Subresource | "finalize" | undefined;
}

/** The managers of an object once `now` stands where `old` stood; old: undefined, it is new. */
function managed(
  subject: Typed,
  old: KubeObject | undefined,
  next: KubeObject,
  { manager, now, subresource }: Writing,
): Managed[] {
  const type = typeOfSubject(subject);
  const [was, is] = [old ? owned(old, subresource) : {}, owned(next, subresource)];
  const touched = changes(type, was, is);
  const gone = minus(fieldsOf(type, was), fieldsOf(type, is));
  const before = (old?.metadata.managedFields ?? []) as Managed[];
  const isMine = (one: Managed) =>
    one.manager === manager &&
    one.operation === "Update" &&
    one.apiVersion === next.apiVersion &&
    one.subresource === subresource;
  const mine = before.find(isMine);
  const others = before
    .filter((one) => one !== mine)
    .map((one) => without(one, gone, touched))
    .filter(({ fieldsV1 }) => !isLeaf(fieldsV1));
  const all = union(mine ? minus(mine.fieldsV1, gone) : {}, touched);
  // a Scale of none leaves its number out, and so it is nobody's
  const isNone = subresource === "scale" && (specOf(next) as { replicas?: number }).replicas === 0;
  const own = isNone ? minus(all, { "f:spec": { "f:replicas": {} } }) : all;
  if (isLeaf(own)) return others;
  const isSame = mine && same(mine.fieldsV1, own);
  const entry: Managed = {
    manager,
    operation: "Update",
    apiVersion: next.apiVersion,
    time: isSame && isLeaf(touched) ? mine.time : now,
    fieldsType: "FieldsV1",
    fieldsV1: own,
    ...(subresource && { subresource }),
  };
  return [...others, entry];
}

function without(one: Managed, ...fields: readonly Fields[]): Managed {
  const left = fields.reduce((rest, gone) => minus(rest, gone), one.fieldsV1);
  return left === one.fieldsV1 ? one : { ...one, fieldsV1: left };
}

/** The fields of `is` that `was` has not, or has with another value. */
function changes(type: FieldType, was: unknown, is: unknown, keys?: readonly string[]): Fields {
  const before = new Map((partsOf(type, was, keys) ?? []).map((part) => [part.element, part]));
  const found: Fields = {};
  for (const { element, type: inner, value } of partsOf(type, is, keys) ?? []) {
    const there = before.get(element);
    const own = keysIn(type, element);
    if (!there) {
      const within = fieldsOf(inner, value, own);
      found[element] =
        element.startsWith("k:") && isRecord(value) ? { ".": {}, ...within } : within;
      continue;
    }
    if (same(there.value, value)) continue;
    const isWhole = !partsOf(inner, value, own) || !partsOf(inner, there.value, own);
    const within = isWhole ? {} : changes(inner, there.value, value, own);
    if (isWhole || !isLeaf(within)) found[element] = within;
  }
  return found;
}

function union(a: Fields, b: Fields): Fields {
  const result = { ...a };
  for (const [element, within] of Object.entries(b))
    result[element] = result[element] ? union(result[element], within) : within;
  return result;
}

otherPatches.managed = (subject, old, next, clock, { fieldManager: manager }, subresource) => {
  if (!manager) return next;
  const now = stamp(clock.now());
  const managedFields = managed(subject, old, next, { manager, now, subresource });
  return { ...next, metadata: { ...next.metadata, managedFields } };
};
