import type { Exercise } from "./exercise.js";
import { addressIn, discovery, hint, isCluster, isNumber, right, unseen } from "./answers.js";

export const ch03: Exercise[] = [
  {
    id: "03.1",
    judge(answer) {
      if (isNumber(answer, 0))
        return right(
          "A NodePort is a rule. The kernel rewrites the destination before it would look for a socket.",
        );
      if (isNumber(answer, 1))
        return hint(
          "List the sockets of a node. The one that you see has another port: whose is it?",
        );
      return hint(
        'Count the sockets with the Service\'s nodePort in cluster.node("node-a").sockets().',
      );
    },
  },
  {
    id: "03.2",
    judge(answer) {
      if (isNumber(answer, 5))
        return right(
          "At most 100 endpoints a slice: four hold 400, so it takes a fifth. There may be more: the controller would rather leave a slice half empty than rewrite several.",
        );
      if (isNumber(answer, 4)) return hint("Four slices hold how many endpoints at most?");
      if (isNumber(answer, 1)) return hint("One object for all of them is how Endpoints did it.");
      if (isNumber(answer, 450)) return hint("A slice holds more than one endpoint.");
      return hint(
        "Divide by how many endpoints a slice holds at most, and round to a whole number of slices.",
      );
    },
  },
  {
    id: "03.3",
    judge(answer) {
      if (isNumber(answer, 30086))
        return right(
          "30000 to 30085, 86 numbers, are left for those who choose a port themselves (KEP-3668). min(max(16, 2768 / 32), 128) = 86.",
        );
      if (isNumber(answer, 30000))
        return hint("That is where the range begins. Does the draw begin there as well?");
      if (isNumber(answer, 30085) || isNumber(answer, 30087))
        return hint("Very near. The first 86 numbers, beginning with 30000, are kept free.");
      return hint(
        "The lowest number of the cell with two hundred Services is only the lowest that was drawn. How many numbers at the beginning are left for users?",
      );
    },
  },
  {
    id: "03.4",
    judge(cluster) {
      if (!isCluster(cluster)) return hint('Hand in the cluster itself: check("03.4", cluster).');
      const ready = cluster
        .list("Pod")
        .filter(
          ({ metadata, status }) =>
            metadata.name.startsWith("nginx-") &&
            status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True"),
        );
      if (ready.length < 3)
        return hint(
          `${ready.length} of nginx's Pods are ready. Leave the Pods alone; break the connection between them and the Service.`,
        );
      if (!cluster.list("Service").some(({ metadata }) => metadata.name === "nginx"))
        return hint(
          "Without the Service its name is not found at all. Which field of it finds the Pods?",
        );
      const { disposition, reason } = cluster.request("http://nginx:8080/", {
        from: `pod/default/${ready[0]!.metadata.name}`,
      });
      if (disposition !== "rejected")
        return hint(
          `The request ends with "${disposition}": ${reason}. "Rejected" means that the Service is there and has no ready endpoints.`,
        );
      return right(
        "The Service and its Pods are fine, each by itself; only the selector does not match. kubectl get endpointslices shows it at a glance.",
      );
    },
  },
  {
    id: "03.5",
    judge(cluster) {
      if (!isCluster(cluster)) return hint('Hand in the cluster itself: check("03.5", cluster).');
      for (const { metadata, status } of cluster.list("Node")) {
        const address = status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
        const { disposition, reason } = cluster.request(`http://${address}:30080/`, {
          from: "192.168.7.7",
        });
        if (disposition !== "delivered")
          return hint(
            `On ${metadata.name} the request ends with "${disposition}": ${reason}. Which field of spec.ports[] names the port, and did the cluster settle?`,
          );
      }
      return right(
        "30080 lies in the band that is left for choosing (below 30086), so nobody is likely to have drawn it.",
      );
    },
  },
  {
    id: "03.6",
    judge: (answer) =>
      discovery(answer, ({ cluster, found, typed }) => {
        const till = cluster.list("Service").find(({ metadata }) => metadata.name === "till");
        if (!till) return hint("This cluster has no Service till. Hand in desk.");
        const address = String(till.spec.clusterIP);
        if (addressIn(found) !== address)
          return hint(
            "Its rules name it: iptables-save -t nat | grep till, on any node. Which rule is the one in KUBE-SERVICES?",
          );
        if (!typed.some(({ output }) => output.includes(address)))
          return unseen("at the rules of a node, or ask for the name in a Pod");
        return right(
          "A node knows it as a condition in its rules, a Pod by asking DNS for the name. Neither asked the API server.",
        );
      }),
  },
];
