/** A journey as aligned text for a terminal: what `stopover journey` prints. */
import { endOf } from "./end.js";
import { fraction } from "./fraction.js";
import { readAddress } from "../net/ip.js";
import { printable } from "../net/printable.js";
import type { Basis, Founded, Header, Hop, Journey, Outcomes, Remark, Step } from "./types.js";

const stops = { 1: "(1)", 2: "(2)", 3: "(3)" } as const;

export function journeyText(journey: Founded<Journey>): string {
  const { request } = journey;
  return (
    [
      `${request.url || "a packet"}  from ${request.from}`,
      "",
      ...journey.hops.flatMap(hopLines),
      ...(journey.reply.length ? ["", "the reply", ...journey.reply.flatMap(hopLines)] : []),
      "",
      `${journey.disposition}: ${journey.reason}`,
      ...basisLines(journey),
    ]
      .map(printable)
      .join("\n") + "\n"
  );
}

/** Who passed it on, one after the other: "1234.elb… -> node-b -> default/nginx-…". */
export const wayText = ({ hops }: Journey): string =>
  hops
    .filter(({ kind }) => kind !== "client" && kind !== "dns")
    .map(({ name }) => name)
    .join(" -> ");

/** Every outcome on a line of its own, and how the Pods share them. */
export function outcomesText({ request, outcomes, ...basis }: Founded<Outcomes>): string {
  const shares = new Map<string, number>();
  for (const o of outcomes) {
    const end = endOf(o);
    shares.set(end, (shares.get(end) ?? 0) + o.probability);
  }
  return (
    [
      `${request.url || "a packet"}  from ${request.from}`,
      "",
      ...outcomes.map((o) => `${shareText(o.probability)}  ${o.disposition}  ${wayText(o)}`),
      "",
      ...[...shares].map(([end, p]) => `${shareText(p)}  ${end}`),
      ...failureLines(outcomes),
      ...basisLines(basis),
    ]
      .map(printable)
      .join("\n") + "\n"
  );
}

/** Why ways fail, those together that fail for the same reason on several nodes. */
function failureLines(outcomes: Outcomes["outcomes"]): string[] {
  const groups = new Map<string, { share: number; nodes: Set<string>; one: Journey }>();
  for (const one of outcomes) {
    if (one.disposition === "delivered") continue;
    const node = one.hops.find(({ kind }) => kind === "node")?.name;
    const anywhere = node === undefined ? one.reason : one.reason.replaceAll(node, "*");
    const key = `${one.disposition} ${anywhere.replace(/:\d{5}\b/g, "")}`;
    const group = groups.get(key) ?? { share: 0, nodes: new Set<string>(), one };
    group.share += one.probability;
    if (node !== undefined) group.nodes.add(node);
    groups.set(key, group);
  }
  const lines = [...groups.values()].map(({ share, nodes, one }) => {
    const where = nodes.size > 1 ? ` (so on ${nodes.size} nodes: ${[...nodes].join(", ")})` : "";
    return `${shareText(share)}  ${one.disposition}: ${one.reason}${where}`;
  });
  return lines.length > 0 ? ["", ...lines] : [];
}

/** What the verdict rests on, a line each. */
export const basisLines = ({ assumed, leftOut }: Basis): string[] => [
  ...assumed.map((one) => `assumed: ${remarkText(one)}`),
  ...leftOut.map((one) => `left out: ${remarkText(one)}`),
];

const remarkText = ({ object, field, sentence }: Remark): string =>
  `${[object, field].filter(Boolean).join(", ")}: ${sentence}`;

/** A percentage, and the fraction that is meant: " 33.33 %  1/3". */
function shareText(share: number): string {
  const percent = `${(share * 100).toFixed(2)} %`.padStart(9);
  const parts = fraction(share);
  return `${percent}  ${(parts.includes("/") ? parts : "").padEnd(7)}`;
}

function hopLines(hop: Hop): string[] {
  const changed = hop.in.source !== hop.out.source || hop.in.destination !== hop.out.destination;
  const isPacket = hop.kind !== "dns" && !isName(hop.in);
  const wish = hop.kind === "client" && !isPacket ? [`wants ${hop.in.destination}`] : [];
  return [
    `${hop.stop ? stops[hop.stop] : "   "} ${hop.kind.padEnd(13)} ${hop.name}`,
    ...(isPacket ? [headerText(hop.in)] : wish).map(indented),
    ...hop.steps.map(stepLine),
    ...(changed && isPacket && !isName(hop.out) ? [headerText(hop.out)] : []).map(indented),
  ];
}

const indented = (line: string): string => `${" ".repeat(18)}${line}`;

/** A name is what the client asks for; no packet ever has one as its destination. */
const isName = ({ destination }: Header): boolean =>
  readAddress(destination.replace(/:\d*$/, "").replace(/^\[|\]$/g, "")) === undefined;

const headerText = (h: Header): string =>
  h.source ? `${h.protocol} ${h.source} -> ${h.destination}` : h.destination;

function stepLine(step: Step): string {
  const where = step.table ? `${step.table} ${step.chain}  ` : "";
  const what = step.rule ?? step.note ?? "";
  const change = step.after ? `  [${step.before} => ${step.after}]` : "";
  return `${" ".repeat(20)}${step.action.padEnd(8)} ${where}${what}${change}`.trimEnd();
}
