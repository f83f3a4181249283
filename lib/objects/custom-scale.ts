/**
 * Where the objects of a CustomResourceDefinition keep what a Scale shows of them.
 * (apiextensions-apiserver: pkg/registry/customresource/etcd.go, scaleFromCustomResource)
 */
import { isRecord, setField } from "./freeze.js";
import type { KubeObject } from "./types.js";

/** ".spec.replicas"; each step is the name of a field, as apiextensions.k8s.io/v1 asks. */
export interface ScalePaths {
  specReplicasPath: string;
  statusReplicasPath: string;
  labelSelectorPath?: string;
}

/** "example.com/v1 Gadget" -> its paths */
const known = new Map<string, ScalePaths>();

/** Takes note of what a definition says of a kind's Scale; undefined: it has none. */
export function learnScale(apiVersion: string, kind: string, paths: ScalePaths | undefined): void {
  if (paths) known.set(`${apiVersion} ${kind}`, paths);
  else known.delete(`${apiVersion} ${kind}`);
}

/** The paths of an object's kind; undefined where it is no custom one, or has no Scale. */
export const scalePathsOf = ({ apiVersion, kind }: KubeObject): ScalePaths | undefined =>
  known.get(`${apiVersion} ${kind}`);

const stepsOf = (path: string): string[] => path.replace(/^\./, "").split(".");

/** What stands at ".spec.replicas"; undefined where nothing does. */
export function valueAt(object: object, path: string): unknown {
  let value: unknown = object;
  for (const step of stepsOf(path)) value = isRecord(value) ? value[step] : undefined;
  return value;
}

/** A copy with another value at ".spec.replicas"; what lies on the way is made where missing. */
export const withValueAt = <T extends object>(object: T, path: string, value: unknown): T =>
  withValue(object, stepsOf(path), value) as T;

function withValue(there: unknown, [step, ...rest]: string[], value: unknown): unknown {
  if (step === undefined) return value;
  const copy: Record<string, unknown> = isRecord(there) ? { ...there } : {};
  setField(copy, step, withValue(copy[step], rest, value));
  return copy;
}
