/**
 * The lab on a real kernel: what it shows, and that nothing of it stays behind. The parsers are
 * tested everywhere.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createCluster, aws, bridge, gcp, type Cluster, type ClusterOptions } from "stopover";
import { align } from "stopover/internal/doors/lab/compare";
import { parseFlows } from "stopover/internal/doors/lab/conntrack";
import { runLab } from "stopover/internal/doors/lab/lab";
import type { LabReport } from "stopover/internal/doors/lab/types";
import { Namespaces } from "stopover/internal/doors/lab/namespaces";
import { planOf } from "stopover/internal/doors/lab/plan";
import { preflight } from "stopover/internal/doors/lab/preflight";
import { labText } from "stopover/internal/doors/lab/text";
import { XtablesTrace } from "stopover/internal/doors/lab/trace";
import type { Network } from "stopover/internal/journey/network";
import type { BridgeOptions } from "stopover/internal/node/cni/bridge";
import { Machine } from "stopover/internal/node/machine";
import { read, type Pod } from "stopover";
import { needs } from "./needs.js";

const articleURL = "http://mynginx-app.com:8080/";

/** Of the cases below, which are tried in each mode. */
type Mode = "iptables" | "nftables";
let proxyMode: Mode = "iptables";

function article(options: ClusterOptions = { cloud: aws() }, spec: object = {}): Cluster {
  const cluster = createCluster({ seed: 1, proxyMode, ...options });
  cluster.apply(read(fileURLToPath(new URL("../../notebooks/manifests", import.meta.url))));
  cluster.settle();
  if (Object.keys(spec).length > 0) cluster.patch("Service", "nginx", { spec });
  cluster.settle();
  cluster.advance("40s"); // kube-proxies and health checks have seen it
  return cluster;
}

const dualStack = (): Cluster =>
  article(
    {
      nodes: ["a", "b", "c"].map((letter, i) => ({
        name: `node-${letter}`,
        addresses: [`192.168.0.${i + 1}`, `fd00:192::${i + 1}`],
      })),
      clusterCIDR: "10.1.0.0/16,fd00:10:1::/48",
      serviceCIDR: "10.2.0.0/16,fd00:10:2::/112",
    },
    { ipFamilyPolicy: "PreferDualStack" },
  );

const inLab = (cluster: Cluster, url = articleURL, from = "internet"): Promise<LabReport> =>
  runLab(planOf(cluster.network, { url, from }), cluster.outcomes(url, { from }).outcomes);

const podOn = (cluster: Cluster, node: string): string =>
  cluster.list("Pod").find(({ spec }) => spec.nodeName === node)!.metadata.name;
const leftovers = (pid: number): string[] =>
  existsSync("/run/netns")
    ? readdirSync("/run/netns").filter((name) => name.startsWith(`so-${pid}-`))
    : [];

// ---- with a kernel ------------------------------------------------------------------------------

const missing = preflight();

function onKernel(name: string, run: () => Promise<void>): void {
  if (!needs(test, name, missing)) return;
  test(name, async () => {
    await run();
    assert.equal(leftovers(process.pid), [], "nothing stays behind");
  });
}

/** A sentence, the question, and what the client meets. */
const cases: [
  name: string,
  make: () => Cluster,
  ask: (cluster: Cluster) => [url: string, from?: string],
  expected: string | Record<Mode, string>,
][] = [
  [
    "the article's request goes through the proxying load balancer",
    () => article(),
    () => [articleURL],
    "delivered",
  ],
  [
    "a passthrough load balancer keeps the client's address as far as the node",
    () => article({ cloud: gcp() }),
    () => [articleURL],
    "delivered",
  ],
  [
    "externalTrafficPolicy Local keeps it as far as the Pod",
    () => article({ cloud: gcp() }, { externalTrafficPolicy: "Local" }),
    () => [articleURL],
    "delivered",
  ],
  [
    "a Pod asks by the Service's name",
    () => article(),
    (cluster) => ["http://nginx:8080/", `pod/default/${podOn(cluster, "node-a")}`],
    "delivered",
  ],
  [
    "a process on a node asks the NodePort at 127.0.0.1",
    () => article(),
    () => ["http://127.0.0.1:30519/", "node/node-c"],
    { iptables: "delivered", nftables: "connection refused" },
  ],
  [
    "a ClusterIP has no such port",
    () => article(),
    () => ["http://10.2.1.1:81/", "node/node-c"],
    { iptables: "no route", nftables: "connection refused" },
  ],
  [
    "a process on a node asks its own NodePort, and stays with its Pod",
    () => article({ cloud: aws() }, { sessionAffinity: "ClientIP" }),
    () => ["http://192.168.0.3:30519/", "node/node-c"],
    "delivered",
  ],
  [
    "a node asks the load balancer's address, which loadBalancerSourceRanges keep from it",
    () => article({ cloud: gcp() }, { loadBalancerSourceRanges: ["192.0.2.0/24"] }),
    (cluster) => [
      `http://${cluster.get("Service", "nginx").status!.loadBalancer!.ingress![0]!.ip}:8080/`,
      "node/node-c",
    ],
    "timed out",
  ],
  [
    "a NodePort of a Service without endpoints refuses",
    () => article({ cloud: aws() }, { selector: { app: "nobody" } }),
    () => ["http://192.168.0.2:30519/"],
    "connection refused",
  ],
  [
    "an IPv6 ClusterIP, from a node",
    () => dualStack(),
    (cluster) => [
      `http://[${cluster.get("Service", "nginx").spec.clusterIPs![1]}]:8080/`,
      "node/node-a",
    ],
    "delivered",
  ],
  [
    "an IPv6 NodePort, from the internet",
    () => dualStack(),
    () => ["http://[fd00:192::2]:30519/"],
    "delivered",
  ],
  [
    "a node without an endpoint drops what externalTrafficPolicy Local does not let on",
    () => {
      const cluster = article({ cloud: aws() }, { externalTrafficPolicy: "Local" });
      cluster.scale("Deployment", "nginx", 1);
      cluster.advance("2m");
      return cluster;
    },
    (cluster) => [
      `http://${["192.168.0.1", "192.168.0.2", "192.168.0.3"].find((address) => cluster.outcomes(`http://${address}:30519/`).outcomes[0]!.disposition === "dropped")}:30519/`,
    ],
    "timed out",
  ],
];

const onBridges = (options: BridgeOptions = {}, replicas = 3): Cluster => {
  const cluster = article({ cloud: aws(), cni: bridge(options) });
  cluster.scale("Deployment", "nginx", replicas);
  cluster.settle();
  cluster.advance("40s");
  return cluster;
};
const onItsNode = (cluster: Cluster): string =>
  cluster.list("Pod").map(({ metadata }) => metadata.name)[0]!;

/** Nodes whose Pods share a bridge: a masqueraded packet has the bridge's address there. */
const bridged: typeof cases = [
  [
    "through the load balancer to Pods on bridges",
    () => onBridges(),
    () => [articleURL],
    "delivered",
  ],
  [
    "a Pod on a bridge asks the ClusterIP, of itself, of its neighbours and of others",
    () => onBridges({}, 6),
    (cluster) => ["http://10.2.1.1:8080/", `pod/default/${onItsNode(cluster)}`],
    "delivered",
  ],
  [
    "a Pod gets back to itself through its ClusterIP, by a port in hairpin mode",
    () => onBridges({}, 1),
    (cluster) => ["http://10.2.1.1:8080/", `pod/default/${onItsNode(cluster)}`],
    "delivered",
  ],
  [
    "a process on a node asks the ClusterIP, and comes from the bridge's address",
    () => onBridges(),
    () => ["http://10.2.1.1:8080/", "node/node-b"],
    "delivered",
  ],
  [
    "a NodePort leads to a Pod on the node's own bridge",
    () => onBridges(),
    () => ["http://192.168.0.3:30519/"],
    "delivered",
  ],
];

for (const mode of ["iptables", "nftables"] as const)
  for (const [name, make, ask, expected] of [...cases, ...bridged])
    onKernel(`${name}, mode ${mode}`, async () => {
      const cluster = inMode(mode, make);
      const report = await inLab(cluster, ...ask(cluster));
      const end = typeof expected === "string" ? expected : expected[mode];
      assert.is(report.observed.disposition, end, labText(report));
      assert.is(report.differences, 0, labText(report));
      assert.ok(
        report.nodes.some(({ rows }) => rows.length > 2),
        "the kernel's trace has rules in it",
      );
    });

function inMode(mode: Mode, make: () => Cluster): Cluster {
  proxyMode = mode;
  try {
    return make();
  } finally {
    proxyMode = "iptables";
  }
}

for (const [name, options] of [
  ["without hairpin mode", { hairpinMode: false }],
  ["on a promiscuous bridge", { promiscMode: true }],
] as const)
  onKernel(`a Pod does not get back to itself ${name}`, async () => {
    const cluster = onBridges(options, 1);
    const from = `pod/default/${onItsNode(cluster)}`;
    const report = await inLab(cluster, "http://10.2.1.1:8080/", from);
    assert.is(report.observed.disposition, "timed out", labText(report));
    // the bridge gives it up before the hook FORWARD, or the node's rules there; ours after them
    const differing = report.nodes.flatMap(({ rows }) => rows.filter(({ by }) => by !== "both"));
    assert.ok(
      differing.every(({ chain }) => !/PREROUTING|SERVICES|-(SVC|SEP)-/.test(chain)),
      labText(report),
    );
    assert.not.match(labText(report), /DIFFERENT/);
  });

onKernel("a rule of ours that the kernel does not hold shows as a difference", async () => {
  const cluster = article();
  const plan = planOf(cluster.network, { url: articleURL, from: "internet" });
  const without = plan.nodes.map((node) => ({
    ...node,
    rules: { IPv4: node.rules.IPv4!.replace(/^-A KUBE-EXT-\S+ .*-j KUBE-MARK-MASQ\n/m, "") },
  }));
  const report = await runLab({ ...plan, nodes: without }, cluster.outcomes(articleURL).outcomes);
  assert.ok(
    report.nodes.some(({ rows }) =>
      rows.some(({ by, chain }) => by === "ours" && chain.startsWith("KUBE-EXT-")),
    ),
    labText(report),
  );
  assert.match(labText(report), /^ {2}ours .*KUBE-MARK-MASQ/m);
});

onKernel("two labs run at once", async () => {
  const cluster = article();
  const reports = await Promise.all([inLab(cluster), inLab(cluster, "http://192.168.0.3:30519/")]);
  assert.equal(
    reports.map(({ differences }) => differences),
    [0, 0],
  );
});

onKernel("a lab that fails half-way leaves nothing behind", async () => {
  const plan = planOf(article().network, { url: articleURL, from: "internet" });
  const broken = plan.nodes.map((node, i) =>
    i < 2 ? node : { ...node, rules: { IPv4: "*nat\n-A NOWHERE -j DNAT\nCOMMIT\n" } },
  );
  const error = await runLab({ ...plan, nodes: broken }, []).then(
    () => undefined,
    (failure: Error) => failure,
  );
  assert.match(error?.message ?? "it did not fail", /iptables-nft-restore/);
});

onKernel("what a killed lab left behind goes with the next one, its processes too", async () => {
  const script =
    'import { Namespaces } from "stopover/internal/doors/lab/namespaces"; const house = Namespaces.open(); house.add("x"); console.log(house.start("x", "sleep", ["600"]).pid); setInterval(() => {}, 1000)';
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    cwd: fileURLToPath(new URL(".", import.meta.url)),
  });
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  assert.is(leftovers(child.pid!).length, 1, "it is up");
  child.kill("SIGKILL");
  await once(child, "exit");
  Namespaces.open().close(); // another test's lab may have done it before us
  assert.equal(leftovers(child.pid!), []);
  const sleeper = `/proc/${String(said).trim()}`;
  assert.not.ok(
    existsSync(`${sleeper}/exe`) && readlinkSync(`${sleeper}/exe`).endsWith("sleep"),
    "what it started is gone",
  );
});

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  onKernel(`${signal} ends a lab, and everything in it`, async () => {
    const child = spawn(process.execPath, [
      fileURLToPath(import.meta.resolve("stopover/internal/doors/cli/cli")),
      "lab",
      "--from",
      "node/node-a",
      "--url",
      "http://192.168.0.77:1/",
    ]);
    let said = "";
    await new Promise<void>((resolve) =>
      child.stderr
        .setEncoding("utf8")
        .on("data", (text: string) => (said += text).includes("asking") && resolve()),
    );
    assert.ok(leftovers(child.pid!).length > 5, "it is up");
    child.kill(signal);
    const [exit] = (await once(child, "exit")) as [number];
    assert.is(exit, code);
    assert.equal(leftovers(child.pid!), []);
  });
}

// ---- without ------------------------------------------------------------------------------------

test("a trace is read however it is cut up, and an id that comes again is a new packet", () => {
  const text = [
    "PACKET: 2 9e1afb81 IN=eth0 MACSRC=2:0:0:0:0:ff SRC=203.0.113.9 DST=10.2.0.1 LEN=40 TTL=64 ID=2 SPORT=40000 DPORT=80 SYN ",
    " TRACE: 2 9e1afb81 raw:PREROUTING:rule:0x3:CONTINUE  -4 -t raw -A PREROUTING -j TRACE",
    " TRACE: 2 9e1afb81 raw:PREROUTING:policy:ACCEPT ",
    ' TRACE: 2 9e1afb81 nat:KUBE-SERVICES:rule:0xe:JUMP:KUBE-SVC-X  -4 -t nat -A KUBE-SERVICES -d 10.2.0.1/32 -m comment --comment "a b: c" -j KUBE-SVC-X',
    " TRACE: 2 9e1afb81 nat:KUBE-POSTROUTING:rule:0x17:0xfffffffb  -4 -t nat -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
    "PACKET: 2 9e1afb81 IN=eth0 OUT=eth1 SRC=203.0.113.9 DST=10.1.1.2 SPORT=40000 DPORT=8080 SYN MARK=0x4000 ",
    " TRACE: 2 9e1afb81 filter:FORWARD:policy:ACCEPT ",
    "PACKET: 2 9e1afb81 IN=eth0 SRC=203.0.113.9 DST=10.2.0.2 LEN=40 TTL=64 ID=2 SPORT=40001 DPORT=80 SYN ",
    " TRACE: 2 9e1afb81 raw:PREROUTING:rule:0x3:CONTINUE  -4 -t raw -A PREROUTING -j TRACE",
    "",
  ].join("\n");
  const steps = [
    {
      table: "nat",
      chain: "KUBE-SERVICES",
      rule: '-d 10.2.0.1/32 -m comment --comment "a b: c" -j KUBE-SVC-X',
      verdict: "JUMP:KUBE-SVC-X",
      source: "203.0.113.9:40000",
      destination: "10.2.0.1:80",
    },
    {
      table: "nat",
      chain: "KUBE-POSTROUTING",
      rule: "-m mark ! --mark 0x4000/0x4000 -j RETURN",
      verdict: "RETURN",
      source: "203.0.113.9:40000",
      destination: "10.2.0.1:80",
    },
    {
      table: "filter",
      chain: "FORWARD",
      verdict: "ACCEPT",
      source: "203.0.113.9:40000",
      destination: "10.1.1.2:8080",
    },
  ];
  for (const size of [1, 7, 10_000]) {
    const reader = new XtablesTrace();
    for (let i = 0; i < text.length; i += size) reader.feed(text.slice(i, i + size));
    assert.equal(
      reader.packets.map(({ destination }) => destination),
      ["10.2.0.1:80", "10.2.0.2:80"],
    );
    assert.equal(reader.packets[0]!.steps, steps);
    assert.equal(
      [reader.packets[0]!.in, reader.packets[0]!.out, reader.packets[0]!.flags],
      ["eth0", "eth1", "SYN"],
    );
  }
});

test("what a bridge hands up goes on by another id", () => {
  const reader = new XtablesTrace();
  reader.feed(
    [
      "PACKET: 2 0000000a IN=cni0 SRC=10.1.1.2 DST=192.168.0.2 SPORT=80 DPORT=1025 ACK SYN ",
      " TRACE: 2 0000000a raw:PREROUTING:rule:0x3:CONTINUE  -4 -t raw -A PREROUTING -j TRACE",
      "PACKET: 2 0000000b IN=cni0 OUT=eth0 SRC=10.1.1.2 DST=192.168.0.2 SPORT=80 DPORT=1025 ACK SYN ",
      " TRACE: 2 0000000b filter:FORWARD:rule:0x7:JUMP:KUBE-FORWARD  -4 -t filter -A FORWARD -j KUBE-FORWARD",
      "PACKET: 2 0000000c IN=eth0 SRC=10.1.9.9 DST=192.168.0.2 SPORT=80 DPORT=1025 ACK SYN ",
      " TRACE: 2 0000000c filter:INPUT:policy:ACCEPT ",
      "",
    ].join("\n"),
  );
  assert.equal(
    reader.packets.map(({ out, steps }) => [out, steps.map(({ rule }) => rule)]),
    [["eth0", ["-j KUBE-FORWARD"]]],
  );
});

test("conntrack's list is read, for each protocol and family", () => {
  const text = [
    "tcp      6 118 SYN_SENT src=192.168.0.1 dst=10.2.0.1 sport=41162 dport=80 [UNREPLIED] src=192.168.0.254 dst=192.168.0.1 sport=81 dport=32928 mark=0 use=2",
    "udp      17 29 src=2001:db8:0:0::9 dst=fd00::7 sport=40005 dport=53 src=fd00::7 dst=2001:db8::9 sport=53 dport=40005 mark=0 use=1",
    "conntrack v1.4.7 (conntrack-tools): 2 flow entries have been shown.",
  ].join("\n");
  assert.equal(parseFlows(text), [
    {
      protocol: "tcp",
      state: "SYN_SENT",
      source: "192.168.0.1:41162",
      destination: "10.2.0.1:80",
      replySource: "192.168.0.254:81",
      replyDestination: "192.168.0.1:32928",
      replied: false,
    },
    {
      protocol: "udp",
      state: "",
      source: "[2001:db8::9]:40005",
      destination: "[fd00::7]:53",
      replySource: "[fd00::7]:53",
      replyDestination: "[2001:db8::9]:40005",
      replied: true,
    },
  ]);
});

test("rows of two traces are put side by side", () => {
  const rules = (text: string) => [...text].map((rule) => ({ table: "nat", chain: "C", rule }));
  const shown = (ours: string, theirs: string) =>
    align(rules(ours), rules(theirs))
      .map(({ by, rule }) => (by === "both" ? rule : `${by === "ours" ? "<" : ">"}${rule}`))
      .join(" ");
  assert.is(shown("abc", "abc"), "a b c");
  assert.is(shown("abc", "ac"), "a <b c");
  assert.is(shown("ac", "abc"), "a >b c");
  assert.is(shown("axc", "ayc"), "a <x >y c");
  assert.is(shown("", "a"), ">a");
});

test("a question that cannot be put to a lab is refused with what to do", () => {
  const cluster = article();
  assert.throws(
    () => planOf(cluster.network, { url: "https://mynginx-app.com/", from: "internet" }),
    /plain HTTP/,
  );
  assert.throws(
    () => planOf(cluster.network, { url: "mynginx-app.com", from: "internet" }),
    /scheme/,
  );
  assert.throws(
    () => planOf(createCluster({ nodes: 21 }).network, { url: articleURL, from: "internet" }),
    /21 nodes, and a lab holds 20; make the cluster smaller/,
  );
});

const hostile = (change: (network: Network) => void) => (): void => {
  const { network } = createCluster({ nodes: 1, cloud: aws() });
  change(network);
  planOf(network, { url: "http://192.168.0.1/", from: "internet" });
};
const clock = { now: () => 0 };
const podOf = (name: string, namespace = "default"): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace },
  spec: { containers: [] },
});

test("what a dump may hold and no program should see as root is refused", () => {
  const evil = "x\nlink add y type dummy";
  assert.throws(
    hostile((network) =>
      network.addMachine(new Machine({ name: evil, addresses: ["192.168.0.9/16"], clock })),
    ),
    /a lab cannot build the node "x\\nlink add y type dummy": a lowercase RFC 1123 subdomain/,
  );
  assert.throws(
    hostile((network) => network.machines.get("node-a")!.attach(podOf("a'b"), ["10.1.1.9"])),
    /a lab cannot build the Pod "a'b"/,
  );
  assert.throws(
    hostile((network) => network.machines.get("node-a")!.attach(podOf("a", "END\n"), ["10.1.1.9"])),
    /a lab cannot build the Pod "END\\n"/,
  );
  assert.throws(
    hostile(({ internet }) => internet.set("a b", [{ type: "A", address: "192.0.2.1" }])),
    /a lab cannot build the domain "a b"/,
  );
  assert.throws(
    hostile(({ internet }) => internet.set("a", [{ type: "CNAME", target: "b,--server=c" }])),
    /a lab cannot build the alias of a "b,--server=c"/,
  );
  assert.throws(
    hostile(({ internet }) => internet.set("a", [{ type: "A", address: "192.0.2" }])),
    /a lab cannot build the domain a: "192\.0\.2" is no IP address/,
  );
});

test.run();
