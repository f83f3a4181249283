import { ignoring } from "../api/errors.js";
import { watch, type Context, type Controller } from "../machinery/controller.js";
import { isTerminal } from "../objects/pods.js";
import type { Kind, KubeObject, Pod } from "../objects/types.js";
import { informerOf } from "./owned-pods.js";

const CLAIM = "PersistentVolumeClaim" as Kind;
const VOLUME = "PersistentVolume" as Kind;
const CLAIM_FINALIZER = "kubernetes.io/pvc-protection";
const VOLUME_FINALIZER = "kubernetes.io/pv-protection";

type Claims = { persistentVolumeClaim?: { claimName?: string } }[];

const claimsOf = ({ metadata, spec }: Pod): string[] =>
  ((spec.volumes ?? []) as Claims)
    .map(({ persistentVolumeClaim: claim }) => claim?.claimName)
    .filter((name) => name !== undefined)
    .map((name) => `${metadata.namespace}/${name}`);

/**
 * A claim that is deleted goes when no Pod uses it any more. (kubernetes:
 * pkg/controller/volume/pvcprotection)
 */
export function claimProtectionController(context: Context): Controller {
  const claims = informerOf<KubeObject>(context, CLAIM);
  const pods = context.informers.of("Pod");
  pods.index("claims", claimsOf, (pod) => pod.spec);

  function reconcile(key: string): void {
    const claim = claims.get(key);
    if (!claim?.metadata.deletionTimestamp) return;
    if (pods.by("claims", key).every(isTerminal)) release(context, claim, CLAIM_FINALIZER);
  }

  return {
    name: "persistentvolumeclaim-protection-controller",
    reconcile,
    watches: [
      watch(CLAIM),
      watch("Pod", (_key, pod, previous) =>
        pod && !isTerminal(pod) ? [] : claimsOf((pod ?? previous)!),
      ),
    ],
  };
}

/** The same of a volume that no claim is bound to. (pkg/controller/volume/pvprotection) */
export function volumeProtectionController(context: Context): Controller {
  const volumes = informerOf<KubeObject & { status?: { phase?: string } }>(context, VOLUME);

  function reconcile(key: string): void {
    const volume = volumes.get(key);
    if (!volume?.metadata.deletionTimestamp || volume.status?.phase === "Bound") return;
    release(context, volume, VOLUME_FINALIZER);
  }

  return {
    name: "persistentvolume-protection-controller",
    reconcile,
    watches: [watch(VOLUME)],
  };
}

function release({ client }: Context, object: KubeObject, finalizer: string): void {
  const finalizers = (object.metadata.finalizers ?? []).filter((one) => one !== finalizer);
  if (finalizers.length === object.metadata.finalizers?.length) return;
  const metadata = { ...object.metadata, finalizers };
  ignoring([404, 409], () => client.update({ ...object, metadata }));
}
