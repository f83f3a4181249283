/** Commands that read text and write text: cat, head, tail, sort, uniq, wc, cut, tr, seq, … */
import { sleep, type Act } from "../../machinery/act.js";
import { formatted } from "../bash/printf.js";
import type { Command, Context } from "../place.js";
import { CHUNK } from "../streams.js";
import {
  allOf,
  complain,
  contentOf,
  eachInput,
  eachLine,
  Lines,
  optionsOf,
  refuse,
  Writer,
} from "./common.js";

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

function* sort(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "nrufbcghVst:k:o:d",
    long: { reverse: "r", unique: "u", "numeric-sort": "n", "human-numeric-sort": "h", key: "k:" },
  });
  const all: string[] = [];
  const status = yield* eachLine(context, words, function* (line) {
    all.push(line);
  });
  const key = keyOf(flags.get("k"), flags.get("t"));
  const isNumeric = flags.has("n") || flags.has("g") || flags.has("h") || key.isNumeric;
  const compare = (a: string, b: string): number => {
    const [x, y] = [key.of(a), key.of(b)];
    if (isNumeric) return numeric(x) - numeric(y);
    if (flags.has("V")) return version(x, y);
    const [p, q] = flags.has("f") ? [x.toUpperCase(), y.toUpperCase()] : [x, y];
    return p < q ? -1 : p > q ? 1 : 0;
  };
  const turn = flags.has("r") || key.isReversed ? -1 : 1;
  yield* context.process.spend(1 + all.length);
  const sorted = all.sort(
    (a, b) =>
      turn * (compare(a, b) || (flags.has("u") || flags.has("s") ? 0 : a < b ? -1 : a > b ? 1 : 0)),
  );
  const shown = flags.has("u")
    ? sorted.filter((line, i) => i === 0 || compare(sorted[i - 1]!, line) !== 0)
    : sorted;
  const text = shown.map((line) => `${line}\n`).join("");
  const out = flags.get("o");
  if (out === undefined) yield* context.out(text);
  else context.place.files.write(context.path(out), text);
  return status;
}

const numeric = (text: string): number => {
  const found = /^\s*(-?\d*\.?\d+)([KMGTP]?)/.exec(text);
  return found ? Number(found[1]) * unit(found[2]!) : 0;
};
const unit = (letter: string): number =>
  letter === "" ? 1 : 1024 ** (1 + "KMGTP".indexOf(letter));

function version(a: string, b: string): number {
  const parts = (text: string): string[] => text.match(/\d+|\D+/g) ?? [];
  const [x, y] = [parts(a), parts(b)];
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const [p, q] = [x[i] ?? "", y[i] ?? ""];
    if (p === q) continue;
    if (/^\d/.test(p) && /^\d/.test(q) && Number(p) !== Number(q)) return Number(p) - Number(q);
    return p < q ? -1 : 1;
  }
  return 0;
}

/** `-k 2,2n` with `-t :`. */
function keyOf(key: string | undefined, separator: string | undefined) {
  const found = /^(\d+)(?:\.\d+)?([a-zA-Z]*)(?:,(\d+)(?:\.\d+)?([a-zA-Z]*))?$/.exec(key ?? "");
  if (!found) return { of: (line: string) => line, isNumeric: false, isReversed: false };
  const [, first, flags = "", last, more = ""] = found;
  const fields = (line: string): string[] =>
    separator === undefined ? (line.match(/\s*\S+/g) ?? []) : line.split(separator);
  return {
    of: (line: string) =>
      fields(line)
        .slice(Number(first) - 1, last === undefined ? undefined : Number(last))
        .join(separator ?? ""),
    isNumeric: /[ngh]/.test(flags + more),
    isReversed: /r/.test(flags + more),
  };
}

function* uniq(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "cduif:s:w:",
    long: { count: "c", repeated: "d", unique: "u", "ignore-case": "i" },
  });
  const writer = new Writer(context);
  const skipped = Number(flags.get("f") ?? 0);
  const keyed = (line: string): string => {
    const key = skipped > 0 ? line.replace(new RegExp(`^(?:\\s*\\S+){0,${skipped}}`), "") : line;
    return flags.has("i") ? key.toLowerCase() : key;
  };
  let last: string | undefined;
  let count = 0;
  const say = function* (): Act<void> {
    if (last === undefined || (flags.has("d") && count < 2) || (flags.has("u") && count > 1))
      return;
    yield* writer.write(`${flags.has("c") ? `${String(count).padStart(7)} ` : ""}${last}\n`);
  };
  const status = yield* eachLine(context, words.slice(0, 1), function* (line) {
    if (last !== undefined && keyed(line) === keyed(last)) return void count++;
    yield* say();
    last = line;
    count = 1;
  });
  yield* say();
  yield* writer.flush();
  return status;
}

function* wc(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "lwcmL",
    long: { lines: "l", words: "w", bytes: "c", chars: "m" },
  });
  const rows: { counts: number[]; name: string }[] = [];
  const wantsWords = flags.size === 0 || flags.has("w");
  const status = yield* eachInput(context, words, function* (input, name) {
    let [lines, inWords, bytes] = [0, 0, 0];
    let isInWord = false;
    for (let some = yield* input.read(); some !== ""; some = yield* input.read()) {
      yield* context.process.spend(1 + (some.length >> 9));
      bytes += some.length;
      for (let at = some.indexOf("\n"); at >= 0; at = some.indexOf("\n", at + 1)) lines++;
      if (!wantsWords) continue;
      for (let i = 0; i < some.length; i++) {
        const code = some.charCodeAt(i);
        const isSpace = code === 32 || (code >= 9 && code <= 13);
        if (!isSpace && !isInWord) inWords++;
        isInWord = !isSpace;
      }
    }
    rows.push({ counts: [lines, inWords, bytes], name });
  });
  const shows = (row: number[]): number[] => {
    const wanted = ["l", "w", "c"].map(
      (letter) => flags.has(letter) || (letter === "c" && flags.has("m")),
    );
    return wanted.some(Boolean) ? row.filter((_, i) => wanted[i]) : row;
  };
  if (rows.length > 1) {
    const total = [0, 1, 2].map((i) => rows.reduce((sum, { counts }) => sum + counts[i]!, 0));
    rows.push({ counts: total, name: "total" });
  }
  const many = shows([0, 0, 0]).length > 1 || rows.length > 1;
  const isInput = words.length === 0;
  const widest = String(Math.max(0, ...rows.flatMap(({ counts }) => counts))).length;
  const width = !many ? 1 : isInput || words.includes("-") ? 7 : widest;
  for (const { counts, name } of rows) {
    const text = shows(counts)
      .map((count) => String(count).padStart(width))
      .join(" ");
    yield* context.out(isInput ? `${text}\n` : `${text} ${name}\n`);
  }
  return status;
}

/** "1,3-5,7-": which numbers are in. */
function* rangeOf(context: Context, list: string): Act<(n: number) => boolean> {
  const ranges: [number, number][] = [];
  for (const part of list.split(",")) {
    const [, first = "", dash = "", last = ""] = /^(\d*)(-?)(\d*)$/.exec(part) ?? [];
    if (first === "" && last === "")
      return yield* refuse(
        context,
        1,
        `invalid byte, character or field list\nTry 'cut --help' for more information.`,
      );
    ranges.push([
      first === "" ? 1 : Number(first),
      dash === "" ? Number(first) : last === "" ? Infinity : Number(last),
    ]);
  }
  return (n) => ranges.some(([low, high]) => n >= low && n <= high);
}

function* cut(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "d:f:c:b:sn",
    long: {
      delimiter: "d:",
      fields: "f:",
      characters: "c:",
      bytes: "b:",
      "only-delimited": "s",
      "output-delimiter": "o:",
      complement: "C",
    },
  });
  const list = flags.get("f") ?? flags.get("c") ?? flags.get("b");
  if (list === undefined)
    return yield* refuse(
      context,
      1,
      "you must specify a list of bytes, characters, or fields\nTry 'cut --help' for more information.",
    );
  const isIn = yield* rangeOf(context, list);
  const wanted = (n: number): boolean => isIn(n) !== flags.has("C");
  const delimiter = flags.get("d") ?? "\t";
  const joiner = flags.get("o") ?? (flags.has("f") ? delimiter : "");
  const writer = new Writer(context);
  const status = yield* eachLine(context, words, function* (line) {
    if (!flags.has("f")) {
      const chars = [...line].filter((_, i) => wanted(i + 1));
      return yield* writer.write(`${chars.join(joiner)}\n`);
    }
    if (!line.includes(delimiter)) {
      if (!flags.has("s")) yield* writer.write(`${line}\n`);
      return;
    }
    const fields = line.split(delimiter).filter((_, i) => wanted(i + 1));
    yield* writer.write(`${fields.join(joiner)}\n`);
  });
  yield* writer.flush();
  return status;
}

/** "a-z\n[:upper:]": its characters. */
function setOf(text: string): string {
  const named: Record<string, string> = {
    upper: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    lower: "abcdefghijklmnopqrstuvwxyz",
    digit: "0123456789",
    space: " \t\n\v\f\r",
    blank: " \t",
    punct: "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
  };
  named.alpha = named.upper! + named.lower!;
  named.alnum = named.digit + named.alpha;
  named.xdigit = "0123456789ABCDEFabcdef";
  const all = (low: number, high: number): string =>
    Array.from({ length: high - low + 1 }, (_, i) => String.fromCharCode(low + i)).join("");
  named.print = all(32, 126);
  named.graph = all(33, 126);
  named.cntrl = all(0, 31) + "\x7f";
  return text
    .replace(/\[:(\w+):\]/g, (whole, name: string) => named[name] ?? whole)
    .replace(/\\([0-7]{1,3}|[abfnrtv\\])/g, (_all, code: string) =>
      /\d/.test(code)
        ? String.fromCharCode(parseInt(code, 8))
        : ({ a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" }[code] ?? code),
    )
    .replace(/([^])-([^])/g, (whole, low: string, high: string) =>
      low <= high ? all(low.charCodeAt(0), high.charCodeAt(0)) : whole,
    );
}

function* tr(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "dscCt",
    long: { delete: "d", "squeeze-repeats": "s", complement: "c" },
  });
  const [first, second] = words;
  if (first === undefined || (second === undefined && !flags.has("d") && !flags.has("s")))
    return yield* refuse(context, 1, "missing operand");
  const from = setOf(first);
  const to = second === undefined ? "" : setOf(second);
  const isNegated = flags.has("c") || flags.has("C");
  const isIn = (char: string): boolean => from.includes(char) !== isNegated;
  const change = (char: string): string => {
    if (!isIn(char) || to === "") return char;
    if (isNegated) return to.at(-1)!;
    return to[from.indexOf(char)] ?? to.at(-1)!;
  };
  const squeezed = flags.has("s")
    ? second === undefined
      ? isIn
      : (c: string) => to.includes(c)
    : () => false;
  let last = "";
  return yield* eachInput(context, [], function* (input) {
    for (let some = yield* input.read(); some !== ""; some = yield* input.read()) {
      yield* context.process.spend(1 + (some.length >> 8));
      let result = "";
      for (const char of some) {
        if (flags.has("d") && isIn(char)) continue;
        const changed = flags.has("d") ? char : change(char);
        if (changed === last && squeezed(changed)) continue;
        result += changed;
        last = changed;
      }
      yield* context.out(result);
    }
  });
}

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

function* paste(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, { letters: "d:s", long: { serial: "s" } });
  const delimiter = flags.get("d") ?? "\t";
  const files: string[][] = [];
  for (const word of words.length > 0 ? words : ["-"])
    files.push((yield* contentOf(context, word)).replace(/\n$/, "").split("\n"));
  if (flags.has("s")) {
    for (const lines of files) yield* context.out(`${lines.join(delimiter)}\n`);
    return 0;
  }
  const most = Math.max(...files.map((lines) => lines.length));
  for (let i = 0; i < most; i++)
    yield* context.out(`${files.map((lines) => lines[i] ?? "").join(delimiter)}\n`);
  return 0;
}

function* base64(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "dw:",
    long: { decode: "d", wrap: "w:" },
  });
  const all = yield* contentOf(context, words[0] ?? "-");
  if (flags.has("d")) {
    try {
      yield* context.out(atob(all.replace(/\s/g, "")));
      return 0;
    } catch {
      yield* complain(context, "invalid input");
      return 1;
    }
  }
  const width = Number(flags.get("w") ?? "76");
  const text = btoa(all);
  const lines = width === 0 ? [text] : (text.match(new RegExp(`.{1,${width}}`, "g")) ?? []);
  yield* context.out(lines.join("\n") + (width === 0 ? "" : "\n"));
  return 0;
}

export const lines: Readonly<Record<string, Command>> = {
  cat,
  head,
  tail,
  sort,
  uniq,
  wc,
  cut,
  tr,
  seq,
  yes,
  rev,
  tac,
  nl,
  paste,
  base64,
};
