/**
 * A deeply frozen copy that shares every part which is frozen already, so that an update costs what
 * it changes and a ReplicaSet's thousand Pods hold one template. As in JSON, `undefined` fields
 * vanish; so do nulls, which Kubernetes reads as absent.
 */
export function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(frozen)) as T;
  return frozenItself({ ...value });
}

/**
 * As `frozen`, of a record that is the caller's own: it is frozen itself, not a copy of it, unless
 * some of its fields have to vanish.
 */
export function frozenItself<T extends object>(record: T): T {
  const own = record as Record<string, unknown>;
  for (const key in own) {
    const part = own[key];
    if (part === undefined || part === null) return withoutNothing(record);
    if (typeof part === "object" && !Object.isFrozen(part)) own[key] = frozen(part);
  }
  return Object.freeze(record);
}

function withoutNothing<T extends object>(record: T): T {
  const copy: Record<string, unknown> = {};
  for (const key in record) {
    const part = (record as Record<string, unknown>)[key];
    if (part !== undefined && part !== null) setField(copy, key, frozen(part));
  }
  return Object.freeze(copy) as T;
}

/**
 * Whether two JSON values are equal; shared parts cost nothing, an absent field equals an undefined
 * one.
 */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (
    typeof a !== "object" ||
    typeof b !== "object" ||
    a === null ||
    b === null ||
    Array.isArray(a) !== Array.isArray(b)
  )
    return false;
  if (Array.isArray(a))
    return (
      a.length === (b as unknown[]).length && a.every((item, i) => same(item, (b as unknown[])[i]))
    );
  return sameFields(a as Record<string, unknown>, b as Record<string, unknown>);
}

/** Where all fields of one are the other's, it has no more of them if it has as many. */
function sameFields(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  let more = 0;
  for (const key in a) {
    const part = a[key];
    if (part !== undefined) more--;
    if (part !== b[key] && !same(part, ownField(b, key))) return false;
  }
  for (const key in b) if (b[key] !== undefined) more++;
  return more === 0;
}

/** A field of any name, be it "constructor": what all objects inherit is no field. */
export const ownField = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;

/** Sets an own field of any name: plain assignment of `__proto__` would set the prototype. */
export function setField(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__")
    Object.defineProperty(target, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  else target[key] = value;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
