/** What kubelets read of the API server, as it is now or as it was when a container began. */
import type { HistoryEntry } from "../api/history.js";
import type { ListOptions } from "../api/client.js";
import { isApiError } from "../api/errors.js";
import type { Objects } from "../node/kubelet/containers/objects.js";
import type { Kind, KubeObject, Service } from "../objects/types.js";

/** What shells need of an API server: apiserver/apiserver.ts is one. */
export interface Source {
  readonly store: { readonly revision: number };
  get(kind: Kind, name: string, namespace?: string): KubeObject;
  list(kind: Kind, options?: ListOptions): { items: readonly KubeObject[] };
  history(): readonly HistoryEntry[];
}

/** `revision`: of the store; one that is forgotten counts as the newest. */
export function objectsOf(source: Source, revision = source.store.revision): Objects {
  const list = (kind: string, namespace?: string): readonly KubeObject[] => {
    const options = namespace === undefined ? {} : { namespace };
    try {
      return source.list(kind as Kind, { ...options, revision }).items;
    } catch (error) {
      if (!isApiError(error, 410)) throw error;
      return source.list(kind as Kind, options).items;
    }
  };
  return {
    services: () => list("Service") as readonly Service[],
    find(kind, name, namespace) {
      if (revision < source.store.revision)
        return list(kind, namespace).find(({ metadata }) => metadata.name === name);
      try {
        return source.get(kind as Kind, name, namespace);
      } catch (error) {
        if (isApiError(error, 404)) return undefined;
        throw error;
      }
    },
  };
}

/** The store's revision at a time, as far back as the history goes. */
export function revisionAt(source: Source, time: number): number {
  let revision = 0;
  for (const entry of source.history()) {
    if (entry.time > time) return revision || (entry.revision ?? source.store.revision);
    revision = Math.max(revision, entry.revision ?? 0);
  }
  return source.store.revision;
}
