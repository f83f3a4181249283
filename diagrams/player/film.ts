/** What the player's engine plays: the frames in words, and where on both shapes of the map. */
import { printable } from "stopover/internal/net/printable";
import type { Journey } from "stopover";
import type { MapData, Place } from "../map/data.js";
import { planOf, svgOf } from "../map/draw.js";
import type { Shape } from "../map/layout.js";
import { endOf, tracksOf, type Track } from "../map/lines.js";
import { fit, widthOf } from "../svg/measure.js";
import { Lanes, Router } from "../map/route.js";
import type { Point } from "../svg/pen.js";
import { nameOfPlace } from "../map/way.js";
import { framesOf, type Frame } from "./frames.js";
import type { Film, Shot, Stage, Way } from "./engine.js";

export function filmOf(trip: Journey, data: MapData): Film {
  const shots = framesOf(trip, data).map(shotOf);
  return {
    title: data.title,
    shots,
    ended: trip.disposition === "delivered" ? "" : trip.disposition,
    stages: [stageOf(data, "wide"), stageOf(data, "stacked")],
  };
}

function shotOf(frame: Frame): Shot {
  const { before, after, rule, place, side, visit, zoom, mark, conntrack } = frame;
  const kernel = [mark && `mark ${mark}`, conntrack.replace(/ direction$/, "")].filter(Boolean);
  const asked = frame.place.at === "dns" ? frame.title.replace(/^.* asks DNS for /, "who is ") : "";
  const words = after
    ? [after[0], `to ${after[1]}`, kernel.join(" · ").replace(", original", "")]
    : [asked || "no packet yet"];
  return {
    side: side === "there" ? 0 : 1,
    visit,
    is: isOf(place),
    station: stationOf(place),
    zoom,
    title: printable(frame.title),
    where: [machineOf(place), frame.hook, frame.chain].filter(Boolean).map(printable).join(" · "),
    rule: rule ? [rule.comment, rule.match, rule.verdict].map(printable) : [],
    why: printable(frame.why),
    header: after
      ? [
          ["source", before?.[0] ?? "", after[0]],
          ["destination", before?.[1] ?? "", after[1]],
          ["protocol", frame.protocol, frame.protocol],
          ...(mark ? [["mark", mark, mark]] : []),
          ...(conntrack ? [["conntrack", conntrack, conntrack]] : []),
        ]
      : [],
    capsule: words.filter(Boolean).map((line) => {
      const short = fit(printable(line), capsuleWidth);
      return [short, Math.ceil(widthOf(short))];
    }),
  };
}

/** What fits on a phone beside the map's edges. */
const capsuleWidth = 320;

/** What the map calls this place, in `data-is`. */
function isOf(place: Place): string {
  if ("pod" in place) return `pod ${place.pod}`;
  if (!("node" in place)) return place.at;
  if (place.at === "bar") return "bar";
  if (place.at === "proc") return "process";
  return `${place.at === "door" ? "door" : "eth"} ${place.node}`;
}

function stationOf(place: Place): string {
  if ("pod" in place) return nameOfPlace(place);
  if (!("node" in place))
    return { client: "client", dns: "DNS", balancer: "load balancer" }[place.at];
  const { at, node } = place;
  if (at === "door") return `NodePort on ${node}`;
  return at === "bar" ? `ClusterIP on ${node}` : at === "edge" ? `${node}: no answer` : node;
}

function machineOf(place: Place): string {
  return "node" in place ? place.node : "pod" in place ? nameOfPlace(place) : stationOf(place);
}

function stageOf(data: MapData, shape: Shape): Stage {
  const plan = planOf(data, shape, { bare: true });
  const { there, back } = tracksOf(data.journey!, plan);
  const router = new Router(plan, new Lanes());
  const spots = (visits: readonly { place: Place }[], track: Track): [number, number][] =>
    visits.map(({ place }, i) =>
      pair(track.legs[i - 1]?.at(-1) ?? track.legs[i]?.[0] ?? router.spot(place)),
    );
  const way = ({ visits }: { visits: { place: Place }[] }, track: Track): Way => ({
    spots: spots(visits, track),
    legs: track.legs.map((points) => points.map(pair)),
  });
  const dns = router.spot({ at: "dns" });
  const end = endOf(data.journey!, there, back, plan);
  return {
    svg: svgOf(data, shape, { bare: true }),
    ways: [way(data.journey!.there, there), way(data.journey!.back, back)],
    dns: dns && pair({ x: dns.x, y: plan.dns!.y + plan.dns!.h }),
    end: end && pair(end),
  };
}

function pair(point: Point | undefined): [number, number] {
  return point ? [Math.round(point.x), Math.round(point.y)] : [0, 0];
}
