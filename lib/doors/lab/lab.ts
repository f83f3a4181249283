/**
 * The lab: the same cluster once more, from network namespaces of a real Linux kernel. It sends the
 * real request, reads what the kernel says of its way, and puts it beside our own journey.
 *
 *     const { outcomes } = cluster.outcomes(url, { from });
 *     const report = await runLab(planOf(cluster.network, { url, from }), outcomes);
 *     report.differences;      // 0: the kernel met the rules that we said it would, in that order
 *     console.log(labText(report));
 */
import { fileURLToPath } from "node:url";
import { release } from "node:os";
import type { RequestOptions } from "../../journey/data-path.js";
import type { Network } from "../../journey/network.js";
import type { Disposition, Journey, Outcomes } from "../../journey/types.js";
import { endpoint, readAddress } from "../../net/ip.js";
import { complain, say } from "../terminal.js";
import { build, clientSpace, dnsAddresses, nodeSpace } from "./build.js";
import type { Answer, Question } from "./client.js";
import { compareJourney, differences } from "./compare.js";
import { parseFlows, type Flow } from "./conntrack.js";
import { Namespaces } from "./namespaces.js";
import { planOf } from "./plan.js";
import { preflight } from "./preflight.js";
import { startBalancers, startDns, startMonitors, startPods } from "./servers.js";
import { labText } from "./text.js";
import type { LabPlan, LabReport, Observed } from "./types.js";
import type { TracedPacket } from "./trace.js";

export interface LabOptions {
  /** Hears of each step, in a line. */
  onProgress?: (line: string) => void;
}

/**
 * Throws where the machine cannot run a lab (see preflight), and where building fails; nothing
 * stays behind in any case.
 */
export async function runLab(
  plan: LabPlan,
  outcomes: readonly Journey[],
  options: LabOptions = {},
): Promise<LabReport> {
  const missing = preflight();
  if (missing.length > 0) throw new Error(missing.join("\n"));
  return compareWith(outcomes, await observe(plan, options));
}

/** Builds the cluster, sends the request, and takes everything away again. */
export async function observe(
  plan: LabPlan,
  { onProgress = () => {} }: LabOptions = {},
): Promise<Observed> {
  const house = Namespaces.open();
  try {
    onProgress(
      `building ${plan.nodes.length} nodes and ${plan.pods.length} Pods from network namespaces ${house.prefix}…`,
    );
    build(house, plan);
    onProgress("starting the Pods' HTTP servers, the load balancer and the DNS server");
    await Promise.all([startPods(house, plan), startBalancers(house, plan), startDns(house, plan)]);
    const traces = await startMonitors(house, plan);
    const packetsOf = (node: string): TracedPacket[] =>
      (traces.get(node) ?? []).flatMap(({ packets }) => packets);
    onProgress(`asking for ${plan.url}`);
    const answer = await ask(house, plan);
    await silence(() =>
      plan.nodes
        .flatMap(({ name }) => packetsOf(name))
        .reduce((sum, { steps }) => sum + steps.length, 0),
    );
    const flows = new Map(plan.nodes.map(({ name }) => [name, flowsOf(house, nodeSpace(name))]));
    return {
      kernel: `Linux ${release()}`,
      answer,
      ...meaning(answer),
      flows,
      traces: new Map(plan.nodes.map(({ name }) => [name, packetsOf(name)])),
    };
  } catch (error) {
    // Ctrl-C ends the programs that we wait for, too: one turn of the event loop, and we hear of it
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    throw error;
  } finally {
    house.close();
  }
}

const flowsOf = (house: Namespaces, space: string): Flow[] =>
  ["ipv4", "ipv6"].flatMap((family) =>
    parseFlows(house.run(space, "conntrack", ["-L", "-p", "tcp", "-f", family])),
  );

async function ask(house: Namespaces, plan: LabPlan): Promise<Answer> {
  const families = ([4, 6] as const).filter((family) =>
    plan.client.addresses.some((address) => address.includes(":") === (family === 6)),
  );
  const question: Question = {
    url: plan.url,
    server: families.includes(4) ? dnsAddresses[0] : dnsAddresses[1],
    lookups: plan.lookups,
    families,
  };
  const child = house.start(clientSpace(plan), process.execPath, [
    fileURLToPath(new URL("client.js", import.meta.url)),
    JSON.stringify(question),
  ]);
  let [said, complained] = ["", ""];
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (said += text));
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (complained += text));
  const code = await new Promise((done) => child.once("close", done));
  if (code !== 0)
    throw new Error(`the client's process failed (exit ${String(code)}): ${complained.trim()}`);
  return JSON.parse(said) as Answer;
}

/** A kernel's trace reaches us a little after the packet: waits until it says nothing more. */
async function silence(count: () => number): Promise<void> {
  for (let before = -1; before !== count();) {
    before = count();
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}

/**
 * How Node's errors read in our list of ends. Nobody can tell from outside who refused, or where a
 * packet got lost.
 */
const ends: Readonly<Record<string, Disposition>> = {
  ENOTFOUND: "name not found",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "no healthy target",
  EHOSTUNREACH: "no route",
  ENETUNREACH: "no route",
};
const alike: Partial<Record<Disposition, readonly Disposition[]>> = {
  "connection refused": ["rejected", "port not listening"],
  "timed out": ["dropped", "no route"],
  "no route": ["rejected", "port not listening"],
};

function meaning({
  body,
  error,
}: Answer): Pick<Observed, "disposition" | "pod" | "clientSeenByPod"> {
  if (error !== undefined) return { disposition: ends[error] ?? "timed out" };
  const { pod, address, port } = JSON.parse(body!) as {
    pod: string;
    address: string;
    port: number;
  };
  return {
    disposition: "delivered",
    pod,
    clientSeenByPod: endpoint(readAddress(address)?.text ?? address, port),
  };
}

// ---- the comparison -----------------------------------------------------------------------------

/**
 * The kernel chose among our outcomes; the one that it comes nearest to is the one to compare with.
 */
export function compareWith(outcomes: readonly Journey[], observed: Observed): LabReport {
  const reports = outcomes.map((ours): LabReport => {
    const nodes = compareJourney(ours, observed.traces);
    const remarks = remarksOn(ours, observed);
    return { observed, ours, nodes, remarks, differences: differences(nodes) + remarks.length };
  });
  const [best] = reports.sort((x, y) => x.differences - y.differences);
  if (best === undefined) throw new Error("there is no outcome of ours to compare with");
  return best;
}

function remarksOn(ours: Journey, { disposition, pod, clientSeenByPod }: Observed): string[] {
  const host = (text: string | undefined): string => (text ?? "nobody").replace(/:\d+$/, "");
  return [
    disposition !== ours.disposition &&
      !alike[disposition]?.includes(ours.disposition) &&
      `we said "${ours.disposition}", and the client met "${disposition}"`,
    pod !== ours.pod && `we said that ${ours.pod ?? "no Pod"} answers, and ${pod ?? "no Pod"} did`,
    pod !== undefined &&
      host(clientSeenByPod) !== host(ours.clientSeenByPod) &&
      `we said that the Pod sees ${ours.clientSeenByPod ?? "nobody"} as its client, and it saw ${clientSeenByPod}`,
  ].filter((remark) => remark !== false);
}

/**
 * The command `stopover lab`: runs one, prints its report; answers the exit code. Progress goes to
 * standard error.
 */
export async function lab(
  cluster: { network: Network; outcomes(url: string, options?: RequestOptions): Outcomes },
  url: string,
  { from }: { from: string },
): Promise<number> {
  const { outcomes } = cluster.outcomes(url, { from });
  const report = await runLab(planOf(cluster.network, { url, from }), outcomes, {
    onProgress: complain,
  });
  say(labText(report));
  return report.differences === 0 && report.observed.disposition === "delivered" ? 0 : 1;
}
