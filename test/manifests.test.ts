/**
 * Manifests in the shape of those that people bring (manifests/): each is taken whole, and its
 * Services answer as they should.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { aws, read, type Disposition } from "stopover";
import { openDocuments } from "stopover/internal/doors/cli/opened";
import type { Notice } from "stopover/internal/objects/manifest";

const test = suite("manifests");
const folder = fileURLToPath(new URL("../manifests/", import.meta.url));

type Question = [url: string, from: string, ends: Disposition, at?: RegExp];
const inside = "node/node-a";

/** The file; what is asked, by whom, how it ends, and in which Pod. */
const files: Record<string, Question[]> = {
  "argocd.yaml": [
    [
      "https://argocd-server.default.svc.cluster.local/",
      "pod/default/argocd-application-controller-0",
      "delivered",
    ],
    [
      "http://argocd-server/",
      "pod/default/argocd-application-controller-0",
      "delivered",
      /^default\/argocd-server-/,
    ],
  ],
  "bookinfo.yaml": [
    ["http://reviews:9080/", "pod/default/productpage-v1-*", "delivered", /reviews-v/],
  ],
  "cassandra.yaml": [
    ["http://cassandra-1.cassandra:9042/", "pod/default/cassandra-0", "delivered", /cassandra-1$/],
  ],
  "cert-manager.yaml": [
    [
      "https://cert-manager-webhook.cert-manager/",
      "pod/cert-manager/cert-manager-webhook-*",
      "delivered",
    ],
  ],
  "cloud-annotations.yaml": [["http://198.51.100.32/", inside, "delivered"]],
  "cluster-autoscaler.yaml": [["http://172.20.0.12:30080/", "internet", "delivered"]],
  "coredns.yaml": [["http://10.96.0.10:9153/", inside, "delivered", /^kube-system\/coredns-/]],
  "daemonset-host-network.yaml": [
    [
      "http://node-exporter.monitoring:9100/",
      "pod/monitoring/log-agent-*",
      "delivered",
      /node-exporter-/,
    ],
    ["http://192.168.0.2:9100/", "internet", "delivered", /node-exporter-/],
    ["http://192.168.0.2:24224/", "internet", "delivered", /log-agent-/],
  ],
  "dashboard.yaml": [
    [
      "https://kubernetes-dashboard.kubernetes-dashboard/",
      "pod/kubernetes-dashboard/kubernetes-dashboard-*",
      "delivered",
    ],
  ],
  "dual-stack.yaml": [
    ["http://prefer/", "pod/default/web-*", "delivered", /web-/],
    ["http://prefer-headless/", "pod/default/web-*", "delivered", /web-/],
    ["http://single/", "pod/default/web-*", "delivered", /web-/],
  ],
  "elasticsearch.yaml": [
    ["http://elasticsearch:9200/", "pod/default/kibana-*", "delivered", /es-cluster-\d$/],
    [
      "http://es-cluster-2.elasticsearch:9200/",
      "pod/default/kibana-*",
      "delivered",
      /es-cluster-2$/,
    ],
  ],
  "external-name.yaml": [["http://by-hand/", inside, "name not found"]],
  "flannel.yaml": [],
  "gateway-api.yaml": [["http://web/", "pod/default/web-*", "delivered"]],
  "guestbook.yaml": [
    ["http://store-leader:6379/", "pod/default/frontend-*", "delivered", /store-leader-/],
    ["http://store-follower:6379/", "pod/default/frontend-*", "delivered", /store-follower-/],
  ],
  "helm-output.yaml": [
    ["http://release-web/", "pod/default/release-web-test-connection", "delivered"],
  ],
  "hpa-and-pdb.yaml": [["http://php-apache/", "pod/default/php-apache-*", "delivered"]],
  "ingress-nginx.yaml": [
    [
      "https://ingress-nginx-controller-admission.ingress-nginx/",
      "pod/ingress-nginx/ingress-nginx-controller-*",
      "delivered",
    ],
  ],
  "jobs.yaml": [
    ["http://workers-1.workers:7000/", "pod/default/workers-0-*", "delivered", /workers-1/],
  ],
  "kafka.yaml": [
    ["http://kafka:9092/", "pod/default/kafka-0", "delivered", /kafka-\d$/],
    ["http://kafka-2.kafka-headless:9094/", "pod/default/kafka-0", "delivered", /kafka-2$/],
  ],
  "kustomize-output.yaml": [
    ["http://production-the-service:8666/", "pod/default/production-the-deployment-*", "delivered"],
  ],
  "metallb.yaml": [
    [
      "https://metallb-webhook-service.metallb-system/",
      "pod/metallb-system/controller-*",
      "delivered",
      /controller-/,
    ],
    ["http://192.168.0.3:7472/", "internet", "delivered", /speaker-/],
  ],
  "metrics-stack.json": [
    ["http://grafana.monitoring:3000/", "pod/monitoring/grafana-*", "delivered"],
  ],
  "mongo-replica-set.yaml": [
    ["http://mongo-1.mongo:27017/", "pod/default/express-*", "delivered", /mongo-1$/],
    ["http://192.168.0.1:30000/", "internet", "delivered", /express-/],
  ],
  "named-ports.yaml": [["http://web/", "pod/default/client", "delivered", /old|new/]],
  "network-policies.yaml": [["http://api/", "pod/shop/client", "unknown"]],
  "nfs-and-volumes.yaml": [["http://nfs-server:2049/", "pod/default/nfs-server-*", "delivered"]],
  "old-habits.yaml": [["http://web:8080/", "pod/default/client", "delivered"]],
  "online-boutique.yaml": [
    ["http://emailservice:5000/", "pod/default/frontend-*", "delivered", /emailservice-/],
    ["http://frontend/", "pod/default/loadgenerator-*", "delivered", /frontend-/],
  ],
  "operator-bundle.yaml": [
    [
      "https://memcached-operator-metrics.memcached-operator-system:8443/",
      inside,
      "name not found",
    ],
    [
      "https://memcached-operator-metrics:8443/",
      "pod/memcached-operator-system/memcached-*",
      "delivered",
    ],
  ],
  "prometheus-operator.yaml": [
    [
      "http://prometheus-k8s:9090/",
      "pod/monitoring/prometheus-operator-*",
      "delivered",
      /prometheus-k8s-\d$/,
    ],
    [
      "http://prometheus-k8s-1.prometheus-operated:9090/",
      "pod/monitoring/prometheus-operator-*",
      "delivered",
      /k8s-1$/,
    ],
  ],
  "redis-ha.yaml": [
    [
      "http://cache-redis-ha-announce-0:6379/",
      "pod/default/cache-redis-ha-haproxy-*",
      "delivered",
      /server-0$/,
    ],
    [
      "http://cache-redis-ha:26379/",
      "pod/default/cache-redis-ha-haproxy-*",
      "delivered",
      /server-\d$/,
    ],
  ],
  "sidecars.yaml": [["http://app/", "pod/default/app-*", "delivered"]],
  "sock-shop.yaml": [
    ["http://192.168.0.1:30001/", "internet", "delivered", /front-end-/],
    ["http://queue:5672/", "pod/sock-shop/front-end-*", "delivered", /queue-/],
  ],
  "statefulset-postgres.yaml": [
    ["http://postgres-rw:5432/", "pod/default/postgres-1", "delivered", /postgres-0$/],
    ["http://postgres-1.postgres-hl:5432/", "pod/default/postgres-0", "delivered", /postgres-1$/],
  ],
  "traefik.yaml": [["http://traefik/", "pod/default/traefik-*", "delivered"]],
  "vault-and-consul.yaml": [
    [
      "http://consul-server-2.consul-server:8500/",
      "pod/default/consul-server-0",
      "delivered",
      /server-2$/,
    ],
    ["http://vault-active:8200/", "pod/default/consul-server-0", "rejected"],
  ],
  "webhooks-and-policies.yaml": [
    ["https://metrics-server.kube-system/", "pod/kube-system/metrics-server-*", "delivered"],
  ],
  "windows-line-ends.yaml": [["http://192.168.0.1:30080/", "internet", "delivered", /web-/]],
  "wordpress.yaml": [
    ["http://wordpress-mysql:3306/", "pod/default/wordpress-*", "delivered", /wordpress-mysql-/],
  ],
  "zookeeper.yaml": [["http://zk-cs:2181/", "pod/default/zk-0", "delivered", /zk-\d$/]],
};

test("each file is in the table", () => {
  assert.equal(readdirSync(folder).sort(), Object.keys(files).sort());
});

for (const [file, questions] of Object.entries(files))
  test(`${file} is taken whole, and its Services answer`, () => {
    const documents = read(`${folder}${file}`, { partial: true });
    const notices: Notice[] = [...(documents.notices ?? [])];
    const cluster = openDocuments(documents, {
      cloud: aws(),
      onNotice: (one) => notices.push(one),
    });
    (cluster as unknown as { advance(time: string): void }).advance("120s");
    assert.equal(
      notices.filter(({ what }) => what !== "stored").map(({ text }) => text),
      [],
    );
    const pods = cluster
      .list("Pod")
      .map(({ metadata }) => `pod/${metadata.namespace}/${metadata.name}`);
    for (const [url, client, ends, at] of questions) {
      const from = client.endsWith("*")
        ? pods.find((pod) => pod.startsWith(client.slice(0, -1)))
        : client;
      assert.ok(from, `there is no ${client} among ${pods.join(", ")}`);
      const { disposition, reason, pod = "" } = cluster.request(url, { from });
      assert.is(disposition, ends, `${url} from ${from}: ${reason}`);
      if (at) assert.match(pod, at);
    }
  });

test.run();
