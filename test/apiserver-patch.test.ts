import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { merged, patched } from "stopover/internal/apiserver/patch";
import { frozen } from "stopover/internal/objects/freeze";
import type { KubeObject } from "stopover/internal/objects/types";
import { deployment, newServer, pod, refusal, service } from "./apiserver-harness.js";
import { seed } from "./seed.js";

const test = suite("patches");
const strategic = (kind: string, object: object, body: object) =>
  patched(kind, object, { type: "strategic", body }) as Record<string, never>;
const jsonPatch = (object: unknown, ...body: object[]) =>
  patched("Service", object, { type: "json", body });
const container = (name: string, image: string) => ({ name, image });
const withContainers = (...containers: object[]) => ({
  spec: { template: { spec: { containers } } },
});

// RFC 7396, appendix A
for (const [original, patch, result] of [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [
    ["a", "b"],
    ["c", "d"],
    ["c", "d"],
  ],
  [{ a: "b" }, ["c"], ["c"]],
  [{ a: "foo" }, null, null],
  [{ a: "foo" }, "bar", "bar"],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
] as const)
  test(`merge: ${JSON.stringify(original)} + ${JSON.stringify(patch)} = ${JSON.stringify(result)}`, () =>
    assert.equal(merged(original, patch), result));

test("merge: what a patch does not touch is shared, and the same patch again changes nothing", () => {
  const json = fc.jsonValue({ maxDepth: 3 });
  const objects = fc.dictionary(fc.string(), json, { noNullPrototype: true });
  fc.assert(
    fc.property(objects, objects, (object, patch) => {
      const once = merged(object, patch);
      assert.equal(merged(once, patch), once);
      for (const key of Object.keys(object))
        if (!Object.hasOwn(patch, key)) assert.is((once as typeof object)[key], object[key]);
    }),
    { seed },
  );
});

test("strategic: containers merge by name, others stay", () => {
  const before = withContainers(container("a", "1"), container("b", "1"));
  assert.equal(
    strategic(
      "Deployment",
      before,
      withContainers({ name: "b", image: "2" }, { name: "c", image: "3" }),
    ),
    withContainers(container("a", "1"), { name: "b", image: "2" }, { name: "c", image: "3" }),
  );
  assert.equal(
    strategic("Deployment", before, withContainers({ name: "a", $patch: "delete" })),
    withContainers(container("b", "1")),
  );
  assert.equal(
    strategic("Deployment", before, withContainers({ $patch: "replace" }, container("z", "9"))),
    withContainers(container("z", "9")),
  );
  assert.throws(
    () => strategic("Deployment", before, withContainers({ image: "2" })),
    /map: map\[image:2\] does not contain declared merge key: name/,
  );
});

test("strategic: lists without a key are replaced, sets are joined, $setElementOrder orders", () => {
  const before = {
    metadata: { finalizers: ["a", "b"] },
    spec: { taints: [{ key: "x", effect: "NoSchedule" }] },
  };
  assert.equal(
    strategic("Node", before, {
      metadata: { finalizers: ["c"] },
      spec: { taints: [{ key: "y", effect: "NoExecute" }] },
    }),
    {
      metadata: { finalizers: ["c", "a", "b"] },
      spec: { taints: [{ key: "y", effect: "NoExecute" }] },
    },
  );
  assert.equal(
    strategic("Node", before, { metadata: { "$deleteFromPrimitiveList/finalizers": ["a"] } })[
      "metadata"
    ],
    { finalizers: ["b"] },
  );
  const ports = { spec: { ports: [{ port: 1 }, { port: 2 }, { port: 3 }] } };
  const ordered = strategic("Service", ports, {
    spec: {
      "$setElementOrder/ports": [{ port: 3 }, { port: 1 }, { port: 4 }],
      ports: [{ port: 4 }],
    },
  }) as unknown as typeof ports;
  assert.equal(
    ordered.spec.ports.map(({ port }) => port),
    [2, 3, 1, 4],
    "2, which only the server has, keeps its place",
  );
});

test("strategic: null removes, $patch replaces, $retainKeys keeps only what it names", () => {
  const before = {
    metadata: { labels: { a: "1", b: "2" } },
    spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } },
  };
  assert.equal(strategic("Deployment", before, { metadata: { labels: { a: null } } })["metadata"], {
    labels: { b: "2" },
  });
  assert.equal(
    strategic("Deployment", before, { metadata: { labels: { $patch: "replace", c: "3" } } })[
      "metadata"
    ],
    { labels: { c: "3" } },
  );
  assert.equal(
    strategic("Deployment", before, {
      spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } },
    })["spec"],
    { strategy: { type: "Recreate" } },
  );
});

test("JSON patch: the operations of RFC 6902", () => {
  const object = { a: { b: [1, 2, 3] }, "x/y": { "~": 1 } };
  assert.equal(jsonPatch(object, { op: "add", path: "/a/b/1", value: 9 }), {
    ...object,
    a: { b: [1, 9, 2, 3] },
  });
  assert.equal(jsonPatch(object, { op: "add", path: "/a/b/-", value: 4 }), {
    ...object,
    a: { b: [1, 2, 3, 4] },
  });
  assert.equal(jsonPatch(object, { op: "remove", path: "/a/b/0" }), {
    ...object,
    a: { b: [2, 3] },
  });
  assert.equal(jsonPatch(object, { op: "replace", path: "/x~1y/~0", value: 2 }), {
    ...object,
    "x/y": { "~": 2 },
  });
  assert.equal(jsonPatch(object, { op: "move", from: "/a/b", path: "/c" }), {
    a: {},
    "x/y": { "~": 1 },
    c: [1, 2, 3],
  });
  assert.equal(jsonPatch(object, { op: "copy", from: "/a/b/0", path: "/c" }), { ...object, c: 1 });
  assert.is(jsonPatch(object, { op: "test", path: "/a", value: { b: [1, 2, 3] } }), object);
  const odd = { "~1": 1, "/": 2 };
  assert.equal(jsonPatch(odd, { op: "replace", path: "/~01", value: 3 }), { "~1": 3, "/": 2 });
});

test("JSON patch: many operations are one change, and the original keeps its values", () => {
  const object = frozen({ a: { b: [{ c: 1 }] }, d: { e: 1 } });
  const body = { f: { g: 1 } };
  const result = jsonPatch(
    object,
    { op: "copy", from: "/a/b/0", path: "/a/b/-" },
    { op: "replace", path: "/a/b/1/c", value: 2 },
    { op: "add", path: "/a/h", value: body },
    { op: "replace", path: "/a/h/f/g", value: 2 },
    { op: "copy", from: "/a/h", path: "/i" },
    { op: "replace", path: "/i/f/g", value: 3 },
  ) as Record<string, unknown>;
  assert.equal(result, {
    a: { b: [{ c: 1 }, { c: 2 }], h: { f: { g: 2 } } },
    d: { e: 1 },
    i: { f: { g: 3 } },
  });
  assert.is(result["d"], object.d, "what no operation touched is shared");
  assert.equal(body, { f: { g: 1 } }, "the patch keeps its own");
});

for (const [what, operation, code] of [
  ["a failed test", { op: "test", path: "/spec/type", value: "NodePort" }, 422],
  ["a path to nothing", { op: "replace", path: "/spec/none", value: 1 }, 422],
  ["an index beyond the end", { op: "add", path: "/spec/ports/7", value: {} }, 422],
  ["an unknown operation", { op: "increment", path: "/spec" }, 422],
  ["a path without slash", { op: "remove", path: "spec" }, 422],
  ["the removal of everything", { op: "remove", path: "" }, 422],
  ["nothing for everything", { op: "replace", path: "", value: null }, 400],
  ["a list for everything", { op: "replace", path: "", value: [] }, 400],
  ["a list's length", { op: "replace", path: "/spec/ports/length", value: 7 }, 422],
  ["what all objects inherit", { op: "replace", path: "/spec/constructor", value: 1 }, 422],
  ["a path into __proto__", { op: "add", path: "/__proto__/polluted", value: 1 }, 422],
] as const) {
  test(`JSON patch: ${what} is refused with ${code}`, () => {
    const { client } = newServer();
    const made = client.create(service("s"));
    assert.is(
      refusal(() => client.patch("Service", "s", undefined, { type: "json", body: [operation] }))
        .code,
      code,
    );
    assert.is(client.get("Service", "s"), made);
    assert.is(({} as { polluted?: number }).polluted, undefined);
  });
}

test("a patch is checked as strictly as an update, and cannot change kind, name or history", () => {
  const { client } = newServer();
  const made = client.create(deployment("d"));
  const patch = (body: object) =>
    refusal(() => client.patch("Deployment", "d", undefined, { type: "merge", body }));
  assert.match(
    patch({ spec: { replica: 3 } }).message,
    /strict decoding error: unknown field "spec\.replica"/,
  );
  assert.match(
    patch({ spec: { replicas: "3" } }).message,
    /cannot unmarshal string into Go struct field DeploymentSpec\.spec\.replicas of type int32/,
  );
  assert.is(patch({ kind: "ReplicaSet" }).code, 422);
  assert.match(
    patch({ metadata: { name: "e" } }).message,
    /the name of the object \(e\) does not match the name on the URL \(d\)/,
  );
  assert.is(patch({ metadata: { resourceVersion: "1" } }).code, 409);
  const kept = client.patch("Deployment", "d", undefined, {
    type: "merge",
    body: { metadata: { uid: null, creationTimestamp: null }, status: { replicas: 7 } },
  });
  assert.is(kept, made);
});

test("a JSON patch's operation that is none says what came", () => {
  const { client } = newServer();
  client.create(service("s"));
  for (const [operation, says, code] of [
    ["", /a JSON patch operation is an object; got ""/, 400],
    [null, /a JSON patch operation is an object; got null/, 400],
    [{ op: "add" }, /due to an error in our request/, 422],
    [{ path: "/spec" }, /unknown JSON patch operation without op/, 400],
  ] as const) {
    const body = [operation];
    const refused = refusal(() => client.patch("Service", "s", undefined, { type: "json", body }));
    assert.is(refused.code, code);
    assert.match(refused.message, says);
  }
});

// ---- bounds ----

const types = ["merge", "strategic"] as const;

test("copies of copies: refused before they are large", () => {
  const { client } = newServer();
  client.create(pod("p"));
  const copies = Array.from({ length: 40 }, (_, i) => ({
    op: "copy",
    from: "/spec/affinity",
    path: `/spec/affinity/x${i}`,
  }));
  const body = [{ op: "add", path: "/spec/affinity", value: { a: 1 } }, ...copies];
  const { code, status } = refusal(() =>
    client.patch("Pod", "p", undefined, { type: "json", body }),
  );
  assert.is(code, 422);
  assert.match(
    status.details!.causes![0]!.message!,
    /the accumulated size increase of copy is \d+, exceeding the limit 3145728/,
  );
});

test("no patch makes an object larger than a request may be", () => {
  const { client } = newServer();
  client.create(deployment("d"));
  const env = (name: string) =>
    Array.from({ length: 20 }, (_, i) => ({ name: `${name}${i}`, value: "x".repeat(100_000) }));
  const body = (name: string) => ({
    spec: { template: { spec: { containers: [{ name: "nginx", env: env(name) }] } } },
  });
  client.patch("Deployment", "d", undefined, { type: "strategic", body: body("a") });
  const large = client.get("Deployment", "d");
  const refused = refusal(() =>
    client.patch("Deployment", "d", undefined, { type: "strategic", body: body("b") }),
  );
  assert.is(refused.code, 413);
  assert.match(refused.message, /Request entity too large: limit is 3145728/);
  assert.is(client.get("Deployment", "d"), large);
});

test("no patch makes an object deeper than a request may be", () => {
  const { client } = newServer();
  client.create(pod("p"));
  const body = Array.from({ length: 200 }, (_, i) => ({
    op: "add",
    path: `/spec/affinity${"/a".repeat(i)}`,
    value: {},
  }));
  const { code, message } = refusal(() =>
    client.patch("Pod", "p", undefined, { type: "json", body }),
  );
  assert.is(code, 400);
  assert.match(message, /the object nests more than 100 levels deep/);
});

test("long lists merge in time that their length asks for", () => {
  const containers = Array.from({ length: 60_000 }, (_, i) => ({ name: `c${i}` }));
  const started = performance.now();
  const result = patched(
    "Pod",
    { spec: { containers } },
    {
      type: "strategic",
      body: {
        spec: {
          containers: containers.map(({ name }) => ({ name, image: "a" })),
          "$setElementOrder/containers": containers,
        },
      },
    },
  ) as { spec: { containers: { image: string }[] } };
  assert.is(result.spec.containers.length, 60_000);
  assert.equal(result.spec.containers[0], { name: "c0", image: "a" });
  const finalizers = containers.map(({ name }) => name);
  patched(
    "Pod",
    { metadata: { finalizers } },
    {
      type: "strategic",
      body: { metadata: { "$deleteFromPrimitiveList/finalizers": finalizers } },
    },
  );
  assert.ok(performance.now() - started < 5_000, `${performance.now() - started} ms`);
});

test("strategic: an element that is deleted and then named again is a new one", () => {
  assert.equal(
    strategic(
      "Deployment",
      withContainers(container("a", "1"), container("b", "1")),
      withContainers({ name: "a", $patch: "delete" }, { name: "a" }),
    ),
    withContainers({ name: "a" }, container("b", "1")),
  );
});

// ---- names that every object has ----

for (const name of ["__proto__", "constructor", "toString"])
  test(`${name} is an unknown field like any other`, () => {
    const { client } = newServer();
    const made = client.create(service("a"));
    const body = JSON.parse(
      `{"spec": {"${name}": {"externalIPs": ["192.0.2.1"], "type": "NodePort"}}}`,
    ) as object;
    for (const type of types) {
      const { code, message } = refusal(() =>
        client.patch("Service", "a", undefined, { type, body }),
      );
      assert.is(code, 422);
      assert.match(message, `strict decoding error: unknown field "spec.${name}"`);
    }
    const warnings: string[] = [];
    for (const type of types)
      client.patch(
        "Service",
        "a",
        undefined,
        { type, body },
        { fieldValidation: "Warn", onWarning: (text) => warnings.push(text) },
      );
    assert.equal(warnings, Array(2).fill(`unknown field "spec.${name}"`));
    const add = [{ op: "add", path: `/spec/${name}`, value: 1 }];
    assert.is(
      refusal(() => client.patch("Service", "a", undefined, { type: "json", body: add })).code,
      422,
    );
    const whole = { ...JSON.parse(`{"${name}": {}}`), ...service("b") } as KubeObject;
    assert.match(refusal(() => client.create(whole)).message, `unknown field "${name}"`);
    assert.is(client.get("Service", "a"), made);
    assert.equal(Object.keys(Object.prototype), []);
  });

test.run();
