import type { Kind, KubeObject, LabelSelector } from "./types.js";

/**
 * Selectors: which objects are meant. `labels("app=nginx,tier in (a,b),!old")` and
 * `fields("spec.nodeName=node-a")` answer a predicate; `matches(selector, labels)` is for the
 * structured selector of a Deployment. (k8s.io/apimachinery: pkg/labels/selector.go,
 * pkg/fields/selector.go)
 */
export class SelectorError extends Error {}

type Labels = Readonly<Record<string, string>> | undefined;
export type LabelPredicate = (labels: Labels) => boolean;

const word = String.raw`[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?`;
const requirement = new RegExp(
  String.raw`^\s*(?:(!)\s*(${word})|(${word})(?:\s*(==|=|!=)\s*(${word})?|\s+(in|notin)\s*\(([^()]*)\))?)\s*$`,
);
const parsed = new Map<string, LabelPredicate>();

/** @throws SelectorError */
export function labels(text: string): LabelPredicate {
  let predicate = parsed.get(text);
  if (!predicate) {
    const all = splitOutsideBrackets(text).map(labelRequirement);
    predicate = (labels) => all.every((one) => one(labels));
    if (parsed.size > 1000) parsed.clear(); // selectors come from outside: the cache stays bounded
    parsed.set(text, predicate);
  }
  return predicate;
}

function splitOutsideBrackets(text: string): string[] {
  return text.trim() === "" ? [] : text.split(/,(?![^(]*\))/);
}

function labelRequirement(text: string): LabelPredicate {
  const found = requirement.exec(text);
  if (!found)
    throw new SelectorError(
      `unable to parse requirement: ${JSON.stringify(text.trim())}; a label selector looks like app=nginx,tier in (a,b),!old`,
    );
  const [, not, absent, key, operator, value = "", set, values = ""] = found;
  if (not) return (labels) => labels?.[absent!] === undefined;
  if (set)
    return inSet(
      key!,
      values.split(",").map((one) => one.trim()),
      set === "in",
    );
  if (operator === "!=") return (labels) => labels?.[key!] !== value;
  if (operator) return (labels) => labels?.[key!] === value;
  return (labels) => labels?.[key!] !== undefined;
}

function inSet(key: string, values: readonly string[], wanted: boolean): LabelPredicate {
  return (labels) => {
    const value = labels?.[key];
    return (value !== undefined && values.includes(value)) === wanted;
  };
}

/** A structured selector; an empty one selects everything, a missing one nothing. */
export function matches(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (!selector) return false;
  for (const key in selector.matchLabels)
    if (labels?.[key] !== selector.matchLabels[key]) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    if (operator === "Exists") return labels?.[key] !== undefined;
    if (operator === "DoesNotExist") return labels?.[key] === undefined;
    return inSet(key, values, operator === "In")(labels);
  });
}

/** The text form of a structured selector, as kubectl -l takes it. */
export function selectorText(selector: LabelSelector | undefined): string {
  const words = { In: "in", NotIn: "notin", Exists: "", DoesNotExist: "!" };
  return [
    ...Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
    ...(selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) =>
      operator === "Exists" || operator === "DoesNotExist"
        ? words[operator] + key
        : `${key} ${words[operator]} (${values.join(",")})`,
    ),
  ].join(",");
}

/**
 * Fields that can be selected by, besides metadata.name and metadata.namespace. (kubernetes:
 * pkg/apis/core/v1/conversion.go)
 */
const selectable: Partial<Record<Kind, readonly string[]>> = {
  Pod: [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
  ],
  Node: ["spec.unschedulable"],
  Namespace: ["status.phase"],
  ReplicaSet: ["status.replicas"],
  Service: ["spec.clusterIP", "spec.type"],
  Event: [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
  ],
};

export interface FieldSelector {
  matches(object: KubeObject): boolean;
  /** The value that `path` must equal, where the selector says so: what an index is asked for. */
  exact(path: string): string | undefined;
}

/** @throws SelectorError where a field cannot be selected by, with Kubernetes' message. */
export function fields(kind: Kind, text: string): FieldSelector {
  const all = text
    .split(",")
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const found = /^\s*([^=!\s]+)\s*(==|=|!=)\s*(.*?)\s*$/.exec(part);
      if (!found)
        throw new SelectorError(`invalid selector: '${part}'; can't understand '${part}'`);
      const path = found[1]!;
      if (
        path !== "metadata.name" &&
        path !== "metadata.namespace" &&
        !selectable[kind]?.includes(path)
      )
        throw new SelectorError(`field label not supported: ${path}`);
      return { path, read: reader(path), equal: found[2] !== "!=", value: found[3]! };
    });
  return {
    matches: (object) => all.every(({ read, equal, value }) => (read(object) === value) === equal),
    exact: (path) => all.find((one) => one.path === path && one.equal)?.value,
  };
}

function reader(path: string): (object: KubeObject) => string {
  const keys = path === "source" ? ["source", "component"] : path.split(".");
  return (object) => {
    let value: unknown = object;
    for (const key of keys) value = (value as Record<string, unknown> | undefined)?.[key];
    // An unset boolean reads as false, an unset number as 0 (Go's zero values).
    return value === undefined
      ? ({ "spec.unschedulable": "false", "spec.hostNetwork": "false", "status.replicas": "0" }[
          path
        ] ?? "")
      : String(value);
  };
}
