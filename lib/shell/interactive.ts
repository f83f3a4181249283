/** A bash that somebody talks to at a terminal: a prompt, a line, what it does. */
import { parse } from "unbash";
import { either, type Act } from "../machinery/act.js";
import { Leave } from "./builtins.js";
import { Exit, signals } from "./process.js";
import { Interrupted, type Shell } from "./shell.js";
import type { Stream } from "./streams.js";

const INTERRUPTED = 128 + signals.INT;

/** Until `exit`, or until nobody types any more; answers the exit code. */
export function* converse(shell: Shell, input: Stream): Act<number> {
  shell.isInteractive = true;
  let text = "";
  for (;;) {
    yield* shell.write(2, text === "" ? promptOf(shell) : "> ");
    const line = yield* lineFrom(input, shell);
    if (line === undefined) {
      [text, shell.status] = ["", INTERRUPTED];
      continue;
    }
    if (line === "") {
      yield* shell.write(2, "exit\n");
      return yield* shell.leave();
    }
    text += line;
    if (text.trim() !== "" && isUnfinished(text)) continue;
    const asked = text;
    text = "";
    try {
      yield* shell.read(asked);
    } catch (error) {
      if (error instanceof Exit) return error.code;
      if (error instanceof Leave) shell.status = error.status;
      else if (error instanceof Interrupted) shell.status = INTERRUPTED;
      else throw error;
    }
    shell.takeInterrupt(); // it has ended what ran
  }
}

/** What is typed next; "": nothing any more. Undefined: ^C. */
function* lineFrom(input: Stream, shell: Shell): Act<string | undefined> {
  const reading = input.read();
  while (!shell.takeInterrupt()) {
    const step = reading.next();
    if (step.done) return step.value;
    yield either(step.value, shell.interrupted.wait);
  }
  return undefined;
}

/** A quote, a here-document or a compound command is open, or the line ends with a backslash. */
function isUnfinished(text: string): boolean {
  if (/(^|[^\\])(\\\\)*\\\n$/.test(text)) return true;
  const [, , word] = /<<-?\s*(['"]?)(\w+)\1/.exec(text) ?? [];
  if (
    word !== undefined &&
    !text
      .split("\n")
      .slice(1)
      .some((line) => line.trim() === word)
  )
    return true;
  const end = text.trimEnd().length;
  const wrong = parse(text).errors ?? [];
  return wrong.some(({ pos, message }) => pos >= end || message.startsWith("unterminated "));
}

/** PS1, or what Debian's images have: "root@client:/# ". */
function promptOf(shell: Shell): string {
  const { place, process } = shell;
  const prompt = shell.variables.get("PS1") ?? "\\u@\\h:\\w\\$ ";
  const home = shell.variables.get("HOME");
  const folder = process.folder === home ? "~" : process.folder;
  const means: Record<string, string> = {
    u: "root",
    h: place.hostname.split(".")[0]!,
    H: place.hostname,
    w: folder,
    W: folder.split("/").at(-1) || "/",
    $: "#",
    n: "\n",
    s: shell.name,
  };
  return prompt.replace(/\\([uhHwWns$])/g, (_all, letter: string) => means[letter]!);
}
