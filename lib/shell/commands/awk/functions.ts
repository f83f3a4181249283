/** The functions of awk. (awk.1p: Functions) */
import { formatted } from "../../bash/printf.js";
import type { Place } from "../../place.js";
import type { Compiled } from "../../regexp.js";
import { MOST_ELEMENTS, type Memory } from "./memory.js";
import { AwkError, type Expression } from "./syntax.js";
import { number, Outside, text, type Value } from "./values.js";

/** So long may a text be. */
export const LONGEST = 1_000_000;

/** What functions ask of whoever evaluates their arguments. */
export interface Evaluation {
  place: Place;
  memory: Memory;
  value(expression: Expression): Value;
  set(to: Expression, value: Value): Value;
  /** Of `/…/`, or of an expression's text. */
  patternOf(expression: Expression): Compiled;
}

/** Throws AwkError. */
export function call(on: Evaluation, name: string, args: readonly Expression[]): Value {
  const value = (i: number): Value => (args[i] ? on.value(args[i]) : new Outside(""));
  const string = (i: number): string => text(value(i));
  const amount = (i: number): number => number(value(i));
  switch (name) {
    case "length": {
      const [only] = args;
      if (only?.kind === "variable" && on.memory.hasArray(only.name))
        return on.memory.array(only.name).size;
      return only ? string(0).length : on.memory.line.length;
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
        ? on.memory.text("FS")
        : separator.kind === "regexp"
          ? separator.source
          : string(2);
      const parts = on.memory.split(string(0), by);
      const elements = on.memory.array(array.name);
      elements.clear();
      parts
        .slice(0, MOST_ELEMENTS)
        .forEach((part, i) => elements.set(String(i + 1), new Outside(part)));
      return parts.length;
    }
    case "sub":
    case "gsub":
      return substitute(on, name === "gsub", args);
    case "match": {
      const found = on.patternOf(args[1]!).match(string(0), 0)?.groups[0];
      on.memory.setVariable("RSTART", found ? found[0] + 1 : 0);
      on.memory.setVariable("RLENGTH", found ? found[1] - found[0] : -1);
      return found ? found[0] + 1 : 0;
    }
    case "sprintf":
      return format(
        on,
        args.map((each) => on.value(each)),
      );
    case "tolower":
      return string(0).toLowerCase();
    case "toupper":
      return string(0).toUpperCase();
    case "int":
      return Math.trunc(amount(0));
    case "atan2":
      return Math.atan2(amount(0), amount(1));
    case "rand":
      return on.place.random();
    case "srand":
    case "close":
    case "fflush":
      return 0;
    case "systime":
      return Math.floor(on.place.acts.clock.now() / 1_000);
    default:
      return Math[name as "sqrt" | "exp" | "log" | "sin" | "cos"](amount(0));
  }
}

function substitute(
  on: Evaluation,
  isGlobal: boolean,
  [pattern, by, to]: readonly Expression[],
): number {
  if (!pattern || !by) throw new AwkError("sub: a pattern and a replacement are wanted");
  const target = to ?? { kind: "field", of: { kind: "number", value: 0 } };
  const all = text(on.value(target));
  const compiled = on.patternOf(pattern);
  const replacement = text(on.value(by));
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
  if (count > 0) on.set(target, result + all.slice(from));
  return count;
}

/** `printf` and `sprintf`. */
export function format(on: Evaluation, [format = "", ...values]: readonly Value[]): string {
  let i = 0;
  const given = [...text(format).matchAll(/%[-+ 0#]*(\*|\d+)?(?:\.(\*|\d*))?([a-zA-Z%])/g)].flatMap(
    ([, width, precision, letter]) => {
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
    },
  );
  // once: the format is not used again for what is left
  const escaped = text(format).replaceAll("\\", "\\\\");
  return formatted(escaped, given, on.place.acts.clock.now()).text;
}
