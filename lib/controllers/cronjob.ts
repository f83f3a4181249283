import { ignoring } from "../api/errors.js";
import { stamp } from "../api/time.js";
import {
  controllerOf,
  watch,
  watchOwned,
  type Context,
  type Controller,
} from "../machinery/controller.js";
import type { Kind, KubeObject, ObjectMeta, ObjectReference } from "../objects/types.js";
import type { Job } from "./job-object.js";
import { endingOf, isFinished } from "./job.js";
import { informerOf, ownerReference, writeStatus } from "./owned-pods.js";

/** As far as this controller reads it. */
interface CronJob extends KubeObject {
  spec: {
    schedule: string;
    suspend?: boolean;
    concurrencyPolicy?: "Allow" | "Forbid" | "Replace";
    successfulJobsHistoryLimit?: number;
    failedJobsHistoryLimit?: number;
    jobTemplate: { metadata?: ObjectMeta; spec: Job["spec"] };
  };
  status?: { active?: ObjectReference[]; lastScheduleTime?: string; lastSuccessfulTime?: string };
}

const MINUTE = 60_000;

/**
 * Makes a Job at each minute that its schedule names. Time zones are not modelled: schedules are in
 * UTC. (kubernetes: pkg/controller/cronjob/cronjob_controllerv2.go)
 */
export function cronJobController(context: Context): Controller {
  const { client, clock, events } = context;
  const crons = informerOf<CronJob>(context, "CronJob");
  const jobs = informerOf<Job>(context, "Job");
  jobs.index("owner", (job) => controllerOf(job)?.uid);

  function reconcile(key: string): { inBackground: number } | void {
    const cron = crons.get(key);
    if (!cron || cron.metadata.deletionTimestamp) return;
    const owned = jobs.by("owner", cron.metadata.uid!);
    for (const job of owned) if (isFinished(job)) sayThatItEnded(cron, job);
    tidy(cron, owned);
    const active = owned.filter((job) => !isFinished(job));
    const isDue = read(cron.spec.schedule);
    if (!isDue)
      return events.warning(
        cron,
        "UnparseableSchedule",
        `unparseable schedule: ${cron.spec.schedule}`,
      );
    const since = cron.status?.lastScheduleTime ?? cron.metadata.creationTimestamp!;
    const due = cron.spec.suspend ? undefined : lastDue(isDue, Date.parse(since), clock.now());
    const made = due === undefined ? undefined : start(cron, active, due);
    report(cron, made ? [...active, made] : active, owned, made && due);
    return { inBackground: MINUTE - (clock.now() % MINUTE) };
  }

  /** Once: as long as it still stands among those that run. */
  function sayThatItEnded({ status = {}, ...cron }: CronJob, job: Job): void {
    if (!status.active?.some(({ uid }) => uid === job.metadata.uid)) return;
    const message = `Saw completed job: ${job.metadata.name}, condition: ${endingOf(job)?.type}`;
    events.normal(cron, "SawCompletedJob", message);
  }

  /** Answers the new Job, if there is one. */
  function start(cron: CronJob, active: readonly Job[], due: number): Job | undefined {
    const { concurrencyPolicy, jobTemplate } = cron.spec;
    if (concurrencyPolicy === "Forbid" && active.length > 0) {
      const why = "prior execution is running and concurrency policy is Forbid";
      events.normal(cron, "JobAlreadyActive", `Not starting job because ${why}`);
      return undefined;
    }
    if (concurrencyPolicy === "Replace") for (const job of active) remove(cron, job);
    const { labels, annotations } = jobTemplate.metadata ?? {};
    const time = stamp(due);
    const job = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {
        // the minutes since the epoch (getJobName)
        name: `${cron.metadata.name}-${Math.floor(due / MINUTE)}`,
        namespace: cron.metadata.namespace!,
        ...(labels && { labels }),
        annotations: { ...annotations, "batch.kubernetes.io/cronjob-scheduled-timestamp": time },
        ownerReferences: [ownerReference(cron)],
      },
      spec: jobTemplate.spec,
    } as Job;
    const made = ignoring([409], () => client.create<Job>(job));
    if (made) events.normal(cron, "SuccessfulCreate", `Created job ${made.metadata.name}`);
    return made;
  }

  function remove(cron: CronJob, { metadata: { name, namespace } }: Job): void {
    const options = { propagationPolicy: "Background" as const };
    ignoring([404], () => client.delete("Job" as Kind, name, namespace, options));
    events.normal(cron, "SuccessfulDelete", `Deleted job ${name}`);
  }

  /** Of the Jobs that are over, so many are kept. */
  function tidy(cron: CronJob, owned: readonly Job[]): void {
    const { successfulJobsHistoryLimit: well = 3, failedJobsHistoryLimit: badly = 1 } = cron.spec;
    for (const [type, limit] of [
      ["Complete", well],
      ["Failed", badly],
    ] as const) {
      const over = owned
        .filter((job) => job.status?.conditions?.some((one) => one.type === type))
        .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
      for (const job of over.slice(0, Math.max(0, over.length - limit))) remove(cron, job);
    }
  }

  function report(
    cron: CronJob,
    active: readonly Job[],
    owned: readonly Job[],
    due: number | undefined,
  ): void {
    const ends = owned.map((job) => job.status?.completionTime).filter((one) => one !== undefined);
    const lastSuccess = ends.sort().at(-1) ?? cron.status?.lastSuccessfulTime;
    const lastScheduleTime = due === undefined ? cron.status?.lastScheduleTime : stamp(due);
    const status = {
      ...(active.length > 0 && { active: active.map(referenceTo) }),
      ...(lastScheduleTime && { lastScheduleTime }),
      ...(lastSuccess && { lastSuccessfulTime: lastSuccess }),
    };
    writeStatus(context, crons, cron, status);
  }

  return {
    name: "cronjob-controller",
    reconcile,
    watches: [watch("CronJob" as Kind), watchOwned("Job" as Kind, "CronJob" as Kind)],
  };
}

const referenceTo = ({
  apiVersion,
  kind,
  metadata: { name, namespace, uid, resourceVersion },
}: Job) => ({ apiVersion, kind, name, namespace, uid, resourceVersion }) as ObjectReference;

// ---- schedules (github.com/robfig/cron: the standard five fields and the words that begin with @)

type IsDue = (time: Date) => boolean;

const words: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const months = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const days = "sun mon tue wed thu fri sat".split(" ");

/** Which minutes a schedule names; undefined: it is none. */
export function read(schedule: string): IsDue | undefined {
  const parts = (words[schedule.trim()] ?? schedule).trim().split(/\s+/);
  if (parts.length !== 5) return undefined;
  const [minute, hour, day, month, weekday] = [
    field(parts[0]!, 0, 59),
    field(parts[1]!, 0, 23),
    field(parts[2]!, 1, 31),
    field(parts[3]!, 1, 12, months),
    field(parts[4]!, 0, 7, days),
  ];
  if (!minute || !hour || !day || !month || !weekday) return undefined;
  const star = (text: string) => text.startsWith("*") || text === "?";
  // where both days are named, either will do
  const both = star(parts[2]!) || star(parts[4]!);
  return (time) => {
    const dates = [
      day.has(time.getUTCDate()),
      weekday.has(time.getUTCDay()) || (time.getUTCDay() === 0 && weekday.has(7)),
    ];
    return (
      minute.has(time.getUTCMinutes()) &&
      hour.has(time.getUTCHours()) &&
      month.has(time.getUTCMonth() + 1) &&
      (both ? dates.every(Boolean) : dates.some(Boolean))
    );
  };
}

/** "1-5", "*" with a step, "mon,wed" */
function field(
  text: string,
  low: number,
  high: number,
  names: readonly string[] = [],
): Set<number> | undefined {
  const found = new Set<number>();
  const number = (word: string): number => {
    const place = names.indexOf(word.toLowerCase());
    return place < 0 ? (/^\d{1,2}$/.test(word) ? Number(word) : Number.NaN) : place + low;
  };
  for (const part of text.split(",")) {
    const [range = "", step = "1"] = part.split("/");
    const [first = "", last] = range.split("-");
    const all = range === "*" || range === "?";
    const from = all ? low : number(first);
    const to = all || (part.includes("/") && last === undefined) ? high : number(last ?? first);
    const by = Number(step);
    if (!(from >= low && to <= high && from <= to && by >= 1)) return undefined;
    for (let value = from; value <= to; value += by) found.add(value);
  }
  return found;
}

/** Minutes that are looked at, at most: a day. What was missed before that stays missed. */
const FURTHEST = 24 * 60;

/** The last minute after `since` that is due by now. */
function lastDue(isDue: IsDue, since: number, now: number): number | undefined {
  const last = Math.floor(now / MINUTE) * MINUTE;
  const first = Math.max(since + 1, last - FURTHEST * MINUTE);
  for (let minute = last; minute >= first; minute -= MINUTE)
    if (isDue(new Date(minute))) return minute;
  return undefined;
}
