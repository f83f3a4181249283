/**
 * Why a rule or a chain is there, in one sentence: for readers of a node's rules.
 *
 *     why(rule, "KUBE-SEP-JQBLTV6HHIIKRUKZ")
 *     // "Sends the packet to 10.1.1.2:80 by rewriting its destination (EndpointSlice
 *     // default/nginx-x7k2p, endpoints[0])."
 */
import type { Rule } from "../../../net/iptables/rule.js";
import type { Match } from "../../../net/iptables/syntax.js";
import { natTo } from "../../../net/iptables/text.js";
import { canary } from "./names.js";

const chains: readonly (readonly [RegExp, string])[] = [
  [
    /^KUBE-SERVICES$/,
    "Holds the addresses of all Services (nat: where to send their traffic; filter: what to refuse); every new connection passes it.",
  ],
  [
    /^KUBE-NODEPORTS$/,
    "Holds all NodePorts (in filter: the health check ports); only traffic to an address of the node itself comes here.",
  ],
  [
    /^KUBE-EXTERNAL-SERVICES$/,
    "Refuses traffic from outside to Services that have no endpoint it could go to.",
  ],
  [
    /^KUBE-FORWARD$/,
    "Lets Service traffic pass through the node, and drops what conntrack cannot make sense of.",
  ],
  [
    /^KUBE-PROXY-FIREWALL$/,
    "Drops traffic to a load balancer's address that its Service's loadBalancerSourceRanges did not admit.",
  ],
  [
    /^KUBE-FIREWALL$/,
    "Protects the node's loopback addresses, which NodePorts on localhost make routable.",
  ],
  [
    /^KUBE-POSTROUTING$/,
    "Masquerades the packets that an earlier rule marked, just before they leave.",
  ],
  [
    /^KUBE-MARK-MASQ$/,
    "Marks a packet, so that KUBE-POSTROUTING gives it the node's address as its source.",
  ],
  [
    new RegExp(`^${canary}$`),
    "Holds nothing. kube-proxy looks for it, to notice that somebody flushed the tables.",
  ],
  [
    /^KUBE-EXT-/,
    "What traffic from outside to one Service port goes through: NodePort, external IPs and load balancer IPs meet here.",
  ],
  [
    /^KUBE-FW-/,
    "Admits to a load balancer's address only who its Service's loadBalancerSourceRanges name.",
  ],
  [/^KUBE-SVC-/, "Chooses one of all endpoints of one Service port."],
  [/^KUBE-SVL-/, "Chooses one of the endpoints of one Service port that are on this node."],
  [/^KUBE-SEP-/, "One endpoint: rewrites the destination to its address and port."],
  [/^PREROUTING$/, "Built in: every packet that arrives, before it is routed."],
  [/^INPUT$/, "Built in: packets for the node itself."],
  [/^FORWARD$/, "Built in: packets that pass through the node."],
  [/^OUTPUT$/, "Built in: packets that the node's own processes send."],
  [/^POSTROUTING$/, "Built in: every packet that leaves, after it was routed."],
];

/** What a chain is for; undefined where it is none of kube-proxy's or the kernel's. */
export const whyChain = (name: string): string | undefined =>
  chains.find(([pattern]) => pattern.test(name))?.[1];

/**
 * What a rule of kube-proxy's does, and in brackets the object and the field that it comes from.
 */
export function why(rule: Rule, chain: string): string {
  const { object, field } = rule.purpose ?? {};
  const source = [object, field].filter(Boolean).join(", ");
  return `${effectOf(rule, chain)}${source ? ` (${source})` : ""}.`;
}

const find = <K extends Match["kind"]>(
  matches: readonly Match[],
  kind: K,
): (Match & { kind: K }) | undefined =>
  matches.find((match): match is Match & { kind: K } => match.kind === kind);

function effectOf({ matches, target }: Rule, chain: string): string {
  const text = find(matches, "comment")?.text ?? "";
  const port = find(matches, "dport");
  const address = find(matches, "destination");
  const what = port
    ? `traffic to ${address ? `${address.cidr} ` : ""}port ${port.low}`
    : "the packet";
  switch (target?.kind) {
    case undefined:
      return "Does nothing: it tells readers that no rule before it admitted the client, so that KUBE-PROXY-FIREWALL will drop the packet";
    case "DNAT":
      return `Sends the packet to ${natTo(target)} by rewriting its destination`;
    case "MASQUERADE":
      return "Gives the packet the node's own address as its source, so that the answer comes back this way";
    case "REJECT":
      return `Refuses ${what} at once, since the Service has no endpoints`;
    case "DROP":
      return dropEffect(chain, text, what);
    case "ACCEPT":
      return acceptEffect(matches, what);
    case "RETURN":
      return "Leaves alone what is not marked";
    case "MARK":
      return target.mask === 0 ? "Takes the mark off again" : "Marks the packet for masquerading";
    case "jump":
      return jumpEffect(
        target.chain,
        matches.map(({ kind }) => kind),
        what,
        chain,
        text,
      );
    default:
      return `Hands ${what} to ${target!.kind}`;
  }
}

function dropEffect(chain: string, text: string, what: string): string {
  if (text.endsWith("has no local endpoints"))
    return `Drops ${what}: the traffic policy is Local, and no endpoint of the Service is on this node`;
  if (chain === "KUBE-PROXY-FIREWALL")
    return `Drops ${what} that the Service's source ranges did not admit`;
  if (chain === "KUBE-FORWARD")
    return "Drops what conntrack cannot make sense of, lest it slip through untranslated";
  return chain === "KUBE-FIREWALL"
    ? "Drops what comes from outside and wants the node's loopback addresses"
    : `Drops ${what}`;
}

function acceptEffect(matches: readonly Match[], what: string): string {
  if (find(matches, "mark")) return "Lets marked Service traffic pass through the node";
  return find(matches, "conntrack")
    ? "Lets later packets of known connections pass, both ways"
    : `Lets ${what} in, for health checks`;
}

function jumpEffect(
  to: string,
  kinds: readonly string[],
  what: string,
  chain: string,
  text: string,
): string {
  if (!chain.startsWith("KUBE-")) return `Begins a part of kube-proxy's: ${to}`;
  if (to === "KUBE-MARK-MASQ" && chain.startsWith("KUBE-SEP-"))
    return "Masquerades what an endpoint sends to itself, which would not come back otherwise";
  if (to === "KUBE-MARK-MASQ" && chain.startsWith("KUBE-EXT-"))
    return `Masquerades ${kinds.includes("addrtype") ? "what the node itself sends" : "traffic from outside"}, since its answer must come back through this node`;
  if (to === "KUBE-MARK-MASQ") return "Masquerades traffic that does not come from a Pod";
  if (to.startsWith("KUBE-SEP-") && kinds.includes("recent"))
    return "Sends a client that came before to the same endpoint again";
  if (to.startsWith("KUBE-SEP-"))
    return `Sends ${kinds.includes("statistic") ? "its share of" : "all remaining"} connections to one endpoint${text.includes("->") ? ` (${text.split("-> ")[1]})` : ""}`;
  if (chain.startsWith("KUBE-FW-")) return "Admits these clients";
  if (chain.startsWith("KUBE-EXT-") && kinds.includes("addrtype"))
    return "Takes what the node itself sends straight to all endpoints";
  if (chain.startsWith("KUBE-EXT-") && kinds.length > 0)
    return "Takes what Pods send straight to all endpoints, as if it had gone out to the load balancer and come back";
  if (chain.startsWith("KUBE-EXT-")) return "Goes on to choose an endpoint";
  if (to === "KUBE-NODEPORTS")
    return "Tries the NodePorts, for traffic to an address of this node; after all Services, so it stands last";
  return `Takes ${what} to the chains of its Service port`;
}
