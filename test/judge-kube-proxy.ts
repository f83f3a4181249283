/**
 * npm run judge:kube-proxy: a real kube-proxy in nftables mode, or in iptables'. 200 sets of
 * objects, drawn by a seed, are served to it by this kit's own API server, in a network namespace
 * that ends with this process. What it gives nft, and what `nft list ruleset` and `nft -j` then
 * show, is compared with what `stopover rules --proxy-mode nftables` prints of the same objects; in
 * iptables mode, what it gives iptables-restore, and what iptables-save shows. Then one object
 * changes, and both are compared again.
 *
 *     npm run judge:kube-proxy
 *     npm run judge:kube-proxy -- --seed 7 --sets 20 --from 3 --mode iptables
 *
 * The first time it builds kube-proxy with Go, which takes some ten minutes of two cores; it is
 * kept in the user's cache folder. Needs root, for the namespace; 200 sets take some twenty
 * minutes. Exit 1 where a set differs.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import fc from "fast-check";
import type { Cluster, KubeObject, Node } from "stopover";
import { parse } from "stopover";
import "stopover/internal/given";
import { startServing } from "stopover/internal/doors/serve/serve";
import { preflight } from "stopover/internal/doors/lab/preflight";
import { readNftables } from "stopover/internal/net/nftables/read";
import { listText } from "stopover/internal/net/nftables/text";
import { openSnapshot } from "stopover/internal/snapshot";
import { pause } from "./etcd-harness.js";
import { objectSet, type ObjectSet } from "./drawn-services.js";
import { builtByGo, kubernetesVersion } from "./go-built.js";
import { LivingKubeProxy } from "./living-kube-proxy.js";
import { blocksOf, chainsOf, commandsOf, differing } from "./nft-lists.js";
import { RealKubeProxy, type Written } from "./real-kube-proxy.js";

const { values: flags } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    sets: { type: "string", default: "200" },
    from: { type: "string", default: "1" },
    mode: { type: "string", default: "nftables" },
    kubeproxy: { type: "string" },
  },
});
const [seed, sets, from] = [flags.seed, flags.sets, flags.from].map(Number) as [
  number,
  number,
  number,
];

const mode = ((): "nftables" | "iptables" => {
  const { mode } = flags;
  if (mode === "nftables" || mode === "iptables") return mode;
  return giveUp(`--mode is ${JSON.stringify(mode)}; it is nftables or iptables`);
})();

function giveUp(why: string): never {
  console.error(why);
  process.exit(2);
}

/** Builds, and goes on in a network namespace of its own. */
function outside(): number {
  const missing = preflight();
  if (missing.length > 0) giveUp(missing.join("; "));
  let binary: string;
  try {
    binary = builtByGo("kube-proxy");
  } catch (error) {
    giveUp((error as Error).message);
  }
  const own = [fileURLToPath(import.meta.url), ...process.argv.slice(2), "--kubeproxy", binary];
  const { status } = spawnSync("unshare", ["-n", process.execPath, ...own], { stdio: "inherit" });
  return status ?? 2;
}

// ---- in the namespace ---------------------------------------------------------------------------

const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: "utf8", maxBuffer: 2 ** 28 });

function wire(): void {
  run("ip", "link", "set", "lo", "up");
  run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "wire");
  run("ip", "link", "set", "eth0", "addrgenmode", "none");
  run("ip", "link", "set", "eth0", "up");
}

/** The node's addresses are those of its interface. */
function address(node: Node): void {
  run("ip", "address", "flush", "dev", "eth0");
  for (const { address } of node.status?.addresses ?? []) {
    const six = address.includes(":");
    run(
      "ip",
      "address",
      "add",
      `${address}/${six ? 64 : 24}`,
      "dev",
      "eth0",
      ...(six ? ["nodad"] : []),
    );
  }
}

/** The objects as the API server keeps them. */
function given(cluster: Cluster, objects: readonly KubeObject[]): void {
  const client = cluster.apiserver.client("judge");
  for (const object of objects) {
    const namespace = object.metadata.namespace ?? "default";
    if (
      namespace !== "default" &&
      !cluster.apiserver
        .client("judge")
        .list("Namespace")
        .items.some((one) => one.metadata.name === namespace)
    )
      client.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    const made = client.create(object);
    const { status } = object as { status?: object };
    if (status) client.updateStatus({ ...made, status } as KubeObject);
  }
}

const kinds = ["Node", "Service", "EndpointSlice"] as const;
const kept = (cluster: Cluster): KubeObject[] =>
  kinds.flatMap((kind) => [...cluster.apiserver.client("judge").list(kind).items]);

/** As the command prints it, and what it says that kube-proxy sends. */
function toldByUs(
  kubeProxy: string,
  objects: readonly KubeObject[],
  nfacct = false,
): { listed: string; sent: Record<Family, string> } {
  const dump = { apiVersion: "v1", kind: "List", items: objects };
  const documents = parse(`${kubeProxy}\n---\n${JSON.stringify(dump)}`, { as: "dump" });
  const { rules } = openSnapshot(documents, { proxyMode: mode, nfacct }).node("node-a");
  return {
    listed: rules.saveText("IPv4") + rules.saveText("IPv6"),
    sent: { ip: rules.restoreText("IPv4"), ip6: rules.restoreText("IPv6") },
  };
}

/** nft 1.0.6 leaves the comments of tables and chains out of JSON. */
const withoutComments = (listed: string): string =>
  listed.replace(/(^(?:table|\tchain) .*\{\n)\t+comment ".*"\n/gm, "$1");

type Family = Written["family"];
const names: readonly Family[] = ["ip", "ip6"];

async function differencesOf({ kubeProxy, objects, change }: ObjectSet): Promise<string[]> {
  const serve = { nodes: 0, controllers: false, documents: { manifests: [] }, port: 0 };
  const serviceCIDR = "10.96.0.0/12,fd00:10:96::/108";
  const { cluster, serving } = await startServing({ ...serve, serviceCIDR });
  try {
    given(cluster, objects);
    address(objects[0] as Node);
    run("nft", "flush", "ruleset");
    const configuration = { ...(JSON.parse(kubeProxy) as Record<string, unknown>), mode };
    const real = new RealKubeProxy(flags.kubeproxy!, { server: serving.url, configuration });
    try {
      await real.synced();
      const first =
        mode === "nftables"
          ? compareFirst(kubeProxy, kept(cluster), real)
          : compareXtables(kubeProxy, kept(cluster), real);
      return [...first, ...(await compareChange(kubeProxy, cluster, change, real))];
    } finally {
      await real.end();
    }
  } finally {
    await serving.close();
  }
}

/** The first, full sync. */
function compareFirst(kubeProxy: string, objects: KubeObject[], real: RealKubeProxy): string[] {
  const listed = run("nft", "list", "ruleset");
  const read = (text: string) => blocksOf(listText(readNftables(text).rules));
  const json = read(run("nft", "-j", "list", "ruleset"));
  const ours = toldByUs(kubeProxy, objects);
  return [
    ...differing(blocksOf(ours.listed), blocksOf(listed)),
    ...told("nft -j", differing(json, read(withoutComments(listed)))),
    ...names.flatMap((family) =>
      told(
        "what it sent",
        differing(commandsOf(ours.sent[family]), commandsOf(real.of(family)[0]!)),
      ),
    ),
  ];
}

/** Whether this kernel counts by names, and so has two more matches in its rules. */
const canCount = (real: RealKubeProxy): boolean => real.of("ip")[0]!.includes("nfacct");

const saves = { ip: "iptables-save", ip6: "ip6tables-save" } as const;
const compareSaved = (living: LivingKubeProxy): string[] =>
  names.flatMap((family) =>
    differing(
      chainsOf(living.listedOf(family === "ip" ? "IPv4" : "IPv6")),
      chainsOf(run(saves[family])),
    ),
  );

/** The first, full sync. What is printed leaves out what is not in the text: canaries. */
function compareXtables(kubeProxy: string, objects: KubeObject[], real: RealKubeProxy): string[] {
  const nfacct = canCount(real);
  const { sent } = toldByUs(kubeProxy, objects, nfacct);
  return [
    ...compareSaved(new LivingKubeProxy(kubeProxy, objects, undefined, { mode, nfacct })),
    ...names.flatMap((family) =>
      told("what it sent", differing(chainsOf(sent[family]), chainsOf(real.of(family)[0]!))),
    ),
  ];
}

/** One object becomes another: what is written then, and what is there. */
async function compareChange(
  kubeProxy: string,
  cluster: Cluster,
  change: KubeObject,
  real: RealKubeProxy,
): Promise<string[]> {
  const nfacct = mode === "iptables" && canCount(real);
  const living = new LivingKubeProxy(kubeProxy, kept(cluster), undefined, { mode, nfacct });
  const made = cluster.apiserver.client("judge").update(change);
  living.change(made);
  const [ip, ip6] = [living.sent.IPv4.slice(1), living.sent.IPv6.slice(1)];
  const sent = { ip, ip6 };
  const times = { ip: 1 + sent.ip.length, ip6: 1 + sent.ip6.length };
  await real.synced(times).catch(() => {}); // the comparison tells what did not come
  await pause(sent.ip.length + sent.ip6.length > 0 ? 200 : 2000);
  const read = mode === "nftables" ? commandsOf : chainsOf;
  const differences =
    mode === "nftables"
      ? differing(blocksOf(living.listed), blocksOf(run("nft", "list", "ruleset")))
      : compareSaved(living);
  return [
    ...told("after a change", differences),
    ...names.flatMap((family) =>
      told(
        "what it sent after a change",
        differing(read(sent[family].join("")), read(real.of(family).slice(1).join(""))),
      ),
    ),
  ];
}

const told = (what: string, lines: readonly string[]): string[] =>
  lines.map((line) => `${what}: ${line}`);

/**
 * On a machine that has much to do kube-proxy may hear of its own Node only after it has written,
 * and begin anew, or be late: what differs is tried once more.
 */
async function twice(set: ObjectSet): Promise<string[]> {
  const once = () => differencesOf(set).catch((error: Error) => [error.message]);
  const differences = await once();
  return differences.length > 0 ? once() : differences;
}

async function inside(): Promise<number> {
  wire();
  const drawn = fc.sample(objectSet, { numRuns: sets, seed });
  let agree = 0;
  const judged = drawn.slice(from - 1);
  for (const [i, set] of judged.entries()) {
    const differences = await twice(set);
    if (differences.length === 0) agree++;
    else console.log(`set ${from + i}:\n  ${differences.slice(0, 4).join("\n  ").slice(0, 3000)}`);
  }
  console.log(
    `seed ${seed}: ${agree} of ${judged.length} agree with kube-proxy ${kubernetesVersion}, mode ${mode}`,
  );
  return agree === judged.length ? 0 : 1;
}

process.exit(flags.kubeproxy === undefined ? outside() : await inside());
