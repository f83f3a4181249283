import type { Journey } from "stopover";
import type { MapData } from "../map/data.js";
import { map } from "../map/map.js";
import { mapOf, type MapSource } from "../map/source.js";
import { sourceOf } from "../map/from-trip.js";
import type { Page } from "../picture.js";
import { steps } from "../table.js";
import { html, scriptJson } from "../text.js";
import { play } from "./engine.js";
import { filmOf } from "./film.js";

/** Where `show` puts the still picture into a page. */
export const stillMark = "<!--still-->";

/**
 * The packet on the map: play, step, scrub, or click a place. One piece of HTML, without network or
 * library; the arrow keys, j and k, space, Home and End work. Where scripts do not run, the map and
 * the table of steps stand there instead.
 *
 * `cluster`: whose map it is; without it the map shows only what the journey itself met.
 */
export function player(trip: Journey, cluster: MapSource = sourceOf(trip)): Page {
  const data = mapOf(cluster, { journey: trip });
  const table = steps(trip, { reply: true });
  const film = filmOf(trip, data);
  const id = `stopover-${fingerprint(JSON.stringify(film.shots))}`;
  return {
    kind: "html",
    title: data.title,
    text: table.text,
    still: map(cluster, { journey: trip }),
    html: `<div id="${id}"><div>${stillMark}<details><summary>${html(summaryOf(data))}</summary>${table.html}</details></div></div>
<script>${engine}(${scriptJson(id)}, ${scriptJson(film)})</script>`,
  };
}

/** The engine as a script's text: a function that takes an element's id and a film. */
export const engine = `(${play.toString()})`;

function summaryOf({ title }: MapData): string {
  return `${title}, step by step`;
}

/**
 * FNV-1a, 32 bits: two players in a page must not share an id, and the same journey must always
 * give the same page.
 */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text))
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}
