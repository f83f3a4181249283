/**
 * The article's cluster and its request as plain data, with the numbers of the article's figures:
 * input for the tests of the pictures.
 */
import type { KubeObject, Node, Pod, Service, EndpointSlice } from "stopover";
import type { Header, Hop, Journey, Step } from "stopover";
import type { HistoryEntry } from "stopover";

const letters = ["a", "b", "c"];
const podNames = ["nginx-77b4fdf86c-4kq7d", "nginx-77b4fdf86c-9xzl2", "nginx-77b4fdf86c-p5mwt"];

export const nodes: Node[] = letters.map((letter, i) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: `node-${letter}` },
  spec: { podCIDR: `10.1.${i + 1}.0/24` },
  status: { addresses: [{ type: "InternalIP", address: `192.168.0.${i + 1}` }] },
}));
export const pods: Pod[] = podNames.map((name, i) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", labels: { app: "nginx" } },
  spec: { nodeName: nodes[i]!.metadata.name, containers: [{ name: "nginx", image: "nginx" }] },
  status: { phase: "Running", podIP: `10.1.${i + 1}.2` },
}));
export const service: Service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "nginx", namespace: "default" },
  spec: {
    type: "LoadBalancer",
    selector: { app: "nginx" },
    clusterIP: "10.2.1.1",
    ports: [{ name: "http", protocol: "TCP", port: 8080, targetPort: 80, nodePort: 30519 }],
  },
  status: { loadBalancer: { ingress: [{ hostname: "1234.ap-south-1.elb.amazonaws.com" }] } },
};
export const slice: EndpointSlice = {
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  addressType: "IPv4",
  metadata: {
    name: "nginx-x7k2p",
    namespace: "default",
    labels: { "kubernetes.io/service-name": "nginx" },
  },
  endpoints: pods.map((pod) => ({
    addresses: [pod.status!.podIP!],
    conditions: { ready: true },
    nodeName: pod.spec.nodeName!,
    targetRef: { kind: "Pod", name: pod.metadata.name },
  })),
  ports: [{ name: "http", port: 80, protocol: "TCP" }],
};
export const cluster = listing([...nodes, ...pods, service, slice]);
export function listing(objects: readonly KubeObject[]) {
  return { list: (kind: string) => objects.filter((object) => object.kind === kind) };
}

const tcp = (source: string, destination: string): Header => ({
  source,
  destination,
  protocol: "TCP",
});
const nat = (chain: string, rule: string, action: Step["action"] = "jump"): Step => ({
  action,
  table: "nat",
  chain,
  rule,
  object: "Service default/nginx",
});
const asked = tcp("203.0.113.7:51312", "mynginx-app.com:8080"),
  web = tcp("203.0.113.7:51312", "13.234.0.10:8080"),
  toNode = tcp("192.168.0.254:40001", "192.168.0.1:30519"),
  toPod = tcp("192.168.0.1:40001", "10.1.2.2:80");
const back = ({ source, destination }: Header) => tcp(destination, source);
const hop = (
  kind: Hop["kind"],
  name: string,
  stop: Hop["stop"],
  from: Header,
  to: Header,
  steps: Step[] = [],
): Hop => ({ stop, kind, name, in: from, out: to, steps });

export const trip: Journey = {
  request: { url: "http://mynginx-app.com:8080/", from: "internet", source: web.source },
  disposition: "delivered",
  reason: "Pod default/nginx-77b4fdf86c-9xzl2 listens on port 80 and answered",
  pod: `default/${podNames[1]}`,
  node: "node-b",
  destination: "10.1.2.2:80",
  clientSeenByPod: "192.168.0.1:40001",
  hops: [
    hop("client", "internet", null, asked, asked),
    hop("dns", "DNS", null, asked, web, [
      { action: "resolve", rule: "mynginx-app.com CNAME 1234.ap-south-1.elb.amazonaws.com" },
      { action: "resolve", rule: "1234.ap-south-1.elb.amazonaws.com A 13.234.0.10" },
    ]),
    hop("load-balancer", "1234.ap-south-1.elb.amazonaws.com", 1, web, toNode, [
      {
        action: "forward",
        rule: "listener TCP 8080 to instances on port 30519",
        object: "Service default/nginx",
        before: "13.234.0.10:8080",
        after: "192.168.0.1:30519",
      },
    ]),
    hop("node", "node-a", 2, toNode, toNode, [
      nat("PREROUTING", '-m comment --comment "kubernetes service portals" -j KUBE-SERVICES'),
      nat(
        "KUBE-SERVICES",
        '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS',
      ),
      nat(
        "KUBE-NODEPORTS",
        '-p tcp -m comment --comment "default/nginx:http" -m tcp --dport 30519 -j KUBE-EXT-CSVBQZFRKKSDLW2P',
      ),
      nat(
        "KUBE-EXT-CSVBQZFRKKSDLW2P",
        '-m comment --comment "masquerade traffic for default/nginx:http external destinations" -j KUBE-MARK-MASQ',
      ),
      nat("KUBE-MARK-MASQ", "-j MARK --set-xmark 0x4000/0x4000", "mark"),
      nat("KUBE-EXT-CSVBQZFRKKSDLW2P", "-j KUBE-SVC-CSVBQZFRKKSDLW2P"),
    ]),
    hop("cluster-ip", "default/nginx", 3, toNode, toPod, [
      nat(
        "KUBE-SVC-CSVBQZFRKKSDLW2P",
        '-m comment --comment "default/nginx:http -> 10.1.2.2:80" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-6F3KQ2YVE4XJH7RA',
      ),
      {
        ...nat(
          "KUBE-SEP-6F3KQ2YVE4XJH7RA",
          '-p tcp -m comment --comment "default/nginx:http" -m tcp -j DNAT --to-destination 10.1.2.2:80',
          "dnat",
        ),
        before: "192.168.0.1:30519",
        after: "10.1.2.2:80",
      },
      { action: "route", rule: "10.1.2.0/24 via 192.168.0.2 dev eth0" },
      nat("POSTROUTING", '-m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING'),
      {
        ...nat(
          "KUBE-POSTROUTING",
          '-m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
          "snat",
        ),
        before: "192.168.0.254:40001",
        after: "192.168.0.1:40001",
      },
    ]),
    hop("node", "node-b", null, toPod, toPod, [
      { action: "route", rule: "10.1.2.2 dev veth-nginx" },
    ]),
    hop("pod", `default/${podNames[1]}`, null, toPod, toPod, [
      { action: "deliver", note: "nginx listens on port 80" },
    ]),
  ],
  reply: [
    hop("pod", `default/${podNames[1]}`, null, back(toPod), back(toPod)),
    hop("node", "node-b", null, back(toPod), back(toPod)),
    hop("node", "node-a", 2, back(toPod), back(toNode), [
      {
        action: "dnat",
        before: "192.168.0.1:40001",
        after: "192.168.0.254:40001",
        note: "conntrack undoes the masquerade",
      },
      {
        action: "snat",
        before: "10.1.2.2:80",
        after: "192.168.0.1:30519",
        note: "conntrack undoes the DNAT",
      },
    ]),
    hop("load-balancer", "1234.ap-south-1.elb.amazonaws.com", 1, back(toNode), back(web)),
    hop("client", "internet", null, back(web), back(web)),
  ],
};

const start = Date.UTC(2024, 0, 21, 5, 9, 8);
const event = (
  after: number,
  who: string,
  verb: HistoryEntry["verb"],
  kind: string,
  name: string,
  revision: number,
  more: Partial<HistoryEntry> = {},
): HistoryEntry => ({
  time: start + after,
  who,
  verb,
  kind,
  namespace: "default",
  name,
  revision,
  ...more,
});
export const history: HistoryEntry[] = [
  event(0, "kubectl", "create", "Service", "nginx", 40),
  ...[
    "kube-controller-manager",
    "cloud-controller-manager",
    "kube-proxy/node-a",
    "kube-proxy/node-b",
    "kube-proxy/node-c",
  ].map((who) => event(1, who, "notify", "Service", "nginx", 40, { event: "ADDED" })),
  event(2, "endpointslice-controller", "create", "EndpointSlice", "nginx-x7k2p", 41),
  event(2, "endpoint-controller", "create", "Endpoints", "nginx", 42),
  event(3, "service-controller", "patch", "Service", "nginx", 43),
  ...["kube-proxy/node-a", "kube-proxy/node-b", "kube-proxy/node-c"].map((who) =>
    event(4, who, "notify", "EndpointSlice", "nginx-x7k2p", 41, { event: "ADDED" }),
  ),
  event(4000, "service-controller", "patch", "Service", "nginx", 44, { subresource: "status" }),
  ...["kube-proxy/node-a", "kube-proxy/node-b", "kube-proxy/node-c"].map((who) =>
    event(4001, who, "notify", "Service", "nginx", 44, { event: "MODIFIED" }),
  ),
];

export const outcomes = {
  request: trip.request,
  outcomes: pods.map((pod) => ({
    ...trip,
    pod: `default/${pod.metadata.name}`,
    probability: 1 / 3,
  })),
};
export const counts = Object.fromEntries(
  pods.map((pod, i) => [`default/${pod.metadata.name}`, [341, 322, 337][i]!]),
);
export const costs = [1, 10, 100, 1_000, 10_000].flatMap((services) => [
  { services, rules: 8, series: "to the first Service" },
  { services, rules: services + 7, series: "to the last Service" },
]);
