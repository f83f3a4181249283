import { test } from "uvu";
import * as assert from "uvu/assert";
import { Random } from "stopover/internal/machinery/random";
import { isReady } from "stopover/internal/objects/pods";
import type { Pod } from "stopover/internal/objects/types";
import { deployment, harness, service, type Harness } from "./control-harness.js";

/** Things that happen to a cluster. Each may do nothing where there is nothing to do it to. */
const mishaps: Record<string, (h: Harness, random: Random) => void> = {
  scale: (h, random) =>
    h.client.patch("Deployment", app(random), "default", {
      type: "merge",
      body: { spec: { replicas: random.between(0, 12) } },
    }),
  "roll out": (h, random) =>
    h.client.patch("Deployment", app(random), "default", {
      type: "json",
      body: [
        {
          op: "replace",
          path: "/spec/template/spec/containers/0/image",
          value: `nginx:1.${random.between(1, 4)}`,
        },
      ],
    }),
  "delete a Pod": (h, random) =>
    onPod(h, random, ({ metadata: { name } }) =>
      h.client.delete("Pod", name, "default", { gracePeriodSeconds: random.between(0, 1) * 30 }),
    ),
  "crash a container": (h, random) =>
    onPod(h, random, (pod) => {
      const machine = h.machines.get(pod.spec.nodeName ?? "");
      if (machine?.pods.has(pod.metadata.uid!)) machine.crash(pod);
    }),
  "relabel a Pod": (h, random) =>
    onPod(h, random, ({ metadata: { name } }) =>
      h.client.patch("Pod", name, "default", {
        type: "merge",
        body: { metadata: { labels: { app: random.between(0, 1) ? "nobody" : "web-0" } } },
      }),
    ),
  "stop a node": (h, random) => node(h, random).stop(),
  "start a node": (h, random) => node(h, random).start(),
  "kill a leader": (h) => h.managers.find(({ leading }) => leading)?.stop(),
  "start a manager": (h, random) => h.managers[random.between(0, h.managers.length - 1)]!.start(),
  "spoil a slice": (h, random) => {
    const slices = h.all("EndpointSlice");
    const slice = slices[random.between(0, Math.max(0, slices.length - 1))];
    if (slice)
      random.between(0, 1)
        ? h.client.update({ ...slice, endpoints: slice.endpoints.slice(1) })
        : h.client.delete("EndpointSlice", slice.metadata.name, "default");
  },
  "make a Service anew": (h, random) => {
    const name = app(random);
    h.client.delete("Service", name, "default");
    h.client.create(service(name));
  },
};

const app = (random: Random): string => `web-${random.between(0, 2)}`;
const node = (h: Harness, random: Random) =>
  [...h.kubelets.values()][random.between(0, h.kubelets.size - 1)]!;

function onPod(h: Harness, random: Random, what: (pod: Pod) => void): void {
  const pods = h.all("Pod").filter(({ metadata }) => !metadata.deletionTimestamp);
  if (pods.length > 0) what(pods[random.between(0, pods.length - 1)]!);
}

/** More with STOPOVER_CHAOS=100. */
const seeds = Number(process.env.STOPOVER_CHAOS ?? 8);

for (let seed = 1; seed <= seeds; seed++)
  test(`whatever happens (seed ${seed}), the cluster comes back to what was asked for`, () => {
    const h = harness({ seed, nodes: 4, replicas: 2 });
    const random = new Random(`chaos ${seed}`);
    h.clock.settle();
    for (let i = 0; i < 3; i++) {
      h.client.create(
        deployment(`web-${i}`, 4, {
          container: { readinessProbe: { httpGet: { port: 80 }, periodSeconds: 5 } },
        }),
      );
      h.client.create(service(`web-${i}`));
    }
    const names = Object.keys(mishaps);
    const story: string[] = [];
    for (let step = 0; step < 60; step++) {
      const name = names[random.between(0, names.length - 1)]!;
      story.push(name);
      mishaps[name]!(h, random);
      h.clock.advance(
        random.between(0, 3) === 0 ? random.between(0, 90_000) : random.between(0, 500),
      );
    }
    for (const one of [...h.kubelets.values(), ...h.managers]) one.start();
    h.clock.advance(900_000); // longer than any back-off or eviction that is under way
    h.clock.settle();

    const told = `after ${story.join(", ")}`;
    for (const {
      metadata: { name },
      spec,
      status,
    } of h.all("Deployment")) {
      const pods = h
        .all("Pod")
        .filter(({ metadata }) => metadata.labels?.app === name && metadata.ownerReferences);
      assert.is(pods.filter(isReady).length, spec.replicas, `${name}: ready Pods, ${told}`);
      assert.is(pods.length, spec.replicas, `${name}: Pods, ${told}`);
      assert.equal(
        [status?.readyReplicas ?? 0, status?.updatedReplicas ?? 0],
        [spec.replicas, spec.replicas],
        `${name}: status, ${told}`,
      );
      const addresses = (items: readonly (string | undefined)[]) => [...items].sort().join(" ");
      const slices = h
        .all("EndpointSlice")
        .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === name);
      const selected = h
        .all("Pod")
        .filter(({ metadata, status }) => metadata.labels?.app === name && status?.podIP);
      assert.is(
        addresses(slices.flatMap(({ endpoints }) => endpoints.map(({ addresses: [ip] }) => ip))),
        addresses(selected.map(({ status }) => status?.podIP)),
        `${name}: endpoints, ${told}`,
      );
      const { subsets = [] } = h.client.get("Endpoints", name);
      assert.is(
        addresses(subsets.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip))),
        addresses(selected.filter(isReady).map(({ status }) => status?.podIP)),
        `${name}: Endpoints, ${told}`,
      );
    }
    assert.is(
      h
        .all("Node")
        .filter(
          ({ status, spec }) =>
            status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") &&
            !spec.taints?.length,
        ).length,
      4,
      told,
    );
    const running = [...h.machines.values()].reduce((sum, { pods }) => sum + pods.size, 0);
    assert.is(running, h.all("Pod").length, `sandboxes that run, ${told}`);
  });

test.run();
