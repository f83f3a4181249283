import { badRequest } from "../api/errors.js";
import type { Clock } from "../api/clock.js";
import type { Patch, Subresource, WriteOptions } from "../api/client.js";
import { isRecord, ownField, setField } from "../objects/freeze.js";
import type { Typed } from "./apply.js";
import type { apply } from "./apply-request.js";
import type { KubeObject } from "../objects/types.js";
import { cameAs } from "./decode.js";
import { checkBounds } from "./bounds.js";
import type { jsonPatched } from "./json-patch.js";
import type { strategic } from "./strategic-patch.js";

/**
 * The patches that components and the notebook's own client do not send: JSON patch (RFC 6902),
 * Kubernetes' strategic merge patch and server-side apply. Who imports other-patches.ts has them;
 * without it, as in a page's first chunk, each throws.
 */
export interface OtherPatches {
  jsonPatched: typeof jsonPatched;
  strategic: typeof strategic;
  apply: typeof apply;
  /** With who wrote what, where he says who he is. (managed-fields.ts) */
  managed: (
    subject: Typed,
    old: KubeObject | undefined,
    next: KubeObject,
    clock: Clock,
    options: WriteOptions,
    subresource?: Subresource | "finalize",
  ) => KubeObject;
}

const notLoaded = (): never => {
  throw new Error("patch: only merge patches are known until given.js is loaded");
};

export const otherPatches: OtherPatches = {
  jsonPatched: notLoaded,
  strategic: notLoaded,
  apply: notLoaded,
  managed: (_subject, _old, next) => next,
};

/**
 * The object as a patch makes it. Nothing is changed in place: what a patch does not touch is
 * shared with the original. (apiserver: pkg/endpoints/handlers/patch.go)
 */
export function patched(type: string | undefined, object: unknown, patch: Patch): unknown {
  const result = changed(type, object, patch);
  checkBounds(result);
  return result;
}

function changed(type: string | undefined, object: unknown, { type: how, body }: Patch): unknown {
  if (how === "json") return otherPatches.jsonPatched(object, body);
  if (!isRecord(body)) {
    const start = how === "strategic" ? "" : "error decoding patch: ";
    throw badRequest(
      `${start}json: cannot unmarshal ${cameAs(body)} into Go value of type map[string]interface {}`,
    );
  }
  if (how === "merge") return merged(object, body);
  return otherPatches.strategic(type, object, body);
}

/** RFC 7396: objects merge, null removes, all else replaces. */
export function merged(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setField(result, key, merged(ownField(result, key), value));
  }
  return result;
}
