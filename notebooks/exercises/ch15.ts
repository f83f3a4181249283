import type { Cluster } from "stopover";
import { hint, isCluster, isNumber, right } from "./answers.js";
import type { Exercise } from "./exercise.js";

export const ch15: Exercise[] = [
  {
    id: "15.1",
    judge(answer) {
      if (isNumber(answer, 0))
        return right(
          "conntrack knows the connection, and no packet of it meets the nat table again. New Pods get new connections.",
        );
      if (isNumber(answer, 1 / 2))
        return hint("That is the share of *new* connections. This client opens none.");
      return hint("Which packets of a connection meet the rules: all, or the first one?");
    },
  },
  {
    id: "15.2",
    judge(answer) {
      if (isNumber(answer, 4))
        return right(
          "Two dots are fewer than five: three domains of the search list come first, and the name as it stands is the fourth.",
        );
      if (isNumber(answer, 1))
        return hint("So it would be with a dot at the end, or with five dots in the name.");
      if (isNumber(answer, 3))
        return hint("These are the names that nobody has. One more is needed.");
      if (isNumber(answer, 8))
        return hint("So many questions are sent, for A and AAAA. How many different names are it?");
      return hint(
        "Count the dots, then the domains of the search list. The cell that lists the questions does it for any name.",
      );
    },
  },
  {
    id: "15.3",
    judge(answer) {
      if (isNumber(answer, 8080))
        return right(
          "DNS answers with the Pods' own addresses and no rule translates anything: the port must be the one that the process listens on.",
        );
      if (isNumber(answer, 80))
        return hint("Who would translate 80 into 8080? Look at the rules for such a Service.");
      return hint("Ask where a packet to a Pod's own address gets its port changed.");
    },
  },
  { id: "15.4", judge: leadsOutside },
];

function leadsOutside(cluster: Cluster) {
  if (!isCluster(cluster))
    return hint("Hand in the cluster itself: the object that createCluster answered.");
  const service = cluster.list("Service").find(({ metadata }) => metadata.name === "legacy");
  if (!service) return hint("There is no Service legacy in the namespace default.");
  if (service.spec.type === "ExternalName")
    return hint("An ExternalName changes the name only, not the port 9000 into 8080.");
  if (service.spec.selector && Object.keys(service.spec.selector).length > 0)
    return hint("The Service has a selector, so the controller makes its slices, out of Pods.");
  const [pod] = cluster.list("Pod", { namespace: "default" });
  if (!pod) return hint("There is no Pod left that could ask.");
  const from = `pod/default/${pod.metadata.name}`;
  const { hops, reason } = cluster.request("http://legacy:9000/", { from });
  if (hops.some(({ out }) => out.destination === "198.51.100.10:8080"))
    return right("The slice gives the address and the port; its port is found by its name.");
  return hint(
    `A request from ${pod.metadata.name} does not get there: ${reason}. Compare the label and the port's name of the EndpointSlice with the Service.`,
  );
}
