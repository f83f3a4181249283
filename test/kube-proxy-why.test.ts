/** What readers are told of kube-proxy's rules and chains: a rule, where it stands, its reason. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Purpose } from "stopover/internal/net/dataplane";
import { parseRules } from "stopover/internal/net/iptables/parse";
import { Rule } from "stopover/internal/net/iptables/rule";
import { nameOf, placeOf, readOwn, recognised } from "stopover/internal/node/proxy/iptables/names";
import { ruleRows } from "stopover/internal/node/proxy/iptables/rows";
import { why, whyChain } from "stopover/internal/node/proxy/iptables/why";
import type { Place } from "stopover/internal/node/proxy/places";

const reasons = suite("the reason of a rule");
const svc = "KUBE-SVC-AAAAAAAAAAAAAAAA";
const ext = "KUBE-EXT-AAAAAAAAAAAAAAAA";
const sep = "KUBE-SEP-AAAAAAAAAAAAAAAA";
const rows: [says: string, chain: string, rule: string, sentence: string][] = [
  [
    "an endpoint's DNAT",
    `nat ${sep}`,
    "-p tcp -m tcp -j DNAT --to-destination 10.1.1.2:80",
    "Sends the packet to 10.1.1.2:80 by rewriting its destination.",
  ],
  [
    "masquerading",
    "nat KUBE-POSTROUTING",
    "-j MASQUERADE --random-fully",
    "Gives the packet the node's own address as its source, so that the answer comes back this way.",
  ],
  [
    "what is not marked",
    "nat KUBE-POSTROUTING",
    "-m mark ! --mark 0x4000/0x4000 -j RETURN",
    "Leaves alone what is not marked.",
  ],
  [
    "the mark, taken off",
    "nat KUBE-POSTROUTING",
    "-j MARK --xor-mark 0x4000",
    "Takes the mark off again.",
  ],
  [
    "the mark",
    "nat KUBE-MARK-MASQ",
    "-j MARK --or-mark 0x4000",
    "Marks the packet for masquerading.",
  ],
  [
    "a refusal",
    "filter KUBE-SERVICES",
    "-d 10.2.0.1/32 -p tcp -m tcp --dport 80 -j REJECT",
    "Refuses traffic to 10.2.0.1/32 port 80 at once, since the Service has no endpoints.",
  ],
  [
    "a refused NodePort",
    "filter KUBE-EXTERNAL-SERVICES",
    "-m addrtype --dst-type LOCAL -p tcp -m tcp --dport 30519 -j REJECT",
    "Refuses traffic to port 30519 at once, since the Service has no endpoints.",
  ],
  [
    "no local endpoints",
    "filter KUBE-SERVICES",
    '-m comment --comment "default/x has no local endpoints" -d 10.2.0.1/32 -p tcp -m tcp --dport 80 -j DROP',
    "Drops traffic to 10.2.0.1/32 port 80: the traffic policy is Local, and no endpoint of the Service is on this node.",
  ],
  [
    "a source range",
    "filter KUBE-PROXY-FIREWALL",
    "-d 1.2.3.4/32 -p tcp -m tcp --dport 80 -j DROP",
    "Drops traffic to 1.2.3.4/32 port 80 that the Service's source ranges did not admit.",
  ],
  [
    "what is INVALID",
    "filter KUBE-FORWARD",
    "-m conntrack --ctstate INVALID -j DROP",
    "Drops what conntrack cannot make sense of, lest it slip through untranslated.",
  ],
  [
    "loopback from outside",
    "filter KUBE-FIREWALL",
    "-d 127.0.0.0/8 -j DROP",
    "Drops what comes from outside and wants the node's loopback addresses.",
  ],
  ["somebody's own drop", "filter OTHER", "-j DROP", "Drops the packet."],
  [
    "marked traffic",
    "filter KUBE-FORWARD",
    "-m mark --mark 0x4000/0x4000 -j ACCEPT",
    "Lets marked Service traffic pass through the node.",
  ],
  [
    "known connections",
    "filter KUBE-FORWARD",
    "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "Lets later packets of known connections pass, both ways.",
  ],
  [
    "health checks",
    "filter KUBE-NODEPORTS",
    "-p tcp -m tcp --dport 31000 -j ACCEPT",
    "Lets traffic to port 31000 in, for health checks.",
  ],
  [
    "who was not admitted",
    "nat KUBE-FW-AAAAAAAAAAAAAAAA",
    '-m comment --comment "other traffic"',
    "Does nothing: it tells readers that no rule before it admitted the client, so that KUBE-PROXY-FIREWALL will drop the packet.",
  ],
  [
    "a jump from a built-in chain",
    "nat PREROUTING",
    "-j KUBE-SERVICES",
    "Begins a part of kube-proxy's: KUBE-SERVICES.",
  ],
  [
    "an endpoint that calls itself",
    `nat ${sep}`,
    "-s 10.1.1.2/32 -j KUBE-MARK-MASQ",
    "Masquerades what an endpoint sends to itself, which would not come back otherwise.",
  ],
  [
    "traffic from outside",
    `nat ${ext}`,
    '-m comment --comment "masquerade traffic" -j KUBE-MARK-MASQ',
    "Masquerades traffic from outside, since its answer must come back through this node.",
  ],
  [
    "what the node sends",
    `nat ${ext}`,
    "-m addrtype --src-type LOCAL -j KUBE-MARK-MASQ",
    "Masquerades what the node itself sends, since its answer must come back through this node.",
  ],
  [
    "what is no Pod's",
    `nat ${svc}`,
    "! -s 10.1.0.0/16 -d 10.2.0.1/32 -p tcp -m tcp --dport 80 -j KUBE-MARK-MASQ",
    "Masquerades traffic that does not come from a Pod.",
  ],
  [
    "a client that came before",
    `nat ${svc}`,
    `-m recent --name ${sep} --rcheck --seconds 60 --reap -j ${sep}`,
    "Sends a client that came before to the same endpoint again.",
  ],
  [
    "a share",
    `nat ${svc}`,
    `-m comment --comment "default/x -> 10.1.1.2:80" -m statistic --mode random --probability 0.5 -j ${sep}`,
    "Sends its share of connections to one endpoint (10.1.1.2:80).",
  ],
  [
    "the rest",
    `nat ${svc}`,
    `-m comment --comment "default/x -> 10.1.1.2:80" -j ${sep}`,
    "Sends all remaining connections to one endpoint (10.1.1.2:80).",
  ],
  [
    "the rest, without a comment",
    `nat ${svc}`,
    `-j ${sep}`,
    "Sends all remaining connections to one endpoint.",
  ],
  [
    "clients that are admitted",
    "nat KUBE-FW-AAAAAAAAAAAAAAAA",
    `-s 10.0.0.0/8 -j ${ext}`,
    "Admits these clients.",
  ],
  [
    "the node's short cut",
    `nat ${ext}`,
    `-m addrtype --src-type LOCAL -j ${svc}`,
    "Takes what the node itself sends straight to all endpoints.",
  ],
  [
    "the Pods' short cut",
    `nat ${ext}`,
    `-s 10.1.0.0/16 -j ${svc}`,
    "Takes what Pods send straight to all endpoints, as if it had gone out to the load balancer and come back.",
  ],
  ["on to the endpoints", `nat ${ext}`, `-j ${svc}`, "Goes on to choose an endpoint."],
  [
    "the NodePorts",
    "nat KUBE-SERVICES",
    "-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
    "Tries the NodePorts, for traffic to an address of this node; after all Services, so it stands last.",
  ],
  [
    "a Service",
    "nat KUBE-SERVICES",
    `-d 10.2.0.1/32 -p tcp -m tcp --dport 80 -j ${svc}`,
    "Takes traffic to 10.2.0.1/32 port 80 to the chains of its Service port.",
  ],
  [
    "a NodePort",
    "nat KUBE-NODEPORTS",
    `-p tcp -m tcp --dport 30519 -j ${ext}`,
    "Takes traffic to port 30519 to the chains of its Service port.",
  ],
  [
    "a target of somebody else's",
    "nat KUBE-NODEPORTS",
    "-p tcp -m tcp --dport 1 -j LOG",
    "Hands traffic to port 1 to LOG.",
  ],
];
const chainsIn = (table: string) =>
  [
    svc,
    ext,
    sep,
    "KUBE-FW-AAAAAAAAAAAAAAAA",
    "KUBE-SERVICES",
    "KUBE-NODEPORTS",
    "KUBE-MARK-MASQ",
    "KUBE-POSTROUTING",
    "KUBE-FORWARD",
    "KUBE-FIREWALL",
    "KUBE-PROXY-FIREWALL",
    "KUBE-EXTERNAL-SERVICES",
    "OTHER",
  ]
    .map((name) => `:${name} - [0:0]`)
    .join("\n")
    .replace(/^/, `*${table}\n`);
for (const [says, where, rule, sentence] of rows)
  reasons(says, () => {
    const [table, chain] = where.split(" ") as ["nat" | "filter", string];
    const rules = parseRules(`${chainsIn(table)}\n-A ${chain} ${rule}\nCOMMIT`);
    assert.is(why(rules.chain(table, chain)!.rules[0]!, chain), sentence);
  });
reasons("names the object and the field, as far as they are known", () => {
  const of = (purpose: Purpose) => why(new Rule([], { kind: "RETURN" }, purpose), "OUTPUT");
  assert.is(
    of({ object: "Service a/b", field: "spec.x" }),
    "Leaves alone what is not marked (Service a/b, spec.x).",
  );
  assert.is(of({ field: "spec.x" }), "Leaves alone what is not marked (spec.x).");
  assert.is(of({}), "Leaves alone what is not marked.");
});
reasons.run();

const places = suite("what a chain is for, by its name");
const known: [table: string, name: string, place: Place | undefined, says: RegExp | undefined][] = [
  ["nat", "KUBE-SERVICES", "services", /^Holds the addresses of all Services/],
  ["filter", "KUBE-SERVICES", "refusals", /^Holds the addresses of all Services/],
  ["nat", "KUBE-NODEPORTS", "nodeports", /^Holds all NodePorts/],
  ["filter", "KUBE-NODEPORTS", "health check ports", /^Holds all NodePorts/],
  ["filter", "KUBE-EXTERNAL-SERVICES", "external refusals", /^Refuses traffic from outside/],
  ["filter", "KUBE-FORWARD", "forward", /^Lets Service traffic pass/],
  ["filter", "KUBE-PROXY-FIREWALL", "firewall drops", /^Drops traffic to a load balancer/],
  ["filter", "KUBE-FIREWALL", "loopback", /^Protects the node's loopback/],
  ["nat", "KUBE-POSTROUTING", "masquerade", /^Masquerades the packets/],
  ["nat", "KUBE-MARK-MASQ", "masquerade mark", /^Marks a packet/],
  ["mangle", "KUBE-PROXY-CANARY", "canary", /^Holds nothing/],
  ["nat", ext, "external", /^What traffic from outside/],
  ["nat", "KUBE-FW-AAAA", "firewall", /^Admits to a load balancer/],
  ["nat", svc, "service", /^Chooses one of all endpoints/],
  ["nat", "KUBE-SVL-AAAA", "local service", /^Chooses one of the endpoints .* on this node/],
  ["nat", sep, "endpoint", /^One endpoint/],
  ["filter", svc, undefined, /^Chooses one/],
  ["nat", "KUBE-KUBELET-CANARY", undefined, undefined],
  ["nat", "KUBE-SVCX-AAAA", undefined, undefined],
  ["nat", "OTHER", undefined, undefined],
  ["nat", "PREROUTING", undefined, /^Built in: every packet that arrives/],
  ["filter", "INPUT", undefined, /^Built in: packets for the node itself/],
  ["filter", "FORWARD", undefined, /^Built in: packets that pass through/],
  ["filter", "OUTPUT", undefined, /^Built in: packets that the node's own/],
  ["nat", "POSTROUTING", undefined, /^Built in: every packet that leaves/],
];
for (const [table, name, place, says] of known)
  places(`${name} in ${table}: ${place}`, () => {
    assert.is(placeOf(table, name), place);
    const sentence = whyChain(name);
    if (says) assert.match(sentence!, says);
    else assert.is(sentence, undefined);
    if (place) assert.ok(name.startsWith(nameOf(place)), nameOf(place));
  });
places("the word and the hash of a port's own chain", () => {
  assert.equal(readOwn(sep), { word: "SEP", hash: "AAAAAAAAAAAAAAAA" });
  assert.is(readOwn("KUBE-SERVICES"), undefined);
});
places("rules as text told them get their chains' places, the same object each time", () => {
  const rules = recognised(parseRules(`*nat\n:${svc} - [0:0]\n:OTHER - [0:0]\nCOMMIT`));
  const chain = rules.chain("nat", svc)!;
  assert.is(chain.purpose?.place, "service");
  assert.ok([...rules.chains("nat")].includes(chain));
  assert.is(rules.chain("nat", "OTHER")!.purpose, undefined);
  assert.is(rules.chain("nat", "NOBODY"), undefined);
});
places.run();

const tables = suite("rules as rows");
const text = `*nat
:KUBE-SERVICES - [0:0]
:${svc} - [0:0]
:${sep} - [0:0]
:KUBE-SEP-BBBBBBBBBBBBBBBB - [0:0]
:KUBE-SVC-CCCCCCCCCCCCCCCC - [0:0]
-A KUBE-SERVICES -d 10.2.0.1/32 -p tcp -m comment --comment "default/x:http cluster IP" -m tcp --dport 80 -j ${svc}
-A KUBE-SERVICES -d 10.2.0.2/32 -p tcp -m comment --comment "default/xy cluster IP" -m tcp --dport 80 -j KUBE-SVC-CCCCCCCCCCCCCCCC
-A ${svc} -j ${sep}
-A ${sep} -p tcp -m tcp -j DNAT --to-destination 10.1.1.2:80
-A KUBE-SVC-CCCCCCCCCCCCCCCC -j KUBE-SEP-BBBBBBBBBBBBBBBB
-A KUBE-SEP-BBBBBBBBBBBBBBBB -p tcp -m tcp -j DNAT --to-destination 10.1.1.3:80
COMMIT
*filter
:KUBE-SERVICES - [0:0]
-A KUBE-SERVICES -d 10.2.0.1/32 -p udp -m comment --comment "default/x has no endpoints" -m udp --dport 53 -j REJECT
COMMIT`;
tables("those of a Service: the ones that name it, and its own chains behind them", () => {
  const rows = ruleRows(() => recognised(parseRules(text)));
  assert.equal(
    rows.of("default/x").map(({ table, chain }) => `${table} ${chain}`),
    ["nat KUBE-SERVICES", `nat ${svc}`, `nat ${sep}`, "filter KUBE-SERVICES"],
  );
  assert.equal(rows.endpoints("default/x"), ["10.1.1.2:80"]);
  assert.equal([rows.endpoints("default/xy"), rows.endpoints("default/z")], [["10.1.1.3:80"], []]);
});
tables("a chain's, with their reasons; where there are none, no rows", () => {
  const rows = ruleRows(() => parseRules(text));
  assert.equal(rows.chain(sep), [
    {
      table: "nat",
      chain: sep,
      rule: "-p tcp -m tcp -j DNAT --to-destination 10.1.1.2:80",
      why: "Sends the packet to 10.1.1.2:80 by rewriting its destination.",
    },
  ]);
  assert.equal([rows.chain("NOBODY"), rows.chain("KUBE-SERVICES", "filter").length], [[], 1]);
  assert.equal(
    rows.chains("filter").find(({ chain }) => chain === "KUBE-SERVICES"),
    { chain: "KUBE-SERVICES", rules: 1, why: whyChain("KUBE-SERVICES") },
  );
  const none = ruleRows(() => undefined);
  assert.equal([none.chain("A"), none.chains(), none.of("default/x")], [[], [], []]);
});
tables.run();
