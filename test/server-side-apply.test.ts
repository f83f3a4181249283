// Who applied which fields, and who may change them. (KEP-555)
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Deployment, Service } from "stopover/internal/objects/types";
import { newServer, refusal } from "./apiserver-harness.js";

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
    /^Apply failed with 1 conflict: conflict with "before-first-apply": \.spec\.selector$/,
  );
});

test.run();
