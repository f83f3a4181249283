/**
 * The templates that a StatefulSet or a DaemonSet has had, each in a ControllerRevision: `kubectl
 * rollout history` lists them, and an update goes from one to the other. (kubernetes:
 * pkg/controller/history)
 */
import { ignoring } from "../api/errors.js";
import { controllerOf, type Context } from "../machinery/controller.js";
import type { Kind, KubeObject, PodTemplate } from "../objects/types.js";
import { templateHash } from "./deployment.js";
import { informerOf, ownerReference } from "./owned-pods.js";

const KIND = "ControllerRevision" as Kind;

interface ControllerRevision extends KubeObject {
  revision: number;
  data?: { spec?: { template?: PodTemplate } };
}

type Owner = KubeObject & { spec: { template: PodTemplate; revisionHistoryLimit?: number } };

export class Revisions {
  readonly #known;

  /** `label`: under which a revision, as its Pods, carries its letters. */
  constructor(
    private readonly context: Context,
    private readonly label: string,
  ) {
    this.#known = informerOf<ControllerRevision>(context, KIND);
    this.#known.index("controller", (one) => controllerOf(one)?.uid);
  }

  /** Makes the one of the present template, or makes it the newest again; forgets the oldest. */
  keep(owner: Owner, inUse: ReadonlySet<string>): void {
    const all = this.#of(owner);
    const newest = all.at(-1)?.revision ?? 0;
    const name = `${owner.metadata.name}-${templateHash(owner.spec.template)}`;
    const own = all.find(({ metadata }) => metadata.name === name);
    if (!own) this.#create(owner, name, newest + 1);
    else if (own.revision < newest) this.#write({ ...own, revision: newest + 1 });
    const idle = all.filter((one) => one !== own && !inUse.has(one.metadata.name));
    const surplus = idle.length - (owner.spec.revisionHistoryLimit ?? 10);
    for (const { metadata } of idle.slice(0, Math.max(0, surplus)))
      ignoring([404], () => this.context.client.delete(KIND, metadata.name, metadata.namespace));
  }

  templateOf({ metadata }: Owner, name: string): PodTemplate | undefined {
    return this.#known.get(`${metadata.namespace}/${name}`)?.data?.spec?.template;
  }

  /** The oldest first. */
  #of({ metadata }: Owner): ControllerRevision[] {
    const all = [...this.#known.by("controller", metadata.uid!)];
    return all.sort((a, b) => a.revision - b.revision);
  }

  #create(owner: Owner, name: string, revision: number): void {
    const { namespace, annotations } = owner.metadata;
    const { template } = owner.spec;
    const letters = name.slice(owner.metadata.name.length + 1);
    this.#write({
      apiVersion: "apps/v1",
      kind: KIND,
      metadata: {
        name,
        namespace: namespace!,
        labels: { ...template.metadata?.labels, [this.label]: letters },
        ...(annotations && { annotations }),
        ownerReferences: [ownerReference(owner)],
      },
      data: { spec: { template: { ...template, $patch: "replace" } as PodTemplate } },
      revision,
    });
  }

  #write(revision: ControllerRevision): void {
    const { client } = this.context;
    const isNew = revision.metadata.uid === undefined;
    const write = () => (isNew ? client.create(revision) : client.update(revision));
    const written = ignoring([404, 409], write);
    if (written) this.#known.learn(written);
  }
}
