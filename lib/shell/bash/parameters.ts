/** `$name`, `$1`, `$?` and the other special parameters. (bash, variables.c) */
import type { Shell } from "./shell.js";
import { ShellError } from "./variables.js";

/** $name, $1, $?, …; undefined: unset. */
export function parameterOf(shell: Shell, name: string): string | undefined {
  const clock = shell.place.acts.clock;
  switch (name) {
    case "?":
      return String(shell.status);
    case "#":
      return String(shell.positional.length);
    case "$":
      return String(shellPid(shell));
    case "!":
      return shell.lastBackground === undefined ? undefined : String(shell.lastBackground);
    case "-":
      return `${shell.options.has("errexit") ? "e" : ""}hB${shell.isInteractive ? "i" : ""}`;
    case "0":
      return shell.name;
    case "@":
    case "*":
      return shell.positional.join(" ");
    case "RANDOM":
      return String(Math.floor(shell.place.random() * 32_768));
    case "SECONDS":
      return String(Math.floor((clock.now() - shell.started) / 1000));
    case "EPOCHSECONDS":
      return String(Math.floor(clock.now() / 1000));
    case "LINENO":
      return String(shell.line);
    case "BASHPID":
      return String(shell.process.pid);
    case "PPID":
      return String(shell.process.parent?.pid ?? 0);
    case "UID":
    case "EUID":
      return "0";
  }
  if (/^\d+$/.test(name)) return shell.positional[Number(name) - 1];
  return shell.variables.get(name);
}

/** A subshell calls itself what its shell is called. */
function shellPid(shell: Shell): number {
  let { process } = shell;
  while (process.parent && process.parent.args === process.args) process = process.parent;
  return process.pid;
}

/** `set -u`. Throws ShellError. */
export function refuseUnset(shell: Shell, name: string): void {
  if (!shell.options.has("nounset") || name === "@" || name === "*") return;
  throw new ShellError(`${/^\d/.test(name) ? `$${name}` : name}: unbound variable`, 127, true);
}
