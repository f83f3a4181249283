/** `$(…)` and `<(…)`: what a script prints, as a text or as a file. (bash, subst.c) */
import type { Redirection, Script } from "unbash";
import type { Act } from "../../machinery/act.js";
import type { Process } from "../process.js";
import { pipe } from "../streams.js";
import { redirected } from "./redirections.js";
import type { Shell } from "./shell.js";
import { fork } from "./subshell.js";
import { ShellError } from "./variables.js";

/** So many bytes `$(…)` may be. */
const LONGEST_OUTPUT = 8 * 1024 * 1024;

/** What a script prints, `$(…)`. */
export function* outputOf(shell: Shell, script: Script): Act<string> {
  const { reader, writer } = pipe();
  const file = fileOf(script);
  let process: Process;
  try {
    process = yield* fork(
      shell,
      function* (subshell) {
        if (script.source !== undefined) subshell.source = script.source;
        subshell.options.delete("errexit"); // shopt inherit_errexit is off
        if (!file) return yield* subshell.list(script);
        yield* redirected(subshell, [file], () => copyInput(subshell));
      },
      new Map([[1, writer]]),
    );
  } finally {
    writer.release();
  }
  const parts: string[] = [];
  let size = 0;
  for (;;) {
    const bytes = yield* reader.read();
    if (bytes === "") break;
    parts.push(bytes);
    size += bytes.length;
    yield* shell.process.spend(1 + (bytes.length >> 10));
    if (size > LONGEST_OUTPUT) {
      reader.release();
      throw new ShellError("xrealloc: cannot allocate memory", 2, true);
    }
  }
  reader.release();
  shell.status = yield* process.wait();
  return parts.join("");
}

/** `<(…)`: the path under which a command finds the pipe. */
export function substitute(shell: Shell, operator: "<" | ">", script: Script): string {
  const { reader, writer } = pipe();
  const [own, other] = operator === "<" ? [reader, writer] : [writer, reader];
  const fd = shell.substitutions--;
  const act = fork(
    shell,
    (subshell) => subshell.list(script),
    new Map([[operator === "<" ? 1 : 0, other]]),
  );
  // it waits for nothing before it has begun
  while (!act.next().done);
  other.release();
  shell.process.setFd(fd, own);
  return `/dev/fd/${fd}`;
}

/** `$(< file)` */
function fileOf({ commands }: Script): Redirection | undefined {
  const command = commands.length === 1 ? commands[0]!.command : undefined;
  if (command?.type !== "Command" || command.name || command.prefix.length !== 1) return undefined;
  const [redirect] = command.prefix;
  return redirect?.type === "Redirect" && redirect.operator === "<" ? redirect : undefined;
}

function* copyInput(shell: Shell): Act<void> {
  const input = shell.process.fds.get(0)!;
  for (let bytes = yield* input.read(); bytes !== ""; bytes = yield* input.read())
    yield* shell.write(1, bytes);
}
