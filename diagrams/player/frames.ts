/**
 * A journey as the frames of a film: where the packet stands, what its header says there, and which
 * rule made it so. All of it is read from the journey's own hops and steps; nothing is made up.
 */
import type { Header, Hop, Journey, Step } from "stopover";
import { partsOf, type Parts } from "../lanes/parts.js";
import type { MapData, Place, Visit } from "../map/data.js";
import { nameOfPlace } from "../map/way.js";

/** From how far away a frame is seen: 0 stations, 1 changes of a header, 2 every rule. */
export type Zoom = 0 | 1 | 2;

export interface Frame {
  side: "there" | "back";
  /** Which visit of that way it is at; -1: DNS, where no packet of the connection goes. */
  visit: number;
  place: Place;
  /** Source and destination before and after; undefined while there is no packet yet. */
  before: Addresses | undefined;
  after: Addresses | undefined;
  protocol: string;
  /** The packet's mark in a node's kernel; empty elsewhere: it never leaves its machine. */
  mark: string;
  /** What that kernel's connection tracking knows of it. */
  conntrack: string;
  /** "comes", a step's action, or the disposition. */
  action: string;
  /** One line: what happens. */
  title: string;
  hook: string;
  /** "nat KUBE-SERVICES" */
  chain: string;
  rule: Parts | undefined;
  why: string;
  zoom: Zoom;
}
export type Addresses = [source: string, destination: string];

export function framesOf(trip: Journey, data: MapData): Frame[] {
  const { journey } = data;
  if (!journey)
    throw new Error("framesOf() needs a map with a journey: mapOf(cluster, { journey })");
  const film = new Film(trip);
  film.follow("there", trip.hops, journey.there.visits);
  film.follow("back", trip.reply, journey.back.visits);
  return film.end(journey.lost);
}

type Spot = Pick<Frame, "visit" | "place">;

class Film {
  private readonly frames: Frame[] = [];
  /** The packet as it is now. */
  private header: Header | undefined;
  private mark = "";
  private conntrack = "";

  constructor(private readonly trip: Journey) {}

  follow(side: Frame["side"], hops: readonly Hop[], visits: readonly Visit[]): void {
    // the packet is sent once the name is resolved, where there is one to resolve
    const sent = hops[0]?.kind !== "client" ? -1 : hops[1]?.kind === "dns" ? 1 : 0;
    hops.forEach((hop, i) => {
      const known = Math.max(
        0,
        visits.findLastIndex(({ hop: of }) => of <= i),
      );
      const own = visits.flatMap(({ hop: of, place }, visit) =>
        of === i ? [{ visit, place }] : [],
      );
      const [at = { visit: known, place: visits[known]!.place }, ...later] = own;
      if (hop.kind === "dns") this.ask(side, hop);
      else if (side === "there" && i === 0 && sent >= 0) this.wish(at);
      else this.visit(side, at, hop);
      for (const { visit, place } of later) this.passes(side, visit, place, hop);
      if (side === "there" && i === sent) this.send({ visit: 0, place: visits[0]!.place }, hops);
    });
  }

  private visit(side: Frame["side"], at: Spot, hop: Hop): void {
    this.enter(hop);
    this.comes(side, at, hop);
    hop.steps.forEach((step, i) => this.step(side, at, hop, step, i === hop.steps.length - 1));
    if (hop.steps.length || sameAddresses(hop.in, hop.out)) return;
    this.header = hop.out;
    this.push({ side, ...at, action: "pass on", title: "handed on", zoom: 1 }, hop.in);
  }

  end(lost: "there" | "back" | undefined): Frame[] {
    const last = this.frames.at(-1)!;
    const { disposition, reason } = this.trip;
    this.frames.push({
      ...last,
      before: last.after,
      action: disposition,
      title: lost === "back" ? `${disposition}: the answer is lost` : disposition,
      hook: "",
      chain: "",
      rule: undefined,
      why: `${reason}.`,
      zoom: 0,
    });
    return this.frames;
  }

  /** A kernel's mark and connection tracking are its own; the next machine knows neither. */
  private enter(hop: Hop): void {
    const inKernel = hop.kind === "node" || hop.kind === "cluster-ip";
    if (hop.kind !== "cluster-ip") this.mark = hop.kind === "node" ? "0x0" : "";
    this.conntrack = inKernel ? (hop.conntrack ?? "") : "";
    this.header = hop.in;
  }

  private wish(at: Spot): void {
    const { url, from } = this.trip.request;
    this.push({ side: "there", ...at, action: "ask", title: `${from} wants ${url}`, zoom: 0 });
  }

  /** A question of its own: what the packet that waits for it says, it does not say. */
  private ask(side: Frame["side"], hop: Hop): void {
    const asked = hop.in.destination.replace(/:\d*$/, "");
    const asker = this.frames.at(-1)?.place;
    const who = this.frames.length > 1 && asker ? nameOfPlace(asker) : "the client";
    const header = this.header;
    this.header = undefined;
    const at = { side, visit: -1, place: { at: "dns" } as const, action: "resolve" };
    this.push({ ...at, title: `${who} asks DNS for ${asked}`, zoom: 0 });
    for (const { rule, note } of hop.steps)
      this.push({ ...at, title: rule ?? note ?? "", zoom: 2 });
    this.header = header;
  }

  private send(at: Spot, hops: readonly Hop[]): void {
    if (this.trip.disposition === "name not found") return;
    this.header = hops.find(({ kind }, i) => i > 0 && kind !== "dns")?.in ?? hops.at(-1)!.out;
    const title = "the client opens a connection";
    this.push({ side: "there", ...at, action: "send", title, zoom: 0 });
  }

  private comes(side: Frame["side"], at: Spot, hop: Hop): void {
    const name = nameOfPlace(at.place);
    const answers = side === "back" && hop.kind === "pod";
    const where = {
      bar: hop.kind === "cluster-ip" ? `the rules of Service ${hop.name} on ${name}` : undefined,
      door: `the packet comes to the NodePort on ${name}`,
    }[at.place.at as string];
    const plain = answers ? `${name} answers` : `the packet comes to ${name}`;
    const title = where ?? plain;
    const action = answers ? "answer" : "comes";
    this.push({ side, ...at, action, title, why: summaryOf(hop), zoom: 0 });
  }

  private step(side: Frame["side"], at: Spot, hop: Hop, step: Step, isLast: boolean): void {
    const before = this.header;
    this.header = isLast && !isName(hop.out) ? hop.out : (translated(before, step) ?? before);
    const marked = step.action === "mark" && step.after !== undefined;
    if (marked) this.mark = step.after!;
    const changed = marked || !sameAddresses(before, this.header);
    this.push(
      {
        side,
        ...at,
        action: step.action,
        title: titleOf(step),
        hook: step.hook ?? "",
        ...(isRule(step) && {
          chain: [step.table, step.chain].filter(Boolean).join(" "),
          rule: partsOf(step.rule!),
        }),
        why: step.why ?? step.note ?? "",
        zoom: changed ? 1 : 2,
      },
      before,
    );
  }

  /** On to the next place of the same hop: out by the NodePort, or in front of a dead machine. */
  private passes(side: Frame["side"], visit: number, place: Place, hop: Hop): void {
    this.header = hop.out;
    const isEdge = place.at === "edge";
    if (isEdge) [this.mark, this.conntrack] = ["", ""];
    const title = isEdge
      ? `${nameOfPlace(place)} does not answer`
      : `the packet leaves by the NodePort of ${nameOfPlace(place)}`;
    this.push({ side, visit, place, action: isEdge ? "lost" : "comes", title, zoom: 0 });
  }

  private push(
    frame: Pick<Frame, "side" | "visit" | "place" | "action" | "title" | "zoom"> & Partial<Frame>,
    before = this.header,
  ): void {
    this.frames.push({
      hook: "",
      chain: "",
      rule: undefined,
      why: "",
      ...frame,
      before: before && addressesOf(before),
      after: this.header && addressesOf(this.header),
      protocol: this.header?.protocol ?? "",
      mark: this.mark,
      conntrack: this.conntrack,
    });
  }
}

/** What happens at a hop, for who does not want to see each rule. */
function summaryOf({ steps }: Hop): string {
  const changes = steps.filter(({ after }) => after !== undefined).map(titleOf);
  const rules = steps.filter(isRule).length;
  const met = rules ? `${rules} rule${rules === 1 ? "" : "s"} met` : "";
  const said = steps.flatMap(({ rule, note }) => (rule === undefined && note ? [note] : []));
  const all = [met, ...(changes.length ? changes : said)].filter(Boolean);
  return all.length ? `Here: ${all.join("; ")}.` : "";
}

/** Not a translation that conntrack undoes, nor a route. */
function isRule({ rule, chain }: Step): boolean {
  return rule !== undefined && chain !== undefined && rule !== "conntrack";
}

function titleOf(step: Step): string {
  const { action, rule, note, before, after } = step;
  const change = before !== undefined && after !== undefined ? `${before} becomes ${after}` : "";
  if (rule === "conntrack")
    return `conntrack turns the ${action === "dnat" ? "destination" : "source"} back: ${change}`;
  switch (action) {
    case "dnat":
      return `destination ${change}`;
    case "snat":
      return `source ${change}`;
    case "mark":
      return `mark ${change}`;
    case "route":
      return `routed: ${rule ?? ""}`;
    case "forward":
      return note ?? "forwarded";
    case "deliver":
    case "reject":
    case "drop":
      return rule === undefined
        ? (note ?? action)
        : { deliver: "delivered", reject: "rejected", drop: "dropped" }[action];
    case "jump":
      return `on to ${/-[jg] (\S+)$/.exec(rule ?? "")?.[1] ?? "another chain"}`;
    default:
      return rule === undefined ? (note ?? "") : "a rule matches";
  }
}

/** The header once a translation is done. */
function translated(
  header: Header | undefined,
  { action, before, after }: Step,
): Header | undefined {
  if (!header || before === undefined || after === undefined) return header;
  if (action === "dnat") return { ...header, destination: after };
  return action === "snat" ? { ...header, source: after } : header;
}

/** What a proxy asks for is a name at first; no packet has one as its destination. */
function isName({ destination }: Header): boolean {
  return !/^(\d+\.){3}\d+:|^\[/.test(destination);
}
function sameAddresses(a: Header | undefined, b: Header | undefined): boolean {
  return a?.source === b?.source && a?.destination === b?.destination;
}
function addressesOf({ source, destination }: Header): Addresses {
  return [source, destination];
}
