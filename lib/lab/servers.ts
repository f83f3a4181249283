/**
 * The programs of a lab: one haproxy with a listening socket in every Pod's namespace, one for each proxying load balancer,
 * dnsmasq for the names, xtables-monitor on each node.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { ChildProcess } from "node:child_process";
import { balancerSpace, dns, dnsAddresses, nodeSpace, podSpace } from "./build.js";
import type { Namespaces } from "./namespaces.js";
import type { LabPlan } from "./plan.js";
import { TraceReader } from "./trace.js";

const defaults = `global
  maxconn 256
  nbthread 1
defaults
  timeout connect 2s
  timeout client 5s
  timeout server 5s
`;
const at = (address: string, port: number): string => (address.includes(":") ? `ipv6@${address}:${port}` : `ipv4@${address}:${port}`);
/** Milliseconds until a program must be there. */
const patience = 10_000;

/** In each Pod, an HTTP server that answers with the Pod's name and the client's address as it saw it. */
export async function startPods(house: Namespaces, plan: LabPlan): Promise<void> {
  const served = plan.pods.filter(({ ports }) => ports.length > 0);
  if (served.length === 0) return;
  const frontends = served.map((pod) => [
    `frontend ${plan.pods.indexOf(pod)}`, "  mode http",
    ...pod.ips.flatMap((ip) => pod.ports.map((port) => `  bind ${at(ip, port)} namespace ${house.nameOf(podSpace(plan, pod))}`)),
    `  http-request return status 200 content-type application/json lf-string '{"pod":"${pod.key}","address":"%[src]","port":%[src_port]}'`,
  ].join("\n"));
  await haproxy(house, dns, `${defaults}${frontends.join("\n")}\n`);
}

/** Proxying load balancers: each listener takes turns among the healthy targets. */
export async function startBalancers(house: Namespaces, plan: LabPlan): Promise<void> {
  for (const [i, { mode, listeners, addresses, privateAddresses, sourceRanges, targets }] of plan.balancers.entries()) {
    if (mode !== "proxy" || !listeners.some(({ protocol }) => protocol === "TCP")) continue;
    const healthy = targets.filter((target) => target.healthy);
    const proxies = listeners.filter(({ protocol }) => protocol === "TCP").map(({ port, targetPort }) => [
      `listen port-${port}`, "  mode tcp", "  balance random",
      ...addresses.map((address) => `  bind ${at(address, port)}`),
      ...(sourceRanges.length ? [`  tcp-request connection silent-drop if !{ src ${sourceRanges.join(" ")} }`] : []),
      ...healthy.map(({ address }, n) => `  server target-${n} ${at(address, targetPort)} source ${sourceFor(privateAddresses, address)}`),
    ].join("\n"));
    await haproxy(house, balancerSpace(i), `${defaults}${proxies.join("\n")}\n`);
  }
}

const sourceFor = (own: readonly string[], target: string): string => own.find((address) => address.includes(":") === target.includes(":")) ?? own[0] ?? "0.0.0.0";

/** haproxy wants a file: the shell makes it one that has no name. */
async function haproxy(house: Namespaces, space: string, config: string): Promise<void> {
  const child = house.start(space, "sh", ["-c", `exec haproxy -db -f /dev/fd/3 3<<'END'\n${config}END`], ["ignore", "ignore", "pipe"]);
  const binds = config.match(/^ {2}bind /gm)?.length ?? 0;
  await ready(child, "haproxy", () => sockets(child) >= binds);
}

/** Answers every name of the plan, and NXDOMAIN for all others. */
export async function startDns(house: Namespaces, plan: LabPlan): Promise<void> {
  const records = plan.names.flatMap(({ name, records }) => records.map((record) => (record.type === "CNAME" ? `--cname=${name},${record.target}` : `--host-record=${name},${record.address}`)));
  const child = house.start(dns, "dnsmasq", [
    "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=", "--user=root", "--bind-interfaces", "--local-ttl=1", "--address=/#/",
    ...dnsAddresses.map((address) => `--listen-address=${address}`), ...records,
  ], ["ignore", "ignore", "pipe"]);
  await ready(child, "dnsmasq", () => sockets(child) >= 2 * dnsAddresses.length);
}

/** What each node's kernel says; it grows as the lab goes on. */
export async function startMonitors(house: Namespaces, plan: LabPlan): Promise<Map<string, TraceReader>> {
  const readers = new Map<string, TraceReader>();
  for (const { name } of plan.nodes) {
    const reader = new TraceReader();
    const monitor = house.start(nodeSpace(name), "stdbuf", ["-oL", "xtables-monitor", "--trace"]); // it would keep its lines to itself otherwise
    monitor.stdout!.setEncoding("utf8").on("data", (text: string) => reader.feed(text));
    await ready(monitor, "xtables-monitor", () => subscribed(monitor));
    readers.set(name, reader);
  }
  return readers;
}

/** A kernel's queue for a process that listens to its traces. Column 2 is the protocol (12: netfilter), 4 the groups (bit 8: NFNLGRP_NFTRACE). */
const subscribed = ({ pid }: ChildProcess): boolean =>
  lines(`/proc/${pid}/net/netlink`).some((line) => {
    const [, protocol, , groups] = line.trim().split(/\s+/);
    return protocol === "12" && (parseInt(groups!, 16) & 0x100) !== 0;
  });

const sockets = ({ pid }: ChildProcess): number => {
  try {
    return readdirSync(`/proc/${pid}/fd`).filter((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith("socket:")).length;
  } catch {
    return 0; // not there yet, or there no more
  }
};

function lines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
}

/** None of these programs says that it is ready; their sockets do. */
async function ready(child: ChildProcess, what: string, isReady: () => boolean): Promise<void> {
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (said += text));
  for (const deadline = Date.now() + patience; !isReady(); await new Promise((resolve) => setTimeout(resolve, 5))) {
    if (child.exitCode !== null) throw new Error(`${what} ended at once: ${said.trim() || `exit ${child.exitCode}`}`);
    if (Date.now() > deadline) throw new Error(`${what} was not ready after ${patience / 1000} s: ${said.trim()}`);
  }
}
