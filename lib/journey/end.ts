import type { Journey } from "./types.js";

type Ended = Pick<Journey, "disposition" | "pod" | "node">;

/**
 * Where a journey ended, in a name or a word: who answered, or the disposition where nobody's
 * answer reached the client. A Pod that got the request is not credited with it if its answer is
 * lost. Everything that counts journeys counts by this.
 */
export function endOf({ disposition, pod, node }: Ended): string {
  if (disposition !== "delivered") return disposition;
  return pod ?? (node === undefined ? "outside the cluster" : `a process on ${node}`);
}
