/** `wait`, `jobs`, `fg`. (bash, jobs.c, builtins/wait.def) */
import { type Act, either } from "../../machinery/act.js";
import type { Process } from "../process.js";
import { say } from "./builtin.js";
import type { Job, Shell } from "./shell.js";

export function* waits(shell: Shell, args: readonly string[]): Act<number> {
  const isAny = args[0] === "-n";
  const words = args.filter((word) => word !== "-n");
  if (isAny) {
    const jobs = words.length > 0 ? jobsOf(shell, words) : shell.jobs;
    if (jobs.length === 0) return 127;
    for (;;) {
      const done = jobs.find(({ process }) => process.status !== undefined);
      if (done) {
        forget(shell, done.process);
        return done.process.status!;
      }
      yield either(...jobs.map(({ process }) => process.ended.wait), shell.traps.interrupted.wait);
      if (shell.traps.pending !== undefined) return 128 + shell.traps.pending;
    }
  }
  if (words.length === 0) {
    for (const { process } of [...shell.jobs]) {
      if ((yield* waitFor(shell, process)) === undefined) return 128 + shell.traps.pending!;
      forget(shell, process);
    }
    return 0;
  }
  let status = 0;
  for (const word of words) {
    const [job] = jobsOf(shell, [word]);
    if (!job) {
      yield* shell.complain(`wait: pid ${word} is not a child of this shell`);
      status = 127;
      continue;
    }
    const ended = yield* waitFor(shell, job.process);
    if (ended === undefined) return 128 + shell.traps.pending!;
    status = ended;
  }
  return status;
}

/** Until the process ends, or a signal that is trapped comes: then undefined. */
function* waitFor(shell: Shell, process: Process): Act<number | undefined> {
  while (process.status === undefined) {
    if (shell.traps.pending !== undefined) return undefined;
    yield either(process.ended.wait, shell.traps.interrupted.wait);
  }
  return process.status;
}

export function* jobs(shell: Shell): Act<number> {
  for (const { number, process, text } of [...shell.jobs]) {
    const state = process.status === undefined ? "Running" : "Done";
    const sign = shell.jobs.at(-1)?.number === number ? "+" : "-";
    const tail = process.status === undefined ? " &" : "";
    yield* shell.write(1, `[${number}]${sign}  ${state.padEnd(24)}${text}${tail}\n`);
    if (process.status !== undefined) forget(shell, process);
  }
  return 0;
}

export function* fg(shell: Shell, args: readonly string[]): Act<number> {
  const [job] = jobsOf(shell, args.length > 0 ? args : ["%+"]);
  if (!job) return yield* say(shell, "fg", "current: no such job");
  yield* shell.write(1, `${job.text}\n`);
  const status = yield* job.process.wait();
  forget(shell, job.process);
  return status;
}

const forget = (shell: Shell, process: Process): void => {
  const at = shell.jobs.findIndex((job) => job.process === process);
  if (at >= 0) shell.jobs.splice(at, 1);
};

export const jobsOf = (shell: Shell, words: readonly string[]): Job[] =>
  words.flatMap((word) => {
    const current = shell.jobs.at(-1);
    if (/^%[%+]?$/.test(word)) return current ? [current] : [];
    const found = /^%(\d+)$/.exec(word);
    return shell.jobs.filter(({ number, process }) =>
      found ? number === Number(found[1]) : String(process.pid) === word,
    );
  });
