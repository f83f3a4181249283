import type { Exercise } from "./exercise.js";
import {
  addressIn,
  discovery,
  hint,
  isJourney,
  isNumber,
  isText,
  right,
  unseen,
} from "./answers.js";

export const ch06: Exercise[] = [
  {
    id: "06.1",
    judge(answer) {
      if (isNumber(answer, 1 / 3))
        return right(
          "Three of the nine ways have the same node twice: 3 × 1/9 = 1/3. Two requests of three travel over the cluster's network once more.",
        );
      if (isNumber(answer, 1 / 9))
        return hint(
          "1/9 is the probability of one single way. In how many of the nine is the first node also the Pod's node?",
        );
      if (isNumber(answer, 2 / 3))
        return hint("That is how likely it is that a second node is needed.");
      return hint(
        "Count the ways in which firstNode and podOn are the same, and add their probabilities.",
      );
    },
  },
  {
    id: "06.2",
    judge(answer) {
      const [writer, undoer] = Array.isArray(answer)
        ? answer
        : String(answer).split(/[,;]|\band\b/);
      const wroteThem = isText(writer, "kube-proxy"),
        undidIt = isText(
          undoer ?? "",
          "conntrack",
          "connection tracking",
          "nf_conntrack",
          "conntrack table",
          "netfilter conntrack",
        );
      if (wroteThem && undidIt)
        return right(
          "kube-proxy, which runs on every node, writes the rules; it touches no packet. Conntrack, a part of the kernel, remembers what a rule did to a connection's first packet and does it again, or undoes it, for all others.",
        );
      if (isText(undoer ?? "", "kube-proxy"))
        return hint(
          "The first one asked for is who put the rules there; kube-proxy handles no packet on the way back.",
        );
      if (!wroteThem)
        return hint(
          "Who on the node watches Services and EndpointSlices and turns them into rules? It is not the kubelet, and it is not in the control plane.",
        );
      return hint(
        "Look at the rule column of the reply's steps: in place of a rule it names who knew the connection.",
      );
    },
  },
  {
    id: "06.3",
    judge(answer) {
      if (isNumber(answer, 1 / 5))
        return right(
          "Each ready Pod gets the same share, 1/5, on whatever node it runs and whichever node the request entered by. The load balancer's choice of a node has no say in it.",
        );
      if (isNumber(answer, 1 / 3))
        return hint(
          "That would be so if a node served only its own Pods. Do the rules of a node know only the Pods on that node?",
        );
      if (isNumber(answer, 1 / 15))
        return hint("That is one way, by one first node. How many first nodes lead to this Pod?");
      return hint(
        "Scale, settle, then add up the outcomes' probabilities for that Pod: every first node leads to it with the same chance.",
      );
    },
  },
  {
    id: "06.4",
    judge(trip) {
      if (!isJourney(trip))
        return hint('Hand in a journey: what cluster.request("http://mynginx-app.com/") answers.');
      const { protocol, hostname, port } = new URL(
        URL.canParse(trip.request.url) ? trip.request.url : "http://no.url/",
      );
      if (hostname !== "mynginx-app.com")
        return hint(
          `This journey goes to ${trip.request.url || "no URL"}; the name asked for is mynginx-app.com.`,
        );
      if (protocol !== "http:" || port !== "")
        return hint(
          "The URL still names a port (or https). Without one, which port does the browser take?",
        );
      if (trip.disposition === "port not listening")
        return hint(
          `It ends with "${trip.reason}". Which field of the Service makes the load balancer's listener? Change it and let the cluster settle.`,
        );
      if (trip.disposition !== "delivered")
        return hint(
          `It ends with "${trip.disposition}": ${trip.reason}. Did the cluster have time to settle?`,
        );
      return right(
        "spec.ports[].port is the load balancer's port (and the ClusterIP's); targetPort stays 80, for that is where nginx listens in the Pod.",
      );
    },
  },
  {
    id: "06.5",
    judge(trip) {
      if (!isJourney(trip))
        return hint(
          "Hand in a journey: one that cluster.request answers, or one of cluster.outcomes(…).outcomes.",
        );
      const nodes = trip.hops.filter(({ kind }) => kind === "node"),
        at = (kind: string) => trip.hops.some((hop) => hop.kind === kind);
      if (trip.disposition !== "delivered" || !trip.pod)
        return hint(`It ends with "${trip.disposition}": ${trip.reason}.`);
      if (at("load-balancer"))
        return hint(
          "It comes through the load balancer. Ask a node directly, by its own address and the Service's nodePort.",
        );
      if (!trip.hops.some(({ stop }) => stop === 2))
        return hint(
          "It meets no NodePort. The destination must be a node's address and the Service's nodePort.",
        );
      if (new Set(nodes.map(({ name }) => name)).size > 1)
        return hint(
          `It went on from ${nodes[0]!.name} to ${nodes.at(-1)!.name}. Which Pod it gets is chance: look through cluster.outcomes(…).outcomes for one that stays.`,
        );
      return right(
        "A NodePort works without any load balancer: it is a rule on every node. One way in three stays on the node that it entered.",
      );
    },
  },
  {
    id: "06.6",
    judge: (answer) =>
      discovery(answer, ({ found, typed }) => {
        const asked = typed.filter(
          ({ place, journey }) =>
            place.includes("/") &&
            journey?.disposition === "delivered" &&
            journey.hops.some(({ stop }) => stop === 3),
        );
        if (asked.length === 0)
          return hint(
            "No Pod has asked the Service yet: curl -s http://nginx:8080 in one of them.",
          );
        const address = addressIn(found);
        const answers = asked.map(({ journey }) => addressIn(journey?.destination ?? ""));
        if (!answers.includes(address))
          return hint(
            "In a line of conntrack -L, the second half is the answer as it comes: which src stands there?",
          );
        const isSeen = typed.some(
          ({ place, output }) => !place.includes("/") && output.includes(`src=${address} `),
        );
        if (!isSeen) return unseen("at conntrack -L on the node of the Pod that asked");
        return right(
          "The node wrote this address into the packet on its way out, and the ClusterIP into the answer on its way back. The Pod that asked never sees it.",
        );
      }),
  },
];
