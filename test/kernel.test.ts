// One machine's packets: hooks, NAT, conntrack, routes. Each case is a sentence; what the rules did
// is printed where it fails.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { iptables } from "stopover/internal/net/iptables/walk";
import { everyWay, seeded, toNumber } from "stopover/internal/net/choice";
import { Connection, conntrackText } from "stopover/internal/net/conntrack";
import { parseRules } from "stopover/internal/net/iptables/parse";
import { Kernel, type KernelOptions, type Verdict } from "stopover/internal/net/kernel";
import { rollBack, type NetStep, type Walk } from "stopover/internal/net/passage";
import { describe, icmpError, packet, replyTo, type Packet } from "stopover/internal/net/packet";
import { Routes } from "stopover/internal/net/routes";
import { parseAddress } from "stopover/internal/net/ip";
import { Random } from "stopover/internal/machinery/random";
import { seed } from "./seed.js";

/**
 * node-a of the article, as its kube-proxy leaves it; the masquerading keeps ports, so that tests
 * can name them.
 */
const rules = `
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:SERVICES - [0:0]
:NODEPORTS - [0:0]
:MASQ - [0:0]
:SVC - [0:0]
:SEP1 - [0:0]
:SEP2 - [0:0]
:HOST - [0:0]
:DNS - [0:0]
-A PREROUTING -j SERVICES
-A OUTPUT -j SERVICES
-A POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A POSTROUTING -j MASQUERADE
-A SERVICES -d 10.2.1.1/32 -p tcp -m tcp --dport 8080 -j SVC
-A SERVICES -d 10.2.1.2/32 -p tcp -m tcp --dport 80 -j HOST
-A SERVICES -d 10.2.1.3/32 -p udp -m udp --dport 53 -j DNS
-A SERVICES -m addrtype --dst-type LOCAL -j NODEPORTS
-A NODEPORTS -p tcp -m tcp --dport 30519 -j MASQ
-A NODEPORTS -p tcp -m tcp --dport 30519 -j SVC
-A MASQ -j MARK --set-xmark 0x4000/0x4000
-A SVC -m statistic --mode random --probability 0.50000000000 -j SEP1
-A SVC -j SEP2
-A SEP1 -s 10.1.1.2/32 -j MASQ
-A SEP1 -p tcp -m tcp -j DNAT --to-destination 10.1.1.2:80
-A SEP2 -p tcp -m tcp -j DNAT --to-destination 10.1.2.2:80
-A HOST -p tcp -m tcp -j DNAT --to-destination 192.168.0.1:6443
-A DNS -p udp -m udp -j DNAT --to-destination 10.1.1.2:5353
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -d 10.2.1.9/32 -p tcp -m conntrack --ctstate NEW -j REJECT --reject-with icmp-port-unreachable
-A FORWARD -d 10.2.1.8/32 -m conntrack --ctstate NEW -j DROP
COMMIT`;

class TestClock {
  time = 0;
  now = (): number => this.time;
}

function node(options: Partial<KernelOptions> = {}): { kernel: Kernel; clock: TestClock } {
  const clock = new TestClock();
  const kernel = new Kernel({
    name: "node-a",
    clock,
    forwarding: true,
    interfaces: [
      { name: "eth0", addresses: ["192.168.0.1/24"] },
      { name: "pod1", addresses: [] },
    ],
    ...options,
  });
  kernel.routes.add({ to: "10.1.1.2/32", dev: "pod1" });
  kernel.routes.add({ to: "10.1.2.0/24", via: "192.168.0.2", dev: "eth0" });
  kernel.routes.add({ to: "203.0.113.0/24", via: "192.168.0.254", dev: "eth0" });
  iptables(kernel).rules.IPv4 = parseRules(rules);
  kernel.listen("TCP", 6443);
  return { kernel, clock };
}

/**
 * The chooser that always takes the first (or the last) endpoint; ports count up from the range's
 * low end.
 */
const choosing = (yes: boolean) => {
  let ports = 0;
  return { chance: () => yes, pick: () => 0, port: (low: number) => low + ports++ };
};
const walking = (yes = true): Walk & { steps: NetStep[] } => {
  const steps: NetStep[] = [];
  return { choose: choosing(yes), steps, record: (step) => void steps.push(step) };
};
const story = (steps: NetStep[]): string =>
  steps
    .map(({ kind, table = "", chain = "", rule, before = "", after = "", to = "" }) =>
      [kind, table, chain, rule ? rule.text("IPv4") : "", before, after, to]
        .filter(Boolean)
        .join(" "),
    )
    .join("\n");
const said = (verdict: Verdict): string => {
  switch (verdict.kind) {
    case "forward":
      return `forward ${describe(verdict.packet)} dev ${verdict.interface} via ${verdict.nextHop}`;
    case "local":
      return `local ${describe(verdict.packet)}${verdict.listening ? "" : ", nobody listens"}`;
    case "reject":
      return `reject ${verdict.with} in ${verdict.table} ${verdict.chain}`;
    case "drop":
      return `drop: ${verdict.why}`;
    case "no route":
    case "unknown":
      return `${verdict.kind}: ${verdict.why}`;
  }
};

const sentences = suite("a packet on a node");
type Way = {
  from?: string;
  send?: true;
  second?: true;
  flags?: Packet["flags"];
  protocol?: "UDP";
  on?: Partial<KernelOptions>;
};
const cases: [sentence: string, source: string, destination: string, way: Way, expected: string][] =
  [
    [
      "from outside to the NodePort, to the Pod here",
      "203.0.113.9:40000",
      "192.168.0.1:30519",
      { from: "eth0" },
      "forward TCP 192.168.0.1:40000 -> 10.1.1.2:80 dev pod1 via 10.1.1.2",
    ],
    [
      "from outside to the NodePort, to a Pod elsewhere",
      "203.0.113.9:40000",
      "192.168.0.1:30519",
      { from: "eth0", second: true },
      "forward TCP 192.168.0.1:40000 -> 10.1.2.2:80 dev eth0 via 192.168.0.2",
    ],
    [
      "from a Pod to the ClusterIP, to a Pod elsewhere: the source stays",
      "10.1.1.2:40000",
      "10.2.1.1:8080",
      { from: "pod1", second: true },
      "forward TCP 10.1.1.2:40000 -> 10.1.2.2:80 dev eth0 via 192.168.0.2",
    ],
    [
      "from a Pod to the ClusterIP and back to itself: masqueraded",
      "10.1.1.2:40000",
      "10.2.1.1:8080",
      { from: "pod1" },
      "forward TCP 192.168.0.1:40000 -> 10.1.1.2:80 dev pod1 via 10.1.1.2",
    ],
    [
      "from the node itself to the ClusterIP",
      "192.168.0.1:40000",
      "10.2.1.1:8080",
      { send: true },
      "no route: node-a has no route to 10.2.1.1",
    ],
    [
      "from the node itself to its NodePort",
      "192.168.0.1:40000",
      "192.168.0.1:30519",
      { send: true },
      "forward TCP 192.168.0.1:40000 -> 10.1.1.2:80 dev pod1 via 10.1.1.2",
    ],
    [
      "from localhost to the NodePort, where localnet is routed",
      "127.0.0.1:40000",
      "127.0.0.1:30519",
      { send: true, on: { routeLocalnet: true } },
      "forward TCP 192.168.0.1:40000 -> 10.1.1.2:80 dev pod1 via 10.1.1.2",
    ],
    [
      "from localhost to the NodePort, where it is not",
      "127.0.0.1:40000",
      "127.0.0.1:30519",
      { send: true },
      "drop: a packet from 127.0.0.1 cannot leave the machine (net.ipv4.conf.all.route_localnet = 0)",
    ],
    [
      "to a Service whose endpoint is the node's own network: delivered, not masqueraded",
      "10.1.1.2:40000",
      "10.2.1.2:80",
      { from: "pod1" },
      "local TCP 10.1.1.2:40000 -> 192.168.0.1:6443",
    ],
    [
      "straight to a Pod",
      "203.0.113.9:40000",
      "10.1.1.2:80",
      { from: "eth0" },
      "forward TCP 203.0.113.9:40000 -> 10.1.1.2:80 dev pod1 via 10.1.1.2",
    ],
    [
      "to a port of the node that nobody listens on",
      "203.0.113.9:40000",
      "192.168.0.1:22",
      { from: "eth0" },
      "local TCP 203.0.113.9:40000 -> 192.168.0.1:22, nobody listens",
    ],
    [
      "to a Service that a rule rejects",
      "10.1.1.2:40000",
      "10.2.1.9:80",
      { from: "pod1", on: {} },
      "no route: node-a has no route to 10.2.1.9",
    ],
    [
      "to where no route leads",
      "10.1.1.2:40000",
      "8.8.8.8:53",
      { from: "pod1" },
      "no route: node-a has no route to 8.8.8.8",
    ],
    [
      "through a machine that does not forward",
      "203.0.113.9:40000",
      "10.1.1.2:80",
      { from: "eth0", on: { forwarding: false } },
      "drop: 10.1.1.2 is no address of node-a, and it forwards nothing (net.ipv4.ip_forward = 0)",
    ],
    [
      "from outside with the node's own address as source: a martian",
      "192.168.0.1:40000",
      "10.1.1.2:80",
      { from: "eth0" },
      "drop: martian source: 192.168.0.1 is an address of node-a itself, yet the packet came by eth0",
    ],
    [
      "from outside with a loopback source: a martian",
      "127.0.0.1:40000",
      "10.1.1.2:80",
      { from: "eth0" },
      "drop: martian source 127.0.0.1 on eth0 (net.ipv4.conf.all.route_localnet = 0)",
    ],
    [
      "from outside to a loopback address: a martian",
      "203.0.113.9:40000",
      "127.0.0.1:6443",
      { from: "eth0" },
      "drop: martian destination 127.0.0.1 on eth0 (net.ipv4.conf.all.route_localnet = 0)",
    ],
    [
      "from outside to a loopback address, where localnet is routed: the firewall rule",
      "203.0.113.9:40000",
      "127.0.0.1:6443",
      { from: "eth0", on: { routeLocalnet: true } },
      "drop: a rule drops it",
    ],
    [
      "an answer that nobody asked for is INVALID",
      "203.0.113.9:40000",
      "10.1.1.2:80",
      { from: "eth0", flags: "SYN,ACK" },
      "drop: a rule drops it",
    ],
    [
      "an ACK in the middle of a connection is picked up",
      "203.0.113.9:40000",
      "10.1.1.2:80",
      { from: "eth0", flags: "ACK" },
      "forward TCP 203.0.113.9:40000 -> 10.1.1.2:80 dev pod1 via 10.1.1.2",
    ],
    [
      "UDP to the DNS Service",
      "10.1.1.2:40000",
      "10.2.1.3:53",
      { from: "pod1", protocol: "UDP" },
      "forward UDP 10.1.1.2:40000 -> 10.1.1.2:5353 dev pod1 via 10.1.1.2",
    ],
  ];
for (const [
  sentence,
  source,
  destination,
  { from, second, flags, protocol, on },
  expected,
] of cases) {
  sentences(sentence, () => {
    const { kernel } = node(on);
    const walk = walking(!second);
    const sent = packet(source, destination, protocol, flags);
    const verdict = from ? kernel.receive(sent, from, walk) : kernel.send(sent, walk);
    assert.is(said(verdict), expected, `\n${said(verdict)}\n${story(walk.steps)}`);
  });
}
sentences("rules refuse what is routed: rejected, and dropped", () => {
  const { kernel } = node();
  kernel.routes.add({ to: "default", dev: "eth0", via: "192.168.0.254" });
  assert.is(
    said(kernel.receive(packet("10.1.1.2:40000", "10.2.1.9:80"), "pod1", walking())),
    "reject icmp-port-unreachable in filter FORWARD",
  );
  const dropped = kernel.receive(packet("10.1.1.2:40000", "10.2.1.8:80"), "pod1", walking());
  assert.is(
    dropped.kind === "drop" && dropped.rule?.text("IPv4"),
    "-d 10.2.1.8/32 -m conntrack --ctstate NEW -j DROP",
  );
  assert.equal([...kernel.conntrack.connections()], [], "what was refused leaves no connection");
});
sentences("a policy of DROP", () => {
  const { kernel } = node();
  iptables(kernel).rules.IPv4 = parseRules(
    "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT",
  );
  assert.is(
    said(kernel.receive(packet("203.0.113.9:1", "10.1.1.2:80"), "eth0", walking())),
    "drop: the chain's policy drops it",
  );
});
sentences.run();

const replies = suite("the answer's way back");
replies("through both translations", () => {
  const { kernel } = node();
  const walk = walking();
  const there = kernel.receive(packet("203.0.113.9:40000", "192.168.0.1:30519"), "eth0", walk);
  const back = kernel.receive(replyTo(there.packet), "pod1", walk);
  assert.is(
    said(back),
    "forward TCP 192.168.0.1:30519 -> 203.0.113.9:40000 dev eth0 via 192.168.0.254",
    story(walk.steps),
  );
});
replies("later packets take the same way, whatever chance says", () => {
  const { kernel } = node();
  const there = kernel.receive(
    packet("203.0.113.9:40000", "192.168.0.1:30519"),
    "eth0",
    walking(true),
  );
  kernel.receive(replyTo(there.packet), "pod1", walking());
  const later = kernel.receive(
    packet("203.0.113.9:40000", "192.168.0.1:30519", "TCP", "ACK"),
    "eth0",
    walking(false),
  );
  assert.is(describe(later.packet), "TCP 192.168.0.1:40000 -> 10.1.1.2:80");
});
replies("an ICMP error about a translated packet finds its sender", () => {
  const { kernel } = node();
  const there = kernel.receive(packet("203.0.113.9:40000", "192.168.0.1:30519"), "eth0", walking());
  const walk = walking();
  const back = kernel.receive(
    icmpError("10.1.1.2", there.packet, "port-unreachable"),
    "pod1",
    walk,
  );
  assert.is(back.packet.destination, "203.0.113.9", story(walk.steps));
  assert.is(describe(back.packet.about!), "TCP 203.0.113.9:40000 -> 192.168.0.1:30519");
  assert.ok(walk.steps.some(({ to }) => to?.startsWith("RELATED")));
});
replies("an ICMP error about a packet that nobody translated goes back as it is", () => {
  const { kernel } = node();
  const there = kernel.receive(packet("203.0.113.9:40000", "10.1.1.2:81"), "eth0", walking());
  const walk = walking();
  const error = icmpError("10.1.1.2", there.packet, "port-unreachable");
  const back = kernel.receive(error, "pod1", walk);
  assert.is(describe(back.packet), describe(error));
  assert.not.ok(
    walk.steps.some(({ kind }) => kind === "untranslate"),
    story(walk.steps),
  );
});
replies("the node's own connection to itself by way of a Service", () => {
  const { kernel } = node();
  kernel.routes.add({ to: "default", dev: "eth0" });
  const walk = walking();
  assert.is(
    said(kernel.send(packet("192.168.0.1:40000", "10.2.1.2:80"), walk)),
    "local TCP 192.168.0.1:40000 -> 192.168.0.1:6443",
    story(walk.steps),
  );
  assert.is(
    walk.steps.filter(({ kind }) => kind === "dnat").length,
    1,
    "the packet comes in over lo, and nat leaves it alone",
  );
  assert.is(
    said(kernel.send(packet("192.168.0.1:6443", "192.168.0.1:40000", "TCP", "SYN,ACK"), walking())),
    "local TCP 10.2.1.2:80 -> 192.168.0.1:40000, nobody listens",
  );
});
replies.run();

const conntrack = suite("conntrack");
conntrack("a connection as conntrack -L shows it", () => {
  const { kernel, clock } = node();
  const there = kernel.receive(packet("203.0.113.9:40000", "192.168.0.1:30519"), "eth0", walking());
  const [connection] = kernel.conntrack.connections();
  assert.is(
    conntrackText(connection!, clock.time),
    "tcp      6 120 SYN_SENT src=203.0.113.9 dst=192.168.0.1 sport=40000 dport=30519 [UNREPLIED] src=10.1.1.2 dst=192.168.0.1 sport=80 dport=40000 mark=0 use=1",
  );
  kernel.receive(replyTo(there.packet), "pod1", walking());
  kernel.receive(packet("203.0.113.9:40000", "192.168.0.1:30519", "TCP", "ACK"), "eth0", walking());
  assert.match(
    conntrackText(connection!, clock.time),
    /^tcp {6}6 432000 ESTABLISHED .*\[ASSURED\]/,
  );
});
conntrack("a TCP connection ends: FIN, FIN, ACK, then two minutes", () => {
  const { kernel, clock } = node();
  const syn = packet("203.0.113.9:40000", "10.1.1.2:80");
  const client = (flags: Packet["flags"]) =>
    kernel.receive({ ...syn, flags: flags! }, "eth0", walking());
  const server = (flags: Packet["flags"]) => kernel.receive(replyTo(syn, flags), "pod1", walking());
  const states: (string | undefined)[] = [];
  for (const step of [
    () => client("SYN"),
    () => server("SYN,ACK"),
    () => client("ACK"),
    () => client("FIN,ACK"),
    () => server("ACK"),
    () => server("FIN,ACK"),
    () => client("ACK"),
  ]) {
    step();
    states.push([...kernel.conntrack.connections()][0]?.tcp);
  }
  assert.equal(states, [
    "SYN_SENT",
    "SYN_RECV",
    "ESTABLISHED",
    "FIN_WAIT",
    "CLOSE_WAIT",
    "LAST_ACK",
    "TIME_WAIT",
  ]);
  clock.time += 119_999;
  assert.is([...kernel.conntrack.connections()].length, 1);
  clock.time += 1;
  assert.is([...kernel.conntrack.connections()].length, 0);
});
conntrack(
  "a connection is NEW until it is answered, and ESTABLISHED from then on, both ways",
  () => {
    const { kernel } = node();
    const syn = packet("203.0.113.9:40000", "10.1.1.2:80");
    const seen: (string | undefined)[] = [];
    const pass = (what: Packet, device: string): void => {
      const walk = walking();
      kernel.receive(what, device, walk);
      seen.push(walk.steps.find(({ kind }) => kind === "conntrack")?.to);
    };
    pass(syn, "eth0");
    pass(syn, "eth0");
    pass(replyTo(syn, "SYN,ACK"), "pod1");
    pass({ ...syn, flags: "ACK" }, "eth0");
    assert.equal(seen, [
      "NEW, original direction",
      "NEW, original direction",
      "ESTABLISHED, reply direction",
      "ESTABLISHED, original direction",
    ]);
  },
);
conntrack("UDP: 30 seconds unanswered, 120 once it is a stream", () => {
  const { kernel, clock } = node();
  const ask = packet("203.0.113.9:40000", "10.1.1.2:53", "UDP");
  const left = () =>
    Math.ceil(([...kernel.conntrack.connections()][0]?.expires ?? 0) - clock.time) / 1000;
  kernel.receive(ask, "eth0", walking());
  assert.is(left(), 30);
  kernel.receive(replyTo(ask), "pod1", walking());
  assert.is(left(), 30);
  clock.time += 3000;
  kernel.receive(ask, "eth0", walking());
  assert.is(left(), 120);
});
conntrack("UDP's connections are known apart, through timeouts, deletion and what-if", () => {
  const { kernel, clock } = node();
  const { conntrack } = kernel;
  const ports = (): number[] =>
    [...conntrack.udpConnections()].map(({ original }) => original.sourcePort);
  const send = (source: number, protocol: "UDP" | "TCP", walk: Walk = walking()) =>
    kernel.receive(packet(`203.0.113.9:${source}`, "10.1.1.2:53", protocol), "eth0", walk);
  send(1, "TCP");
  send(2, "UDP");
  clock.time += 20_000;
  send(3, "UDP");
  const whatIf: Walk = { ...walking(), undo: [] };
  send(4, "UDP", whatIf);
  for (const each of conntrack.udpConnections()) conntrack.delete(each, whatIf.undo);
  assert.equal(ports(), []);
  rollBack(whatIf);
  assert.equal(ports().sort(), [2, 3]);
  clock.time += 15_000;
  assert.equal(ports(), [3]);
});
conntrack("a source port that another connection uses is changed", () => {
  const { kernel } = node();
  kernel.receive(packet("203.0.113.9:40000", "192.168.0.1:30519"), "eth0", walking());
  const second = kernel.receive(
    packet("203.0.113.10:40000", "192.168.0.1:30519"),
    "eth0",
    walking(),
  );
  assert.is(describe(second.packet), "TCP 192.168.0.1:1024 -> 10.1.1.2:80");
});
conntrack("a packet outside the window is INVALID, unless conntrack is liberal", () => {
  for (const [tcpLiberal, kind] of [
    [false, "drop"],
    [true, "forward"],
  ] as const) {
    const { kernel } = node({ tcpLiberal });
    const syn = packet("203.0.113.9:40000", "10.1.1.2:80");
    kernel.receive(syn, "eth0", walking());
    kernel.receive(replyTo(syn), "pod1", walking());
    assert.is(
      kernel.receive({ ...syn, flags: "ACK", outOfWindow: true }, "eth0", walking()).kind,
      kind,
    );
  }
});
conntrack("what-if leaves nothing behind", () => {
  const { kernel } = node();
  iptables(kernel).rules.IPv4 = parseRules(
    "*nat\n:PREROUTING ACCEPT [0:0]\n:A - [0:0]\n-A PREROUTING -m recent --rcheck --seconds 60 --name L -j DNAT --to-destination 10.1.2.2:80\n-A PREROUTING -m recent --set --name L -j A\nCOMMIT",
  );
  const walk: Walk = { ...walking(), undo: [] };
  assert.is(
    kernel.receive(packet("203.0.113.9:1", "10.1.1.2:80"), "eth0", walk).packet.destination,
    "10.1.1.2",
  );
  assert.is(
    kernel.receive(packet("203.0.113.9:2", "10.1.1.2:80"), "eth0", walk).packet.destination,
    "10.1.2.2",
    "within the what-if it is known",
  );
  rollBack(walk);
  assert.is([...kernel.conntrack.connections()].length, 0);
  assert.is(
    kernel.receive(packet("203.0.113.9:3", "10.1.1.2:80"), "eth0", walking()).packet.destination,
    "10.1.1.2",
    "afterwards it is not",
  );
});
conntrack("recent forgets after its seconds", () => {
  const { kernel, clock } = node();
  iptables(kernel).rules.IPv4 = parseRules(
    "*nat\n:PREROUTING ACCEPT [0:0]\n:A - [0:0]\n-A PREROUTING -m recent --rcheck --seconds 60 --reap --name L -j DNAT --to-destination 10.1.2.2:80\n-A PREROUTING -m recent --set --name L -j A\nCOMMIT",
  );
  const goes = (port: number) =>
    kernel.receive(packet(`203.0.113.9:${port}`, "10.1.1.2:80"), "eth0", walking()).packet
      .destination;
  assert.equal([goes(1), goes(2)], ["10.1.1.2", "10.1.2.2"]);
  clock.time += 60_001;
  assert.is(goes(3), "10.1.1.2");
});
conntrack("a list of recent remembers a hundred addresses, and forgets the longest unseen", () => {
  const { kernel } = node();
  iptables(kernel).rules.IPv4 = parseRules(
    "*nat\n:PREROUTING ACCEPT [0:0]\n:A - [0:0]\n-A PREROUTING -m recent --rcheck --name L -j DNAT --to-destination 10.1.2.2:80\n-A PREROUTING -m recent --set --name L -j A\nCOMMIT",
  );
  let port = 0;
  const isKnown = (host: number) =>
    kernel.receive(packet(`203.0.113.${host}:${++port}`, "10.1.1.2:80"), "eth0", walking()).packet
      .destination === "10.1.2.2";
  for (let host = 1; host <= 100; host++) assert.not(isKnown(host), `${host} comes anew`);
  assert.ok(isKnown(1), "a hundred fit");
  assert.not(isKnown(101));
  assert.equal([isKnown(2), isKnown(1)], [true, false], "and one more costs the oldest its place");
});
for (const [range, own, changed] of [
  ["below 512", 500, 1],
  ["below 512, at its end", 511, 1],
  ["from 512 to 1023", 512, 600],
  ["from 512 to 1023, at its end", 1023, 600],
  ["above", 1024, 1025],
] as const)
  conntrack(`a source port ${range} that is taken is changed for one of its kind`, () => {
    const { kernel } = node();
    const from = (host: number) =>
      kernel.receive(packet(`203.0.113.${host}:${own}`, "192.168.0.1:30519"), "eth0", walking())
        .packet.sourcePort;
    assert.is(from(9), own);
    assert.is(from(10), changed);
  });
conntrack("raw sees a packet before it is tracked, mangle after that and before nat", () => {
  const { kernel } = node();
  iptables(kernel).rules.IPv4 = parseRules(
    `*raw
:PREROUTING ACCEPT [0:0]
:SEEN - [0:0]
-A PREROUTING -p udp -j CT --notrack
-A PREROUTING -m conntrack --ctstate NEW -j SEEN
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -m conntrack --ctstate NEW -j MARK --set-xmark 0x1/0x1
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -m mark --mark 0x1/0x1 -j DNAT --to-destination 10.1.2.2
COMMIT`,
  );
  const walk = walking();
  const tcp = kernel.receive(packet("203.0.113.9:40000", "10.1.1.2:80"), "eth0", walk);
  assert.is(tcp.packet.destination, "10.1.2.2", "mangle's mark is there when nat asks for it");
  assert.not.match(story(walk.steps), /SEEN/, "raw cannot know yet that it is new");
  const udp = packet("203.0.113.9:40000", "10.1.1.2:53", "UDP");
  assert.is(kernel.receive(udp, "eth0", walking()).packet.destination, "10.1.1.2", "not tracked");
});
conntrack("a full table gives up what was never answered, then drops", () => {
  const { kernel } = node();
  Object.defineProperty(kernel.conntrack, "max", { value: 1 });
  kernel.receive(packet("203.0.113.9:1", "10.1.1.2:80"), "eth0", walking());
  assert.is(
    kernel.receive(packet("203.0.113.9:2", "10.1.1.2:80"), "eth0", walking()).kind,
    "forward",
  );
  kernel.receive(replyTo(packet("203.0.113.9:2", "10.1.1.2:80")), "pod1", walking());
  kernel.receive(packet("203.0.113.9:2", "10.1.1.2:80", "TCP", "ACK"), "eth0", walking());
  assert.is(
    said(kernel.receive(packet("203.0.113.9:3", "10.1.1.2:80"), "eth0", walking())),
    "drop: nf_conntrack: table full, dropping packet",
  );
});
/** A connection's life, as its packets make it: who sends what. */
const lives: [says: string, packets: string, state: string, seconds: number][] = [
  ["opened", "c SYN", "SYN_SENT", 120],
  ["opened from both sides at once", "c SYN, s SYN", "SYN_SENT2", 120],
  ["half open", "c SYN, s SYN,ACK", "SYN_RECV", 60],
  ["open", "c SYN, s SYN,ACK, c ACK", "ESTABLISHED", 432_000],
  ["closed by the client", "c SYN, s SYN,ACK, c ACK, c FIN,ACK", "FIN_WAIT", 120],
  ["closed by the server", "c SYN, s SYN,ACK, c ACK, s FIN,ACK", "FIN_WAIT", 120],
  ["confirmed", "c SYN, s SYN,ACK, c ACK, c FIN,ACK, s ACK", "CLOSE_WAIT", 60],
  ["closed by both", "c SYN, s SYN,ACK, c ACK, c FIN,ACK, s ACK, s FIN,ACK", "LAST_ACK", 30],
  ["over", "c SYN, s SYN,ACK, c ACK, c FIN,ACK, s FIN,ACK, c ACK", "TIME_WAIT", 120],
  ["broken off", "c SYN, s RST", "CLOSE", 10],
  ["seen in the middle", "c ACK", "ESTABLISHED", 432_000],
];
for (const [says, packets, state, seconds] of lives)
  conntrack(`a TCP connection that is ${says} may be silent for ${seconds} seconds`, () => {
    const { kernel, clock } = node();
    const syn = packet("203.0.113.9:40000", "10.1.1.2:80");
    for (const each of packets.split(", ")) {
      const [who, flags] = each.split(" ") as [string, Packet["flags"] & string];
      clock.time += 1000;
      if (who === "c") kernel.receive({ ...syn, flags }, "eth0", walking());
      else kernel.receive(replyTo(syn, flags), "pod1", walking());
    }
    const [connection, ...others] = kernel.conntrack.connections();
    assert.equal(
      [connection?.tcp, (connection!.expires - clock.time) / 1000, others.length],
      [state, seconds, 0],
    );
  });
for (const [says, packets, again] of [
  ["over", "c SYN, s SYN,ACK, c ACK, c FIN,ACK, s FIN,ACK, c ACK", true],
  ["broken off", "c SYN, s RST", true],
  ["open", "c SYN, s SYN,ACK, c ACK", false],
  ["closed by one side", "c SYN, s SYN,ACK, c ACK, c FIN,ACK", false],
] as const)
  conntrack(
    `a SYN over a connection that is ${says} ${again ? "begins" : "is not"} another`,
    () => {
      const { kernel } = node();
      const syn = packet("203.0.113.9:40000", "192.168.0.1:30519");
      const there = kernel.receive(syn, "eth0", walking());
      for (const each of packets.split(", ").slice(1)) {
        const [who, flags] = each.split(" ") as [string, Packet["flags"] & string];
        if (who === "c") kernel.receive({ ...syn, flags }, "eth0", walking());
        else kernel.receive(replyTo(there.packet, flags), "pod1", walking());
      }
      const second = kernel.receive(syn, "eth0", walking(false));
      assert.is(second.packet.destination, again ? "10.1.2.2" : "10.1.1.2");
    },
  );
for (const [says, protocol, steps, seconds] of [
  ["SCTP that nobody answered", "SCTP", [], 3],
  ["SCTP", "SCTP", [0], 756_000],
  ["UDP at its second second", "UDP", [2000], 30],
  ["UDP after that", "UDP", [2001], 120],
] as const)
  conntrack(`a connection of ${says} may be silent for ${seconds} seconds`, () => {
    const { kernel, clock } = node();
    const ask = packet("203.0.113.9:40000", "10.1.1.2:53", protocol);
    kernel.receive(ask, "eth0", walking());
    for (const ms of steps) {
      clock.time += ms;
      kernel.receive(replyTo(ask), "pod1", walking());
    }
    const [connection] = kernel.conntrack.connections();
    assert.is((connection!.expires - clock.time) / 1000, seconds);
    assert.is(connection!.assured, steps[0] === 2001);
  });
conntrack("conntrack -L tells protocols, what is unanswered, and rounds seconds up", () => {
  const { kernel, clock } = node();
  for (const protocol of ["UDP", "SCTP"] as const)
    kernel.receive(packet("203.0.113.9:4", "10.1.1.2:53", protocol), "eth0", walking());
  kernel.receive(replyTo(packet("203.0.113.9:4", "10.1.1.2:53", "UDP")), "pod1", walking());
  clock.time += 500;
  assert.equal(
    [...kernel.conntrack.connections()].map((each) => conntrackText(each, clock.time)),
    [
      "udp      17 30 src=203.0.113.9 dst=10.1.1.2 sport=4 dport=53 src=10.1.1.2 dst=203.0.113.9 sport=53 dport=4 mark=0 use=1",
      "sctp     132 3 src=203.0.113.9 dst=10.1.1.2 sport=4 dport=53 [UNREPLIED] src=10.1.1.2 dst=203.0.113.9 sport=53 dport=4 mark=0 use=1",
    ],
  );
});

for (const [protocol, number] of Object.entries({ TCP: 6, UDP: 17, SCTP: 132, ICMP: 1 }))
  conntrack(`conntrack -L tells ${protocol} by its number, ${number} (IANA)`, () => {
    const tuple = {
      source: "10.1.1.2",
      sourcePort: 1,
      destination: "10.1.1.3",
      destinationPort: 2,
    };
    const connection = new Connection({ ...tuple, protocol } as Packet, 0);
    connection.expires = 1000;
    const text = conntrackText(connection, 0);
    assert.match(text, new RegExp(`^${protocol.toLowerCase()} +${number} 1 src=`));
    if (protocol === "ICMP") assert.match(text, /type=8 code=0 .* type=0 code=0 /);
  });
conntrack("a process that connects to its own port has one connection, not none", () => {
  const { kernel } = node();
  const own = packet("192.168.0.1:40000", "192.168.0.1:40000");
  kernel.send(own, walking());
  assert.equal(
    [...kernel.conntrack.connections()].map(({ original }) => original.sourcePort),
    [40000],
  );
});

const translations: [says: string, rule: string, destination: string, sees: string][] = [
  [
    "DNAT to a port alone keeps the address",
    "-A PREROUTING -p tcp -j DNAT --to-destination :81",
    "10.1.1.2:80",
    "203.0.113.9:40000 -> 10.1.1.2:81",
  ],
  [
    "DNAT to an address alone keeps the port",
    "-A PREROUTING -j DNAT --to-destination 10.1.1.2",
    "192.168.0.1:80",
    "203.0.113.9:40000 -> 10.1.1.2:80",
  ],
  [
    "DNAT to a range of ports takes one of them",
    "-A PREROUTING -p tcp -j DNAT --to-destination 10.1.1.2:90-99",
    "192.168.0.1:80",
    "203.0.113.9:40000 -> 10.1.1.2:90",
  ],
  [
    "SNAT to an address keeps the port",
    "-A POSTROUTING -j SNAT --to-source 192.168.0.1",
    "10.1.1.2:80",
    "192.168.0.1:40000 -> 10.1.1.2:80",
  ],
  [
    "SNAT to ports that hold the own one keeps it",
    "-A POSTROUTING -p tcp -j SNAT --to-source 192.168.0.1:40000-40010",
    "10.1.1.2:80",
    "192.168.0.1:40000 -> 10.1.1.2:80",
  ],
  [
    "SNAT to ports that end at the own one keeps it",
    "-A POSTROUTING -p tcp -j SNAT --to-source 192.168.0.1:39990-40000",
    "10.1.1.2:80",
    "192.168.0.1:40000 -> 10.1.1.2:80",
  ],
  [
    "SNAT to other ports takes one of them",
    "-A POSTROUTING -p tcp -j SNAT --to-source 192.168.0.1:50000-50010",
    "10.1.1.2:80",
    "192.168.0.1:50000 -> 10.1.1.2:80",
  ],
  [
    "SNAT to one port takes it",
    "-A POSTROUTING -p tcp -j SNAT --to-source 192.168.0.1:50000",
    "10.1.1.2:80",
    "192.168.0.1:50000 -> 10.1.1.2:80",
  ],
  [
    "MASQUERADE takes the address of the way out",
    "-A POSTROUTING -j MASQUERADE",
    "10.1.2.2:80",
    "192.168.0.1:40000 -> 10.1.2.2:80",
  ],
  [
    "MASQUERADE draws a port where it is told to",
    "-A POSTROUTING -j MASQUERADE --random-fully",
    "10.1.2.2:80",
    "192.168.0.1:1024 -> 10.1.2.2:80",
  ],
];
for (const [says, rule, destination, sees] of translations)
  conntrack(says, () => {
    const { kernel } = node();
    iptables(kernel).rules.IPv4 = parseRules(
      `*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n${rule}\nCOMMIT`,
    );
    const sent = packet("203.0.113.9:40000", destination);
    const there = kernel.receive(sent, "eth0", walking());
    assert.is(describe(there.packet), `TCP ${sees}`);
    const device = there.packet.destination === "10.1.1.2" ? "pod1" : "eth0";
    const back = kernel.receive(replyTo(there.packet), device, walking());
    assert.is(describe(back.packet), describe(replyTo(sent)), "and the answer is turned back");
  });
conntrack(
  "MASQUERADE of what a node sends itself takes the very address, but in IPv4 never lo's",
  () => {
    const ranges = ["192.168.0.1/24", "192.168.0.2/24", "fd00:9::1/64", "fd00:9::2/64"];
    const { kernel } = node({ interfaces: [{ name: "eth0", addresses: ranges }] });
    const text = "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -j MASQUERADE\nCOMMIT";
    iptables(kernel).rules.IPv4 = parseRules(text);
    iptables(kernel).rules.IPv6 = parseRules(text, { family: "IPv6" });
    const send = (from: string, to: string) => said(kernel.send(packet(from, to), walking()));
    assert.is(
      send("[fd00:9::1]:1", "[::1]:6443"),
      "local TCP [::1]:1 -> [::1]:6443",
      "RFC 6724, rule 1: the address that is the destination itself",
    );
    assert.is(
      send("[fd00:9::1]:2", "[fd00:9::2]:6443"),
      "local TCP [fd00:9::2]:2 -> [fd00:9::2]:6443",
    );
    assert.is(send("192.168.0.2:3", "127.0.0.1:6443"), "local TCP 192.168.0.1:3 -> 127.0.0.1:6443");
  },
);
conntrack(
  "REDIRECT leads to the address of the interface by which a packet came, or to lo's",
  () => {
    const { kernel } = node();
    iptables(kernel).rules.IPv4 = parseRules(
      "*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -p tcp -j REDIRECT --to-ports 6443\n-A OUTPUT -p tcp -j REDIRECT --to-ports 6443\nCOMMIT",
    );
    const come = kernel.receive(packet("203.0.113.9:1", "10.1.1.2:6443"), "eth0", walking());
    assert.is(said(come), "local TCP 203.0.113.9:1 -> 192.168.0.1:6443");
    const sent = kernel.send(packet("192.168.0.1:1", "10.1.1.2:6443"), walking());
    assert.is(said(sent), "local TCP 192.168.0.1:1 -> 127.0.0.1:6443");
    const lost = kernel.receive(packet("10.1.1.2:1", "203.0.113.9:6443"), "pod1", walking());
    assert.is(said(lost), "drop: pod1 has no address to translate the destination to");
  },
);
conntrack("a DNAT to where a packet goes anyway is no translation to --ctstate", () => {
  const { kernel } = node();
  iptables(kernel).rules.IPv4 = parseRules(
    "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -j DNAT --to-destination 10.1.1.2:6443\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m conntrack --ctstate DNAT -j DROP\nCOMMIT",
  );
  const kinds = ["10.1.1.2:6443", "10.1.1.2:81", "10.1.2.2:6443"].map(
    (to, i) => kernel.receive(packet(`203.0.113.9:${i + 1}`, to), "eth0", walking()).kind,
  );
  assert.equal(kinds, ["forward", "drop", "drop"]);
});
conntrack(
  "a full table gives up an old connection that is not answered, not an answered one",
  () => {
    const { kernel } = node();
    Object.defineProperty(kernel.conntrack, "max", { value: 2 });
    const open = (port: number, answered: boolean) => {
      const syn = packet(`203.0.113.9:${port}`, "10.1.1.2:80");
      kernel.receive(syn, "eth0", walking());
      if (!answered) return;
      kernel.receive(replyTo(syn), "pod1", walking());
      kernel.receive({ ...syn, flags: "ACK" }, "eth0", walking());
    };
    open(1, true);
    open(2, false);
    open(3, false);
    assert.equal(
      [...kernel.conntrack.connections()].map(({ original }) => original.sourcePort),
      [1, 3],
    );
  },
);
conntrack.run();

const chances = suite("every way");
chances("three endpoints, a third each, exactly; nothing stays behind", () => {
  const { kernel } = node();
  iptables(kernel).rules.IPv4 = parseRules(
    "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m statistic --mode random --probability 0.3333333333 -j DNAT --to-destination 10.1.1.2:1\n-A PREROUTING -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.1.1.2:2\n-A PREROUTING -j DNAT --to-destination 10.1.1.2:3\nCOMMIT",
  );
  const ways = everyWay((choose) => {
    const walk: Walk = { choose, undo: [] };
    const {
      packet: { destinationPort },
    } = kernel.receive(packet("203.0.113.9:1", "10.1.1.2:80"), "eth0", walk);
    rollBack(walk);
    return destinationPort;
  });
  assert.equal(
    ways.map(({ probability, result }) => [result, probability.numerator, probability.denominator]),
    [
      [1, 1n, 3n],
      [2, 1n, 3n],
      [3, 1n, 3n],
    ],
  );
  assert.is([...kernel.conntrack.connections()].length, 0);
});
chances("a probability that is no 1/n stays the decimal it is", () => {
  const { kernel } = node();
  iptables(kernel).rules.IPv4 = parseRules(
    "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m statistic --mode random --probability 0.3 -j DNAT --to-destination 10.1.1.2:1\nCOMMIT",
  );
  const ways = everyWay(
    (choose) =>
      kernel.receive(packet("203.0.113.9:1", "10.1.1.2:80"), "eth0", { choose }).packet
        .destinationPort,
  );
  assert.equal(
    ways.map(({ probability }) => toNumber(probability)),
    [0.3, 0.7],
  );
});
chances("seeded: the same seed, the same way", () => {
  const run = (): string[] => {
    let state = 7;
    const choose = seeded(() => (state = (state * 16807) % 2147483647) / 2147483647);
    const { kernel } = node();
    return Array.from({ length: 20 }, (_, i) =>
      describe(
        kernel.receive(packet(`203.0.113.9:${i + 1}`, "192.168.0.1:30519"), "eth0", { choose })
          .packet,
      ),
    );
  };
  assert.equal(run(), run());
  assert.is(new Set(run().map((each) => each.split("-> ")[1])).size, 2);
});
chances.run();

const routes = suite("routes");
routes("the longest prefix wins, and a node's own before shared ones", () => {
  const shared = new Routes();
  shared.add({ to: "10.1.0.0/16", dev: "eth0", via: "192.168.0.9" });
  shared.add({ to: "10.1.1.0/24", dev: "eth0", via: "192.168.0.1" });
  const own = new Routes(shared);
  own.add({ to: "10.1.1.0/24", dev: "cni0" });
  own.add({ to: "10.1.1.2/32", dev: "veth" });
  own.add({ to: "default", dev: "eth0", via: "192.168.0.254" });
  own.add({ to: "default", dev: "eth0", via: "fe80::1" });
  own.add({ to: "fd00:1::/64", dev: "veth6" });
  const dev = (address: string): string =>
    `${own.lookup(parseAddress(address))?.dev} ${own.lookup(parseAddress(address))?.via ?? ""}`.trim();
  assert.equal(
    ["10.1.1.2", "10.1.1.3", "10.1.2.2", "8.8.8.8", "fd00:1::9", "2001:db8::1"].map(dev),
    ["veth", "cni0", "eth0 192.168.0.9", "eth0 192.168.0.254", "veth6", "eth0 fe80::1"],
  );
  own.remove("10.1.1.2/32");
  assert.is(dev("10.1.1.2"), "cni0");
});
routes("unreachable and blackhole routes", () => {
  const { kernel } = node();
  kernel.routes.add({ to: "10.9.0.0/16", dev: "lo", type: "unreachable" });
  kernel.routes.add({ to: "10.8.0.0/16", dev: "lo", type: "blackhole" });
  assert.is(
    said(kernel.receive(packet("203.0.113.9:1", "10.9.0.1:1"), "eth0", walking())),
    "no route: node-a's route to 10.9.0.0/16 says unreachable",
  );
  assert.is(
    said(kernel.receive(packet("203.0.113.9:1", "10.8.0.1:1"), "eth0", walking())),
    "no route: node-a's blackhole route to 10.8.0.0/16 swallows it: nobody has 10.8.0.1 (any more)",
  );
});
routes("which source address a process gets", () => {
  const { kernel } = node();
  assert.equal(
    ["127.0.0.5", "192.168.0.1", "10.1.1.2", "203.0.113.9", "8.8.8.8"].map((to) =>
      kernel.sourceFor(to),
    ),
    ["127.0.0.5", "192.168.0.1", "192.168.0.1", "192.168.0.1", undefined],
  );
});
routes("an address on two interfaces stays local until both are gone", () => {
  const { kernel } = node();
  kernel.setInterface({ name: "lo2", addresses: ["1.2.3.4/32"] });
  kernel.setInterface({ name: "lo3", addresses: ["1.2.3.4/32"] });
  kernel.removeInterface("lo2");
  assert.ok(kernel.isLocal(parseAddress("1.2.3.4")));
  kernel.removeInterface("lo3");
  assert.not(kernel.isLocal(parseAddress("1.2.3.4")));
});
routes(
  "two interfaces in one network: the older one's route is used, and each takes only its own away",
  () => {
    const second = { name: "eth1", addresses: ["192.168.0.9/24", "fd00:9::1/64"] };
    const way = (kernel: Kernel, to = "192.168.0.77"): string | undefined =>
      kernel.routes.lookup(parseAddress(to))?.dev;
    const { kernel } = node();
    kernel.setInterface(second);
    assert.is(way(kernel), "eth0");
    kernel.removeInterface("eth1");
    assert.is(way(kernel), "eth0");
    kernel.setInterface(second);
    kernel.removeInterface("eth0");
    assert.equal([way(kernel), way(kernel, "fd00:9::7")], ["eth1", "eth1"]);
    assert.is(way(kernel, "203.0.113.9"), undefined, "a route out of eth0 goes with it");
    kernel.setInterface({ name: "eth1", addresses: [] });
    assert.equal([way(kernel), way(kernel, "fd00:9::7")], [undefined, undefined]);
  },
);
routes("new addresses for an interface leave the other routes out of it", () => {
  const { kernel } = node();
  kernel.setInterface({ name: "eth0", addresses: ["192.168.7.1/24"] });
  const to = (address: string) => kernel.routes.lookup(parseAddress(address))?.to;
  assert.equal(
    [to("203.0.113.9"), to("192.168.7.2"), to("192.168.0.2")],
    ["203.0.113.0/24", "192.168.7.0/24", undefined],
  );
});
routes("a socket that closes no longer takes packets", () => {
  const { kernel } = node();
  const close = kernel.listen("TCP", 22, "192.168.0.1");
  const says = (to: string): string =>
    said(kernel.receive(packet("203.0.113.9:1", to), "eth0", walking()));
  assert.is(says("192.168.0.1:22"), "local TCP 203.0.113.9:1 -> 192.168.0.1:22");
  close();
  assert.is(says("192.168.0.1:22"), "local TCP 203.0.113.9:1 -> 192.168.0.1:22, nobody listens");
});
routes("an address is local, everybody's, a group's, or just somebody's", () => {
  const { kernel } = node();
  const types = [
    ["192.168.0.1", "LOCAL"],
    ["127.8.8.8", "LOCAL"],
    ["192.168.0.2", "UNICAST"],
    ["223.255.255.255", "UNICAST"],
    ["224.0.0.1", "MULTICAST"],
    ["239.255.255.255", "MULTICAST"],
    ["240.0.0.1", "UNICAST"],
    ["255.255.255.254", "UNICAST"],
    ["255.255.255.255", "BROADCAST"],
    ["::1", "LOCAL"],
    ["fe80::1", "UNICAST"],
    ["ff02::1", "MULTICAST"],
  ] as const;
  for (const [address, type] of types)
    assert.is(kernel.addressType(parseAddress(address)), type, address);
});
routes("a process gets an address of the destination's network, where the way out has one", () => {
  const { kernel } = node({
    interfaces: [
      { name: "tun", addresses: [] },
      { name: "eth0", addresses: ["192.168.0.1/24", "10.7.0.1/16", "fd00:9::1/64"] },
    ],
  });
  kernel.routes.add({ to: "10.8.0.0/16", dev: "eth0" });
  kernel.routes.add({ to: "10.6.0.0/16", dev: "tun" });
  kernel.routes.add({ to: "fd00:8::/64", dev: "tun" });
  assert.equal(
    ["10.7.3.3", "10.8.3.3", "10.6.3.3", "fd00:8::3"].map((to) => kernel.sourceFor(to)),
    ["10.7.0.1", "192.168.0.1", "192.168.0.1", "fd00:9::1"],
  );
});
routes("two sockets on one port: the second still takes packets when the first is closed", () => {
  const { kernel } = node();
  const [first, second] = [kernel.listen("TCP", 22), kernel.listen("TCP", 22)];
  const syn = packet("203.0.113.9:1", "192.168.0.1:22");
  first();
  first();
  assert.ok(kernel.listening(syn));
  assert.equal(
    kernel.sockets.map(({ protocol, port, address }) => `${protocol} ${address}:${port}`),
    ["TCP *:6443", "TCP *:22"],
  );
  second();
  assert.not(kernel.listening(syn));
});
routes("::1 cannot come from outside, on lo it can", () => {
  const { kernel } = node();
  const come = (from: string, to: string, device: string) =>
    kernel.receive(packet(from, to), device, walking()).kind;
  assert.equal(
    [
      come("[::1]:1", "[fd00::1]:80", "eth0"),
      come("[fd00::1]:1", "[::1]:80", "eth0"),
      come("[fd00::2]:1", "[::1]:80", "lo"),
    ],
    ["drop", "drop", "local"],
  );
});
routes("routes to one range: the next takes the place of the one that goes", () => {
  const table = new Routes();
  const at = () => table.lookup(parseAddress("10.1.0.1"))?.dev;
  const seen: (string | undefined)[] = [];
  for (const step of [
    () => table.append({ to: "10.1.0.0/16", dev: "a" }),
    () => table.append({ to: "10.1.0.0/16", dev: "b" }),
    () => table.append({ to: "10.1.0.0/16", dev: "c" }),
    () => table.remove("10.1.0.0/16", { dev: "x" }),
    () => table.remove("10.1.0.0/16", { dev: "b" }),
    () => table.remove("10.1.0.0/16"),
    () => table.add({ to: "10.1.0.0/16", dev: "d" }),
    () => table.removeDevice("d"),
    () => table.remove("10.1.0.0/16"),
  ]) {
    step();
    seen.push(at());
  }
  assert.equal(seen, ["a", "a", "a", "a", "a", "c", "d", undefined, undefined]);
  assert.equal([...table], []);
});
routes.run();

const long = suite("a long chain");
const asked = {
  to: ["", "-d 10.1.1.1/32", "-d 10.1.1.2/32", "! -d 10.1.1.1/32", "-d 10.1.1.0/30", "-d 10.1.1.9"],
  before: ["", "", "-m statistic --mode random --probability 0.5", "-m recent --rcheck --name L"],
  port: ["", "--dport 80", "--dport 443", "! --dport 80", "--dport 80:90"].map(
    (port) => port && `-p tcp -m tcp ${port}`,
  ),
  after: ["", "", "-m statistic --mode random --probability 0.25", "-m recent --set --name L"],
  target: ["LOG", "MARK --set-xmark 0x1/0x1", "OTHER", "RETURN", "DROP"],
};
const oneOf = (all: readonly string[]) => fc.constantFrom(...all);
const anyRule = fc
  .tuple(
    oneOf(asked.to),
    oneOf(asked.before),
    oneOf(asked.port),
    oneOf(asked.after),
    // those that end a walk are rare, so that it gets far
    fc.oneof({ weight: 9, arbitrary: oneOf(asked.target.slice(0, 3)) }, oneOf(asked.target)),
  )
  .map(
    ([to, before, port, after, target]) =>
      `-A FORWARD ${to} ${before} ${port} ${after} -j ${target}`,
  );
long("the walks that skip what cannot match go as the first did, step by step", () =>
  fc.assert(
    fc.property(
      fc.array(anyRule, { minLength: 40, maxLength: 80 }),
      fc.constantFrom("10.1.1.1", "10.1.1.2", "10.1.1.3", "10.1.1.9"),
      fc.constantFrom(80, 81, 443, 22),
      (drawn, address, port) => {
        const { kernel } = node();
        kernel.routes.add({ to: "10.1.1.0/24", dev: "pod1" });
        iptables(kernel).rules.IPv4 = parseRules(
          ["*filter", ":FORWARD ACCEPT [0:0]", ":OTHER - [0:0]", ...drawn, "COMMIT\n"].join("\n"),
        );
        const walked = () => {
          const choose = seeded(new Random(1).next);
          const walk = { ...walking(), choose, undo: [], rules: 0 };
          const verdict = kernel.receive(
            packet("203.0.113.9:1", `${address}:${port}`),
            "eth0",
            walk,
          );
          rollBack(walk);
          return [said(verdict), story(walk.steps), walk.rules];
        };
        const first = walked();
        for (let again = 1; again <= 3; again++) assert.equal(walked(), first);
      },
    ),
    { seed },
  ),
);
long("among 4,000 Services a packet asks for few tests of rules", () => {
  const { kernel } = node();
  const service = (i: number) =>
    `-A FORWARD -d 10.2.${i >> 8}.${i & 255}/32 -p tcp -m tcp --dport 80 -j DROP`;
  const all = parseRules(
    [
      "*filter",
      ":FORWARD ACCEPT [0:0]",
      ...Array.from({ length: 4000 }, (_, i) => service(i)),
      "COMMIT\n",
    ].join("\n"),
  );
  iptables(kernel).rules.IPv4 = all;
  const tested = new Set<number>();
  const receive = () => kernel.receive(packet("203.0.113.9:1", "10.1.1.2:80"), "eth0", walking());
  receive();
  for (const [i, rule] of all.chain("filter", "FORWARD")!.rules.entries()) {
    const { test } = rule;
    Object.defineProperty(rule, "test", { value: (look: never) => (tested.add(i), test(look)) });
  }
  for (let i = 0; i < 3; i++) receive();
  tested.clear();
  assert.is(said(receive()), "forward TCP 203.0.113.9:1 -> 10.1.1.2:80 dev pod1 via 10.1.1.2");
  assert.is(tested.size, 0);
});
long.run();
