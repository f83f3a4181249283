import type { Cluster } from "stopover";
import { hint, isNumber, isText, right } from "./answers.js";
import type { Exercise } from "./exercise.js";

export const ch07: Exercise[] = [
  {
    id: "07.1",
    judge(answer) {
      if (isNumber(answer, 7 / 16))
        return right(
          "A quarter of the connections enters by the dead node: 1/4. Of the other three quarters, a quarter is sent to the dead Pod: 3/4 × 1/4. Together 7/16.",
        );
      if (isNumber(answer, 1 / 4))
        return hint(
          "That is only what enters by the dead node. What do the rules of the other nodes still do?",
        );
      if (isNumber(answer, 1 / 2))
        return hint(
          "Connections that enter by the dead node never get as far as its Pod: do not count them twice.",
        );
      if (isNumber(answer, 9 / 16)) return hint("That is the share that arrives.");
      if (isNumber(answer, 5 / 9))
        return hint(
          "That is the number for three nodes. Do the same sum for four, or build the cluster and ask shares.",
        );
      return hint(
        "Add two losses: by the load balancer's choice of a node, and, where a living node was chosen, by its rules' choice of a Pod.",
      );
    },
  },
  {
    id: "07.2",
    judge(answer) {
      if (
        isText(
          answer,
          "load balancer",
          "the cloud's load balancer",
          "lb",
          "elb",
          "health check",
          "load balancer's health check",
        )
      )
        return right(
          "The rules forget the dead Pod a few seconds earlier (grace period 50 s, looked at every 5). The load balancer gives the node up after 6 health checks, 10 seconds apart.",
        );
      if (
        isText(
          answer,
          "node-lifecycle controller",
          "node lifecycle controller",
          "nodelifecyclecontroller",
          "node controller",
          "node-controller",
          "kube-controller-manager",
        )
      )
        return hint(
          "Look at the table of the eight minutes: in which row does podReady change, and in which does the load balancer's opinion?",
        );
      return hint('Answer with one of the two: "node-lifecycle controller" or "load balancer".');
    },
  },
  {
    id: "07.3",
    judge(answer) {
      if (typeof answer !== "object")
        return hint("Answer with an object: { periodSeconds: …, failureThreshold: … }.");
      const { periodSeconds = 10, failureThreshold = 3, timeoutSeconds = 1 } = answer;
      if (
        ![periodSeconds, failureThreshold, timeoutSeconds].every(
          (each) => Number.isInteger(each) && each >= 1,
        )
      )
        return hint("Kubernetes takes whole numbers from 1 for both.");
      const worst = periodSeconds * failureThreshold;
      if (worst < 3)
        return right(
          `The illness may begin just after a good probe; then it takes ${periodSeconds} × ${failureThreshold} = ${worst} s until the last failure that is needed, and a moment more until the rules follow. The price: more probes, and a Pod that is out after ${failureThreshold === 1 ? "a single hiccup" : `${failureThreshold} hiccups`}.`,
        );
      if (worst === 3)
        return hint(
          "Nearly. If the illness begins just after a good probe, the last failure comes after 3 s, and the rules follow only then. Leave room for the way of the news.",
        );
      return hint(
        `At worst the illness begins just after a good probe. With these numbers it then takes ${worst} s until the kubelet believes it.`,
      );
    },
  },
  {
    id: "07.4",
    judge(cluster: Cluster) {
      if (typeof cluster?.shares !== "function" || typeof cluster.list !== "function")
        return hint("Hand in the cluster itself: the object that createCluster answered.");
      const service = cluster.list("Service").find(({ metadata }) => metadata.name === "nginx");
      if (
        !service?.spec.clusterIP ||
        service.spec.clusterIP === "None" ||
        service.spec.type !== "LoadBalancer"
      )
        return hint(
          "The Service nginx must stay as it was: type LoadBalancer, with its ClusterIP.",
        );
      const selected = cluster
        .list("Pod", { namespace: "default" })
        .filter(({ metadata }) =>
          Object.entries(service.spec.selector ?? { none: "" }).every(
            ([key, value]) => metadata.labels?.[key] === value,
          ),
        );
      const running = selected.filter(
        ({ status, metadata }) => status?.phase === "Running" && !metadata.deletionTimestamp,
      );
      if (selected.length === 0)
        return hint(
          "The selector matches no Pod now. The Pods should stay what they are for the Service: selected, but not ready.",
        );
      if (running.length < 3)
        return hint(
          `Only ${running.length} of the selected Pods run. They should all run, and yet not be ready.`,
        );
      const ready = cluster
        .list("EndpointSlice")
        .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === "nginx")
        .flatMap(({ endpoints }) => endpoints)
        .filter(({ conditions }) => conditions?.ready !== false);
      if (ready.length)
        return hint(
          `${ready.length} endpoints are still ready. (A rolling update waits for its first new Pod to be ready, and keeps the old ones until then.)`,
        );
      if (
        Object.keys(cluster.shares(`http://mynginx-app.com:${service.spec.ports![0]!.port}/`)).some(
          (end) => end.includes("/"),
        )
      )
        return hint(
          "Requests still arrive at a Pod. Let the cluster settle, so that the news reaches the rules.",
        );
      return right(
        "Running and ready are two things. The kubelet starts a container and says Running; only the readiness probe makes it an endpoint that rules lead to.",
      );
    },
  },
];
