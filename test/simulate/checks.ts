/** What must be true at every moment, and what must be true once all has been healed. */
import { openSnapshot } from "stopover";
import { dispositions } from "stopover/internal/journey/types";
import { isReady, isTerminal } from "stopover/internal/objects/pods";
import type { KubeObject, Pod, Service } from "stopover/internal/objects/types";
import type { World } from "./world.js";

const endings = new Set<string>(dispositions);

// ---- at every moment

export function* always(world: World): Generator<string> {
  for (const { message } of world.failures.splice(0)) yield `a component trips: ${message}`;
  yield* numbersAreOnes(world);
  for (const service of world.cluster.list("Service"))
    if (service.spec.selector) yield* requestsEnd(world, service);
}

function* numbersAreOnes({ cluster }: World): Generator<string> {
  const services = cluster.list("Service");
  yield* twice(
    "ClusterIP",
    services.flatMap(({ spec }) => spec.clusterIPs ?? []).filter((ip) => ip !== "None"),
  );
  yield* twice(
    "NodePort",
    services.flatMap(({ spec }) => (spec.ports ?? []).flatMap(({ nodePort }) => nodePort ?? [])),
  );
  const sandboxes = [...cluster.network.machines.values()].flatMap((one) => [...one.sandboxes]);
  yield* twice(
    "Pod IP",
    sandboxes.flatMap(({ hostNetwork, ips }) => (hostNetwork ? [] : ips)),
  );
}

function* twice(what: string, values: readonly (string | number)[]): Generator<string> {
  const seen = new Set<string | number>();
  for (const value of values) {
    if (seen.has(value)) yield `${what} ${value} is there twice`;
    seen.add(value);
  }
}

/** One that is sent, and all the ways that one could go. */
function* requestsEnd(world: World, service: Service): Generator<string> {
  const { url, from } = asked(world, service);
  const journey = world.cluster.request(url, { from });
  const { disposition, destination = "" } = journey;
  const told = `${url} from ${from}`;
  if (!endings.has(disposition)) yield `${told} ends in ${JSON.stringify(disposition)}`;
  const address = destination.slice(0, destination.lastIndexOf(":"));
  const known = world.endpoints.has(`${service.metadata.name} ${address}`);
  if (disposition === "delivered" && !known)
    yield `${told} reaches ${destination}, which never was an endpoint`;
  const shares = Object.entries(world.cluster.shares(url, { from }));
  const sum = shares.reduce((total, [, share]) => total + share, 0);
  if (Math.abs(sum - 1) > 1e-9) yield `${told}: the shares add up to ${sum}`;
  for (const [end] of shares)
    if (!endings.has(end) && !end.includes("/")) yield `${told} may end in ${JSON.stringify(end)}`;
}

/** One of the Service's doors, and a client. */
function asked(world: World, { metadata, spec, status }: Service): { url: string; from: string } {
  const { port, nodePort } = spec.ports![0]!;
  const ingress = status?.loadBalancer?.ingress?.[0];
  const machine = world.cluster.network.machines.get(world.node)!;
  const pods = [...machine.sandboxes].map(({ key }) => `pod/${key}`);
  const inside = pods.length > 0 ? world.oneOf(pods)! : `node/${machine.name}`;
  return world.oneOf([
    { url: `http://${spec.clusterIP}:${port}/`, from: `node/${machine.name}` },
    { url: `http://${metadata.name}.default.svc.cluster.local:${port}/`, from: inside },
    { url: `http://${machine.addresses[0]}:${nodePort ?? port}/`, from: "internet" },
    { url: `http://${ingress?.hostname ?? ingress?.ip ?? spec.clusterIP}:${port}/`, from: inside },
    {
      url: `http://${ingress?.hostname ?? ingress?.ip ?? spec.clusterIP}:${port}/`,
      from: "internet",
    },
  ])!;
}

// ---- once all has been healed

export function* recovered(world: World): Generator<string> {
  yield* deploymentsConverge(world);
  for (const service of world.cluster.list("Service"))
    if (service.spec.selector) yield* endpointsAreReadyPods(world, service);
  yield* rulesAreFresh(world);
  yield* nothingIsLeft(world);
}

function* deploymentsConverge({ cluster }: World): Generator<string> {
  for (const { metadata, spec, status } of cluster.list("Deployment")) {
    const told = [status?.replicas, status?.readyReplicas, status?.updatedReplicas].map(
      (count) => count ?? 0,
    );
    if (told.some((count) => count !== spec.replicas))
      yield `Deployment ${metadata.name} wants ${spec.replicas} Pods and has ${told.join(", ")}`;
  }
}

function* endpointsAreReadyPods({ cluster }: World, service: Service): Generator<string> {
  const { name } = service.metadata;
  const pods = cluster
    .list("Pod", { labelSelector: `app=${name}` })
    .filter((pod) => pod.status?.podIP && !isTerminal(pod) && !pod.metadata.deletionTimestamp);
  const wanted = service.spec.publishNotReadyAddresses ? pods : pods.filter(isReady);
  const ready = text(wanted.map(({ status }) => status!.podIP));
  const sliced = cluster.endpoints(name).flatMap((one) => (one.ready ? one.address : []));
  const slices = text(sliced.map((address) => address.split(":")[0]));
  if (slices !== ready) yield `Service ${name} has the endpoints ${slices}, ready are ${ready}`;
  const endpoints = cluster.list("Endpoints").find(({ metadata }) => metadata.name === name);
  if (!endpoints) return yield `Service ${name} has no Endpoints`;
  const { subsets = [] } = endpoints;
  const legacy = text(subsets.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip)));
  if (legacy !== ready) yield `Endpoints ${name} has ${legacy}, ready are ${ready}`;
}

const text = (items: readonly unknown[]): string => [...items].sort().join(" ") || "none";

function* rulesAreFresh({ cluster }: World): Generator<string> {
  const kinds = ["Node", "Pod", "Service", "EndpointSlice"] as const;
  const objects = kinds.flatMap((kind) => cluster.list(kind) as readonly KubeObject[]);
  const fresh = openSnapshot({
    manifests: objects.map((object) => ({ object })) as never,
    kubeProxy: { clusterCIDR: "10.1.0.0/16" } as never,
  });
  for (const { metadata } of cluster.list("Node")) {
    const [held, wanted] = [cluster, fresh].map((one) =>
      (one.node(metadata.name).rules as unknown as { saveText(): string }).saveText().split("\n"),
    ) as [string[], string[]];
    const [missing, strange] = [without(wanted, held), without(held, wanted)];
    if (missing.length + strange.length > 0)
      yield `${metadata.name} lacks ${missing.slice(0, 3).join("; ") || "nothing"}, has too much: ${strange.slice(0, 3).join("; ") || "nothing"}`;
  }
}

const without = (lines: readonly string[], others: readonly string[]): string[] => {
  const known = new Set(others);
  return lines.filter((line) => !known.has(line) && !line.startsWith("#") && !line.startsWith(":"));
};

/** Each load balancer has a Service, and each Service has one. */
function* balancersOf({ cluster }: World): Generator<string> {
  const { cloud } = cluster;
  if (!cloud) return;
  const names = new Set(cloud.loadBalancers.keys());
  for (const service of cluster.list("Service")) {
    const { type, sessionAffinity } = service.spec;
    if (type !== "LoadBalancer" || names.delete(cloud.balancerName(service))) continue;
    // AWS refuses to make one that keeps a client with its Pod
    if (cloud.name === "aws" && sessionAffinity === "ClientIP") continue;
    yield `Service ${service.metadata.name} has no load balancer`;
  }
  for (const name of names) yield `load balancer ${name} has no Service`;
}

function* nothingIsLeft(world: World): Generator<string> {
  const { cluster, nodes } = world;
  const uids = new Set(
    (["Deployment", "ReplicaSet", "Service", "Node"] as const)
      .flatMap((kind) => cluster.list(kind) as readonly KubeObject[])
      .map(({ metadata }) => metadata.uid),
  );
  for (const kind of ["ReplicaSet", "Pod", "EndpointSlice", "Service", "Endpoints"] as const)
    for (const { metadata } of cluster.list(kind) as readonly KubeObject[]) {
      if (metadata.deletionTimestamp) yield `${kind} ${metadata.name} is still about to go`;
      for (const { uid, kind: owner } of metadata.ownerReferences ?? [])
        if (!uids.has(uid)) yield `${kind} ${metadata.name} has lost its ${owner}`;
    }
  const services = new Set(cluster.list("Service").map(({ metadata }) => metadata.name));
  for (const { metadata } of cluster.list("Endpoints"))
    if (!services.has(metadata.name)) yield `Endpoints ${metadata.name} has no Service`;
  yield* balancersOf(world);
  const pods = new Set(
    cluster.list("Pod").map((pod) => `${pod.metadata.name} ${pod.metadata.uid}`),
  );
  const running = [...cluster.network.machines.values()].flatMap((one) => [...one.sandboxes]);
  for (const { pod } of running)
    if (!pods.has(`${pod.metadata.name} ${pod.metadata.uid}`))
      yield `the sandbox of ${pod.metadata.name} runs without its Pod`;
  if (running.length < pods.size) yield `${running.length} sandboxes run for ${pods.size} Pods`;
  for (const name of nodes) yield* nodeIsReady(cluster.list("Node"), name);
}

function* nodeIsReady(nodes: readonly KubeObject[], name: string): Generator<string> {
  const node = nodes.find(({ metadata }) => metadata.name === name) as Pod | undefined;
  if (!node || !isReady(node)) yield `${name} is not ready`;
}
