/** What may happen in a schedule: what users do, what breaks, and faults at the two seams. */
import { ignoring } from "stopover/internal/api/errors";
import type { Client } from "stopover/internal/api/client";
import type { Kind } from "stopover/internal/objects/types";
import { deployment, service, type World } from "./world.js";

export type Action = (world: World) => void;

/** A user whose object somebody else took away meanwhile, or changed, shrugs. */
const user = (world: World, act: (client: Client) => void): void =>
  void ignoring([404, 409, 422], () => act(world.cluster.as("user")));

const merge = (world: World, kind: Kind, name: string, body: object): void =>
  user(world, (client) => client.patch(kind, name, "default", { type: "merge", body }));

function makeAnew(world: World, kind: "Deployment" | "Service"): void {
  const { app } = world;
  user(world, (client) => client.delete(kind, app, "default"));
  const type = world.oneOf(["ClusterIP", "NodePort", "LoadBalancer"] as const)!;
  const object =
    kind === "Service" ? service(app, type) : deployment(app, world.random.between(1, 5));
  user(world, (client) => void client.create(object));
}

function restore(world: World, name: string): void {
  world.cluster.node(name).start();
}

/** The node's insides, where its Node is still there. */
function withNode(world: World, name: string, act: (name: string) => void): void {
  if (world.cluster.list("Node").some(({ metadata }) => metadata.name === name)) act(name);
}

function onPod(world: World, act: (name: string) => void): void {
  const { pod } = world;
  const name = pod?.metadata.name;
  if (name !== undefined && world.cluster.network.sandbox(`default/${name}`)) act(name);
}

export const userActions: Record<string, Action> = {
  apply: (world) => {
    const image = `nginx:1.${world.random.between(0, 3)}`;
    const object = deployment(world.app, world.random.between(1, 6), image);
    ignoring([404, 409], () => world.cluster.apply(object));
  },
  scale: (world) =>
    merge(world, "Deployment", world.app, { spec: { replicas: world.random.between(0, 8) } }),
  "roll out": (world) => {
    const value = `nginx:2.${world.random.between(0, 4)}`;
    const path = "/spec/template/spec/containers/0/image";
    const body = [{ op: "replace", path, value }];
    user(world, (client) =>
      client.patch("Deployment", world.app, "default", { type: "json", body }),
    );
  },
  "delete a Pod": (world) => {
    const name = world.pod?.metadata.name;
    const gracePeriodSeconds = world.oneOf([0, 5, 30])!;
    if (name)
      user(world, (client) => client.delete("Pod", name, "default", { gracePeriodSeconds }));
  },
  "make a Service anew": (world) => makeAnew(world, "Service"),
  "make a Deployment anew": (world) => makeAnew(world, "Deployment"),
  "change a Service": (world) =>
    merge(
      world,
      "Service",
      world.app,
      world.oneOf([
        { spec: { externalTrafficPolicy: "Local" } },
        { spec: { externalTrafficPolicy: "Cluster" } },
        { spec: { internalTrafficPolicy: "Local" } },
        { spec: { internalTrafficPolicy: "Cluster" } },
        { spec: { sessionAffinity: "ClientIP" } },
        { spec: { sessionAffinity: "None" } },
        { spec: { ports: [{ name: "http", port: 8081, targetPort: 80 }] } },
        { spec: { publishNotReadyAddresses: true } },
      ])!,
    ),
  drain: (world) => {
    const { node } = world;
    merge(world, "Node", node, { spec: { unschedulable: true } });
    for (const { metadata, spec } of world.cluster.list("Pod"))
      if (spec.nodeName === node)
        user(world, (client) => client.delete("Pod", metadata.name, "default"));
  },
  uncordon: (world) => merge(world, "Node", world.node, { spec: { unschedulable: false } }),
  "relabel a Pod": (world) => {
    const name = world.pod?.metadata.name;
    if (name) merge(world, "Pod", name, { metadata: { labels: { app: world.app } } });
  },
  "spoil a slice": (world) => {
    const slice = world.oneOf(world.cluster.list("EndpointSlice"));
    if (slice)
      user(world, (client) => client.delete("EndpointSlice", slice.metadata.name, "default"));
  },
  compact: (world) => {
    const { apiserver } = world.cluster;
    const revision = apiserver.store.revision - 5;
    if (revision <= world.compacted) return; // that is forgotten already
    apiserver.compact(revision);
    world.compacted = revision;
  },
  "kill a node": (world) => withNode(world, world.node, (name) => world.cluster.node(name).stop()),
  "restore a node": (world) => withNode(world, world.node, (name) => restore(world, name)),
};

export const breakages: Record<string, Action> = {
  "kill a leader": ({ cluster }) => cluster.managers.find(({ leading }) => leading)?.stop(),
  "start a manager": (world) => world.oneOf(world.cluster.managers)?.start(),
  "crash a container": (world) => onPod(world, (name) => world.cluster.pod(name).crash()),
  "make a Pod sick": (world) => onPod(world, (name) => world.cluster.pod(name).setHealthy(false)),
  "make a Pod well": (world) => onPod(world, (name) => world.cluster.pod(name).setHealthy(true)),
};

export const clientFaults: Record<string, Action> = {
  "calls fail": ({ client, random }) => {
    client.callsFailing = random.between(1, 30);
    client.codes = [[409], [500], [503], [410], [409, 410, 500, 503]][random.between(0, 4)]!;
  },
  "the API server is away": ({ client }) => {
    [client.callsFailing, client.codes] = [100, [503]];
  },
  "answers are lost": ({ client, random }) => void (client.answersLost = random.between(1, 20)),
  "watches break": ({ client, random }) => void (client.broken = random.between(1, 15)),
  "events come twice": ({ client, random }) => void (client.twice = random.between(1, 40)),
  "events come late": ({ client, random }) => void (client.late = random.between(1, 30)),
  "only for some": (world) =>
    void (world.client.who = world.oneOf(["", "kubelet", "kube-", "replicaset", "endpoint"])!),
  "calls go well": ({ client }) => client.off(),
};

export const networkFaults: Record<string, Action> = {
  "cut a wire": (world) => {
    const ends = [...world.nodes, "internet", "load balancer"];
    world.network.cuts.add(`${world.oneOf(ends)} ${world.node}`);
  },
  "cut a node off": (world) => {
    const { node } = world;
    for (const other of [...world.nodes, "internet", "load balancer"])
      for (const pair of [`${node} ${other}`, `${other} ${node}`]) world.network.cuts.add(pair);
  },
  "packets are lost": ({ network, random }) => void (network.loss = random.between(1, 50)),
  "packets are late": ({ network, random }) => void (network.delay = random.between(1, 20_000)),
  "the network is well": ({ network }) => network.off(),
};
