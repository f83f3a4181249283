/** A lab's report as text for a terminal. */
import { printable } from "../../net/printable.js";
import type { Row } from "./compare.js";
import type { Flow } from "./conntrack.js";
import type { LabReport } from "./types.js";

const marks: Readonly<Record<Row["by"], string>> = {
  both: "  =     ",
  ours: "  ours  ",
  kernel: "  kernel",
};
const packets = {
  request: "the request's first packet (SYN)",
  answer: "its answer (SYN,ACK)",
} as const;

/** The report as aligned text: ours beside the kernel's, each difference marked. */
export function labText(report: LabReport): string {
  const { observed, ours, nodes, remarks, differences } = report;
  const rules = nodes.reduce((sum, { rows }) => sum + rows.length, 0);
  return (
    [
      `${ours.request.url}  from ${ours.request.from}, on ${observed.kernel}`,
      `  = met in ours and by the kernel; ours: only in ours; kernel: only by the kernel`,
      ...nodes.flatMap(({ node, packet, seen, rows }) => [
        "",
        `${node}: ${packets[packet]}  ${seen ?? "never came"}`,
        ...(rows.length ? rows.map(line) : ["  (no rules)"]),
      ]),
      "",
      "what conntrack keeps",
      ...[...observed.flows].flatMap(([node, flows]) =>
        flows.map((flow) => `  ${node}  ${flowText(flow)}`),
      ),
      "",
      `ours    ${ours.disposition}: ${ours.reason}`,
      `kernel  ${outcome(report)}`,
      ...remarks.map((remark) => `DIFFERENT: ${remark}`),
      "",
      differences === 0
        ? `${rules} rules, the same and in the same order in ours and in the kernel: no difference`
        : `${differences} differences`,
    ]
      .map(printable)
      .join("\n") + "\n"
  );
}

const line = ({ by, table, chain, rule }: Row): string => `${marks[by]} ${table} ${chain}  ${rule}`;

const flowText = ({
  protocol,
  state,
  source,
  destination,
  replySource,
  replyDestination,
}: Flow): string =>
  `${protocol} ${state}  ${source} -> ${destination}, answered by ${replySource} -> ${replyDestination}`;

function outcome({ observed: { answer, disposition, pod, clientSeenByPod } }: LabReport): string {
  if (pod !== undefined)
    return `delivered: HTTP ${answer.status} from Pod ${pod}; it saw ${clientSeenByPod} as its client`;
  return `${disposition}${answer.error ? ` (${answer.error})` : ""}`;
}
