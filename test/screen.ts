/** A screen, as much of a VT100's as a shell's line needs: for tests of what a reader sees. */
import { textOf } from "stopover/internal/machinery/pipe";

/** A control sequence, or a letter. */
const sequences = new RegExp(`${String.fromCharCode(27)}\\[(\\d*)(?:;\\d*)?([A-Za-z])|[^]`, "gu");

export class Screen {
  readonly #rows: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor(private readonly columns: number) {}

  write(bytes: string): void {
    const pieces = textOf(bytes).matchAll(sequences);
    for (const [all, count, letter] of pieces)
      if (letter === undefined) this.#put(all);
      else this.#move(letter, Number(count || "1"));
  }

  /** Without blanks at the ends of rows. */
  get text(): string {
    return this.#rows
      .map((row) =>
        Array.from(row, (each) => each ?? " ")
          .join("")
          .trimEnd(),
      )
      .join("\n")
      .trimEnd();
  }

  get cursor(): { row: number; column: number } {
    return { row: this.#row, column: this.#column };
  }

  #put(letter: string): void {
    if (letter === "\r") this.#column = 0;
    else if (letter === "\b") this.#column = Math.max(0, this.#column - 1);
    else if (letter === "\n") this.#down();
    else {
      // behind the last column the next letter begins a row, and not before
      if (this.#column === this.columns) {
        this.#column = 0;
        this.#down();
      }
      this.#rows[this.#row]![this.#column++] = letter;
    }
  }

  #down(): void {
    this.#row++;
    this.#rows[this.#row] ??= [];
  }

  #move(letter: string, count: number): void {
    if (letter === "A") this.#row = Math.max(0, this.#row - count);
    if (letter === "B") this.#row = Math.min(this.#rows.length - 1, this.#row + count);
    if (letter === "C") this.#column = Math.min(this.columns - 1, this.#column + count);
    if (letter === "H") this.#row = this.#column = 0;
    if (letter !== "J") return;
    if (count === 3) return; // what was scrolled away
    this.#rows.length = this.#row + 1;
    this.#rows[this.#row]!.length = Math.min(this.#column, this.#rows[this.#row]!.length);
  }
}
