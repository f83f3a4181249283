/**
 * Every kind's fields, each with every value that a sloppy or hostile writer may put there: what
 * the doors are tried with.
 */
import { typeOf, type FieldType } from "stopover/internal/objects/schema";
import type { Kind, KubeObject } from "stopover/internal/objects/types";

/** One full object of each kind: the fields that matter are there. */
export const examples: Record<Kind, KubeObject> = {
  Namespace: object("v1", "Namespace", { spec: { finalizers: ["kubernetes"] } }),
  Node: object("v1", "Node", {
    spec: {
      podCIDR: "10.1.77.0/24",
      podCIDRs: ["10.1.77.0/24"],
      providerID: "aws:///a/b",
      taints: [{ key: "a", value: "b", effect: "NoSchedule", timeAdded: "2024-01-21T05:09:08Z" }],
      unschedulable: true,
    },
    status: {
      addresses: [{ type: "InternalIP", address: "192.168.7.7" }],
      capacity: { cpu: "4", memory: "8Gi", pods: "110" },
      allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
      conditions: [
        {
          type: "Ready",
          status: "True",
          lastHeartbeatTime: "2024-01-21T05:09:08Z",
          lastTransitionTime: "2024-01-21T05:09:08Z",
        },
      ],
      nodeInfo: { kubeletVersion: "v1.35.4" },
    },
  }),
  Pod: object("v1", "Pod", {
    spec: podSpec(),
    status: {
      phase: "Running",
      podIP: "10.1.1.7",
      podIPs: [{ ip: "10.1.1.7" }],
      hostIP: "192.168.0.1",
      hostIPs: [{ ip: "192.168.0.1" }],
      conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2024-01-21T05:09:08Z" }],
      containerStatuses: [
        {
          name: "web",
          ready: true,
          restartCount: 0,
          started: true,
          state: { running: { startedAt: "2024-01-21T05:09:08Z" } },
          lastState: { terminated: { exitCode: 1 } },
        },
      ],
      startTime: "2024-01-21T05:09:08Z",
      qosClass: "Burstable",
    },
  }),
  Service: object("v1", "Service", {
    spec: {
      type: "LoadBalancer",
      selector: { app: "web" },
      ports: [
        {
          name: "http",
          port: 80,
          targetPort: "http",
          protocol: "TCP",
          nodePort: 0,
          appProtocol: "http",
        },
      ],
      clusterIP: "",
      clusterIPs: [],
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      externalIPs: ["192.0.2.7"],
      externalTrafficPolicy: "Local",
      internalTrafficPolicy: "Cluster",
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
      loadBalancerSourceRanges: ["0.0.0.0/0"],
      allocateLoadBalancerNodePorts: true,
      publishNotReadyAddresses: true,
      trafficDistribution: "PreferClose",
    },
    status: {
      loadBalancer: {
        ingress: [
          { ip: "198.51.100.7", ipMode: "VIP", ports: [{ port: 80, protocol: "TCP" }] },
          { hostname: "lb.example" },
        ],
      },
      conditions: [{ type: "a", status: "True" }],
    },
  }),
  Endpoints: object("v1", "Endpoints", {
    subsets: [
      {
        addresses: [{ ip: "10.1.1.7", nodeName: "node-a", targetRef: { kind: "Pod", name: "a" } }],
        notReadyAddresses: [{ ip: "10.1.1.8" }],
        ports: [{ name: "http", port: 80, protocol: "TCP" }],
      },
    ],
  }),
  EndpointSlice: object("discovery.k8s.io/v1", "EndpointSlice", {
    addressType: "IPv4",
    endpoints: [
      {
        addresses: ["10.1.1.7"],
        conditions: { ready: true, serving: true, terminating: false },
        hostname: "a",
        nodeName: "node-a",
        zone: "a",
        hints: { forZones: [{ name: "a" }], forNodes: [{ name: "node-a" }] },
        targetRef: { kind: "Pod", namespace: "default", name: "a", uid: "1" },
      },
    ],
    ports: [{ name: "http", port: 80, protocol: "TCP", appProtocol: "http" }],
  }),
  Deployment: object("apps/v1", "Deployment", {
    spec: {
      replicas: 1,
      selector: {
        matchLabels: { app: "web" },
        matchExpressions: [{ key: "app", operator: "In", values: ["web"] }],
      },
      template: { metadata: { labels: { app: "web" } }, spec: podSpec() },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: "25%" } },
      minReadySeconds: 1,
      revisionHistoryLimit: 2,
      progressDeadlineSeconds: 60,
      paused: false,
    },
    status: {
      observedGeneration: 1,
      replicas: 1,
      conditions: [{ type: "Progressing", status: "True", lastUpdateTime: "2024-01-21T05:09:08Z" }],
    },
  }),
  ReplicaSet: object("apps/v1", "ReplicaSet", {
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: podSpec() },
      minReadySeconds: 1,
    },
    status: { replicas: 1, readyReplicas: 1 },
  }),
  Lease: object("coordination.k8s.io/v1", "Lease", {
    spec: {
      holderIdentity: "a",
      leaseDurationSeconds: 15,
      acquireTime: "2024-01-21T05:09:08.000000Z",
      renewTime: "2024-01-21T05:09:08.000000Z",
      leaseTransitions: 1,
    },
  }),
  Event: object("v1", "Event", {
    involvedObject: { kind: "Pod", namespace: "default", name: "a" },
    reason: "a",
    message: "b",
    type: "Normal",
    count: 1,
    firstTimestamp: "2024-01-21T05:09:08Z",
    lastTimestamp: "2024-01-21T05:09:08Z",
    source: { component: "a", host: "b" },
  }),
};

function object(apiVersion: string, kind: Kind, rest: object): KubeObject {
  const labels = { app: "web", "kubernetes.io/service-name": "web" };
  const metadata = {
    name: "web",
    labels,
    annotations: { a: "b" },
    finalizers: ["example.com/a"],
    ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "none", uid: "1", controller: true }],
  };
  return { apiVersion, kind, metadata, ...rest };
}

function podSpec(): object {
  const probe = (port: number | string) => ({
    httpGet: { path: "/", port, scheme: "HTTP", httpHeaders: [{ name: "a", value: "b" }] },
    initialDelaySeconds: 1,
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });
  return {
    containers: [
      {
        name: "web",
        image: "nginx",
        imagePullPolicy: "Always",
        command: ["a"],
        args: ["b"],
        env: [{ name: "a", value: "b" }],
        ports: [{ name: "http", containerPort: 80, protocol: "TCP" }],
        resources: { requests: { cpu: "100m" }, limits: { memory: "1Gi" } },
        readinessProbe: probe("http"),
        livenessProbe: probe(80),
        startupProbe: probe(80),
        lifecycle: { preStop: { sleep: { seconds: 1 } } },
      },
    ],
    initContainers: [{ name: "first", image: "busybox" }],
    nodeSelector: { "kubernetes.io/os": "linux" },
    tolerations: [
      { key: "a", operator: "Equal", value: "b", effect: "NoExecute", tolerationSeconds: 5 },
    ],
    hostname: "web",
    subdomain: "sub",
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 5,
    readinessGates: [{ conditionType: "example.com/gate" }],
    dnsPolicy: "ClusterFirst",
    schedulerName: "default-scheduler",
    securityContext: {},
  };
}

/** What stands where something else should; undefined: nothing at all. */
export const values: readonly unknown[] = [
  undefined,
  null,
  "",
  0,
  false,
  {},
  [],
  [null],
  [{}],
  [""],
  { a: null },
  "x",
  -1,
  1.5,
  2 ** 31 - 1,
  true,
  "\u001b[31m\u0007\u202e",
  "a\u0000b",
  "__proto__",
  "constructor",
  "x".repeat(20_000),
  JSON.parse('{"__proto__": {"a": 1}, "constructor": {"prototype": 1}}'),
  JSON.parse('{"toString": null, "hasOwnProperty": 1}'),
  1e308,
  -(2 ** 31),
  2 ** 53,
  "2024-13-45T99:99:99Z",
  "::ffff:1.2.3.4",
  "101%",
];

/** Places of the example where a field stands, as far as the table knows of them. */
export function places(kind: string, example: unknown): (string | number)[][] {
  const found: (string | number)[][] = [];
  const visit = (type: FieldType, value: unknown, path: (string | number)[]): void => {
    if (path.length > 0) found.push(path);
    if (type.is === "object")
      for (const field of typeOf(type.name).fields.values()) {
        const part = (value as Record<string, unknown> | undefined)?.[field.name];
        if (path.length > 0 || !["apiVersion", "kind"].includes(field.name))
          visit(field.type, part, [...path, field.name]);
      }
    else if (type.is === "list" && Array.isArray(value)) visit(type.of, value[0], [...path, 0]);
    else if (type.is === "map" && value)
      visit(type.of, Object.values(value)[0], [...path, Object.keys(value)[0]!]);
  };
  // what the example leaves out has no fields to visit, but for its own
  visit({ is: "object", name: kind }, example, []);
  return found;
}

/** The value with another one at a place; undefined: with nothing there. */
export function withAt(value: unknown, path: readonly (string | number)[], put: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return put;
  if (typeof key === "number") {
    const list = (Array.isArray(value) ? value : []).slice() as unknown[];
    list[key] = withAt(list[key], rest, put);
    return put === undefined && rest.length === 0 ? list.filter((_, i) => i !== key) : list;
  }
  const { [key]: old, ...others } = (value ?? {}) as Record<string, unknown>;
  const next = withAt(old, rest, put);
  return next === undefined ? others : { ...others, [key]: next };
}

export interface Variant {
  /** spec.ports[0].port = "" */
  what: string;
  object: KubeObject;
}

export function* variants(kind: Kind): Generator<Variant> {
  const example = examples[kind];
  for (const path of places(kind, example))
    for (const value of values) yield variant(example, path, value);
}

export function variant(
  example: KubeObject,
  path: readonly (string | number)[],
  value: unknown,
): Variant {
  const shown = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
  return {
    what: `${example.kind}: ${shown.slice(1)} = ${JSON.stringify(value) ?? "nothing"}`,
    object: withAt(example, path, value) as KubeObject,
  };
}
