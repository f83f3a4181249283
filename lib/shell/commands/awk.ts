/**
 * awk, as far as lines are taken apart with it: patterns, actions, fields, arrays, the functions of
 * POSIX. Functions of one's own, getline and pipes are refused.
 */
import type { Act } from "../../machinery/act.js";
import {
  awkProgram,
  AwkError,
  type AwkRule,
  type AwkStatement,
  type Expression,
} from "../awk-syntax.js";
import { absolute } from "../files.js";
import { formatted } from "../bash/printf.js";
import type { Command, Context } from "../place.js";
import { compile, RegExpError, type Compiled } from "../regexp.js";
import { eachInput, Lines, refuse, Writer } from "./common.js";

/** A text that came from outside and looks like a number is one, too. */
class Outside {
  constructor(readonly text: string) {}
}
type Value = number | string | Outside;

const LONGEST = 1_000_000;
const MOST_ELEMENTS = 100_000;

class Next extends Error {}
class Leave extends Error {
  constructor(readonly what: "break" | "continue") {
    super(what);
  }
}
class Quit extends Error {}

function* awk(context: Context): Act<number> {
  const args = [...context.args];
  const assigned: string[] = [];
  let separator: string | undefined;
  while (args[0]?.startsWith("-") && args[0] !== "-") {
    const word = args.shift()!;
    if (word === "--") break;
    if (word.startsWith("-F")) separator = word.slice(2) || (args.shift() ?? "");
    else if (word.startsWith("-v")) assigned.push(word.slice(2) || (args.shift() ?? ""));
    else return yield* refuse(context, 2, `option ${word} is not modelled here; -F and -v are`);
  }
  const text = args.shift();
  if (text === undefined) {
    yield* context.err("Usage: awk [-F value] [-v var=value] 'program' [file ...]\n");
    return 2;
  }
  try {
    const run = new Run(context, awkProgram(text));
    if (separator !== undefined) run.assign("FS", separator === "t" ? "\t" : separator);
    for (const each of assigned) run.assignWord(each);
    return yield* run.all(args);
  } catch (error) {
    if (!(error instanceof AwkError) && !(error instanceof RegExpError)) throw error;
    return yield* refuse(context, 2, error.message);
  }
}

class Run {
  readonly #variables = new Map<string, Value>([
    ["FS", " "],
    ["OFS", " "],
    ["ORS", "\n"],
    ["NR", 0],
    ["FNR", 0],
    ["SUBSEP", "\x1c"],
    ["RSTART", 0],
    ["RLENGTH", -1],
    ["FILENAME", ""],
    ["OFMT", "%.6g"],
    ["CONVFMT", "%.6g"],
  ]);
  readonly #arrays = new Map<string, Map<string, Value>>();
  readonly #patterns = new Map<string, Compiled>();
  readonly #inside = new Set<AwkRule>();
  readonly #written = new Set<string>();
  readonly #writer: Writer;
  #line = "";
  #fields: Value[] | undefined;
  #status = 0;

  constructor(
    private readonly context: Context,
    private readonly rules: readonly AwkRule[],
  ) {
    this.#writer = new Writer(context);
    const environment = new Map<string, Value>();
    for (const [key, value] of Object.entries(context.process.env))
      environment.set(key, new Outside(value));
    this.#arrays.set("ENVIRON", environment);
  }

  assign(name: string, value: string): void {
    this.#variables.set(name, new Outside(unescape(value)));
  }

  assignWord(word: string): boolean {
    const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(word) ?? [];
    if (name !== undefined) this.assign(name, value!);
    return name !== undefined;
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
      if (this.assignWord(word)) continue;
      hasRead = true;
      yield* this.#input(word);
    }
    if (!hasRead) yield* this.#input("-");
  }

  *#input(word: string): Act<void> {
    this.#variables.set("FILENAME", word === "-" ? "" : word);
    this.#variables.set("FNR", 0);
    const status = yield* eachInput(this.context, [word], this.#lines.bind(this));
    if (status !== 0) this.#status = 2;
  }

  *#lines(input: Parameters<Parameters<typeof eachInput>[2]>[0]): Act<void> {
    const lines = new Lines(this.context, input);
    for (let line = yield* lines.next(); line !== undefined; line = yield* lines.next()) {
      this.#count("NR");
      this.#count("FNR");
      this.#line = line;
      this.#fields = undefined;
      try {
        for (const rule of this.rules) if (this.#isMeant(rule)) yield* this.#run(rule);
      } catch (error) {
        if (error instanceof Quit) lines.giveBack();
        if (!(error instanceof Next)) throw error;
      }
    }
  }

  #count(name: string): void {
    this.#variables.set(name, number(this.#variables.get(name) ?? 0) + 1);
  }

  #isMeant(rule: AwkRule): boolean {
    const { when } = rule;
    if (when === undefined) return true;
    if (when === "BEGIN" || when === "END") return false;
    if (!Array.isArray(when)) return isTrue(this.#value(when));
    if (!this.#inside.has(rule)) {
      if (!isTrue(this.#value(when[0]))) return false;
      this.#inside.add(rule);
    }
    if (isTrue(this.#value(when[1]))) this.#inside.delete(rule);
    return true;
  }

  *#run({ action }: AwkRule): Act<void> {
    if (action) yield* this.#do(action);
    else yield* this.#writer.write(`${this.#line}${this.#text("ORS")}`);
  }

  // ---- statements

  *#do(statement: AwkStatement): Act<void> {
    yield* this.context.process.spend();
    switch (statement.kind) {
      case "expression":
        this.#value(statement.of);
        return;
      case "print":
        return yield* this.#print(statement);
      case "block":
        for (const each of statement.of) yield* this.#do(each);
        return;
      case "if":
        if (isTrue(this.#value(statement.test))) yield* this.#do(statement.then);
        else if (statement.else) yield* this.#do(statement.else);
        return;
      case "while": {
        let isFirst = statement.first;
        while (isFirst || isTrue(this.#value(statement.test))) {
          isFirst = false;
          if (yield* this.#leaves(statement.body)) return;
        }
        return;
      }
      case "for":
        if (statement.begin) yield* this.#do(statement.begin);
        while (!statement.test || isTrue(this.#value(statement.test))) {
          if (yield* this.#leaves(statement.body)) return;
          if (statement.step) yield* this.#do(statement.step);
        }
        return;
      case "each":
        for (const key of [...this.#array(statement.name).keys()]) {
          this.#variables.set(statement.variable, new Outside(key));
          if (yield* this.#leaves(statement.body)) return;
        }
        return;
      case "delete":
        if (statement.keys.length === 0) this.#array(statement.name).clear();
        else this.#array(statement.name).delete(this.#key(statement.keys));
        return;
      case "leave":
        if (statement.what === "next") throw new Next();
        throw new Leave(statement.what);
      case "exit":
        if (statement.code) this.#status = number(this.#value(statement.code)) & 255;
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
    const values = args.map((each) => this.#value(each));
    const said =
      name === "printf"
        ? this.#format(values)
        : `${values.length === 0 ? this.#line : values.map(text).join(this.#text("OFS"))}${this.#text("ORS")}`;
    if (!to) return yield* this.#writer.write(said);
    const file = text(this.#value(to.file));
    if (file === "/dev/stderr") return yield* this.context.err(said);
    if (file === "/dev/stdout") return yield* this.#writer.write(said);
    const { files } = this.context.place;
    const path = absolute(file, this.context.process.folder);
    const isAppended = to.append || this.#written.has(path);
    this.#written.add(path);
    const before = isAppended && files.find(path) ? files.read(path) : "";
    files.write(path, before + said);
  }

  #format([format = "", ...values]: readonly Value[]): string {
    let i = 0;
    const given = [
      ...text(format).matchAll(/%[-+ 0#]*(\*|\d+)?(?:\.(\*|\d*))?([a-zA-Z%])/g),
    ].flatMap(([, width, precision, letter]) => {
      if (letter === "%") return [];
      const stars = [width, precision].filter((each) => each === "*");
      const next = (): Value => values[i++] ?? "";
      const sizes = stars.map(() => text(Math.trunc(number(next()))));
      const value = next();
      if (/[dioxXu]/.test(letter!)) return [...sizes, String(Math.trunc(number(value)))];
      if (/[eEfFgG]/.test(letter!)) return [...sizes, String(number(value))];
      if (letter === "c" && typeof value === "number")
        return [...sizes, String.fromCharCode(value)];
      return [...sizes, text(value)];
    });
    // once: the format is not used again for what is left
    const escaped = text(format).replaceAll("\\", "\\\\");
    return formatted(escaped, given, this.context.place.acts.clock.now()).text;
  }

  // ---- values

  #text(name: string): string {
    return text(this.#variables.get(name) ?? "");
  }

  #array(name: string): Map<string, Value> {
    const array = this.#arrays.get(name) ?? new Map<string, Value>();
    this.#arrays.set(name, array);
    return array;
  }

  #key(keys: readonly Expression[]): string {
    return keys.map((each) => text(this.#value(each))).join(this.#text("SUBSEP"));
  }

  #pattern(source: string): Compiled {
    const known = this.#patterns.get(source) ?? compile(source, { isExtended: true });
    if (this.#patterns.size < 1_000) this.#patterns.set(source, known);
    return known;
  }

  #patternOf(expression: Expression): Compiled {
    if (expression.kind === "regexp") return this.#pattern(expression.source);
    return this.#pattern(text(this.#value(expression)));
  }

  get #all(): Value[] {
    return (this.#fields ??= this.#split(this.#line, this.#text("FS")).map(
      (each) => new Outside(each),
    ));
  }

  #split(line: string, separator: string): string[] {
    if (line === "") return [];
    if (separator === " ")
      return line
        .trim()
        .split(/[ \t\n]+/)
        .filter((each) => each !== "");
    if (separator === "") return [...line];
    if (separator.length === 1 && separator !== "\\") return line.split(separator);
    const pattern = this.#pattern(separator);
    const parts: string[] = [];
    let from = 0;
    for (let at = 0; at <= line.length;) {
      const found = pattern.match(line, at)?.groups[0];
      if (!found) break;
      if (found[1] > found[0]) {
        parts.push(line.slice(from, found[0]));
        from = found[1];
      }
      at = Math.max(found[1], found[0] + 1);
    }
    return [...parts, line.slice(from)];
  }

  #field(index: number): Value {
    if (!(index >= 0)) throw new AwkError(`trying to access out of range field ${index}`);
    return index === 0 ? new Outside(this.#line) : (this.#all[index - 1] ?? new Outside(""));
  }

  #set(to: Expression, value: Value): Value {
    if (to.kind === "variable") {
      if (to.name === "NF") {
        this.#all.length = Math.min(1_000, Math.max(0, number(value)));
        for (let i = 0; i < this.#all.length; i++) this.#all[i] ??= "";
        this.#line = this.#all.map(text).join(this.#text("OFS"));
      } else this.#variables.set(to.name, value);
    } else if (to.kind === "element") {
      const array = this.#array(to.name);
      if (array.size >= MOST_ELEMENTS) throw new AwkError("out of memory");
      array.set(this.#key(to.keys), value);
    } else if (to.kind === "field") {
      const index = number(this.#value(to.of));
      if (!(index >= 0) || index > 1_000)
        throw new AwkError(`trying to access out of range field ${index}`);
      if (index === 0) {
        this.#line = text(value);
        this.#fields = undefined;
      } else {
        while (this.#all.length < index) this.#all.push("");
        this.#all[index - 1] = value;
        this.#line = this.#all.map(text).join(this.#text("OFS"));
      }
    }
    return value;
  }

  #value(expression: Expression): Value {
    switch (expression.kind) {
      case "number":
      case "string":
        return expression.value;
      case "regexp":
        return this.#pattern(expression.source).match(this.#line, 0) ? 1 : 0;
      case "variable":
        return expression.name === "NF"
          ? this.#all.length
          : (this.#variables.get(expression.name) ?? new Outside(""));
      case "field":
        return this.#field(number(this.#value(expression.of)));
      case "element": {
        const array = this.#array(expression.name);
        const key = this.#key(expression.keys);
        const found = array.get(key) ?? new Outside("");
        if (!array.has(key) && array.size < MOST_ELEMENTS) array.set(key, found);
        return found;
      }
      case "in":
        return this.#array(expression.name).has(this.#key(expression.keys)) ? 1 : 0;
      case "assign": {
        const value = this.#value(expression.value);
        if (expression.operator === "=") return this.#set(expression.to, value);
        const before = number(this.#value(expression.to));
        return this.#set(expression.to, arithmetic(expression.operator[0]!, before, number(value)));
      }
      case "step": {
        const before = number(this.#value(expression.to));
        this.#set(expression.to, before + expression.by);
        return expression.isAfter ? before : before + expression.by;
      }
      case "unary": {
        const of = this.#value(expression.of);
        if (expression.operator === "(") return of;
        if (expression.operator === "!") return isTrue(of) ? 0 : 1;
        return expression.operator === "-" ? -number(of) : number(of);
      }
      case "binary":
        return this.#binary(expression);
      case "choice":
        return this.#value(
          isTrue(this.#value(expression.test)) ? expression.then : expression.else,
        );
      case "call":
        return this.#call(expression.name, expression.args);
    }
  }

  #binary({ operator, left, right }: Expression & { kind: "binary" }): Value {
    const first = this.#value(left);
    if (operator === "&&") return isTrue(first) && isTrue(this.#value(right)) ? 1 : 0;
    if (operator === "||") return isTrue(first) || isTrue(this.#value(right)) ? 1 : 0;
    if (operator === "~" || operator === "!~") {
      const isThere = this.#patternOf(right).match(text(first), 0) !== undefined;
      return isThere === (operator === "~") ? 1 : 0;
    }
    const second = this.#value(right);
    if (operator === " ") {
      const all = text(first) + text(second);
      if (all.length > LONGEST) throw new AwkError("out of memory");
      return all;
    }
    if (/^[-+*/%^]$/.test(operator)) return arithmetic(operator, number(first), number(second));
    const sign = compared(first, second);
    const isSo = {
      "<": sign < 0,
      "<=": sign <= 0,
      "==": sign === 0,
      "!=": sign !== 0,
      ">": sign > 0,
      ">=": sign >= 0,
    }[operator];
    return isSo ? 1 : 0;
  }

  #call(name: string, args: readonly Expression[]): Value {
    const value = (i: number): Value => (args[i] ? this.#value(args[i]) : new Outside(""));
    const string = (i: number): string => text(value(i));
    const amount = (i: number): number => number(value(i));
    switch (name) {
      case "length": {
        const [only] = args;
        if (only?.kind === "variable" && this.#arrays.has(only.name))
          return this.#array(only.name).size;
        return only ? string(0).length : this.#line.length;
      }
      case "substr": {
        const all = string(0);
        const from = Math.round(amount(1));
        const to = args[2] ? from + Math.round(amount(2)) : Infinity;
        return all.slice(Math.max(0, from - 1), Math.max(0, to - 1));
      }
      case "index":
        return string(0).indexOf(string(1)) + 1;
      case "split": {
        const [, array, separator] = args;
        if (array?.kind !== "variable") throw new AwkError("split: an array is wanted");
        const by = !separator
          ? this.#text("FS")
          : separator.kind === "regexp"
            ? separator.source
            : string(2);
        const parts = this.#split(string(0), by);
        const elements = this.#array(array.name);
        elements.clear();
        parts
          .slice(0, MOST_ELEMENTS)
          .forEach((part, i) => elements.set(String(i + 1), new Outside(part)));
        return parts.length;
      }
      case "sub":
      case "gsub":
        return this.#substitute(name === "gsub", args);
      case "match": {
        const found = this.#patternOf(args[1]!).match(string(0), 0)?.groups[0];
        this.#variables.set("RSTART", found ? found[0] + 1 : 0);
        this.#variables.set("RLENGTH", found ? found[1] - found[0] : -1);
        return found ? found[0] + 1 : 0;
      }
      case "sprintf":
        return this.#format(args.map((each) => this.#value(each)));
      case "tolower":
        return string(0).toLowerCase();
      case "toupper":
        return string(0).toUpperCase();
      case "int":
        return Math.trunc(amount(0));
      case "atan2":
        return Math.atan2(amount(0), amount(1));
      case "rand":
        return this.context.place.random();
      case "srand":
      case "close":
      case "fflush":
        return 0;
      case "systime":
        return Math.floor(this.context.place.acts.clock.now() / 1_000);
      default:
        return Math[name as "sqrt" | "exp" | "log" | "sin" | "cos"](amount(0));
    }
  }

  #substitute(isGlobal: boolean, [pattern, by, to]: readonly Expression[]): number {
    if (!pattern || !by) throw new AwkError("sub: a pattern and a replacement are wanted");
    const target = to ?? { kind: "field", of: { kind: "number", value: 0 } };
    const all = text(this.#value(target));
    const compiled = this.#patternOf(pattern);
    const replacement = text(this.#value(by));
    let [result, from, count] = ["", 0, 0];
    for (let at = 0; at <= all.length;) {
      const found = compiled.match(all, at)?.groups[0];
      if (!found) break;
      count++;
      const whole = all.slice(found[0], found[1]);
      result +=
        all.slice(from, found[0]) +
        replacement.replace(/\\&|&|\\\\/g, (each) => (each === "&" ? whole : each[1]!));
      from = found[1];
      at = found[1] > found[0] ? found[1] : found[1] + 1;
      if (!isGlobal) break;
      if (result.length > LONGEST) throw new AwkError("out of memory");
    }
    if (count > 0) this.#set(target, result + all.slice(from));
    return count;
  }
}

const numeric = /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/;

const text = (value: Value): string => {
  if (value instanceof Outside) return value.text;
  if (typeof value === "string") return value;
  if (Number.isInteger(value)) return Math.abs(value) < 1e16 ? String(value) : value.toFixed(0);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  return formatted("%.6g", [String(value)], 0).text;
};

const number = (value: Value): number => {
  if (typeof value === "number") return value;
  const all = value instanceof Outside ? value.text : value;
  return Number(/^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/.exec(all)?.[0] ?? 0);
};

const isNumber = (value: Value): boolean =>
  typeof value === "number" || (value instanceof Outside && numeric.test(value.text));

const isTrue = (value: Value): boolean =>
  isNumber(value) ? number(value) !== 0 : text(value) !== "";

/** As numbers where both are, or nothing is said; else as texts. */
function compared(x: Value, y: Value): number {
  const isUnset = (value: Value): boolean => value instanceof Outside && value.text === "";
  if ((isNumber(x) || isUnset(x)) && (isNumber(y) || isUnset(y)) && (isNumber(x) || isNumber(y)))
    return number(x) - number(y);
  const [a, b] = [text(x), text(y)];
  return a < b ? -1 : a > b ? 1 : 0;
}

function arithmetic(operator: string, x: number, y: number): number {
  if ((operator === "/" || operator === "%") && y === 0)
    throw new AwkError(`division by zero${operator === "%" ? " in %" : ""}`);
  switch (operator) {
    case "+":
      return x + y;
    case "-":
      return x - y;
    case "*":
      return x * y;
    case "/":
      return x / y;
    case "%":
      return x % y;
    default:
      return x ** y;
  }
}

const unescape = (given: string): string =>
  given.replace(/\\([nt\\"])/g, (_all, letter: string) => ({ n: "\n", t: "\t" })[letter] ?? letter);

export const awks: Readonly<Record<string, Command>> = { awk, gawk: awk, mawk: awk };
