/** 200 generated clusters in which nothing is wrong: `why` must not raise an alarm. */
import fc, { type Arbitrary } from "fast-check";
import { test } from "uvu";
import { aws, createCluster, gcp, openSnapshot, parse, whyText, type KubeObject } from "stopover";
import { kinds } from "stopover/internal/objects/kinds";
import { isFailing } from "stopover/internal/why/why";
import { seed } from "./seed.js";

const clusters = 200;

interface App {
  replicas: number;
  /** By name or by number; undefined: the same as port. */
  target: "name" | "number" | "same";
  ports: 1 | 2;
  protocol: "TCP" | "UDP";
  probe: "none" | "http" | "tcp" | "named";
  hostNetwork: boolean;
  spec: Record<string, unknown>;
}

interface Healthy {
  nodes: number;
  cloud: "aws" | "gcp";
  client: boolean;
  apps: App[];
  byHand: boolean;
  alias: boolean;
  dump: boolean;
}

const policies: Arbitrary<Record<string, unknown>> = fc.constantFrom(
  {},
  {},
  { externalTrafficPolicy: "Local" },
  { internalTrafficPolicy: "Local" },
  { loadBalancerSourceRanges: ["203.0.113.0/24"] },
  { loadBalancerSourceRanges: ["0.0.0.0/0", "10.0.0.0/8"] },
  { trafficDistribution: "PreferClose" },
  { publishNotReadyAddresses: true },
);

const types: Arbitrary<Record<string, unknown>> = fc.constantFrom(
  { type: "ClusterIP" },
  { type: "ClusterIP", sessionAffinity: "ClientIP" },
  { type: "NodePort" },
  { type: "LoadBalancer" },
  { type: "LoadBalancer" },
  { clusterIP: "None" },
);

/** A field of another type's is refused by the API server. */
function allowed(type: Record<string, unknown>, policy: Record<string, unknown>): object {
  const isOutside = type["type"] === "NodePort" || type["type"] === "LoadBalancer";
  const spec = { ...type, ...policy };
  if (!isOutside) delete spec["externalTrafficPolicy"];
  if (type["type"] !== "LoadBalancer") delete spec["loadBalancerSourceRanges"];
  return spec;
}

const app: Arbitrary<App> = fc.record({
  replicas: fc.integer({ min: 1, max: 4 }),
  target: fc.constantFrom("name", "number", "same"),
  ports: fc.constantFrom<1 | 2>(1, 1, 2),
  protocol: fc.constantFrom<"TCP" | "UDP">("TCP", "TCP", "TCP", "UDP"),
  probe: fc.constantFrom("none", "http", "tcp", "named"),
  hostNetwork: fc.constantFrom(false, false, false, false, true),
  spec: fc.tuple(types, policies).map(([type, policy]) => allowed(type, policy) as App["spec"]),
});

const healthy: Arbitrary<Healthy> = fc.record({
  nodes: fc.integer({ min: 1, max: 7 }),
  cloud: fc.constantFrom("aws", "gcp"),
  client: fc.boolean(),
  apps: fc.array(app, { minLength: 1, maxLength: 3 }),
  byHand: fc.boolean(),
  alias: fc.boolean(),
  dump: fc.boolean(),
});

function objectsOf({ apps, client, byHand, alias, nodes, dump }: Healthy): KubeObject[] {
  const objects: unknown[] = apps.flatMap((one, i) => workload(one, i, nodes));
  if (client)
    objects.push({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "client" },
      spec: { containers: [{ name: "shell", image: "busybox" }] },
    });
  // outside of a dump nobody is known to have that address
  if (byHand && dump)
    objects.push(
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "outside" },
        spec: { ports: [{ name: "db", port: 5432 }] },
      },
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name: "outside-1", labels: { "kubernetes.io/service-name": "outside" } },
        addressType: "IPv4",
        ports: [{ name: "db", port: 5432, protocol: "TCP" }],
        endpoints: [{ addresses: ["172.31.9.10"], conditions: {} }],
      },
    );
  if (alias && apps[0]!.protocol === "TCP")
    objects.push({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "alias" },
      spec: { type: "ExternalName", externalName: "app-0.default.svc.cluster.local" },
    });
  return objects as KubeObject[];
}

function workload(one: App, i: number, nodes: number): unknown[] {
  const name = `app-${i}`;
  const number = 8000 + 10 * i;
  const isLB = one.spec["type"] === "LoadBalancer";
  const protocol = isLB ? "TCP" : one.protocol;
  const isHeadless = one.spec["clusterIP"] === "None";
  const numbers = [number, number + 1].slice(0, one.ports);
  const ports = numbers.map((containerPort, j) => ({ name: `p${j}`, containerPort, protocol }));
  const probes = {
    none: {},
    http: { readinessProbe: { httpGet: { path: "/", port: number } } },
    tcp: { readinessProbe: { tcpSocket: { port: number } } },
    named: { readinessProbe: { tcpSocket: { port: "p0" } } },
  };
  const target = (j: number) => {
    if (isHeadless || one.target === "same") return {};
    return { targetPort: one.target === "name" ? `p${j}` : numbers[j] };
  };
  const isSame = isHeadless || one.target === "same";
  return [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name },
      spec: {
        // Pods in the nodes' network need a node each, for their ports
        replicas: one.hostNetwork ? Math.min(one.replicas, nodes) : one.replicas,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name, tier: "web" } },
          spec: {
            ...(one.hostNetwork && { hostNetwork: true }),
            containers: [
              {
                name: "main",
                image: "example/app",
                ports,
                ...(protocol === "TCP" ? probes[one.probe] : {}),
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name,
        ...(isLB && {
          annotations: { "external-dns.alpha.kubernetes.io/hostname": `${name}.example` },
        }),
      },
      spec: {
        selector: { app: name },
        ...one.spec,
        ports: numbers.map((port, j) => ({
          name: `p${j}`,
          port: isSame ? port : 80 + j,
          protocol,
          ...target(j),
        })),
      },
    },
  ];
}

function alarms(one: Healthy): string {
  const cluster = createCluster({
    nodes: one.nodes,
    cloud: { aws, gcp }[one.cloud](),
    domains: {},
  });
  const list = { apiVersion: "v1", kind: "List", items: objectsOf(one) };
  cluster.apply(parse(JSON.stringify(list)));
  cluster.settle();
  cluster.advance("40s");
  const asked = one.dump
    ? openSnapshot(
        dumpOf((kind) => cluster.list(kind)),
        { domains: {} },
      )
    : cluster;
  return asked.why().filter(isFailing).map(whyText).join("\n");
}

function dumpOf(list: (kind: (typeof kinds)[number]["kind"]) => readonly KubeObject[]) {
  const items = kinds
    .filter(({ kind }) => kind !== "Event" && kind !== "Lease")
    .flatMap(({ kind }) => list(kind));
  return parse(JSON.stringify({ apiVersion: "v1", kind: "List", items }), { as: "dump" });
}

test(`no alarm on ${clusters} clusters in which nothing is wrong`, () => {
  fc.assert(
    fc.property(healthy, (one) => {
      const said = alarms(one);
      if (said !== "") throw new Error(said);
    }),
    { numRuns: clusters, seed, includeErrorInReport: true },
  );
});

test.run();
