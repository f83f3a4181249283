/** Why a workload has made no Pod: it should not, it is paused, or the API server refuses them. */
import { condition } from "../../objects/pods.js";
import type { KubeObject, Service } from "../../objects/types.js";
import { nameOf, namespaceOf, type Objects, type Workload } from "../objects.js";
import type { Fault, Value } from "../types.js";
import { fault } from "./case.js";

export function unmade(objects: Objects, service: Service, workload: Workload): Fault {
  const refusal = refusalOf(objects, workload);
  const { replicas = 1, paused } = workload.spec as Workload["spec"] & { paused?: boolean };
  const name = nameOf(workload);
  const so = `so the selector of ${nameOf(service)} matches no Pod`;
  if (replicas === 0)
    return ofWorkload(workload, "spec.replicas", {
      value: 0,
      expected: 1,
      sentence: `spec.replicas of ${name} is 0, ${so}`,
    });
  if (paused)
    return ofWorkload(workload, "spec.paused", {
      value: true,
      expected: false,
      sentence: `spec.paused of ${name} is true, and it has made no Pod yet, ${so}`,
    });
  if (refusal !== undefined) return refused(workload, refusal, so);
  const sentence = `${name} has made no Pod yet, ${so}`;
  const facts = { value: null, expected: replicas, sentence };
  return { ...ofWorkload(workload, "status.replicas", facts), change: undefined };
}

type Facts = { value: Value; expected: Value; sentence: string };

const ofWorkload = (workload: Workload, field: string, facts: Facts): Fault =>
  fault("endpoints", workload, field, facts, {
    kubectl: `kubectl get ${workload.kind.toLowerCase()} ${workload.metadata.name} -n ${namespaceOf(workload)}`,
  });

/** What the API server said to who makes the Pods: the workload, or a Deployment's ReplicaSets. */
function refusalOf(objects: Objects, workload: Workload): string | undefined {
  const { name } = workload.metadata;
  const made = objects
    .workloadsIn(namespaceOf(workload))
    .filter(({ metadata: { ownerReferences = [] } }) =>
      ownerReferences.some((owner) => owner.kind === workload.kind && owner.name === name),
    );
  for (const one of [workload, ...made]) {
    const failure = condition(one as Parameters<typeof condition>[0], "ReplicaFailure");
    const message =
      failure?.status === "True" ? failure.message : objects.warning(one, ["FailedCreate"]);
    if (message) return message;
  }
  return undefined;
}

/** What admission says, and what of the cluster or the template it is about. */
function refused(workload: Workload, message: string, so: string): Fault {
  const namespace = namespaceOf(workload);
  const sentence = `${nameOf(workload)} has made no Pod, ${so}: the API server refuses them, ${message}`;
  const about = (pattern: RegExp): string | undefined => pattern.exec(message)?.[1];
  for (const [pattern, field, expected] of ofTemplate) {
    const value = about(pattern);
    if (value !== undefined)
      return ofWorkload(workload, `spec.template.spec.${field}`, { value, expected, sentence });
  }
  const quota = about(/(?:exceeded|failed) quota: ([^\s,:]+)/);
  if (quota !== undefined) {
    const value = about(/limited: (.*)$/) ?? null;
    const facts = { value, expected: "room for the Pods, or fewer and smaller Pods", sentence };
    return fault("endpoints", named("ResourceQuota", quota, namespace), "spec.hard", facts);
  }
  const level = about(/violates PodSecurity "([^":]+)/);
  if (level !== undefined) {
    const field = 'metadata.labels["pod-security.kubernetes.io/enforce"]';
    const facts = { value: level, expected: "a level that the Pods keep to", sentence };
    return fault("endpoints", named("Namespace", namespace), field, facts);
  }
  const facts = { value: "True", expected: "False", sentence };
  const unread = ofWorkload(workload, 'status.conditions["ReplicaFailure"]', facts);
  return { ...unread, change: undefined };
}

/** kubernetes: plugin/pkg/admission: serviceaccount, priority, runtimeclass. */
const ofTemplate: [RegExp, string, string][] = [
  [/serviceaccount "([^"]+)" not found/, "serviceAccountName", "a ServiceAccount that is there"],
  [/no PriorityClass with name (\S+) was found/, "priorityClassName", "a PriorityClass"],
  [/RuntimeClass "([^"]+)" not found/, "runtimeClassName", "a RuntimeClass that is there"],
];

const named = (kind: string, name: string, namespace?: string): KubeObject => ({
  apiVersion: "v1",
  kind,
  metadata: { name, ...(namespace !== undefined && { namespace }) },
});
