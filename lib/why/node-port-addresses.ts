import { familyOf, parseAddress, readCIDR } from "../net/ip.js";
import type { KubeProxyConfiguration } from "../node/proxy/config.js";

/**
 * Whether kube-proxy takes NodePorts at this one of a node's addresses: nodePortAddresses left
 * empty, at all of them; "primary", at the first. (pkg/proxy/util/nodeport_addresses.go)
 */
export function servesNodePorts(
  { nodePortAddresses }: KubeProxyConfiguration,
  own: readonly string[],
  address: string,
): boolean {
  if (nodePortAddresses.length === 0) return true;
  if (nodePortAddresses.includes("primary")) return address === own[0];
  const ranges = nodePortAddresses.map((text) => readCIDR(text.trim()));
  const ofFamily = ranges.filter((range) => range?.family === familyOf(address));
  // ranges of the other family alone leave this one open
  if (ofFamily.length === 0) return true;
  return ofFamily.some((range) => range!.contains(parseAddress(address)));
}
