/** What the rules of kube-proxy's nftables mode are put together of. */
import type { Purpose } from "../../../net/dataplane.js";
import { parseCIDR, type Family } from "../../../net/ip.js";
import {
  concat,
  jump,
  meta,
  payload,
  Rule,
  type Element,
  type Expression,
  type Statement,
  type Verdict,
} from "../../../net/nftables/ruleset.js";
import * as features from "../../../objects/kubernetes-features.js";
import { detectorOn, type FamilyConfig, type NodeView } from "../config.js";
import { mergedRanges } from "./ranges.js";
import { why, whyFound } from "./why.js";

/** A rule; `sent`: how kube-proxy writes it, where nft then shows it in other words. */
export class ProxyRule extends Rule {
  constructor(
    statements: readonly Statement[],
    { comment, purpose, sent }: { comment?: string; purpose?: Purpose; sent?: string } = {},
  ) {
    super(statements, comment, purpose);
    this.sent = sent;
  }

  readonly sent: string | undefined;

  /** Of a rule that found an element of a map, `this` has that as well (net/nftables/walk.ts). */
  why(chain: string): string {
    const { element } = this as { element?: ProxyElement };
    return element ? whyFound(this, element) : why(this, chain);
  }
}

/** An element of a set or map, and what it is for. */
export interface ProxyElement extends Element {
  readonly purpose: Purpose;
}

/** Whether two elements lead to the same, whatever is written beside them. */
export function saysTheSame({ data: x }: Element, { data: y }: Element): boolean {
  if (typeof x !== "object" || typeof y !== "object") return x === y;
  return x.kind === y.kind && ("chain" in x ? x.chain : "") === ("chain" in y ? y.chain : "");
}

/** What nft calls a family's header, and its tables. */
export const ip = (family: Family): "ip" | "ip6" => (family === "IPv4" ? "ip" : "ip6");

const addresses = {
  IPv4: { saddr: payload("ip", "saddr"), daddr: payload("ip", "daddr") },
  IPv6: { saddr: payload("ip6", "saddr"), daddr: payload("ip6", "daddr") },
};
/** ip daddr, ip6 saddr, … */
export const addressOf = (family: Family, field: "saddr" | "daddr"): Expression =>
  addresses[family][field];

/** meta l4proto . th dport */
export const transport = concat(meta("l4proto"), payload("th", "dport"));
/** ip daddr . meta l4proto . th dport */
export const destinationOf = (family: Family): Expression =>
  concat(addressOf(family, "daddr"), meta("l4proto"), payload("th", "dport"));

export const addressType = (family: Family): string =>
  family === "IPv4" ? "ipv4_addr" : "ipv6_addr";

export const isNew: Statement = {
  kind: "match",
  left: { kind: "ct", key: "state" },
  right: "new",
};
export const fromLocal: Statement = fibLocal("saddr");
export const toLocal: Statement = fibLocal("daddr");
function fibLocal(field: "saddr" | "daddr"): Statement {
  return { kind: "match", left: { kind: "fib", from: [field], result: "type" }, right: "local" };
}

export const equals = (left: Expression, right: string): Statement => ({
  kind: "match",
  left,
  right,
});
export const differs = (left: Expression, right: string): Statement => ({
  kind: "match",
  left,
  op: "!=",
  right,
});
const protocols = {
  tcp: equals(meta("l4proto"), "tcp"),
  udp: equals(meta("l4proto"), "udp"),
  sctp: equals(meta("l4proto"), "sctp"),
};
/** meta l4proto tcp */
export const isOf = (protocol: keyof typeof protocols): Statement => protocols[protocol];

export const isIn = (left: Expression, name: string): Statement => ({
  kind: "match",
  left,
  right: { name },
});
export const lookUp = (key: Expression, name: string): Statement => ({
  kind: "vmap",
  key,
  map: { name },
});

/** What marks a packet for masquerading: a chain's work, or done in place. */
export const markMasquerade = ({ kubernetes, masqueradeMark }: FamilyConfig): Statement =>
  kubernetes.has(features.directDNAT) ? setMark(masqueradeMark, "|") : byChain;
const MARKING = "mark-for-masquerade";
const byChain: Verdict = jump(MARKING);

/** Whether a rule marks: the last thing that it does. */
export const isMarking = (statement: Statement | undefined): boolean =>
  (statement?.kind === "jump" && statement.chain === MARKING) ||
  (statement?.kind === "set" && isOr(statement.to));
const isOr = (to: Expression): boolean => to.kind === "bitwise" && to.op === "|";

const mark = meta("mark");
/** Sets or takes off the masquerade mark. */
export const setMark = (bit: number, op: "|" | "^"): Statement => ({
  kind: "set",
  what: mark,
  to: { kind: "bitwise", op, left: mark, right: markText(bit) },
});
export const rejects: Statement = { kind: "reject" };

/** "0x00004000": as nft prints marks, and kube-proxy too (Go's %#08x counts without the 0x). */
export const markText = (mark: number): string => `0x${mark.toString(16).padStart(8, "0")}`;

/**
 * The match of what comes from this node's Pods (or from elsewhere), if there is a way to tell.
 * (pkg/proxy/util/localdetector.go)
 */
export function localMatch(
  view: NodeView,
  config: FamilyConfig,
  not = false,
): Statement | undefined {
  const detector = detectorOn(view, config);
  if (detector === undefined) return undefined;
  const match = not ? differs : equals;
  if ("source" in detector)
    return match(addressOf(config.family, "saddr"), rangeOf(detector.source));
  return match(meta("iifname"), `"${detector.interface}${detector.prefix ? "*" : ""}"`);
}

/** A range as nft prints it: a single address without its prefix length. */
export const rangeOf = (cidr: string): string => mergedRanges([parseCIDR(cidr)])[0]!;
