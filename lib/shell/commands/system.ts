/** Commands about the place itself: sleep, date, hostname, ps, id, uname, which, … */
import { sleep as pause, type Act } from "../../machinery/act.js";
import { test as testWords } from "../bash/conditions.js";
import { unescaped } from "../bash/escapes.js";
import { dated } from "../dates.js";
import { formatted } from "../bash/printf.js";
import type { Command, Context } from "../place.js";
import { Bash } from "../bash/bash.js";
import { ShellError } from "../bash/variables.js";
import { signalTo } from "../bash/signals.js";
import { signalOf, type Process } from "../process.js";
import { millisecondsOf, optionsOf, refuse } from "./common.js";

function* sleep(context: Context): Act<number> {
  if (context.args.length === 0) return yield* refuse(context, 1, "missing operand");
  let ms = 0;
  for (const word of context.args) {
    if (word === "infinity") for (;;) yield* pause(context.place.acts.clock, 86_400_000);
    const one = millisecondsOf(word);
    if (one === undefined) return yield* refuse(context, 1, `invalid time interval '${word}'`);
    ms += one;
  }
  yield* pause(context.place.acts.clock, Math.min(ms, 2 ** 31));
  return 0;
}

function* date(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "ud:Ir:R",
    long: { utc: "u", date: "d:", "iso-8601": "I", "rfc-2822": "R" },
  });
  let now = context.place.acts.clock.now();
  const given = flags.get("d");
  if (given !== undefined) {
    const at = given.startsWith("@")
      ? 1000 * Number(given.slice(1))
      : given === "now"
        ? now
        : Date.parse(`${given}${/Z|[+-]\d\d:?\d\d$/.test(given) ? "" : "Z"}`);
    if (Number.isNaN(at)) return yield* refuse(context, 1, `invalid date '${given}'`);
    now = at;
  }
  const [format] = words;
  if (format !== undefined && !format.startsWith("+"))
    return yield* refuse(context, 1, `invalid date '${format}'`);
  const standard = flags.has("I")
    ? flags.get("I") === "seconds"
      ? "%FT%T+00:00"
      : "%F"
    : flags.has("R")
      ? "%a, %d %b %Y %T %z"
      : "%a %b %e %H:%M:%S UTC %Y";
  yield* context.out(`${dated(format?.slice(1) ?? standard, now)}\n`);
  return 0;
}

function* hostname(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "iIsfd",
    long: { "ip-address": "i", "all-ip-addresses": "I", fqdn: "f", short: "s" },
  });
  const { place } = context;
  if (words.length > 0)
    return yield* refuse(context, 1, "you must be root to change the host name");
  const { addresses } = place.network.origin;
  if (flags.has("I")) yield* context.out(`${addresses.join(" ")} \n`);
  else if (flags.has("i")) yield* context.out(`${addresses[0]}\n`);
  else if (flags.has("f")) {
    const own = place.files
      .read("/etc/hosts")
      .split("\n")
      .map((line) => line.split(/\s+/))
      .find((fields) => fields.slice(1).includes(place.hostname));
    yield* context.out(`${own?.[1] ?? place.hostname}\n`);
  } else if (flags.has("d")) yield* context.out("\n");
  else yield* context.out(`${place.hostname}\n`);
  return 0;
}

function* ps(context: Context): Act<number> {
  const { place, args } = context;
  const all = [...place.processes.all].sort((a, b) => a.pid - b.pid);
  const time = (ms: number): string => {
    const seconds = Math.floor(ms / 1000);
    const two = (value: number): string => String(value).padStart(2, "0");
    return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  };
  const at = args.findIndex((word) => /^-\w*o$/.test(word));
  if (at >= 0) return yield* psColumns(context, all, (args[at + 1] ?? "").split(","));
  const isFull = args.some((word) => /^-\w*f/.test(word));
  const isBsd = args.some((word) => /^-?[aux]*u[aux]*$/.test(word));
  const begun = (ms: number): string => dated("%H:%M", ms);
  if (isBsd) {
    yield* context.out(
      "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n",
    );
    for (const process of all) {
      const { pid, args: words, started } = process;
      yield* context.out(
        `root     ${String(pid).padStart(7)}  0.0  0.0   4364  3328 ?        ${stateOf(context, process).padEnd(4)} ${begun(started)}   0:00 ${words.join(" ")}\n`,
      );
    }
  } else if (isFull) {
    yield* context.out("UID          PID    PPID  C STIME TTY          TIME CMD\n");
    for (const { pid, parent, args: words, started } of all)
      yield* context.out(
        `root     ${String(pid).padStart(7)} ${String(parent?.pid ?? 0).padStart(7)}  0 ${begun(started)} ?        ${time(0)} ${words.join(" ")}\n`,
      );
  } else {
    yield* context.out("    PID TTY          TIME CMD\n");
    for (const { pid, args: words } of all)
      yield* context.out(
        `${String(pid).padStart(7)} ?        ${time(0)} ${words[0]?.replace(/^.*\//, "").slice(0, 15)}\n`,
      );
  }
  return 0;
}

/** Who asks runs, the others sleep; "s": a session's leader. */
const stateOf = ({ process }: Context, { pid, group, parent }: Process): string =>
  `${pid === process.pid ? "R" : "S"}${group === pid && !parent ? "s" : ""}`;

/** Each column's title, its width (negative: left) and what stands in it. */
const psFields: Readonly<
  Record<string, [string, number, (context: Context, process: Process) => string]>
> = {
  pid: ["PID", 7, (_, { pid }) => String(pid)],
  ppid: ["PPID", 7, (_, { parent }) => String(parent?.pid ?? 0)],
  pgid: ["PGID", 7, (_, { group }) => String(group)],
  user: ["USER", -8, () => "root"],
  uid: ["UID", 5, () => "0"],
  tty: ["TT", -8, () => "?"],
  stat: ["STAT", -4, stateOf],
  time: ["TIME", 8, () => "00:00:00"],
  comm: ["COMMAND", -15, (_, { args }) => (args[0] ?? "").replace(/^.*\//, "").slice(0, 15)],
  args: ["COMMAND", -27, (_, { args }) => args.join(" ")],
};

/** `ps -o pid,args` */
function* psColumns(
  context: Context,
  all: readonly Process[],
  names: readonly string[],
): Act<number> {
  const same: Record<string, string> = { cmd: "args", command: "args", tt: "tty", state: "stat" };
  const known = names.map((name) => psFields[same[name] ?? name]);
  const wrong = known.indexOf(undefined);
  if (wrong >= 0) {
    yield* context.err(`error: unknown user-defined format specifier "${names[wrong]}"\n`);
    return 1;
  }
  const row = (texts: readonly string[]): string =>
    texts
      .map((text, i) => {
        const width = known[i]![1];
        if (width > 0) return text.padStart(width);
        return i === texts.length - 1 ? text : text.padEnd(-width);
      })
      .join(" ");
  yield* context.out(`${row(known.map((each) => each![0]))}\n`);
  for (const process of all)
    yield* context.out(`${row(known.map((each) => each![2](context, process)))}\n`);
  return 0;
}

function* pgrep(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, { letters: "flxaon" });
  const isKill = context.name !== "pgrep";
  let signal = 15;
  const names = words.filter((word) => {
    signal = signalOf(word.replace(/^-/, "")) ?? signal;
    return !word.startsWith("-");
  });
  const found = [...context.place.processes.all].filter(({ args, pid }) => {
    const text = flags.has("f") ? args.join(" ") : (args[0] ?? "").replace(/^.*\//, "");
    return pid !== context.process.pid && names.some((name) => text.includes(name));
  });
  for (const process of found)
    if (isKill) process.signal(signal);
    else
      yield* context.out(
        `${process.pid}${flags.has("l") || flags.has("a") ? ` ${process.args.join(" ")}` : ""}\n`,
      );
  return found.length > 0 ? 0 : 1;
}

function* kill(context: Context): Act<number> {
  const [first = "", ...rest] = context.args;
  const isSignal = first.startsWith("-");
  const signal = isSignal ? signalOf(first.slice(1)) : 15;
  if (signal === undefined)
    return yield* refuse(context, 1, `${first.slice(1)}: invalid signal specification`);
  let status = 0;
  for (const word of isSignal ? rest : context.args)
    if (!signalTo(context.process, Number(word), signal)) {
      yield* context.err(`kill: (${word}): No such process\n`);
      status = 1;
    }
  return status;
}

function* id(context: Context): Act<number> {
  const { flags } = yield* optionsOf(context, { letters: "ugnG" });
  const isNumber = (flags.has("u") || flags.has("g") || flags.has("G")) && !flags.has("n");
  const isName = (flags.has("u") || flags.has("g") || flags.has("G")) && flags.has("n");
  yield* context.out(
    isNumber ? "0\n" : isName ? "root\n" : "uid=0(root) gid=0(root) groups=0(root)\n",
  );
  return 0;
}

function* uname(context: Context): Act<number> {
  const { flags } = yield* optionsOf(context, { letters: "asnrvmpio", long: { all: "a" } });
  const all: [string, string][] = [
    ["s", "Linux"],
    ["n", context.place.hostname],
    ["r", "6.1.0-stopover"],
    ["v", "#1 SMP"],
    ["m", "x86_64"],
    ["o", "GNU/Linux"],
  ];
  const wanted = all.filter(
    ([letter]) => flags.has("a") || flags.has(letter) || (flags.size === 0 && letter === "s"),
  );
  yield* context.out(`${wanted.map(([, text]) => text).join(" ")}\n`);
  return 0;
}

function* which(context: Context): Act<number> {
  let status = 0;
  for (const word of context.args.filter((each) => !each.startsWith("-")))
    if (context.place.commands.has(word)) yield* context.out(`/usr/bin/${word}\n`);
    else status = 1;
  return status;
}

function* echo(context: Context): Act<number> {
  const { args } = context;
  let i = 0;
  let [isWhole, escapes] = [true, false];
  for (; /^-[neE]+$/.test(args[i] ?? ""); i++) {
    if (args[i]!.includes("n")) isWhole = false;
    if (args[i]!.includes("e")) escapes = true;
  }
  const text = args.slice(i).join(" ");
  yield* context.out(`${escapes ? unescaped(text)[0] : text}${isWhole ? "\n" : ""}`);
  return 0;
}

function* printf(context: Context): Act<number> {
  const [format, ...values] = context.args;
  if (format === undefined) return yield* refuse(context, 1, "missing operand");
  const { text, complaints } = formatted(format, values, context.place.acts.clock.now());
  yield* context.out(text);
  for (const each of complaints) yield* context.err(`printf: ${each}\n`);
  return complaints.length > 0 ? 1 : 0;
}

function* test(context: Context): Act<number> {
  const { args, name, place, process } = context;
  const words = name === "[" ? args.slice(0, -1) : args;
  if (name === "[" && args.at(-1) !== "]") return yield* refuse(context, 2, "missing ']'");
  try {
    return testWords(new Bash(place, process, name), words) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof ShellError)) throw error;
    return yield* refuse(context, 2, error.message);
  }
}

function* pwd(context: Context): Act<number> {
  yield* context.out(`${context.process.folder}\n`);
  return 0;
}

const ending = (status: number): Command =>
  function* () {
    return status;
  };

function* nproc(context: Context): Act<number> {
  yield* context.out("2\n");
  return 0;
}

function* whoami(context: Context): Act<number> {
  yield* context.out("root\n");
  return 0;
}

export const system: Readonly<Record<string, Command>> = {
  sleep,
  date,
  hostname,
  ps,
  pgrep,
  pkill: pgrep,
  kill,
  id,
  uname,
  which,
  *clear(context) {
    yield* context.out("\x1b[H\x1b[2J\x1b[3J");
    return 0;
  },
  echo,
  printf,
  test,
  "[": test,
  pwd,
  true: ending(0),
  false: ending(1),
  nproc,
  whoami,
};
