/** What is done for each word of a command: what fails is said, and the rest is done. */
import type { Act } from "../../machinery/act.js";
import { type Entry, FileError } from "../files.js";
import type { Context } from "../place.js";
import { complain, refuse } from "./common.js";

/** Does something for each word; says what fails, and goes on. */
export function* each(
  context: Context,
  words: readonly string[],
  what: (word: string) => string,
  run: (word: string) => void,
): Act<number> {
  if (words.length === 0) return yield* refuse(context, 1, "missing operand");
  let status = 0;
  for (const word of words) {
    yield* context.process.spend();
    try {
      run(word);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      yield* complain(context, `${what(word)}: ${error.message}`);
      status = 1;
    }
  }
  return status;
}

export function* eachWord(
  context: Context,
  words: readonly string[],
  use: (word: string, entry: Entry) => Act<void>,
): Act<number> {
  let status = 0;
  for (const word of words) {
    const entry = context.place.files.find(context.path(word), false);
    if (entry) yield* use(word, entry);
    else {
      yield* complain(context, `cannot statx '${word}': No such file or directory`);
      status = 1;
    }
  }
  return status;
}
