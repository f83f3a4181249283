/** A shell in a process of its own, as `(…)`, `$(…)`, `&` and each end of a pipe have one. */
import type { Act } from "../../machinery/act.js";
import { Exit, type Process } from "../process.js";
import type { Stream } from "../streams.js";
import { Leave, type Shell } from "./shell.js";

/** With descriptors of its own. It begins when the shell that made it waits. */
export function* fork(
  shell: Shell,
  run: (subshell: Shell) => Act<void>,
  fds: ReadonlyMap<number, Stream>,
): Act<Process> {
  const { process: parent, place } = shell;
  yield* shell.beforeProcess();
  const early: { subshell?: Shell } = {};
  const process = place.processes.spawn({
    args: parent.args,
    parent,
    fds: new Map([...parent.fds, ...fds]),
    env: parent.env,
    folder: parent.folder,
    allowance: parent.allowance,
    background: parent.background,
    *run() {
      const subshell = early.subshell!;
      try {
        yield* run(subshell);
      } catch (error) {
        if (error instanceof Exit) subshell.status = error.code;
        else if (error instanceof Leave) subshell.status = error.status;
        else yield* subshell.fail(error);
      }
      return yield* subshell.leave();
    },
  });
  // as it is now, not as it is when the child has its turn
  early.subshell = shell.copy(process);
  return process;
}
