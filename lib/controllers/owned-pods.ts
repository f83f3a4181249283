import { ignoring, isApiError, isTerminating } from "../api/errors.js";
import { controllerOf, type Context } from "../machinery/controller.js";
import type { Informer } from "../machinery/informer.js";
import { same } from "../objects/freeze.js";
import type {
  Kind,
  KubeObject,
  ObjectMeta,
  OwnerReference,
  Pod,
  PodTemplate,
} from "../objects/types.js";

/**
 * What all who make Pods out of a template do: find theirs, make one, delete one, and say so.
 * (kubernetes: pkg/controller/controller_utils.go, RealPodControl)
 */
export class OwnedPods {
  readonly pods: Informer<Pod>;

  constructor(private readonly context: Context) {
    this.pods = context.informers.of("Pod");
    this.pods.index(
      "controller",
      (pod) => controllerOf(pod)?.uid,
      (pod) => pod.metadata.ownerReferences,
    );
  }

  of(owner: KubeObject): Pod[] {
    return this.pods.by("controller", owner.metadata.uid!);
  }

  /** `made`: what is said of the new Pod. */
  create(owner: KubeObject, pod: Pod, made = (name: string) => `Created pod: ${name}`): Pod {
    const { client, events } = this.context;
    try {
      const created = client.create<Pod>(pod);
      this.pods.learn(created);
      events.normal(owner, "SuccessfulCreate", made(created.metadata.name));
      return created;
    } catch (error) {
      if (isApiError(error) && !isTerminating(error))
        events.warning(owner, "FailedCreate", `Error creating: ${error.message}`);
      throw error;
    }
  }

  delete(
    owner: KubeObject,
    { metadata: { name, namespace, uid } }: Pod,
    said = `Deleted pod: ${name}`,
  ): void {
    const { client, events } = this.context;
    ignoring([404], () => client.delete("Pod", name, namespace, { uid: uid! }));
    events.normal(owner, "SuccessfulDelete", said);
  }
}

/** A kind that is not in the table of modelled ones, as a component reads it. */
export const informerOf = <T extends KubeObject>(context: Context, kind: string): Informer<T> =>
  context.informers.of(kind as Kind) as unknown as Informer<T>;

/**
 * Writes how an object stands, if that has changed. Who wrote in between, or took it away, is heard
 * of, and the object is looked at again.
 */
export function writeStatus<T extends KubeObject & { status?: object }>(
  { client }: Context,
  known: Informer<T>,
  object: T,
  status: object,
): void {
  if (same(object.status ?? {}, status)) return;
  const written = ignoring([404, 409], () => client.updateStatus<T>({ ...object, status }));
  if (written) known.learn(written);
}

export const ownerReference = ({ apiVersion, kind, metadata }: KubeObject): OwnerReference => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid!,
  controller: true,
  blockOwnerDeletion: true,
});

/** `name`: a whole name, or one that ends in a dash and is completed by the API server. */
export function podOf(owner: KubeObject, template: PodTemplate, name: string): Pod {
  const { labels, annotations } = template.metadata ?? {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...(name.endsWith("-") ? { generateName: name } : { name }),
      namespace: owner.metadata.namespace!,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ownerReferences: [ownerReference(owner)],
    } as ObjectMeta,
    spec: template.spec,
  };
}

export const withLabels = (pod: Pod, labels: Record<string, string>): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...labels } },
});
