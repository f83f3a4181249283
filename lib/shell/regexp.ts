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
import { type Node, Parser, RegExpError, type RegExpOptions } from "./regexp-syntax.js";

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
