/**
 * 55 dumps of what the controllers and the scheduler of Kubernetes 1.35.4 made of a scenario
 * (recorded-scenario.ts), under a scripted kubelet. Ours are given the same scenario, and each
 * object and event of each dump is compared (recorded-comparison.ts).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import "stopover/internal/apiserver/admission-plugins";
import "stopover/internal/apiserver/other-patches";
import "stopover/internal/controllers/workloads";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import { kubeControllerManager, kubeScheduler } from "stopover/internal/controllers/manager";
import { Random } from "stopover/internal/machinery/random";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import { compared } from "./recorded-comparison.js";
import { play, Scenario, type Dump } from "./recorded-scenario.js";
import { ScriptedKubelet } from "./scripted-kubelet.js";

/** What stays different, and why: lines of `step kind name: field`, by reason. */
const listed = new URL("../conformance/kube-controller-manager-differences.json", import.meta.url);
const differences = JSON.parse(readFileSync(listed, "utf8")) as {
  reason: string;
  where: string[];
}[];

// ---- ours --------------------------------------------------------------------------------------

function playHere(): ReadonlyMap<string, Dump> {
  const clock = new VirtualClock("2026-11-28T16:21:18Z");
  const random = new Random(1);
  const server = new ApiServer({ clock, random: random.fork("apiserver").next });
  const connect = (who: string) => server.client(who);
  const surroundings = { clock, random, connect, identity: "control-plane-1" };
  kubeControllerManager({ ...surroundings, clusterCIDRs: ["10.1.0.0/16"] }).start();
  kubeScheduler(surroundings).start();
  for (const number of [1, 2, 3])
    new ScriptedKubelet(connect(`kubelet-${number}`), clock, number).start();
  clock.advance(10_000);
  const scenario = new Scenario(connect("scenario"), clock);
  play(scenario);
  return scenario.dumps;
}

test("each object and event after each step is the real controllers'", () => {
  const { all, found } = compared(playHere());
  const agree = all - found.length;
  if (process.env["STOPOVER_DIFFERENCES"])
    writeFileSync(process.env["STOPOVER_DIFFERENCES"], JSON.stringify({ all, agree, found }));
  const expected = differences.flatMap(({ where }) => where);
  const lines = found.map(({ line }) => line);
  const missing = [...expected];
  const unexpected = found.filter(({ line }) => {
    const i = missing.indexOf(line);
    if (i >= 0) missing.splice(i, 1);
    return i < 0;
  });
  assert.ok(lines.length <= all * 0.05, `${agree} of ${all} agree; 95 in 100 are needed`);
  assert.equal(
    unexpected.slice(0, 5).map(({ line, ours, real }) => ({ line, ours, real })),
    [],
    "a new difference",
  );
  assert.equal(missing, [], "no difference any more: take it out of the list");
});

test.run();
