import type { Cluster } from "stopover";
import type { Exercise } from "./exercise.js";
import { hint, isCluster, isNumber, isText, letter, right } from "./answers.js";

/** Where a node's rules send connections of the article's Service. */
const leadsTo = (cluster: Cluster, node: string): string =>
  cluster.node(node).rules.endpoints("default/nginx").sort().join(", ");

export const ch05: Exercise[] = [
  {
    id: "05.1",
    judge(answer) {
      if (isNumber(answer, 1 / 3))
        return right(
          "Three are left when the first has passed the packet on: one in three of those. 3/4 × 1/3 = 1/4.",
        );
      if (isNumber(answer, 1 / 4))
        return hint(
          "That is each endpoint's share in the end, and the number in the first rule. How many endpoints are left for a packet that reaches the second?",
        );
      if (isNumber(answer, 1 / 2)) return hint("That stands in the rule before the last.");
      if (isNumber(answer, 3 / 4))
        return hint("So many packets reach the second rule. What does it do with them?");
      return hint(
        "Answer with a probability, such as 1/4. Count how many endpoints are left when a packet reaches the rule.",
      );
    },
  },
  {
    id: "05.2",
    judge(answer) {
      if (
        isText(
          answer,
          "spec.ports[0].nodePort",
          "spec.ports[].nodePort",
          "nodePort",
          "spec.ports.nodePort",
        )
      )
        return right(
          "The API server has allocated it, and every kube-proxy has read it out of the object.",
        );
      if (isText(answer, "spec.externalTrafficPolicy", "externalTrafficPolicy"))
        return hint("That field shapes the next chain, KUBE-EXT.");
      if (isText(answer, "spec.ports[0].port", "port"))
        return hint("That port belongs to the ClusterIP and the load balancer.");
      return hint('Print cluster.node("node-a").rules.chain("KUBE-NODEPORTS") and read the field.');
    },
  },
  {
    id: "05.3",
    judge(answer) {
      switch (letter(answer)) {
        case "b":
          return right(
            "The rules are in the kernel and stay there. They only grow stale when something changes.",
          );
        case "a":
          return hint("Does a packet go through kube-proxy, or through the kernel's rules?");
        case "c":
          return hint("The load balancer's check goes through the same rules. Do they still work?");
        case "d":
          return hint("Pods are reached by routes and rules. Who took them away?");
        default:
          return hint("Answer with one of the letters a, b, c and d.");
      }
    },
  },
  {
    id: "05.4",
    judge(cluster) {
      if (!isCluster(cluster)) return hint('Hand in the cluster itself: check("05.4", cluster).');
      try {
        const [a, b] = [leadsTo(cluster, "node-a"), leadsTo(cluster, "node-b")];
        if (!a || !b)
          return hint(
            "One of the two nodes has no rules that lead anywhere. Apply the manifests and settle first, and change something afterwards.",
          );
        if (a === b)
          return hint(
            `Both lead to ${a}. Whose program must not hear of the next change? And what will you change then?`,
          );
        return right(`node-a: ${a}. node-b: ${b}. Each node believes its own kernel.`);
      } catch (error) {
        return hint((error as Error).message);
      }
    },
  },
];
