/** What commands have in common: options, inputs, lines, and how they complain. */
import type { Act } from "../../machinery/act.js";
import { FileError } from "../files.js";
import type { Context } from "../place.js";
import { Exit } from "../process.js";
import { open } from "../bash/redirections.js";
import { CHUNK, type Stream } from "../streams.js";

export interface Options {
  /** "n" -> "5"; "" where it takes none. A long one by its whole name. */
  readonly flags: ReadonlyMap<string, string>;
  readonly words: readonly string[];
}

/** What options there are: letters, those that take a value followed by a colon: "cn:d:". */
export interface Grammar {
  letters: string;
  /** Long name -> the letter it stands for, or itself; with a colon: it takes a value. */
  long?: Readonly<Record<string, string>>;
  /** Words end the options, as of `xargs` and `timeout`. */
  stopsAtWord?: boolean;
  /** `head -5`, `tail -5`: the letter that a bare number stands for. */
  number?: string;
}

/** Reads options as getopt_long does. Ends the command with 2 (or `status`) where one is wrong. */
export function* optionsOf(
  context: Context,
  { letters, long = {}, stopsAtWord = false, number }: Grammar,
  status = 1,
  args: readonly string[] = context.args,
): Act<Options> {
  const flags = new Map<string, string>();
  const words: string[] = [];
  const takes = (letter: string): boolean => letters[letters.indexOf(letter) + 1] === ":";
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (word === "--") {
      words.push(...args.slice(i + 1));
      break;
    }
    if (number && /^-\d+$/.test(word)) {
      flags.set(number, word.slice(1));
      continue;
    }
    if (word.startsWith("--")) {
      const [name = "", value] = word.slice(2).split(/=(.*)/s, 2);
      const known = long[name];
      if (known === undefined)
        return yield* refuse(context, status, `unrecognized option '${word}'`);
      if (known.endsWith(":")) {
        const given = value ?? args[++i];
        if (given === undefined)
          return yield* refuse(context, status, `option '--${name}' requires an argument`);
        flags.set(known.slice(0, -1), given);
      } else flags.set(known, value ?? "");
      continue;
    }
    if (word === "-" || !word.startsWith("-")) {
      if (stopsAtWord) {
        words.push(...args.slice(i));
        break;
      }
      words.push(word);
      continue;
    }
    for (let at = 1; at < word.length; at++) {
      const letter = word[at]!;
      if (letter === ":" || !letters.includes(letter))
        return yield* refuse(context, status, `invalid option -- '${letter}'`);
      if (!takes(letter)) {
        flags.set(letter, "");
        continue;
      }
      const value = word.slice(at + 1) || args[++i];
      if (value === undefined)
        return yield* refuse(context, status, `option requires an argument -- '${letter}'`);
      flags.set(letter, value);
      break;
    }
  }
  return { flags, words };
}

/** Says what is wrong, and ends the command. */
export function* refuse(context: Context, status: number, message: string): Act<never> {
  yield* context.err(`${context.name}: ${message}\n`);
  throw new Exit(status);
}

/** Says what is wrong, and goes on. */
export function* complain(context: Context, message: string): Act<void> {
  yield* context.err(`${context.name}: ${message}\n`);
}

/** Opens each file in turn, `-` and none being standard input; what cannot be opened is said. */
export function* eachInput(
  context: Context,
  words: readonly string[],
  use: (input: Stream, name: string) => Act<void>,
): Act<number> {
  let status = 0;
  for (const word of words.length > 0 ? words : ["-"]) {
    let input: Stream;
    try {
      input =
        word === "-" ? context.input.retain() : open(context.place, context.process, word, "<");
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      yield* complain(context, `${word}: ${error.message}`);
      status = 1;
      continue;
    }
    try {
      yield* use(input, word);
    } finally {
      input.release();
    }
  }
  return status;
}

/** A file's bytes, or standard input's, at most `LONGEST`. */
export function* contentOf(context: Context, word: string): Act<string> {
  const parts: string[] = [];
  const status = yield* eachInput(context, [word], function* (input) {
    parts.push(yield* allOf(context, input));
  });
  if (status !== 0) throw new Exit(status);
  return parts.join("");
}

/** So much a command keeps of its input. */
const LONGEST = 16 * 1024 * 1024;

export function* allOf(context: Context, input: Stream): Act<string> {
  const parts: string[] = [];
  let size = 0;
  for (;;) {
    const bytes = yield* input.read(CHUNK);
    if (bytes === "") return parts.join("");
    parts.push(bytes);
    size += bytes.length;
    yield* context.process.spend(1 + (bytes.length >> 10));
    if (size > LONGEST) yield* refuse(context, 2, "memory exhausted");
  }
}

/** Reads line by line; a last one without its end counts, too. */
export class Lines {
  #rest = "";
  #at = 0;
  #isEnd = false;
  /** Whether the last line that was read had its end. */
  hadEnd = true;

  constructor(
    private readonly context: Context,
    private readonly input: Stream,
    private readonly end = "\n",
  ) {}

  /** Without its end; undefined: there are no more. */
  *next(): Act<string | undefined> {
    yield* this.context.process.spend();
    for (;;) {
      const at = this.#rest.indexOf(this.end, this.#at);
      if (at >= 0) {
        const line = this.#rest.slice(this.#at, at);
        this.#at = at + 1;
        this.hadEnd = true;
        return line;
      }
      if (this.#isEnd) {
        const line = this.#rest.slice(this.#at);
        this.#rest = "";
        this.#at = 0;
        this.hadEnd = false;
        return line === "" ? undefined : line;
      }
      const bytes = yield* this.input.read(CHUNK);
      this.#isEnd = bytes === "";
      this.#rest = this.#rest.slice(this.#at) + bytes;
      this.#at = 0;
      if (this.#rest.length > LONGEST) yield* refuse(this.context, 2, "memory exhausted");
    }
  }

  /** What was read and is not taken is given back. */
  giveBack(): void {
    this.input.unread(this.#rest.slice(this.#at));
    this.#rest = "";
  }
}

/** Calls `use` for each line of all inputs; `false` ends it. */
export function* eachLine(
  context: Context,
  words: readonly string[],
  use: (line: string, hadEnd: boolean) => Act<boolean | void>,
): Act<number> {
  return yield* eachInput(context, words, function* (input) {
    const lines = new Lines(context, input);
    for (;;) {
      const line = yield* lines.next();
      if (line === undefined) return;
      if ((yield* use(line, lines.hadEnd)) === false) return lines.giveBack();
    }
  });
}

/** Collects what is written and writes it in larger parts. */
export class Writer {
  #parts: string[] = [];
  #size = 0;

  constructor(private readonly context: Context) {}

  *write(bytes: string): Act<void> {
    this.#parts.push(bytes);
    this.#size += bytes.length;
    if (this.#size > 8_192) yield* this.flush();
  }

  *flush(): Act<void> {
    const all = this.#parts.join("");
    this.#parts = [];
    this.#size = 0;
    if (all !== "") yield* this.context.out(all);
  }
}

/** "5", "0.5s", "2m": milliseconds; undefined: it is none. */
export function millisecondsOf(text: string): number | undefined {
  const [, number, unit = "s"] = /^(\d+\.?\d*|\.\d+)([smhd]?)$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  const of = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit || "s"]!;
  return Number(number) * of;
}
