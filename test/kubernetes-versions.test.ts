/** What a version of Kubernetes changes, and that it changes nothing else. */
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { aws, createCluster, openRules, parse, read, type ClusterOptions } from "stopover";
import { kubernetesVersions } from "stopover/internal/objects/kubernetes";
import type { KubeObject, ServiceSpec } from "stopover/internal/objects/types";

const manifests = fileURLToPath(new URL("../../notebooks/manifests", import.meta.url));

function clusterOf(version: string | undefined, more: ClusterOptions = {}) {
  const cluster = createCluster({ cloud: aws(), seed: 1, version, ...more });
  cluster.apply(read([`${manifests}/deployment.yaml`, `${manifests}/service.yaml`]));
  cluster.settle();
  return cluster;
}

const service = (name: string, spec: Partial<ServiceSpec> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  ...({ spec: { ports: [{ port: 80 }], selector: { app: "nginx" }, ...spec } } as object),
});

const versions = suite("versions of Kubernetes");

versions("1.33 to 1.37 are known, 1.35 is the usual one", () => {
  assert.equal(kubernetesVersions, ["1.33", "1.34", "1.35", "1.36", "1.37"]);
  assert.is(createCluster().kubernetes.version, "1.35");
});

for (const version of ["1.32", "1.38", "v1.35", "1.35.4", "", "latest", 1.35, null, {}])
  versions(`${JSON.stringify(version)} is refused`, () => {
    assert.throws(
      () => createCluster({ version } as never),
      /^createCluster: version is .*; allowed are "1\.33", "1\.34", "1\.35", "1\.36", "1\.37"$/,
    );
  });

for (const version of kubernetesVersions)
  versions(`${version}: the article's request goes the same three ways`, () => {
    const shares = clusterOf(version).shares("http://mynginx-app.com:8080/");
    const usual = clusterOf(undefined).shares("http://mynginx-app.com:8080/");
    assert.equal(shares, usual);
  });

versions("the nodes say which kubelet they run", () => {
  const seen = (version?: string) =>
    createCluster({ version }).get("Node", "node-a").status!.nodeInfo!.kubeletVersion;
  assert.equal([seen(), seen("1.33"), seen("1.37")], ["v1.35.4", "v1.33.0", "v1.37.0"]);
});

// ---- what is taken ------------------------------------------------------------------------------

const refusals: [
  what: string,
  object: KubeObject,
  version: string,
  sentence: RegExp | undefined,
][] = [
  [
    "PreferSameNode",
    service("a", { trafficDistribution: "PreferSameNode" }),
    "1.33",
    /Unsupported value: "PreferSameNode": supported values: "PreferClose"$/,
  ],
  ["PreferSameNode", service("a", { trafficDistribution: "PreferSameNode" }), "1.34", undefined],
  ["PreferClose", service("a", { trafficDistribution: "PreferClose" }), "1.33", undefined],
  ["a digit first", service("1a"), "1.35", /metadata\.name: Invalid value: "1a": a DNS-1035/],
  ["a digit first", service("1a"), "1.36", undefined],
  ["a dot", service("a.b"), "1.36", /"a\.b": must not contain dots/],
  ["leading zeros", service("a", { externalIPs: ["203.0.113.09"] }), "1.35", undefined],
  [
    "leading zeros",
    service("a", { externalIPs: ["203.0.113.09"] }),
    "1.36",
    /spec\.externalIPs\[0\]: Invalid value: "203\.0\.113\.09": must not have leading 0s$/,
  ],
  [
    "a mapped address",
    service("a", { externalIPs: ["::ffff:203.0.113.9"] }),
    "1.37",
    /must not be an IPv4-mapped IPv6 address$/,
  ],
  ["a zero", service("a", { externalIPs: ["203.0.113.0"] }), "1.37", undefined],
  ["zeros in IPv6", service("a", { externalIPs: ["2001:0db8::01"] }), "1.37", undefined],
  [
    "host bits",
    service("a", { type: "LoadBalancer", loadBalancerSourceRanges: ["192.0.2.9/24"] }),
    "1.36",
    /LoadBalancerSourceRanges\[0\]: Invalid value: "192\.0\.2\.9\/24": must not have bits set beyond the prefix length$/,
  ],
  [
    "zeros in a prefix length",
    service("a", { type: "LoadBalancer", loadBalancerSourceRanges: ["192.0.2.0/024"] }),
    "1.36",
    /must not have leading 0s in IP or prefix length$/,
  ],
  [
    "host bits",
    service("a", { type: "LoadBalancer", loadBalancerSourceRanges: ["192.0.2.9/24"] }),
    "1.35",
    undefined,
  ],
];

for (const [what, object, version, sentence] of refusals)
  versions(`${version} ${sentence ? "refuses" : "takes"} ${what}`, () => {
    const cluster = createCluster({ version });
    const apply = () => cluster.apply(object);
    if (sentence) assert.throws(apply, sentence);
    else assert.not.throws(apply);
  });

versions("what was written loosely before stays as it was", () => {
  const cluster = createCluster({ version: "1.36" });
  cluster.apply(service("a", { externalIPs: ["203.0.113.9"] }));
  assert.throws(
    () => cluster.patch("Service", "a", { spec: { externalIPs: ["203.0.113.09"] } }),
    /leading 0s/,
  );
  assert.is(cluster.get("Service", "a").spec.externalIPs![0], "203.0.113.9");
});

// ---- what is warned of --------------------------------------------------------------------------

function warningsOf(version: string, object: KubeObject, more: ClusterOptions = {}): string[] {
  const heard: string[] = [];
  const cluster = createCluster({ version, onWarning: (text) => heard.push(text), ...more });
  cluster.apply(object);
  cluster.apply(object);
  return heard;
}

versions("externalIPs since 1.36, once", () => {
  const object = service("a", { externalIPs: ["203.0.113.9"] });
  assert.equal(warningsOf("1.35", object), []);
  assert.equal(warningsOf("1.36", object), ["spec.externalIPs is deprecated"]);
  assert.equal(warningsOf("1.36", service("b")), []);
});

versions("a kube-proxy without a mode since 1.37", () => {
  assert.match(warningsOf("1.37", service("a"))[0]!, /no mode is set/);
  assert.equal(warningsOf("1.37", service("a"), { proxyMode: "nftables" }), []);
  const kubeProxy = configured("mode: iptables");
  assert.equal(warningsOf("1.37", service("a"), { kubeProxy }), []);
  assert.equal(warningsOf("1.36", service("a")), []);
});

const configured = (fields: string): KubeObject | undefined =>
  parse(`apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n${fields}`)
    .kubeProxy;

versions("a gate that would serve localhost's NodePorts, which is not modelled", () => {
  const kubeProxy = configured(
    "mode: nftables\nfeatureGates: {KubeProxyNFTablesLocalhostNodePorts: true}",
  );
  const heard = (more: ClusterOptions) => warningsOf("1.37", service("a"), more);
  assert.match(heard({ kubeProxy }).join(), /is on, which is not modelled/);
  assert.equal(heard({ kubeProxy, proxyMode: "iptables" }), []);
  assert.throws(
    () => createCluster({ version: "1.36", kubeProxy }),
    /featureGates.KubeProxyNFTablesLocalhostNodePorts: got true; kube-proxy knows it from 1.37 on/,
  );
});

// ---- what kube-proxy writes ---------------------------------------------------------------------

const rulesOf = (version: string, replicas: number): string => {
  const cluster = clusterOf(version, { proxyMode: "nftables" });
  cluster.scale("Deployment", "nginx", replicas);
  cluster.settle();
  cluster.advance("10s");
  return cluster.node("node-a").rules.saveText("IPv4");
};

/** What stands in the chain of a Service's endpoints, whatever their addresses are. */
const choiceOf = (version: string, replicas: number): string =>
  /chain service-\S+\/nginx\/\S+ \{\n(?:\t\t.*\n)*\t\t(.*)\n\t\}/
    .exec(rulesOf(version, replicas))![1]!
    .replaceAll(/10\.1\.\d\.2/g, "POD");

versions(
  "nftables mode: since 1.36 a Service's chain rewrites by itself, and by 1.37 to one without a map",
  () => {
    const rewrites = (count: number, map: string): string =>
      `meta l4proto tcp dnat ip to numgen random mod ${count} map { ${map} }`;
    assert.match(choiceOf("1.35", 1), /^numgen random mod 1 vmap \{ 0 : goto endpoint-/);
    assert.is(choiceOf("1.36", 1), rewrites(1, "0 : POD . 80"));
    assert.is(choiceOf("1.37", 1), "meta l4proto tcp dnat to POD:80");
    for (const version of ["1.36", "1.37"])
      assert.is(choiceOf(version, 2), rewrites(2, "0 : POD . 80, 1 : POD . 80"));
  },
);

versions("since 1.36 only affinity gives endpoints chains, and marks are set in place", () => {
  for (const [version, isOld] of [
    ["1.35", true],
    ["1.36", false],
  ] as const) {
    const cluster = clusterOf(version, { proxyMode: "nftables" });
    cluster.apply(service("sticky", { sessionAffinity: "ClientIP" } as never) as never);
    cluster.settle();
    cluster.advance("10s");
    const { rules } = cluster.node("node-a");
    const chains = rules.chains().map(({ chain }) => chain);
    const own = (name: string) =>
      chains.filter((chain) => chain.startsWith("endpoint-") && chain.includes(`/${name}/`)).length;
    assert.equal([own("nginx"), own("sticky")], [isOld ? 3 : 0, 3], version);
    assert.is(chains.includes("mark-for-masquerade"), isOld);
    assert.is(chains.includes("hairpin-connections"), !isOld);
    assert.match(rules.chain("masquerading").at(-1)!.rule, isOld ? /^masq/ : /@hairpin-conn/);
  }
});

versions("of the rule that chooses a journey says that it chooses", () => {
  for (const version of ["1.35", "1.36", "1.37"]) {
    const cluster = clusterOf(version, { proxyMode: "nftables" });
    cluster.advance("10s");
    const steps = cluster.request("http://mynginx-app.com:8080/").hops.flatMap((hop) => hop.steps);
    const [choice] = steps.filter(({ rule }) => rule?.includes("numgen"));
    assert.match(choice!.why ?? "", /^Takes one of 3 by chance, each as likely as the others/);
  }
});

versions("rules of 1.37 that somebody pastes tell what those of 1.35 tell", () => {
  const [old, young] = ["1.35", "1.37"].map((version) => {
    const cluster = clusterOf(version, { proxyMode: "nftables" });
    cluster.advance("10s");
    const rules = openRules(cluster.node("node-a").rules.saveText("IPv4"));
    const { assumed, outcomes } = rules.packetOutcomes({
      from: "203.0.113.9",
      to: "192.168.0.1:30519",
    });
    return {
      assumed,
      ends: outcomes.map(({ probability, destination }) => [probability, destination]),
      endpoints: rules.endpoints("default/nginx"),
    };
  });
  assert.equal(old, young);
  assert.is(young!.endpoints.length, 3);
});

versions("since 1.36 a Pod that reaches itself is found among the node's hairpins", () => {
  const cluster = clusterOf("1.37", { proxyMode: "nftables" });
  cluster.scale("Deployment", "nginx", 1);
  cluster.settle();
  cluster.advance("10s");
  const [pod] = cluster.list("Pod");
  const { nodeName } = pod!.spec;
  const { disposition, hops } = cluster.request("http://nginx:8080/", {
    from: `pod/default/${pod!.metadata.name}`,
  });
  assert.is(disposition, "delivered");
  assert.ok(JSON.stringify(hops).includes("@hairpin-connections"));
  const elements = (name: string) =>
    cluster
      .node(name)
      .rules.chain("hairpin-connections")
      .map(({ rule }) => rule);
  const ip = pod!.status!.podIP!;
  for (const { metadata } of cluster.list("Node"))
    assert.equal(
      elements(metadata.name),
      metadata.name === nodeName ? [`${ip} . ${ip} . tcp . 80`] : [],
    );
});

versions("the way to one endpoint is the same", () => {
  for (const version of ["1.36", "1.37"]) {
    const cluster = clusterOf(version, { proxyMode: "nftables" });
    cluster.scale("Deployment", "nginx", 1);
    cluster.settle();
    cluster.advance("40s");
    assert.equal(Object.values(cluster.shares("http://mynginx-app.com:8080/")), [1]);
  }
});

versions("comments are cut to 128 bytes since 1.37", () => {
  const [name, namespace] = ["n".repeat(63), "s".repeat(63)];
  const texts = ["1.36", "1.37"].map((version) => {
    const cluster = createCluster({ version, proxyMode: "nftables" });
    cluster.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    const ports = [{ port: 80, name: "web" }];
    const lonely = service(name, { ports });
    cluster.apply({ ...lonely, metadata: { name, namespace } });
    cluster.settle();
    cluster.advance("10s");
    return cluster.node("node-a").rules.saveText("IPv4");
  });
  const full = `${namespace}/${name}:web`;
  assert.ok(texts[0]!.includes(`comment "${full}"`));
  assert.ok(texts[1]!.includes(`comment "${full.slice(0, 128)}"`));
});

versions.run();
