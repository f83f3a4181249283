import { storeDuties } from "./admission.js";
import { allKinds } from "../objects/kinds.js";
import { withArticle } from "../objects/manifest.js";
import type { KubeObject } from "../objects/types.js";

/**
 * Why an object that somebody wrote into the store is none that belongs under its key: of another
 * kind, or of another name. Components would take it for what it is not.
 */
export function misplaced(
  key: string,
  { kind, apiVersion, metadata }: KubeObject,
): string | undefined {
  const info = allKinds().find(({ prefix }) => key.startsWith(prefix));
  if (!info) return undefined;
  if (kind !== info.kind || apiVersion !== info.apiVersion)
    return `it is ${JSON.stringify(`${apiVersion} ${kind}`)}, where ${withArticle(`${info.apiVersion} ${info.kind}`)} belongs`;
  const { namespace, name } = metadata;
  const place = info.namespaced ? `${namespace ?? ""}/${name}` : name;
  return key === info.prefix + place
    ? undefined
    : `it says that it is ${JSON.stringify(place)}, which belongs elsewhere`;
}

storeDuties.push((store) => store.leaveOut?.(misplaced));
