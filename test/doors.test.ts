/**
 * Whatever a door accepts, no component behind it trips over: every field of every kind, with every
 * value that may stand there, is refused with one clear sentence or taken, and a cluster that lives
 * with it goes on. A sample, a new one in each CI run; STOPOVER_SAMPLES=N takes a larger one.
 */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { aws, createCluster, ManifestError, openSnapshot, parse, type Cluster } from "stopover";
import { ApiError } from "stopover/internal/api/errors";
import { received } from "stopover/internal/objects/received";
import { Random } from "stopover/internal/machinery/random";
import type { Kind, KubeObject } from "stopover/internal/objects/types";
import { MemoryStore } from "stopover/internal/store/memory";
import { kindInfo, storageKey } from "stopover/internal/objects/kinds";
import { newServer } from "./apiserver-harness.js";
import { seed } from "./seed.js";
import { examples, variants, type Variant } from "./variants.js";

const test = suite("doors");
const kinds = Object.keys(examples) as Kind[];
const random = new Random(seed);
/** Variants of a kind that a cluster lives with, in one run. */
const samples = Number(process.env["STOPOVER_SAMPLES"] ?? 50);

/** And at the API server's door alone, where each costs a millisecond. */
const atTheDoor = 1_500;

function sample(kind: Kind, samples: number): Variant[] {
  // two thousand million Pods are a matter of their own
  const endless = /replicas = 2147483647$/;
  const all = [...variants(kind)].filter(({ what }) => !endless.test(what));
  return all.filter(() => random.next() < samples / all.length);
}

/** Whether the door took it; what it says where it did not is one clear sentence. */
function taken(what: string, call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch (error) {
    const refused = error instanceof ApiError || error instanceof ManifestError;
    if (!refused) throw new Error(`${what}: ${String(error)}`, { cause: error });
    if (error instanceof ApiError)
      assert.ok(
        // what upstream refuses with 500 carries no reason
        error.code < 500 ||
          error.reason === undefined ||
          /range is full|HealthCheck NodePort/.test(error.message),
        `${what}: ${error}`,
      );
    assert.ok(error.message.length > 10, `${what}: ${error}`);
    assert.not.match(error.message, /undefined|\[object|NaN/, what);
    return false;
  }
}

/** Runs it; an exception names the objects that the cluster lived with. */
function survives(what: string, call: () => unknown): void {
  try {
    call();
  } catch (error) {
    const lived = what.split("\n");
    const shown = [...lived.slice(0, 30), ...(lived.length > 30 ? ["…"] : [])].join("\n");
    throw new Error(`${(error as Error).stack}\nwith ${shown}`, { cause: error });
  }
}

const named = (object: KubeObject, name: string): KubeObject =>
  object.metadata && typeof object.metadata === "object" && "name" in object.metadata
    ? { ...object, metadata: { ...object.metadata, name, finalizers: [] } }
    : object;

for (const kind of kinds)
  test(`${kind}: fields with every value, at the API server's door`, () => {
    const { client } = newServer();
    for (const { what, object } of sample(kind, atTheDoor)) {
      if (taken(what, () => client.create(object))) {
        const stored = client.list(kind).items.find(({ metadata }) => metadata.name !== "kube");
        assert.ok(stored, what);
        taken(what, () => client.update({ ...object, metadata: { ...stored.metadata } }));
        taken(what, () => client.updateStatus({ ...object, metadata: { ...stored.metadata } }));
      }
      for (const { metadata } of client.list(kind).items)
        if (kind !== "Namespace" || metadata.name === "web") {
          const body = { metadata: { finalizers: null }, spec: undefined };
          taken(what, () =>
            client.patch(kind, metadata.name, metadata.namespace, { type: "merge", body }),
          );
          taken(what, () =>
            client.delete(kind, metadata.name, metadata.namespace, { gracePeriodSeconds: 0 }),
          );
        }
    }
  });

/** A cluster with something to stumble: nodes, a balancer, an application behind a Service. */
function livelyCluster(store?: MemoryStore): Cluster {
  const cluster = createCluster({ nodes: 2, cloud: aws(), seed, ...(store && { store }) });
  for (const kind of ["Deployment", "Service"] as const)
    cluster.apply(
      JSON.stringify({ ...examples[kind], metadata: { name: "web", labels: { app: "web" } } }),
    );
  cluster.settle();
  return cluster;
}

/** Lets it all happen, and asks what can be asked. */
function live(cluster: Cluster): void {
  cluster.settle();
  cluster.advance("2m");
  cluster.outcomes("http://mynginx-app.com/");
  for (const { metadata } of cluster.list("Service"))
    cluster.request(`http://${metadata.name}.${metadata.namespace}/`, { from: "node/node-a" });
  cluster.scale("Deployment", "web", 3);
  cluster.settle();
}

for (const kind of kinds)
  test(`${kind}: what was accepted, in a cluster that lives with it`, () => {
    const cluster = livelyCluster();
    const accepted: string[] = [];
    for (const [i, { what, object }] of sample(kind, samples).entries())
      if (taken(what, () => cluster.as("somebody").create(named(object, `web-${i}`))))
        accepted.push(what);
    survives(accepted.join("\n"), () => live(cluster));
    for (const { metadata } of cluster.list(kind))
      if (metadata.name.startsWith("web-")) cluster.delete(kind, metadata.name, metadata.namespace);
    survives(accepted.join("\n"), () => live(cluster));
  });

for (const kind of kinds)
  test(`${kind}: a live object with other values, step by step`, () => {
    const cluster = livelyCluster();
    const client = cluster.as("somebody");
    for (const { what, object } of sample(kind, samples).slice(0, samples / 4)) {
      const live = cluster.list(kind)[0];
      if (!live) continue;
      const { apiVersion: _, kind: __, metadata: ___, ...body } = object as KubeObject & object;
      const { name, namespace } = live.metadata;
      for (const subresource of [undefined, "status"] as const)
        taken(what, () =>
          client.patch(
            kind,
            name,
            namespace,
            { type: "merge", body },
            subresource ? { subresource } : {},
          ),
        );
      survives(what, () => {
        cluster.settle();
        cluster.advance("1m");
        cluster.outcomes("http://mynginx-app.com/");
      });
    }
  });

for (const kind of kinds)
  test(`${kind}: what lies in a store already, without a door`, () => {
    const store = new MemoryStore();
    const info = kindInfo(kind)!;
    const put: string[] = [];
    for (const [i, { what, object }] of sample(kind, samples).entries()) {
      // one whose Pods are not its own makes Pods for ever, in Kubernetes too
      if (kind === "ReplicaSet" && /selector|template(\.metadata)?( |\.labels)|spec =/.test(what))
        continue;
      const value = received(JSON.parse(JSON.stringify(named(object, `web-${i}`))) as KubeObject);
      const { metadata } = value;
      if (!metadata.name) continue;
      put.push(what);
      store.put(storageKey(info, metadata.name, "default"), {
        ...value,
        metadata: {
          ...metadata,
          ...(info.namespaced && { namespace: "default" }),
          uid: `uid-${i}`,
          creationTimestamp: "2024-01-21T05:09:08Z",
        },
      });
    }
    survives(put.join("\n"), () => live(livelyCluster(store)));
  });

for (const kind of kinds)
  test(`${kind}: in a manifest, and in a dump`, () => {
    for (const { what, object } of sample(kind, samples)) {
      const text = JSON.stringify(object);
      taken(what, () => parse(text));
      taken(what, () => {
        const others = (["Node", "Pod", "Service", "EndpointSlice"] as const)
          .filter((other) => other !== kind)
          .map((other) => JSON.stringify(examples[other]));
        const snapshot = openSnapshot(parse([text, ...others].join("\n---\n"), { as: "dump" }));
        for (const url of ["http://mynginx-app.com/", "http://192.0.2.7/"]) snapshot.outcomes(url);
      });
    }
  });

test.run();
