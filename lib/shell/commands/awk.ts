/**
 * awk, as far as lines are taken apart with it: patterns, actions, fields, arrays, the functions of
 * POSIX. Functions of one's own, getline and pipes are refused.
 */
import type { Act } from "../../machinery/act.js";
import { awkProgram } from "./awk/parse.js";
import { Run } from "./awk/run.js";
import { AwkError } from "./awk/syntax.js";
import type { Command, Context } from "../place.js";
import { RegExpError } from "../regexp-syntax.js";
import { refuse } from "./common.js";

function* awk(context: Context): Act<number> {
  const args = [...context.args];
  const assigned: string[] = [];
  let separator: string | undefined;
  while (args[0]?.startsWith("-") && args[0] !== "-") {
    const word = args.shift()!;
    if (word === "--") break;
    if (word.startsWith("-F")) separator = word.slice(2) || (args.shift() ?? "");
    else if (word.startsWith("-v")) assigned.push(word.slice(2) || (args.shift() ?? ""));
    else return yield* refuse(context, 2, `option ${word} is not modelled here; -F and -v are`);
  }
  const text = args.shift();
  if (text === undefined) {
    yield* context.err("Usage: awk [-F value] [-v var=value] 'program' [file ...]\n");
    return 2;
  }
  try {
    const run = new Run(context, awkProgram(text));
    if (separator !== undefined) run.memory.assign("FS", separator === "t" ? "\t" : separator);
    for (const each of assigned) run.memory.assignWord(each);
    return yield* run.all(args);
  } catch (error) {
    if (!(error instanceof AwkError) && !(error instanceof RegExpError)) throw error;
    return yield* refuse(context, 2, error.message);
  }
}

export const awks: Readonly<Record<string, Command>> = { awk, gawk: awk, mawk: awk };
