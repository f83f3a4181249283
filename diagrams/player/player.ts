import type { Journey } from "stopover";
import { sourceOf } from "../map/from-trip.js";
import { map } from "../map/map.js";
import { mapOf, type MapSource } from "../map/source.js";
import type { Page } from "../picture.js";
import { steps } from "../table.js";
import { filmOf } from "./film.js";
import { folded, pageOf } from "./script.js";

/**
 * The packet on the map: play, step, scrub, or click a place; the arrow keys, j and k, space, Home
 * and End work. Where scripts do not run, the map and the table of steps stand there instead.
 *
 * `cluster`: whose map it is; without it the map shows only what the journey itself met.
 */
export function player(trip: Journey, cluster: MapSource = sourceOf(trip)): Page {
  const data = mapOf(cluster, { journey: trip });
  const table = steps(trip, { reply: true });
  return pageOf("play", filmOf(trip, data), {
    title: data.title,
    text: table.text,
    still: map(cluster, { journey: trip }),
    below: folded(`${data.title}, step by step`, table.html),
  });
}
