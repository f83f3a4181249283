/** find. (findutils) */
import type { Act } from "../../machinery/act.js";
import { matches, patternOf } from "../bash/pattern.js";
import type { Entry } from "../files.js";
import type { Context } from "../place.js";
import { complain, refuse } from "./common.js";

export function* find(context: Context): Act<number> {
  const at = context.args.findIndex((word) => /^[-(!]/.test(word));
  const starts = at < 0 ? context.args : context.args.slice(0, at);
  const tests = at < 0 ? [] : context.args.slice(at);
  const checks: ((path: string, entry: Entry, depth: number) => boolean)[] = [];
  let [deepest, least] = [100, 0];
  for (let i = 0; i < tests.length; i++) {
    const value = tests[i + 1] ?? "";
    switch (tests[i]) {
      case "-name": {
        const pattern = patternOf(value);
        checks.push((path) => matches(pattern, path.split("/").at(-1)!));
        i++;
        break;
      }
      case "-type":
        checks.push((_path, { kind }) =>
          value === "d"
            ? kind === "folder"
            : value === "l"
              ? kind === "link"
              : kind !== "folder" && kind !== "link",
        );
        i++;
        break;
      case "-maxdepth":
        deepest = Number(value);
        i++;
        break;
      case "-mindepth":
        least = Number(value);
        i++;
        break;
      case "-print":
        break;
      default:
        return yield* refuse(context, 1, `unknown predicate '${tests[i]}'`);
    }
  }
  let status = 0;
  const walk = function* (path: string, entry: Entry, depth: number): Act<void> {
    yield* context.process.spend();
    if (depth >= least && checks.every((check) => check(path, entry, depth)))
      yield* context.out(`${path}\n`);
    if (entry.kind !== "folder" || depth >= deepest) return;
    for (const [name, child] of entry.entries)
      yield* walk(path.endsWith("/") ? path + name : `${path}/${name}`, child, depth + 1);
  };
  for (const start of starts.length > 0 ? starts : ["."]) {
    const entry = context.place.files.find(context.path(start), false);
    if (entry) yield* walk(start, entry, 0);
    else {
      yield* complain(context, `'${start}': No such file or directory`);
      status = 1;
    }
  }
  return status;
}
