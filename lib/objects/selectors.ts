import { ownField } from "./freeze.js";
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

/** Longer ones are refused: it would take thousands of labels to need one. Characters. */
const maxLength = 100_000;

const isWord = (text: string): boolean =>
  /^[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?$/.test(text);

/** Selectors come from outside: only so many are remembered, and no long ones. */
const parsed = new Map<string, LabelPredicate>();
const [maxParsed, maxParsedLength] = [1000, 1000];

/** @throws SelectorError */
export function labels(text: string): LabelPredicate {
  const known = parsed.get(text);
  if (known) return known;
  checkLength(text);
  const all = text.trim() === "" ? [] : splitOutsideBrackets(text).map(labelRequirement);
  const predicate: LabelPredicate = (labels) => all.every((one) => one(labels));
  if (parsed.size > maxParsed) parsed.clear();
  if (text.length <= maxParsedLength) parsed.set(text, predicate);
  return predicate;
}

function checkLength(text: string): void {
  if (text.length > maxLength)
    throw new SelectorError(
      `the selector has ${text.length} characters; at most ${maxLength} are read`,
    );
}

/** "a in (b,c),d" is "a in (b,c)" and "d". */
function splitOutsideBrackets(text: string): string[] {
  const parts: string[] = [];
  let [start, within] = [0, false];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "(") within = true;
    else if (text[i] === ")") within = false;
    else if (text[i] === "," && !within) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function labelRequirement(text: string): LabelPredicate {
  const found = negated(text) ?? compared(text) ?? listed(text) ?? named(text);
  if (!found)
    throw new SelectorError(
      `unable to parse requirement: ${JSON.stringify(text.trim())}; a label selector looks like app=nginx,tier in (a,b),!old`,
    );
  return found;
}

/** !key */
function negated(text: string): LabelPredicate | undefined {
  const [mark, key] = [text.trim().slice(0, 1), text.trim().slice(1).trim()];
  if (mark !== "!" || !isWord(key)) return undefined;
  return (labels) => valueOf(labels, key) === undefined;
}

/** key=value, key==value, key!=value */
function compared(text: string): LabelPredicate | undefined {
  const found = comparison(text);
  if (!found || !isWord(found.left) || !(found.right === "" || isWord(found.right)))
    return undefined;
  const { left: key, right: value, equal } = found;
  return (labels) => (valueOf(labels, key) === value) === equal;
}

/** key in (a,b), key notin (a,b) */
function listed(text: string): LabelPredicate | undefined {
  const [, key = "", operator, values = ""] =
    /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text.trim()) ?? [];
  if (!isWord(key)) return undefined;
  const all = values.split(",").map((one) => one.trim());
  return inSet(key, all, operator === "in");
}

/** key */
function named(text: string): LabelPredicate | undefined {
  const key = text.trim();
  return isWord(key) ? (labels) => valueOf(labels, key) !== undefined : undefined;
}

/** The two sides of the first =, == or !=. */
function comparison(text: string): { left: string; right: string; equal: boolean } | undefined {
  const found = /==|!=|=/.exec(text) ?? undefined;
  return (
    found && {
      left: text.slice(0, found.index).trim(),
      right: text.slice(found.index + found[0].length).trim(),
      equal: found[0] !== "!=",
    }
  );
}

const valueOf = (labels: Labels, key: string): string | undefined =>
  labels && ownField(labels, key);

function inSet(key: string, values: readonly string[], wanted: boolean): LabelPredicate {
  const all = new Set(values);
  return (labels) => {
    const value = valueOf(labels, key);
    return (value !== undefined && all.has(value)) === wanted;
  };
}

/** A structured selector; an empty one selects everything, a missing one nothing. */
export function matches(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (!selector) return false;
  for (const key in selector.matchLabels)
    if (valueOf(labels, key) !== selector.matchLabels[key]) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = valueOf(labels, key);
    if (operator === "Exists") return value !== undefined;
    if (operator === "DoesNotExist") return value === undefined;
    return (value !== undefined && values.includes(value)) === (operator === "In");
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
  checkLength(text);
  const all = text
    .split(",")
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const found = comparison(part);
      if (!found || found.left === "")
        throw new SelectorError(`invalid selector: '${part}'; can't understand '${part}'`);
      const { left: path, right: value, equal } = found;
      if (
        path !== "metadata.name" &&
        path !== "metadata.namespace" &&
        !selectable[kind]?.includes(path)
      )
        throw new SelectorError(`field label not supported: ${path}`);
      return { path, read: reader(path), equal, value };
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
