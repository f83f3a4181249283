import { isRecord } from "./freeze.js";
import type { KubeObject } from "./types.js";

/**
 * The patch that `kubectl apply` sends: what the manifest says now, and null for what it said the
 * last time and says no more. (k8s.io/apimachinery: pkg/util/strategicpatch,
 * CreateThreeWayMergePatch; lists are left to the strategic patch itself)
 */
export function withDeletions(before: KubeObject | undefined, now: KubeObject): unknown {
  return before ? deletions(before, now) : now;
}

function deletions(before: unknown, now: unknown): unknown {
  if (!isRecord(before) || !isRecord(now)) return now;
  const gone = Object.keys(before)
    .filter((key) => !Object.hasOwn(now, key))
    .map((key) => [key, null]);
  return {
    ...Object.fromEntries(gone),
    ...Object.fromEntries(
      Object.entries(now).map(([key, value]) => [key, deletions(before[key], value)]),
    ),
  };
}
