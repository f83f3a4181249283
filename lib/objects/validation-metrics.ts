/** What an autoscaler measures. (kubernetes: pkg/apis/autoscaling/validation) */
import {
  checkFormat,
  dns1123Label,
  forbidden,
  invalid,
  notSupported,
  pathSegment,
  required,
  type FieldError,
} from "./field-errors.js";
import { quantity } from "./quantity.js";

interface MetricTarget {
  type?: string;
  value?: string;
  averageValue?: string;
  averageUtilization?: number;
}

interface Source {
  /** Of a resource. */
  name?: string;
  container?: string;
  metric?: { name?: string };
  describedObject?: { kind?: string; name?: string };
  target?: MetricTarget;
}

export interface Metric {
  type?: string;
  object?: Source;
  external?: Source;
  pods?: Source;
  resource?: Source;
  containerResource?: Source;
}

const fieldOfType = {
  ContainerResource: "containerResource",
  External: "external",
  Object: "object",
  Pods: "pods",
  Resource: "resource",
} as const;
const fields = ["object", "external", "pods", "resource", "containerResource"] as const;

export function checkMetric(metric: Metric, at: string): FieldError[] {
  const { type = "" } = metric;
  const wanted = Object.hasOwn(fieldOfType, type) ? fieldOfType[type as "Pods"] : undefined;
  const present = fields.filter((field) => metric[field] !== undefined);
  const [first] = present;
  return [
    ...(type === "" ? [required(`${at}.type`, "must specify a metric source type")] : []),
    ...(wanted ? [] : [notSupported(`${at}.type`, type, Object.keys(fieldOfType))]),
    ...(first ? checkSource(first, metric[first]!, `${at}.${first}`) : []),
    ...(wanted && metric[wanted] === undefined
      ? [required(`${at}.${wanted}`, "must populate information for the given metric source")]
      : []),
    ...(present.length === 1 ? [] : present)
      .filter((field) => field !== wanted)
      .map((field) => forbidden(`${at}.${field}`, "must populate the given metric source only")),
  ];
}

function checkSource(field: (typeof fields)[number], source: Source, at: string): FieldError[] {
  const { name = "", container = "", target = {}, describedObject = {} } = source;
  const isResource = field === "resource" || field === "containerResource";
  return [
    ...(field === "object"
      ? (["kind", "name"] as const).flatMap((part) =>
          describedObject[part]
            ? checkFormat(`${at}.describedObject.${part}`, describedObject[part], pathSegment)
            : [required(`${at}.describedObject.${part}`)],
        )
      : []),
    ...(isResource && name === "" ? [required(`${at}.name`, "must specify a resource name")] : []),
    ...(field === "containerResource"
      ? container === ""
        ? [required(`${at}.container`, "must specify a container")]
        : checkFormat(`${at}.container`, container, dns1123Label)
      : []),
    ...(isResource ? [] : checkName(source.metric?.name ?? "", `${at}.metric.name`)),
    ...checkTarget(target, `${at}.target`),
    ...checkNeeded(field, target, `${at}.target`),
  ];
}

const checkName = (name: string, at: string): FieldError[] =>
  name === "" ? [required(at, "must specify a metric name")] : checkFormat(at, name, pathSegment);

function checkTarget(target: MetricTarget, at: string): FieldError[] {
  const { type = "", averageUtilization: share } = target;
  const types = ["Utilization", "Value", "AverageValue"];
  return [
    ...(type === "" ? [required(`${at}.type`, "must specify a metric target type")] : []),
    ...(types.includes(type)
      ? []
      : [invalid(`${at}.type`, type, "must be either Utilization, Value, or AverageValue")]),
    ...(["value", "averageValue"] as const).flatMap((field) =>
      target[field] !== undefined && quantity(target[field]) <= 0
        ? [invalid(`${at}.${field}`, target[field], "must be positive")]
        : [],
    ),
    ...(share !== undefined && share < 1
      ? [invalid(`${at}.averageUtilization`, share, "must be greater than 0")]
      : []),
  ];
}

function checkNeeded(
  field: (typeof fields)[number],
  { value, averageValue, averageUtilization: share }: MetricTarget,
  at: string,
): FieldError[] {
  const none = value === undefined && averageValue === undefined;
  const both = value !== undefined && averageValue !== undefined;
  const perPod = "a target value for metric and a per-pod target";
  const raw = "a target raw value and a target utilization";
  switch (field) {
    case "object":
      return none
        ? [required(`${at}.averageValue`, "must set either a target value or averageValue")]
        : [];
    case "external":
      return [
        ...(none
          ? [required(`${at}.averageValue`, `must set either ${perPod.replace(" and ", " or ")}`)]
          : []),
        ...(both ? [forbidden(`${at}.value`, `may not set both ${perPod}`)] : []),
      ];
    case "pods":
      return averageValue === undefined
        ? [required(`${at}.averageValue`, "must specify a positive target averageValue")]
        : [];
    default:
      if (share === undefined && averageValue === undefined)
        return [
          required(`${at}.averageUtilization`, `must set either ${raw.replace(" and ", " or ")}`),
        ];
      return share !== undefined && averageValue !== undefined
        ? [forbidden(`${at}.averageValue`, `may not set both ${raw}`)]
        : [];
  }
}
