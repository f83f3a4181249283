/** No two machines or load balancers of a cloud share an address, nor two Services a domain. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  aws,
  createCluster,
  gcp,
  openSnapshot,
  parse,
  type Cluster,
  type ClusterOptions,
  type Service,
} from "stopover";
import { AddressPool } from "stopover/internal/cloud/addresses";
import { BaseCloud } from "stopover/internal/cloud/provider";
import { Random } from "stopover/internal/machinery/random";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";

const web = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 1,
  selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}},
  spec: {containers: [{name: web, image: nginx}]}}}}`;

/** A cluster whose Services s0, s1, … are all of type LoadBalancer. */
function balanced(count: number, options: ClusterOptions, spec: object = {}): Cluster {
  const cluster = createCluster({ nodes: 2, domains: {}, ...options });
  cluster.apply(web);
  for (let i = 0; i < count; i++) cluster.apply(serviceOf(`s${i}`, spec));
  cluster.settle();
  return cluster;
}

const serviceOf = (name: string, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { type: "LoadBalancer", selector: { app: "web" }, ports: [{ port: 80 }], ...spec },
});

const balancersOf = ({ cloud }: Cluster) => [...cloud!.loadBalancers.values()];
const repeated = (values: readonly string[]): string[] =>
  values.filter((value, i) => values.indexOf(value) !== i);
const hostOf = (cluster: Cluster, name: string): string => {
  const [ingress] = cluster.get("Service", name).status!.loadBalancer!.ingress!;
  return ingress!.hostname ?? ingress!.ip!;
};

test("three hundred load balancers have names and addresses of their own", () => {
  const cluster = balanced(300, { cloud: aws() });
  const all = balancersOf(cluster);
  assert.is(all.length, 300);
  assert.equal(repeated(all.flatMap(({ addresses }) => addresses)), []);
  assert.equal(repeated(all.flatMap(({ privateAddresses }) => privateAddresses)), []);
  assert.equal(repeated(all.map(({ hostname }) => hostname!)), []);
  const documented = /^(198\.51\.100|198\.1[89]\.\d+)\.\d+$/; // RFC 5737, RFC 2544
  for (const { addresses } of all) assert.match(addresses[0]!, documented);
  assert.equal(
    [all[0]!.hostname, all[0]!.addresses, all[0]!.privateAddresses],
    ["1234.ap-south-1.elb.amazonaws.com", ["198.51.100.10"], ["192.168.0.250"]],
    "the first is the article's",
  );
});

test("the request for each load balancer reaches its own Service", () => {
  const cluster = balanced(250, { cloud: aws() }, { selector: { app: "nobody" } });
  cluster.patch("Service", "s245", { spec: { selector: { app: "web" } } });
  cluster.advance("2m");
  assert.is(cluster.request(`http://${hostOf(cluster, "s245")}/`).disposition, "delivered");
  for (const other of ["s0", "s5", "s244"])
    assert.is(
      cluster.request(`http://${hostOf(cluster, other)}/`).disposition,
      "no healthy target",
    );
});

test("no load balancer connects from a node's address, however many nodes there are", () => {
  const cluster = balanced(24, { cloud: aws(), nodes: 240 });
  const nodes = [...cluster.network.machines.values()].flatMap(({ addresses }) => addresses);
  const own = balancersOf(cluster).flatMap(({ privateAddresses }) => privateAddresses);
  assert.equal(repeated([...nodes, ...own]), []);
  for (const name of ["s0", "s11", "s12", "s23"])
    assert.equal(Object.keys(cluster.shares(`http://${hostOf(cluster, name)}/`)).length, 1);
});

test("a node at an address of the load balancers' range keeps it to itself", () => {
  const addresses = ["192.168.0.250", "192.168.0.248", "198.51.100.10"];
  const nodes = addresses.map((address, i) => ({ name: `node-${i}`, addresses: [address] }));
  for (const cloud of [aws(), gcp()]) {
    const cluster = balanced(3, { cloud, nodes });
    const own = balancersOf(cluster).flatMap((each) => [
      ...each.addresses,
      ...each.privateAddresses,
    ]);
    assert.equal(repeated([...addresses, ...own]), []);
  }
});

test("addresses of its own choice go to one load balancer each; the next one hears why it gets none", () => {
  const cloud = aws({ privateAddresses: ["192.168.9.1", "192.168.9.2"] });
  const cluster = balanced(3, { cloud });
  assert.equal(
    balancersOf(cluster).flatMap(({ privateAddresses }) => privateAddresses),
    ["192.168.9.1", "192.168.9.2"],
  );
  const told = cluster.list("Event").filter(({ reason }) => reason === "SyncLoadBalancerFailed");
  assert.match(told[0]!.message, /TooManyLoadBalancers: all addresses/);
  cluster.delete("Service", "s0");
  cluster.advance("10m");
  assert.equal(
    balancersOf(cluster).flatMap(({ privateAddresses }) => privateAddresses),
    ["192.168.9.2", "192.168.9.1"],
    "an address that is free again is given again",
  );
});

test("what was taken for a load balancer that does not come about is given to others", () => {
  class Toy extends BaseCloud {
    readonly name = "toy";
    both = () => this.takeEach([this.outside, this.inside], "none left");
    one = () => this.takeEach([this.outside], "none left")[0];
    protected describe = () => ({ zone: "", region: "", type: "", providerID: "" });
    protected design = (): never => assert.unreachable() as never;
    protected statusOf = () => ({ ingress: [] });
  }
  const environment = { clock: new VirtualClock(), random: new Random(1) };
  const toy = new Toy(environment, { publicAddresses: "203.0.113", privateAddresses: [] });
  for (let i = 0; i < 300; i++) assert.throws(toy.both, /none left/);
  const all = Array.from({ length: 245 }, toy.one);
  assert.is(new Set(all).size, 245);
  assert.throws(toy.one, /none left/);
});

test("passthrough load balancers have addresses of their own, too", () => {
  const cluster = balanced(300, { cloud: gcp() });
  assert.equal(repeated(balancersOf(cluster).flatMap(({ addresses }) => addresses)), []);
});

test("two Services may ask Google for one address if their ports differ", () => {
  const cluster = balanced(0, { cloud: gcp() });
  const shared = (name: string, port: number) =>
    serviceOf(name, { loadBalancerIP: "198.51.100.99", ports: [{ port, targetPort: 80 }] });
  cluster.apply(shared("first", 80));
  cluster.apply(shared("second", 8080));
  cluster.settle();
  for (const port of [80, 8080])
    assert.is(cluster.request(`http://198.51.100.99:${port}/`).disposition, "delivered");
  assert.is(cluster.request("http://198.51.100.99:81/").disposition, "port not listening");
  cluster.apply(shared("third", 80));
  cluster.settle();
  assert.is(balancersOf(cluster).length, 2);
  const told = cluster.list("Event").filter(({ reason }) => reason === "SyncLoadBalancerFailed");
  assert.match(told[0]!.message, /Specified IP address is in-use/);
  cluster.delete("Service", "first");
  cluster.advance("10m");
  assert.is(cluster.request("http://198.51.100.99/").disposition, "delivered", "the third's turn");
});

test("a machine cannot be launched at somebody else's address", () => {
  const cluster = balanced(1, { cloud: aws() });
  const launch = (address: string) => () =>
    cluster.cloud!.launch({ name: "node-x", addresses: [address] });
  assert.throws(launch("192.168.0.250"), /node-x cannot have the address 192\.168\.0\.250: a/);
  assert.throws(launch("192.168.0.1"), /192\.168\.0\.1: node-a has it/);
  cluster.cloud!.terminate("node-a");
  assert.not.throws(launch("192.168.0.1"));
});

test("an address that came back is given when all others have been", () => {
  const pool = new AddressPool(["a", "b", "c"]);
  const nobody = () => false;
  assert.equal([pool.take(nobody), pool.take(nobody)], ["a", "b"]);
  pool.putBack("a");
  pool.putBack("z");
  assert.equal([pool.take(nobody), pool.take(nobody), pool.take(nobody)], ["c", "a", undefined]);
});

// ---- dumps --------------------------------------------------------------------------------------

test("in a dump each load balancer's name stands for an address of its own", () => {
  const cluster = balanced(2, { cloud: aws() }, { selector: { app: "nobody" } });
  cluster.patch("Service", "s1", { spec: { selector: { app: "web" } } });
  cluster.advance("2m");
  const items = (["Node", "Pod", "Service", "EndpointSlice"] as const).flatMap((kind) =>
    cluster.list(kind),
  );
  const text = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  const dump = openSnapshot(parse(text, { as: "dump" }));
  const [first, second] = ["s0", "s1"].map((name) => `http://${hostOf(cluster, name)}/`);
  const answered = dump.request(second!);
  assert.is(answered.disposition, "delivered", answered.reason);
  assert.is.not(dump.request(first!).disposition, "delivered");
});

test("a dump's load balancer asks IPv6 nodes from an IPv6 address whether they are healthy", () => {
  const [node, address] = ["node-a", "fd00:192::1"];
  for (const ingress of [{ ip: "2001:db8:113::7" }, { hostname: "lb.example.com" }]) {
    const items = [
      {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: node },
        spec: { podCIDRs: ["fd00:10:1::/64"] },
        status: { addresses: [{ type: "InternalIP", address }] },
      },
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "web", namespace: "default" },
        spec: {
          type: "LoadBalancer",
          externalTrafficPolicy: "Local",
          healthCheckNodePort: 32000,
          clusterIPs: ["fd00:10:2::7"],
          ipFamilies: ["IPv6"],
          ports: [{ protocol: "TCP", port: 80, targetPort: 8080, nodePort: 30080 }],
        },
        status: { loadBalancer: { ingress: [ingress] } },
      },
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          name: "web-1",
          namespace: "default",
          labels: { "kubernetes.io/service-name": "web" },
        },
        addressType: "IPv6",
        ports: [{ protocol: "TCP", port: 8080 }],
        endpoints: [{ addresses: ["fd00:10:1::2"], nodeName: node, conditions: { ready: true } }],
      },
    ];
    const text = JSON.stringify({ apiVersion: "v1", kind: "List", items });
    const dump = openSnapshot(parse(text, { as: "dump" }));
    const targets = [...dump.network.balancers].flatMap((each) => each.targets);
    assert.equal(
      targets.map(({ healthy }) => healthy),
      [true],
    );
  }
});

// ---- domains ------------------------------------------------------------------------------------

const annotation = "external-dns.alpha.kubernetes.io/hostname";
const resolves = (cluster: Cluster, name: string): boolean =>
  cluster.dns.resolve(name).addresses.length > 0;
const annotate = (cluster: Cluster, name: string, value: string | null): Service => {
  const service = cluster.patch("Service", name, {
    metadata: { annotations: { [annotation]: value } },
  });
  cluster.settle();
  return service;
};

test("a domain goes with the annotation that asked for it", () => {
  const cluster = balanced(2, { cloud: aws() });
  annotate(cluster, "s0", "shop.example");
  assert.ok(resolves(cluster, "shop.example"));
  annotate(cluster, "s0", "other.example");
  assert.not(resolves(cluster, "shop.example"));
  assert.ok(resolves(cluster, "other.example"));
  annotate(cluster, "s0", null);
  assert.not(resolves(cluster, "other.example"));
});

test("an annotation may ask for several domains", () => {
  const cluster = balanced(1, { cloud: aws() });
  annotate(cluster, "s0", "shop.example, Www.Shop.Example.");
  assert.ok(resolves(cluster, "shop.example") && resolves(cluster, "www.shop.example"));
  annotate(cluster, "s0", "www.shop.example");
  assert.not(resolves(cluster, "shop.example"));
  assert.ok(resolves(cluster, "www.shop.example"));
});

test("of two Services that ask for one domain the older has it, and the other inherits it", () => {
  const cluster = balanced(2, { cloud: aws() });
  const target = () => cluster.dns.lookUp("shop.example");
  const record = (name: string) => [{ type: "CNAME", target: hostOf(cluster, name) }];
  annotate(cluster, "s0", "shop.example");
  annotate(cluster, "s1", "shop.example");
  assert.equal(target(), record("s0"));
  annotate(cluster, "s0", null);
  assert.equal(target(), record("s1"));
  cluster.delete("Service", "s1");
  cluster.settle();
  assert.is(target(), undefined);
});

test("a domain of the cluster's options is nobody's by annotation", () => {
  const cluster = balanced(2, { cloud: aws(), domains: { "shop.example": "default/s0" } });
  annotate(cluster, "s1", "shop.example");
  annotate(cluster, "s1", null);
  assert.equal(cluster.dns.lookUp("shop.example"), [
    { type: "CNAME", target: hostOf(cluster, "s0") },
  ]);
});

test.run();
