/** Clusters in every state that the map tells of, each with what is to be drawn on it. */
import {
  aws,
  createCluster,
  gcp,
  parse,
  read,
  type Cluster,
  type Journey,
  type Outcomes,
} from "stopover";
import { parseRules } from "stopover/internal/net/iptables/parse";
import { iptables } from "stopover/internal/net/iptables/walk";
import { fileURLToPath } from "node:url";

export const url = "http://mynginx-app.com:8080/";
const manifests = fileURLToPath(new URL("../../notebooks/manifests", import.meta.url));

export interface Scene {
  cluster: Cluster;
  options: { journey?: Journey; outcomes?: Outcomes };
}

export function article(nodes = 3, replicas = 3, cloud = aws()): Cluster {
  const cluster = createCluster({ nodes, cloud, seed: 1 });
  cluster.apply(read(manifests));
  cluster.settle();
  if (replicas === 3) return cluster;
  cluster.scale("Deployment", "nginx", replicas);
  cluster.settle();
  return cluster;
}

export function withLocalPolicy(cluster: Cluster): Cluster {
  cluster.patch("Service", "nginx", { spec: { externalTrafficPolicy: "Local" } });
  cluster.settle();
  return cluster;
}

function withCurl(cluster: Cluster): Cluster {
  cluster.apply(
    parse(`
apiVersion: v1
kind: Pod
metadata: { name: curl }
spec: { containers: [{ name: curl, image: curl }] }
`),
  );
  cluster.settle();
  return cluster;
}

/** The first of many requests that ends as is wanted. */
export function requestUntil(
  cluster: Cluster,
  wanted: (trip: Journey) => boolean,
  ask = url,
  from = "internet",
): Journey {
  for (let tries = 0; tries < 200; tries++) {
    const trip = cluster.request(ask, { from });
    if (wanted(trip)) return trip;
  }
  throw new Error("no request of 200 ended as wanted");
}

const trip = (cluster: Cluster, ask = url, from = "internet"): Scene => ({
  cluster,
  options: { journey: cluster.request(ask, { from }) },
});
const ways = (cluster: Cluster): Scene => ({
  cluster,
  options: { outcomes: cluster.outcomes(url) },
});
const podName = (cluster: Cluster, i = 0): string => cluster.list("Pod")[i]!.metadata.name;

/**
 * Without masquerading a Pod of another node answers the client itself, and the client knows it
 * not.
 */
function lostAnswer(): Scene {
  const cluster = article();
  const held = iptables(cluster.network.machines.get("node-a")!.kernel).rules;
  const rules = cluster.node("node-a").rules.text();
  held.IPv4 = parseRules(rules.replace(/-j MASQUERADE.*/, "-j ACCEPT"));
  const ask = "http://192.168.0.1:30519/";
  const journey = requestUntil(cluster, ({ disposition }) => disposition === "timed out", ask);
  return { cluster, options: { journey } };
}

export const scenes: Record<string, () => Scene> = {
  "the article's request": () => trip(article()),
  "one node": () => trip(article(1, 1)),
  "six nodes, twelve Pods": () => trip(article(6, 12)),
  "forty nodes": () => trip(article(40, 30)),
  "all ways": () => ways(article()),
  "all ways among six nodes and twelve Pods": () => ways(article(6, 12)),
  "all ways under policy Local": () => ways(withLocalPolicy(article(3, 2))),
  "policy Local, dropped": () => {
    const cluster = withLocalPolicy(article(3, 1));
    const journey = requestUntil(cluster, ({ disposition }) => disposition === "dropped");
    return { cluster, options: { journey } };
  },
  "a dead node at the door": () => {
    const cluster = article();
    cluster.node("node-b").stop();
    const journey = requestUntil(
      cluster,
      ({ disposition, hops }) => disposition === "timed out" && hops.length < 4,
    );
    return { cluster, options: { journey } };
  },
  "a dead node behind the rules": () => {
    const cluster = article();
    cluster.node("node-b").stop();
    const journey = requestUntil(
      cluster,
      ({ disposition, hops }) => disposition === "timed out" && hops.length > 4,
    );
    return { cluster, options: { journey } };
  },
  "all ways past a dead node": () => {
    const cluster = article();
    cluster.node("node-b").stop();
    cluster.advance("58s"); // the API server knows, the load balancer not yet
    return ways(cluster);
  },
  "a stale kube-proxy": () => {
    const cluster = article();
    cluster.node("node-b").kubeProxy.stop();
    cluster.scale("Deployment", "nginx", 5);
    cluster.settle();
    return ways(cluster);
  },
  "an excluded node": () => {
    const cluster = article();
    const labels = { "node.kubernetes.io/exclude-from-external-load-balancers": "" };
    cluster.patch("Node", "node-b", { metadata: { labels } });
    cluster.settle();
    cluster.advance("5m");
    return ways(cluster);
  },
  "a Pod that ends": () => {
    const cluster = article();
    cluster.delete("Pod", podName(cluster, 1));
    cluster.advance("200ms");
    return { cluster, options: {} };
  },
  "no Pods": () => trip(article(3, 0)),
  hairpin: () => {
    const cluster = article(1, 1);
    return trip(cluster, "http://10.2.1.1:8080/", `pod/default/${podName(cluster)}`);
  },
  "a Pod asks": () => trip(withCurl(article()), "http://nginx:8080/", "pod/default/curl"),
  "a Pod asks a NodePort": () =>
    trip(withCurl(article()), "http://192.168.0.2:30519/", "pod/default/curl"),
  "a proxy passes it on": () => {
    const cluster = withCurl(article());
    const { sandbox } = cluster.pod("curl");
    sandbox.proxy = { passOn: ({ path }) => ({ url: `http://nginx:8080${path}` }) };
    return trip(cluster, `http://${sandbox.ips[0]}/`, "node/node-b");
  },
  "a node asks": () => trip(article(), "http://10.2.1.1:8080/", "node/node-b"),
  "a load balancer that passes packets on": () => trip(article(3, 3, gcp())),
  "a NodePort from outside": () => trip(article(), "http://192.168.0.2:30519/"),
  "no such name": () => trip(article(), "http://nowhere.example/"),
  "a lost answer": lostAnswer,
  "no cloud": () => {
    const cluster = createCluster({ nodes: 2, seed: 1 });
    cluster.apply(read(manifests));
    cluster.settle();
    return { cluster, options: {} };
  },
};
