/** `read` and `mapfile`. (bash, builtins/read.def, mapfile.def) */
import { type Act, within } from "../../machinery/act.js";
import { say } from "./builtin.js";
import type { Shell } from "./shell.js";

export function* read(shell: Shell, args: readonly string[]): Act<number> {
  const names: string[] = [];
  let [raw, delimiter, prompt] = [false, "\n", ""];
  let seconds: number | undefined;
  let count: number | undefined;
  let array: string | undefined;
  let fd = 0;
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (!/^-[adeinNprstu]/.test(word)) names.push(word);
    else
      for (let at = 1; at < word.length; at++) {
        const letter = word[at]!;
        if (letter === "r") raw = true;
        if (!"adinNptu".includes(letter)) continue;
        const value = word.slice(at + 1) || (args[++i] ?? "");
        if (letter === "d") delimiter = value[0] ?? "\0";
        if (letter === "p") prompt = value;
        if (letter === "t") seconds = Number(value);
        if (letter === "n" || letter === "N") count = Number(value);
        if (letter === "a") array = value;
        if (letter === "u") fd = Number(value);
        break;
      }
  }
  const input = shell.process.fds.get(fd);
  if (!input)
    return yield* say(shell, "read", `${fd}: invalid file descriptor: Bad file descriptor`);
  if (prompt !== "" && input.isTerminal) yield* shell.write(2, prompt);
  const { line, isWhole, isLate } = yield* readLine(shell, fd, { raw, delimiter, seconds, count });
  if (array !== undefined) {
    const words = fields(line, shell.separators, Infinity);
    shell.variables.setArray(array, new Map(words.map((word, i) => [String(i), word])));
  } else if (names.length === 0) shell.variables.set("REPLY", line.replaceAll(mark, ""));
  else {
    const words = fields(line, shell.separators, names.length);
    for (const [i, name] of names.entries()) shell.variables.set(name, words[i] ?? "");
  }
  if (isLate) return 142; // 128 and SIGALRM
  return isWhole ? 0 : 1;
}

/** `mapfile`: the lines of its input. */
export function* mapfile(shell: Shell, args: readonly string[]): Act<number> {
  const name = args.filter((word) => !word.startsWith("-"))[0] ?? "MAPFILE";
  const lines = new Map<string, string>();
  const trims = args.some((word) => /^-\w*t/.test(word));
  for (;;) {
    const { line, isWhole } = yield* readLine(shell, 0, {
      raw: true,
      delimiter: "\n",
      seconds: undefined,
      count: undefined,
    });
    if (!isWhole && line === "") break;
    lines.set(String(lines.size), trims || !isWhole ? line : `${line}\n`);
    if (!isWhole) break;
  }
  shell.variables.setArray(name, lines);
  return 0;
}

/** Stands before a character that a backslash kept from splitting. */
const mark = "\x01";

function* readLine(
  shell: Shell,
  fd: number,
  options: {
    raw: boolean;
    delimiter: string;
    seconds: number | undefined;
    count: number | undefined;
  },
): Act<{ line: string; isWhole: boolean; isLate: boolean }> {
  const { clock } = shell.place.acts;
  const input = shell.process.fds.get(fd)!;
  const { raw, delimiter, seconds, count } = options;
  const end = seconds === undefined ? undefined : clock.now() + 1000 * seconds;
  let line = "";
  let taken = 0;
  let isEscaped = false;
  for (;;) {
    const reading = input.read(4_096);
    const bytes = yield* end === undefined ? reading : within(clock, end - clock.now(), reading);
    if (bytes === undefined) return { line, isWhole: false, isLate: true };
    if (bytes === "") return { line, isWhole: false, isLate: false };
    yield* shell.process.spend();
    for (let i = 0; i < bytes.length; i++) {
      const char = bytes[i]!;
      const isEnd = char === delimiter && !isEscaped;
      if (isEscaped) {
        if (char !== "\n") line += mark + char;
        isEscaped = false;
      } else if (!raw && char === "\\") isEscaped = true;
      else if (!isEnd) line += char;
      if (!isEnd) taken++;
      if (isEnd || taken === count) {
        input.unread(bytes.slice(i + 1));
        return { line, isWhole: true, isLate: false };
      }
    }
  }
}

/** As `read` splits: the last name gets the rest. */
function fields(line: string, separators: string, most: number): string[] {
  const white = [...separators].filter((char) => " \t\n".includes(char)).join("");
  const isWhite = (char: string | undefined): boolean => char !== undefined && white.includes(char);
  const words: string[] = [];
  let i = 0;
  while (isWhite(line[i])) i++;
  while (i < line.length) {
    if (words.length === most - 1) {
      let end = line.length;
      while (end > i && isWhite(line[end - 1]) && line[end - 2] !== mark) end--;
      words.push(line.slice(i, end).replaceAll(mark, ""));
      break;
    }
    let word = "";
    for (; i < line.length && !separators.includes(line[i]!); i++) {
      if (line[i] === mark) i++;
      word += line[i] ?? "";
    }
    words.push(word);
    while (isWhite(line[i])) i++;
    if (i < line.length && separators.includes(line[i]!) && !isWhite(line[i])) {
      i++;
      while (isWhite(line[i])) i++;
    }
  }
  return words;
}
