import { sha256 } from "../machinery/sha256.js";

/** Sorted by the SHA-256 of a text of each: an order that everybody finds by himself. */
export function byHash<T>(items: readonly T[], textOf: (item: T) => string): T[] {
  return items
    .map((item) => ({ item, hash: sha256(textOf(item)) }))
    .sort((a, b) => (a.hash < b.hash ? -1 : 1))
    .map(({ item }) => item);
}
