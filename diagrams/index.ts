/**
 * Pictures of a Stopover cluster, of its control plane and of the journeys through it.
 *
 *     import { show, topology, journey } from "@stopover/diagrams";
 *     show(topology(cluster, { journey: trip }));
 *
 * All functions but `show`, `png` and `svg` are pure: they answer a picture as plain data (mermaid,
 * vega-lite or HTML).
 */
export type { Lister } from "./objects.js";
export { topology, type TopologyOptions } from "./topology.js";
export { map } from "./map/map.js";
export { moving } from "./map/moving.js";
export { inline } from "./svg/inline.js";
export { matrix } from "./map/matrix.js";
export type { MapOptions, MapSource } from "./map/source.js";
export { journey } from "./journey.js";
export { outcomes } from "./outcomes.js";
export { sequence } from "./sequence.js";
export { controlPlane, historySequence, type Subject } from "./control-plane.js";
export { stopOver } from "./stop-over.js";
export { lanes } from "./lanes/svg.js";
export { lanesText, type LanesTextOptions } from "./lanes/text.js";
export { rules, serviceRules } from "./rules.js";
export { player } from "./player/player.js";
export { doors, ladder } from "./ladder.js";
export { legend } from "./legend.js";
export { bookMap } from "./book-map.js";
export { spread, timeline, cost, type CostPoint } from "./charts.js";
export { sharesOverTime, type FilmEvent } from "./film.js";
export { film } from "./time/film.js";
export { watch, type Look } from "./time/watch.js";
export { table, objects, journeys, steps, ruleList, type TableOptions } from "./table.js";
export { show, bundleOf, textOf, toPicture, type Bundle, type Showable } from "./show.js";
export { png, svg, check } from "./draw.js";
export type { Drawn } from "./picture.js";
export type { Picture, Mermaid, Chart, Svg, Table, Page } from "./picture.js";
