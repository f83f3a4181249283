/**
 * The programs of a lab: one haproxy with a listening socket in every Pod's namespace, one for each
 * proxying load balancer, dnsmasq for the names, xtables-monitor on each node.
 */
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChildProcess } from "node:child_process";
import { balancerSpace, dns, dnsAddresses, nodeSpace, podSpace } from "./build.js";
import type { Namespaces } from "./namespaces.js";
import type { LabNode, LabPlan } from "./types.js";
import { NftTrace, XtablesTrace, rulesByHandle, type TraceReader } from "./trace.js";

const defaults = `global
  maxconn 256
  nbthread 1
defaults
  timeout connect 2s
  timeout client 5s
  timeout server 5s
`;
const at = (address: string, port: number): string =>
  address.includes(":") ? `ipv6@${address}:${port}` : `ipv4@${address}:${port}`;
/** Milliseconds until a program must be there. */
const patience = 10_000;

/**
 * In each Pod, an HTTP server that answers with the Pod's name and the client's address as it saw
 * it.
 */
export async function startPods(house: Namespaces, plan: LabPlan): Promise<void> {
  const served = plan.pods.filter(({ ports }) => ports.length > 0);
  if (served.length === 0) return;
  const frontends = served.map((pod) =>
    [
      `frontend ${plan.pods.indexOf(pod)}`,
      "  mode http",
      ...pod.ips.flatMap((ip) =>
        pod.ports.map(
          (port) => `  bind ${at(ip, port)} namespace ${house.nameOf(podSpace(plan, pod))}`,
        ),
      ),
      `  http-request return status 200 content-type application/json lf-string '{"pod":"${pod.key}","address":"%[src]","port":%[src_port]}'`,
    ].join("\n"),
  );
  await haproxy(house, dns, `${defaults}${frontends.join("\n")}\n`);
}

/** Proxying load balancers: each listener takes turns among the healthy targets. */
export async function startBalancers(house: Namespaces, plan: LabPlan): Promise<void> {
  for (const [
    i,
    { mode, listeners, addresses, privateAddresses, sourceRanges, targets },
  ] of plan.balancers.entries()) {
    if (mode !== "proxy" || !listeners.some(({ protocol }) => protocol === "TCP")) continue;
    const healthy = targets.filter((target) => target.healthy);
    const proxies = listeners
      .filter(({ protocol }) => protocol === "TCP")
      .map(({ port, targetPort }) =>
        [
          `listen port-${port}`,
          "  mode tcp",
          "  balance random",
          ...addresses.map((address) => `  bind ${at(address, port)}`),
          ...(sourceRanges.length
            ? [`  tcp-request connection silent-drop if !{ src ${sourceRanges.join(" ")} }`]
            : []),
          ...healthy.map(
            ({ address }, n) =>
              `  server target-${n} ${at(address, targetPort)} source ${sourceFor(privateAddresses, address)}`,
          ),
        ].join("\n"),
      );
    await haproxy(house, balancerSpace(i), `${defaults}${proxies.join("\n")}\n`);
  }
}

const sourceFor = (own: readonly string[], target: string): string =>
  own.find((address) => address.includes(":") === target.includes(":")) ?? own[0] ?? "0.0.0.0";

/** haproxy wants a file: it gets one that is open already and has no name any more. */
async function haproxy(house: Namespaces, space: string, config: string): Promise<void> {
  const file = namelessFile(config);
  const stdio = ["ignore", "ignore", "pipe", file] as const;
  const child = house.start(
    space,
    "haproxy",
    ["-db", "-f", `/dev/fd/${stdio.indexOf(file)}`],
    [...stdio],
  );
  closeSync(file);
  const binds = config.match(/^ {2}bind /gm)?.length ?? 0;
  await ready(child, "haproxy", () => sockets(child).length >= binds);
}

/** The descriptor of a file that only we can read, and that goes when nobody has it open. */
function namelessFile(text: string): number {
  const folder = mkdtempSync(join(tmpdir(), "stopover-"));
  try {
    const file = openSync(join(folder, "config"), "wx+", 0o600);
    writeFileSync(file, text);
    return file;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Answers every name of the plan, and NXDOMAIN for all others. */
export async function startDns(house: Namespaces, plan: LabPlan): Promise<void> {
  const records = plan.names.flatMap(({ name, records }) =>
    records.map((record) =>
      record.type === "CNAME"
        ? `--cname=${name},${record.target}`
        : `--host-record=${name},${record.address}`,
    ),
  );
  const child = house.start(
    dns,
    "dnsmasq",
    [
      "--keep-in-foreground",
      "--conf-file=/dev/null",
      "--no-resolv",
      "--no-hosts",
      "--pid-file=",
      "--user=root",
      "--bind-interfaces",
      "--local-ttl=1",
      "--address=/#/",
      ...dnsAddresses.map((address) => `--listen-address=${address}`),
      ...records,
    ],
    ["ignore", "ignore", "pipe"],
  );
  await ready(child, "dnsmasq", () => sockets(child).length >= 2 * dnsAddresses.length);
}

/** What each node's kernel says of the packets of each family; it grows as the lab goes on. */
export async function startMonitors(
  house: Namespaces,
  plan: LabPlan,
): Promise<Map<string, TraceReader[]>> {
  const readers = new Map<string, TraceReader[]>();
  for (const node of plan.nodes) {
    const space = nodeSpace(node.name);
    const own: TraceReader[] = [];
    if (isXtables(node)) own.push(await listenXtables(house, space));
    if (isNft(node)) own.push((await listenNft(house, space)).reader);
    readers.set(node.name, own);
  }
  return readers;
}

const isXtables = ({ rules }: LabNode): boolean =>
  rules.nftables === undefined && rules.IPv4 !== undefined;

/** It tells of IPv6's rules of iptables, and of all that are not iptables'. */
const isNft = ({ rules, addresses }: LabNode): boolean =>
  rules.nftables !== undefined ||
  (rules.IPv6 !== undefined && addresses.some((address) => address.includes(":")));

const listenXtables = async (house: Namespaces, space: string): Promise<TraceReader> => {
  const command = ["xtables-monitor", "-4", "--trace"];
  return (await monitor(house, space, new XtablesTrace(), command)).reader;
};

/** nft knows the rules that are there when it begins to listen. */
export const listenNft = (
  house: Namespaces,
  space: string,
  on?: TraceReader["on"],
): ReturnType<typeof monitor> => {
  const rules = rulesByHandle((program, ...args) => house.run(space, program, args));
  return monitor(house, space, new NftTrace(rules, on), ["nft", "-a", "-n", "monitor", "trace"]);
};

/**
 * Starts to listen to a kernel's traces. Both programs would keep their lines to themselves without
 * stdbuf.
 */
export async function monitor(
  house: Namespaces,
  space: string,
  reader: TraceReader,
  command: readonly string[],
): Promise<{ reader: TraceReader; child: ChildProcess }> {
  const child = house.start(space, "stdbuf", ["-oL", ...command]);
  child.stdout!.setEncoding("utf8").on("data", (text: string) => reader.feed(text));
  await ready(child, command[0]!, () => subscribed(child));
  return { reader, child };
}

/**
 * The namespace's netlink sockets: column 2 is the protocol (12: netfilter), 4 the groups (bit 8:
 * NFNLGRP_NFTRACE), the last one the socket's number.
 */
function subscribed(child: ChildProcess): boolean {
  const own = sockets(child);
  return lines(`/proc/${child.pid}/net/netlink`).some((line) => {
    const fields = line.trim().split(/\s+/);
    return (
      fields[1] === "12" &&
      (parseInt(fields[3]!, 16) & 0x100) !== 0 &&
      own.includes(`socket:[${fields.at(-1)}]`)
    );
  });
}

function sockets({ pid }: ChildProcess): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`)
      .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
      .filter((link) => link.startsWith("socket:"));
  } catch {
    return []; // not there yet, or there no more
  }
}

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
  for (
    const deadline = Date.now() + patience;
    !isReady();
    await new Promise((resolve) => setTimeout(resolve, 5))
  ) {
    if (child.exitCode !== null)
      throw new Error(`${what} ended at once: ${said.trim() || `exit ${child.exitCode}`}`);
    if (Date.now() > deadline)
      throw new Error(`${what} was not ready after ${patience / 1000} s: ${said.trim()}`);
  }
}
