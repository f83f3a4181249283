/** The counts of a status. (pkg/apis/core/validation: ValidateNonnegativeField) */
import { checkAtLeast0, type FieldError } from "./field-errors.js";

export type Counts = Record<string, number | undefined>;

/** None of the counts is below zero. */
export const countsOf =
  (...names: string[]) =>
  ({ status = {} }: { status?: Counts }): FieldError[] =>
    names.flatMap((name) => checkAtLeast0(`status.${name}`, status[name]));
