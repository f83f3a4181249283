import { hint, isNumber, isText, right } from "./answers.js";
import type { Exercise } from "./exercise.js";

export const ch14: Exercise[] = [
  {
    id: "14.1",
    judge(answer) {
      if (isText(answer, "API server", "apiserver", "kube-apiserver", "api-server"))
        return right(
          "It allocates the number while it handles the create request. When the first watcher hears of the Service, the number is in it.",
        );
      if (
        isText(
          answer,
          "KCM",
          "kube-controller-manager",
          "kube controller manager",
          "service controller",
          "cloud-controller-manager",
          "CCM",
        )
      )
        return hint(
          "So says the article. Look at the Service in the revision in which it was created: had any controller been told of it by then?",
        );
      if (isText(answer, "kube-proxy", "kubeproxy"))
        return hint("kube-proxy reads the number and writes a rule for it. Who chose it?");
      return hint("Whose code ran between kubectl's request and the object in the store?");
    },
  },
  {
    id: "14.2",
    judge(answer) {
      if (isNumber(answer, 3))
        return right(
          "At most 100 endpoints a slice, so 250 need three. When one Pod changes, only its slice is written and sent to every node; the old Endpoints object was sent as a whole.",
        );
      if (isNumber(answer, 1))
        return hint("That was so with Endpoints. A slice holds at most 100.");
      if (isNumber(answer, 250)) return hint("An EndpointSlice holds many endpoints.");
      return hint("Scale a Deployment to 250 (the nodes need room: 110 Pods each) and count.");
    },
  },
  {
    id: "14.3",
    judge(answer) {
      if (isNumber(answer, 1))
        return right(
          "The address is the Pod's, not the container's: all its containers share one network namespace. (In a dual-stack cluster it has one of each family.) Which container answers is decided by the port.",
        );
      if (isNumber(answer, 2)) return hint("Make one and look: status.podIPs.");
      return hint("Apply a Pod with two containers, and look at status.podIPs.");
    },
  },
];
