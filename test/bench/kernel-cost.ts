/**
 * What the first packet of a connection costs a real Linux kernel that holds the rules of so many
 * Services, in both modes of kube-proxy: the figures of chapter 17.
 *
 *     npm run bench:kernel            as root; writes test/bench/kernel-cost.json
 *
 * In a network namespace of its own for each line: our rules are loaded, then a process sends
 * datagrams to the ClusterIP whose rule stands last, each from a new port and so each a new
 * connection. What is told is how long the system call takes that sends one, in which the kernel
 * walks the rules: the median of all, in the best of some rounds, for whatever else runs on the
 * machine can only add to it.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createCluster } from "stopover";

const sizes = [1, 10, 100, 1_000, 10_000];
const [datagrams, rounds] = [1_000, 5];

export interface KernelCost {
  services: number;
  /** Microseconds that a new connection's first datagram takes, by mode. */
  iptables: number;
  nftables: number;
}

/** Both modes' rules of so many Services, and the ClusterIP that comes last. */
function rulesOf(services: number): { iptables: string; nftables: string; last: string } {
  const cluster = createCluster({
    nodes: [{ name: "old" }, { name: "new", proxyMode: "nftables" }],
    first: {},
    historyLimit: 0,
  });
  for (let i = 0; i < services; i++) for (const object of oneOf(i)) cluster.apply(object as never);
  cluster.settle();
  cluster.advance("2s");
  const inOrder = cluster
    .node("old")
    .rules.chain("KUBE-SERVICES")
    .flatMap(({ rule }) => /-d (10\.2\.[\d.]+)/.exec(rule)?.[1] ?? []);
  return {
    iptables: cluster.node("old").rules.saveText("IPv4"),
    nftables: cluster.node("new").rules.saveText("IPv4"),
    last: inOrder.at(-1)!,
  };
}

function oneOf(i: number): object[] {
  const [name, protocol] = [`s${i}`, "UDP"];
  const labels = { "kubernetes.io/service-name": name };
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec: { ports: [{ name: "dns", port: 53, protocol }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `${name}-1`, labels },
      addressType: "IPv4",
      ports: [{ name: "dns", port: 53, protocol }],
      endpoints: [{ addresses: ["10.1.1.2"], conditions: { ready: true } }],
    },
  ];
}

/** Microseconds for one of the datagrams: the median. */
async function send(to: string): Promise<number> {
  const sockets = [];
  for (let i = 0; i < datagrams; i++) {
    const socket = createSocket("udp4");
    socket.bind(10_000 + i, "192.168.0.1");
    await once(socket, "listening");
    // a connected one sends within the call
    socket.connect(53, to);
    await once(socket, "connect");
    sockets.push(socket);
  }
  const took: number[] = [];
  for (const socket of sockets)
    await new Promise<void>((sent, failed) => {
      const before = process.hrtime.bigint();
      socket.send("?", (error) => (error ? failed(error) : sent()));
      took.push(Number(process.hrtime.bigint() - before) / 1_000);
    });
  for (const socket of sockets) socket.close();
  return took.sort((x, y) => x - y)[datagrams >> 1]!;
}

const self = fileURLToPath(import.meta.url);

/** In a namespace with these rules. `load`: the command that takes them. */
function measured(load: string, to: string): number {
  const script = [
    "ip link set lo up",
    "ip link add eth0 type ifb",
    "ip addr add 192.168.0.1/24 dev eth0",
    "ip link set eth0 up",
    "ip route add default dev eth0",
    load,
    `exec ${process.execPath} ${self} send ${to}`,
  ].join(" && ");
  const one = (): number => {
    const { stdout, stderr, status, signal } = spawnSync("unshare", ["-n", "sh", "-c", script], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`${load}: ${signal ?? stderr}`);
    return Number(stdout);
  };
  return Math.min(...Array.from({ length: rounds }, one));
}

const tenths = (figure: number): number => Number(figure.toFixed(1));

function main(): void {
  const folder = mkdtempSync(join(tmpdir(), "stopover-kernel-cost-"));
  try {
    const withoutRules = tenths(measured("true", "10.2.1.1"));
    console.log({ withoutRules });
    const costs = sizes.map((services): KernelCost => {
      const { last, ...texts } = rulesOf(services);
      const of = (mode: keyof typeof texts, load: string): number => {
        const file = join(folder, mode);
        writeFileSync(file, texts[mode]);
        return tenths(measured(`${load} ${file}`, last));
      };
      const cost = {
        services,
        iptables: of("iptables", "iptables-restore"),
        nftables: of("nftables", "nft -f"),
      };
      console.log(cost);
      return cost;
    });
    const version = execFileSync("iptables", ["--version"], { encoding: "utf8" }).trim();
    const record = { kernel: release(), iptables: version, withoutRules, costs };
    const file = new URL("../../bench/kernel-cost.json", import.meta.url);
    writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[2] === "send") console.log(await send(process.argv[3]!));
else main();
