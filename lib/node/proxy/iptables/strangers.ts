/**
 * A node's pasted rules are not kube-proxy's alone: what is said of these (why.ts) would be wrong
 * of a network plugin's or a firewall's.
 */
import { whyChain } from "./why.js";

/** Whether kube-proxy of today writes such a rule: in a chain of its own, or a jump to one. */
export function isOwn(chain: string, rule: string): boolean {
  const [, to = ""] = / -j (\S+)$/.exec(` ${rule}`) ?? [];
  const decides = isKubeProxys(chain) ? chain : to;
  // KUBE-FIREWALL held the drop of marked packets, too, until 1.25
  return isKubeProxys(decides) && !rule.includes("dropping marked packets");
}

const isKubeProxys = (chain: string): boolean =>
  chain.startsWith("KUBE-") && whyChain(chain) !== undefined;
