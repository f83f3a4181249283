/**
 * Looks up or makes a value. These memories serve what is walked now: they forget all when they
 * have grown.
 */
export function remembered<K, V>(memory: Map<K, V>, key: K, make: () => V): V {
  let value = memory.get(key);
  if (value === undefined) {
    value = make();
    if (memory.size >= 64) memory.clear();
    memory.set(key, value);
  }
  return value;
}
