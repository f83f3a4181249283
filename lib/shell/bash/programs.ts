/** The programs of a place, found by their names and run in processes. (bash, findcmd.c) */
import type { Act } from "../../machinery/act.js";
import { absolute } from "../files.js";
import type { Command } from "../place.js";
import { Exit, type Process } from "../process.js";
import { runCommand, spawnCommand } from "../running.js";
import type { Shell } from "./shell.js";

/** A program of the place, in a process of its own. */
export function* external(shell: Shell, fields: readonly string[]): Act<void> {
  const child = yield* start(shell, fields);
  if (child) shell.status = yield* child.wait();
}

/** A program takes this process over, which has nothing else to do. (execve) */
export function* become(shell: Shell, fields: readonly string[]): Act<void> {
  const program = yield* programFor(shell, fields);
  if (!program) return;
  yield* shell.beforeProcess();
  const { place, process } = shell;
  process.args = program.args;
  process.env = shell.variables.exported();
  process.onSignal = undefined;
  throw new Exit(yield* runCommand(place, process, program.command, program.args));
}

/** A program by the name that a command begins with; undefined: none, which has been said. */
function* programFor(
  shell: Shell,
  [name = "", ...args]: readonly string[],
): Act<{ command: Command; args: string[] } | undefined> {
  const program = programOf(shell, name);
  if (!("failed" in program))
    return { command: program.command, args: [name, ...program.before, ...args] };
  yield* shell.complain(`${name}: ${program.failed}`);
  shell.status = program.status;
  return undefined;
}

/** Undefined: there is none of that name, which has been said. */
export function* start(
  shell: Shell,
  fields: readonly string[],
  group?: "own",
): Act<Process | undefined> {
  const program = yield* programFor(shell, fields);
  if (!program) return undefined;
  yield* shell.beforeProcess();
  const { place, process: parent } = shell;
  return spawnCommand(place, {
    ...program,
    parent,
    fds: parent.fds,
    env: shell.variables.exported(),
    folder: parent.folder,
    group,
  });
}

function programOf(
  shell: Shell,
  name: string,
): { command: Command; before: string[] } | { failed: string; status: number } {
  const { commands, files } = shell.place;
  const base = /^(?:\/usr)?(?:\/local)?\/s?bin\/([^/]+)$/.exec(name)?.[1];
  const command = commands.get(base ?? name);
  if (command) return { command, before: [] };
  const paths = name.includes("/")
    ? [absolute(name, shell.process.folder)]
    : (shell.variables.get("PATH") ?? "").split(":").map((folder) => `${folder}/${name}`);
  if (name === "") return { failed: "command not found", status: 127 };
  for (const path of paths) {
    const entry = files.find(path);
    if (!entry) continue;
    if (entry.kind === "folder") {
      if (!name.includes("/")) continue;
      return { failed: "Is a directory", status: 126 };
    }
    if ((entry.mode & 0o111) === 0) {
      if (!name.includes("/")) continue;
      return { failed: "Permission denied", status: 126 };
    }
    const interpreter = /^#!\s*(\S+)[ \t]*(\S*)/.exec(files.read(path));
    const words = interpreter ? interpreter.slice(1).filter((word) => word !== "") : ["sh"];
    if (/\/env$/.test(words[0]!)) words.shift();
    const own = commands.get(words[0]!.replace(/^.*\//, ""));
    if (!own)
      return { failed: `${words[0]}: bad interpreter: No such file or directory`, status: 126 };
    return { command: own, before: [...words.slice(1), path] };
  }
  const { place, process } = shell;
  const assumed = place.assumed?.(name, process) ?? place.unmodelled?.(name);
  if (assumed) return { command: assumed, before: [] };
  return name.includes("/")
    ? { failed: "No such file or directory", status: 127 }
    : { failed: "command not found", status: 127 };
}
