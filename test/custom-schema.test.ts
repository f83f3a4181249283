// Objects of a CustomResourceDefinition fit its schema, or are refused.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import "stopover/internal/objects/stored-checks";
import type { KubeObject } from "stopover/internal/objects/types";
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
  const made = server().create(gauge({ size: 3, other: 1 })) as KubeObject & { spec: object };
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

test.run();
