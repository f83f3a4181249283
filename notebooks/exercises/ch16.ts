import { hint, isJourney, isNumber, isText, right } from "./answers.js";
import type { Exercise } from "./exercise.js";

const addressOf = (header: string): string => header.replace(/:\d+$/, "");

export const ch16: Exercise[] = [
  {
    id: "16.1",
    judge(answer) {
      if (isNumber(answer, 1 / 2))
        return right("One node gets everything, and shares it among its own two Pods.");
      if (isNumber(answer, 1 / 6))
        return hint("So it is under Cluster. To which Pods may this node send under Local?");
      if (isNumber(answer, 1 / 3))
        return hint("How many of the three nodes answer for the address?");
      return hint("Which node gets the packets, and to which Pods may it send them?");
    },
  },
  {
    id: "16.2",
    judge(answer) {
      if (isNumber(answer, 1 / 2))
        return right(
          "The third zone has no healthy target, so the name does not have its address. Two are left, and the second leads to one Pod.",
        );
      if (isNumber(answer, 1 / 3))
        return hint(
          "So it would be across zones; or if the name still had the third zone's address.",
        );
      if (isNumber(answer, 1 / 4)) return hint("That is the share of a Pod in the first zone.");
      return hint("How many addresses has the name, and how many Pods stand behind each?");
    },
  },
  {
    id: "16.3",
    judge(trip) {
      if (!isJourney(trip))
        return hint(
          'Hand in a journey: what cluster.request(url, { from: "203.0.113.9" }) answers.',
        );
      const { disposition, hops, reason, request, clientSeenByPod = "" } = trip;
      if (disposition !== "delivered") return hint(`It is not answered: ${reason}.`);
      if (/^(pod|node)\//.test(request.from))
        return hint(`It comes from ${request.from}. Ask from outside.`);
      if (addressOf(clientSeenByPod) !== addressOf(request.source))
        return hint(
          `The user is ${addressOf(request.source)}, and the Pod sees ${addressOf(clientSeenByPod)}.`,
        );
      if (hops.some(({ kind }) => kind === "cluster-ip"))
        return hint("A node's rules chose the Pod and kept the address: that takes Local.");
      return right("The load balancer sends to the Pod itself, and is told to keep the client.");
    },
  },
  {
    id: "16.4",
    judge(answer) {
      if (isText(answer, "no", "false", "it does not", "no it does not"))
        return right(
          "The Pod's own node has a rule for the address, so the load balancer never sees the connection. ipMode Proxy takes that rule away.",
        );
      if (isText(answer, "yes", "true", "it does", "yes it does"))
        return hint("Who would write it? Follow the Pod's request to the address, place by place.");
      return hint('Answer "yes" or "no".');
    },
  },
];
