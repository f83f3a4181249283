/** wc. (coreutils, wc.c) */
import type { Act } from "../../machinery/act.js";
import type { Context } from "../place.js";
import { eachInput, optionsOf } from "./common.js";

export function* wc(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "lwcmL",
    long: { lines: "l", words: "w", bytes: "c", chars: "m" },
  });
  const rows: { counts: number[]; name: string }[] = [];
  const wantsWords = flags.size === 0 || flags.has("w");
  const status = yield* eachInput(context, words, function* (input, name) {
    let [lines, inWords, bytes] = [0, 0, 0];
    let isInWord = false;
    for (let some = yield* input.read(); some !== ""; some = yield* input.read()) {
      yield* context.process.spend(1 + (some.length >> 9));
      bytes += some.length;
      for (let at = some.indexOf("\n"); at >= 0; at = some.indexOf("\n", at + 1)) lines++;
      if (!wantsWords) continue;
      for (let i = 0; i < some.length; i++) {
        const code = some.charCodeAt(i);
        const isSpace = code === 32 || (code >= 9 && code <= 13);
        if (!isSpace && !isInWord) inWords++;
        isInWord = !isSpace;
      }
    }
    rows.push({ counts: [lines, inWords, bytes], name });
  });
  const shows = (row: number[]): number[] => {
    const wanted = ["l", "w", "c"].map(
      (letter) => flags.has(letter) || (letter === "c" && flags.has("m")),
    );
    return wanted.some(Boolean) ? row.filter((_, i) => wanted[i]) : row;
  };
  if (rows.length > 1) {
    const total = [0, 1, 2].map((i) => rows.reduce((sum, { counts }) => sum + counts[i]!, 0));
    rows.push({ counts: total, name: "total" });
  }
  const many = shows([0, 0, 0]).length > 1 || rows.length > 1;
  const isInput = words.length === 0;
  const widest = String(Math.max(0, ...rows.flatMap(({ counts }) => counts))).length;
  const width = !many ? 1 : isInput || words.includes("-") ? 7 : widest;
  for (const { counts, name } of rows) {
    const text = shows(counts)
      .map((count) => String(count).padStart(width))
      .join(" ");
    yield* context.out(isInput ? `${text}\n` : `${text} ${name}\n`);
  }
  return status;
}
