/**
 * Fields that were one and became a list: the old one stays, for old clients, and says what the
 * list's first entry says. Whoever writes only the old one means both. (KEP-563; kubernetes:
 * pkg/registry/core/service/storage/storage.go, normalizeClusterIPs)
 */
import { same } from "./freeze.js";
import { isService } from "./kinds.js";
import type { KubeObject, Service } from "./types.js";

/** The object with the lists that its single fields mean; `before` is what it is to replace. */
export function withPlurals<T extends KubeObject>(object: T, before?: KubeObject): T {
  if (!isService(object)) return object;
  const { spec } = object as KubeObject as Service;
  const clusterIPs = clusterIPsOf(spec, (before as Service | undefined)?.spec);
  return clusterIPs === spec.clusterIPs ? object : { ...object, spec: { ...spec, clusterIPs } };
}

function clusterIPsOf(
  { clusterIP, clusterIPs }: Service["spec"],
  before: Service["spec"] | undefined,
): string[] | undefined {
  const silent = !clusterIPs?.length;
  if (!before) return silent && clusterIP ? [clusterIP] : clusterIPs;
  if (clusterIP === before.clusterIP) return silent ? before.clusterIPs : clusterIPs;
  // an old client sent the list back as it found it, and changed or took away the single one
  if (!silent && !same(clusterIPs, before.clusterIPs ?? [])) return clusterIPs;
  return clusterIP ? [clusterIP] : undefined;
}
