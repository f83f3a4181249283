/**
 * Turns what happens on the way into hops and steps; and, where nobody wants to see them, costs
 * nothing.
 */
import type { ShownRule } from "../net/dataplane.js";
import { familyOf } from "../net/ip.js";
import { destinationOf, sourceOf, type Packet } from "../net/packet.js";
import type { NetStep } from "../net/passage.js";
import { choosesEndpoint, type Place } from "../node/proxy/places.js";
import type { Action, Header, Hop, HopKind, Step } from "./types.js";

export class Recorder {
  readonly hops: Hop[] = [];

  hop(
    kind: HopKind,
    name: string,
    stop: Hop["stop"],
    arrives: Header,
    leaves: Header,
    steps: Step[] = [],
  ): void {
    this.hops.push({ stop, kind, name, in: arrives, out: leaves, steps });
  }

  /** What the last hop turned out to send; `all`: it never held anything else. */
  leaveAs(header: Header, all: boolean): void {
    const last = this.hops.at(-1);
    if (!last) return;
    last.out = header;
    if (all && last.kind === "client") last.in = header;
  }

  /**
   * A node's hop out of what its kernel did. Where the rules of a Service chose an endpoint, that
   * part is a hop of its own, the article's stop-over 3: it begins with the step into the Service's
   * place. Stop-over 2 is a node whose NodePort was hit.
   */
  node(name: string, arrives: Packet, leaves: Packet, steps: readonly NetStep[]): void {
    const shown = steps.filter(worthShowing);
    const split = shown.findIndex(
      ({ place, into }) => choosesEndpoint(place) || choosesEndpoint(into),
    );
    const before = split < 0 ? shown : shown.slice(0, split);
    const stop = before.some(({ place }) => place === nodePorts) ? 2 : null;
    const entry = headerOf(arrives);
    if (split < 0) return this.hop("node", name, stop, entry, headerOf(leaves), before.map(stepOf));
    const service = shown[split]!.rule?.purpose?.object?.replace(/^\w+ /, "") ?? shown[split]!.to!;
    const between = headerOf(shown[split]!.packet);
    this.hop("node", name, stop, entry, between, before.map(stepOf));
    this.hop("cluster-ip", service, 3, between, headerOf(leaves), shown.slice(split).map(stepOf));
  }
}

const nodePorts: Place = "nodeports";

export const headerOf = (packet: Packet): Header => ({
  source: sourceOf(packet),
  destination: destinationOf(packet),
  protocol: packet.protocol,
});

/**
 * Ends of chains and tables that changed nothing are no news; that conntrack saw a new connection
 * is none either.
 */
function worthShowing({ kind, rule, to }: NetStep): boolean {
  if (kind === "policy") return to === "DROP";
  return kind !== "conntrack" && !(kind === "return" && rule === undefined);
}

/** A rule's text, rendered once: thousands of journeys meet the same rules. */
const texts = new WeakMap<ShownRule, string>();
function textOf(rule: ShownRule, packet: Packet): string {
  let text = texts.get(rule);
  if (text === undefined) texts.set(rule, (text = rule.text(familyOf(packet.source))));
  return text;
}

const actionOf: Readonly<Record<Exclude<NetStep["kind"], "untranslate">, Action>> = {
  match: "match",
  mark: "mark",
  jump: "jump",
  return: "match",
  policy: "drop",
  accept: "match",
  drop: "drop",
  reject: "reject",
  dnat: "dnat",
  snat: "snat",
  conntrack: "match",
  route: "route",
  deliver: "deliver",
};

function stepOf({ kind, table, chain, rule, before, after, to, packet, hook }: NetStep): Step {
  if (kind === "untranslate") {
    const action = before === sourceOf(packet) || after === sourceOf(packet) ? "snat" : "dnat";
    return {
      action,
      table,
      chain: hook,
      rule: "conntrack",
      before,
      after,
      note: "conntrack knows this connection and undoes its translation; no rule is asked",
    };
  }
  if (kind === "route") return { action: "route", rule: to };
  if (kind === "deliver") return { action: "deliver", note: `${to} is an address of this machine` };
  return {
    action: actionOf[kind],
    table,
    chain,
    rule: rule ? textOf(rule, packet) : `policy ${to}`,
    ...(rule?.purpose?.object && { object: rule.purpose.object }),
    ...(after !== undefined && { before, after }),
  };
}
