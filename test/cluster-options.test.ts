/** createCluster looks at its options first: whatever is wrong with them is one clear sentence. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { aws, createCluster, gcp, type ClusterOptions } from "stopover";

const at = (name: string, ...addresses: string[]) => ({ name, addresses });

const refused: [says: string, options: unknown, sentence: RegExp][] = [
  ["no object at all", null, /the options are null; they must be an object/],
  [
    "a key that means nothing",
    { clould: aws() },
    /there is no option clould; allowed are nodes, cloud/,
  ],
  [
    "an image that is not in a list",
    { missingImages: "shop:2" },
    /missingImages is "shop:2"; it must be a list of images: \["shop:2"\]/,
  ],
  ["half a node", { nodes: 2.5 }, /nodes is 2\.5; allowed are a whole number from 0 to 61184/],
  ["fewer nodes than none", { nodes: -1 }, /nodes is -1; allowed are a whole number/],
  ["a number in quotes", { nodes: "3" }, /nodes is "3"; allowed are a whole number/],
  ["no number", { nodes: NaN }, /nodes is NaN; allowed/],
  ["more nodes than addresses", { nodes: 1e9 }, /nodes is 1000000000; allowed/],
  ["a node without a name", { nodes: [{}] }, /nodes\[0\]\.name is undefined; it must be a text/],
  ["a node that is a word", { nodes: ["node-a"] }, /nodes\[0\] is "node-a"; a node looks like/],
  [
    "a name that is no DNS name",
    { nodes: [{ name: "Node_A" }] },
    /nodes\[0\]\.name is "Node_A": a lower/,
  ],
  [
    "a node's key that means nothing",
    { nodes: [{ name: "a", address: "192.168.0.1" }] },
    /there is no option nodes\[0\]\.address; allowed are nodes\[0\]\.name, nodes\[0\]\.addresses/,
  ],
  [
    "two nodes of one name",
    { nodes: [{ name: "a" }, { name: "a" }] },
    /nodes\[1\]\.name is "a", and so is an earlier node's/,
  ],
  [
    "two nodes at one address",
    { nodes: [at("a", "192.168.0.1"), at("b", "192.168.0.1")] },
    /nodes\[1\]\.addresses\[0\] is "192\.168\.0\.1", which node "a" has already/,
  ],
  [
    "one node with one address twice",
    { nodes: [at("a", "192.168.0.1", "192.168.0.1")] },
    /nodes\[0\]\.addresses\[1\] is "192\.168\.0\.1", which node "a" has already/,
  ],
  [
    "a node without addresses",
    { nodes: [at("a")] },
    /addresses is \[\]; it must be a list of at least/,
  ],
  ["an address with a prefix", { nodes: [at("a", "192.168.0.1/16")] }, /without a prefix length/],
  ["an address that is none", { nodes: [at("a", "192.168.0.256")] }, /it must be an IP address/],
  ["an address written at length", { nodes: [at("a", "FD00::1")] }, /write it as fd00::1/],
  ["a loopback address", { nodes: [at("a", "127.0.0.1")] }, /no machine can have it/],
  ["a multicast address", { nodes: [at("a", "224.0.0.1")] }, /no machine can have it/],
  ["the gateway's address", { nodes: [at("a", "192.168.255.254")] }, /it is the gateway's/],
  [
    "a node inside the Pods' default range",
    { nodes: [at("a", "10.1.1.2")] },
    /the Pods' range 10\.1\.0\.0\/16 \(clusterCIDR\) holds 10\.1\.1\.2, the address of node "a"/,
  ],
  [
    "a node inside the Services' range",
    { nodes: [at("a", "10.20.0.1")], serviceCIDR: "10.20.0.0/16" },
    /the Services' range 10\.20\.0\.0\/16 \(serviceCIDR\) holds 10\.20\.0\.1/,
  ],
  [
    "the Pods' range around the nodes, as Calico's default has it",
    { clusterCIDR: "192.168.0.0/16" },
    /the Pods' range 192\.168\.0\.0\/16 \(clusterCIDR\) holds 192\.168/,
  ],
  [
    "the Services' range inside the Pods'",
    { clusterCIDR: "10.0.0.0/8", serviceCIDR: "10.0.1.0/24" },
    /serviceCIDR 10\.0\.1\.0\/24 and clusterCIDR 10\.0\.0\.0\/8 overlap/,
  ],
  ["the Pods' range inside the Services'", { serviceCIDR: "10.0.0.0/8" }, /overlap/],
  [
    "an overlap of IPv6 alone",
    { clusterCIDR: "10.1.0.0/16,fd00::/48", serviceCIDR: "10.2.0.0/16,fd00::/108" },
    /serviceCIDR fd00::\/108 and clusterCIDR fd00::\/48 overlap/,
  ],
  [
    "a range of no size",
    { clusterCIDR: "10.1.0.0/33" },
    /clusterCIDR is "10\.1\.0\.0\/33"; it must be a CIDR/,
  ],
  [
    "an address for a range",
    { serviceCIDR: "10.2.0.0" },
    /serviceCIDR is "10\.2\.0\.0"; it must be a CIDR/,
  ],
  ["two ranges of one family", { clusterCIDR: "10.1.0.0/16,10.3.0.0/16" }, /one of each family/],
  ["a range as a number", { serviceCIDR: 42 }, /serviceCIDR is 42; it must be a CIDR/],
  [
    "too small a range for a node's part",
    { clusterCIDR: "10.1.0.0/26" },
    /at least the size of a \/24/,
  ],
  ["too small a range for Services", { serviceCIDR: "10.2.0.0/30" }, /at least the size of a \/29/],
  ["a cloud by its name", { cloud: "aws" }, /cloud is "aws"; allowed are aws\(\), gcp\(\)/],
  ["a cloud that nobody called", { cloud: aws }, /cloud is the function aws; allowed are aws\(\)/],
  ["a function that makes no cloud", { cloud: () => ({}) }, /cloud made no cloud provider/],
  [
    "a seed that is no number",
    { seed: NaN },
    /seed is NaN; allowed are a finite number and a text/,
  ],
  [
    "kube-proxy's configuration as a text",
    { kubeProxy: "x" },
    /kubeProxy is "x"; it must be a Kube/,
  ],
  [
    "a first ClusterIP outside of the range",
    { first: { clusterIP: "10.9.0.1" } },
    /not in the Services' range/,
  ],
  [
    "a first NodePort that is none",
    { first: { nodePort: 80 } },
    /whole number from 30000 to 32767/,
  ],
  ["first, misspelt", { first: { clusterIp: "10.2.1.1" } }, /there is no option first\.clusterIp/],
  ["a domain that is none", { domains: { "a b": "default/x" } }, /domains has the name "a b"/],
  ["a domain for a Service without a namespace", { domains: { "a.b": "x" } }, /"namespace\/name"/],
  ["a store that is none", { store: {} }, /store is {}; it must be a Store/],
  ["a clock that is none", { clock: {} }, /clock is {}; it must be a Clock/],
  ["a yes that is a number", { nfacct: 1 }, /nfacct is 1; allowed are true and false/],
  ["a negative limit", { historyLimit: -1 }, /historyLimit is -1; it must be a whole number/],
  [
    "a capacity that is no quantity",
    { nodes: [{ name: "a", capacity: { cpu: "many" } }] },
    /nodes\[0\]\.capacity\.cpu is "many"; it must be a quantity/,
  ],
  ["a label that is a number", { nodes: [{ name: "a", labels: { a: 1 } }] }, /an object of texts/],
  [
    "a label's key that is none",
    { nodes: [{ name: "a", labels: { "a b": "c" } }] },
    /nodes\[0\]\.labels: /,
  ],
];

for (const [says, options, sentence] of refused) {
  test(`refused: ${says}`, () => {
    assert.throws(
      () => createCluster(options as ClusterOptions),
      ({ message }: Error) => {
        assert.match(message, /^createCluster: /);
        assert.match(message, sentence);
        assert.not.match(message, /\n/);
        return true;
      },
    );
  });
}

test("a cloud's own options are looked at, too", () => {
  assert.throws(
    () => aws({ regoin: "x" } as never),
    /aws: there is no option regoin; allowed are reg/,
  );
  assert.throws(() => gcp({ privateAddresses: [] } as never), /gcp: there is no option privateAdd/);
});

const taken: [says: string, options: ClusterOptions, nodes: number][] = [
  ["nothing", {}, 3],
  ["no nodes", { nodes: 0 }, 0],
  ["options that are left undefined", { nodes: 1, cloud: undefined, seed: undefined }, 1],
  ["a seed that is a word", { nodes: 1, seed: "word" }, 1],
  ["history without a bound", { nodes: 1, historyLimit: Infinity }, 1],
  [
    "a node of one's own range beside nodes without an address",
    { nodes: [at("a", "172.16.0.1"), { name: "b" }] },
    2,
  ],
  [
    "ranges in each other's place",
    { nodes: 1, clusterCIDR: "10.2.0.0/16", serviceCIDR: "10.1.0.0/16", first: {} },
    1,
  ],
  ["nodes inside what would be the other size's range", { nodes: [at("a", "10.64.0.1")] }, 1],
];

for (const [says, options, nodes] of taken) {
  test(`taken: ${says}`, () => assert.is(createCluster(options).list("Node").length, nodes));
}

test("an image that is listed as missing is pulled in vain, and no other one is", () => {
  const cluster = createCluster({ nodes: 1, missingImages: ["shop:2"] });
  for (const image of ["shop:2", "shop:1"])
    cluster.apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: image.replace(":", "-") },
      spec: { containers: [{ name: "it", image }] },
    });
  cluster.settle();
  const states = ["shop-2", "shop-1"].map((name) => cluster.get("Pod", name).status!.phase);
  assert.equal(states, ["Pending", "Running"]);
});

test.run();
