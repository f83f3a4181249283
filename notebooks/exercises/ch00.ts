import type { Exercise } from "./exercise.js";
import { hint, isCluster, isText, right } from "./answers.js";

export const ch00: Exercise[] = [
  {
    id: "00.1",
    judge(answer) {
      if (isText(answer, "kube-scheduler", "scheduler"))
        return right(
          "The scheduler binds a Pod to a node: it creates the Pod's binding, and the API server sets spec.nodeName.",
        );
      if (/kubelet/i.test(String(answer)))
        return hint(
          "The kubelet acts on Pods that carry its node's name already. Who wrote the name before?",
        );
      if (isText(answer, "api server", "kube-apiserver", "apiserver"))
        return hint(
          "It stores the name, but somebody asked it to. Look for the binding in the picture.",
        );
      return hint("Look in the history: who created a binding?");
    },
  },
  {
    id: "00.2",
    judge(answer) {
      if (isText(answer, "replicaset-controller", "replica set controller"))
        return right("The ReplicaSet controller, one of the loops in the kube-controller-manager.");
      if (isText(answer, "deployment-controller", "deployment"))
        return hint(
          "It creates one object, and that object has a controller of its own. Whom do the Pods name as their owner?",
        );
      if (isText(answer, "kube-controller-manager", "kcm", "controller manager"))
        return hint("It runs inside that, but the history names the single loop.");
      if (/kubelet/i.test(String(answer)))
        return hint("The kubelet runs Pods that somebody else has created.");
      return hint('Filter cluster.history() by verb "create" and kind "Pod".');
    },
  },
  {
    id: "00.3",
    judge(answer) {
      if (isText(answer, "10.1.4.2"))
        return right(
          "A Pod's address comes out of its node's range. Three nodes have 10.1.1.0/24 to 10.1.3.0/24, so nobody gives out 10.1.4.2. Of the others, which one it is depends on the scheduler.",
        );
      if (isText(answer, "10.1.1.3", "10.1.2.3", "10.1.3.3"))
        return hint(
          "That is the second address of a node's range: possible, if the scheduler chooses that node.",
        );
      return hint(
        "Answer with one of the four addresses, as a text. Compare them with the column POD-CIDR.",
      );
    },
  },
  {
    id: "00.4",
    judge(answer) {
      if (!isCluster(answer)) return hint('Hand in the cluster itself: check("00.4", cluster).');
      const deployment = answer.list("Deployment")[0];
      if (!deployment)
        return hint("This cluster has no Deployment. Apply manifests/deployment.yaml.");
      const pods = answer
        .list("Pod")
        .filter(
          ({ metadata }) => metadata.labels?.["app"] === "nginx" && !metadata.deletionTimestamp,
        );
      const pending = pods.filter(({ spec }) => !spec.nodeName),
        elsewhere = pods.find(({ spec }) => spec.nodeName && spec.nodeName !== "node-c");
      if (pods.length < (deployment.spec.replicas ?? 1))
        return hint(
          `There are ${pods.length} Pods, and the Deployment wants ${deployment.spec.replicas}. Did you let the cluster settle?`,
        );
      if (elsewhere)
        return hint(
          `Pod ${elsewhere.metadata.name} is on ${elsewhere.spec.nodeName}.${pending.length ? " A Pod of the new ReplicaSet is pending: does node-c have the label?" : " Which field of the Pod template tells the scheduler where a Pod may run?"}`,
        );
      if (pending.length)
        return hint(
          `${pending.length} Pods are pending: the scheduler finds no node with the label they ask for.`,
        );
      if (pods.some(({ status }) => status?.phase !== "Running"))
        return hint("They are on node-c but do not run yet: settle.");
      return right(
        "The scheduler filters by nodeSelector before it scores. It is also the reason why such a Deployment dies with its one node.",
      );
    },
  },
];
