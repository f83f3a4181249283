/** From a word's pieces to the fields that IFS makes of them. (bash, subst.c: word_list_split) */
import { quotedPattern } from "./pattern.js";

/**
 * A part of what a word has become. quote: as it is. wild: a part of a file name's pattern, as it
 * was written. split: what an unquoted expansion left, to be split into fields, whose characters
 * may be a pattern's. break: the next field begins.
 */
export type Piece = { kind: "quote" | "wild" | "split"; text: string } | { kind: "break" };

export const joined = (pieces: readonly Piece[]): string =>
  pieces.map((piece) => (piece.kind === "break" ? " " : piece.text)).join("");

export interface Field {
  text: string;
  /** The same with what was quoted marked. */
  pattern: string;
  mayBeWild: boolean;
}

export function split(pieces: readonly Piece[], separators: string): Field[] {
  const fields: Field[] = [];
  let field: Field | undefined;
  const open = (): Field => (field ??= { text: "", pattern: "", mayBeWild: false });
  const close = (): void => {
    if (field) fields.push(field);
    field = undefined;
  };
  const add = (text: string, isQuoted: boolean): void => {
    const one = open();
    one.text += text;
    one.pattern += isQuoted ? quotedPattern(text) : text;
    if (!isQuoted && /[*?[]|[@+!]\(/.test(text)) one.mayBeWild = true;
  };
  for (const piece of pieces)
    if (piece.kind === "break") close();
    else if (piece.kind === "split") splitText(piece.text, separators, add, close, () => !!field);
    else add(piece.text, piece.kind === "quote");
  close();
  return fields;
}

function splitText(
  text: string,
  separators: string,
  add: (text: string, isQuoted: boolean) => void,
  close: () => void,
  isOpen: () => boolean,
): void {
  if (separators === "") return void (text !== "" && add(text, false));
  const isWhite = (char: string | undefined): boolean =>
    char !== undefined && " \t\n".includes(char) && separators.includes(char);
  let start = 0;
  for (let i = 0; i < text.length;) {
    if (!separators.includes(text[i]!)) {
      i++;
      continue;
    }
    if (i > start) add(text.slice(start, i), false);
    const hadField = isOpen();
    let isHard = false;
    while (isWhite(text[i])) i++;
    if (i < text.length && separators.includes(text[i]!)) {
      isHard = true;
      i++;
      while (isWhite(text[i])) i++;
    }
    if (isHard && !hadField) add("", true);
    close();
    start = i;
  }
  if (start < text.length) add(text.slice(start), false);
}
