/**
 * A look for `cluster.film`: where requests end now, and beside it, out of the tables' sight, what
 * the map shows at this moment.
 */
import type { Outcomes } from "stopover";
import type { MapData } from "../map/data.js";
import { mapOf, type MapSource } from "../map/source.js";

/** Under this key a row of a film keeps its map: tables and comparisons do not see symbols. */
const mapKey = Symbol("map");

/** Where requests end, as `cluster.shares` says; a map of that moment is kept with it. */
export type Look = Record<string, number>;

/** The map of a row that was taken with `watch`. */
export function mapIn(row: object): MapData | undefined {
  return (row as { [mapKey]?: MapData })[mapKey];
}

interface From {
  from?: string;
}
/** What has a map and can be asked for all ways. */
export type Watched = MapSource & {
  outcomes(url: string, options?: From): Outcomes;
  shares(url: string, options?: From): Record<string, number>;
};

/**
 * Where requests for `url` end, moment by moment: hand it to `cluster.film`, and that one's rows to
 * `film`.
 *
 *     const minutes = cluster.film("8m", watch(cluster, url), "1s");
 *     show(film(minutes));
 */
export function watch(cluster: Watched, url: string, options: From = {}): () => Look {
  // a getter: the film copies a look that it keeps, and only then is the map made, at that moment
  const map = {
    enumerable: true,
    get: () => mapOf(cluster, { outcomes: cluster.outcomes(url, options) }),
  };
  return () => Object.defineProperty(cluster.shares(url, options), mapKey, map);
}
