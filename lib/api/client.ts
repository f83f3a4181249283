import type { KubeObject, Kind, Kinds, Pod } from "../objects/types.js";

/**
 * The one way in which components see the cluster: what client-go is to Kubernetes' own
 * controllers. The same interface is served in the process by the API server and over HTTP by
 * `HttpClient`, so controllers run against either.
 *
 * All calls answer at once (they are synchronous): in one process there is nothing to wait for, a
 * reader's cell needs no `await`, and time is the clock's business alone. Failures are thrown as
 * ApiError (a Kubernetes Status).
 */
export interface Client {
  /**
   * Throws ApiError 404 where there is none. `namespace` is left out for cluster-scoped kinds;
   * default: "default".
   */
  get<K extends Kind>(kind: K, name: string, namespace?: string): Kinds[K];
  list<K extends Kind>(kind: K, options?: ListOptions): List<Kinds[K]>;
  create<T extends KubeObject>(object: T, options?: WriteOptions): T;
  /**
   * Replaces the object; with metadata.resourceVersion set, only if nobody wrote it since (ApiError
   * 409 otherwise).
   */
  update<T extends KubeObject>(object: T, options?: WriteOptions): T;
  /** As `update`, for the status subresource: of the rest, only metadata counts. */
  updateStatus<T extends KubeObject>(object: T, options?: WriteOptions): T;
  patch<K extends Kind>(
    kind: K,
    name: string,
    namespace: string | undefined,
    patch: Patch,
    options?: WriteOptions & { subresource?: Subresource },
  ): Kinds[K];
  /** Binds a Pod to a node (pods/binding): the one way in which a scheduler sets spec.nodeName. */
  bind(pod: string, namespace: string | undefined, node: string, options?: WriteOptions): Pod;
  delete<K extends Kind>(kind: K, name: string, namespace?: string, options?: DeleteOptions): void;
  /**
   * Events after `resourceVersion` (from a list), in order, until the returned function is called.
   */
  watch<K extends Kind>(
    kind: K,
    options: WatchOptions,
    on: (event: WatchEvent<Kinds[K]>) => void,
  ): () => void;
}

/** A part of an object with a door of its own. */
export type Subresource = "status" | "scale" | "ephemeralcontainers" | "resize";

export interface List<T> {
  items: readonly T[];
  resourceVersion: string;
  /** Set when `limit` cut the list: pass it on to get the rest. */
  continue?: string;
  remainingItemCount?: number;
}

export interface ListOptions {
  namespace?: string;
  /** As kubectl's -l: `app=nginx,tier in (a,b),!old`. */
  labelSelector?: string;
  /** As kubectl's --field-selector: `spec.nodeName=node-a`, `metadata.name!=x`. */
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  /** Lists only: the objects as they were at this revision (ApiError 410 where it is forgotten). */
  revision?: number;
}

export interface WatchOptions extends ListOptions {
  resourceVersion: string;
}

export interface WriteOptions {
  dryRun?: boolean;
  fieldManager?: string;
  /**
   * What becomes of fields that the kind does not have: refused (default), or dropped, with or
   * without a word to onWarning.
   */
  fieldValidation?: "Strict" | "Warn" | "Ignore";
  onWarning?: (text: string) => void;
  /**
   * The object is as the decoder would leave it: a component of the cluster made it, as the types
   * say, of parts that were decoded. It is not looked through again, and whoever asks to create it
   * lets go of it. Means nothing over HTTP.
   */
  decoded?: boolean;
  /**
   * An update of a part that has a door of its own: a Namespace's finalizers, a Pod's ephemeral
   * containers.
   */
  under?: "finalize" | "ephemeralcontainers" | "resize" | undefined;
  /** The version by which it is written, where that is not the one in which it is kept. */
  apiVersion?: string | undefined;
}

export interface DeleteOptions {
  /** Seconds; Pods only. 0 removes at once. Default: the Pod's terminationGracePeriodSeconds. */
  gracePeriodSeconds?: number;
  propagationPolicy?: "Background" | "Foreground" | "Orphan";
  /** Refuse (409) unless they match. */
  uid?: string;
  resourceVersion?: string;
  dryRun?: boolean;
}

export type Patch =
  | { type: "merge"; body: unknown } // RFC 7396
  | { type: "strategic"; body: unknown } // Kubernetes' own: lists merge by key
  | { type: "json"; body: unknown } // RFC 6902
  | { type: "apply"; body: unknown; force: boolean }; // server-side apply, by options.fieldManager

export type WatchEvent<T> =
  | { type: "ADDED" | "MODIFIED" | "DELETED"; object: T }
  | {
      type: "BOOKMARK";
      object: {
        kind: string;
        apiVersion: string;
        metadata: { resourceVersion: string; annotations?: Record<string, string> };
      };
    }
  | { type: "ERROR"; object: Status };

/** metav1.Status: how the API server says that something went wrong. */
export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: Record<string, never>;
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  code?: number;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    causes?: { reason?: string; message?: string; field?: string }[];
    retryAfterSeconds?: number;
  };
}
