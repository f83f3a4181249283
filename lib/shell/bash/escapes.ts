/** Backslashes in what `echo -e` and `printf %b` are given. */

/** What `echo -e` and `printf %b` make of backslashes; true: `\c` ends all. */
export function unescaped(text: string): [text: string, stops: boolean] {
  let result = "";
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== "\\" || i === text.length - 1) {
      result += text[i];
      continue;
    }
    const rest = text.slice(i + 1);
    const coded = /^(?:0[0-7]{0,3}|x[\da-f]{1,2})/i.exec(rest);
    if (rest.startsWith("c")) return [result, true];
    if (coded) {
      const value = coded[0].startsWith("0")
        ? parseInt(coded[0] || "0", 8)
        : parseInt(coded[0].slice(1), 16);
      result += String.fromCharCode(value & 255);
      i += coded[0].length;
      continue;
    }
    const simple = { a: "\x07", b: "\b", e: "\x1b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" }[
      rest[0]!
    ];
    result += simple ?? (rest[0] === "\\" ? "\\" : `\\${rest[0]}`);
    i++;
  }
  return [result, false];
}
