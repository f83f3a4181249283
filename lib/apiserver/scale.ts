import { internal, invalid } from "../api/errors.js";
import { scalePathsOf, valueAt, withValueAt, type ScalePaths } from "../objects/custom-scale.js";
import { invalid as fieldInvalid } from "../objects/field-errors.js";
import { kindOf } from "../objects/kinds.js";
import { selectorText } from "../objects/selectors.js";
import type { Deployment, KubeObject, ObjectMeta, ReplicaSet } from "../objects/types.js";
import { otherName } from "./place.js";
import { subresources } from "./subresources.js";

/** autoscaling/v1 Scale: the number of replicas of whatever has one. */
export interface Scale {
  kind: "Scale";
  apiVersion: "autoscaling/v1";
  metadata: ObjectMeta;
  spec: { replicas?: number };
  status: { replicas: number; selector?: string };
}

export function scaleOf(object: KubeObject): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const paths = scalePathsOf(object);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as ObjectMeta,
    ...(paths ? countsOfCustom(object, paths) : countsOf(object as Deployment | ReplicaSet)),
  };
}

/** In Go's JSON none is left out. */
const replicasOf = (replicas: number): Scale["spec"] => (replicas === 0 ? {} : { replicas });

type Counts = Pick<Scale, "spec" | "status">;

const countsOf = ({ spec, status }: Deployment | ReplicaSet): Counts => ({
  spec: replicasOf(spec.replicas ?? 0),
  status: { replicas: status?.replicas ?? 0, selector: selectorText(spec.selector) },
});

function countsOfCustom(object: KubeObject, paths: ScalePaths): Counts {
  const replicas = valueAt(object, paths.specReplicasPath);
  if (replicas === undefined)
    throw internal(`the spec replicas field "${paths.specReplicasPath}" does not exist`);
  const selector = paths.labelSelectorPath && valueAt(object, paths.labelSelectorPath);
  return {
    spec: replicasOf(Number(replicas)),
    status: {
      replicas: Number(valueAt(object, paths.statusReplicasPath) ?? 0),
      ...(typeof selector === "string" && selector !== "" && { selector }),
    },
  };
}

/** The object with the Scale's number. */
export function scaled<T extends KubeObject>(object: T, scale: Scale): T {
  const path = scalePathsOf(object)?.specReplicasPath ?? ".spec.replicas";
  return {
    ...withValueAt(object, path, scale.spec?.replicas ?? 0),
    metadata: {
      ...object.metadata,
      ...(scale.metadata?.resourceVersion && { resourceVersion: scale.metadata.resourceVersion }),
    },
  };
}

/** (pkg/apis/autoscaling/validation, ValidateScale) */
export function checkScale({ metadata, spec }: Scale, name: string): void {
  if (metadata?.name && metadata.name !== name) throw otherName(metadata.name, name);
  const { replicas = 0 } = spec ?? {};
  if (replicas < 0)
    throw invalid({ kind: "Scale", plural: "", group: "autoscaling" }, name, [
      fieldInvalid("spec.replicas", replicas, "must be greater than or equal to 0"),
    ]);
}

/** (apiextensions-apiserver: pkg/registry/customresource/validator.go) */
function checkCustomScale(object: KubeObject, { spec }: Scale): void {
  const [paths, info] = [scalePathsOf(object), kindOf(object)];
  const { replicas = 0 } = spec ?? {};
  if (paths && info && replicas < 0)
    throw invalid(info, object.metadata.name, [
      fieldInvalid(paths.specReplicasPath, replicas, "should be a non-negative integer"),
    ]);
}

subresources.scale = {
  of: scaleOf,
  by(object, scale) {
    checkCustomScale(object, scale as Scale);
    checkScale(scale as Scale, object.metadata.name);
    return scaled(object, scale as Scale);
  },
};
