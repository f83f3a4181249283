/** The command as other programs call it: its words, its exit codes, its JSON. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { actions, dispositions, type Hop, type Journey } from "stopover/internal/journey/types";

const command = fileURLToPath(new URL("../../lib/cli.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "stopover-cli-"));
test.after(() => rmSync(folder, { recursive: true }));

function stopover(args: string[], input = ""): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    input,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  return { code: status, out: stdout, err: stderr };
}

// ---- usage errors: exit 2 and one line ----------------------------------------------------------

const wrong: [says: string, args: string[], message: RegExp][] = [
  [
    "an unknown command",
    ["jurney"],
    /no command "jurney"; the commands are journey, why, packet, rules, serve, lab/,
  ],
  ["an unknown option", ["journey", "--frm", "internet"], /'--frm'.*allowed are .*--from/],
  ["an option without its value", ["journey", "--url"], /--url/],
  [
    "a cloud that there is not",
    ["journey", "--cloud", "azure"],
    /--cloud is "azure"; allowed are aws, nlb, nlb-ip, gcp, gcp-neg, octavia, metallb-l2, metallb-bgp, kube-vip, none/,
  ],
  [
    "a version that there is not",
    ["journey", "--kubernetes", "1.38"],
    /--kubernetes is "1\.38"; allowed are 1\.33, 1\.34, 1\.35, 1\.36, 1\.37/,
  ],
  [
    "a number that is none",
    ["journey", "--nodes", "three"],
    /--nodes is "three"; it must be a whole number from 1 to 5000/,
  ],
  [
    "an output that there is not",
    ["journey", "--output", "xml"],
    /--output is "xml"; allowed are text, json, mermaid/,
  ],
  [
    "a client that there is not",
    ["journey", "--from", "pod/default/x"],
    /no node runs a Pod "default\/x"/,
  ],
  ["a packet without manifests", ["packet", "--node", "node-a"], /packet needs FILES/],
  ["a packet without goal", ["packet", "-", "--node", "n", "--from", "1.2.3.4"], /--to is missing/],
  ["why of nobody", ["why", "nosuch"], /there is no Service "nosuch".*default\/nginx/],
  [
    "why of a Service and a URL",
    ["why", "nginx", "--url", "http://nginx/"],
    /why asks for a Service \("nginx"\) or for --url, not for both/,
  ],
  ["rules without a node", ["rules"], /--node is missing/],
  [
    "rules of an unknown node",
    ["rules", "--node", "node-z"],
    /there is no node "node-z"; the nodes are node-a, node-b, node-c/,
  ],
  [
    "a file that is not there",
    ["journey", "no-such.yaml"],
    /no-such\.yaml: there is no such file or folder/,
  ],
  [
    "a store that there is not",
    ["serve", "--store", "redis"],
    /--store is "redis"; allowed are memory and etcd=URL/,
  ],
  [
    "certificates for a store without",
    ["serve", "--etcd-cacert", "ca.crt"],
    /--etcd-cacert goes with --store etcd=https:\/\/…; --store is "memory"/,
  ],
  [
    "a certificate that is not there",
    ["serve", "--store", "etcd=https://127.0.0.1:1", "--etcd-cacert", "no-such.crt"],
    /--etcd-cacert is "no-such\.crt", which cannot be read: ENOENT/,
  ],
  [
    "a certificate without its key",
    ["serve", "--store", "etcd=https://127.0.0.1:1", "--etcd-cert", command],
    /certificate and its key go together: --etcd-key \(ETCDCTL_KEY\) is missing/,
  ],
  [
    "a port that is none",
    ["serve", "--port", "70000"],
    /--port is "70000"; it must be a whole number from 0 to 65535/,
  ],
];

for (const [says, args, message] of wrong) {
  test(`exit 2 with one line: ${says}`, () => {
    const { code, out, err } = stopover(args);
    assert.is(code, 2, out + err);
    assert.match(err, message);
    assert.is(err.trim().split("\n").length, 1, err);
    assert.is(out, "");
  });
}

// ---- bad manifests ------------------------------------------------------------------------------

const service = (spec: string) =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: ${spec}\n`;
const bad: [says: string, text: string, message: RegExp][] = [
  ["no YAML", "not: [yaml", /standard input: this cannot be read as YAML: line 1/],
  ["no object", "hello", /document 1: got the text "hello"; a manifest is an object/],
  [
    "an unknown kind",
    "apiVersion: v1\nkind: Servce\nmetadata: {name: x}",
    /kind: got "Servce" of "v1", which Kubernetes does not know; did you mean "Service"\?/,
  ],
  [
    "a wrong type",
    service("{ports: eighty}"),
    /Service "x", spec\.ports: got the text "eighty"; a list of objects is needed/,
  ],
  [
    "a port of 70000",
    service("{ports: [{port: 70000}]}"),
    /spec\.ports\[0\]\.port: Invalid value: 70000: must be between 1 and 65535, inclusive/,
  ],
  [
    "an unknown field",
    service("{ports: [{port: 80}], selektor: {a: b}}"),
    /spec\.selektor: unknown field/,
  ],
  [
    "aliases that explode",
    ["a", "b", "c", "d", "e", "f", "g", "h"]
      .map(
        (k, i, all) =>
          `${k}: &${k} [${Array(9)
            .fill(i ? `*${all[i - 1]}` : "lol")
            .join(",")}]`,
      )
      .join("\n"),
    /values once its aliases are written out/,
  ],
  ["10,000 brackets", "[".repeat(10_000) + "]".repeat(10_000), /nesting exceeded|nest/],
  [
    "a mode that there is not any more",
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: userspace",
    /mode: got "userspace"/,
  ],
  [
    "an unknown field of kube-proxy's",
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDRs: x",
    /clusterCIDRs.*there is no such field/,
  ],
];

for (const [says, text, message] of bad) {
  test(`refused within a second: ${says}`, () => {
    const start = process.hrtime.bigint();
    const { code, err } = stopover(["journey", "-"], text);
    assert.is(code, 2);
    assert.match(err, message);
    assert.is(err.trim().split("\n").length, 1, err);
    assert.not.match(err, /\n\s+at /);
    // generous: other tests run beside this one
    assert.ok(Number(process.hrtime.bigint() - start) / 1e9 < 10, "and not after minutes");
  });
}

test("why takes its Service before or after the files, and -f and -n as kubectl does", () => {
  const file = join(folder, "two.yaml");
  const service = (namespace: string): string =>
    `{apiVersion: v1, kind: Service, metadata: {name: web, namespace: ${namespace}}, spec: {ports: [{port: 80}]}}`;
  const namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: prod}}";
  writeFileSync(file, [service("default"), namespace, service("prod")].join("\n---\n"));
  const headings = (...words: string[]): string[] =>
    stopover(["why", ...words]).out.match(/^Service \S+(?=:)/gm) ?? [];
  for (const words of [
    [file, "web"],
    ["web", file],
    ["web", "-f", file],
    ["-f", file, "default/web"],
    [`--filename=${file}`, "web", "-n", "default"],
  ])
    assert.equal(headings(...words), ["Service default/web"], words.join(" "));
  for (const word of ["web", "svc/web", "service/web", "prod/web"])
    assert.equal(headings(word, "-n", "prod", "-f", file), ["Service prod/web"], word);
  assert.equal(headings("-f", file, "-n", "prod"), ["Service prod/web"]);
  assert.equal(headings(file).sort(), ["Service default/web", "Service prod/web"]);
  const refused = (...words: string[]): string => stopover(["why", ...words]).err;
  assert.match(refused("web", "my-folder"), /one Service, and none .* file or folder: web, my-fol/);
  for (const words of [[], ["web"]])
    assert.match(
      refused(...words, "-f", "my-folder"),
      /my-folder: there is no such file or folder/,
    );
  assert.match(refused(file, "-n", "shop"), /no Service is among the objects of shop/);
});

test("links to folders are not followed: they may lead in a circle", () => {
  const home = mkdtempSync(join(folder, "links-"));
  writeFileSync(
    join(home, "web.yaml"),
    "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80}]}}",
  );
  symlinkSync("..", join(home, "up"));
  symlinkSync("self.yaml", join(home, "self.yaml"));
  symlinkSync("nowhere", join(home, "nowhere.yaml"));
  const { err, out } = stopover(["journey", home]);
  assert.is(err, "");
  assert.match(out, /default\/web has no endpoints/);
});

test("no help names an option twice", () => {
  for (const command of ["journey", "why", "packet", "rules", "serve", "dump", "lab"]) {
    const { out } = stopover([command, "--help"]);
    const options = [...out.matchAll(/^ {2}(--\S+ ?\S*)/gm)].map(([, option]) => option);
    assert.equal(options, [...new Set(options)], command);
  }
});

test("a file of 300 MB is refused unread", () => {
  const file = join(folder, "big.yaml");
  writeFileSync(file, "a");
  truncateSync(file, 300_000_000);
  assert.match(stopover(["journey", file]).err, /has 300000000 bytes; at most 268435456 are read/);
});

// ---- the JSON -----------------------------------------------------------------------------------

const header = (h: unknown): boolean =>
  typeof h === "object" &&
  h !== null &&
  ["source", "destination", "protocol"].every(
    (k) => typeof (h as Record<string, unknown>)[k] === "string",
  );

function holdsContract(journey: Journey): void {
  assert.ok(dispositions.includes(journey.disposition), journey.disposition);
  assert.type(journey.reason, "string");
  for (const hop of [...journey.hops, ...journey.reply] as Hop[]) {
    assert.ok([1, 2, 3, null].includes(hop.stop));
    assert.ok(["client", "dns", "load-balancer", "node", "cluster-ip", "pod"].includes(hop.kind));
    assert.ok(header(hop.in) && header(hop.out), hop.name);
    for (const step of hop.steps) assert.ok(actions.includes(step.action), step.action);
  }
}

test("the article's journey: exit 0, and the JSON that the contract promises", () => {
  const { code, out } = stopover(["journey", "--output", "json"]);
  assert.is(code, 0);
  const journey = JSON.parse(out) as Journey;
  holdsContract(journey);
  assert.is(journey.disposition, "delivered");
  assert.match(journey.pod!, /^default\/nginx-/);
  assert.match(journey.destination!, /^10\.1\.[123]\.2:80$/);
  assert.match(journey.clientSeenByPod!, /^192\.168\.0\.[123]:\d+$/);
  assert.match(journey.node!, /^node-[abc]$/);
});

test("anything but delivered exits 1", () => {
  const { code, out } = stopover(["journey", "--url", "http://nope.example/", "--output", "json"]);
  assert.is(code, 1);
  holdsContract(JSON.parse(out) as Journey);
});

test("--all: probabilities that sum to 1", () => {
  const { outcomes } = JSON.parse(stopover(["journey", "--all", "--output", "json"]).out) as {
    outcomes: (Journey & { probability: number })[];
  };
  outcomes.forEach(holdsContract);
  assert.ok(Math.abs(outcomes.reduce((sum, o) => sum + o.probability, 0) - 1) < 1e-12);
});

test("text for people, and mermaid", () => {
  const { out } = stopover(["journey"]);
  for (const part of [
    /\(1\) load-balancer 1234\.ap-south-1\.elb\.amazonaws\.com/,
    /\(2\) node/,
    /\(3\) cluster-ip/,
    /delivered: /,
  ])
    assert.match(out, part);
  assert.match(
    stopover(["journey", "--output", "mermaid"]).out,
    /^(%%\{.*\n)?\s*(flowchart|graph) /,
  );
  assert.match(
    stopover(["journey", "--all", "--output", "mermaid"]).out,
    /^(%%\{.*\n)?\s*(flowchart|graph) /,
  );
});

// ---- snapshots ----------------------------------------------------------------------------------

const dump = `
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Node, metadata: {name: n1}, spec: {podCIDR: 10.0.0.0/24, unknownField: 1}, status: {addresses: [{type: InternalIP, address: 192.168.7.1}, {type: ExternalIP, address: 198.51.100.77}]}}
- {apiVersion: v1, kind: Node, metadata: {name: n2}, spec: {podCIDR: 10.0.1.0/24}, status: {addresses: [{type: InternalIP, address: 192.168.7.2}]}}
- {apiVersion: v1, kind: Service, metadata: {name: web, namespace: prod}, spec: {type: LoadBalancer, clusterIP: 172.30.0.9, clusterIPs: [172.30.0.9], ports: [{name: http, port: 80, targetPort: 8080, nodePort: 31000, protocol: TCP}]}, status: {loadBalancer: {ingress: [{ip: 5.6.7.8}]}}}
- {apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-1, namespace: prod, labels: {kubernetes.io/service-name: web}}, addressType: IPv4, ports: [{name: http, port: 8080, protocol: TCP}], endpoints: [{addresses: [10.0.1.5], nodeName: n2, conditions: {ready: true}, targetRef: {kind: Pod, name: web-0, namespace: prod}}]}
- {apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}}
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clusterCIDR: 10.0.0.0/16
`;

test("a dump is traced as it is: an IP in status is a VIP that nodes know", () => {
  const { code, out, err } = stopover(
    ["journey", "-", "--snapshot", "--url", "http://5.6.7.8/", "--output", "json"],
    dump,
  );
  assert.is(code, 0, err + out);
  const journey = JSON.parse(out) as Journey;
  assert.is(journey.pod, "prod/web-0");
  assert.is(journey.destination, "10.0.1.5:8080");
  assert.not(
    journey.hops.some((h) => h.stop === 2),
    "no NodePort on the way",
  );
});

test("a packet that arrives at a node's second address", () => {
  const { out } = stopover(
    [
      "packet",
      "-",
      "--snapshot",
      "--node",
      "n1",
      "--from",
      "203.0.113.9:4000",
      "--to",
      "198.51.100.77:31000",
      "--output",
      "json",
    ],
    dump,
  );
  const journey = JSON.parse(out) as Journey;
  assert.is(journey.destination, "10.0.1.5:8080");
  assert.match(
    journey.clientSeenByPod!,
    /^192\.168\.7\.1:/,
    "masqueraded as the node IP, the first InternalIP",
  );
  assert.is(journey.request.source, "203.0.113.9:4000");
});

test("a packet of the node's own", () => {
  const { out } = stopover(
    [
      "packet",
      "-",
      "--snapshot",
      "--node",
      "n1",
      "--from",
      "192.168.7.1",
      "--to",
      "172.30.0.9:80",
      "--output",
      "json",
      "--all",
    ],
    dump,
  );
  const { outcomes } = JSON.parse(out) as { outcomes: Journey[] };
  assert.equal(
    outcomes.map((o) => o.destination),
    ["10.0.1.5:8080"],
  );
});

test("a dump that `stopover serve` would print and the live cluster tell the same story", () => {
  const live = JSON.parse(
    stopover(["journey", "--url", "http://192.168.0.1:30519/", "--all", "--output", "json"]).out,
  ) as { outcomes: Journey[] };
  assert.is(live.outcomes.length, 3);
});

// ---- rules --------------------------------------------------------------------------------------

test("rules: restore by default, save on request, IPv6, nfacct, without random-fully", () => {
  const restore = stopover(["rules", "--node", "node-a"]).out;
  assert.match(restore, /^\*filter\n:KUBE-SERVICES - \[0:0\]\n/);
  assert.match(restore, /-j MASQUERADE --random-fully\n/);
  assert.not.match(restore, /nfacct/);
  const save = stopover(["rules", "--node", "node-a", "--format", "save"]).out;
  assert.match(save, /:PREROUTING ACCEPT \[0:0\]/);
  assert.match(save, /--set-xmark 0x4000\/0x4000/);
  const plain = stopover(["rules", "--node", "node-a", "--nfacct", "--no-random-fully"]).out;
  assert.match(plain, /-m nfacct --nfacct-name ct_state_invalid_dropped_pkts -j DROP/);
  assert.match(plain, /-j MASQUERADE\n/);
  assert.match(stopover(["rules", "--node", "node-a", "--ip-family", "ipv6"]).out, /\*nat/);
});

test("rules of nftables mode: as nft lists them, of both families, and as kube-proxy sends them", () => {
  const nftables = ["rules", "--node", "node-a", "--proxy-mode", "nftables"];
  const list = stopover(nftables).out;
  assert.match(list, /^table ip kube-proxy \{\n\tcomment "rules for kube-proxy"\n/);
  assert.match(list, "\ntable ip6 kube-proxy {\n");
  assert.is(stopover([...nftables, "--format", "list"]).out, list);
  assert.not.match(stopover([...nftables, "--ip-family", "ipv4"]).out, "table ip6");
  const sent = stopover([...nftables, "--format", "transaction", "--ip-family", "ipv6"]).out;
  assert.match(sent, /^add table ip6 kube-proxy \{ comment "rules for kube-proxy" ; \}\n/);
  for (const [format, message] of [
    [[...nftables, "--format", "save"], /--format is "save"; allowed are transaction, list/],
    [["rules", "--node", "node-a", "--format", "list"], /"list"; allowed are restore, save/],
    [["rules", "--node", "node-a", "--proxy-mode", "ipvs"], /mode ipvs .* not modelled/],
    [
      ["lab", "--proxy-mode", "ipvs"],
      /lab builds nodes in the modes iptables and nftables .* mode ipvs/,
    ],
    [["journey", "--proxy-mode", "userspace"], /allowed are iptables, nftables, ipvs/],
  ] as const) {
    const { code, err } = stopover([...format]);
    assert.is(code, 2);
    assert.match(err, message);
  }
});

test("a journey through nftables, and one that ipvs leaves unknown", () => {
  const { code, out } = stopover(["journey", "--proxy-mode", "nftables"]);
  assert.is(code, 0);
  assert.match(out, "services  ip daddr @nodeport-ips meta l4proto . th dport vmap");
  const unknown = stopover(["journey", "--proxy-mode", "ipvs"]);
  assert.is(unknown.code, 1);
  assert.match(unknown.out, /unknown: kube-proxy runs in ipvs mode/);
});

test("the same words give the same bytes", () => {
  const run = () =>
    execFileSync(process.execPath, [command, "journey", "--output", "json"], { encoding: "utf8" });
  assert.is(run(), run());
});

// ---- for a reader at a terminal -----------------------------------------------------------------

for (const name of ["journey", "packet", "rules", "serve", "lab"]) {
  test(`${name} --help: a sentence, every option, and examples`, () => {
    const { code, out } = stopover([name, "--help"]);
    assert.is(code, 0);
    assert.match(
      out,
      new RegExp(`^stopover ${name} .*\n\n[A-Z].*\\.\n\noptions\n[^]*\nexamples\n +.*stopover`),
    );
    const { err } = stopover([name, "--nonsense"]);
    for (const option of /allowed are (.*)/.exec(err)![1]!.trim().split(" "))
      assert.ok(out.includes(option), `${option} is explained`);
    assert.is(stopover(["help", name]).out, out);
  });
}

test("--version says which", () => {
  const { code, out } = stopover(["--version"]);
  assert.is(code, 0);
  assert.match(out, /^stopover \d+\.\d+\.\d+, Node v/);
});

const coloured = (args: string[], env: Record<string, string>) =>
  spawnSync(process.execPath, [command, ...args], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  }).stdout;
// eslint-disable-next-line no-control-regex -- the codes of colours
const colour = /\u001b\[\d+m/g;

test("no help has a line that is wider than the window, but for a word or a command", () => {
  for (const name of ["journey", "why", "packet", "rules", "serve", "dump", "lab"])
    for (const columns of ["40", "60", "100"]) {
      const out = coloured([name, "--help"], { FORCE_COLOR: "1", NO_COLOR: "", COLUMNS: columns });
      assert.match(out, new RegExp(`^stopover ${name}`));
      for (const line of out.split("\n"))
        if (line.length > Number(columns))
          assert.match(
            line,
            /^ {2}(\S.*)?stopover |^ {2}--[^ ]+( [^ ]+)?(, --[^ ]+ [^ ]+)*$|^ *\S+$/,
          );
    }
});

test("colours where they are wanted, none for a program and none with NO_COLOR; the words stay", () => {
  const plain = coloured(["journey"], { NO_COLOR: "" });
  assert.not.match(plain, colour);
  const painted = coloured(["journey"], { FORCE_COLOR: "1", NO_COLOR: "" });
  assert.match(painted, colour);
  const words = (text: string) => text.replace(colour, "").split(/\s+/).filter(Boolean).sort();
  const withoutComments = (text: string) => text.replace(/-m comment --comment/g, "");
  assert.equal(words(painted), words(withoutComments(plain)));
  assert.not.match(coloured(["journey"], { FORCE_COLOR: "1", NO_COLOR: "1" }), colour);
});

for (const output of ["text", "lanes"])
  test(`no line of --output ${output} is longer than the window`, () => {
    const text = coloured(["journey", "--output", output], {
      FORCE_COLOR: "1",
      COLUMNS: "80",
      NO_COLOR: "",
    });
    const lines = text.replace(colour, "").split("\n");
    assert.ok(lines.length > 30);
    assert.equal(
      lines.filter(({ length }) => length > 80),
      [],
    );
  });

test("a name from outside paints nothing", () => {
  const hostile = service('{type: NodePort, selector: {"a": "\\e[31mred"}, ports: [{port: 80}]}');
  const file = join(folder, "hostile.yaml");
  writeFileSync(file, hostile);
  for (const output of ["text", "lanes"]) {
    const text = coloured(
      ["journey", file, "--url", "http://\u001b[2J.example/", "--output", output],
      {
        FORCE_COLOR: "1",
        NO_COLOR: "",
      },
    );
    for (const command of ["\u001b[2J", "\u001b[31mred"]) assert.not.ok(text.includes(command));
  }
});

test("--all: fractions beside percentages", () => {
  const { out } = stopover(["journey", "--all"]);
  assert.match(out, /^ +11\.11 % {2}1\/9 +delivered/m);
  assert.match(out, /^ +33\.33 % {2}1\/3 +default\/nginx/m);
});

// ---- which Kubernetes ---------------------------------------------------------------------------

const digitFirst = `apiVersion: v1
kind: Service
metadata: { name: 1a }
spec: { externalIPs: [203.0.113.9], ports: [{ port: 80 }] }
`;

test("a name that 1.36 takes, and what it warns of", () => {
  const asked = ["rules", "-", "--node", "node-a", "--kubernetes"];
  assert.match(stopover([...asked, "1.35"], digitFirst).err, /"1a": a DNS-1035 label/);
  const { code, out, err } = stopover([...asked, "1.36"], digitFirst);
  assert.is(code, 0);
  assert.match(out, /default\/1a/);
  assert.is(err, "stopover: Warning: spec.externalIPs is deprecated\n");
});

test("1.37 warns of kube-proxies without a mode, also in a dump", () => {
  for (const more of [[], ["--snapshot"]]) {
    const { err } = stopover(
      ["rules", "-", "--node", "a", "--kubernetes", "1.37", ...more],
      "kind: Node\napiVersion: v1\nmetadata: { name: a }",
    );
    assert.match(err, /Warning: kube-proxy: no mode is set/);
  }
});

test.run();
