// A node's rules as `nft list ruleset` printed them: opened without the node, and walked.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openRules } from "stopover";
import { recorded } from "./recorded-nftables.js";

const affinity = recorded("affinity-lb-local");

test("each endpoint has its exact share", () => {
  const { outcomes } = openRules(affinity).packetOutcomes({
    from: "10.1.1.77",
    to: "10.96.1.1:80",
  });
  assert.equal(
    outcomes.map(({ probability, destination }) => `${destination} ${probability}`).sort(),
    ["10.1.1.2", "10.1.1.3", "10.1.2.2", "10.1.3.2"].map((address) => `${address}:8080 0.25`),
  );
});

const ends: [
  what: string,
  rules: string,
  from: string,
  to: string,
  disposition: string,
  reason: RegExp,
][] = [
  [
    "a NodePort leads to a Pod",
    "affinity-lb-local",
    "203.0.113.9",
    "192.168.0.1:30080",
    "delivered",
    /./,
  ],
  [
    "a port that no Service defines is rejected",
    "affinity-lb-local",
    "203.0.113.9",
    "10.96.1.1:81",
    "rejected",
    /"Reject traffic to invalid ports of ClusterIPs" in table ip kube-proxy, chain cluster-ips-check/,
  ],
  [
    "who has no endpoints is named, though the chain that rejects is everybody's",
    "clusterip-noep",
    "203.0.113.9",
    "10.96.1.1:80",
    "rejected",
    /"default\/web:http" in table ip kube-proxy, chain reject-chain/,
  ],
  [
    "a NodePort that nobody has",
    "affinity-lb-local",
    "203.0.113.9",
    "192.168.0.1:30999",
    "connection refused",
    /30999/,
  ],
  [
    "a source outside of the ranges is dropped",
    "lb-and-external-and-ranges",
    "203.0.113.9",
    "203.0.113.10:80",
    "dropped",
    /firewall-/,
  ],
];
for (const [what, rules, from, to, disposition, reason] of ends)
  test(what, () => {
    const journey = openRules(recorded(rules)).packet({ from, to });
    assert.is(journey.disposition, disposition, journey.reason);
    assert.match(journey.reason, reason);
  });

test("the node's addresses are those that rules take NodePorts on, and that is said", () => {
  const { assumed } = openRules(affinity).packet({ from: "203.0.113.9", to: "192.168.0.1:30080" });
  assert.ok(
    assumed.some(({ sentence }) =>
      /the addresses that rules take NodePorts on: 192.168.0.1/.test(sentence),
    ),
  );
  const elsewhere = openRules(affinity, { addresses: ["192.168.0.7"] });
  assert.not.ok(
    elsewhere
      .packet({ from: "203.0.113.9", to: "192.168.0.7:30080" })
      .assumed.some(({ sentence }) => sentence.includes("NodePorts on")),
  );
});

test("rows: a Service's elements and chains, its endpoints, and why", () => {
  const opened = openRules(affinity);
  const rows = opened.of("default/web");
  assert.ok(
    rows.some(
      ({ chain, rule }) => chain === "service-ips" && rule.startsWith("10.96.1.1 . tcp . 80 :"),
    ),
  );
  assert.ok(rows.some(({ rule }) => rule.startsWith("numgen random mod 4")));
  assert.ok(rows.every(({ object, why }) => object === "Service default/web" && why !== ""));
  assert.equal(opened.endpoints("default/web"), [
    "10.1.1.2:8080",
    "10.1.1.3:8080",
    "10.1.2.2:8080",
    "10.1.3.2:8080",
  ]);
  assert.is(opened.chain("cluster-ips-check").length, 1);
  assert.is(opened.text(), affinity);
});

test("what is not modelled leaves the packet's end unknown, with its line", () => {
  const text =
    "table inet firewall {\n\tchain c {\n\t\ttype filter hook input priority 0;\n\t\ttcp dport 22 limit rate 3/minute accept\n\t}\n}\n";
  const opened = openRules(text);
  const journey = opened.packet({ from: "203.0.113.9", to: "192.168.0.1:22" });
  assert.is(journey.disposition, "unknown");
  assert.match(
    journey.reason,
    /"limit rate 3\/minute accept" \(line 4 of the rules\), which is not modelled/,
  );
  assert.is(
    opened.packet({ from: "203.0.113.9", to: "192.168.0.1:30080" }).disposition,
    "connection refused",
  );
});

test("a prompt before the rules, and line ends of Windows", () => {
  const opened = openRules(`$ sudo nft list ruleset\r\n${affinity.replaceAll("\n", "\r\n")}`);
  assert.equal(opened.warnings, ["line 1 is no rule, and is left out"]);
  assert.is(opened.text(), affinity);
  assert.throws(
    () => openRules("$ nft list ruleset\ntable ip t {\n\tchain c {\n\t\tjump gone\n\t}\n}\n"),
    /^line 4: there is no chain gone/,
  );
});

test("tables of other kinds are left out, and that is said", () => {
  const opened = openRules(
    "table bridge b {\n\tchain c {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n",
  );
  assert.equal(opened.warnings, ["table bridge b is not modelled, and is left out"]);
});

test("iptables-nft's share of connections, as nft lists it, is a chance", () => {
  const list = `table ip nat {
  chain KUBE-SVC-A {
    meta l4proto tcp meta random & 2147483647 < 536870912 counter packets 0 bytes 0 dnat to 10.1.1.2:80
    meta l4proto tcp counter packets 5 bytes 300 dnat to 10.1.1.3:80
  }
  chain PREROUTING {
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr 10.96.0.9 tcp dport 80 counter packets 5 bytes 300 jump KUBE-SVC-A
  }
}
`;
  const { outcomes } = openRules(list, { pods: ["10.1.0.0/16"] }).packetOutcomes({
    from: "10.1.1.9:4000",
    to: "10.96.0.9:80",
  });
  assert.equal(outcomes.map(({ probability, destination }) => [probability, destination]).sort(), [
    [0.25, "10.1.1.2:80"],
    [0.75, "10.1.1.3:80"],
  ]);
});

test.run();
