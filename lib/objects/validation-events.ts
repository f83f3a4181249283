/**
 * What is wrong with Events. Who writes them by the newer group says more, and changes little
 * later. (kubernetes: pkg/apis/core/validation/events.go)
 */
import { checkFormat, invalid, qualifiedName, required, type FieldError } from "./field-errors.js";
import { same } from "./freeze.js";
import type { KubeObject } from "./types.js";
import { byKind, byVersion } from "./validation.js";

/** As it is stored: v1's. */
interface Event extends KubeObject {
  involvedObject?: Record<string, string>;
  reason?: string;
  message?: string;
  type?: string;
  source?: { component?: string; host?: string };
  firstTimestamp?: string;
  lastTimestamp?: string;
  count?: number;
  eventTime?: string;
  series?: { count?: number; lastObservedTime?: string };
  action?: string;
  related?: Record<string, string>;
  reportingComponent?: string;
  reportingInstance?: string;
}

// characters
const MOST_OF_WORDS = 128;
const MOST_OF_A_NOTE = 1024;

function validateEvent(event: Event): FieldError[] {
  const { metadata, involvedObject, eventTime, reportingComponent = "" } = event;
  const about = involvedObject?.["namespace"] ?? "";
  const ownHomes = eventTime ? ["default", "kube-system"] : ["default"];
  const isElsewhere = about
    ? !eventTime && about !== metadata.namespace
    : !ownHomes.includes(metadata.namespace ?? "");
  const problems = isElsewhere
    ? [invalid("involvedObject.namespace", about, "does not match event.namespace")]
    : [];
  if (!eventTime) return problems; // an old one
  const words = (field: "reportingInstance" | "action" | "reason"): FieldError[] =>
    event[field] ? atMost(field, event[field], MOST_OF_WORDS) : [required(field)];
  return [
    ...problems,
    ...(reportingComponent ? [] : [required("reportingComponent")]),
    ...checkFormat("reportingComponent", reportingComponent, qualifiedName),
    ...words("reportingInstance"),
    ...words("action"),
    ...words("reason"),
    ...atMost("message", event.message ?? "", MOST_OF_A_NOTE),
  ];
}

const atMost = (field: string, text: string, most: number): FieldError[] =>
  text.length > most ? [invalid(field, "", `can have at most ${most} characters`)] : [];

function strictly(event: Event, old: Event | undefined): FieldError[] {
  return old ? changed(event, old) : fresh(event);
}

function fresh(event: Event): FieldError[] {
  const { eventTime, type = "", firstTimestamp, lastTimestamp, count, source } = event;
  const unset = (field: string, value: unknown) =>
    value ? [invalid(field, "", "needs to be unset")] : [];
  return [
    ...seriesProblems(event),
    ...(eventTime ? [] : [required("eventTime")]),
    ...(type === "Normal" || type === "Warning"
      ? []
      : [invalid("type", "", `has invalid value: ${type}`)]),
    ...unset("firstTimestamp", firstTimestamp),
    ...unset("lastTimestamp", lastTimestamp),
    ...unset("count", count),
    ...unset("source", source?.component ?? source?.host),
  ];
}

function seriesProblems({ series }: Event): FieldError[] {
  if (!series) return [];
  return [
    ...((series.count ?? 0) < 2 ? [invalid("series.count", "", "should be at least 2")] : []),
    ...(series.lastObservedTime ? [] : [required("series.lastObservedTime")]),
  ];
}

const settled = [
  "involvedObject",
  "reason",
  "message",
  "source",
  "firstTimestamp",
  "lastTimestamp",
  "count",
  "type",
  "eventTime",
  "action",
  "related",
  "reportingComponent",
  "reportingInstance",
] as const;

function changed(event: Event, old: Event): FieldError[] {
  const differs = settled.filter(
    (field) => !same(event[field] || undefined, old[field] || undefined),
  );
  return [
    ...(same(event.series, old.series) ? [] : seriesProblems(event)),
    ...differs.map((field) => invalid(field, inGo(event[field]), "field is immutable")),
  ];
}

/** A reference as Go's internal type of it looks. */
function inGo(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value ?? "";
  const one = value as Record<string, string>;
  if ("component" in one || "host" in one)
    return { Component: one["component"] ?? "", Host: one["host"] ?? "" };
  const names = {
    Kind: "kind",
    Namespace: "namespace",
    Name: "name",
    UID: "uid",
    APIVersion: "apiVersion",
    ResourceVersion: "resourceVersion",
    FieldPath: "fieldPath",
  };
  return Object.fromEntries(Object.entries(names).map(([go, name]) => [go, one[name] ?? ""]));
}

byKind["Event"] = validateEvent;
byVersion["events.k8s.io/v1"] = (event, old) =>
  [...validateEvent(event as Event), ...strictly(event as Event, old as Event | undefined)].map(
    (one) => (one.field === "reportingComponent" ? { ...one, field: "reportingController" } : one),
  );
