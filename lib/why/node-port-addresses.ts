import { familyOf, parseAddress, readCIDR } from "../net/ip.js";
import type { KubeProxyConfiguration } from "../node/proxy/config.js";

/**
 * Whether kube-proxy takes NodePorts at this one of a node's addresses: nodePortAddresses left
 * empty, or "all", at all of them; "primary", at the first. (pkg/proxy/util/nodeport_addresses.go)
 */
export function servesNodePorts(
  { nodePortAddresses }: KubeProxyConfiguration,
  own: readonly string[],
  address: string,
): boolean {
  if (nodePortAddresses.length === 0 || nodePortAddresses.includes("all")) return true;
  if (nodePortAddresses.includes("primary") && address === own[0]) return true;
  const [primary, localhost] = ["primary", "localhost"].map((each) =>
    nodePortAddresses.includes(each),
  );
  if (localhost && parseAddress(address).loopback) return true;
  const ranges = nodePortAddresses.map((text) => readCIDR(text.trim()));
  const ofFamily = ranges.filter((range) => range?.family === familyOf(address));
  // ranges of the other family alone leave this one open
  if (ofFamily.length === 0) return !primary && !localhost;
  return ofFamily.some((range) => range!.contains(parseAddress(address)));
}
