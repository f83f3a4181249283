// Objects of a CustomResourceDefinition fit its schema, or are refused.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import "stopover/internal/objects/stored-checks";
import { scaleOf } from "stopover/internal/apiserver/scale";
import type { Kind, KubeObject } from "stopover/internal/objects/types";
import { newServer, refusal } from "./apiserver-harness.js";

const test = suite("custom objects");

const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "gauges.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "gauges", kind: "Gauge" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                required: ["size"],
                properties: {
                  size: { type: "integer", minimum: 1, maximum: 10 },
                  unit: { type: "string", default: "m", enum: ["m", "s"] },
                  name: { type: "string", pattern: "^[a-z]+$", maxLength: 5 },
                },
              },
            },
          },
        },
      },
    ],
  },
};

const gauge = (spec: object) =>
  ({ apiVersion: "example.com/v1", kind: "Gauge", metadata: { name: "g" }, spec }) as KubeObject;

function server() {
  const { client } = newServer();
  client.create(definition);
  return client;
}

test("defaults come, and fields that the schema does not have go", () => {
  const made = server().create(gauge({ size: 3, other: 1 }), {
    fieldValidation: "Ignore",
  }) as KubeObject & { spec: object };
  assert.equal(made.spec, { size: 3, unit: "m" });
});

for (const [spec, why] of [
  [{}, "spec.size: Required value"],
  [
    { size: 30 },
    "spec.size: Invalid value: 30: spec.size in body should be less than or equal to 10",
  ],
  [
    { size: "x" },
    'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"',
  ],
  [{ size: 1, unit: "x" }, 'spec.unit: Unsupported value: "x": supported values: "m", "s"'],
  [{ size: 1, name: "ABCDEFG" }, "spec.name: Too long: may not be more than 5 bytes"],
  [
    { size: 1, name: "A" },
    "spec.name: Invalid value: \"A\": spec.name in body should match '^[a-z]+$'",
  ],
] as const)
  test(`refused: ${JSON.stringify(spec)}`, () =>
    assert.is(
      refusal(() => server().create(gauge(spec))).message,
      `Gauge.example.com "g" is invalid: ${why}`,
    ));

test("a definition is named after its kind, and has a schema and one stored version", () => {
  const { client } = newServer();
  const bad = { ...definition, metadata: { name: "foo" } } as KubeObject;
  assert.match(refusal(() => client.create(bad)).message, /metadata\.name: Invalid value: "foo"/);
  const none = { ...definition, spec: { ...definition.spec, versions: [] } } as KubeObject;
  assert.match(
    refusal(() => client.create(none)).message,
    /must have exactly one version marked as storage version/,
  );
});

const strict = (object: KubeObject) => refusal(() => server().create(object)).message;

test("a field that the schema does not have is refused where that is asked for, as kubectl does", () => {
  const refused = 'Gauge in version "v1" cannot be handled as a Gauge: strict decoding error: ';
  assert.is(strict(gauge({ size: 1, other: 1 })), `${refused}unknown field "spec.other"`);
  const odd = gauge({ size: 1, other: 1 });
  (odd.metadata as unknown as Record<string, unknown>)["foo"] = 1;
  const both = 'unknown field "metadata.foo", unknown field "spec.other"';
  assert.is(strict(odd), `${refused}${both}`);
  const warnings: string[] = [];
  const onWarning = (text: string) => void warnings.push(text);
  server().create(odd, { fieldValidation: "Warn", onWarning });
  assert.is(warnings.join(", "), both);
});

const version = definition.spec.versions[0]!;
const withVersions = (...versions: object[]) =>
  ({ ...definition, spec: { ...definition.spec, versions } }) as KubeObject;

for (const [what, versions, why] of [
  ["no schema", [{ ...version, schema: undefined }], /^spec.versions\[0\].*: Required value$/],
  [
    "none stored",
    [{ ...version, storage: false }],
    /status.storedVersions: Invalid value: null: must have at least one stored version\]$/,
  ],
  [
    "two stored",
    [version, { ...version, name: "v2" }],
    /status.storedVersions: Invalid value: \["v1"\]: must have the storage version v2\]$/,
  ],
  [
    "a field without a type",
    [{ ...version, schema: { openAPIV3Schema: { type: "object", properties: { a: {} } } } }],
    /^spec.validation.openAPIV3Schema.properties\[a\].type: Required value: must not be empty for/,
  ],
] as const)
  test(`a definition is refused: ${what}`, () => {
    const { client } = newServer();
    const { message } = refusal(() => client.create(withVersions(...versions)));
    assert.match(message.replace(/^.* is invalid: /, ""), why);
  });

test("a field may be called as what all objects inherit: it is asked for, checked and filled in", () => {
  const { client } = newServer();
  const openAPIV3Schema = {
    type: "object",
    properties: {
      named: {
        type: "object",
        required: ["constructor"],
        properties: {
          constructor: { type: "integer" },
          toString: { type: "string", default: "text" },
        },
      },
      others: { type: "object", additionalProperties: { type: "integer" } },
    },
  };
  client.create(withVersions({ ...version, schema: { openAPIV3Schema } }));
  const { spec: _, ...plain } = gauge({}) as KubeObject & { spec?: object };
  const make = (fields: object) => client.create({ ...plain, ...fields });
  assert.match(refusal(() => make({ named: {} })).message, /: named.constructor: Required value$/);
  assert.match(
    refusal(() => make({ others: { valueOf: "x" } })).message,
    /: others.valueOf: Invalid value: "string"/,
  );
  const { named } = make({ named: { constructor: 1 } }) as { named?: object };
  assert.equal(named, { constructor: 1, toString: "text" });
});

test("its number of replicas is where the definition says", () => {
  const { client } = newServer();
  const integer = { type: "integer" };
  const spec = { type: "object", properties: { size: integer, many: { ...integer, default: 2 } } };
  client.create(
    withVersions({
      ...version,
      schema: { openAPIV3Schema: { type: "object", properties: { spec } } },
      subresources: {
        scale: { specReplicasPath: ".spec.many", statusReplicasPath: ".status.many" },
      },
    }),
  );
  const made = client.create(gauge({ size: 1 }));
  assert.equal(scaleOf(made).spec, { replicas: 2 });
  assert.equal(scaleOf(made).status, { replicas: 0 });
  const body = { spec: { replicas: 5 } };
  const scaled = client.patch(
    "Gauge" as Kind,
    "g",
    "default",
    { type: "merge", body },
    { subresource: "scale" },
  );
  assert.equal((scaled as { spec?: object }).spec, { size: 1, many: 5 });
});

test.run();
