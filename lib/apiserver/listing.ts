import type { List, ListOptions } from "../api/client.js";
import type { KindInfo } from "../objects/kinds.js";
import { fields, labels, SelectorError, type FieldSelector } from "../objects/selectors.js";
import type { KubeObject } from "../objects/types.js";
import { CompactedError, type Store } from "../store/store.js";
import * as errors from "../api/errors.js";

// What a list or a watch is of: prefixes, filters, revisions, pages.

export const prefixOf = (info: KindInfo, namespace: string | undefined): string =>
  info.namespaced && namespace ? `${info.prefix}${namespace}/` : info.prefix;

/** What labels and fields select; undefined: everything. (The namespace is in the key.) */
export function filterOf(
  info: KindInfo,
  options: ListOptions,
): { wants: Wants; selector: FieldSelector | undefined } {
  try {
    const byLabels = options.labelSelector ? labels(options.labelSelector) : undefined;
    const selector = options.fieldSelector ? fields(info.key, options.fieldSelector) : undefined;
    if (!byLabels && !selector) return { wants: undefined, selector };
    return {
      wants: (object) =>
        (!byLabels || byLabels(object.metadata.labels)) && (!selector || selector.matches(object)),
      selector,
    };
  } catch (error) {
    if (error instanceof SelectorError) throw errors.badRequest(error.message);
    throw error;
  }
}

export type Wants = ((object: KubeObject) => boolean) | undefined;

export const within = (namespace: string | undefined, wants: Wants): Wants =>
  namespace
    ? (object) => object.metadata.namespace === namespace && (!wants || wants(object))
    : wants;

export function parseRevision(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw errors.badRequest(
      `resourceVersion: Invalid value: ${JSON.stringify(text)}: must be a whole number out of a list or an object`,
    );
  return Number(text);
}

const continueToken = (revision: number, key: string): string =>
  // Keys are ASCII: base64url without padding is btoa's alphabet with two letters changed.
  btoa(JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, start: key }))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

export function parseContinue(token: string): { revision: number; key: string } {
  try {
    const { rv, start } = JSON.parse(atob(token.replaceAll("-", "+").replaceAll("_", "/"))) as {
      rv: unknown;
      start: unknown;
    };
    if (Number.isSafeInteger(rv) && typeof start === "string")
      return { revision: rv as number, key: start };
  } catch {} // falls through to the one answer for all that is no token
  throw errors.badRequest(
    "invalid continue token: continue key is not valid: invalid character 'i' looking for beginning of value",
  );
}

/**
 * A range of the store; what it cannot give is a Status. (k8s.io/apiserver:
 * pkg/storage/etcd3/errors.go)
 */
export function rangeOf(
  store: Store,
  prefix: string,
  options: { revision?: number; limit?: number; from?: string },
) {
  try {
    return store.range(prefix, options);
  } catch (error) {
    if (error instanceof CompactedError)
      throw errors.gone(
        options.from === undefined
          ? "The resourceVersion for the provided list is too old."
          : "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
      );
    if (error instanceof RangeError) throw errors.badRequest(error.message);
    throw error;
  }
}

/** One page: up to `limit` objects that the filter lets through, all as of one revision. */
export function page(
  store: Store,
  prefix: string,
  limit: number,
  wants: Wants,
  revision: number,
  from: string | undefined,
): List<KubeObject> {
  const items: KubeObject[] = [];
  let start = from;
  for (;;) {
    const { entries, more, count } = rangeOf(store, prefix, {
      revision,
      limit: limit + 1,
      ...(start && { from: start }),
    });
    let read = 0;
    for (const { value } of entries) {
      if (items.length === limit) break;
      read++;
      if (!wants || wants(value)) items.push(value);
    }
    const next = entries[read]?.key;
    if (next === undefined && !more) return { items, resourceVersion: String(revision) };
    start = next ?? `${entries[read - 1]!.key}\0`;
    if (items.length === limit) {
      return {
        items,
        resourceVersion: String(revision),
        continue: continueToken(revision, start),
        ...(!wants && { remainingItemCount: count - read }),
      };
    }
  }
}
