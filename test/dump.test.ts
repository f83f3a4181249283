/**
 * `stopover dump`: what it reads with somebody's kubectl, what stays out, and that other names and
 * addresses change no verdict.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openSnapshot, parse, whyText, type Diagnosis, type KubeObject } from "stopover";
import { Addresses } from "stopover/internal/doors/dump/addresses";
import { disguiseFor } from "stopover/internal/doors/dump/disguise";
import { dumpOf, dumpText } from "stopover/internal/doors/dump/dump";
import { parseAddress, parseCIDR } from "stopover/internal/net/ip";
import { seed } from "./seed.js";
import { both, faults, objectsOf, pairs, together, type Fault } from "./why-corpus.js";

const command = fileURLToPath(new URL("../../lib/cli.mjs", import.meta.url));

// ---- addresses

const someAddress = fc.oneof(
  fc.ipV4(),
  fc
    .constantFrom("10.", "192.168.", "172.16.", "203.0.")
    .chain((start) =>
      fc
        .array(fc.nat(255), { minLength: 3, maxLength: 3 })
        .map((rest) => [...start.split(".").filter(Boolean), ...rest].slice(0, 4).join(".")),
    ),
  fc.ipV6(),
);

function shared(one: string, other: string): number {
  const [x, y] = [parseAddress(one), parseAddress(other)];
  if (x.family !== y.family) return -1;
  const bits = x.family === "IPv4" ? 32 : 128;
  for (let length = bits; length > 0; length--)
    if (parseCIDR(`${one}/${length}`).contains(y)) return length;
  return 0;
}

test("addresses that share a prefix still share it, and no longer one", () => {
  const moved = new Addresses("a key");
  fc.assert(
    fc.property(someAddress, someAddress, (one, other) => {
      const [x, y] = [one, other].map((text) => moved.of(parseAddress(text)));
      assert.is(shared(x!, y!), shared(one, other));
    }),
    { seed, numRuns: 300 },
  );
});

const special: [address: string, range: string][] = [
  ["10.244.1.5", "10.0.0.0/8"],
  ["192.168.0.1", "192.168.0.0/16"],
  ["172.31.9.10", "172.16.0.0/12"],
  ["100.64.3.4", "100.64.0.0/10"],
  ["fd00:10:96::a", "fc00::/7"],
];
for (const [address, range] of special)
  test(`${address} stays in ${range}`, () => {
    for (const key of ["one", "two", "three"])
      assert.ok(
        parseCIDR(range).contains(parseAddress(new Addresses(key).of(parseAddress(address)))),
      );
  });

for (const address of [
  "127.0.0.1",
  "0.0.0.0",
  "169.254.169.254",
  "203.0.113.2",
  "::1",
  "fe80::1",
  "224.0.0.1",
])
  test(`${address} is everybody's, and stays`, () => {
    assert.is(new Addresses("any").of(parseAddress(address)), address);
  });

// ---- the verdict

/** Of each door how it ends, and the field that is to blame. */
const verdict = (all: readonly Diagnosis[], name: (text: string) => string): string[] =>
  all.flatMap(({ service, doors }) =>
    doors.map(({ door, disposition, share, causes }) =>
      [
        name(service),
        door,
        disposition,
        share.toFixed(6),
        ...causes.map(({ object, field }) => `${name(object)} ${fieldOf(field)}`),
      ].join(" | "),
    ),
  );

/** A label's key stands in some fields. */
const fieldOf = (field: string): string => field.replace(/\["[^"]*"\]/, "[…]");

const open = (objects: readonly KubeObject[]) =>
  openSnapshot(parse(dumpText(objects), { as: "dump" }), { domains: {} });

function sameVerdict(fault: Fault, key: string): void {
  const { objects } = dumpOf(objectsOf(fault));
  const disguise = disguiseFor(objects, key);
  const disguised = objects.map((object) => disguise.object(object));
  const { url, from, service = "default/web" } = fault.ask ?? {};
  // "Service default/web", "pod/default/client"
  const hidden = (text: string) =>
    text.replace(/^(node\/|\w+[ /](?=\S+\/)|\w+ |)(.+)$/, (_, kind: string, name: string) =>
      /^(internet|[A-Z]\w+)$/.test(text) ? text : kind + disguise.text(name),
    );
  const before = open(objects).why(url ?? service, { from });
  const after = open(disguised).why(disguise.text(url ?? service), { from: from && hidden(from) });
  assert.equal(
    verdict([after], (text) => text).sort(),
    verdict([before], hidden).sort(),
    `${whyText(before)}\n${whyText(after)}`,
  );
}

const inDumps = [...faults, ...pairs.slice(0, 5).map(together)].filter(({ forms = both }) =>
  forms.includes("dump"),
);
for (const [i, fault] of inDumps.entries())
  test(`other names and addresses, the same verdict: ${fault.fault}`, () => {
    sameVerdict(fault, `key ${i}`);
  });

test("whether somebody tells a process where to listen is told in a dump, and not what", () => {
  const told = (container: object): unknown => {
    const spec = { containers: [{ name: "c", image: "debian:12.5", ...container }] };
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec } as KubeObject;
    const [disguised] = dumpOf([pod], "some key").objects;
    return (disguised as unknown as { spec: typeof spec }).spec.containers[0];
  };
  const env = [{ name: "FLASK_RUN_HOST", value: "shop.example" }];
  const { name: _, ...kept } = told({ env, envFrom: [{ configMapRef: { name: "shop" } }] }) as {
    name: string;
  };
  assert.equal(kept, { image: "debian:12.5", env: [{ name: "HOST" }], envFrom: [] });
});

// ---- what stays out

const fault = faults.find(({ fault: name }) => name === "selector value") ?? faults[0]!;

test("no name and no address of the cluster is left", () => {
  const { objects } = dumpOf(objectsOf(fault));
  const { objects: disguised, names } = dumpOf(objects, "some key");
  const text = JSON.stringify(disguised);
  const own = objects.flatMap((object) => {
    const { metadata, status = {} } = object as KubeObject & {
      status?: { podIP?: string; addresses?: { address: string }[] };
    };
    return [metadata.name, status.podIP, ...(status.addresses ?? []).map(({ address }) => address)];
  });
  const isPublic = /^(kube-|default|kubernetes$)/;
  const left = own.filter((one) => one && !isPublic.test(one) && text.includes(`"${one}"`));
  assert.equal(left, []);
  assert.not.match(text, /shop|\bweb\b|node-a|192\.168\.0\./);
  assert.match(names.get("node-a") ?? "", /^[a-z]+-[a-z]+$/);
});

test("the same key makes the same names, another one others", () => {
  const { objects } = dumpOf(objectsOf(fault));
  const made = (key: string) => dumpText(dumpOf(objects, key).objects);
  assert.is(made("one"), made("one"));
  assert.is.not(made("one"), made("two"));
});

const secretive = `
{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {password: aHVudGVyMg==}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {password: hunter2}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kube-proxy, namespace: kube-system}
data:
  kubeconfig.conf: "server: https://hunter2"
  config.conf: |
    {apiVersion: kubeproxy.config.k8s.io/v1alpha1, kind: KubeProxyConfiguration, clusterCIDR: 10.244.0.0/16,
     clientConnection: {kubeconfig: /var/lib/hunter2}}
---
apiVersion: v1
kind: Pod
metadata:
  name: app
  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"password": "hunter2"}', team: hunter2}
spec:
  containers:
  - name: app
    image: registry.hunter2.example/app:1
    args: [--password=hunter2, --listen-address=127.0.0.1:8080]
    env: [{name: PASSWORD, value: hunter2}, {name: APP_PORT, value: "8080"}]
`;

interface Dumped {
  items: (KubeObject & { spec: { containers: { env: object[]; args: string[] }[] } })[];
}

test("Secrets, other ConfigMaps and the environment's values stay out", () => {
  const { out } = stopover(["dump", "-"], secretive);
  const { items } = JSON.parse(out) as Dumped;
  assert.equal(
    items.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    ["ConfigMap kube-proxy", "Pod app"],
  );
  const [container] = items[1]!.spec.containers;
  assert.equal(container!.env, [{ name: "PASSWORD" }, { name: "APP_PORT", value: "8080" }]);
  assert.not.match(out, /aHVudGVyMg|server:/);
});

test("with other names nothing of somebody's is left, and what decides is", () => {
  const { out } = stopover(["dump", "-", "--anonymise"], secretive);
  assert.not.match(out, /hunter2/i);
  const [container] = (JSON.parse(out) as Dumped).items[1]!.spec.containers;
  assert.match(container!.args[1]!, /^--listen-address=127\.0\.0\.1:8080$/);
  assert.equal(container!.env[1], { name: "PORT", value: "8080" });
  assert.match(out, /KubeProxyConfiguration.*clusterCIDR/);
});

// ---- the command

function stopover(args: string[], input = "", env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    input,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return { code: status, out: stdout, err: stderr };
}

/** A kubectl that knows three Services, may read no nodes, and writes down what it is asked. */
const standIn = `#!${process.execPath}
import { appendFileSync } from "node:fs";
const words = process.argv.slice(2);
appendFileSync(process.env.ASKED, words.join(" ") + "\\n");
if (words[1] === "nodes") {
  console.error("Error from server (Forbidden): nodes is forbidden");
  process.exit(1);
}
const service = (name) => ({ apiVersion: "v1", kind: "Service", metadata: { name, namespace: "default" },
  spec: { clusterIP: "10.96.0.9", ports: [{ port: 80 }] } });
if (words[1] === "services")
  console.log(JSON.stringify({ kind: "List", apiVersion: "v1", items: ["a", "b", "c"].map(service) }));
`;

function withKubectl(text: string, use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "stopover-dump-"));
  try {
    writeFileSync(join(folder, "package.json"), '{"type": "module"}');
    writeFileSync(join(folder, "kubectl"), text);
    chmodSync(join(folder, "kubectl"), 0o755);
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("kubectl is asked for nothing but get, through the kubeconfig that was given", () => {
  if (process.platform === "win32") return;
  withKubectl(standIn, (folder) => {
    const env = {
      ASKED: join(folder, "asked"),
      PATH: `${folder}${delimiter}${process.env["PATH"] ?? ""}`,
    };
    const args = ["dump", "--kubeconfig", "my.conf", "--context", "far"];
    const { code, out, err } = stopover(args, "", env);
    assert.is(code, 0, err);
    assert.is((JSON.parse(out) as Dumped).items.length, 3);
    assert.match(err, /nodes: Error from server \(Forbidden\)/);
    const asked = readFileSync(env.ASKED, "utf8").trim().split("\n");
    assert.ok(asked.length >= 10);
    const all = /^get .* --kubeconfig my\.conf --context far --ignore-not-found --output json$/;
    for (const line of asked) assert.match(line, all);
    assert.not.match(asked.join(), /secret/i);
  });
});

test("without a kubectl: one line that says so, exit 2", () => {
  withKubectl("", (folder) => {
    rmSync(join(folder, "kubectl"));
    const { code, err } = stopover(["dump"], "", { PATH: folder });
    assert.is(code, 2);
    assert.match(err, /there is no kubectl on the PATH/);
  });
});

test("what does not go together is said", () => {
  assert.match(stopover(["dump", "-", "--key", "x"]).err, /--key goes with --anonymise/);
  assert.match(stopover(["dump", "-", "--context", "x"]).err, /FILES or asks kubectl/);
});

test("kube-proxy's configuration is read as it was, whatever fields it has", () => {
  const text = readFileSync(
    new URL("../manifests/cluster-autoscaler.yaml", import.meta.url),
    "utf8",
  );
  const fields = "nodePortAddresses: [primary]\ndetectLocalMode: NodeCIDR\nconfigSyncPeriod: 15m0s";
  const given = text
    .replace("nodePortAddresses: null", fields)
    .replace(/configSyncPeriod: 0s\n|detectLocalMode: ""\n/g, "");
  const { out, code } = stopover(["dump", "-", "--anonymise"], given);
  assert.is(code, 0);
  const { kubeProxy } = parse(out, { as: "dump" });
  const told = kubeProxy as unknown as Record<string, unknown>;
  assert.equal(told["nodePortAddresses"], ["primary"]);
  assert.is(told["detectLocalMode"], "NodeCIDR");
  assert.is(told["configSyncPeriod"], "15m0s");
  assert.ok(openSnapshot(parse(out, { as: "dump" })));
});

test.run();
