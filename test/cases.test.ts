/**
 * Inputs after public reports, each with the verdict that a real cluster gives and the cause that a
 * reader needs: the command is run as they would run it.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("cases");
const folder = fileURLToPath(new URL("../cases/", import.meta.url));
const cli = fileURLToPath(new URL("../../lib/cli.mjs", import.meta.url));

interface Verdict {
  disposition: string;
  reason: string;
  assumed: { object: string; field: string; sentence: string }[];
  leftOut: { object: string; field: string; sentence: string }[];
}

function ask(file: string, args: string): { verdict: Verdict; err: string; code: number | null } {
  const rest = ["--output", "json", ...args.split(" ")];
  const command = args.includes("--rules") ? ["packet"] : ["journey", file];
  const { stdout, stderr, status } = spawnSync(process.execPath, [cli, ...command, ...rest], {
    cwd: folder,
    encoding: "utf8",
  });
  if (!stdout) throw new Error(`${file}: ${stderr}`);
  return { verdict: JSON.parse(stdout) as Verdict, err: stderr, code: status };
}

const client = "--from pod/default/client";
const dump = "--snapshot";

/** The file, what is asked, how it ends, what the answer has to say. */
const cases: [file: string, args: string, disposition: string, says: RegExp][] = [
  [
    "03-selector-is-pod-name.yaml",
    `--cloud none --url http://influx:8086/ ${client}`,
    "rejected",
    /selector name=influx matches 0 of 2 Pods/,
  ],
  [
    "05-headless-port.yaml",
    `--cloud none --url http://vec/ ${client}`,
    "port not listening",
    /TCP 80/,
  ],
  ["05-headless-port.yaml", `--cloud none --url http://vec:8000/ ${client}`, "delivered", /8000/],
  [
    "liveness-port.yaml",
    "--cloud none --url http://web.default.svc.cluster.local/ --from pod/default/client",
    "rejected",
    /livenessProbe\.httpGet\.port .* is 9999, .* so the kubelet restarts it/,
  ],
  ["02-fixed-clusterip.yaml", "--url http://10.2.0.10/", "no route", /10\.2\.0\.10/],
  [
    "06-externalname-ports.yaml",
    `--cloud none --url http://ext:8080/ ${client}`,
    "unknown",
    /alias of www\.example\.com/,
  ],
  [
    "06-externalname-ports.yaml",
    `--cloud none --outside www.example.com=198.51.100.7:8080 --url http://ext:8080/ ${client}`,
    "delivered",
    /www\.example\.com/,
  ],
  [
    "07-manual-endpoints.yaml",
    `--cloud none --url http://extsvc:443/ ${client}`,
    "delivered",
    /10\.118\.10\.1.*no part of the cluster/s,
  ],
  [
    "08-manual-endpointslice.yaml",
    `--cloud none --url http://my-service/ ${client}`,
    "delivered",
    /172\.31\.9\.10.*no part of the cluster/s,
  ],
  [
    "30-external-endpoint.yaml",
    "--url http://10.2.1.1:5432/ --from node/node-a",
    "delivered",
    /203\.0\.113\.77/,
  ],
  [
    "12-networkpolicy.yaml",
    `--cloud none --url http://web/ ${client}`,
    "unknown",
    /NetworkPolicy default\/only-friends selects Pod default\/web/,
  ],
  [
    "13-service-proxy-name.yaml",
    `--cloud none --url http://web/ ${client}`,
    "no route",
    /service-proxy-name/,
  ],
  [
    "15-hostport.yaml",
    "--cloud none --url http://192.168.0.2:8088/ --from internet",
    "delivered",
    /portmap/,
  ],
  [
    "16-hostnetwork-dns.yaml",
    `--cloud none --url http://etcd/ ${client}`,
    "name not found",
    /dnsPolicy/,
  ],
  [
    "20-localhost-nodeport.yaml",
    "--cloud none --url http://localhost:30000/ --from node/node-a",
    "delivered",
    /default\/reg/,
  ],
  [
    "23-slice-port-name.yaml",
    `--cloud none --url http://mariadb:3306/ ${client}`,
    "rejected",
    /ports\[0\]\.name of EndpointSlice default\/mariadb-1 is mariadb/,
  ],
  [
    "29-sourceranges-incluster-dump.yaml",
    `${dump} --url https://192.168.10.80/ ${client}`,
    "dropped",
    /loadBalancerSourceRanges .*192\.168\.2\.0\/24.*10\.244\.2\.7/,
  ],
  [
    "40-no-podcidr-dump.yaml",
    `${dump} --url https://10.96.4.4/ ${client}`,
    "delivered",
    /clusterCIDR/,
  ],
  [
    "41-calico-pool-dump.yaml",
    `${dump} --url https://10.96.4.4/ ${client}`,
    "delivered",
    /traefik-0/,
  ],
  [
    "42-notready-dump.yaml",
    `${dump} --url https://10.96.4.4/ ${client}`,
    "rejected",
    /conditions\.ready/,
  ],
  [
    "45-kube-proxy-crashing-dump.yaml",
    `${dump} --url https://192.168.10.12:30443/`,
    "unknown",
    /kube-proxy of kube12 is CrashLoopBackOff/,
  ],
  [
    "48-listens-on-loopback.yaml",
    `--cloud none --url http://api/ ${client}`,
    "port not listening",
    /--bind 127\.0\.0\.1/,
  ],
  [
    "51-eks-nlb-ip-dump.yaml",
    `${dump} --url http://k8s-shop-web-abc.elb.eu-x.amazonaws.com/`,
    "delivered",
    /shop\/web/,
  ],
  [
    "53-hostname-override-dump.yaml",
    `${dump} --url https://192.168.10.11:30443/`,
    "dropped",
    /no local endpoints/,
  ],
  [
    "56-networkpolicy-dump.yaml",
    `${dump} --url http://traefik.traefik:443/ ${client}`,
    "unknown",
    /NetworkPolicy traefik\/deny-all selects/,
  ],
  [
    "25-dump-networkpolicy.yaml",
    `${dump} --url http://172.17.0.2:30123/`,
    "unknown",
    /NetworkPolicy default\/deny-all/,
  ],
  [
    "08-dump-endpoints-only.yaml",
    `${dump} --url http://172.17.0.2:30123/`,
    "delivered",
    /made of its Endpoints/,
  ],
  ["22-concatenated.json", `${dump} --url http://172.17.0.2:30123/`, "delivered", /10\.244\.0\.3/],
  [
    "31-headless-pod-name.yaml",
    "--url http://hs-0.hs/ --from pod/default/hs-0",
    "delivered",
    /hs-0/,
  ],
  [
    "31-headless-pod-name.yaml",
    "--url http://hs-0.hs.default.svc.cluster.local/ --from pod/default/hs-0",
    "delivered",
    /hs-0/,
  ],
  [
    "31-headless-pod-name.yaml",
    "--url http://10-1-1-2.default.pod.cluster.local/ --from pod/default/hs-0",
    "delivered",
    /hs-0/,
  ],
  [
    "",
    "--rules 60-docker-forward-drop.rules --node-address 192.168.50.101 --from 10.32.0.5:4000 --to 10.96.0.1:443",
    "delivered",
    /192\.168\.50\.101:6443/,
  ],
  [
    "",
    "--rules 60-docker-forward-drop.rules --node-address 192.168.50.101 --from 10.32.0.5:4000 --to 10.32.0.9:80",
    "dropped",
    /policy/,
  ],
];
for (const [file, args, disposition, says] of cases)
  test(`${file} ${args}`, () => {
    const { verdict, code } = ask(file, args);
    assert.is(verdict.disposition, disposition, verdict.reason);
    assert.is(code, disposition === "delivered" ? 0 : 1);
    const remarks = [...verdict.assumed, ...verdict.leftOut].map((one) =>
      Object.values(one).join(" "),
    );
    assert.match([verdict.reason, ...remarks].join("\n"), says);
    if (disposition === "unknown" && !/alias/.test(verdict.reason))
      assert.ok(verdict.leftOut.length > 0, "what decides is left out");
  });

test("AWS refuses affinity by client: the load balancer stays pending", () => {
  const { verdict } = ask("10-affinity-lb.yaml", "--cloud aws --url http://mynginx-app.com/");
  assert.is(verdict.disposition, "name not found");
});

test("Pods of StatefulSets, DaemonSets and Jobs answer, and nobody says that they are not made", () => {
  const { verdict, err } = ask(
    "workloads.yaml",
    "--url http://web/ --from pod/default/ordered-0 --nodes 1",
  );
  assert.is(verdict.disposition, "delivered");
  assert.not.match(err, /StatefulSet|DaemonSet|Job once/);
  assert.match(err, /got "Job" of "batch.example.com\/v1"; no CustomResourceDefinition here/);
  assert.match(err, /^stopover: 4 taken, 1 left out, 0 refused$/m);
  assert.equal(
    (verdict.leftOut as { object: string }[]).map(({ object }) => object),
    ["Job not-that-one"],
    "the one of another group alone",
  );
  const ways = ask(
    "workloads.yaml",
    "--url http://web/ --from pod/default/ordered-0 --nodes 1 --all",
  );
  assert.is((ways.verdict as unknown as { outcomes: unknown[] }).outcomes.length, 3);
});

test("a kind on which nobody acts is stored and named once", () => {
  const { err } = ask("18-unknown-kind.yaml", "--url http://web/ --from node/node-a");
  assert.match(err, /^stopover: ServiceAccount web: stored; nobody acts on it here$/m);
});

test.run();
