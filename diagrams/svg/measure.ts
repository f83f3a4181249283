/**
 * How wide a text is, and what of it fits: with the metrics of the font that the PNGs are drawn in.
 * In a page another font may stand in for it; so each text of the SVG carries the width that was
 * reckoned here (`textLength`), and nothing ever runs into its neighbour.
 */

/** Advance widths of Open Sans Regular from " " to "~", in thousandths of the font's size. */
const ascii = (
  "260 268 401 646 572 824 730 222 296 296 552 572 246 322 267 368 572 572 572 572 572 572 572 572 " +
  "572 572 267 267 572 572 572 430 899 633 648 631 730 557 517 729 738 279 268 614 520 903 754 779 " +
  "603 779 619 549 554 729 596 926 578 561 571 330 368 330 542 449 578 557 613 477 613 562 339 548 " +
  "614 253 253 525 253 931 614 605 613 613 409 478 354 614 501 778 524 504 468 379 551 379 572"
)
  .split(" ")
  .map(Number);
const others: Readonly<Record<string, number>> = {
  "…": 785,
  "·": 267,
  "×": 572,
  "–": 500,
  "—": 1000,
  "“": 351,
  "”": 351,
  "’": 170,
};
/** What other letters take at most: those of alphabets, and those that fill a square. */
const [alphabet, square] = [950, 1000];

/** The size of every text but the title, at the size at which the picture is shown. */
export const fontSize = 14;
/** From one line to the next. */
export const lineHeight = 18;

export function widthOf(text: string, size = fontSize): number {
  let sum = 0;
  for (const letter of text) {
    const code = letter.codePointAt(0)!;
    sum += ascii[code - 32] ?? others[letter] ?? (code < 0x1100 ? alphabet : square);
  }
  return (sum * size) / 1000;
}

/**
 * The text, or both of its ends with an ellipsis between them, so that it takes `width` at most:
 * names differ most at their ends.
 */
export function fit(text: string, width: number, size = fontSize): string {
  if (widthOf(text, size) <= width) return text;
  const letters = [...text];
  for (let kept = letters.length - 1; kept > 1; kept--) {
    const tail = Math.floor(kept / 2);
    const cut = `${letters.slice(0, kept - tail).join("")}…${letters.slice(-tail).join("")}`;
    if (widthOf(cut, size) <= width) return cut;
  }
  return "…";
}

/** Breaks at spaces into lines of at most `width`; a word that is longer than that is cut. */
export function wrapTo(text: string, width: number, size = fontSize): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && widthOf(longer, size) <= width) lines[lines.length - 1] = longer;
    else lines.push(fit(word, width, size));
  }
  return lines;
}
