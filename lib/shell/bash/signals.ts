/** `kill` and `trap`. (bash, builtins/kill.def, trap.def) */
import type { Act } from "../../machinery/act.js";
import { type Process, signalName, signalOf, signals } from "../process.js";
import { say } from "./builtin.js";
import { jobsOf } from "./jobs.js";
import type { Shell } from "./shell.js";
import { shellQuoted } from "./values.js";

export function* kill(shell: Shell, args: readonly string[]): Act<number> {
  let signal: number | undefined = signals.TERM;
  let words = [...args];
  if (words[0] === "-l" || words[0] === "-L") {
    if (words[1] !== undefined) {
      yield* shell.write(1, `${signalName(Number(words[1]) & 127) ?? words[1]}\n`);
    } else yield* shell.write(1, `${Object.keys(signals).join(" ")}\n`);
    return 0;
  }
  if (words[0] === "-s" || words[0] === "-n") {
    signal = signalOf(words[1] ?? "");
    words = words.slice(2);
  } else if (/^-./.test(words[0] ?? "") && words[0] !== "--") {
    signal = signalOf(words[0]!.slice(1));
    if (signal === undefined)
      return yield* say(shell, "kill", `${words[0]!.slice(1)}: invalid signal specification`);
    words = words.slice(1);
  }
  if (words[0] === "--") words = words.slice(1);
  if (signal === undefined) return yield* say(shell, "kill", "invalid signal specification");
  if (words.length === 0) {
    yield* shell.write(
      2,
      "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n",
    );
    return 2;
  }
  let status = 0;
  for (const word of words) {
    if (word.startsWith("%")) {
      const [job] = jobsOf(shell, [word]);
      if (job) job.process.signal(signal);
      else status = yield* say(shell, "kill", `${word}: no such job`);
      continue;
    }
    if (!/^-?\d+$/.test(word)) {
      status = yield* say(shell, "kill", `${word}: arguments must be process or job IDs`);
      continue;
    }
    if (!signalTo(shell.process, Number(word), signal))
      status = yield* say(shell, "kill", `(${word}) - No such process`);
  }
  return status;
}

/** To a process, or to a group (-7); false where there is none. */
export function signalTo(from: Process, pid: number, signal: number): boolean {
  const group = pid === 0 ? from.group : -pid;
  return from.table.signalAll(signal, (each) =>
    pid > 0 ? each.pid === pid : each.group === group,
  );
}

export function* trap(shell: Shell, args: readonly string[]): Act<number> {
  const words = args[0] === "--" ? args.slice(1) : args;
  if (words.length === 0 || words[0] === "-p") {
    for (const [name, action] of shell.traps.actions)
      yield* shell.write(
        1,
        `trap -- ${shellQuoted(action)} ${name in signals ? `SIG${name}` : name}\n`,
      );
    return 0;
  }
  const resets = words[0] === "-" || (words.length === 1 && trapName(words[0]!) !== undefined);
  let status = 0;
  for (const word of words.length === 1 ? words : words.slice(1)) {
    const name = trapName(word);
    if (name === undefined)
      status = yield* say(shell, "trap", `${word}: invalid signal specification`);
    else if (resets) shell.traps.actions.delete(name);
    else shell.traps.actions.set(name, words[0]!);
  }
  return status;
}

const trapName = (text: string): string | undefined => {
  const upper = text.toUpperCase().replace(/^SIG/, "");
  if (upper === "0" || upper === "EXIT") return "EXIT";
  if (["ERR", "DEBUG", "RETURN"].includes(upper)) return upper;
  return signalName(signalOf(text));
};
