/**
 * Text from outside, as it may be shown: a name in a dump or a comment in a rule can hold what
 * colours a terminal, clears it or sets its title (ESC, and 0x9b, its one-byte form), what ends a
 * line, or what turns the order of letters around. Each such character is written as JSON would
 * escape it: \u001b. Letters of all languages stay.
 *
 *     printable("web\u001b[2J")      // web\u001b[2J, in letters
 */

/**
 * Controls (C0, DEL, C1), format characters (bidirectional ones, joiners, zero widths, tags), line
 * and paragraph separators, halves of a character. (Unicode, general categories)
 */
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
/** Nearly everything is, and a rule set has ten thousands of lines. */
const plain = /^[ -~]*$/;

/** One value or one line; a line break in it is escaped as well. */
export const printable = (text: string): string =>
  plain.test(text) ? text : text.replace(hidden, escaped);

/** Text of several lines, each by itself. The tabs that indent one stay: nft's listing has them. */
export const printableLines = (text: string): string =>
  text
    .split("\n")
    .map((line) => {
      const indent = /^\t*/.exec(line)![0];
      return indent + printable(line.slice(indent.length));
    })
    .join("\n");

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
