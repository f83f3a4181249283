/**
 * What is done with objects of kinds that are stored only, by whoever knows these kinds
 * (built-in.ts). Without it, as in a page's first chunk, nothing is.
 */
import type { Misfit } from "./decode.js";
import type { KubeObject, PodSpec } from "./types.js";

export interface OtherKinds {
  /** The object in the version in which its kind is stored. */
  toStored(object: KubeObject): KubeObject;
  /** The same in another of its versions. */
  inVersion(object: KubeObject, apiVersion: string): KubeObject;
  /** With what the API server fills in. */
  defaulted(object: KubeObject): KubeObject;
  /** The same of a Pod's volumes and variables. */
  podSpec(spec: PodSpec): PodSpec;
  /** What a new one gets besides: a Job its selector. */
  created(object: KubeObject): KubeObject;
  /** What a new object's status is; undefined: what it comes with. */
  firstStatus(object: KubeObject, now: string): object | undefined;
  /** What of an object of a definition does not fit its schema, or metadata. */
  misfits(object: KubeObject): Misfit[];
  /** Hears of each object that is written: a definition makes kinds known. */
  written(object: KubeObject): void;
  /** Whether the object's end is that of a kind's objects, too. */
  isDefinition(object: KubeObject): boolean;
}

export const otherKinds: OtherKinds = {
  toStored: (object) => object,
  inVersion: (object) => object,
  defaulted: (object) => object,
  podSpec: (spec) => spec,
  created: (object) => object,
  firstStatus: () => undefined,
  misfits: () => [],
  written: () => {},
  isDefinition: () => false,
};
