/** Sub-resources besides status; who knows how puts them here (scale.ts). */
import type { FieldError } from "../objects/field-errors.js";
import type { KubeObject } from "../objects/types.js";

/** The number of replicas of whatever has one, as an object of its own. */
export interface Scales {
  of(object: KubeObject): object;
  /** The object with that number; throws ApiError where it is none. */
  by(object: KubeObject, scale: KubeObject): KubeObject;
}

/** What of a Pod has a door of its own. */
interface PodPart {
  /** The Pod with what is wanted of it. */
  of(old: KubeObject, wanted: KubeObject): KubeObject;
  problems(now: KubeObject, was: KubeObject): readonly FieldError[];
}

export const subresources: {
  scale?: Scales;
  /** A Pod's containers that come later (ephemeral.ts), and its resources (resize.ts). */
  parts: Record<string, PodPart>;
} = { parts: {} };
