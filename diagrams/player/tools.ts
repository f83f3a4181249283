/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * What the engines of the pages have in common. They are written into a script as text, each
 * function by itself: so `tools` may use nothing from outside itself, and the engines only what it
 * answers.
 */

export type Tools = ReturnType<typeof tools>;

export function tools() {
  const style = `
:host { all: initial; display: block; container-type: inline-size }
* { box-sizing: border-box }
section { --ink: #1c1c1c; --soft: #555; --paper: #fff; --ground: #f5f5f5; --line: #c8c8c8; --way: #d55e00; --back: #6b3fb5; --changed: #fde7db;
  font: 14px/1.45 "Open Sans", system-ui, sans-serif; color: var(--ink); background: var(--paper); border: 1px solid var(--line); border-radius: 8px; max-width: 996px; padding: 12px 16px; overflow: clip }
section[data-theme=dark] { --ink: #e8edf2; --soft: #a9b4bf; --paper: #15191e; --ground: #232a31; --line: #46525e; --way: #ff8f4d; --back: #bb9dff; --changed: #4a2a14; color-scheme: dark }
:focus-visible { outline: 3px solid #3b82d0; outline-offset: 1px }
h4 { font-size: 16px; margin: 0 0 8px; overflow-wrap: anywhere; font-weight: 600 }
svg { display: block; width: 100%; height: auto; margin: 0 auto } svg text, svg path { pointer-events: none }
.narrow { display: none }
.bar { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; margin: 8px 0 }
button, select { font: inherit; padding: 4px 10px; min-height: 32px; border: 1px solid var(--soft); border-radius: 6px; background: var(--paper); color: inherit; cursor: pointer }
button:disabled { opacity: .4; cursor: default }
input { flex: 1 1 120px; min-width: 80px; accent-color: var(--way) } output { min-width: 4.5em; text-align: right; font-variant-numeric: tabular-nums }
.now { background: var(--ground); border-radius: 6px; padding: 10px 12px }
.now b { font-weight: 600 } .soft { color: var(--soft) }
.said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
@container (max-width: 859px) { .wide { display: none } .narrow { display: block } .narrow svg { max-width: 420px } }
@media print { .bar, .said { display: none } }`;

  const make = (
    tag: string,
    parent: Node,
    text = "",
    more: Record<string, string> = {},
  ): HTMLElement => {
    const element = document.createElement(tag);
    element.textContent = text;
    for (const [name, value] of Object.entries(more)) element.setAttribute(name, value);
    parent.appendChild(element);
    return element;
  };

  const draw = (tag: string, parent: Element, more: Record<string, string | number>): Element => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(more)) element.setAttribute(name, String(value));
    return parent.appendChild(element);
  };

  /** The page's own theme, where it says so; else the system's. */
  const isDark = (host: Element): boolean => {
    const themed = host.closest("[data-theme]")?.getAttribute("data-theme");
    const lab = document.body.getAttribute("data-jp-theme-light");
    if (themed) return themed === "dark";
    return lab ? lab === "false" : matchMedia("(prefers-color-scheme: dark)").matches;
  };

  /** An empty card in a shadow of the host, which follows the page's theme. */
  const card = (host: HTMLElement, title: string, help: string, own: string) => {
    host.dataset["ready"] = "yes";
    const root = host.attachShadow({ mode: "open" });
    make("style", root, style + own);
    const section = make("section", root, "", { tabindex: "0", "aria-label": `${title}. ${help}` });
    make("h4", section, title);
    const paint = (): void => section.setAttribute("data-theme", isDark(host) ? "dark" : "light");
    paint();
    const themes = { attributes: true, attributeFilter: ["data-theme", "data-jp-theme-light"] };
    for (const element of [document.documentElement, document.body])
      new MutationObserver(paint).observe(element, themes);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
    return { root, section };
  };

  /** Keys of the card; those that a control has uses for are left to it. */
  const listen = (root: ShadowRoot, section: HTMLElement, keys: Record<string, () => void>): void =>
    section.addEventListener("keydown", (event) => {
      const inner = root.activeElement?.tagName ?? "";
      const own =
        inner === "SELECT" ||
        (inner === "BUTTON" && event.key === " ") ||
        (inner === "INPUT" && event.key !== " ");
      const action = keys[event.key];
      if (!action || own || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation(); // a notebook has uses of its own for these keys
      action();
    });

  const button = (
    bar: Element,
    text: string,
    label: string,
    press: () => void,
  ): HTMLButtonElement => {
    const made = make("button", bar, text, { type: "button", "aria-label": label, title: label });
    made.addEventListener("click", press);
    return made as HTMLButtonElement;
  };

  /**
   * What the buttons say and whether they lead anywhere. Who is on one that goes dead keeps the
   * keyboard, on the one that plays.
   */
  const setButtons = (
    { back, run, forward }: Record<"back" | "run" | "forward", HTMLButtonElement>,
    { isFirst, isLast, plays }: Record<"isFirst" | "isLast" | "plays", boolean>,
  ): void => {
    const isLeft = (isFirst && back.matches(":focus")) || (isLast && forward.matches(":focus"));
    back.disabled = isFirst;
    forward.disabled = isLast;
    if (isLeft) run.focus();
    const ready = isLast ? "↻ play again" : "▶ play";
    run.textContent = plays ? "❚❚ pause" : ready;
  };

  return { make, draw, card, listen, button, setButtons };
}
