/** bash, sh and what runs other programs: timeout, xargs, env, nohup, watch, busybox. */
import { sleep, within, type Act } from "../../machinery/act.js";
import { setOptions } from "../bash/options.js";
import { FileError, type Device, type Regular } from "../files.js";
import { programIn, type Command, type Context } from "../place.js";
import { converse } from "../interactive.js";
import { Exit, signalOf, type Process } from "../process.js";
import { Bash } from "../bash/bash.js";
import { spawnCommand } from "../running.js";
import { allOf, complain, eachInput, millisecondsOf, optionsOf, refuse } from "./common.js";

function* bash(context: Context): Act<number> {
  const { place, process, name } = context;
  const shell = new Bash(place, process, name);
  const args = [...context.args];
  const options: string[] = [];
  let reads: "command" | "input" | undefined;
  while (args.length > 0 && /^[-+]./.test(args[0]!)) {
    const word = args.shift()!;
    if (word === "--") break;
    if (/^--(login|norc|noprofile|posix)$/.test(word)) continue;
    if (word.startsWith("--")) return yield* refuse(context, 2, `${word}: invalid option`);
    if (word.startsWith("-") && word.includes("c")) reads = "command";
    else if (word.startsWith("-") && word.includes("s")) reads = "input";
    const letters = word.slice(1).replace(/[cisl]/g, "");
    if (letters === "") continue;
    options.push(`${word[0]}${letters}`);
    if (letters.endsWith("o")) options.push(args.shift() ?? "");
  }
  if (setOptions(shell, options) === undefined)
    return yield* refuse(context, 2, `${options.join(" ")}: invalid option`);
  let text: string;
  if (reads === "command") {
    if (args.length === 0) return yield* refuse(context, 2, "-c: option requires an argument");
    text = args.shift()!;
    shell.name = args[0] ?? name;
    shell.positional = args.slice(1);
  } else if (args.length === 0 && !reads && context.input.isTerminal) {
    return yield* converse(shell, context.input);
  } else if (reads === "input" || args.length === 0) {
    text = yield* allOf(context, context.input);
    shell.positional = args;
  } else {
    shell.name = args[0]!;
    shell.positional = args.slice(1);
    try {
      text = place.files.read(context.path(args[0]!));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      // a volume's files are not all here
      const assumed = error.code === "ENOENT" && place.assumed?.(args[0]!, process);
      if (assumed) return yield* assumed(context);
      yield* complain(context, `${args[0]}: ${error.message}`);
      return error.code === "ENOENT" ? 127 : 126;
    }
  }
  return yield* shell.main(text);
}

/** Starts another program; answers undefined where there is none, which has been said. */
function* started(
  context: Context,
  args: readonly string[],
  group?: "own",
): Act<Process | undefined> {
  const { place, process } = context;
  const [name = ""] = args;
  const command = programIn(place.commands, name) ?? place.assumed?.(name, process);
  if (!command) {
    yield* complain(
      context,
      context.name === "timeout"
        ? `failed to run command '${name}': No such file or directory`
        : `${context.name === "env" ? `'${name}'` : name}: No such file or directory`,
    );
    return undefined;
  }
  const { fds, env, folder } = process;
  return spawnCommand(place, { command, args, parent: process, fds, env, folder, group });
}

function* timeout(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(
    context,
    {
      letters: "fk:ps:t:v",
      long: {
        signal: "s:",
        "kill-after": "k:",
        foreground: "f",
        "preserve-status": "p",
        verbose: "v",
      },
      stopsAtWord: true,
    },
    125,
  );
  const { clock } = context.place.acts;
  const refused = function* (message?: string): Act<number> {
    if (message !== undefined) yield* complain(context, message);
    yield* context.err("Try 'timeout --help' for more information.\n");
    return 125;
  };
  // busybox of old: timeout -t SECONDS
  const given = flags.get("t") ?? words[0];
  const args = flags.has("t") ? words : words.slice(1);
  const ms = given === undefined ? undefined : millisecondsOf(given);
  if (given === undefined || args.length === 0) return yield* refused();
  if (ms === undefined) return yield* refused(`invalid time interval '${given}'`);
  const signal = signalOf(flags.get("s") ?? "TERM");
  if (signal === undefined) return yield* refused(`'${flags.get("s")}': invalid signal`);
  const child = yield* started(context, args, "own");
  if (!child) return 127;
  if (ms === 0) return yield* child.wait();
  // who is ended takes its child along
  const before = context.process.onSignal;
  context.process.onSignal = (number) => {
    end(child, number);
    return before?.(number) ?? false;
  };
  const status = yield* within(clock, ms, child.wait());
  if (status !== undefined) return status;
  end(child, signal);
  const killAfter = flags.get("k");
  const grace = killAfter === undefined ? undefined : millisecondsOf(killAfter);
  const later =
    grace === undefined ? yield* child.wait() : yield* within(clock, grace, child.wait());
  if (later === undefined) {
    end(child, 9);
    yield* child.wait();
    return 137;
  }
  if (signal === 9) return 137;
  return flags.has("p") ? later : 124;
}

/** A signal for a process and those that it began. */
function end({ table, pid }: Process, signal: number): void {
  table.signalAll(signal, ({ group }) => group === pid);
}

function* xargs(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "0I:L:n:P:rtd:",
    long: { null: "0", "no-run-if-empty": "r", "max-args": "n:", delimiter: "d:" },
    stopsAtWord: true,
  });
  const args = words.length > 0 ? words : ["echo"];
  const all = yield* allOf(context, context.input);
  const mark = flags.get("I");
  const delimiter = flags.has("0") ? "\0" : flags.get("d")?.replace("\\n", "\n");
  const items =
    delimiter !== undefined
      ? all.split(delimiter).filter((item, i, every) => i < every.length - 1 || item !== "")
      : mark !== undefined || flags.has("L")
        ? all
            .split("\n")
            .map((line) => line.trim())
            .filter((line) => line !== "")
        : wordsIn(all);
  const most = mark !== undefined || flags.has("L") ? 1 : Number(flags.get("n") ?? Infinity);
  if (items.length === 0 && (flags.has("r") || mark !== undefined)) return 0;
  let status = 0;
  for (let i = 0; i === 0 || i < items.length; i += most) {
    const some = items.slice(i, i + most);
    const run =
      mark === undefined
        ? [...args, ...some]
        : args.map((word) => word.replaceAll(mark, some[0] ?? ""));
    if (flags.has("t")) yield* context.err(`${run.join(" ")}\n`);
    const child = yield* started(context, run);
    if (!child) return 127;
    const ended = yield* child.wait();
    if (ended === 255) return 124;
    if (ended > 128) return 125;
    if (ended !== 0) status = 123;
    if (most === Infinity) break;
  }
  return status;
}

/** Words with quotes and backslashes, as xargs reads them. */
function wordsIn(text: string): string[] {
  const words: string[] = [];
  const pattern = /(?:[^\s"'\\]|\\[^]|"[^"\n]*"|'[^'\n]*')+/g;
  for (const [word] of text.matchAll(pattern))
    words.push(
      word.replace(
        /\\([^])|"([^"]*)"|'([^']*)'/g,
        (_all, a?: string, b?: string, c?: string) => a ?? b ?? c ?? "",
      ),
    );
  return words;
}

function* env(context: Context): Act<number> {
  const { process } = context;
  const variables = new Map(Object.entries(process.env));
  let i = 0;
  for (; i < context.args.length; i++) {
    const word = context.args[i]!;
    if (word === "-i" || word === "-") variables.clear();
    else if (word === "-u") variables.delete(context.args[++i] ?? "");
    else if (/^[^-=][^=]*=/.test(word)) {
      const [key = "", value = ""] = word.split(/=(.*)/s, 2);
      variables.set(key, value);
    } else break;
  }
  const args = context.args.slice(i);
  if (args.length === 0) {
    for (const [key, value] of variables) yield* context.out(`${key}=${value}\n`);
    return 0;
  }
  process.env = Object.fromEntries(variables);
  const child = yield* started(context, args);
  return child ? yield* child.wait() : 127;
}

/** What runs another program as it is. */
const passing = (skips: RegExp): Command =>
  function* (context) {
    const args = [...context.args];
    while (args.length > 0 && skips.test(args[0]!)) args.shift();
    if (args.length === 0) return yield* refuse(context, 125, "missing operand");
    const child = yield* started(context, args);
    return child ? yield* child.wait() : 127;
  };

function* busybox(context: Context): Act<number> {
  const [name, ...args] = context.args;
  const command = name === undefined ? undefined : context.place.commands.get(name);
  if (name === undefined) {
    yield* context.out("BusyBox v1.36.1 multi-call binary.\n");
    return 0;
  }
  if (!command) {
    yield* context.err(`${name}: applet not found\n`);
    return 127;
  }
  return yield* command({ ...context, name, args });
}

function* watch(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "n:tdx",
    long: { interval: "n:", "no-title": "t" },
    stopsAtWord: true,
  });
  if (words.length === 0) {
    yield* context.err("\nUsage:\n watch [options] command\n");
    return 1;
  }
  const seconds = Number(flags.get("n") ?? "2");
  const { clock } = context.place.acts;
  for (;;) {
    const child = yield* started(context, ["sh", "-c", words.join(" ")]);
    if (!child) throw new Exit(127);
    yield* child.wait();
    yield* sleep(clock, 1000 * Math.max(0.1, seconds));
  }
}

function* tee(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, { letters: "ai", long: { append: "a" } });
  const { files } = context.place;
  let status = 0;
  const kept: (Regular | Device)[] = [];
  for (const word of words) {
    try {
      const entry = files.open(context.path(word), true);
      if (!flags.has("a") && entry.kind === "file") files.truncate(entry);
      kept.push(entry);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      yield* complain(context, `${word}: ${error.message}`);
      status = 1;
    }
  }
  yield* eachInput(context, [], function* (input) {
    for (let bytes = yield* input.read(); bytes !== ""; bytes = yield* input.read()) {
      for (const entry of kept)
        if (entry.kind === "file") files.append(entry, bytes);
        else entry.write(bytes);
      yield* context.out(bytes);
    }
  });
  return status;
}

export const interpreters: Readonly<Record<string, Command>> = {
  bash,
  sh: bash,
  ash: bash,
  dash: bash,
  timeout,
  xargs,
  env,
  busybox,
  watch,
  tee,
  nohup: passing(/^--$/),
  nice: passing(/^-(n|\d+)$|^\d+$/),
  setsid: passing(/^-/),
  stdbuf: passing(/^-/),
  time: passing(/^-/),
};
