/**
 * From somebody's documents to a cluster that can be asked, for the command and for a page alike,
 * and the request that is meant where none is named.
 */
import {
  articleDomains,
  createCluster,
  type Cluster,
  type ClusterOptions,
  type Traceable,
} from "../../cluster.js";
import "../../apiserver/admission-plugins.js";
import "../../controllers/workloads.js";
import "../../given.js";
import "../../node/kubelet/config-needs.js";
import { isApiError } from "../../api/errors.js";
import { defaultRanges } from "../../cluster-options.js";
import { inertNotice, inertRemarks } from "../../inert.js";
import type { Remark } from "../../journey/types.js";
import { parseCIDR, readAddress, type Family } from "../../net/ip.js";
import type { Documents } from "../../objects/files.js";
import { kindOf } from "../../objects/kinds.js";
import type { Manifest, Notice } from "../../objects/manifest.js";
import { namespacedName } from "../../objects/names.js";
import type { Node, Pod, Service } from "../../objects/types.js";
import { openSnapshot, type Snapshot } from "../../snapshot.js";
import { whyNotReady } from "../../why/ladder/pods.js";
import { Objects } from "../../why/objects.js";
import { usualQuestion } from "../../why/usual.js";
import { familiesFor, inFamilies } from "./families.js";
import { furnish, nodeSpec } from "./nodes.js";

/** A cluster, living or dumped, and the objects in it. */
export type Opened = Traceable & Pick<Snapshot, "list">;

/**
 * `snapshot`: takes the objects as they are and runs no controllers. Otherwise the Nodes among them
 * are the cluster's machines, and all else is applied.
 */
export function openDocuments(
  documents: Documents,
  { snapshot = false, onNotice, families, ...options }: OpenOptions = {},
): Opened {
  if (snapshot) return openSnapshot(documents, options);
  const given = documents.manifests.flatMap(({ object }) =>
    object.kind === "Node" ? (object as Node) : [],
  );
  const nodes = given.map(nodeSpec);
  const range = rangeFor(documents);
  const needed = families ? undefined : familiesFor(documents);
  const all: ClusterOptions = {
    ...options,
    kubeProxy: documents.kubeProxy,
    ...(nodes.length && { nodes }),
    ...(range && !options.serviceCIDR && { serviceCIDR: range.cidr, first: {} }),
  };
  const wanted = families ?? needed?.families;
  const cluster = createCluster({ ...all, ...(wanted && inFamilies(wanted, all)) });
  const assumed = [range, needed].flatMap((one) => one?.remark ?? []);
  if (assumed.length > 0) cluster.network.bases.push({ assumed, leftOut: [] });
  for (const node of given) furnish(cluster, node);
  const rest = documents.manifests.filter(({ object }) => object.kind !== "Node");
  applyAll(cluster, rest, onNotice);
  cluster.network.bases.push({
    assumed: [],
    leftOut: inertRemarks([
      ...rest.map(({ object }) => object),
      ...(documents.notices ?? []).flatMap(({ object }) => object ?? []),
    ]),
  });
  cluster.settle();
  if (cluster.list("Pod").some(isWatched)) cluster.advance(WATCHED);
  return cluster;
}

/** Whether the kubelet restarts it by and by, where one of its probes fails. */
const isWatched = ({ spec }: Pod): boolean =>
  spec.containers.some(({ livenessProbe, startupProbe }) => livenessProbe ?? startupProbe);

/** Until such a Pod has been restarted often enough that it is down most of the time. */
const WATCHED = "6m";

export interface OpenOptions extends ClusterOptions {
  snapshot?: boolean;
  /** The addresses that all have. Default: IPv4, and IPv6 where a Service asks for it. */
  families?: readonly Family[] | undefined;
  /** Hears of each object that is refused, or on which nobody acts; the others are applied. */
  onNotice?: (notice: Notice) => void;
}

/** Definitions and namespaces first, as they are needed, then in the documents' order. */
function applyAll(
  cluster: Cluster,
  manifests: readonly Manifest[],
  onNotice: OpenOptions["onNotice"],
): void {
  const rank = ({ object: { kind } }: Manifest): number =>
    kind === "CustomResourceDefinition" ? 0 : kind === "Namespace" ? 1 : 2;
  const all = [...manifests].sort((x, y) => rank(x) - rank(y));
  makeNamespaces(cluster, all);
  if (!onNotice) return void cluster.apply({ manifests: all });
  for (const manifest of all) {
    const { source, document, object } = manifest;
    const tell = (what: Notice["what"], text: string) =>
      onNotice({
        what,
        text: `${source}, document ${document}: ${text}`,
        source,
        document,
        isLate: true,
      });
    try {
      cluster.apply({ manifests: [manifest] });
      const inert = inertNotice(object);
      if (inert !== undefined) onNotice({ what: "stored", text: inert, source, document });
    } catch (error) {
      if (!isApiError(error)) throw error;
      tell("refused", error.message);
    }
  }
}

/** Namespaces that the documents live in and do not make: they are taken to be there. */
function makeNamespaces(cluster: Cluster, manifests: readonly Manifest[]): void {
  const named = new Set(
    manifests.flatMap(({ object: { kind, metadata } }) =>
      kind === "Namespace" ? metadata.name : [],
    ),
  );
  const there = new Set(cluster.list("Namespace").map(({ metadata }) => metadata.name));
  for (const { object } of manifests) {
    const { namespace } = object.metadata;
    if (!namespace || there.has(namespace) || !kindOf(object)?.namespaced) continue;
    there.add(namespace);
    if (named.has(namespace)) continue;
    cluster.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    const sentence = "no document makes it; it is taken to be there";
    const remark = { object: `Namespace ${namespace}`, field: "", sentence };
    cluster.network.bases.push({ assumed: [remark], leftOut: [] });
  }
}

/** A range for Services in which the ClusterIPs lie that documents ask for. */
function rangeFor({ manifests }: Documents): { cidr: string; remark: Remark } | undefined {
  const fixed = manifests.flatMap(({ object }) => {
    const { clusterIP } = object.kind === "Service" ? (object as Service).spec : {};
    const address = clusterIP === undefined ? undefined : readAddress(clusterIP);
    return address?.family === "IPv4" ? [{ object, address }] : [];
  });
  const outside = fixed.find(({ address }) => !parseCIDR(usualRange).contains(address));
  if (!outside) return undefined;
  const candidates = [kubeadmRange, `${parseCIDR(`${outside.address.text}/16`).text}`];
  const cidr = candidates.find((one) =>
    fixed.every(({ address }) => parseCIDR(one).contains(address)),
  );
  if (cidr === undefined) return undefined;
  const sentence = `asks for ${outside.address.text}; Services are taken to have the range ${cidr}`;
  const object = `Service ${namespacedName(outside.object)}`;
  return { cidr, remark: { object, field: "spec.clusterIP", sentence } };
}

const usualRange = defaultRanges(3).serviceCIDR;
/** kubeadm's default, which most clusters have. */
const kubeadmRange = "10.96.0.0/12";

/** Throws where the Pod that is to ask is there, and does not run: with the reason. */
export function refuseIdleClient(cluster: Opened, from: string | undefined): void {
  const [, key] = /^pod\/([^/]+\/[^/]+)$/.exec(from ?? "") ?? [];
  if (key === undefined || cluster.network.sandbox(key)) return;
  const pod = cluster.list("Pod").find((one) => namespacedName(one) === key);
  if (!pod) return; // whoever looks for it says so
  const objects = new Objects({ list: cluster.list.bind(cluster) });
  throw new Error(`from "${from}": ${whyNotReady(objects, pod).sentence}`);
}

/** The request that is meant where no URL is named. Throws where there is no Service. */
export function usualRequest(
  { manifests }: Documents,
  cluster: Opened,
  from?: string,
): { url: string; from: string } {
  const given = manifests.map(({ object }) => object);
  return usualQuestion(cluster.network, given, cluster.list("Service"), articleDomains, from);
}

/** The same for a client outside: the files' own Service by its name, or its address. */
export const defaultURL = (documents: Documents, cluster: Opened): string =>
  usualRequest(documents, cluster, "internet").url;
