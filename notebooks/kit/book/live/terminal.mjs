// A terminal in a page: xterm.js, bound to a shell of the thread (terminals.mjs). It stands below
// the map at which it was opened, in the same cell, and stays while the cell runs again.

import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
// @ts-expect-error: bundle.mjs makes a text of it
import xtermLook from "@xterm/xterm/css/xterm.css";
import { append } from "./outputs.mjs";
import { button, element } from "./page.mjs";

/** @typedef {import("./terminals.mjs").Says} Says */
/**
 * @typedef {{ session: import("./session.mjs").Session, section: HTMLElement, cluster: number,
 *   place: string, label: string }} Where
 */

/** So many may be open in a page. */
const most = 12;
/** @type {Map<string, Desk>} */
const open = new Map();

document.head.append(element("style", { textContent: xtermLook }));
Object.assign(globalThis, { stopoverTerminal: opened });

/** Opens a terminal, or goes to the one that is open there. @param {Where} where */
function opened(where) {
  const key = `${where.cluster} ${where.place}`;
  const desk = open.get(key);
  if (desk) return desk.focus();
  if (open.size >= most) [...open.values()][0]?.close();
  open.set(key, new Desk(where, () => open.delete(key)));
}

class Desk {
  #opener = document.activeElement;

  /** @param {Where} where @param {() => void} onClose */
  constructor({ session, section, cluster, place, label }, onClose) {
    this.onClose = onClose;
    this.dom = element("section", { className: "console" });
    this.dom.setAttribute("aria-label", `Terminal at ${label}`);
    this.dom.dataset.place = place;
    this.status = element("span", { className: "state" });
    this.status.setAttribute("role", "status");
    this.way = button("Show the way", "Show the way of the packet that was sent last", () =>
      this.ask({ way: true }),
    );
    this.way.disabled = true;
    const close = button("✕", `Close the terminal at ${label}`, () => this.close());
    const bar = element("div", { className: "bar" });
    bar.append(element("b", { textContent: label }), this.status, this.way, close);
    this.screen = element("div", { className: "screen" });
    this.below = element("div", { className: "outputs" });
    this.dom.append(bar, this.screen, this.below);
    section.append(this.dom);
    const { xterm, fit } = screenIn(this.screen);
    this.xterm = xterm;
    this.xterm.onData((keys) => this.ask({ keys }));
    this.xterm.onResize(({ cols }) => this.ask({ columns: cols }));
    this.resized = new ResizeObserver(() => fit.fit());
    this.resized.observe(this.screen);
    this.themed = new MutationObserver(() => {
      this.xterm.options.theme = themeOf(this.dom);
    });
    this.themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this.ask = session.shell((says) => this.#hear(says));
    this.ask({ open: { cluster, place, columns: this.xterm.cols } });
    this.focus();
  }

  /** @param {Says | undefined} says */
  #hear(says) {
    if (!says) return this.#over("gone with what the cells had made");
    if ("shows" in says)
      return this.xterm.write(says.shows, () => this.ask({ read: says.shows.length }));
    if ("ended" in says && says.ended.sent) this.way.disabled = false;
    if ("way" in says) {
      this.below.replaceChildren();
      void append(this.below, { data: says.way }).then(() =>
        this.below.scrollIntoView({ block: "nearest" }),
      );
    }
    if ("over" in says) this.#over(`ended with exit code ${says.over}`);
    if ("refused" in says) this.#over(says.refused);
  }

  /** @param {string} words */
  #over(words) {
    this.status.textContent = words;
    this.way.disabled = true;
    this.xterm.options.disableStdin = true;
    this.onClose();
  }

  focus() {
    this.dom.scrollIntoView({ block: "nearest" });
    this.xterm.focus();
  }

  /** Ends what runs in it. */
  close() {
    this.ask({ close: true });
    this.onClose();
    this.resized.disconnect();
    this.themed.disconnect();
    this.xterm.dispose();
    this.dom.remove();
    if (this.#opener instanceof HTMLElement) this.#opener.focus();
  }
}

/** xterm.js in a box, as wide and high as that is. @param {HTMLElement} box */
function screenIn(box) {
  const xterm = new Terminal({
    fontFamily: getComputedStyle(box).getPropertyValue("--mono"),
    fontSize: 14,
    theme: themeOf(box),
    minimumContrastRatio: 4.5,
    screenReaderMode: true,
    scrollback: 2_000,
    linkHandler: { activate() {} }, // what is printed leads nowhere
  });
  const fit = new FitAddon();
  xterm.loadAddon(fit);
  xterm.open(box);
  fit.fit();
  // Tab is the shell's; Shift and Tab lead out
  xterm.attachCustomKeyEventHandler(({ key, shiftKey }) => !(key === "Tab" && shiftKey));
  return { xterm, fit };
}

/** The page's colours. @param {Element} dom */
function themeOf(dom) {
  const of = (/** @type {string} */ name) => getComputedStyle(dom).getPropertyValue(`--${name}`);
  return {
    background: of("paper"),
    foreground: of("ink"),
    cursor: of("ink"),
    cursorAccent: of("paper"),
    selectionBackground: of("mark"),
    selectionForeground: of("ink"),
  };
}
