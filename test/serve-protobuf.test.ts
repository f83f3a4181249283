// Bodies in Protocol Buffers: what kubectl sends is read, and whatever else comes is a Status 400.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ApiError } from "stopover/internal/api/errors";
import { decodeBody } from "stopover/internal/doors/serve/protobuf";
import { refusal } from "./apiserver-harness.js";
import { seed } from "./seed.js";

const test = suite("protobuf");

const varint = (value: bigint): Buffer => {
  const rest = BigInt.asUintN(64, value);
  return rest < 0x80n
    ? Buffer.from([Number(rest)])
    : Buffer.concat([Buffer.from([Number(rest & 0x7fn) | 0x80]), varint(rest >> 7n)]);
};
const number = (field: number, value: number | bigint): Buffer =>
  Buffer.concat([varint(BigInt(field << 3)), varint(BigInt(value))]);
const field = (number: number, ...parts: (Buffer | string)[]): Buffer => {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  return Buffer.concat([
    varint(BigInt((number << 3) | 2)),
    varint(BigInt(content.length)),
    content,
  ]);
};
const body = (apiVersion: string, kind: string, ...parts: Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from("k8s\0"),
    field(1, field(1, apiVersion), field(2, kind)),
    field(2, ...parts),
  ]);
const label = (key: string, value: string) => field(11, field(1, key), field(2, value));

test("a schema of a CustomResourceDefinition, with what is one thing or another", () => {
  const schema = (...parts: Buffer[]): Buffer => Buffer.concat(parts);
  const entry = (key: string, value: Buffer): Buffer => field(29, field(1, key), field(2, value));
  const maximum = Buffer.concat([varint(BigInt((9 << 3) | 1)), Buffer.alloc(8)]);
  maximum.writeDoubleLE(1.5, maximum.length - 8);
  const sent = body(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    field(
      2,
      field(1, "example.com"),
      field(
        7,
        field(1, "v1"),
        field(
          4,
          field(
            1,
            schema(
              field(5, "object"),
              entry("size", schema(field(5, "number"), maximum, field(8, field(1, "0.5")))),
              entry("list", schema(field(24, field(1, field(5, "string"))))),
              entry("open", schema(field(30, number(1, 1)))),
              entry("map", schema(field(30, number(1, 0), field(2, field(5, "integer"))))),
            ),
          ),
        ),
      ),
    ),
  );
  const { spec } = decodeBody(sent) as unknown as {
    spec: { versions: { schema: { openAPIV3Schema: object } }[] };
  };
  assert.equal(spec.versions[0]!.schema.openAPIV3Schema, {
    type: "object",
    properties: {
      size: { type: "number", maximum: 1.5, default: 0.5 },
      list: { items: { type: "string" } },
      open: { additionalProperties: true },
      map: { additionalProperties: { type: "integer" } },
    },
  });
});

test("a Deployment as kubectl create sends it", () => {
  const sent = body(
    "apps/v1",
    "Deployment",
    field(
      1,
      field(1, "web"),
      label("app", "web"),
      label("__proto__", "x"),
      field(14, "a"),
      field(14, "b"),
    ),
    field(
      2,
      number(1, 0),
      field(4, field(1, "RollingUpdate"), field(2, field(1, number(1, 1), field(3, "25%")))),
      number(5, -1),
    ),
  );
  const labels = Object.fromEntries([
    ["app", "web"],
    ["__proto__", "x"],
  ]);
  assert.equal(decodeBody(sent), {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", labels, finalizers: ["a", "b"] },
    spec: {
      replicas: 0,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%" } },
      minReadySeconds: -1,
    },
  });
});

const decoded: Record<string, [body: Buffer, rest: object]> = {
  "bytes as base64": [
    body("v1", "Secret", field(2, field(1, "a"), field(2, "hi")), field(3, "Opaque")),
    { data: { a: "aGk=" }, type: "Opaque" },
  ],
  "a probe, whose handler stands beside its times": [
    body(
      "v1",
      "Pod",
      field(2, field(2, field(1, "a"), field(11, field(1, field(3, field(1, number(2, 80))))))),
    ),
    { spec: { containers: [{ name: "a", readinessProbe: { tcpSocket: { port: 80 } } }] } },
  ],
  "an amount": [
    body("v1", "ResourceQuota", field(2, field(1, field(1, "cpu"), field(2, field(1, "500m"))))),
    { spec: { hard: { cpu: "500m" } } },
  ],
  "a zero that says something": [
    body("autoscaling/v2", "HorizontalPodAutoscaler", field(2, number(2, 0), number(3, 0))),
    { spec: { minReplicas: 0 } },
  ],
  "a time with its microseconds": [
    body(
      "coordination.k8s.io/v1",
      "Lease",
      field(2, field(4, number(1, 1_700_000_000), number(2, 5_000))),
    ),
    { spec: { renewTime: "2023-11-14T22:13:20.000005Z" } },
  ],
  "an object of any kind": [
    body("apps/v1", "ControllerRevision", field(2, field(1, '{"a":[1]}')), number(3, 7)),
    { data: { a: [1] }, revision: 7 },
  ],
  "a field of a newer version, which is left out": [
    body("v1", "Service", field(99, "x"), field(2, field(3, "None"))),
    { spec: { clusterIP: "None" } },
  ],
};
for (const [what, [sent, rest]] of Object.entries(decoded))
  test(what, () => {
    const { apiVersion: _, kind: __, ...got } = decodeBody(sent);
    assert.equal(got, rest);
  });

const malformed: Record<string, [body: Buffer, message: RegExp]> = {
  "a length that reads as minus eleven": [
    Buffer.concat([Buffer.from("k8s\0\n"), varint(-11n)]),
    /ends in the middle of a field/,
  ],
  "a length beyond the end": [Buffer.from("k8s\0\n\x7f"), /ends in the middle of a field/],
  "a number without an end": [
    Buffer.concat([Buffer.from("k8s\0\n"), Buffer.alloc(12, 0xff)]),
    /ends in the middle of a number/,
  ],
  "a wire type of its own": [Buffer.from("k8s\0\x0d1234"), /a field of wire type 5/],
  "a kind of another version": [body("v2", "Pod"), /no kind "Pod" is registered for version "v2"/],
  "a kind called constructor": [body("v1", "constructor"), /no kind "constructor" is registered/],
  "an object of any kind that is no JSON": [
    body("apps/v1", "ControllerRevision", field(2, field(1, "{"))),
    /an object of any kind that is no JSON/,
  ],
  "a number for the metadata": [
    body("v1", "Service", number(1, 5)),
    /a number where a text or an object belongs/,
  ],
  "a text for the replicas": [
    body("apps/v1", "Deployment", field(2, field(1, "many"))),
    /a text or an object where a number belongs/,
  ],
  "a creation beyond all time": [
    body("v1", "Namespace", field(1, field(8, number(1, 2n ** 62n)))),
    /a time that no calendar knows/,
  ],
};
for (const [what, [sent, message]] of Object.entries(malformed)) {
  test(`refused: ${what}`, () => {
    const { code, status } = refusal(() => decodeBody(sent));
    assert.is(code, 400);
    assert.match(status.message!, message);
  });
}

/** Answers, or refuses with 400: anything else is thrown on. */
function decodes(sent: Buffer): void {
  try {
    decodeBody(sent);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 400) throw error;
  }
}

test("whatever bytes come, the answer is an object or 400", () => {
  const bytes = fc.uint8Array({ maxLength: 60 });
  const message = fc.tuple(fc.constantFrom("Service", "Deployment", "DeleteOptions"), bytes);
  fc.assert(
    fc.property(message, ([kind, rest]) => decodes(body("v1", kind, Buffer.from(rest)))),
    { seed, numRuns: 3000 },
  );
});

test("a good body with some bytes changed is an object or 400", () => {
  const good = body(
    "v1",
    "Service",
    field(1, field(1, "nginx"), label("app", "web"), field(8, number(1, 1_700_000_000))),
    field(2, field(1, number(3, 80), field(4, number(2, 8080))), field(12, number(8, 3))),
  );
  const change = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = Buffer.from(good);
      for (const [at, value] of changes) bytes[at] = value;
      decodes(bytes);
    }),
    { seed, numRuns: 3000 },
  );
});

test("a body of 500,000 finalizers takes no longer than its size asks for", () => {
  const finalizers = Buffer.alloc(1_000_000, field(14));
  const started = performance.now();
  const { metadata } = decodeBody(body("v1", "Namespace", field(1, finalizers)));
  assert.is((metadata as { finalizers: string[] }).finalizers.length, 500_000);
  assert.ok(performance.now() - started < 5000);
});

test.run();
