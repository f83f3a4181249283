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
    const before: Step[] = [];
    const after: Step[] = [];
    let chooses: NetStep | undefined;
    let tracked: string | undefined;
    let stop: Hop["stop"] = null;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i]!;
      if (step.kind === "conntrack") tracked ??= step.to;
      if (!worthShowing(step)) continue;
      if (choosesEndpoint(step.place) || choosesEndpoint(step.into)) chooses ??= step;
      if (!chooses && isAt(step, nodePorts)) stop = 2;
      (chooses ? after : before).push(stepOf(step, passedBy(step, steps[i + 1])));
    }
    const [entry, exit] = [headerOf(arrives), headerOf(leaves)];
    if (!chooses) return this.hop("node", name, stop, entry, exit, before, tracked);
    const between = headerOf(chooses.packet);
    const service = chooses.rule?.purpose?.object?.replace(/^\w+ /, "") ?? chooses.to!;
    this.hop("node", name, stop, entry, between, before, tracked);
    this.hop("cluster-ip", service, 3, between, exit, after, tracked);
  }
}

const nodePorts: Place = "nodeports";

/** By its chain, or by its rule alone: a chain may hold rules for more than one place. */
const isAt = ({ place, rule }: NetStep, wanted: Place): boolean =>
  place === wanted || rule?.purpose?.place === wanted;

/** The last packet's header: one place's way out is the next one's way in. */
let last: { packet: Packet; header: Header } | undefined;

export function headerOf(packet: Packet): Header {
  if (last?.packet !== packet) {
    const { protocol } = packet;
    const header = { source: sourceOf(packet), destination: destinationOf(packet), protocol };
    last = { packet, header };
  }
  return last.header;
}

/** Of a jump, how many rules its chain held that all passed. */
function passedBy(step: NetStep, next: NetStep | undefined): number | undefined {
  const isSilent = step.kind === "jump" && next && isChainsEnd(next) && next.chain === step.to;
  return isSilent ? next.of : undefined;
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

function stepOf(net: NetStep, passed: number | undefined): Step {
  const { kind, rule } = net;
  const isOnesOwn = kind === "dnat" || kind === "snat" || kind === "untranslate";
  if (!rule || isOnesOwn) return freshStep(net, passed);
  const known = stepsOfRules.get(rule);
  if (known && isOfStep(known, actionOf[kind], net, passed)) return known;
  const step = Object.freeze(freshStep(net, passed));
  stepsOfRules.set(rule, step);
  return step;
}

const isOfStep = (step: Step, action: Action, net: NetStep, passed: number | undefined): boolean =>
  step.action === action &&
  step.table === net.table &&
  step.chain === net.chain &&
  step.hook === net.hook &&
  step.number === net.number &&
  step.of === net.of &&
  step.before === net.before &&
  step.after === net.after &&
  step.passed === passed;

function freshStep(net: NetStep, passed: number | undefined): Step {
  const { kind, table, chain, rule, number, of, before, after, to, packet, hook } = net;
  if (kind === "untranslate") {
    const action = after === sourceOf(packet) ? "snat" : "dnat";
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
  const text = rule ? textOf(rule, packet) : `policy ${to}`;
  const step: Step = { action: actionOf[kind], table, chain, rule: text };
  if (rule?.purpose?.object) step.object = rule.purpose.object;
  if (after !== undefined) {
    step.before = before;
    step.after = after;
  }
  step.hook = hook;
  if (number !== undefined) step.number = number;
  if (of !== undefined) step.of = of;
  if (passed !== undefined) step.passed = passed;
  if (rule) step.why = reasonOf(rule, chain ?? "");
  return step;
}
