/**
 * The one script that brings pages to life which move: it lies beside the pages, and no output
 * holds it.
 */
import { roll } from "../time/engine.js";
import { play } from "./engine.js";
import { sort } from "./sort.js";
import { tools } from "./tools.js";

/**
 * The engine as a script: `stopover()` brings all pages to life that do not live yet. It may be run
 * twice.
 */
export const engineScript = `globalThis.stopover ??= (() => {
const engines = { play: ${play.toString()}, roll: ${roll.toString()}, sort: ${sort.toString()} };
const tools = (${tools.toString()})();
// while a page is read, what has begun is not yet whole
document.addEventListener("DOMContentLoaded", () => stopover());
return () => {
  if (document.readyState === "loading") return;
  for (const host of document.querySelectorAll("[data-stopover]:not([data-ready])")) {
    const data = host.querySelector("script[type='application/json']");
    engines[host.dataset.stopover]?.(host, data && JSON.parse(data.textContent), tools);
  }
};
})();
stopover();
`;
