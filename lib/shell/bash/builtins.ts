/** The commands that a shell has itself, since they change it. (bash, builtins/) */
import type { Act } from "../../machinery/act.js";
import { absolute, FileError } from "../files.js";
import { Exit } from "../process.js";
import { valueOf } from "./arithmetic.js";
import { type Builtin, number, say } from "./builtin.js";
import { test } from "./conditions.js";
import { declare } from "./declare.js";
import { unescaped } from "./escapes.js";
import { getopts } from "./getopts.js";
import { fg, jobs, waits } from "./jobs.js";
import { set } from "./options.js";
import { formatted } from "./printf.js";
import { external } from "./programs.js";
import { mapfile, read } from "./read.js";
import { Leave, type Shell } from "./shell.js";
import { kill, trap } from "./signals.js";
import { ShellError } from "./variables.js";
import { aroundOf } from "./words.js";

/** Those whose arguments are assignments. */
export const declarations = new Set(["declare", "export", "local", "readonly", "typeset"]);

function* echo(shell: Shell, args: readonly string[]): Act<number> {
  let [i, newline, escapes] = [0, true, false];
  for (; /^-[neE]+$/.test(args[i] ?? ""); i++)
    for (const letter of args[i]!.slice(1))
      if (letter === "n") newline = false;
      else escapes = letter === "e";
  const text = args.slice(i).join(" ");
  if (!escapes) {
    yield* shell.write(1, newline ? `${text}\n` : text);
    return 0;
  }
  const [said, stops] = unescaped(text);
  yield* shell.write(1, newline && !stops ? `${said}\n` : said);
  return 0;
}

function* cd(shell: Shell, args: readonly string[]): Act<number> {
  const { variables, process, place } = shell;
  const words = args.filter((word) => !/^-[LPe]+$/.test(word));
  const wanted = words[0] ?? variables.get("HOME");
  if (wanted === undefined) return yield* say(shell, "cd", "HOME not set");
  const target = wanted === "-" ? variables.get("OLDPWD") : wanted;
  if (target === undefined) return yield* say(shell, "cd", "OLDPWD not set");
  const path = absolute(target, process.folder).replace(/(?<=.)\/$/, "");
  try {
    if (place.files.at(path).kind !== "folder") throw new FileError("ENOTDIR");
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return yield* say(shell, "cd", `${target}: ${error.message}`);
  }
  variables.set("OLDPWD", process.folder);
  process.folder = path;
  variables.set("PWD", path);
  if (wanted === "-") yield* shell.write(1, `${path}\n`);
  return 0;
}

function* source(shell: Shell, [path, ...args]: readonly string[]): Act<number> {
  if (path === undefined) return yield* say(shell, "source", "filename argument required", 2);
  let text: string;
  try {
    text = shell.place.files.read(absolute(path, shell.process.folder));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    yield* shell.complain(`${path}: ${error.message}`);
    return 1;
  }
  const before = shell.positional;
  if (args.length > 0) shell.positional = args;
  try {
    return yield* shell.evaluate(text);
  } catch (error) {
    if (!(error instanceof Leave) || error.what !== "return") throw error;
    return error.status;
  } finally {
    shell.positional = before;
  }
}

/** What a name stands for. */
function kindOf(shell: Shell, name: string): string | undefined {
  if (shell.functions.has(name)) return "function";
  if (Object.hasOwn(builtins, name)) return "builtin";
  return shell.place.commands.has(name) ? "file" : undefined;
}

function* type(shell: Shell, args: readonly string[]): Act<number> {
  let status = 0;
  const isShort = args[0] === "-t";
  for (const name of args.filter((word) => !word.startsWith("-"))) {
    const kind = kindOf(shell, name);
    if (kind === undefined) status = isShort ? 1 : yield* say(shell, "type", `${name}: not found`);
    else if (isShort) yield* shell.write(1, `${kind}\n`);
    else {
      const words = { function: "a function", builtin: "a shell builtin" }[kind];
      yield* shell.write(1, `${name} is ${words ?? `/usr/bin/${name}`}\n`);
    }
  }
  return status;
}

function* command(shell: Shell, args: readonly string[]): Act<number> {
  if (args[0] === "-v" || args[0] === "-V") {
    let status = 0;
    for (const name of args.slice(1)) {
      const kind = kindOf(shell, name);
      if (kind === undefined) status = 1;
      else yield* shell.write(1, `${kind === "file" ? `/usr/bin/${name}` : name}\n`);
    }
    return status;
  }
  const words = args[0] === "-p" || args[0] === "--" ? args.slice(1) : args;
  if (words.length === 0) return 0;
  const builtin = builtins[words[0]!];
  if (builtin) return yield* builtin(shell, words.slice(1));
  yield* external(shell, words);
  return shell.status;
}

function* printf(shell: Shell, args: readonly string[]): Act<number> {
  const isAssigned = args[0] === "-v";
  const [format, ...values] = isAssigned ? args.slice(2) : args[0] === "--" ? args.slice(1) : args;
  if (format === undefined)
    return yield* say(shell, "printf", "usage: printf [-v var] format [arguments]", 2);
  const { text, complaints } = formatted(format, values, shell.place.acts.clock.now());
  if (isAssigned) shell.variables.set(args[1] ?? "", text);
  else yield* shell.write(1, text);
  for (const each of complaints) yield* shell.complain(`printf: ${each}`);
  return complaints.length > 0 ? 1 : 0;
}

function* unset(shell: Shell, args: readonly string[]): Act<number> {
  const isFunction = args[0] === "-f";
  for (const name of args.filter((word) => !/^-[fnv]$/.test(word))) {
    const [, base, key] = /^(\w+)\[(.*)\]$/.exec(name) ?? [];
    if (base !== undefined) shell.variables.unsetElement(base, key!);
    else if (isFunction) shell.functions.delete(name);
    else if (shell.variables.find(name)) shell.variables.unset(name);
    else shell.functions.delete(name);
  }
  return 0;
}

function* history(shell: Shell, [word]: readonly string[]): Act<number> {
  if (word === "-c") shell.history.length = 0;
  const all = shell.history.map((line, i) => `${String(i + 1).padStart(5)}  ${line}\n`);
  const last = word !== undefined && /^\d+$/.test(word) ? Number(word) : all.length;
  yield* shell.write(1, all.slice(Math.max(0, all.length - last)).join(""));
  return 0;
}

const leaving = (what: "break" | "continue"): Builtin =>
  function* (_shell, [levels]) {
    throw new Leave(what, 0, Math.max(1, number(levels, 1)));
  };

const succeeding: Builtin = function* () {
  return 0;
};

/** By their names. */
export const builtins: Readonly<Record<string, Builtin>> = Object.assign(
  Object.create(null) as Record<string, Builtin>,
  {
    ":": succeeding,
    true: succeeding,
    *false() {
      return 1;
    },
    ".": source,
    source,
    echo,
    cd,
    read,
    wait: waits,
    kill,
    trap,
    getopts,
    type,
    command,
    break: leaving("break"),
    continue: leaving("continue"),
    declare: declare("declare"),
    typeset: declare("typeset"),
    export: declare("export"),
    local: declare("local"),
    readonly: declare("readonly"),
    hash: succeeding,
    history,
    ulimit: succeeding,
    shopt: succeeding,
    exec: succeeding,
    *builtin(shell, [name = "", ...args]) {
      const found = builtins[name];
      return found
        ? yield* found(shell, args)
        : yield* say(shell, "builtin", `${name}: not a shell builtin`);
    },
    *umask(shell, args) {
      if (args.length === 0) yield* shell.write(1, "0022\n");
      return 0;
    },
    *times(shell) {
      yield* shell.write(1, "0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n");
      return 0;
    },
    *exit(shell, [status]) {
      throw new Exit(number(status, shell.status) & 255);
    },
    *return(shell, [status]) {
      throw new Leave("return", number(status, shell.status) & 255);
    },
    *eval(shell, args) {
      return yield* shell.evaluate(args.join(" "));
    },
    *pwd(shell) {
      yield* shell.write(1, `${shell.process.folder}\n`);
      return 0;
    },
    *shift(shell, [count]) {
      const by = number(count, 1);
      if (by < 0 || by > shell.positional.length) return 1;
      shell.positional = shell.positional.slice(by);
      return 0;
    },
    set,
    unset,
    *let(shell, args) {
      let value = 0n;
      for (const word of args) value = yield* valueOf(aroundOf(shell), word);
      return value === 0n ? 1 : 0;
    },
    *test(shell, args) {
      return test(shell, args) ? 0 : 1;
    },
    *"["(shell, args) {
      if (args.at(-1) !== "]") return yield* say(shell, "[", "missing `]'", 2);
      try {
        return test(shell, args.slice(0, -1)) ? 0 : 1;
      } catch (error) {
        if (!(error instanceof ShellError)) throw error;
        return yield* say(shell, "[", error.message, 2);
      }
    },
    printf,
    jobs,
    fg,
    *disown() {
      return 0;
    },
    mapfile,
  } satisfies Record<string, Builtin>,
);
