/** sed, as GNU's: s, d, p, q, n, N, D, P, h, H, g, G, x, y, =, a, i, c, b, t, T, l and blocks. */
import type { Act } from "../../machinery/act.js";
import type { Command, Context } from "../place.js";
import { Exit } from "../process.js";
import type { Compiled, Match } from "../regexp.js";
import { SedError, sedScript, type Address, type SedCommand } from "./sed-script.js";
import { eachInput, Lines, optionsOf, refuse, Writer } from "./common.js";

/** So long a pattern space may be. */
const LONGEST = 4 * 1024 * 1024;

function* sed(context: Context): Act<number> {
  const { args } = context;
  const expressions: string[] = [];
  const others: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (word === "-e" || word === "--expression") expressions.push(args[++i] ?? "");
    else if (word.startsWith("--expression=")) expressions.push(word.slice(13));
    else others.push(word);
  }
  const { flags, words } = yield* optionsOf(
    context,
    {
      letters: "nErsuzif:",
      long: { quiet: "n", silent: "n", "regexp-extended": "E", "in-place": "i", separate: "s" },
    },
    1,
    others,
  );
  for (const letter of ["f", "z"])
    if (flags.has(letter)) return yield* refuse(context, 1, `-${letter} is not modelled here`);
  const files = [...words];
  if (expressions.length === 0) {
    if (files.length === 0) return yield* refuse(context, 1, "no script specified");
    expressions.push(files.shift()!);
  }
  const script = yield* scriptOf(context, expressions.join("\n"), flags.has("E") || flags.has("r"));
  const isQuiet = flags.has("n");
  if (!flags.has("i")) {
    const writer = new Writer(context);
    const editor = new Editor(context, script, isQuiet, (text) => writer.write(text));
    let last = "";
    for (const file of files) if (context.place.files.find(context.path(file))) last = file;
    const status = yield* eachInput(context, files, function* (input, name) {
      yield* editor.run(new Lines(context, input), files.length < 2 || name === last);
    });
    yield* writer.flush();
    return editor.exitCode ?? (status === 0 ? 0 : 2);
  }
  let status = 0;
  for (const file of files) {
    let text = "";
    const editor = new Editor(context, script, isQuiet, function* (bytes) {
      text += bytes;
      if (text.length > LONGEST) throw new Exit(4);
    });
    const read = yield* eachInput(context, [file], function* (input) {
      yield* editor.run(new Lines(context, input), true);
    });
    if (read === 0) context.place.files.write(context.path(file), text);
    else status = 2;
  }
  return status;
}

function* scriptOf(context: Context, text: string, isExtended: boolean): Act<SedCommand[]> {
  try {
    return sedScript(text, isExtended);
  } catch (error) {
    if (!(error instanceof SedError)) throw error;
    return yield* refuse(context, 1, `-e expression #1, char ${error.at}: ${error.message}`);
  }
}

class Editor {
  exitCode: number | undefined;
  #number = 0;
  #hold = "";
  #space = "";
  #last: Compiled | undefined;
  /** Whether a range has begun, and where one of so many lines ends. */
  readonly #inside = new Map<SedCommand, number>();
  readonly #after: string[] = [];

  constructor(
    private readonly context: Context,
    private readonly script: readonly SedCommand[],
    private readonly isQuiet: boolean,
    private readonly write: (text: string) => Act<void>,
  ) {}

  /** `isLastInput`: what `$` means is here. */
  *run(lines: Lines, isLastInput: boolean): Act<void> {
    if (this.exitCode !== undefined) return;
    let next = yield* lines.next();
    let hadEnd = lines.hadEnd;
    const isLast = (): boolean => next === undefined && isLastInput;
    const take = function* (this: Editor): Act<string | undefined> {
      if (next === undefined) return undefined;
      const line = next;
      hadEnd = lines.hadEnd;
      next = yield* lines.next();
      this.#number++;
      return line;
    }.bind(this);
    const show = (): Act<void> =>
      this.write(`${this.#space}${hadEnd || next !== undefined ? "\n" : ""}`);
    let restarts = false;
    for (;;) {
      if (!restarts) {
        const line = yield* take();
        if (line === undefined) return;
        this.#space = line;
      }
      const how = yield* this.#cycle(take, show, isLast);
      restarts = how === "again";
      if (how === "print" && !this.isQuiet) yield* show();
      for (const text of this.#after.splice(0)) yield* this.write(text);
      if (this.exitCode !== undefined) return lines.giveBack();
    }
  }

  /** One line's way through the script; "again": D left something to do. */
  *#cycle(
    take: () => Act<string | undefined>,
    show: () => Act<void>,
    isLast: () => boolean,
  ): Act<"print" | "done" | "again"> {
    let hasReplaced = false;
    for (let i = 0; i < this.script.length; i++) {
      yield* this.context.process.spend(1 + (this.#space.length >> 8));
      if (this.#space.length > LONGEST)
        yield* refuse(this.context, 4, "couldn't re-allocate memory");
      const command = this.script[i]!;
      if (this.#isMeant(command, isLast()) === command.isNegated) {
        if (command.name === "{") i = command.number!;
        continue;
      }
      switch (command.name) {
        case "s":
          if (this.#substitute(command)) {
            hasReplaced = true;
            if (command.prints) yield* this.write(`${this.#space}\n`);
          }
          break;
        case "y":
          this.#space = [...this.#space].map((char) => command.map!.get(char) ?? char).join("");
          break;
        case "p":
          yield* this.write(`${this.#space}\n`);
          break;
        case "P":
          yield* this.write(`${this.#space.split("\n", 1)[0]}\n`);
          break;
        case "=":
          yield* this.write(`${this.#number}\n`);
          break;
        case "l":
          yield* this.write(`${JSON.stringify(this.#space).slice(1, -1).replace(/\\"/g, '"')}$\n`);
          break;
        case "d":
          return "done";
        case "D": {
          const at = this.#space.indexOf("\n");
          if (at < 0) return "done";
          this.#space = this.#space.slice(at + 1);
          return "again";
        }
        case "n": {
          if (isLast()) return "print";
          if (!this.isQuiet) yield* show();
          this.#space = (yield* take()) ?? "";
          break;
        }
        case "N": {
          const line = yield* take();
          if (line === undefined) return "print";
          this.#space += `\n${line}`;
          break;
        }
        case "h":
          this.#hold = this.#space;
          break;
        case "H":
          this.#hold += `\n${this.#space}`;
          break;
        case "g":
          this.#space = this.#hold;
          break;
        case "G":
          this.#space += `\n${this.#hold}`;
          break;
        case "x":
          [this.#space, this.#hold] = [this.#hold, this.#space];
          break;
        case "a":
          this.#after.push(`${command.text}\n`);
          break;
        case "i":
          yield* this.write(`${command.text}\n`);
          break;
        case "c":
          if (!command.to || !this.#inside.has(command)) yield* this.write(`${command.text}\n`);
          return "done";
        case "q":
        case "Q":
          this.exitCode = command.number ?? 0;
          return command.name === "q" ? "print" : "done";
        case "t":
        case "T":
          if (hasReplaced === (command.name === "t")) i = command.number! - 1;
          hasReplaced = false;
          break;
        case "b":
          i = command.number! - 1;
          break;
      }
    }
    return "print";
  }

  #isMeant(command: SedCommand, isLast: boolean): boolean {
    const { from, to } = command;
    if (!from) return true;
    if (!to) return this.#isAt(from, isLast);
    const end = this.#inside.get(command);
    if (end === undefined) {
      if (!this.#isAt(from, isLast)) return false;
      const line =
        to.kind === "line" ? to.number : to.kind === "more" ? this.#number + to.lines : Infinity;
      if (line > this.#number && !isLast) this.#inside.set(command, line);
      return true;
    }
    const isOver =
      end === Infinity ? this.#isAt(to as Address, isLast) : this.#number >= end || isLast;
    if (isOver) this.#inside.delete(command);
    return end === Infinity || this.#number <= end;
  }

  #isAt(address: Address, isLast: boolean): boolean {
    switch (address.kind) {
      case "line":
        return this.#number === address.number;
      case "last":
        return isLast;
      case "step":
        return address.step === 0
          ? this.#number === address.first
          : this.#number >= address.first && (this.#number - address.first) % address.step === 0;
      case "match":
        return this.#match(address.pattern, 0) !== undefined;
    }
  }

  #match(pattern: Compiled | undefined, at: number): Match | undefined {
    const wanted = pattern ?? this.#last;
    this.#last = wanted;
    return wanted?.match(this.#space, at);
  }

  #substitute({ pattern, replacement, isGlobal, nth = 1 }: SedCommand): boolean {
    const text = this.#space;
    let [result, from, count, isChanged] = ["", 0, 0, false];
    for (let at = 0; at <= text.length;) {
      const match = this.#match(pattern, at);
      const whole = match?.groups[0];
      if (!match || !whole) break;
      count++;
      if (count >= nth) {
        result += text.slice(from, whole[0]) + filled(replacement!, text, match);
        from = whole[1];
        isChanged = true;
        if (!isGlobal) break;
      }
      at = whole[1] > whole[0] ? whole[1] : whole[1] + 1;
    }
    if (isChanged) this.#space = result + text.slice(from);
    return isChanged;
  }
}

/** `&`, `\1`, and `\U`, `\L`, `\E` for what comes behind them. */
function filled(replacement: string, text: string, { groups }: Match): string {
  let [result, change] = ["", ""];
  const add = (part: string): void => {
    result += change === "U" ? part.toUpperCase() : change === "L" ? part.toLowerCase() : part;
  };
  const group = (number: number): string => {
    const found = groups[number];
    return found ? text.slice(found[0], found[1]) : "";
  };
  for (let i = 0; i < replacement.length; i++) {
    const char = replacement[i]!;
    if (char === "&") add(group(0));
    else if (char !== "\\") add(char);
    else {
      const next = replacement[++i] ?? "";
      if (/\d/.test(next)) add(group(Number(next)));
      else if (/[ULE]/.test(next)) change = next === "E" ? "" : next;
      else add({ n: "\n", t: "\t" }[next] ?? next);
    }
  }
  return result;
}

export const editors: Readonly<Record<string, Command>> = { sed };
