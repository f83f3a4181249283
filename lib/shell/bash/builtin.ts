/** What a builtin is, and how it says what is wrong. */
import type { Act } from "../../machinery/act.js";
import type { Shell } from "./shell.js";
import { ShellError } from "./variables.js";

/** What it is given is the shell that it changes, and its arguments; it answers its status. */
export type Builtin = (shell: Shell, args: readonly string[]) => Act<number>;

/** Says what is wrong with how it was called. */
export const say = function* (
  shell: Shell,
  name: string,
  message: string,
  status = 1,
): Act<number> {
  yield* shell.complain(`${name}: ${message}`);
  return status;
};

export const number = (text: string | undefined, otherwise: number): number => {
  if (text === undefined) return otherwise;
  if (!/^[+-]?\d+$/.test(text)) throw new ShellError(`${text}: numeric argument required`, 2, true);
  return Number(text);
};
