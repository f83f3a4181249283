/**
 * Who read, watched and wrote what, when: recorded by the API server for every Client it hands out,
 * as data for pictures.
 */
export interface HistoryEntry {
  /** Milliseconds since the Unix epoch, virtual. */
  time: number;
  /**
   * The component that asked: "kubectl", "kube-scheduler", "endpointslice-controller",
   * "kube-proxy/node-a", …
   */
  who: string;
  /** What it did. "notify" is a watch event that reached it. */
  verb: "get" | "list" | "watch" | "notify" | "create" | "update" | "patch" | "delete";
  kind: string;
  namespace?: string;
  /** Left out for list and watch. */
  name?: string;
  /**
   * The store's revision: of the write, of the list, or of the change that a notification tells of.
   */
  revision?: number;
  subresource?: string;
  /** For notify: ADDED, MODIFIED, DELETED. */
  event?: string;
  /** The HTTP status where the call failed: 404, 409, 422, … */
  error?: number;
}
