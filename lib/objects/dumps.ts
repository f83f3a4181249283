/** Reads dumps: the objects of a real cluster as they are. Who imports this makes them readable. */
import { decode } from "./decode.js";
import { frozen } from "./freeze.js";
import "./lookalikes.js";
import { kindOf } from "./kinds.js";
import {
  dumps,
  explained,
  isConfiguration,
  label,
  ManifestError,
  refuseInvalid,
  type Dumps,
  type Manifest,
} from "./manifest.js";
import type { KubeObject } from "./types.js";
import { validateDumped } from "./validation-dump.js";

/** The object as it is, if it has a name and the fields that are known are of their types. */
function dumped(object: KubeObject, source: string, number: number): KubeObject {
  if (isConfiguration(object)) return frozen(object);
  const info = kindOf(object);
  if (!info?.isModelled) return frozen({ ...object, metadata: object.metadata ?? {} });
  const { value, misfits } = decode<KubeObject>(object.kind, object, { unknown: "keep" });
  const misfit = misfits.find(({ problem }) => problem === "type");
  if (misfit)
    throw new ManifestError(source, number, `${label(object)}${misfit.path}`, explained(misfit));
  if (!value.metadata.name)
    throw new ManifestError(
      source,
      number,
      `${object.kind}, metadata.name`,
      "got nothing; an object of a cluster has a name",
    );
  refuseInvalid(validateDumped(value), object, source, number);
  return frozen(value);
}

/** Of an object that is there twice, the last one. */
function withoutOlder(manifests: readonly Manifest[]): Manifest[] {
  const last = new Map<string, Manifest>();
  for (const manifest of manifests) {
    const { apiVersion, kind, metadata } = manifest.object;
    const key = `${apiVersion} ${kind} ${metadata?.namespace ?? "default"}/${metadata?.name}`;
    last.delete(key);
    last.set(key, manifest);
  }
  return [...last.values()];
}

Object.assign(dumps, { object: dumped, withoutOlder } satisfies Dumps);
