import type { Cursor } from "./tokens.js";

const milliseconds = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

/** "3h", "1d2h3m4s5ms", or seconds: as milliseconds. */
export function parseTime(cursor: Cursor): number {
  const word = cursor.peek().text;
  const time = readTime(word);
  if (time === undefined) return cursor.fail("a time such as 3h or 90s");
  cursor.next();
  return time;
}

export function readTime(word: string): number | undefined {
  if (/^\d{1,9}$/.test(word)) return Number(word) * 1000;
  if (!/^(?:\d{1,9}(?:ms|[dhms]))+$/.test(word)) return undefined;
  let time = 0;
  for (const [, count, unit] of word.matchAll(/(\d+)(ms|[dhms])/g))
    time += Number(count) * milliseconds[unit as keyof typeof milliseconds];
  return time;
}
