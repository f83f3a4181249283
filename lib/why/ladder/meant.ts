/**
 * The Pods that a Service means: those that its selector matches; where it matches none, those that
 * it nearly matches; where there are no Pods yet, those that a workload would make.
 */
import { namespacedName } from "../../objects/names.js";
import type { Pod, Service } from "../../objects/types.js";
import { nearMiss, type NearMiss } from "../near.js";
import { hasLabels, namespaceOf, type Objects, type Workload } from "../objects.js";

export interface Meant {
  pods: readonly Pod[];
  /** By what they came to be meant. */
  by: "selector" | "near miss" | "other namespace" | "template" | "nothing";
  near?: NearMiss;
  workload?: Workload;
}

export function meantBy(objects: Objects, service: Service): Meant {
  return objects.once(`meant by ${namespacedName(service)}`, () => find(objects, service));
}

function find(objects: Objects, service: Service): Meant {
  const { selector = {} } = service.spec;
  if (Object.keys(selector).length === 0) return { pods: [], by: "nothing" };
  const selected = objects.selectedBy(service);
  if (selected.length > 0) return { pods: selected, by: "selector" };
  const workload = objects
    .workloadsIn(namespaceOf(service))
    .find(({ spec }) => hasLabels(spec.template.metadata?.labels, selector));
  if (workload) return { pods: [templatePod(workload)], by: "template", workload };
  const elsewhere = objects
    .all<Pod>("Pod")
    .filter(({ metadata }) => hasLabels(metadata.labels, selector));
  if (elsewhere.length > 0) return { pods: elsewhere, by: "other namespace" };
  const near = nearMiss(selector, objects.podsIn(namespaceOf(service)));
  if (near) return { pods: near.pods, by: "near miss", near };
  const asTemplates = objects.workloadsIn(namespaceOf(service)).map(templatePod);
  const nearTemplate = nearMiss(selector, asTemplates);
  return nearTemplate
    ? { pods: nearTemplate.pods, by: "near miss", near: nearTemplate }
    : { pods: [], by: "nothing" };
}

/** A Pod as the workload would make it: with no node, no status, and the workload's name. */
const templatePod = ({ metadata, spec }: Workload): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    ...spec.template.metadata,
    name: metadata.name,
    namespace: metadata.namespace ?? "default",
  },
  spec: spec.template.spec,
});
