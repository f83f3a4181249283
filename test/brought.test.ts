/**
 * What people bring (brought/): manifests as tutorials, charts and `kubectl get -o yaml` have them,
 * dumps of clusters of many makes, pasted rules, and what was pasted by mistake. The verdicts were
 * written before the first try, at which 28 of the 43 rows passed. Six of the others were wrong
 * themselves (words that were expected elsewhere, a rule text that no node prints); nine showed
 * faults of the kit, which are mended by kind.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("brought");
const folder = fileURLToPath(new URL("../brought/", import.meta.url));
const cli = fileURLToPath(new URL("../../lib/cli.mjs", import.meta.url));

interface Verdict {
  disposition: string;
  reason: string;
  pod?: string;
  assumed: object[];
  leftOut: object[];
}

function stopover(args: string): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args.split(" ")], {
    cwd: folder,
    encoding: "utf8",
  });
  return { code: status, out: stdout, err: stderr };
}

/** "journey FILE …": how it ends, and what the reason, the Pod or the remarks have to say. */
const verdicts: [command: string, ends: string, says: RegExp][] = [
  ["m01-get-with-status.yaml --url http://192.168.0.1:31880/", "delivered", /store\/catalog-/],
  [
    "m02-istio-injected.yaml --url http://ratings:9080/ --from pod/shop/curl",
    "delivered",
    /VirtualService/,
  ],
  [
    "m03-linkerd-native-sidecar.yaml --url http://emoji-svc:8080/ --from pod/default/vote-bot",
    "delivered",
    /emoji-/,
  ],
  [
    "m03-linkerd-native-sidecar.yaml --url http://emoji-svc:8801/ --from pod/default/vote-bot",
    "delivered",
    /emoji-/,
  ],
  [
    "m04-statefulset-mysql.yaml --url http://mysql-0.mysql:3306/ --from pod/default/mysql-client",
    "delivered",
    /the claim data-mysql-0 is taken to be bound/,
  ],
  [
    "m05-statefulset-wrong-servicename.yaml --url http://redis-0.redis:6379/ --from pod/default/app",
    "name not found",
    /serviceName.*redis-headless/,
  ],
  [
    "m06-gateway-api.yaml --url http://www.example.com/ --from internet",
    "name not found",
    /HTTPRoute/,
  ],
  [
    "m07-daemonset-internal-local.yaml --url http://agent:8126/ --from pod/kube-system/app",
    "delivered",
    /node-local-agent-/,
  ],
  [
    "m08-tcp-and-udp-balancer.yaml --cloud aws --url http://play.example.com:19132/",
    "name not found",
    /mixed|protocol/,
  ],
  ["m09-affinity-nodeport.yaml --url http://192.168.0.2:32100/", "delivered", /sticky-/],
  [
    "m10-external-name-inside.yaml --url http://db:5432/ --from pod/dev/app",
    "delivered",
    /prod\/db-/,
  ],
  [
    "m11-dual-stack-v6-first.yaml --url http://agn/ --from pod/default/client",
    "delivered",
    /taken to be dual-stack/,
  ],
  [
    "m12-default-deny.yaml --url https://pay.pay/ --from pod/web/web",
    "unknown",
    /NetworkPolicy pay\//,
  ],
  [
    "m13-quota.yaml --cloud none --url http://10.2.1.1/ --from node/node-a",
    "rejected",
    /must specify limits\.cpu/,
  ],
  [
    "m14-windows.yaml --cloud none --url http://10.2.1.1/ --from node/node-a",
    "rejected",
    /nodeSelector is kubernetes\.io\/os=windows/,
  ],
  ["m15-topology.yaml --url http://zonal/ --from pod/default/client", "delivered", /zonal-/],
  [
    "m16-operator.yaml --url https://cnpg-webhook-service.cnpg-system/ --from pod/default/psql",
    "delivered",
    /over TLS is taken to answer 200/,
  ],
  ["m17-local-balancer.yaml --cloud aws --url http://www.acme.example/", "delivered", /ingress-/],
  [
    "m18-endpoints-by-hand.yaml --url http://oracle:1521/ --from pod/default/etl",
    "rejected",
    /is oracle, and the port of .* has sql/,
  ],
  ["m19-flask.yaml --url http://192.168.0.1:30500/", "port not listening", /127\.0\.0\.1/],
  [
    "m20-kustomize.yaml --url http://prod-api/ --from pod/prod/client",
    "rejected",
    /couldn't find key LOGLEVEL in ConfigMap prod\/prod-api-config-5b8h2f7k4d/,
  ],
  [
    "t01-eks-nlb.json --snapshot --url http://k8s-default-web-1a2b3c4d5e-0123456789abcdef.elb.eu-west-1.amazonaws.com/",
    "delivered",
    /web-7c9d8b7f6-abcde/,
  ],
  ["t02-gke-neg.yaml --snapshot --url http://web/ --from pod/default/curl", "delivered", /web-1/],
  [
    "t03-aks-internal.yaml --snapshot --url http://10.224.0.7/ --from internet",
    "no route",
    /internal/,
  ],
  [
    "t04-k3s-servicelb.yaml --snapshot --url http://192.168.1.31/ --from internet",
    "delivered",
    /traefik-1/,
  ],
  [
    "t05-openshift.yaml --snapshot --url http://httpd.demo:8080/ --from pod/demo/client",
    "delivered",
    /the dump has no kube-proxy/,
  ],
  [
    "t06-kind-local.yaml --snapshot --url http://172.18.0.3:30080/ --from internet",
    "dropped",
    /externalTrafficPolicy/,
  ],
  [
    "t07-minikube-crash.yaml --snapshot --url http://192.168.49.2:31234/",
    "rejected",
    /ends again and again; it was restarted 14 times/,
  ],
  [
    "t08-cilium.yaml --snapshot --url http://web/ --from pod/default/client",
    "delivered",
    /CiliumNetworkPolicy/,
  ],
  [
    "t09-calico-kubeproxy-crash.yaml --snapshot --url http://web/ --from pod/default/client",
    "unknown",
    /kube-proxy of m1 is CrashLoopBackOff/,
  ],
  [
    "b01-kustomization --url http://web:8080/ --from pod/default/client",
    "delivered",
    /default\/web/,
  ],
  [
    "b08-stale-slice.yaml --snapshot --url http://web/ --from pod/shop/client",
    "no route",
    /is 10\.244\.1\.5, said to be that of Pod web-1.*status\.podIP is 10\.244\.1\.99/,
  ],
  [
    "b09-dns-down.yaml --snapshot --url http://web/ --from pod/shop/client",
    "name not found",
    /^nobody answers Pods that ask for names: Service kube-system\/kube-dns.* no endpoint that is ready\n/,
  ],
  [
    "b09-dns-down.yaml --snapshot --url http://10.96.10.1/ --from pod/shop/client",
    "delivered",
    /shop\/web-1/,
  ],
  [
    "b14-dns-unseen.yaml --snapshot --url http://web/ --from pod/shop/client",
    "delivered",
    /shop\/web-1/,
  ],
  [
    "b10-sidecar-and-unready.yaml --snapshot --url http://web/ --from pod/shop/client",
    "delivered",
    /Pod shop\/web-1 spec\.containers\[1\] a service mesh's proxy/,
  ],
  [
    "b12-env-against-port.yaml",
    "delivered",
    /load balancer has no address, <pending>: a node is asked at the NodePort instead/,
  ],
  [
    "b12-env-against-port.yaml",
    "delivered",
    /listen on TCP 8080, since it is declared, though its environment says PORT=3000/,
  ],
  ["b12-env-against-port.yaml", "delivered", /8081, which the container does not declare/],
  ["b12-env-against-port.yaml", "delivered", /topology-mode"\] no hints by zone are made here/],
  [
    "b12-env-against-port.yaml",
    "delivered",
    /Deployment api spec\.template\.metadata\.annotations.* a service mesh's proxy/,
  ],
  [
    "b13-nobody-listens.yaml --url http://shell/ --from pod/default/client",
    "port not listening",
    /has no command, and its image's own, a shell or an interpreter, ends at once/,
  ],
  [
    "b13-nobody-listens.yaml --url http://flask/ --from pod/default/client",
    "port not listening",
    /is told no address, and is taken to listen on the loopback address alone \("flask run"\)/,
  ],
  [
    "b13-nobody-listens.yaml --url http://told/ --from pod/default/client",
    "delivered",
    /default\/told/,
  ],
];

const outside = "--node-address 192.168.50.11 --from 203.0.113.5:40000 --to 192.168.50.11:30080";

/** "packet --rules FILE …" */
const packets: [command: string, ends: string, says: RegExp][] = [
  [`t10-docker-flannel.rules ${outside}`, "delivered", /10\.244\.1\.7/],
  [`t11-firewalld.rules ${outside}`, "rejected", /icmp-host-prohibited/],
  [`t12-ufw.rules ${outside}`, "dropped", /policy/],
  [`t13-calico.rules ${outside}`, "unknown", /cali40s/],
  ["t14-grep.rules --from 10.244.0.9:4000 --to 10.96.12.34:80", "delivered", /10\.244\.1\.7/],
  [`t15-nat-S.rules ${outside}`, "delivered", /10\.244\.1\.7/],
  [
    "t20-legacy-warning.rules --from 10.244.0.9:4000 --to 10.96.77.1:8080",
    "rejected",
    /default\/orders has no endpoints/,
  ],
];

const all = [
  ...verdicts.map(([command, ...rest]) => [`journey ${command}`, ...rest] as const),
  ...packets.map(([command, ...rest]) => [`packet --rules ${command}`, ...rest] as const),
];
for (const [command, ends, says] of all)
  test(command, () => {
    const { out, err, code } = stopover(`${command} --output json`);
    assert.ok(out, err);
    const verdict = JSON.parse(out) as Verdict;
    const remarks = [...verdict.assumed, ...verdict.leftOut].map((one) =>
      Object.values(one).join(" "),
    );
    const said = [verdict.reason, verdict.pod ?? "", ...remarks].join("\n");
    assert.is(verdict.disposition, ends, said);
    assert.is(code, ends === "delivered" ? 0 : 1);
    assert.match(said, says);
  });

/** What is said of what cannot be taken: exit 2 where nothing is left to be asked. */
const errors: [command: string, code: number, says: RegExp][] = [
  ["journey e01-nothing.yaml --url http://10.2.1.1/", 2, /no manifest is in e01-nothing\.yaml/],
  [
    "journey t16-get-svc-wide.txt",
    2,
    /t16-get-svc-wide\.txt, document 1: .*the table that kubectl get prints/,
  ],
  [
    "journey t17-jsonnet.json",
    2,
    /t17-jsonnet\.json, document 1: .*one level too deep \(web-deployment, web-service\)/,
  ],
  [
    "journey t18-redacted.yaml --snapshot --url http://web/ --from node/n1",
    1,
    /t18-redacted\.yaml, document 1: Pod "web-1", status\.podIP: Invalid value: "<redacted>"/,
  ],
  [
    "journey t18-redacted.yaml --snapshot --url http://web/ --from node/n1",
    1,
    /Service "web", spec\.clusterIP: Invalid value: "x\.x\.x\.x"/,
  ],
  [
    "journey t19-no-nodes.yaml --snapshot --url http://10.96.7.7/",
    2,
    /no Node is among the documents/,
  ],
  [
    "journey b01-kustomization --url http://web:8080/ --from pod/default/client",
    0,
    /b01-kustomization\/kustomization\.yaml, document 1: .*kubectl kustomize FOLDER/,
  ],
  ["why b02-twice.yaml web", 1, /b02-twice\.yaml: line 6, column 3: a key stands twice in its map/],
  ["why b03-twice.json web", 1, /b03-twice\.json: line 7, column 6: a key stands twice in its map/],
  ["why b04-latin1.yaml web", 1, /b04-latin1\.yaml: line 1: it has bytes that are no UTF-8/],
  ["journey b05-heredoc.txt", 2, /b05-heredoc\.txt: these are a shell's words/],
  ["why b06-server-wrote.yaml web", 1, /--snapshot takes a dump as it is/],
  [
    "packet --rules b07-iptables-L.txt --from 10.244.0.9 --to 10.96.10.1:80",
    2,
    /b07-iptables-L\.txt: line 1: .*; this is what iptables -L prints/,
  ],
  [
    "packet --rules b02-twice.yaml --from 10.244.0.9 --to 10.96.10.1:80",
    2,
    /b02-twice\.yaml: line 1: .*; this is a manifest/,
  ],
  [
    "why b11-odd-ports.yaml web --from pod/default/pending",
    2,
    /from "pod\/default\/pending": Pod default\/pending is on no node: .*spec\.nodeSelector is gpu=yes/,
  ],
];

/** `why`, and what it notes beside its verdict. */
const notes: [command: string, code: number, says: RegExp][] = [
  ["b02-twice.yaml web", 1, /selector app=web matches 0 of 0 Pods/],
  ["b03-twice.json web", 1, /selector app=web matches 0 of 0 Pods/],
  [
    "b10-sidecar-and-unready.yaml shop/web --snapshot",
    0,
    /note: Pod shop\/web-2 is selected and gets no traffic: Pod shop\/web-2 is not ready/,
  ],
  [
    "b10-sidecar-and-unready.yaml shop/web --snapshot",
    0,
    /note: Service web is being deleted, since 2026-11-29T10:00:00Z; it waits for example\.com\/hold/,
  ],
  [
    "b11-odd-ports.yaml web",
    0,
    /note: Pod default\/two is selected and gets no traffic: no container of it has a port that is called http/,
  ],
  ["b11-odd-ports.yaml pods", 0, /note: .* is headless: nobody maps port 80 to targetPort http/],
  [
    "t06-kind-local.yaml --snapshot --from internet",
    0,
    /note: externalTrafficPolicy is Local: by its node-port/,
  ],
];
for (const [command, exits, says] of notes)
  test(`why ${command} ${says.source.slice(0, 40)}`, () => {
    const { code, out, err } = stopover(`why ${command}`);
    assert.is(code, exits, out + err);
    assert.match(out, says);
  });

for (const [command, exits, says] of errors)
  test(`${command} ${says.source.slice(0, 40)}`, () => {
    const { code, err } = stopover(command);
    assert.is(code, exits, err);
    assert.match(err, says);
  });

test("each file is in a table", () => {
  const commands = [...all, ...errors, ...notes].map(([command]) => command).join("\n");
  const files = readdirSync(folder).filter((file) => !commands.includes(file));
  assert.equal(files, []);
});

test.run();
