/** Reads an awk program: its rules and statements. (awk.1p) */
import { ExpressionReader } from "./expressions.js";
import { AwkError, type AwkRule, type AwkStatement, type Expression } from "./syntax.js";
import { tokensOf } from "./tokens.js";

/** Throws AwkError. */
export const awkProgram = (text: string): AwkRule[] => new Parser(tokensOf(text)).program();

class Parser extends ExpressionReader {
  program(): AwkRule[] {
    const rules: AwkRule[] = [];
    for (this.lines(); this.token.kind !== "end"; this.lines()) rules.push(this.#rule());
    return rules;
  }

  #rule(): AwkRule {
    const special = this.take("BEGIN", "END") as "BEGIN" | "END" | undefined;
    let when: AwkRule["when"] = special;
    if (!special && !this.is("{")) {
      const first = this.expression();
      when = first;
      if (this.take(",")) {
        while (this.take("\n"));
        when = [first, this.expression()];
      }
    }
    if (special && !this.is("{")) throw this.error();
    return { when, action: this.is("{") ? this.#block() : undefined };
  }

  #block(): AwkStatement {
    this.need("{");
    const of: AwkStatement[] = [];
    for (this.lines(); !this.take("}"); this.lines()) of.push(this.#statement());
    return { kind: "block", of };
  }

  #body(): AwkStatement {
    while (this.take("\n"));
    if (this.take(";")) return { kind: "block", of: [] };
    return this.#statement();
  }

  #statement(): AwkStatement {
    if (++this.depth > 200) throw new AwkError("too deeply nested");
    try {
      return this.#one();
    } finally {
      this.depth--;
    }
  }

  #one(): AwkStatement {
    if (this.is("{")) return this.#block();
    if (this.take("if")) {
      this.need("(");
      const test = this.expression();
      this.need(")");
      const then = this.#body();
      const back = this.at;
      this.lines();
      if (this.take("else")) return { kind: "if", test, then, else: this.#body() };
      this.at = back;
      return { kind: "if", test, then };
    }
    if (this.take("while")) {
      this.need("(");
      const test = this.expression();
      this.need(")");
      return { kind: "while", test, body: this.#body(), first: false };
    }
    if (this.take("do")) {
      const body = this.#body();
      this.lines();
      this.need("while");
      this.need("(");
      const test = this.expression();
      this.need(")");
      return { kind: "while", test, body, first: true };
    }
    if (this.take("for")) return this.#for();
    const statement = this.#simple();
    if (!this.is(";", "\n", "}") && this.token.kind !== "end") throw this.error();
    return statement;
  }

  #for(): AwkStatement {
    this.need("(");
    const [name, word, array] = this.tokens.slice(this.at, this.at + 3);
    if (name?.kind === "name" && word?.text === "in" && array?.kind === "name") {
      this.at += 3;
      this.need(")");
      return { kind: "each", variable: name.text, name: array.text, body: this.#body() };
    }
    const begin = this.is(";") ? undefined : this.#simple();
    this.need(";");
    const test = this.is(";") ? undefined : this.expression();
    this.need(";");
    const step = this.is(")") ? undefined : this.#simple();
    this.need(")");
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
    const name = this.take("print", "printf") as "print" | "printf" | undefined;
    if (name) return this.#print(name);
    const leave = this.take("next", "break", "continue") as "next" | undefined;
    if (leave) return { kind: "leave", what: leave };
    if (this.take("exit"))
      return this.is(";", "\n", "}") || this.token.kind === "end"
        ? { kind: "exit" }
        : { kind: "exit", code: this.expression() };
    if (this.take("delete")) {
      const array = this.token;
      if (array.kind !== "name") throw this.error();
      this.at++;
      return { kind: "delete", name: array.text, keys: this.is("[") ? this.keys() : [] };
    }
    return { kind: "expression", of: this.expression() };
  }

  #print(name: "print" | "printf"): AwkStatement {
    const before = this.isPrinted;
    this.isPrinted = true;
    const args: Expression[] = [];
    if (!this.is(";", "\n", "}", ">", ">>", "|") && this.token.kind !== "end")
      do args.push(this.expression());
      while (this.take(","));
    this.isPrinted = before;
    // print (a, b) > "file"
    const [only] = args;
    const list = args.length === 1 && only?.kind === "call" && only.name === "," ? only.args : args;
    const sign = this.take(">", ">>");
    if (sign === undefined) return { kind: "print", name, args: list };
    return {
      kind: "print",
      name,
      args: list,
      to: { append: sign === ">>", file: this.concatenation(true) },
    };
  }
}
