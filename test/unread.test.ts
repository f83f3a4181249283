/** What an input says and nobody here reads is told with each verdict that it could change. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { aws, createCluster, gcp, type Service } from "stopover";
import { unreadAnnotations } from "stopover/internal/cloud/annotations";

const service = (annotations: Record<string, string>): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", annotations },
  spec: { type: "LoadBalancer", selector: { app: "web" }, ports: [{ port: 80 }] },
});
const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", labels: { app: "web" } },
  spec: { containers: [{ name: "c", image: "nginx", ports: [{ containerPort: 80 }] }] },
};

const beta = "service.beta.kubernetes.io";
const rows: [key: string, value: string, told: "nothing" | "unread"][] = [
  [`${beta}/aws-load-balancer-internal`, "true", "nothing"],
  [`${beta}/aws-load-balancer-internal`, "0.0.0.0/0", "nothing"],
  [`${beta}/aws-load-balancer-internal`, "false", "nothing"],
  [`${beta}/azure-load-balancer-internal`, "true", "nothing"],
  [`${beta}/aws-load-balancer-scheme`, "internal", "nothing"],
  [`${beta}/aws-load-balancer-scheme`, "internet-facing", "nothing"],
  ["networking.gke.io/load-balancer-type", "Internal", "nothing"],
  ["cloud.google.com/load-balancer-type", "internal", "nothing"],
  ["cloud.google.com/load-balancer-type", "External", "nothing"],
  [`${beta}/aws-load-balancer-proxy-protocol`, "*", "unread"],
  [`${beta}/aws-load-balancer-ssl-cert`, "arn:x", "unread"],
  [`${beta}/do-loadbalancer-protocol`, "http", "unread"],
  ["metallb.universe.tf/address-pool", "p", "unread"],
  [`${beta}/aws-load-balancer-additional-resource-tags`, "a=b", "nothing"],
  ["load-balancer.hetzner.cloud/name", "x", "nothing"],
  ["kubectl.kubernetes.io/last-applied-configuration", "{}", "nothing"],
  ["prometheus.io/scrape", "true", "nothing"],
];
for (const [key, value, told] of rows)
  test(`${key}: ${value}: ${told}`, () => {
    const all = unreadAnnotations(service({ [key]: value }));
    assert.is(all.length, told === "nothing" ? 0 : 1);
  });

const fields = (leftOut: readonly { field: string }[]) => leftOut.map(({ field }) => field);

for (const [cloud, make] of Object.entries({ aws, gcp }))
  test(`${cloud}: what is asked of the load balancer comes with the verdict, and with why`, () => {
    const cluster = createCluster({ nodes: 2, cloud: make() });
    const key = `${beta}/aws-load-balancer-proxy-protocol`;
    cluster.apply(pod);
    cluster.apply(service({ [key]: "*" }));
    cluster.settle();
    const { hostname, ip } = cluster.get("Service", "web").status!.loadBalancer!.ingress![0]!;
    const field = `metadata.annotations["${key}"]`;
    const { disposition, leftOut } = cluster.request(`http://${hostname ?? ip}/`);
    assert.is(disposition, "delivered");
    assert.equal(fields(leftOut), [field]);
    assert.ok(fields(cluster.why("web").leftOut).includes(field));
    const { clusterIP } = cluster.get("Service", "web").spec;
    assert.equal(cluster.request(`http://${clusterIP}/`, { from: "node/node-a" }).leftOut, []);
  });

test("an endpoint outside of the cluster is taken to answer, and why says so", () => {
  const cluster = createCluster({ nodes: 1 });
  cluster.apply(`
apiVersion: v1
kind: Service
metadata: { name: db }
spec: { ports: [{ port: 5432 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: db-1, labels: { kubernetes.io/service-name: db } }
addressType: IPv4
ports: [{ port: 5432, protocol: TCP }]
endpoints: [{ addresses: [192.168.50.9] }]
`);
  cluster.settle();
  assert.equal(
    cluster.why("db").assumed.map(({ object }) => object),
    ["192.168.50.9"],
  );
});

const asker = (spec: object) => {
  const cluster = createCluster({ nodes: 1 });
  cluster.apply({
    ...pod,
    spec: {
      ...pod.spec,
      hostAliases: [{ ip: "192.168.0.1", hostnames: ["db", "db.corp"] }],
      ...spec,
    },
  });
  cluster.settle();
  const named = (host: string) => {
    const { hops } = cluster.request(`http://${host}/`, { from: "pod/default/web" });
    const dns = hops.find(({ kind }) => kind === "dns");
    return [dns?.name, dns?.steps.at(-1)?.rule];
  };
  return named;
};

test("a name of hostAliases is in the Pod's own /etc/hosts, and no server is asked", () => {
  for (const spec of [
    {},
    { hostNetwork: true },
    { dnsPolicy: "None", dnsConfig: { nameservers: ["1.1.1.1"] } },
  ]) {
    const named = asker(spec);
    assert.equal(named("db"), ["/etc/hosts", "db 192.168.0.1"]);
    assert.equal(named("db.CORP."), ["/etc/hosts", "db.corp. 192.168.0.1"]);
    assert.is.not(named("web")[0], "/etc/hosts");
  }
});

test.run();
