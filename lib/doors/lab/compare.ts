/**
 * Ours beside the kernel's: the rules that a connection's first packet met, and its answer, node by
 * node.
 */
import type { Hop, Journey, Step } from "../../journey/types.js";
import type { TracedPacket } from "./trace.js";

export interface Row {
  /** "ours": the kernel met no such rule here; "kernel": we did not. */
  by: "both" | "ours" | "kernel";
  table: string;
  chain: string;
  /** As iptables-save prints it. */
  rule: string;
}

export interface NodeComparison {
  node: string;
  /** The request's first packet (SYN), or its answer (SYN,ACK). */
  packet: "request" | "answer";
  /**
   * How the kernel saw it come: "192.168.0.250:52500 -> 192.168.0.3:30519"; left out where it never
   * came.
   */
  seen?: string;
  rows: Row[];
}

type SeenRule = Omit<Row, "by">;

/**
 * What our journey says of one packet, and what the nodes' kernels traced, in the order of ours;
 * nodes that only the kernel saw come last.
 */
export function compareJourney(
  { hops, reply }: Journey,
  traces: ReadonlyMap<string, readonly TracedPacket[]>,
): NodeComparison[] {
  return [...comparePacket("request", hops, traces), ...comparePacket("answer", reply, traces)];
}

function comparePacket(
  packet: NodeComparison["packet"],
  hops: readonly Hop[],
  traces: ReadonlyMap<string, readonly TracedPacket[]>,
): NodeComparison[] {
  const ours = rulesByNode(hops);
  const theirs = new Map(
    [...traces].map(
      ([node, all]) =>
        [node, all.filter(({ flags }) => isAnswer(flags) === (packet === "answer"))] as const,
    ),
  );
  const nodes = new Set([
    ...ours.keys(),
    ...[...theirs].filter(([, all]) => all.length > 0).map(([node]) => node),
  ]);
  return [...nodes].map((node) => {
    const came = firstOnly(theirs.get(node) ?? []);
    return {
      node,
      packet,
      ...(came[0] && { seen: `${came[0].source} -> ${came[0].destination}` }),
      rows: align(ours.get(node) ?? [], came.flatMap(rulesOf)),
    };
  });
}

const isAnswer = (flags: string): boolean => flags.includes("ACK");

/**
 * A SYN that got no answer is sent again; the second one tells nothing new. A packet to its own
 * node comes by twice: out, and in by lo.
 */
const firstOnly = (packets: readonly TracedPacket[]): readonly TracedPacket[] =>
  packets.filter(
    (each, i) =>
      packets.findIndex((other) => other.in === each.in && other.source === each.source) === i,
  );

/** A node's rules; those of the article's stop-over 3 are met on the node that comes before it. */
function rulesByNode(hops: readonly Hop[]): Map<string, SeenRule[]> {
  const byNode = new Map<string, SeenRule[]>();
  let node = "";
  for (const { kind, name, steps } of hops) {
    if (kind === "node") node = name;
    if (kind !== "node" && kind !== "cluster-ip") continue;
    byNode.set(node, [
      ...(byNode.get(node) ?? []),
      ...steps
        .filter(isRule)
        .map(({ table, chain, rule }) => ({ table: table!, chain: chain!, rule: rule! })),
    ]);
  }
  return byNode;
}

/** What conntrack does without a rule, and what routes do, a trace of rules does not show. */
const isRule = ({ table, rule }: Step): boolean => table !== undefined && rule !== "conntrack";

/** A policy that accepts is no news. */
const rulesOf = ({ steps }: TracedPacket): SeenRule[] =>
  steps.flatMap(({ table, chain, rule, verdict }) =>
    rule !== undefined
      ? [{ table, chain, rule }]
      : verdict === "DROP"
        ? [{ table, chain, rule: "policy DROP" }]
        : [],
  );

/**
 * The longest common sequence stays together; what is left of either side stands where it was met.
 */
export function align(ours: readonly SeenRule[], theirs: readonly SeenRule[]): Row[] {
  const same = (i: number, j: number): boolean =>
    ours[i]!.rule === theirs[j]!.rule &&
    ours[i]!.chain === theirs[j]!.chain &&
    ours[i]!.table === theirs[j]!.table;
  const longest = Array.from({ length: ours.length + 1 }, () =>
    new Array<number>(theirs.length + 1).fill(0),
  );
  for (let i = ours.length - 1; i >= 0; i--) {
    for (let j = theirs.length - 1; j >= 0; j--)
      longest[i]![j] = same(i, j)
        ? longest[i + 1]![j + 1]! + 1
        : Math.max(longest[i + 1]![j]!, longest[i]![j + 1]!);
  }
  const rows: Row[] = [];
  for (let i = 0, j = 0; i < ours.length || j < theirs.length;) {
    if (i < ours.length && j < theirs.length && same(i, j)) {
      rows.push({ by: "both", ...ours[i++]! });
      j++;
    } else if (
      j >= theirs.length ||
      (i < ours.length && longest[i + 1]![j]! >= longest[i]![j + 1]!)
    )
      rows.push({ by: "ours", ...ours[i++]! });
    else rows.push({ by: "kernel", ...theirs[j++]! });
  }
  return rows;
}

export const differences = (nodes: readonly NodeComparison[]): number =>
  nodes.reduce((sum, { rows }) => sum + rows.filter(({ by }) => by !== "both").length, 0);
