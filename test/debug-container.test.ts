// kubectl debug: a container is added to a Pod that runs, and stays as it is. (KEP-277)
import { suite } from "uvu";
import * as assert from "uvu/assert";
import "stopover/internal/apiserver/ephemeral";
import "stopover/internal/node/kubelet/ephemeral";
import "stopover/internal/objects/stored-checks";
import { createCluster } from "stopover";
import type { Client } from "stopover/internal/api/client";
import type { Pod } from "stopover/internal/objects/types";
import { newServer, refusal } from "./apiserver-harness.js";

const test = suite("ephemeral containers");

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default" },
  spec: { containers: [{ name: "c", image: "nginx" }], volumes: [{ name: "v", emptyDir: {} }] },
} as Pod;

type Added = NonNullable<Pod["spec"]["ephemeralContainers"]>;

/** As kubectl debug does it. */
const added = (client: Client, ephemeralContainers: object[]): Pod =>
  client.patch(
    "Pod",
    "web",
    "default",
    { type: "strategic", body: { spec: { ephemeralContainers } } },
    { subresource: "ephemeralcontainers" },
  );

function server() {
  const { client } = newServer();
  client.create(pod);
  return { client, add: (...containers: object[]) => added(client, containers) };
}

test("one comes, has its defaults, and further ones come beside it", () => {
  const { add } = server();
  const [first] = add({ name: "debug", image: "busybox" }).spec.ephemeralContainers as Added;
  assert.is(first!.imagePullPolicy, "Always");
  const both = add({ name: "again", image: "busybox:1" }).spec.ephemeralContainers!;
  assert.equal(both.map(({ name }) => name).sort(), ["again", "debug"]);
});

for (const [title, container, why] of [
  ["without an image", { name: "d" }, "spec.ephemeralContainers[0].image: Required value"],
  [
    "with the name of another",
    { name: "c", image: "x" },
    'spec.ephemeralContainers[0].name: Duplicate value: "c"',
  ],
  [
    "that looks into one which is not there",
    { name: "d", image: "x", targetContainerName: "z" },
    'spec.ephemeralContainers[0].targetContainerName: Not found: "z"',
  ],
  [
    "that listens",
    { name: "d", image: "x", ports: [{ containerPort: 80 }] },
    "spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container",
  ],
  [
    "that is probed",
    { name: "d", image: "x", livenessProbe: { tcpSocket: { port: 1 } } },
    "spec.ephemeralContainers[0].livenessProbe: Forbidden: cannot be set for an Ephemeral Container",
  ],
  [
    "that is started again and again",
    { name: "d", image: "x", restartPolicy: "Always" },
    "spec.ephemeralContainers[0].restartPolicy: Forbidden: cannot be set for an Ephemeral Container",
  ],
  [
    "that runs as nobody can",
    { name: "d", image: "x", securityContext: { runAsUser: -1 } },
    "spec.ephemeralContainers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
  ],
  [
    "with a volume that is not there",
    { name: "d", image: "x", volumeMounts: [{ name: "w", mountPath: "/w" }] },
    'spec.ephemeralContainers[0].volumeMounts[0].name: Not found: "w"',
  ],
  [
    "with a part of a volume",
    { name: "d", image: "x", volumeMounts: [{ name: "v", mountPath: "/v", subPath: "a" }] },
    "spec.ephemeralContainers[0].volumeMounts[0].subPath: Forbidden: cannot be set for an Ephemeral Container",
  ],
] as const)
  test(`refused: one ${title}`, () => {
    const { add } = server();
    assert.is(refusal(() => add(container)).message, `Pod "web" is invalid: ${why}`);
  });

test("what was added stays as it is, and comes by its own door alone", () => {
  const { client, add } = server();
  add({ name: "debug", image: "busybox" });
  assert.match(
    refusal(() => add({ name: "debug", image: "other" })).message,
    /existing ephemeral containers "debug" may not be changed/,
  );
  const body = { spec: { ephemeralContainers: [{ name: "late", image: "busybox" }] } };
  assert.match(
    refusal(() => client.patch("Pod", "web", "default", { type: "strategic", body })).message,
    /pod updates may not change fields other than/,
  );
  assert.match(
    refusal(() =>
      client.create({
        ...pod,
        metadata: { name: "born" },
        spec: { ...pod.spec, ephemeralContainers: [{ name: "d", image: "x" }] },
      }),
    ).message,
    /spec\.ephemeralContainers: Forbidden: cannot be set on create/,
  );
});

test("nothing but containers comes by that door", () => {
  const { client, add } = server();
  add({ name: "debug", image: "busybox" });
  const old = client.get("Pod", "web");
  const more = {
    labels: { "not a key": "web" },
    annotations: { "not a key": "web" },
    finalizers: ["nobodys"],
    ownerReferences: [],
  };
  const wanted = { ...old, metadata: { ...old.metadata, ...more } };
  assert.is(client.update(wanted, { under: "ephemeralcontainers" }), old);
  const body = {
    metadata: more,
    spec: { ephemeralContainers: [{ name: "again", image: "busybox" }] },
  };
  const next = client.patch(
    "Pod",
    "web",
    "default",
    { type: "strategic", body },
    { subresource: "ephemeralcontainers" },
  );
  assert.is(next.spec.ephemeralContainers!.length, 2);
  const { resourceVersion, generation } = next.metadata;
  assert.equal(next.metadata, { ...old.metadata, resourceVersion, generation });
});

test("the kubelet begins it once: it runs, or ends and stays so", () => {
  const cluster = createCluster({ nodes: 1, seed: 1 });
  cluster.apply(pod);
  cluster.settle();
  const client = cluster.apiserver.client("kubectl");
  added(client, [
    { name: "shell", image: "busybox" },
    { name: "look", image: "busybox", command: ["sh", "-c", "exit 3"] },
    { name: "lost", image: "no-such/image" },
  ]);
  cluster.settle();
  const { status } = client.get("Pod", "web");
  const states = Object.fromEntries(
    status!.ephemeralContainerStatuses!.map(({ name, state, restartCount }) => {
      const [[kind, { reason }] = ["", {}]] = Object.entries(state!) as [
        string,
        { reason?: string },
      ][];
      return [name, [kind, reason, restartCount]];
    }),
  );
  assert.equal(states, {
    shell: ["running", undefined, 0],
    look: ["terminated", "Error", 0],
    lost: ["waiting", "ErrImagePull", 0],
  });
  assert.is(status!.phase, "Running");
  assert.is(status!.conditions!.find(({ type }) => type === "Ready")!.status, "True");
});

test.run();
