/** `printf`. */
import { unescaped } from "./escapes.js";
import { dated } from "../dates.js";

/** The format is used again as long as there are arguments. `now`: for `%(…)T`. */
export function formatted(
  format: string,
  values: readonly string[],
  now: number,
): { text: string; complaints: string[] } {
  const complaints: string[] = [];
  const rest = [...values];
  let text = "";
  do {
    const before = rest.length;
    const [more, stops] = once(format, rest, complaints, now);
    text += more;
    if (stops || (rest.length > 0 && rest.length === before)) break;
  } while (rest.length > 0);
  return { text, complaints };
}

const conversion = /^%([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d*))?(?:\((.*?)\))?([a-zA-Z%])/s;

function once(
  format: string,
  rest: string[],
  complaints: string[],
  now: number,
): [text: string, stops: boolean] {
  let text = "";
  for (let i = 0; i < format.length;) {
    const found = format[i] === "%" ? conversion.exec(format.slice(i)) : null;
    if (found) {
      i += found[0].length;
      if (found[5] === "%") {
        text += "%";
        continue;
      }
      const [more, stops] = converted(found, rest, complaints, now);
      text += more;
      if (stops) return [text, true];
    } else if (format[i] === "%") {
      complaints.push(`\`${format.slice(i, i + 2)}': invalid format character`);
      return [text, true];
    } else {
      let end = i + 1;
      while (end < format.length && format[end] !== "%") end += format[end] === "\\" ? 2 : 1;
      const [more, stops] = unescaped(octal(format.slice(i, end)));
      text += more;
      if (stops) return [text, true];
      i = end;
    }
  }
  return [text, false];
}

/** In a format `\101` is an octal number, as `\0101` is elsewhere. */
const octal = (text: string): string =>
  text.replace(/\\([\\"']|[0-7]{1,3})/g, (all, code: string) =>
    /^[0-7]/.test(code) ? `\\0${code}` : code === "\\" ? all : code,
  );

function converted(
  [, flags = "", width, precision, inner, letter = ""]: RegExpExecArray,
  rest: string[],
  complaints: string[],
  now: number,
): [text: string, stops: boolean] {
  const star = (given: string | undefined): number | undefined =>
    given === undefined ? undefined : given === "*" ? Number(rest.shift() ?? 0) : Number(given);
  const wide = star(width) ?? 0;
  const exact = star(precision);
  const pad = (text: string, zeros = false): string => {
    if (flags.includes("-") || wide < 0) return text.padEnd(Math.abs(wide));
    if (!zeros || !flags.includes("0")) return text.padStart(wide);
    const sign = /^[-+ ]/.exec(text)?.[0] ?? "";
    return sign + text.slice(sign.length).padStart(wide - sign.length, "0");
  };
  if (letter === "T") {
    const given = rest.shift();
    const at = given === undefined || given === "-1" || given === "-2" ? now : 1000 * Number(given);
    return [pad(dated(inner ?? "%X", at)), false];
  }
  const given = rest.shift();
  switch (letter) {
    case "s":
      return [pad((given ?? "").slice(0, exact)), false];
    case "b": {
      const [text, stops] = unescaped(given ?? "");
      return [pad(text.slice(0, exact)), stops];
    }
    case "q":
      return [pad(quotedWord(given ?? "")), false];
    case "c":
      return [pad((given ?? "")[0] ?? ""), false];
    case "d":
    case "i":
    case "u":
    case "x":
    case "X":
    case "o": {
      const value = wholeOf(given, complaints);
      const base = letter === "o" ? 8 : letter.toLowerCase() === "x" ? 16 : 10;
      const unsigned = "di".includes(letter) ? value : BigInt.asUintN(64, value);
      const digits = (unsigned < 0n ? -unsigned : unsigned)
        .toString(base)
        .padStart(exact ?? 0, "0");
      const mark = base === 16 ? `0${letter}` : base === 8 ? "0" : "";
      const prefix = flags.includes("#") && value !== 0n ? mark : "";
      const plus = flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
      const sign = unsigned < 0n ? "-" : "di".includes(letter) ? plus : "";
      const text = `${sign}${prefix}${letter === "X" ? digits.toUpperCase() : digits}`;
      return [pad(text, true), false];
    }
    case "f":
    case "F":
    case "e":
    case "E":
    case "g":
    case "G": {
      const value = realOf(given, complaints);
      const plus = flags.includes("+") && value >= 0 ? "+" : "";
      return [pad(plus + floating(letter, value, exact ?? 6), true), false];
    }
    default:
      complaints.push(`\`${letter}': invalid format character`);
      return ["", true];
  }
}

function wholeOf(given: string | undefined, complaints: string[]): bigint {
  const text = (given ?? "").trim();
  if (text === "") return 0n;
  const coded = /^["'](.)/s.exec(text);
  if (coded) return BigInt(coded[1]!.charCodeAt(0));
  const [, sign, digits] = /^([+-]?)(0x[\da-f]+|\d+)/i.exec(text) ?? [];
  if (digits === undefined || (sign + digits).length < text.length)
    complaints.push(`${given}: invalid number`);
  if (digits === undefined) return 0n;
  const value = /^0[0-7]+$/.test(digits) ? BigInt(`0o${digits.slice(1)}`) : BigInt(digits);
  return sign === "-" ? -value : value;
}

function realOf(given: string | undefined, complaints: string[]): number {
  const text = (given ?? "").trim();
  if (text === "") return 0;
  const value = parseFloat(text);
  if (Number.isNaN(value) || !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text))
    complaints.push(`${given}: invalid number`);
  return Number.isNaN(value) ? 0 : value;
}

/** C's %f, %e and %g. */
export function floating(letter: string, value: number, precision: number): string {
  const exponent = (text: string): string => text.replace(/e([+-])(\d)$/, "e$10$2");
  switch (letter) {
    case "f":
    case "F":
      return value.toFixed(Math.min(precision, 100));
    case "e":
    case "E": {
      const text = exponent(value.toExponential(Math.min(precision, 100)));
      return letter === "E" ? text.toUpperCase() : text;
    }
    default: {
      if (value === 0) return "0";
      const digits = Math.max(1, Math.min(precision, 100));
      const power = Number(value.toExponential(digits - 1).split("e")[1]);
      const text =
        power < -4 || power >= digits
          ? exponent(value.toExponential(digits - 1).replace(/\.?0+(?=e)/, ""))
          : value
              .toFixed(Math.max(0, digits - 1 - power))
              .replace(/(\.\d*?)0+$/, "$1")
              .replace(/\.$/, "");
      return letter === "G" ? text.toUpperCase() : text;
    }
  }
}

const quotedWord = (text: string): string =>
  text === ""
    ? "''"
    : text.replace(/[^\w@%+=:,./-]/g, (char) => (char === "\n" ? "$'\\n'" : `\\${char}`));
