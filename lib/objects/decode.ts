/**
 * The one decoder: every object that comes in from outside passes it, be it a request's body, a
 * patched object, an answer of another API server, a value out of etcd, a manifest or a dump. It
 * does what Go's decoder does (k8s.io/apimachinery: pkg/runtime/serializer/json), driven by the
 * table of fields (schema.ts):
 *
 * - null is absent; within a list or a map it is the empty value of its type
 * - "", 0 and false are absent where Go has no pointer, so that defaults apply
 * - what is always there is there: a missing spec is {}, missing endpoints are []
 *
 * So nothing behind it is null, and all is there that the types say is there. A value that is so
 * already comes back as it is, shared.
 */
import { frozen, isRecord, setField } from "./freeze.js";
import { isQuantity } from "./quantity.js";
import { typeOf, type Field, type FieldType } from "./schema.js";

/** A place where a value does not fit its type. */
export interface Misfit {
  /** spec.ports[0].port */
  path: string;
  problem: "unknown" | "type";
  /** The known fields there, or the type that is needed. */
  allowed: readonly string[] | FieldType;
  value: unknown;
  /** The type that the field belongs to. */
  owner: string;
  /** The field, where the value stands in a map of plain values. */
  map?: string;
}

export interface DecodeOptions {
  /** What becomes of fields that the type does not have; they are misfits either way. */
  unknown?: "drop" | "keep";
  /** Whether what is of a wrong type is left out. Otherwise it stays, for who refuses the whole. */
  mend?: boolean;
  /**
   * Only nulls go: zero values stay, and nothing is added. For a manifest, which may become a patch
   * that says `false` where true is stored.
   */
  asWritten?: boolean;
}

/** A value as the type called `name` has it, and where it did not fit. */
export function decode<T>(
  name: string,
  value: unknown,
  { unknown = "drop", mend = false, asWritten = false }: DecodeOptions = {},
): { value: T; misfits: Misfit[] } {
  const type = { is: "object", name } as const;
  if (!asWritten && checkOf(type)(value)) return { value: value as T, misfits: [] };
  const decoder = decoderOf(type);
  if (!asWritten) {
    const decoded = decoder(value, undefined, "", name);
    if (decoded !== MISFIT) return { value: decoded as T, misfits: [] };
  }
  // only now is a path worth its price
  const notes: Notes = { misfits: [], keep: unknown === "keep", mend, asWritten };
  const decoded = decoder(value, notes, "", name);
  return { value: (decoded === ABSENT ? {} : decoded) as T, misfits: notes.misfits };
}

interface Notes {
  misfits: Misfit[];
  keep: boolean;
  mend: boolean;
  asWritten: boolean;
}

/** Without notes, the first misfit ends it: the answer is MISFIT. */
type Decoder = (value: unknown, notes: Notes | undefined, path: string, owner: string) => unknown;

const MISFIT = Symbol("misfit");
const ABSENT = Symbol("absent");

function misfit(notes: Notes | undefined, found: Misfit): unknown {
  if (!notes) return MISFIT;
  notes.misfits.push(found);
  const leftOut = found.problem === "unknown" ? !notes.keep : notes.mend;
  return leftOut ? ABSENT : found.value;
}

const isNothing = (value: unknown): value is null | undefined =>
  value === null || value === undefined;

// ---- whether there is nothing to decode ----
//
// Most of what is written comes from the cluster's own components, and is as the types say. To see
// that costs a third of decoding it.

type Check = (value: unknown) => boolean;
const checks = new Map<string, Check>();

function checkOf(type: FieldType): Check {
  if (type.is === "list") {
    const item = checkOf(type.of);
    return (value) => Array.isArray(value) && value.every(item);
  }
  if (type.is === "map") {
    const item = checkOf(type.of);
    return (value) => isRecord(value) && everyField(value, (_, part) => item(part));
  }
  if (type.is === "any") return (value) => !isNothing(value);
  if (type.is === "time") return (value) => scalars.time(value) && (value as string).endsWith("Z");
  if (type.is !== "object") return type.is === "quantity" ? isQuantityText : scalars[type.is];
  let check = checks.get(type.name);
  if (!check) {
    // by way of the map, so that a type may hold itself
    let made: Check | undefined;
    checks.set(type.name, (value) => made!(value));
    checks.set(type.name, (check = made = objectCheck(type.name)));
  }
  return check;
}

const isQuantityText: Check = (value) => typeof value === "string" && isQuantity(value);

function objectCheck(name: string): Check {
  const fields = [...typeOf(name).fields.values()];
  const parts = new Map(fields.map((field) => [field.name, fieldCheck(field)]));
  const always = fields.filter((field) => field.always).map((field) => field.name);
  const known = remembered[name];
  const fits = (key: string, part: unknown): boolean => parts.get(key)?.(part) ?? false;
  return (value) =>
    isRecord(value) &&
    (known?.get(value) === value ||
      (everyField(value, fits) && always.every((key) => value[key] !== undefined)));
}

/** A value of the field's type that is not taken for an unset one. */
function fieldCheck(field: Field): Check {
  const check = checkOf(field.type);
  const unset = partOf(field).isUnset;
  const isPlain = countsAlways(field) && field.type.is !== "map";
  return isPlain ? check : (value) => check(value) && !unset(value);
}

function everyField(
  record: Record<string, unknown>,
  fits: (key: string, part: unknown) => boolean,
): boolean {
  for (const key in record) if (!fits(key, record[key])) return false;
  return true;
}

// ---- one decoder for each type, made once ----

const decoders = new Map<string, Decoder>();

function decoderOf(type: FieldType): Decoder {
  if (type.is === "list") return listDecoder(type);
  if (type.is === "map") return mapDecoder(type);
  if (type.is !== "object") return scalarDecoder(type);
  let decoder = decoders.get(type.name);
  if (!decoder) {
    // by way of the map, so that a type may hold itself
    let made: Decoder | undefined;
    decoders.set(type.name, (...all) => made!(...all));
    decoders.set(type.name, (decoder = made = objectDecoder(type)));
  }
  return decoder;
}

/**
 * Frozen values of the types that are shared by many, or of which a few in a hundred change, and
 * what they decode to.
 */
const remembered: Record<string, WeakMap<object, unknown>> = {
  PodSpec: new WeakMap(),
  Endpoint: new WeakMap(),
};

function objectDecoder(type: Extract<FieldType, { is: "object" }>): Decoder {
  const fields = [...typeOf(type.name).fields.values()];
  const parts = new Map(fields.map((field) => [field.name, partOf(field)]));
  const always = fields
    .filter((field) => field.always)
    .map((field) => ({ name: field.name, empty: emptyOf(field.type) }));
  const known = remembered[type.name];

  const one: DecodeField = (key, value, notes, path) => {
    if (isNothing(value)) return ABSENT;
    const field = parts.get(key);
    if (field?.isUnset(value) && !notes?.asWritten) return ABSENT;
    if (field) return field.decoder(value, notes, path, type.name);
    const allowed = [...parts.keys()];
    return misfit(notes, { path, problem: "unknown", allowed, value, owner: type.name });
  };

  return (value, notes, path, owner) => {
    if (!isRecord(value))
      return misfit(notes, { path, problem: "type", allowed: type, value, owner });
    const before = notes ? undefined : known?.get(value);
    if (before) return before;
    let result = decodeFields(value, one, notes, path);
    if (result === MISFIT) return MISFIT;
    if (!notes?.asWritten) result = completed(result as Record<string, unknown>, always);
    if (!known || notes || !Object.isFrozen(value)) return result;
    const shared = frozen(result) as object;
    known.set(value, shared).set(shared, shared);
    return shared;
  };
}

/** What a record's field decodes to: a value, ABSENT or MISFIT. */
type DecodeField = (key: string, value: unknown, notes: Notes | undefined, path: string) => unknown;

/** The record with each field decoded; the very same where nothing changed. */
function decodeFields(
  value: Record<string, unknown>,
  one: DecodeField,
  notes: Notes | undefined,
  path: string,
): unknown {
  const keys = Object.keys(value);
  let copy: Record<string, unknown> | undefined;
  for (const [i, key] of keys.entries()) {
    const part = value[key];
    const next = one(key, part, notes, notes ? (path ? `${path}.${key}` : key) : "");
    if (next === MISFIT) return MISFIT;
    if (next === part && !copy) continue;
    copy ??= withKeys(value, keys.slice(0, i));
    if (next !== ABSENT) setField(copy, key, next);
  }
  return copy ?? value;
}

function withKeys(value: Record<string, unknown>, keys: readonly string[]) {
  const copy: Record<string, unknown> = {};
  for (const key of keys) setField(copy, key, value[key]);
  return copy;
}

function completed(
  value: Record<string, unknown>,
  always: readonly { name: string; empty: () => unknown }[],
): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const { name, empty } of always)
    if (value[name] === undefined) (copy ??= { ...value })[name] = empty();
  return copy ?? value;
}

/** A field's decoder, and whether a value says no more than that the field is not set. */
function partOf(field: Field): { decoder: Decoder; isUnset: (value: unknown) => boolean } {
  const { type } = field;
  return {
    decoder: decoderOf(type),
    isUnset: countsAlways(field)
      ? type.is === "map" && !field.required
        ? isEmptyMap // omitempty
        : () => false
      : (value) =>
          (value === 0 || value === "" || value === false) && zeroes(type.is).includes(value),
  };
}

function isEmptyMap(value: unknown): boolean {
  if (!isRecord(value)) return false;
  for (const _ in value) return false;
  return true;
}

/** Whether the zero value of the field's type is a value like any other. */
const countsAlways = ({ type, required, pointer }: Field): boolean =>
  required || pointer || !hasZero.has(type.is);

const hasZero = new Set<FieldType["is"]>(["string", "int", "int64", "bool", "intOrString"]);
function zeroes(is: FieldType["is"]): readonly (string | number | boolean)[] {
  if (is === "string") return [""];
  if (is === "bool") return [false];
  return is === "intOrString" ? [0, ""] : [0];
}

/** What stands where nothing came. */
function emptyOf(type: FieldType): () => unknown {
  switch (type.is) {
    case "object": {
      let empty: unknown;
      return () => (empty ??= frozen(decode(type.name, {}).value));
    }
    case "list":
      return () => emptyList;
    case "map":
      return () => emptyMap;
    case "bool":
      return () => false;
    case "int":
    case "int64":
    case "intOrString":
      return () => 0;
    case "quantity":
      return () => "0";
    case "any":
      return () => null;
    case "string":
    case "time":
      return () => "";
  }
}

const emptyList = Object.freeze([]);
const emptyMap = Object.freeze({});

function listDecoder(type: Extract<FieldType, { is: "list" }>): Decoder {
  const [item, empty] = [decoderOf(type.of), emptyOf(type.of)];
  return (value, notes, path, owner) => {
    if (!Array.isArray(value))
      return misfit(notes, { path, problem: "type", allowed: type, value, owner });
    // a dash with nothing behind it: who wrote that has forgotten something
    const needed = type.of.is === "object" && notes?.asWritten;
    let copy: unknown[] | undefined;
    for (const [i, part] of (value as unknown[]).entries()) {
      let next: unknown = ABSENT;
      if (!isNothing(part) || needed) next = item(part, notes, notes ? `${path}[${i}]` : "", owner);
      if (next === MISFIT) return MISFIT;
      if (next === ABSENT) next = empty();
      if (next !== part) (copy ??= value.slice())[i] = next;
    }
    return copy ?? value;
  };
}

function mapDecoder(type: Extract<FieldType, { is: "map" }>): Decoder {
  const [item, empty] = [decoderOf(type.of), emptyOf(type.of)];
  return (value, notes, path, owner) => {
    if (!isRecord(value))
      return misfit(notes, { path, problem: "type", allowed: type, value, owner });
    const one: DecodeField = (_, part, notes, here) => {
      if (part === undefined) return ABSENT;
      if (part === null) return empty();
      const before = notes?.misfits.length ?? 0;
      const decoded = item(part, notes, here, owner);
      const found = notes?.misfits[before];
      if (found?.path === here) found.map = path;
      return decoded;
    };
    return decodeFields(value, one, notes, path);
  };
}

function scalarDecoder(type: FieldType): Decoder {
  const fits = scalars[type.is as keyof typeof scalars];
  // Go writes a quantity as a text, also one that came as a number, and moments in UTC
  const kept = (value: unknown) =>
    type.is === "quantity" ? String(value) : type.is === "time" ? inUTC(value as string) : value;
  return (value, notes, path, owner) =>
    fits(value)
      ? notes?.asWritten
        ? value
        : kept(value)
      : misfit(notes, { path, problem: "type", allowed: type, value, owner });
}

const inUTC = (moment: string): string =>
  moment.endsWith("Z")
    ? moment
    : new Date(moment).toISOString().slice(0, 19) + (/\.\d{6}/.exec(moment)?.[0] ?? "") + "Z";

type Fits = (value: unknown) => boolean;

const whole =
  (bits: 32 | 64): Fits =>
  (value) =>
    Number.isInteger(value) && Math.abs(value as number) < 2 ** (bits - 1);
const text: Fits = (value) => typeof value === "string";

/** RFC 3339, of a moment that there is. The last one is remembered: much happens in one second. */
function isTime(value: string): boolean {
  if (value === lastTime) return true;
  const good =
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(value) &&
    !Number.isNaN(Date.parse(value));
  if (good) lastTime = value;
  return good;
}
let lastTime: string | undefined;

const scalars: Record<Exclude<FieldType["is"], "list" | "map" | "object">, Fits> = {
  string: text,
  time: (value) => typeof value === "string" && isTime(value),
  int: whole(32),
  int64: whole(64),
  bool: (value) => typeof value === "boolean",
  quantity: (value) =>
    typeof value === "string" ? isQuantity(value) : typeof value === "number" && isFinite(value),
  intOrString: (value) => text(value) || whole(32)(value),
  any: () => true,
};
