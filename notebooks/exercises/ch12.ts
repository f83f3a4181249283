import type { LabReport } from "stopover/lab";
import { hint, isNumber, isText, right } from "./answers.js";
import type { Exercise } from "./exercise.js";

export const ch12: Exercise[] = [
  {
    id: "12.1",
    judge(answer) {
      if (isText(answer, "MASQUERADE", "-j MASQUERADE", "MASQUERADE --random-fully"))
        return right(
          "It takes the address of the interface by which the packet leaves, so the rule need not name one.",
        );
      if (isText(answer, "SNAT", "-j SNAT"))
        return hint(
          "Its effect is that. The rule does not name an address, though: it is another target.",
        );
      if (isText(answer, "MARK", "DNAT", "ACCEPT", "RETURN"))
        return hint("Look at the last row of the request on the first node.");
      return hint('The word after -j in the row of KUBE-POSTROUTING that says "requiring SNAT".');
    },
  },
  {
    id: "12.2",
    judge(answer) {
      if (isNumber(answer, 7))
        return right(
          "One for each: three nodes, three Pods, one client. A Pod's containers share one, which is why they share an address.",
        );
      if (isNumber(answer, 3) || isNumber(answer, 4))
        return hint("A Pod has a network of its own, beside its node's.");
      if (isNumber(answer, 6)) return hint("Who sends the request?");
      return hint("One for each thing that has a network of its own.");
    },
  },
  {
    id: "12.3",
    judge(report: LabReport) {
      if (typeof report !== "object" || !Array.isArray(report.nodes) || !("observed" in report))
        return hint("Hand in what compareWith(…) answered.");
      if (report.nodes.length === 0 || !report.nodes.some(({ rows }) => rows.length))
        return hint("No rule was compared in this report: did the packet reach a node?");
      if (report.differences > 0)
        return hint(
          `It has ${report.differences} differences${report.remarks.length ? `: ${report.remarks.join("; ")}` : ""}. Compare with the outcomes of the same cluster and the same URL.`,
        );
      return right(
        `${report.nodes.reduce((sum, { rows }) => sum + rows.length, 0)} rules, in the same order, on ${report.observed.kernel}.`,
      );
    },
  },
];
