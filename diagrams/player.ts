import type { Header, Hop, Journey, Step } from "stopover";
import type { Page } from "./picture.js";
import { journey, roleOf, titleOf } from "./journey.js";
import { play, type Frame, type Place } from "./player-page.js";
import { steps } from "./table.js";
import { html, scriptJson } from "./text.js";
import { roles } from "./theme.js";

/** Where `show` puts the still picture into a page. */
export const stillMark = "<!--still-->";

/**
 * A journey to step through: play, back, forward, with the packet's header changing at each rule.
 * One piece of HTML, without network or library; arrow keys, space, Home and End work. Where
 * scripts do not run, the picture and the table of steps stand there instead.
 */
export function player(trip: Journey): Page {
  const places = [...trip.hops, ...trip.reply].map((hop): Place => ({
    title: titleOf(hop),
    fill: roles[roleOf(hop)].fill,
    stroke: roles[roleOf(hop)].stroke,
  }));
  const frames = framesOf(trip),
    title = `${trip.request.url || "A packet"} from ${trip.request.from}: ${trip.disposition}`;
  const table = steps(trip, { reply: true });
  const id = `stopover-${fingerprint(JSON.stringify([title, frames]))}`;
  return {
    kind: "html",
    title,
    text: table.text,
    still: journey(trip),
    html: `<div id="${id}"><div>${stillMark}<details><summary>${html(title)}, step by step</summary>${table.html}</details></div></div>
<script>(${play.toString()})(${scriptJson(id)}, ${scriptJson(title)}, ${scriptJson(places)}, ${scriptJson(frames)}, ${trip.hops.length})</script>`,
  };
}

/** One picture of the film for each step; a hop without steps is one too. */
export function framesOf(trip: Journey): Frame[] {
  const frames: Frame[] = [];
  [...trip.hops, ...trip.reply].forEach((hop, place) => {
    let header = hop.in;
    const list: (Step | undefined)[] = hop.steps.length ? hop.steps : [undefined];
    list.forEach((step, i) => {
      const before = header;
      header = i === list.length - 1 && hop.kind !== "dns" ? hop.out : after(header, step);
      frames.push({
        place,
        before: addressesOf(before),
        after: addressesOf(header),
        ...wordsFor(hop, step, place < trip.hops.length),
      });
    });
  });
  frames.push({
    ...frames.at(-1)!,
    before: frames.at(-1)!.after,
    action: trip.disposition,
    where: "",
    rule: trip.reason,
    why: "",
  });
  return frames;
}

function wordsFor(
  hop: Hop,
  step: Step | undefined,
  asking: boolean,
): Pick<Frame, "action" | "where" | "rule" | "why"> {
  if (!step)
    return {
      action:
        hop.kind === "client"
          ? asking
            ? "send"
            : "receive"
          : hop.kind === "pod" && !asking
            ? "answer"
            : "pass on",
      where: "",
      rule: "",
      why: "",
    };
  return {
    action: step.action,
    where: [step.table, step.chain].filter(Boolean).join(" "),
    rule: step.rule ?? step.note ?? "",
    why: step.object ?? (step.rule ? (step.note ?? "") : ""),
  };
}
/** The header once a translation is done: whichever address was `before` is `after`. */
function after(header: Header, step: Step | undefined): Header {
  if (!step?.before || !step.after || !["dnat", "snat"].includes(step.action)) return header;
  return step.action === "dnat"
    ? { ...header, destination: step.after }
    : { ...header, source: step.after };
}
function addressesOf({ source, destination, protocol }: Header): [string, string, string] {
  return [source, destination, protocol];
}

/**
 * FNV-1a, 32 bits: two players in a page must not share an id, and the same journey must always
 * give the same page.
 */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}
