import { suite } from "uvu";
import * as assert from "uvu/assert";
import { decode, type DecodeOptions } from "stopover/internal/objects/decode";
import { frozen } from "stopover/internal/objects/freeze";
import { received } from "stopover/internal/objects/received";
import type { KubeObject, Service } from "stopover/internal/objects/types";

const test = suite("decoding");

/** What becomes of a value, in a sentence; `type` is that of the table of fields. */
const rows: [string, type: string, came: unknown, decoded: unknown][] = [
  ["null is absent", "ServicePort", { port: 80, name: null }, { port: 80 }],
  ["undefined is absent", "ServicePort", { port: 80, name: undefined }, { port: 80 }],
  [
    "null is absent also where anything may stand",
    "PodSpec",
    { containers: [], affinity: null },
    { containers: [] },
  ],
  ["0 is unset", "ServicePort", { port: 80, nodePort: 0, targetPort: 0 }, { port: 80 }],
  ['"" is unset', "ServicePort", { port: 80, protocol: "", targetPort: "" }, { port: 80 }],
  ["false is unset", "NodeSpec", { unschedulable: false }, {}],
  ["0 behind a pointer is 0", "ScaleSpec", { replicas: 0 }, {}],
  [
    "0 behind a pointer stays",
    "ReplicaSetSpec",
    { replicas: 0, template: { spec: { containers: [] } } },
    { replicas: 0, template: { spec: { containers: [] } } },
  ],
  ["false behind a pointer stays", "EndpointConditions", { ready: false }, { ready: false }],
  ["null behind a pointer is absent", "EndpointConditions", { ready: null }, {}],
  ["a required 0 stays", "ContainerStateTerminated", { exitCode: 0 }, { exitCode: 0 }],
  ["what is required is there", "NodeAddress", {}, { type: "", address: "" }],
  ["a required number is 0", "ServicePort", { port: null }, { port: 0 }],
  [
    "a missing spec is empty",
    "Node",
    { metadata: { name: "a" } },
    { metadata: { name: "a" }, spec: {} },
  ],
  [
    "a null spec is empty",
    "Lease",
    { metadata: null, spec: null, status: null },
    { metadata: {}, spec: {} },
  ],
  [
    "missing endpoints are none",
    "EndpointSlice",
    { addressType: "IPv4", ports: null },
    { addressType: "IPv4", metadata: {}, endpoints: [] },
  ],
  ["missing addresses are none", "Endpoint", { conditions: {} }, { conditions: {}, addresses: [] }],
  ["a missing template is empty", "ReplicaSetSpec", {}, { template: { spec: { containers: [] } } }],
  [
    "a missing template's spec is empty",
    "ReplicaSetSpec",
    { template: { metadata: {} } },
    { template: { metadata: {}, spec: { containers: [] } } },
  ],
  ["a null label is empty", "ObjectMeta", { labels: { a: null } }, { labels: { a: "" } }],
  ["null labels are absent", "ObjectMeta", { labels: null }, {}],
  [
    "a null text in a list is empty",
    "Container",
    { name: "a", args: [null] },
    { name: "a", args: [""] },
  ],
  ["a null object in a list is empty", "ServiceSpec", { ports: [null] }, { ports: [{ port: 0 }] }],
  ["an empty list stays", "ServiceSpec", { ports: [] }, { ports: [] }],
  [
    "a number is a quantity",
    "ResourceRequirements",
    { requests: { cpu: 2 } },
    { requests: { cpu: "2" } },
  ],
  [
    "a null quantity is 0",
    "ResourceRequirements",
    { limits: { cpu: null } },
    { limits: { cpu: "0" } },
  ],
  ["what fits stays", "ServicePort", { port: 80, name: "http" }, { port: 80, name: "http" }],
];
for (const [sentence, type, came, decoded] of rows)
  test(`${sentence} (${type})`, () => {
    const answer = decode(type, came);
    assert.equal(answer, { value: decoded, misfits: [] });
    assert.equal(decode(type, answer.value).value, decoded, "and again");
  });

test("what is decoded already comes back itself", () => {
  const spec = { ports: [{ port: 80, protocol: "TCP" }], selector: { app: "a" } };
  assert.is(decode("ServiceSpec", spec).value, spec);
});

test("a frozen Pod spec is decoded once for all who share it", () => {
  const spec = frozen({ containers: [{ name: "a", image: "" }] });
  const [one, two] = [1, 2].map(() => decode<{ spec: object }>("Pod", { spec }).value.spec);
  assert.is(one, two);
  assert.equal(one, { containers: [{ name: "a" }] });
});

const misfits: [string, type: string, came: unknown, options: DecodeOptions, ...unknown[]][] = [
  ["a wrong type stays", "ServicePort", { port: "80" }, {}, { port: "80" }, "port type"],
  [
    "a wrong type is mended",
    "ServicePort",
    { port: "80", name: 1 },
    { mend: true },
    { port: 0 },
    "port type",
    "name type",
  ],
  [
    "a wrong item is mended",
    "ServiceSpec",
    { ports: [1], selector: { a: {}, b: "c" } },
    { mend: true },
    { ports: [{ port: 0 }], selector: { b: "c" } },
    "ports[0] type",
    "selector.a type",
  ],
  [
    "an unknown field is dropped",
    "ServicePort",
    { port: 1, prot: 2 },
    {},
    { port: 1 },
    "prot unknown",
  ],
  [
    "an unknown field is kept",
    "ServicePort",
    { port: 1, prot: 2 },
    { unknown: "keep" },
    { port: 1, prot: 2 },
    "prot unknown",
  ],
  [
    "constructor is a field",
    "ServicePort",
    { port: 1, constructor: 2 },
    {},
    { port: 1 },
    "constructor unknown",
  ],
  [
    "__proto__ is a field",
    "ServicePort",
    JSON.parse('{"port":1,"__proto__":{"name":"a"}}'),
    {},
    { port: 1 },
    "__proto__ unknown",
  ],
  ["a list is no object", "ServiceSpec", [], { mend: true }, {}, " type"],
  [
    "a time that is none",
    "ObjectMeta",
    { creationTimestamp: "2024-99-21T05:09:08Z" },
    { mend: true },
    {},
    "creationTimestamp type",
  ],
];
for (const [sentence, type, came, options, value, ...found] of misfits)
  test(`${sentence} (${type})`, () => {
    const answer = decode(type, came, options);
    assert.equal(answer.value, value);
    assert.equal(
      answer.misfits.map(({ path, problem }) => `${path} ${problem}`),
      found,
    );
  });

test("as written: only nulls go", () => {
  const came = { type: "", clusterIP: null, publishNotReadyAddresses: false, ports: [{ port: 0 }] };
  assert.equal(decode("ServiceSpec", came, { asWritten: true }).value, {
    type: "",
    publishNotReadyAddresses: false,
    ports: [{ port: 0 }],
  });
});

test("an object out of another process: decoded, defaulted, its unknown fields kept", () => {
  const service = received({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "a", labels: null },
    spec: {
      clusterIP: "10.96.0.9",
      ports: [{ port: 80, targetPort: 0, protocol: "" }],
      of: "1.99",
    },
    status: 7,
  } as unknown as Service);
  assert.equal(service, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "a" },
    spec: {
      clusterIP: "10.96.0.9",
      clusterIPs: ["10.96.0.9"],
      ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
      of: "1.99",
      sessionAffinity: "None",
      type: "ClusterIP",
      internalTrafficPolicy: "Cluster",
    },
  });
  const widget = { apiVersion: "example.com/v1", kind: "Widget" } as KubeObject;
  assert.equal(received(widget), { ...widget, metadata: {} });
});

test.run();
