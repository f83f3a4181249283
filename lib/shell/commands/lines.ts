/** cat, head, tail and what else hands on lines as they are. */
import { type Act, sleep } from "../../machinery/act.js";
import { formatted } from "../bash/printf.js";
import type { Command, Context } from "../place.js";
import { CHUNK } from "../streams.js";
import { allOf, eachInput, eachLine, Lines, optionsOf, refuse, Writer } from "./common.js";

function* cat(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "nAevTsuEb",
    long: { number: "n", "show-all": "A" },
  });
  if (flags.size === 0)
    return yield* eachInput(context, words, function* (input) {
      for (let bytes = yield* input.read(); bytes !== ""; bytes = yield* input.read())
        yield* context.out(bytes);
    });
  let number = 0;
  const writer = new Writer(context);
  const status = yield* eachLine(context, words, function* (line, hadEnd) {
    const isNumbered = flags.has("n") || (flags.has("b") && line !== "");
    const shown = flags.has("A") || flags.has("v") || flags.has("e") ? visible(line) : line;
    const end = flags.has("A") || flags.has("E") || flags.has("e") ? "$" : "";
    const prefix = isNumbered ? `${String(++number).padStart(6)}\t` : "";
    yield* writer.write(`${prefix}${shown}${hadEnd ? `${end}\n` : ""}`);
  });
  yield* writer.flush();
  return status;
}

/** As `cat -v` shows what is no letter. */
const visible = (text: string): string =>
  text.replace(/[\0-\x1f\x7f-\xff]/g, (char) => {
    const code = char.charCodeAt(0);
    const low = code & 127;
    const shown =
      low < 32
        ? `^${String.fromCharCode(low + 64)}`
        : low === 127
          ? "^?"
          : String.fromCharCode(low);
    return code < 128 ? shown : `M-${shown}`;
  });

const countOf = function* (context: Context, text: string, what: string): Act<number> {
  const [, sign, number, unit = ""] = /^([+-]?)(\d+)([kKMG]?)(?:i?B)?$/.exec(text) ?? [];
  if (number === undefined)
    return yield* refuse(context, 1, `invalid number of ${what}: '${text}'`);
  const value = Number(number) * ({ k: 1024, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[unit] ?? 1);
  return sign === "-" ? -value : value;
};

const headed = (name: string, isFirst: boolean): string =>
  `${isFirst ? "" : "\n"}==> ${name === "-" ? "standard input" : name} <==\n`;

function* head(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "n:c:qv",
    long: { lines: "n:", bytes: "c:", quiet: "q" },
    number: "n",
  });
  const bytes = flags.get("c");
  const isBytes = bytes !== undefined;
  const count = yield* countOf(
    context,
    bytes ?? flags.get("n") ?? "10",
    isBytes ? "bytes" : "lines",
  );
  let isFirst = true;
  return yield* eachInput(context, words, function* (input, name) {
    if (words.length > 1 && !flags.has("q")) yield* context.out(headed(name, isFirst));
    isFirst = false;
    if (count < 0) {
      const all = yield* allOf(context, input);
      if (isBytes) return yield* context.out(all.slice(0, count));
      const lines = all.split(/(?<=\n)/);
      return yield* context.out(lines.slice(0, count).join(""));
    }
    if (isBytes) {
      for (let left = count; left > 0;) {
        const some = yield* input.read(Math.min(left, CHUNK));
        if (some === "") return;
        left -= some.length;
        yield* context.out(some);
      }
      return;
    }
    const lines = new Lines(context, input);
    const writer = new Writer(context);
    for (let i = 0; i < count; i++) {
      const line = yield* lines.next();
      if (line === undefined) break;
      yield* writer.write(lines.hadEnd ? `${line}\n` : line);
    }
    lines.giveBack();
    yield* writer.flush();
  });
}

function* tail(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "n:c:qvfFs:",
    long: { lines: "n:", bytes: "c:", quiet: "q", follow: "f" },
    number: "n",
  });
  const bytes = flags.get("c");
  const text = bytes ?? flags.get("n") ?? "10";
  const count = Math.abs(yield* countOf(context, text, bytes === undefined ? "lines" : "bytes"));
  const isFromStart = text.startsWith("+");
  let isFirst = true;
  const status = yield* eachInput(context, words, function* (input, name) {
    if (words.length > 1 && !flags.has("q")) yield* context.out(headed(name, isFirst));
    isFirst = false;
    if (bytes !== undefined) {
      const all = yield* allOf(context, input);
      const from = isFromStart ? count - 1 : Math.max(0, all.length - count);
      return yield* context.out(all.slice(from));
    }
    const kept: string[] = [];
    const lines = new Lines(context, input);
    for (let i = 1; ; i++) {
      const line = yield* lines.next();
      if (line === undefined) break;
      if (isFromStart && i < count) continue;
      kept.push(lines.hadEnd ? `${line}\n` : line);
      if (!isFromStart && kept.length > count) kept.shift();
    }
    yield* context.out(kept.join(""));
  });
  if (flags.has("f") || flags.has("F")) yield* follow(context, words);
  return status;
}

/** `tail -f`: looks every second whether a file has grown. */
function* follow(context: Context, words: readonly string[]): Act<never> {
  const { files, acts } = context.place;
  const known = new Map(words.map((word) => [word, sizeOf(context, word)]));
  for (;;) {
    yield* sleep(acts.clock, 1_000);
    for (const [word, before] of known) {
      const size = sizeOf(context, word);
      if (size > before) yield* context.out(files.read(context.path(word)).slice(before));
      known.set(word, size);
    }
  }
}

const sizeOf = (context: Context, word: string): number => {
  const entry = context.place.files.find(context.path(word));
  return entry?.kind === "file" ? entry.bytes.length : 0;
};

function* seq(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "ws:f:0123456789.",
    long: { "equal-width": "w", separator: "s:", format: "f:" },
    number: "",
    stopsAtWord: true,
  });
  const numbers = words.map(Number);
  for (const [i, value] of numbers.entries())
    if (Number.isNaN(value))
      return yield* refuse(context, 1, `invalid floating point argument: '${words[i]}'`);
  const [first, step, last] =
    numbers.length === 1
      ? [1, 1, numbers[0]!]
      : numbers.length === 2
        ? [numbers[0]!, 1, numbers[1]!]
        : [numbers[0]!, numbers[1]!, numbers[2]];
  if (last === undefined) return yield* refuse(context, 1, "missing operand");
  if (step === 0) return yield* refuse(context, 1, `invalid Zero increment value: '${words[1]}'`);
  const digits = Math.max(...words.map((word) => word.split(".")[1]?.length ?? 0));
  const width = flags.has("w")
    ? Math.max(first.toFixed(digits).length, last.toFixed(digits).length)
    : 0;
  const writer = new Writer(context);
  const separator = flags.get("s") ?? "\n";
  const count = Math.floor((last - first) / step + 1e-9);
  for (let i = 0; i <= count; i++) {
    yield* context.process.spend();
    const text = (first + i * step).toFixed(digits).padStart(width, "0");
    const shown = flags.has("f") ? formatted(flags.get("f")!, [text], 0).text : text;
    yield* writer.write(`${i === 0 ? "" : separator}${shown}`);
  }
  if (count >= 0) yield* writer.write("\n");
  yield* writer.flush();
  return 0;
}

function* yes(context: Context): Act<never> {
  const line = `${context.args.join(" ") || "y"}\n`;
  const many = line.repeat(Math.max(1, Math.floor(4_096 / line.length)));
  for (;;) yield* context.out(many);
}

function* rev(context: Context): Act<number> {
  return yield* eachLine(context, context.args, function* (line) {
    yield* context.out(`${[...line].reverse().join("")}\n`);
  });
}

function* tac(context: Context): Act<number> {
  const all: string[] = [];
  const status = yield* eachLine(context, context.args, function* (line) {
    all.push(line);
  });
  yield* context.out(
    all
      .reverse()
      .map((line) => `${line}\n`)
      .join(""),
  );
  return status;
}

function* nl(context: Context): Act<number> {
  let number = 0;
  return yield* eachLine(context, context.args, function* (line) {
    yield* context.out(line === "" ? "       \n" : `${String(++number).padStart(6)}\t${line}\n`);
  });
}

export const lines: Readonly<Record<string, Command>> = { cat, head, tail, seq, yes, rev, tac, nl };
