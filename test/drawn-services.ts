/**
 * Nodes, Services and EndpointSlices drawn at random, as a kube-proxy meets them: all types, both
 * families, policies, affinity, source ranges, hints, endpoints that end or are not ready. Each set
 * is one that an API server takes.
 *
 *     const [set] = fc.sample(objectSet, { numRuns: 1, seed: 7 });
 *     set.kubeProxy; set.objects; set.change;        // one of the objects, as it becomes later
 *
 * No two Services claim the same address and port: who has it then is up to the order of Go's maps.
 */
import fc from "fast-check";
import type { EndpointSlice, KubeObject, Node, Service } from "stopover";

export interface ObjectSet {
  /** A KubeProxyConfiguration, as JSON. */
  readonly kubeProxy: string;
  readonly objects: readonly KubeObject[];
  /** One Service or EndpointSlice of them, as it becomes. */
  readonly change: KubeObject;
}

type Family = "IPv4" | "IPv6";
type Endpoint = EndpointSlice["endpoints"][number];

const nodeNames = ["node-a", "node-b", "node-c"] as const;
const zones = ["zone-a", "zone-b", "zone-c"] as const;

const sometimes = (times: number): fc.Arbitrary<boolean> =>
  fc.integer({ min: 1, max: times }).map((n) => n === times);
const oneOf = fc.constantFrom;

// ---- nodes and kube-proxy -----------------------------------------------------------------------

function nodeOf(index: number, families: readonly Family[], more: boolean, zoned: boolean): Node {
  const name = nodeNames[index]!;
  const number = index + 1;
  const own = families.map((family) =>
    family === "IPv4" ? `192.168.0.${number}` : `fd00:192:168::${number}`,
  );
  const others = families.map((family) =>
    family === "IPv4" ? `192.168.7.${number}` : `fd00:192:168:7::${number}`,
  );
  const podCIDRs = families.map((family) =>
    family === "IPv4" ? `10.1.${number}.0/24` : `fd00:10:1:${number}::/64`,
  );
  const labels: Record<string, string> = { "kubernetes.io/hostname": name };
  if (zoned) labels["topology.kubernetes.io/zone"] = zones[index]!;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels },
    spec: { podCIDR: podCIDRs[0]!, podCIDRs },
    status: {
      addresses: [...own, ...(more ? others : [])].map((address) => ({
        type: "InternalIP",
        address,
      })),
    },
  };
}

const ranges = { IPv4: "10.1.0.0/16", IPv6: "fd00:10:1::/48" } as const;

const configuration = (families: readonly Family[]): fc.Arbitrary<string> => {
  const clusterCIDR = families.map((family) => ranges[family]).join(",");
  const local = oneOf(
    { clusterCIDR },
    { clusterCIDR },
    { clusterCIDR: "" },
    { clusterCIDR, detectLocalMode: "NodeCIDR" },
    { detectLocalMode: "BridgeInterface", detectLocal: { bridgeInterface: "cni0" } },
    { detectLocalMode: "InterfaceNamePrefix", detectLocal: { interfaceNamePrefix: "veth" } },
  );
  const forIPv4 = [["192.168.0.0/24"], ["192.168.0.0/16", "127.0.0.0/8"], ["0.0.0.0/0"]];
  const forIPv6 = [["fd00:192:168::/48"], ["fd00:192:168::/64", "::1/128"], ["::/0"]];
  const forBoth = [["192.168.0.0/24", "fd00:192:168::/64"], ["fd00:192:168::/48"]];
  const nodePortAddresses = oneOf<string[]>(
    [],
    [],
    ["primary"],
    ...(families.length === 2
      ? [...forIPv4, ...forBoth]
      : families[0] === "IPv4"
        ? forIPv4
        : forIPv6),
  );
  const nftables = fc.record({
    masqueradeAll: sometimes(6),
    masqueradeBit: oneOf(14, 14, 14, 0, 31),
  });
  return fc.tuple(local, nodePortAddresses, nftables).map(([detector, addresses, own]) =>
    JSON.stringify({
      apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
      kind: "KubeProxyConfiguration",
      mode: "nftables",
      ...detector,
      nodePortAddresses: addresses,
      nftables: own,
      iptables: own,
    }),
  );
};

// ---- Services -----------------------------------------------------------------------------------

/** "10.96.1.7" or "fd00:10:96::1a": an address that no other Service has. */
const clusterIP = (family: Family, index: number): string =>
  family === "IPv4" ? `10.96.${index + 1}.${index + 7}` : `fd00:10:96::${index + 1}a`;
/** The k-th address outside that is this Service's alone. */
const outside = (family: Family, index: number, k: number): string =>
  family === "IPv4" ? `203.0.113.${10 * index + k}` : `2001:db8:113::${index + 1}:${k + 1}`;

const sourceRanges: Record<Family, readonly string[]> = {
  IPv4: [
    ...["10.0.0.0/8", "10.1.0.0/16", "192.168.0.0/24", "192.168.1.0/24", "198.51.100.7/32"],
    ...["172.16.0.0/12", "0.0.0.0/0"],
  ],
  IPv6: ["fd00::/8", "2001:db8::/32", "2001:db8:1::/48", "2001:db8:7::7/128"],
};

const policy = oneOf("Cluster" as const, "Local" as const);

interface Place {
  index: number;
  namespace: string;
  families: readonly Family[];
}

function ingress({ index, families }: Place): fc.Arbitrary<object[]> {
  const one = fc
    .tuple(fc.integer({ min: 0, max: 2 }), oneOf(...families), oneOf(undefined, "VIP", "Proxy"))
    .map(([k, family, ipMode]) => ({
      ip: outside(family, index, k),
      ...(ipMode !== undefined && { ipMode }),
    }));
  const named = fc.constant({ hostname: "lb.example.com" });
  return fc.uniqueArray(fc.oneof({ arbitrary: one, weight: 6 }, { arbitrary: named, weight: 1 }), {
    maxLength: 3,
    selector: (each) => ("ip" in each ? each.ip : each.hostname),
  });
}

const portsFor = (index: number): fc.Arbitrary<object[]> =>
  fc
    .tuple(
      fc.array(fc.tuple(oneOf("TCP", "UDP", "SCTP", "TCP"), fc.integer({ min: 1, max: 9000 })), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.boolean(),
    )
    .map(([drawn, named]) =>
      drawn.map(([protocol, port], k) => ({
        ...((named || drawn.length > 1) && { name: ["http", "dns", "metrics-long-name"][k] }),
        protocol,
        port: port + 9000 * k,
        targetPort: 8080 + k,
        nodePort: 30000 + 10 * index + k,
      })),
    );

const longName = "a-name-that-is-as-long-as-a-name-of-a-service-may-be-in-all-63c";

function serviceAt(place: Place): fc.Arbitrary<Service> {
  const { index, namespace, families } = place;
  const ofBoth = families.flatMap((family) => sourceRanges[family]);
  return fc
    .record({
      name: oneOf(`web${index}`, `web${index}`, `${longName.slice(0, 60)}-${index}`),
      type: oneOf("ClusterIP", "NodePort", "LoadBalancer", "LoadBalancer", "other"),
      other: oneOf("headless", "ExternalName", "another proxy's"),
      own:
        families.length === 2
          ? oneOf(families, [...families].reverse(), ...families.map((f) => [f]))
          : fc.constant(families),
      ports: portsFor(index),
      externalIPs: fc.uniqueArray(
        fc
          .tuple(oneOf(...families), fc.integer({ min: 0, max: 2 }))
          .map(([family, k]) => outside(family, index, k)),
        { minLength: 1, maxLength: 2 },
      ),
      hasExternalIPs: sometimes(3),
      ranges: fc.uniqueArray(oneOf(...ofBoth), { minLength: 1, maxLength: 4 }),
      hasRanges: sometimes(3),
      externalTrafficPolicy: policy,
      internalTrafficPolicy: oneOf("Cluster", "Cluster", "Local"),
      affinity: sometimes(3),
      timeoutSeconds: oneOf(10800, 60, 86400, 1),
      distribution: oneOf(undefined, "PreferClose", "PreferSameZone", "PreferSameNode"),
      nodePorts: fc.integer({ min: 1, max: 5 }).map((n) => n > 1),
      balancers: ingress(place),
    })
    .map((drawn) => {
      const type = drawn.type === "other" ? "ClusterIP" : drawn.type;
      const isExternal = type !== "ClusterIP" || drawn.hasExternalIPs;
      const balanced = type === "LoadBalancer";
      const hasNodePorts = type === "NodePort" || (balanced && drawn.nodePorts);
      const ports = drawn.ports.map((port) => {
        const { nodePort, ...rest } = port as { nodePort: number };
        return { ...rest, ...(hasNodePorts && { nodePort }) };
      });
      const clusterIPs = drawn.own.map((family) => clusterIP(family, index));
      const metadata = { name: drawn.name, namespace };
      const spec = {
        type,
        ports,
        clusterIP: clusterIPs[0],
        clusterIPs,
        ipFamilies: drawn.own,
        ipFamilyPolicy: drawn.own.length === 2 ? "RequireDualStack" : "SingleStack",
        internalTrafficPolicy: drawn.internalTrafficPolicy,
        ...(isExternal && { externalTrafficPolicy: drawn.externalTrafficPolicy }),
        ...(drawn.hasExternalIPs && { externalIPs: drawn.externalIPs }),
        ...(balanced && drawn.hasRanges && { loadBalancerSourceRanges: drawn.ranges }),
        ...(balanced && { allocateLoadBalancerNodePorts: drawn.nodePorts }),
        ...(balanced &&
          drawn.externalTrafficPolicy === "Local" && { healthCheckNodePort: 32000 + index }),
        ...(drawn.affinity && {
          sessionAffinity: "ClientIP",
          sessionAffinityConfig: { clientIP: { timeoutSeconds: drawn.timeoutSeconds } },
        }),
        ...(drawn.distribution !== undefined && { trafficDistribution: drawn.distribution }),
      };
      const service = {
        apiVersion: "v1",
        kind: "Service",
        metadata,
        spec,
        ...(balanced && { status: { loadBalancer: { ingress: drawn.balancers } } }),
      } as unknown as Service;
      return drawn.type === "other" ? oddOne(service, drawn.other) : service;
    });
}

/** Of a Service that kube-proxy does not serve. */
function oddOne(service: Service, what: string): Service {
  const { metadata, spec } = service;
  switch (what) {
    case "headless":
      return { ...service, spec: { ports: spec.ports!, clusterIP: "None", clusterIPs: ["None"] } };
    case "ExternalName":
      return { ...service, spec: { type: "ExternalName", externalName: "www.example.com" } };
    default: {
      const labels = { "service.kubernetes.io/service-proxy-name": "another" };
      return { ...service, metadata: { ...metadata, labels } };
    }
  }
}

// ---- EndpointSlices -----------------------------------------------------------------------------

/** Each has conditions as a kubelet's Pods have them, and some that are told in part. */
const conditions = oneOf(
  ...Array.from({ length: 6 }, () => ({ ready: true, serving: true, terminating: false })),
  { ready: false, serving: true, terminating: true },
  { ready: false, serving: true, terminating: true },
  { ready: false, serving: false, terminating: true },
  { ready: false, serving: false, terminating: false },
  { ready: false },
  { ready: true },
  {},
);

const endpointIn = (family: Family, k: number, hinted: Hinted): fc.Arbitrary<Endpoint> =>
  fc
    .record({
      node: fc.integer({ min: 0, max: 2 }),
      isHost: sometimes(12),
      isNowhere: sometimes(15),
      conditions,
      forZones: fc.subarray([...zones], { minLength: 1 }),
      forNodes: fc.subarray([...nodeNames], { minLength: 1, maxLength: 1 }),
      isHinted: fc.integer({ min: 1, max: 10 }).map((n) => n > 1),
    })
    .map(({ node, isHost, isNowhere, conditions, forZones, forNodes, isHinted }) => {
      const pod = family === "IPv4" ? `10.1.${node + 1}.${k}` : `fd00:10:1:${node + 1}::${k}`;
      const host = family === "IPv4" ? `192.168.0.${node + 1}` : `fd00:192:168::${node + 1}`;
      const hints = {
        ...(hinted !== "nodes" && { forZones: forZones.map((name) => ({ name })) }),
        ...(hinted !== "zones" && { forNodes: forNodes.map((name) => ({ name })) }),
      };
      return {
        addresses: [isHost && k % 10 === 2 ? host : pod],
        conditions,
        ...(!isNowhere && { nodeName: nodeNames[node]!, zone: zones[node]! }),
        ...(hinted !== "none" && isHinted && { hints }),
      };
    });

type Hinted = "none" | "zones" | "nodes" | "both";
const hinting = oneOf<Hinted>("none", "none", "none", "zones", "nodes", "both");

/** So many endpoints of one slice, none at an address of another slice of the Service. */
const endpointsOf = (family: Family, slice: number, hinted: Hinted): fc.Arbitrary<Endpoint[]> =>
  fc
    .integer({ min: 0, max: 5 })
    .chain((count) =>
      fc.tuple(
        ...Array.from({ length: count }, (_, k) => endpointIn(family, 10 * slice + k + 2, hinted)),
      ),
    );

const slicePorts = (service: Service): fc.Arbitrary<object[]> =>
  fc
    .tuple(sometimes(12), sometimes(12), oneOf(8080, 80, 9376))
    .map(([isMisnamed, isPortless, port]) =>
      (service.spec.ports ?? []).map(({ name, protocol = "TCP" }, k) => ({
        ...(name !== undefined && { name: isMisnamed ? `${name}-x` : name }),
        protocol,
        ...(!(isPortless && k === 0) && { port: port + k }),
      })),
    );

function slicesOf(service: Service, all: readonly Family[]): fc.Arbitrary<EndpointSlice[]> {
  if (service.spec.type === "ExternalName") return fc.constant([]);
  const { name, namespace = "default", labels } = service.metadata;
  const own = service.spec.ipFamilies ?? all;
  const one = (family: Family, slice: number, hinted: Hinted): fc.Arbitrary<EndpointSlice> =>
    fc.tuple(endpointsOf(family, slice, hinted), slicePorts(service)).map(([endpoints, ports]) => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `${name}-${family.toLowerCase()}-${slice}`,
        namespace,
        labels: {
          ...labels,
          "kubernetes.io/service-name": name,
          ...(service.spec.clusterIP === "None" && { "service.kubernetes.io/headless": "" }),
        },
      },
      addressType: family,
      endpoints,
      ports,
    }));
  return fc
    .tuple(
      hinting,
      oneOf(1, 1, 1, 2, 0),
      // of a family that the Service does not have, too
      sometimes(8).map((other) => (other ? all : own)),
    )
    .chain(([hinted, count, families]) =>
      fc.tuple(
        ...families.flatMap((family) =>
          Array.from({ length: count }, (_, slice) => one(family, slice, hinted)),
        ),
      ),
    );
}

// ---- a set, and what becomes of it --------------------------------------------------------------

const families = oneOf<readonly Family[]>(["IPv4"], ["IPv4"], ["IPv6"], ["IPv4", "IPv6"]);

export const objectSet: fc.Arbitrary<ObjectSet> = families.chain((all) =>
  fc
    .record({
      kubeProxy: configuration(all),
      more: sometimes(3),
      zoned: fc.integer({ min: 1, max: 8 }).map((n) => n > 1),
      services: fc
        .integer({ min: 1, max: 4 })
        .chain((count) =>
          fc.tuple(...Array.from({ length: count }, (_, index) => serviceWithSlices(index, all))),
        ),
    })
    .chain(({ kubeProxy, more, zoned, services }) => {
      const nodes = nodeNames.map((_, index) => nodeOf(index, all, more, zoned));
      const objects = [...nodes, ...services.flat()];
      return changeOf(services.flat(), all).map((change) => ({ kubeProxy, objects, change }));
    }),
);

const serviceWithSlices = (
  index: number,
  families: readonly Family[],
): fc.Arbitrary<KubeObject[]> =>
  oneOf("default", "default", "shop")
    .chain((namespace) => serviceAt({ index, namespace, families }))
    .chain((service) => slicesOf(service, families).map((slices) => [service, ...slices]));

function changeOf(
  objects: readonly KubeObject[],
  all: readonly Family[],
): fc.Arbitrary<KubeObject> {
  return oneOf(...objects).chain((object): fc.Arbitrary<KubeObject> => {
    if (object.kind === "Service") return changedService(object as Service);
    const slice = object as EndpointSlice;
    const family = slice.addressType as Family;
    const number = Number(slice.metadata.name.split("-").at(-1));
    return hinting
      .chain((hinted) => endpointsOf(all.includes(family) ? family : "IPv4", number, hinted))
      .map((endpoints) => ({ ...slice, endpoints }));
  });
}

const changedService = (service: Service): fc.Arbitrary<Service> =>
  fc
    .record({
      sessionAffinity: oneOf("None", "ClientIP"),
      internalTrafficPolicy: policy,
    })
    .map(({ sessionAffinity, internalTrafficPolicy }) => {
      const { type, clusterIP } = service.spec;
      if (type === "ExternalName" || clusterIP === "None") return service;
      const { sessionAffinityConfig: _, ...spec } = service.spec;
      return {
        ...service,
        spec: { ...spec, internalTrafficPolicy, sessionAffinity },
      };
    });
