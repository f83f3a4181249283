// kube-proxy on the clock: when it syncs, what it writes then, and what nodes share.
import { kubernetes } from "stopover/internal/objects/kubernetes";
import { createHash } from "node:crypto";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { iptables } from "stopover/internal/net/iptables/walk";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import { parseRules } from "stopover/internal/net/iptables/parse";
import { saveRule } from "stopover/internal/net/iptables/text";
import { Kernel } from "stopover/internal/net/kernel";
import { describe, packet, replyTo } from "stopover/internal/net/packet";
import { Rules } from "stopover/internal/net/iptables/rule";
import {
  configFor,
  defaults,
  type KubeProxyConfiguration,
  configOn,
  nftablesConfigFor,
} from "stopover/internal/node/proxy/config";
import { readConfiguration } from "stopover/internal/node/proxy/configuration";
import { endpointsOf, portsOf } from "stopover/internal/node/proxy/services";
import { chooseEndpoints } from "stopover/internal/node/proxy/topology";
import { KubeProxy } from "stopover/internal/node/proxy/kube-proxy";
import {
  iptablesMode,
  restoreText,
  type Restore,
} from "stopover/internal/node/proxy/iptables/backend";
import { portable } from "stopover/internal/machinery/sha256";
import { NodeRules } from "stopover/internal/node/proxy/iptables/node-rules";
import { nodePortSet } from "stopover/internal/node/proxy/nftables/base";
import { ServiceTable } from "stopover/internal/node/proxy/frontend";
import { sharedRules } from "stopover/internal/node/proxy/iptables/shared";
import { placeOf } from "stopover/internal/node/proxy/iptables/names";
import { ownPlaces } from "stopover/internal/node/proxy/places";
import { why, whyChain } from "stopover/internal/node/proxy/iptables/why";
import type {
  Endpoint,
  EndpointSlice,
  Node,
  Protocol,
  Service,
} from "stopover/internal/objects/types";

const service = (
  name: string,
  clusterIP: string,
  spec: Partial<Service["spec"]> = {},
  ports: Service["spec"]["ports"] = [{ name: "http", port: 80, targetPort: 8080, protocol: "TCP" }],
): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "default" },
  spec: { type: "ClusterIP", clusterIP, ports, ...spec },
});
const slice = (
  of: string,
  endpoints: (string | Endpoint)[],
  port = 8080,
  name = "http",
  protocol: Protocol = "TCP",
  suffix = "x",
): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: {
    name: `${of}-${suffix}`,
    namespace: "default",
    labels: { "kubernetes.io/service-name": of },
  },
  addressType: "IPv4",
  endpoints: endpoints.map((each) => (typeof each === "string" ? { addresses: [each] } : each)),
  ports: [{ name, port, protocol }],
});
const node = (name = "node-a", address = "192.168.0.1", zone?: string): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, ...(zone && { labels: { "topology.kubernetes.io/zone": zone } }) },
  spec: { podCIDR: "10.1.1.0/24" },
  status: { addresses: [{ type: "InternalIP", address }] },
});

/** A run of iptables-restore, and when it was. */
interface Sync extends Restore {
  time: number;
}

interface Bench {
  clock: VirtualClock;
  rules: ServiceTable;
  proxy: KubeProxy;
  kernel: Kernel;
  syncs: Sync[];
  texts: string[];
  set(...objects: (Service | EndpointSlice)[]): void;
  remove(...objects: (Service | EndpointSlice)[]): void;
}

function bench(
  document: object = {},
  options: { rules?: ServiceTable; clock?: VirtualClock; node?: Node; fail?: () => boolean } = {},
): Bench {
  const config: KubeProxyConfiguration = readConfiguration({
    clusterCIDR: "10.1.0.0/16",
    ...document,
  });
  const clock = options.clock ?? new VirtualClock(0);
  const rules = options.rules ?? new ServiceTable(configFor("IPv4", config));
  const kernel = new Kernel({
    name: "node-a",
    clock,
    forwarding: true,
    interfaces: [{ name: "eth0", addresses: ["192.168.0.1/24"] }],
  });
  kernel.routes.add({ to: "default", dev: "eth0" });
  const syncs: Sync[] = [];
  const texts: string[] = [];
  const restore = (run: Restore): void => {
    if (options.fail?.()) throw new Error("another app holds the xtables lock");
    iptables(kernel).rules.IPv4 = run.rules;
    syncs.push({ ...run, time: clock.now() });
    texts.push(restoreText(run));
  };
  const proxy = new KubeProxy({
    node: options.node ?? node(),
    config,
    clock,
    kernel,
    services: { IPv4: rules },
    mode: iptablesMode({ restore }),
  });
  const key = ({ metadata }: Service | EndpointSlice): string =>
    `${metadata.namespace}/${metadata.name}`;
  return {
    clock,
    rules,
    proxy,
    kernel,
    syncs,
    texts,
    set: (...objects) =>
      objects.forEach((each) =>
        "endpoints" in each
          ? rules.setEndpointSlice(key(each), each)
          : rules.setService(key(each), each),
      ),
    remove: (...objects) =>
      objects.forEach((each) =>
        "endpoints" in each
          ? rules.setEndpointSlice(key(each), undefined)
          : rules.setService(key(each), undefined),
      ),
  };
}
const lines = (text: string, start: string): string[] =>
  text.split("\n").filter((line) => line.startsWith(start));
const kinds = (syncs: Sync[]): string[] =>
  syncs.map(({ full, time }) => `${full ? "full" : "partial"} at ${time}`);

const time = suite("when kube-proxy syncs");
time("at the start fully, then partly: two at once, then one every minSyncPeriod", () => {
  const b = bench();
  b.set(service("a", "10.2.0.1"), slice("a", ["10.1.1.1"]));
  b.proxy.start();
  b.clock.settle();
  b.set(slice("a", ["10.1.1.1", "10.1.1.2"]));
  b.clock.settle();
  b.set(slice("a", ["10.1.1.3"]));
  b.set(slice("a", ["10.1.1.4"])); // rides along
  b.clock.settle();
  b.set(slice("a", ["10.1.1.5"]));
  b.clock.settle();
  assert.equal(kinds(b.syncs), ["full at 0", "partial at 0", "partial at 1000", "partial at 2000"]);
});
time("between a change and its sync, the node goes on with the old rules", () => {
  const b = bench();
  b.set(service("a", "10.2.0.1"), slice("a", ["10.1.1.1"]));
  b.proxy.start();
  b.clock.settle();
  b.set(slice("a", ["10.1.1.9"]));
  b.clock.settle();
  b.set(slice("a", ["10.1.1.2"]));
  const goes = (port: number): string =>
    b.kernel.receive(packet(`10.1.9.9:${port}`, "10.2.0.1:80"), "eth0", {
      choose: { chance: () => true, pick: () => 0, port: (low) => low },
    }).packet.destination;
  assert.is(goes(1), "10.1.1.9");
  assert.ok(b.proxy.pending);
  b.clock.settle();
  assert.is(goes(2), "10.1.1.2");
});
time("fully every hour", () => {
  const b = bench();
  b.proxy.start();
  b.clock.settle();
  b.clock.advance(3_599_999);
  assert.is(b.syncs.length, 1);
  b.clock.advance(1);
  assert.equal(kinds(b.syncs), ["full at 0", "full at 3600000"]);
});
time("fully after a failure, syncPeriod later or with the next change", () => {
  let failing = false;
  const b = bench({}, { fail: () => failing });
  b.set(service("a", "10.2.0.1"), slice("a", ["10.1.1.1"]));
  b.proxy.start();
  b.clock.settle();
  failing = true;
  b.set(slice("a", ["10.1.1.2"]));
  b.clock.settle();
  assert.match(b.proxy.lastError()!.message, "xtables lock");
  failing = false;
  b.clock.advance(29_999);
  assert.is(b.syncs.length, 1);
  b.clock.advance(1);
  assert.equal(kinds(b.syncs), ["full at 0", "full at 30000"]);
  assert.is(b.proxy.lastError(), undefined);
});
time("fully when somebody flushed the tables: the canary is gone", () => {
  const b = bench();
  b.proxy.start();
  b.clock.settle();
  b.clock.advance(5000);
  iptables(b.kernel).rules.IPv4 = new Rules("IPv4");
  b.clock.advance(24_999);
  assert.is(b.syncs.length, 1);
  b.clock.advance(1);
  b.clock.settle();
  assert.equal(kinds(b.syncs), ["full at 0", "full at 30000"]);
  for (const table of ["mangle", "nat", "filter"] as const)
    assert.ok(iptables(b.kernel).rules.IPv4!.chain(table, "KUBE-PROXY-CANARY"));
});
time("a change right after a flush: the partial sync fails, the next one is full", () => {
  const b = bench();
  b.set(service("a", "10.2.0.1"), slice("a", ["10.1.1.1"]));
  b.proxy.start();
  b.clock.settle();
  iptables(b.kernel).rules.IPv4 = new Rules("IPv4");
  b.set(slice("a", ["10.1.1.2"]));
  b.clock.advance(1000);
  assert.match(b.proxy.lastError()!.message, "no longer there");
  b.clock.advance(30_000);
  assert.ok(b.syncs.at(-1)!.full);
});
time("fully when the Node's zone changes", () => {
  const b = bench();
  b.proxy.start();
  b.clock.settle();
  b.proxy.setNode(node());
  b.clock.settle();
  assert.is(b.syncs.length, 1, "nothing that matters changed");
  b.proxy.setNode(node("node-a", "192.168.0.1", "east"));
  b.clock.settle();
  assert.equal(
    b.syncs.map(({ full }) => full),
    [true, true],
  );
});
time(
  "a stopped kube-proxy leaves its rules as they are; started again, it catches up fully",
  () => {
    const b = bench();
    b.set(service("a", "10.2.0.1"), slice("a", ["10.1.1.1"]));
    b.proxy.start();
    b.clock.settle();
    b.proxy.stop();
    b.set(slice("a", ["10.1.1.2"]));
    b.clock.advance(100_000);
    assert.is(b.syncs.length, 1);
    const dnat = (): string[] =>
      lines((iptables(b.kernel).rules.IPv4 as NodeRules).saveText(), "-A KUBE-SEP").filter((line) =>
        line.includes("DNAT"),
      );
    assert.match(dnat().join(), "10.1.1.1:8080");
    b.proxy.start();
    b.clock.settle();
    assert.ok(b.syncs.at(-1)!.full);
    assert.match(dnat().join(), "10.1.1.2:8080");
  },
);
time("after a long rest two at once, and no more", () => {
  const b = bench();
  b.set(service("a", "10.2.0.1"), slice("a", ["10.1.1.1"]));
  b.proxy.start();
  b.clock.settle();
  b.clock.advance(100_000);
  for (const address of ["10.1.1.2", "10.1.1.3", "10.1.1.4", "10.1.1.5"]) {
    b.set(slice("a", [address]));
    b.clock.advance(0);
  }
  assert.ok(b.proxy.pending && b.proxy.isBehind("default/a"));
  b.clock.settle();
  assert.equal(kinds(b.syncs).slice(1), [
    "partial at 100000",
    "partial at 100000",
    "partial at 101000",
  ]);
  assert.not(b.proxy.pending || b.proxy.isBehind("default/a"));
});
time("an hour after the last full sync, whatever came in between", () => {
  const b = bench();
  b.set(service("a", "10.2.0.1"), slice("a", ["10.1.1.1"]));
  b.proxy.start();
  b.clock.settle();
  b.clock.advance(1_000_000);
  b.proxy.setNode(node("node-a", "192.168.0.1", "east"));
  b.clock.advance(1_000_000);
  b.set(slice("a", ["10.1.1.2"]));
  b.clock.advance(4_000_000);
  assert.equal(kinds(b.syncs), [
    "full at 0",
    "full at 1000000",
    "partial at 2000000",
    "full at 5600000",
  ]);
});
time("for as long as it fails, every syncPeriod", () => {
  let [failing, tries] = [false, 0];
  const b = bench({}, { fail: () => failing && ++tries > 0 });
  b.set(service("a", "10.2.0.1"), slice("a", ["10.1.1.1"]));
  b.proxy.start();
  b.clock.settle();
  failing = true;
  b.set(slice("a", ["10.1.1.2"]));
  b.clock.advance(95_000);
  assert.is(tries, 4, "at 0, 30, 60 and 90 seconds");
});
time.run();

const partial = suite("what a sync writes");
partial("partly: the top-level chains, and the chains of what changed", () => {
  const b = bench();
  b.set(
    service("a", "10.2.0.1"),
    slice("a", ["10.1.1.1"]),
    service("b", "10.2.0.2"),
    slice("b", ["10.1.1.2"]),
  );
  b.proxy.start();
  b.clock.settle();
  b.set(slice("b", ["10.1.1.2", "10.1.1.3"]));
  b.clock.settle();
  const [full, partly] = b.texts as [string, string];
  assert.is(lines(full, ":KUBE-SEP").length, 2);
  assert.is(lines(partly, ":KUBE-SEP").length, 2, "both of b's, none of a's");
  assert.is(lines(partly, "-A KUBE-SERVICES").length, 3, "a, b, and the NodePorts' rule");
  assert.not.match(partly, "default/a:http ->");
});
partial("an update of a Service that changes nothing of its ports asks for no sync", () => {
  const b = bench();
  const made = service("x", "10.2.0.1", { type: "LoadBalancer" });
  b.set(made, slice("x", ["10.1.1.1"]));
  b.proxy.start();
  b.clock.settle();
  const { version } = b.rules;
  const metadata = { ...made.metadata, labels: { app: "x" }, annotations: { seen: "today" } };
  b.set({ ...made, metadata, spec: { ...made.spec, selector: { app: "y" } } });
  b.set({ ...made, status: { loadBalancer: { ingress: [{ hostname: "lb.example.com" }] } } });
  b.set({ ...service("headless", "None"), spec: { clusterIP: "None", ports: [{ port: 80 }] } });
  b.clock.advance(100_000);
  assert.is(b.syncs.length, 1);
  assert.is(b.rules.version, version);
  b.set({ ...made, status: { loadBalancer: { ingress: [{ ip: "203.0.113.7" }] } } });
  b.clock.settle();
  assert.is(b.syncs.length, 2, "an address is another matter");
  b.remove(made);
  b.clock.settle();
  assert.not.match(b.texts.at(-1)!, "10.2.0.1");
});
partial("chains of endpoints that went are removed in the same run", () => {
  const b = bench();
  b.set(service("a", "10.2.0.1"), slice("a", ["10.1.1.1", "10.1.1.2"]));
  b.proxy.start();
  b.clock.settle();
  const gone = lines(b.texts[0]!, "-A KUBE-SEP")
    .find((line) => line.includes("10.1.1.1:8080"))!
    .split(" ")[1]!;
  b.set(slice("a", ["10.1.1.2"]));
  b.clock.settle();
  assert.equal(lines(b.texts[1]!, "-X"), [`-X ${gone}`]);
  assert.ok(lines(b.texts[1]!, ":").includes(`:${gone} - [0:0]`), "which flushes it first");
  b.remove(service("a", ""));
  b.clock.settle();
  assert.is(lines(b.texts[2]!, "-X").length, 2, "KUBE-SVC and the last KUBE-SEP");
});
partial("a text applied onto what the kernel holds gives what we say that it holds", () => {
  const b = bench();
  b.set(
    service("a", "10.2.0.1"),
    slice("a", ["10.1.1.1", "10.1.1.2"]),
    service("b", "10.2.0.2", { type: "NodePort" }, [{ name: "http", port: 80, nodePort: 30080 }]),
    slice("b", ["10.1.1.3"]),
  );
  b.proxy.start();
  b.clock.settle();
  let held = parseRules((iptables(b.kernel).rules.IPv4 as NodeRules).saveText());
  const steps = [
    () => b.set(slice("a", ["10.1.1.2", "10.1.1.7"])),
    () => b.remove(slice("b", [])),
    () => b.set(service("c", "10.2.0.3"), slice("c", ["10.1.1.4"])),
    () => b.remove(service("a", "")),
  ];
  for (const step of steps) {
    step();
    b.clock.settle();
    held = parseRules(b.texts.at(-1)!, { onto: held });
    const ours = iptables(b.kernel).rules.IPv4 as NodeRules;
    for (const { name, rules } of ours.chains("nat"))
      assert.equal(
        held.chain("nat", name)?.rules.map((rule) => saveRule(rule, name)),
        rules.map((rule) => saveRule(rule, name)),
        name,
      );
    assert.is(
      [...held.chains("nat")].length,
      [...ours.chains("nat")].length,
      "no chain is left over",
    );
  }
});
partial(
  "a large cluster: comments are dropped as Services are written, and old chains wait",
  () => {
    const b = bench({ iptables: { masqueradeAll: true } });
    const many = (third: number): string[] =>
      Array.from({ length: 499 }, (_, i) => `10.${third}.${i % 256}.${i >> 8}`);
    const one = (name: string, ip: string, portName: string, port: number): Service => ({
      ...service(name, ip, {}, [{ name: portName, port }]),
      metadata: { name, namespace: name.replace("svc", "ns") },
    });
    const of = (
      name: string,
      endpoints: string[],
      portName: string,
      port: number,
    ): EndpointSlice => ({
      ...slice(name, endpoints, port, portName),
      metadata: {
        name: `${name}-1`,
        namespace: name.replace("svc", "ns"),
        labels: { "kubernetes.io/service-name": name },
      },
    });
    b.set(
      one("svc1", "172.30.0.41", "p80", 80),
      of("svc1", many(0), "p80", 80),
      one("svc2", "172.30.0.42", "p8080", 8080),
      of("svc2", many(1), "p8080", 8080),
    );
    b.proxy.start();
    b.clock.settle();
    assert.ok(
      b.texts[0]!.includes(
        "-A KUBE-SEP-DKGQUZGBKLTPAR56 -m comment --comment ns1/svc1:p80 -m tcp -p tcp -j DNAT --to-destination 10.0.0.0:80\n",
      ),
    );
    b.set(
      one("svc3", "172.30.0.43", "p8081", 8081),
      of("svc3", ["203.0.113.4", "203.0.113.8", "203.0.113.12"], "p8081", 8081),
    );
    b.clock.settle();
    assert.is(lines(b.texts[1]!, ":KUBE-SEP").length, 3);
    assert.ok(
      b.texts[1]!.includes(
        "-A KUBE-SEP-RUVVH7YV3PHQBDOS -m tcp -p tcp -j DNAT --to-destination 203.0.113.4:8081\n",
      ),
    );
    const held = (iptables(b.kernel).rules.IPv4 as NodeRules).saveText();
    assert.ok(
      held.includes(
        '-A KUBE-SEP-DKGQUZGBKLTPAR56 -p tcp -m comment --comment "ns1/svc1:p80" -m tcp -j DNAT --to-destination 10.0.0.0:80\n',
      ),
      "svc1's chains were not written again",
    );
    assert.ok(
      held.includes(
        "-A KUBE-SEP-RUVVH7YV3PHQBDOS -p tcp -m tcp -j DNAT --to-destination 203.0.113.4:8081\n",
      ),
    );
    for (const text of [
      (iptables(b.kernel).rules.IPv4 as NodeRules).restoreText(),
      (iptables(b.kernel).rules.IPv4 as NodeRules).asFullSync().saveText(),
    ])
      assert.is(
        lines(text, "-A KUBE-SEP").filter((line) => line.includes("comment")).length,
        0,
        "a full sync would drop all comments",
      );
    b.set(one("svc4", "172.30.0.44", "p8082", 8082), of("svc4", ["10.4.0.1"], "p8082", 8082));
    b.clock.settle();
    b.remove(one("svc4", "", "", 0), of("svc4", [], "", 0));
    b.clock.settle();
    assert.is(lines(b.texts.at(-1)!, "-X").length, 0, "too soon since the last cleaning");
    assert.ok(
      (iptables(b.kernel).rules.IPv4 as NodeRules)
        .saveText()
        .includes(":KUBE-SVC-EBDQOQU5SJFXRIL3 "),
      "so the kernel still holds them",
    );
    assert.ok(iptables(b.kernel).rules.IPv4!.chain("nat", "KUBE-SEP-SU5STNODRYEWJAUF"));
    b.clock.advance(31_000);
    b.set(of("svc3", ["203.0.113.4", "203.0.113.8", "203.0.113.16"], "p8081", 8081));
    b.clock.settle();
    const removed = lines(b.texts.at(-1)!, "-X");
    assert.ok(
      removed.includes("-X KUBE-SVC-EBDQOQU5SJFXRIL3") &&
        removed.includes("-X KUBE-SEP-SU5STNODRYEWJAUF"),
    );
    assert.is(iptables(b.kernel).rules.IPv4!.chain("nat", "KUBE-SEP-SU5STNODRYEWJAUF"), undefined);
    b.clock.advance(3_600_000);
    assert.ok(
      b.texts
        .at(-1)!
        .includes(
          "-A KUBE-SEP-DKGQUZGBKLTPAR56 -m tcp -p tcp -j DNAT --to-destination 10.0.0.0:80\n",
        ),
      "the full sync writes all in the large way",
    );
  },
);
partial("the order of one Service's lines in both tables", () => {
  const b = bench();
  const spec = {
    type: "LoadBalancer" as const,
    externalTrafficPolicy: "Local" as const,
    externalIPs: ["1.1.1.1"],
    loadBalancerSourceRanges: ["203.0.113.0/24"],
    healthCheckNodePort: 31000,
  };
  b.set(
    {
      ...service("x", "10.2.0.1", spec, [{ name: "http", port: 80, nodePort: 30080 }]),
      status: { loadBalancer: { ingress: [{ ip: "5.6.7.8" }] } },
    },
    slice("x", [{ addresses: ["10.1.2.1"], nodeName: "node-b" }]),
  );
  b.proxy.start();
  b.clock.settle();
  const order = b.texts[0]!.split("\n")
    .filter((line) => line.startsWith("-A") && line.includes("default/x"))
    .map((line) =>
      `${line.split(" ")[1]!.replace(/-[A-Z2-7]{16}$/, "")} ${/-d ([\d.]+)|--dport (\d+)/.exec(line)?.slice(1).find(Boolean) ?? ""}`.trim(),
    );
  assert.equal(order, [
    "KUBE-EXTERNAL-SERVICES 1.1.1.1",
    "KUBE-PROXY-FIREWALL 5.6.7.8",
    "KUBE-EXTERNAL-SERVICES 5.6.7.8",
    "KUBE-EXTERNAL-SERVICES 30080",
    "KUBE-NODEPORTS 31000",
    "KUBE-SERVICES 10.2.0.1",
    "KUBE-SERVICES 1.1.1.1",
    "KUBE-SERVICES 5.6.7.8",
    "KUBE-NODEPORTS 30080",
    "KUBE-SVC 10.2.0.1",
    "KUBE-EXT",
    "KUBE-EXT",
    "KUBE-EXT",
    "KUBE-FW",
    "KUBE-FW",
    "KUBE-SVC",
    "KUBE-SEP",
    "KUBE-SEP",
  ]);
});
partial("rules that others put into the kernel stay, behind kube-proxy's jumps", () => {
  const b = bench();
  iptables(b.kernel).rules.IPv4 = parseRules(
    "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:CNI - [0:0]\n-A POSTROUTING -s 10.1.0.0/16 -j CNI\n-A CNI -j MASQUERADE\nCOMMIT",
  );
  b.proxy.start();
  b.clock.settle();
  b.clock.advance(3_600_000);
  assert.equal(
    iptables(b.kernel)
      .rules.IPv4!.chain("nat", "POSTROUTING")!
      .rules.map((rule) => saveRule(rule, "POSTROUTING")),
    [
      '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
      "-A POSTROUTING -s 10.1.0.0/16 -j CNI",
    ],
  );
  assert.ok(iptables(b.kernel).rules.IPv4!.chain("nat", "CNI"));
});
partial.run();

const shared = suite("what nodes share");
shared("one node has synced, the other has not yet", () => {
  const clock = new VirtualClock(0);
  const a = bench({}, { clock });
  const b = bench({}, { clock, rules: a.rules, node: node("node-b", "192.168.0.2") });
  a.set(service("x", "10.2.0.1"), slice("x", ["10.1.1.1"]));
  a.proxy.start();
  b.proxy.start();
  clock.settle();
  b.proxy.stop();
  a.set(slice("x", ["10.1.1.2"]));
  clock.settle();
  const goes = (kernel: Kernel): string =>
    kernel.receive(packet("10.1.9.9:7", "10.2.0.1:80"), "eth0", {
      choose: { chance: () => true, pick: () => 0, port: (low) => low },
    }).packet.destination;
  assert.equal([goes(a.kernel), goes(b.kernel)], ["10.1.1.2", "10.1.1.1"]);
  b.proxy.start();
  clock.settle();
  assert.is(
    iptables(b.kernel).rules.IPv4!.chain("nat", "KUBE-SERVICES")!.rules[0],
    iptables(a.kernel).rules.IPv4!.chain("nat", "KUBE-SERVICES")!.rules[0],
    "the same rule, not a copy",
  );
});
shared("a slice that changes hands leaves the Service that had it", () => {
  const rules = new ServiceTable(configFor("IPv4", defaults));
  const versions: number[] = [];
  const step = (change: () => void) => (change(), versions.push(rules.version));
  step(() => rules.setService("default/a", service("a", "10.2.0.1")));
  step(() => rules.setService("default/b", service("b", "10.2.0.2")));
  step(() => rules.setEndpointSlice("default/s", slice("a", ["10.1.1.1"])));
  step(() => rules.setEndpointSlice("default/s", slice("a", ["10.1.1.1", "10.1.1.2"])));
  assert.equal(versions, [1, 2, 3, 4], "one version a change");
  const served = () =>
    ["default/a", "default/b"].map(
      (key) => rules.stateAt(key, rules.version)?.ports[0]?.endpoints.length,
    );
  assert.equal([served(), rules.endpoints], [[2, 0], 2]);
  rules.setEndpointSlice("default/s", slice("b", ["10.1.1.1", "10.1.1.2"]));
  assert.equal([served(), rules.endpoints], [[0, 2], 2]);
  rules.setEndpointSlice("default/s", undefined);
  assert.equal([served(), rules.endpoints], [[0, 0], 0]);
  rules.setEndpointSlice("default/s", undefined);
  rules.setEndpointSlice("default/s", slice("a", ["10.1.1.3"]));
  assert.equal([served(), rules.endpoints], [[1, 0], 1]);
});
shared("a policy of Local gives each node its own endpoints", () => {
  const clock = new VirtualClock(0);
  const a = bench({}, { clock });
  const b = bench({}, { clock, rules: a.rules, node: node("node-b", "192.168.0.2") });
  const c = bench({}, { clock, rules: a.rules, node: node("node-c", "192.168.0.3") });
  const on = (address: string, nodeName: string): Endpoint => ({ addresses: [address], nodeName });
  a.set(
    service("x", "10.2.0.1", { internalTrafficPolicy: "Local" }),
    slice("x", [on("10.1.1.1", "node-a"), on("10.1.2.1", "node-b")]),
  );
  [a, b, c].forEach(({ proxy }) => proxy.start());
  clock.settle();
  const goes = ({ kernel }: Bench): string => {
    const verdict = kernel.receive(packet("10.1.9.9:7", "10.2.0.1:80"), "eth0", {
      choose: { chance: () => true, pick: () => 0, port: (low) => low },
    });
    return verdict.kind === "drop" ? verdict.rule!.purpose!.object! : verdict.packet.destination;
  };
  assert.equal([a, b, c].map(goes), ["10.1.1.1", "10.1.2.1", "Service default/x"]);
});
shared("states that no node uses any more are forgotten", () => {
  const b = bench();
  b.set(service("x", "10.2.0.1"));
  b.proxy.start();
  b.clock.settle();
  for (let i = 1; i < 50; i++) {
    b.set(slice("x", [`10.1.1.${i}`]));
    b.clock.settle();
  }
  assert.is(b.rules.stateAt("default/x", 1), undefined);
  b.remove(service("x", ""), slice("x", []));
  b.clock.settle();
  assert.equal([...b.rules.statesAt(b.rules.version)], []);
  b.proxy.remove();
  assert.is(b.proxy.lastSync(), undefined);
});
shared.run();

const beside = suite("beside the rules");
beside("the health check port answers 200 with a ready endpoint here, else 503", () => {
  const b = bench();
  const balanced = service("x", "10.2.0.1", {
    type: "LoadBalancer",
    externalTrafficPolicy: "Local",
    healthCheckNodePort: 31000,
  });
  b.set(
    balanced,
    slice("x", [
      { addresses: ["10.1.1.1"], nodeName: "node-a" },
      { addresses: ["10.1.2.1"], nodeName: "node-b" },
    ]),
  );
  b.proxy.start();
  b.clock.settle();
  assert.equal(b.proxy.health(31000), {
    status: 200,
    body: {
      service: { namespace: "default", name: "x" },
      localEndpoints: 1,
      serviceProxyHealthy: true,
    },
  });
  const listens = (): boolean => b.kernel.listening(packet("192.168.0.9:1", "192.168.0.1:31000"));
  assert.ok(listens());
  b.set(slice("x", [{ addresses: ["10.1.2.1"], nodeName: "node-b" }]));
  b.clock.settle();
  assert.is(b.proxy.health(31000)!.status, 503);
  b.remove(balanced);
  b.clock.settle();
  assert.is(b.proxy.health(31000), undefined);
  assert.not(listens());
});
beside("a UDP flow is freed when its endpoint goes, a TCP connection is not", () => {
  const b = bench();
  const udp: Service["spec"]["ports"] = [
    { name: "dns", port: 53, protocol: "UDP", nodePort: 30053 },
    { name: "tcp", port: 53, protocol: "TCP" },
  ];
  const both = (address: string): EndpointSlice => ({
    ...slice("x", [address], 53, "dns", "UDP"),
    ports: [
      { name: "dns", port: 53, protocol: "UDP" },
      { name: "tcp", port: 53, protocol: "TCP" },
    ],
  });
  b.set(service("x", "10.2.0.1", { type: "NodePort" }, udp), both("10.1.1.1"));
  b.proxy.start();
  b.clock.settle();
  const walk = { choose: { chance: () => true, pick: () => 0, port: (low: number) => low } };
  const ask = (destination: string, protocol: "UDP" | "TCP", port: number): string =>
    describe(
      b.kernel.receive(packet(`10.1.9.9:${port}`, destination, protocol), "eth0", walk).packet,
    ).split("-> ")[1]!;
  assert.equal(
    [
      ask("10.2.0.1:53", "UDP", 1),
      ask("192.168.0.1:30053", "UDP", 2),
      ask("10.2.0.1:53", "TCP", 3),
    ],
    ["10.1.1.1:53", "10.1.1.1:53", "10.1.1.1:53"],
  );
  b.kernel.receive(replyTo(packet("10.1.9.9:3", "10.1.1.1:53", "TCP")), "eth0", walk);
  b.set(both("10.1.1.2"));
  assert.is(
    ask("10.2.0.1:53", "UDP", 1),
    "10.1.1.1:53",
    "before the sync it goes on to the old endpoint",
  );
  b.clock.settle();
  assert.equal(
    [ask("10.2.0.1:53", "UDP", 1), ask("192.168.0.1:30053", "UDP", 2)],
    ["10.1.1.2:53", "10.1.1.2:53"],
  );
  assert.is(
    b.kernel.receive(packet("10.1.9.9:3", "10.2.0.1:53", "TCP", "ACK"), "eth0", walk).packet
      .destination,
    "10.1.1.1",
  );
});
beside("session affinity: the same client, the same endpoint, until its time is over", () => {
  const b = bench();
  b.set(
    service("x", "10.2.0.1", {
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
    }),
    slice("x", ["10.1.1.1", "10.1.1.2"]),
  );
  b.proxy.start();
  b.clock.settle();
  const goes = (port: number, chance: boolean): string =>
    b.kernel.receive(packet(`10.1.9.9:${port}`, "10.2.0.1:80"), "eth0", {
      choose: { chance: () => chance, pick: () => 0, port: (low) => low },
    }).packet.destination;
  assert.equal(
    [goes(1, false), goes(2, true), goes(3, true)],
    ["10.1.1.2", "10.1.1.2", "10.1.1.2"],
  );
  b.clock.advance(60_001);
  assert.is(goes(4, true), "10.1.1.1");
});
beside("kube-proxy sets the machine's switches", () => {
  assert.ok(bench().kernel.routeLocalnet);
  assert.not(bench({ iptables: { localhostNodePorts: false } }).kernel.routeLocalnet);
  assert.not(bench({ nodePortAddresses: ["192.168.0.0/24"] }).kernel.routeLocalnet);
  assert.ok(bench({ conntrack: { tcpBeLiberal: true } }).kernel.conntrack.tcpLiberal);
});
beside("its own health port answers 200 while changes reach the kernel and the node stays", () => {
  let failing = false;
  const b = bench({}, { fail: () => failing });
  const balanced = {
    type: "LoadBalancer",
    externalTrafficPolicy: "Local",
    healthCheckNodePort: 31000,
  } as const;
  const here = (address: string): Endpoint => ({ addresses: [address], nodeName: "node-a" });
  b.set(service("x", "10.2.0.1", balanced), slice("x", [here("10.1.1.1")]));
  const listens = () => b.kernel.listening(packet("192.168.0.9:1", "192.168.0.1:10256"));
  const says = () => [b.proxy.httpStatus(10256), b.proxy.httpStatus(31000)];
  assert.equal([listens(), ...says()], [false, undefined, undefined]);
  b.proxy.start();
  b.clock.settle();
  assert.equal([listens(), ...says(), b.proxy.httpStatus(80)], [true, 200, 200, undefined]);
  failing = true;
  b.set(slice("x", [here("10.1.1.2")]));
  b.clock.advance(59_999);
  assert.equal(says(), [200, 200], "twice syncPeriod is its patience");
  b.clock.advance(1);
  assert.equal(says(), [503, 503]);
  failing = false;
  b.clock.advance(30_000);
  assert.equal(says(), [200, 200]);
  const leaving = { key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" } as const;
  b.proxy.setNode({ ...node(), spec: { ...node().spec, taints: [leaving] } });
  assert.equal(says(), [503, 200]);
  b.proxy.setNode({ ...node(), spec: { ...node().spec, taints: [{ ...leaving, key: "other" }] } });
  assert.equal(says(), [200, 200]);
  b.proxy.setNode({
    ...node(),
    metadata: { name: "node-a", deletionTimestamp: "2026-01-01T00:00:00Z" },
  });
  assert.equal(says(), [503, 200]);
  b.proxy.stop();
  assert.equal([listens(), ...says()], [false, undefined, undefined]);
});
beside("local endpoints are counted by address, the ready ones alone", () => {
  const b = bench();
  const ports: Service["spec"]["ports"] = [
    { name: "http", port: 80, protocol: "TCP" },
    { name: "https", port: 443, protocol: "TCP" },
  ];
  const here = (address: string, ready = true): Endpoint => ({
    addresses: [address],
    nodeName: "node-a",
    conditions: { ready },
  });
  const both = (...endpoints: Endpoint[]): EndpointSlice => ({
    ...slice("x", endpoints),
    ports: ports.map(({ name, port }) => ({ name: name!, port, protocol: "TCP" })),
  });
  const spec = { type: "LoadBalancer", healthCheckNodePort: 31000 } as const;
  b.set(
    service("x", "10.2.0.1", { ...spec, externalTrafficPolicy: "Local" }, ports),
    both(here("10.1.1.1"), here("10.1.1.2"), here("10.1.1.3", false)),
  );
  b.proxy.start();
  b.clock.settle();
  assert.is(b.proxy.health(31000)?.body.localEndpoints, 2);
  b.set(service("x", "10.2.0.1", { ...spec, externalTrafficPolicy: "Cluster" }, ports));
  b.clock.settle();
  assert.is(b.proxy.health(31000), undefined, "there is no such port for the policy Cluster");
});
for (const [version, kept] of [
  ["1.37", ["192.168.0.77"]],
  // the regression of 1.32 to 1.36 (kubernetes #139628)
  ["1.35", ["1.2.3.4", "1.2.3.5", "10.2.0.1", "192.168.0.77"]],
] as const)
  beside(
    `${version}: a UDP flow stays for as long as its endpoint serves, and if it is nobody's`,
    () => {
      const config = readConfiguration({ clusterCIDR: "10.1.0.0/16" });
      const features = { kubernetes: kubernetes(version) };
      const b = bench({}, { rules: new ServiceTable(configFor("IPv4", config, features)) });
      const udp: Service["spec"]["ports"] = [{ name: "dns", port: 53, protocol: "UDP" }];
      const balanced: Service = {
        ...service("x", "10.2.0.1", { type: "LoadBalancer", externalIPs: ["1.2.3.4"] }, udp),
        status: { loadBalancer: { ingress: [{ ip: "1.2.3.5" }] } },
      };
      const tcp = service("y", "10.2.0.2", { type: "NodePort" }, [
        { name: "http", port: 80, protocol: "TCP", nodePort: 53 },
      ]);
      b.set(balanced, tcp, slice("x", ["10.1.1.1"], 53, "dns", "UDP"));
      b.proxy.start();
      b.clock.settle();
      const walk = { choose: { chance: () => true, pick: () => 0, port: (low: number) => low } };
      const flows = () =>
        [...b.kernel.conntrack.udpConnections()].map(({ original }) => original.destination).sort();
      for (const to of ["10.2.0.1", "1.2.3.4", "1.2.3.5", "192.168.0.77"])
        b.kernel.receive(packet("10.1.9.9:1", `${to}:53`, "UDP"), "eth0", walk);
      assert.equal(flows(), ["1.2.3.4", "1.2.3.5", "10.2.0.1", "192.168.0.77"]);
      b.set(slice("x", [state("10.1.1.1", false, true, true)], 53, "dns", "UDP"));
      b.clock.settle();
      assert.equal(flows(), ["1.2.3.4", "1.2.3.5", "10.2.0.1", "192.168.0.77"]);
      b.set(slice("x", [state("10.1.1.1", false, false, true)], 53, "dns", "UDP"));
      b.clock.settle();
      assert.equal(flows(), kept);
      // another endpoint is there: those of the one that is gone are forgotten in each version
      b.set(slice("x", ["10.1.1.2"], 53, "dns", "UDP"));
      b.clock.settle();
      assert.equal(flows(), ["192.168.0.77"]);
    },
  );
beside.run();

const variations = suite("variations");
/** Where a ClusterIP's chain leads on a node of a zone. */
function endpointsFrom(
  endpoints: Endpoint[],
  {
    zone,
    name = "node-a",
    spec = {},
    document = {},
  }: { zone?: string; name?: string; spec?: Partial<Service["spec"]>; document?: object } = {},
): string[] {
  const rules = new ServiceTable(configFor("IPv4", readConfiguration(document)));
  rules.setService("default/x", service("x", "10.2.0.1", spec));
  rules.setEndpointSlice("default/x-x", slice("x", endpoints));
  const view = { name, zone, addresses: ["192.168.0.1"] };
  const text = new NodeRules(sharedRules(rules), rules.version, view).saveText();
  return [...text.matchAll(/to-destination (10\.[\d.]+):/g)].map(([, address]) => address!).sort();
}
const hinted = (address: string, zone?: string, nodes?: string[]): Endpoint => ({
  addresses: [address],
  hints: {
    ...(zone && { forZones: [{ name: zone }] }),
    ...(nodes && { forNodes: nodes.map((name) => ({ name })) }),
  },
});
const state = (
  address: string,
  ready: boolean,
  serving: boolean,
  terminating: boolean,
): Endpoint => ({ addresses: [address], conditions: { ready, serving, terminating } });
variations("hints for zones, if every ready endpoint has one and one fits", () => {
  const east = [hinted("10.1.1.1", "east"), hinted("10.1.1.2", "west")];
  assert.equal(endpointsFrom(east, { zone: "east" }), ["10.1.1.1"]);
  assert.equal(endpointsFrom(east, { zone: "north" }), ["10.1.1.1", "10.1.1.2"]);
  assert.equal(endpointsFrom(east), ["10.1.1.1", "10.1.1.2"]);
  assert.equal(endpointsFrom([...east, { addresses: ["10.1.1.3"] }], { zone: "east" }), [
    "10.1.1.1",
    "10.1.1.2",
    "10.1.1.3",
  ]);
  assert.equal(
    endpointsFrom([...east, { ...state("10.1.1.3", false, false, false) }], { zone: "east" }),
    ["10.1.1.1"],
    "one that is not ready does not count",
  );
});
/** What nodes send to that share one table of Services, by their zones. */
function endpointsByZone(endpoints: Endpoint[], zones: readonly string[]): string[][] {
  const rules = new ServiceTable(configFor("IPv4", defaults));
  rules.setService("default/x", service("x", "10.2.0.1"));
  rules.setEndpointSlice("default/x-x", slice("x", endpoints));
  return zones.map((zone) => {
    const view = { name: `node-${zone}`, zone, addresses: ["192.168.0.1"] };
    const text = new NodeRules(sharedRules(rules), rules.version, view).saveText();
    return [...text.matchAll(/to-destination (10\.[\d.]+):/g)]
      .map(([, address]) => address!)
      .sort();
  });
}
variations("hints give nodes that share their Services each its own endpoints", () => {
  const byZone = [hinted("10.1.1.1", "east"), hinted("10.1.1.2", "west")];
  assert.equal(endpointsByZone(byZone, ["east", "west", "north"]), [
    ["10.1.1.1"],
    ["10.1.1.2"],
    ["10.1.1.1", "10.1.1.2"],
  ]);
  const byNode = [
    hinted("10.1.1.1", undefined, ["node-east"]),
    hinted("10.1.1.2", undefined, ["node-west"]),
  ];
  assert.equal(endpointsByZone(byNode, ["east", "west"]), [["10.1.1.1"], ["10.1.1.2"]]);
});
variations("hints for nodes come before hints for zones", () => {
  assert.equal(
    endpointsFrom(
      [hinted("10.1.1.1", "east", ["node-b"]), hinted("10.1.1.2", "east", ["node-a"])],
      { zone: "east" },
    ),
    ["10.1.1.2"],
  );
});
variations("terminating endpoints serve only where none is ready", () => {
  const ending = state("10.1.1.1", false, true, true);
  assert.equal(endpointsFrom([ending, state("10.1.1.2", true, true, false)]), ["10.1.1.2"]);
  assert.equal(endpointsFrom([ending, state("10.1.1.3", false, false, true)]), ["10.1.1.1"]);
  assert.equal(endpointsFrom([state("10.1.1.3", false, false, true)]), []);
});
variations(
  "one that still serves elsewhere makes it a matter of the node, not of the Service",
  () => {
    const [local, elsewhere] = [{ internalLocal: true, nodePort: 0 }, "node-b"];
    const any = (serving: boolean): boolean => {
      const endpoint = { text: "10.1.1.1:80", ready: false, serving, terminating: true };
      return chooseEndpoints(
        { ...local, loadBalancerIPs: [], externalIPs: [] } as never,
        [{ ...endpoint, nodeName: elsewhere } as never],
        { name: "node-a" },
      ).any;
    };
    assert.equal([any(true), any(false)], [true, false]);
  },
);
variations("publishNotReadyAddresses: ready and terminating at once is ready", () =>
  assert.equal(endpointsFrom([state("10.1.1.1", true, true, true)]), ["10.1.1.1"]),
);
variations("local detection by node range, bridge, interface prefix, or not at all", () => {
  const first = (document: object): string => {
    const rules = new ServiceTable(configFor("IPv4", readConfiguration(document)));
    rules.setService("default/x", service("x", "10.2.0.1"));
    rules.setEndpointSlice("default/x-x", slice("x", ["10.1.1.1"]));
    const text = new NodeRules(sharedRules(rules), rules.version, {
      name: "a",
      addresses: [],
      podCIDRs: ["10.1.1.0/24", "fd00::/64"],
    }).restoreText();
    return /-A KUBE-SVC\S+ (.*)/.exec(text)![1]!.replace(/^.*--dport 80 /, "");
  };
  assert.is(first({ detectLocalMode: "NodeCIDR" }), "! -s 10.1.1.0/24 -j KUBE-MARK-MASQ");
  assert.is(
    first({ detectLocalMode: "BridgeInterface", detectLocal: { bridgeInterface: "cbr0" } }),
    "! -i cbr0 -j KUBE-MARK-MASQ",
  );
  assert.is(
    first({ detectLocalMode: "InterfaceNamePrefix", detectLocal: { interfaceNamePrefix: "cali" } }),
    "! -i cali+ -j KUBE-MARK-MASQ",
  );
  assert.is(first({ clusterCIDR: "fd00::/48,10.0.0.0/8" }), "! -s 10.0.0.0/8 -j KUBE-MARK-MASQ");
  assert.match(first({}), /^-m comment --comment "default\/x:http -> /, "no rule at all");
  assert.is(first({ iptables: { masqueradeAll: true } }), "-j KUBE-MARK-MASQ");
});
variations("the mark stands in eight digits in what kube-proxy gives iptables-restore", () => {
  for (const [masqueradeBit, mark] of [
    [14, "0x00004000"],
    [0, "0x00000001"],
    [31, "0x80000000"],
  ]) {
    const document = readConfiguration({ iptables: { masqueradeBit } });
    const rules = new ServiceTable(configFor("IPv4", document));
    const view = { name: "a", addresses: [] };
    const text = new NodeRules(sharedRules(rules), rules.version, view).restoreText();
    assert.match(text, `-A KUBE-MARK-MASQ -j MARK --or-mark ${mark}\n`);
    assert.match(text, `-A KUBE-POSTROUTING -j MARK --xor-mark ${mark}\n`);
    assert.match(text, `-m mark ! --mark ${mark}/${mark} -j RETURN\n`);
  }
});
variations(
  "no rules: headless, ExternalName, no ports; ipMode Proxy gives none for that address",
  () => {
    for (const spec of [
      { clusterIP: "None" },
      { type: "ExternalName" as const, externalName: "example.com" },
      { ports: [] },
    ])
      assert.equal(endpointsFrom([{ addresses: ["10.1.1.1"] }], { spec }), []);
    const rules = new ServiceTable(configFor("IPv4", defaults));
    rules.setService("default/x", {
      ...service("x", "10.2.0.1", { type: "LoadBalancer" }),
      status: {
        loadBalancer: { ingress: [{ ip: "1.2.3.4", ipMode: "Proxy" }, { ip: "5.6.7.8" }] },
      },
    });
    rules.setEndpointSlice("default/x-x", slice("x", ["10.1.1.1"]));
    const text = new NodeRules(sharedRules(rules), rules.version, {
      name: "a",
      addresses: [],
    }).saveText();
    assert.match(text, "5.6.7.8/32");
    assert.not.match(text, "1.2.3.4");
  },
);
variations("slices of mixed families: kube-proxy ignores the strays, and we say so", () => {
  const problems: string[] = [];
  const rules = new ServiceTable(configFor("IPv4", defaults), (problem) => problems.push(problem));
  rules.setService("default/x", service("x", "10.2.0.1"));
  rules.setEndpointSlice("default/x-x", slice("x", ["fd00::1", "10.1.1.1"]));
  assert.match(
    new NodeRules(sharedRules(rules), rules.version, { name: "a", addresses: [] }).saveText(),
    "10.1.1.1:8080",
  );
  assert.equal(problems, [
    'EndpointSlice default/x-x: endpoints[0].addresses[0] is "fd00::1", yet addressType is IPv4; kube-proxy ignores it',
  ]);
});
variations("slices of the other family are no strays: nothing is said of them", () => {
  const problems: string[] = [];
  const rules = new ServiceTable(configFor("IPv4", defaults), (problem) => problems.push(problem));
  rules.setService("default/x", service("x", "10.2.0.1"));
  rules.setEndpointSlice("default/x-x", slice("x", ["10.1.1.1"]));
  rules.setEndpointSlice("default/x-y", { ...slice("x", ["fd00::1"]), addressType: "IPv6" });
  const [port] = rules.stateAt("default/x", rules.version)!.ports;
  assert.equal(
    port!.endpoints.map(({ text }) => text),
    ["10.1.1.1:8080"],
  );
  assert.equal(problems, []);
});
variations("dual stack: each family has its own rules", () => {
  const config = readConfiguration({ clusterCIDR: "10.1.0.0/16,fd00:1::/48" });
  const both = service("x", "10.2.0.1", {
    clusterIPs: ["10.2.0.1", "fd00:2::1"],
    ipFamilies: ["IPv4", "IPv6"],
    ipFamilyPolicy: "PreferDualStack",
  });
  const six = new ServiceTable(configFor("IPv6", config));
  six.setService("default/x", both);
  six.setEndpointSlice("default/x-x", slice("x", ["10.1.1.1"]));
  six.setEndpointSlice("default/x-y", {
    ...slice("x", ["fd00:1::1"], 8080, "http", "TCP", "y"),
    addressType: "IPv6",
  });
  const text = new NodeRules(sharedRules(six), six.version, {
    name: "a",
    addresses: [],
  }).saveText();
  assert.match(text, "-d fd00:2::1/128 -p tcp");
  assert.match(text, "--to-destination [fd00:1::1]:8080");
  assert.not.match(text, /10\.\d/);
});
/** A Service, and which chains node-a has of it where its endpoint is there, or on node-b. */
const kindsOfServices: [
  what: string,
  spec: Partial<Service["spec"]>,
  here: string,
  elsewhere: string,
  ip?: string,
][] = [
  ["ClusterIP", {}, "SEP SVC", "SEP SVC"],
  ["internalTrafficPolicy Local", { internalTrafficPolicy: "Local" }, "SEP SVL", ""],
  ["NodePort", { type: "NodePort" }, "EXT SEP SVC", "EXT SEP SVC"],
  [
    "NodePort, both policies Local",
    { type: "NodePort", internalTrafficPolicy: "Local", externalTrafficPolicy: "Local" },
    "EXT SEP SVC SVL",
    "EXT SEP SVC",
  ],
  [
    "an external IP, policy Local",
    { externalIPs: ["1.1.1.1"], externalTrafficPolicy: "Local" },
    "EXT SEP SVC SVL",
    "EXT SEP SVC",
  ],
  ["LoadBalancer", { type: "LoadBalancer" }, "EXT SEP SVC", "EXT SEP SVC", "203.0.113.7"],
  [
    "LoadBalancer for some",
    { type: "LoadBalancer", loadBalancerSourceRanges: ["10.0.0.0/8"] },
    "EXT FW SEP SVC",
    "EXT FW SEP SVC",
    "203.0.113.7",
  ],
  [
    "some, but no load balancer",
    { type: "LoadBalancer", loadBalancerSourceRanges: ["10.0.0.0/8"] },
    "EXT SEP SVC",
    "EXT SEP SVC",
  ],
];
for (const [what, spec, here, elsewhere, ip] of kindsOfServices)
  for (const nodeName of ["node-a", "node-b", undefined])
    variations(
      `${what}, ${nodeName ? `an endpoint on ${nodeName}` : "no endpoint"}: the chains are those that are jumped to`,
      () => {
        const rules = new ServiceTable(
          configFor("IPv4", readConfiguration({ clusterCIDR: "10.1.0.0/16" })),
        );
        const nodePort = spec.type ? { nodePort: 30080 } : {};
        const made = service("x", "10.2.0.1", spec, [
          { name: "http", port: 80, protocol: "TCP", ...nodePort },
        ]);
        if (ip) made.status = { loadBalancer: { ingress: [{ ip }] } };
        rules.setService("default/x", made);
        rules.setEndpointSlice(
          "default/x-x",
          slice("x", nodeName ? [{ addresses: ["10.1.1.1"], nodeName }] : []),
        );
        const view = { name: "node-a", addresses: ["192.168.0.1"] };
        const held = new NodeRules(sharedRules(rules), rules.version, view);
        const own = /KUBE-(SVC|SVL|EXT|FW|SEP)-\w+/;
        const restored = held.restoreText();
        const declared = lines(restored, ":").flatMap((line) => own.exec(line)?.[0] ?? []);
        const written = lines(restored, "-A").flatMap(
          (line) => new RegExp(`^-A (${own.source})`).exec(line)?.[1] ?? [],
        );
        const met = lines(restored, "-A").flatMap(
          (line) => new RegExp(`-j (${own.source})`).exec(line)?.[1] ?? [],
        );
        const sorted = (names: string[]) => [...new Set(names)].sort();
        const [program] = [...held.programs()];
        assert.equal([...program!.chainNames()].sort(), [...program!.chains.keys()].sort());
        assert.equal(sorted(declared), [...program!.names].sort());
        assert.equal(sorted(written), sorted(declared));
        const kinds = sorted(declared.map((name) => name.split("-")[1]!)).join(" ");
        assert.is(kinds, { "node-a": here, "node-b": elsewhere }[nodeName ?? ""] ?? "");
        for (const name of met) assert.ok(declared.includes(name), `${name} is jumped to`);
        // with a policy of Local there are both choices: short cuts take all endpoints (proxier.go)
        for (const name of declared)
          assert.ok(met.includes(name) || /-SV[CL]-/.test(name), `${name} is not`);
      },
    );
variations("every chain of kube-proxy's says what it is for, as its name would", () => {
  const b = bench();
  const spec: Partial<Service["spec"]> = {
    type: "LoadBalancer",
    externalTrafficPolicy: "Local",
    loadBalancerSourceRanges: ["10.0.0.0/8"],
    healthCheckNodePort: 31000,
  };
  const ports: Service["spec"]["ports"] = [
    { name: "http", port: 80, protocol: "TCP", nodePort: 30080 },
  ];
  const balanced = service("x", "10.2.0.1", spec, ports);
  balanced.status = { loadBalancer: { ingress: [{ ip: "203.0.113.7" }] } };
  b.set(balanced, slice("x", [{ addresses: ["10.1.1.1"], nodeName: "node-a" }]));
  b.proxy.start();
  b.clock.settle();
  const rules = iptables(b.kernel).rules.IPv4!;
  const told = new Set<string | undefined>();
  for (const table of ["mangle", "nat", "filter"] as const)
    for (const { name, purpose } of rules.chains(table)) {
      assert.is(purpose?.place, placeOf(table, name), `${table} ${name}`);
      told.add(purpose?.place);
    }
  for (const place of ownPlaces) assert.ok(told.has(place), place);
  assert.is(told.size, 17, "all 16, and none for the kernel's own chains");
});
variations("every rule and chain has its reason", () => {
  const b = bench();
  b.set(
    service(
      "x",
      "10.2.0.1",
      {
        type: "LoadBalancer",
        externalTrafficPolicy: "Local",
        loadBalancerSourceRanges: ["203.0.113.0/24"],
        healthCheckNodePort: 31000,
        sessionAffinity: "ClientIP",
        externalIPs: ["1.1.1.1"],
      },
      [{ port: 80, nodePort: 30080, name: "http" }],
    ),
    slice("x", ["10.1.1.1"]),
  );
  b.proxy.start();
  b.clock.settle();
  for (const table of ["nat", "filter", "mangle"] as const) {
    for (const { name, rules } of iptables(b.kernel).rules.IPv4!.chains(table)) {
      assert.ok(whyChain(name), name);
      for (const rule of rules) assert.match(why(rule, name), /^[A-Z].*\.$/);
    }
  }
  const dnat = [...iptables(b.kernel).rules.IPv4!.chains("nat")].find(({ name }) =>
    name.startsWith("KUBE-SEP"),
  )!;
  assert.is(
    why(dnat.rules[1]!, dnat.name),
    "Sends the packet to 10.1.1.1:8080 by rewriting its destination (EndpointSlice default/x-x, endpoints[0]).",
  );
});
variations.run();

const config = suite("KubeProxyConfiguration");
config("its fields, with durations", () => {
  const read = readConfiguration({
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "iptables",
    bindAddress: "0.0.0.0",
    clusterCIDR: "10.0.0.0/8",
    iptables: { minSyncPeriod: "500ms", syncPeriod: "1m30s", masqueradeBit: 10 },
    conntrack: { maxPerCore: 0 },
    nodePortAddresses: null,
    ipvs: { scheduler: "rr" },
  });
  assert.equal(
    { ...read.iptables, addresses: read.nodePortAddresses },
    {
      masqueradeAll: false,
      masqueradeBit: 10,
      localhostNodePorts: true,
      minSyncPeriod: 500,
      syncPeriod: 90_000,
      addresses: [],
    },
  );
  assert.is(configFor("IPv4", read).masqueradeMark, 0x400);
});
config("what kubeadm writes: null and 0s are unset", () => {
  const read = readConfiguration({
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    bindAddress: "0.0.0.0",
    bindAddressHardFail: false,
    clientConnection: { burst: 0, kubeconfig: "/var/lib/kube-proxy/kubeconfig.conf", qps: 0 },
    clusterCIDR: "10.244.0.0/16",
    configSyncPeriod: "0s",
    conntrack: {
      maxPerCore: null,
      min: null,
      tcpBeLiberal: false,
      tcpCloseWaitTimeout: null,
      tcpEstablishedTimeout: null,
      udpStreamTimeout: "0s",
      udpTimeout: "0s",
    },
    detectLocal: { bridgeInterface: "", interfaceNamePrefix: "" },
    detectLocalMode: "",
    enableProfiling: false,
    healthzBindAddress: "",
    hostnameOverride: "",
    iptables: {
      localhostNodePorts: null,
      masqueradeAll: false,
      masqueradeBit: null,
      minSyncPeriod: "0s",
      syncPeriod: "0s",
    },
    ipvs: { excludeCIDRs: null, scheduler: "" },
    logging: { flushFrequency: 0 },
    metricsBindAddress: "",
    mode: "",
    nftables: { masqueradeBit: null },
    nodePortAddresses: null,
    oomScoreAdj: null,
    portRange: "",
    showHiddenMetricsForVersion: "",
    winkernel: { enableDSR: false },
  });
  assert.equal(read, { ...defaults, clusterCIDR: "10.244.0.0/16", mode: "" });
});
config("a whole part that is null is unset too", () =>
  assert.equal(
    readConfiguration({ iptables: null, detectLocal: null, clusterCIDR: null, mode: null }),
    defaults,
  ),
);
const bad: [object, RegExp][] = [
  [{ iptables: { masqueradeBit: -1 } }, /masqueradeBit: got -1; write a whole number from 0 to 31/],
  [{ iptables: { masqueradeBit: 1.5 } }, /masqueradeBit: got 1.5; write a whole number/],
  [{ iptables: { masqueradeAll: "yes" } }, /masqueradeAll: got "yes"; write true or false/],
  [{ clusterCIDR: 10 }, /clusterCIDR: got 10; write a text/],
  [{ clusterCIDR: "10.0.0.0/8,fd00::/64,fd01::/64" }, /at most one CIDR of each family/],
  [{ nodePortAddresses: "primary" }, /nodePortAddresses: got "primary"; write a list of CIDRs/],
  [{ nodePortAddresses: ["primary", "10.0.0.0/8"] }, /nodePortAddresses\[0\]: got "primary"/],
  [{ detectLocalMode: "InterfaceNamePrefix" }, /interfaceNamePrefix: got ""; write the prefix/],
  [{ iptables: "x" }, /iptables: got "x"; write an object with masqueradeAll/],
  [{ mode: "userspace" }, /mode: got "userspace"; write one of "", "iptables", "nftables", "ipvs"/],
  [
    { mode: "nftables", nftables: { minSyncPeriod: "1m" } },
    /nftables.minSyncPeriod: got "60000ms"; write at most nftables.syncPeriod, which is 30000ms/,
  ],
  [{ nftables: { masqueradeBit: 32 } }, /nftables.masqueradeBit: got 32; write a whole number/],
  [
    { iptables: { masqueradeall: true } },
    /iptables\.masqueradeall: got true; there is no such field here; there are masqueradeAll, masqueradeBit/,
  ],
  [{ clusterCIDR: "10.0.0.0" + "/33" }, /clusterCIDR: got "10.0.0.0\/33"; write a CIDR/],
  [{ clusterCIDR: "10.0.0.0/8,10.1.0.0/16" }, /at most one CIDR of each family/],
  [
    { nodePortAddresses: ["192.168.0.1"] },
    /nodePortAddresses\[0\]: got "192.168.0.1"; write a CIDR/,
  ],
  [{ iptables: { syncPeriod: "soon" } }, /iptables\.syncPeriod: got "soon"; write a/],
  [{ iptables: { minSyncPeriod: "1m" } }, /iptables\.minSyncPeriod: got "60000ms"; write at most/],
  [{ iptables: { masqueradeBit: 32 } }, /masqueradeBit: got 32; write a whole number from 0 to 31/],
  [{ iptables: [] }, /iptables: got \[\]; write an object with/],
  [{ detectLocalMode: "Guess" }, /detectLocalMode: got "Guess"; write one of/],
  // what a real kube-proxy 1.35.4 refuses, too
  [{ clusterCIDR: "10.0.0.0" }, /clusterCIDR: got "10.0.0.0"; write a CIDR/],
  [
    { clusterCIDR: "10.0.0.0/8, fd00::/64" },
    /clusterCIDR: got "10.0.0.0\/8, fd00::\/64"; write a CIDR/,
  ],
  [{ bindAddress: "nowhere" }, /bindAddress: got "nowhere"; write an address/],
  [{ metricsBindAddress: "1.2.3.4:99999" }, /metricsBindAddress: got "1.2.3.4:99999"; write it as/],
  [{ oomScoreAdj: 2000 }, /oomScoreAdj: got 2000; write a whole number from -1000 to 1000/],
  [{ conntrack: { maxPerCore: -1 } }, /conntrack.maxPerCore: got -1; write a whole number/],
  [{ detectLocalMode: "BridgeInterface" }, /detectLocal\.bridgeInterface: got ""; name the bridge/],
];
for (const [document, message] of bad)
  config(`refuses ${JSON.stringify(document)}`, () =>
    assert.throws(() => readConfiguration(document), message),
  );
config("NodePort addresses: primary is the node IP, a range chooses, a zero range is all", () => {
  const tail = (nodePortAddresses: string[], version = "1.35"): string[] => {
    const document = readConfiguration({ nodePortAddresses }, kubernetes(version));
    const rules = new ServiceTable(configFor("IPv4", document));
    return new NodeRules(sharedRules(rules), 0, {
      name: "a",
      nodeIP: "192.168.0.1",
      addresses: ["127.0.0.1", "192.168.0.1", "1.2.3.4"],
    })
      .chain("nat", "KUBE-SERVICES")!
      .rules.map((rule) => saveRule(rule, "X").replace(/ -m comment.*?" /, " "));
  };
  assert.equal(tail(["primary"]), ["-A X -d 192.168.0.1/32 -j KUBE-NODEPORTS"]);
  assert.equal(tail(["1.2.3.0/24", "192.168.0.0/16"]), [
    "-A X -d 1.2.3.4/32 -j KUBE-NODEPORTS",
    "-A X -d 192.168.0.1/32 -j KUBE-NODEPORTS",
  ]);
  const everywhere = ["-A X -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS"];
  assert.equal(tail(["0.0.0.0/0"]), everywhere);
  assert.equal(tail(["all", "primary"], "1.37"), everywhere);
  assert.equal(tail(["localhost", "primary"], "1.37"), [
    "-A X -d 127.0.0.1/32 -j KUBE-NODEPORTS",
    "-A X -d 192.168.0.1/32 -j KUBE-NODEPORTS",
  ]);
  assert.equal(tail(["localhost"], "1.37"), ["-A X -d 127.0.0.1/32 -j KUBE-NODEPORTS"]);
  for (const [list, version, which] of [
    [["localhost"], "1.36", "0"],
    [["all"], "1.36", "0"],
    [["primary", "all", "primary"], "1.37", "2"],
  ] as const)
    assert.throws(
      () => tail([...list], version),
      new RegExp(`nodePortAddresses\\[${which}\\]: got "${list.at(-1)}"; write a CIDR`),
    );
});
config(
  "in nftables mode, localhost adds nothing, and leaves the other family its own range",
  () => {
    const document = readConfiguration(
      { nodePortAddresses: ["primary", "localhost"] },
      kubernetes("1.37"),
    );
    const view = {
      name: "a",
      nodeIP: "192.168.0.1",
      addresses: ["127.0.0.1", "192.168.0.1", "::1"],
    };
    const elements = (family: "IPv4" | "IPv6", nodeIP?: string): string[] => {
      const config = nftablesConfigFor(family, document);
      const on = configOn({ ...view, nodeIP }, config);
      const keys = nodePortSet({ ...view, nodeIP }, on).elements.values();
      return Array.from(keys, ({ key }) => key);
    };
    assert.equal(elements("IPv4", "192.168.0.1"), ["192.168.0.1"]);
    assert.equal(elements("IPv6"), [], "::1 alone, which nftables leaves out");
  },
);
config("Kubernetes 1.37: --random-fully always, and in a large cluster no hourly full sync", () => {
  const of = (version: string) =>
    configFor("IPv4", readConfiguration({}), {
      randomFully: false,
      kubernetes: kubernetes(version),
    });
  assert.equal(
    ["1.36", "1.37"].map((version) => of(version).randomFully),
    [false, true],
  );
  for (const [version, count, full] of [
    ["1.36", 1001, [true, true]],
    ["1.37", 1001, [true, false]],
    ["1.37", 1000, [true, true]],
  ] as const) {
    const rules = new ServiceTable(of(version));
    const b = bench({}, { rules });
    const addresses = Array.from({ length: count }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
    b.set(service("x", "10.2.0.1"), slice("x", addresses));
    b.proxy.start();
    b.clock.advance(3_700_000);
    const last = b.syncs.slice(0, 2);
    assert.equal(
      last.map((sync) => sync.full),
      full,
      `${version}, ${count} endpoints`,
    );
  }
});
config("at the edges of what is allowed", () => {
  for (const masqueradeBit of [0, 31])
    assert.is(
      readConfiguration({ iptables: { masqueradeBit } }).iptables.masqueradeBit,
      masqueradeBit,
    );
  const others = { mode: "nftables", iptables: { minSyncPeriod: "1m" } };
  assert.is(readConfiguration(others).iptables.minSyncPeriod, 60_000);
  const periods = { minSyncPeriod: "30s", syncPeriod: "30s" };
  assert.is(readConfiguration({ iptables: periods }).iptables.minSyncPeriod, 30_000);
  const clusterCIDR = "10.0.0.0/8,fd00::/64";
  assert.equal(
    (["IPv4", "IPv6"] as const).map(
      (family) => configFor(family, readConfiguration({ clusterCIDR })).detector,
    ),
    [{ source: "10.0.0.0/8" }, { source: "fd00::/64" }],
  );
});
config.run();

const read = suite("what is read out of Services and EndpointSlices");
const balanced = (spec: Partial<Service["spec"]>, ingress: object[] = []): Service => ({
  ...service("x", "10.2.0.1", spec),
  status: { loadBalancer: { ingress } },
});
const infos: [says: string, service: Service, info: object | undefined][] = [
  [
    "a ClusterIP",
    balanced({}),
    {
      name: "default/x:http",
      clusterIP: "10.2.0.1",
      port: 80,
      protocol: "tcp",
      nodePort: 0,
      affinitySeconds: undefined,
    },
  ],
  ["no ClusterIP", balanced({ clusterIP: "None" }), undefined],
  ["an alias", balanced({ type: "ExternalName", clusterIP: "10.2.0.1" }), undefined],
  ["an address of the other family alone", balanced({ clusterIPs: ["fd00::1"] }), undefined],
  [
    "an address of each family",
    balanced({ clusterIPs: ["fd00::1", "10.2.0.9"] }),
    { clusterIP: "10.2.0.9" },
  ],
  [
    "the policy Local where nothing comes from outside",
    balanced({ externalTrafficPolicy: "Local" }),
    { externalLocal: false },
  ],
  [
    "the policy Local with external IPs",
    balanced({ externalTrafficPolicy: "Local", externalIPs: ["1.2.3.4"] }),
    { externalLocal: true, healthCheckNodePort: 0 },
  ],
  [
    "the policy Local with NodePorts",
    balanced({ type: "NodePort", externalTrafficPolicy: "Local", healthCheckNodePort: 5 }),
    { externalLocal: true, healthCheckNodePort: 0 },
  ],
  [
    "the policy Local of a load balancer",
    balanced({ type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 5 }),
    { externalLocal: true, healthCheckNodePort: 5 },
  ],
  [
    "the policy Cluster of a load balancer",
    balanced({ type: "LoadBalancer", externalTrafficPolicy: "Cluster", healthCheckNodePort: 5 }),
    { externalLocal: false, healthCheckNodePort: 0 },
  ],
  [
    "the policy Local inside",
    balanced({ internalTrafficPolicy: "Local" }),
    { internalLocal: true },
  ],
  [
    "a load balancer's addresses, those of a proxy left out",
    balanced({}, [
      { ip: "1.2.3.4" },
      { ip: "1.2.3.5", ipMode: "VIP" },
      { ip: "1.2.3.6", ipMode: "Proxy" },
      { hostname: "x" },
      { ip: "fd00::1" },
    ]),
    { loadBalancerIPs: ["1.2.3.4", "1.2.3.5"] },
  ],
  [
    "affinity without a time",
    balanced({ sessionAffinity: "ClientIP" }),
    { affinitySeconds: 10_800 },
  ],
  [
    "ranges with spaces, and of both families",
    balanced({ loadBalancerSourceRanges: [" 10.0.0.0/8 ", "fd00::/8"] }),
    { sourceRanges: ["10.0.0.0/8"] },
  ],
  [
    "a range that is everybody",
    balanced({ loadBalancerSourceRanges: ["10.0.0.0/8", "0.0.0.0/0"] }),
    { sourceRanges: [] },
  ],
];
for (const [says, object, wanted] of infos)
  read(says, () => {
    const [info] = portsOf(object, "IPv4");
    const shown = info && { ...info, sourceRanges: info.sourceRanges.map(({ text }) => text) };
    const keys = Object.keys(wanted ?? {}) as (keyof typeof shown)[];
    assert.equal(shown && Object.fromEntries(keys.map((key) => [key, shown[key]])), wanted);
  });
read("endpoints: of the port's name and the family, each once, in the order of their text", () => {
  const ports = [
    { name: "http", port: 8080, protocol: "TCP" },
    { name: "other", port: 1, protocol: "TCP" },
    { name: "http", protocol: "TCP" },
  ] as EndpointSlice["ports"] & object;
  const slices: EndpointSlice[] = [
    { ...slice("x", ["10.1.1.9", "10.1.1.10", "10.1.1.9"]), ports },
    { ...slice("x", ["10.1.1.9"], 8080, "http", "TCP", "y"), ports },
    { ...slice("x", ["fd00::1"], 8080, "http", "TCP", "z"), addressType: "IPv6" },
  ];
  const found = endpointsOf({ name: "http" }, slices, "IPv4");
  assert.equal(
    found.map(({ text, index, ready, serving, terminating }) => [
      text,
      index,
      ready,
      serving,
      terminating,
    ]),
    [
      ["10.1.1.10:8080", 0, true, true, false],
      ["10.1.1.9:8080", 1, true, true, false],
    ],
  );
  assert.equal(
    found.map(({ purpose }) => purpose.object),
    ["EndpointSlice default/x-x", "EndpointSlice default/x-y"],
  );
});
read("SHA-256 without Node.js is SHA-256", () => {
  const texts = ["", "abc", "default/nginx:httptcp", "ü".repeat(28), "€"];
  for (let length = 50; length < 140; length++) texts.push("x".repeat(length));
  for (const text of texts) {
    const expected = createHash("sha256").update(text).digest("hex");
    assert.is(Buffer.from(portable(Buffer.from(text))).toString("hex"), expected, text);
  }
});

read.run();
