import type { Exercise } from "./exercise.js";
import { hint, isCluster, isList, isText, letter, right } from "./answers.js";

export const ch04: Exercise[] = [
  {
    id: "04.1",
    judge(answer) {
      if (isText(answer, "cloud-controller-manager", "ccm", "cloud controller manager"))
        return right(
          "It needs the cloud, so it went where the cloud's code is. What the article calls the KCM's service controller is the EndpointSlice controller.",
        );
      if (isText(answer, "kube-controller-manager", "kcm", "controller manager"))
        return hint("So the article says. Look at the two lists of loops.");
      return hint("Look for service-controller in the lists of loops.");
    },
  },
  {
    id: "04.2",
    judge(answer) {
      switch (letter(answer)) {
        case "c":
          return right(
            "The service controller writes there what the cloud answered: kubectl describe service, at the bottom.",
          );
        case "a":
          return hint("The load balancer is made without asking the Pods.");
        case "b":
          return hint(
            "The rules come from the Service and its endpoints. They may be perfect while the cloud says no.",
          );
        case "d":
          return hint("As long as it is pending there is nothing that a name could lead to.");
        default:
          return hint("Answer with one of the letters a, b, c and d.");
      }
    },
  },
  {
    id: "04.3",
    judge(answer) {
      const letters = Array.isArray(answer)
        ? answer.map(letter)
        : (String(answer)
            .toLowerCase()
            .match(/\b[a-d]\b/g) ?? []);
      if (isList(letters, ["a", "b", "d"]))
        return right(
          "Only what needs the cloud to be changed stands still. The data path needs no controller at all.",
        );
      if (letters.includes("c")) return hint("Who would ask the cloud for the new load balancer?");
      if (!letters.includes("a"))
        return hint("Does a load balancer that is there need the CCM for each request?");
      if (!letters.includes("d"))
        return hint("Who scales a Deployment? That loop lives in the other manager.");
      if (!letters.includes("b")) return hint("What does a ClusterIP need from the cloud?");
      return hint('Answer with letters, as "b, c".');
    },
  },
  {
    id: "04.4",
    judge(cluster) {
      if (!isCluster(cluster)) return hint('Hand in the cluster itself: check("04.4", cluster).');
      const replicas = cluster.managers.filter(({ name }) => name === "cloud-controller-manager");
      if (!replicas.length)
        return hint(
          "This cluster has no cloud-controller-manager to stop: create it with a cloud.",
        );
      const { disposition, reason } = cluster.request("http://mynginx-app.com:8080/");
      if (disposition !== "delivered")
        return hint(
          `The request ends with "${disposition}": ${reason}. Was the load balancer ready before you stopped them?`,
        );
      cluster.advance("40s"); // longer than a Lease lasts: a standby would have taken over by now
      const leading = cluster.leader("cloud-controller-manager");
      if (leading)
        return hint(
          `40 seconds later ${leading.identity} leads. There is more than one replica: cluster.managers lists them.`,
        );
      return right(
        "Controllers make things; they do not carry requests. What they have made goes on by itself, until something has to change.",
      );
    },
  },
];
