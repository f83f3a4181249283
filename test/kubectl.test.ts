// The unmodified kubectl against `stopover serve`, with all controllers running in real time. What
// it prints is held against what it prints on a real cluster. KUBECTL names another binary;
// Debian's is the oldest that is meant to work (1.20).
import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { lacking, needs } from "./needs.js";

const kubectl = process.env["KUBECTL"] ?? "kubectl";
const root = fileURLToPath(new URL("../../", import.meta.url));
const test = suite("kubectl");

let server: ChildProcess;
let url = "";
const home = mkdtempSync(join(tmpdir(), "stopover-kubectl-"));
const environment = { PATH: process.env["PATH"], HOME: home, KUBE_EDITOR: "sed -i s/8080/8081/" };

interface Result {
  code: number;
  out: string;
  err: string;
}
function run(args: string | string[], input?: string): Promise<Result> {
  const list = typeof args === "string" ? args.split(" ") : args;
  return new Promise((resolve) => {
    const child = execFile(
      kubectl,
      ["--server", url, ...list],
      { env: environment, timeout: 60_000 },
      (error, out, err) => resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    );
    child.stdin!.end(input ?? "");
  });
}

/** What it prints where all goes well; ages become AGE. */
async function says(args: string | string[], input?: string): Promise<string> {
  const { code, out, err } = await run(args, input);
  assert.is(code, 0, `kubectl ${args} failed: ${err}`);
  return out.trimEnd();
}
async function refuses(args: string | string[], input?: string): Promise<string> {
  const { code, out, err } = await run(args, input);
  assert.is.not(code, 0, `kubectl ${args} was not refused: ${out}`);
  return err.trimEnd();
}
/** Rows of cells. */
const cells = (table: string): string[][] =>
  table.split("\n").map((line) => line.trim().split(/ {2,}/));
const manifest = (name: string) => join(root, "notebooks/manifests", name);

async function start(): Promise<void> {
  server = spawn(
    process.execPath,
    [join(root, "lib/cli.mjs"), "serve", manifest("deployment.yaml"), "--port", "0"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let line = "";
  for await (const chunk of server.stdout!) if ((line += String(chunk)).includes("\n")) break;
  url = /http:\/\/[\d.:]+/.exec(line)![0];
}

if (needs(test, "kubectl", lacking(kubectl))) {
  const client =
    /GitVersion:"v1\.(\d+)|Client Version: v1\.(\d+)/.exec(
      String(spawnSync(kubectl, ["version", "--client"]).stdout),
    ) ?? [];
  const minor = Number(client[1] ?? client[2]);
  await start();

  test("the Deployment rolls out", async () => {
    assert.match(
      await says("rollout status deployment/nginx --timeout=60s"),
      /deployment "nginx" successfully rolled out/,
    );
    await says("wait --for=condition=Available deployment/nginx --timeout=30s");
    await says("wait --for=condition=Ready pods -l app=nginx --timeout=30s");
  });

  test("get services -w shows the load balancer's address arrive", async () => {
    await says(["apply", "-f", manifest("deployment.yaml")]);
    const watching = spawn(kubectl, ["--server", url, "get", "services", "-w"], {
      env: environment,
    });
    let seen = "";
    watching.stdout.on("data", (chunk) => (seen += String(chunk)));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.is(await says(["apply", "-f", manifest("service.yaml")]), "service/nginx created");
    for (let i = 0; i < 200 && !seen.includes("amazonaws"); i++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    watching.kill();
    const rows = cells(seen.trim()).map((row) => row.slice(0, 5).join(" "));
    assert.is(rows[0], "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S)");
    assert.is(rows[1], "kubernetes ClusterIP 10.2.0.1 <none> 443/TCP");
    assert.is(rows[2], "nginx LoadBalancer 10.2.1.1 <pending> 8080:30519/TCP");
    assert.is(
      rows[rows.length - 1],
      "nginx LoadBalancer 10.2.1.1 1234.ap-south-1.elb.amazonaws.com 8080:30519/TCP",
    );
  });

  test("apply again: nothing changes", async () => {
    assert.is(
      await says(["apply", "-f", join(root, "notebooks/manifests")]),
      "deployment.apps/nginx unchanged\nservice/nginx unchanged",
    );
    assert.is(await says(["diff", "-f", manifest("service.yaml")]), "");
  });

  test("tables have Kubernetes' columns", async () => {
    const header = async (what: string) => cells(await says(`get ${what}`))[0]!.join("|");
    assert.is(
      await header("services -o wide"),
      "NAME|TYPE|CLUSTER-IP|EXTERNAL-IP|PORT(S)|AGE|SELECTOR",
    );
    assert.is(
      await header("deployments -o wide"),
      "NAME|READY|UP-TO-DATE|AVAILABLE|AGE|CONTAINERS|IMAGES|SELECTOR",
    );
    assert.is(await header("replicasets"), "NAME|DESIRED|CURRENT|READY|AGE");
    assert.is(
      await header("pods -o wide"),
      "NAME|READY|STATUS|RESTARTS|AGE|IP|NODE|NOMINATED NODE|READINESS GATES",
    );
    assert.is(
      await header("nodes -o wide"),
      "NAME|STATUS|ROLES|AGE|VERSION|INTERNAL-IP|EXTERNAL-IP|OS-IMAGE|KERNEL-VERSION|CONTAINER-RUNTIME",
    );
    assert.is(await header("namespaces"), "NAME|STATUS|AGE");
    assert.is(await header("endpoints"), "NAME|ENDPOINTS|AGE");
    assert.is(await header("endpointslices"), "NAME|ADDRESSTYPE|PORTS|ENDPOINTS|AGE");
    assert.is(await header("leases -A"), "NAMESPACE|NAME|HOLDER|AGE");
    assert.is(await header("events"), "LAST SEEN|TYPE|REASON|OBJECT|MESSAGE");
    const [, deployment] = cells(await says("get deployment nginx"));
    assert.equal(deployment!.slice(0, 4), ["nginx", "3/3", "3", "3"]);
    const pods = cells(await says("get pods -o wide")).slice(1);
    assert.equal(
      pods.map((row) => row.slice(1, 4).join(" ")),
      Array(3).fill("1/1 Running 0"),
    );
    // In real time a node may be ready later than others, so where each Pod went is chance; that
    // its address is of its node's range is not.
    for (const row of pods)
      assert.match(`${row[5]} ${row[6]}`, /^10\.1\.(1\.\d+ node-a|2\.\d+ node-b|3\.\d+ node-c)$/);
  });

  test("the other outputs: yaml, json, name, jsonpath, selectors", async () => {
    assert.match(
      await says("get service nginx -o yaml"),
      /clusterIP: 10\.2\.1\.1\n(.*\n)*status:\n {2}loadBalancer:\n {4}ingress:\n {4}- hostname: 1234/,
    );
    assert.is(
      (JSON.parse(await says("get services -o json")) as { items: unknown[] }).items.length,
      2,
    );
    assert.is(await says("get services -o name"), "service/kubernetes\nservice/nginx");
    assert.is(
      await says(["get", "service", "nginx", "-o", "jsonpath={.spec.ports[0].nodePort}"]),
      "30519",
    );
    assert.is((await says("get pods -l app=nginx -o name")).split("\n").length, 3);
    const onNode = async (node: string) =>
      (await says(`get pods --field-selector spec.nodeName=${node} -o name`))
        .split("\n")
        .filter(Boolean).length;
    assert.is((await onNode("node-a")) + (await onNode("node-b")) + (await onNode("node-c")), 3);
    assert.match(
      await says("get all"),
      /pod\/nginx-[^]*service\/nginx[^]*deployment\.apps\/nginx[^]*replicaset\.apps\/nginx-/,
    );
    assert.match(
      await refuses("get pods --field-selector spec.image=x"),
      /field label not supported: spec\.image/,
    );
  });

  test("describe tells of the endpoints and the events", async () => {
    const service = await says("describe service nginx");
    for (const line of [
      /^Type: +LoadBalancer$/m,
      /^LoadBalancer Ingress: +1234\.ap-south-1\.elb\.amazonaws\.com/m,
      /^NodePort: +http {2}30519\/TCP$/m,
      /10\.1\.[123]\.2:80/,
      /EnsuringLoadBalancer +\S+ +service-controller +Ensuring load balancer$/m,
      /EnsuredLoadBalancer +\S+ +service-controller +Ensured load balancer$/m,
    ])
      assert.match(service, line);
    assert.match(
      await says("describe deployment nginx"),
      /ScalingReplicaSet +\S+ +deployment-controller +Scaled up replica set nginx-\w+ (from 0 )?to 3/,
    );
    assert.match(await says("describe node node-a"), /Ready +True[^]*KubeletReady/);
    assert.match(
      await says("describe pods -l app=nginx"),
      /Scheduled +\S+ +default-scheduler +Successfully assigned default\/nginx-/,
    );
  });

  test("scale, label, annotate, patch in three ways, edit, expose", async () => {
    assert.is(await says("scale deployment nginx --replicas=4"), "deployment.apps/nginx scaled");
    await says("rollout status deployment/nginx --timeout=60s");
    assert.is(cells(await says("get deployment nginx"))[1]![1], "4/4");
    assert.is(await says("label service nginx tier=front"), "service/nginx labeled");
    // 1.27 says "annotate"
    assert.match(await says("annotate service nginx note=x"), /^service\/nginx annotated?$/);
    assert.is(
      await says([
        "patch",
        "service",
        "nginx",
        "-p",
        '{"spec":{"ports":[{"port":8080,"targetPort":81}]}}',
      ]),
      "service/nginx patched",
    );
    assert.is(
      await says([
        "patch",
        "service",
        "nginx",
        "--type=json",
        "-p",
        '[{"op":"test","path":"/spec/ports/0/targetPort","value":81},{"op":"replace","path":"/spec/ports/0/targetPort","value":80}]',
      ]),
      "service/nginx patched",
    );
    assert.is(
      await says([
        "patch",
        "service",
        "nginx",
        "--type=merge",
        "-p",
        '{"metadata":{"labels":{"tier":null}}}',
      ]),
      "service/nginx patched",
    );
    assert.is(await says("edit service nginx"), "service/nginx edited");
    assert.is(
      await says([
        "get",
        "service",
        "nginx",
        "-o",
        "jsonpath={.spec.ports[0].port} {.metadata.labels}",
      ]),
      "8081",
    );
    assert.is(await says("expose deployment nginx --name=web --port=80"), "service/web exposed");
    assert.equal(
      cells(await says("get service web"))[1]!
        .slice(1, 5)
        .map((cell, i) => (i === 1 ? /^10\.2\.\d+\.\d+$/.test(cell) : cell)),
      ["ClusterIP", true, "<none>", "80/TCP"],
    );
    assert.is(
      await says(["replace", "-f", "-"], await says("get service web -o yaml")),
      "service/web replaced",
    );
  });

  test("create, dry run, namespaces, delete", async () => {
    assert.is(await says("create namespace shop"), "namespace/shop created");
    assert.is(
      await says("create deployment web --image=nginx -n shop"),
      "deployment.apps/web created",
    );
    assert.is(
      await says("create service clusterip web --tcp=80:8080 -n shop"),
      "service/web created",
    );
    assert.match(
      await says("create service nodeport dry --tcp=80 -n shop --dry-run=server -o yaml"),
      /nodePort: 3\d{4}/,
    );
    assert.match(
      await refuses("get service dry -n shop"),
      /Error from server \(NotFound\): services "dry" not found/,
    );
    assert.match(await says("get services -A"), /shop +web +ClusterIP/);
    assert.match(await says("delete namespace shop --timeout=60s"), /namespace "shop" deleted/);
    assert.is(await says("get all -n shop"), "");
    assert.match(await says("delete service web --timeout=60s"), /service "web" deleted/);
    await says("drain node-a --force --timeout=60s");
    assert.is(await says("get pods --field-selector spec.nodeName=node-a -o name"), "");
    assert.match(await says("get node node-a"), /Ready,SchedulingDisabled/);
    assert.match(await says("uncordon node-a"), /node\/node-a uncordoned/);
    assert.match(
      await says("delete pods -l app=nginx --grace-period=1 --timeout=60s"),
      /pod "nginx-/,
    );
    await says("rollout status deployment/nginx --timeout=60s");
  });

  test("mistakes are answered in Kubernetes' words", async () => {
    assert.is(
      await refuses("get service nope"),
      'Error from server (NotFound): services "nope" not found',
    );
    assert.is(
      await refuses("get widgets"),
      'error: the server doesn\'t have a resource type "widgets"',
    );
    const port = await refuses(
      ["apply", "-f", "-"],
      "apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 70000, targetPort: 80}]}",
    );
    assert.is(
      port,
      'The Service "bad" is invalid: spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive',
    );
    const field = await refuses(
      ["apply", "-f", "-"],
      "apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 80, targetport: 80}]}",
    );
    assert.match(
      field,
      minor >= 27
        ? /Error from server \(BadRequest\): error when creating "STDIN": Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "spec\.ports\[0\]\.targetport"/
        : /unknown field "targetport" in io\.k8s\.api\.core\.v1\.ServicePort/,
    );
    assert.match(
      await refuses(["patch", "service", "nginx", "-p", '{"spec":{"clusterIP":"10.2.9.9"}}']),
      /The Service "nginx" is invalid: spec\.clusterIPs\[0\]: Invalid value: .*may not change once set/,
    );
    assert.match(
      await says(
        ["apply", "--server-side", "-f", "-"],
        "apiVersion: v1\nkind: Service\nmetadata: {name: ssa}\nspec: {ports: [{port: 80}]}",
      ),
      /service\/ssa serverside-applied/,
    );
    assert.match(
      await refuses("delete namespace default"),
      /namespaces "default" is forbidden: this namespace may not be deleted/,
    );
    assert.is(
      await refuses(["create", "-f", manifest("service.yaml")]),
      `Error from server (AlreadyExists): error when creating "${manifest("service.yaml")}": services "nginx" already exists`,
    );
  });

  test("explain, api-resources, version", async () => {
    assert.match(
      await says("explain service.spec.externalTrafficPolicy"),
      /externalTrafficPolicy[^]*keeps the\s+client's address/,
    );
    assert.match(
      await says("explain deployment.spec --recursive"),
      minor >= 27 ? /maxUnavailable\s<IntOrString>/ : /maxUnavailable/,
    );
    const resources = cells(await says("api-resources --no-headers=true")).map(
      (row) => `${row[0]} ${row[row.length - 1]}`,
    );
    for (const resource of [
      "endpoints Endpoints",
      "pods Pod",
      "deployments Deployment",
      "endpointslices EndpointSlice",
      "configmaps ConfigMap",
      "statefulsets StatefulSet",
      "ingresses Ingress",
      "customresourcedefinitions CustomResourceDefinition",
    ])
      assert.ok(resources.includes(resource), resource);
    assert.match(await says("version"), /v1\.35\.4\+stopover/);
  });
}

test.after(() => {
  server?.kill();
  rmSync(home, { recursive: true, force: true });
});
test.run();
