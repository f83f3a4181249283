/**
 * One object in several versions: it is stored in one of them, and told in the one that is asked
 * for. Versions of a CustomResourceDefinition differ in their name alone (strategy None).
 * (kubernetes: pkg/apis/autoscaling/v1/conversion.go, pkg/apis/events/v1/conversion.go)
 */
import { isRecord } from "./freeze.js";
import { kindInfo, kindOf, type KindInfo } from "./kinds.js";
import type { KubeObject } from "./types.js";

type Fields = Record<string, unknown>;

/** The object in the version in which its kind is stored. */
export function toStored<T extends KubeObject>(object: T): T {
  const info = kindOf(object);
  return info ? (converted(object, kindInfo(info.key)!) as T) : object;
}

/** The object in this version. */
export function converted(object: KubeObject, { apiVersion }: KindInfo): KubeObject {
  if (object.apiVersion === apiVersion) return object;
  const convert = conversions[`${object.kind} ${object.apiVersion} ${apiVersion}`];
  const next = { ...object, apiVersion };
  return convert ? (convert({ ...next }) as unknown as KubeObject) : next;
}

const recordOf = (value: unknown): Fields => (isRecord(value) ? value : {});

function withMetrics(object: Fields): Fields {
  const { targetCPUUtilizationPercentage: averageUtilization, ...spec } = recordOf(object["spec"]);
  const target = { type: "Utilization", averageUtilization };
  const metrics = [{ type: "Resource", resource: { name: "cpu", target } }];
  return { ...object, spec: averageUtilization === undefined ? spec : { ...spec, metrics } };
}

function withPercentage(object: Fields): Fields {
  const { metrics, behavior: _, ...spec } = recordOf(object["spec"]);
  const cpu = (Array.isArray(metrics) ? metrics : [])
    .map((one) => recordOf(recordOf(one)["resource"]))
    .find(({ name }) => name === "cpu");
  const percentage = recordOf(cpu?.["target"])["averageUtilization"];
  if (percentage === undefined) return { ...object, spec };
  return { ...object, spec: { ...spec, targetCPUUtilizationPercentage: percentage } };
}

function renamed(object: Fields, names: Readonly<Record<string, string>>): Fields {
  return Object.fromEntries(Object.entries(object).map(([key, part]) => [names[key] ?? key, part]));
}

const namesOfCore = {
  note: "message",
  regarding: "involvedObject",
  reportingController: "reportingComponent",
  deprecatedSource: "source",
  deprecatedFirstTimestamp: "firstTimestamp",
  deprecatedLastTimestamp: "lastTimestamp",
  deprecatedCount: "count",
};

const coreEvent = (event: Fields): Fields => ({
  involvedObject: {},
  message: "",
  ...renamed(event, namesOfCore),
});

const newEvent = (event: Fields): Fields =>
  renamed(event, Object.fromEntries(Object.entries(namesOfCore).map(([a, b]) => [b, a])));

const conversions: Readonly<Record<string, (object: Fields) => Fields>> = {
  "HorizontalPodAutoscaler autoscaling/v1 autoscaling/v2": withMetrics,
  "HorizontalPodAutoscaler autoscaling/v2 autoscaling/v1": withPercentage,
  "Event events.k8s.io/v1 v1": coreEvent,
  "Event v1 events.k8s.io/v1": newEvent,
};
