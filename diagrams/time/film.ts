import {
  endsOf,
  isFailure,
  lastOf,
  sharesText,
  short,
  timeText,
  type FilmEvent,
  type Row,
} from "../film.js";
import { svgOf } from "../map/draw.js";
import type { Page } from "../picture.js";
import { pageOf } from "../player/script.js";
import { fraction } from "../text.js";
import type { Moment, Reel } from "./engine.js";
import { eventsBetween } from "./events.js";
import { strip, type StripOptions } from "./strip.js";
import { mapIn } from "./watch.js";

/** More words than these on the bands hide them; the page says all. */
const mostEvents = 6;

/**
 * Where a request ends, moment by moment, to play and to scrub: bands over time, and beside them
 * the map of the moment, if the rows were taken with `watch`. What happened between two moments
 * stands on the bands in words: `events`, by default what changed on the map.
 *
 *     show(film(cluster.film("8m", watch(cluster, url), "1s")));
 */
export function film(
  rows: readonly Row[],
  {
    title = "Where a request ends, moment by moment",
    until,
    events,
  }: { title?: string; until?: number; events?: readonly FilmEvent[] } = {},
): Page {
  if (!rows.length) throw new Error("this film has no rows; cluster.film(…) answers at least one");
  const happened = rows.map((row, i) => eventsAt(rows[i - 1], row));
  const told = events ?? happened.flatMap((says, i) => wordsOf(rows[i]!.seconds, says));
  const options = { title, until: lastOf(rows, until), events: told.slice(0, mostEvents) };
  const reel = reelOf(rows, happened, options);
  const still = strip(rows, "wide", options).svg;
  const text = sharesText(rows, told);
  return pageOf("roll", reel, {
    title,
    text: `${title}\n\n${text}`,
    still: { kind: "svg", title, text, svg: still, stacked: strip(rows, "stacked", options).svg },
  });
}

function eventsAt(before: Row | undefined, row: Row): string[] {
  const [from, to] = [before && mapIn(before), mapIn(row)];
  return from && to ? eventsBetween(from, to) : [];
}

/** What stands on the bands of a moment: the first thing that happened, and how many more. */
function wordsOf(seconds: number, [first, ...more]: readonly string[]): FilmEvent[] {
  if (first === undefined) return [];
  return [{ seconds, says: more.length ? `${first}, and ${more.length} more` : first }];
}

function reelOf(rows: readonly Row[], happened: readonly string[][], options: StripOptions): Reel {
  const ends = endsOf(rows);
  const store = new Pieces();
  const moments = rows.map((row, i): Moment => {
    const map = mapIn(row);
    return {
      time: timeText(row.seconds),
      says: happened[i]!,
      shares: ends
        .filter((end) => row[end])
        .map((end) => [short(end), fraction(row[end]!), isFailure(end)]),
      maps: map
        ? [
            store.cut(svgOf(map, "wide", { bare: true })),
            store.cut(svgOf(map, "stacked", { bare: true })),
          ]
        : [],
    };
  });
  const bare = { ...options, bare: true };
  const strips = [strip(rows, "wide", bare), strip(rows, "stacked", bare)];
  return { title: options.title, moments, pieces: store.pieces, strips };
}

/** Maps of one film are nearly alike: each element is kept once. */
class Pieces {
  readonly pieces: string[] = [];
  private readonly numbers = new Map<string, number>();

  cut(svg: string): number[] {
    return svg.split(/(?=<(?!\/))/).map((piece) => {
      const known = this.numbers.get(piece);
      if (known !== undefined) return known;
      this.numbers.set(piece, this.pieces.push(piece) - 1);
      return this.pieces.length - 1;
    });
  }
}
