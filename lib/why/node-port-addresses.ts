import { familyOf, parseAddress } from "../net/ip.js";
import {
  configFor,
  configOn,
  nodePortIPs,
  type KubeProxyConfiguration,
} from "../node/proxy/config.js";

/** Whether kube-proxy takes NodePorts at this one of a node's addresses, or at a loopback one. */
export function servesNodePorts(
  kubeProxy: KubeProxyConfiguration,
  own: readonly string[],
  address: string,
): boolean {
  const family = familyOf(address);
  const nodeIP = own.find((each) => familyOf(each) === family);
  const view = { name: "", addresses: [...own, address], nodeIP };
  const { text: asked } = parseAddress(address);
  const config = configOn(view, configFor(family, kubeProxy));
  return nodePortIPs(view, config).some(({ text }) => text === asked);
}
