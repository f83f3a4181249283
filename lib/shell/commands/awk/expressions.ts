/** Reads the expressions of an awk program. (awk.1p: Expressions in awk) */
import { TokenReader } from "./tokens.js";
import { AwkError, functions, type Expression } from "./syntax.js";

export class ExpressionReader extends TokenReader {
  /** In what is printed, `>` means a file. */
  protected isPrinted = false;

  protected keys(): Expression[] {
    this.need("[");
    const keys: Expression[] = [];
    do keys.push(this.#inside());
    while (this.take(","));
    this.need("]");
    return keys;
  }

  /** In brackets everything means itself again. */
  #inside(): Expression {
    const before = this.isPrinted;
    this.isPrinted = false;
    const of = this.expression();
    this.isPrinted = before;
    return of;
  }

  protected expression(): Expression {
    if (++this.depth > 200) throw new AwkError("too deeply nested");
    const left = this.#choice();
    this.depth--;
    const isPlace = ["variable", "field", "element"].includes(left.kind);
    const operator = isPlace ? this.take("=", "+=", "-=", "*=", "/=", "%=", "^=") : undefined;
    if (operator === undefined) return left;
    return { kind: "assign", operator, to: left, value: this.expression() };
  }

  #choice(): Expression {
    const test = this.#binary(0);
    if (!this.take("?")) return test;
    const then = this.expression();
    while (this.take("\n"));
    this.need(":");
    return { kind: "choice", test, then, else: this.expression() };
  }

  #binary(level: number): Expression {
    const levels = [["||"], ["&&"], ["in"], ["~", "!~"], ["<", "<=", "==", "!=", ">", ">="]];
    const wanted = levels[level];
    if (!wanted) return this.concatenation();
    let left = this.#binary(level + 1);
    for (;;) {
      if (this.isPrinted && this.is(">")) return left;
      const operator = this.take(...wanted);
      if (operator === undefined) return left;
      if (operator === "in") {
        const { kind, text } = this.token;
        if (kind !== "name") throw this.error();
        this.at++;
        left = {
          kind: "in",
          keys: left.kind === "call" && left.name === "," ? left.args : [left],
          name: text,
        };
        continue;
      }
      while (/^[|&]/.test(operator) && this.take("\n"));
      left = { kind: "binary", operator, left, right: this.#binary(level + 1) };
    }
  }

  protected concatenation(isFile = false): Expression {
    let left = this.#sum();
    const begins = (): boolean =>
      ["number", "string", "name", "regexp"].includes(this.token.kind) ||
      this.is("$", "!", "(", "-", "+", "++", "--");
    while (!isFile && begins() && !this.is("in")) {
      const right = this.#sum();
      left = { kind: "binary", operator: " ", left, right };
    }
    return left;
  }

  #sum(): Expression {
    let left = this.#product();
    for (let operator = this.take("+", "-"); operator; operator = this.take("+", "-"))
      left = { kind: "binary", operator, left, right: this.#product() };
    return left;
  }

  #product(): Expression {
    let left = this.#unary();
    for (let operator = this.take("*", "/", "%"); operator; operator = this.take("*", "/", "%"))
      left = { kind: "binary", operator, left, right: this.#unary() };
    return left;
  }

  #unary(): Expression {
    const operator = this.take("!", "-", "+");
    if (operator !== undefined) return { kind: "unary", operator, of: this.#unary() };
    const base = this.#postfix();
    if (!this.take("^")) return base;
    return { kind: "binary", operator: "^", left: base, right: this.#unary() };
  }

  #postfix(): Expression {
    const step = this.take("++", "--");
    if (step)
      return { kind: "step", by: step === "++" ? 1 : -1, to: this.#postfix(), isAfter: false };
    const of = this.#primary();
    if (!["variable", "field", "element"].includes(of.kind)) return of;
    const after = this.take("++", "--");
    return after ? { kind: "step", by: after === "++" ? 1 : -1, to: of, isAfter: true } : of;
  }

  #primary(): Expression {
    const { kind, text } = this.token;
    if (kind === "number" || kind === "string" || kind === "regexp") {
      this.at++;
      if (kind === "number") return { kind, value: Number(text) };
      return kind === "string" ? { kind, value: text } : { kind, source: text };
    }
    if (this.take("$"))
      return { kind: "field", of: this.is("++", "--") ? this.#postfix() : this.#primary() };
    if (this.take("(")) {
      const list = [this.#inside()];
      while (this.take(",")) list.push(this.#inside());
      this.need(")");
      return list.length === 1
        ? { kind: "unary", operator: "(", of: list[0]! }
        : { kind: "call", name: ",", args: list };
    }
    if (kind !== "name") throw this.error();
    this.at++;
    if (this.is("[")) return { kind: "element", name: text, keys: this.keys() };
    if (text === "length" && !this.is("(")) return { kind: "call", name: text, args: [] };
    if (!this.is("(") || !(text in functions)) {
      if (this.is("(")) throw new AwkError(`function ${text} never defined`);
      return { kind: "variable", name: text };
    }
    this.need("(");
    const args: Expression[] = [];
    if (!this.is(")"))
      do args.push(this.#inside());
      while (this.take(","));
    this.need(")");
    if (args.length > functions[text]!) throw new AwkError(`too many arguments in call to ${text}`);
    return { kind: "call", name: text, args };
  }
}
