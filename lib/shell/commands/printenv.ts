/** printenv: what a process has of its environment. (GNU coreutils) */
import type { Act } from "../../machinery/act.js";
import type { Context } from "../place.js";
import { optionsOf } from "./common.js";

export function* printenv(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, { letters: "0", long: { null: "0" } }, 2);
  const { env } = context.process;
  const end = flags.has("0") ? "\0" : "\n";
  if (words.length === 0) {
    for (const [name, value] of Object.entries(env)) yield* context.out(`${name}=${value}${end}`);
    return 0;
  }
  const found = words.map((name) => env[name]).filter((value) => value !== undefined);
  for (const value of found) yield* context.out(`${value}${end}`);
  return found.length === words.length ? 0 : 1;
}
