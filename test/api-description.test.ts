/** The tables made of Kubernetes' API description are whole, and what else is written agrees. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { describe } from "stopover/internal/doors/serve/descriptions";
import { table } from "stopover/internal/doors/serve/tables";
import { columnTable } from "stopover/internal/objects/generated/columns";
import { typeTable } from "stopover/internal/objects/generated/modelled";
import { otherKinds, otherTypes } from "stopover/internal/objects/generated/others";
import { kindInfo, kinds } from "stopover/internal/objects/kinds";
import { types } from "stopover/internal/objects/schema";

const test = suite("API description");
const lines = (text: string) => text.trim().split("\n");
const fieldLine = /^ {2}[\w$-]+!? \*?[^@# ]+(@\w*)?(#[\w,]*)?$/;

test("every line of the tables can be read", () => {
  for (const line of [...lines(typeTable), ...lines(otherTypes)])
    assert.ok(
      fieldLine.test(line) || /^# io\.k8s\.[\w.-]+$/.test(line) || /^[\w.-]+$/.test(line),
      line,
    );
  for (const line of lines(otherKinds))
    assert.match(line, /^(\S+\/)?v\d\S* [A-Z]\w+ [a-z]+ (namespaced|cluster)( \w+=\S+)*$/);
});

test("no sentence of Kubernetes' is in them", () => {
  for (const text of [typeTable, otherTypes, otherKinds, columnTable])
    assert.not.match(text, /\b(the|is|of|for) /);
});

test("what Kubernetes 1.35 knows is there", () => {
  const all = [...lines(otherKinds).map((line) => line.split(" ", 2).join(" "))];
  for (const kind of [
    "v1 ConfigMap",
    "v1 Secret",
    "apps/v1 StatefulSet",
    "batch/v1 Job",
    "networking.k8s.io/v1 NetworkPolicy",
    "networking.k8s.io/v1 Ingress",
  ])
    assert.ok(all.includes(kind), kind);
  assert.equal(
    kinds.map(({ kind, apiVersion }) => `${apiVersion} ${kind}`).filter((one) => all.includes(one)),
    [],
    "a kind is in one of the two files",
  );
});

test("kinds are what kubectl api-resources says", () => {
  assert.equal(
    kinds.map(({ plural, shortNames, group, namespaced }) =>
      [plural, shortNames.join(), group, namespaced].join(" "),
    ),
    [
      "endpoints ep  true",
      "events ev  true",
      "namespaces ns  false",
      "nodes no  false",
      "pods po  true",
      "services svc  true",
      "deployments deploy apps true",
      "replicasets rs apps true",
      "leases  coordination.k8s.io true",
      "endpointslices  discovery.k8s.io true",
    ],
  );
  assert.equal(kindInfo("Pod")?.subresources, ["status", "binding", "eviction"]);
  assert.equal(kindInfo("Deployment")?.subresources, ["status", "scale"]);
});

test("every kind has a cell for each of its columns", () => {
  for (const { kind, apiVersion } of kinds) {
    const metadata = { name: "a", creationTimestamp: "2024-01-21T05:09:08Z" };
    const spec = { containers: [], template: { spec: { containers: [] } } };
    const rest = { spec, involvedObject: {}, message: "", endpoints: [] };
    const { columnDefinitions, rows } = table(
      kindInfo(kind)!,
      [{ apiVersion, kind, metadata, ...rest }],
      Date.parse("2024-01-21T05:09:08Z"),
    );
    assert.is(rows[0]!.cells.length, columnDefinitions.length, kind);
    assert.ok(columnDefinitions.length >= 3, kind);
  }
});

test("who is described is in the table", () => {
  for (const { kind } of kinds) assert.ok(describe(kind).length > 5, `${kind} has no description`);
  for (const name of ["ServiceSpec", "PodSpec", "Container", "Probe", "DeploymentSpec"])
    for (const field of types().get(name)!.fields.keys())
      assert.ok(describe(name, field).length > 3, `${name}.${field}`);
});

test.run();
