/**
 * What a Service asks of AWS's Network Load Balancer about its clients' addresses; in a dump, too.
 * (aws-load-balancer-controller: docs/guide/service/annotations.md)
 */
import type { Words } from "../net/load-balancer.js";
import { sourceOf } from "../net/packet.js";
import type { Service } from "../objects/types.js";

export const prefix = "service.beta.kubernetes.io/aws-load-balancer";
const attributesRead = ["preserve_client_ip.enabled", "load_balancing.cross_zone.enabled"];

/**
 * Whether its load balancer is one: by its class, its annotation, or the name that AWS gives it.
 */
export function isNlb({ spec, metadata: { annotations = {} }, status }: Service): boolean {
  return (
    spec.loadBalancerClass === "service.k8s.aws/nlb" ||
    /^(external|nlb|nlb-ip)$/.test(annotations[`${prefix}-type`] ?? "") ||
    (status?.loadBalancer?.ingress ?? []).some(({ hostname = "" }) =>
      // a classic one's is NAME.REGION.elb.amazonaws.com
      /\.elb\.[a-z]+(-[a-z]+)+-\d\.amazonaws\.com/.test(hostname),
    )
  );
}

/** "key=value,key=value" */
function attributesIn({ metadata: { annotations = {} } }: Service): Map<string, string> {
  const texts = ["target-group-attributes", "attributes"].map(
    (suffix) => annotations[`${prefix}-${suffix}`] ?? "",
  );
  const pairs = texts.flatMap((text) => text.split(",").map((pair) => pair.trim().split("=")));
  return new Map(pairs.map(([key = "", value = ""]) => [key, value]));
}

export const isOn = (service: Service, attribute: string): boolean =>
  attributesIn(service).get(attribute) === "true";

/** The annotations of which every attribute is read. */
export function attributesUnderstood({ metadata }: Service): string[] {
  return [`${prefix}-target-group-attributes`, `${prefix}-attributes`].filter((key) =>
    (metadata.annotations?.[key] ?? "")
      .split(",")
      .every((pair) => attributesRead.includes(pair.split("=")[0]!.trim())),
  );
}

/**
 * Whether targets see the client's address: always over UDP; over TCP as the attribute says, which
 * is on for instance targets and off for IP targets unless it is set.
 */
export function keepsClient(service: Service, toPods: boolean, protocol: string): boolean {
  const asked = attributesIn(service).get("preserve_client_ip.enabled");
  return protocol !== "TCP" || (asked === undefined ? !toPods : asked === "true");
}

/** Whether each connection begins with a PROXY header, version 2. */
const beginsWithProxyHeader = (service: Service): boolean =>
  service.metadata.annotations?.[`${prefix}-proxy-protocol`] === "*" ||
  isOn(service, "proxy_protocol_v2.enabled");

/** `where`: which of its targets, as a sentence goes on. */
export function nlbWords(service: Service, toPods: boolean, where: string): Words {
  const kept = (protocol: string): string =>
    keepsClient(service, toPods, protocol)
      ? "it rewrites the destination and keeps the client's address"
      : "it takes an address of its own for the client's";
  const header = (client: string): string =>
    beginsWithProxyHeader(service)
      ? `; the connection begins with a PROXY header (v2) that names ${client}`
      : "";
  return {
    picked: (_target, healthy, packet) =>
      `one of ${healthy} healthy ${toPods ? "Pods" : "nodes"}${where}; ${kept(packet.protocol)}${header(sourceOf(packet))}`,
  };
}
