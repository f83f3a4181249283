/** What sed is told to do: its script read into commands. (sed.1, GNU 4.9) */
import { compile, type Compiled } from "../regexp.js";
import { RegExpError } from "../regexp-syntax.js";

export type Address =
  | { kind: "line"; number: number }
  | { kind: "last" }
  | { kind: "match"; pattern: Compiled | undefined }
  | { kind: "step"; first: number; step: number };

export interface SedCommand {
  /** Its letter. */
  name: string;
  from?: Address;
  to?: Address | { kind: "more"; lines: number };
  isNegated: boolean;
  /** Of `s`. */
  pattern?: Compiled | undefined;
  replacement?: string;
  isGlobal?: boolean;
  prints?: boolean;
  nth?: number;
  /** Of a, i, c: what is said; of b, t, T, `:`: the label; of y: what becomes what. */
  text?: string;
  map?: ReadonlyMap<string, string>;
  /** Of q: the exit code; of `{`: where it ends; of b and t: where they lead. */
  number?: number;
}

/** `message` as sed says it, behind "-e expression #1, char N: ". */
export class SedError extends Error {
  constructor(
    readonly at: number,
    message: string,
  ) {
    super(message);
  }
}

const known = "sdpqQnNDPgGhHxy=aicbtT{}:l#";

/** Throws SedError. */
export function sedScript(text: string, isExtended: boolean): SedCommand[] {
  const reader = new Reader(text, isExtended);
  const commands: SedCommand[] = [];
  const open: number[] = [];
  for (let command = reader.next(); command; command = reader.next()) {
    if (command.name === "{") open.push(commands.length);
    if (command.name === "}") {
      const begin = open.pop();
      if (begin === undefined) throw reader.error("unexpected `}'");
      commands[begin]!.number = commands.length;
    }
    commands.push(command);
  }
  if (open.length > 0) throw new SedError(0, "unmatched `{'");
  for (const command of commands) {
    if (!"btT".includes(command.name)) continue;
    const to = commands.findIndex(({ name, text }) => name === ":" && text === command.text);
    if (command.text !== "" && to < 0)
      throw new SedError(0, `can't find label for jump to \`${command.text}'`);
    command.number = command.text === "" ? commands.length : to;
  }
  return commands;
}

class Reader {
  #at = 0;

  constructor(
    private readonly text: string,
    private readonly isExtended: boolean,
  ) {}

  error(message: string): SedError {
    return new SedError(this.#at, message);
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  next(): SedCommand | undefined {
    this.#skip(/[\s;]*/y);
    if (this.#at >= this.text.length) return undefined;
    const from = this.#address();
    let to: SedCommand["to"];
    if (from && this.#skip(/\s*,\s*/y) !== "") {
      const more = /^\+(\d+)$/.exec(this.#skip(/\+\d+/y))?.[1];
      to = more === undefined ? this.#address() : { kind: "more", lines: Number(more) };
      if (!to) throw this.error("unexpected `,'");
    }
    const isNegated = this.#skip(/\s*!\s*/y) !== "";
    this.#skip(/\s*/y);
    const name = this.text[this.#at++];
    if (name === undefined) throw this.error("missing command");
    if (!known.includes(name)) throw this.error(`unknown command: \`${name}'`);
    const command: SedCommand = { name, isNegated, ...(from && { from }), ...(to && { to }) };
    this.#rest(command);
    return command;
  }

  #address(): Address | undefined {
    const step = /^(\d+)~(\d+)$/.exec(this.#skip(/\d+~\d+/y));
    if (step) return { kind: "step", first: Number(step[1]), step: Number(step[2]) };
    const number = this.#skip(/\d+/y);
    if (number !== "") return { kind: "line", number: Number(number) };
    if (this.#skip(/\$/y) !== "") return { kind: "last" };
    const start = this.text[this.#at];
    if (start !== "/" && start !== "\\") return undefined;
    this.#at += start === "\\" ? 2 : 1;
    const source = this.#until(this.text[this.#at - 1]!, "unterminated address regex");
    const ignoresCase = this.#skip(/I/y) !== "";
    return { kind: "match", pattern: this.#pattern(source, ignoresCase) };
  }

  #rest(command: SedCommand): void {
    switch (command.name) {
      case "s":
        return this.#substitution(command);
      case "y": {
        const end = this.text[this.#at++] ?? "";
        const [from, to] = [
          this.#until(end, "unterminated `y' command"),
          this.#until(end, "unterminated `y' command"),
        ];
        if (from.length !== to.length)
          throw this.error("strings for `y' command are different lengths");
        command.map = new Map([...from].map((char, i) => [char, to[i]!]));
        return;
      }
      case "a":
      case "i":
      case "c":
        command.text = this.#skip(/(?:\\\n|[^\n])*/y)
          .replace(/^\s*\\?\n?\s*/, "")
          .replace(/\\(\n|.)/g, "$1");
        if (command.text === "") throw this.error("expected \\ after `a', `c' or `i'");
        return;
      case "b":
      case "t":
      case "T":
      case ":":
        command.text = this.#skip(/[^;\n}]*/y).trim();
        return;
      case "q":
      case "Q":
        command.number = Number(this.#skip(/\s*\d*/y));
        return this.#end();
      case "#":
        this.#skip(/[^\n]*/y);
        return;
      case "{":
        return;
      default:
        return this.#end();
    }
  }

  #end(): void {
    this.#skip(/[ \t]*/y);
    const next = this.text[this.#at];
    if (next !== undefined && !";\n}#".includes(next))
      throw this.error("extra characters after command");
  }

  #substitution(command: SedCommand): void {
    const end = this.text[this.#at++] ?? "";
    const source = this.#until(end, "unterminated `s' command");
    command.replacement = this.#until(end, "unterminated `s' command", true);
    const flags = this.#skip(/[gpiI\d]*/y);
    if (/[we]/.test(this.text[this.#at] ?? ""))
      throw this.error(`the flag ${this.text[this.#at]} of \`s' is not modelled here`);
    command.isGlobal = flags.includes("g");
    command.prints = flags.includes("p");
    command.nth = Number(/\d+/.exec(flags)?.[0] ?? 1);
    command.pattern = this.#pattern(source, /i/i.test(flags));
    this.#end();
  }

  /** To the next `end`; one with a backslash before it stands for itself. */
  #until(end: string, unfinished: string, keeps = false): string {
    let text = "";
    let isInSet = false;
    for (; this.#at < this.text.length; this.#at++) {
      const char = this.text[this.#at]!;
      if (char === "\\") {
        const next = this.text[++this.#at] ?? "";
        text += next === end && !keeps ? end : next === "n" && !keeps ? "\n" : `\\${next}`;
        continue;
      }
      if (char === "[" && !keeps) isInSet = true;
      if (char === "]") isInSet = false;
      if (char === end && !(isInSet && end === "/")) {
        this.#at++;
        return text;
      }
      text += char;
    }
    throw this.error(unfinished);
  }

  /** Undefined: the last one that was used, again. */
  #pattern(source: string, ignoresCase: boolean): Compiled | undefined {
    if (source === "") return undefined;
    try {
      return compile(source, { isExtended: this.isExtended, ignoresCase });
    } catch (error) {
      if (!(error instanceof RegExpError)) throw error;
      throw this.error(error.message);
    }
  }
}
