/**
 * The `stopover` command: reads manifests, asks the library, prints. Everything it knows is in the
 * library; the contract of its words and its JSON is in the README.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { kubernetesVersions, usualVersion } from "../../objects/kubernetes.js";
import type { ClusterOptions } from "../../cluster.js";
import "../../objects/built-in.js";
import "../../objects/dumps.js";
import type { Notice } from "../../objects/manifest.js";
import type { Documents } from "../../objects/files.js";
import type { KubeObject } from "../../objects/types.js";
import { withoutKind } from "../../why/service-name.js";
import type { Diagnosis } from "../../why/types.js";
import type { EtcdOptions } from "../serve/etcd.js";
import type { Founded, Journey, Outcomes } from "../../journey/types.js";
import { addressRecord } from "../../net/dns.js";
import { readAddress, type Family } from "../../net/ip.js";
import { looked } from "../look.js";
import { complain, lookHere, remark, say, show, showColoured } from "../terminal.js";
import { helpOf } from "./help.js";
import type { Opened } from "./opened.js";

const usage = `stopover: a Kubernetes cluster in one process, and the journey of a request through it

  stopover journey [FILES] [--url URL] [--from internet|IP|node/NAME|pod/NAMESPACE/NAME] [--cloud NAME] [--nodes 3]
                   [--seed 1] [--all] [--snapshot] [--output text|json|mermaid|lanes]
  stopover why     [FILES] [SERVICE | --url URL] [-n NAMESPACE] [--from …] [--cloud NAME] [--nodes 3] [--seed 1] [--snapshot]
                   [--output text|json]
  stopover packet  FILES --node NAME --from IP[:PORT] --to IP:PORT [--protocol tcp|udp|sctp|icmp] [--snapshot] [--all]
                   [--output text|json|mermaid|lanes]
  stopover packet  --rules FILE [--node-address IP]… [--pods CIDR]… --from IP[:PORT] --to IP:PORT [--protocol tcp|udp|sctp|icmp]
                   [--all] [--output text|json|mermaid]
  stopover rules   [FILES] --node NAME [--snapshot] [--proxy-mode iptables] [--format restore|save] [--ip-family ipv4|ipv6]
                   [--nfacct] [--no-random-fully]
  stopover rules   [FILES] --node NAME [--snapshot] --proxy-mode nftables [--format list|transaction] [--ip-family ipv4|ipv6]
  stopover serve   [FILES] [--port 8001] [--store memory|etcd=URL[,URL]…] [--etcd-cacert FILE] [--etcd-cert FILE --etcd-key FILE]
                   [--cloud NAME] [--nodes 3] [--seed 1] [--service-cidr CIDR[,CIDR]] [--no-controllers]
                   [--missing-image IMAGE]… [--expose]
  stopover dump    [FILES] [--kubeconfig FILE] [--context NAME] [--anonymise [--key WORD] [--names FILE]]
  stopover lab     [FILES] [--url URL] [--cloud aws|gcp|none] [--nodes 3] [--seed 1] [--proxy-mode iptables|nftables]

journey without --url asks for the files' own Service: the first LoadBalancer, NodePort or ClusterIP, by its name or address.
why tries each door of a Service (name, load balancer, NodePorts, ClusterIP, Pods), and says the first cause where one fails.
FILES are YAML or JSON manifests or folders of them, also after -f; - is standard input; default: the article's Deployment and Service.
Nodes among them are the cluster's machines, in place of --nodes; a KubeProxyConfiguration configures kube-proxy.
An etcd on https is asked with these files, or those that etcdctl takes: ETCDCTL_CACERT, ETCDCTL_CERT, ETCDCTL_KEY.
--no-controllers leaves the API server alone, as a kube-apiserver to which nothing else is started.
--families ipv4|ipv6|ipv4,ipv6|ipv6,ipv4: in which families the cluster has addresses, the first one first.
--outside NAME=IP[:PORT] adds a host on the internet, --strict refuses all where one document cannot be taken.
--snapshot takes the objects as they are, status included, and runs no controllers: for a dump of a real cluster.
--kubernetes 1.33…1.37 is which Kubernetes it is, as far as versions differ in what is modelled (1.35).
--cloud aws|nlb|nlb-ip|gcp|gcp-neg|octavia|metallb-l2|metallb-bgp|kube-vip|none is whose load balancers there are (aws).
--proxy-mode iptables|nftables|ipvs is how kube-proxies write their rules (as their configuration says, else iptables).

stopover COMMAND --help tells of one command, with examples; stopover --version says which version this is.
`;

/**
 * The article's Deployment and Service: the kit's, which its readers change, or the copy in the
 * installed package.
 */
const articleManifests = ["../../../../notebooks/manifests", "../../../manifests"]
  .map((folder) => fileURLToPath(new URL(folder, import.meta.url)))
  .find(existsSync)!;

/** Something is wrong with how the command was called: one line on standard error, exit code 2. */
class UsageError extends Error {}

type Flags = Record<string, string | boolean | undefined>;
type Command = (files: string[], flags: Flags) => Promise<number>;

const text = { type: "string" } as const;
const yes = { type: "boolean" } as const;
/** FILES, as kubectl takes them. */
const given = { filename: { ...text, short: "f", multiple: true } } as const;
const world = {
  ...given,
  cloud: text,
  nodes: text,
  seed: text,
  strict: yes,
  outside: { ...text, multiple: true },
  "proxy-mode": text,
  kubernetes: text,
} as const;
const traced = { ...world, families: text, snapshot: yes } as const;
const etcdFiles = { "etcd-cacert": text, "etcd-cert": text, "etcd-key": text };
const serving = {
  port: text,
  store: text,
  ...etcdFiles,
  "no-controllers": yes,
  "service-cidr": text,
  "missing-image": { ...text, multiple: true },
  expose: yes,
};
const commands: Record<string, { options: NonNullable<ParseArgsConfig["options"]>; run: Command }> =
  {
    journey: {
      options: { ...traced, url: text, from: text, all: yes, output: text },
      run: journey,
    },
    why: {
      options: {
        ...traced,
        url: text,
        from: text,
        output: text,
        namespace: { ...text, short: "n" },
      },
      run: why,
    },
    packet: {
      options: {
        ...traced,
        node: text,
        from: text,
        to: text,
        protocol: text,
        rules: text,
        "node-address": { ...text, multiple: true },
        pods: { ...text, multiple: true },
        all: yes,
        output: text,
      },
      run: packet,
    },
    rules: {
      options: {
        ...traced,
        node: text,
        format: text,
        "ip-family": text,
        nfacct: yes,
        "no-random-fully": yes,
      },
      run: rules,
    },
    serve: { options: { ...world, ...serving }, run: serve },
    lab: { options: { ...world, url: text, from: text }, run: lab },
    dump: {
      options: {
        ...given,
        kubeconfig: text,
        context: text,
        anonymise: yes,
        key: text,
        names: text,
      },
      run: dump,
    },
  };

/** Runs one call of the command and answers its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === "help" && rest[0] !== undefined) return main([rest[0], "--help"]);
  if (name === "--version" || name === "version") return (say(version()), 0);
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    say(looked(usage, { ...lookHere(), colour: false }));
    return name === undefined ? 2 : 0;
  }
  try {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!command)
      throw new UsageError(
        `there is no command "${name}"; the commands are ${Object.keys(commands).join(", ")}`,
      );
    if (rest.includes("--help") || rest.includes("-h")) {
      say(helpOf(name, lookHere().columns) ?? usage);
      return 0;
    }
    const { values, positionals } = parse(rest, command.options);
    return await command.run([...positionals, ...filesSaid(values)], values);
  } catch (error) {
    complain(`stopover: ${(error as Error).message.replace(/\s*\n\s*/g, "; ")}`);
    return 2;
  }
}

/** The package's own, and whose rules it writes. */
function version(): string {
  const file = fileURLToPath(new URL("../../../package.json", import.meta.url));
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
  return `stopover ${version}, Node ${process.version}`;
}

function parse(
  args: string[],
  options: NonNullable<ParseArgsConfig["options"]>,
): { values: Flags; positionals: string[] } {
  try {
    const { values, positionals } = parseArgs({
      args,
      options,
      allowPositionals: true,
      strict: true,
    });
    return { values: values as Flags, positionals };
  } catch (error) {
    const allowed = Object.keys(options)
      .map((o) => `--${o}`)
      .join(" ");
    throw new UsageError(
      `${(error as Error).message.split(". To specify")[0]}; allowed are ${allowed}`,
    );
  }
}

const outputs = ["text", "json", "mermaid", "lanes"] as const;
type Output = (typeof outputs)[number];

// ---- the commands -------------------------------------------------------------------------------

const articleURL = "http://mynginx-app.com:8080/";

async function journey(files: string[], flags: Flags): Promise<number> {
  const output = choice(flags, "output", outputs, "text");
  const documents = await loadSome(files, flags, Boolean(flags.snapshot));
  const cluster = await openLoaded(documents, flags);
  const { url, from } = await questionOf(files, flags, cluster, documents);
  return flags.all
    ? tellAll(cluster.outcomes(url, { from }), output)
    : tell(cluster.request(url, { from }), output);
}

/** What is asked, and by whom: the article's URL, or of other files their own Service. */
async function questionOf(
  files: string[],
  flags: Flags,
  cluster: Opened,
  documents: Documents,
): Promise<{ url: string; from: string }> {
  const { url, from } = flags as { url?: string; from?: string };
  if (url !== undefined) return { url, from: from ?? "internet" };
  if (!files.length) return { url: articleURL, from: from ?? "internet" };
  return (await import("./opened.js")).usualRequest(documents, cluster, from);
}

/** FILES after -f. */
const filesSaid = ({ filename }: Flags): string[] => (filename ?? []) as unknown as string[];

/** A word that is no file is a Service's name; those after -f, which come last, are files. */
async function why(words: string[], flags: Flags): Promise<number> {
  const output = choice(flags, "output", ["text", "json"], "text");
  const said = filesSaid(flags);
  const own = words.slice(0, words.length - said.length);
  const [name, ...more] = own.filter(isNoFile);
  const { url, from, namespace } = flags as Record<
    "url" | "from" | "namespace",
    string | undefined
  >;
  if (more.length)
    throw new UsageError(
      `why asks for one Service, and none of these is a file or folder: ${[name, ...more].join(", ")}`,
    );
  if (name !== undefined && url !== undefined)
    throw new UsageError(`why asks for a Service ("${name}") or for --url, not for both`);
  const cluster = await open([...own.filter((word) => word !== name), ...said], flags);
  const asked = url ?? (name && inNamespace(name, namespace));
  if (asked !== undefined) return tellWhy([cluster.why(asked, { from })], output);
  const isWanted = ({ service }: Diagnosis): boolean =>
    namespace === undefined || service.startsWith(`${namespace}/`);
  const all = cluster.why(undefined, { from }).filter(isWanted);
  if (all.length === 0)
    throw new UsageError(`no Service is among the objects${namespace ? ` of ${namespace}` : ""}`);
  return tellWhy(all, output);
}

const inNamespace = (asked: string, namespace: string | undefined): string => {
  if (namespace === undefined) return asked;
  const name = withoutKind(asked);
  return name.includes("/") ? name : `${namespace}/${name}`;
};

const isNoFile = (word: string): boolean =>
  word !== "-" && !existsSync(word) && !/\.(ya?ml|json)$/i.test(word);

async function packet(files: string[], flags: Flags): Promise<number> {
  if (flags["rules"] !== undefined) return pastedPacket(files, flags);
  if (!files.length)
    throw new UsageError(
      "packet needs FILES: the manifests of the cluster, or - for standard input",
    );
  const output = choice(flags, "output", outputs, "text");
  const [node, from, to] = (["node", "from", "to"] as const).map((name) =>
    required(flags, name),
  ) as [string, string, string];
  const protocol = protocolOf(flags);
  const cluster = await open(files, flags);
  const bare = { node, from, to, protocol };
  return flags.all
    ? tellAll(cluster.packetOutcomes(bare), output)
    : tell(cluster.packet(bare), output);
}

const protocolOf = (flags: Flags) =>
  choice(
    flags,
    "protocol",
    ["tcp", "udp", "sctp", "icmp", "TCP", "UDP", "SCTP", "ICMP"],
    "tcp",
  ).toUpperCase() as "TCP" | "UDP" | "SCTP" | "ICMP";

/** Through rules that somebody pasted, of a node of which nothing else is at hand. */
async function pastedPacket(files: string[], flags: Flags): Promise<number> {
  const [{ openRules }, { readText }] = await Promise.all([
    import("../../pasted-rules.js"),
    import("../../objects/machine-files.js"),
  ]);
  if (files.length) throw new UsageError("packet takes FILES or --rules, not both");
  const output = choice(flags, "output", outputs, "text");
  const [from, to] = [required(flags, "from"), required(flags, "to")];
  const listed = (name: string) => flags[name] as unknown as string[] | undefined;
  const addresses = listed("node-address");
  const pods = listed("pods");
  const file = String(flags["rules"]);
  const text = readText(file);
  const pasted = inFile(file === "-" ? "standard input" : file, text, () =>
    openRules(text, {
      ...(addresses ? { addresses } : { family: to.split(":").length > 2 ? "IPv6" : "IPv4" }),
      ...(pods && { pods }),
    }),
  );
  for (const warning of pasted.warnings) complain(`stopover: ${warning}`);
  const protocol = protocolOf(flags);
  return flags.all
    ? tellAll(pasted.packetOutcomes({ from, to, protocol }), output)
    : tell(pasted.packet({ from, to, protocol }), output);
}

/** What people paste where a node's rules belong, and where those are to be had. */
const noRules: readonly [RegExp, string][] = [
  [/^Chain \S+ \(/m, "this is what iptables -L prints for people; iptables-save prints the rules"],
  [
    /^\s*"?(apiVersion|kind)"?:/m,
    "this is a manifest; --rules takes what iptables-save or nft list ruleset prints on a node",
  ],
  [/^IP Virtual Server|RemoteAddress:Port/m, "this is ipvsadm's list, and IPVS is not modelled"],
];

/** Errors of a text tell the file, and what it looks like. */
function inFile<T>(file: string, text: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    const [, looks] = noRules.find(([pattern]) => pattern.test(text)) ?? [];
    throw new UsageError(`${file}: ${(error as Error).message}${looks ? `; ${looks}` : ""}`);
  }
}

async function rules(files: string[], flags: Flags): Promise<number> {
  const node = required(flags, "node");
  const cluster = await open(files, flags, {
    nfacct: Boolean(flags.nfacct),
    randomFully: !flags["no-random-fully"],
  });
  const { rules } = cluster.node(node);
  const [sent, held] = formatsOf[rules.mode] ?? [];
  if (sent === undefined || held === undefined)
    throw new UsageError(
      `mode ${rules.mode} of kube-proxy is not modelled: there are no rules to print`,
    );
  const format = choice(flags, "format", [sent, held], rules.mode === "nftables" ? held : sent);
  for (const family of familiesOf(flags, rules.mode))
    say(format === held ? rules.saveText(family) : rules.restoreText(family));
  return 0;
}

/** What a mode's rules are printed as: what kube-proxy sends, and what the kernel then shows. */
const formatsOf: Readonly<Record<string, readonly [sent: string, held: string]>> = {
  iptables: ["restore", "save"],
  nftables: ["transaction", "list"],
};

/** nft lists both families, where nobody asks for one. */
function familiesOf(flags: Flags, mode: string): ("IPv4" | "IPv6")[] {
  const both = mode === "nftables" ? "both" : "ipv4";
  const family = choice(flags, "ip-family", ["ipv4", "ipv6", both], both);
  return family === "both" ? ["IPv4", "IPv6"] : [family === "ipv6" ? "IPv6" : "IPv4"];
}

async function serve(files: string[], flags: Flags): Promise<number> {
  const { serveCluster } = await import("../serve/serve.js");
  const port = wholeNumber(flags, "port", 8001, 0, 65535);
  const etcd = await etcdStore(flags);
  const controllers = !flags["no-controllers"];
  const documents = files.length || controllers ? await load(files, flags) : nothing;
  tellNotices(documents.notices ?? [], documents.manifests.length, Boolean(flags["strict"]));
  const serviceCIDR = flags["service-cidr"] as string | undefined;
  const proxyMode = proxyModeOf(flags);
  const code = await serveCluster({
    ...sizeAndSeed(flags, 0),
    cloud: choice(flags, "cloud", (await import("../../cloud/clouds.js")).cloudNames, "aws"),
    documents,
    kubeProxy: documents.kubeProxy,
    port,
    controllers,
    ...(serviceCIDR !== undefined && { serviceCIDR }),
    expose: Boolean(flags["expose"]),
    missingImages: flags["missing-image"] as string[] | undefined,
    ...(proxyMode !== undefined && { proxyMode }),
    version: versionOf(flags),
    ...(etcd && { etcd }),
  });
  process.exit(code); // the API server's thread would go on
}

/** What a bare API server holds at the beginning. */
const nothing: Documents = { manifests: [] };

/** Where --store says that the objects are; undefined: in memory. */
async function etcdStore(flags: Flags): Promise<EtcdOptions | undefined> {
  const store = (flags.store as string | undefined) ?? "memory";
  if (store !== "memory" && !/^etcd=https?:\/\/[^\s,]+(,https?:\/\/[^\s,]+)*$/.test(store))
    throw new UsageError(
      `--store is "${store}"; allowed are memory and etcd=URL, for example etcd=http://127.0.0.1:2379; several members are separated by commas`,
    );
  const given = Object.keys(etcdFiles).find((name) => flags[name] !== undefined);
  if (given !== undefined && !store.includes("https://"))
    throw new UsageError(`--${given} goes with --store etcd=https://…; --store is "${store}"`);
  if (store === "memory") return undefined;
  const { etcdOptions } = await import("../serve/etcd.js");
  const [cacert, cert, key] = Object.keys(etcdFiles).map((name) => flags[name] as string);
  return etcdOptions(store.slice("etcd=".length), { cacert, cert, key });
}

/** A dump of the reader's cluster, or of what is given. */
async function dump(files: string[], flags: Flags): Promise<number> {
  const { dumpOf, dumpText, readCluster } = await import("../dump/dump.js");
  const { kubeconfig, context, names: table } = flags as Record<string, string | undefined>;
  const isAnonymous = Boolean(flags["anonymise"]);
  for (const name of ["key", "names"])
    if (flags[name] !== undefined && !isAnonymous)
      throw new UsageError(`--${name} goes with --anonymise`);
  for (const name of ["kubeconfig", "context"])
    if (flags[name] !== undefined && files.length)
      throw new UsageError(`dump reads FILES or asks kubectl (--${name}), not both`);
  const { objects, problems } = files.length
    ? await givenObjects(files)
    : readCluster(
        {
          ...(kubeconfig !== undefined && { kubeconfig }),
          ...(context !== undefined && { context }),
        },
        (what) => remark(`stopover: reading ${what}`),
      );
  for (const problem of problems) complain(`stopover: ${problem}`);
  const key = isAnonymous ? ((flags["key"] as string | undefined) ?? randomKey()) : undefined;
  const { objects: told, names } = dumpOf(objects, key);
  say(dumpText(told));
  if (table !== undefined)
    writeFileSync(table, [...names].map((pair) => `${pair.join("\t")}\n`).join(""));
  return 0;
}

/** Without a key nobody can find the names again, nor make the same ones. */
const randomKey = (): string => randomBytes(32).toString("hex");

async function givenObjects(
  files: string[],
): Promise<{ objects: KubeObject[]; problems: string[] }> {
  const { manifests, kubeProxy, notices = [] } = await loadSome(files, {}, true);
  const objects = manifests.map(({ object }) => object);
  return {
    objects: kubeProxy ? [...objects, kubeProxy] : objects,
    problems: notices.map(({ text }) => text),
  };
}

async function lab(files: string[], flags: Flags): Promise<number> {
  const { lab: run } = await import("../lab/lab.js");
  choice(flags, "cloud", ["aws", "gcp", "none"], "aws"); // those that it can build
  const cluster = await open(files, flags);
  const modes = cluster.list("Node").map(({ metadata }) => cluster.node(metadata.name).rules.mode);
  const other = modes.find((mode) => formatsOf[mode] === undefined);
  if (other !== undefined)
    throw new UsageError(
      `lab builds nodes in the modes iptables and nftables of kube-proxy; this is mode ${other}`,
    );
  return run(cluster, (flags.url as string | undefined) ?? articleURL, {
    from: (flags.from as string | undefined) ?? "internet",
  });
}

// ---- from the words to a cluster ----------------------------------------------------------------

async function open(
  files: string[],
  flags: Flags,
  kernel: { nfacct?: boolean; randomFully?: boolean } = {},
): Promise<Opened> {
  return openLoaded(await loadSome(files, flags, Boolean(flags.snapshot)), flags, kernel);
}

async function openLoaded(
  documents: Documents,
  flags: Flags,
  kernel: { nfacct?: boolean; randomFully?: boolean } = {},
): Promise<Opened> {
  // what a server has beyond a page's cluster, for those commands alone that make one
  await import("../../apiserver/more-admission.js");
  await import("../../controllers/resource-quota.js");
  const { openDocuments, refuseIdleClient } = await import("./opened.js");
  const snapshot = Boolean(flags.snapshot);
  const notices = [...(documents.notices ?? [])];
  const cluster = openDocuments(documents, {
    ...(await clusterOptions(flags)),
    ...kernel,
    snapshot,
    families: clusterFamilies(flags),
    onNotice: (notice) => notices.push(notice),
    onWarning: (text) => complain(`stopover: Warning: ${text}`),
  });
  for (const each of (flags["outside"] as unknown as string[] | undefined) ?? [])
    addOutside(cluster, each);
  tellNotices(notices, documents.manifests.length, Boolean(flags["strict"]));
  refuseIdleClient(cluster, flags["from"] as string | undefined);
  return cluster;
}

/** "ipv6,ipv4": in which families the cluster has addresses, the first one first. */
function clusterFamilies(flags: Flags): readonly Family[] | undefined {
  const value = flags["families"];
  if (value === undefined) return undefined;
  const allowed: Record<string, readonly Family[]> = {
    ipv4: ["IPv4"],
    ipv6: ["IPv6"],
    "ipv4,ipv6": ["IPv4", "IPv6"],
    "ipv6,ipv4": ["IPv6", "IPv4"],
  };
  const found = allowed[String(value).toLowerCase()];
  if (found) return found;
  throw new UsageError(
    `--families is "${String(value)}"; allowed are ${Object.keys(allowed).join(" and ")}`,
  );
}

/** "www.example.com=93.184.216.34:443": a host that is no part of the cluster. */
function addOutside(cluster: Opened, text: string): void {
  const [, name = "", host = ""] = /^([^=]+)=(.+?)(?::\d+)?$/.exec(text) ?? [];
  const address = readAddress(host.replace(/^\[|\]$/g, ""));
  if (!address)
    throw new UsageError(
      `--outside is "${text}"; write NAME=IP:PORT, for example www.example.com=93.184.216.34:443`,
    );
  cluster.network.internet.set(name, [addressRecord(address.text)]);
  cluster.network.outside.set(address.text, name);
}

/** What was not taken as it is, a line each, and how much there was of it. */
function tellNotices(notices: readonly Notice[], read: number, isStrict: boolean): void {
  const count = (wanted: Notice["what"]) => notices.filter(({ what }) => what === wanted).length;
  const [leftOut, refused] = [count("left out"), count("refused")];
  const told = [...new Set(notices.map(({ text }) => text))];
  const isAlone = told.length === 1;
  const [first = ""] = notices.flatMap(({ what, text }) =>
    what === "refused" || what === "left out" ? [text] : [],
  );
  const late = notices.filter(({ what, isLate }) => what === "refused" && isLate).length;
  const summary = `${read - late} taken, ${leftOut} left out, ${refused} refused`;
  const isBad = leftOut + refused > 0;
  const isTheEnd = isBad && (isStrict || read - late === 0);
  if (isTheEnd && isAlone) throw new UsageError(first);
  for (const text of told) complain(`stopover: ${text}`);
  if (isTheEnd) throw new UsageError(summary);
  if (isBad) complain(`stopover: ${summary}`);
  if (notices.some(({ isServersOwn }) => isServersOwn))
    complain("stopover: a server wrote this: --snapshot takes a dump as it is, status and all");
}

async function load(files: string[], flags: Flags, dump = false): Promise<Documents> {
  const { read } = await import("../../objects/machine-files.js");
  return read(files.length ? files : [articleManifests], {
    as: dump ? "dump" : "apply",
    partial: true,
    version: versionOf(flags),
    recursive: files.length > 0,
  });
}

/** The same for a verdict, which nothing at all has none of; clients may fill an empty server. */
async function loadSome(files: string[], flags: Flags, dump = false): Promise<Documents> {
  const documents = await load(files, flags, dump);
  const { manifests, kubeProxy, notices = [] } = documents;
  if (manifests.length + notices.length === 0 && !kubeProxy)
    throw new UsageError(
      `no manifest is in ${files.join(", ").replace(/^-$/, "standard input")}: it is empty, or all comments`,
    );
  return documents;
}

async function clusterOptions(flags: Flags, fewestNodes = 1): Promise<ClusterOptions> {
  const { clouds, cloudNames } = await import("../../cloud/clouds.js");
  const cloud = clouds[choice(flags, "cloud", cloudNames, "aws")]();
  const proxyMode = proxyModeOf(flags);
  return {
    cloud,
    ...sizeAndSeed(flags, fewestNodes),
    ...(proxyMode !== undefined && { proxyMode }),
    version: versionOf(flags),
  };
}

const versionOf = (flags: Flags): string =>
  choice(flags, "kubernetes", kubernetesVersions, usualVersion);

const proxyModeOf = (flags: Flags): string | undefined =>
  flags["proxy-mode"] === undefined
    ? undefined
    : choice(flags, "proxy-mode", ["iptables", "nftables", "ipvs"], "iptables");

const sizeAndSeed = (flags: Flags, fewestNodes: number) => ({
  nodes: wholeNumber(flags, "nodes", 3, fewestNodes, 5000),
  seed: wholeNumber(flags, "seed", 1, 0, Number.MAX_SAFE_INTEGER),
});

function required(flags: Flags, name: string): string {
  const value = flags[name];
  if (typeof value !== "string" || value === "") throw new UsageError(`--${name} is missing`);
  return value;
}

function choice<T extends string>(
  flags: Flags,
  name: string,
  allowed: readonly T[],
  otherwise: T,
): T {
  const value = (flags[name] as T | undefined) ?? otherwise;
  if (!allowed.includes(value))
    throw new UsageError(`--${name} is "${value}"; allowed are ${allowed.join(", ")}`);
  return value;
}

function wholeNumber(
  flags: Flags,
  name: string,
  otherwise: number,
  low: number,
  high: number,
): number {
  const value = flags[name];
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (!/^\d+$/.test(String(value)) || number < low || number > high)
    throw new UsageError(
      `--${name} is "${String(value)}"; it must be a whole number from ${low} to ${high}`,
    );
  return number;
}

// ---- printing -----------------------------------------------------------------------------------

async function tell(journey: Founded<Journey>, output: Output): Promise<number> {
  if (output === "json") print(journey);
  else if (output === "mermaid") say((await diagrams()).journey(journey).source);
  else if (output === "lanes") await tellLanes([journey]);
  else show((await import("../../journey/text.js")).journeyText(journey));
  return journey.disposition === "delivered" ? 0 : 1;
}

async function tellAll(all: Founded<Outcomes>, output: Output): Promise<number> {
  if (output === "json") print(all);
  else if (output === "mermaid") say((await diagrams()).outcomes(all).source);
  else if (output === "lanes") await tellLanes(all.outcomes);
  else show((await import("../../journey/text.js")).outcomesText(all));
  return all.outcomes.every((o) => o.disposition === "delivered") ? 0 : 1;
}

/** The rules that each node met, hook by hook, in the width and the colours of the window. */
async function tellLanes(trips: readonly Journey[]): Promise<void> {
  const pictures = await diagrams();
  const look = lookHere();
  for (const trip of trips) {
    showColoured(pictures.lanesText(trip, look));
    show(`${trip.disposition}: ${trip.reason}`);
  }
}

/** With several Services the first stands at the top, and all of them in a list. */
async function tellWhy(all: readonly Diagnosis[], output: "text" | "json"): Promise<number> {
  const { whyText } = await import("../../why/text.js");
  if (output === "json") print(all.length === 1 ? all[0] : { ...all[0], services: all });
  else show(all.map(whyText).join("\n"));
  const meant = all.flatMap(({ doors }) => doors.filter(({ shouldAnswer }) => shouldAnswer));
  // where nothing could be tried it is not known whether it answers, as of a journey's "unknown"
  return meant.length > 0 && meant.every(({ disposition }) => disposition === "delivered") ? 0 : 1;
}

/** What JSON leaves as it is (0x9b, U+202E) is escaped in JSON's own way, too. */
const print = (value: unknown): void => say(JSON.stringify(value, null, 2));

/**
 * The pictures are a package of their own, which depends on this one; so it is asked for only when
 * a picture is wanted.
 */
async function diagrams(): Promise<{
  journey(j: Journey): { source: string };
  outcomes(o: Outcomes): { source: string };
  lanesText(j: Journey, look: { colour: boolean; columns: number | undefined }): string;
}> {
  const name = "@stopover/diagrams";
  try {
    return await import(name);
  } catch {
    throw new UsageError(
      `--output mermaid and lanes need the package ${name} beside this one (in the kit: npm run build)`,
    );
  }
}

process.exitCode = await main(process.argv.slice(2));
