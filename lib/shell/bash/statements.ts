/** Lists and pipelines: `a; b`, `a && b`, `a | b`, `a &`, `! a`, `time a`. (bash, execute_cmd.c) */
import type { Command as SimpleCommand, CommandNode, PipelineNode, Statement } from "unbash";
import type { Act } from "../../machinery/act.js";
import { Exit, signalName, type Process } from "../process.js";
import { inputOf, pipe, type Stream } from "../streams.js";
import { Interrupted, type Shell } from "./shell.js";
import { fork } from "./subshell.js";

/** One of a list's, `a && b || c` and its like, there or in the background. */
export function* statement(shell: Shell, { command, background, pos, end }: Statement): Act<void> {
  shell.at = pos;
  yield* runTraps(shell);
  if (background) return yield* inBackground(shell, command, shell.source.slice(pos, end));
  if (command.type !== "AndOr") return yield* checked(shell, command);
  for (const [i, each] of command.commands.entries()) {
    const operator = command.operators[i - 1];
    if (operator === "&&" && shell.status !== 0) continue;
    if (operator === "||" && shell.status === 0) continue;
    if (i === command.commands.length - 1) yield* checked(shell, each);
    else yield* shell.asCondition(() => pipeline(shell, each));
  }
}

/** Runs it, and leaves where it fails and `set -e` says so. */
function* checked(shell: Shell, node: PipelineNode): Act<void> {
  yield* pipeline(shell, node);
  if (shell.status === 0 || shell.isCondition) return;
  if (node.type === "Pipeline" && node.prefixes.some(({ type }) => type === "Negation")) return;
  const trap = shell.traps.actions.get("ERR");
  if (trap) yield* runTrap(shell, trap);
  if (shell.options.has("errexit") && !isCompound(node)) throw new Exit(shell.status);
}

function* inBackground(
  shell: Shell,
  node: PipelineNode | { type: "AndOr" },
  text: string,
): Act<void> {
  const nothing = inputOf("");
  const process = yield* fork(
    shell,
    function* (subshell) {
      subshell.becomes = simpleOf(node);
      yield* statement(subshell, {
        type: "Statement",
        pos: subshell.at,
        end: subshell.at,
        command: node as PipelineNode,
        background: undefined,
      });
    },
    new Map([[0, nothing]]),
  );
  nothing.release();
  shell.lastBackground = process.pid;
  const number = shell.jobs.length === 0 ? (shell.jobNumber = 1) : ++shell.jobNumber;
  shell.jobs.push({ number, process, text: text.replace(/\s*&\s*$/, "") });
  if (shell.isInteractive) yield* shell.write(2, `[${number}] ${process.pid}\n`);
  shell.status = 0;
}

function* pipeline(shell: Shell, node: PipelineNode): Act<void> {
  if (node.type !== "Pipeline") {
    yield* shell.command(node);
    if (shell.wasPiped) shell.variables.setArray("PIPESTATUS", new Map([["0", `${shell.status}`]]));
    shell.wasPiped = false;
    return;
  }
  const started = shell.place.acts.clock.now();
  const isNegated = node.prefixes.filter(({ type }) => type === "Negation").length % 2 === 1;
  const one = node.commands.length <= 1 ? node.commands[0] : undefined;
  const run = one
    ? () => shell.command(one)
    : node.commands.length > 1
      ? () => piped(shell, node.commands, node.operators)
      : undefined;
  if (run && isNegated) yield* shell.asCondition(run);
  else if (run) yield* run();
  if (isNegated) shell.status = shell.status === 0 ? 1 : 0;
  if (node.prefixes.some(({ type }) => type === "Time")) {
    const seconds = (shell.place.acts.clock.now() - started) / 1000;
    const real = `${Math.floor(seconds / 60)}m${(seconds % 60).toFixed(3)}s`;
    yield* shell.write(2, `\nreal\t${real}\nuser\t0m0.000s\nsys\t0m0.000s\n`);
  }
}

function* piped(
  shell: Shell,
  commands: readonly CommandNode[],
  operators: readonly string[],
): Act<void> {
  const processes: Process[] = [];
  let input: Stream | undefined;
  for (const [i, command] of commands.entries()) {
    const isLast = i === commands.length - 1;
    const next = isLast ? undefined : pipe();
    const fds = new Map<number, Stream>();
    if (input) fds.set(0, input);
    if (next) fds.set(1, next.writer);
    if (next && operators[i] === "|&") fds.set(2, next.writer);
    try {
      const run = (subshell: Shell): Act<void> => {
        subshell.becomes = simpleOf(command);
        return subshell.command(command);
      };
      processes.push(yield* fork(shell, run, fds));
    } catch (error) {
      next?.reader.release();
      throw error;
    } finally {
      input?.release();
      next?.writer.release();
    }
    input = next?.reader;
  }
  const statuses: number[] = [];
  for (const process of processes) statuses.push(yield* process.wait());
  const failed = shell.options.has("pipefail")
    ? statuses.findLast((each) => each !== 0)
    : undefined;
  shell.status = failed ?? statuses.at(-1)!;
  shell.wasPiped = true;
  shell.variables.setArray(
    "PIPESTATUS",
    new Map(statuses.map((status, i) => [String(i), String(status)])),
  );
}

/** The signals that have come since the last statement. */
function* runTraps(shell: Shell): Act<void> {
  for (let signal = shell.traps.next(); signal; signal = shell.traps.next()) {
    const action = shell.traps.actions.get(signalName(signal)!);
    if (action === undefined) throw new Interrupted();
    yield* runTrap(shell, action);
  }
}

function* runTrap(shell: Shell, action: string): Act<void> {
  const { status } = shell;
  yield* shell.evaluate(action);
  shell.status = status;
}

const simpleOf = (node: PipelineNode | { type: "AndOr" }): SimpleCommand | undefined =>
  node.type === "Command" ? node : undefined;

const isCompound = (node: PipelineNode): boolean =>
  ["If", "While", "For", "Case", "BraceGroup", "ArithmeticFor"].includes(node.type);
