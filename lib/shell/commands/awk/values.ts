/** What awk calculates with: numbers, texts, and texts that may be numbers. (awk.1p) */
import { formatted } from "../../bash/printf.js";
import { AwkError } from "./syntax.js";

/** A text that came from outside and looks like a number is one, too. */
export class Outside {
  constructor(readonly text: string) {}
}
export type Value = number | string | Outside;

const numeric = /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/;

export const text = (value: Value): string => {
  if (value instanceof Outside) return value.text;
  if (typeof value === "string") return value;
  if (Number.isInteger(value)) return Math.abs(value) < 1e16 ? String(value) : value.toFixed(0);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  return formatted("%.6g", [String(value)], 0).text;
};

export const number = (value: Value): number => {
  if (typeof value === "number") return value;
  const all = value instanceof Outside ? value.text : value;
  return Number(/^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/.exec(all)?.[0] ?? 0);
};

const isNumber = (value: Value): boolean =>
  typeof value === "number" || (value instanceof Outside && numeric.test(value.text));

export const isTrue = (value: Value): boolean =>
  isNumber(value) ? number(value) !== 0 : text(value) !== "";

/** As numbers where both are, or nothing is said; else as texts. */
export function compared(x: Value, y: Value): number {
  const isUnset = (value: Value): boolean => value instanceof Outside && value.text === "";
  if ((isNumber(x) || isUnset(x)) && (isNumber(y) || isUnset(y)) && (isNumber(x) || isNumber(y)))
    return number(x) - number(y);
  const [a, b] = [text(x), text(y)];
  return a < b ? -1 : a > b ? 1 : 0;
}

export function arithmetic(operator: string, x: number, y: number): number {
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
