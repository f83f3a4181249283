/**
 * A real Linux kernel judges our netfilter and our kube-proxy rules: random clusters, random packets, and both must agree on every
 * rule that a packet meets, on its translations, its end, and the way of its answer.
 *
 *     node test/dist/kernel-oracle.test.js                        20 clusters x 25 packets, always the same
 *     STOPOVER_ORACLE=200x25 node test/dist/kernel-oracle.test.js   for the record; add STOPOVER_SEED=7 for others
 *     STOPOVER_SEED=3 STOPOVER_PATH=287:4 node …                    a failure again, with the seed and path that it printed
 */
import fc from "fast-check";
import { dump } from "js-yaml";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { preflight } from "stopover/internal/lab/preflight";
import { aim, cluster, shot, type Cluster, type Sent } from "./oracle/clusters.js";
import { judge, type Heard } from "./oracle/judge.js";
import { Rig } from "./oracle/rig.js";

const [clusters, packets] = (process.env["STOPOVER_ORACLE"] ?? "20x25").split("x").map(Number) as [number, number];
const seed = Number(process.env["STOPOVER_SEED"] ?? 1);
const path = process.env["STOPOVER_PATH"];
const missing = preflight();

/** Ports below the range in which the kernel and MASQUERADE pick their own, so that nothing clashes by chance. */
let serial = 1024;
const nextPort = (): number => (serial = serial >= 31000 ? 1024 : serial + 1);

const yaml = (value: unknown): string => dump(value, { noRefs: true, lineWidth: 160 });
const report = ({ node, services, slices, proxy }: Cluster, difference: string): string =>
  [difference, "", "the manifest:", [proxy, node, ...services, ...slices].map(yaml).join("---\n")].join("\n");

async function agrees(rig: Rig, made: Cluster, sent: readonly Sent[], heard?: Heard): Promise<void> {
  if (broken) return; // nothing can be learnt from smaller clusters
  const difference = await patiently(() => judge(rig, made, sent, heard)).catch((error: Error) => {
    broken = true;
    return `the rig itself failed: ${error.message}`;
  });
  if (difference === undefined) return;
  first ??= difference;
  throw new Error(report(made, difference));
}
let broken = false;

/** On a busy machine the kernel's traces may outrun their reader, and some are lost: that says nothing, so look again. */
async function patiently<T>(look: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await look();
    } catch (error) {
      if (tries === 3) throw error;
      console.log(`oracle: looking again: ${String(error).slice(0, 120)}`);
    }
  }
}
/** What failed before it was made smaller: what is left to chance may fail only once. */
let first: string | undefined;

if (missing.length > 0 && process.env["CI"] !== "true") {
  console.log(`skip: a real kernel agrees: ${missing.join("; ")}`);
  test.skip("a real kernel agrees with us on random clusters and packets", () => {});
} else {
  test("a real kernel agrees with us on random clusters and packets", async () => {
    const rig = await Rig.build();
    const counted = { clusters: 0, packets: 0, rules: 0 };
    const ends: Record<string, number> = { forward: 0, local: 0, reject: 0, drop: 0 };
    const heard: Heard = (end, rules) => void (counted.packets++, (counted.rules += rules), (ends[end] = (ends[end] ?? 0) + 1));
    try {
      const property = fc.asyncProperty(cluster, fc.array(shot, { minLength: packets, maxLength: packets }), async (made, shots) => {
        counted.clusters++;
        await agrees(rig, made, shots.map((each) => aim(made, each, nextPort())), heard);
      });
      await fc.assert(property, { seed, numRuns: clusters, reporter: tell, ...(path && { path }) });
      if (clusters >= 20) for (const [end, count] of Object.entries(ends)) assert.ok(count > 0, `some packets end with ${end}`);
    } finally {
      rig.close();
      console.log(`oracle: seed ${seed}: ${counted.clusters} clusters, ${counted.packets} packets (answers included: ${Object.entries(ends).map(([end, count]) => `${count} ${end}`).join(", ")}), ${counted.rules} rules compared`);
    }
  });
}

/** The smallest counterexample in words, and how to see it again. */
function tell<T>(details: fc.RunDetails<T>): void {
  if (!details.failed) return;
  const error = details.errorInstance instanceof Error ? details.errorInstance.message : String(details.errorInstance);
  throw Object.assign(new Error(`seed ${details.seed}, path ${details.counterexamplePath}, after ${details.numShrinks} shrinks: ${error}\nat first: ${first}`), { stack: "" });
}

test.run();
