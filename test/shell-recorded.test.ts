/**
 * Commands beside the real tools: what these printed in a scene of network namespaces
 * (recorded-tools/record.mjs says how) and what a place of the same cluster prints. What no two
 * runs have in common is masked: times, ports, process numbers, hardware addresses, counters.
 */
import { readFileSync } from "node:fs";
import { createCluster, images, parse, type Cluster, type ShellResult } from "stopover";
import { suite } from "uvu";
import * as assert from "uvu/assert";

interface Recorded {
  at: string;
  script: string;
  stdout: string;
  stderr: string;
  exitCode: number;
}
interface Watched extends Omit<Recorded, "script"> {
  look: string;
  then: string;
}

const folder = new URL("../recorded-tools/", import.meta.url);
const read = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as T;
const { manifests } = read<{ manifests: object[] }>("scene.json");
const { commands, watched } = read<{ commands: Recorded[]; watched: Watched[] }>("recorded.json");

async function scene(): Promise<Cluster> {
  const cluster = createCluster({ nodes: 2, seed: 1 });
  cluster.apply(parse(manifests.map((each) => JSON.stringify(each)).join("\n---\n")));
  cluster.settle();
  images.add("shop:1", ({ path }) => {
    if (path === "/") return "hello\n";
    if (path === "/slow") return { status: 200, body: "hello\n", after: 30_000 };
    if (path === "/moved") return { status: 302, headers: [["Location", "/"]] };
    return { status: 404, body: "not here\n" };
  });
  await cluster.pod("web").sh("nc -l 8081 </dev/null >/dev/null &");
  return cluster;
}

/** What differs from run to run, and what stands for it. */
const masks: readonly [RegExp, string][] = [
  [/\r/g, "\\r"],
  [/after \d+ (ms|milliseconds)/g, "after N $1"],
  [/time=\S+ ms/g, "time=T ms"],
  [/time \d+ms/g, "time Nms"],
  [/= [\d./]+ ms/g, "= T ms"],
  [/id: \d+/g, "id: N"],
  [/Query time: \d+/g, "Query time: N"],
  [/WHEN: .*/g, "WHEN: T"],
  [/COOKIE: \w+/g, "COOKIE: C"],
  [/MSG SIZE .*/g, "MSG SIZE"],
  [/DiG [\d.]+\S*/g, "DiG V"],
  [/^(< )?Date: .*/gm, "$1Date: T"],
  [/0x[\da-f]{12}/g, "0xP"],
  [/veth\S+?(?=[@ :\n])/g, "veth"],
  [/([\da-f]{2}:){5}[\da-f]{2}/g, "MAC"],
  // a namespace of `ip netns` has a name, a container's has none
  [/ link-netns\S* \S+/g, ""],
  [/STALE|DELAY|REACHABLE|PROBE/g, "NUD"],
  // asked for by the scene's nodes alone: their gateway is not there
  [/^192\.168\.255\.254 dev eth0 .*\n/gm, ""],
  [/(sport|dport)=\d{4,5}(?=.*ASSURED)/g, "$1=P"],
  [/(sport|dport)=\d{5}/g, "$1=P"],
  [/^((?:ipv4 +2 )?(?:tcp|udp|icmp) +\d+) \d+/gm, "$1 N"],
  [/ id=\d+/g, " id=N"],
  [/:[3-6]\d{4}\b/g, ":P"],
  [/# (Generated|Completed).*\n/g, ""],
  [/\[\d+:\d+\]/g, "[N:N]"],
  [/^(\d+) +\d+ +\d+ (?=DROP|ACCEPT)/gm, "$1 N N "],
  [/iptables: packets are not counted here: counters are 0\n/g, ""],
  // Node.js, which stands for the image in the scene, listens for both families
  [/LISTEN (\d+ +)\d+ +\S+:(\d+) +\S+:\*/g, "LISTEN $1Q *:$2 *:*"],
  [/(real|user|sys)\t.*/g, "$1\tT"],
  [/\b\d\d:\d\d(:\d\d)?\b/g, "HH:MM"],
  [/^root +\d+ +\d+ +\d /gm, "root N N C "],
  // a container's first process leads a session
  [/^root +\d+ +[\d.]+ +0.0 +\d+ +\d+ \? +([SR])s? +/gm, "root N 0.0 0.0 V R ? $1 "],
  [/^ +\d+( |$)/gm, " N "],
];
const masked = (text: string): string =>
  masks.reduce((all, [pattern, by]) => all.replace(pattern, by), text);
const sorted = (text: string): string => text.split("\n").sort().join("\n");

const test = suite("commands beside the real tools");

/** What leaves nothing behind is asked of one cluster. */
const leaves = /[&;]|\bss |\bps\b|conntrack|kill|timeout/;
let shared: Promise<Cluster> | undefined;

for (const { at, script, ...real } of commands)
  test(`${at}: ${script}`, async () => {
    const cluster = await (leaves.test(script) ? scene() : (shared ??= scene()));
    const place = at.startsWith("node") ? cluster.node(at) : cluster.pod(at);
    const ours: ShellResult = await place.sh(script);
    // whom a table names first is chance
    const order = /^ip neigh|^ss /.test(script) ? sorted : (text: string) => text;
    for (const stream of ["stdout", "stderr"] as const)
      assert.is(order(masked(ours[stream])), order(masked(real[stream])), stream);
    assert.is(ours.exitCode, real.exitCode);
  });

/** Of packets and events. */
const seen: readonly [RegExp, string][] = [
  [/^(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{6} /gm, "T "],
  [/(seq|ack) \d{5,}/g, "$1 N"],
  [/win \d+/g, "win W"],
  [/TS val \d+ ecr \d+/g, "TS"],
  [/wscale \d+/g, "wscale S"],
  [/veth\S+ +/g, "veth "],
  [/\.[3-6]\d{4}\b/g, ".P"],
  [/id \d+/g, "id N"],
  [/: \d+([+*])/g, ": N$1"],
  // CoreDNS writes a name once, the scene's server each time
  [/ \(\d+\)$/gm, " (L)"],
  [/(sport|dport)=\d{5}/g, "$1=P"],
  [/ id=\d+/g, " id=N"],
  [/\d+ packets? received by filter/g, "N packets received by filter"],
];
const maskedFrames = (text: string): string =>
  seen.reduce((all, [pattern, by]) => all.replace(pattern, by), text);

for (const { at, look, then, ...real } of watched)
  test(`${at}: ${look}; ${then}`, async () => {
    const cluster = await scene();
    const place = at.startsWith("node") ? cluster.node(at) : cluster.pod(at);
    const [ours] = await Promise.all([
      place.sh(`timeout 5 ${look}`),
      cluster.pod("client").sh(`sleep 1; ${then}`),
    ]);
    assert.is(maskedFrames(ours.stdout), maskedFrames(real.stdout));
    assert.is(maskedFrames(ours.stderr), maskedFrames(real.stderr));
    assert.is(ours.exitCode, real.exitCode);
  });

test.run();
