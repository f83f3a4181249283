import type { Patch } from "../machinery/client.js";
import type { KindInfo } from "../objects/kinds.js";
import type { KubeObject } from "../objects/types.js";
import { badRequest } from "./errors.js";

/** The object with the patch applied; nothing is changed in place. */
export function patched(_info: KindInfo, object: KubeObject, patch: Patch, _subresource?: string): unknown {
  if (patch.type === "merge" || patch.type === "strategic") return merged(object, patch.body);
  throw badRequest("json patch");
}

/** RFC 7396. */
export function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
