// What a reader wrote in a chapter, kept by the browser until it is reset: changed cells (guesses
// and answers of exercises are such) and how far the reader ran. A cell is known by what the book
// printed: in a newer book, a cell that is another one is not overwritten with an old text.

import { hash } from "stopover/internal/machinery/random";

/** What one chapter may keep. Characters. */
const most = 200_000;

/** @typedef {{ cells: Record<string, string>, ran: number }} State `ran` counts from 1 */

export class Kept {
  /** Whether the browser refuses to keep anything, or as much. */
  isRefused = false;
  #key = `stopover ${globalThis.location.pathname}`;
  #names;

  /** @param {string[]} sources the cells as the book printed them */
  constructor(sources) {
    this.#names = namesOf(sources);
    this.state = this.#read();
  }

  /** The texts that other cells than the printed ones had: by place. */
  get texts() {
    return this.#names.map((name) => this.state.cells[name]);
  }

  /** @param {number} at @param {string} text @param {string} printed */
  change(at, text, printed) {
    const name = this.#names[at] ?? "";
    if (text === (this.state.cells[name] ?? printed)) return;
    if (text === printed) delete this.state.cells[name];
    else this.state.cells[name] = text;
    this.#write();
  }

  /** @param {number} at */
  hasRun(at) {
    if (at < this.state.ran) return;
    this.state.ran = at + 1;
    this.#write();
  }

  forget() {
    this.state = nothing();
    try {
      globalThis.localStorage.removeItem(this.#key);
    } catch {
      this.isRefused = true;
    }
  }

  #write() {
    try {
      const text = JSON.stringify(this.state);
      if (text.length > most) throw new RangeError("too much");
      globalThis.localStorage.setItem(this.#key, text);
      this.isRefused = false;
    } catch {
      this.isRefused = true;
    }
  }

  /** Anything else of this origin may have written there. @returns {State} */
  #read() {
    const state = nothing();
    try {
      const given = JSON.parse(globalThis.localStorage.getItem(this.#key) ?? "{}");
      if (Number.isSafeInteger(given.ran)) state.ran = given.ran;
      for (const name of this.#names) {
        const text = given.cells?.[name];
        if (typeof text === "string") state.cells[name] = text;
      }
    } catch {
      // what cannot be read is as nothing; whether it can be written is seen when it is
    }
    state.ran = Math.min(Math.max(state.ran, 0), this.#names.length);
    return state;
  }
}

/** @returns {State} */
const nothing = () => ({ cells: {}, ran: 0 });

/** A name for each cell out of its text, and a number where several have the same. */
function namesOf(/** @type {string[]} */ sources) {
  return sources.map((source, at) => {
    const nth = sources.slice(0, at).filter((other) => other === source).length;
    return `${hash(source).toString(36)}.${nth}`;
  });
}
