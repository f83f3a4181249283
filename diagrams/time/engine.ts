/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * The part of a film that runs in the reader's page: a slider moves a cursor along the bands, and
 * the map beside them shows what was there at that moment. Written into a script as text: it uses
 * nothing from outside but `tools`.
 */
import type { Tools } from "../player/tools.js";

export interface Moment {
  /** "57 s" */
  time: string;
  /** What happened since the moment before. */
  says: string[];
  /** Where requests end: who, which share, whether that is a failure. */
  shares: [string, string, boolean][];
  /** The pieces of its map, wide and stacked. */
  maps: number[][];
}

export interface Reel {
  title: string;
  moments: Moment[];
  /** SVG text that the maps share. */
  pieces: string[];
  /** Wide, stacked: the bands, and where on them each moment is. */
  strips: { svg: string; xs: number[]; top: number; bottom: number }[];
}

/** Brings a film to life in this element. */
export function roll(host: HTMLElement, reel: Reel, tools: Tools): void {
  const { make, draw, card, listen, button, setButtons } = tools;
  const { title, moments, pieces, strips } = reel;
  const { root, section } = card(
    host,
    title,
    "Step with the arrow keys, play with space.",
    `
ul { list-style: none; margin: 4px 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: 2px 18px } li { white-space: nowrap } .lost { font-weight: 700 } .now { min-height: 92px }
.cursor { stroke: var(--way); stroke-width: 3 } .strip rect[data-at] { fill: transparent; cursor: pointer }
@media (forced-colors: active) { .cursor { stroke: Highlight } }`,
  );

  const shapes = ["wide", "narrow"];
  const maps = moments[0]?.maps.length
    ? shapes.map((shape) => make("div", section, "", { class: `map ${shape}` }))
    : [];
  const bar = make("div", section, "", { class: "bar", role: "group", "aria-label": "player" });
  const cursors = strips.map(({ svg, xs, top, bottom }, i) => {
    const box = make("div", section, "", { class: `strip ${shapes[i]}` });
    box.innerHTML = svg;
    const picture = box.querySelector("svg")!;
    const right = Number(picture.getAttribute("viewBox")?.split(" ")[2] ?? 0);
    xs.forEach((x, at) => {
      const width = (xs[at + 1] ?? right) - x;
      draw("rect", picture, { "data-at": at, x, y: top, width, height: bottom - top }) //
        .addEventListener("click", () => (stop(), show(at)));
    });
    return draw("line", picture, { class: "cursor", y1: top - 6, y2: bottom });
  });
  const now = make("div", section, "", { class: "now" });
  const said = make("div", section, "", { class: "said", role: "status", "aria-live": "polite" });

  let at = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  const step = (by: number): void => {
    stop();
    show(at + by);
  };
  const toggle = (): void => {
    if (timer !== undefined) return (stop(), show(at));
    if (at === moments.length - 1) at = -1;
    next();
  };
  const next = (): void => {
    const more = host.isConnected && at < moments.length - 2;
    timer = more ? setTimeout(next, 1800) : undefined;
    show(at + 1);
  };
  const back = button(bar, "◀ back", "one moment back (left arrow)", () => step(-1));
  const run = button(bar, "▶ play", "play or pause (space)", toggle);
  const forward = button(bar, "forward ▶", "one moment forward (right arrow)", () => step(1));
  const range = make("input", bar, "", {
    type: "range",
    min: "0",
    max: String(moments.length - 1),
    "aria-label": "moment",
  }) as HTMLInputElement;
  range.addEventListener("input", () => (stop(), show(Number(range.value))));
  const clock = make("output", bar);

  const show = (to: number): void => {
    at = Math.max(0, Math.min(moments.length - 1, to));
    const moment = moments[at]!;
    maps.forEach((box, i) => {
      box.innerHTML = moment.maps[i]!.map((piece) => pieces[piece]).join("");
    });
    cursors.forEach((cursor, i) => {
      cursor.setAttribute("x1", String(strips[i]!.xs[at]));
      cursor.setAttribute("x2", String(strips[i]!.xs[at]));
    });
    range.value = String(at);
    range.setAttribute("aria-valuetext", moment.time);
    clock.textContent = moment.time;
    const plays = timer !== undefined;
    const isLast = at === moments.length - 1;
    setButtons({ back, run, forward }, { isFirst: at === 0, isLast, plays });
    host.dataset["step"] = String(at);
    now.replaceChildren();
    make("b", now, `At ${moment.time}`);
    const list = make("ul", now);
    for (const [end, share, isLost] of moment.shares)
      make("li", list, `${end}: ${share}`, isLost ? { class: "lost" } : {});
    for (const event of moment.says) make("div", now, `${event}.`, { class: "event" });
    const shares = moment.shares.map(([end, share]) => `${end} ${share}`).join(", ");
    said.textContent = `Moment ${at + 1} of ${moments.length}, ${moment.time}. ${shares}. ${moment.says.join(". ")}`;
  };
  listen(root, section, {
    ArrowRight: () => step(1),
    ArrowLeft: () => step(-1),
    j: () => step(1),
    k: () => step(-1),
    Home: () => (stop(), show(0)),
    End: () => (stop(), show(moments.length - 1)),
    " ": toggle,
  });
  show(0);
}
