// The control panel of a cell that offers something to try: a form control for each such line. A
// control changes its line in the editor, and the page runs what must run. What the reader writes
// into the line by hand shows in the control.

import { element } from "./page.mjs";
import { triesIn } from "./tries.mjs";

/** @typedef {import("./tries.mjs").Try} Try */
/**
 * What a panel asks of its cell: its text, to change a piece of it, to run.
 * @typedef {{ text: () => string, change: (from: number, to: number, text: string) => void, run: ()
 *   => void }} Subject
 */
/**
 * What a reader moves, what stands there, and how it shows what the line says.
 * @typedef {{ input: HTMLElement, shown: HTMLElement[], show: (offer: Try) => void }} Control
 */

/** The panels of a page, for names that no other control has. */
let panels = 0;

export class Panel {
  /** @type {Map<string, { show: Control["show"], box: HTMLElement }>} */
  #controls = new Map();

  /** @param {Subject} subject */
  constructor(subject) {
    this.subject = subject;
    this.id = `try-${++panels}`;
    this.dom = element("fieldset", { className: "panel" });
    this.dom.append(element("legend", { textContent: "Try it" }));
    for (const offer of triesIn(subject.text())) this.#add(offer);
  }

  /** @param {Try} offer */
  #add(offer) {
    const { name } = offer;
    const control = offer.range
      ? numbers(offer, (value) => this.#set(name, value))
      : choices(offer, (value) => this.#set(name, value));
    control.input.id = `${this.id}-${name}`;
    const label = element("label", { textContent: name });
    label.htmlFor = control.input.id;
    const box = element("div", { className: "try" });
    box.append(label, ...control.shown);
    this.#controls.set(name, { show: control.show, box });
    this.dom.append(box);
    control.show(offer);
  }

  /**
   * Writes a value into its line; runs what hangs on it.
   * @param {string} name
   * @param {string} value
   */
  #set(name, value) {
    const offer = triesIn(this.subject.text()).find((each) => each.name === name);
    if (!offer || offer.value === value) return;
    this.subject.change(offer.from, offer.to, value);
    this.subject.run();
  }

  /** Shows what the cell's lines say now; a line that is gone takes its control with it. */
  update() {
    const offers = new Map(triesIn(this.subject.text()).map((offer) => [offer.name, offer]));
    for (const [name, { show, box }] of this.#controls) {
      const offer = offers.get(name);
      box.hidden = !offer;
      if (offer) show(offer);
    }
  }
}

/**
 * A slider with its number beside it. Every step of it is a value of its own.
 * @param {Try} offer
 * @param {(value: string) => void} set
 * @returns {Control}
 */
function numbers({ range }, set) {
  const input = document.createElement("input");
  Object.assign(input, { type: "range", step: "1", min: range?.least, max: range?.most });
  // who hears the page hears the slider itself say it
  const number = element("span", { className: "number" });
  number.setAttribute("aria-hidden", "true");
  input.addEventListener("input", () => set(input.value));
  const show = (/** @type {Try} */ { value }) => {
    if (/^-?\d+$/.test(value)) input.value = value;
    number.textContent = value;
  };
  return { input, shown: [input, number], show };
}

/**
 * A list to choose from. A value of the reader's own joins it.
 * @param {Try} offer
 * @param {(value: string) => void} set
 * @returns {Control}
 */
function choices({ choices }, set) {
  const input = document.createElement("select");
  input.append(...choices.map((choice) => new Option(inWords(choice), choice)));
  input.addEventListener("change", () => set(input.value));
  const show = (/** @type {Try} */ { value }) => {
    if (![...input.options].some((option) => option.value === value))
      input.append(new Option(inWords(value), value));
    input.value = value;
  };
  return { input, shown: [input], show };
}

/** A text without its quotes, a call without its brackets. @param {string} code */
const inWords = (code) => code.replace(/^"(.*)"$/, "$1").replace(/\(\)$/, "") || "none";
