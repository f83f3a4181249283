// What a cell offers to try. A line that gives a name a value says so in a comment of its own. In a
// notebook it reads the same, and the reader changes the line by hand:
//
//     const replicas = 3; // try 1..12
//     const cloud = aws(); // try aws() | gcp()
//
// A page makes a control of each (panel.mjs). Such a cell runs any number of times: it builds what
// it changes, or sets it outright.

/**
 * `from` and `to` are where the value stands in the source. There is a range of whole numbers, or a
 * list of choices as they are written in code.
 * @typedef {{ name: string, value: string, from: number, to: number, range?: { least: number, most:
 *   number }, choices: string[] }} Try
 */

const offer =
  /^(?<before>\s*(?:(?:const|let)\s+)?(?<name>[A-Za-z_$][\w$]*)\s*[=:]\s*)(?<value>.+?)[;,]?\s*\/\/ try (?<what>.+?)\s*$/;

/** @param {string} source @returns {Try[]} */
export function triesIn(source) {
  let start = 0;
  return source.split("\n").flatMap((line) => {
    const from = start;
    start += line.length + 1;
    const { before, name, value, what } = offer.exec(line)?.groups ?? {};
    if (before === undefined || !name || !value || !what) return [];
    const at = from + before.length;
    return { name, value, from: at, to: at + value.length, ...offered(what) };
  });
}

/** @param {string} what @returns {Pick<Try, "range" | "choices">} */
function offered(what) {
  const [, least, most] = /^(-?\d+)\.\.(-?\d+)$/.exec(what) ?? [];
  if (least === undefined || most === undefined) return { choices: what.split(" | ") };
  return { range: { least: Number(least), most: Number(most) }, choices: [] };
}

/** Every value that may be tried, as it is written in code. @param {Try} offer */
export function valuesOf({ range, choices }) {
  if (!range) return choices;
  return Array.from({ length: range.most - range.least + 1 }, (_, n) => String(range.least + n));
}
