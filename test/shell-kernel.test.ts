/**
 * What commands show of a kernel: rules beside the real iptables, which is given the same ones in a
 * network namespace of its own; and what belongs to a place and to no other.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { aws, type Cluster } from "stopover";
import { preflight } from "stopover/internal/doors/lab/preflight";
import { ruleList, ruleSpecs } from "stopover/internal/net/iptables/list";
import { parseRules } from "stopover/internal/net/iptables/parse";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { needs } from "./needs.js";
import { clusterWithClient } from "./shell-harness.js";

const manifests = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: nginx, ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  sessionAffinity: ClientIP
  loadBalancerSourceRanges: [203.0.113.0/24]
  selector: { app: web }
  ports: [{ name: http, port: 8080, targetPort: 80 }]
---
apiVersion: v1
kind: Service
metadata: { name: empty }
spec: { selector: { app: nobody }, ports: [{ port: 80, name: http }, { port: 53, name: dns, protocol: UDP }] }
`;
const made = (options: object = {}): Cluster =>
  clusterWithClient(manifests, { cloud: aws(), ...options });

const rules = suite("rules, beside the real iptables");
if (needs(rules, "iptables", preflight()))
  rules("-L, -S and -v print what iptables 1.8.9 prints of the same rules", async () => {
    const cluster = made();
    const space = `stopover-shell-${process.pid}`;
    const inside = (...args: string[]) =>
      spawnSync("ip", ["netns", "exec", space, ...args], { encoding: "utf8" });
    execFileSync("ip", ["netns", "add", space]);
    try {
      const text = cluster.node("node-a").rules.text();
      const restored = spawnSync("ip", ["netns", "exec", space, "iptables-restore"], {
        input: text,
        encoding: "utf8",
      });
      assert.is(restored.status, 0, restored.stderr);
      for (const script of [
        "iptables -t nat -nL",
        "iptables -nL",
        "iptables -t filter -nvL --line-numbers",
        "iptables -L KUBE-FORWARD",
        "iptables -t nat -S",
        "iptables -S KUBE-PROXY-FIREWALL",
        "iptables -t mangle -nL",
      ]) {
        const real = inside(...script.split(" "));
        const { stdout } = await cluster.node("node-a").sh(script);
        assert.is(stdout, real.stdout, script);
      }
    } finally {
      execFileSync("ip", ["netns", "del", space]);
    }
  });
/** What kube-proxy does not write, and people do. */
const odd = {
  IPv4: `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:X - [0:0]
:X2 - [0:0]
-A INPUT ! -s 10.0.0.0/8 -p tcp -m recent --rcheck --seconds 10 --reap --name A --rsource -j X
-A INPUT -d 192.0.2.4/32 -p udp -m udp --dport 53 -m comment --comment "hi there" -j REJECT
-A INPUT -p icmp -j REJECT --reject-with icmp-host-prohibited
-A FORWARD -p tcp -m tcp ! --sport 80:90 --dport 443 -j LOG --log-prefix "hi " --log-level 7
-A FORWARD -p tcp -m multiport ! --dports 80,6379 -j LOG --log-tcp-sequence --log-uid
-A X ! -i lo -m mark ! --mark 0x4000/0x4000 -g X2
-A X2 -m conntrack --ctstate RELATED,ESTABLISHED -j MARK --set-xmark 0x4000/0x4000
COMMIT
`,
  IPv6: `*filter
:INPUT ACCEPT [0:0]
:X - [0:0]
-A INPUT -s 2001:db8::/32 -p tcp -m recent --update --name A --rdest -j X
-A INPUT -d fd00::1/128 -p udp -m udp --dport 53 -j REJECT
-A INPUT ! -d fd00::/64 -p ipv6-icmp -j REJECT --reject-with icmp6-adm-prohibited
-A X -j DROP
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination [fd00::1]:8080
COMMIT
`,
};
if (needs(rules, "iptables", preflight()))
  for (const family of ["IPv4", "IPv6"] as const)
    rules(`${family}: rules that people write are listed as iptables lists them`, () => {
      const text = odd[family];
      const known = parseRules(text, { family });
      const command = family === "IPv4" ? "iptables" : "ip6tables";
      const script = [
        `${command}-restore`,
        ...["-nvL --line-numbers", "-L", "-t nat -nL", "-S"].map(
          (words) => `echo === && ${command} ${words}`,
        ),
      ].join(" && ");
      const real = spawnSync("unshare", ["-n", "sh", "-c", script], {
        input: text,
        encoding: "utf8",
      });
      assert.is(real.status, 0, real.stderr);
      const verbose = { numeric: true, verbose: true, lineNumbers: true };
      const ours = [
        ruleList(known, "filter", verbose),
        ruleList(known, "filter"),
        ruleList(known, "nat", { numeric: true }),
        ruleSpecs(known, "filter"),
      ];
      assert.equal(real.stdout.split("===\n").slice(1), ours);
    });
rules.run();

const test = suite("what a kernel holds");

test("a node's rules are its own, and a Pod has none", async () => {
  const cluster = made();
  const saved = await cluster.node("node-a").sh("iptables-save -t nat");
  assert.ok(cluster.node("node-a").rules.text().includes(saved.stdout));
  assert.match(saved.stdout, /^\*nat\n[^]*KUBE-SERVICES[^]*COMMIT\n$/);
  assert.is((await cluster.pod("client").sh("iptables-save; nft list ruleset")).output, "");
  const refused = await cluster.node("node-a").sh("iptables -F");
  assert.is(refused.exitCode, 2);
  assert.is((await cluster.node("node-a").sh("iptables -t nat -L NOPE")).exitCode, 1);
});

test("nft lists what kube-proxy wrote in nftables mode", async () => {
  const cluster = made({ proxyMode: "nftables" });
  const { stdout } = await cluster
    .node("node-a")
    .sh("nft list table ip kube-proxy; nft list tables");
  assert.match(stdout, /^table ip kube-proxy \{\n[^]*^table ip kube-proxy\n/m);
});

test("conntrack shows a request's connection until its time is over", async () => {
  const cluster = made();
  const node = cluster.node("node-a");
  const { stdout } = await node.sh(
    "curl -so /dev/null 10.2.1.1:8080; conntrack -L -d 10.2.1.1; conntrack -C",
  );
  assert.match(
    stdout,
    /^tcp {6}6 1\d\d TIME_WAIT src=192\.168\.0\.1 dst=10\.2\.1\.1 sport=\d+ dport=8080 src=10\.1\.\d\.\d dst=192\.168\.0\.1 sport=80 dport=\d+ \[ASSURED\] mark=0 use=1\n1\n$/,
  );
  assert.is((await node.sh("sleep 121; conntrack -L -p tcp --dport 8080")).stdout, "");
  assert.is(
    (await node.sh("curl -so /dev/null 10.2.1.1:8080; conntrack -D -p tcp; conntrack -C")).stdout
      .split("\n")
      .at(-2),
    "0",
  );
});

test("addresses, routes and sockets are those of the place", async () => {
  const cluster = made();
  const { stdout } = await cluster.pod("client").sh("ip route; ip -4 -br addr; hostname -i");
  const ip = cluster.pod("client").sandbox.ips[0]!;
  const net = ip.replace(/\.\d+$/, "");
  assert.is(
    stdout,
    `default via ${net}.1 dev eth0 \n${net}.0/24 via ${net}.1 dev eth0 src ${ip} \n${net}.1 dev eth0 scope link src ${ip} \n` +
      `lo               UNKNOWN        127.0.0.1/8 \neth0@if4         UP             ${ip}/24 \n${ip}\n`,
  );
  const web = cluster.list("Pod", { labelSelector: "app=web" })[0]!.metadata.name;
  assert.match(
    (await cluster.pod(web).sh("ss -Hltn")).stdout,
    /^LISTEN 0 +4096 +0\.0\.0\.0:80 0\.0\.0\.0:\*\n$/,
  );
  const open = await cluster.pod("client").sh("sleep 5 | nc web 8080 & sleep 1; ss -Htn");
  assert.match(open.stdout, new RegExp(`^ESTAB 0 +0 +${ip}:\\d+ 10\\.2\\.1\\.1:8080\n$`));
  const route = await cluster.node("node-a").sh("ip route get 10.1.2.2; ip route | grep 10.1.2.0");
  assert.is(
    route.stdout,
    "10.1.2.2 via 192.168.0.2 dev eth0 src 192.168.0.1 uid 0 \n    cache \n10.1.2.0/24 via 192.168.0.2 dev eth0 \n",
  );
});

test.run();
