/**
 * Turns what happens on the way into hops and steps; and, where nobody wants to see them, costs
 * nothing.
 */
import type { ShownRule } from "../net/dataplane.js";
import { familyOf } from "../net/ip.js";
import { destinationOf, sourceOf, type Packet } from "../net/packet.js";
import type { NetStep } from "../net/passage.js";
import { choosesEndpoint, type Place } from "../node/proxy/places.js";
import { whyOf } from "../node/proxy/why.js";
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
    conntrack?: string,
  ): void {
    this.hops.push(
      conntrack === undefined
        ? { stop, kind, name, in: arrives, out: leaves, steps }
        : { stop, kind, name, in: arrives, out: leaves, conntrack, steps },
    );
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
    const shown = shownOf(steps);
    const tracked = steps.find(({ kind }) => kind === "conntrack")?.to;
    const split = shown.findIndex(
      ({ net: { place, into } }) => choosesEndpoint(place) || choosesEndpoint(into),
    );
    const before = split < 0 ? shown : shown.slice(0, split);
    const stop = before.some(({ net }) => net.place === nodePorts) ? 2 : null;
    const entry = headerOf(arrives);
    const hop = (...[kind, at, stop, from, to, its]: HopOf) =>
      this.hop(kind, at, stop, from, to, its.map(stepOf), tracked);
    if (split < 0) return hop("node", name, stop, entry, headerOf(leaves), before);
    const { rule, to, packet } = shown[split]!.net;
    const service = rule?.purpose?.object?.replace(/^\w+ /, "") ?? to!;
    hop("node", name, stop, entry, headerOf(packet), before);
    hop("cluster-ip", service, 3, headerOf(packet), headerOf(leaves), shown.slice(split));
  }
}

type HopOf = [HopKind, name: string, Hop["stop"], Header, Header, readonly Shown[]];

const nodePorts: Place = "nodeports";

export const headerOf = (packet: Packet): Header => ({
  source: sourceOf(packet),
  destination: destinationOf(packet),
  protocol: packet.protocol,
});

/** A step that readers see; `passed`: of a jump, how many rules its chain held that all passed. */
interface Shown {
  net: NetStep;
  passed: number | undefined;
}

function shownOf(steps: readonly NetStep[]): Shown[] {
  const shown: Shown[] = [];
  steps.forEach((net, i) => {
    if (!worthShowing(net)) return;
    const next = steps[i + 1];
    const silent = net.kind === "jump" && next && isChainsEnd(next) && next.chain === net.to;
    shown.push({ net, passed: silent ? next.of : undefined });
  });
  return shown;
}

const isChainsEnd = ({ kind, rule }: NetStep): boolean => kind === "return" && rule === undefined;

/**
 * Ends of chains and tables that changed nothing are no news; that conntrack saw a new connection
 * is none either.
 */
function worthShowing(step: NetStep): boolean {
  if (step.kind === "policy") return step.to === "DROP";
  return step.kind !== "conntrack" && !isChainsEnd(step);
}

/** A rule's text, rendered once: thousands of journeys meet the same rules. */
const texts = new WeakMap<ShownRule, string>();
function textOf(rule: ShownRule, packet: Packet): string {
  let text = texts.get(rule);
  if (text === undefined) texts.set(rule, (text = rule.text(familyOf(packet.source))));
  return text;
}

/** Likewise its reason, as long as it stands in one chain. */
const reasons = new WeakMap<ShownRule, { chain: string; why: string | undefined }>();
function reasonOf(rule: ShownRule, chain: string): string | undefined {
  const known = reasons.get(rule);
  if (known?.chain === chain) return known.why;
  const reason = whyOf(rule, chain);
  reasons.set(rule, { chain, why: reason });
  return reason;
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

/** What a rule does at one place is the same for thousands of packets: they share the step. */
const stepsOfRules = new WeakMap<ShownRule, Step>();

function stepOf(shown: Shown): Step {
  const { kind, rule } = shown.net;
  const isOnesOwn = kind === "dnat" || kind === "snat" || kind === "untranslate";
  if (!rule || isOnesOwn) return freshStep(shown);
  const known = stepsOfRules.get(rule);
  if (known && isOfStep(known, actionOf[kind], shown)) return known;
  const step = Object.freeze(freshStep(shown));
  stepsOfRules.set(rule, step);
  return step;
}

const isOfStep = (step: Step, action: Action, { net, passed }: Shown): boolean =>
  step.action === action &&
  step.table === net.table &&
  step.chain === net.chain &&
  step.hook === net.hook &&
  step.number === net.number &&
  step.of === net.of &&
  step.before === net.before &&
  step.after === net.after &&
  step.passed === passed;

function freshStep({ net, passed }: Shown): Step {
  const { kind, table, chain, rule, number, of, before, after, to, packet, hook } = net;
  if (kind === "untranslate") {
    const action = before === sourceOf(packet) || after === sourceOf(packet) ? "snat" : "dnat";
    return {
      action,
      table,
      chain: hook,
      rule: "conntrack",
      before,
      after,
      hook,
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
    hook,
    ...(number !== undefined && { number }),
    ...(of !== undefined && { of }),
    ...(passed !== undefined && { passed }),
    ...(rule && { why: reasonOf(rule, chain ?? "") }),
  };
}
