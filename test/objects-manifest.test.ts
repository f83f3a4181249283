import { readFileSync } from "node:fs";
import "stopover/internal/objects/dumps";
import { describe } from "stopover/internal/doors/serve/descriptions";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parse } from "stopover/internal/objects/files";
import {
  isConfiguration,
  ManifestError,
  readManifests,
  type Notice,
} from "stopover/internal/objects/manifest";
import { types } from "stopover/internal/objects/schema";

const test = suite("manifests");
const service = (more = "", name = "x") =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec:\n  ports: [{port: 80}]\n${more}`;

function problem(text: string): string {
  try {
    readManifests(text, { source: "service.yaml" });
  } catch (error) {
    assert.instance(error, ManifestError);
    return (error as Error).message;
  }
  assert.unreachable(`nothing is wrong with ${text.slice(0, 80)}`);
  return "";
}

test("the article's own manifests are read as they are", () => {
  const [{ object, source, document }] = readManifests(
    readFileSync(new URL("../../notebooks/manifests/service.yaml", import.meta.url), "utf8"),
    { source: "service.yaml" },
  ) as [ReturnType<typeof readManifests>[number]];
  assert.equal(object, {
    kind: "Service",
    apiVersion: "v1",
    metadata: { name: "nginx" },
    spec: {
      selector: { app: "nginx" },
      type: "LoadBalancer",
      ports: [{ name: "http", port: 8080, targetPort: 80 }],
    },
  });
  assert.equal([source, document], ["service.yaml", 1]);
});

test("numbers are those that kubectl reads: 0644 is octal, as the modes of files are written", () => {
  const value = (text: string) =>
    readManifests(
      `apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}], volumes: [{name: v, configMap: {name: c, defaultMode: ${text}}}]}\n`,
    )[0]!.object as unknown as {
      spec: { volumes: { configMap: { defaultMode: number } }[] };
    };
  for (const [text, number] of [
    ["0644", 0o644],
    ["0o644", 0o644],
    ["420", 420],
    ["0x1a4", 420],
    ["0", 0],
  ] as const)
    assert.is(value(text).spec.volumes[0]!.configMap.defaultMode, number, text);
});

test("several documents, Lists and JSON are read alike", () => {
  const names = (text: string) =>
    readManifests(text).map(({ object, document }) => `${document} ${object.metadata.name}`);
  assert.equal(names(`---\n${service("", "a")}\n---\n# nothing here\n---\n${service("", "b")}`), [
    "1 a",
    "3 b",
  ]);
  assert.equal(
    names(
      JSON.stringify({
        apiVersion: "v1",
        kind: "List",
        items: ["a", "b"].map((name) => ({ apiVersion: "v1", kind: "Node", metadata: { name } })),
      }),
    ),
    ["1 a", "1 b"],
  );
  assert.equal(
    names(
      JSON.stringify({ apiVersion: "v1", kind: "NodeList", items: [{ metadata: { name: "a" } }] }),
    ),
    ["1 a"],
  );
});

test("a KubeProxyConfiguration comes through for whom it concerns", () => {
  const [{ object }] = readManifests(
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: 10.1.0.0/16",
  ) as [ReturnType<typeof readManifests>[number]];
  assert.ok(isConfiguration(object));
});

test("fields that Kubernetes knows and Stopover does not model are kept", () => {
  const text =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  volumes: [{name: v, emptyDir: {}}]\n  affinity: {}\n  containers: [{name: a, image: b, volumeMounts: [{name: v, mountPath: /v}]}]";
  const [{ object }] = readManifests(text) as [ReturnType<typeof readManifests>[number]];
  assert.equal((object as unknown as { spec: { volumes: unknown } }).spec.volumes, [
    { name: "v", emptyDir: {} },
  ]);
});

const wrong: Record<string, [text: string, message: RegExp]> = {
  "no YAML": [
    "a: [1\nb: }",
    /^service\.yaml: this cannot be read as YAML: line 2, column 1: deficient indentation$/,
  ],
  "no object": [
    "hello",
    /^service\.yaml, document 1: got the text "hello"; a manifest is an object with apiVersion, kind and metadata$/,
  ],
  "a list": ["- a", /document 1: got a list; a manifest is an object/],
  "an unknown kind": [
    "apiVersion: v1\nkind: Servce",
    /^service\.yaml, document 1: kind: got "Servce" of "v1", which Kubernetes does not know; did you mean "Service"\?$/,
  ],
  "a wrong version": [
    "apiVersion: v1\nkind: Deployment",
    /document 1: apiVersion: got "v1"; for a Deployment it is "apps\/v1"$/,
  ],
  "no kind": [
    "apiVersion: v1",
    /document 1: kind: got nothing; a text such as "Service" or "Deployment" is needed$/,
  ],
  "a wrong type": [
    service().replace("80", "'80'"),
    /^service\.yaml, document 1: Service "x", spec\.ports\[0\]\.port: got the text "80"; a whole number \(32 bits\) is needed; write it without quotes$/,
  ],
  "YAML's own idea of a type": [
    service("  selector: {app: on}"),
    /spec\.selector\.app: got true; a text \(in quotes where YAML would read something else\) is needed$/,
  ],
  "a port out of range": [
    service().replace("80", "70000"),
    /^service\.yaml, document 1: Service "x", spec\.ports\[0\]\.port: Invalid value: 70000: must be between 1 and 65535, inclusive/,
  ],
  "an unknown field, nearly right": [
    service("  slector: {app: x}"),
    /Service "x", spec\.slector: unknown field; did you mean "selector"\?$/,
  ],
  "an unknown field": [
    service("  colour: red"),
    /Service "x", spec\.colour: unknown field; known here: ports, selector, clusterIP/,
  ],
  "a port's number in quotes": [
    service().replace("80", "80, targetPort: '8080'"),
    /targetPort: Invalid value: "8080": must contain at least one letter \(a-z\); write it without quotes$/,
  ],
  "a Helm template in quotes": [
    service().replace("80", '"{{ .Values.port }}"'),
    /a whole number \(32 bits\) is needed; this is a Helm template's: render it first/,
  ],
  "none in small letters": [
    service("  clusterIP: none"),
    /Invalid value: "none": must be a valid IP address.*; a headless Service has "None"$/,
  ],
  "no name": [
    "apiVersion: v1\nkind: Node\nmetadata: {}",
    /Node, metadata\.name: Required value: name or generateName is required$/,
  ],
  "no spec": [
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p}",
    /Pod "p", spec\.containers: Required value$/,
  ],
  "a template without a spec": [
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}}}",
    /spec\.template\.spec\.containers: Required value$/,
  ],
  "an empty item in a list": [
    "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  ports:\n  -",
    /spec\.ports\[0\]: got nothing; an object \(name, protocol, .*\) is needed$/,
  ],
  "metadata of another type": [
    "apiVersion: v1\nkind: Node\nmetadata: [a]",
    /metadata: got a list; an object \(name, generateName, .*\) is needed$/,
  ],
};
for (const [what, [text, message]] of Object.entries(wrong))
  test(`${what}: one clear error`, () => assert.match(problem(text), message));

const bombs: Record<string, [text: () => string, message: RegExp]> = {
  "a billion laughs": [
    () =>
      "a: &a [x,x,x,x,x,x,x,x,x]\n" +
      [..."bcdefghijkl"]
        .map((c, i) => `${c}: &${c} [${Array(9).fill(`*${"abcdefghijk"[i]}`).join(",")}]`)
        .join("\n"),
    /more than 5000000 values once its aliases are written out/,
  ],
  "50 MB": [
    () => `x: ${"y".repeat(50_000_000)}`,
    /has 50000003 characters; at most 41943040 are read/,
  ],
  "10,000 lists deep": [
    () => "[".repeat(10_000) + "]".repeat(10_000),
    /nesting exceeded maxDepth \(100\)/,
  ],
  "10,000 objects deep": [
    () => '{"a":'.repeat(10_000) + "1" + "}".repeat(10_000),
    /nesting exceeded maxDepth \(100\)/,
  ],
  "an alias of itself": [() => "a: &a [*a]", /cannot be read as YAML|no.*object|apiVersion/],
};
for (const [what, [text, message]] of Object.entries(bombs)) {
  test(`${what}: refused within a second`, () => {
    const [input, started] = [text(), process.hrtime.bigint()];
    assert.match(problem(input), message);
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    assert.ok(seconds < 1, `${seconds} s`);
  });
}

test("whole numbers are what go-yaml v2 reads, which kubectl does", () => {
  const port = (text: string): unknown => {
    const [found] = readManifests(service().replace("80", text));
    return (found!.object as unknown as { spec: { ports: { port: unknown }[] } }).spec.ports[0]!
      .port;
  };
  const numbers = { "8_0": 80, "0b1010000": 80, "0120": 80, "0o120": 80, "0x50": 80, "+80": 80 };
  for (const [text, number] of Object.entries({ ...numbers, "80_": 80, "0x_50": 80, "80.0": 80 }))
    assert.is(port(text), number, text);
  for (const text of ["_80", "0b2", "1:20", "0x"])
    assert.throws(() => port(text), /the text/, text);
});

test("of keys that stand twice in a map the last counts, as for kubectl, and that is told", () => {
  const twice = service("  ports: [{port: 81}]\n  selector: {app: x}");
  const notices: Notice[] = [];
  const [found] = readManifests(twice, { source: "x.yaml", onNotice: (one) => notices.push(one) });
  const { spec } = found!.object as unknown as { spec: { ports: { port: number }[] } };
  assert.is(spec.ports[0]!.port, 81);
  assert.is(notices.length, 1);
  assert.match(notices[0]!.text, /^x\.yaml: line \d+, column 3: a key stands twice in its map/);
});

test("a document without metadata that nobody knows takes nothing along", () => {
  const text = `apiVersion: example.com/v1\nkind: Thing\n---\n${service()}`;
  const { manifests, notices = [] } = parse(text, { partial: true });
  assert.is(manifests.length, 1);
  assert.equal(notices[0]!.object!.metadata, {});
});

test("a dump of a real cluster is taken as it is: unknown fields and kinds stay", () => {
  const dump = {
    apiVersion: "v1",
    kind: "List",
    metadata: { resourceVersion: "" },
    items: [
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "p", namespace: "n", creationTimestamp: null },
        spec: { containers: [], futureField: 1 },
        status: { podIP: "10.1.1.2" },
      },
      { apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name: "i" } },
    ],
  };
  const found = readManifests(JSON.stringify(dump), { as: "dump" });
  assert.equal(
    found.map(({ object }) => object),
    [
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "p", namespace: "n" },
        spec: { containers: [], futureField: 1 },
        status: { podIP: "10.1.1.2" },
      },
      { apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name: "i" } },
    ],
  );
});

test("__proto__ in a manifest changes nobody's prototype", () => {
  assert.match(
    problem('{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"},"__proto__":{"polluted":1}}'),
    /__proto__: unknown field/,
  );
  const [{ object }] = readManifests(
    '{"apiVersion":"v1","kind":"Node","metadata":{"name":"n"},"__proto__":{"polluted":1}}',
    { as: "dump" },
  ) as [ReturnType<typeof readManifests>[number]];
  assert.is((object as unknown as { polluted?: number }).polluted, undefined);
});

test("every type that a field names is in the table", () => {
  for (const type of types().values()) {
    for (const field of type.fields.values()) {
      let inner = field.type;
      while (inner.is === "list" || inner.is === "map") inner = inner.of;
      if (inner.is === "object")
        assert.ok(types().has(inner.name), `${type.name}.${field.name} is a ${inner.name}`);
      assert.ok(describe(type.name, field.name).length > 3, `${type.name}.${field.name}`);
    }
  }
});

test.run();
