/**
 * Where text leaves for a terminal, or for whatever stands in its place. What came from outside
 * (names in a dump, comments in rules, errors of others) must not command it, so every line is made
 * printable here, and nothing else in the library writes.
 */
import { printableLines } from "../net/printable.js";
import { lookFor, looked, type Look } from "./look.js";

/** To standard output, one line or several. */
export const say = (text: string): void =>
  void process.stdout.write(`${printableLines(text.replace(/\n$/, ""))}\n`);

/** To standard error. */
export const complain = (text: string): void =>
  void process.stderr.write(`${printableLines(text.replace(/\n$/, ""))}\n`);

/** To standard error, if somebody looks: what goes on just now. */
export const remark = (text: string): void => {
  if (process.stderr.isTTY) complain(text);
};

/** How standard output is read. */
export const lookHere = (): Look => lookFor(process.stdout, process.env);

/** To standard output, for a reader: in colours, and broken where the window ends. */
export const show = (text: string): void => write(looked(printableLines(text), lookHere()));

/**
 * What carries colours already. Whoever wrote them made printable what came from outside, so that
 * no colour but theirs is left; anything else that commands a terminal is written in letters.
 */
export const showColoured = (text: string): void =>
  write(
    text
      .replace(/\n$/, "")
      .split(colours)
      .map((piece) => (colours.test(piece) ? piece : printableLines(piece)))
      .join(""),
  );
// eslint-disable-next-line no-control-regex -- ESC begins a colour
const colours = /(\u001b\[\d+m)/;

const write = (text: string): void => void process.stdout.write(`${text.replace(/\n$/, "")}\n`);
