/**
 * A real Linux kernel judges our netfilter and our kube-proxy rules: random clusters, random
 * packets, and both must agree on every rule that a packet meets, on its translations, its end, and
 * the way of its answer.
 *
 *     node test/dist/kernel-oracle.test.js          20 clusters x 25 packets
 *     STOPOVER_ORACLE=200x25 node …                 for the record; add STOPOVER_SEED=7 for others
 *     STOPOVER_SEED=3 STOPOVER_PATH=287:4 node …    a failure again, with what it printed
 */
import fc from "fast-check";
import { dump } from "js-yaml";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseRules } from "stopover/internal/net/iptables/parse";
import { preflight } from "stopover/internal/doors/lab/preflight";
import { needs } from "./needs.js";
import { aim, cluster, shot, type Cluster, type Sent } from "./oracle/clusters.js";
import { judge, proxyRules, type Heard } from "./oracle/judge.js";
import { Rig } from "./oracle/rig.js";
import { anyPacket, ruleSet } from "./oracle/rulesets.js";
import { seed } from "./seed.js";

const [clusters, packets] = (process.env["STOPOVER_ORACLE"] ?? "20x25").split("x").map(Number) as [
  number,
  number,
];
const path = process.env["STOPOVER_PATH"];
const missing = preflight();

/**
 * Ports below the range in which the kernel and MASQUERADE pick their own, so that nothing clashes
 * by chance.
 */
let serial = 1024;
const nextPort = (): number => (serial = serial >= 31000 ? 1024 : serial + 1);

const yaml = (value: unknown): string => dump(value, { noRefs: true, lineWidth: 160 });
const manifest = ({ node, services, slices, proxy }: Cluster): string =>
  [proxy, node, ...services, ...slices].map(yaml).join("---\n");

/** Throws where a real kernel and ours differ; `what`: the manifest or rules, for the report. */
async function agrees(
  rig: Rig,
  contest: Parameters<typeof judge>[1],
  sent: readonly Sent[],
  heard: Heard,
  what: () => string,
): Promise<void> {
  if (broken || Date.now() > shrinkUntil) return; // nothing more is learnt from smaller examples
  const difference = await patiently(() => judge(rig, contest, sent, heard)).catch(
    (error: Error) => {
      broken = true;
      return `the rig itself failed: ${error.message}`;
    },
  );
  if (difference === undefined) return;
  if (first === undefined) [first, shrinkUntil] = [difference, Date.now() + 60_000];
  throw new Error(`${difference}\n\n${what()}`);
}
let broken = false;
let shrinkUntil = Infinity;

/**
 * On a busy machine the kernel's traces may outrun their reader, and some are lost: that says
 * nothing, so look again.
 */
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

type Run = (rig: Rig, heard: Heard) => fc.IAsyncPropertyWithHooks<never> | fc.IAsyncProperty<never>;

/** A property that needs the rig, and what it counted. */
function onKernel(name: string, unit: string, property: Run): void {
  if (!needs(test, name, missing)) return;
  test(name, async () => {
    const rig = await Rig.build();
    const counted = { packets: 0, rules: 0 };
    const ends: Record<string, number> = { forward: 0, local: 0, reject: 0, drop: 0 };
    const heard: Heard = (end, rules) =>
      void (counted.packets++, (counted.rules += rules), (ends[end] = (ends[end] ?? 0) + 1));
    first = undefined;
    try {
      await fc.assert(property(rig, heard), {
        seed,
        numRuns: clusters,
        reporter: tell,
        ...(path && { path }),
      });
      if (clusters >= 20)
        for (const [end, count] of Object.entries(ends))
          assert.ok(count > 0, `some packets end with ${end}`);
    } finally {
      rig.close();
      console.log(
        `oracle: seed ${seed}: ${clusters} ${unit}, ${counted.packets} packets (answers included: ${Object.entries(
          ends,
        )
          .map(([end, count]) => `${count} ${end}`)
          .join(", ")}), ${counted.rules} rules compared`,
      );
    }
  });
}

onKernel(
  "a real kernel agrees with us on random clusters",
  "clusters",
  (rig, heard) =>
    fc.asyncProperty(
      cluster,
      fc.array(shot, { minLength: packets, maxLength: packets }),
      (made, shots) =>
        agrees(
          rig,
          proxyRules(made),
          shots.map((each) => aim(made, each, nextPort())),
          heard,
          () => `the manifest:\n${manifest(made)}`,
        ),
    ) as never,
);

onKernel(
  "a real kernel agrees with us on random rules of other kinds",
  "rule sets",
  (rig, heard) =>
    fc.asyncProperty(
      ruleSet,
      fc.array(anyPacket, { minLength: packets, maxLength: packets }),
      (text, shots) =>
        agrees(
          rig,
          { rules: parseRules(text), routeLocalnet: true, tcpLiberal: false, muted: true },
          shots.map((each) => each(nextPort())),
          heard,
          () => `the rules:\n${text}`,
        ),
    ) as never,
);

/** The smallest counterexample in words, and how to see it again. */
function tell<T>(details: fc.RunDetails<T>): void {
  if (!details.failed) return;
  const error =
    details.errorInstance instanceof Error
      ? details.errorInstance.message
      : String(details.errorInstance);
  throw Object.assign(
    new Error(
      `seed ${details.seed}, path ${details.counterexamplePath}, after ${details.numShrinks} shrinks: ${error}\nat first: ${first}`,
    ),
    { stack: "" },
  );
}

test.run();
