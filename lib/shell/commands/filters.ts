/** grep. */
import type { Act } from "../../machinery/act.js";
import type { Command, Context } from "../place.js";
import { compile, type Compiled } from "../regexp.js";
import { RegExpError } from "../regexp-syntax.js";
import { eachInput, Lines, optionsOf, refuse, Writer } from "./common.js";

/** The expression compiled; ends the command where it is none. */
export function* expression(
  context: Context,
  source: string,
  options: { isExtended: boolean; ignoresCase?: boolean },
  status = 2,
): Act<Compiled> {
  try {
    return compile(source, options);
  } catch (error) {
    if (!(error instanceof RegExpError)) throw error;
    return yield* refuse(context, status, error.message);
  }
}

function* grep(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(
    context,
    {
      letters: "EFGPivcnlLqsohHwxrRe:f:m:A:B:C:a",
      long: {
        "extended-regexp": "E",
        "fixed-strings": "F",
        "ignore-case": "i",
        "invert-match": "v",
        count: "c",
        "line-number": "n",
        quiet: "q",
        "only-matching": "o",
        "max-count": "m:",
        color: "colour",
        "line-buffered": "buffered",
        text: "a",
      },
    },
    2,
  );
  const rest = [...words];
  const source = flags.get("e") ?? rest.shift();
  if (source === undefined)
    return yield* refuse(context, 2, "Usage: grep [OPTION]... PATTERNS [FILE]...");
  const test = yield* testOf(context, source, flags);
  const most = Number(flags.get("m") ?? Infinity);
  const isNamed = (rest.length > 1 || flags.has("H")) && !flags.has("h");
  const after = Number(flags.get("A") ?? flags.get("C") ?? 0);
  const before = Number(flags.get("B") ?? flags.get("C") ?? 0);
  const writer = new Writer(context);
  let isFound = false;
  let isAnyShown = false;
  const status = yield* eachInput(context, rest, function* (input, file) {
    const name = file === "-" ? "(standard input)" : file;
    const lines = new Lines(context, input);
    const earlier: [number, string][] = [];
    let [count, number, following, lastShown] = [0, 0, 0, 0];
    const show = function* (line: string, at: number, sign: string): Act<void> {
      if ((before > 0 || after > 0) && isAnyShown && at !== lastShown + 1)
        yield* writer.write("--\n");
      lastShown = at;
      isAnyShown = true;
      const place = `${isNamed ? `${name}${sign}` : ""}${flags.has("n") ? `${at}${sign}` : ""}`;
      yield* writer.write(`${place}${line}\n`);
    };
    for (;;) {
      const line = yield* lines.next();
      if (line === undefined || count >= most) break;
      number++;
      yield* context.process.spend(line.length >> 6);
      const found = test(line);
      if (found.length > 0 === flags.has("v")) {
        if (following-- > 0) yield* show(line, number, "-");
        else if (before > 0) {
          earlier.push([number, line]);
          if (earlier.length > before) earlier.shift();
        }
        continue;
      }
      count++;
      isFound = true;
      if (flags.has("q")) return;
      if (flags.has("c") || flags.has("l") || flags.has("L")) continue;
      for (const [at, each] of earlier.splice(0)) yield* show(each, at, "-");
      following = after;
      if (!flags.has("o")) yield* show(line, number, ":");
      else if (!flags.has("v"))
        for (const [from, to] of found) yield* show(line.slice(from, to), number, ":");
    }
    if (flags.has("l") || flags.has("L")) {
      if (count > 0 === flags.has("l")) yield* writer.write(`${name}\n`);
    } else if (flags.has("c")) yield* writer.write(`${isNamed ? `${name}:` : ""}${count}\n`);
  });
  yield* writer.flush();
  if (isFound && flags.has("q")) return 0;
  return status !== 0 ? 2 : isFound ? 0 : 1;
}

/** All matches in a line: from, to. */
function* testOf(
  context: Context,
  source: string,
  flags: ReadonlyMap<string, string>,
): Act<(line: string) => [number, number][]> {
  const isExtended = flags.has("E") || flags.has("P") || context.name === "egrep";
  const isFixed = flags.has("F") || context.name === "fgrep";
  const ignoresCase = flags.has("i");
  const all: Compiled[] = [];
  for (const each of source.split("\n")) {
    const plain = isFixed ? each.replace(/[.[\]*^$\\]/g, "\\$&") : each;
    const whole = flags.has("x")
      ? isExtended && !isFixed
        ? `^(${plain})$`
        : `^\\(${plain}\\)$`
      : plain;
    all.push(
      yield* expression(context, whole, { isExtended: isExtended && !isFixed, ignoresCase }),
    );
  }
  const isWord = (char: string | undefined): boolean => char !== undefined && /\w/.test(char);
  return (line) => {
    const found: [number, number][] = [];
    for (let at = 0; at <= line.length;) {
      const matches = all.flatMap<number>((one) => one.match(line, at)?.groups[0] ?? []);
      if (matches.length === 0) break;
      let [from, to] = [matches[0]!, matches[1]!];
      for (let i = 2; i < matches.length; i += 2)
        if (matches[i]! < from) [from, to] = [matches[i]!, matches[i + 1]!];
      const isWhole = !flags.has("w") || (!isWord(line[from - 1]) && !isWord(line[to]));
      if (isWhole) found.push([from, to]);
      if (!flags.has("o") && isWhole) break;
      at = Math.max(to, from + 1);
    }
    return found;
  };
}

export const filters: Readonly<Record<string, Command>> = { grep, egrep: grep, fgrep: grep };
