/** `$((…))`: whole numbers of 64 bits. (bash, expr.c) */
import type {
  ArithmeticBinary,
  ArithmeticExpression,
  ArithmeticUnary,
  ArithmeticWord,
} from "unbash";
import { parse } from "unbash";
import type { Act } from "../../machinery/act.js";
import { ShellError, type Variables } from "./variables.js";

/** What an expression asks of the shell around it. */
export interface Surroundings {
  variables: Variables;
  /** The text of a word with its expansions made. */
  expand(word: ArithmeticWord): Act<string>;
  /** What a command between brackets prints. */
  command(script: unknown): Act<string>;
}

const whole = (value: bigint): bigint => BigInt.asIntN(64, value);
const truth = (value: boolean): bigint => (value ? 1n : 0n);

export function* evaluate(
  around: Surroundings,
  expression: ArithmeticExpression | undefined,
  depth = 0,
): Act<bigint> {
  if (!expression) return 0n;
  if (depth > 200) throw new ShellError("expression recursion level exceeded");
  switch (expression.type) {
    case "ArithmeticGroup":
      return yield* evaluate(around, expression.expression, depth + 1);
    case "ArithmeticTernary": {
      const test = yield* evaluate(around, expression.test, depth + 1);
      const chosen = test !== 0n ? expression.consequent : expression.alternate;
      return yield* evaluate(around, chosen, depth + 1);
    }
    case "ArithmeticUnary":
      return yield* unary(around, expression, depth);
    case "ArithmeticBinary":
      return yield* binary(around, expression, depth);
    case "ArithmeticWord":
      return yield* valueOf(around, yield* around.expand(expression), depth);
    case "ArithmeticCommandExpansion":
      return yield* valueOf(around, (yield* around.command(expression.script)).trim(), depth);
  }
}

/** A number, a variable's name, or an expression that an expansion left. */
export function* valueOf(around: Surroundings, source: string, depth = 0): Act<bigint> {
  const text = source.trim();
  if (text === "") return 0n;
  if (/^\d/.test(text) && /^[\w@#]+$/.test(text)) return numberOf(text);
  if (/^[A-Za-z_]\w*$/.test(text)) {
    if (depth > 200) throw new ShellError("expression recursion level exceeded");
    return yield* valueOf(around, around.variables.get(text) ?? "", depth + 1);
  }
  const element = /^([A-Za-z_]\w*)\[(.*)\]$/s.exec(text);
  if (element) {
    const key = yield* keyOf(around, element[1]!, element[2]!, depth);
    const value = around.variables.elements(element[1]!).find(([each]) => each === key)?.[1];
    return yield* valueOf(around, value ?? "", depth + 1);
  }
  return yield* evaluate(around, expressionOf(text), depth + 1);
}

/** Of an expression's text. Throws ShellError where it is none. */
export function expressionOf(text: string): ArithmeticExpression | undefined {
  const { commands, errors } = parse(`((${text}\n))`);
  const command = commands[0]?.command;
  if (
    errors ||
    command?.type !== "ArithmeticCommand" ||
    (!command.expression && text.trim() !== "")
  )
    throw new ShellError(
      `${text}: syntax error: operand expected (error token is "${text.trim()}")`,
    );
  return command.expression;
}

/** An element's key: a number, unless the array's keys are names. */
export function* keyOf(around: Surroundings, name: string, text: string, depth = 0): Act<string> {
  if (around.variables.find(name)?.isNamed) return text.replace(/^(["'])(.*)\1$/s, "$2");
  const number = yield* valueOf(around, text, depth + 1);
  if (number >= 0n) return String(number);
  const last = around.variables.elements(name).at(-1)?.[0] ?? "-1";
  return String(BigInt(last) + 1n + number);
}

function numberOf(text: string): bigint {
  const based = /^(\d+)#([\da-z@_]+)$/i.exec(text);
  const [base, digits] = based
    ? [Number(based[1]), based[2]!]
    : /^0x/i.test(text)
      ? [16, text.slice(2)]
      : /^0\d/.test(text)
        ? [8, text.slice(1)]
        : [10, text];
  if (base < 2 || base > 64)
    throw new ShellError(`${text}: invalid arithmetic base (error token is "${text}")`);
  let value = 0n;
  for (const digit of digits) {
    const lower = "0123456789abcdefghijklmnopqrstuvwxyz";
    const alphabet = base <= 36 ? lower : `${lower}ABCDEFGHIJKLMNOPQRSTUVWXYZ@_`;
    const worth = alphabet.indexOf(base <= 36 ? digit.toLowerCase() : digit);
    if (worth < 0 || worth >= base)
      throw new ShellError(`${text}: value too great for base (error token is "${text}")`);
    value = value * BigInt(base) + BigInt(worth);
  }
  return whole(value);
}

/** What can be assigned to: `x`, `a[1]`. */
function* assign(
  around: Surroundings,
  target: ArithmeticExpression,
  value: bigint,
  depth: number,
): Act<bigint> {
  const text = target.type === "ArithmeticWord" ? target.value.trim() : "";
  const element = /^([A-Za-z_]\w*)\[(.*)\]$/s.exec(text);
  if (element) {
    const key = yield* keyOf(around, element[1]!, element[2]!, depth);
    around.variables.setElement(element[1]!, key, String(value));
  } else if (/^[A-Za-z_]\w*$/.test(text)) around.variables.set(text, String(value));
  else throw new ShellError("attempted assignment to non-variable");
  return value;
}

function* unary(
  around: Surroundings,
  { operator, operand, prefix }: ArithmeticUnary,
  depth: number,
): Act<bigint> {
  const value = yield* evaluate(around, operand, depth + 1);
  switch (operator) {
    case "++":
    case "--": {
      const next = whole(operator === "++" ? value + 1n : value - 1n);
      yield* assign(around, operand, next, depth);
      return prefix ? next : value;
    }
    case "-":
      return whole(-value);
    case "!":
      return truth(value === 0n);
    case "~":
      return ~value;
    default:
      return value;
  }
}

function* binary(
  around: Surroundings,
  { operator, left, right }: ArithmeticBinary,
  depth: number,
): Act<bigint> {
  const next = depth + 1;
  if (operator === "=")
    return yield* assign(around, left, yield* evaluate(around, right, next), depth);
  const x = yield* evaluate(around, left, next);
  if (operator === "&&" && x === 0n) return 0n;
  if (operator === "||" && x !== 0n) return 1n;
  const y = yield* evaluate(around, right, next);
  if (operator === "&&" || operator === "||") return truth(y !== 0n);
  const isAssignment = /^(\*|\/|%|\+|-|<<|>>|&|\^|\|)=$/.test(operator);
  if (!isAssignment) return calculate(operator, x, y);
  return yield* assign(around, left, calculate(operator.slice(0, -1), x, y), depth);
}

function calculate(operator: string, x: bigint, y: bigint): bigint {
  switch (operator) {
    case "+":
      return whole(x + y);
    case "-":
      return whole(x - y);
    case "*":
      return whole(x * y);
    case "/":
    case "%":
      if (y === 0n) throw new ShellError('division by 0 (error token is "0")');
      return whole(operator === "/" ? x / y : x % y);
    case "**":
      if (y < 0n) throw new ShellError("exponent less than 0");
      return power(x, y);
    case "<<":
      return whole(x << (y & 63n));
    case ">>":
      return x >> (y & 63n);
    case "&":
      return x & y;
    case "|":
      return x | y;
    case "^":
      return x ^ y;
    case "<":
      return truth(x < y);
    case ">":
      return truth(x > y);
    case "<=":
      return truth(x <= y);
    case ">=":
      return truth(x >= y);
    case "==":
      return truth(x === y);
    case "!=":
      return truth(x !== y);
    case ",":
      return y;
    default:
      throw new ShellError(`syntax error: invalid arithmetic operator "${operator}"`);
  }
}

/** By squaring, in 64 bits. */
function power(base: bigint, exponent: bigint): bigint {
  let [result, square, rest] = [1n, base, exponent];
  for (; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = whole(result * square);
    square = whole(square * square);
  }
  return result;
}
