/**
 * Server-side apply of a Scale: who owns its number owns that of the object behind it. (apiserver:
 * pkg/endpoints/handlers; apimachinery: pkg/util/managedfields/scalehandler.go)
 */
import type { Subject } from "../api/errors.js";
import type { KubeObject } from "../objects/types.js";
import { applied, isLeaf, minus, type Applying, type Fields, type Managed } from "./apply.js";
import { subresources } from "./subresources.js";

const replicas: Fields = { "f:spec": { "f:replicas": {} } };
const scale = { kind: "Scale", plural: "scales", group: "autoscaling", type: "Scale" };

/** The object with the number that was applied. @throws a conflict */
export function appliedScale(
  { plural, group, kind }: Subject,
  old: KubeObject,
  config: KubeObject,
  applying: Applying,
): KubeObject {
  const scales = subresources.scale!;
  const before = (old.metadata.managedFields ?? []) as Managed[];
  const owners = before.filter(ownsReplicas);
  const asScale = scales.of(old) as KubeObject;
  const shown = owners.map((one) => ({
    ...one,
    fieldsV1: replicas,
    apiVersion: config.apiVersion,
  }));
  const from = { ...asScale, metadata: { ...asScale.metadata, managedFields: shown } };
  const next = applied({ ...scale, plural, group, kind }, from, config, applying);
  const left = (next.metadata.managedFields as Managed[]).map((one) => one.manager);
  const [entry] = next.metadata.managedFields as Managed[];
  const others = before
    .filter((one) => !isMine(one, entry!))
    .map((one) =>
      ownsReplicas(one) && !left.includes(one.manager)
        ? { ...one, fieldsV1: minus(one.fieldsV1, replicas) }
        : one,
    )
    .filter(({ fieldsV1 }) => !isLeaf(fieldsV1));
  const result = scales.by(old, next);
  const mine = { ...entry!, apiVersion: old.apiVersion };
  return { ...result, metadata: { ...result.metadata, managedFields: [mine, ...others] } };
}

const ownsReplicas = ({ fieldsV1 }: Managed): boolean =>
  fieldsV1["f:spec"]?.["f:replicas"] !== undefined;

const isMine = (one: Managed, entry: Managed): boolean =>
  one.manager === entry.manager &&
  one.operation === "Apply" &&
  one.subresource === entry.subresource;
