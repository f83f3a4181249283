/** An awk program read into a tree: patterns, actions, statements, expressions. (awk.1p) */

export type Expression =
  | { kind: "number"; value: number }
  | { kind: "string"; value: string }
  | { kind: "regexp"; source: string }
  | { kind: "variable"; name: string }
  | { kind: "field"; of: Expression }
  | { kind: "element"; name: string; keys: Expression[] }
  | { kind: "in"; keys: Expression[]; name: string }
  | { kind: "assign"; operator: string; to: Expression; value: Expression }
  | { kind: "step"; by: 1 | -1; to: Expression; isAfter: boolean }
  | { kind: "unary"; operator: string; of: Expression }
  | { kind: "binary"; operator: string; left: Expression; right: Expression }
  | { kind: "choice"; test: Expression; then: Expression; else: Expression }
  | { kind: "call"; name: string; args: Expression[] };

export type AwkStatement =
  | { kind: "expression"; of: Expression }
  | {
      kind: "print";
      name: "print" | "printf";
      args: Expression[];
      to?: { append: boolean; file: Expression };
    }
  | { kind: "block"; of: AwkStatement[] }
  | { kind: "if"; test: Expression; then: AwkStatement; else?: AwkStatement }
  | { kind: "while"; test: Expression; body: AwkStatement; first: boolean }
  | {
      kind: "for";
      begin?: AwkStatement;
      test?: Expression;
      step?: AwkStatement;
      body: AwkStatement;
    }
  | { kind: "each"; variable: string; name: string; body: AwkStatement }
  | { kind: "delete"; name: string; keys: Expression[] }
  | { kind: "leave"; what: "next" | "break" | "continue" }
  | { kind: "exit"; code?: Expression };

export interface AwkRule {
  when: "BEGIN" | "END" | Expression | [Expression, Expression] | undefined;
  /** Undefined: the line is printed. */
  action: AwkStatement | undefined;
}

export class AwkError extends Error {}

/** Functions that there are, and how many arguments they take at most. */
export const functions: Readonly<Record<string, number>> = {
  length: 1,
  substr: 3,
  index: 2,
  split: 3,
  sub: 3,
  gsub: 3,
  match: 2,
  sprintf: 99,
  tolower: 1,
  toupper: 1,
  int: 1,
  sqrt: 1,
  exp: 1,
  log: 1,
  sin: 1,
  cos: 1,
  atan2: 2,
  rand: 0,
  srand: 1,
  systime: 0,
  close: 1,
  fflush: 1,
};

type Token = {
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

function tokensOf(text: string): Token[] {
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

/** Throws AwkError. */
export const awkProgram = (text: string): AwkRule[] => new Parser(tokensOf(text)).program();

class Parser {
  #at = 0;
  #depth = 0;
  /** In `for (x in y)` and what is printed, `in` and `>` mean something else. */
  #noIn = false;
  #noMore = false;

  constructor(private readonly tokens: readonly Token[]) {}

  get #token(): Token {
    return this.tokens[this.#at]!;
  }

  #is(...texts: string[]): boolean {
    const { kind, text } = this.#token;
    return (kind === "sign" || kind === "word") && texts.includes(text);
  }

  #take(...texts: string[]): string | undefined {
    return this.#is(...texts) ? this.tokens[this.#at++]!.text : undefined;
  }

  #need(text: string): void {
    if (!this.#take(text)) throw this.#error();
  }

  #error(): AwkError {
    const { kind, text } = this.#token;
    const unknown =
      ["function", "func", "getline", "return", "nextfile"].includes(text) || text === "|";
    if (kind !== "string" && unknown) return new AwkError(`${text} is not modelled here`);
    const shown = kind === "end" ? "end of file" : text === "\n" ? "newline" : text;
    return new AwkError(`line 1: syntax error at or near ${shown}`);
  }

  #lines(): void {
    while (this.#take("\n", ";"));
  }

  program(): AwkRule[] {
    const rules: AwkRule[] = [];
    for (this.#lines(); this.#token.kind !== "end"; this.#lines()) rules.push(this.#rule());
    return rules;
  }

  #rule(): AwkRule {
    const special = this.#take("BEGIN", "END") as "BEGIN" | "END" | undefined;
    let when: AwkRule["when"] = special;
    if (!special && !this.#is("{")) {
      const first = this.expression();
      when = first;
      if (this.#take(",")) {
        while (this.#take("\n"));
        when = [first, this.expression()];
      }
    }
    if (special && !this.#is("{")) throw this.#error();
    return { when, action: this.#is("{") ? this.#block() : undefined };
  }

  #block(): AwkStatement {
    this.#need("{");
    const of: AwkStatement[] = [];
    for (this.#lines(); !this.#take("}"); this.#lines()) of.push(this.#statement());
    return { kind: "block", of };
  }

  #body(): AwkStatement {
    while (this.#take("\n"));
    if (this.#take(";")) return { kind: "block", of: [] };
    return this.#statement();
  }

  #statement(): AwkStatement {
    if (++this.#depth > 200) throw new AwkError("too deeply nested");
    try {
      return this.#one();
    } finally {
      this.#depth--;
    }
  }

  #one(): AwkStatement {
    if (this.#is("{")) return this.#block();
    if (this.#take("if")) {
      this.#need("(");
      const test = this.expression();
      this.#need(")");
      const then = this.#body();
      const back = this.#at;
      this.#lines();
      if (this.#take("else")) return { kind: "if", test, then, else: this.#body() };
      this.#at = back;
      return { kind: "if", test, then };
    }
    if (this.#take("while")) {
      this.#need("(");
      const test = this.expression();
      this.#need(")");
      return { kind: "while", test, body: this.#body(), first: false };
    }
    if (this.#take("do")) {
      const body = this.#body();
      this.#lines();
      this.#need("while");
      this.#need("(");
      const test = this.expression();
      this.#need(")");
      return { kind: "while", test, body, first: true };
    }
    if (this.#take("for")) return this.#for();
    const statement = this.#simple();
    if (!this.#is(";", "\n", "}") && this.#token.kind !== "end") throw this.#error();
    return statement;
  }

  #for(): AwkStatement {
    this.#need("(");
    const [name, word, array] = this.tokens.slice(this.#at, this.#at + 3);
    if (name?.kind === "name" && word?.text === "in" && array?.kind === "name") {
      this.#at += 3;
      this.#need(")");
      return { kind: "each", variable: name.text, name: array.text, body: this.#body() };
    }
    const begin = this.#is(";") ? undefined : this.#simple();
    this.#need(";");
    const test = this.#is(";") ? undefined : this.expression();
    this.#need(";");
    const step = this.#is(")") ? undefined : this.#simple();
    this.#need(")");
    const body = this.#body();
    return {
      kind: "for",
      ...(begin && { begin }),
      ...(test && { test }),
      ...(step && { step }),
      body,
    };
  }

  #simple(): AwkStatement {
    const name = this.#take("print", "printf") as "print" | "printf" | undefined;
    if (name) return this.#print(name);
    const leave = this.#take("next", "break", "continue") as "next" | undefined;
    if (leave) return { kind: "leave", what: leave };
    if (this.#take("exit"))
      return this.#is(";", "\n", "}") || this.#token.kind === "end"
        ? { kind: "exit" }
        : { kind: "exit", code: this.expression() };
    if (this.#take("delete")) {
      const array = this.#token;
      if (array.kind !== "name") throw this.#error();
      this.#at++;
      return { kind: "delete", name: array.text, keys: this.#is("[") ? this.#keys() : [] };
    }
    return { kind: "expression", of: this.expression() };
  }

  #print(name: "print" | "printf"): AwkStatement {
    const before = this.#noMore;
    this.#noMore = true;
    const args: Expression[] = [];
    if (!this.#is(";", "\n", "}", ">", ">>", "|") && this.#token.kind !== "end")
      do args.push(this.expression());
      while (this.#take(","));
    this.#noMore = before;
    // print (a, b) > "file"
    const [only] = args;
    const list = args.length === 1 && only?.kind === "call" && only.name === "," ? only.args : args;
    const sign = this.#take(">", ">>");
    if (sign === undefined) return { kind: "print", name, args: list };
    return {
      kind: "print",
      name,
      args: list,
      to: { append: sign === ">>", file: this.#concatenation(true) },
    };
  }

  #keys(): Expression[] {
    this.#need("[");
    const keys: Expression[] = [];
    do keys.push(this.#inside());
    while (this.#take(","));
    this.#need("]");
    return keys;
  }

  /** In brackets everything means itself again. */
  #inside(): Expression {
    const [noIn, noMore] = [this.#noIn, this.#noMore];
    [this.#noIn, this.#noMore] = [false, false];
    const of = this.expression();
    [this.#noIn, this.#noMore] = [noIn, noMore];
    return of;
  }

  expression(): Expression {
    if (++this.#depth > 200) throw new AwkError("too deeply nested");
    const left = this.#choice();
    this.#depth--;
    const isPlace = ["variable", "field", "element"].includes(left.kind);
    const operator = isPlace ? this.#take("=", "+=", "-=", "*=", "/=", "%=", "^=") : undefined;
    if (operator === undefined) return left;
    return { kind: "assign", operator, to: left, value: this.expression() };
  }

  #choice(): Expression {
    const test = this.#binary(0);
    if (!this.#take("?")) return test;
    const then = this.expression();
    while (this.#take("\n"));
    this.#need(":");
    return { kind: "choice", test, then, else: this.expression() };
  }

  #binary(level: number): Expression {
    const levels = [["||"], ["&&"], ["in"], ["~", "!~"], ["<", "<=", "==", "!=", ">", ">="]];
    const wanted = levels[level];
    if (!wanted) return this.#concatenation();
    let left = this.#binary(level + 1);
    for (;;) {
      if (this.#noMore && this.#is(">")) return left;
      const operator = this.#take(...wanted);
      if (operator === undefined) return left;
      if (operator === "in") {
        const { kind, text } = this.#token;
        if (kind !== "name") throw this.#error();
        this.#at++;
        left = {
          kind: "in",
          keys: left.kind === "call" && left.name === "," ? left.args : [left],
          name: text,
        };
        continue;
      }
      while (/^[|&]/.test(operator) && this.#take("\n"));
      left = { kind: "binary", operator, left, right: this.#binary(level + 1) };
    }
  }

  #concatenation(isFile = false): Expression {
    let left = this.#sum();
    const begins = (): boolean =>
      ["number", "string", "name", "regexp"].includes(this.#token.kind) ||
      this.#is("$", "!", "(", "-", "+", "++", "--");
    while (!isFile && begins() && !this.#is("in")) {
      const right = this.#sum();
      left = { kind: "binary", operator: " ", left, right };
    }
    return left;
  }

  #sum(): Expression {
    let left = this.#product();
    for (let operator = this.#take("+", "-"); operator; operator = this.#take("+", "-"))
      left = { kind: "binary", operator, left, right: this.#product() };
    return left;
  }

  #product(): Expression {
    let left = this.#unary();
    for (let operator = this.#take("*", "/", "%"); operator; operator = this.#take("*", "/", "%"))
      left = { kind: "binary", operator, left, right: this.#unary() };
    return left;
  }

  #unary(): Expression {
    const operator = this.#take("!", "-", "+");
    if (operator !== undefined) return { kind: "unary", operator, of: this.#unary() };
    const base = this.#postfix();
    if (!this.#take("^")) return base;
    return { kind: "binary", operator: "^", left: base, right: this.#unary() };
  }

  #postfix(): Expression {
    const step = this.#take("++", "--");
    if (step)
      return { kind: "step", by: step === "++" ? 1 : -1, to: this.#postfix(), isAfter: false };
    const of = this.#primary();
    if (!["variable", "field", "element"].includes(of.kind)) return of;
    const after = this.#take("++", "--");
    return after ? { kind: "step", by: after === "++" ? 1 : -1, to: of, isAfter: true } : of;
  }

  #primary(): Expression {
    const { kind, text } = this.#token;
    if (kind === "number" || kind === "string" || kind === "regexp") {
      this.#at++;
      if (kind === "number") return { kind, value: Number(text) };
      return kind === "string" ? { kind, value: text } : { kind, source: text };
    }
    if (this.#take("$"))
      return { kind: "field", of: this.#is("++", "--") ? this.#postfix() : this.#primary() };
    if (this.#take("(")) {
      const list = [this.#inside()];
      while (this.#take(",")) list.push(this.#inside());
      this.#need(")");
      return list.length === 1
        ? { kind: "unary", operator: "(", of: list[0]! }
        : { kind: "call", name: ",", args: list };
    }
    if (kind !== "name") throw this.#error();
    this.#at++;
    if (this.#is("[")) return { kind: "element", name: text, keys: this.#keys() };
    if (text === "length" && !this.#is("(")) return { kind: "call", name: text, args: [] };
    if (!this.#is("(") || !(text in functions)) {
      if (this.#is("(")) throw new AwkError(`function ${text} never defined`);
      return { kind: "variable", name: text };
    }
    this.#need("(");
    const args: Expression[] = [];
    if (!this.#is(")"))
      do args.push(this.#inside());
      while (this.#take(","));
    this.#need(")");
    if (args.length > functions[text]!) throw new AwkError(`too many arguments in call to ${text}`);
    return { kind: "call", name: text, args };
  }
}
