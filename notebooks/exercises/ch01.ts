import type { Exercise } from "./exercise.js";
import { hint, isCluster, isNumber, isText, letter, right } from "./answers.js";

export const ch01: Exercise[] = [
  {
    id: "01.1",
    judge(answer) {
      switch (letter(answer)) {
        case "b":
          return right(
            "A rolling update replaces every Pod, and each new Pod gets an address of its own. The Service's name would have gone on working.",
          );
        case "a":
          return hint("The laptop is not part of the cluster.");
        case "c":
          return hint("Would a request to a Pod's own address go through the Service?");
        case "d":
          return hint("A second replica is one more Pod. What happens to the first one?");
        default:
          return hint("Answer with one of the letters a, b, c and d.");
      }
    },
  },
  {
    id: "01.2",
    judge(answer) {
      if (isNumber(answer, 2))
        return right(
          "NodePort and ClusterIP are Kubernetes' own; only the load balancer needs a cloud.",
        );
      if (isNumber(answer, 3))
        return hint("Look at the column EXTERNAL-IP of that cluster's Service.");
      if (isNumber(answer, 0) || isNumber(answer, 1))
        return hint(
          "The Service has got a ClusterIP and a NodePort, and the last cell's request came in by one of them.",
        );
      return hint("Answer with a number.");
    },
  },
  {
    id: "01.3",
    judge(answer) {
      if (isText(answer, "A", "A record", "type A"))
        return right(
          "A record of type A leads from a name to an IPv4 address. Should the Service ever be made anew, the address changes, and the record with it.",
        );
      if (isText(answer, "CNAME", "CNAME record"))
        return hint("A CNAME leads from a name to another name. What does this cloud give?");
      if (isText(answer, "AAAA")) return hint("That is for IPv6 addresses.");
      return hint("It must lead from a name to an IPv4 address.");
    },
  },
  {
    id: "01.4",
    judge(cluster) {
      if (!isCluster(cluster)) return hint('Hand in the cluster itself: check("01.4", cluster).');
      const { disposition, reason } = cluster.request("http://shop.example:8080/");
      if (disposition === "name not found")
        return hint(
          "Nobody knows the name shop.example there. Which Service should the domain stand for, and has the cluster a cloud and time to settle?",
        );
      if (disposition !== "delivered")
        return hint(`The request ends with "${disposition}": ${reason}.`);
      return right(
        "The domain is a record of its own, and points to whatever the load balancer is called. Kubernetes knows nothing of it.",
      );
    },
  },
];
