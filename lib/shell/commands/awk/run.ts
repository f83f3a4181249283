/** Runs an awk program over its inputs: patterns, actions, statements. (awk.1p) */
import type { Act } from "../../../machinery/act.js";
import { eachInput, Lines, Writer } from "../common.js";
import { absolute } from "../../files.js";
import type { Context } from "../../place.js";
import { Evaluator } from "./evaluator.js";
import { format } from "./functions.js";
import { Memory } from "./memory.js";
import { AwkError, type AwkRule, type AwkStatement } from "./syntax.js";
import { isTrue, number, Outside, text } from "./values.js";

class Next extends Error {}
class Leave extends Error {
  constructor(readonly what: "break" | "continue") {
    super(what);
  }
}
class Quit extends Error {}

export class Run {
  readonly memory: Memory;
  readonly #evaluator: Evaluator;
  /** The ranges that a line is in, as `/from/, /to/`. */
  readonly #inside = new Set<AwkRule>();
  readonly #written = new Set<string>();
  readonly #writer: Writer;
  #status = 0;

  constructor(
    private readonly context: Context,
    private readonly rules: readonly AwkRule[],
  ) {
    this.memory = new Memory(context.process.env);
    this.#evaluator = new Evaluator(context.place, this.memory);
    this.#writer = new Writer(context);
  }

  *all(words: readonly string[]): Act<number> {
    try {
      yield* this.#when("BEGIN");
      const reads = this.rules.some(({ when }) => when !== "BEGIN");
      if (reads) yield* this.#inputs(words);
    } catch (error) {
      // what was printed before it is there
      if (error instanceof AwkError) yield* this.#writer.flush();
      if (!(error instanceof Quit)) throw error;
    }
    try {
      yield* this.#when("END");
    } catch (error) {
      if (!(error instanceof Quit)) throw error;
    }
    yield* this.#writer.flush();
    return this.#status;
  }

  *#when(when: "BEGIN" | "END"): Act<void> {
    for (const rule of this.rules)
      if (rule.when === when && rule.action) yield* this.#do(rule.action);
  }

  *#inputs(words: readonly string[]): Act<void> {
    let hasRead = false;
    for (const word of words) {
      if (this.memory.assignWord(word)) continue;
      hasRead = true;
      yield* this.#input(word);
    }
    if (!hasRead) yield* this.#input("-");
  }

  *#input(word: string): Act<void> {
    this.memory.setVariable("FILENAME", word === "-" ? "" : word);
    this.memory.setVariable("FNR", 0);
    const status = yield* eachInput(this.context, [word], this.#lines.bind(this));
    if (status !== 0) this.#status = 2;
  }

  *#lines(input: Parameters<Parameters<typeof eachInput>[2]>[0]): Act<void> {
    const lines = new Lines(this.context, input);
    for (let line = yield* lines.next(); line !== undefined; line = yield* lines.next()) {
      this.memory.count("NR");
      this.memory.count("FNR");
      this.memory.read(line);
      try {
        for (const rule of this.rules) if (this.#isMeant(rule)) yield* this.#run(rule);
      } catch (error) {
        if (error instanceof Quit) lines.giveBack();
        if (!(error instanceof Next)) throw error;
      }
    }
  }

  #isMeant(rule: AwkRule): boolean {
    const { when } = rule;
    if (when === undefined) return true;
    if (when === "BEGIN" || when === "END") return false;
    if (!Array.isArray(when)) return isTrue(this.#evaluator.value(when));
    if (!this.#inside.has(rule)) {
      if (!isTrue(this.#evaluator.value(when[0]))) return false;
      this.#inside.add(rule);
    }
    if (isTrue(this.#evaluator.value(when[1]))) this.#inside.delete(rule);
    return true;
  }

  *#run({ action }: AwkRule): Act<void> {
    if (action) yield* this.#do(action);
    else yield* this.#writer.write(`${this.memory.line}${this.memory.text("ORS")}`);
  }

  // ---- statements

  *#do(statement: AwkStatement): Act<void> {
    yield* this.context.process.spend();
    switch (statement.kind) {
      case "expression":
        this.#evaluator.value(statement.of);
        return;
      case "print":
        return yield* this.#print(statement);
      case "block":
        for (const each of statement.of) yield* this.#do(each);
        return;
      case "if":
        if (isTrue(this.#evaluator.value(statement.test))) yield* this.#do(statement.then);
        else if (statement.else) yield* this.#do(statement.else);
        return;
      case "while": {
        let isFirst = statement.first;
        while (isFirst || isTrue(this.#evaluator.value(statement.test))) {
          isFirst = false;
          if (yield* this.#leaves(statement.body)) return;
        }
        return;
      }
      case "for":
        if (statement.begin) yield* this.#do(statement.begin);
        while (!statement.test || isTrue(this.#evaluator.value(statement.test))) {
          if (yield* this.#leaves(statement.body)) return;
          if (statement.step) yield* this.#do(statement.step);
        }
        return;
      case "each":
        for (const key of [...this.memory.array(statement.name).keys()]) {
          this.memory.setVariable(statement.variable, new Outside(key));
          if (yield* this.#leaves(statement.body)) return;
        }
        return;
      case "delete":
        if (statement.keys.length === 0) this.memory.array(statement.name).clear();
        else this.memory.array(statement.name).delete(this.#evaluator.key(statement.keys));
        return;
      case "leave":
        if (statement.what === "next") throw new Next();
        throw new Leave(statement.what);
      case "exit":
        if (statement.code) this.#status = number(this.#evaluator.value(statement.code)) & 255;
        throw new Quit();
    }
  }

  /** Whether the loop is left. */
  *#leaves(body: AwkStatement): Act<boolean> {
    yield* this.context.process.spend();
    try {
      yield* this.#do(body);
      return false;
    } catch (error) {
      if (!(error instanceof Leave)) throw error;
      return error.what === "break";
    }
  }

  *#print({ name, args, to }: AwkStatement & { kind: "print" }): Act<void> {
    const values = args.map((each) => this.#evaluator.value(each));
    const said =
      name === "printf"
        ? format(this.#evaluator, values)
        : `${values.length === 0 ? this.memory.line : values.map(text).join(this.memory.text("OFS"))}${this.memory.text("ORS")}`;
    if (!to) return yield* this.#writer.write(said);
    const file = text(this.#evaluator.value(to.file));
    if (file === "/dev/stderr") return yield* this.context.err(said);
    if (file === "/dev/stdout") return yield* this.#writer.write(said);
    const { files } = this.context.place;
    const path = absolute(file, this.context.process.folder);
    const isAppended = to.append || this.#written.has(path);
    this.#written.add(path);
    const before = isAppended && files.find(path) ? files.read(path) : "";
    files.write(path, before + said);
  }
}
