import { hint, isNumber, numberOf, right } from "./answers.js";
import type { Exercise } from "./exercise.js";

export const ch11: Exercise[] = [
  {
    id: "11.1",
    judge(answer) {
      if (isNumber(answer, 2000))
        return right(
          "All of KUBE-SERVICES, to learn that none of its rules is for the node's own address. KUBE-NODEPORTS is empty here.",
        );
      if (isNumber(answer, 4000))
        return hint("That would be so with NodePorts. KUBE-NODEPORTS holds nothing here.");
      if (isNumber(answer, 20))
        return hint("No rule is for it, and the kernel must look at each to know that.");
      return hint("Answer 20, 2000 or 4000.");
    },
  },
  {
    id: "11.2",
    judge(answer) {
      const given = numberOf(answer);
      if (given === 25.5)
        return right(
          "(1 + 2 + … + 50) / 50: each endpoint is as likely as the others, and the nth costs n.",
        );
      if (given === 25) return hint("Nearly. The first endpoint costs one rule, not none.");
      if (given === 50) return hint("That is the dearest one.");
      if (given === 1) return hint("The rules are a list, asked one after the other.");
      return hint(
        "The packet that goes to the nth endpoint has met n of the rules, and every n is equally likely.",
      );
    },
  },
  {
    id: "11.3",
    judge(answer) {
      const given = numberOf(answer);
      if (given === 35_000)
        return right(
          "For one: a rule in KUBE-SERVICES and one in KUBE-NODEPORTS, two in KUBE-EXT, the masquerade rule in KUBE-SVC, and 3 for each of 10 endpoints: 35. Nobody reads that with the eye, and the kernel does at each new connection.",
        );
      if (given === 30_000)
        return hint(
          "The endpoints' rules are right. Which rules has a Service once, however many endpoints it has?",
        );
      if (given === 35)
        return hint("That is what one Service needs. There are a thousand of them.");
      if (given === 10_000 || given === 20_000)
        return hint("Each endpoint needs three: one in KUBE-SVC, two in its KUBE-SEP.");
      return hint(
        "Count onNodeA.of(…) of one Service with one endpoint and with two (chapter 09), then multiply.",
      );
    },
  },
];
