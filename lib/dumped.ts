/**
 * What a dump tells by other means than those that a snapshot reads: kube-proxy's configuration in
 * its ConfigMap, Endpoints where there are no EndpointSlices, slices of an older version, Pods and
 * Nodes that are not well. What had to be taken for granted is said.
 */
import { endpointOf, zoneLabel } from "./controllers/endpointslice.js";
import { portsByTemplate } from "./controllers/selection.js";
import { configurationIn, isKubeProxy } from "./dumped-kube-proxy.js";
import { withoutStatus } from "./dumped-statuses.js";
import { inertRemarks } from "./inert.js";
import { emptyBasis, together } from "./journey/basis.js";
import type { Basis, Remark } from "./journey/types.js";
import { keyOf } from "./machinery/informer.js";
import { serviceKeyOf } from "./node/dns.js";
import { kindInfo } from "./objects/kinds.js";
import type { Manifest } from "./objects/manifest.js";
import { ofKind } from "./objects/of-kind.js";
import { received } from "./objects/received.js";
import type { Documents } from "./objects/files.js";
import { condition } from "./objects/pods.js";
import type { Endpoints, EndpointSlice, KubeObject, Node, Pod, Service } from "./objects/types.js";

/** Documents that a snapshot can be made of, and what it will rest on. */
export interface Dumped {
  documents: Documents;
  basis: Basis;
  /** Node -> why nobody knows what its rules are. */
  doubtful: ReadonlyMap<string, Remark>;
  /** Why nobody answers Pods that ask for names. */
  dnsFault: Remark | undefined;
}

export function dumpedDocuments(given: Documents): Dumped {
  const basis = emptyBasis();
  const read = given.manifests.map((one) => ({ ...one, object: complete(one.object) }));
  const stripped = withoutStatus(
    read.map(({ object }) => object),
    basis,
  );
  const old = read.map((one) => ({ ...one, object: stripped.get(one.object) ?? one.object }));
  const objects = old.map(({ object }) => object);
  const kubeProxy = given.kubeProxy ?? configurationIn(objects, basis);
  if (!kubeProxy)
    basis.assumed.push({
      object: "kube-proxy",
      field: "clusterCIDR",
      sentence:
        "the dump has no configuration of kube-proxy's: it is taken to have its defaults (iptables mode, no clusterCIDR)",
    });
  const slices = missingSlices(objects, basis);
  noteStrangers(objects, basis);
  basis.leftOut.push(...inertRemarks(objects, true));
  const more = slices.map((object): Manifest => ({ object, source: "made here", document: 0 }));
  return {
    documents: { manifests: [...old, ...more], ...(kubeProxy && { kubeProxy }) },
    basis: together([basis]),
    doubtful: doubtfulNodes(objects),
    dnsFault: dnsFault([...objects, ...slices]),
  };
}

/** As the API server would give it out: decoded, and in a namespace where its kind is in one. */
function complete(object: KubeObject): KubeObject {
  const whole = received(currentVersion(object));
  if (whole.metadata.namespace || !kindInfo(whole.kind)?.namespaced) return whole;
  return { ...whole, metadata: { ...whole.metadata, namespace: "default" } };
}

/** The Service that Pods ask for names, where it is among the objects and leads to nobody. */
function dnsFault(objects: readonly KubeObject[]): Remark | undefined {
  const service = ofKind<Service>(objects, "Service").find(isClusterDns);
  // of a namespace that was not dumped nothing is known
  const isSeen = objects.some(
    ({ kind, metadata }) =>
      (kind === "Pod" || kind === "EndpointSlice") &&
      metadata.namespace === service?.metadata.namespace,
  );
  if (!service || !isSeen) return undefined;
  const answers = ofKind<EndpointSlice>(objects, "EndpointSlice")
    .filter((slice) => serviceKeyOf(slice) === keyOf(service))
    .some(({ endpoints }) => endpoints.some(isUsable));
  if (answers) return undefined;
  const object = `Service ${keyOf(service)}`;
  const sentence = `nobody answers Pods that ask for names: ${object}, the cluster's DNS, has no endpoint that is ready`;
  return { object, field: "spec.selector", sentence };
}

/** CoreDNS's Service is called kube-dns almost everywhere, and dns-default in OpenShift. */
const isClusterDns = ({ metadata: { labels, name }, spec }: Service): boolean =>
  (labels?.["k8s-app"] === "kube-dns" || name === "kube-dns" || name === "dns-default") &&
  (spec.ports ?? []).some(({ port }) => port === 53);

const isUsable = ({ conditions }: EndpointSlice["endpoints"][number]): boolean =>
  conditions?.ready !== false || (conditions.serving !== false && conditions.terminating === true);

// ---- older versions -----------------------------------------------------------------------------

/** discovery.k8s.io/v1beta1 has an endpoint's node in its topology. */
function currentVersion(object: KubeObject): KubeObject {
  if (object.kind !== "EndpointSlice" || object.apiVersion === "discovery.k8s.io/v1") return object;
  const { endpoints, ...rest } = object as EndpointSlice & KubeObject;
  type Old = EndpointSlice["endpoints"][number] & { topology?: Record<string, string> };
  return {
    ...rest,
    apiVersion: "discovery.k8s.io/v1",
    endpoints: ((endpoints ?? []) as Old[]).map(({ topology = {}, ...endpoint }) => ({
      ...endpoint,
      ...(topology["kubernetes.io/hostname"] && {
        nodeName: endpoint.nodeName ?? topology["kubernetes.io/hostname"],
      }),
    })),
  } as KubeObject;
}

// ---- kube-proxy ---------------------------------------------------------------------------------

const otherProxies = /^(cilium|ovnkube|kube-router|antrea)-/;
const networkPlugins =
  /^(calico-node|cilium|kube-flannel|flannel|weave-net|aws-node|kindnet|antrea-agent|canal|ovnkube-node)/;

const trouble = (pod: Pod): string | undefined => {
  const waiting = pod.status?.containerStatuses?.find(({ state }) => state?.waiting?.reason);
  if (waiting) return waiting.state!.waiting!.reason;
  return condition(pod, "Ready")?.status === "False" ? `not ready` : undefined;
};

function doubtfulNodes(objects: readonly KubeObject[]): Map<string, Remark> {
  const found = new Map<string, Remark>();
  for (const pod of ofKind<Pod>(objects, "Pod").filter(isKubeProxy)) {
    const why = trouble(pod);
    const { nodeName } = pod.spec;
    if (why === undefined || nodeName === undefined) continue;
    found.set(nodeName, {
      object: `Pod ${keyOf(pod)}`,
      field: "status.containerStatuses",
      sentence: `kube-proxy of ${nodeName} is ${why}: the rules of that node are stale or absent, and nobody here knows which`,
    });
  }
  for (const node of ofKind<Node>(objects, "Node")) {
    const other = onWindows(node);
    if (other) found.set(node.metadata.name, other);
    if (condition(node, "Ready")?.status !== "Unknown" || found.has(node.metadata.name)) continue;
    found.set(node.metadata.name, {
      object: `Node ${node.metadata.name}`,
      field: "status.conditions",
      sentence: `Node ${node.metadata.name} has not been heard of (Ready is Unknown): it may be down, or cut off`,
    });
  }
  return found;
}

/** There kube-proxy writes no rules of iptables', but policies of the host's network service. */
export function onWindows({ metadata, status }: Node): Remark | undefined {
  const { labels = {} } = metadata;
  const named = ["kubernetes.io/os", "beta.kubernetes.io/os"].find((key) => labels[key]);
  const info = status?.nodeInfo as { operatingSystem?: string } | undefined;
  if ((named === undefined ? info?.operatingSystem : labels[named]) !== "windows") return undefined;
  const sentence = `Node ${metadata.name} runs Windows: what its kube-proxy does there is not modelled`;
  const field = named === undefined ? "status.nodeInfo" : `metadata.labels["${named}"]`;
  return { object: `Node ${metadata.name}`, field, sentence };
}

/** Who else has a hand in what packets meet. */
function noteStrangers(objects: readonly KubeObject[], basis: Basis): void {
  const pods = ofKind<Pod>(objects, "Pod");
  const other = pods.find(({ metadata }) => otherProxies.test(metadata.name));
  if (other && !pods.some(isKubeProxy))
    basis.assumed.push({
      object: `Pod ${keyOf(other)}`,
      field: "",
      sentence: "the dump has no kube-proxy: its rules are assumed, and may not be there",
    });
  for (const pod of pods.filter(({ metadata }) => networkPlugins.test(metadata.name))) {
    const why = trouble(pod);
    if (why === undefined) continue;
    const sentence = `the network plugin of ${pod.spec.nodeName} is ${why}; its Pods are taken to have their network`;
    basis.leftOut.push({
      object: `Pod ${keyOf(pod)}`,
      field: "status.containerStatuses",
      sentence,
    });
  }
  for (const node of ofKind<Node>(objects, "Node")) {
    if (condition(node, "NetworkUnavailable")?.status === "True")
      basis.assumed.push({
        object: `Node ${node.metadata.name}`,
        field: "status.conditions",
        sentence:
          "its NetworkUnavailable is True: no route may lead to its Pods; they are taken to be reachable",
      });
    const ready = condition(node, "Ready");
    if (ready?.status !== "False") continue;
    const sentence = `it is not ready${ready.reason ? ` (${ready.reason})` : ""}; it is taken to forward packets all the same`;
    basis.assumed.push({
      object: `Node ${node.metadata.name}`,
      field: "status.conditions",
      sentence,
    });
  }
}

// ---- endpoints ----------------------------------------------------------------------------------

/** What a dump without EndpointSlices holds in Endpoints, or in Pods and selectors. */
function missingSlices(objects: readonly KubeObject[], basis: Basis): EndpointSlice[] {
  const slices = ofKind<EndpointSlice>(objects, "EndpointSlice");
  const served = new Set(slices.map(serviceKeyOf));
  const nodes = new Map(ofKind<Node>(objects, "Node").map((one) => [one.metadata.name, one]));
  const endpoints = new Map(
    ofKind<Endpoints>(objects, "Endpoints").map((one) => [keyOf(one), one]),
  );
  return ofKind<Service>(objects, "Service").flatMap((service) => {
    const key = keyOf(service);
    if (served.has(key) || service.spec.type === "ExternalName") return [];
    const own = endpoints.get(key);
    const isMirrored = slices.length > 0 && service.spec.selector !== undefined;
    if (own && !isMirrored) {
      const sentence =
        "the dump has no EndpointSlices of this Service: they are made of its Endpoints";
      basis.assumed.push({ object: `Endpoints ${key}`, field: "subsets", sentence });
      return slicesOf(own);
    }
    if (slices.length > 0 || endpoints.size > 0 || !service.spec.selector) return [];
    const sentence =
      "the dump has neither EndpointSlices nor Endpoints: who answers is taken from its selector and its Pods' readiness";
    basis.assumed.push({ object: `Service ${key}`, field: "spec.selector", sentence });
    return selectedSlices(service, ofKind<Pod>(objects, "Pod"), nodes);
  });
}

/** As the mirroring controller makes them. (pkg/controller/endpointslicemirroring) */
export function slicesOf(endpoints: Endpoints): EndpointSlice[] {
  const { name, namespace = "default" } = endpoints.metadata;
  return (endpoints.subsets ?? []).flatMap(
    ({ addresses = [], notReadyAddresses = [], ports }, i) => {
      const all = [
        ...addresses.map((one) => ({ ...one, ready: true })),
        ...notReadyAddresses.map((one) => ({ ...one, ready: false })),
      ];
      return (["IPv4", "IPv6"] as const).flatMap((addressType): EndpointSlice[] => {
        const own = all.filter(({ ip }) => ip.includes(":") === (addressType === "IPv6"));
        if (own.length === 0) return [];
        return [
          {
            apiVersion: "discovery.k8s.io/v1",
            kind: "EndpointSlice",
            metadata: {
              name: `${name}-${addressType.toLowerCase()}-${i}`,
              namespace,
              labels: {
                "kubernetes.io/service-name": name,
                "endpointslice.kubernetes.io/managed-by":
                  "endpointslicemirroring-controller.k8s.io",
              },
            },
            addressType,
            ports: (ports ?? []).map(({ name = "", port, protocol = "TCP" }) => ({
              name,
              port,
              protocol,
            })),
            endpoints: own.map(({ ip, nodeName, targetRef, hostname, ready }) => ({
              addresses: [ip],
              conditions: { ready, serving: ready, terminating: false },
              ...(nodeName !== undefined && { nodeName }),
              ...(hostname !== undefined && { hostname }),
              ...(targetRef && { targetRef }),
            })),
          },
        ];
      });
    },
  );
}

/** As the EndpointSlice controller would make them of Pods. */
function selectedSlices(
  service: Service,
  pods: readonly Pod[],
  nodes: ReadonlyMap<string, Node>,
): EndpointSlice[] {
  const { name, namespace } = service.metadata;
  const own = pods.filter((pod) => pod.metadata.namespace === namespace);
  const portsOf = portsByTemplate(service);
  const slices = new Map<string, EndpointSlice>();
  for (const addressType of ["IPv4", "IPv6"] as const)
    for (const pod of own) {
      const endpoint = endpointOf(service, pod, addressType, (node) => zoneLabel(nodes.get(node)));
      if (!endpoint) continue;
      const { ports, text } = portsOf(pod);
      const key = `${addressType} ${text}`;
      if (!slices.has(key))
        slices.set(key, {
          apiVersion: "discovery.k8s.io/v1",
          kind: "EndpointSlice",
          metadata: {
            name: `${name}-${slices.size}`,
            ...(namespace !== undefined && { namespace }),
            labels: { "kubernetes.io/service-name": name },
          },
          addressType,
          ports,
          endpoints: [],
        });
      slices.get(key)!.endpoints.push(endpoint);
    }
  return [...slices.values()];
}
