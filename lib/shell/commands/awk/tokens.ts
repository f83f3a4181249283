/** An awk program's words and signs, and who reads them one after the other. */
import { AwkError } from "./syntax.js";

export type Token = {
  kind: "number" | "string" | "regexp" | "name" | "word" | "sign" | "end";
  text: string;
};

const words = [
  "BEGIN",
  "END",
  "if",
  "else",
  "while",
  "for",
  "do",
  "in",
  "print",
  "printf",
  "next",
  "exit",
  "break",
  "continue",
  "delete",
  "function",
  "func",
  "getline",
  "return",
  "nextfile",
];
const signs =
  /^(?:\|\||&&|==|!=|<=|>=|>>|\+\+|--|\+=|-=|\*=|\/=|%=|\^=|!~|[-+*/%^!<>~?:=,;(){}[\]$|\n])/;
const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  "\\": "\\",
  '"': '"',
  "/": "/",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
};

export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const space = /^(?:[ \t\r]+|\\\r?\n|#[^\n]*)/.exec(rest)?.[0];
    if (space) {
      at += space.length;
      continue;
    }
    const before = tokens.at(-1);
    const isValue =
      before &&
      (["number", "string", "name", "regexp"].includes(before.kind) ||
        [")", "]", "$", "++", "--"].includes(before.text));
    const take = (kind: Token["kind"], length: number, value: string): void => {
      tokens.push({ kind, text: value });
      at += length;
    };
    const string = /^"((?:[^"\\\n]|\\[^])*)"/.exec(rest);
    const regexp = isValue ? null : /^\/((?:[^/\\\n[]|\\.|\[\^?\]?[^\]\n]*\])*)\//.exec(rest);
    const number = /^(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/.exec(rest);
    const name = /^[A-Za-z_]\w*/.exec(rest);
    if (string)
      take(
        "string",
        string[0].length,
        string[1]!.replace(
          /\\([0-7]{1,3}|[^])/g,
          (all, c: string) =>
            escapes[c] ?? (/^[0-7]/.test(c) ? String.fromCharCode(parseInt(c, 8)) : all),
        ),
      );
    else if (regexp) take("regexp", regexp[0].length, regexp[1]!.replaceAll("\\/", "/"));
    else if (number) take("number", number[0].length, number[0]);
    else if (name) take(words.includes(name[0]) ? "word" : "name", name[0].length, name[0]);
    else {
      const sign = signs.exec(rest)?.[0];
      if (sign === undefined)
        throw new AwkError(
          `syntax error at source line 1\n context is\n\t>>> ${rest.slice(0, 20)} <<<`,
        );
      take("sign", sign.length, sign);
    }
    if (tokens.length > 10_000) throw new AwkError("program too long");
  }
  tokens.push({ kind: "end", text: "" });
  return tokens;
}

export class TokenReader {
  protected at = 0;
  protected depth = 0;

  constructor(protected readonly tokens: readonly Token[]) {}

  protected get token(): Token {
    return this.tokens[this.at]!;
  }

  protected is(...texts: string[]): boolean {
    const { kind, text } = this.token;
    return (kind === "sign" || kind === "word") && texts.includes(text);
  }

  protected take(...texts: string[]): string | undefined {
    return this.is(...texts) ? this.tokens[this.at++]!.text : undefined;
  }

  protected need(text: string): void {
    if (!this.take(text)) throw this.error();
  }

  protected error(): AwkError {
    const { kind, text } = this.token;
    const unknown =
      ["function", "func", "getline", "return", "nextfile"].includes(text) || text === "|";
    if (kind !== "string" && unknown) return new AwkError(`${text} is not modelled here`);
    const shown = kind === "end" ? "end of file" : text === "\n" ? "newline" : text;
    return new AwkError(`line 1: syntax error at or near ${shown}`);
  }

  protected lines(): void {
    while (this.take("\n", ";"));
  }
}
