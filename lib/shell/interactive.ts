/** A bash that somebody talks to at a terminal: a prompt, a line, what it does. */
import { parse } from "unbash";
import { either, type Act } from "../machinery/act.js";
import { builtins } from "./bash/builtins.js";
import { printable } from "../net/printable.js";
import { absolute } from "./files.js";
import { editLine } from "./readline.js";
import { TerminalInput } from "./terminal.js";
import { Exit, signals } from "./process.js";
import { Interrupted, Leave, type Shell } from "./bash/shell.js";
import type { Stream } from "./streams.js";

const INTERRUPTED = 128 + signals.INT;

/** Until `exit`, or until nobody types any more; answers the exit code. */
export function* converse(shell: Shell, input: Stream): Act<number> {
  shell.isInteractive = true;
  let text = "";
  const recorder = input instanceof TerminalInput ? input.terminal.recorder : undefined;
  for (;;) {
    const line = yield* lineFrom(input, shell, text === "" ? promptOf(shell) : "> ");
    if (line === undefined) {
      yield* shell.write(2, "\n");
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
    remember(shell, asked.trimEnd());
    recorder?.begins(asked.trimEnd());
    try {
      yield* shell.read(asked);
    } catch (error) {
      if (error instanceof Exit) return error.code;
      if (error instanceof Leave) shell.status = error.status;
      else if (error instanceof Interrupted) shell.status = INTERRUPTED;
      else throw error;
    } finally {
      recorder?.ends(shell.status);
    }
    // it has ended what ran; who catches it has a line of their own
    if (shell.traps.takeInterrupt() && shell.status === INTERRUPTED) yield* shell.write(2, "\n");
  }
}

/** What is typed next; "": nothing any more. Undefined: ^C. */
function* lineFrom(input: Stream, shell: Shell, prompt: string): Act<string | undefined> {
  const reading = lineAt(input, shell, prompt);
  try {
    while (!shell.traps.takeInterrupt()) {
      const step = reading.next();
      if (step.done) return step.value;
      yield either(step.value, shell.traps.interrupted.wait);
    }
    return undefined;
  } finally {
    reading.return(""); // the terminal is as it was
  }
}

/** At a terminal the shell edits the line itself. */
function* lineAt(input: Stream, shell: Shell, prompt: string): Act<string> {
  const write = (bytes: string): Act<void> => shell.write(2, bytes);
  const { history } = shell;
  if (input instanceof TerminalInput)
    return yield* editLine({
      ...{ input, write, prompt, history },
      complete: (before) => completions(shell, before),
    });
  yield* write(prompt);
  return yield* input.read();
}

/** So many lines are remembered (HISTSIZE). */
const MOST_LINES = 500;

/** Blank lines are not, nor one that is the same as the last (HISTCONTROL=ignoreboth). */
function remember({ history }: Shell, line: string): void {
  if (line === "" || line.startsWith(" ") || line === history.at(-1)) return;
  history.push(line);
  if (history.length > MOST_LINES) history.shift();
}

/** The first word of a command becomes a command, any other one a path. */
function completions({ place, process, functions }: Shell, before: string): string[] {
  const [word = ""] = /[^\s|;&(<>=]*$/.exec(before) ?? [];
  const rest = before.slice(0, before.length - word.length).trimEnd();
  const isFirst = rest === "" || /[|;&(]$/.test(rest);
  if (isFirst && !word.includes("/"))
    return [...new Set([...place.commands.keys(), ...Object.keys(builtins), ...functions.keys()])]
      .filter((name) => name.startsWith(word))
      .sort();
  const [folder = ""] = /^.*\//.exec(word) ?? [];
  const found = place.files.find(absolute(folder || ".", process.folder));
  if (found?.kind !== "folder") return [];
  const name = word.slice(folder.length);
  return [...found.entries]
    .filter(([each]) => each.startsWith(name) && (name !== "" || !each.startsWith(".")))
    .map(([each, { kind }]) => `${folder}${each}${kind === "folder" ? "/" : ""}`)
    .sort();
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
    h: printable(place.hostname.split(".")[0]!),
    H: printable(place.hostname),
    w: folder,
    W: folder.split("/").at(-1) || "/",
    $: "#",
    n: "\n",
    s: shell.name,
  };
  return prompt.replace(/\\([uhHwWns$])/g, (_all, letter: string) => means[letter]!);
}
