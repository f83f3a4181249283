import { badRequest, tooLarge } from "../api/errors.js";

/**
 * How large an object may be: what fits one request. A client can send no more at once; a patch
 * must not make more of it. (apiserver: pkg/server/config.go, MaxRequestBodyBytes and
 * JSONPatchMaxCopyBytes)
 */
export const maxBytes = 3 * 1024 * 1024;

/** Nested collections; the deepest field of a Pod has about fifteen. */
export const maxDepth = 100;

/** Throws where a value, as JSON, is larger or deeper than a request may be. */
export function checkBounds(value: unknown): void {
  const { bytes, depth } = sizeOf(value, maxBytes);
  if (bytes > maxBytes) throw tooLarge(`Request entity too large: limit is ${maxBytes}`);
  if (depth > maxDepth) throw badRequest(`the object nests more than ${maxDepth} levels deep`);
}

/** Bytes of a value as JSON, and how deep it nests. Counting stops once `limit` is passed. */
export function sizeOf(value: unknown, limit: number): { bytes: number; depth: number } {
  const open: { value: unknown; depth: number }[] = [{ value, depth: 0 }];
  let [bytes, deepest] = [0, 0];
  for (let next = open.pop(); next && bytes <= limit; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== "object" || value === null) {
      bytes += typeof value === "string" ? bytesOf(value) + 2 : String(value).length;
      continue;
    }
    deepest = Math.max(deepest, depth + 1);
    if (deepest > maxDepth) break;
    bytes += 2;
    for (const key of Object.keys(value)) {
      bytes += Array.isArray(value) ? 1 : bytesOf(key) + 4;
      if (bytes > limit) break;
      open.push({ value: (value as Record<string, unknown>)[key], depth: depth + 1 });
    }
  }
  return { bytes, depth: deepest };
}

/** In UTF-8, where a character outside of ASCII has two bytes or more. */
function bytesOf(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) bytes += code > 0x7ff ? 2 : 1;
  }
  return bytes;
}
