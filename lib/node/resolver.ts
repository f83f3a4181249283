/**
 * What a Pod's /etc/resolv.conf says, as its kubelet writes it: whom it asks for names, and under
 * which names it tries. (pkg/kubelet/network/dns/dns.go, getPodDNSType and GetPodDNS)
 */
import type { Pod } from "../objects/types.js";
import { clusterDomain } from "./dns.js";

export type Resolver =
  /** It asks the cluster's DNS for each of these names in turn. */
  | { asks: "cluster"; namesFor(name: string): string[] }
  /** It asks whom the node asks. */
  | { asks: "node" }
  /** Whom it asks is in spec.dnsConfig, which is not modelled. */
  | { asks: "unknown"; field: string };

/** `hostNetwork` with the policy ClusterFirst, the default, means Default: kubelet falls on. */
export function resolverOf({ metadata, spec }: Pod): Resolver {
  const { dnsPolicy = "ClusterFirst", hostNetwork = false } = spec;
  if (dnsPolicy === "None") return { asks: "unknown", field: "spec.dnsConfig" };
  if (dnsPolicy === "Default" || (dnsPolicy === "ClusterFirst" && hostNetwork))
    return { asks: "node" };
  const namespace = metadata.namespace ?? "default";
  return { asks: "cluster", namesFor: (name) => searchNames(name, searchIn(namespace)) };
}

/**
 * The addresses that a Pod's /etc/hosts has for a name beside its own: nobody is asked for those.
 * (pkg/kubelet/kubelet_pods.go, managedHostsFileContent)
 */
export function hostAliases({ spec }: Pod, host: string): string[] {
  const { hostAliases = [] } = spec as { hostAliases?: { ip: string; hostnames?: string[] }[] };
  const name = host.replace(/\.$/, "").toLowerCase();
  return hostAliases.flatMap(({ ip, hostnames = [] }) => (hostnames.includes(name) ? ip : []));
}

/** A Pod's dnsConfig adds search domains of its own, which are not modelled. */
export const hasDNSConfig = ({ spec }: Pod): boolean => "dnsConfig" in spec;

/** The search list of a Pod's resolv.conf, which has `options ndots:5`, too. */
export const searchIn = (namespace: string): string[] => [
  `${namespace}.svc.${clusterDomain}`,
  `svc.${clusterDomain}`,
  clusterDomain,
];

/** The names under which a resolver tries `name`, in order. (resolv.conf(5)) */
export function searchNames(name: string, search: readonly string[], ndots = 5): string[] {
  if (name.endsWith(".")) return [name];
  const searched = search.map((domain) => `${name}.${domain}`);
  return name.split(".").length > ndots ? [name, ...searched] : [...searched, name];
}
