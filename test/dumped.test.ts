/**
 * What a dump tells by the way: kube-proxy's flags, a configuration of another version, k3s' own
 * words, what listens in a node's network, and the second family of a Service.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openSnapshot, parse, type KubeObject } from "stopover";
import {
  configurationOfFlags,
  configurationOfK3s,
} from "stopover/internal/node/proxy/command-line";
import { dumpOf, dumpText } from "stopover/internal/doors/dump/dump";

const kubeProxy = (nodeName: string, words: string[]): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: `kube-proxy-${nodeName}`, namespace: "kube-system" },
  spec: {
    nodeName,
    hostNetwork: true,
    containers: [{ name: "kube-proxy", image: "kube-proxy:v1.35.0", command: words }],
  },
  status: { phase: "Running", podIP: "10.0.0.11", podIPs: [{ ip: "10.0.0.11" }] },
});

const labels = { app: "web" };
const port = { name: "http", port: 80, protocol: "TCP" };
const shop: readonly object[] = [
  ...["10.0.0.11", "10.0.0.12"].map((address, i) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: `n${i + 1}` },
    spec: { podCIDR: `10.244.${i}.0/24` },
    status: {
      addresses: [
        { type: "InternalIP", address },
        { type: "InternalIP", address: `fd00:10::1${i + 1}` },
      ],
      conditions: [{ type: "Ready", status: "True" }],
    },
  })),
  {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-1", namespace: "default", labels },
    spec: {
      nodeName: "n2",
      containers: [{ name: "c", image: "nginx", ports: [{ name: "http", containerPort: 80 }] }],
    },
    status: {
      phase: "Running",
      podIP: "10.244.1.5",
      podIPs: [{ ip: "10.244.1.5" }],
      conditions: [{ type: "Ready", status: "True" }],
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "default" },
    spec: {
      type: "NodePort",
      selector: labels,
      clusterIP: "10.96.1.1",
      clusterIPs: ["10.96.1.1", "fd00:96::1"],
      ipFamilies: ["IPv4", "IPv6"],
      ipFamilyPolicy: "RequireDualStack",
      ports: [{ ...port, targetPort: "http", nodePort: 30080 }],
    },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: "web-x",
      namespace: "default",
      labels: { "kubernetes.io/service-name": "web" },
    },
    addressType: "IPv4",
    ports: [port],
    endpoints: [
      {
        addresses: ["10.244.1.5"],
        conditions: { ready: true },
        nodeName: "n2",
        targetRef: { kind: "Pod", name: "web-1", namespace: "default" },
      },
    ],
  },
];

const open = (...more: object[]) =>
  openSnapshot(parse(dumpText([...shop, ...more] as KubeObject[]), { as: "dump" }), {
    domains: {},
  });
const nodePort = (url: string, from: string, ...words: string[]) =>
  open(kubeProxy("n1", ["/usr/local/bin/kube-proxy", ...words])).request(url, { from });

const flags: [flags: string[], url: string, from: string, ends: string, says: RegExp][] = [
  [["--v=2"], "http://10.0.0.11:30080/", "internet", "delivered", /web-1/],
  [["--proxy-mode=ipvs"], "http://10.0.0.11:30080/", "internet", "unknown", /ipvs/],
  [
    ["--nodeport-addresses", "127.0.0.0/8"],
    "http://10.0.0.11:30080/",
    "internet",
    "connection refused",
    /nodePortAddresses/,
  ],
  [
    ["--iptables-localhost-nodeports=false"],
    "http://localhost:30080/",
    "node/n1",
    "connection refused",
    /localhostNodePorts/,
  ],
  // a file's fields count, and the file is not in the dump
  [
    ["--config=/var/lib/kube-proxy/config.conf", "--proxy-mode=ipvs"],
    "http://10.0.0.11:30080/",
    "internet",
    "delivered",
    /web-1/,
  ],
];
for (const [words, url, from, ends, says] of flags)
  test(`kube-proxy ${words.join(" ")}: ${ends}`, () => {
    const { disposition, reason } = nodePort(url, from, ...words);
    assert.is(disposition, ends, reason);
    assert.match(reason, says);
  });

const notThere = /mode: got "userspace"; .*; it is taken not to be there$/;
for (const [words, field, sentence, ends] of [
  [["--proxy-mode=userspace"], "mode", notThere, "delivered"],
  [
    ["--proxy-mode=userspace", "--nodeport-addresses=127.0.0.0/8"],
    "mode",
    notThere,
    "connection refused",
  ],
  [
    ["--proxy-mode=IPVS", "--iptables-masquerade-bit=99"],
    "",
    /; kube-proxy is taken to run with its defaults$/,
    "delivered",
  ],
] as const)
  test(`kube-proxy ${words.join(" ")}: the dump is read, and that is said`, () => {
    const { disposition, assumed } = nodePort("http://10.0.0.11:30080/", "internet", ...words);
    assert.is(disposition, ends);
    const [told] = assumed.filter(({ object }) => object === "kube-proxy");
    assert.is(told?.field, field);
    assert.match(told!.sentence, sentence);
  });

test("a shell's line has flags, too, and what is not in a dump is left out", () => {
  assert.equal(
    configurationOfFlags([
      "/bin/sh",
      "-c",
      "exec kube-proxy --cluster-cidr=10.4.0.0/14 --hostname-override=$(NODE_NAME) --masquerade-all --v 2 1>>/var/log/kube-proxy.log 2>&1",
    ]),
    { clusterCIDR: "10.4.0.0/14", iptables: { masqueradeAll: true } },
  );
});

test("a list that is said again is longer, and a flag that nobody knows is none", () => {
  const lists = ["--nodeport-addresses=10.0.0.0/8", "--nodeport-addresses", "192.168.0.0/16"];
  assert.equal(configurationOfFlags([...lists, "--constructor=1", "--proxy-mode", "nftables"]), {
    nodePortAddresses: ["10.0.0.0/8", "192.168.0.0/16"],
    mode: "nftables",
  });
});

test("a variable in a flag is filled in where the container tells it, and told where nobody does", () => {
  const started = kubeProxy("n1", ["kube-proxy", "--nodeport-addresses=$(WHERE)"]) as {
    spec: { containers: object[] };
  };
  const ask = (env: object[]) => {
    const containers = [{ ...started.spec.containers[0], env }];
    return open({ ...started, spec: { ...started.spec, containers } }).request(
      "http://10.0.0.11:30080/",
      { from: "internet" },
    );
  };
  assert.is(ask([{ name: "WHERE", value: "127.0.0.0/8" }]).disposition, "connection refused");
  const { disposition, assumed } = ask([{ name: "WHERE", valueFrom: {} }]);
  assert.is(disposition, "delivered");
  assert.match(
    assumed.map(({ sentence }) => sentence).join("\n"),
    /--nodeport-addresses=\$\(WHERE\) is not known, .* taken not to be there/,
  );
});

test("k3s' Nodes that tell their kube-proxies other flags are told", () => {
  const [n1, n2, ...rest] = shop as { metadata: object }[];
  const withArgs = (node: { metadata: object }, ...words: string[]) => {
    const annotations = { "k3s.io/node-args": JSON.stringify(words) };
    return { ...node, metadata: { ...node.metadata, annotations } };
  };
  const ask = (...agents: string[]) => {
    const server = ["server", "--cluster-cidr", "10.244.0.0/16", "--kube-proxy-arg"];
    const nodes = [withArgs(n1!, ...server, "--masquerade-all"), withArgs(n2!, "agent", ...agents)];
    const text = dumpText([...nodes, ...rest] as KubeObject[]);
    const { assumed } = openSnapshot(parse(text, { as: "dump" }), { domains: {} }).request(
      "http://10.96.1.1/",
      { from: "node/n1" },
    );
    return assumed.map(({ object, sentence }) => `${object} ${sentence}`).join("\n");
  };
  assert.match(ask(), /Node n1 its kube-proxy-arg differ from those of Node n2/);
  assert.not.match(ask("--kube-proxy-arg", "masquerade-all"), /differ/);
});

test("k3s tells its kube-proxy's flags in an annotation of its nodes", () => {
  const of = (...words: string[]) =>
    configurationOfK3s([{ "k3s.io/node-args": JSON.stringify(words) }]);
  assert.equal(of("server"), { clusterCIDR: "10.42.0.0/16" });
  assert.equal(of("server", "--cluster-cidr", "10.1.0.0/16", "--kube-proxy-arg=proxy-mode=ipvs"), {
    clusterCIDR: "10.1.0.0/16",
    mode: "ipvs",
  });
  assert.is(of("server", "--disable-kube-proxy"), undefined);
  assert.is(configurationOfK3s([{}]), undefined);
});

test("a disguised dump keeps kube-proxy's flags", () => {
  const objects = [...shop, kubeProxy("n1", ["kube-proxy", "--proxy-mode=ipvs"])] as KubeObject[];
  const text = dumpText(dumpOf(objects, "a key").objects);
  const [first = ""] = openSnapshot(parse(text, { as: "dump" })).network.machines.keys();
  const { disposition } = openSnapshot(parse(text, { as: "dump" })).request(
    `http://${openSnapshot(parse(text, { as: "dump" })).network.machines.get(first)!.addresses[0]}:30080/`,
    { from: "internet" },
  );
  assert.is(disposition, "unknown");
});

test("a field that kube-proxy no longer has is told, and the dump is read all the same", () => {
  const text =
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: ipvs\nresourceContainer: /kube-proxy\nconntrack: {max: null}\n";
  const map = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "kube-proxy", namespace: "kube-system" },
    data: { "config.conf": text },
  };
  const { disposition, assumed } = open(map).request("http://10.0.0.11:30080/", {
    from: "internet",
  });
  assert.is(disposition, "unknown");
  assert.match(assumed.map(({ sentence }) => sentence).join("\n"), /no field resourceContainer/);
});

test("a Pod in the node's network that declares no port takes no port that nobody leads to it", () => {
  const { disposition, assumed } = nodePort("http://10.0.0.11:30999/", "internet");
  assert.is(disposition, "connection refused");
  assert.match(
    assumed.map(({ object, sentence }) => `${object} ${sentence}`).join("\n"),
    /kube-proxy-n1 .* is taken not to listen on TCP 30999/,
  );
});

test("where a Service leads to such a Pod, it listens", () => {
  const exporter = kubeProxy("n1", []) as { metadata: object };
  const pod = { ...exporter, metadata: { name: "exporter", namespace: "default" } };
  const slice = {
    ...shop.at(-1),
    metadata: {
      name: "exporter-x",
      namespace: "default",
      labels: { "kubernetes.io/service-name": "exporter" },
    },
    ports: [{ name: "", port: 9100, protocol: "TCP" }],
    endpoints: [
      { addresses: ["10.0.0.11"], nodeName: "n1", targetRef: { kind: "Pod", name: "exporter" } },
    ],
  };
  const { disposition, pod: who } = open(pod, slice).request("http://10.0.0.11:9100/", {
    from: "node/n2",
  });
  assert.is(disposition, "delivered");
  assert.is(who, "default/exporter");
  // by hand
  const byHand = { ...slice, endpoints: [{ addresses: ["10.0.0.11"] }] };
  const found = open(pod, byHand).request("http://10.0.0.11:9100/", { from: "node/n2" });
  assert.is(found.pod, "default/exporter");
});

test("of a dump without statuses, others tell where Nodes and Pods are", () => {
  const bare = shop.map((one) => ({ ...one, status: undefined }) as unknown as KubeObject);
  const client = { ...bare[2]!, metadata: { name: "client", namespace: "default" } };
  const again = { ...bare[4]!, metadata: { ...bare[4]!.metadata, name: "web-y" } };
  const objects = [...bare, again, client];
  const snapshot = openSnapshot(parse(dumpText(objects), { as: "dump" }), { domains: {} });
  const { disposition, assumed } = snapshot.request("http://10.96.1.1/", { from: "node/n1" });
  assert.is(disposition, "delivered");
  assert.equal(
    assumed.filter(({ field }) => field.startsWith("status")).map(({ object }) => object),
    ["Node n1", "Node n2", "Pod default/web-1"],
  );
  assert.throws(
    () => snapshot.request("http://10.96.1.1/", { from: "pod/default/client" }),
    /default\/client/,
  );
});

test("no two Nodes without a status get the same address", () => {
  const names = Array.from({ length: 300 }, (_, i) => `n${i}`);
  const bare = names.map((name) => ({ apiVersion: "v1", kind: "Node", metadata: { name } }));
  const text = dumpText([...bare, ...shop.slice(2)] as KubeObject[]);
  const { assumed } = openSnapshot(parse(text, { as: "dump" }), { domains: {} }).request(
    "http://10.96.1.1/",
    { from: "node/n1" },
  );
  const found = assumed.filter(({ field }) => field === "status.addresses");
  assert.is(new Set(found.map(({ sentence }) => sentence)).size, 300);
});

test("a Service whose address was taken away has one that stands for it", () => {
  const [first, second, web, service, slice] = shop as KubeObject[];
  const {
    clusterIP: _,
    clusterIPs: __,
    ...spec
  } = (service as KubeObject & { spec: object }).spec as Record<string, unknown>;
  const bare = { ...service!, spec } as KubeObject;
  const objects = [first!, second!, web!, bare, slice!];
  const { doors } = openSnapshot(parse(dumpText(objects), { as: "dump" })).why("svc/web");
  assert.equal(
    [...new Set(doors.map(({ door, disposition }) => `${door} ${disposition}`))],
    ["name delivered", "node-port delivered", "cluster-ip delivered", "pod delivered"],
  );
});

test("what listens at the reader's own localhost, as Docker Desktop has it, is not known", () => {
  const { disposition } = open().request("http://localhost/", { from: "internet" });
  assert.is(disposition, "unknown");
});

test("an address is the one that a Pod of the Node tells", () => {
  const [, , web, ...rest] = shop;
  const { status } = web as { status: object };
  const hosted = { ...web, status: { ...status, hostIP: "10.0.0.12" } };
  const nodes = shop.slice(0, 2).map((one) => ({ ...one, status: undefined }));
  const objects = [...nodes, hosted, ...rest] as KubeObject[];
  const { network } = openSnapshot(parse(dumpText(objects), { as: "dump" }));
  assert.equal(network.machines.get("n2")!.addresses, ["10.0.0.12"]);
});

test("the logs in what kubectl cluster-info dump prints are left out", () => {
  const logs =
    '==== START logs for container c of pod default/web-1 ====\n{"level": "info"}\nGET / 200\n==== END logs for container c of pod default/web-1 ====\n';
  const text = shop.map((one) => `${JSON.stringify(one, null, 4)}\n`).join("") + logs;
  const { manifests, notices = [] } = parse(text, { as: "dump", partial: true });
  assert.is(manifests.length, shop.length);
  assert.match(notices.map((notice) => notice.text).join("\n"), /lines that are no manifests'/);
});

test("what helm says beside its manifests is left out, and lines keep their numbers", () => {
  const text =
    "NAME: web\nLAST DEPLOYED: now\nHOOKS:\nMANIFEST:\n---\n# Source: web/s.yaml\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n\nNOTES:\n1. Visit http://127.0.0.1: it works\n";
  assert.equal(
    parse(text).manifests.map(({ object }) => object.metadata.name),
    ["web"],
  );
  assert.throws(() => parse(text.replace("{port: 80}", "{port: 80")), /line 10/);
});

test("why asks for the ClusterIP of the second family, too", () => {
  const { doors } = open().why("default/web");
  const failed = doors.filter(({ disposition }) => disposition !== "delivered");
  assert.equal(
    failed.map(({ door, disposition, cause }) => [door, disposition, cause?.field]),
    [
      ["cluster-ip", "rejected", "status.podIPs"],
      ["cluster-ip", "rejected", "status.podIPs"],
    ],
  );
});

test.run();
