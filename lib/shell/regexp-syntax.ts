/** A regular expression of POSIX, read into a tree. (regex.7) */
import { setIn } from "./character-sets.js";

export class RegExpError extends Error {}

export interface RegExpOptions {
  /** grep -E, sed -E, awk. */
  isExtended?: boolean;
  ignoresCase?: boolean;
}

export type Node =
  | { kind: "char"; takes: (char: string) => boolean }
  | { kind: "sequence" | "choice"; of: Node[] }
  | { kind: "repeat"; of: Node; least: number; most: number }
  | { kind: "group"; of: Node; number: number }
  | { kind: "at"; is: (text: string, at: number) => boolean };

const MOST_REPEATS = 255;

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

export class Parser {
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
