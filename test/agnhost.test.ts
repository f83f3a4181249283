// agnhost, the image of Kubernetes' own tests, as a process: what its sub-commands answer, log and
// print. What is expected is read from upstream's source (test/images/agnhost).
import { createCluster, parse } from "stopover";
import { logsOf, runsCommands } from "stopover/internal/shell-parts";
import { portmap } from "stopover/internal/node/cni/portmap";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("agnhost");

const pod = (name: string, args: string[], more = {}, labels = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels },
  spec: {
    terminationGracePeriodSeconds: 5,
    containers: [
      { name: "it", image: "registry.k8s.io/e2e-test-images/agnhost:2.56", args, ...more },
    ],
  },
});
const service = (name: string, port: number) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port }] },
});

const cluster = createCluster({ nodes: 2, seed: 1, runtime: runsCommands });
for (const object of [
  pod("netexec", ["netexec", "--http-port=8083", "--udp-port=8084"]),
  pod("plain", [], { command: ["/agnhost", "serve-hostname", "--http=false", "--tcp", "--udp"] }),
  pod("porter", ["porter"], {
    env: [
      { name: "SERVE_PORT_80", value: "<a href='/x'>x</a>" },
      { name: "SERVE_TLS_PORT_443", value: "secret" },
    ],
  }),
  pod("json", ["porter", "--json-response"], { env: [{ name: "SERVE_PORT_80", value: "foo" }] }),
  pod("pause", []),
  pod("hostport", ["netexec"], {
    ports: [{ containerPort: 8080, hostPort: 9000, hostIP: "127.0.0.1" }],
  }),
  service("agnhost-primary", 6379),
  pod("primary", ["guestbook", "--http-port", "6379"], {}, { app: "agnhost-primary" }),
  service("agnhost-replica", 6379),
  service("frontend", 80),
  pod("frontend", ["guestbook"], {}, { app: "frontend" }),
])
  cluster.apply(parse(JSON.stringify(object)));
cluster.settle();
cluster.apply(
  parse(
    JSON.stringify(
      pod(
        "replica",
        ["guestbook", "--replicaof", "agnhost-primary", "--http-port", "6379"],
        {},
        { app: "agnhost-replica" },
      ),
    ),
  ),
);
cluster.settle();
cluster.advance("3s");

const ip = (name: string): string => cluster.get("Pod", name).status!.podIP!;
const said = async (script: string): Promise<string> => {
  const { output } = await cluster.pod("pause").sh(script);
  return output;
};
/** With the Pods' addresses in it: @netexec is that of the Pod netexec. */
const filled = (text: string): string => text.replace(/@([a-z]+)/g, (_, name: string) => ip(name));

for (const [script, output] of [
  ["curl -s @netexec:8083/hostname", "netexec"],
  ["curl -s @netexec:8083/serverport", "8083"],
  ["curl -s '@netexec:8083/echo?msg=hi&code=201' -w %{http_code}", "hi201"],
  ["curl -s @netexec:8083/echo -d msg=posted", "posted"],
  ["curl -s '@netexec:8083/header?key=x-one' -H 'X-One: 1'", "1"],
  ["curl -s @netexec:8083/healthz -w %{http_code}", "200"],
  ["curl -s '@netexec:8083/redirect?location=/echo%3Fmsg=there' -L", "there"],
  ["curl -s '@netexec:8083/shell?cmd=hostname'", '{"output":"netexec\\n"}'],
  ["curl -s '@netexec:8083/shell?cmd=exit+3'", '{"error":"exit status 3"}'],
  [
    "curl -s '@netexec:8083/dial?host=@netexec&port=8083&request=hostname&tries=2'",
    '{"responses":["netexec","netexec"]}',
  ],
  [
    "curl -s '@netexec:8083/dial?host=@json&port=81&request=x'",
    '{"errors":["Get \\"http://@json:81/x\\": dial tcp @json:81: connect: connection refused"]}',
  ],
  [
    "curl -s '@netexec:8083/dial?host=@netexec&port=8084&request=hostname&protocol=udp'",
    '{"responses":["netexec"]}',
  ],
  ["curl -s '@netexec:8083/dial?host=@json&port=80'", "request parameter not specified. <nil>\n"],
  ["echo hostname | nc -u -w 1 @netexec 8084", "netexec"],
  ["echo echo Hi | nc -u -w 1 @netexec 8084", "hi"],
  ["nc -w 1 @plain 9376 < /dev/null", "plain"],
  ["curl -s @porter -w '|%{content_type}'", "<a href='/x'>x</a>|text/html; charset=utf-8"],
  ["curl -s -X PUT @json -w '|%{content_type}'", '{"Method":"PUT","Body":"foo"}|application/json'],
  ["curl -s @porter:443", "Client sent an HTTP request to an HTTPS server.\n"],
  ["/agnhost connect @json:80 --timeout=2s; echo $?", "0\n"],
  ["/agnhost connect @json:81 --timeout=2s; echo $?", "REFUSED\n1\n"],
  ["agnhost connect --timeout=2s 203.0.113.9:80; echo $?", "TIMEOUT\n1\n"],
  ["agnhost connect --protocol=udp @netexec:8084; echo $?", "0\n"],
  ["agnhost connect nobody:80; echo $?", /^DNS: lookup nobody: no such host\n1\n$/],
  ["agnhost dns-suffix", "default.svc.cluster.local,svc.cluster.local,cluster.local\n"],
  ["agnhost dns-server-list", "10.2.0.10\n"],
  [
    "agnhost logs-generator --log-lines-total 3 --run-duration 6s; date +%s | tail -c 1",
    /^(I\d{4} \S+ +\d+ logs_generator\.go:76\] [0-2] (GET|POST|PUT) \/api\/v1\/\S+ [2-5]\d\d\n){3}/,
  ],
  ["agnhost nothing", 'Error: unknown command "nothing" for "app"\n'],
  ["curl -s 'frontend/guestbook?cmd=set&key=messages&value=hello'", '{"message":"Updated"}'],
  ["curl -s 'frontend/guestbook?cmd=get&key=messages&value='", '{"data":"hello"}'],
] as const)
  test(script, async () => {
    const found = await said(filled(script));
    if (typeof output === "string") assert.is(found, filled(output));
    else assert.match(found, output);
  });

test("--interface is where a connection comes from", async () => {
  const from = (source: string): Promise<string> =>
    said(`curl -s --interface ${source} ${ip("netexec")}:8083/clientip; echo " $?"`);
  assert.match(await from(ip("pause")), new RegExp(`^${ip("pause")}:\\d+ 0\n$`));
  assert.match(await from("eth0"), new RegExp(`^${ip("pause")}:\\d+ 0\n$`));
  assert.is(await from("192.0.2.1"), " 45\n");
});

test("a hostPort leads to the Pod's own port, also over the connection that is opened", async () => {
  const { output } = await cluster
    .node(cluster.get("Pod", "hostport").spec.nodeName!)
    .sh("curl -s 127.0.0.1:9000/serverport");
  assert.is(output, "8080");
});

test("portmap leads a hostPort also where kube-proxy's own rules would drop what comes for it", async () => {
  const at = cluster.get("Pod", "hostport").spec.nodeName!;
  const { machine } = cluster.node(at);
  const plane = portmap(machine);
  machine.kernel.dataplanes.attach(plane);
  const [own] = machine.addresses;
  const asked = (path: string): string => `curl -s --interface ${own} 127.0.0.1:9000/${path}; `;
  const { output } = await cluster.node(at).sh(asked("serverport") + asked("clientip"));
  assert.match(output, new RegExp(`^8080${own}:\\d+$`));
  const steps = cluster.lastJourney()!.hops.flatMap((hop) => hop.steps);
  assert.ok(steps.some(({ chain, object }) => chain === "CNI-DN" && object?.endsWith("hostport")));
  machine.kernel.dataplanes.detach(plane);
});

test("each request is a line of its log, in klog's form", () => {
  const { sandbox } = cluster.network.sandbox("default/netexec")!;
  const text = logsOf(sandbox, "it")
    .flatMap(({ entries }) => entries.map(({ bytes }) => bytes))
    .join("");
  assert.match(
    text,
    /^I\d{4} \d\d:\d\d:\d\d\.\d{6} +1 log\.go:245\] Started HTTP server on port 8083$/m,
  );
  assert.match(text, /\] GET \/hostname$/m);
});

test("a second server on the same port says so and ends", async () => {
  const output = await said("agnhost netexec & sleep 1; agnhost netexec; echo $?; kill %1");
  assert.match(output, /listen tcp :8080: bind: address already in use\n1\n/);
  assert.match(output, /listen tcp :8080: bind: address already in use\n1\n/);
});

test("asked to, netexec ends with the code that it is told, and begins anew", async () => {
  await said(`curl -s '${ip("netexec")}:8083/exit?code=5'`);
  cluster.advance("2s");
  const [status] = cluster.get("Pod", "netexec").status!.containerStatuses!;
  assert.equal([status?.lastState?.terminated?.exitCode, status?.restartCount], [5, 1]);
});

test.run();
