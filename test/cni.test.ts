/** How Pods hang on their nodes: each plugin runs the article's journey, and differs as in life. */
import { suite, test, type Test } from "uvu";
import * as assert from "uvu/assert";
import {
  aws,
  bridge,
  createCluster,
  ptp,
  read,
  type Cluster,
  type ClusterOptions,
  type Journey,
} from "stopover";
import { Kernel } from "stopover/internal/net/kernel";
import type { CniPlugin, Link } from "stopover/internal/node/cni/cni";
import { PodNetwork } from "stopover/internal/node/cni/pod-network";

const manifests = new URL("../../notebooks/manifests", import.meta.url).pathname;
const article = "http://mynginx-app.com:8080/";

function articleCluster(cni: CniPlugin, options: ClusterOptions = {}): Cluster {
  const cluster = createCluster({ nodes: 3, cloud: aws(), seed: 1, cni, ...options });
  cluster.apply(read(manifests));
  cluster.settle();
  return cluster;
}

const podsOn = (cluster: Cluster, node: string) =>
  cluster.list("Pod").filter(({ spec }) => spec.nodeName === node);
const nameOn = (cluster: Cluster, node: string): string =>
  `default/${podsOn(cluster, node)[0]!.metadata.name}`;
const story = ({ reason, hops }: Journey): string =>
  [
    reason,
    ...hops.map(
      ({ kind, name, in: { source, destination } }) =>
        `${kind} ${name} ${source} -> ${destination}`,
    ),
  ].join("\n");
const seenBy = (cluster: Cluster, url: string, from: string, pod: string): string | undefined =>
  cluster
    .outcomes(url, { from })
    .outcomes.find((each) => each.pod === pod)
    ?.clientSeenByPod?.replace(/:\d+$/, "");

// ---- what every plugin does ---------------------------------------------------------------------

const plugins: Record<string, () => CniPlugin> = {
  ptp: () => ptp(),
  bridge: () => bridge(),
  "bridge, another name": () => bridge({ bridge: "docker0" }),
};

for (const [name, plugin] of Object.entries(plugins)) contract(suite(name), plugin);

function contract(it: Test, plugin: () => CniPlugin): void {
  it("runs the article's journey, each Pod a third", () => {
    const cluster = articleCluster(plugin());
    const { outcomes } = cluster.outcomes(article);
    assert.is(outcomes.length, 9);
    for (const each of outcomes) assert.is(each.disposition, "delivered", story(each));
    const addresses = cluster.list("Pod").map(({ status }) => status!.podIP!);
    assert.equal(addresses.sort(), ["10.1.1.2", "10.1.2.2", "10.1.3.2"], "the figures' addresses");
    const shares = Object.values(cluster.shares(article));
    assert.equal(
      shares.map((share) => share.toFixed(9)),
      Array(3).fill("0.333333333"),
    );
  });

  it("carries a Pod's request to a Service, to another node's Pod and to its own", () => {
    const cluster = articleCluster(plugin());
    cluster.scale("Deployment", "nginx", 6);
    cluster.settle();
    cluster.advance("2s");
    const from = `pod/${nameOn(cluster, "node-a")}`;
    for (const url of [
      "http://nginx:8080/",
      ...cluster.list("Pod").map(({ status }) => `http://${status!.podIP}/`),
    ])
      for (const each of cluster.outcomes(url, { from }).outcomes)
        assert.is(each.disposition, "delivered", story(each));
  });

  it("carries a node's request to its own Pods and to others", () => {
    const cluster = articleCluster(plugin());
    for (const url of [
      "http://10.1.1.2/",
      "http://10.1.2.2/",
      "http://10.2.1.1:8080/",
      "http://127.0.0.1:30519/",
    ])
      for (const each of cluster.outcomes(url, { from: "node/node-a" }).outcomes)
        assert.is(each.disposition, "delivered", story(each));
  });

  it("gives a Pod that is gone no packets, and its address to another one later", () => {
    const cluster = articleCluster(plugin());
    const [pod] = podsOn(cluster, "node-a");
    cluster.delete("Pod", pod!.metadata.name);
    cluster.advance("1m");
    const trip = cluster.request("http://10.1.1.2/", { from: "node/node-b" });
    assert.is(trip.disposition, "no route", story(trip));
    for (const each of cluster.outcomes(article).outcomes) assert.is(each.disposition, "delivered");
  });

  it("refuses a Pod when its node's range is used up", () => {
    const network = new PodNetwork(kernel(), plugin());
    const ips = () => network.allocate("default/web", ["10.1.1.0/29"]);
    assert.equal([ips(), ips(), ips(), ips(), ips()].flat(), [
      "10.1.1.2",
      "10.1.1.3",
      "10.1.1.4",
      "10.1.1.5",
      "10.1.1.6",
    ]);
    assert.throws(ips, /no IP addresses available in range set: 10\.1\.1\.0\/29 is used up/);
  });

  it("leaves nothing of a Pod on the node", () => {
    const machine = kernel();
    const network = new PodNetwork(machine, plugin());
    const state = () => JSON.stringify([machine.interfaces, [...machine.routes]]);
    network.add(link("default/first", "10.1.1.2"), ["10.1.1.0/24"]);
    network.remove("default/first");
    const before = state();
    network.add(link("default/web", "10.1.1.3"), ["10.1.1.0/24"]);
    assert.ok(network.at("10.1.1.3") && network.portOf("default/web"));
    network.remove("default/web");
    network.remove("default/web");
    assert.is(state(), before);
    assert.is(network.at("10.1.1.3"), undefined);
    assert.is(network.portOf("default/web"), undefined);
  });

  it.run();
}

const kernel = () =>
  new Kernel({
    name: "node-a",
    clock: { now: () => 0 },
    forwarding: true,
    interfaces: [{ name: "eth0", addresses: ["192.168.0.1/16"] }],
  });
const link = (key: string, ...ips: string[]): Link => ({ key, veth: `veth-${key.length}`, ips });

// ---- where they differ --------------------------------------------------------------------------

test("masquerading towards a Pod of the same node takes the node's address with ptp, the bridge's with bridge", () => {
  for (const [plugin, address] of [
    [ptp(), "192.168.0.1"],
    [bridge(), "10.1.1.1"],
  ] as const) {
    const cluster = articleCluster(plugin);
    const url = "http://192.168.0.1:30519/";
    assert.is(seenBy(cluster, url, "internet", nameOn(cluster, "node-a")), address);
    assert.is(
      seenBy(cluster, url, "internet", nameOn(cluster, "node-b")),
      "192.168.0.1",
      "elsewhere",
    );
  }
});

test("a Pod that a Service sends to itself sees the same address as its client", () => {
  for (const [plugin, address] of [
    [ptp(), "192.168.0.1"],
    [bridge(), "10.1.1.1"],
  ] as const) {
    const cluster = articleCluster(plugin);
    const own = nameOn(cluster, "node-a");
    assert.is(seenBy(cluster, "http://nginx:8080/", `pod/${own}`, own), address);
  }
});

test("without hairpin mode a Pod reaches itself through its Service no more, and others as ever", () => {
  const cluster = articleCluster(bridge({ hairpinMode: false }));
  const own = nameOn(cluster, "node-a");
  const { outcomes } = cluster.outcomes("http://nginx:8080/", { from: `pod/${own}` });
  const lost = outcomes.filter(({ disposition }) => disposition !== "delivered");
  assert.is(lost.length, 1);
  assert.is(lost[0]!.disposition, "no route");
  assert.match(
    lost[0]!.reason,
    /cni0 sends no packet back to the port by which it came \(no hairpin/,
  );
});

test("nor in promiscuous mode: since Linux 6.9 what the bridge hears so is dropped as INVALID", () => {
  const cluster = articleCluster(bridge({ promiscMode: true }));
  const own = nameOn(cluster, "node-a");
  const { outcomes } = cluster.outcomes("http://nginx:8080/", { from: `pod/${own}` });
  const [lost, ...more] = outcomes.filter(({ disposition }) => disposition !== "delivered");
  assert.equal([lost!.disposition, more.length], ["no route", 0]);
  assert.match(lost!.reason, /promiscuous mode has lost its connection/);
});

test("a node asks its own Pods from the bridge's address, those of others from its own", () => {
  const cluster = articleCluster(bridge());
  const asks = (url: string) => cluster.request(url, { from: "node/node-a" }).request.source;
  assert.match(asks("http://10.1.1.2/"), /^10\.1\.1\.1:/);
  assert.match(asks("http://10.1.2.2/"), /^192\.168\.0\.1:/);
});

test("Pods of one bridge without netfilter: direct answers arrive, those of a Service are lost", () => {
  const cluster = articleCluster(bridge({ netfilter: false }), { nodes: 1 });
  const [asker, other] = podsOn(cluster, "node-a");
  const from = `pod/default/${asker!.metadata.name}`;
  const direct = cluster.request(`http://${other!.status!.podIP}/`, { from });
  assert.is(direct.disposition, "delivered", story(direct));
  assert.match(
    direct.hops.find(({ kind }) => kind === "node")!.steps[0]!.note!,
    /cni0 passes it on to/,
  );
  const { outcomes } = cluster.outcomes("http://nginx:8080/", { from });
  const ends = outcomes.map(({ pod, disposition, reason }) => [
    pod === from.slice(4),
    disposition,
    reason,
  ]);
  for (const [isSelf, disposition, reason] of ends) {
    assert.is(disposition, isSelf ? "delivered" : "timed out", String(reason));
    if (!isSelf)
      assert.match(String(reason), /its answer comes from 10\.1\.1\.\d:80, and the client waits/);
  }
});

test("nobody answers for an address of the bridge's network that no Pod has", () => {
  const trip = articleCluster(bridge()).request("http://10.1.1.77/", { from: "node/node-b" });
  assert.is(trip.disposition, "no route");
  assert.match(trip.reason, /node-a: nobody on cni0 has the address 10\.1\.1\.77/);
});

test("the bridge has the gateway's address of each family", () => {
  const nodes = [1, 2].map((i) => ({
    name: `node-${"ab"[i - 1]}`,
    addresses: [`192.168.0.${i}`, `fd00:192::${i}`],
  }));
  const cluster = createCluster({
    nodes,
    cni: bridge(),
    clusterCIDR: "10.1.0.0/16,fd00:10:1::/48",
    serviceCIDR: "10.2.0.0/16,fd00:10:2::/108",
  });
  cluster.apply(read(`${manifests}/deployment.yaml`));
  cluster.settle();
  const { interfaces } = cluster.node("node-a").machine.kernel;
  assert.equal(interfaces.find(({ name }) => name === "cni0")!.addresses, [
    "10.1.1.1/24",
    "fd00:10:1:1::1/64",
  ]);
  const [, six] = podsOn(cluster, "node-b")[0]!.status!.podIPs!;
  const from = `pod/${nameOn(cluster, "node-a")}`;
  assert.is(cluster.request(`http://[${six!.ip}]/`, { from }).disposition, "delivered");
});

test("options that contradict each other or mean nothing are refused", () => {
  const both = () => bridge({ hairpinMode: true, promiscMode: true });
  assert.throws(both, /cannot set hairpin mode and promiscuous mode at the same time/);
  assert.throws(
    () => bridge({ hairpin: true } as never),
    /bridge: there is no option hairpin; allowed/,
  );
  assert.throws(
    () => createCluster({ cni: bridge as never }),
    /cni is the function bridge; allowed/,
  );
  assert.throws(
    () => createCluster({ cni: "ptp" as never }),
    /cni is "ptp"; allowed are ptp\(\), br/,
  );
});

// ---- a plugin of one's own ----------------------------------------------------------------------

test("a plugin of one's own is a function: here each Pod's link has an address of its own on the node", () => {
  const numbered: CniPlugin = (own) => ({
    name: "numbered",
    add({ veth, ips }) {
      own.setInterface({ name: veth, addresses: ["169.254.7.1/32"] });
      for (const ip of ips) own.routes.add({ to: ip, dev: veth });
      return { device: veth };
    },
    remove({ veth, ips }) {
      own.removeInterface(veth);
      for (const ip of ips) own.routes.remove(ip);
    },
  });
  const cluster = articleCluster(numbered);
  const seen = seenBy(cluster, "http://192.168.0.1:30519/", "internet", nameOn(cluster, "node-a"));
  assert.is(seen, "169.254.7.1");
  for (const each of cluster.outcomes(article).outcomes) assert.is(each.disposition, "delivered");
});

test.run();
