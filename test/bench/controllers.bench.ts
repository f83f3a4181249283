/**
 * What the control plane costs: from `apply` to complete endpoints, in clusters of three sizes, and the cost of one Pod's change.
 * Each size is measured in a process of its own, so that none profits from another's warmed-up code:
 * `node test/dist/bench/controllers.bench.js 1000 10 10` prints one measurement as JSON.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createCluster } from "stopover";
import { deployment, service } from "../control-harness.js";

interface Measurement {
  pods: number;
  boot: number;
  /** Seconds of CPU from apply until every endpoint is ready. */
  apply: number;
  /** Milliseconds of CPU for one Pod that is deleted, replaced, started and put into the slices. */
  change: number;
  megabytes: number;
}

/** `groups` Deployments, each with its Service. */
function measure(pods: number, nodes: number, groups: number): Measurement {
  const seconds = () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6;
  const start = seconds();
  const cluster = createCluster({ nodes });
  const booted = seconds();
  for (let i = 0; i < groups; i++) {
    cluster.apply(deployment(`web-${i}`, pods / groups));
    cluster.apply(service(`web-${i}`));
  }
  cluster.settle();
  const applied = seconds();
  const endpoints = cluster.list("EndpointSlice").reduce((sum, slice) => sum + slice.endpoints.filter(({ conditions }) => conditions?.ready).length, 0);
  if (endpoints !== pods) throw new Error(`${endpoints} endpoints are ready, expected are ${pods}`);
  const victims = cluster.list("Pod").filter((_, i) => i % Math.floor(pods / 20) === 0);
  const before = seconds();
  for (const { metadata } of victims) {
    cluster.delete("Pod", metadata.name);
    cluster.settle();
  }
  return { pods, boot: booted - start, apply: applied - booted, change: ((seconds() - before) * 1_000) / victims.length, megabytes: process.resourceUsage().maxRSS / 1_024 };
}

const known = new Map<string, Measurement>();

function inOwnProcess(pods: number, nodes: number, groups: number): Measurement {
  const size = [pods, nodes, groups].map(String);
  let found = known.get(size.join());
  if (!found) known.set(size.join(), (found = JSON.parse(execFileSync(process.execPath, ["--max-old-space-size=6000", fileURLToPath(import.meta.url), ...size], { encoding: "utf8" })) as Measurement));
  return found;
}

const sizes: [number, number, number][] = [[1_000, 10, 1], [10_000, 100, 10], [150_000, 5_000, 1_500]];
const name = ([pods, nodes]: [number, number, number]) => `${pods.toLocaleString("en")} Pods on ${nodes.toLocaleString("en")} nodes`;
const round = (value: number) => value.toFixed(2);

export const benches = [
  ...sizes.map((size) => ({
    name: `${name(size)}, from apply to complete endpoints`,
    run() {
      const { apply, boot, megabytes, pods } = inOwnProcess(...size);
      return `${round(apply)} s CPU (${round((apply * 1_000) / pods)} ms a Pod), ${Math.round(megabytes)} MB at most; the cluster's start ${round(boot)} s`;
    },
  })),
  {
    name: "the cost of one Pod's change, by size of the cluster",
    run() {
      const costs = sizes.map((size) => inOwnProcess(...size).change);
      return `${costs.map((cost, i) => `${round(cost)} ms at ${name(sizes[i]!)}`).join(", ")}; ratio ${round(costs.at(-1)! / costs[0]!)}`;
    },
  },
];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [pods, nodes, groups] = process.argv.slice(2).map(Number) as [number, number, number];
  console.log(JSON.stringify(measure(pods, nodes, groups)));
}
