/**
 * The checks of chapters 00 to 06: each accepts what is right, in several spellings, and refuses
 * what readers may well think instead.
 */
import { readdirSync, readFileSync } from "node:fs";
import { inspect } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { aws, createCluster, read, type Cluster, type Journey } from "stopover";
import { verdict } from "@stopover/exercises";

const manifests = new URL("../../notebooks/manifests", import.meta.url).pathname;
const url = "http://mynginx-app.com:8080/";

function article(change?: (cluster: Cluster) => void): Cluster {
  const cluster = createCluster({ nodes: 3, cloud: aws(), seed: 1 });
  cluster.apply(read(manifests));
  cluster.settle();
  change?.(cluster);
  cluster.settle();
  return cluster;
}

const atPort80 = article((cluster) =>
  cluster.patch("Service", "nginx", {
    spec: { ports: [{ name: "http", port: 80, targetPort: 80 }] },
  }),
);
const plain = article();
const byNodePort = plain.outcomes("http://192.168.0.1:30519/", { from: "192.168.7.7" }).outcomes;
const stays = (yes: boolean) =>
  byNodePort.find(({ node }) => (node === "node-a") === yes) as Journey;

const labelled = (...nodes: string[]) =>
  article((cluster) => {
    for (const node of nodes)
      cluster.patch("Node", node, { metadata: { labels: { disk: "ssd" } } });
    cluster.patch("Deployment", "nginx", {
      spec: { template: { spec: { nodeSelector: { disk: "ssd" } } } },
    });
  });
const bare = createCluster();

/** Another cluster, in which scripts were typed: "node-a", or 0 for its first Pod -> scripts. */
async function typed(
  change: (cluster: Cluster) => void,
  ...lines: [place: string | number, script: string][]
): Promise<Cluster> {
  const cluster = article(change);
  for (const [place, script] of lines) {
    if (typeof place === "string") await cluster.node(place).sh(script);
    else await cluster.pod(cluster.list("Pod")[place]!.metadata.name).sh(script);
  }
  return cluster;
}
const withTill = (cluster: Cluster): void => {
  const spec = { selector: { app: "nginx" }, ports: [{ port: 443, targetPort: 80 }] };
  cluster.apply({ apiVersion: "v1", kind: "Service", metadata: { name: "till" }, spec });
};
const till = article(withTill).get("Service", "till").spec.clusterIP!;
const rulesRead = await typed(withTill, ["node-a", "iptables-save -t nat"]);
const nameAsked = await typed(withTill, [0, "nslookup till"]);
const otherRead = await typed(withTill, ["node-a", "ss -ltn; curl -sm1 10.2.1.1"]);
const curl = "curl -s http://nginx:8080";
const nodes = ["node-a", "node-b", "node-c"] as const;
const tracked = await typed(
  () => {},
  [0, curl],
  ...nodes.map((n) => [n, "conntrack -L"] as [string, string]),
);
const untracked = await typed(() => {}, [0, curl]);
const fromNode = await typed(() => {}, ["node-a", "curl -s 10.2.1.1:8080; conntrack -L"]);
const answering = tracked.network.typed![0]!.journey!.destination!;
const silent = untracked.network.typed![0]!.journey!.destination!;
function withDomains(domains: Record<string, string>, cloud = true): Cluster {
  const cluster = createCluster({ domains, ...(cloud && { cloud: aws() }) });
  cluster.apply(read(manifests));
  cluster.settle();
  return cluster;
}

function refusal(name: string, spec = "{ ports: [{ port: 80 }] }"): string {
  try {
    article().apply(
      `{ apiVersion: v1, kind: Service, metadata: { name: ${name} }, spec: ${spec} }`,
    );
  } catch (error) {
    return (error as Error).message;
  }
  return "applied";
}

const astray = article((cluster) =>
  cluster.patch("Service", "nginx", { spec: { selector: { app: "ngnix" } } }),
);
const on30080 = article((cluster) =>
  cluster.patch("Service", "nginx", {
    spec: { ports: [{ name: "http", port: 8080, targetPort: 80, nodePort: 30080 }] },
  }),
);

const stopCloudManagers = (howMany: number) => (cluster: Cluster) =>
  cluster.managers
    .filter(({ name }) => name === "cloud-controller-manager")
    .slice(0, howMany)
    .forEach((manager) => manager.stop());
const tooEarly = createCluster({ cloud: aws() });
stopCloudManagers(2)(tooEarly);
tooEarly.apply(read(manifests));
tooEarly.settle();

const staleOn = (node: string, replicas = 1) =>
  article((cluster) => {
    cluster.node(node).kubeProxy.stop();
    cluster.scale("Deployment", "nginx", replicas);
  });

/** For each exercise what is right, and what is wrong but plausible. */
const table: Record<string, { right: unknown[]; wrong: unknown[] }> = {
  "00.1": {
    right: ["kube-scheduler", "the scheduler", "Scheduler"],
    wrong: ["kubelet", "kubelet/node-a", "API server", "replicaset-controller", "kubectl"],
  },
  "00.2": {
    right: ["replicaset-controller", "ReplicaSet controller"],
    wrong: [
      "deployment-controller",
      "kube-controller-manager",
      "KCM",
      "kubelet",
      "kube-scheduler",
      "kubectl",
    ],
  },
  "00.3": { right: ["10.1.4.2"], wrong: ["10.1.1.3", "10.1.2.3", "10.1.3.3", "10.1.4.0/24", 4] },
  "00.4": {
    right: [labelled("node-c")],
    wrong: [
      plain,
      labelled(),
      labelled("node-b"),
      labelled("node-a", "node-c"),
      bare,
      "node-c",
      {},
    ],
  },
  "01.1": {
    right: ["b", "(b)", "B", "b) a rolling update"],
    wrong: ["a", "c", "d", "e", "all", 2],
  },
  "01.2": { right: [2, "2", "two"], wrong: [3, 0, 1, "three", "none"] },
  "01.3": { right: ["A", "a record", "type A"], wrong: ["CNAME", "MX", "TXT", "AAAA", "ALIAS"] },
  "01.4": {
    right: [withDomains({ "shop.example": "default/nginx" })],
    wrong: [
      plain,
      bare,
      withDomains({ "shop.example": "default/nginx" }, false),
      withDomains({ "www.shop.example": "default/nginx" }),
      "shop.example",
    ],
  },
  "02.1": {
    right: ["API server", "the kube-apiserver", "apiserver"],
    wrong: [
      "kube-controller-manager",
      "KCM",
      "service controller",
      "kube-proxy",
      "etcd",
      "kubectl",
      "cloud-controller-manager",
    ],
  },
  "02.2": { right: ["d", "(d)", "D"], wrong: ["a", "b", "c", "none", 4] },
  "02.3": { right: [0, "0", "none", "zero"], wrong: [1, 2, "one", "many"] },
  "02.4": {
    right: [refusal("My_App"), new Error(refusal("1st")), refusal("x".repeat(64))],
    wrong: [
      refusal("fine"),
      refusal("fine", "{ ports: [{ port: 70000 }] }"),
      refusal("fine", "{ prots: [] }"),
      "My_App",
      'services "nginx" already exists',
    ],
  },
  "03.1": { right: [0, "none", "0", "no"], wrong: [1, 3, 30519, "one"] },
  "03.2": { right: [5, "five", "5"], wrong: [4, 4.5, 1, 450, 9] },
  "03.3": { right: [30086, "30086"], wrong: [30000, 30085, 30087, 30095, 32767, 86] },
  "03.4": {
    right: [astray],
    wrong: [
      plain,
      bare,
      article((cluster) => cluster.scale("Deployment", "nginx", 0)),
      article((cluster) => cluster.delete("Service", "nginx")),
      "rejected",
    ],
  },
  "03.5": {
    right: [on30080],
    wrong: [
      plain,
      bare,
      article((cluster) =>
        cluster.patch("Service", "nginx", {
          spec: { ports: [{ name: "http", port: 30080, targetPort: 80 }] },
        }),
      ),
      30080,
    ],
  },
  "03.6": {
    right: [
      { cluster: rulesRead, found: till },
      { cluster: nameAsked, found: `${till}:443` },
      { cluster: rulesRead, found: `${till}/32` },
    ],
    wrong: [
      till,
      { cluster: rulesRead, found: "10.2.1.1" },
      { cluster: otherRead, found: till },
      { cluster: article(withTill), found: till },
      { cluster: untracked, found: till },
      { cluster: rulesRead, found: "?" },
      { cluster: bare, found: till },
    ],
  },
  "04.1": {
    right: ["cloud-controller-manager", "CCM", "the Cloud Controller Manager"],
    wrong: ["kube-controller-manager", "KCM", "controller manager", "API server", "kube-proxy"],
  },
  "04.2": { right: ["c", "(c)", "c) the events"], wrong: ["a", "b", "d", "e"] },
  "04.3": {
    right: ["a, b, d", ["a", "b", "d"], "(a), (b) and (d)", "d b a"],
    wrong: ["a", "a, b", "b, d", "a, d", "c", "a, b, c, d", "all", ["c"]],
  },
  "04.4": {
    right: [article(stopCloudManagers(2))],
    wrong: [article(stopCloudManagers(1)), article(), bare, tooEarly, "both"],
  },
  "05.1": { right: [1 / 3, "1/3", 0.33333333349, "33%"], wrong: [1 / 4, 0.25, 1 / 2, 3 / 4, 1, 3] },
  "05.2": {
    right: ["spec.ports[0].nodePort", "nodePort", "spec.ports[].nodePort"],
    wrong: [
      "spec.clusterIP",
      "spec.externalTrafficPolicy",
      "port",
      "spec.ports[0].port",
      "status.loadBalancer",
      30519,
    ],
  },
  "05.3": { right: ["b", "(b)", "B"], wrong: ["a", "c", "d", "nothing happens"] },
  "05.4": {
    right: [staleOn("node-b"), staleOn("node-a"), staleOn("node-b", 5)],
    wrong: [
      plain,
      bare,
      staleOn("node-c"),
      staleOn("node-b", 3),
      createCluster({ nodes: 1 }),
      "node-b",
    ],
  },
  "06.1": {
    right: [1 / 3, "1/3", "33 %", "33.3%", 0.333],
    wrong: [1 / 9, "1/9", 2 / 3, 1, 3, "never"],
  },
  "06.2": {
    right: [
      ["kube-proxy", "conntrack"],
      "kube-proxy, connection tracking",
      ["Kube Proxy", "nf_conntrack"],
    ],
    wrong: [
      ["kubelet", "conntrack"],
      ["conntrack", "kube-proxy"],
      ["kube-proxy", "kube-proxy"],
      ["kube-proxy"],
      "kube-proxy",
      ["kube-controller-manager", "iptables"],
      ["kube-proxy", "MASQUERADE"],
    ],
  },
  "06.3": { right: [1 / 5, 0.2, "20%", "1/5"], wrong: [1 / 3, "1/3", 1 / 15, 1 / 9, 5, 0.33] },
  "06.4": {
    right: [
      atPort80.request("http://mynginx-app.com/"),
      atPort80.request("http://mynginx-app.com:80/"),
    ],
    wrong: [
      "http://mynginx-app.com/",
      plain.request("http://mynginx-app.com/"),
      plain.request(url),
      atPort80.request("http://myngix-app.com/"),
      atPort80.request("https://mynginx-app.com/"),
      plain.request("http://192.168.0.1:30519/"),
      plain.request("mynginx-app.com"),
      {},
      80,
    ],
  },
  "06.5": {
    right: [stays(true)],
    wrong: [
      stays(false),
      plain.request(url),
      plain.request("http://nginx:8080/", {
        from: `pod/default/${plain.list("Pod")[0]!.metadata.name}`,
      }),
      plain.request("http://192.168.0.1:80/"),
      "http://192.168.0.1:30519/",
      30519,
    ],
  },
  "06.6": {
    right: [
      { cluster: tracked, found: answering },
      { cluster: tracked, found: answering.replace(":80", "") },
    ],
    wrong: [
      answering,
      { cluster: tracked, found: "10.2.1.1" },
      { cluster: untracked, found: silent },
      { cluster: fromNode, found: answering },
      { cluster: plain, found: answering },
      { cluster: tracked },
    ],
  },
};

for (const [id, { right, wrong }] of Object.entries(table)) {
  test(`${id} accepts what is right and says why`, () => {
    for (const answer of right) {
      const { right: isRight, say } = verdict(id, answer);
      assert.ok(isRight, `${inspect(answer).slice(0, 200)} was refused: ${say}`);
      assert.ok(say.length > 20, "it explains");
    }
  });
  test(`${id} refuses what is wrong with a hint`, () => {
    for (const answer of wrong) {
      const { right: isRight, say } = verdict(id, answer);
      assert.not.ok(isRight, `${inspect(answer).slice(0, 200)} was accepted`);
      assert.ok(say.length > 20, "it hints");
    }
  });
  test(`${id} asks for an answer where none is given`, () => {
    for (const nothing of ["?", "", undefined, null])
      assert.match(verdict(id, nothing).say, /^Put your answer/);
  });
}

test("the chapters ask for just these", () => {
  const notebooks = new URL("../../notebooks/", import.meta.url),
    chapters = readdirSync(notebooks).filter((name) => /^0[0-6]-.*\.ipynb$/.test(name));
  const asked = chapters.flatMap((name) =>
    [
      ...readFileSync(new URL(name, notebooks), "utf8").matchAll(
        /check\((?:\\n",\s*"\s*)?\\"(\d\d\.\d)\\"/g,
      ),
    ].map(([, id]) => id!),
  );
  assert.equal(asked, Object.keys(table));
});

test("an exercise that does not exist is named", () => {
  assert.throws(() => verdict("06.99", 1), /no exercise "06.99"/);
});

test.run();
