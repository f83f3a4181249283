import type { Cluster } from "stopover";
import { hint, isCluster, isNumber, right } from "./answers.js";
import type { Exercise } from "./exercise.js";

const url = "http://mynginx-app.com:8080/";

export const ch17: Exercise[] = [
  {
    id: "17.1",
    judge(answer) {
      if (isNumber(answer, 18))
        return right("The map is asked once. That there is more in it costs the packet nothing.");
      if (isNumber(answer, 36) || isNumber(answer, 20_018))
        return hint("That would be so if the map were read from its beginning, as a list is.");
      return hint("Look at the column nftables of the table: how does it go on?");
    },
  },
  {
    id: "17.2",
    judge(answer) {
      const given = String(answer).trim().toLowerCase();
      if (/cluster-ips-check$/.test(given))
        return right(
          "It stands behind service-ips: who comes by with a ClusterIP and was not taken elsewhere has asked for a port that is not there.",
        );
      if (/service-endpoints-check|reject-chain|no-endpoint/.test(given))
        return hint(
          "That one is for Services that have the port, and nobody behind it. This port no Service has.",
        );
      if (/cluster-ips/.test(given)) return hint("That is the set. Which chain looks into it?");
      return hint("Send the request and read the reason: it names the table and the chain.");
    },
  },
  { id: "17.3", judge: isMigrating },
  {
    id: "17.4",
    judge(answer) {
      if (/affinity|clientip/i.test(String(answer)))
        return right(
          "The chain of an endpoint notes the client in the endpoint's own set, and only affinity asks for that.",
        );
      if (/policy/i.test(String(answer)))
        return hint("A policy chooses among endpoints. What has to be remembered of each of them?");
      return hint(
        "Give a Service of such a cluster one field after the other, and look for chains that begin with endpoint-.",
      );
    },
  },
];

function isMigrating(cluster: Cluster) {
  if (!isCluster(cluster))
    return hint("Hand in the cluster itself: the object that createCluster answered.");
  const isNew = ({ metadata }: { metadata: { name: string } }): boolean =>
    cluster
      .node(metadata.name)
      .rules.chains()
      .some(({ chain }) => chain === "service-ips");
  const nodes = cluster.list("Node");
  const young = nodes.filter(isNew).map(({ metadata }) => metadata.name);
  if (young.length === 0) return hint("All nodes have the rules of iptables' mode.");
  if (young.join() !== "node-b")
    return hint(`In nftables' mode are ${young.join(", ")}; node-b alone was asked for.`);
  if (nodes.length < 2) return hint("Which nodes are the others? There is node-b only.");
  const { delivered = 0, ...ends } = endsOf(cluster);
  if (Math.abs(delivered - 1) < 1e-9)
    return right(
      "The Service's objects are the same for both; each kube-proxy writes them its way.",
    );
  return hint(
    `Not every request is answered: ${JSON.stringify(ends)}. Apply the manifests, let it settle, and give the load balancer its time.`,
  );
}

/** Disposition -> probability. */
function endsOf(cluster: Cluster): Record<string, number> {
  const ends: Record<string, number> = {};
  for (const { disposition, probability } of cluster.outcomes(url).outcomes)
    ends[disposition] = (ends[disposition] ?? 0) + probability;
  return ends;
}
