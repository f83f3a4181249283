/**
 * What a packet met in a node's kernel, as netfilter orders it: hooks one after the other, at each
 * hook the chains that were walked, in each chain the rules that matched. Rules that were looked at
 * in vain are counted.
 */
import { printable } from "stopover/internal/net/printable";
import type { Hop, Journey, Step } from "stopover";
import { partsOf, type Parts } from "./parts.js";

/** One passage through one machine's kernel. */
export interface Visit {
  machine: string;
  side: "there" | "back";
  /** What its connection tracking said. */
  conntrack: string;
  lanes: Lane[];
}
/** A table's turn at a hook, or the routing between two hooks. */
export interface Lane {
  /** "PREROUTING nat", "routing" */
  name: string;
  cards: Card[];
}
/** A stay in a chain: until the next jump, or until it comes back from one. */
export interface Card {
  /** Empty where no chain is walked: routing, conntrack. */
  chain: string;
  /** How many jumps deep. */
  depth: number;
  lines: Line[];
}
export type Line =
  | { kind: "rule"; number: number | undefined; parts: Parts; why: string; change: string }
  /** So many rules did not match; `chain`: of a chain that was passed as a whole. */
  | { kind: "passed"; count: number; chain?: string }
  | { kind: "note"; text: string; change: string };

export interface LanesOptions {
  /** Only this machine. */
  node?: string | undefined;
  /** The way back, too. Default: no. */
  reply?: boolean | undefined;
}

/**
 * The kernels that a journey came through. Throws an Error that says which there are, where there
 * is none.
 */
export function lanesOf(trip: Journey, { node, reply = false }: LanesOptions = {}): Visit[] {
  const back = reply ? visitsOf(trip.reply, "back") : [];
  const visits = [...visitsOf(trip.hops, "there"), ...back].filter(
    ({ machine, lanes }) => lanes.length && (node === undefined || machine === node),
  );
  if (visits.length) return visits;
  const names = [...new Set(trip.hops.map(({ name }) => name))].join(", ");
  throw new Error(
    printable(
      `no rule of ${node ?? "any node"} was met on this journey (${trip.disposition}: ${trip.reason}); it went by ${names}`,
    ),
  );
}

function visitsOf(hops: readonly Hop[], side: Visit["side"]): Visit[] {
  const visits: Visit[] = [];
  hops.forEach((hop, i) => {
    if (hop.kind !== "node") return;
    const next = hops[i + 1]; // the Service's rules are a hop of their own, in the same kernel
    const steps = [...hop.steps, ...(next?.kind === "cluster-ip" ? next.steps : [])];
    const lanes = new Reader().read(steps);
    visits.push({ machine: hop.name, side, conntrack: hop.conntrack ?? "", lanes });
  });
  return visits;
}

/** Follows the jumps of one passage. */
class Reader {
  private readonly lanes: Lane[] = [];
  /** The chains that are being walked, and how far. */
  private stack: { chain: string; number: number; of: number | undefined; card: Card }[] = [];
  private lane = "";

  read(steps: readonly Step[]): Lane[] {
    for (const step of steps) {
      const name = laneOf(step);
      if (name !== this.lane) this.begin(name);
      if (step.chain === undefined || step.rule === "conntrack") this.note(step);
      else this.rule(step);
    }
    this.endLane();
    return this.lanes;
  }

  private begin(name: string): void {
    this.endLane();
    this.lane = name;
    this.lanes.push({ name, cards: [] });
  }

  private note(step: Step): void {
    const text = step.action === "route" ? (step.rule ?? "") : (step.note ?? step.rule ?? "");
    this.card("", 0).lines.push({ kind: "note", text: printable(text), change: changeOf(step) });
  }

  private rule(step: Step): void {
    const chain = step.chain!;
    while (this.stack.length && !this.stack.some((each) => each.chain === chain)) {
      // a chain that nobody jumped to: a base chain of its own
      if (this.leadsTo(chain)) break;
      this.leave();
    }
    while (this.stack.some((each) => each.chain === chain) && this.stack.at(-1)!.chain !== chain)
      this.leave();
    if (this.stack.at(-1)?.chain !== chain)
      this.stack.push({
        chain,
        number: 0,
        of: undefined,
        card: this.card(chain, this.stack.length),
      });
    const at = this.stack.at(-1)!;
    if (this.lanes.at(-1)!.cards.at(-1) !== at.card)
      at.card = this.card(chain, this.stack.length - 1);
    if (step.number !== undefined) this.pass(at.card, step.number - at.number - 1);
    const parts = partsOf(printable(step.rule!));
    at.card.lines.push({
      kind: "rule",
      number: step.number,
      parts,
      // from a hook's own chain the next card says it
      why: at.card.depth || !isJump(parts) ? printable(step.why ?? step.note ?? "") : "",
      change: changeOf(step),
    });
    at.number = step.number ?? at.number;
    at.of = step.of;
    this.target = targetOf(parts.verdict);
    if (step.passed !== undefined && this.target !== undefined)
      at.card.lines.push({ kind: "passed", count: step.passed, chain: printable(this.target) });
    if (isFinal(step, parts)) this.stack = [];
    else if (/^(-j RETURN|return)\b/.test(parts.verdict)) this.stack.pop();
  }
  private target: string | undefined;

  private leadsTo(chain: string): boolean {
    return this.target === chain;
  }

  /** A chain came to its end: what was left of it did not match. */
  private leave(): void {
    const { card, number, of } = this.stack.pop()!;
    if (of !== undefined) this.pass(card, of - number);
  }

  private endLane(): void {
    while (this.stack.length) this.leave();
    this.target = undefined;
  }

  private card(chain: string, depth: number): Card {
    const card: Card = { chain: printable(chain), depth, lines: [] };
    this.lanes.at(-1)!.cards.push(card);
    return card;
  }

  private pass({ lines }: Card, count: number): void {
    if (count > 0) lines.push({ kind: "passed", count });
  }
}

function laneOf({ action, hook, table, rule }: Step): string {
  if (action === "route") return "routing";
  if (rule === "conntrack") return `${hook} nat`;
  if (!hook) return action === "deliver" ? "the machine itself" : "the kernel";
  return printable([hook, table].filter(Boolean).join(" "));
}

function targetOf(verdict: string): string | undefined {
  return /^(?:-[jg]|jump|goto) (\S+)$/.exec(verdict)?.[1];
}

function isJump({ verdict }: Parts): boolean {
  return targetOf(verdict) !== undefined;
}

/** Whether it ends the table's turn. */
function isFinal({ action }: Step, { verdict }: Parts): boolean {
  return (
    ["dnat", "snat", "drop", "reject"].includes(action) || /^(-j ACCEPT|accept)\b/.test(verdict)
  );
}

function changeOf({ action, before, after }: Step): string {
  if (before === undefined || after === undefined) return "";
  const what = { dnat: "destination", snat: "source", mark: "mark" }[action as string] ?? "it";
  return `${what} ${before} becomes ${after}`;
}

/** "… 499 rules passed"; of a chain as a whole "… KUBE-FIREWALL: 2 rules passed". */
export function passedText({ count, chain }: { count: number; chain?: string }): string {
  const rules = `${count.toLocaleString("en-US")} rule${count === 1 ? "" : "s"}`;
  if (chain === undefined) return `… ${rules} passed`;
  return count ? `… ${chain}: ${rules} passed` : `… ${chain} holds no rules`;
}

export function visitTitle({ machine, side, conntrack }: Visit): string {
  const state = conntrack ? `, connection ${conntrack}` : "";
  return printable(`${machine}, ${side === "there" ? "there" : "and back"}${state}`);
}
