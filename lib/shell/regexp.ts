/**
 * Regular expressions as grep, sed and awk read them: basic and extended ones. All ways of a match
 * are followed at once, so a match takes no longer than the product of both lengths, whatever the
 * expression is. (Thompson 1968; Pike's machine, as in RE2)
 *
 *     compile("a(b*)c", { isExtended: true }).match("xabbc")   // { groups: [[1, 5], [2, 4]] }
 *
 * `\1` within an expression is not modelled. Of several matches that begin at the same place the
 * longest is taken, as POSIX asks.
 */
import { setIn } from "./bash/pattern.js";

export class RegExpError extends Error {}

type Node =
  | { kind: "char"; takes: (char: string) => boolean }
  | { kind: "sequence" | "choice"; of: Node[] }
  | { kind: "repeat"; of: Node; least: number; most: number }
  | { kind: "group"; of: Node; number: number }
  | { kind: "at"; is: (text: string, at: number) => boolean };

export interface Match {
  /** The whole, then each group: from, to. Undefined: the group took no part. */
  groups: ([number, number] | undefined)[];
}

export interface Compiled {
  /** The first match that begins at `from` or later. */
  match(text: string, from?: number): Match | undefined;
  /** How many groups it has. */
  groups: number;
}

const MOST_STATES = 10_000;
const MOST_REPEATS = 255;

export interface RegExpOptions {
  /** grep -E, sed -E, awk. */
  isExtended?: boolean;
  ignoresCase?: boolean;
}

const kept = new Map<string, Compiled>();

/** Throws RegExpError where it is none. */
export function compile(source: string, options: RegExpOptions = {}): Compiled {
  const { isExtended = false, ignoresCase = false } = options;
  const key = `${isExtended}${ignoresCase}${source}`;
  const known = kept.get(key);
  if (known) return known;
  const parser = new Parser(source, isExtended, ignoresCase);
  const tree = parser.all();
  const program = programOf(tree);
  const compiled: Compiled = {
    groups: parser.groups,
    match: (text, from = 0) => run(program, parser.groups, text, from),
  };
  if (kept.size > 100) kept.clear();
  kept.set(key, compiled);
  return compiled;
}

const isWord = (char: string | undefined): boolean => char !== undefined && /\w/.test(char);
const assertions: Readonly<Record<string, (text: string, at: number) => boolean>> = {
  "^": (_text, at) => at === 0,
  $: (text, at) => at === text.length,
  b: (text, at) => isWord(text[at - 1]) !== isWord(text[at]),
  B: (text, at) => isWord(text[at - 1]) === isWord(text[at]),
  "<": (text, at) => !isWord(text[at - 1]) && isWord(text[at]),
  ">": (text, at) => isWord(text[at - 1]) && !isWord(text[at]),
};
const shorthands: Readonly<Record<string, RegExp>> = {
  w: /\w/,
  W: /\W/,
  s: /\s/,
  S: /\S/,
};

class Parser {
  groups = 0;
  #at = 0;

  constructor(
    private readonly text: string,
    private readonly isExtended: boolean,
    private readonly ignoresCase: boolean,
  ) {}

  all(): Node {
    const node = this.#choice();
    if (this.#at < this.text.length)
      throw new RegExpError(this.isExtended ? "Unmatched ) or \\)" : "Unmatched ) or \\)");
    return { kind: "group", number: 0, of: node };
  }

  /** Whether an operator stands here: extended ones are bare, basic ones have a backslash. */
  #is(operator: string): boolean {
    const isEscaped = !this.isExtended && "(){}|+?".includes(operator);
    return this.text.startsWith(isEscaped ? `\\${operator}` : operator, this.#at);
  }

  #take(operator: string): boolean {
    if (!this.#is(operator)) return false;
    this.#at += !this.isExtended && "(){}|+?".includes(operator) ? 2 : 1;
    return true;
  }

  #choice(): Node {
    const of = [this.#sequence()];
    while (this.#take("|")) of.push(this.#sequence());
    return of.length === 1 ? of[0]! : { kind: "choice", of };
  }

  #sequence(): Node {
    const of: Node[] = [];
    while (this.#at < this.text.length && !this.#is("|") && !(this.groupsOpen > 0 && this.#is(")")))
      of.push(this.#repeated(of.length === 0));
    return { kind: "sequence", of };
  }

  groupsOpen = 0;

  #repeated(isFirst: boolean): Node {
    let node = this.#one(isFirst);
    for (;;) {
      if (this.#take("*")) node = repeat(node, 0, Infinity);
      else if (this.#take("+")) node = repeat(node, 1, Infinity);
      else if (this.#take("?")) node = repeat(node, 0, 1);
      else if (this.#is("{")) {
        const counted = this.#counted(node);
        if (!counted) return node;
        node = counted;
      } else return node;
    }
  }

  #counted(node: Node): Node | undefined {
    const close = this.isExtended ? "\\}" : "\\\\\\}";
    const open = this.isExtended ? "\\{" : "\\\\\\{";
    const found = new RegExp(`^${open}(\\d*)(,?)(\\d*)${close}`).exec(this.text.slice(this.#at));
    if (!found || (found[1] === "" && found[3] === "")) {
      if (this.isExtended) return undefined;
      throw new RegExpError("Invalid content of \\{\\}");
    }
    const least = Number(found[1]);
    const most = found[2] === "" ? least : found[3] === "" ? Infinity : Number(found[3]);
    if (least > MOST_REPEATS || (most !== Infinity && most > MOST_REPEATS))
      throw new RegExpError("Regular expression too big");
    if (most < least) throw new RegExpError("Invalid content of \\{\\}");
    this.#at += found[0].length;
    return repeat(node, least, most);
  }

  #one(isFirst: boolean): Node {
    if (this.#take("(")) return this.#group();
    const char = this.text[this.#at++]!;
    switch (char) {
      case ".":
        return { kind: "char", takes: () => true };
      case "[":
        return this.#set();
      case "\\":
        return this.#escaped();
      case "^":
        if (this.isExtended || isFirst) return { kind: "at", is: assertions["^"]! };
        break;
      case "$":
        if (this.isExtended || this.#at === this.text.length || this.#is(")") || this.#is("|"))
          return { kind: "at", is: assertions.$! };
        break;
      case "*":
      case "+":
      case "?":
        // at the begin it stands for itself
        if (this.isExtended && !isFirst && char !== "*")
          throw new RegExpError("Invalid preceding regular expression");
    }
    return this.#char(char);
  }

  #group(): Node {
    const number = ++this.groups;
    this.groupsOpen++;
    const of = this.#choice();
    if (!this.#take(")")) throw new RegExpError("Unmatched ( or \\(");
    this.groupsOpen--;
    return { kind: "group", number, of };
  }

  #set(): Node {
    const reader = { text: this.text, at: this.#at };
    const found = setIn(reader, false);
    if (!found) throw new RegExpError("Unmatched [, [^, [:, [., or [=");
    this.#at = reader.at;
    const { has } = found;
    return this.ignoresCase
      ? { kind: "char", takes: (c) => has(c.toLowerCase()) || has(c.toUpperCase()) }
      : { kind: "char", takes: has };
  }

  #escaped(): Node {
    const char = this.text[this.#at++];
    if (char === undefined) throw new RegExpError("Trailing backslash");
    if (char in assertions && !"^$".includes(char)) return { kind: "at", is: assertions[char]! };
    const shorthand = shorthands[char];
    if (shorthand) return { kind: "char", takes: (each) => shorthand.test(each) };
    if (/[1-9]/.test(char))
      throw new RegExpError(`back reference \\${char} within an expression is not modelled`);
    const control = { n: "\n", t: "\t" }[char];
    return this.#char(control ?? char);
  }

  #char(char: string): Node {
    const [lower, upper] = [char.toLowerCase(), char.toUpperCase()];
    return this.ignoresCase && lower !== upper
      ? { kind: "char", takes: (each) => each === lower || each === upper }
      : { kind: "char", takes: (each) => each === char };
  }
}

const repeat = (of: Node, least: number, most: number): Node => ({
  kind: "repeat",
  of,
  least,
  most,
});

type State =
  | { kind: "char"; takes: (char: string) => boolean }
  | { kind: "split"; to: number; or: number }
  | { kind: "jump"; to: number }
  | { kind: "save"; slot: number }
  | { kind: "at"; is: (text: string, at: number) => boolean }
  | { kind: "end" };

function programOf(tree: Node): State[] {
  const program: State[] = [];
  const add = (state: State): number => {
    if (program.length >= MOST_STATES) throw new RegExpError("Regular expression too big");
    return program.push(state) - 1;
  };
  const write = (node: Node): void => {
    switch (node.kind) {
      case "char":
      case "at":
        add(node);
        return;
      case "sequence":
        return node.of.forEach(write);
      case "group":
        add({ kind: "save", slot: 2 * node.number });
        write(node.of);
        add({ kind: "save", slot: 2 * node.number + 1 });
        return;
      case "choice":
        return writeChoice(node.of);
      case "repeat":
        return writeRepeat(node);
    }
  };
  const writeChoice = (choices: readonly Node[]): void => {
    const [first, ...others] = choices;
    if (others.length === 0) return write(first!);
    const at = add({ kind: "split", to: 0, or: 0 });
    write(first!);
    const out = add({ kind: "jump", to: 0 });
    program[at] = { kind: "split", to: at + 1, or: program.length };
    writeChoice(others);
    program[out] = { kind: "jump", to: program.length };
  };
  const writeRepeat = ({ of, least, most }: Extract<Node, { kind: "repeat" }>): void => {
    for (let i = 0; i < least; i++) write(of);
    if (most === Infinity) {
      const at = add({ kind: "split", to: 0, or: 0 });
      write(of);
      add({ kind: "jump", to: at });
      program[at] = { kind: "split", to: at + 1, or: program.length };
      return;
    }
    const outs: number[] = [];
    for (let i = least; i < most; i++) {
      outs.push(add({ kind: "split", to: 0, or: 0 }));
      write(of);
    }
    for (const at of outs) program[at] = { kind: "split", to: at + 1, or: program.length };
  };
  write(tree);
  add({ kind: "end" });
  return program;
}

interface Thread {
  state: number;
  slots: readonly number[];
}

function run(
  program: readonly State[],
  groups: number,
  text: string,
  from: number,
): Match | undefined {
  let best: readonly number[] | undefined;
  let threads: Thread[] = [];
  const none = Array.from({ length: 2 * (groups + 1) }, () => -1);
  for (let at = from; at <= text.length; at++) {
    const seen = new Set<number>();
    const here: Thread[] = [];
    for (const thread of threads) follow(program, thread, text, at, seen, here);
    if (!best) follow(program, { state: 0, slots: none }, text, at, seen, here);
    threads = [];
    const char = text[at];
    for (const { state, slots } of here) {
      const what = program[state]!;
      if (what.kind === "end") {
        // of those that begin first, the longest
        if (!best || slots[0]! < best[0]! || (slots[0] === best[0] && slots[1]! > best[1]!))
          best = slots;
      } else if (what.kind === "char" && char !== undefined && what.takes(char))
        threads.push({ state: state + 1, slots });
    }
    if (best) threads = threads.filter(({ slots }) => slots[0]! <= best![0]!);
    if (best && threads.length === 0) break;
  }
  if (!best) return undefined;
  const ends = best;
  return {
    groups: Array.from({ length: groups + 1 }, (_, i) =>
      ends[2 * i]! < 0 || ends[2 * i + 1]! < 0 ? undefined : [ends[2 * i]!, ends[2 * i + 1]!],
    ),
  };
}

/** From a state to all that wait for a character, first choices first. */
function follow(
  program: readonly State[],
  thread: Thread,
  text: string,
  at: number,
  seen: Set<number>,
  here: Thread[],
): void {
  const todo = [thread];
  for (let next = todo.pop(); next; next = todo.pop()) {
    const { state, slots } = next;
    if (seen.has(state)) continue;
    seen.add(state);
    const what = program[state]!;
    switch (what.kind) {
      case "jump":
        todo.push({ state: what.to, slots });
        break;
      case "split":
        todo.push({ state: what.or, slots }, { state: what.to, slots });
        break;
      case "save":
        todo.push({ state: state + 1, slots: slots.with(what.slot, at) });
        break;
      case "at":
        if (what.is(text, at)) todo.push({ state: state + 1, slots });
        break;
      default:
        here.push(next);
    }
  }
}
