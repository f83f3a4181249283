import { watch, type Context, type Controller } from "../machinery/controller.js";
import { ignoring } from "../api/errors.js";
import { allKinds } from "../objects/kinds.js";
import type { Kind, KubeObject } from "../objects/types.js";

const kinds: readonly Kind[] = [
  "Deployment",
  "ReplicaSet",
  "Service",
  "Pod",
  "EndpointSlice",
  "Endpoints",
  "Lease",
  "Event",
];
/** Those that are stored only. */
const otherKinds = (): Kind[] => [
  ...new Set(
    allKinds().flatMap(({ key, isModelled, namespaced }) =>
      namespaced && !isModelled ? [key] : [],
    ),
  ),
];

/** How often a namespace that is being emptied is looked at. Milliseconds. */
const LOOK_AGAIN_MS = 500;

/**
 * Empties a namespace that is being deleted, then lets go of it. (kubernetes:
 * pkg/controller/namespace)
 */
export function namespaceController({ client, informers }: Context): Controller {
  const namespaces = informers.of("Namespace");

  function reconcile(name: string): number | void {
    const namespace = namespaces.get(name);
    if (!namespace?.metadata.deletionTimestamp) return;
    let left = 0;
    for (const kind of [...kinds, ...otherKinds()])
      for (const { metadata } of inNamespace(kind, name)) {
        left++;
        if (!metadata.deletionTimestamp) remove(kind, metadata.name, name);
      }
    if (left > 0) return LOOK_AGAIN_MS;
    namespaces.learn(client.update({ ...namespace, spec: { ...namespace.spec, finalizers: [] } }));
    remove("Namespace", name);
  }

  /** Nothing of a custom kind that is gone. */
  function inNamespace(kind: Kind, namespace: string): readonly KubeObject[] {
    return (
      ignoring([404], () => client.list(kind, { namespace }).items as readonly KubeObject[]) ?? []
    );
  }

  function remove(kind: Kind, name: string, namespace?: string): void {
    ignoring([404], () => client.delete(kind, name, namespace));
  }

  return { name: "namespace-controller", watches: [watch("Namespace")], reconcile };
}
