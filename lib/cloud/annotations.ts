/**
 * Annotations of a Service by which users ask a cloud for a load balancer of another kind. None of
 * them is Kubernetes' own, and each cloud reads others. Those that nobody here reads are told.
 */
import { wishes } from "./provider.js";
import type { Unread } from "../net/load-balancer.js";
import { sourceOf } from "../net/packet.js";
import { internalAnnotations } from "../objects/annotations.js";
import type { Service } from "../objects/types.js";

/** Prefixes by which clouds and their like know their own. */
const ofClouds = [
  "service.beta.kubernetes.io/",
  "service.kubernetes.io/ibm-load-balancer",
  "networking.gke.io/",
  "cloud.google.com/",
  "alb.ingress.kubernetes.io/",
  "loadbalancer.openstack.org/",
  "load-balancer.hetzner.cloud/",
  "kubernetes.digitalocean.com/",
  "oci.oraclecloud.com/",
  "metallb.universe.tf/",
  "metallb.io/",
  "kube-vip.io/",
];

/** What changes nothing of a request's way: names, tags, logs, what the cloud itself notes. */
const harmless =
  /tags|(^|[-/])name$|access-log|load-balancer-id|hostname$|neg-status|resource-group|subnets?$|ip-allocated-from-pool$|vipHost$|security-groups|draining/;

/** What some of them ask for, in words. */
const knownWords: readonly [key: RegExp, value: RegExp, sentence: string][] = [
  [
    /[-/]proxy-protocol$/,
    /^(?!false$)./,
    "the load balancer begins each connection with a PROXY header; whether the process understands it is not modelled",
  ],
  [
    /target-group-attributes$|sticky|stickiness|session-affinity/,
    /stickiness\.enabled=true|^(?!.*=|false$)./,
    "it asks the load balancer for stickiness; here each connection is balanced by itself",
  ],
  [/ssl-cert$/, /./, "TLS ends at the load balancer; here TCP alone is followed"],
  [
    /backend-config$|^alb\.ingress\./,
    /./,
    "it configures a load balancer for HTTP, which is not modelled",
  ],
];

/** `read`: keys that somebody does read, a dump's for one. */
export function unreadAnnotations(
  { metadata: { name, namespace = "default", annotations = {} } }: Service,
  read: readonly string[] = [],
): Unread[] {
  const keys = Object.keys(annotations).filter(
    (key) =>
      ofClouds.some((prefix) => key.startsWith(prefix)) &&
      !harmless.test(key) &&
      !(key in internalAnnotations) &&
      !read.includes(key),
  );
  return keys.map((key) => {
    const value = annotations[key]!;
    const [, , words] =
      knownWords.find(([known, values]) => known.test(key) && values.test(value)) ?? [];
    return {
      object: `Service ${namespace}/${name}`,
      field: `metadata.annotations["${key}"]`,
      sentence: `${key} is ${JSON.stringify(value.slice(0, 60))}: ${words ?? "it asks the cloud for something that is not modelled here"}`,
    };
  });
}

/** The same as a load balancer's part; nothing where nothing was asked. */
export function askedOf(service: Service, read?: readonly string[]): { unread?: Unread[] } {
  const unread = unreadAnnotations(service, read);
  return unread.length > 0 ? { unread } : {};
}

/**
 * A classic load balancer's, which may begin its connections with a line that names the client.
 * (haproxy: doc/proxy-protocol.txt)
 */
const askedOfProxy: (typeof wishes)["proxied"] = (service, annotation) => ({
  ...askedOf(service),
  ...(/^(\*|true|v\d)$/.test(service.metadata.annotations?.[annotation] ?? "") && {
    words: {
      picked: (_target, healthy, packet) =>
        `one of ${healthy} healthy targets; the load balancer opens a connection of its own to it, which begins with a PROXY header that names ${sourceOf(packet)}`,
    },
  }),
});

Object.assign(wishes, { unread: askedOf, proxied: askedOfProxy } satisfies typeof wishes);
