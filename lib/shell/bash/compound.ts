/** Commands that hold others: `if`, `while`, `for`, `case`, `{ …; }`. (bash, execute_cmd.c) */
import type { Case, CommandNode, CompoundList } from "unbash";
import type { Act } from "../../machinery/act.js";
import { Exit } from "../process.js";
import { condition } from "./conditions.js";
import { matches, patternOf } from "./pattern.js";
import { redirected } from "./redirections.js";
import { Interrupted, Leave, type Shell } from "./shell.js";
import { simpleCommand } from "./simple.js";
import { fork } from "./subshell.js";
import { ShellError } from "./variables.js";
import { fieldsOf, numberOf, patternText, textOf } from "./words.js";

/** One command, and what went wrong in it said. */
export function* command(shell: Shell, node: CommandNode): Act<void> {
  yield* shell.process.spend();
  try {
    yield* run(shell, node);
  } catch (error) {
    if (error instanceof Exit || error instanceof Leave || error instanceof Interrupted)
      throw error;
    yield* shell.fail(error);
  }
}

function* run(shell: Shell, node: CommandNode): Act<void> {
  switch (node.type) {
    case "Command":
      return yield* simpleCommand(shell, node);
    case "Redirected":
      return yield* redirected(shell, node.redirects, () => run(shell, node.command));
    case "Function":
      shell.functions.set(node.name.value, { node, source: shell.source });
      shell.status = 0;
      return;
    case "Subshell": {
      const process = yield* fork(shell, (subshell) => subshell.list(node.body), new Map());
      shell.status = yield* process.wait();
      return;
    }
    case "BraceGroup":
      return yield* shell.list(node.body);
    case "If": {
      for (const { clause, then } of [node, ...node.elif]) {
        yield* shell.asCondition(() => shell.list(clause));
        if (shell.status === 0) return yield* body(shell, then);
      }
      shell.status = 0;
      if (node.else) yield* body(shell, node.else);
      return;
    }
    case "While":
      return yield* loop(
        shell,
        () => holds(shell, node.clause, node.kind === "until"),
        () => shell.list(node.body),
      );
    case "For": {
      const words = node.wordlist ? yield* fieldsOf(shell, node.wordlist) : [...shell.positional];
      let i = 0;
      const { variables, process } = shell;
      return yield* loop(
        shell,
        function* () {
          yield* process.spend();
          if (i >= words.length) return false;
          variables.set(node.name.value, words[i++]!);
          return true;
        },
        () => shell.list(node.body),
      );
    }
    case "ArithmeticFor": {
      const calculate = (what: typeof node.test) => numberOf(shell, what, "0");
      if (node.initialize) yield* calculate(node.initialize);
      let isFirst = true;
      return yield* loop(
        shell,
        function* () {
          if (!isFirst && node.update) yield* calculate(node.update);
          isFirst = false;
          return !node.test || (yield* calculate(node.test)) !== 0n;
        },
        () => shell.list(node.body),
      );
    }
    case "Case":
      return yield* choose(shell, node);
    case "TestCommand":
      shell.status = (yield* condition(shell, node.expression)) ? 0 : 1;
      return;
    case "ArithmeticCommand": {
      const value = yield* numberOf(shell, node.expression, `$((${node.body}))`);
      shell.status = value === 0n ? 1 : 0;
      return;
    }
    case "Select":
    case "Coproc":
      throw new ShellError(`${node.type.toLowerCase()}: not modelled here`, 2);
  }
}

function* body(shell: Shell, list: CompoundList): Act<void> {
  shell.status = 0;
  yield* shell.list(list);
}

function* holds(shell: Shell, clause: CompoundList, isNegated: boolean): Act<boolean> {
  yield* shell.asCondition(() => shell.list(clause));
  return (shell.status === 0) !== isNegated;
}

function* loop(shell: Shell, holds: () => Act<boolean>, body: () => Act<void>): Act<void> {
  let status = 0;
  for (;;) {
    yield* shell.process.spend();
    try {
      if (!(yield* holds())) break;
      shell.status = 0;
      yield* body();
      status = shell.status;
    } catch (error) {
      if (!(error instanceof Leave) || error.what === "return") throw error;
      status = error.status;
      if (error.levels > 1) throw new Leave(error.what, status, error.levels - 1);
      if (error.what === "break") break;
    }
  }
  shell.status = status;
}

function* choose(shell: Shell, { word, items }: Case): Act<void> {
  const text = yield* textOf(shell, word);
  let falls = false;
  shell.status = 0;
  for (const { pattern, body, terminator } of items) {
    let isIt = falls;
    for (const each of pattern) {
      if (isIt) break;
      isIt = matches(patternOf(yield* patternText(shell, each)), text);
    }
    if (!isIt) continue;
    yield* shell.list(body);
    if (terminator !== ";&" && terminator !== ";;&") return;
    falls = terminator === ";&";
  }
}
