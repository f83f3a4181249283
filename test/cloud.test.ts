import { test } from "uvu";
import * as assert from "uvu/assert";
import { aws } from "stopover/internal/cloud/aws";
import { gcp } from "stopover/internal/cloud/gcp";
import { cloudControllerManager } from "stopover/internal/cloud/manager";
import { CloudError, type BaseCloud, type Cloud } from "stopover/internal/cloud/provider";
import type { Manager } from "stopover/internal/machinery/manager";
import type { Target } from "stopover/internal/net/load-balancer";
import type { Service } from "stopover/internal/objects/types";
import { deployment, harness, service, type Harness } from "./control-harness.js";

interface World extends Harness {
  provider: BaseCloud;
  ccm: Manager;
  /** Instances whose health checks fail. */
  sick: Set<string>;
}

function world(cloud: Cloud = aws()): World {
  const h = harness({ externalCloudProvider: true });
  const sick = new Set<string>();
  const provider = cloud({
    clock: h.clock,
    random: h.random.fork("cloud"),
    check: (target: Target) => !sick.has(target.instance),
  });
  for (const [i, name] of [...h.kubelets.keys()].entries())
    provider.launch({
      name,
      addresses: [`192.168.0.${i + 1}`],
      ...(i === 0 && { publicAddresses: ["203.0.113.1"] }),
    });
  const ccm = cloudControllerManager({ ...h.surroundings, identity: "control-plane-1", provider });
  ccm.start();
  h.clock.settle();
  return { ...h, provider, ccm, sick };
}

const balanced = (spec: Service["spec"] = {}) => service("web", { type: "LoadBalancer", ...spec });
const get = ({ client }: World) => client.get("Service", "web");
const targets = ({ provider }: World) =>
  [...provider.targets.values()]
    .flat()
    .map(({ instance, healthy }) => `${instance} ${healthy ? "healthy" : "ill"}`);
const told = (w: World) =>
  w
    .events("web")
    .map((text) => text.replace(" service-controller", ""))
    .sort();
const patch = ({ client }: World, spec: object) =>
  client.patch("Service", "web", "default", { type: "merge", body: { spec } });

test("a Node is initialised with what the cloud knows of its machine", () => {
  const w = world();
  const node = w.client.get("Node", "node-a");
  assert.equal(node.status?.addresses, [
    { type: "InternalIP", address: "192.168.0.1" },
    { type: "ExternalIP", address: "203.0.113.1" },
    { type: "Hostname", address: "node-a" },
  ]);
  assert.match(node.spec.providerID!, /^aws:\/\/\/ap-south-1a\/i-[0-9a-f]{17}$/);
  assert.equal(
    [
      "topology.kubernetes.io/zone",
      "topology.kubernetes.io/region",
      "node.kubernetes.io/instance-type",
    ].map((label) => node.metadata.labels?.[label]),
    ["ap-south-1a", "ap-south-1", "t3.medium"],
  );
  assert.equal(node.spec.taints ?? [], []);
  assert.ok(
    w.events("node-a").includes("Normal Synced 1 cloud-node-controller Node synced successfully"),
  );
});

test("a machine that the cloud does not know keeps its taint, and no Pod comes there", () => {
  const h = harness({ externalCloudProvider: true, nodes: 1 });
  const provider = aws()({ clock: h.clock, random: h.random });
  cloudControllerManager({ ...h.surroundings, identity: "a", provider }).start();
  h.clock.settle();
  assert.ok(
    h.client
      .get("Node", "node-a")
      .spec.taints?.some(({ key }) => key === "node.cloudprovider.kubernetes.io/uninitialized"),
  );
});

test("the article's Service gets the article's load balancer: finalizer, events, status, targets", () => {
  const w = world();
  w.client.create(balanced());
  w.clock.advance(1_000);
  assert.equal(
    [get(w).metadata.finalizers, get(w).status?.loadBalancer],
    [["service.kubernetes.io/load-balancer-cleanup"], {}],
    "still pending",
  );
  w.clock.settle();
  assert.equal(get(w).status?.loadBalancer, {
    ingress: [{ hostname: "1234.ap-south-1.elb.amazonaws.com" }],
  });
  assert.equal(told(w), [
    "Normal EnsuredLoadBalancer 1 Ensured load balancer",
    "Normal EnsuringLoadBalancer 1 Ensuring load balancer",
  ]);
  const [balancer] = [...w.provider.loadBalancers.values()];
  const nodePort = get(w).spec.ports![0]!.nodePort!;
  assert.equal(
    [balancer!.mode, balancer!.listeners, balancer!.healthCheck],
    [
      "proxy",
      [{ protocol: "TCP", port: 8080, targetPort: nodePort }],
      {
        protocol: "TCP",
        port: nodePort,
        intervalSeconds: 10,
        healthyThreshold: 2,
        unhealthyThreshold: 6,
      },
    ],
  );
  assert.match(balancer!.name, /^a[0-9a-f]{31}$/);
  assert.equal(targets(w), ["node-a healthy", "node-b healthy", "node-c healthy"]);
  w.clock.advance(1_000_000);
  assert.is(told(w).length, 2, "nothing changes, so nothing is told");
});

test("a second load balancer has another name, the same for the same seed", () => {
  const names = [1, 2].map(() => {
    const w = world();
    w.client.create(balanced());
    w.client.create({ ...balanced(), metadata: { name: "other" } });
    w.clock.settle();
    return w.client.get("Service", "other").status?.loadBalancer?.ingress?.[0]?.hostname;
  });
  assert.match(names[0]!, /^\d+\.ap-south-1\.elb\.amazonaws\.com$/);
  assert.is.not(names[0], "1234.ap-south-1.elb.amazonaws.com");
  assert.is(names[0], names[1]);
});

test("a Service that is deleted goes when its load balancer is gone", () => {
  const w = world();
  w.client.create(balanced());
  w.clock.settle();
  w.client.delete("Service", "web", "default");
  assert.ok(get(w).metadata.deletionTimestamp, "the finalizer holds it");
  w.clock.settle();
  assert.equal(
    [w.all("Service").length, w.provider.loadBalancers.size, w.provider.targets.size],
    [0, 0, 0],
  );
  assert.equal(
    told(w).filter((text) => text.includes("Delet")),
    [
      "Normal DeletedLoadBalancer 1 Deleted load balancer",
      "Normal DeletingLoadBalancer 1 Deleting load balancer",
    ],
  );
});

test("a Service that stops wanting one loses it and lives on", () => {
  const w = world();
  w.client.create(balanced());
  w.clock.settle();
  patch(w, {
    type: "ClusterIP",
    ports: [{ name: "http", port: 8080, targetPort: 80, nodePort: null }],
  });
  w.clock.settle();
  assert.equal(
    [get(w).metadata.finalizers ?? [], get(w).status?.loadBalancer, w.provider.loadBalancers.size],
    [[], {}, 0],
  );
});

test("a change that concerns the load balancer is told and done, another is not", () => {
  const w = world();
  w.client.create(balanced());
  w.clock.settle();
  w.client.patch("Service", "web", "default", {
    type: "merge",
    body: { metadata: { labels: { team: "blue" } } },
  });
  w.clock.settle();
  assert.is(told(w).length, 2);
  patch(w, { externalTrafficPolicy: "Local", loadBalancerSourceRanges: ["10.0.0.0/8"] });
  w.clock.settle();
  assert.equal(told(w), [
    "Normal EnsuredLoadBalancer 2 Ensured load balancer",
    "Normal EnsuringLoadBalancer 2 Ensuring load balancer",
    "Normal ExternalTrafficPolicy 1 Cluster -> Local",
    `Normal HealthCheckNodePort 1 0 -> ${get(w).spec.healthCheckNodePort}`,
    "Normal LoadBalancerSourceRanges 1 [] -> [10.0.0.0/8]",
  ]);
  const [balancer] = [...w.provider.loadBalancers.values()];
  assert.equal(
    [
      balancer!.healthCheck?.protocol,
      balancer!.healthCheck?.path,
      balancer!.healthCheck?.port,
      balancer!.sourceRanges,
      balancer!.hostname,
    ],
    [
      "HTTP",
      "/healthz",
      get(w).spec.healthCheckNodePort,
      ["10.0.0.0/8"],
      "1234.ap-south-1.elb.amazonaws.com",
    ],
  );
});

for (const [what, spec, message] of [
  [
    "UDP",
    { ports: [{ name: "dns", port: 53, protocol: "UDP" }] },
    "Protocol UDP not supported by LoadBalancer",
  ],
  [
    "an address of one's own",
    { loadBalancerIP: "1.2.3.4" },
    "LoadBalancerIP cannot be specified for AWS ELB",
  ],
] as const)
  test(`what the cloud cannot do (${what}) becomes an event, tried again after 5 s, 10 s, 20 s …`, () => {
    const w = world();
    w.client.create(balanced(spec as Service["spec"]));
    w.clock.settle();
    const failure = () => told(w).find((text) => text.includes("SyncLoadBalancerFailed"));
    assert.is(
      failure(),
      `Warning SyncLoadBalancerFailed 1 Error syncing load balancer: failed to ensure load balancer: ${message}`,
    );
    w.clock.advance(36_000);
    assert.match(failure()!, /Failed 4 /);
    assert.is(get(w).status?.loadBalancer?.ingress, undefined);
  });

test("a cloud that fails for a while is asked until it does it", () => {
  const w = world();
  const ensure = w.provider.ensureLoadBalancer.bind(w.provider);
  let failures = 2;
  w.provider.ensureLoadBalancer = (...args) => {
    if (failures-- > 0) throw new CloudError("rate limit exceeded");
    return ensure(...args);
  };
  w.client.create(balanced());
  w.clock.settle();
  assert.is(get(w).status?.loadBalancer?.ingress, undefined);
  w.clock.advance(20_000);
  assert.ok(get(w).status?.loadBalancer?.ingress);
});

test("nodes that come, go or are excluded are told to the load balancer; their readiness is not its business", () => {
  const w = world();
  w.client.create(balanced());
  w.clock.settle();
  w.client.patch("Node", "node-b", undefined, {
    type: "merge",
    body: {
      metadata: { labels: { "node.kubernetes.io/exclude-from-external-load-balancers": "" } },
    },
  });
  w.clock.settle();
  assert.equal(targets(w), ["node-a healthy", "node-c healthy"]);
  assert.ok(told(w).includes("Normal UpdatedLoadBalancer 1 Updated load balancer with new hosts"));
  w.kubelets.get("node-a")!.stop();
  w.clock.advance(100_000);
  assert.equal(targets(w), ["node-a healthy", "node-c healthy"]);
  for (const name of ["node-a", "node-c"])
    w.client.patch("Node", name, undefined, {
      type: "merge",
      body: { spec: { taints: [{ key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" }] } },
    });
  w.clock.settle();
  assert.equal(targets(w), []);
  assert.ok(
    told(w).includes(
      "Warning UnAvailableLoadBalancer 1 There are no available nodes for LoadBalancer",
    ),
  );
});

test("the load balancer believes in a node until it failed six health checks, and again after two good ones", () => {
  const w = world();
  w.client.create(balanced());
  w.clock.settle();
  w.sick.add("node-b");
  w.clock.advance(51_000);
  assert.equal(targets(w)[1], "node-b healthy");
  w.clock.advance(10_000);
  assert.equal(targets(w)[1], "node-b ill");
  w.sick.clear();
  w.clock.advance(21_000);
  assert.equal(targets(w)[1], "node-b healthy");
});

test("a machine that is gone from the cloud: its Node is removed, its Pods are made elsewhere", () => {
  const w = world();
  w.client.create(deployment("web", 3));
  w.client.create(balanced());
  w.clock.settle();
  w.kubelets.get("node-c")!.stop();
  w.provider.terminate("node-c");
  w.clock.advance(45_000);
  assert.is(w.all("Node").length, 3);
  w.clock.advance(70_000);
  assert.is(w.all("Node").length, 2);
  assert.ok(
    w
      .events("node-c")
      .includes(
        "Normal DeletingNode 1 cloud-node-lifecycle-controller Deleting node node-c because it does not exist in the cloud provider",
      ),
  );
  assert.equal(targets(w), ["node-a healthy", "node-b healthy"]);
  w.clock.advance(60_000);
  assert.equal(
    w
      .all("Pod")
      .map(({ spec }) => spec.nodeName!)
      .filter((name) => name === "node-c"),
    [],
  );
  assert.is(w.all("Pod").length, 3);
});

test("a cloud with passthrough load balancers gives an address, and lets packets keep it", () => {
  const w = world(gcp());
  w.client.create(
    balanced({
      ports: [
        { name: "http", port: 8080, targetPort: 80 },
        { name: "https", port: 8443, targetPort: 443 },
      ],
    }),
  );
  w.clock.settle();
  assert.equal(get(w).status?.loadBalancer, { ingress: [{ ip: "198.51.100.10", ipMode: "VIP" }] });
  const [balancer] = [...w.provider.loadBalancers.values()];
  assert.equal(
    [
      balancer!.mode,
      balancer!.listeners.map(({ port, targetPort }) => [port, targetPort]),
      balancer!.healthCheck?.port,
    ],
    [
      "passthrough",
      [
        [8080, 0],
        [8443, 0],
      ],
      10_256,
    ],
  );
  assert.match(
    w.client.get("Node", "node-b").spec.providerID!,
    /^gce:\/\/stopover\/asia-south1-b\/node-b$/,
  );
});

test("a Service for another class of load balancers is left to its own controller", () => {
  const w = world();
  w.client.create(balanced({ loadBalancerClass: "example.com/mine" }));
  w.clock.settle();
  assert.equal([get(w).metadata.finalizers, told(w)], [undefined, []]);
});

test("without a cloud the Service stays pending for ever", () => {
  const h = harness();
  h.clock.settle();
  h.client.create(balanced());
  h.clock.settle();
  h.clock.advance(3_600_000);
  const pending = h.client.get("Service", "web");
  assert.equal([pending.status?.loadBalancer, pending.metadata.finalizers], [{}, undefined]);
});

test("a cloud-controller-manager that takes over ensures all again, and keeps what is there", () => {
  const w = world();
  w.client.create(balanced());
  w.clock.settle();
  w.ccm.stop();
  const next = cloudControllerManager({
    ...w.surroundings,
    identity: "control-plane-2",
    provider: w.provider,
  });
  next.start();
  w.clock.advance(30_000);
  assert.ok(next.leading);
  assert.equal(
    [
      get(w).status?.loadBalancer?.ingress,
      w.provider.loadBalancers.size,
      w.client.get("Lease", "cloud-controller-manager", "kube-system").spec.leaseTransitions,
    ],
    [[{ hostname: "1234.ap-south-1.elb.amazonaws.com" }], 1, 1],
  );
});

test.run();
