/**
 * What a real kernel did once, kept in a file: so that a notebook tells the same on every machine,
 * and still holds our walk of today against the kernel's.
 *
 *     const plan = planOf(cluster.network, { url, from: "internet" });
 *     const observed = await observeOrRecall("dumps/lab.json", plan);
 *     compareWith(cluster.outcomes(url).outcomes, observed).differences;       // 0
 *
 * The environment variable STOPOVER_LAB decides. Unset: the recording is read. "run": a lab is
 * built and run, which takes Linux and root. "record": the same, and the file is written anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { Flow } from "./conntrack.js";
import { observe, type LabOptions } from "./lab.js";
import type { LabPlan, Observed } from "./types.js";
import { preflight } from "./preflight.js";
import type { TracedPacket } from "./trace.js";

/** Throws where a run is asked for and the machine cannot, with what is missing. */
export async function observeOrRecall(
  file: string,
  plan: LabPlan,
  options: LabOptions = {},
): Promise<Observed> {
  const wanted = process.env.STOPOVER_LAB;
  if (!wanted) return recall(readFileSync(file, "utf8"));
  if (wanted !== "run" && wanted !== "record")
    throw new Error(`STOPOVER_LAB is "${wanted}"; allowed are run, record, or nothing at all`);
  const missing = preflight();
  if (missing.length > 0) throw new Error(missing.join("\n"));
  const observed = await observe(plan, options);
  if (wanted === "record") writeFileSync(file, record(observed));
  return observed;
}

/** Maps have no JSON of their own: they become lists of pairs. */
export const record = ({ traces, flows, ...rest }: Observed): string =>
  `${JSON.stringify({ ...rest, traces: [...traces], flows: [...flows] }, null, 1)}\n`;

type Recorded = Omit<Observed, "traces" | "flows"> & {
  traces: [string, TracedPacket[]][];
  flows: [string, Flow[]][];
};

export function recall(text: string): Observed {
  const { traces, flows, ...rest } = JSON.parse(text) as Recorded;
  return { ...rest, traces: new Map(traces), flows: new Map(flows) };
}
