/** What commands see of the network is what the place's packets meet, now. */
import { aws, createCluster, images, parse, type Cluster } from "stopover";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { clusterWithClient } from "./shell-harness.js";

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
`;
const shop = (): Cluster => clusterWithClient(manifests, { cloud: aws() });

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

const agnhost = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: registry.k8s.io/e2e-test-images/agnhost:2.53
          args: [netexec, --http-port=8080, --udp-port=8081]
          ports: [{ containerPort: 8080 }, { containerPort: 8081, protocol: UDP }]
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports:
    - { name: http, port: 80, targetPort: 8080 }
    - { name: udp, protocol: UDP, port: 90, targetPort: 8081 }
---
apiVersion: v1
kind: Pod
metadata: { name: client }
spec: { containers: [{ name: client, image: busybox, command: [sleep, infinity] }] }
`;

function web(): Cluster {
  const cluster = createCluster({ nodes: 2, seed: 1 });
  cluster.apply(parse(agnhost));
  cluster.settle();
  return cluster;
}

/** What a script prints to both, with addresses and names of Pods as they are. */
const printed = async (cluster: Cluster, script: string): Promise<string> =>
  (await cluster.pod("client").sh(script)).output;

test("dig, nslookup, host and getent ask the DNS of /etc/resolv.conf", async () => {
  const cluster = web();
  const full = "web.default.svc.cluster.local";
  const alone = ";; Got recursion not available from 10.2.0.10\n";
  assert.is(await printed(cluster, "dig +short +search web"), "10.2.1.1\n");
  assert.is(await printed(cluster, "dig +short web"), "");
  assert.is(
    await printed(cluster, "dig +noall +answer +notcp +search web A"),
    `${full}. 30 IN\tA\t10.2.1.1\n`,
  );
  assert.is(
    await printed(cluster, `dig +short _http._tcp.${full} SRV; dig +short -x 10.2.1.1`),
    `0 100 80 ${full}.\n${full}.\n`,
  );
  assert.match(await printed(cluster, "dig nope.example"), /status: NXDOMAIN/);
  assert.match(await printed(cluster, `dig ${full} AAAA`), /status: NOERROR.*\n.*ANSWER: 0,/);
  assert.is(
    await printed(cluster, "nslookup web; nslookup nope; echo $?"),
    `${alone}Server:\t\t10.2.0.10\nAddress:\t10.2.0.10#53\n\nName:\t${full}\nAddress: 10.2.1.1\n${alone}\n` +
      `${alone.repeat(3)}Server:\t\t10.2.0.10\nAddress:\t10.2.0.10#53\n\n** server can't find nope: NXDOMAIN\n\n1\n`,
  );
  assert.is(
    await printed(cluster, "host web; getent hosts web; getent hosts nope; echo $?"),
    `${full} has address 10.2.1.1\n10.2.1.1        ${full}\n2\n`,
  );
  assert.is(
    await printed(cluster, "dig +tries=1 +time=2 @10.1.1.2 web | tail -n 1; date +%s > /tmp/t"),
    ";; no servers could be reached\n",
  );
});

test("ping tells of each answer, and of those that do not come", async () => {
  const cluster = web();
  const [pod] = cluster.list("Pod", { labelSelector: "app=web" });
  const ip = pod!.status!.podIP!;
  const text = await printed(cluster, `ping -c 2 ${ip}`);
  const line = `64 bytes from ${ip.replaceAll(".", "\\.")}: icmp_seq=\\d ttl=6[23] time=0\\.\\d{3} ms\n`;
  assert.match(
    text,
    new RegExp(
      `^PING ${ip} \\(${ip}\\) 56\\(84\\) bytes of data\\.\n(${line}){2}\n--- ${ip} ping statistics ---\n` +
        "2 packets transmitted, 2 received, 0% packet loss, time 1000ms\nrtt min/avg/max/mdev = [\\d./]+ ms\n$",
    ),
  );
  const none = await cluster.pod("client").sh("ping -c 2 -W 1 web");
  assert.is(none.exitCode, 1);
  assert.match(none.stdout, /2 packets transmitted, 0 received, 100% packet loss, time 2000ms/);
});

test("nc opens, waits, listens and speaks UDP", async () => {
  const cluster = web();
  const pods = cluster
    .list("Pod", { labelSelector: "app=web" })
    .map(({ metadata }) => metadata.name);
  assert.is(
    await printed(cluster, "nc -zv web 80; nc -zv -w 1 web 81; nc -zv localhost 99; echo $?"),
    "Connection to web (10.2.1.1) 80 port [tcp/http] succeeded!\n" +
      "nc: connect to web (10.2.1.1) port 81 (tcp) timed out: Operation now in progress\n" +
      "nc: connect to localhost (127.0.0.1) port 99 (tcp) failed: Connection refused\n1\n",
  );
  assert.ok(pods.includes(await printed(cluster, "echo hostname | nc -u -w 1 web 90")));
  assert.match(await printed(cluster, "echo hostName | nc -w 2 web 80"), /^HTTP\/1\.1 400 Bad/);
  assert.is(
    await printed(
      cluster,
      "nc -lp 9000 > /tmp/x & sleep 1; echo hi | nc -N localhost 9000; wait; cat /tmp/x",
    ),
    "hi\n",
  );
});

test("wget, as busybox prints; and agnhost asks others on behalf of who asks it", async () => {
  const cluster = web();
  const pods = cluster
    .list("Pod", { labelSelector: "app=web" })
    .map(({ metadata }) => metadata.name);
  assert.ok(pods.includes(await printed(cluster, "wget -qO- web/hostname")));
  assert.is(
    await printed(cluster, "wget -O- 'web/echo?code=404'; wget nope; wget -T 1 web:81; echo $?"),
    "Connecting to web (10.2.1.1:80)\nwget: server returned error: HTTP/1.1 404 Not Found\n" +
      "wget: bad address 'nope'\nConnecting to web:81 (10.2.1.1:81)\nwget: download timed out\n1\n",
  );
  const ask = (protocol: string, port: number): string =>
    `curl -gs "http://web/dial?request=hostname&protocol=${protocol}&host=10.2.1.1&port=${port}&tries=20"`;
  for (const script of [ask("http", 80), ask("udp", 90)]) {
    const { responses } = JSON.parse(await printed(cluster, script)) as { responses: string[] };
    assert.is(responses.length, 20);
    assert.ok(responses.every((each) => pods.includes(each)));
  }
  assert.is(
    await printed(
      cluster,
      "curl -s 'web/shell?cmd=echo%20$((1%2B1))'; curl -s 'web/echo?msg=a%20b'",
    ),
    '{"output":"2\\n"}a b',
  );
  const client = cluster.pod("client").sandbox.ips[0]!;
  assert.match(await printed(cluster, "curl -s web/clientip"), new RegExp(`^${client}:\\d+$`));
});

test.run();
