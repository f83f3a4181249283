/** The command `why`, and the causes in what `journey` prints. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Diagnosis, Founded, Journey } from "stopover";

const command = fileURLToPath(new URL("../../lib/cli.mjs", import.meta.url));

function stopover(args: string[], input = ""): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    input,
    encoding: "utf8",
  });
  return { code: status, out: stdout, err: stderr };
}

const app = (name: string, replicas = 2, port = 80): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: c, image: example/app, ports: [{containerPort: ${port}}]}]}
---
`;
const service = (name: string, spec: string): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: ${spec}
---
`;
const typo = app("shop") + service("shop", "{selector: {app: webshop}, ports: [{port: 80}]}");
const sound =
  app("web") + service("web", "{type: NodePort, selector: {app: web}, ports: [{port: 80}]}");

test("a Service that answers by all its doors: exit 0", () => {
  const { code, out } = stopover(["why", "-"], sound);
  assert.is(code, 0, out);
  assert.match(out, /Service default\/web: all \d+ doors that should answer do/);
  for (const door of ["name", "node-port", "cluster-ip", "pod"])
    assert.match(out, new RegExp(`ok   ${door} +delivered`));
});

test("a Service whose selector has a typing error: exit 1, the cause, the field and the command", () => {
  const { code, out } = stopover(["why", "-", "shop"], typo);
  assert.is(code, 1, out);
  assert.match(
    out,
    /selector app=webshop matches 0 of 2 Pods in default \(near: app=shop on shop-/,
  );
  assert.match(out, /change: Service default\/shop, spec\.selector: app=shop/);
  assert.match(out, /kubectl get pods -n default --show-labels/);
});

test("the JSON is the contract's", () => {
  const { code, out } = stopover(["why", "-", "shop", "--output", "json"], typo);
  assert.is(code, 1);
  const found = JSON.parse(out) as Diagnosis;
  assert.is(found.service, "default/shop");
  assert.equal(found.leftOut, []);
  assert.ok(Array.isArray(found.assumed));
  const door = found.doors.find((each) => each.door === "cluster-ip")!;
  assert.equal([door.disposition, door.share, door.shouldAnswer], ["rejected", 0, true]);
  const { object, field, value, expected } = door.cause!;
  assert.equal(
    [object, field, value, expected],
    ["Service default/shop", "spec.selector", "app=webshop", "app=shop"],
  );
  assert.equal(door.change, {
    object: "Service default/shop",
    field: "spec.selector",
    value: "app=shop",
  });
  assert.match(door.path, /^http:\/\/10\.2\.1\.1\/ from node\/node-a$/);
});

test("without a name all Services, failing ones first; one entry for each door and node", () => {
  const { code, out } = stopover(["why", "-", "--output", "json"], sound + typo);
  assert.is(code, 1);
  const { service: first, services } = JSON.parse(out) as Diagnosis & { services: Diagnosis[] };
  assert.is(first, "default/shop");
  assert.equal(
    services.map((each) => each.service),
    ["default/shop", "default/web"],
  );
  const nodes = services[1]!.doors.filter(({ door }) => door === "node-port");
  assert.equal(
    nodes.map(({ name }) => name),
    ["node-a", "node-b", "node-c"],
  );
});

test("a URL is the first door, whoever asks", () => {
  const args = [
    "why",
    "-",
    "--url",
    "http://shop:8080/",
    "--from",
    "node/node-b",
    "--output",
    "json",
  ];
  const { code, out } = stopover(args, typo);
  assert.is(code, 1);
  const [door] = (JSON.parse(out) as Diagnosis).doors;
  assert.is(door!.path, "http://shop:8080/ from node/node-b");
});

test("no Service at all: exit 2", () => {
  const { code, err } = stopover(["why", "-"], app("web"));
  assert.is(code, 2);
  assert.is(err, "stopover: no Service is among the objects\n");
});

test("a Service of which nothing can be told is not known to answer: exit 1", () => {
  const nowhere = stopover(["why", "-", "--snapshot"], service("x", "{ports: [{port: 80}]}"));
  assert.match(nowhere.out, /whether it answers cannot be told from here/);
  assert.is(nowhere.code, 1, "a dump without nodes");
  const outside = service("out", "{type: ExternalName, externalName: example.com}");
  assert.is(stopover(["why", "-"], outside).code, 1, "a name that only others know");
  assert.is(stopover(["why", "-"], sound + outside).code, 0, "one of several");
});

// ---- journeys

test("a journey's reason names the cause", () => {
  const { code, out } = stopover(["journey", "-", "--output", "json"], typo);
  assert.is(code, 1);
  const { request, reason } = JSON.parse(out) as Founded<Journey>;
  assert.is(request.url, "http://10.2.1.1/");
  assert.is(request.from, "node/node-a");
  assert.match(reason, /has no endpoints.*; selector app=webshop matches 0 of 2 Pods in default/);
});

const usual: [says: string, manifest: string, url: RegExp, from: string][] = [
  ["a node's address and the NodePort", sound, /^http:\/\/192\.168\.0\.1:30519\/$/, "internet"],
  [
    "the best type, whatever its place",
    typo + sound,
    /^http:\/\/192\.168\.0\.1:\d+\/$/,
    "internet",
  ],
  [
    "the load balancer's name",
    app("web") +
      service(
        "web",
        "{type: LoadBalancer, selector: {app: web}, ports: [{port: 8443, targetPort: 80}]}",
      ),
    /^http:\/\/1234\.ap-south-1\.elb\.amazonaws\.com:8443\/$/,
    "internet",
  ],
  [
    "the name of the cluster's DNS, where a Pod may ask",
    `${app("web")}${service("web", "{selector: {app: web}, ports: [{port: 80}]}")}{apiVersion: v1, kind: Pod, metadata: {name: client}, spec: {containers: [{name: c, image: busybox}]}}`,
    /^http:\/\/web\.default\.svc\.cluster\.local\/$/,
    "pod/default/client",
  ],
];

for (const [says, manifest, url, from] of usual)
  test(`without --url a journey asks by ${says}`, () => {
    const { code, out } = stopover(["journey", "-", "--output", "json"], manifest);
    assert.is(code, 0, out);
    const { request } = JSON.parse(out) as Founded<Journey>;
    assert.match(request.url, url);
    assert.is(request.from, from);
  });

test("--all says why ways fail, once for the nodes that are alike", () => {
  const local = `{type: NodePort, externalTrafficPolicy: Local, selector: {app: shop}, ports: [{port: 80}]}`;
  const { out } = stopover(
    ["journey", "-", "--all", "--url", "http://shop/", "--from", "internet"],
    app("shop") + service("shop", local),
  );
  assert.match(out, /100\.00 % +name not found: no DNS server knows the name "shop"/);
});

test("a journey without a Service to ask for: exit 2, and what there is", () => {
  const { code, err } = stopover(["journey", "-"], app("web"));
  assert.is(code, 2);
  assert.is(err, "stopover: no Service is among the objects (1 Deployment); say --url\n");
});

test.run();
