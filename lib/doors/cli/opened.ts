/**
 * From somebody's documents to a cluster that can be asked, for the command and for a page alike,
 * and the request that is meant where none is named.
 */
import {
  articleDomains,
  createCluster,
  type ClusterOptions,
  type NodeSpec,
  type Traceable,
} from "../../cluster.js";
import { hostnameAnnotation } from "../../cloud/external-dns.js";
import type { Documents } from "../../objects/files.js";
import type { Node, Service } from "../../objects/types.js";
import { openSnapshot, type Snapshot } from "../../snapshot.js";

/** A cluster, living or dumped, and the objects in it. */
export type Opened = Traceable & Pick<Snapshot, "list">;

/**
 * `snapshot`: takes the objects as they are and runs no controllers. Otherwise the Nodes among them
 * are the cluster's machines, and all else is applied.
 */
export function openDocuments(
  documents: Documents,
  { snapshot = false, ...options }: ClusterOptions & { snapshot?: boolean } = {},
): Opened {
  if (snapshot) return openSnapshot(documents, options);
  const nodes = documents.manifests.flatMap(({ object }) =>
    object.kind === "Node" ? nodeSpec(object as Node) : [],
  );
  const cluster = createCluster({
    ...options,
    kubeProxy: documents.kubeProxy,
    ...(nodes.length && { nodes }),
  });
  cluster.apply({
    ...documents,
    manifests: documents.manifests.filter(({ object }) => object.kind !== "Node"),
  });
  cluster.settle();
  return cluster;
}

/**
 * A Node among the manifests is a machine of the cluster: its kubelet registers it, so it is not
 * applied.
 */
function nodeSpec({ metadata, status }: Node): NodeSpec {
  const of = (wanted: string) =>
    (status?.addresses ?? []).filter(({ type }) => type === wanted).map(({ address }) => address);
  const addresses = [...of("InternalIP"), ...of("ExternalIP")];
  const zone = metadata.labels?.["topology.kubernetes.io/zone"];
  return {
    name: metadata.name,
    labels: metadata.labels ?? {},
    ...(addresses.length && { addresses }),
    ...(zone && { zone }),
  };
}

/** The types of Services by how far from outside they can be reached. */
const byReach = ["LoadBalancer", "NodePort", "ClusterIP"];

/**
 * The URL of the first Service of the best type: by its name outside, else by its load balancer's
 * address, else by a node's or its own. Throws where there is no Service.
 */
export function defaultURL(documents: Documents, cluster: Opened): string {
  const services = documents.manifests.flatMap(({ object }) =>
    object.kind === "Service" ? (object as Service) : [],
  );
  const reach = (type = "ClusterIP") => byReach.indexOf(type);
  const [best] = services
    .filter(({ spec }) => reach(spec.type) >= 0 && spec.clusterIP !== "None")
    .sort((a, b) => reach(a.spec.type) - reach(b.spec.type));
  if (!best) throw new Error(`no URL is given, and no Service can be asked: ${found(documents)}`);
  const key = keyOf(best);
  return urlOf(cluster.list("Service").find((each) => keyOf(each) === key) ?? best, cluster);
}

const keyOf = ({ metadata }: Service): string =>
  `${metadata.namespace ?? "default"}/${metadata.name}`;

function found({ manifests }: Documents): string {
  const kinds = [...new Set(manifests.map(({ object }) => object.kind))];
  return kinds.length ? `there are only ${kinds.join(", ")}` : "there is no object at all";
}

function urlOf(service: Service, cluster: Opened): string {
  const { type, clusterIP, ports = [] } = service.spec;
  const { port, nodePort } = ports[0] ?? { port: 80 };
  const [ingress] = service.status?.loadBalancer?.ingress ?? [];
  const outside = nameOutside(service) ?? ingress?.hostname ?? ingress?.ip;
  if (type === "LoadBalancer" && outside !== undefined) return url(outside, port);
  const [machine] = cluster.network.machines.values();
  const address = machine?.addresses[0];
  if (nodePort !== undefined && address !== undefined) return url(address, nodePort);
  return url(clusterIP ?? `${service.metadata.name}.${service.metadata.namespace}`, port);
}

function nameOutside(service: Service): string | undefined {
  const annotated = service.metadata.annotations?.[hostnameAnnotation]?.split(",")[0]?.trim();
  if (annotated) return annotated;
  return Object.entries(articleDomains).find(([, key]) => key === keyOf(service))?.[0];
}

const url = (host: string, port: number): string =>
  `http://${host.includes(":") ? `[${host}]` : host}${port === 80 ? "" : `:${port}`}/`;
