/**
 * A request for a server-side apply: what it may ask for, and to what it comes. (apiserver:
 * pkg/endpoints/handlers/patch.go, applyPatcher; apimachinery: pkg/util/managedfields)
 */
import type { Subresource, WriteOptions } from "../api/client.js";
import * as errors from "../api/errors.js";
import { isRecord } from "../objects/freeze.js";
import type { KindInfo } from "../objects/kinds.js";
import type { KubeObject } from "../objects/types.js";
import { applied } from "./apply.js";
import { appliedScale } from "./apply-scale.js";
import { decoded } from "./decode.js";
import { checkPlace, otherName } from "./place.js";

export interface Asked {
  info: KindInfo;
  name: string;
  namespace: string | undefined;
  subresource: Subresource | undefined;
  manager: string;
  body: unknown;
  force: boolean;
}

/** What the server does with it. */
export interface Applies {
  /** The moment, as a stamp. */
  now: string;
  /** What is there; undefined: nothing. */
  there: unknown;
  create(object: KubeObject): KubeObject;
  change(next: (old: KubeObject) => KubeObject): KubeObject;
}

const scaleInfo = { kind: "Scale", apiVersion: "autoscaling/v1" };

export function apply(asked: Asked, options: WriteOptions, server: Applies): KubeObject {
  const { info, name, namespace, subresource, manager, force } = asked;
  const config = appliedObject(asked.body, subresource === "scale" ? scaleInfo : info);
  const applying = { manager, force, now: server.now, subresource };
  if (!server.there) {
    if (subresource) throw errors.notFound(info, name);
    checkNew(info, name, config);
    const made = applied(info, undefined, config, applying);
    const place = namespace !== undefined && { namespace };
    return server.create({ ...made, metadata: { ...place, ...made.metadata } });
  }
  return server.change((old) => {
    if (subresource === "scale") return appliedScale(info, old, config, applying);
    const next = decoded(info, applied(info, old, config, applying), options);
    checkPlace(next, old);
    const { resourceVersion } = config.metadata;
    if (resourceVersion && resourceVersion !== old.metadata.resourceVersion)
      throw errors.conflict(info, name, errors.modified);
    return next;
  });
}

function checkNew(info: KindInfo, name: string, { metadata }: KubeObject): void {
  if (metadata.name !== undefined && metadata.name !== name) throw otherName(metadata.name, name);
  if (metadata.uid)
    throw errors.conflict(
      info,
      name,
      `uid mismatch: the provided object specified uid ${metadata.uid}, and no existing object was found`,
    );
}

/** What is applied, as it came. */
function appliedObject(body: unknown, info: { kind: string; apiVersion: string }): KubeObject {
  const found = (isRecord(body) ? body : {}) as Partial<KubeObject>;
  const { apiVersion = "", kind = "", metadata } = found;
  if (kind !== info.kind || apiVersion !== info.apiVersion) {
    const group = String(apiVersion).includes("/") ? apiVersion : `/${apiVersion}`;
    throw errors.badRequest(`invalid object type: ${group}, Kind=${kind}`);
  }
  if (isRecord(metadata) && metadata["managedFields"] !== undefined)
    throw errors.badRequest("metadata.managedFields must be nil");
  return { ...found, metadata: isRecord(metadata) ? metadata : {} } as KubeObject;
}
