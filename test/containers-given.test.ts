/**
 * What containers are given: their environment and the files of their volumes, held beside what
 * Kubernetes' own kubelet makes of the same objects (recorded-kubelet/record.mjs).
 */
import { readFileSync } from "node:fs";
import { createCluster, parse, type Cluster } from "stopover";
import { logsOf, placesOf, runsCommands } from "stopover/internal/shell-parts";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("what containers are given");

const here = new URL("../recorded-kubelet/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, here), "utf8");
interface Recorded {
  environments: Record<string, Record<string, string>>;
  fields: Record<string, string>;
  volumes: Record<string, Record<string, string>[]>;
}
const recorded = JSON.parse(read("recorded.json")) as Recorded;

const other = "apiVersion: v1\nkind: Namespace\nmetadata: { name: other }\n---\n";

/** A runtime's own variables, which no kubelet gives. */
const isRuntimes = (name: string): boolean => ["PATH", "HOSTNAME", "HOME"].includes(name);

for (const [how, options] of Object.entries({
  "once somebody looks": {},
  "where commands run": { runtime: runsCommands },
}))
  test(`a container's environment is the one that a kubelet makes, ${how}`, () => {
    const cluster = createCluster({ nodes: 1, ...options });
    cluster.apply(parse(other + read("scene.yaml")));
    cluster.settle();
    for (const [pod, wanted] of Object.entries(recorded.environments)) {
      const { environment } = placesOf(cluster.shellWorld).pod(pod);
      const made = Object.entries(environment)
        .filter(([name]) => !isRuntimes(name))
        .map(([name, bytes]) => [name, Buffer.from(bytes, "latin1").toString()]);
      assert.equal(Object.fromEntries(made), wanted);
    }
  });

const pod = (name: string, spec: object): string => {
  const { containers = [], ...rest } = spec as { containers?: object[] };
  const [first = {}, ...others] = containers;
  const main = { name: "main", image: "busybox", command: ["sleep", "infinity"], ...first };
  return JSON.stringify({
    ...{ apiVersion: "v1", kind: "Pod", metadata: { name } },
    spec: { containers: [main, ...others], ...rest },
  });
};

test("a runtime's variables come first, a home last, and a tool prints them in order", async () => {
  const cluster = createCluster({ nodes: 1 });
  cluster.apply(
    parse(pod("p", { containers: [{ env: [{ name: "B", value: "$(HOME)$(PATH)" }] }] })),
  );
  cluster.settle();
  const { environment } = placesOf(cluster.shellWorld).pod("default/p");
  assert.equal(Object.keys(environment), ["PATH", "HOSTNAME", "B", "HOME"]);
  assert.is(environment["B"], "$(HOME)$(PATH)", "a kubelet knows nothing of these");
  const { output, exitCode } = await cluster.pod("default/p").sh("printenv B NO HOME");
  assert.equal([output, exitCode], ["$(HOME)$(PATH)\n/root\n", 1]);
});

test("Services and ConfigMaps are as they were when the container began", async () => {
  const cluster = createCluster({ nodes: 1 });
  const map = (text: string): string =>
    JSON.stringify({
      ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" } },
      data: { k: text },
    });
  const service = (name: string): string =>
    JSON.stringify({
      ...{ apiVersion: "v1", kind: "Service", metadata: { name } },
      spec: { ports: [{ port: 80 }] },
    });
  cluster.apply(parse(map("old")));
  cluster.apply(parse(service("early")));
  cluster.apply(parse(pod("p", { containers: [{ envFrom: [{ configMapRef: { name: "m" } }] }] })));
  cluster.settle();
  cluster.apply(parse(map("new")));
  cluster.apply(parse(service("late")));
  const script = "echo $k ${EARLY_SERVICE_PORT-no} ${LATE_SERVICE_PORT-no}";
  const told = async () => (await cluster.pod("default/p").sh(script)).stdout;
  assert.is(await told(), "old 80 no\n");
  cluster.pod("default/p").crash();
  cluster.advance("30s");
  assert.is(cluster.get("Pod", "p").status!.containerStatuses![0]!.restartCount, 1);
  assert.is(await told(), "new 80 80\n", "it has begun again");
});

test("what is not at hand says so, and is no empty text", async () => {
  const cluster = createCluster({ nodes: 1 });
  const env = [
    { name: "A", valueFrom: { secretKeyRef: { name: "s", key: "k" } } },
    { name: "B", valueFrom: { configMapKeyRef: { name: "m", key: "k", optional: true } } },
  ];
  cluster.apply(parse(pod("p", { containers: [{ env }] })));
  cluster.settle();
  const { stdout } = await cluster.pod("default/p").sh('echo "$A" "${B-unset}"');
  assert.is(stdout, "(not known: Secret s with its key k is not at hand) unset\n");
});

test("a command's words are expanded by what the kubelet gives, and by nothing else", () => {
  const cluster = createCluster({ nodes: 1, runtime: runsCommands });
  const containers = [
    {
      env: [{ name: "A", value: "é" }],
      command: ["echo", "$(A)", "$$(A)", "$(HOME)"],
    },
  ];
  cluster.apply(parse(pod("p", { containers, restartPolicy: "Never" })));
  cluster.advance("5s");
  const [log] = logsOf(cluster.pod("default/p").sandbox, "main");
  const bytes = log!.entries.map((entry) => entry.bytes).join("");
  assert.is(Buffer.from(bytes, "latin1").toString(), "é $(A) $(HOME)\n");
});

// ---- volumes

interface VolumesScene {
  configMap: object;
  changed: object;
  volumes: Record<string, object>;
}
const scene = JSON.parse(read("volumes.json")) as VolumesScene;
const configMap = (rest: object): string =>
  JSON.stringify({
    ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" } },
    ...rest,
  });

/** Of each file "mode content" or "-> target", without the time. */
async function listed(cluster: Cluster, folder: string): Promise<Record<string, string>> {
  const { stdout } = await cluster
    .pod("default/p")
    .sh(
      `cd ${folder}; find . -mindepth 1 | while read f; do ` +
        `if [ -L "$f" ]; then echo "$f|-> $(readlink "$f")"; ` +
        `elif [ -d "$f" ]; then echo "$f|$(stat -c %a "$f") folder"; ` +
        `else echo "$f|$(stat -c %a "$f") $(base64 "$f")"; fi; done`,
    );
  const lines = stdout.trim().split("\n");
  return Object.fromEntries(
    lines.map((line) => {
      const text = line.replace(/\.\.\d{4}(_\d\d){5}\.\d+/g, "..TIME");
      return text.replace(/^\.\//, "").split("|") as [string, string];
    }),
  );
}

/** Go's %q of bytes, as base64 has them. */
const inBase64 = (text: string): string =>
  text.replace(/"(.*)"$/, (_, quoted: string) => {
    const bytes = quoted
      .replaceAll("\\n", "\n")
      .replace(/\\x(..)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    return Buffer.from(bytes, "latin1").toString("base64");
  });

for (const [name, source] of Object.entries(scene.volumes))
  test(`a volume of a ConfigMap, ${name}, is written and changed as the AtomicWriter does`, async () => {
    const cluster = createCluster({ nodes: 1 });
    cluster.apply(parse(configMap(scene.configMap)));
    const volumes = [{ name: "v", configMap: { name: "m", ...source } }];
    const containers = [{ volumeMounts: [{ name: "v", mountPath: "/v" }] }];
    cluster.apply(parse(pod("p", { containers, volumes })));
    cluster.settle();
    const [first, second] = recorded.volumes[name]!.map((all) =>
      Object.fromEntries(Object.entries(all).map(([path, text]) => [path, inBase64(text)])),
    );
    assert.equal(await listed(cluster, "/v"), first);
    cluster.apply(parse(configMap(scene.changed)));
    assert.equal(await listed(cluster, "/v"), first, "the kubelet has not looked yet");
    cluster.advance("91s");
    assert.equal(await listed(cluster, "/v"), second);
  });

test("a Pod's labels and annotations are files, which follow them", async () => {
  const cluster = createCluster({ nodes: 1, runtime: runsCommands });
  const all = parse(other + read("scene.yaml"));
  const { metadata } = all.manifests.find(({ object }) => object.metadata.name === "all")!.object;
  const items = Object.keys(recorded.fields).map((fieldPath) => ({
    path: fieldPath.split(".")[1],
    fieldRef: { fieldPath },
  }));
  const volumes = [{ name: "d", downwardAPI: { items } }];
  const containers = [{ volumeMounts: [{ name: "d", mountPath: "/d" }] }];
  const { spec } = JSON.parse(pod("all", { containers, volumes })) as { spec: object };
  const { name, labels, annotations } = metadata;
  const own = { name, labels, annotations };
  cluster.apply(parse(JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: own, spec })));
  cluster.settle();
  const cat = async (path: string) =>
    (await cluster.pod("default/all").sh(`cat /d/${path}`)).stdout;
  for (const [path, text] of Object.entries(recorded.fields))
    // apply leaves an annotation of its own
    assert.is((await cat(path.split(".")[1]!)).replace(/^kubectl.*\n/m, ""), text);
  cluster.patch("Pod", "all", { metadata: { labels: { app: null, z: "1" } } });
  cluster.settle();
  assert.is(await cat("labels"), 'tier="a.b"\nz="1"');
});

test("who looks late sees what was last written, and not what has changed since", async () => {
  const cluster = createCluster({ nodes: 1 });
  const text = (k: string): string => configMap({ data: { k } });
  cluster.apply(parse(text("1")));
  const volumes = [{ name: "v", configMap: { name: "m" } }];
  const containers = [{ volumeMounts: [{ name: "v", mountPath: "/v" }] }];
  for (const name of ["p", "q"]) cluster.apply(parse(pod(name, { containers, volumes })));
  cluster.settle();
  const cat = async (name: string) => (await cluster.pod(`default/${name}`).sh("cat /v/k")).stdout;
  cluster.apply(parse(text("2")));
  assert.is(await cat("p"), "1");
  cluster.advance("300s");
  cluster.apply(parse(text("3")));
  assert.is(await cat("q"), "2", "nobody had looked at it before");
  assert.is(await cat("p"), "2");
  cluster.advance("91s");
  assert.equal([await cat("p"), await cat("q")], ["3", "3"]);
});

test("mounts: read only, part of a volume, one volume for two, a claim that outlives its Pod", async () => {
  const cluster = createCluster({ nodes: 1 });
  cluster.apply(parse(configMap({ data: { k: "v" } })));
  const volumes = [
    { name: "c", configMap: { name: "m" } },
    { name: "e", emptyDir: {} },
    { name: "claim", persistentVolumeClaim: { claimName: "disk" } },
    { name: "host", hostPath: { path: "/opt/x" } },
  ];
  const containers = [
    {
      env: [{ name: "NAME", value: "own" }],
      volumeMounts: [
        { name: "c", mountPath: "/c" },
        { name: "c", mountPath: "/etc/one", subPath: "k" },
        { name: "e", mountPath: "/e" },
        { name: "e", mountPath: "/sub", subPathExpr: "d/$(NAME)" },
        { name: "e", mountPath: "/ro", readOnly: true },
        { name: "claim", mountPath: "/disk" },
        { name: "host", mountPath: "/host" },
      ],
    },
  ];
  cluster.apply(parse(pod("p", { containers, volumes })));
  cluster.settle();
  const sh = async (script: string) => (await cluster.pod("default/p").sh(script)).output;
  const denied = (of: string): string => `bash: line 1: ${of}: Read-only file system\n`;
  assert.is(await sh("echo x > /c/k"), denied("/c/k"));
  assert.is(await sh("echo x > /c/new"), denied("/c/new"));
  assert.is(await sh("echo x > /etc/one"), denied("/etc/one"));
  assert.is(await sh("echo x > /ro/f"), denied("/ro/f"));
  assert.is(await sh("rm /c/k"), "rm: cannot remove '/c/k': Read-only file system\n");
  assert.is(await sh("rm -r /e"), "rm: cannot remove '/e': Device or resource busy\n");
  assert.is(await sh("echo x > /sub/f; cat /e/d/own/f /ro/d/own/f /c/k; cat /etc/one"), "x\nx\nvv");
  assert.is(await sh("echo kept > /disk/f; echo n > /host/f"), "");
  assert.is((await cluster.node("node-a").sh("cat /opt/x/f")).output, "n\n");
  cluster.delete("Pod", "p");
  cluster.advance("60s");
  cluster.apply(parse(pod("p", { containers, volumes })));
  cluster.settle();
  assert.is(await sh("cat /disk/f; ls /e"), "kept\nd\n");
});

test("the token's folder: who the Pod is, and the namespace", async () => {
  const cluster = createCluster({ nodes: 1, systemObjects: true, runtime: runsCommands });
  cluster.apply(parse(pod("p", {})));
  cluster.advance("10s");
  const { stdout } = await cluster
    .pod("default/p")
    .sh(
      "cd /var/run/secrets/kubernetes.io/serviceaccount && ls && cat namespace && echo && cat token",
    );
  const [ca, namespace, token, at, jwt = ""] = stdout.split("\n");
  assert.equal([ca, namespace, token, at], ["ca.crt", "namespace", "token", "default"]);
  const part = (i: number) =>
    JSON.parse(Buffer.from(jwt.split(".")[i]!, "base64url").toString()) as Record<string, unknown>;
  assert.equal(part(0), { alg: "none", typ: "JWT" });
  assert.is(part(1)["sub"], "system:serviceaccount:default:default");
  const { uid } = cluster.get("Pod", "p").metadata;
  const own = part(1)["kubernetes.io"] as { pod: object; node: { name: string } };
  assert.equal([own.pod, own.node.name], [{ name: "p", uid }, "node-a"]);
  assert.is(
    (await cluster.pod("default/p").sh("echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT"))
      .output,
    `${cluster.get("Service", "kubernetes").spec.clusterIP}:443\n`,
  );
});

test.run();
