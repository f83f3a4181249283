/** What commands see of the network is what the place's packets meet, now. */
import { aws, createCluster, images, parse, type Cluster } from "stopover";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("commands and the network");

const manifests = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: shop } }
  template:
    metadata: { labels: { app: shop } }
    spec: { containers: [{ name: shop, image: "shop:1", ports: [{ containerPort: 8080 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: shop }
spec: { selector: { app: shop }, ports: [{ port: 80, targetPort: 8080 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: client }
spec: { containers: [{ name: client, image: busybox, command: [sleep, infinity] }] }
`;

function shop(): Cluster {
  const cluster = createCluster({ nodes: 2, cloud: aws(), seed: 1 });
  cluster.apply(parse(manifests));
  cluster.settle();
  return cluster;
}

test("a reader's own image answers, and sees what was asked", async () => {
  const cluster = shop();
  images.add("shop:1", ({ method, path, query, host, headers, body }, { name }) => {
    assert.match(name, /^shop-/);
    const agent = headers.find(([header]) => header === "User-Agent")?.[1];
    return `${method} ${path} ${query.get("q")} ${host} ${agent} ${body}\n`;
  });
  const { stdout } = await cluster
    .pod("client")
    .sh("curl -s -A me -d 'grüße=1' 'http://shop/cart?q=2'");
  images.remove("shop:1");
  // bytes go as they are: the body is UTF-8
  assert.is(
    new TextDecoder().decode(Buffer.from(stdout, "latin1")),
    stdout && "POST /cart 2 shop me grüße=1\n",
  );
});

test("an image that nobody knows says that it is not known", async () => {
  const { stdout } = await shop().pod("client").sh("curl -s shop");
  assert.match(stdout, /what the image shop:1 answers is not known/);
});

test("several requests share a connection", async () => {
  const { output } = await shop()
    .pod("client")
    .sh("curl -sv http://shop/a http://shop/b 2>&1 | grep -E '^(\\* (Connected|Re-using)|> GET)'");
  assert.is(
    output.replaceAll("\r", ""),
    "* Connected to shop (10.2.1.1) port 80 (#0)\n> GET /a HTTP/1.1\n* Re-using existing connection #0 with host shop\n> GET /b HTTP/1.1\n",
  );
});

test("a name that is not there, a port that is not there, an address that is not there", async () => {
  const pod = shop().pod("client");
  const said = async (script: string): Promise<string> => {
    const { stderr, exitCode } = await pod.sh(script);
    return `${exitCode} ${stderr}`;
  };
  assert.is(await said("curl -sS nope"), "6 curl: (6) Could not resolve host: nope\n");
  assert.is(
    await said("curl -sS shop:81 -m 5"),
    "28 curl: (28) Connection timed out after 5000 milliseconds\n",
  );
  assert.is(
    await said("curl -sS $(hostname -i):81"),
    `7 curl: (7) Failed to connect to ${pod.sandbox.ips[0]} port 81 after 0 ms: Couldn't connect to server\n`,
  );
});

test("what a command's packets met is a journey", async () => {
  const cluster = shop();
  assert.is(cluster.lastJourney(), undefined);
  await cluster.pod("client").sh("curl -s shop");
  const { disposition, request, hops } = cluster.lastJourney()!;
  assert.is(disposition, "delivered");
  assert.is(request.from, "pod/default/client");
  assert.is(request.url, "http://shop/");
  assert.ok(hops.some(({ kind }) => kind === "cluster-ip"));
});

test("a stale kube-proxy shows in what a command prints", async () => {
  const cluster = shop();
  const client = cluster.pod("client");
  for (const { name } of cluster.list("Node").map(({ metadata }) => metadata))
    cluster.node(name).kubeProxy.stop();
  cluster.scale("Deployment", "shop", 0);
  cluster.advance("60s");
  const { exitCode } = await client.sh("curl -s -m 10 shop");
  assert.is(exitCode, 28);
});

test("a SYN is sent again, and finds the Pod that has come meanwhile", async () => {
  const cluster = shop();
  cluster.network.fault = { onPacket: () => (cluster.now.getTime() < until ? "drop" : "pass") };
  const until = cluster.now.getTime() + 5_000;
  const shares = cluster.list("Pod").filter(({ spec }) => spec.nodeName === "node-b");
  assert.ok(shares.length > 0);
  const { exitCode } = await cluster.internet.sh("curl -s -m 1 http://192.168.0.1:10250");
  assert.is(exitCode, 28);
});

test.run();
