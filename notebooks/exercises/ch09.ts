import { addressIn, discovery, hint, isNumber, isText, right, unseen } from "./answers.js";
import type { Exercise } from "./exercise.js";

export const ch09: Exercise[] = [
  {
    id: "09.1",
    judge(answer) {
      if (isNumber(answer, 1 / 3))
        return right(
          "Two of five had their chance, three are left, and the third takes one third of what comes this far: 3/5 × 1/3 = 1/5.",
        );
      if (isNumber(answer, 1 / 5))
        return hint(
          "1/5 is what the endpoint gets of all connections, and what stands in the first rule. What is left when the third is asked?",
        );
      if (isNumber(answer, 1 / 4)) return hint("That is the second rule's.");
      if (isNumber(answer, 1 / 2)) return hint("That is the fourth rule's.");
      return hint("How many endpoints are left when a packet comes as far as the third rule?");
    },
  },
  {
    id: "09.2",
    judge(answer) {
      const name = String(answer).trim();
      if (name === "KUBE-SVC-L6O2RM7RDTBKXEPV" || name === "L6O2RM7RDTBKXEPV")
        return right(
          "A hash of shop/login:https and tcp. The Service's addresses have no part in it, so it is the same in every cluster.",
        );
      if (/^KUBE-(EXT|SVL|FW)-L6O2RM7RDTBKXEPV$/.test(name))
        return hint(
          "The hash is right: all chains of one Service port share it. The prefix asked for is KUBE-SVC-.",
        );
      if (name === "KUBE-SVC-67NZLRHBNDSAWJRO") return hint("That is the chain of shop/web:http.");
      return hint(
        'Hash "shop/login:https" and then "tcp" (chainName does both), or follow the rule for 10.96.77.5 in KUBE-SERVICES.',
      );
    },
  },
  {
    id: "09.3",
    judge(answer) {
      if (isNumber(answer, 3))
        return right(
          "One in KUBE-SVC that sends it its share, and two in a KUBE-SEP chain of its own: the hairpin's mark and the DNAT.",
        );
      if (isNumber(answer, 1)) return hint("That is the one in KUBE-SVC. What does it jump to?");
      if (isNumber(answer, 2))
        return hint("Count the KUBE-SEP chain's rules and the one that leads to it.");
      if (isNumber(answer, 4)) return hint("Chains are not rules.");
      return hint("Scale by one and compare the lines that begin with -A.");
    },
  },
  {
    id: "09.4",
    judge(answer) {
      if (isText(answer, "10.244.1.31:8443"))
        return right(
          "externalTrafficPolicy concerns what comes from outside. For the ClusterIP the node uses all endpoints, also the one on the other node.",
        );
      if (isText(answer, "dropped", "nowhere", "none", "no local endpoints"))
        return hint(
          "The DROP rule matches --dst-type LOCAL, an address of the node. Is 10.96.77.5 one?",
        );
      if (isText(answer, "10.244.1.31", "10.244.1.31:443"))
        return hint("The address is right. To which port does the DNAT rule send it?");
      return hint('Ask: worker2.packet({ from: "10.244.2.9", to: "10.96.77.5:443" }).');
    },
  },
  {
    id: "09.5",
    judge: (answer) =>
      discovery(answer, ({ cluster, found, typed }) => {
        const { rules } = cluster.node("node-a");
        const lines = rules.saveText().split("\n");
        const chain = lines
          .find((line) => /--probability 0\.50* .*-j KUBE-SEP-/.test(line))
          ?.replace(/.*-j /, "");
        const end = lines.find((line) => line.startsWith(`-A ${chain} `) && /-j DNAT/.test(line));
        const [, target = ""] = /--to-destination (\S+)/.exec(end ?? "") ?? [];
        if (!chain || target === "")
          return hint("This cluster has no such rule. Hand in desk, with its three Pods.");
        if (found === addressIn(target)) return hint("And at which port? The DNAT rule says both.");
        if (found !== target)
          return hint(
            `The rule is in the KUBE-SVC chain; behind its -j stands a KUBE-SEP chain. Where does that one's DNAT lead?`,
          );
        const isSeen = typed.some(
          ({ place, output }) => !place.includes("/") && output.includes(target),
        );
        if (!isSeen) return unseen("at iptables-save -t nat on a node");
        return right(
          "It is the second of three: one half of the two thirds that the first one leaves over.",
        );
      }),
  },
];
