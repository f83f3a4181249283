/**
 * What the control plane costs: from `apply` to complete endpoints, in clusters of three sizes, and
 * the cost of one Pod's change. Each size is measured in a process of its own, so that none profits
 * from another's warmed-up code: `node test/dist/bench/controllers.bench.js apply 1000 10 1` prints
 * one measurement as JSON.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createCluster } from "stopover";
import { deployment, harness, service } from "../control-harness.js";

interface Measurement {
  pods: number;
  boot: number;
  /** Seconds of CPU from apply until every endpoint is ready. */
  apply: number;
  /** Milliseconds of CPU for one Pod's change. */
  change: number;
  megabytes: number;
}

const seconds = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;

/** The whole cluster, kube-proxies and all. `groups` Deployments, each with its Service. */
function measureApply(pods: number, nodes: number, groups: number): Partial<Measurement> {
  const start = seconds();
  const cluster = createCluster({ nodes });
  const booted = seconds();
  for (let i = 0; i < groups; i++) {
    cluster.apply(deployment(`web-${i}`, pods / groups));
    cluster.apply(service(`web-${i}`));
  }
  cluster.settle();
  const endpoints = cluster
    .list("EndpointSlice")
    .reduce(
      (sum, slice) => sum + slice.endpoints.filter(({ conditions }) => conditions?.ready).length,
      0,
    );
  if (endpoints !== pods) throw new Error(`${endpoints} endpoints are ready, expected are ${pods}`);
  return {
    pods,
    boot: booted - start,
    apply: seconds() - booted,
    megabytes: process.resourceUsage().maxRSS / 1_024,
  };
}

/**
 * What one Pod that is deleted, replaced, bound, started and put into its slice costs API server,
 * controllers, scheduler and kubelets. The heartbeats of the same stretch of time are taken off,
 * and the kube-proxies are left out: that each node takes in a change is the node's own work, in
 * life on as many machines.
 */
function measureChange(pods: number, nodes: number, groups: number): Partial<Measurement> {
  const h = harness({ nodes, clusterCIDRs: ["10.0.0.0/9"], historyLimit: 0 });
  for (let i = 0; i < groups; i++) {
    h.client.create(deployment(`web-${i}`, pods / groups));
    h.client.create(service(`web-${i}`));
  }
  h.clock.settle();
  const victims = h.all("Pod").filter((_, i) => i % Math.floor(pods / 50) === 0);
  let cost = 0;
  for (const { metadata } of victims) {
    const [before, start] = [seconds(), h.clock.now()];
    h.client.delete("Pod", metadata.name, "default");
    h.clock.settle();
    const [after, passed] = [seconds(), h.clock.now() - start];
    h.clock.advance(passed);
    cost += after - before - (seconds() - after);
  }
  return { change: (cost * 1_000) / victims.length };
}

const known = new Map<string, Partial<Measurement>>();

function inOwnProcess(what: "apply" | "change", size: [number, number, number]): Measurement {
  const call = [what, ...size.map(String)];
  let found = known.get(call.join());
  if (!found)
    known.set(
      call.join(),
      (found = JSON.parse(
        execFileSync(
          process.execPath,
          ["--max-old-space-size=6000", fileURLToPath(import.meta.url), ...call],
          { encoding: "utf8" },
        ),
      ) as Partial<Measurement>),
    );
  return found as Measurement;
}

const sizes: [number, number, number][] = [
  [1_000, 10, 1],
  [10_000, 100, 10],
  [150_000, 5_000, 1_500],
];
const name = ([pods, nodes]: [number, number, number]) =>
  `${pods.toLocaleString("en")} Pods on ${nodes.toLocaleString("en")} nodes`;
const round = (value: number) => value.toFixed(2);

export const benches = [
  ...sizes.map((size) => ({
    name: `${name(size)}, from apply to complete endpoints`,
    run() {
      const { apply, boot, megabytes, pods } = inOwnProcess("apply", size);
      return `${round(apply)} s CPU (${round((apply * 1_000) / pods)} ms a Pod), ${Math.round(megabytes)} MB at most; the cluster's start ${round(boot)} s`;
    },
  })),
  {
    name: "the cost of one Pod's change to the control plane, by size of the cluster",
    run() {
      const costs = sizes.map((size) => inOwnProcess("change", size).change);
      return `${costs.map((cost, i) => `${round(cost)} ms at ${name(sizes[i]!)}`).join(", ")}; ratio ${round(costs.at(-1)! / costs[0]!)}`;
    },
  },
];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [pods, nodes, groups] = process.argv.slice(3).map(Number) as [number, number, number];
  console.log(
    JSON.stringify(
      (process.argv[2] === "apply" ? measureApply : measureChange)(pods, nodes, groups),
    ),
  );
}
