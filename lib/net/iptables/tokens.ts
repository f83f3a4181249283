/** A line of iptables' text, word by word. */
import { RulesError } from "../rules-error.js";

/** Words of a line; "quoted words" are one, with \ before what is meant literally. */
export class Tokens {
  readonly #words: string[] = [];
  #next = 0;

  constructor(
    text: string,
    readonly line: number,
  ) {
    for (const [, quoted, open, plain] of text.matchAll(/"((?:[^"\\]|\\.)*)"|(")|(\S+)/g)) {
      if (open !== undefined)
        throw this.error('a quotation mark is never closed; write --comment "text"');
      this.#words.push(quoted === undefined ? plain! : quoted.replace(/\\(.)/g, "$1"));
    }
  }

  peek(ahead = 0): string | undefined {
    return this.#words[this.#next + ahead];
  }

  next(what: string): string {
    const word = this.#words[this.#next++];
    if (word === undefined)
      throw this.error(
        `the line ends where ${what} should follow${this.#next > 1 ? ` ${this.#words[this.#next - 2]}` : ""}`,
      );
    return word;
  }

  take(word: string): boolean {
    if (this.peek() !== word) return false;
    this.#next++;
    return true;
  }

  oneOf<T extends string>(...allowed: readonly T[]): T {
    const word = this.next(`one of ${allowed.join(", ")}`);
    return allowed.find((each) => each === word) ?? this.fail(word, `one of ${allowed.join(", ")}`);
  }

  number(high: number, what: string): number {
    const word = this.next(what);
    const value = /^(0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : NaN;
    return value <= high ? value : this.fail(word, `${what}, at most ${high}`);
  }

  fail(came: string, expected: string): never {
    throw this.error(
      `got ${JSON.stringify(came)} for ${this.#words[this.#next - 2]}; expected ${expected}`,
    );
  }

  error(problem: string): RulesError {
    return new RulesError(this.line, problem);
  }
}
