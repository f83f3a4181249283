import { badRequest, unsupportedMediaType } from "../api/errors.js";
import type { Patch } from "../api/client.js";
import { isRecord, ownField, setField } from "../objects/freeze.js";
import type { applied } from "./apply.js";
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
  applied: typeof applied;
}

const notLoaded = (): never => {
  throw new Error("patch: only merge patches are known until given.js is loaded");
};

export const otherPatches: OtherPatches = {
  jsonPatched: notLoaded,
  strategic: notLoaded,
  applied: notLoaded,
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
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${cameAs(body)} into Go value of type map[string]interface {}`,
    );
  }
  if (how === "merge") return merged(object, body);
  if (type === undefined) throw unsupportedMediaType(noStrategy);
  return otherPatches.strategic({ is: "object", name: type }, object, body);
}

const noStrategy =
  "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json";

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
