/** Clusters for tests of shells: what is asked for, and a client that asks. */
import { createCluster, images, parse, type Cluster } from "stopover";

type Options = Parameters<typeof createCluster>[0];

/** A Pod to type into. */
export const client = `
apiVersion: v1
kind: Pod
metadata: { name: client }
spec: { nodeName: node-a, containers: [{ name: client, image: busybox, command: [sleep, infinity] }] }
`;

/** A Pod at node-b, behind a Service of its name. */
const web = `
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec: { nodeName: node-b, containers: [{ name: web, image: "shop:1", ports: [{ containerPort: 8080 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
`;

/** A cluster of two nodes that holds these manifests and the client, settled. */
export function clusterWithClient(manifests: string, options: Options = {}): Cluster {
  const cluster = createCluster({ nodes: 2, seed: 1, ...options });
  cluster.apply(parse(`${manifests}\n---\n${client}`));
  cluster.settle();
  return cluster;
}

/** One whose Service "web" says hello. `more`: manifests that it holds beside it. */
export function helloCluster(options: Options = {}, more = ""): Cluster {
  images.add("shop:1", () => "hello\n");
  return clusterWithClient(more === "" ? web : `${web}\n---\n${more}`, options);
}
