// Whatever fits a kind's schema, and whatever does not, is answered with a Status of 4xx or done:
// never with a 500, never with an exception.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ApiError } from "stopover/internal/api/errors";
import { kinds } from "stopover/internal/objects/kinds";
import { types, type FieldType } from "stopover/internal/objects/schema";
import type { KubeObject } from "stopover/internal/objects/types";
import { seed } from "./seed.js";
import { newServer } from "./apiserver-harness.js";

const test = suite("fuzz");
const texts = fc.constantFrom(
  "",
  "a",
  "nginx",
  "Local",
  "None",
  "ClientIP",
  "10.96.0.9",
  "::1",
  "x".repeat(70),
  "TCP",
  "25%",
  "__proto__",
  "a/b",
  "Recreate",
  "LoadBalancer",
  "NodePort",
  "ExternalName",
  "RequireDualStack",
  "IPv6",
);

/** Values that fit the type, as odd as they come. */
function fitting(type: FieldType, depth = 0): fc.Arbitrary<unknown> {
  switch (type.is) {
    case "string":
      return texts;
    case "int":
      return fc.constantFrom(0, 1, -1, 80, 70000, 30001, 2 ** 31 - 1);
    case "int64":
      return fc.constantFrom(0, -1, 30);
    case "bool":
      return fc.boolean();
    case "time":
      return fc.constant("2024-01-21T05:09:08Z");
    case "quantity":
      return fc.constantFrom("1", "500m", "-1", "1Ei", 2);
    case "intOrString":
      return fc.oneof(texts, fc.constantFrom(0, -1, 80));
    case "any":
      return fc.constantFrom(undefined, {}, [], "x", 1);
    case "list":
      return fc.oneof(
        fc.constant([]),
        fc.array(fitting(type.of, depth + 1), { maxLength: depth > 3 ? 1 : 3 }),
      );
    case "map":
      return fc.dictionary(texts, fitting(type.of, depth + 1), { maxKeys: 2 });
    case "object":
      return objectOf(type.name, depth + 1);
  }
}

const objectOf = (name: string, depth = 0): fc.Arbitrary<object> =>
  fc.record(
    Object.fromEntries(
      [...types().get(name)!.fields.values()]
        .filter(({ name }) => name !== "metadata" && name !== "kind" && name !== "apiVersion")
        .map((field) => [field.name, fitting(field.type, depth)]),
    ),
    { requiredKeys: [] },
  );

const metadata = fc.record(
  {
    name: fc.constantFrom("a", "b", "", "A", "x".repeat(300)),
    namespace: fc.constantFrom("default", "kube-system", "none"),
    labels: fc.dictionary(texts, texts, { maxKeys: 2 }),
    finalizers: fc.array(texts, { maxLength: 2 }),
    generateName: texts,
  },
  { requiredKeys: [] },
);

/** Ends well, or with a Status that says what the client did wrong. */
function answered(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // what upstream refuses with 500 carries no reason; a mistake of ours would say InternalError
    const refused = error.code < 500 || error.reason === undefined;
    assert.ok(refused || /range is full|HealthCheck NodePort/.test(error.message), error.message);
    assert.ok(error.message.length > 10);
  }
}

for (const { kind, apiVersion } of kinds) {
  test(`${kind}: create, update, patch, delete`, () => {
    const { client, clock } = newServer({ serviceCIDRs: ["10.96.0.0/16", "fd00::/108"] });
    client.watch(kind, { resourceVersion: "0" }, () => {});
    const object = fc
      .tuple(metadata, objectOf(kind))
      .map(([metadata, rest]) => ({ ...rest, apiVersion, kind, metadata }) as KubeObject);
    fc.assert(
      fc.property(
        object,
        objectOf(kind),
        fc.constantFrom("merge" as const, "strategic" as const),
        (one, patch, type) => {
          answered(() => client.create(one));
          answered(() => client.update(one));
          answered(() => client.updateStatus(one));
          for (const name of ["a", "b"]) {
            answered(() => client.patch(kind, name, one.metadata.namespace, { type, body: patch }));
            answered(() =>
              client.patch(
                kind,
                name,
                one.metadata.namespace,
                { type, body: patch },
                { subresource: "status" },
              ),
            );
          }
          answered(() => client.delete(kind, one.metadata.name, one.metadata.namespace));
          clock.settle();
          JSON.stringify(client.list(kind));
        },
      ),
      { numRuns: 150, seed },
    );
  });
}

test("anything at all as a body or a patch", () => {
  const { client } = newServer();
  client.create({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "a" },
    spec: { ports: [{ port: 80 }] },
  } as KubeObject);
  const anything = fc.anything({ maxDepth: 3, withNullPrototype: false });
  fc.assert(
    fc.property(anything, fc.constantFrom("spec", "metadata", "status", "kind"), (value, field) => {
      answered(() =>
        client.create({
          apiVersion: "v1",
          kind: "Service",
          metadata: { name: "b" },
          [field]: value,
        }),
      );
      for (const type of ["merge", "strategic", "json"] as const) {
        answered(() => client.patch("Service", "a", undefined, { type, body: value }));
        answered(() => client.patch("Service", "a", undefined, { type, body: { [field]: value } }));
        answered(() =>
          client.patch("Service", "a", undefined, {
            type: "json",
            body: [{ op: "add", path: `/${field}`, value }],
          }),
        );
      }
      answered(() =>
        client.list("Service", {
          labelSelector: String(JSON.stringify(value)),
          fieldSelector: field,
        }),
      );
      answered(() => client.delete("Service", "b"));
    }),
    { numRuns: 500, seed },
  );
});

test.run();
