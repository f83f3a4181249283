/** cut, paste, tr and base64: parts of lines, and characters. (coreutils) */
import type { Act } from "../../machinery/act.js";
import type { Context } from "../place.js";
import { complain, contentOf, eachInput, eachLine, optionsOf, refuse, Writer } from "./common.js";

export function* cut(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "d:f:c:b:sn",
    long: {
      delimiter: "d:",
      fields: "f:",
      characters: "c:",
      bytes: "b:",
      "only-delimited": "s",
      "output-delimiter": "o:",
      complement: "C",
    },
  });
  const list = flags.get("f") ?? flags.get("c") ?? flags.get("b");
  if (list === undefined)
    return yield* refuse(
      context,
      1,
      "you must specify a list of bytes, characters, or fields\nTry 'cut --help' for more information.",
    );
  const isIn = yield* rangeOf(context, list);
  const wanted = (n: number): boolean => isIn(n) !== flags.has("C");
  const delimiter = flags.get("d") ?? "\t";
  const joiner = flags.get("o") ?? (flags.has("f") ? delimiter : "");
  const writer = new Writer(context);
  const status = yield* eachLine(context, words, function* (line) {
    if (!flags.has("f")) {
      const chars = [...line].filter((_, i) => wanted(i + 1));
      return yield* writer.write(`${chars.join(joiner)}\n`);
    }
    if (!line.includes(delimiter)) {
      if (!flags.has("s")) yield* writer.write(`${line}\n`);
      return;
    }
    const fields = line.split(delimiter).filter((_, i) => wanted(i + 1));
    yield* writer.write(`${fields.join(joiner)}\n`);
  });
  yield* writer.flush();
  return status;
}

/** "1,3-5,7-": which numbers are in. */
function* rangeOf(context: Context, list: string): Act<(n: number) => boolean> {
  const ranges: [number, number][] = [];
  for (const part of list.split(",")) {
    const [, first = "", dash = "", last = ""] = /^(\d*)(-?)(\d*)$/.exec(part) ?? [];
    if (first === "" && last === "")
      return yield* refuse(
        context,
        1,
        `invalid byte, character or field list\nTry 'cut --help' for more information.`,
      );
    ranges.push([
      first === "" ? 1 : Number(first),
      dash === "" ? Number(first) : last === "" ? Infinity : Number(last),
    ]);
  }
  return (n) => ranges.some(([low, high]) => n >= low && n <= high);
}

export function* paste(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, { letters: "d:s", long: { serial: "s" } });
  const delimiter = flags.get("d") ?? "\t";
  const files: string[][] = [];
  for (const word of words.length > 0 ? words : ["-"])
    files.push((yield* contentOf(context, word)).replace(/\n$/, "").split("\n"));
  if (flags.has("s")) {
    for (const lines of files) yield* context.out(`${lines.join(delimiter)}\n`);
    return 0;
  }
  const most = Math.max(...files.map((lines) => lines.length));
  for (let i = 0; i < most; i++)
    yield* context.out(`${files.map((lines) => lines[i] ?? "").join(delimiter)}\n`);
  return 0;
}

export function* tr(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "dscCt",
    long: { delete: "d", "squeeze-repeats": "s", complement: "c" },
  });
  const [first, second] = words;
  if (first === undefined || (second === undefined && !flags.has("d") && !flags.has("s")))
    return yield* refuse(context, 1, "missing operand");
  const from = setOf(first);
  const to = second === undefined ? "" : setOf(second);
  const isNegated = flags.has("c") || flags.has("C");
  const isIn = (char: string): boolean => from.includes(char) !== isNegated;
  const change = (char: string): string => {
    if (!isIn(char) || to === "") return char;
    if (isNegated) return to.at(-1)!;
    return to[from.indexOf(char)] ?? to.at(-1)!;
  };
  const squeezed = flags.has("s")
    ? second === undefined
      ? isIn
      : (c: string) => to.includes(c)
    : () => false;
  let last = "";
  return yield* eachInput(context, [], function* (input) {
    for (let some = yield* input.read(); some !== ""; some = yield* input.read()) {
      yield* context.process.spend(1 + (some.length >> 8));
      let result = "";
      for (const char of some) {
        if (flags.has("d") && isIn(char)) continue;
        const changed = flags.has("d") ? char : change(char);
        if (changed === last && squeezed(changed)) continue;
        result += changed;
        last = changed;
      }
      yield* context.out(result);
    }
  });
}

/** "a-z\n[:upper:]": its characters. */
function setOf(text: string): string {
  const named: Record<string, string> = {
    upper: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    lower: "abcdefghijklmnopqrstuvwxyz",
    digit: "0123456789",
    space: " \t\n\v\f\r",
    blank: " \t",
    punct: "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
  };
  named.alpha = named.upper! + named.lower!;
  named.alnum = named.digit + named.alpha;
  named.xdigit = "0123456789ABCDEFabcdef";
  const all = (low: number, high: number): string =>
    Array.from({ length: high - low + 1 }, (_, i) => String.fromCharCode(low + i)).join("");
  named.print = all(32, 126);
  named.graph = all(33, 126);
  named.cntrl = all(0, 31) + "\x7f";
  return text
    .replace(/\[:(\w+):\]/g, (whole, name: string) => named[name] ?? whole)
    .replace(/\\([0-7]{1,3}|[abfnrtv\\])/g, (_all, code: string) =>
      /\d/.test(code)
        ? String.fromCharCode(parseInt(code, 8))
        : ({ a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" }[code] ?? code),
    )
    .replace(/([^])-([^])/g, (whole, low: string, high: string) =>
      low <= high ? all(low.charCodeAt(0), high.charCodeAt(0)) : whole,
    );
}

export function* base64(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "dw:",
    long: { decode: "d", wrap: "w:" },
  });
  const all = yield* contentOf(context, words[0] ?? "-");
  if (flags.has("d")) {
    try {
      yield* context.out(atob(all.replace(/\s/g, "")));
      return 0;
    } catch {
      yield* complain(context, "invalid input");
      return 1;
    }
  }
  const width = Number(flags.get("w") ?? "76");
  const text = btoa(all);
  const lines = width === 0 ? [text] : (text.match(new RegExp(`.{1,${width}}`, "g")) ?? []);
  yield* context.out(lines.join("\n") + (width === 0 ? "" : "\n"));
  return 0;
}
