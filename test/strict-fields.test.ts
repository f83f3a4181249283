// Fields that nobody knows, keys that stand twice, and versions that are not the one that is kept:
// what is answered of bodies as clients in Go send them. Each Status is a real API server's.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Status } from "stopover/internal/api/client";
import { answer } from "stopover/internal/doors/serve/http-handlers";
import { newServer } from "./apiserver-harness.js";

const test = suite("strict fields");
const { server: apiserver } = newServer();

const asked = (method: string, path: string, query: string, contentType: string, text: string) => {
  const result = answer(apiserver, {
    method,
    path: path.split("/"),
    query,
    accept: undefined,
    contentType,
    who: "test",
    body: new TextEncoder().encode(text),
  });
  assert.ok("code" in result);
  return {
    ...result,
    said: JSON.parse(new TextDecoder().decode(result.body)) as Status & { spec?: object },
  };
};

test("fields that nobody knows come before those that stand twice", () => {
  const { code, said } = asked(
    "POST",
    "api/v1/namespaces/default/services",
    "fieldValidation=Strict",
    "application/json",
    `{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"colour":"red","type":"ClusterIP","type":"NodePort","ports":[{"port":80}]}}`,
  );
  assert.is(code, 400);
  assert.match(
    said.message!,
    /strict decoding error: unknown field "spec\.colour", duplicate field "spec\.type"$/,
  );
});

const twice = `
apiVersion: v1
kind: ConfigMap
metadata:
  name: twice
data:
  "a": x
  b: w
  "a": z
`;
const applied = (query: string) =>
  asked(
    "PATCH",
    "api/v1/namespaces/default/configmaps/twice",
    `fieldManager=me&${query}`,
    "application/apply-patch+yaml",
    twice,
  );

test("a key that stands twice in what is applied is refused, told, or taken", () => {
  const { code, said } = applied("fieldValidation=Strict");
  assert.equal(
    [code, said.message],
    [
      400,
      'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 9: key "a" already set in map',
    ],
  );
  const { code: made, headers, said: object } = applied("fieldValidation=Warn");
  assert.is(made, 201);
  assert.match(String(headers["Warning"]), /line 9: key .*already set in map/);
  assert.equal((object as unknown as { data: object }).data, { a: "z", b: "w" });
});

test("what is applied by another served version than the one that is kept is that one there", () => {
  const schema = {
    openAPIV3Schema: {
      type: "object",
      properties: { spec: { type: "object", properties: { foo: { type: "string" } } } },
    },
  };
  const version = (name: string, storage: boolean) => ({ name, served: true, storage, schema });
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "foos.example.com" },
    spec: {
      group: "example.com",
      scope: "Cluster",
      names: { plural: "foos", singular: "foo", kind: "Foo", listKind: "FooList" },
      versions: [version("v1beta1", false), version("v1", true)],
    },
  };
  const definitions = "apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const { code } = asked("POST", definitions, "", "application/json", JSON.stringify(definition));
  assert.is(code, 201);
  const apply = (more: string) =>
    asked(
      "PATCH",
      "apis/example.com/v1beta1/foos/my",
      "fieldManager=me&fieldValidation=Strict",
      "application/apply-patch+yaml",
      `apiVersion: example.com/v1beta1\nkind: Foo\nmetadata: { name: my }\nspec: { foo: a }\n${more}`,
    );
  assert.equal([apply("").code, apply("").said.spec], [201, { foo: "a" }]);
  const { said } = apply("colour: red\n");
  assert.match(said.message!, /\.colour: field not declared in schema/);
});

test.run();
