/** What containers are told of their Pod, where a kubelet's own words are easily missed. */
import { createCluster, parse, type Cluster, type Kind } from "stopover";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("what a kubelet tells containers");

function made(container: object, spec: object = {}, metadata: object = {}): Cluster {
  const cluster = createCluster({
    clusterCIDR: "10.1.0.0/16,fd00:1::/56",
    serviceCIDR: "10.2.0.0/16,fd00:2::/112",
    nodes: [{ name: "node-a", addresses: ["192.168.0.1", "fd00:192::1"] }],
  });
  const main = { name: "main", image: "busybox", command: ["sleep", "infinity"], ...container };
  for (const one of [
    {
      ...{ apiVersion: "v1", kind: "Service", metadata: { name: "six" } },
      spec: { ipFamilies: ["IPv6"], ports: [{ port: 80 }] },
    },
    {
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "p", ...metadata } },
      spec: { containers: [main], ...spec },
    },
  ])
    cluster.apply(parse(JSON.stringify(one)));
  cluster.settle();
  return cluster;
}

const told = async (cluster: Cluster, script: string) => (await cluster.pod("p").sh(script)).output;

/** A volume of these sources at /v. */
const volume = (source: object, container: object = {}) =>
  [
    { ...container, volumeMounts: [{ name: "v", mountPath: "/v" }] },
    { volumes: [{ name: "v", ...source }] },
  ] as const;

test("annotations are quoted as Go quotes them", async () => {
  const downwardAPI = {
    items: [{ path: "all", fieldRef: { fieldPath: "metadata.annotations" } }],
  };
  // strconv.Quote of the same text, by Go itself
  const note = 'é \u00a0\u200b\u{e0001}\x01\x7f\u0085\t"\\\u2028\ufeff日';
  const quoted = String.raw`note="é \u00a0\u200b\U000e0001\x01\x7f\u0085\t\"\\\u2028\ufeff日"`;
  const cluster = made(...volume({ downwardAPI }), { annotations: { note } });
  assert.is((await told(cluster, "cat /v/all")).split("\n").at(-1), quoted);
});

test("a file's path is the same with a dot and two slashes", async () => {
  const item = { path: "./a//b", fieldRef: { fieldPath: "metadata.name" } };
  const cluster = made(...volume({ downwardAPI: { items: [item] } }));
  assert.is(await told(cluster, "cat /v/a/b; ls -A /v | tail -n 1"), "pa\n");
  // a link takes no block
  assert.match(await told(cluster, "ls -l /v"), /^total 0\n.* a -> \.\.data\/a/);
});

test("of a ConfigMap that is gone, the files stay; so do those of a key that is", async () => {
  const cluster = made(...volume({ configMap: { name: "m", items: [{ key: "k", path: "f" }] } }));
  const config = (data: object) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "m" },
    data,
  });
  cluster.apply(parse(JSON.stringify(config({ k: "1" }))));
  cluster.advance("91s");
  assert.is(await told(cluster, "cat /v/f"), "1");
  cluster.apply(parse(JSON.stringify(config({ other: "2" }))));
  cluster.advance("91s");
  assert.is(await told(cluster, "cat /v/f"), "1");
  cluster.delete("ConfigMap" as Kind, "m");
  cluster.advance("91s");
  assert.is(await told(cluster, "cat /v/f"), "1");
});

test("amounts: a decimal fraction is no more than it is, and the Pod's own limit counts", async () => {
  const ask = (name: string, resource: string, divisor: string) => ({
    name,
    valueFrom: { resourceFieldRef: { resource, divisor } },
  });
  const env = [ask("CPU", "requests.cpu", "1m"), ask("LIMIT", "limits.memory", "1Mi")];
  const resources = { requests: { cpu: "2.007" } };
  const whole = { resources: { limits: { memory: "64Mi" } } };
  assert.is(await told(made({ env, resources }, whole), "echo $CPU $LIMIT"), "2007 64\n");
});

test("a Service's address of IPv6 stands in brackets where a port follows", async () => {
  const cluster = made({});
  const address = cluster.get("Service", "six").spec.clusterIP!;
  assert.match(address, /^fd00:2::/);
  assert.is(
    await told(cluster, "echo $SIX_SERVICE_HOST $SIX_PORT $SIX_PORT_80_TCP_ADDR"),
    `${address} tcp://[${address}]:80 ${address}\n`,
  );
});

interface Claims {
  aud: string[];
  iat: number;
  exp: number;
  "kubernetes.io": { warnafter?: number };
}

async function tokenOf(cluster: Cluster, name: string): Promise<Claims> {
  const [, claims = ""] = (await told(cluster, `cat /v/${name}`)).split(".");
  return JSON.parse(Buffer.from(claims, "base64url").toString()) as Claims;
}

test("a token is renewed after four fifths of its time; one of 3607 s lasts for a year", async () => {
  const tokens = [
    { path: "hour", expirationSeconds: 3600 },
    { path: "year", expirationSeconds: 3607 },
    { path: "other", expirationSeconds: 3607, audience: "vault" },
  ];
  const sources = tokens.map((serviceAccountToken) => ({ serviceAccountToken }));
  const cluster = made(...volume({ projected: { sources } }));
  const [hour, year, other] = [
    await tokenOf(cluster, "hour"),
    await tokenOf(cluster, "year"),
    await tokenOf(cluster, "other"),
  ];
  assert.is(hour.exp - hour.iat, 3600);
  assert.is(year.exp - year.iat, 365 * 24 * 3600);
  assert.is(year["kubernetes.io"].warnafter! - year.iat, 3607);
  assert.equal([other.exp - other.iat, other.aud], [3607, ["vault"]]);
  assert.is(other["kubernetes.io"].warnafter, undefined);
  cluster.advance("2870s");
  assert.is((await tokenOf(cluster, "hour")).iat, hour.iat, "four fifths are 2880 s");
  cluster.advance("110s");
  assert.ok((await tokenOf(cluster, "hour")).iat >= hour.iat + 2880);
});

test("where the store has forgotten when a container began, it is told what is there now", async () => {
  const cluster = made({ env: [{ name: "NAME", value: "own" }] });
  cluster.apply(
    parse('{ apiVersion: v1, kind: ConfigMap, metadata: { name: m }, data: { k: "1" } }'),
  );
  cluster.apiserver.compact(cluster.apiserver.store.revision);
  assert.is(await told(cluster, "echo $NAME ${SIX_SERVICE_PORT-no}"), "own 80\n");
});

test.run();
