/** Sub-resources besides status; who knows how puts them here (scale.ts). */
import type { KubeObject } from "../objects/types.js";

/** The number of replicas of whatever has one, as an object of its own. */
export interface Scales {
  of(object: KubeObject): object;
  /** The object with that number; throws ApiError where it is none. */
  by(object: KubeObject, scale: KubeObject): KubeObject;
}

export const subresources: { scale?: Scales } = {};
