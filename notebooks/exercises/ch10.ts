import type { Cluster, Service } from "stopover";
import { hint, isText, right } from "./answers.js";
import type { Exercise } from "./exercise.js";

export const ch10: Exercise[] = [
  {
    id: "10.1",
    judge(answer) {
      if (isText(answer, "deployment-controller", "deployment controller", "deploymentcontroller"))
        return right(
          "It makes the ReplicaSet. The ReplicaSet's controller is told of that and makes the Pods; the scheduler is told of those and binds them.",
        );
      if (isText(answer, "replicaset-controller", "replicaset controller"))
        return hint("It makes the Pods, once there is a ReplicaSet. Who makes that?");
      if (isText(answer, "kube-controller-manager", "KCM", "controller manager"))
        return hint("In that process, yes. Which of its controllers? The history names them.");
      if (isText(answer, "kube-scheduler", "scheduler", "kubelet"))
        return hint("It acts on Pods. There are none yet.");
      return hint("Filter the history for writes after the create of the Deployment.");
    },
  },
  {
    id: "10.2",
    judge(service: Service) {
      if (typeof service !== "object" || service.kind !== "Service")
        return hint("Hand in the Service itself: what bob.update(…) answers.");
      const { owner, tier } = service.metadata.labels ?? {};
      if (owner !== "alice" && tier === "front")
        return hint(
          "Alice's label is gone. Bob must begin with the Service as it is now, not with his old copy.",
        );
      if (tier !== "front") return hint("Bob's label is not there yet: tier: front.");
      if (!service.metadata.resourceVersion || !service.spec.clusterIP)
        return hint("This one was never stored. Hand in what the API server answered.");
      return right(
        "Read again, change, write: the loop that client-go calls RetryOnConflict. A patch of the one label would have done as well, for it names no resourceVersion and touches nothing else.",
      );
    },
  },
  {
    id: "10.3",
    judge(cluster: Cluster) {
      if (typeof cluster?.leader !== "function" || typeof cluster.list !== "function")
        return hint("Hand in the cluster itself: the object that createCluster answered.");
      const lease = cluster
        .list("Lease", { namespace: "kube-system" })
        .find(({ metadata }) => metadata.name === "kube-scheduler");
      if (lease?.spec.leaseTransitions)
        return right(
          `It changed hands ${lease.spec.leaseTransitions === 1 ? "once" : `${lease.spec.leaseTransitions} times`}. Meanwhile new Pods stayed without a node; those that had one did not notice.`,
        );
      if (!cluster.leader("kube-scheduler"))
        return hint(
          "The old leader is stopped, and the new one has not taken over yet. Let time pass.",
        );
      return hint(
        'The first holder still holds it. Stop it (cluster.leader("kube-scheduler").stop()) and let time pass.',
      );
    },
  },
  {
    id: "10.4",
    judge(answer) {
      if (isText(answer, "yes", "true", "yes it will"))
        return right(
          "The kubelet of its node restarts it, and asks nobody. The managers are needed where the API server's objects must change: new Pods, endpoints, evictions.",
        );
      if (isText(answer, "no", "false", "no it will not"))
        return hint(
          "Who restarts containers: a controller in the control plane, or somebody on the node?",
        );
      return hint('Answer "yes" or "no".');
    },
  },
];
