/** One thing wrong with one field, as metav1.StatusCause; `message` reads on after "spec.ports[0].port: ". */
export interface FieldError {
  field: string;
  message: string;
  reason: "FieldValueRequired" | "FieldValueInvalid" | "FieldValueNotSupported" | "FieldValueForbidden" | "FieldValueDuplicate" | "FieldValueTooLong" | "FieldValueTooMany";
}
import type { KubeObject } from "./types.js";
export const validate = (_object: KubeObject, _old?: KubeObject): FieldError[] => [];
