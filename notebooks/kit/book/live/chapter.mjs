// A chapter that lives: its cells become editors, and what they leave below themselves is what they
// left a moment ago, here. Until a cell runs, the outputs of the book's own run stand below it.

import { editor } from "./editor.mjs";
import { Kept } from "./kept.mjs";
import { append } from "./outputs.mjs";
import { button, element } from "./page.mjs";
import { Panel } from "./panel.mjs";
import { Session } from "./session.mjs";
import { offerSolution } from "./solution.mjs";
import { openAtStations } from "./stations.mjs";
import { triesIn } from "./tries.mjs";

/** @typedef {import("./kernel.mjs").Output} Output */
/** @typedef {import("@codemirror/view").EditorView} EditorView */
/** @typedef {Awaited<ReturnType<Session["run"]>>["ended"]} Ended */

/** One code cell of the page. */
class Cell {
  /** @type {EditorView | undefined} */
  #editor;
  /** The outputs of the last run here, for programs. @type {Output[]} */
  outputs = [];
  #resets = 0;
  /** When their pictures are drawn. @type {Promise<unknown>} */
  drawn = Promise.resolve();

  /**
   * @param {Chapter} chapter
   * @param {HTMLElement} section
   * @param {number} index among the code cells
   */
  constructor(chapter, section, index) {
    this.chapter = chapter;
    this.section = section;
    this.index = index;
    const code = section.querySelector("pre.code");
    if (!(code instanceof HTMLPreElement)) throw new Error(`cell ${index} of the page has no code`);
    this.code = code;
    /** What the book printed. */
    this.source = code.textContent ?? "";
    /** @type {HTMLElement} */
    this.below = section.querySelector(".outputs") ?? element("div", { className: "outputs" });
    section.append(this.below);
    /** The outputs of the book's own run. */
    this.printed = [...this.below.childNodes];
    this.state = element("span", { className: "state" });
    this.button = button("▶ Run", `Run cell ${index + 1} (Ctrl+Enter)`, () => void this.run());
    const bar = element("div", { className: "bar" });
    bar.append(this.button, this.state);
    section.prepend(bar);
    if (triesIn(this.source).length) this.panel = this.#panel();
  }

  #panel() {
    const panel = new Panel({
      text: () => this.text,
      change: (from, to, insert) => this.edit().dispatch({ changes: { from, to, insert } }),
      run: () => void this.chapter.runTried(this),
    });
    this.below.before(panel.dom);
    return panel;
  }

  /** Puts an editor in the place of the printed code. */
  edit() {
    if (this.#editor) return this.#editor;
    this.#editor = editor({
      text: this.source,
      label: `Code of cell ${this.index + 1}`,
      run: () => void this.run(),
      runAndGoOn: () => {
        void this.run();
        this.chapter.cells[this.index + 1]?.edit().focus();
      },
      changed: () => {
        this.say("changed");
        this.panel?.update();
        this.chapter.keep((kept) => kept.change(this.index, this.text, this.source));
      },
    });
    this.code.replaceWith(this.#editor.dom);
    return this.#editor;
  }

  get text() {
    return this.#editor?.state.doc.toString() ?? this.source;
  }

  /** @param {"" | "waiting" | "running" | "changed" | "gone" | Ended} state */
  say(state, /** @type {string} */ words = state) {
    this.section.dataset.state = state;
    this.state.textContent = words;
  }

  /**
   * Runs the cell. An answer that lies folded comes into sight, unless it is to stay `folded`.
   * @returns {Promise<Ended>}
   */
  async run({ folded = false } = {}) {
    const place = this.clear({ folded });
    const drawn = /** @type {Promise<void>[]} */ ([]);
    const ended = await this.#runs((output) => drawn.push(append(place, output)));
    this.drawn = Promise.all(drawn); // the next cell need not wait for this one's pictures
    if (ended === "needs the machine") this.showRecording();
    if (ended === "failed") this.offerAbove();
    offerSolution(this);
    return ended;
  }

  /**
   * Runs the cell for what it makes. What the book printed below it stays, for it would come out
   * the same: nothing moves in the page, and an answer that lies folded stays so.
   * @returns {Promise<Ended>}
   */
  async runUnseen() {
    if (this.text !== this.source || !this.isAsPrinted) return this.run({ folded: true });
    const ended = await this.#runs(() => {});
    return ended === "failed" ? this.run() : ended;
  }

  /** @param {(output: Output) => void} tell @returns {Promise<Ended>} */
  async #runs(tell) {
    this.outputs = [];
    this.say("running", "running …");
    const resets = this.#resets;
    const { ended, seconds } = await this.chapter.session.run(this.text, (output) => {
      this.keep(output);
      tell(output);
    });
    if (resets !== this.#resets) return ended; // nothing has run, as the page says
    this.say(ended, ended === "good" ? `ran in ${seconds.toFixed(1)} s` : ended);
    if (this.hasRun) this.chapter.keep((kept) => kept.hasRun(this.index));
    return ended;
  }

  /** Whether below the cell stands what the book's own run left there. */
  get isAsPrinted() {
    return this.printed.every((node) => node.parentNode === this.below);
  }

  /** Whether what the cell makes is there, as its text now says. */
  get hasRun() {
    return ["good", "needs the machine"].includes(this.section.dataset.state ?? "");
  }

  /** A name that is not there may be one of a cell above that has not run. */
  offerAbove() {
    const above = this.chapter.cells.slice(0, this.index);
    const isMissing = this.outputs.some(
      (output) => "error" in output && output.error.name === "ReferenceError",
    );
    if (!isMissing || above.every(({ section }) => section.dataset.state === "good")) return;
    const offer = element("p", { className: "recorded" });
    offer.append(
      "Cells above have not run yet. ",
      button("▶ Run them, then this one", "Run the cells above, then this one", () => {
        void this.chapter.runThese([...above, this]);
      }),
    );
    this.below.append(offer);
  }

  /** What is printed one after the other is one output. @param {Output} output */
  keep(output) {
    const last = this.outputs.at(-1);
    if (last && "stream" in last && "stream" in output && last.stream === output.stream) {
      this.outputs[this.outputs.length - 1] = { ...last, text: last.text + output.text };
    } else {
      this.outputs.push(output);
    }
  }

  /** Takes away what stands below, and answers where new outputs go. */
  clear({ folded = false } = {}) {
    this.outputs = [];
    const fold = this.below.querySelector(":scope > details.answer:not([open])");
    if (!folded || !fold) {
      this.below.replaceChildren();
      return this.below;
    }
    const anew = /** @type {HTMLElement} */ (fold.cloneNode(false));
    anew.append(...fold.querySelectorAll(":scope > summary"));
    this.below.replaceChildren(anew);
    return anew;
  }

  /** What needs a machine shows what it gave when the book was made, and says so. */
  showRecording() {
    const note = element("p", {
      className: "recorded",
      textContent: "This cell needs a machine of its own; what stands here is a recording.",
    });
    const printed = this.printed.flatMap((node) =>
      node instanceof HTMLDetailsElement ? [...node.children].slice(1) : node,
    );
    this.below.replaceChildren(note, ...printed);
    this.outputs = printed
      .filter((node) => node instanceof HTMLPreElement)
      .map((node) => ({ stream: "stdout", text: node.textContent ?? "" }));
  }

  /** @param {string} text */
  write(text) {
    const view = this.edit();
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
  }

  /** As the book printed it. */
  reset() {
    if (this.#editor) this.write(this.source);
    this.#resets++;
    this.outputs = [];
    this.below.replaceChildren(...this.printed);
    this.say("");
  }

  /** What the cell printed and showed, as text; each piece begins a line. */
  get said() {
    return this.outputs
      .flatMap((output) => {
        if ("stream" in output) return output.stream === "stdout" ? output.text : [];
        if ("data" in output) return String(output.data["text/plain"] ?? "");
        return "error" in output ? `${output.error.name}: ${output.error.message}` : [];
      })
      .map((text) => text.replace(/\n+$/, ""))
      .join("\n");
  }
}

/** @param {Cell[]} cells */
const texts = (cells) => cells.map(({ text }) => text);

export class Chapter {
  /** @param {string} script @param {Record<string, string>} files */
  constructor(script, files) {
    this.session = new Session(script, files);
    const sections = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".cell"));
    this.cells = [...sections].map((section, index) => new Cell(this, section, index));
    this.controls = new Controls(this);
    this.kept = new Kept(this.cells.map(({ source }) => source));
    this.#takeUp();
    openAtStations(this.session);
  }

  /** What the reader left here comes back, and the page says so; nothing runs by itself. */
  #takeUp() {
    const { ran } = this.kept.state;
    let changed = 0;
    for (const [at, text] of this.kept.texts.entries()) {
      if (text === undefined) continue;
      this.cells[at]?.write(text);
      changed++;
    }
    const cells =
      changed === 1 ? "1 cell that you changed is" : `${changed} cells that you changed are`;
    if (changed) this.controls.tell(`${cells} as you left ${changed === 1 ? "it" : "them"}.`);
    if (ran) this.controls.add(`You had run to cell ${ran} of ${this.cells.length}.`);
  }

  /** @param {(kept: Kept) => void} change */
  keep(change) {
    const { isRefused } = this.kept;
    change(this.kept);
    if (this.kept.isRefused && !isRefused)
      this.controls.tell("This browser does not keep your changes: they are gone when you leave.");
  }

  /**
   * Begins anew and runs all cells in order, as far as they are good. Nothing of the book's own run
   * is left in the page when the first one begins.
   * @returns {Promise<{ cell: number, text: string }[]>} what each printed and showed, as text
   */
  async runAll() {
    this.forget();
    for (const cell of this.cells) cell.clear();
    await this.runThese(this.cells);
    await Promise.all(this.cells.map(({ drawn }) => drawn));
    return this.cells.map(({ index, said }) => ({ cell: index, text: said }));
  }

  /**
   * Runs cells until one fails.
   * @param {Cell[]} cells
   * @param {(cell: Cell) => Promise<Ended>} run
   * @returns {Promise<boolean>} whether none failed
   */
  async runThese(cells, run = (cell) => cell.run()) {
    for (const cell of cells) cell.say("waiting");
    for (const [at, cell] of cells.entries()) {
      const ended = await run(cell);
      if (ended === "good" || ended === "needs the machine") continue;
      for (const left of cells.slice(at + 1)) left.say("");
      cell.section.scrollIntoView({ block: "center" });
      return false;
    }
    return true;
  }

  /**
   * A cell's panel has changed it: runs what above it has not run, the cell, and what below it uses
   * the names that it makes. What is changed meanwhile is taken up after that, once.
   * @param {Cell} cell
   */
  async runTried(cell) {
    this.#tried = cell;
    if (this.#isTrying) return;
    this.#isTrying = true;
    while (this.#tried) {
      const next = this.#tried;
      this.#tried = undefined;
      await this.#runAround(next);
    }
    this.#isTrying = false;
  }

  /** The cell whose panel asks for a run. @type {Cell | undefined} */
  #tried;
  #isTrying = false;

  /** @param {Cell} cell */
  async #runAround(cell) {
    const [above, below] = [this.cells.slice(0, cell.index), this.cells.slice(cell.index + 1)];
    const missing = above.filter((each) => !each.hasRun);
    const { style, offsetHeight } = cell.below;
    style.minHeight = `${offsetHeight}px`; // what stands below stays where it is
    if (await this.runThese(missing, (each) => each.runUnseen())) {
      if ((await cell.run()) === "good") {
        const users = await this.session.users(cell.text, texts(below)).catch(() => []); // stopped
        await this.runThese(
          users.flatMap((at) => below[at] ?? []),
          (each) => each.run({ folded: true }),
        );
      }
    }
    await cell.drawn;
    style.minHeight = "";
  }

  /** Ends what runs. What all cells made is gone with it. */
  stop() {
    this.forget();
    this.controls.tell("Stopped. What the cells had made is gone: run them again from the top.");
    this.session.start();
  }

  /** The page as the book printed it. */
  reset() {
    this.forget();
    for (const cell of this.cells) cell.reset();
    this.kept.forget();
    this.controls.tell("As printed: nothing has run.");
    this.session.start();
  }

  forget() {
    this.#tried = undefined;
    this.session.stop();
    for (const cell of this.cells) {
      if (cell.state.textContent) cell.say("gone", "");
    }
  }

  /** The cell that runs now, and how long it has run. */
  get running() {
    return this.cells.find(({ section }) => section.dataset.state === "running");
  }
}

/** The chapter's buttons, and a line that says what is going on. */
class Controls {
  /** @param {Chapter} chapter */
  constructor(chapter) {
    this.line = element("span", { className: "status" });
    this.line.setAttribute("role", "status");
    const box = element("div", { className: "controls" });
    this.stop = button("■ Stop", "Stop the cell that runs", () => chapter.stop());
    box.append(
      button("▶ Run all", "Run all cells of this chapter", () => void chapter.runAll()),
      button("↺ Reset", "Put code and outputs back as printed", () => chapter.reset()),
      this.stop,
      this.line,
    );
    document.querySelector("header .home")?.after(box);
    this.stop.disabled = true;
    let since = 0;
    /** @type {Cell | undefined} */
    let before;
    setInterval(() => {
      const running = chapter.running;
      since = running && running === before ? since + 1 : 0;
      before = running;
      this.stop.disabled = !running;
      // what is over in a moment needs no word
      if (running && since > 2) {
        const seconds = `${Math.round(since / 4)} s`;
        this.tell(`cell ${running.index + 1} of ${chapter.cells.length} runs, ${seconds}`);
        running.state.textContent = `running … ${seconds}`;
      } else if (this.line.textContent?.includes(" runs, ")) this.tell("");
    }, 250);
  }

  /** @param {string} words */
  tell(words) {
    if (this.line.textContent !== words) this.line.textContent = words;
  }
  /** Says it after what the line says. @param {string} words */
  add(words) {
    this.tell(`${this.line.textContent} ${words}`.trim());
  }
}
