/** `[a-z]`, in patterns and in regular expressions. (regex.7; glob.7) */

const classes: Readonly<Record<string, RegExp>> = {
  alpha: /[a-z]/i,
  digit: /\d/,
  alnum: /[a-z\d]/i,
  upper: /[A-Z]/,
  lower: /[a-z]/,
  space: /[ \t\n\v\f\r]/,
  blank: /[ \t]/,
  punct: /[!-/:-@[-`{-~]/,
  xdigit: /[\da-f]/i,
  print: /[ -~]/,
  graph: /[!-~]/,
  cntrl: /[\0-\x1f\x7f]/,
  word: /\w/,
};

export interface CharacterSet {
  kind: "set";
  has: (char: string) => boolean;
}

/** `[a-z]`, `[!…]`, `[[:digit:]]`; undefined where no bracket closes it. */
export function setIn(
  reader: { text: string; at: number },
  isEscaped = true,
): CharacterSet | undefined {
  const { text } = reader;
  let at = reader.at;
  const isNegated = text[at] === "!" || text[at] === "^";
  if (isNegated) at++;
  const tests: ((char: string) => boolean)[] = [];
  for (let isFirst = true; ; isFirst = false) {
    let low = text[at];
    if (low === undefined) return undefined;
    if (low === "]" && !isFirst) break;
    const named = /^\[:(\w+):\]/.exec(text.slice(at));
    const known = named && classes[named[1]!];
    if (named && known) {
      tests.push((char) => known.test(char));
      at += named[0].length;
      continue;
    }
    at++;
    if (low === "\\" && isEscaped && at < text.length) low = text[at++]!;
    const high = text[at] === "-" && text[at + 1] !== "]" ? text[at + 1] : undefined;
    if (high === undefined) tests.push((char) => char === low);
    else {
      tests.push((char) => char >= low && char <= high);
      at += 2;
    }
  }
  reader.at = at + 1;
  return { kind: "set", has: (char) => tests.some((test) => test(char)) !== isNegated };
}
