import type { Journey } from "stopover";
import type { Svg } from "../picture.js";
import { frame } from "../svg/frame.js";
import { fit, lineHeight, widthOf, wrapTo } from "../svg/measure.js";
import { path, rect, text, type TextOptions } from "../svg/pen.js";
import {
  lanesOf,
  passedText,
  visitTitle,
  type Card,
  type Lane,
  type Line,
  type Visit,
} from "./lanes.js";
import { lanesText } from "./text.js";

/**
 * The rules that a packet met, in netfilter's own order: each hook a lane, each chain a card; of a
 * rule the comment is pale, the match plain, the verdict bold, and why it is there stands below.
 * `node`: only that machine's. `reply`: the answer's way back, too.
 */
export function lanes(trip: Journey, node?: string, options: { reply?: boolean } = {}): Svg {
  const visits = lanesOf(trip, { node, ...options });
  const what = trip.request.url || "the packet";
  const title = `The rules that ${what} met${node === undefined ? "" : ` on ${node}`}`;
  return {
    kind: "svg",
    title,
    text: `${title}\n\n${lanesText(trip, { node, ...options, columns: 100 })}`,
    svg: new Sheet(960, "wide").draw(title, visits),
    stacked: new Sheet(360, "stacked").draw(title, visits),
  };
}

class Sheet {
  private readonly parts: string[] = [];
  private y = 0;
  private readonly margin: number;
  /** Where cards begin: beside the lane's name, or below it. */
  private readonly left: number;

  constructor(
    private readonly width: number,
    private readonly shape: "wide" | "stacked",
  ) {
    this.margin = shape === "wide" ? 16 : 8;
    this.left = shape === "wide" ? 170 : 8;
  }

  draw(title: string, visits: readonly Visit[]): string {
    for (const line of wrapTo(title, this.width - 2 * this.margin, 17))
      this.parts.push(text(this.margin, (this.y += 24), line, { size: 17, bold: true }));
    this.y += 8;
    for (const visit of visits) this.visit(visit);
    this.y += 8;
    return frame({ width: this.width, height: this.y, title, shape: this.shape }, this.parts);
  }

  private visit(visit: Visit): void {
    this.y += 8;
    const colour = visit.side === "there" ? "way" : "back";
    this.parts.push(
      path(
        `M${this.margin} ${this.y + 4}H${this.margin + 24}`,
        colour,
        4,
        visit.side === "back" ? ' stroke-dasharray="0.1 7"' : "",
      ),
    );
    for (const line of wrapTo(visitTitle(visit), this.width - 2 * this.margin - 32)) {
      this.parts.push(text(this.margin + 32, this.y + 9, line, { bold: true }));
      this.y += lineHeight;
    }
    this.y += 4;
    for (const lane of visit.lanes) this.lane(lane);
  }

  private lane(lane: Lane): void {
    const top = this.y;
    const at = this.parts.length;
    this.y += 6;
    const name = fit(lane.name, this.left > 100 ? this.left - this.margin - 18 : this.width - 32);
    this.parts.push(text(this.margin + 8, this.y + 16, name, { colour: "soft", bold: true }));
    if (this.shape === "stacked") this.y += 22;
    for (const card of lane.cards) this.card(card);
    const box = { x: this.margin, y: top, w: this.width - 2 * this.margin, h: this.y - top };
    this.parts.splice(
      at,
      0,
      rect(box, { fill: "ground", stroke: "groundline", width: 1, is: `lane ${lane.name}` }),
    );
    this.y += 6;
  }

  private card(card: Card): void {
    const step = this.shape === "wide" ? 18 : 6;
    const x = this.left + Math.min(card.depth, 5) * step + (this.shape === "wide" ? 0 : 6);
    const w = this.width - this.margin - 8 - x;
    const [top, at] = [this.y, this.parts.length];
    this.y += 4;
    if (card.chain) this.words(x, fit(card.chain, w - 16), w, { bold: true });
    for (const line of card.lines) this.line(line, x, w);
    this.y += 6;
    const isChanging = card.lines.some((line) => line.kind !== "passed" && line.change);
    const box = { x, y: top, w, h: this.y - top };
    const look = {
      fill: "paper",
      stroke: isChanging ? "way" : "groundline",
      width: isChanging ? 2 : 1,
      radius: 6,
    } as const;
    this.parts.splice(at, 0, rect(box, { ...look, is: `card ${card.chain}` }));
    this.y += 6;
  }

  private line(line: Line, x: number, w: number): void {
    if (line.kind === "passed") return this.words(x, passedText(line), w, { colour: "soft" });
    if (line.kind === "note") {
      this.words(x, line.text, w);
      if (line.change) this.words(x, line.change, w, { bold: true });
      return;
    }
    const { parts, number, why, change } = line;
    this.rule(x, w, [`${number ?? ""} ${parts.match}`.trim(), parts.verdict], parts.comment);
    if (change) this.words(x + 14, change, w - 14, { bold: true, colour: "change" });
    if (why) this.words(x + 14, why, w - 14, { colour: "soft" });
  }

  /** Match, verdict and comment, one after the other, on as few lines as hold them. */
  private rule(x: number, w: number, [match, verdict]: [string, string], comment: string): void {
    const pieces: [string, TextOptions][] = [
      [match, {}],
      [verdict, { bold: true }],
      [comment && `“${comment}”`, { colour: "soft" }],
    ];
    let at = 0;
    for (const [words, look] of pieces) {
      if (!words) continue;
      const room = w - 16;
      if (at > 0 && at + widthOf(words) > room) [at, this.y] = [0, this.y + lineHeight];
      if (widthOf(words) <= room) {
        this.parts.push(text(x + 8 + at, this.y + 14, words, look));
        at += widthOf(words) + 9;
        continue;
      }
      this.words(x, words, w, look);
      at = 0;
    }
    if (at > 0) this.y += lineHeight;
  }

  private words(x: number, words: string, w: number, options: TextOptions = {}): void {
    for (const line of wrapTo(words, w - 16)) {
      this.parts.push(text(x + 8, this.y + 14, line, options));
      this.y += lineHeight;
    }
  }
}
