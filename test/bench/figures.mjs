// What is measured: each figure by itself, in a process of its own (run.mjs). They know nothing but
// the library's public face, so that the same lines measure any commit's build.
//
// A figure prepares what it needs and hands back what is timed, with how many times that does the
// thing it is named for; what each round needs anew is made `before` it. `large` ones take minutes
// and are asked for by --large.

/** @typedef {typeof import("stopover")} Stopover */
/**
 * @typedef {{ name: string, unit: "µs" | "ms" | "s", large?: true, most?: number,
 *   prepare(stopover: Stopover):
 *     { times?: number, before?: () => void, run(): unknown } }} Figure
 */

const url = "http://mynginx-app.com:8080/";
const labels = { app: "web" };

const deployment = (/** @type {string} */ name, /** @type {number} */ replicas) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "nginx", image: "nginx", ports: [{ containerPort: 80 }] }] },
    },
  },
});
const service = (/** @type {string} */ name, /** @type {object} */ spec = {}, app = name) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { selector: { app }, ports: [{ port: 8080, targetPort: 80 }], ...spec },
});

/** @param {Stopover} stopover */
function article({ createCluster, aws }, nodes = 3, replicas = 3) {
  const cluster = createCluster({ nodes, cloud: aws(), seed: 1 });
  cluster.apply(deployment("nginx", replicas));
  cluster.apply(service("nginx", { type: "LoadBalancer" }));
  cluster.settle();
  return cluster;
}

/**
 * A request from a node to another one's NodePort, in a network that has so many load balancers:
 * none is on its way.
 * @param {number} balancers
 * @returns {Figure["prepare"]}
 */
const among = (balancers) => (stopover) => {
  const cluster = stopover.createCluster({ nodes: 2, cloud: stopover.aws(), domains: {} });
  cluster.apply(deployment("web", 2));
  for (let i = 0; i < balancers; i++)
    cluster.apply(service(`s${i}`, { type: "LoadBalancer" }, "web"));
  cluster.settle();
  const port = cluster.get("Service", "s0").spec.ports?.[0]?.nodePort;
  const from = "node/node-a";
  return { times: 500, run: () => cluster.spread(`http://192.168.0.2:${port}/`, 500, { from }) };
};

/**
 * From apply to complete endpoints.
 * @param {number} pods
 * @param {number} nodes
 * @param {number} groups
 * @returns {Figure["prepare"]}
 */
const rollOut = (pods, nodes, groups) => (stopover) => {
  /** @type {ReturnType<Stopover["createCluster"]>} */
  let cluster;
  const before = () => {
    cluster = stopover.createCluster({ nodes });
  };
  const run = () => {
    for (let i = 0; i < groups; i++) {
      cluster.apply(deployment(`web-${i}`, pods / groups));
      cluster.apply(service(`web-${i}`));
    }
    cluster.settle();
    const ready = cluster
      .list("EndpointSlice")
      .flatMap(({ endpoints }) => endpoints)
      .filter(({ conditions }) => conditions?.ready).length;
    if (ready !== pods) throw new Error(`${ready} endpoints are ready, expected are ${pods}`);
  };
  return { before, run };
};

/** @param {Stopover} stopover @param {number} endpoints */
function clusterIP({ createCluster }, endpoints) {
  const cluster = createCluster({ nodes: Math.ceil(endpoints / 90), domains: {} });
  cluster.apply(deployment("web", endpoints));
  cluster.apply(service("web"));
  cluster.settle();
  return { cluster, goal: `http://${cluster.get("Service", "web").spec.clusterIP}:8080/` };
}

/** @type {readonly Figure[]} */
export const figures = [
  {
    name: "the article's cluster, from nothing",
    unit: "ms",
    prepare: (stopover) => ({ run: () => article(stopover) }),
  },
  {
    name: "a request, every step recorded",
    unit: "µs",
    prepare: (stopover) => {
      const cluster = article(stopover);
      const run = () => {
        for (let i = 0; i < 2000; i++) cluster.request(url);
      };
      return { times: 2000, run };
    },
  },
  {
    name: "a request, without its steps",
    unit: "µs",
    prepare: (stopover) => {
      const cluster = article(stopover);
      return { times: 10_000, run: () => cluster.spread(url, 10_000) };
    },
  },
  {
    name: "every way of a request",
    unit: "µs",
    prepare: (stopover) => {
      const cluster = article(stopover);
      const run = () => {
        for (let i = 0; i < 100; i++) cluster.outcomes(url);
      };
      return { times: 100, run };
    },
  },
  { name: "a request among 2 load balancers", unit: "µs", prepare: among(2) },
  { name: "a request among 2,000 load balancers", unit: "µs", prepare: among(2000) },
  {
    name: "shares() of 2,000 endpoints",
    unit: "ms",
    most: 50,
    prepare: (stopover) => {
      const { cluster, goal } = clusterIP(stopover, 2000);
      return { run: () => cluster.shares(goal, { from: "node/node-a" }) };
    },
  },
  {
    name: "shares() of 300 nodes x 400 endpoints",
    unit: "ms",
    most: 1000,
    prepare: (stopover) => {
      const cluster = article(stopover, 300, 400);
      cluster.advance("1m");
      return { run: () => cluster.shares(url) };
    },
  },
  {
    name: "1,000 Services in one YAML file, read",
    unit: "ms",
    prepare: (stopover) => {
      const one = (/** @type {number} */ i) =>
        `apiVersion: v1\nkind: Service\nmetadata:\n  name: s${i}\nspec:\n  selector: {app: nginx}\n  ports:\n  - port: 80\n`;
      const text = Array.from({ length: 1000 }, (_, i) => one(i)).join("---\n");
      return { run: () => stopover.parse(text) };
    },
  },
  {
    name: "a dump of 2,000 Services x 10 endpoints, opened, and a node's rules as text",
    unit: "s",
    prepare: (stopover) => {
      const text = JSON.stringify({ apiVersion: "v1", kind: "List", items: dump(2000) });
      const run = () => {
        const snapshot = stopover.openSnapshot(stopover.parse(text, { as: "dump" }));
        return snapshot.node("node-a").rules.restoreText();
      };
      return { run };
    },
  },
  {
    name: "why of one Service among 1,000, 5,000 Pods, 100 nodes",
    unit: "ms",
    most: 200,
    prepare: (stopover) => {
      const snapshot = largeDump(stopover);
      let next = 0;
      return { run: () => snapshot.why(`s${next++ % 1000}`) };
    },
  },
  {
    name: "why of all 1,000 Services, 5,000 Pods, 100 nodes",
    unit: "s",
    most: 3,
    prepare: (stopover) => {
      const snapshot = largeDump(stopover);
      return { run: () => snapshot.why() };
    },
  },
  { name: "1,000 Pods on 10 nodes", unit: "s", prepare: rollOut(1000, 10, 1) },
  { name: "10,000 Pods on 100 nodes", unit: "s", prepare: rollOut(10_000, 100, 10) },
  {
    name: "150,000 Pods on 5,000 nodes",
    unit: "s",
    large: true,
    prepare: rollOut(150_000, 5000, 1500),
  },
];

/** @param {number} services */
function dump(services) {
  const node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "node-a" },
    spec: { podCIDR: "10.1.0.0/24" },
    status: { addresses: [{ type: "InternalIP", address: "192.168.0.1" }] },
  };
  const both = (/** @type {number} */ i) => [
    {
      ...service(`s${i}`, {
        type: "ClusterIP",
        clusterIP: `10.96.${i >> 8}.${i & 255}`,
        clusterIPs: [`10.96.${i >> 8}.${i & 255}`],
        ports: [{ port: 80, targetPort: 80, protocol: "TCP" }],
      }),
      metadata: { name: `s${i}`, namespace: "default" },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `s${i}-x`,
        namespace: "default",
        labels: { ...labels, "kubernetes.io/service-name": `s${i}` },
      },
      addressType: "IPv4",
      endpoints: Array.from({ length: 10 }, (_, e) => ({
        addresses: [`10.${100 + (i >> 8)}.${i & 255}.${e + 1}`],
        conditions: { ready: true },
        nodeName: "node-a",
      })),
      ports: [{ port: 80, protocol: "TCP" }],
    },
  ];
  return [node, ...Array.from({ length: services }, (_, i) => both(i)).flat()];
}

/**
 * A cluster of some size, as kubectl dumps it: of the Services a third each of every type.
 * @param {Stopover} stopover
 */
function largeDump({ openSnapshot, parse }) {
  const nodes = Array.from({ length: 100 }, (_, i) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: `node-${i}` },
    spec: { podCIDR: `10.${i + 1}.0.0/24` },
    status: {
      addresses: [{ type: "InternalIP", address: `192.168.0.${i + 1}` }],
      conditions: [{ type: "Ready", status: "True" }],
    },
  }));
  const items = Array.from({ length: 1000 }, (_, i) => served(i)).flat();
  const text = JSON.stringify({ apiVersion: "v1", kind: "List", items: [...nodes, ...items] });
  return openSnapshot(parse(text, { as: "dump" }), { domains: {} });
}

/**
 * A Service with five Pods, on five nodes.
 * @param {number} i
 */
function served(i) {
  const name = `s${i}`;
  const pods = Array.from({ length: 5 }, (_, p) => ({
    ip: `10.${((i * 7 + p * 13) % 100) + 1}.0.${2 + p * 50 + Math.floor(i / 100) * 4}`,
    name: `${name}-${p}`,
    nodeName: `node-${(i * 7 + p * 13) % 100}`,
  }));
  const type = ["LoadBalancer", "NodePort", "ClusterIP"][i % 3];
  const clusterIP = `10.250.${i >> 8}.${i & 255}`;
  const nodePort = type === "ClusterIP" ? {} : { nodePort: 30_000 + i };
  const ports = [{ port: 80, targetPort: 8080, protocol: "TCP", ...nodePort }];
  const ingress = [{ hostname: `${name}.example.com` }];
  return [
    ...pods.map((pod) => podOf(pod, name)),
    {
      ...service(name, { type, clusterIP, clusterIPs: [clusterIP], ports }),
      ...(type === "LoadBalancer" && { status: { loadBalancer: { ingress } } }),
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `${name}-x`, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: [{ name: "", port: 8080, protocol: "TCP" }],
      endpoints: pods.map(({ ip, nodeName, name: pod }) => ({
        addresses: [ip],
        conditions: { ready: true },
        nodeName,
        targetRef: { kind: "Pod", name: pod, namespace: "default" },
      })),
    },
  ];
}

/**
 * @param {{ ip: string, name: string, nodeName: string }} pod
 * @param {string} app
 */
const podOf = ({ ip, name, nodeName }, app) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app } },
  spec: { nodeName, containers: [{ name: "c", image: "app", ports: [{ containerPort: 8080 }] }] },
  status: {
    phase: "Running",
    podIP: ip,
    podIPs: [{ ip }],
    conditions: [{ type: "Ready", status: "True" }],
  },
});
