// The places of a map where a shell can be had: a row of buttons below it, and the map itself.
// The terminal's own script is loaded at the first click.

import { button, element, loadScripts } from "./page.mjs";

/** @typedef {import("./session.mjs").Session} Session */
/** @typedef {{ cluster: number, names: string[] }} Places named as in the map's `data-is` */

/** So many have a button of their own; the others are on the map. */
const most = 12;

/** @param {Places} places */
export function stationsBelow({ cluster, names }) {
  const row = element("p", { className: "stations" });
  row.dataset.cluster = String(cluster);
  row.append("Type at:");
  for (const name of names.slice(0, most)) {
    const label = labelOf(name);
    const at = button(label, `Open a terminal at ${label}`, () => {});
    at.dataset.is = name;
    row.append(at);
  }
  return row;
}

/** "pod default/nginx-…" is nginx-…, "node node-a" is node-a. @param {string} name */
const labelOf = (name) => name.replace(/^(pod [^/]*\/|node )/, "");

/** @param {Session} session */
export function openAtStations(session) {
  document.addEventListener("click", (event) => {
    const { target, clientX, clientY } = event;
    if (!(target instanceof Element)) return;
    const row = target.closest(".stations") ?? target.closest(".rich")?.nextElementSibling;
    const section = row?.closest(".cell");
    if (!(row instanceof HTMLElement) || !section || !row.matches(".stations")) return;
    const there = target.closest("[data-is]") ?? placeBelow(target, clientX, clientY);
    const [, place] = /^(client|(?:node|pod) .+)$/.exec(there?.getAttribute("data-is") ?? "") ?? [];
    if (place === undefined) return;
    void loadScripts("terminal.js").then(() => {
      const { stopoverTerminal } = /** @type {any} */ (globalThis);
      const cluster = Number(row.dataset.cluster);
      stopoverTerminal({ session, section, cluster, place, label: labelOf(place) });
    });
  });
}

/**
 * A map's letters lie over its places.
 * @param {Element} target
 * @param {number} x
 * @param {number} y
 */
function placeBelow(target, x, y) {
  const map = target.closest(".som-figure");
  const all = map ? document.elementsFromPoint(x, y) : [];
  return all.find(
    (each) =>
      map?.contains(each) && /^(client|node|pod)\b/.test(each.getAttribute("data-is") ?? ""),
  );
}
