/** What a control plane makes by itself: ServiceAccounts, the authority, default/kubernetes. */
import { aws, createCluster, read, type Cluster } from "stopover";
import type { Kind, Pod } from "stopover/internal/objects/types";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fileURLToPath } from "node:url";

const manifests = fileURLToPath(new URL("../../notebooks/manifests", import.meta.url));
const furnished = (): Cluster => createCluster({ seed: 1, cloud: aws(), systemObjects: true });
const names = (cluster: Cluster, kind: string): string[] =>
  cluster
    .list(kind as Kind)
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
    .sort();

const pod = (name: string, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: { containers: [{ name: "c", image: "nginx" }], ...spec },
});
const refusal = (act: () => void): string => {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};

test("each namespace has a ServiceAccount and the authority's certificate, a new one too", () => {
  const cluster = furnished();
  cluster.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}");
  cluster.settle();
  const all = ["default", "kube-node-lease", "kube-public", "kube-system", "shop"];
  const each = (name: string) => all.map((namespace) => `${namespace}/${name}`);
  assert.equal(names(cluster, "ServiceAccount"), each("default"));
  assert.equal(names(cluster, "ConfigMap"), each("kube-root-ca.crt"));
});

test("who takes them away, or writes into the ConfigMap, finds them again as they were", () => {
  const cluster = furnished();
  cluster.delete("ServiceAccount" as Kind, "default");
  cluster.patch("ConfigMap" as Kind, "kube-root-ca.crt", { data: { "ca.crt": "mine" } });
  cluster.settle();
  assert.ok(cluster.get("ServiceAccount" as Kind, "default"));
  const map: object = cluster.get("ConfigMap" as Kind, "kube-root-ca.crt");
  assert.match((map as { data: Record<string, string> }).data["ca.crt"]!, /BEGIN CERTIFICATE/);
});

test("a namespace that is on its way out is not furnished again, and goes", () => {
  const cluster = furnished();
  cluster.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}");
  cluster.settle();
  cluster.delete("Namespace", "shop");
  cluster.settle();
  assert.is(
    cluster.list("Namespace").find(({ metadata }) => metadata.name === "shop"),
    undefined,
  );
  assert.not.ok(names(cluster, "ConfigMap").some((name) => name.startsWith("shop/")));
});

test("default/kubernetes leads to the API server, at the first address of the range", () => {
  const cluster = furnished();
  cluster.apply(pod("client"));
  cluster.settle();
  const { spec } = cluster.get("Service", "kubernetes");
  assert.is(spec.clusterIP, "10.2.0.1");
  assert.equal(spec.ports, [{ name: "https", port: 443, protocol: "TCP", targetPort: 6443 }]);
  assert.equal(
    cluster.endpoints("kubernetes").map(({ address, ready }) => ({ address, ready })),
    [{ address: "192.168.0.254:6443", ready: true }],
  );
  const { disposition } = cluster.request("https://kubernetes/", { from: "pod/default/client" });
  assert.is(disposition, "delivered");
});

test("default/kubernetes comes again within ten seconds", () => {
  const cluster = furnished();
  cluster.delete("Service", "kubernetes");
  cluster.advance("11s");
  assert.is(cluster.get("Service", "kubernetes").spec.clusterIP, "10.2.0.1");
});

const token = (one: Pod): string | undefined =>
  (one.spec.volumes as { name: string }[] | undefined)?.find(({ name }) =>
    /^kube-api-access-[a-z0-9]{5}$/.test(name),
  )?.name;

test("a Pod gets its ServiceAccount, and each container its token", () => {
  const cluster = furnished();
  cluster.apply(pod("web"));
  const made = cluster.get("Pod", "web");
  assert.is(made.spec.serviceAccountName, "default");
  assert.is(made.spec.serviceAccount, "default");
  assert.equal(made.spec.containers[0]!.volumeMounts, [
    {
      name: token(made),
      readOnly: true,
      mountPath: "/var/run/secrets/kubernetes.io/serviceaccount",
    },
  ]);
});

test("no token where the Pod or its ServiceAccount wants none; the Pod's word counts", () => {
  const cluster = furnished();
  cluster.apply(
    "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: quiet}\nautomountServiceAccountToken: false\nimagePullSecrets: [{name: reg}]",
  );
  cluster.apply(pod("a", { automountServiceAccountToken: false }));
  cluster.apply(pod("b", { serviceAccountName: "quiet" }));
  cluster.apply(pod("c", { serviceAccountName: "quiet", automountServiceAccountToken: true }));
  assert.equal(
    ["a", "b", "c"].map((name) => token(cluster.get("Pod", name)) !== undefined),
    [false, false, true],
  );
  assert.equal(cluster.get("Pod", "b").spec.imagePullSecrets, [{ name: "reg" }]);
});

test("a ServiceAccount that there is not keeps the Pod out, and its ReplicaSet says so", () => {
  const cluster = furnished();
  const why = `error looking up service account default/bot: serviceaccount "bot" not found`;
  const spec = { serviceAccountName: "bot" };
  assert.is(
    refusal(() => cluster.apply(pod("web", spec))),
    `pods "web" is forbidden: ${why}`,
  );
  cluster.apply({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: pod("web", spec).spec },
    },
  } as never);
  cluster.advance("1s");
  assert.ok(cluster.list("Event").some(({ message }) => message.includes(why)));
  cluster.apply("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: bot}");
  cluster.advance("5m");
  assert.is(cluster.list("Pod").length, 1);
});

test("the article's Pods and addresses are the same with them", () => {
  const seen = (systemObjects: boolean) => {
    const cluster = createCluster({ seed: 1, cloud: aws(), systemObjects });
    cluster.apply(read(manifests));
    cluster.settle();
    return [
      cluster.list("Pod").map(({ metadata, status, spec }) => ({
        name: metadata.name,
        ip: status?.podIP,
        node: spec.nodeName,
      })),
      cluster.get("Service", "nginx").spec,
      cluster.shares("http://mynginx-app.com:8080/"),
    ];
  };
  assert.equal(seen(true), seen(false));
});

test("without asking there is none of it", () => {
  const cluster = createCluster({ seed: 1 });
  cluster.apply(pod("web"));
  assert.equal(names(cluster, "ServiceAccount"), []);
  assert.equal(names(cluster, "Service"), []);
  assert.is(cluster.get("Pod", "web").spec.serviceAccountName, undefined);
});

test.run();
