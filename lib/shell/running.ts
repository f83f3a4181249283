/** A command in a process, of its own or that there is. */
import type { Act } from "../machinery/act.js";
import { absolute, FileError } from "./files.js";
import type { Command, Place } from "./place.js";
import { Exit, ForkError, type Process, signals } from "./process.js";
import { inputOf, type Stream } from "./streams.js";

export interface Started {
  command: Command;
  /** With the program's name before them. */
  args: readonly string[];
  parent: Process;
  fds: ReadonlyMap<number, Stream>;
  env: Readonly<Record<string, string>>;
  folder: string;
  group?: "own" | undefined;
}

/** A program's process. Throws ForkError where there are too many. */
export function spawnCommand(place: Place, started: Started): Process {
  const { command, args, parent, fds, env, folder, group } = started;
  return place.processes.spawn({
    args,
    parent,
    fds,
    env,
    folder,
    group,
    allowance: parent.allowance,
    background: parent.background,
    run: (process) => runCommand(place, process, command, args),
  });
}

/** A program in the process that there is. */
export function* runCommand(
  place: Place,
  process: Process,
  command: Command,
  [name = "", ...args]: readonly string[],
): Act<number> {
  const write = function* (fd: number, bytes: string): Act<void> {
    yield* process.spend(1 + (bytes.length >> 10));
    const stream = process.fds.get(fd);
    if (!stream) throw new FileError("EBADF");
    if (!(yield* stream.write(bytes)) && fd === 1) throw new Exit(128 + signals.PIPE);
  };
  const short = name.replace(/^.*\//, "");
  try {
    return yield* command({
      place,
      process,
      name: short,
      args,
      input: process.fds.get(0) ?? inputOf(""),
      out: (bytes) => write(1, bytes),
      err: (bytes) => write(2, bytes),
      path: (path) => absolute(path, process.folder),
    });
  } catch (error) {
    if (error instanceof FileError) {
      yield* write(2, `${short}: ${error.message}\n`);
      return 1;
    }
    if (error instanceof ForkError) {
      yield* write(2, `${short}: cannot fork: ${error.message}\n`);
      return 254;
    }
    throw error;
  }
}
