/** What `test`, `[ … ]` and `[[ … ]]` ask. (bash, test.c) */
import type { TestExpression } from "unbash";
import type { Act } from "../../machinery/act.js";
import { valueOf } from "./arithmetic.js";
import { absolute } from "../files.js";
import { matches, patternOf } from "./pattern.js";
import { compile } from "../regexp.js";
import { parameterOf } from "./parameters.js";
import type { Shell } from "./shell.js";
import { ShellError } from "./variables.js";
import { aroundOf, patternText, textOf } from "./words.js";

/** Thrown where a test is not one; its status is 2. */
const wrong = (message: string): ShellError => new ShellError(message, 2);

export function unary(shell: Shell, operator: string, operand: string): boolean {
  const path = absolute(operand, shell.process.folder);
  const entry = operand === "" ? undefined : shell.place.files.find(path);
  switch (operator) {
    case "-z":
      return operand === "";
    case "-n":
      return operand !== "";
    case "-e":
    case "-a":
      return entry !== undefined || isDescriptor(shell, operand);
    case "-f":
      return entry?.kind === "file" || entry?.kind === "made";
    case "-d":
      return entry?.kind === "folder";
    case "-c":
      return entry?.kind === "device";
    case "-L":
    case "-h":
      return operand !== "" && shell.place.files.find(path, false)?.kind === "link";
    case "-s":
      return (
        (entry?.kind === "file" && entry.bytes !== "") ||
        (entry?.kind === "made" && entry.make() !== "") ||
        entry?.kind === "folder"
      );
    case "-r":
      return entry !== undefined;
    case "-w":
      return entry !== undefined && entry.kind !== "made";
    case "-x":
      return entry !== undefined && (entry.mode & 0o111) !== 0;
    case "-t":
      return shell.process.fds.get(Number(operand))?.isTerminal ?? false;
    case "-v":
      return parameterOf(shell, operand) !== undefined;
    case "-o":
      return shell.options.has(operand);
    case "-p":
    case "-S":
    case "-b":
    case "-u":
    case "-g":
    case "-k":
      return false;
    case "-O":
    case "-G":
      return entry !== undefined;
    default:
      throw wrong(`${operator}: unary operator expected`);
  }
}

const isDescriptor = (shell: Shell, path: string): boolean => {
  const fd = /^\/dev\/(?:fd\/(\d+)|std(?:in|out|err))$/.exec(path);
  return fd !== null && (fd[1] === undefined || shell.process.fds.has(Number(fd[1])));
};

const unaries = new Set("abcdefghknoprstuvwxzGLOS".split("").map((letter) => `-${letter}`));
const binaries = new Set([..."= == != < > -eq -ne -lt -le -gt -ge -nt -ot -ef".split(" ")]);

function binary(shell: Shell, operator: string, left: string, right: string): boolean {
  switch (operator) {
    case "=":
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    case "<":
      return left < right;
    case ">":
      return left > right;
    case "-nt":
    case "-ot":
    case "-ef":
      return ofFiles(shell, operator, left, right);
    default:
      return compare(operator, whole(left), whole(right));
  }
}

function ofFiles(shell: Shell, operator: string, left: string, right: string): boolean {
  const [a, b] = [left, right].map((path) =>
    shell.place.files.find(absolute(path, shell.process.folder)),
  );
  if (operator === "-ef") return a !== undefined && a === b;
  const [first, second] = operator === "-nt" ? [a, b] : [b, a];
  return first !== undefined && (second === undefined || first.modified > second.modified);
}

function whole(text: string): bigint {
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw wrong(`${text}: integer expression expected`);
  return BigInt(text.trim().replace(/^\+/, ""));
}

function compare(operator: string, x: bigint, y: bigint): boolean {
  switch (operator) {
    case "-eq":
      return x === y;
    case "-ne":
      return x !== y;
    case "-lt":
      return x < y;
    case "-le":
      return x <= y;
    case "-gt":
      return x > y;
    default:
      return x >= y;
  }
}

/** `test`'s arguments: by their number first, as POSIX has it. Throws ShellError of status 2. */
export function test(shell: Shell, args: readonly string[]): boolean {
  const [a = "", b = "", c = "", d = ""] = args;
  switch (args.length) {
    case 0:
      return false;
    case 1:
      return a !== "";
    case 2:
      if (a === "!") return b === "";
      if (unaries.has(a)) return unary(shell, a, b);
      throw wrong(`${a}: unary operator expected`);
    case 3:
      if (binaries.has(b)) return binary(shell, b, a, c);
      if (b === "-a") return a !== "" && c !== "";
      if (b === "-o") return a !== "" || c !== "";
      if (a === "!") return !test(shell, args.slice(1));
      if (a === "(" && c === ")") return b !== "";
      throw wrong(`${b}: binary operator expected`);
    case 4:
      if (a === "!") return !test(shell, args.slice(1));
      if (a === "(" && d === ")") return test(shell, [b, c]);
  }
  const reader = { args, at: 0 };
  const answer = or(shell, reader);
  if (reader.at < args.length) throw wrong("too many arguments");
  return answer;
}

interface Reader {
  args: readonly string[];
  at: number;
}

function or(shell: Shell, reader: Reader): boolean {
  let answer = and(shell, reader);
  while (reader.args[reader.at] === "-o") {
    reader.at++;
    answer = and(shell, reader) || answer;
  }
  return answer;
}

function and(shell: Shell, reader: Reader): boolean {
  let answer = primary(shell, reader);
  while (reader.args[reader.at] === "-a") {
    reader.at++;
    answer = primary(shell, reader) && answer;
  }
  return answer;
}

function primary(shell: Shell, reader: Reader): boolean {
  const { args } = reader;
  const word = args[reader.at];
  if (word === undefined) throw wrong("argument expected");
  if (word === "!") {
    reader.at++;
    return !primary(shell, reader);
  }
  if (word === "(") {
    reader.at++;
    const answer = or(shell, reader);
    if (args[reader.at++] !== ")") throw wrong("`)' expected");
    return answer;
  }
  const operator = args[reader.at + 1];
  if (operator !== undefined && binaries.has(operator) && reader.at + 2 < args.length) {
    reader.at += 3;
    return binary(shell, operator, word, args[reader.at - 1]!);
  }
  if (unaries.has(word) && reader.at + 1 < args.length) {
    reader.at += 2;
    return unary(shell, word, args[reader.at - 1]!);
  }
  reader.at++;
  return word !== "";
}

/** `[[ … ]]`. */
export function* condition(shell: Shell, expression: TestExpression): Act<boolean> {
  switch (expression.type) {
    case "TestGroup":
      return yield* condition(shell, expression.expression);
    case "TestNot": {
      const answer = yield* condition(shell, expression.operand);
      return expression.negations.length % 2 === 1 ? !answer : answer;
    }
    case "TestLogical": {
      const stops = expression.operator === "||";
      for (const operand of expression.operands)
        if ((yield* condition(shell, operand)) === stops) return stops;
      return !stops;
    }
    case "TestUnary":
      return unary(shell, expression.operator, yield* textOf(shell, expression.operand));
    case "TestBinary": {
      const { operator, right } = expression;
      const left = yield* textOf(shell, expression.left);
      if (operator === "=" || operator === "==" || operator === "!=") {
        const isSo = matches(patternOf(yield* patternText(shell, right)), left);
        return isSo === (operator !== "!=");
      }
      if (operator === "=~") return matchesRegExp(shell, left, yield* regExpText(shell, right));
      const other = yield* textOf(shell, right);
      if (/^-(eq|ne|lt|le|gt|ge)$/.test(operator)) {
        const around = aroundOf(shell);
        return compare(operator, yield* valueOf(around, left), yield* valueOf(around, other));
      }
      return binary(shell, operator, left, other);
    }
  }
}

/** What is quoted stands for itself. */
function* regExpText(shell: Shell, word: Parameters<typeof textOf>[1]): Act<string> {
  if (!word?.parts) return word?.text ?? "";
  const texts: string[] = [];
  for (const part of word.parts) {
    const isQuoted = /Quoted$/.test(part.type);
    const text = yield* textOf(shell, {
      ...word,
      text: part.text,
      value: part.text,
      parts: [part],
    });
    texts.push(
      isQuoted
        ? text.replace(/[.[\]{}()*+?^$|\\]/g, "\\$&")
        : part.type === "Literal"
          ? part.text
          : text,
    );
  }
  return texts.join("");
}

function matchesRegExp(shell: Shell, text: string, pattern: string): boolean {
  const found = compile(pattern, { isExtended: true }).match(text);
  const groups = found?.groups.map((range) => (range ? text.slice(...range) : "")) ?? [];
  shell.variables.setArray("BASH_REMATCH", new Map(groups.map((group, i) => [String(i), group])));
  return found !== undefined;
}
