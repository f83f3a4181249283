import type { Svg } from "../picture.js";
import { describe, svgOf } from "./draw.js";
import { mapOf, type MapOptions, type MapSource } from "./source.js";

/**
 * The map: one Service's stop-overs on the machines where they are, and what is believed and true
 * of each. With a journey its way there and back; with outcomes every way and its share.
 *
 *     show(map(cluster, { journey: trip }));
 *     show(map(cluster, { outcomes: cluster.outcomes(url) }));
 */
export function map(source: MapSource, options: MapOptions = {}): Svg {
  const data = mapOf(source, options);
  return {
    kind: "svg",
    title: data.title,
    text: `${data.title}\n\n${[data.caption, describe(data)].filter(Boolean).join("\n")}`,
    svg: svgOf(data, "wide"),
    stacked: svgOf(data, "stacked"),
  };
}
