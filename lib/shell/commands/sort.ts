/** sort and uniq. (coreutils, sort.c) */
import type { Act } from "../../machinery/act.js";
import type { Context } from "../place.js";
import { eachLine, optionsOf, Writer } from "./common.js";

export function* sort(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "nrufbcghVst:k:o:d",
    long: { reverse: "r", unique: "u", "numeric-sort": "n", "human-numeric-sort": "h", key: "k:" },
  });
  const all: string[] = [];
  const status = yield* eachLine(context, words, function* (line) {
    all.push(line);
  });
  const key = keyOf(flags.get("k"), flags.get("t"));
  const isNumeric = flags.has("n") || flags.has("g") || flags.has("h") || key.isNumeric;
  const compare = (a: string, b: string): number => {
    const [x, y] = [key.of(a), key.of(b)];
    if (isNumeric) return numeric(x) - numeric(y);
    if (flags.has("V")) return version(x, y);
    const [p, q] = flags.has("f") ? [x.toUpperCase(), y.toUpperCase()] : [x, y];
    return p < q ? -1 : p > q ? 1 : 0;
  };
  const turn = flags.has("r") || key.isReversed ? -1 : 1;
  yield* context.process.spend(1 + all.length);
  const sorted = all.sort(
    (a, b) =>
      turn * (compare(a, b) || (flags.has("u") || flags.has("s") ? 0 : a < b ? -1 : a > b ? 1 : 0)),
  );
  const shown = flags.has("u")
    ? sorted.filter((line, i) => i === 0 || compare(sorted[i - 1]!, line) !== 0)
    : sorted;
  const text = shown.map((line) => `${line}\n`).join("");
  const out = flags.get("o");
  if (out === undefined) yield* context.out(text);
  else context.place.files.write(context.path(out), text);
  return status;
}

const numeric = (text: string): number => {
  const found = /^\s*(-?\d*\.?\d+)([KMGTP]?)/.exec(text);
  return found ? Number(found[1]) * unit(found[2]!) : 0;
};

export const unit = (letter: string): number =>
  letter === "" ? 1 : 1024 ** (1 + "KMGTP".indexOf(letter));

function version(a: string, b: string): number {
  const parts = (text: string): string[] => text.match(/\d+|\D+/g) ?? [];
  const [x, y] = [parts(a), parts(b)];
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const [p, q] = [x[i] ?? "", y[i] ?? ""];
    if (p === q) continue;
    if (/^\d/.test(p) && /^\d/.test(q) && Number(p) !== Number(q)) return Number(p) - Number(q);
    return p < q ? -1 : 1;
  }
  return 0;
}

/** `-k 2,2n` with `-t :`. */
function keyOf(key: string | undefined, separator: string | undefined) {
  const found = /^(\d+)(?:\.\d+)?([a-zA-Z]*)(?:,(\d+)(?:\.\d+)?([a-zA-Z]*))?$/.exec(key ?? "");
  if (!found) return { of: (line: string) => line, isNumeric: false, isReversed: false };
  const [, first, flags = "", last, more = ""] = found;
  const fields = (line: string): string[] =>
    separator === undefined ? (line.match(/\s*\S+/g) ?? []) : line.split(separator);
  return {
    of: (line: string) =>
      fields(line)
        .slice(Number(first) - 1, last === undefined ? undefined : Number(last))
        .join(separator ?? ""),
    isNumeric: /[ngh]/.test(flags + more),
    isReversed: /r/.test(flags + more),
  };
}

export function* uniq(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "cduif:s:w:",
    long: { count: "c", repeated: "d", unique: "u", "ignore-case": "i" },
  });
  const writer = new Writer(context);
  const skipped = Number(flags.get("f") ?? 0);
  const keyed = (line: string): string => {
    const key = skipped > 0 ? line.replace(new RegExp(`^(?:\\s*\\S+){0,${skipped}}`), "") : line;
    return flags.has("i") ? key.toLowerCase() : key;
  };
  let last: string | undefined;
  let count = 0;
  const say = function* (): Act<void> {
    if (last === undefined || (flags.has("d") && count < 2) || (flags.has("u") && count > 1))
      return;
    yield* writer.write(`${flags.has("c") ? `${String(count).padStart(7)} ` : ""}${last}\n`);
  };
  const status = yield* eachLine(context, words.slice(0, 1), function* (line) {
    if (last !== undefined && keyed(line) === keyed(last)) return void count++;
    yield* say();
    last = line;
    count = 1;
  });
  yield* say();
  yield* writer.flush();
  return status;
}
