import { addressIn, discovery, hint, isJourney, isNumber, isText, right } from "./answers.js";
import type { Exercise } from "./exercise.js";

const addressOf = (header: string): string => header.replace(/:\d+$/, "");

export const ch08: Exercise[] = [
  {
    id: "08.1",
    judge(answer) {
      if (
        isText(
          answer,
          "load balancer",
          "load balancer's",
          "the load balancer's",
          "lb",
          "elb",
          "192.168.0.250",
          "proxy",
        )
      )
        return right(
          "Local keeps the address that the node got. A proxy's connection to the node is the proxy's own, so that is where the address comes from.",
        );
      if (isText(answer, "user", "user's", "client", "client's", "203.0.113.9"))
        return hint(
          "Local makes the node keep the address that it got. But from whom does the node get this connection: is the user's connection still the same one behind a proxy?",
        );
      if (isText(answer, "node", "node's", "first node"))
        return hint(
          "That is the default policy, Cluster. With Local no rule marks the packet for masquerading.",
        );
      return hint('Answer "user", "load balancer" or "node".');
    },
  },
  {
    id: "08.2",
    judge(answer) {
      if (isNumber(answer, 1 / 4))
        return right(
          "The load balancer gives each node a quarter, and a Pod that is alone gets all of it. The four others get 1/8 each.",
        );
      if (isNumber(answer, 1 / 6))
        return hint(
          "That is the share under the policy Cluster, where a node shares among all Pods.",
        );
      if (isNumber(answer, 1 / 8)) return hint("That is the share of a Pod that has a neighbour.");
      if (isNumber(answer, 1 / 3)) return hint("How many nodes share the requests?");
      return hint("Two steps: what does one node get, and among how many Pods does it share that?");
    },
  },
  {
    id: "08.3",
    judge(trip) {
      if (!isJourney(trip))
        return hint(
          'Hand in a journey: what cluster.request(url, { from: "203.0.113.9" }) answers.',
        );
      if (trip.disposition !== "delivered" || !trip.pod)
        return hint(`It ends with "${trip.disposition}": ${trip.reason}.`);
      if (/^(pod|node)\//.test(trip.request.from))
        return hint(`It comes from ${trip.request.from}, inside the cluster. Ask from outside.`);
      if (addressOf(trip.clientSeenByPod ?? "") !== addressOf(trip.request.source))
        return hint(
          `The user is ${addressOf(trip.request.source)}, and the Pod sees ${addressOf(trip.clientSeenByPod ?? "")}. Who put that in: a node's masquerade, or a load balancer that is a proxy?`,
        );
      return right(
        "Nobody on the way put in an address of their own: no proxy ended the connection, and no rule masqueraded it. The answer goes straight from the Pod's node, which undoes the one translation it made.",
      );
    },
  },
  {
    id: "08.4",
    judge(answer) {
      if (isText(answer, "yes", "true", "it does", "yes it does"))
        return right(
          "externalTrafficPolicy concerns what comes from outside: NodePorts, external IPs, load balancers. For the ClusterIP there is internalTrafficPolicy, a setting of its own.",
        );
      if (isText(answer, "no", "false", "it does not", "dropped", "no it does not"))
        return hint(
          "Look at KUBE-SERVICES on such a node: to which chain does the rule of the ClusterIP jump, KUBE-SVL or KUBE-SVC?",
        );
      return hint('Answer "yes" or "no".');
    },
  },
  {
    id: "08.5",
    judge: (answer) =>
      discovery(answer, ({ cluster, found, typed }) => {
        const asked = typed.filter(
          ({ place, output }) => place.includes("/") && /^\d+(\.\d+){3}:\d+$/m.test(output),
        );
        if (asked.length === 0)
          return hint("No Pod has asked for /clientip yet. Type the loop in one of desk's Pods.");
        const address = addressIn(found);
        const asker = asked.find(({ output }) => output.includes(`${address}:`));
        if (!asker) return hint("None of the answers that came says this. Ask a few times more.");
        const { machine, sandbox } = cluster.pod(asker.place);
        if (sandbox.ips.includes(address))
          return hint("That is the Pod's own address, which the others see. Who sees another one?");
        if (!machine.addresses.includes(address))
          return hint("Whose address is it? Compare it with the node on which the Pod runs.");
        return right(
          "The hairpin: the Pod's own node, as whom the packet comes that leads back to the Pod which sent it.",
        );
      }),
  },
];
