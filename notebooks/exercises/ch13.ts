import type { Cluster } from "stopover";
import { addressIn, discovery, hint, isJourney, isText, right, unseen } from "./answers.js";
import type { Exercise } from "./exercise.js";

export const ch13: Exercise[] = [
  {
    id: "13.1",
    judge(trip) {
      if (!isJourney(trip)) return hint("Hand in a journey: what cluster.request(…) answers.");
      if (/^(pod|node)\//.test(trip.request.from))
        return hint(
          "It comes from inside the cluster. Ask from outside: from an IP that is no Pod's and no node's.",
        );
      if (trip.hops.some(({ kind }) => kind === "load-balancer"))
        return hint("It came by a load balancer; this cluster should have no cloud at all.");
      if (trip.disposition !== "delivered" || !trip.pod)
        return hint(
          `It ends with "${trip.disposition}": ${trip.reason}. Which part of the Service works without a cloud?`,
        );
      if (!trip.hops.some(({ stop }) => stop === 2))
        return hint(
          "It did not come through the Service. Use a node's address and the Service's nodePort.",
        );
      return right(
        "The load balancer is the cloud-controller-manager's work; NodePort and ClusterIP are not. Without a cloud the Service is <pending> for ever, and its NodePort works from the first second.",
      );
    },
  },
  {
    id: "13.2",
    judge(answer) {
      if (
        isText(answer, "source ranges", "sourceranges", "loadBalancerSourceRanges", "source range")
      )
        return right(
          "A firewall drops, and the user waits. REJECT rules and Pods without a listener answer at once.",
        );
      if (isText(answer, "no endpoints", "no endpoint"))
        return hint(
          "What does kube-proxy's rule for a Service without endpoints do: REJECT or DROP?",
        );
      if (isText(answer, "wrong targetPort", "targetPort"))
        return hint(
          "The Pod's kernel is there and nobody listens on the port. What does a kernel answer then?",
        );
      return hint(
        'Answer with one of the three: "no endpoints", "source ranges", "wrong targetPort".',
      );
    },
  },
  {
    id: "13.3",
    judge(answer) {
      const name = String(answer)
        .trim()
        .toLowerCase()
        .replace(/^https?:\/\//, "")
        .replace(/[:/].*$/, "")
        .replace(/\.$/, "");
      if (name === "db.prod")
        return right(
          "A Pod's resolver tries its own namespace first (db.default.svc.cluster.local), then svc.cluster.local, so db.prod becomes db.prod.svc.cluster.local.",
        );
      if (name === "db.prod.svc" || name === "db.prod.svc.cluster.local")
        return hint("That works. Is there a shorter one that does?");
      if (name === "db") return hint("From the namespace default, db means db.default.");
      return hint("The Service's name comes first, then its namespace.");
    },
  },
  {
    id: "13.4",
    judge(cluster: Cluster) {
      if (typeof cluster?.shares !== "function" || typeof cluster.get !== "function")
        return hint("Hand in the cluster itself: the object that createCluster answered.");
      const service = cluster.list("Service").find(({ metadata }) => metadata.name === "nginx");
      if (!service)
        return hint("The article's Service nginx is missing. Make the cluster from manifests/.");
      const shares = cluster.shares(`http://mynginx-app.com:${service.spec.ports![0]!.port}/`);
      const delivered = Object.entries(shares).reduce(
        (sum, [end, share]) => (end.includes("/") ? sum + share : sum),
        0,
      );
      if (Math.abs(delivered - 2 / 3) < 1e-9)
        return right(
          `It works, sometimes: ${Object.keys(shares)
            .filter((end) => !end.includes("/"))
            .join(" and ")} for the rest. A user who reloads the page will not report it for days.`,
        );
      if (delivered > 1 - 1e-9)
        return hint(
          "All requests are delivered. Break something that concerns one node of three, or one Pod of three, and ask at once.",
        );
      if (Math.abs(delivered - 4 / 9) < 1e-9)
        return hint(
          "4/9: a dead node loses more than a third, by its door and by its Pod. Break only one of the two.",
        );
      if (delivered === 0) return hint("Nothing is delivered now; it should be two thirds.");
      return hint(
        `${(delivered * 100).toFixed(1)} % are delivered. Break something that concerns exactly one of three nodes or one of three Pods.`,
      );
    },
  },
  {
    id: "13.5",
    judge: (answer) =>
      discovery(answer, ({ cluster, found, typed }) => {
        const there = cluster.list("Pod").map(({ status }) => status?.podIP);
        const stale = cluster
          .node("node-b")
          .rules.endpoints("default/nginx")
          .map(addressIn)
          .filter((address) => !there.includes(address));
        if (stale.length === 0)
          return hint("On this cluster's node-b no rule is stale. Hand in desk, as it was made.");
        const address = addressIn(found);
        if (there.includes(address))
          return hint(
            "A Pod has that address. Which of node-b's endpoints has none of the others?",
          );
        if (!stale.includes(address))
          return hint(
            "Compare iptables-save -t nat | grep DNAT on node-b with the same on node-a. What stands on node-b alone?",
          );
        const isSeen = typed.some(
          ({ place, output }) => place === "node-b" && output.includes(address),
        );
        if (!isSeen) return unseen("at the rules of node-b itself");
        return right(
          "Its kube-proxy stopped before that Pod went, so one request in three that node-b sends goes to nobody. kubectl shows nothing of it: the EndpointSlice is right.",
        );
      }),
  },
];
