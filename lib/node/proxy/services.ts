/**
 * What kube-proxy takes out of Services and EndpointSlices, for one address family: service ports
 * and their endpoints. (pkg/proxy/serviceport.go, endpointslicecache.go)
 */
import {
  canonicalAddress,
  endpoint,
  readAddress,
  readCIDR,
  type CIDR,
  type Family,
} from "../../net/ip.js";
import type { Purpose } from "../../net/dataplane.js";
import { namespacedName } from "../../objects/names.js";
import type { EndpointSlice, Service, ServicePort } from "../../objects/types.js";

export interface ServicePortInfo {
  /** "default/nginx", and with the port's name where it has one: "default/nginx:http". */
  service: string;
  name: string;
  /** Its place in spec.ports. */
  index: number;
  protocol: "tcp" | "udp" | "sctp";
  clusterIP: string;
  port: number;
  nodePort: number;
  externalIPs: readonly string[];
  /** status.loadBalancer's addresses in VIP mode. */
  loadBalancerIPs: readonly string[];
  sourceRanges: readonly CIDR[];
  /** sessionAffinity ClientIP: for how long, in seconds. */
  affinitySeconds: number | undefined;
  internalLocal: boolean;
  externalLocal: boolean;
  healthCheckNodePort: number;
}

export interface EndpointInfo {
  address: string;
  port: number;
  /** "10.1.1.2:80" */
  text: string;
  ready: boolean;
  serving: boolean;
  terminating: boolean;
  nodeName: string | undefined;
  zoneHints: readonly string[];
  nodeHints: readonly string[];
  /** What its rules come from: "EndpointSlice default/nginx-x7k2p", "endpoints[3]". */
  purpose: Purpose;
  /** Its place among the endpoints of its service port. */
  index: number;
}

/** A service port with its endpoints at one moment. */
export interface ServicePortState {
  readonly info: ServicePortInfo;
  readonly endpoints: readonly EndpointInfo[];
}

const ofFamily = (addresses: readonly string[], family: Family): string[] =>
  addresses
    .map((address) => readAddress(address.trim()))
    .filter((address) => address?.family === family)
    .map((address) => address!.text);

/**
 * The Service's ports; none for headless Services, ExternalName, and where it has no address of the
 * family.
 */
export function portsOf(service: Service, family: Family): ServicePortInfo[] {
  const { spec, status } = service;
  const clusterIP =
    spec.type === "ExternalName"
      ? undefined
      : ofFamily(spec.clusterIPs ?? [spec.clusterIP ?? ""], family)[0];
  if (clusterIP === undefined) return [];
  const key = namespacedName(service);
  const external =
    spec.type === "LoadBalancer" || spec.type === "NodePort" || (spec.externalIPs?.length ?? 0) > 0;
  const externalLocal = external && spec.externalTrafficPolicy === "Local";
  const shared = {
    service: key,
    clusterIP,
    externalLocal,
    externalIPs: ofFamily(spec.externalIPs ?? [], family),
    loadBalancerIPs: ofFamily(
      (status?.loadBalancer?.ingress ?? [])
        .filter(({ ipMode }) => ipMode !== "Proxy")
        .map(({ ip = "" }) => ip),
      family,
    ),
    sourceRanges: sourceRangesOf(service, family),
    affinitySeconds:
      spec.sessionAffinity === "ClientIP"
        ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800)
        : undefined,
    internalLocal: spec.internalTrafficPolicy === "Local",
    healthCheckNodePort:
      spec.type === "LoadBalancer" && externalLocal ? (spec.healthCheckNodePort ?? 0) : 0,
  };
  return (spec.ports ?? []).map((port, index) => ({ ...shared, index, ...portInfo(key, port) }));
}

/** None is the same as a range that holds all addresses: everybody may come. */
function sourceRangesOf({ spec }: Service, family: Family): CIDR[] {
  const ranges = (spec.loadBalancerSourceRanges ?? [])
    .map((range) => readCIDR(range.trim()))
    .filter((range) => range?.family === family) as CIDR[];
  return ranges.some(({ length }) => length === 0) ? [] : ranges;
}

const portInfo = (
  key: string,
  { name, port, nodePort = 0, protocol = "TCP" }: ServicePort,
): Pick<ServicePortInfo, "name" | "port" | "nodePort" | "protocol"> => ({
  name: name ? `${key}:${name}` : key,
  port,
  nodePort,
  protocol: protocol.toLowerCase() as ServicePortInfo["protocol"],
});

/**
 * The endpoints of one service port out of its Service's slices, which have its name and its
 * protocol: without duplicates, sorted as text. Slices of another family, and addresses of another
 * family than their slice says, are left out, as kube-proxy leaves them out; `warn` hears of the
 * latter.
 */
export function endpointsOf(
  { name: portName = "", protocol: wanted = "TCP" }: Pick<ServicePort, "name" | "protocol">,
  slices: Iterable<EndpointSlice>,
  family: Family,
  warn?: (problem: string) => void,
): EndpointInfo[] {
  const found = new Map<string, EndpointInfo>();
  for (const slice of slices) {
    if (slice.addressType !== family) continue;
    const cause = `EndpointSlice ${namespacedName(slice)}`;
    for (const { name = "", port, protocol = "TCP" } of slice.ports ?? []) {
      // (pkg/proxy/endpointslicecache.go: a port without a number is ignored)
      if (name !== portName || protocol !== wanted || !port) continue;
      slice.endpoints.forEach((each, index) => {
        const address = canonicalAddress(each.addresses[0] ?? "", family);
        if (address === undefined)
          return warn?.(
            `${cause}: endpoints[${index}].addresses[0] is ${JSON.stringify(each.addresses[0])}, yet addressType is ${family}; kube-proxy ignores it`,
          );
        const text = endpoint(address, port);
        found.set(text, endpointInfo(each, address, port, text, cause, fieldOf(index)));
      });
    }
  }
  const sorted = [...found.values()].sort((x, y) =>
    x.text < y.text ? -1 : x.text > y.text ? 1 : 0,
  );
  sorted.forEach((each, index) => void (each.index = index));
  return sorted;
}

const none: readonly string[] = [];
const fields: string[] = [];
/** "endpoints[3]": one text for all slices. */
const fieldOf = (index: number): string => (fields[index] ??= `endpoints[${index}]`);

function endpointInfo(
  { conditions, nodeName, hints }: EndpointSlice["endpoints"][number],
  address: string,
  port: number,
  text: string,
  object: string,
  field: string,
): EndpointInfo {
  return {
    address,
    port,
    text,
    purpose: { object, field },
    nodeName,
    ready: conditions?.ready ?? true,
    serving: conditions?.serving ?? true,
    terminating: conditions?.terminating ?? false,
    zoneHints: hints?.forZones?.map(({ name }) => name) ?? none,
    nodeHints: hints?.forNodes?.map(({ name }) => name) ?? none,
    index: -1,
  };
}
