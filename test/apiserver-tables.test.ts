// What `kubectl get` prints for things in every state, as Kubernetes' printers do.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { table } from "stopover/internal/doors/serve/tables";
import type {
  Deployment,
  EndpointSlice,
  Endpoints,
  Event,
  KubeObject,
  Node,
  Pod,
  Service,
} from "stopover/internal/objects/types";
import { kindOf } from "stopover/internal/objects/kinds";
import { pod, service } from "./apiserver-harness.js";

const test = suite("tables");
const now = Date.parse("2024-01-21T05:10:08Z");
const born = { creationTimestamp: "2024-01-21T05:09:08Z" };
const row = (object: KubeObject) =>
  table(kindOf(object)!, [{ ...object, metadata: { ...born, ...object.metadata } }], now).rows[0]!
    .cells;

const container = (state: object, ready = false, restartCount = 0, lastState?: object) => ({
  name: "c",
  ready,
  restartCount,
  state,
  ...(lastState && { lastState }),
});
const pods: Record<
  string,
  [status: Pod["status"], metadata: Partial<Pod["metadata"]>, cells: unknown[]]
> = {
  "just made": [{ phase: "Pending" }, {}, ["0/1", "Pending", "0", "60s"]],
  "pulling its image": [
    {
      phase: "Pending",
      containerStatuses: [container({ waiting: { reason: "ContainerCreating" } })],
    },
    {},
    ["0/1", "ContainerCreating", "0", "60s"],
  ],
  running: [
    { phase: "Running", containerStatuses: [container({ running: {} }, true)] },
    {},
    ["1/1", "Running", "0", "60s"],
  ],
  "not ready": [
    { phase: "Running", containerStatuses: [container({ running: {} })] },
    {},
    ["0/1", "Running", "0", "60s"],
  ],
  "crashing again and again": [
    {
      phase: "Running",
      containerStatuses: [
        container({ waiting: { reason: "CrashLoopBackOff" } }, false, 3, {
          terminated: { exitCode: 1, finishedAt: "2024-01-21T05:10:00Z" },
        }),
      ],
    },
    {},
    ["0/1", "CrashLoopBackOff", "3 (8s ago)", "60s"],
  ],
  "ended badly": [
    { phase: "Failed", containerStatuses: [container({ terminated: { exitCode: 2 } })] },
    {},
    ["0/1", "ExitCode:2", "0", "60s"],
  ],
  "ended well": [
    {
      phase: "Succeeded",
      containerStatuses: [container({ terminated: { exitCode: 0, reason: "Completed" } })],
    },
    {},
    ["0/1", "Completed", "0", "60s"],
  ],
  terminating: [
    { phase: "Running", containerStatuses: [container({ running: {} }, true)] },
    { deletionTimestamp: "2024-01-21T05:10:38Z" },
    ["1/1", "Terminating", "0", "60s"],
  ],
  evicted: [{ phase: "Failed", reason: "Evicted" }, {}, ["0/1", "Evicted", "0", "60s"]],
};
for (const [what, [status, metadata, cells]] of Object.entries(pods))
  test(`a Pod that is ${what}`, () =>
    assert.equal(row({ ...pod("p", {}, metadata), status } as Pod).slice(1, 5), cells));

test("a Pod's readiness gates", () => {
  const gated = {
    ...pod("p", { readinessGates: [{ conditionType: "a/b" }, { conditionType: "a/c" }] }),
    status: { conditions: [{ type: "a/b", status: "True" }] },
  } as Pod;
  assert.is(row(gated)[8], "1/2");
});

const services: [Service["spec"], Service["status"], cells: string[]][] = [
  [
    { type: "ClusterIP", clusterIPs: ["10.2.1.1"], ports: [{ port: 80, protocol: "TCP" }] },
    {},
    ["ClusterIP", "10.2.1.1", "<none>", "80/TCP"],
  ],
  [{ type: "ClusterIP", clusterIPs: ["None"] }, {}, ["ClusterIP", "None", "<none>", "<none>"]],
  [
    {
      type: "NodePort",
      clusterIPs: ["10.2.1.1"],
      externalIPs: ["1.1.1.1", "2.2.2.2"],
      ports: [
        { port: 53, protocol: "TCP", nodePort: 30053 },
        { port: 53, protocol: "UDP", nodePort: 30053 },
      ],
    },
    {},
    ["NodePort", "10.2.1.1", "1.1.1.1,2.2.2.2", "53:30053/TCP,53:30053/UDP"],
  ],
  [
    { type: "LoadBalancer", clusterIPs: ["10.2.1.1"], ports: [] },
    {},
    ["LoadBalancer", "10.2.1.1", "<pending>", "<none>"],
  ],
  [
    { type: "LoadBalancer", clusterIPs: ["10.2.1.1"], externalIPs: ["9.9.9.9"], ports: [] },
    { loadBalancer: { ingress: [{ hostname: "b.example" }, { ip: "1.2.3.4" }] } },
    ["LoadBalancer", "10.2.1.1", "1.2.3.4,b.example,9.9.9.9", "<none>"],
  ],
  [
    { type: "ExternalName", externalName: "example.com" },
    {},
    ["ExternalName", "<none>", "example.com", "<none>"],
  ],
];
for (const [spec, status, cells] of services)
  test(`a Service: ${cells.join(" ")}`, () =>
    assert.equal(row({ ...service("s", spec), status } as Service).slice(1, 5), cells));

test("nodes, endpoints, slices, events, deployments", () => {
  const node: Node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: "n",
      labels: { "node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": "" },
    },
    spec: { unschedulable: true },
    status: {
      conditions: [{ type: "Ready", status: "Unknown" }],
      addresses: [{ type: "InternalIP", address: "192.168.0.1" }],
    },
  };
  assert.equal(row(node), [
    "n",
    "NotReady,SchedulingDisabled",
    "control-plane,worker",
    "60s",
    "",
    "192.168.0.1",
    "<none>",
    "<unknown>",
    "<unknown>",
    "<unknown>",
  ]);
  const addresses = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ ip: `10.1.1.${i + 2}` }));
  assert.is(
    row({
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: { name: "e" },
      subsets: [{ addresses: addresses(5), ports: [{ port: 80 }] }],
    } as Endpoints)[1],
    "10.1.1.2:80,10.1.1.3:80,10.1.1.4:80 + 2 more...",
  );
  assert.is(row({ apiVersion: "v1", kind: "Endpoints", metadata: { name: "e" } })[1], "<none>");
  const slice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "s" },
    addressType: "IPv4",
    endpoints: addresses(4).map(({ ip }) => ({ addresses: [ip] })),
    ports: [{ name: "http", port: 80 }],
  } as EndpointSlice;
  assert.equal(row(slice).slice(1), [
    "IPv4",
    "80",
    "10.1.1.2,10.1.1.3,10.1.1.4 + 1 more...",
    "60s",
  ]);
  assert.equal(row({ ...slice, endpoints: [], ports: [] } as EndpointSlice).slice(2, 4), [
    "<unset>",
    "<unset>",
  ]);
  const event = {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "e" },
    involvedObject: { kind: "Service", name: "nginx" },
    reason: "EnsuredLoadBalancer",
    message: "Ensured load balancer\n",
    type: "Normal",
    source: { component: "service-controller" },
    count: 3,
    firstTimestamp: "2024-01-21T05:09:08Z",
    lastTimestamp: "2024-01-21T05:10:00Z",
  } as Event;
  assert.equal(row(event), [
    "8s",
    "Normal",
    "EnsuredLoadBalancer",
    "service/nginx",
    "",
    "service-controller",
    "Ensured load balancer",
    "60s",
    3,
    "e",
  ]);
  const web = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: {
        spec: {
          containers: [
            { name: "a", image: "x" },
            { name: "b", image: "y" },
          ],
        },
      },
    },
    status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 },
  } as Deployment;
  assert.equal(row(web), ["web", "2/3", 3, 1, "60s", "a,b", "x,y", "app=web"]);
});

test.run();
