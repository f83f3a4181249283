/**
 * What Go says of a text that is no JSON, and which fields stand in it twice: JavaScript's own
 * parser has other words for the one, and none for the other. (encoding/json: scanner.go)
 */
export interface Reading {
  /** "unexpected end of JSON input"; undefined: it is JSON. */
  error: string | undefined;
  /** Paths of fields that an object has already: spec.ports[0].port */
  duplicates: string[];
}

export function readAsGo(text: string): Reading {
  const reader = new Reader(text);
  try {
    reader.value("");
    reader.end();
    return { error: undefined, duplicates: reader.duplicates };
  } catch (error) {
    if (error instanceof Wrong) return { error: error.message, duplicates: reader.duplicates };
    throw error;
  }
}

class Wrong extends Error {}

class Reader {
  #at = 0;
  readonly duplicates: string[] = [];

  constructor(private readonly text: string) {}

  value(path: string): void {
    this.#space();
    const first = this.text[this.#at];
    if (first === "{") return this.#object(path);
    if (first === "[") return this.#list(path);
    if (first === '"') return void this.#string();
    for (const word of ["true", "false", "null"]) if (first === word[0]) return this.#word(word);
    if (first !== undefined && /[-\d]/.test(first)) return this.#number();
    throw this.#wrong("looking for beginning of value");
  }

  end(): void {
    this.#space();
    if (this.#at < this.text.length) throw this.#wrong("after top-level value");
  }

  #object(path: string): void {
    const seen = new Set<string>();
    this.#at++;
    if (this.#next() === "}") return void this.#at++;
    for (;;) {
      if (this.#next() !== '"') throw this.#wrong("looking for beginning of object key string");
      const key = this.#string();
      const here = path ? `${path}.${key}` : key;
      if (seen.has(key)) this.duplicates.push(here);
      seen.add(key);
      if (this.#next() !== ":") throw this.#wrong("after object key");
      this.#at++;
      this.value(here);
      const after = this.#next();
      if (after !== "," && after !== "}") throw this.#wrong("after object key:value pair");
      this.#at++;
      if (after === "}") return;
    }
  }

  #list(path: string): void {
    this.#at++;
    if (this.#next() === "]") return void this.#at++;
    for (let i = 0; ; i++) {
      this.value(`${path}[${i}]`);
      const after = this.#next();
      if (after !== "," && after !== "]") throw this.#wrong("after array element");
      this.#at++;
      if (after === "]") return;
    }
  }

  #string(): string {
    const start = this.#at++;
    for (; this.#at < this.text.length; this.#at++) {
      const character = this.text[this.#at]!;
      if (character === '"') return this.#unquoted(start, ++this.#at);
      if (character < " ") throw this.#wrong("in string literal");
      if (character !== "\\") continue;
      this.#at++;
      if (!/["\\/bfnrtu]/.test(this.text[this.#at] ?? '"'))
        throw this.#wrong("in string escape code");
    }
    throw this.#wrong("");
  }

  #unquoted(from: number, to: number): string {
    try {
      return JSON.parse(this.text.slice(from, to)) as string;
    } catch {
      throw this.#wrong("in \\u hexadecimal character escape");
    }
  }

  #word(word: string): void {
    for (const letter of word) {
      if (this.text[this.#at] !== letter)
        throw this.#wrong(`in literal ${word} (expecting '${letter}')`);
      this.#at++;
    }
  }

  #number(): void {
    const [all = ""] =
      /^-?(?:0|[1-9]\d*)?(?:\.\d*)?(?:[eE][+-]?\d*)?/.exec(
        this.text.slice(this.#at, this.#at + 400),
      ) ?? [];
    this.#at += all.length;
    if (!/\d$/.test(all)) throw this.#wrong("in numeric literal");
  }

  #space(): void {
    while (/[ \t\r\n]/.test(this.text[this.#at] ?? "")) this.#at++;
  }

  #next(): string | undefined {
    this.#space();
    return this.text[this.#at];
  }

  #wrong(where: string): Wrong {
    const found = this.text[this.#at];
    if (found === undefined) return new Wrong("unexpected end of JSON input");
    // Go looks at bytes: the first one of a byte order mark is shown as the letter of its number
    const shown = found === "\ufeff" ? "\u00ef" : found;
    const quoted = shown === "'" ? "'\\''" : `'${shown}'`;
    return new Wrong(`invalid character ${quoted} ${where}`);
  }
}
