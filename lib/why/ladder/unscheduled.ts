/**
 * Why a Pod is on no node: the field of its spec that the scheduler's message is about. A message
 * tells of all nodes ("2 Insufficient cpu, 1 node(s) had untolerated taint(s)"): the first field
 * of the table that it is about is named. (kubernetes: pkg/scheduler/framework/plugins)
 */
import { condition } from "../../objects/pods.js";
import type { Pod } from "../../objects/types.js";
import { labelsText } from "../near.js";
import { nameOf, type Objects } from "../objects.js";
import type { Fault, Value } from "../types.js";
import { ofSpec, ofStatus } from "./pod-fault.js";

/** A field that keeps a Pod from every node, with what is in it and what would fit. */
interface Wanted {
  field: string;
  value: Value;
  expected: Value;
}
type Reading = (pod: Pod, message: string) => Wanted | undefined;

export function unscheduled(objects: Objects, pod: Pod): Fault | undefined {
  if (pod.spec.nodeName) return undefined;
  const message =
    condition(pod, "PodScheduled")?.message ?? objects.warning(pod, ["FailedScheduling"]);
  const wanted = message === undefined ? unseen(pod) : readingOf(pod, message);
  const said = `${nameOf(pod)} is on no node: ${message ?? "the scheduler has not looked at it yet"}`;
  if (wanted) return ofSpec(pod, wanted.field, { ...wanted, sentence: sentenceOf(wanted, said) });
  return ofStatus(pod, 'status.conditions["PodScheduled"]', {
    value: condition(pod, "PodScheduled")?.status ?? null,
    expected: "True",
    sentence: said,
  });
}

const sentenceOf = ({ field, value, expected }: Wanted, said: string): string =>
  `${said}; ${field} is ${value ?? "not set"}, and it would have to be ${expected}`;

/** No scheduler has written of it: is there one that would? */
function unseen(pod: Pod): Wanted | undefined {
  const { schedulerName = "default-scheduler" } = pod.spec;
  if (pod.spec.schedulingGates?.length) return gate(pod, "");
  if (schedulerName === "default-scheduler") return undefined;
  return {
    field: "spec.schedulerName",
    value: schedulerName,
    expected: "default-scheduler, or the name of a scheduler that runs",
  };
}

const readingOf = (pod: Pod, message: string): Wanted | undefined => {
  for (const [about, reading] of readings) {
    const wanted = about.test(message) ? reading(pod, message) : undefined;
    if (wanted) return wanted;
  }
  return undefined;
};

const gate: Reading = ({ spec }) => ({
  field: "spec.schedulingGates",
  value: ((spec.schedulingGates ?? []) as { name: string }[]).map(({ name }) => name).join(", "),
  expected: "empty: whoever has put the gate there takes it away",
});

const selector: Reading = ({ spec: { nodeSelector } }) =>
  nodeSelector && {
    field: "spec.nodeSelector",
    value: labelsText(nodeSelector),
    expected: "labels that a Node has",
  };

/** A term of affinity, in a word or two: its expressions, or its labels and its topology. */
const affinity =
  (kind: "nodeAffinity" | "podAffinity" | "podAntiAffinity", expected: string): Reading =>
  ({ spec }) => {
    const required = (spec.affinity as Affinity | undefined)?.[kind]?.[hard];
    return required === undefined
      ? undefined
      : { field: `spec.affinity.${kind}`, value: termsText(required), expected };
  };
const hard = "requiredDuringSchedulingIgnoredDuringExecution";
type Affinity = Record<string, Record<string, unknown> | undefined>;
interface Expression {
  key: string;
  operator: string;
  values?: string[];
}
interface Term {
  matchExpressions?: Expression[];
  matchFields?: Expression[];
  labelSelector?: { matchLabels?: Record<string, string>; matchExpressions?: Expression[] };
  topologyKey?: string;
}

function termsText(required: unknown): string {
  const terms = Array.isArray(required)
    ? (required as Term[])
    : ((required as { nodeSelectorTerms?: Term[] }).nodeSelectorTerms ?? []);
  return terms.map(termText).join(" or ");
}

function termText({ matchExpressions, matchFields, labelSelector, topologyKey }: Term): string {
  const labels = labelSelector?.matchLabels;
  const expressions = [matchExpressions, matchFields, labelSelector?.matchExpressions];
  const wanted = [
    ...(labels ? [labelsText(labels)] : []),
    ...expressions.flatMap((each) => each ?? []).map(expressionText),
  ].join(", ");
  return topologyKey === undefined ? wanted : `${wanted} by ${topologyKey}`;
}

const expressionText = ({ key, operator, values = [] }: Expression): string =>
  [key, operator, values.length > 0 ? `(${values.join(", ")})` : ""].filter(Boolean).join(" ");

interface Spread {
  topologyKey: string;
  whenUnsatisfiable?: string;
}
const spread: Reading = ({ spec }) => {
  const all = (spec as { topologySpreadConstraints?: Spread[] }).topologySpreadConstraints ?? [];
  const place = all.findIndex(({ whenUnsatisfiable }) => whenUnsatisfiable !== "ScheduleAnyway");
  if (place < 0) return undefined;
  return {
    field: `spec.topologySpreadConstraints[${place}].topologyKey`,
    value: all[place]!.topologyKey,
    expected: "a label that the nodes have, with room in the domain that has the fewest Pods",
  };
};

const taint: Reading = (_pod, message) => ({
  field: "spec.tolerations",
  value: null,
  expected: /untolerated taint\(?s?\)? ?\{([^}]*)\}/.exec(message)?.[1] ?? "",
});

const hostPort: Reading = ({ spec: { containers } }) => {
  for (const [i, { ports = [] }] of containers.entries()) {
    const place = ports.findIndex(({ hostPort }) => hostPort);
    if (place >= 0)
      return {
        field: `spec.containers[${i}].ports[${place}].hostPort`,
        value: ports[place]!.hostPort ?? null,
        expected: "a port that is free on a node",
      };
  }
  return undefined;
};

const room: Reading = ({ spec: { containers } }) => {
  const place = Math.max(
    0,
    containers.findIndex(({ resources }) => resources?.requests),
  );
  return {
    field: `spec.containers[${place}].resources.requests`,
    value: labelsText(containers[place]!.resources?.requests ?? {}),
    expected: "no more than a node has left",
  };
};

const readings: [RegExp, Reading][] = [
  [/non-empty scheduling gates/, gate],
  [/node affinity\/selector/, selector],
  [/node affinity\/selector/, affinity("nodeAffinity", "labels that a Node has")],
  [/untolerated taint/, taint],
  [/Insufficient/, room],
  [/free ports/, hostPort],
  [/pod affinity rules/, affinity("podAffinity", "labels of Pods that are there")],
  [/pod anti-affinity rules/, affinity("podAntiAffinity", "labels that no Pod of the node has")],
  [/topology spread constraints/, spread],
];
