/**
 * The line that somebody types at a prompt, edited as bash's readline does by default (Emacs keys):
 * arrows, Home and End, ^A ^E ^U ^K ^W ^L, words by Alt, the lines before by up and down, and Tab,
 * which completes names. Keys and text are bytes; a character of UTF-8 is one step.
 */
import type { Act } from "../machinery/act.js";
import { bytesOf, textOf } from "../machinery/pipe.js";
import type { TerminalInput } from "./terminal.js";

export interface Prompted {
  input: TerminalInput;
  write: (bytes: string) => Act<void>;
  /** What stands before the line. */
  prompt: string;
  /** Lines typed before, the last one last. */
  history: readonly string[];
  /** What the word at the end of a text may become. */
  complete: (before: string) => string[];
}

/** A key's own sequence, or one character. */
const wholeKey = /^(?:\x1b(?:\[[0-9;]*[@-~]|O[@-~]|[^[O])|[\xc0-\xff][\x80-\xbf]*|[^\x1b])/;
/** The beginning of one that goes on. */
const partOfKey = /^(?:\x1b(?:\[[0-9;]*|O)?|[\xc0-\xff][\x80-\xbf]*)$/;

/** Until Enter; "": nobody types any more, or ^D in an empty line. Its line feed is part of it. */
export function* editLine(prompted: Prompted): Act<string> {
  const { input } = prompted;
  const editor = new Editor(prompted);
  yield* prompted.write(prompted.prompt);
  let keys = "";
  input.terminal.setRaw(true);
  try {
    for (;;) {
      const [key] = wholeKey.exec(keys) ?? [];
      if (key === undefined || (partOfKey.test(keys) && !isWhole(key))) {
        const more = yield* input.read();
        if (more === "") return "";
        keys += more;
        continue;
      }
      keys = keys.slice(key.length);
      const line = yield* editor.press(key);
      if (line !== undefined) return line;
    }
  } finally {
    input.unread(keys);
    input.terminal.setRaw(false);
  }
}

/** Whether a character of UTF-8 has all its bytes. */
function isWhole(key: string): boolean {
  const first = key.charCodeAt(0);
  return first < 0xc0 || key.length >= (first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2);
}

/** The characters of a text of bytes. */
const charactersOf = (bytes: string): string[] => [...textOf(bytes)].map(bytesOf);

const isWordCharacter = (character: string | undefined): boolean =>
  character !== undefined && /[\w\x80-\xff]/.test(character);

class Editor {
  #line: string[] = [];
  /** Where the cursor is. */
  #at = 0;
  /** On which row below the prompt's first one the cursor is. */
  #row: number;
  /** Which line of the history is shown; its length: the one being typed. */
  #shown: number;
  #draft: string[] = [];
  #cut: string[] = [];
  #wasTab = false;
  readonly #indent: number;

  constructor(private readonly prompted: Prompted) {
    this.#shown = prompted.history.length;
    const last = prompted.prompt.split("\n").at(-1)!;
    this.#indent = charactersOf(last).length;
    this.#row = Math.floor(this.#indent / this.#columns);
  }

  get #columns(): number {
    return Math.max(1, this.prompted.input.terminal.columns);
  }

  /** A key; answers the line once it is finished. */
  *press(key: string): Act<string | undefined> {
    const wasTab = this.#wasTab;
    this.#wasTab = key === "\t";
    switch (key) {
      case "\r":
      case "\n":
        yield* this.#moveTo(this.#line.length);
        yield* this.prompted.write("\n");
        return `${this.#line.join("")}\n`;
      case "\x04":
        if (this.#line.length === 0) return "";
        return void (yield* this.#replace(this.#at, this.#at + 1));
      case "\t":
        return void (yield* this.#complete(wasTab));
      case "\x0c":
        yield* this.prompted.write(`\x1b[H\x1b[2J`);
        this.#row = 0;
        return void (yield* this.#draw());
      case "\x19":
        return void (yield* this.#replace(this.#at, this.#at, this.#cut));
      default:
        yield* this.#edit(key);
        return undefined;
    }
  }

  *#edit(key: string): Act<void> {
    const end = this.#line.length;
    const at = this.#at;
    const step = moves[key];
    if (step) return yield* this.#moveTo(step(at, this.#line));
    const cut = cuts[key];
    if (cut) {
      const [from, to] = cut(at, this.#line);
      if (from < to && !/^(\x7f|\x08|\x1b\[3~)$/.test(key)) this.#cut = this.#line.slice(from, to);
      return yield* this.#replace(from, to);
    }
    const older = { "\x1b[A": -1, "\x1bOA": -1, "\x10": -1, "\x1b[B": 1, "\x1bOB": 1, "\x0e": 1 }[
      key
    ];
    if (older !== undefined) return yield* this.#recall(this.#shown + older);
    if (key < " " || key.startsWith("\x1b") || end >= 4_096) return;
    yield* this.#replace(at, at, [key]);
  }

  *#recall(shown: number): Act<void> {
    const { history } = this.prompted;
    if (shown < 0 || shown > history.length) return;
    if (this.#shown === history.length) this.#draft = this.#line;
    this.#shown = shown;
    const line = history[shown];
    yield* this.#replace(
      0,
      this.#line.length,
      line === undefined ? this.#draft : charactersOf(line),
    );
  }

  /** Other characters in the place of some; the cursor stands behind them. */
  *#replace(from: number, to: number, characters: readonly string[] = []): Act<void> {
    if (from >= to && characters.length === 0) return;
    const isAtEnd = from === to && from === this.#line.length;
    this.#line = [...this.#line.slice(0, from), ...characters, ...this.#line.slice(to)];
    this.#at = from + characters.length;
    const width = this.#indent + this.#line.length;
    if (!isAtEnd || Math.floor(width / this.#columns) !== this.#row) return yield* this.#draw();
    yield* this.prompted.write(characters.join(""));
  }

  /** The line anew, from its first row on. */
  *#draw(): Act<void> {
    const { prompt, write } = this.prompted;
    const columns = this.#columns;
    const width = this.#indent + this.#line.length;
    const up = this.#row > 0 ? `\x1b[${this.#row}A` : "";
    // a cursor behind a row's last letter stands at the next row's first place
    const over = width % columns === 0 ? " \b" : "";
    this.#row = Math.floor(width / columns);
    const text = `${prompt.split("\n").at(-1)!}${this.#line.join("")}`;
    yield* write(`${up}\r\x1b[J${text}${over}`);
    yield* this.#moveTo(this.#at, this.#line.length);
  }

  /** The cursor goes elsewhere. */
  *#moveTo(at: number, from = this.#at): Act<void> {
    this.#at = at;
    if (at === from) return;
    const columns = this.#columns;
    const place = this.#indent + at;
    const rows = Math.floor(place / columns) - this.#row;
    this.#row += rows;
    const vertical = rows === 0 ? "" : `\x1b[${Math.abs(rows)}${rows < 0 ? "A" : "B"}`;
    const column = place % columns;
    yield* this.prompted.write(`${vertical}\r${column > 0 ? `\x1b[${column}C` : ""}`);
  }

  *#complete(again: boolean): Act<void> {
    const before = this.#line.slice(0, this.#at).join("");
    const found = this.prompted.complete(before);
    const [word = ""] = /[^\s|;&(<>=]*$/.exec(before) ?? [];
    const [first] = found;
    if (first === undefined) return;
    let length = word.length;
    while (
      length < first.length &&
      found.every((each) => each.slice(0, length + 1) === first.slice(0, length + 1))
    )
      length++;
    const end = found.length === 1 && !first.endsWith("/") ? " " : "";
    const added = charactersOf(first.slice(word.length, length) + end);
    if (added.length > 0) return yield* this.#replace(this.#at, this.#at, added);
    if (!again || found.length < 2) return;
    const names = found.map((each) => each.replace(/(?<=.)\/$/, "").replace(/^.*\//, ""));
    yield* this.#moveTo(this.#line.length);
    yield* this.prompted.write(`\n${names.slice(0, 100).join("  ")}\n`);
    this.#row = 0;
    yield* this.#draw();
  }
}

type Step = (at: number, line: readonly string[]) => number;

const wordBefore: Step = (at, line) => {
  let to = at;
  while (to > 0 && !isWordCharacter(line[to - 1])) to--;
  while (to > 0 && isWordCharacter(line[to - 1])) to--;
  return to;
};
const wordBehind: Step = (at, line) => {
  let to = at;
  while (to < line.length && !isWordCharacter(line[to])) to++;
  while (to < line.length && isWordCharacter(line[to])) to++;
  return to;
};
/** ^W goes by blanks. */
const blankBefore: Step = (at, line) => {
  let to = at;
  while (to > 0 && line[to - 1] === " ") to--;
  while (to > 0 && line[to - 1] !== " ") to--;
  return to;
};
const left: Step = (at) => Math.max(0, at - 1);
const right: Step = (at, { length }) => Math.min(length, at + 1);
const home: Step = () => 0;
const toEnd: Step = (_at, { length }) => length;

const moves: Readonly<Record<string, Step>> = {
  ...{ "\x1b[D": left, "\x1bOD": left, "\x02": left },
  ...{ "\x1b[C": right, "\x1bOC": right, "\x06": right },
  ...{ "\x1b[H": home, "\x1bOH": home, "\x1b[1~": home, "\x01": home },
  ...{ "\x1b[F": toEnd, "\x1bOF": toEnd, "\x1b[4~": toEnd, "\x05": toEnd },
  ...{ "\x1bb": wordBefore, "\x1b[1;5D": wordBefore, "\x1b[1;3D": wordBefore },
  ...{ "\x1bf": wordBehind, "\x1b[1;5C": wordBehind, "\x1b[1;3C": wordBehind },
};

type Span = (at: number, line: readonly string[]) => [from: number, to: number];
const backwards =
  (step: Step): Span =>
  (at, line) => [step(at, line), at];
const forwards =
  (step: Step): Span =>
  (at, line) => [at, step(at, line)];

const cuts: Readonly<Record<string, Span>> = {
  "\x7f": backwards(left),
  "\x08": backwards(left),
  "\x1b[3~": forwards(right),
  "\x15": backwards(home),
  "\x0b": forwards(toEnd),
  "\x17": backwards(blankBefore),
  "\x1b\x7f": backwards(wordBefore),
  "\x1bd": forwards(wordBehind),
};
