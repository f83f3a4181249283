/** What an awk program holds: its variables and arrays, the line that was read and its fields. */
import { compile, type Compiled } from "../../regexp.js";
import { AwkError } from "./syntax.js";
import { number, Outside, text, type Value } from "./values.js";

export const MOST_ELEMENTS = 100_000;

export class Memory {
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
  #line = "";
  #fields: Value[] | undefined;

  constructor(environment: Readonly<Record<string, string>>) {
    const variables = new Map<string, Value>();
    for (const [key, value] of Object.entries(environment)) variables.set(key, new Outside(value));
    this.#arrays.set("ENVIRON", variables);
  }

  // ---- variables

  /** From the command line. */
  assign(name: string, value: string): void {
    this.#variables.set(name, new Outside(unescape(value)));
  }

  /** `name=value`; false: it is none. */
  assignWord(word: string): boolean {
    const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(word) ?? [];
    if (name !== undefined) this.assign(name, value!);
    return name !== undefined;
  }

  variable(name: string): Value {
    return name === "NF" ? this.fields.length : (this.#variables.get(name) ?? new Outside(""));
  }

  /** A variable's text. */
  text(name: string): string {
    return text(this.#variables.get(name) ?? "");
  }

  count(name: string): void {
    this.#variables.set(name, number(this.#variables.get(name) ?? 0) + 1);
  }

  /** `NF = value`, `name = value`. */
  setVariable(name: string, value: Value): void {
    if (name !== "NF") return void this.#variables.set(name, value);
    this.fields.length = Math.min(1_000, Math.max(0, number(value)));
    for (let i = 0; i < this.fields.length; i++) this.fields[i] ??= "";
    this.#joinFields();
  }

  // ---- arrays

  hasArray(name: string): boolean {
    return this.#arrays.has(name);
  }

  array(name: string): Map<string, Value> {
    const array = this.#arrays.get(name) ?? new Map<string, Value>();
    this.#arrays.set(name, array);
    return array;
  }

  /** `name[key] = value`. Throws AwkError. */
  setElement(name: string, key: string, value: Value): void {
    const array = this.array(name);
    if (array.size >= MOST_ELEMENTS) throw new AwkError("out of memory");
    array.set(key, value);
  }

  // ---- the line

  get line(): string {
    return this.#line;
  }

  /** A line has come. */
  read(line: string): void {
    this.#line = line;
    this.#fields = undefined;
  }

  pattern(source: string): Compiled {
    const known = this.#patterns.get(source) ?? compile(source, { isExtended: true });
    if (this.#patterns.size < 1_000) this.#patterns.set(source, known);
    return known;
  }

  get fields(): Value[] {
    return (this.#fields ??= this.split(this.#line, this.text("FS")).map(
      (each) => new Outside(each),
    ));
  }

  split(line: string, separator: string): string[] {
    if (line === "") return [];
    if (separator === " ")
      return line
        .trim()
        .split(/[ \t\n]+/)
        .filter((each) => each !== "");
    if (separator === "") return [...line];
    if (separator.length === 1 && separator !== "\\") return line.split(separator);
    const pattern = this.pattern(separator);
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

  field(index: number): Value {
    if (!(index >= 0)) throw new AwkError(`trying to access out of range field ${index}`);
    return index === 0 ? new Outside(this.#line) : (this.fields[index - 1] ?? new Outside(""));
  }

  /** `$index = value`. Throws AwkError. */
  setField(index: number, value: Value): void {
    if (!(index >= 0) || index > 1_000)
      throw new AwkError(`trying to access out of range field ${index}`);
    if (index === 0) return this.read(text(value));
    while (this.fields.length < index) this.fields.push("");
    this.fields[index - 1] = value;
    this.#joinFields();
  }

  #joinFields(): void {
    this.#line = this.fields.map(text).join(this.text("OFS"));
  }
}

const unescape = (given: string): string =>
  given.replace(/\\([nt\\"])/g, (_all, letter: string) => ({ n: "\n", t: "\t" })[letter] ?? letter);
