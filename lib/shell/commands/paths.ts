/** basename, dirname, readlink, realpath: paths as texts. (coreutils) */
import type { Act } from "../../machinery/act.js";
import type { Context } from "../place.js";
import { optionsOf, refuse } from "./common.js";
import { eachWord } from "./each-word.js";

export function* basename(context: Context): Act<number> {
  const [path, suffix = ""] = context.args;
  if (path === undefined) return yield* refuse(context, 1, "missing operand");
  const name =
    path
      .replace(/(?<=.)\/+$/, "")
      .split("/")
      .at(-1) || "/";
  const isCut = suffix !== "" && name !== suffix && name.endsWith(suffix);
  yield* context.out(`${isCut ? name.slice(0, -suffix.length) : name}\n`);
  return 0;
}

export function* dirname(context: Context): Act<number> {
  const [path] = context.args;
  if (path === undefined) return yield* refuse(context, 1, "missing operand");
  const at = path.replace(/(?<=.)\/+$/, "").lastIndexOf("/");
  yield* context.out(`${at < 0 ? "." : path.slice(0, at) || "/"}\n`);
  return 0;
}

export function* readlink(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, { letters: "fe" });
  for (const word of words) {
    const entry = context.place.files.find(context.path(word), false);
    if (flags.has("f"))
      yield* context.out(`${entry?.kind === "link" ? entry.to : context.path(word)}\n`);
    else if (entry?.kind === "link") yield* context.out(`${entry.to}\n`);
    else return 1;
  }
  return 0;
}

export function* realpath(context: Context): Act<number> {
  return yield* eachWord(context, context.args, function* (word) {
    yield* context.out(`${context.path(word).replace(/(?<=.)\/$/, "")}\n`);
  });
}
