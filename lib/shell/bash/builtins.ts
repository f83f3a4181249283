/** The commands that a shell has itself, since they change it. (bash, builtins/) */
import { either, within, type Act } from "../../machinery/act.js";
import { valueOf } from "./arithmetic.js";
import { test } from "./conditions.js";
import { absolute, FileError } from "../files.js";
import { formatted } from "./printf.js";
import { Exit, signalName, signalOf, signals, type Process } from "../process.js";
import type { Shell } from "./shell.js";
import { ShellError } from "./variables.js";
import { aroundOf, elementsOf, shellQuoted } from "./words.js";

/** `break`, `continue`, `return`: they leave what is around them. */
export class Leave extends Error {
  constructor(
    readonly what: "break" | "continue" | "return",
    readonly status: number,
    readonly levels = 1,
  ) {
    super(what);
  }
}

export type Builtin = (shell: Shell, args: readonly string[]) => Act<number>;

/** Those whose arguments are assignments. */
export const declarations = new Set(["declare", "export", "local", "readonly", "typeset"]);

const say = function* (shell: Shell, name: string, message: string, status = 1): Act<number> {
  yield* shell.complain(`${name}: ${message}`);
  return status;
};

const number = (text: string | undefined, otherwise: number): number => {
  if (text === undefined) return otherwise;
  if (!/^[+-]?\d+$/.test(text)) throw new ShellError(`${text}: numeric argument required`, 2, true);
  return Number(text);
};

const trapName = (text: string): string | undefined => {
  const upper = text.toUpperCase().replace(/^SIG/, "");
  if (upper === "0" || upper === "EXIT") return "EXIT";
  if (["ERR", "DEBUG", "RETURN"].includes(upper)) return upper;
  return signalName(signalOf(text));
};

const optionLetters: Readonly<Record<string, string>> = {
  a: "allexport",
  e: "errexit",
  f: "noglob",
  n: "noexec",
  u: "nounset",
  v: "verbose",
  x: "xtrace",
};
const optionNames = [
  ...Object.values(optionLetters),
  "pipefail",
  "posix",
  "monitor",
  "emacs",
  "vi",
];

/** `set -e -o pipefail`: answers how many arguments were options; undefined: one is none. */
export function setOptions(shell: Shell, args: readonly string[]): number | undefined {
  let i = 0;
  for (; i < args.length; i++) {
    const word = args[i]!;
    if (word === "--" || word === "-") return i + 1;
    if (!/^[-+]./.test(word)) break;
    for (const letter of word.slice(1)) {
      const name = letter === "o" ? args[++i] : (optionLetters[letter] ?? "");
      if (name === undefined) return i;
      if ("bhmtBCEHPT".includes(letter)) continue;
      if (!optionNames.includes(name)) return undefined;
      if (word.startsWith("-")) shell.options.add(name);
      else shell.options.delete(name);
    }
  }
  return i;
}

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

/** What `echo -e` and `printf %b` make of backslashes; true: `\c` ends all. */
export function unescaped(text: string): [text: string, stops: boolean] {
  let result = "";
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== "\\" || i === text.length - 1) {
      result += text[i];
      continue;
    }
    const rest = text.slice(i + 1);
    const coded = /^(?:0[0-7]{0,3}|x[\da-f]{1,2})/i.exec(rest);
    if (rest.startsWith("c")) return [result, true];
    if (coded) {
      const value = coded[0].startsWith("0")
        ? parseInt(coded[0] || "0", 8)
        : parseInt(coded[0].slice(1), 16);
      result += String.fromCharCode(value & 255);
      i += coded[0].length;
      continue;
    }
    const simple = { a: "\x07", b: "\b", e: "\x1b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" }[
      rest[0]!
    ];
    result += simple ?? (rest[0] === "\\" ? "\\" : `\\${rest[0]}`);
    i++;
  }
  return [result, false];
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

/** `declare`, `export`, `local`, `readonly`. */
const declare = (name: string): Builtin =>
  function* (shell, args) {
    const flags = args.filter((word) => /^[-+][aAfFgilnprtux]+$/.test(word)).join("");
    const words = args.filter((word) => !/^[-+][aAfFgilnprtux]+$/.test(word) && word !== "--");
    if (name === "local" && !shell.variables.isLocal)
      return yield* say(shell, "local", "can only be used in a function");
    const isLocal =
      shell.variables.isLocal && (name === "local" || name === "declare" || name === "typeset");
    if (words.length === 0 || /p/.test(flags)) return yield* list(shell, name, words);
    if (/[fF]/.test(flags)) return words.every((word) => shell.functions.has(word)) ? 0 : 1;
    for (const word of words) {
      const [, base, appends, , value] = /^([A-Za-z_]\w*)(\+?)(=(.*))?$/s.exec(word) ?? [];
      if (base === undefined) {
        const shown = word.replace(/=.*$/s, "");
        return yield* say(shell, name, `\`${shown}': not a valid identifier`);
      }
      const variable = shell.variables.declare(base, isLocal && !/g/.test(flags));
      if (/A/.test(flags)) {
        variable.isNamed = true;
        if (!(variable.value instanceof Map)) variable.value = new Map();
      }
      if (/-\w*a/.test(flags) && !(variable.value instanceof Map)) variable.value = new Map();
      if (/-\w*i/.test(flags)) variable.isInteger = true;
      if (value !== undefined) yield* setDeclared(shell, base, value, appends === "+");
      if (name === "export" || /-\w*x/.test(flags)) variable.isExported = !/n/.test(flags);
      if (/\+\w*x/.test(flags)) variable.isExported = false;
      if (name === "readonly" || /-\w*r/.test(flags)) variable.isReadonly = true;
    }
    return 0;
  };

function* setDeclared(shell: Shell, name: string, value: string, appends: boolean): Act<void> {
  const kept = shell.arrays.get(value);
  if (kept?.value.type === "ArrayValue") {
    shell.arrays.delete(value);
    const before = new Map(appends ? shell.variables.elements(name) : []);
    shell.variables.setArray(name, yield* elementsOf(shell, name, kept.value, before));
  } else yield* shell.setText(name, value, appends);
}

function* list(shell: Shell, name: string, wanted: readonly string[]): Act<number> {
  let status = 0;
  const all = shell.variables.all();
  for (const each of wanted)
    if (!all.some(([one]) => one === each)) status = yield* say(shell, name, `${each}: not found`);
  for (const [each, variable] of all) {
    if (wanted.length > 0 ? !wanted.includes(each) : name === "export" && !variable.isExported)
      continue;
    if (name === "readonly" && !variable.isReadonly) continue;
    const flags = [
      variable.value instanceof Map && (variable.isNamed ? "A" : "a"),
      variable.isInteger && "i",
      variable.isReadonly && "r",
      variable.isExported && "x",
    ];
    const quoted = (text: string): string => `"${text.replace(/["\\$`]/g, "\\$&")}"`;
    const value =
      variable.value instanceof Map
        ? `=(${shell.variables
            .elements(each)
            .map(([key, text]) => `[${key}]=${quoted(text)}`)
            .join(" ")})`
        : variable.value === undefined
          ? ""
          : `=${quoted(variable.value)}`;
    yield* shell.write(1, `declare -${flags.filter(Boolean).join("") || "-"} ${each}${value}\n`);
  }
  return status;
}

function* read(shell: Shell, args: readonly string[]): Act<number> {
  const names: string[] = [];
  let [raw, delimiter, prompt] = [false, "\n", ""];
  let seconds: number | undefined;
  let count: number | undefined;
  let array: string | undefined;
  let fd = 0;
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (!/^-[adeinNprstu]/.test(word)) names.push(word);
    else
      for (let at = 1; at < word.length; at++) {
        const letter = word[at]!;
        if (letter === "r") raw = true;
        if (!"adinNptu".includes(letter)) continue;
        const value = word.slice(at + 1) || (args[++i] ?? "");
        if (letter === "d") delimiter = value[0] ?? "\0";
        if (letter === "p") prompt = value;
        if (letter === "t") seconds = Number(value);
        if (letter === "n" || letter === "N") count = Number(value);
        if (letter === "a") array = value;
        if (letter === "u") fd = Number(value);
        break;
      }
  }
  const input = shell.process.fds.get(fd);
  if (!input)
    return yield* say(shell, "read", `${fd}: invalid file descriptor: Bad file descriptor`);
  if (prompt !== "" && input.isTerminal) yield* shell.write(2, prompt);
  const { line, isWhole, isLate } = yield* readLine(shell, fd, { raw, delimiter, seconds, count });
  if (array !== undefined) {
    const words = fields(line, shell.separators, Infinity);
    shell.variables.setArray(array, new Map(words.map((word, i) => [String(i), word])));
  } else if (names.length === 0) shell.variables.set("REPLY", line.replaceAll(mark, ""));
  else {
    const words = fields(line, shell.separators, names.length);
    for (const [i, name] of names.entries()) shell.variables.set(name, words[i] ?? "");
  }
  if (isLate) return 142; // 128 and SIGALRM
  return isWhole ? 0 : 1;
}

/** Stands before a character that a backslash kept from splitting. */
const mark = "\x01";

function* readLine(
  shell: Shell,
  fd: number,
  options: {
    raw: boolean;
    delimiter: string;
    seconds: number | undefined;
    count: number | undefined;
  },
): Act<{ line: string; isWhole: boolean; isLate: boolean }> {
  const { clock } = shell.place.acts;
  const input = shell.process.fds.get(fd)!;
  const { raw, delimiter, seconds, count } = options;
  const end = seconds === undefined ? undefined : clock.now() + 1000 * seconds;
  let line = "";
  let taken = 0;
  let isEscaped = false;
  for (;;) {
    const reading = input.read(4_096);
    const bytes = yield* end === undefined ? reading : within(clock, end - clock.now(), reading);
    if (bytes === undefined) return { line, isWhole: false, isLate: true };
    if (bytes === "") return { line, isWhole: false, isLate: false };
    yield* shell.process.spend();
    for (let i = 0; i < bytes.length; i++) {
      const char = bytes[i]!;
      const isEnd = char === delimiter && !isEscaped;
      if (isEscaped) {
        if (char !== "\n") line += mark + char;
        isEscaped = false;
      } else if (!raw && char === "\\") isEscaped = true;
      else if (!isEnd) line += char;
      if (!isEnd) taken++;
      if (isEnd || taken === count) {
        input.unread(bytes.slice(i + 1));
        return { line, isWhole: true, isLate: false };
      }
    }
  }
}

/** As `read` splits: the last name gets the rest. */
function fields(line: string, separators: string, most: number): string[] {
  const white = [...separators].filter((char) => " \t\n".includes(char)).join("");
  const isWhite = (char: string | undefined): boolean => char !== undefined && white.includes(char);
  const words: string[] = [];
  let i = 0;
  while (isWhite(line[i])) i++;
  while (i < line.length) {
    if (words.length === most - 1) {
      let end = line.length;
      while (end > i && isWhite(line[end - 1]) && line[end - 2] !== mark) end--;
      words.push(line.slice(i, end).replaceAll(mark, ""));
      break;
    }
    let word = "";
    for (; i < line.length && !separators.includes(line[i]!); i++) {
      if (line[i] === mark) i++;
      word += line[i] ?? "";
    }
    words.push(word);
    while (isWhite(line[i])) i++;
    if (i < line.length && separators.includes(line[i]!) && !isWhite(line[i])) {
      i++;
      while (isWhite(line[i])) i++;
    }
  }
  return words;
}

function* waits(shell: Shell, args: readonly string[]): Act<number> {
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
      yield either(...jobs.map(({ process }) => process.ended.wait), shell.interrupted.wait);
      if (shell.hasSignal !== undefined) return 128 + shell.hasSignal;
    }
  }
  if (words.length === 0) {
    for (const { process } of [...shell.jobs]) {
      if ((yield* shell.waitInterruptibly(process)) === undefined) return 128 + shell.hasSignal!;
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
    const ended = yield* shell.waitInterruptibly(job.process);
    if (ended === undefined) return 128 + shell.hasSignal!;
    status = ended;
  }
  return status;
}

const forget = (shell: Shell, process: Process): void => {
  const at = shell.jobs.findIndex((job) => job.process === process);
  if (at >= 0) shell.jobs.splice(at, 1);
};

const jobsOf = (shell: Shell, words: readonly string[]) =>
  words.flatMap((word) => {
    const current = shell.jobs.at(-1);
    if (/^%[%+]?$/.test(word)) return current ? [current] : [];
    const found = /^%(\d+)$/.exec(word);
    return shell.jobs.filter(({ number, process }) =>
      found ? number === Number(found[1]) : String(process.pid) === word,
    );
  });

function* kill(shell: Shell, args: readonly string[]): Act<number> {
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

function* trap(shell: Shell, args: readonly string[]): Act<number> {
  const words = args[0] === "--" ? args.slice(1) : args;
  if (words.length === 0 || words[0] === "-p") {
    for (const [name, action] of shell.traps)
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
    else if (resets) shell.traps.delete(name);
    else shell.traps.set(name, words[0]!);
  }
  return status;
}

function* getopts(
  shell: Shell,
  [options = "", name = "", ...given]: readonly string[],
): Act<number> {
  const { variables } = shell;
  const args = given.length > 0 ? given : shell.positional;
  let index = Number(variables.get("OPTIND") ?? "1");
  if (index <= 1 && shell.optionAt > 1) shell.optionAt = 1;
  const word = args[index - 1];
  if (word === undefined || !/^-./.test(word) || word === "--") {
    if (word === "--") variables.set("OPTIND", String(index + 1));
    variables.set(name, "?");
    return 1;
  }
  const letter = word[shell.optionAt]!;
  const at = options.replace(/^:/, "").indexOf(letter);
  const takes = at >= 0 && options.replace(/^:/, "")[at + 1] === ":";
  const isQuiet = options.startsWith(":");
  shell.optionAt++;
  const isLast = shell.optionAt >= word.length;
  variables.unset("OPTARG");
  if (at < 0 || letter === ":") {
    if (!isQuiet) yield* shell.write(2, `${shell.name}: illegal option -- ${letter}\n`);
    else variables.set("OPTARG", letter);
    variables.set(name, "?");
  } else if (takes) {
    const value = isLast ? args[index++] : word.slice(shell.optionAt);
    shell.optionAt = word.length;
    if (value === undefined) {
      if (!isQuiet)
        yield* shell.write(2, `${shell.name}: option requires an argument -- ${letter}\n`);
      else variables.set("OPTARG", letter);
      variables.set(name, isQuiet ? ":" : "?");
    } else {
      variables.set("OPTARG", value);
      variables.set(name, letter);
    }
  } else variables.set(name, letter);
  if (shell.optionAt >= word.length) {
    index++;
    shell.optionAt = 1;
  }
  variables.set("OPTIND", String(index));
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
  yield* shell.external(words);
  return shell.status;
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
    *history(shell, [word]) {
      if (word === "-c") shell.history.length = 0;
      const all = shell.history.map((line, i) => `${String(i + 1).padStart(5)}  ${line}\n`);
      const last = word !== undefined && /^\d+$/.test(word) ? Number(word) : all.length;
      yield* shell.write(1, all.slice(Math.max(0, all.length - last)).join(""));
      return 0;
    },
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
    *set(shell, args) {
      if (args.length === 0) {
        for (const [name, { value }] of shell.variables.all())
          if (typeof value === "string")
            yield* shell.write(
              1,
              `${name}=${/^[\w@%+=:,./-]*$/.test(value) ? value : shellQuoted(value)}\n`,
            );
        return 0;
      }
      const taken = setOptions(shell, args);
      if (taken === undefined)
        return yield* say(shell, "set", `${args.join(" ")}: invalid option`, 2);
      if (taken < args.length || args.includes("--")) shell.positional = args.slice(taken);
      return 0;
    },
    *unset(shell, args) {
      const isFunction = args[0] === "-f";
      for (const name of args.filter((word) => !/^-[fnv]$/.test(word))) {
        const [, base, key] = /^(\w+)\[(.*)\]$/.exec(name) ?? [];
        if (base !== undefined) shell.variables.unsetElement(base, key!);
        else if (isFunction) shell.functions.delete(name);
        else if (shell.variables.find(name)) shell.variables.unset(name);
        else shell.functions.delete(name);
      }
      return 0;
    },
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
    *printf(shell, args) {
      const isAssigned = args[0] === "-v";
      const [format, ...values] = isAssigned
        ? args.slice(2)
        : args[0] === "--"
          ? args.slice(1)
          : args;
      if (format === undefined)
        return yield* say(shell, "printf", "usage: printf [-v var] format [arguments]", 2);
      const { text, complaints } = formatted(format, values, shell.place.acts.clock.now());
      if (isAssigned) shell.variables.set(args[1] ?? "", text);
      else yield* shell.write(1, text);
      for (const each of complaints) yield* shell.complain(`printf: ${each}`);
      return complaints.length > 0 ? 1 : 0;
    },
    *jobs(shell) {
      for (const { number, process, text } of [...shell.jobs]) {
        const state = process.status === undefined ? "Running" : "Done";
        const sign = shell.jobs.at(-1)?.number === number ? "+" : "-";
        const tail = process.status === undefined ? " &" : "";
        yield* shell.write(1, `[${number}]${sign}  ${state.padEnd(24)}${text}${tail}\n`);
        if (process.status !== undefined) forget(shell, process);
      }
      return 0;
    },
    *fg(shell, args) {
      const [job] = jobsOf(shell, args.length > 0 ? args : ["%+"]);
      if (!job) return yield* say(shell, "fg", "current: no such job");
      yield* shell.write(1, `${job.text}\n`);
      const status = yield* job.process.wait();
      forget(shell, job.process);
      return status;
    },
    *disown() {
      return 0;
    },
    *mapfile(shell, args) {
      const name = args.filter((word) => !word.startsWith("-"))[0] ?? "MAPFILE";
      const lines = new Map<string, string>();
      const trims = args.some((word) => /^-\w*t/.test(word));
      for (;;) {
        const { line, isWhole } = yield* readLine(shell, 0, {
          raw: true,
          delimiter: "\n",
          seconds: undefined,
          count: undefined,
        });
        if (!isWhole && line === "") break;
        lines.set(String(lines.size), trims || !isWhole ? line : `${line}\n`);
        if (!isWhole) break;
      }
      shell.variables.setArray(name, lines);
      return 0;
    },
  } satisfies Record<string, Builtin>,
);
