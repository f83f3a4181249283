#!/usr/bin/env node
/**
 * Records what the real tools print: `node test/recorded-tools/record.mjs`, as root, on Linux with
 * the packages of `needed`. It builds the scene of scene.json out of network namespaces (two nodes
 * with the rules that kube-proxy would write, a Pod on each, a DNS server that answers as CoreDNS
 * does) and runs each command there; recorded.json is what came of it. test/shell-recorded.test.ts
 * runs the same commands in a cluster and compares.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createCluster, parse } from "stopover";

const needed =
  "bind9-dnsutils bind9-host iputils-ping netcat-openbsd tcpdump busybox curl iproute2 conntrack iptables procps";
const here = new URL(".", import.meta.url).pathname;
const scene = JSON.parse(readFileSync(`${here}/scene.json`, "utf8"));
const prefix = "stopover-";
const run = (/** @type {string} */ line) => execFileSync("sh", ["-c", line], { encoding: "utf8" });
const inside = (/** @type {string} */ space, /** @type {string} */ line) =>
  run(`ip netns exec ${prefix}${space} ${line}`);

const pods = {
  client: { address: "10.1.1.2", node: "node-a" },
  web: { address: "10.1.2.2", node: "node-b" },
};
const nodes = { "node-a": "192.168.0.1", "node-b": "192.168.0.2" };
const places = [...Object.keys(pods), ...Object.keys(nodes)];

/** @type {import("node:child_process").ChildProcess[]} */
const servers = [];
function remove() {
  for (const each of servers) each.kill("SIGKILL");
  for (const name of places) {
    spawnSync("ip", ["netns", "del", prefix + name]);
    rmSync(`/etc/netns/${prefix}${name}`, { recursive: true, force: true });
  }
}

function build() {
  for (const name of places) {
    run(`ip netns add ${prefix}${name}`);
    inside(
      name,
      "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.lo.disable_ipv6=0 net.ipv4.ping_group_range='0 0'",
    );
    inside(name, "ip link set lo up");
    mkdirSync(`/etc/netns/${prefix}${name}`, { recursive: true });
  }
  run(`ip link add eth0 netns ${prefix}node-a type veth peer name eth0 netns ${prefix}node-b`);
  for (const [name, address] of Object.entries(nodes)) {
    inside(name, `ip addr add ${address}/16 brd + dev eth0`);
    inside(name, "ip link set eth0 up");
    inside(name, "sysctl -qw net.ipv4.ip_forward=1");
  }
  inside("node-a", "ip route add 10.1.2.0/24 via 192.168.0.2 dev eth0");
  inside("node-b", "ip route add 10.1.1.0/24 via 192.168.0.1 dev eth0");
  for (const [name, range] of Object.entries({
    "node-a": "10.1.1.0/24",
    "node-b": "10.1.2.0/24",
  })) {
    inside(name, "ip route add default via 192.168.255.254 dev eth0");
    inside(name, `ip route add blackhole ${range}`);
  }
  for (const [name, { address, node }] of Object.entries(pods)) {
    const gateway = address.replace(/\d+$/, "1");
    run(
      `ip link add eth0 netns ${prefix}${name} type veth peer name veth-${name} netns ${prefix}${node}`,
    );
    inside(node, `ip link set veth-${name} up`);
    inside(node, `ip addr add ${gateway}/32 dev veth-${name}`);
    inside(node, `ip route add ${address}/32 dev veth-${name}`);
    inside(name, `ip addr add ${address}/24 brd + dev eth0`);
    inside(name, "ip link set eth0 up");
    // as the plugin ptp does it
    inside(name, `ip route del ${gateway.replace(/\d+$/, "0")}/24`);
    inside(name, `ip route add ${gateway} dev eth0 scope link src ${address}`);
    inside(
      name,
      `ip route add ${gateway.replace(/\d+$/, "0")}/24 via ${gateway} dev eth0 src ${address}`,
    );
    inside(name, `ip route add default via ${gateway} dev eth0`);
    writeFileSync(
      `/etc/netns/${prefix}${name}/resolv.conf`,
      "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.2.0.10\noptions ndots:5\n",
    );
    writeFileSync(
      `/etc/netns/${prefix}${name}/hosts`,
      `# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n${address}\t${name}\n`,
    );
  }
  inside("node-a", "ip addr add 10.2.0.10/32 dev lo");
  const cluster = createCluster({ nodes: 2, seed: 1 });
  cluster.apply(
    parse(
      scene.manifests.map((/** @type {object} */ each) => JSON.stringify(each)).join("\n---\n"),
    ),
  );
  cluster.settle();
  for (const name of Object.keys(nodes))
    execFileSync("ip", ["netns", "exec", prefix + name, "iptables-restore"], {
      input: cluster.node(name).rules.text(),
    });
  for (const [space, file] of [
    ["web", "web-server.mjs"],
    ["node-a", "dns-server.mjs"],
  ])
    servers.push(
      spawn("ip", ["netns", "exec", `${prefix}${space}`, "node", `${here}/${file}`], {
        stdio: "inherit",
      }),
    );
}

/** A script at a place, in a process and a host-name space of its own. */
const argsFor = (/** @type {string} */ at, /** @type {string} */ script) => [
  "netns",
  "exec",
  prefix + at,
  "unshare",
  "-u",
  "-p",
  "-f",
  "--mount-proc",
  "bash",
  "-c",
  `hostname ${at}; exec env -i PATH="$PATH" HOME=/root TZ=UTC LC_ALL=C bash -c "$1"`,
  "bash",
  script,
];

function recorded(/** @type {string} */ at, /** @type {string} */ script) {
  const { stdout, stderr, status } = spawnSync("ip", argsFor(at, script), {
    encoding: "utf8",
    timeout: 60_000,
    input: "",
  });
  return { at, script, stdout, stderr, exitCode: status };
}

async function watched(
  /** @type {{ at: string, look: string, then: string }} */ { at, look, then },
) {
  const isCounted = / -c \d/.test(look);
  const looking = spawn("ip", argsFor(at, isCounted ? `timeout 20 ${look}` : `timeout 6 ${look}`));
  let [stdout, stderr] = ["", ""];
  looking.stdout.on("data", (bytes) => (stdout += bytes));
  looking.stderr.on("data", (bytes) => (stderr += bytes));
  const ended = new Promise((resolve) => looking.on("close", resolve));
  for (let i = 0; i < 100 && !stderr.includes("listening on") && look.startsWith("tcpdump"); i++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const sender = /any|conntrack/.test(look) ? "client" : at;
  const doing = spawn("ip", argsFor(sender, then), { stdio: "ignore" });
  await new Promise((resolve) => doing.on("close", resolve));
  const exitCode = await ended;
  return { at, look, then, stdout, stderr, exitCode };
}

const versionOf = (/** @type {string} */ line) =>
  spawnSync("sh", ["-c", `${line} 2>&1`], { encoding: "utf8" }).stdout.split("\n")[0];

remove();
try {
  build();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  spawnSync("ip", argsFor("client", "ping -c 1 10.1.2.2; curl -s web"), { encoding: "utf8" });
  // `--watched`: those who look on are recorded anew, the commands stay
  const before = process.argv.includes("--watched")
    ? JSON.parse(readFileSync(`${here}/recorded.json`, "utf8")).commands
    : undefined;
  const commands =
    before ??
    Object.entries(scene.commands).flatMap(([at, scripts]) =>
      /** @type {string[]} */ (scripts).map((script) => recorded(at, script)),
    );
  const looks = [];
  for (const each of scene.watched) looks.push(await watched(each));
  const versions = {
    packages: run(`dpkg-query -W -f '\${Package} \${Version}, ' ${needed}`).replace(/, $/, ""),
    kernel: run("uname -sr").trim(),
    curl: versionOf("curl --version"),
    dig: versionOf("dig -v"),
    iptables: versionOf("iptables -V"),
  };
  const all = {
    how: "node test/recorded-tools/record.mjs",
    date: new Date().toISOString().slice(0, 10),
    versions,
    commands,
    watched: looks,
  };
  writeFileSync(`${here}/recorded.json`, `${JSON.stringify(all, undefined, 1)}\n`);
  console.log(`${commands.length + looks.length} commands recorded`);
} finally {
  remove();
}
