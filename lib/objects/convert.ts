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

/** What the older version has no words for stands in annotations there. */
const METRICS = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior";

const cpuOf = (metrics: readonly unknown[]): Fields | undefined =>
  metrics
    .map((one) => recordOf(recordOf(one)["resource"]))
    .find(({ name, target }) => {
      return name === "cpu" && recordOf(target)["averageUtilization"] !== undefined;
    });

function read(text: unknown): unknown {
  try {
    return typeof text === "string" ? (JSON.parse(text) as unknown) : undefined;
  } catch {
    return undefined;
  }
}

function withMetrics(object: Fields): Fields {
  const { targetCPUUtilizationPercentage: averageUtilization, ...spec } = recordOf(object["spec"]);
  const metadata = recordOf(object["metadata"]);
  const {
    [METRICS]: others,
    [BEHAVIOR]: behavior,
    ...annotations
  } = recordOf(metadata["annotations"]);
  const target = { type: "Utilization", averageUtilization };
  const cpu = { type: "Resource", resource: { name: "cpu", target } };
  const kept = read(others);
  const metrics = [
    ...(Array.isArray(kept) ? (kept as unknown[]) : []),
    ...(averageUtilization === undefined ? [] : [cpu]),
  ];
  const scaling = read(behavior);
  return {
    ...object,
    metadata: withAnnotations(metadata, annotations),
    spec: {
      ...spec,
      ...(metrics.length > 0 && { metrics }),
      ...(isRecord(scaling) && { behavior: scaling }),
    },
  };
}

function withPercentage(object: Fields): Fields {
  const { metrics: all, behavior, ...spec } = recordOf(object["spec"]);
  const metrics = Array.isArray(all) ? (all as unknown[]) : [];
  const cpu = cpuOf(metrics);
  const others = metrics.filter((one) => recordOf(one)["resource"] !== cpu || !cpu);
  const metadata = recordOf(object["metadata"]);
  const annotations = {
    ...recordOf(metadata["annotations"]),
    ...(others.length > 0 && { [METRICS]: JSON.stringify(others) }),
    ...(behavior !== undefined && { [BEHAVIOR]: JSON.stringify(behavior) }),
  };
  const percentage = recordOf(cpu?.["target"])["averageUtilization"];
  return {
    ...object,
    metadata: withAnnotations(metadata, annotations),
    spec: {
      ...spec,
      ...(percentage !== undefined && { targetCPUUtilizationPercentage: percentage }),
    },
  };
}

function withAnnotations({ annotations: _, ...metadata }: Fields, annotations: Fields): Fields {
  return Object.keys(annotations).length > 0 ? { ...metadata, annotations } : metadata;
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
