/** The addresses at which this very thread serves. Each thread has a list of its own. */
const ours = new Set<string>();

/** "http://127.0.0.1:8001" is served from here; answers how to take that back. */
export function servedHere(url: string): () => void {
  ours.add(new URL(url).host);
  return () => void ours.delete(new URL(url).host);
}

/**
 * Who waits for an answer that the same thread would have to give waits for ever.
 *
 * @throws with what to do instead.
 */
export function refuseOwn(urls: readonly string[]): void {
  const own = urls.find((url) => ours.has(new URL(url).host.replace(/^localhost:/, "127.0.0.1:")));
  if (own === undefined) return;
  throw new Error(
    `${new URL(own).origin} is served by this very thread, which cannot wait for its own answer: within the process use apiserver.client(…), or serve from a thread or a process of its own`,
  );
}
