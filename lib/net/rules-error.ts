import { printable } from "./printable.js";

/** A text that is no rules, and the line where that shows. */
export class RulesError extends Error {
  /** `line`: from 1. */
  constructor(
    readonly line: number,
    problem: string,
  ) {
    super(printable(`line ${line}: ${problem}`));
    this.name = "RulesError";
  }
}
