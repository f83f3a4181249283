/** Text that comes from outside costs what its length is, and is refused where it is too long. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { sizeOf } from "stopover/internal/apiserver/bounds";
import { duration } from "stopover/internal/machinery/duration";
import { parseRules } from "stopover/internal/net/iptables/parse";
import { readAddress, readCIDR } from "stopover/internal/net/ip";
import { isQuantity, quantity } from "stopover/internal/objects/quantity";
import { fields, labels } from "stopover/internal/objects/selectors";
import type { KubeObject } from "stopover/internal/objects/types";
import { parse } from "stopover";
import { newServer, pod, service } from "./apiserver-harness.js";

const test = suite("bounds");

const n = 200_000;
const digits = "1".repeat(n);
const spaces = " ".repeat(n);
const { client } = newServer();
const create = (object: object) => client.create(object as KubeObject);
const withImage = (image: string) => pod("p", { containers: [{ name: "a", image }] });
const withRequest = (cpu: string) =>
  pod("p", { containers: [{ name: "a", image: "a", resources: { requests: { cpu } } }] });

/** Each is taken or refused, in no time. */
const rows: Record<string, () => unknown> = {
  "a quantity of digits and an x": () => create(withRequest(`${digits}x`)),
  "a quantity of digits and a dot": () => create(withRequest(`${digits}.${digits}x`)),
  "a quantity in a manifest": () => parse(JSON.stringify(withRequest(`${digits}x`))),
  "an image of colons": () => create(withImage(`${":".repeat(n)}/\n`)),
  "an image of slashes": () => create(withImage(`${"/".repeat(n)}:\n`)),
  "a label of dots": () => create(service("s", {}, { labels: { a: `${"a.".repeat(n)}!` } })),
  "a name of labels": () => create(service(`${"a.".repeat(n)}!`)),
  "a name of hyphens": () => create(service(`a${"-".repeat(n)}!`)),
  "a finalizer of slashes": () => create(service("s", {}, { finalizers: ["/".repeat(n)] })),
  "an external name": () =>
    create(service("s", { type: "ExternalName", externalName: `${"a.".repeat(n)}.` })),
  "a ClusterIP of colons": () => create(service("s", { clusterIP: ":".repeat(n) })),
  "a ClusterIP of digits": () => create(service("s", { clusterIP: digits })),
  "a port name": () => create(service("s", { ports: [{ port: 80, targetPort: `${digits}!` }] })),
  "a label selector of open brackets": () => labels("a in (,".repeat(10_000)),
  "a label selector of commas": () => labels(",".repeat(90_000)),
  "a label selector with spaces behind =": () => labels(`a=${" ".repeat(90_000)}!`),
  "a label selector with spaces before in": () => labels(`a${" ".repeat(90_000)}in`),
  "a label selector of one long word": () => labels(`${"a".repeat(90_000)}!`),
  "a label selector that is too long": () => labels(digits),
  "a field selector with spaces": () => fields("Pod", `spec.nodeName=a${" ".repeat(90_000)}b`),
  "a field selector of !": () => fields("Pod", "!".repeat(90_000)),
  "a field selector that is too long": () => fields("Pod", digits),
  "an address of digits": () => readAddress(digits),
  "an address of colons": () => readAddress("1:".repeat(n)),
  "a CIDR of digits": () => readCIDR(`10.0.0.0/${digits}`),
  "a duration of hours": () => duration(`${"1h".repeat(n)}x`),
  "a duration of digits": () => duration(`${digits}x`),
  ...Object.fromEntries(
    [
      `:A${spaces}ACCEPT`,
      `-A INPUT -m statistic --mode random --probability ${digits}x -j ACCEPT`,
      `-A INPUT -m comment --comment ${'"'.repeat(n)}`,
      `-A INPUT -m comment --comment "${'\\" '.repeat(n)}`,
      `-A INPUT -m comment --comment ${'" \\'.repeat(n)}`,
      `-A INPUT -p tcp --dport ${digits} -j ACCEPT`,
      `-A INPUT -m multiport --dports ${"1,".repeat(n)} -j ACCEPT`,
      `-A INPUT -s ${digits}/8 -j ACCEPT`,
      `-A PREROUTING -j DNAT --to-destination ${"[".repeat(n)}`,
      `-A PREROUTING -j DNAT --to-destination 10.0.0.1:${digits}-x`,
      `[${digits}:${digits} -A INPUT`,
      `-A INPUT${spaces}-j${spaces}`,
    ].map((line) => [
      `a pasted rule: ${line.slice(0, 50)}`,
      () => parseRules(`*filter\n:INPUT ACCEPT [0:0]\n${line}\nCOMMIT\n`),
    ]),
  ),
};

for (const [what, call] of Object.entries(rows))
  test(`${what}: answered at once`, () => {
    const started = performance.now();
    try {
      call();
    } catch (error) {
      assert.not.ok(error instanceof TypeError, String(error).slice(0, 200));
    }
    assert.ok(performance.now() - started < 2_000, `${performance.now() - started} ms`);
  });

for (const [text, value] of [
  ["250m", 0.25],
  [".5", 0.5],
  ["5.", 5],
  ["1e3", 1000],
  ["-1Ki", -1024],
  ["1E", 1e18],
  ["1E2", 100],
  ["1e999", 2 ** 63],
  ["1".repeat(100), 2 ** 63],
] as const)
  test(`the quantity ${text} is ${value}`, () => {
    assert.ok(isQuantity(text));
    assert.is(quantity(text), value);
  });

for (const text of ["", ".", "1.2.3", "1e", "1ki", "1 Gi", "0x10", "1".repeat(101), "constructor"])
  test(`${JSON.stringify(text)} is no quantity`, () => {
    assert.not.ok(isQuantity(text));
    assert.ok(Number.isNaN(quantity(text)));
  });

for (const [value, bytes, depth] of [
  [{}, 2, 1],
  [{ a: "bc" }, 11, 1],
  [[1, "é", null], 14, 1],
  [{ a: [{}] }, 12, 3],
  ["€", 5, 0],
] as const)
  test(`${JSON.stringify(value)} has about ${bytes} bytes and is ${depth} deep`, () =>
    assert.equal(sizeOf(value, 1000), { bytes, depth }));

test("a size is counted no further than its limit", () => {
  let value: unknown = 1;
  for (let i = 0; i < 60; i++) value = { a: value, b: value };
  assert.ok(sizeOf(value, 10_000).bytes > 10_000);
});

test.run();
