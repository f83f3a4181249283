import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { frozen, same } from "stopover/internal/objects/freeze";
import {
  fields,
  labels,
  matches,
  selectorText,
  SelectorError,
} from "stopover/internal/objects/selectors";
import { pod } from "./apiserver-harness.js";
import { seed } from "./seed.js";

const test = suite("selectors, freezing");
const app = { app: "nginx", tier: "a", "example.com/x": "1" };

for (const [text, wanted] of Object.entries({
  "": true,
  "app=nginx": true,
  "app==nginx": true,
  "app=other": false,
  "app!=other": true,
  "none!=x": true,
  app: true,
  none: false,
  "!none": true,
  "!app": false,
  "tier in (a,b)": true,
  "tier in (b)": false,
  "tier notin (b, c)": true,
  "none notin (b)": true,
  "app=nginx,tier in (a, b),!old": true,
  "app=nginx,tier in (b,c)": false,
  "example.com/x=1": true,
  " app = nginx ": true,
})) {
  test(`-l '${text}' ${wanted ? "selects" : "passes over"} app=nginx,tier=a`, () =>
    assert.is(labels(text)(app), wanted));
}

test("names that every object has are labels like any other", () => {
  for (const name of ["constructor", "toString", "hasOwnProperty"]) {
    assert.is(labels(name)(app), false);
    assert.is(labels(`!${name}`)(app), true);
    assert.is(labels(`${name}!=x`)(app), true);
    assert.is(labels(`${name} in (x)`)(app), false);
    assert.is(labels(`${name}=x`)({ [name]: "x" }), true);
    const exists = { matchExpressions: [{ key: name, operator: "Exists" as const }] };
    assert.is(matches(exists, app), false);
    assert.is(matches(exists, { [name]: "" }), true);
    assert.is(same({}, { [name]: "x" }), false);
    assert.is(same({ [name]: "x" }, {}), false);
  }
});

test("__proto__ survives freezing as a field of its own", () => {
  const came = JSON.parse('{"__proto__": {"a": 1}}') as object;
  const kept = frozen(came);
  assert.is(Object.getPrototypeOf(kept), Object.prototype);
  assert.is(JSON.stringify(kept), '{"__proto__":{"a":1}}');
});

test("what is no selector is refused in upstream's words", () => {
  for (const text of ["a=b=c", "(a)", "a in b", "=x", "a,,b"])
    assert.throws(
      () => labels(text),
      (error: Error) =>
        error instanceof SelectorError && /found '.*',? expected: /.test(error.message),
      text,
    );
});

test("a structured selector and its text select the same", () => {
  const name = fc.constantFrom("app", "tier", "none");
  const values = fc.array(fc.constantFrom("nginx", "a", "b"), { minLength: 1, maxLength: 2 });
  const expression = fc.oneof(
    fc.record({ key: name, operator: fc.constantFrom("In" as const, "NotIn" as const), values }),
    fc.record({ key: name, operator: fc.constantFrom("Exists" as const, "DoesNotExist" as const) }),
  );
  fc.assert(
    fc.property(
      fc.dictionary(name, fc.constantFrom("nginx", "a")),
      fc.array(expression, { maxLength: 3 }),
      (matchLabels, matchExpressions) => {
        const selector = { matchLabels, matchExpressions };
        return matches(selector, app) === labels(selectorText(selector))(app);
      },
    ),
    { seed },
  );
});

test("fields: only those that Kubernetes selects by", () => {
  const bound = pod("p", { nodeName: "node-a" });
  assert.ok(fields("Pod", "spec.nodeName=node-a,metadata.name!=x").matches(bound));
  assert.not(fields("Pod", "status.phase=Running").matches(bound));
  assert.ok(fields("Pod", "spec.hostNetwork=false").matches(bound));
  assert.is(fields("Pod", "spec.nodeName=node-a").exact("spec.nodeName"), "node-a");
  assert.throws(
    () => fields("Pod", "spec.containers=x"),
    /field label not supported: spec\.containers/,
  );
});

test("frozen: a copy that shares what was frozen, without nulls", () => {
  const shared = frozen({ a: [1] });
  const mine = { shared, own: { b: 1 }, nothing: null, missing: undefined };
  const copy = frozen(mine);
  assert.equal(copy, { shared: { a: [1] }, own: { b: 1 } });
  assert.is(copy.shared, shared);
  mine.own.b = 2;
  assert.is(copy.own.b, 1);
  assert.is(frozen(copy), copy);
  assert.ok(
    same({ a: 1, b: undefined }, { a: 1 }) &&
      !same({ a: 1 }, { a: 1, b: 2 }) &&
      !same([1], { 0: 1 }),
  );
});

test.run();
