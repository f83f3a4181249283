/**
 * Rules that somebody pasted: read, questioned, refused where they are cut off; and a node's own
 * rules as rows with their reasons.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readFileSync } from "node:fs";
import { createCluster, openRules, read } from "stopover";
import { recall, record } from "stopover/internal/doors/lab/recording";

const folder = new URL("../../notebooks/", import.meta.url);
const text = readFileSync(new URL("dumps/worker-2.rules", folder), "utf8");
const worker2 = openRules(text, { addresses: ["172.18.0.3"] });
const from = "203.0.113.9";

test("a paste tells what happens at each NodePort", () => {
  assert.is(worker2.packet({ from, to: "172.18.0.3:30090" }).disposition, "rejected");
  assert.is(worker2.packet({ from, to: "172.18.0.3:30443" }).disposition, "dropped");
  assert.is(worker2.packet({ from, to: "172.18.0.3:30999" }).disposition, "connection refused");
  const { outcomes } = worker2.packetOutcomes({ from, to: "172.18.0.3:30080" });
  assert.equal(
    outcomes.map(({ probability, destination }) => [destination, probability]).sort(),
    ["10.244.1.11:8080", "10.244.1.12:8080", "10.244.2.14:8080", "10.244.2.9:8080"].map((to) => [
      to,
      1 / 4,
    ]),
  );
});

for (const [pods, sentence] of [
  [
    ["10.244.0.0/16"],
    "is taken to be there, as a Pod of the range 10.244.0.0/16, and to answer; rules do not tell",
  ],
  [["10.99.0.0/16"], "is taken to be there, and to answer; rules do not tell"],
] as const)
  test(`whom rules send a packet to is no stranger for that: Pods in ${pods.join(", ")}`, () => {
    const rules = openRules(text, { addresses: ["172.18.0.3"], pods });
    const { assumed, destination = "" } = rules.packet({ from, to: "172.18.0.3:30080" });
    const object = destination.replace(/:.*/, "");
    assert.equal(
      assumed.filter((remark) => remark.object === object),
      [{ object, field: "", sentence }],
    );
  });

/** One container's port, published as Docker does it: DNAT, and no masquerading. */
const published = `*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
`;

const forwarded = (rule: string) => `${published}*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD ${rule}
COMMIT
`;
const inNftables = (rule: string, others = "") => `table ip filter {
${others}	chain FORWARD {
		type filter hook forward priority filter; policy drop;
		${rule}
	}
}
`;
const lan = `	set lan {
		type ifname . ipv4_addr
		elements = { "docker0" . 203.0.113.4 }
	}

`;

for (const [says, rules, disposition] of [
  ["a policy drops what no rule lets through", forwarded("-s 10.9.0.0/16 -j ACCEPT"), "dropped"],
  ["a rule lets through what leaves by docker0", forwarded("-o docker0 -j ACCEPT"), "unknown"],
  [
    "a rule lets through what comes by another device",
    inNftables('iifname { "ens3", "docker0" } accept'),
    "unknown",
  ],
  ["a map says so", inNftables('iifname vmap { "docker0" : accept }'), "unknown"],
  ["a named set says so", inNftables("iifname . ip saddr @lan accept", lan), "unknown"],
  [
    "others are behind docker0, in nftables",
    inNftables('ip daddr 10.9.0.0/16 oifname != "docker0" accept'),
    "dropped",
  ],
  ["a route's device is none's name", inNftables("fib saddr . iif oif missing drop"), "dropped"],
  [
    "a comment is no rule",
    inNftables('udp dport 9 accept comment "of what comes by iif docker0"'),
    "dropped",
  ],
  ["a rule lets it through wherever it leaves", forwarded("-o docker+ -j LOG"), "unknown"],
  [
    "others are behind docker0",
    `${forwarded("-o docker0 -j ACCEPT")}*nat\n-A POSTROUTING -s 10.9.0.0/16 ! -o docker0 -j MASQUERADE\nCOMMIT\n`,
    "dropped",
  ],
  ["it is behind docker0", forwarded("-d 172.17.0.0/16 -o docker0 -p udp -j ACCEPT"), "unknown"],
  ["a rule of lo's says nothing of it", forwarded("-i lo -j ACCEPT"), "dropped"],
] as const)
  test(`behind which device somebody is, rules do not tell: ${says}`, () => {
    const opened = openRules(rules, { addresses: ["10.0.0.5"], pods: ["172.17.0.0/16"] });
    const to = rules.startsWith("table") ? "172.17.0.2:80" : "10.0.0.5:8080";
    const journey = opened.packet({ from: "203.0.113.4:4444", to });
    assert.is(journey.disposition, disposition, journey.reason);
    assert.is(/docker/.test(journey.reason), disposition === "unknown");
  });

test("what is delivered rests on the devices' names, where rules ask for some", () => {
  const rules = published.replace("-A DOCKER -p", "-A DOCKER ! -i docker0 -p");
  const journey = openRules(rules, { addresses: ["10.0.0.5"] }).packet({
    from: "203.0.113.4:4444",
    to: "10.0.0.5:8080",
  });
  assert.is(journey.disposition, "delivered");
  const said = journey.assumed.map(({ sentence }) => sentence).join("\n");
  assert.match(said, /rules that ask for docker0 are taken by that/);
});

test("who is in the range that was said to be the node's Pods' answers through the node", () => {
  const asked = { from: "203.0.113.4:4444", to: "10.0.0.5:8080" };
  const ask = (pods: string[]) =>
    openRules(published, { addresses: ["10.0.0.5"], pods }).packet(asked);
  const { disposition, reason, reply, assumed } = ask(["172.17.0.0/16"]);
  assert.is(disposition, "delivered");
  assert.not.match(reason, "its answer comes from");
  assert.is(reply.at(-1)?.out.source, asked.to, "conntrack puts back what was asked");
  const sentence =
    "is taken to be there, as a Pod of the range 172.17.0.0/16, and to answer; rules do not tell";
  assert.equal(assumed, [{ object: "172.17.0.2", field: "", sentence }]);
  // nobody said that it hangs on this node
  for (const pods of [[], ["10.99.0.0/16"]])
    assert.match(ask(pods).reason, "its answer comes from 172.17.0.2:80");
});

test("which addresses are the node's own decides what a NodePort rule takes", () => {
  assert.is.not(
    openRules(text, { addresses: ["172.18.0.99"] }).packet({ from, to: "172.18.0.3:30080" })
      .disposition,
    "delivered",
  );
});

test("a Service's rules are those that name it and the chains behind them, and no others", () => {
  assert.equal(
    [
      worker2.of("shop/web").length,
      worker2.of("shop/cart").length,
      worker2.of("shop/login").length,
    ],
    [17, 2, 10],
  );
  assert.equal(worker2.of("shop/we"), []);
  assert.equal(worker2.of("shop/web:http"), worker2.of("shop/web"));
});

test("where the rules lead, and who may answer", () => {
  assert.equal(worker2.endpoints("shop/web"), [
    "10.244.1.12:8080",
    "10.244.2.9:8080",
    "10.244.1.11:8080",
    "10.244.2.14:8080",
  ]);
  assert.equal(worker2.endpoints("shop/cart"), []);
  const cluster = createCluster({ nodes: 2 });
  cluster.apply(read(new URL("manifests", folder).pathname));
  cluster.settle();
  const ready = cluster.endpoints("nginx");
  assert.equal(
    ready.map(({ address }) => address).sort(),
    cluster.node("node-b").rules.endpoints("default/nginx").sort(),
  );
  cluster.delete("Pod", ready[0]!.pod!);
  cluster.advance("100ms");
  const {
    ready: still,
    serving,
    terminating,
  } = cluster.endpoints("nginx").find(({ pod }) => pod === ready[0]!.pod)!;
  assert.equal({ still, serving, terminating }, { still: false, serving: true, terminating: true });
  assert.equal(cluster.endpoints("nobody"), []);
});

test("a large cluster's endpoints have no comments, and are found by following the jumps", () => {
  const cluster = createCluster({ nodes: 1, first: {} });
  cluster.apply(read(new URL("manifests/deployment.yaml", folder).pathname));
  cluster.scale("Deployment", "nginx", 10);
  for (let i = 0; i < 101; i++)
    cluster.apply({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: `s${i}` },
      spec: { selector: { app: "nginx" }, ports: [{ port: 80 }] },
    });
  cluster.settle();
  cluster.advance("2s");
  const rows = cluster.node("node-a").rules.of("default/s5");
  assert.is(rows.filter(({ rule }) => rule.includes("-j DNAT")).length, 10);
  assert.ok(
    rows
      .filter(({ rule }) => rule.includes("-j DNAT"))
      .every(({ rule }) => !rule.includes("--comment")),
    "more than 1,000 endpoints: no comments there",
  );
});

test("a paste's stop-overs are known by its chains, which say what they are for", () => {
  const stops = (rules: string): unknown[] =>
    openRules(rules, { addresses: ["172.18.0.3"] })
      .packet({ from, to: "172.18.0.3:30080" })
      .hops.map(({ kind, stop }) => `${kind} ${stop}`);
  assert.equal(stops(text), ["node 2", "cluster-ip 3"]);
  assert.equal(stops(text.replaceAll("KUBE-SVC-", "MY-SVC-")), ["node 2"]);
  assert.equal(stops(text.replaceAll("KUBE-NODEPORTS", "MY-PORTS")), ["node null", "cluster-ip 3"]);
});

test("every rule of a paste has a reason", () => {
  for (const table of ["nat", "filter"] as const)
    for (const { chain } of worker2.chains(table))
      for (const { why, rule } of worker2.chain(chain, table))
        assert.match(why, /^[A-Z].*\.$/, rule);
});

test("a paste that is cut off is refused, with its line", () => {
  assert.throws(
    () => openRules(text.slice(0, 3000)),
    /^.*line \d+: the text ends without the COMMIT of table nat/,
  );
});

const docker = `root@host:~# iptables-save
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-SEP-A - [0:0]
:KUBE-SVC-A - [0:0]
-A PREROUTING -j KUBE-SERVICES
-A OUTPUT -j KUBE-SERVICES
-A POSTROUTING -o virbr0 -p udp -m udp --dport 68 -j CHECKSUM --checksum-fill
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-SERVICES ! -s 10.32.0.0/12 -d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-MARK-MASQ
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-A
-A KUBE-SVC-A -j KUBE-SEP-A
-A KUBE-SEP-A -p tcp -m tcp -j DNAT --to-destination 192.168.50.101:6443
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m set --match-set cali40 src -d 10.32.0.77/32 -j ACCEPT
-A FORWARD -d 10.32.0.78/32 -j ACCEPT
COMMIT
`;

const pastes: [what: string, from: string, to: string, disposition: string, reason: RegExp][] = [
  [
    "a Service that leads to the node's own process answers",
    "10.32.0.5:4000",
    "10.96.0.1:443",
    "delivered",
    /taken to answer/,
  ],
  [
    "the policy DROP of FORWARD keeps Pods apart",
    "10.32.0.5:4000",
    "10.32.0.9:80",
    "dropped",
    /policy/,
  ],
  [
    "a match that is not modelled, met",
    "10.32.0.5:4000",
    "10.32.0.77:80",
    "unknown",
    /-m set --match-set cali40 src/,
  ],
  [
    "what lies beyond is not in the rules",
    "10.32.0.5:4000",
    "10.32.0.78:80",
    "unknown",
    /do not tell who is there/,
  ],
  [
    "nor who listens on the node",
    "10.32.0.5:4000",
    "192.168.50.101:22",
    "unknown",
    /do not tell who listens there/,
  ],
];
for (const [what, from, to, disposition, reason] of pastes)
  test(`pasted rules with a prompt and strange targets: ${what}`, () => {
    const pasted = openRules(docker.replaceAll("\n", "\r\n"), { addresses: ["192.168.50.101"] });
    const journey = pasted.packet({ from, to });
    assert.is(journey.disposition, disposition, journey.reason);
    assert.match(journey.reason, reason);
    assert.match(pasted.warnings.join(), /line 1 is no rule/);
    const { outcomes } = pasted.packetOutcomes({ from, to });
    assert.equal(
      outcomes.map((one) => one.disposition),
      [disposition],
    );
  });

const listed = docker
  .split("\n")
  .filter((line) => /^-A/.test(line))
  .join("\n");
test("what grep left is completed, and iptables -S is read", () => {
  for (const text of [listed, `-P INPUT ACCEPT\n-P FORWARD DROP\n-N KUBE-X\n${listed}`]) {
    const pasted = openRules(text, { addresses: ["192.168.50.101"] });
    assert.match(pasted.warnings.join(), /an extract/);
    assert.is(
      pasted.packet({ from: "10.32.0.5:4000", to: "10.96.0.1:443" }).disposition,
      "delivered",
    );
  }
});

test("an extract of one NodePort's rules is completed by what masquerades, and no more", () => {
  const node = { addresses: ["192.168.50.101"] };
  const extract = `-A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j KUBE-EXT-A
-A KUBE-EXT-A -j KUBE-MARK-MASQ
-A KUBE-EXT-A -j KUBE-SVC-A
-A KUBE-SVC-A -j KUBE-SEP-A
-A KUBE-SEP-A -p tcp -m tcp -j DNAT --to-destination 10.44.2.17:8080`;
  const source = (text: string): string => {
    const pasted = openRules(text, node);
    const { destination, hops } = pasted.packet({ from, to: "192.168.50.101:30080" });
    assert.is(destination, "10.44.2.17:8080");
    return hops.at(-1)!.out.source.replace(/:\d+$/, "");
  };
  assert.is(source(extract), "192.168.50.101");
  assert.is(source(`-A KUBE-MARK-MASQ -j MARK --or-mark 0x8000\n${extract}`), from, "another mark");
  const other = "-A KUBE-POSTROUTING -m mark --mark 0x4000/0x4000 -j SNAT --to-source 192.0.2.7";
  assert.is(source(`${other}\n${extract}`), "192.0.2.7");
  assert.is(source(`-A POSTROUTING -j KUBE-POSTROUTING\n${other}\n${extract}`), "192.0.2.7");
});

test("IPv6 rules are read as such where the node's address is one", () => {
  const text = `*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SEP-A - [0:0]
-A PREROUTING -j KUBE-SERVICES
-A KUBE-SERVICES -d fd00:2::1/128 -p tcp -m tcp --dport 80 -j KUBE-SEP-A
-A KUBE-SEP-A -p tcp -m tcp -j DNAT --to-destination [fd00:1::7]:8080
COMMIT
*filter
:FORWARD ACCEPT [0:0]
-A FORWARD ! -s fd00:1::/64 -m comment --comment "not \\"ours\\", -j" -m set --match-set x src -j DROP
COMMIT
`;
  const pasted = openRules(text, { addresses: ["fd00::1"], pods: ["fd00:1::/64"] });
  const ways = (source: string) => pasted.packet({ from: source, to: "[fd00:2::1]:80" });
  assert.is(ways("[fd00:1::5]:4000").destination, "[fd00:1::7]:8080");
  assert.is(ways("[fd00:1::5]:4000").disposition, "delivered");
  assert.is(ways("[fd00:9::5]:4000").disposition, "unknown");
  assert.match(ways("[fd00:9::5]:4000").reason, /--match-set x src/);
});

const leadsTo = (address: string, to: string): string =>
  [
    "*nat",
    ":KUBE-SERVICES - [0:0]",
    "-A PREROUTING -j KUBE-SERVICES",
    `-A KUBE-SERVICES -d ${address} -p tcp -m tcp --dport 80 -j DNAT --to-destination ${to}`,
    "COMMIT\n",
  ].join("\n");
const four = leadsTo("10.96.1.1/32", "10.244.1.5:8080");

test("of a table that begins twice the last one counts, and that is said", () => {
  const rules = openRules(`${four}${leadsTo("10.96.1.1/32", "10.244.9.9:8080")}`);
  assert.match(rules.warnings.join(), /^table nat begins again in line 6: the last one counts/);
  const { destination } = rules.packet({ from, to: "10.96.1.1:80" });
  assert.is(destination, "10.244.9.9:8080");
});

test("of both commands' rules in one text those of the asked family are read", () => {
  const six = leadsTo("fd00:96::1/128", "[fd00:244::5]:8080");
  const both = `# Generated by iptables-save v1.8.9\n${four}# Generated by ip6tables-save v1.8.9\n${six}`;
  const [one, other] = [openRules(both), openRules(both, { family: "IPv6" })];
  assert.equal([...one.warnings, ...other.warnings], []);
  assert.is(one.packet({ from, to: "10.96.1.1:80" }).destination, "10.244.1.5:8080");
  const asked = other.packet({ from: "fd00:244::9", to: "[fd00:96::1]:80" });
  assert.is(asked.destination, "[fd00:244::5]:8080");
});

test("a rule whose words are not modelled meets those packets alone that its other words ask for", () => {
  const pasted = openRules(
    `*filter
:INPUT ACCEPT [0:0]
-A INPUT ! -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -m comment --comment "cali:x" -m geoip --source-country X -j DROP
-A INPUT -p tcp -m tcp --dport 23 -j TARPIT
-A INPUT -p tcp -m tcp --dport 24 -m comment --comment "a b" -j DSCP --set-dscp 0x0a
-A INPUT -p tcp -m tcp --dport 24:25 -j DROP
COMMIT
*nat
:OUTPUT ACCEPT [0:0]
COMMIT
`,
    { addresses: ["172.18.0.3"] },
  );
  const ends = (source: string, port: number) =>
    pasted.packet({ from: source, to: `172.18.0.3:${port}` });
  assert.match(ends(from, 22).reason, /-m geoip --source-country X/);
  assert.not.match(ends("10.1.1.1", 22).reason, /geoip/);
  assert.match(ends(from, 23).reason, /TARPIT/);
  assert.is(ends(from, 24).disposition, "dropped", "what marks packets lets them go on");
  assert.is(ends(from, 25).disposition, "dropped");
  assert.not.match(ends(from, 26).reason, /geoip|TARPIT/);
});

test("a table that is called as a method of all objects is one that is not known", () => {
  const filter = "*filter\n-A INPUT -p tcp --dport 80 -j REJECT\nCOMMIT\n";
  for (const name of ["constructor", "__proto__", "security"]) {
    const rules = openRules(`*${name}\n:A - [0:0]\n-A A -j ACCEPT\nCOMMIT\n${filter}`, {
      addresses: ["172.18.0.3"],
    });
    assert.is(rules.packet({ from, to: "172.18.0.3:80" }).disposition, "rejected");
  }
});

test("a Pod of the node gets its answer from another node's Pod through the node", () => {
  const remote = docker
    .replace("192.168.50.101:6443", "10.44.2.17:8080")
    .replace("FORWARD DROP", "FORWARD ACCEPT");
  const pasted = openRules(remote, { addresses: ["192.168.50.101"], pods: ["10.44.1.0/24"] });
  const { disposition, reason } = pasted.packet({ from: "10.44.1.15:4000", to: "10.96.0.1:443" });
  assert.is(disposition, "delivered");
  assert.not.match(reason, /but its answer/);
});

/** 13 chains, each of which jumps `branches` times to the next: branches^13 ways through them. */
function branching(branches: number, table: string, from: string, match = ""): string {
  const lines = [`*${table}`, ...Array.from({ length: 14 }, (_, i) => `:C${i} - [0:0]`)];
  lines.push(`-A ${from} -j C0`);
  for (let i = 0; i < 13; i++)
    for (let j = 0; j < branches; j++) lines.push(`-A C${i} ${match}-j C${i + 1}`);
  return `${lines.join("\n")}\nCOMMIT\n`;
}

const jumpers: [string, string][] = [
  ["filter INPUT", branching(4, "filter", "INPUT")],
  ["nat PREROUTING", branching(4, "nat", "PREROUTING")],
  ["raw PREROUTING", branching(9, "raw", "PREROUTING")],
  ["jumps that all lead to a rule", branching(4, "filter", "INPUT") + logs()],
  [
    "jumps by chance",
    branching(4, "filter", "INPUT", "-m statistic --mode random --probability 0.99 "),
  ],
];
function logs(): string {
  return "*filter\n-A C13 -j LOG\nCOMMIT\n";
}
for (const [name, rules] of jumpers)
  test(`rules of ${rules.length} bytes that branch without end (${name}) end as unknown`, () => {
    const pasted = openRules(rules);
    const before = performance.now();
    const { disposition, reason, hops } = pasted.packet({ from, to: "192.168.0.1:80" });
    assert.is(disposition, "unknown", reason);
    assert.match(
      reason,
      /^node: gave up after 10,000 steps, in (INPUT|PREROUTING) of table \w+: its chains/,
    );
    assert.ok(hops.flatMap(({ steps }) => steps).length <= 10_000);
    assert.ok(performance.now() - before < 5000);
  });

test("every way of rules that branch without end: one unknown, or a refusal", () => {
  const [always, , , , chance] = jumpers.map(([, rules]) => openRules(rules));
  const { outcomes } = always!.packetOutcomes({ from, to: "192.168.0.1:80" });
  assert.equal(
    outcomes.map((each) => [each.disposition, each.probability]),
    [["unknown", 1]],
  );
  assert.throws(
    () => chance!.packetOutcomes({ from, to: "192.168.0.1:80" }),
    /ways? for this to go/,
  );
});

test("chains that come to an end are walked to it, however many there are", () => {
  const few = branching(1, "filter", "INPUT") + "*filter\n-A C13 -j DROP\nCOMMIT\n";
  const many = Array.from(
    { length: 50_000 },
    (_, i) => `-A INPUT -s 10.${i >> 8}.${i & 255}.1 -j DROP`,
  );
  const list = `*filter\n${many.join("\n")}\nCOMMIT\n`;
  assert.is(openRules(few).packet({ from, to: "192.168.0.1:80" }).disposition, "dropped");
  assert.is(openRules(list).packet({ from, to: "192.168.0.1:80" }).disposition, "unknown");
});

test("the rules that a first packet walks: from the top of the list, and none stays behind", () => {
  const cluster = createCluster({ nodes: 1, first: {} });
  cluster.apply(read(new URL("manifests/deployment.yaml", folder).pathname));
  for (let i = 0; i < 20; i++)
    cluster.apply({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: `s${i}` },
      spec: { type: "NodePort", selector: { app: "nginx" }, ports: [{ port: 80 }] },
    });
  cluster.settle();
  cluster.advance("2s");
  const node = cluster.node("node-a");
  const order = node.rules
    .chain("KUBE-SERVICES")
    .flatMap(({ rule }) => /-d ([\d.]+)/.exec(rule)?.[1] ?? []);
  const walked = order.map((address) => node.rulesWalked("10.1.1.2:40000", `${address}:80`));
  assert.equal(
    walked.map((rules) => rules - walked[0]!),
    order.map((_, i) => i),
  );
  assert.is(node.connections().length, 0);
});

test("a recorded run of the lab is what was observed", () => {
  const file = readFileSync(new URL("dumps/lab-delivered.json", folder), "utf8");
  assert.is(record(recall(file)), file);
  assert.ok(recall(file).traces.get("node-a"));
});

test("a packet that is dropped for its mark: whoever sent it to be marked is named", () => {
  const xlb = `*nat
:PREROUTING ACCEPT [0:0]
:KUBE-MARK-DROP - [0:0]
:KUBE-XLB-A - [0:0]
-A PREROUTING -p tcp -m tcp --dport 32290 -j KUBE-XLB-A
-A KUBE-MARK-DROP -j MARK --set-xmark 0x8000/0x8000
-A KUBE-XLB-A -m comment --comment "default/web: has no local endpoints" -j KUBE-MARK-DROP
COMMIT
*filter
:INPUT ACCEPT [0:0]
:KUBE-FIREWALL - [0:0]
-A INPUT -j KUBE-FIREWALL
-A KUBE-FIREWALL -m comment --comment "kubernetes firewall for dropping marked packets" -m mark --mark 0x8000/0x8000 -j DROP
COMMIT
`;
  const { disposition, reason, hops } = openRules(xlb, { addresses: ["10.0.0.1"] }).packet({
    from: "203.0.113.5:40000",
    to: "10.0.0.1:32290",
  });
  assert.is(disposition, "dropped");
  assert.match(reason, /got that mark by "default\/web: has no local endpoints" in table nat/);
  // old chains' purpose is not that of today's
  const said = hops.flatMap(({ steps }) => steps.map(({ why }) => why ?? ""));
  assert.not.match(said.join("\n"), /masquerading|loopback/);
});

test("of others' rules nobody says that they are kube-proxy's", () => {
  const netpol = `*filter
:FORWARD ACCEPT [0:0]
:KUBE-ROUTER-FORWARD - [0:0]
-A FORWARD -j KUBE-ROUTER-FORWARD
-A KUBE-ROUTER-FORWARD -d 10.42.1.7/32 -j REJECT --reject-with icmp-port-unreachable
COMMIT
`;
  const rules = openRules(netpol, { pods: ["10.42.0.0/24"] });
  const { disposition, hops } = rules.packet({ from: "10.42.0.9:4000", to: "10.42.1.7:80" });
  assert.is(disposition, "rejected");
  assert.is(hops.flatMap(({ steps }) => steps.map(({ why }) => why ?? "")).join(""), "");
  assert.is(rules.chain("KUBE-ROUTER-FORWARD", "filter")[0]!.why, "");
});

test.run();
