/** The files that a kubelet writes into a container. */
import { parseCIDR } from "../net/ip.js";
import type { Pod } from "../objects/types.js";
import type { Sandbox } from "../node/machine.js";
import { clusterDomain } from "../node/dns.js";
import { resolverOf, searchIn } from "../node/resolver.js";

/** (pkg/kubelet/kubelet_pods.go, managedHostsFileContent) */
export function hostsOf({ pod, ips, hostNetwork }: Sandbox, hostname: string): string {
  const { hostAliases = [], subdomain } = pod.spec as {
    hostAliases?: { ip: string; hostnames?: string[] }[];
    subdomain?: string;
  };
  const full = subdomain
    ? `${hostname}.${subdomain}.${pod.metadata.namespace ?? "default"}.svc.${clusterDomain}\t${hostname}`
    : hostname;
  const lines = [
    hostNetwork
      ? "# Kubernetes-managed hosts file (host network)."
      : "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
    ...ips.map((ip) => `${ip}\t${full}`),
    ...(hostAliases.length > 0 ? ["", "# Entries added by HostAliases."] : []),
    ...hostAliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join("\t")}`),
  ];
  return `${lines.join("\n")}\n`;
}

interface DNSConfig {
  nameservers?: string[];
  searches?: string[];
  options?: { name: string; value?: string }[];
}

/**
 * What a Pod's resolver is told; undefined: a machine's own, which asks the internet's DNS.
 * `server`: the address of the cluster's DNS. (pkg/kubelet/network/dns/dns.go, GetPodDNS)
 */
export function resolvConfOf(pod: Pod | undefined, server: string): string {
  const { asks } = pod ? resolverOf(pod) : { asks: "node" };
  const namespace = pod?.metadata.namespace ?? "default";
  const isCluster = asks === "cluster";
  const {
    nameservers = [],
    searches = [],
    options = [],
  } = (pod?.spec as { dnsConfig?: DNSConfig } | undefined)?.dnsConfig ?? {};
  const search = [...(isCluster ? searchIn(namespace) : []), ...searches];
  const own = isCluster ? [server] : asks === "node" ? [nodesServer] : [];
  const given = options.map(({ name, value }) => (value === undefined ? name : `${name}:${value}`));
  const isSet = given.some((each) => each.startsWith("ndots:"));
  const flags = [...(isCluster && !isSet ? ["ndots:5"] : []), ...given];
  const lines = [
    ...(search.length > 0 ? [`search ${[...new Set(search)].join(" ")}`] : []),
    ...[...own, ...nameservers].map((each) => `nameserver ${each}`),
    ...(flags.length > 0 ? [`options ${flags.join(" ")}`] : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** Whom machines ask: an address kept for documentation (RFC 5737). */
export const nodesServer = "192.0.2.53";

/** The cluster's DNS has the tenth address of the Services' range. (kubeadm) */
export function dnsAddressIn(serviceCIDR: string): string {
  return parseCIDR(serviceCIDR.split(",")[0]!).at(10).text;
}
