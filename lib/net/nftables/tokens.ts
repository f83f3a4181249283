/**
 * The words of nftables' language (src/scanner.l). A line ends a command, as ; does, but inside of
 * an element list or after a backslash it is a blank.
 */
import { RulesError } from "../rules-error.js";

export interface Token {
  /** word: also numbers, addresses and "@name"; mark: one of { } ; , = and so on. */
  readonly kind: "word" | "string" | "mark" | "line" | "end";
  readonly text: string;
  readonly line: number;
  /** Where it begins and ends in the text. */
  readonly from: number;
  readonly to: number;
}

/** More than this in one text is refused, so that nobody waits for it. */
const longest = 64 * 1024 * 1024;

const pattern =
  /(\\\r?\n)|[ \t\r]+|#[^\n]*|(\n)|"([^"\n]*)"|(")|(==|!=|<=|>=|<<|>>|[{}()[\];,=<>&|^!$])|([^\s{}()[\];,=<>&|^!$"#\\]+)|(.)/gsu;

/** All tokens of a text, with an "end" behind the last one. */
export function tokensOf(text: string): Token[] {
  if (text.length > longest)
    throw new RulesError(1, `the text has ${text.length} characters; at most ${longest} are read`);
  const tokens: Token[] = [];
  // one string for all places where a name stands: to look it up is to compare two pointers
  const known = new Map<string, string>();
  const once = (text: string): string => known.get(text) ?? (known.set(text, text), text);
  let line = 1;
  for (const found of text.matchAll(pattern)) {
    const [whole, joined, newline, quoted, open, mark, word, other] = found;
    const [from, to] = [found.index, found.index + whole.length];
    if (open !== undefined) throw new RulesError(line, "a quotation mark is never closed");
    if (other !== undefined) throw new RulesError(line, `got ${JSON.stringify(other)}`);
    if (newline) tokens.push({ kind: "line", text: "\n", line, from, to });
    if (newline || joined) line++;
    if (quoted !== undefined) tokens.push({ kind: "string", text: quoted, line, from, to });
    if (mark) tokens.push({ kind: "mark", text: mark, line, from, to });
    if (word) for (const part of wordsIn(once(word), line, from)) tokens.push(part);
  }
  tokens.push({ kind: "end", text: "", line, from: text.length, to: text.length });
  return tokens;
}

/**
 * "80:10.0.0.1" is three words, "fd00::1" and "01:02:03:04:05:06" are one, and "fd00::1:" is two.
 */
function* wordsIn(word: string, line: number, start: number): Generator<Token> {
  if (word === ":" || !word.includes(":")) {
    const kind = word === ":" ? "mark" : "word";
    return void (yield { kind, text: word, line, from: start, to: start + word.length });
  }
  const one = /^(?:[0-9a-f]*:){2,}[0-9a-f.:]*(?:\/\d+)?(?:-[0-9a-f:.]+)?$/i.exec(word);
  const cut = one && !/[^:]:$/.test(word) ? word.length : word.lastIndexOf(":");
  const pieces = one ? [word.slice(0, cut), word.slice(cut)] : word.split(/(:)/);
  let from = start;
  for (const text of pieces) {
    const to = from + text.length;
    if (text !== "") yield { kind: text === ":" ? "mark" : "word", text, line, from, to };
    from = to;
  }
}

/** A reader's place among tokens. */
export class Cursor {
  #next = 0;

  constructor(
    readonly text: string,
    readonly tokens: readonly Token[] = tokensOf(text),
  ) {}

  get place(): number {
    return this.#next;
  }

  back(place: number): void {
    this.#next = place;
  }

  peek(ahead = 0): Token {
    return this.tokens[Math.min(this.#next + ahead, this.tokens.length - 1)]!;
  }

  next(): Token {
    const token = this.peek();
    this.#next++;
    return token;
  }

  /** Whether a word or mark stands here. */
  at(text: string, ahead = 0): boolean {
    const { kind, text: found } = this.peek(ahead);
    return found === text && (kind === "word" || kind === "mark");
  }

  take(...texts: readonly string[]): boolean {
    if (!texts.every((text, i) => this.at(text, i))) return false;
    this.#next += texts.length;
    return true;
  }

  need(text: string): void {
    if (!this.take(text)) this.fail(JSON.stringify(text));
  }

  word(what: string): string {
    const token = this.peek();
    if (token.kind !== "word") this.fail(what);
    this.#next++;
    return token.text;
  }

  /** A name, which may stand in quotation marks. */
  name(what: string): string {
    return this.peek().kind === "string" ? this.next().text : this.word(what);
  }

  number(what: string): number {
    const text = this.word(what);
    const value = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : NaN;
    if (Number.isSafeInteger(value)) return value;
    this.#next--;
    return this.fail(what);
  }

  string(what: string): string {
    if (this.peek().kind !== "string") this.fail(`${what} in quotation marks`);
    return this.next().text;
  }

  /** nft takes no more than 128 bytes of it (NFTNL_UDATA_COMMENT_MAXLEN). */
  comment(): string {
    const text = this.name("a comment");
    const { length } = new TextEncoder().encode(text);
    if (length > 128) throw this.error(`a comment has ${length} bytes; nft takes 128 at most`);
    return text;
  }

  get line(): number {
    return this.peek().line;
  }

  skipLines(): void {
    while (this.peek().kind === "line" || this.at(";")) this.#next++;
  }

  /** Whether a command or a statement is over here. */
  get atEnd(): boolean {
    const { kind } = this.peek();
    return kind === "line" || kind === "end" || this.at(";") || this.at("}");
  }

  /** Goes to where the command ends, over blocks in braces. */
  skipRest(): void {
    let open = 0;
    for (; ; this.#next++) {
      const { kind, line } = this.peek();
      if (kind === "end" && open > 0) throw new RulesError(line, "a { is never closed");
      if (open === 0 && this.atEnd) return;
      if (this.at("{")) open++;
      if (this.at("}")) open--;
    }
  }

  /** The text from a place to here. */
  since(place: number): string {
    const last = this.tokens[this.#next - 1];
    return this.text.slice(this.tokens[place]!.from, last?.to ?? 0);
  }

  error(problem: string): RulesError {
    return new RulesError(this.line, problem);
  }

  fail(expected: string): never {
    const { kind, text } = this.peek();
    const ends: Partial<Record<typeof kind, string>> = {
      line: "the end of the line",
      end: "the end of the text",
    };
    const got = ends[kind];
    throw this.error(`got ${got ?? JSON.stringify(text)}; expected ${expected}`);
  }
}
