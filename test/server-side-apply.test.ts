// Who applied which fields, and who may change them. (KEP-555)
import { suite } from "uvu";
import * as assert from "uvu/assert";
import "stopover/internal/apiserver/ephemeral";
import "stopover/internal/apiserver/managed-fields";
import type { Client } from "stopover/internal/api/client";
import type { Deployment, Namespace, Pod, Service } from "stopover/internal/objects/types";
import { newServer, pod, refusal } from "./apiserver-harness.js";

const test = suite("server-side apply");

const deployment = (spec: object, container: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "default" },
  spec: {
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "c", image: "nginx", ...container }] },
    },
    ...spec,
  },
});

function server() {
  const { client } = newServer();
  const apply = (fieldManager: string, body: object, force = false) =>
    client.patch("Deployment", "web", "default", { type: "apply", body, force }, { fieldManager });
  return { client, apply };
}

const owners = ({ metadata }: Deployment) =>
  (metadata.managedFields as { manager: string; operation: string }[]).map(
    ({ manager, operation }) => `${manager} ${operation}`,
  );

test("the first apply makes the object, and says whose it is", () => {
  const { apply } = server();
  const made = apply("me", deployment({ replicas: 2 }));
  assert.is(made.spec.replicas, 2);
  assert.equal(owners(made), ["me Apply"]);
  const [{ fieldsV1 }] = made.metadata.managedFields as [{ fieldsV1: Record<string, object> }];
  assert.equal(Object.keys(fieldsV1["f:spec"]!), ["f:selector", "f:template", "f:replicas"]);
});

for (const [how, write] of [
  [
    "updated",
    (client: Client, body: Pod) =>
      client.update(body, { fieldManager: "me", under: "ephemeralcontainers" }),
  ],
  [
    "patched",
    (client: Client, body: Pod) =>
      client.patch(
        "Pod",
        "web",
        "default",
        { type: "merge", body },
        { fieldManager: "me", subresource: "ephemeralcontainers" },
      ),
  ],
] as const)
  test(`who wrote it says by which door it was ${how}`, () => {
    const { client } = newServer();
    const old = client.create(pod("web", {}, { namespace: "default" }));
    const ephemeralContainers = [{ name: "debug", image: "busybox" }];
    const written = write(client, { ...old, spec: { ...old.spec, ephemeralContainers } });
    const [one] = written.metadata.managedFields as [Record<string, unknown>];
    assert.equal(
      [one["manager"], one["operation"], one["subresource"]],
      ["me", "Update", "ephemeralcontainers"],
    );
  });

test("a Namespace's finalizers have a door of their own, too", () => {
  const { client } = newServer();
  const { metadata } = client.create<Namespace>({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "shop" },
  });
  const written = client.update(
    { apiVersion: "v1", kind: "Namespace", metadata, spec: { finalizers: ["example.com/mine"] } },
    { fieldManager: "me", under: "finalize" },
  );
  const [one] = written.metadata.managedFields as [Record<string, unknown>];
  assert.is(one["subresource"], "finalize");
});

test("a field that is applied no more goes, unless somebody else applies it too", () => {
  const { apply } = server();
  apply("me", deployment({ replicas: 2, minReadySeconds: 5 }));
  apply("you", { ...deployment({ minReadySeconds: 5 }) });
  const left = apply("me", deployment({}));
  assert.is(left.spec.replicas, 1, "the default again");
  assert.is(left.spec.minReadySeconds, 5, "yours still");
});

test("somebody else's field: a conflict that names both, or force", () => {
  const { apply } = server();
  apply("me", deployment({ replicas: 2 }));
  const refused = refusal(() => apply("you", deployment({ replicas: 3 })));
  assert.is(refused.code, 409);
  assert.is(refused.message, 'Apply failed with 1 conflict: conflict with "me": .spec.replicas');
  const forced = apply("you", deployment({ replicas: 3 }), true);
  assert.is(forced.spec.replicas, 3);
  assert.is(refusal(() => apply("me", deployment({ replicas: 2 }))).code, 409, "yours now");
});

test("elements of a list with keys have owners of their own", () => {
  const { apply } = server();
  apply("me", deployment({}));
  const sidecar = { metadata: { name: "web" }, apiVersion: "apps/v1", kind: "Deployment" };
  const containers = [{ name: "sidecar", image: "busybox" }];
  const both = apply("you", { ...sidecar, spec: { template: { spec: { containers } } } });
  const names = both.spec.template.spec.containers.map(({ name }) => name);
  assert.equal(names, ["c", "sidecar"]);
  const refused = refusal(() => apply("you", deployment({}, { image: "nginx:1.28" })));
  assert.match(refused.message, /\.spec\.template\.spec\.containers\[name="c"\]\.image$/);
});

test("the same again changes nothing", () => {
  const { apply } = server();
  const once = apply("me", deployment({ replicas: 2 }));
  const again = apply("me", deployment({ replicas: 2 }));
  assert.is(again.metadata.resourceVersion, once.metadata.resourceVersion);
});

test("what was there before the first apply is its maker's", () => {
  const { client } = newServer();
  const ports = [{ port: 80, protocol: "TCP" as const }];
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "s", namespace: "default" },
    spec: { ports, selector: { a: "b" } },
  } as Service;
  client.create(service);
  const body = {
    ...service,
    spec: { ports: [{ port: 81, protocol: "TCP" }], selector: { a: "c" } },
  };
  const apply = (force: boolean) =>
    client.patch("Service", "s", "default", { type: "apply", body, force }, { fieldManager: "me" });
  assert.match(
    refusal(() => apply(false)).message,
    /^Apply failed with 1 conflict: conflict with "before-first-apply" using v1: \.spec\.selector$/,
  );
});

test("whoever names himself owns what he writes, by whatever means", () => {
  const { client, apply } = server();
  client.create(deployment({ replicas: 1 }), { fieldManager: "maker" });
  const by = (fieldManager: string, subresource?: "scale") => ({
    fieldManager,
    ...(subresource && { subresource }),
  });
  const replicas = (number: number) =>
    ({ type: "merge", body: { spec: { replicas: number } } }) as const;
  const conflict = () => refusal(() => apply("me", deployment({ replicas: 9 }))).message;
  const of = (who: string) => `Apply failed with 1 conflict: conflict with ${who}: .spec.replicas`;
  assert.is(conflict(), of('"maker" using apps/v1'));
  client.patch("Deployment", "web", "default", replicas(2), by("editor"));
  assert.is(conflict(), of('"editor" using apps/v1'));
  client.patch("Deployment", "web", "default", replicas(3), by("scaler", "scale"));
  assert.is(conflict(), of('"scaler" with subresource "scale" using apps/v1'));
  client.patch("Deployment", "web", "default", replicas(4), {});
  assert.is(conflict(), of('"scaler" with subresource "scale" using apps/v1'), "nobody's");
});

test("a field that a client takes away is nobody's any more", () => {
  const { client, apply } = server();
  client.create(deployment({ minReadySeconds: 5 }), { fieldManager: "maker" });
  const gone = { type: "merge", body: { spec: { minReadySeconds: null } } } as const;
  client.patch("Deployment", "web", "default", gone, { fieldManager: "editor" });
  assert.is(apply("me", deployment({ minReadySeconds: 7 })).spec.minReadySeconds, 7);
});

test("several conflicts are told one manager after the other", () => {
  const { apply } = server();
  apply("b", deployment({ replicas: 2, minReadySeconds: 5 }));
  apply("a", { ...deployment({ replicas: 2 }) });
  assert.is(
    refusal(() => apply("me", deployment({ replicas: 3, minReadySeconds: 6 }))).message,
    [
      'Apply failed with 3 conflicts: conflicts with "a":',
      "- .spec.replicas",
      'conflicts with "b":',
      "- .spec.minReadySeconds",
      "- .spec.replicas",
    ].join("\n"),
  );
});

for (const [title, body, why] of [
  [
    "a field that there is not",
    deployment({ nope: 1 }),
    ".spec.nope: field not declared in schema",
  ],
  [
    "a text for a number",
    deployment({ replicas: "x" }),
    ".spec.replicas: expected numeric (int or float), got string",
  ],
  [
    "one element twice",
    deployment({
      template: {
        spec: {
          containers: [
            { name: "c", image: "a" },
            { name: "c", image: "b" },
          ],
        },
      },
    }),
    '.spec.template.spec.containers: duplicate entries for key [name="c"]',
  ],
] as const)
  test(`what is applied is measured by the kind's fields: ${title}`, () => {
    const { apply } = server();
    const refused = refusal(() => apply("me", body));
    assert.is(refused.code, 500);
    const object = "default/web; apps/v1, Kind=Deployment";
    assert.is(refused.message, `failed to create typed patch object (${object}): ${why}`);
  });

test.run();
