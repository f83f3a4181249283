/** What kube-apiserver refuses of a CronJob. (pkg/apis/batch/validation) */
import {
  checkAtLeast0,
  checkOneOf,
  type FieldError,
  invalid,
  notSupported,
  required,
} from "./field-errors.js";
import { same } from "./freeze.js";
import { scheduleProblem } from "./schedule.js";
import type { KubeObject } from "./types.js";
import { shownSelector } from "./validation-apps.js";
import type { JobSpec } from "./validation-job-policies.js";
import { checkJobSpec } from "./validation-job.js";

interface CronJob extends KubeObject {
  spec: {
    schedule?: string;
    timeZone?: string;
    startingDeadlineSeconds?: number;
    concurrencyPolicy?: string;
    successfulJobsHistoryLimit?: number;
    failedJobsHistoryLimit?: number;
    jobTemplate: { spec: JobSpec };
  };
}

const CRON_NAME_MOST = 52;

export function validateCronJob({ metadata, spec }: CronJob, old?: CronJob): FieldError[] {
  if (old && same(spec, old.spec)) return [];
  const { jobTemplate, timeZone } = spec;
  const at = "spec.jobTemplate.spec";
  return [
    ...checkSchedule(spec.schedule, old?.spec.schedule, timeZone),
    ...checkAtLeast0("spec.startingDeadlineSeconds", spec.startingDeadlineSeconds),
    ...(timeZone === undefined || timeZone === old?.spec.timeZone ? [] : checkTimeZone(timeZone)),
    ...checkOneOf("spec.concurrencyPolicy", spec.concurrencyPolicy, ["Allow", "Forbid", "Replace"]),
    ...checkJobSpec(jobTemplate.spec, at),
    ...(jobTemplate.spec.selector
      ? [
          invalid(
            `${at}.selector`,
            shownSelector(jobTemplate.spec.selector),
            "`selector` will be auto-generated",
          ),
        ]
      : []),
    ...(jobTemplate.spec.manualSelector
      ? [notSupported(`${at}.manualSelector`, true, ["nil", "false"])]
      : []),
    ...checkAtLeast0("spec.successfulJobsHistoryLimit", spec.successfulJobsHistoryLimit),
    ...checkAtLeast0("spec.failedJobsHistoryLimit", spec.failedJobsHistoryLimit),
    ...(!old && metadata.name.length > CRON_NAME_MOST
      ? [invalid("metadata.name", metadata.name, "must be no more than 52 characters")]
      : []),
  ];
}

function checkSchedule(
  schedule = "",
  old: string | undefined,
  timeZone: string | undefined,
): FieldError[] {
  const at = "spec.schedule";
  if (schedule === "") return [required(at)];
  const problem = scheduleProblem(schedule);
  const found = problem === undefined ? [] : [invalid(at, schedule, problem)];
  if (!schedule.includes("TZ")) return found;
  if (!old?.includes("TZ"))
    found.push(
      invalid(at, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"),
    );
  else if (timeZone !== undefined)
    found.push(
      invalid(at, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule"),
    );
  return found;
}

function checkTimeZone(zone: string): FieldError[] {
  const at = "spec.timeZone";
  if (zone === "") return [invalid(at, zone, "timeZone must be nil or non-empty string")];
  const isPart = (part: string) =>
    part !== "." && part !== ".." && /^(?!-)[A-Za-z.\-_0-9+]{1,14}$/.test(part);
  if (!zone.split("/").every(isPart)) return [invalid(at, zone, `unknown time zone ${zone}`)];
  const unknown = isTimeZone(zone) ? [] : [invalid(at, zone, `unknown time zone ${zone}`)];
  if (zone.toLowerCase() === "local")
    return [
      invalid(
        at,
        zone,
        "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
      ),
      ...(zone === "Local" ? [] : unknown),
    ];
  return unknown;
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
