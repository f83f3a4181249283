/** Simple commands: `x=1 name "$argument" > file`. (bash, execute_cmd.c: execute_simple_command) */
import type { Assignment, Command as SimpleCommand, CommandArgument, Redirection } from "unbash";
import type { Act } from "../../machinery/act.js";
import { Exit } from "../process.js";
import { assign, keepArray } from "./assignments.js";
import { builtins, declarations } from "./builtins.js";
import { become, external } from "./programs.js";
import { redirected, Redirector } from "./redirections.js";
import { DEEPEST, Leave, type Shell, type ShellFunction } from "./shell.js";
import { shellQuoted } from "./values.js";
import { ShellError } from "./variables.js";
import { fieldsOf, textOf } from "./words.js";

/** A command's words are expanded, then it is a function, a builtin or a program. */
export function* simpleCommand(shell: Shell, node: SimpleCommand): Act<void> {
  shell.at = node.pos;
  const redirects = node.redirects;
  const assignments = node.prefix.filter((each) => each.type === "Assignment");
  if (!node.name) return yield* assignOnly(shell, assignments, redirects);
  const name = node.name;
  const fields = yield* fieldsOf(shell, [name]);
  const isDeclaration = fields.length === 1 && declarations.has(fields[0]!);
  for (const each of node.args)
    if (each.type === "Word") fields.push(...(yield* fieldsOf(shell, [each])));
    else fields.push(yield* argumentOf(shell, each, isDeclaration));
  if (fields.length === 0) return yield* assignOnly(shell, assignments, redirects);
  if (shell.options.has("xtrace")) yield* trace(shell, assignments, fields);
  yield* call(shell, fields, assignments, redirects, node === shell.becomes);
}

/** `local x=$y`: not split; `x=(…)` is assigned and named. */
function* argumentOf(
  shell: Shell,
  argument: CommandArgument & Assignment,
  isDeclaration: boolean,
): Act<string> {
  if (argument.value.type === "ArrayValue") {
    if (!isDeclaration) throw new ShellError("syntax error near unexpected token `('", 2);
    return `${argument.name}=${keepArray(shell, argument)}`;
  }
  const value = yield* textOf(shell, argument.value);
  return `${argument.name}${argument.append ? "+" : ""}=${value}`;
}

function* assignOnly(
  shell: Shell,
  assignments: readonly Assignment[],
  redirects: readonly Redirection[],
): Act<void> {
  shell.status = 0;
  yield* redirected(shell, redirects, () => assignAll(shell, assignments));
}

function* assignAll(shell: Shell, assignments: readonly Assignment[]): Act<void> {
  for (const each of assignments) yield* assign(shell, each);
  if (shell.options.has("xtrace") && assignments.length > 0) yield* trace(shell, assignments, []);
}

/** `set -x` */
function* trace(
  shell: Shell,
  assignments: readonly Assignment[],
  fields: readonly string[],
): Act<void> {
  const shown = (text: string): string =>
    /^[\w@%+=:,./-]+$/.test(text) ? text : shellQuoted(text);
  const ps4 = shell.variables.get("PS4") ?? "+ ";
  for (const { name } of fields.length > 0 ? [] : assignments)
    yield* shell.write(
      2,
      `${ps4}${name}=${shown(shell.variables.get(name) ?? "").replace(/^''$/, "")}\n`,
    );
  if (fields.length > 0) yield* shell.write(2, `${ps4}${fields.map(shown).join(" ")}\n`);
}

function* call(
  shell: Shell,
  fields: readonly string[],
  assignments: readonly Assignment[],
  redirects: readonly Redirection[],
  becomes: boolean,
): Act<void> {
  const [name = "", ...args] = fields;
  const builtin = builtins[name];
  const found = shell.functions.get(name);
  if (found || builtin) {
    if (name === "exec") return yield* exec(shell, args, redirects);
    if (redirects.length === 0 && assignments.length === 0) {
      if (found) yield* callFunction(shell, found, args);
      else shell.status = yield* builtin!(shell, args);
      return;
    }
    const run = function* (): Act<void> {
      if (found) yield* callFunction(shell, found, args);
      else shell.status = yield* builtin!(shell, args);
    };
    return yield* redirected(shell, redirects, () => withAssignments(shell, assignments, run));
  }
  yield* redirected(shell, redirects, () =>
    withAssignments(shell, assignments, () =>
      becomes ? become(shell, fields) : external(shell, fields),
    ),
  );
}

/** Variables that are there for one command only. */
function* withAssignments(
  shell: Shell,
  assignments: readonly Assignment[],
  run: () => Act<void>,
): Act<void> {
  if (assignments.length === 0) return yield* run();
  shell.variables.enter();
  try {
    for (const { name, value } of assignments) {
      const text = value.type === "Word" ? yield* textOf(shell, value) : "";
      const variable = shell.variables.declare(name, true);
      variable.value = text;
      variable.isExported = true;
    }
    yield* run();
  } finally {
    shell.variables.leave();
  }
}

function* callFunction(shell: Shell, { node, source }: ShellFunction, args: string[]): Act<void> {
  const tooDeep = `${node.name.value}: maximum function nesting level exceeded (${DEEPEST})`;
  yield* shell.nested(tooDeep, function* () {
    const [positional, before, at] = [shell.positional, shell.source, shell.at];
    shell.positional = args;
    shell.source = source;
    shell.variables.enter();
    try {
      if (node.body.type === "CompoundList") yield* shell.list(node.body);
      else yield* shell.command(node.body);
    } catch (error) {
      if (!(error instanceof Leave) || error.what !== "return") throw error;
      shell.status = error.status;
    } finally {
      shell.variables.leave();
      shell.positional = positional;
      shell.source = before;
      shell.at = at;
    }
  });
}

function* exec(
  shell: Shell,
  args: readonly string[],
  redirects: readonly Redirection[],
): Act<void> {
  const redirector = new Redirector(shell);
  for (const redirect of redirects) yield* redirector.apply(redirect);
  redirector.keep();
  if (args.length === 0) return void (shell.status = 0);
  yield* external(shell, args);
  throw new Exit(shell.status);
}
