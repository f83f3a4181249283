// Below an exercise that the reader has tried, a button that shows a solution. It is loaded when
// the button is pressed: the page itself does not hold it.

import { button, element, loadScripts } from "./page.mjs";

/** Which exercise a cell answers. */
const asks = /\bcheck\(\s*"(\d\d\.\d+)"/;

/**
 * @param {{ source: string, text: string, below: HTMLElement }} cell `source` is what the book
 *   printed: where the text still is the same, nothing has been tried
 */
export function offerSolution({ source, text, below }) {
  const file = document.documentElement.dataset.solutions;
  const exercise = asks.exec(source)?.[1];
  if (!file || !exercise || text === source) return;
  const box = element("div", { className: "solution" });
  const show = button("Show a solution", `Show a solution of exercise ${exercise}`, () => {
    void loadScripts(file).then(() => {
      const { stopoverSolutions } = /** @type {{ stopoverSolutions?: Record<string, string> }} */ (
        globalThis
      );
      box.innerHTML = stopoverSolutions?.[exercise] ?? "There is none in this copy of the book.";
    });
  });
  box.append(show);
  below.append(box);
}
