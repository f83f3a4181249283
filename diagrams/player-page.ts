/// <reference lib="dom" />
/**
 * The part of the player that runs in the reader's page: it is written into the HTML as text, so it
 * may use nothing from outside itself.
 */

export interface Place {
  title: string;
  fill: string;
  stroke: string;
}
export interface Frame {
  /** Index into the places. */
  place: number;
  /** Source, destination, protocol. */
  before: [string, string, string];
  after: [string, string, string];
  action: string;
  where: string;
  rule: string;
  why: string;
}

export function play(
  id: string,
  title: string,
  places: Place[],
  frames: Frame[],
  replyFrom: number,
): void {
  const style = `
    :host { all: initial }
    section { font: 15px/1.45 "Open Sans", system-ui, sans-serif; color: #1c1c1c; background: #fff; border: 1px solid #c8c8c8; border-radius: 8px; padding: 14px 16px; max-width: 900px; box-sizing: border-box }
    section:focus-visible, button:focus-visible, input:focus-visible { outline: 3px solid #0072b2; outline-offset: 2px }
    h4 { font-size: 16px; font-weight: 600; margin: 0 0 10px; overflow-wrap: anywhere }
    ol { display: flex; flex-wrap: wrap; gap: 6px; list-style: none; margin: 0 0 12px; padding: 0 }
    li { border: 1.5px solid; border-radius: 6px; padding: 2px 8px; font-size: 13px; opacity: .7 }
    li.seen { opacity: 1 }
    li.here { border-color: #d55e00 !important; box-shadow: 0 0 0 2px #d55e00; opacity: 1 }
    li.turn { flex-basis: 100%; border: 0; padding: 0; opacity: 1; color: #555 }
    dl { display: grid; grid-template-columns: 7.5em 1fr; gap: 4px 12px; margin: 0 0 12px; padding: 10px 12px; background: #f5f5f5; border-radius: 6px }
    dt { color: #555 } dd { margin: 0; font: 15px/1.45 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere }
    dd s { color: #767676; margin-right: .7em } dd mark { background: #fde7db; color: #1c1c1c; font-weight: 700; padding: 0 3px }
    .step { min-height: 6.2em } .step b { color: #a54800 } code { display: block; font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; white-space: pre-wrap } .why { color: #555 }
    nav { display: flex; gap: 8px; align-items: center } button { font: inherit; padding: 3px 12px; border: 1px solid #8a8a8a; border-radius: 5px; background: #fff; color: inherit; cursor: pointer } button:disabled { opacity: .45; cursor: default }
    input { flex: 1; min-width: 60px; accent-color: #d55e00 } output { min-width: 4.5em; text-align: right }`;
  const make = (tag: string, text = "", parent?: Node, more: Record<string, string> = {}) => {
    const element = document.createElement(tag);
    element.textContent = text;
    for (const [name, value] of Object.entries(more)) element.setAttribute(name, value);
    parent?.appendChild(element);
    return element;
  };
  const start = (host: HTMLElement) => {
    host.dataset["ready"] = "yes";
    const root = host.attachShadow({ mode: "open" });
    make("style", style, root);
    const card = make("section", "", root, {
      tabindex: "0",
      "aria-label": `${title}. Step with the arrow keys, play with space.`,
    });
    make("h4", title, card);
    const chips = make("ol", "", card),
      packet = make("dl", "", card),
      step = make("div", "", card, { class: "step", "aria-live": "polite" }),
      controls = make("nav", "", card);
    const marks = places.map(({ title, fill, stroke }, i) => {
      if (i === replyFrom) make("li", "and back", chips, { class: "turn" });
      return make("li", title, chips, { style: `background:${fill};border-color:${stroke}` });
    });
    const button = (text: string, label: string, press: () => void) => {
      const made = make("button", text, controls, {
        type: "button",
        "aria-label": label,
        title: label,
      }) as HTMLButtonElement;
      made.addEventListener("click", press);
      return made;
    };
    let at = 0,
      timer: number | undefined;
    const stop = () => {
      clearInterval(timer);
      timer = undefined;
      draw();
    };
    const go = (to: number) => {
      at = Math.max(0, Math.min(frames.length - 1, to));
      draw();
    };
    const toggle = () => {
      if (timer !== undefined) return stop();
      if (at === frames.length - 1) at = 0;
      timer = setInterval(
        () => (host.isConnected && at < frames.length - 1 ? go(at + 1) : stop()),
        1500,
      ) as unknown as number;
      draw();
    };
    const back = button("◀ back", "one step back (left arrow)", () => {
      stop();
      go(at - 1);
    });
    const run = button("▶ play", "play or pause (space)", toggle);
    const forward = button("forward ▶", "one step forward (right arrow)", () => {
      stop();
      go(at + 1);
    });
    const slider = make("input", "", controls, {
      type: "range",
      min: "0",
      max: String(frames.length - 1),
      "aria-label": "step",
    }) as HTMLInputElement;
    slider.addEventListener("input", () => {
      stop();
      go(Number(slider.value));
    });
    const counter = make("output", "", controls);
    const draw = () => {
      const frame = frames[at]!;
      marks.forEach((mark, i) => {
        mark.className = i === frame.place ? "here" : i < frame.place ? "seen" : "";
      });
      packet.replaceChildren();
      ["source", "destination", "protocol"].forEach((name, i) => {
        make("dt", name, packet);
        const value = make("dd", "", packet),
          old = frame.before[i]!,
          now = frame.after[i]!;
        if (old && old !== now) make("s", old, value);
        make(old === now ? "span" : "mark", now, value);
      });
      step.replaceChildren();
      const head = make("div", "", step);
      make("b", frame.action, head);
      head.append(frame.where ? ` in ${frame.where}` : "", ` · ${places[frame.place]!.title}`);
      make("code", frame.rule, step);
      if (frame.why) make("div", `because of ${frame.why}`, step, { class: "why" });
      run.textContent = timer === undefined ? "▶ play" : "❚❚ pause";
      back.disabled = at === 0;
      forward.disabled = at === frames.length - 1;
      slider.value = String(at);
      counter.textContent = `${at + 1} / ${frames.length}`;
    };
    card.addEventListener("keydown", (event) => {
      const keys: Record<string, () => void> = {
        ArrowRight: () => {
          stop();
          go(at + 1);
        },
        ArrowLeft: () => {
          stop();
          go(at - 1);
        },
        Home: () => {
          stop();
          go(0);
        },
        End: () => {
          stop();
          go(frames.length - 1);
        },
      };
      const inner = root.activeElement?.tagName;
      const action =
        event.key === " " && inner !== "BUTTON"
          ? toggle
          : inner === "INPUT"
            ? undefined
            : keys[event.key];
      if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation(); // a notebook has uses of its own for these keys
      action();
    });
    draw();
  };
  document.querySelectorAll<HTMLElement>(`[id="${id}"]:not([data-ready])`).forEach(start);
}
