/** What a Service asks of its cloud beside its spec: by annotations, and by sessionAffinity. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { aws, createCluster, gcp, openSnapshot, parse, type Cluster } from "stopover";
import { openDocuments, usualRequest } from "stopover/internal/doors/cli/opened";

const web = (spec: string, annotations = "{}"): string => `
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 3, selector: {matchLabels: {app: web}},
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: nginx, ports: [{containerPort: 80}]}]}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, annotations: ${annotations}},
  spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]${spec}}}
`;
const clouds = { aws, gcp };

function made(cloud: keyof typeof clouds, spec = "", annotations?: string): Cluster {
  const cluster = createCluster({ nodes: 3, cloud: clouds[cloud](), domains: {} });
  cluster.apply(parse(web(spec, annotations)));
  cluster.settle();
  cluster.advance("20s");
  return cluster;
}

function address(cluster: Pick<Cluster, "list">): string {
  const [{ ip, hostname } = {}] = cluster
    .list("Service")
    .find(({ metadata }) => metadata.name === "web")!.status!.loadBalancer!.ingress!;
  return ip ?? hostname!;
}

const internal: [cloud: keyof typeof clouds, annotation: string][] = [
  ["aws", 'service.beta.kubernetes.io/aws-load-balancer-internal: "true"'],
  ["aws", "service.beta.kubernetes.io/aws-load-balancer-internal: 0.0.0.0/0"],
  ["gcp", "networking.gke.io/load-balancer-type: Internal"],
  ["gcp", "cloud.google.com/load-balancer-type: internal"],
];
for (const [cloud, annotation] of internal)
  test(`${annotation}: no route leads there from the internet, and one from the network`, () => {
    const cluster = made(cloud, "", `{${annotation}}`);
    const url = `http://${address(cluster)}/`;
    const { disposition, reason } = cluster.request(url, { from: "internet" });
    assert.is(disposition, "no route");
    assert.match(reason, /internal load balancer/);
    assert.is(cluster.request(url, { from: "node/node-a" }).disposition, "delivered");
    assert.is(cluster.request(url, { from: "10.200.1.1" }).disposition, "delivered");
  });

test("an internal load balancer has a private address; without the annotation it gets another", () => {
  const cluster = made("gcp", "", "{networking.gke.io/load-balancer-type: Internal}");
  assert.match(address(cluster), /^192\.168\./);
  cluster.apply(parse(web("")));
  cluster.settle();
  cluster.advance("20s");
  assert.match(address(cluster), /^198\.51\.100\./);
  assert.is(cluster.request(`http://${address(cluster)}/`).disposition, "delivered");
});

test('aws-load-balancer-internal: "false" asks for nothing', () => {
  const no = '{service.beta.kubernetes.io/aws-load-balancer-internal: "false"}';
  const cluster = made("aws", "", no);
  assert.is(cluster.request(`http://${address(cluster)}/`).disposition, "delivered");
});

test("a dump's internal load balancer is told by its annotation, too", () => {
  const cluster = made(
    "aws",
    "",
    '{service.beta.kubernetes.io/azure-load-balancer-internal: "true"}',
  );
  const items = (["Node", "Pod", "Service", "EndpointSlice"] as const).flatMap((kind) =>
    cluster.list(kind),
  );
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  const dump = openSnapshot(parse(list, { as: "dump" }), { domains: {} });
  assert.match(dump.request(`http://${address(cluster)}/`).reason, /internal load balancer/);
});

test("source ranges by the older annotation keep others out", () => {
  const ranges =
    '{service.beta.kubernetes.io/load-balancer-source-ranges: "10.0.0.0/8, 192.0.2.0/24"}';
  const cluster = made("aws", "", ranges);
  assert.is(cluster.request(`http://${address(cluster)}/`).disposition, "dropped");
  assert.is(
    cluster.request(`http://${address(cluster)}/`, { from: "192.0.2.9" }).disposition,
    "delivered",
  );
});

test("Google's load balancer sends a client to the same node again, with ClientIP alone", () => {
  const nodes = (cluster: Cluster) => {
    const url = `http://${address(cluster)}/`;
    const trips = Array.from({ length: 12 }, () => cluster.request(url, { from: "203.0.113.9" }));
    return new Set(trips.map(({ hops }) => hops.find(({ kind }) => kind === "node")!.name)).size;
  };
  assert.is(nodes(made("gcp", ", sessionAffinity: ClientIP")), 1);
  assert.ok(nodes(made("gcp")) > 1);
});

test("before the first request each node is as likely, and asking for all ways leaves nothing behind", () => {
  const cluster = made("gcp", ", sessionAffinity: ClientIP");
  const url = `http://${address(cluster)}/`;
  const ways = () => cluster.outcomes(url, { from: "203.0.113.9" }).outcomes.length;
  assert.is(ways(), 9);
  assert.is(ways(), 9);
  cluster.request(url, { from: "203.0.113.9" });
  assert.ok(ways() < 9);
});

test("Amazon's refuses ClientIP, and the address stays pending", () => {
  const cluster = made("aws", ", sessionAffinity: ClientIP");
  assert.equal(cluster.get("Service", "web").status?.loadBalancer ?? {}, {});
});

const said: [annotation: string, sentence: RegExp | undefined][] = [
  ['service.beta.kubernetes.io/aws-load-balancer-proxy-protocol: "*"', /PROXY header/],
  [
    "service.beta.kubernetes.io/aws-load-balancer-target-group-attributes: 'stickiness.enabled=true,stickiness.type=source_ip'",
    /stickiness/,
  ],
  [
    "service.beta.kubernetes.io/aws-load-balancer-target-group-attributes: preserve_client_ip.enabled=true",
    /preserve_client_ip.*not modelled/,
  ],
  ["service.beta.kubernetes.io/aws-load-balancer-ssl-cert: arn:x", /TLS ends/],
  [`cloud.google.com/backend-config: '{"default": "x"}'`, /HTTP/],
  ["prometheus.io/scrape: 'true'", undefined],
];
for (const [annotation, sentence] of said)
  test(`${annotation}: ${sentence ? "it is said that it is left out" : "nothing is left out"}`, () => {
    const cluster = openDocuments(parse(web("", `{${annotation}}`)), { cloud: aws() });
    const { leftOut } = cluster.request(`http://${address(cluster)}/`);
    assert.is(leftOut.length, sentence ? 1 : 0);
    if (sentence) assert.match(leftOut[0]!.sentence, sentence);
  });

test("why asks an internal load balancer from inside, and a journey does", () => {
  const yes = '{service.beta.kubernetes.io/aws-load-balancer-internal: "true"}';
  const cluster = made("aws", "", yes);
  const { doors } = cluster.why("web");
  assert.equal(
    doors.filter(({ disposition }) => disposition !== "delivered"),
    [],
  );
  const documents = parse(web("", yes));
  const opened = openDocuments(documents, { cloud: aws() });
  assert.is(usualRequest(documents, opened).from, "node/node-a");
});

test.run();
