/** What `kubectl apply` does with one object after the other. */
import type { Client } from "./api/client.js";
import { isApiError } from "./api/errors.js";
import { withDeletions } from "./objects/apply.js";
import { kindInfo, kindOf } from "./objects/kinds.js";
import type { Kind, KubeObject } from "./objects/types.js";

export class Applied {
  /** What each object's manifest said the last time. */
  readonly #last = new Map<string, KubeObject>();

  constructor(
    private readonly kubectl: Client,
    private readonly onWarning: (text: string) => void,
  ) {}

  /** `seen`: the resourceVersion that it must still have. */
  apply(object: KubeObject, seen?: string): KubeObject {
    const { namespaced } = kindOf(object) ?? kindInfo(object.kind)!;
    const namespace = namespaced ? (object.metadata.namespace ?? "default") : undefined;
    const key = `${object.kind} ${namespace}/${object.metadata.name}`;
    const written = this.#written(object, namespace, this.#last.get(key), seen);
    // only now: what was refused says nothing of what the manifest said the last time
    this.#last.set(key, object);
    return written;
  }

  /**
   * Makes or changes the object; `before` is what its manifest said the last time, `seen` the
   * resourceVersion that it must still have.
   */
  #written(
    object: KubeObject,
    namespace: string | undefined,
    before: KubeObject | undefined,
    seen: string | undefined,
  ): KubeObject {
    const kind = object.kind as Kind;
    const { onWarning } = this;
    try {
      this.kubectl.get(kind, object.metadata.name, namespace);
    } catch (error) {
      if (!isApiError(error, 404)) throw error;
      const metadata = { ...object.metadata, ...(namespace && { namespace }) };
      return this.kubectl.create({ ...object, metadata }, { onWarning });
    }
    const body = withDeletions(before, object) as { metadata?: object };
    return this.kubectl.patch(
      kind,
      object.metadata.name,
      namespace,
      {
        type: kindOf(object)?.type === undefined ? "merge" : "strategic",
        body:
          seen === undefined
            ? body
            : { ...body, metadata: { ...body.metadata, resourceVersion: seen } },
      },
      { onWarning },
    );
  }

  /** It is gone: what its manifest said counts no more. */
  forget(kind: Kind, namespace: string, name: string): void {
    this.#last.delete(`${kind} ${namespace}/${name}`);
  }
}
