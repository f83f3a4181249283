/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * The part of the player that runs in the reader's page. It is written into a script as text, so it
 * may use nothing from outside itself but `tools`.
 */
import type { Tools } from "./tools.js";

/** One frame: where the packet is, what it says, and why. */
export interface Shot {
  /** 0: there, 1: back. */
  side: 0 | 1;
  /** Which visit of that way; -1: DNS. */
  visit: number;
  /** The place's name on the map, as in its `data-is`. */
  is: string;
  station: string;
  zoom: 0 | 1 | 2;
  title: string;
  /** Machine, hook, chain. */
  where: string;
  /** Comment, match, verdict; empty where no rule is met. */
  rule: string[];
  why: string;
  /** Field, before, after. */
  header: string[][];
  /** The capsule's lines, each with its width. */
  capsule: [string, number][];
}
export interface Way {
  /** Where the packet stands at each visit. */
  spots: [number, number][];
  /** The corners of the line to the next one. */
  legs: [number, number][][];
}
export interface Stage {
  svg: string;
  ways: [Way, Way];
  dns: [number, number] | undefined;
  /** Where it was lost. */
  end: [number, number] | undefined;
}
export interface Film {
  title: string;
  shots: Shot[];
  /** The disposition of a journey that went wrong. */
  ended: string;
  /** Wide, stacked. */
  stages: Stage[];
}

/** Brings a journey to life in this element. */
export function play(host: HTMLElement, film: Film, tools: Tools): void {
  const { shots } = film;
  const { make, draw, card: cardIn, listen, button: buttonIn, setButtons } = tools;
  const { root, section: card } = cardIn(
    host,
    film.title,
    "Step with the arrow keys, play with space.",
    `
[data-known] { cursor: pointer }
ol { list-style: none; display: flex; flex-wrap: wrap; gap: 4px; margin: 8px 0; padding: 0 } li { display: flex; align-items: center; color: var(--soft) }
li button { padding: 1px 8px; min-height: 28px; border-color: var(--line) } [aria-current] { border-color: var(--way) !important; box-shadow: inset 0 0 0 1px var(--way) } .back [aria-current] { border-color: var(--back) !important; box-shadow: inset 0 0 0 1px var(--back) }
.now { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 4fr); gap: 4px 20px; min-height: 150px; align-content: start }
code, dd { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; overflow-wrap: anywhere }
code { display: block; margin: 4px 0 } code b { font-weight: 700 } dl { display: grid; grid-template-columns: 7em minmax(0, 1fr); gap: 2px 8px; margin: 0; align-content: start } dt { color: var(--soft) } dd { margin: 0 } dd:only-child { grid-column: 1 / -1 }
mark { background: var(--changed); color: inherit; font-weight: 700; padding: 0 3px; border-radius: 3px } s { color: var(--soft) }
.packet rect { fill: var(--paper); stroke: var(--way); stroke-width: 2.5 } .packet circle { fill: var(--way); stroke: var(--paper); stroke-width: 2 } .packet path { stroke: var(--way); stroke-width: 1.5; fill: none } .packet text { fill: var(--ink); font-family: "Open Sans", system-ui, sans-serif }
.packet.back rect { stroke: var(--back); stroke-dasharray: 6 3 } .packet.back circle { fill: var(--back) } .packet.back path { stroke: var(--back) } .packet.lost rect, .packet.lost circle { stroke: #c1121f } .packet.lost circle { fill: #c1121f }
@container (max-width: 859px) { .now { grid-template-columns: minmax(0, 1fr) } }
@container (min-width: 700px) and (max-width: 859px) { section { display: grid; grid-template-columns: 380px minmax(0, 1fr); gap: 0 16px; align-items: start } h4, .stage { grid-column: 1 / -1 } .stage.narrow { grid-column: 1; grid-row: 2 / span 4 } }
@container (max-width: 699px) { section { padding: 10px 8px } .below { position: sticky; bottom: 0; background: var(--paper); border-top: 1px solid var(--line); max-height: 46vh; overflow: auto; padding-bottom: 4px } }
@media (forced-colors: active) { .packet rect { stroke: Highlight } .packet circle { fill: Highlight } }
@media print { ol { display: none } }`,
  );

  // ---- the map, and the packet on it ----

  const packets = film.stages.map((stage, i) => {
    const box = make("div", card, "", { class: `stage ${i ? "narrow" : "wide"}` });
    box.innerHTML = stage.svg;
    const svg = box.querySelector("svg")!;
    for (const element of svg.querySelectorAll("[data-is]"))
      if (shots.some(({ is }) => is === element.getAttribute("data-is")))
        element.setAttribute("data-known", "");
    svg.addEventListener("click", ({ target }) => {
      const is = (target as Element).getAttribute("data-is");
      if (is) jump(is);
    });
    const group = draw("g", svg, { class: "packet", "aria-hidden": "true" });
    return { stage, svg, group };
  });

  /** Where the packet is in a frame, on one of the shapes. */
  const spotOf = (stage: Stage, { side, visit }: Shot, last: boolean): [number, number] => {
    if (last && stage.end) return stage.end;
    return visit < 0 ? (stage.dns ?? stage.ways[0].spots[0]!) : stage.ways[side].spots[visit]!;
  };
  /** The corners of its way from one frame to another. */
  const wayBetween = (stage: Stage, from: number, to: number): [number, number][] => {
    const [a, b] = [shots[from]!, shots[to]!];
    const ends = [
      spotOf(stage, a, from === shots.length - 1),
      spotOf(stage, b, to === shots.length - 1),
    ];
    if (a.side !== b.side || a.visit < 0 || b.visit < 0 || Math.abs(to - from) > 60)
      return a.side === b.side ? ends : [ends[1]!];
    const [low, high] = a.visit < b.visit ? [a.visit, b.visit] : [b.visit, a.visit];
    const corners = stage.ways[a.side].legs.slice(low, high).flat();
    if (a.visit > b.visit) corners.reverse();
    return [ends[0]!, ...corners, ends[1]!];
  };
  const none = "no packet yet";
  const isNone = ({ capsule: [first] }: Shot): boolean => first?.[0] === none;
  /** Where the capsule lies beside the packet: where it hides the fewest words. */
  const besideOf = (
    { svg }: (typeof packets)[number],
    [x, y]: [number, number],
    { capsule }: Shot,
  ): [number, number] => {
    const [, , width, height] = svg.getAttribute("viewBox")!.split(" ").map(Number);
    const [w, h] = [Math.max(...capsule.map(([, each]) => each)) + 20, capsule.length * 18 + 10];
    const words = [
      ...svg.querySelectorAll<SVGTextElement>(":scope > text, :scope > :not(.packet) text"),
    ].map((text) => text.getBBox());
    let best: [number, number] = [0, 0];
    let least = Infinity;
    for (const [dx, dy] of [
      [-w / 2, -h - 18],
      [-w - 18, -h / 2],
      [-w / 2, 18],
      [18, -h / 2],
      [-w - 8, 14],
      [-w - 8, -h - 14],
      [8, 14],
      [8, -h - 14],
      [-w - 8, 40],
      [8, 40],
    ]) {
      const left = Math.max(3, Math.min(width! - w - 3, x + dx!));
      const top = Math.max(3, Math.min(height! - h - 3, y + dy!));
      const covers = (box: { x: number; y: number; width: number; height: number }) =>
        Math.max(0, Math.min(left + w, box.x + box.width) - Math.max(left, box.x)) *
        Math.max(0, Math.min(top + h, box.y + box.height) - Math.max(top, box.y));
      const hidden =
        words.reduce((sum, box) => sum + covers(box), 0) +
        4 * covers({ x: x - 9, y: y - 9, width: 18, height: 18 });
      if (hidden < least - 1) [least, best] = [hidden, [left - x, top - y]];
    }
    return best;
  };
  const place = (
    { svg, group }: (typeof packets)[number],
    [x, y]: [number, number],
    shot: Shot,
    [dx, dy]: [number, number],
  ): void => {
    const [, , width, height] = svg.getAttribute("viewBox")!.split(" ").map(Number);
    const w = Math.max(...shot.capsule.map(([, each]) => each)) + 20;
    const h = shot.capsule.length * 18 + 10;
    const left = Math.max(3, Math.min(width! - w - 3, x + dx));
    const top = Math.max(3, Math.min(height! - h - 3, y + dy));
    group.replaceChildren();
    const lost = at === shots.length - 1 && film.ended ? " lost" : "";
    group.setAttribute("class", `packet${shot.side ? " back" : ""}${lost}`);
    if (isNone(shot)) {
      draw("circle", group, { cx: x, cy: y, r: 8 }); // words would only hide others
      return;
    }
    draw("path", group, { d: `M${x} ${y}L${left + w / 2} ${top + h / 2}` });
    draw("circle", group, { cx: x, cy: y, r: 8 });
    draw("rect", group, { x: left, y: top, width: w, height: h, rx: Math.min(17, h / 2) });
    shot.capsule.forEach(([line, size], i) => {
      const text = draw("text", group, {
        x: left + w / 2,
        y: top + 18 + i * 18,
        "text-anchor": "middle",
        textLength: size,
        lengthAdjust: "spacingAndGlyphs",
      });
      text.textContent = line;
    });
  };

  // ---- the controls, and what is said ----

  const below = make("div", card, "", { class: "below" });
  const bar = make("div", below, "", { class: "bar", role: "group", "aria-label": "player" });
  const button = (text: string, label: string, press: () => void) =>
    buttonIn(bar, text, label, press);
  const back = button("◀ back", "one step back (left arrow)", () => step(-1));
  const run = button("▶ play", "play or pause (space)", () => toggle());
  const forward = button("forward ▶", "one step forward (right arrow)", () => step(1));
  const slider = make("input", bar, "", { type: "range", min: "0", "aria-label": "step" });
  const range = slider as HTMLInputElement;
  const counter = make("output", bar);
  const select = make("select", bar, "", { "aria-label": "how much is shown" });
  ["stations", "changes", "every rule"].forEach((name, i) =>
    make("option", select, name, { value: String(i) }),
  );
  const zoomed = select as HTMLSelectElement;
  const list = make("ol", card, "", { "aria-label": "stations" });
  const now = make("div", below, "", { class: "now" });
  const said = make("div", card, "", { class: "said", role: "status", "aria-live": "polite" });

  let [at, zoom] = [0, 0];
  /** The numbers of the frames that this zoom shows. */
  let shown: number[] = [];
  const choose = (): void => {
    shown = shots.flatMap(({ zoom: own }, i) => {
      const changes = zoom === 1 && own === 0 && i > 0 && i < shots.length - 1;
      return own <= zoom && !changes ? [i] : [];
    });
  };
  const stations: { first: number; press: HTMLElement }[] = [];
  let [station, side] = ["", -1];
  shots.forEach((shot, i) => {
    const own = `${shot.side} ${shot.is}`;
    if (shot.zoom || own === station) return;
    const item = make("li", list, "", shot.side ? { class: "back" } : {});
    if (shot.side !== side) item.append(shot.side ? "and back: " : "there: ");
    [station, side] = [own, shot.side];
    const press = make("button", item, shot.station, { type: "button" });
    press.addEventListener("click", () => {
      stop();
      show(i);
    });
    stations.push({ first: i, press });
  });

  const say = (shot: Shot): void => {
    now.replaceChildren();
    const text = make("div", now);
    make("b", text, shot.title);
    make("div", text, shot.where, { class: "soft" });
    if (shot.rule.length) {
      const code = make("code", text);
      const [comment, match, verdict] = shot.rule;
      if (comment) make("span", code, `${comment} `, { class: "soft" });
      if (match) make("span", code, `${match} `);
      make("b", code, verdict);
    }
    make("div", text, shot.why);
    const header = make("dl", now);
    for (const [name, before, after] of shot.header) {
      make("dt", header, name);
      const value = make("dd", header);
      if (before && before !== after) {
        make("s", value, before);
        value.append(" ");
      }
      make(before === after || !before ? "span" : "mark", value, after);
    }
    if (!shot.header.length) make("dd", header, none, { class: "soft" });
  };

  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let moving = 0;
  const show = (to: number): void => {
    const from = at;
    at = Math.max(0, Math.min(shots.length - 1, to));
    const shot = shots[at]!;
    const index = Math.max(
      0,
      shown.findLastIndex((i) => i <= at),
    );
    range.max = String(shown.length - 1);
    range.value = String(index);
    counter.textContent = `${index + 1} / ${shown.length}`;
    const plays = timer !== undefined;
    const isLast = at === shots.length - 1;
    setButtons({ back, run, forward }, { isFirst: at === 0, isLast, plays });
    host.dataset["step"] = String(at);
    const current = stations.findLast(({ first }) => first <= at);
    for (const each of stations)
      each === current
        ? each.press.setAttribute("aria-current", "step")
        : each.press.removeAttribute("aria-current");
    say(shot);
    const rule = shot.rule.length ? `. Rule: ${shot.rule.filter(Boolean).join(", ")}` : "";
    said.textContent = `Step ${index + 1} of ${shown.length}. ${shot.title}. ${shot.where}${rule}. ${shot.capsule.map(([line]) => line).join(" ")}. ${shot.why}`;
    move(from);
  };
  const move = (from: number): void => {
    cancelAnimationFrame(moving);
    const shot = shots[at]!;
    const last = at === shots.length - 1;
    const ways = packets.map(({ stage }) => wayBetween(stage, from, at));
    const spots = packets.map(({ stage }) => spotOf(stage, shot, last));
    const sides = packets.map((each, i) => besideOf(each, spots[i]!, shot));
    const finish = (): void => {
      packets.forEach((each, i) => place(each, spots[i]!, shot, sides[i]!));
      // on a phone the map is longer than the screen
      if (from !== at && card.clientWidth < 700)
        packets[1]?.group.querySelector("circle")?.scrollIntoView({ block: "center" });
    };
    if (still.matches || from === at || ways.every((way) => way.length < 2)) return finish();
    const begun = performance.now();
    const tick = (time: number): void => {
      const part = Math.min(1, Math.max(0, (time - begun) / 900));
      if (part >= 1) return finish();
      const eased = part < 0.5 ? 2 * part * part : 1 - (2 - 2 * part) ** 2 / 2;
      packets.forEach((each, i) => place(each, along(ways[i]!, eased), shot, sides[i]!));
      moving = requestAnimationFrame(tick);
    };
    moving = requestAnimationFrame(tick);
  };
  /** The point that lies this part of the way along these corners. */
  const along = (corners: [number, number][], part: number): [number, number] => {
    const sizes = corners
      .slice(1)
      .map(([x, y], i) => Math.hypot(x - corners[i]![0], y - corners[i]![1]));
    let left = part * sizes.reduce((sum, size) => sum + size, 0);
    for (let i = 0; i < sizes.length; i++) {
      if (left > sizes[i]!) {
        left -= sizes[i]!;
        continue;
      }
      const [[x0, y0], [x1, y1]] = [corners[i]!, corners[i + 1]!];
      const share = sizes[i] ? left / sizes[i]! : 0;
      return [x0 + (x1 - x0) * share, y0 + (y1 - y0) * share];
    }
    return corners.at(-1)!;
  };

  // ---- what the reader does ----

  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  const neighbour = (by: number): number | undefined =>
    by > 0 ? shown.find((i) => i > at) : shown.findLast((i) => i < at);
  const step = (by: number): void => {
    stop();
    show(neighbour(by) ?? at);
  };
  const next = (): void => {
    const to = host.isConnected ? neighbour(1) : undefined;
    timer = to === undefined ? undefined : setTimeout(next, zoom === 2 ? 1600 : 2400);
    show(to ?? at);
  };
  const toggle = (): void => {
    if (timer !== undefined) {
      stop();
      return show(at);
    }
    if (at === shots.length - 1) at = 0;
    next();
  };
  /** To a place on the map: its next frame from here on, else its first one. */
  const jump = (is: string): void => {
    const later = shots.findIndex((shot, i) => i > at && shot.is === is && shot.zoom <= zoom);
    const first = later < 0 ? shots.findIndex((shot) => shot.is === is) : later;
    if (first < 0) return;
    stop();
    show(first);
  };
  const setZoom = (to: number): void => {
    zoom = Math.max(0, Math.min(2, to));
    zoomed.value = String(zoom);
    choose();
    show(shown.findLast((i) => i <= at) ?? at);
  };
  range.addEventListener("input", () => (stop(), show(shown[Number(range.value)]!)));
  zoomed.addEventListener("change", () => (stop(), setZoom(Number(zoomed.value))));
  const keys: Record<string, () => void> = {
    ArrowRight: () => step(1),
    ArrowLeft: () => step(-1),
    j: () => step(1),
    k: () => step(-1),
    Home: () => (stop(), show(0)),
    End: () => (stop(), show(shots.length - 1)),
    "1": () => setZoom(0),
    "2": () => setZoom(1),
    "3": () => setZoom(2),
    " ": toggle,
  };
  listen(root, card, keys);
  choose();
  show(0);
}
