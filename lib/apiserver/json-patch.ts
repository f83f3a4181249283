/** JSON patch (RFC 6902), within kube-apiserver's limits. */
import { ApiError, badRequest, tooLarge } from "../api/errors.js";
import { isRecord, ownField, same, setField } from "../objects/freeze.js";
import { cameAs } from "./decode.js";
import { maxBytes, sizeOf } from "./bounds.js";

/** More than a person or a program has reason to send at once. (maxJSONPatchOperations) */
const maxOperations = 10_000;

export function jsonPatched(object: unknown, body: unknown): unknown {
  if (!Array.isArray(body))
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${cameAs(body)} into Go value of type []handlers.jsonPatchOp`,
    );
  if (body.length > maxOperations)
    throw tooLarge(
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${body.length}`,
    );
  const draft = new Draft(object);
  for (const operation of body as unknown[]) {
    if (!isRecord(operation))
      throw badRequest(`a JSON patch operation is an object; got ${JSON.stringify(operation)}`);
    apply(draft, operation);
  }
  return draft.value;
}

function apply(draft: Draft, operation: Record<string, unknown>): void {
  const { op } = operation;
  const [path, value] = [ownField(operation, "path"), ownField(operation, "value")];
  const to = pointer(path, "path");
  switch (op) {
    case "test":
      if (!same(draft.find(to) ?? null, value ?? null))
        throw unprocessable(`testing value ${JSON.stringify(path)} failed`);
      return;
    case "remove":
      return draft.remove(to);
    case "replace":
      return draft.replace(to, value);
    case "add":
      return draft.add(to, value);
    case "copy":
      return draft.copy(pointer(operation["from"], "from"), to);
    case "move": {
      const from = pointer(operation["from"], "from");
      const moved = draft.read(from);
      draft.remove(from);
      return draft.add(to, moved);
    }
    default:
      throw (op === undefined ? badRequest : unprocessable)(
        `unknown JSON patch operation ${JSON.stringify(op) ?? "without op"}: it is add, remove, replace, move, copy or test`,
      );
  }
}

type Pointer = readonly string[];
type Collection = Record<string, unknown> | unknown[];

/** RFC 6901. */
function pointer(text: unknown, what: string): Pointer {
  if (typeof text !== "string" || (text !== "" && !text.startsWith("/")))
    throw unprocessable(
      `a JSON patch operation's ${what} begins with "/"; got ${JSON.stringify(text) ?? "none"}`,
    );
  return text
    .split("/")
    .slice(1)
    .map((part) => part.replace(/~1/g, "/").replace(/~0/g, "~"));
}

const missing = (path: Pointer) => unprocessable(`there is nothing at /${path.join("/")}`);
const isCollection = (value: unknown): value is Collection =>
  isRecord(value) || Array.isArray(value);

/**
 * The object while it is patched: shared with the original but for the collections on the way to a
 * change, which are copied once and then changed in place.
 */
class Draft {
  readonly #own = new WeakSet<object>();
  #copied = 0;

  constructor(public value: unknown) {}

  read(path: Pointer): unknown {
    return path.reduce<unknown>((value, key) => {
      const found = isCollection(value) ? child(value, key) : undefined;
      if (found === undefined) throw missing(path);
      return found;
    }, this.value);
  }

  /** undefined: there is nothing, which a test takes for null. */
  find(path: Pointer): unknown {
    return path.reduce<unknown>(
      (value, key) => (isCollection(value) ? child(value, key) : undefined),
      this.value,
    );
  }

  add(path: Pointer, value: unknown): void {
    const [parent, key] = this.#parent(path);
    if (!parent) this.value = value;
    else if (!Array.isArray(parent)) setField(parent, key, value);
    else {
      const place = key === "-" ? parent.length : index(key, parent.length + 1);
      if (place === undefined || place > parent.length) throw missing(path);
      parent.splice(place, 0, value);
    }
  }

  /** A field need not be there, as in the library that upstream uses. (evanphx/json-patch) */
  replace(path: Pointer, value: unknown): void {
    const [parent, key] = this.#parent(path);
    if (!parent) this.value = value;
    else if (!Array.isArray(parent)) setField(parent, key, value);
    else {
      const place = index(key, parent.length);
      if (place === undefined || place >= parent.length) throw missing(path);
      parent[place] = value;
    }
  }

  remove(path: Pointer): void {
    this.read(path);
    const [parent, key] = this.#parent(path);
    if (!parent) throw unprocessable("the whole object cannot be removed by a patch");
    if (Array.isArray(parent)) parent.splice(index(key, parent.length)!, 1);
    else delete parent[key];
  }

  /** As each copy may hold the copies before it, a few lines could ask for any size. */
  copy(from: Pointer, to: Pointer): void {
    const value = this.read(from);
    this.#copied += sizeOf(value, maxBytes).bytes;
    if (this.#copied > maxBytes)
      throw unprocessable(
        `Unable to complete the copy, the accumulated size increase of copy is ${this.#copied}, exceeding the limit ${maxBytes}`,
      );
    // a copy of its own: a later change here must not be one there
    this.add(to, structuredClone(value));
  }

  /** Where the path's last key is looked for, made ready to be changed; none: the path is "". */
  #parent(path: Pointer): [Collection | undefined, string] {
    const key = path.at(-1);
    if (key === undefined) return [undefined, ""];
    let parent = this.#owned(this.value, path);
    this.value = parent;
    for (const step of path.slice(0, -1)) {
      const next = this.#owned(child(parent, step), path);
      if (Array.isArray(parent)) parent[index(step, parent.length)!] = next;
      else setField(parent, step, next);
      parent = next;
    }
    return [parent, key];
  }

  #owned(value: unknown, path: Pointer): Collection {
    if (!isCollection(value)) throw missing(path);
    if (this.#own.has(value)) return value;
    const copy = Array.isArray(value) ? value.slice() : { ...value };
    this.#own.add(copy);
    return copy;
  }
}

const child = (parent: Collection, key: string): unknown =>
  Array.isArray(parent) ? parent[index(key, parent.length) ?? -1] : ownField(parent, key);

/** A list's index as a pointer writes it; -1 is the last, as in the library that upstream uses. */
function index(key: string, length: number): number | undefined {
  if (!/^-?\d{1,9}$/.test(key)) return undefined;
  const place = Number(key);
  if (place >= 0) return place;
  return place + length >= 0 ? place + length : undefined;
}

/** Upstream keeps to itself what is wrong; here it is among the causes. */
function unprocessable(why: string): ApiError {
  return new ApiError({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    code: 422,
    reason: "Invalid",
    message: "the server rejected our request due to an error in our request",
    details: { causes: [{ reason: "UnexpectedServerResponse", message: why }] },
  });
}
