/**
 * Why a rule, an element or a chain of kube-proxy's nftables mode is there, in one sentence: for
 * readers of a node's rules.
 */
import type { Purpose } from "../../../net/dataplane.js";
import type { Chain, NamedSet, Rule, Statement } from "../../../net/nftables/ruleset.js";
import { expressionText } from "../../../net/nftables/text.js";
import type { Place } from "../places.js";
import { placeOf } from "./names.js";

const places: Readonly<Partial<Record<Place, string>>> = {
  services:
    "Finds where a new connection belongs: one look-up by address, protocol and port in service-ips, one by NodePort in service-nodeports.",
  "external refusals": "Looks a NodePort up among those whose Service has nobody to serve it.",
  refusals: "Refuses what goes to a Service that has nobody to serve it.",
  "firewall drops":
    "Looks a load balancer's address up among those whose Services say who may come.",
  masquerade: "Masquerades the packets that an earlier rule marked, just before they leave.",
  "masquerade mark":
    "Marks a packet, so that the chain masquerading gives it the node's address as its source.",
  "undefined ports":
    "Refuses ports of a ClusterIP that no Service defines, and drops what goes to a ClusterIP that nobody has.",
  external:
    "What traffic from outside to one Service port goes through: NodePort, external IPs and load balancer IPs meet here.",
  firewall:
    "Drops who comes to a load balancer's address and is not named by its Service's loadBalancerSourceRanges.",
  service: "Chooses one of all endpoints of one Service port.",
  "local service": "Chooses one of the endpoints of one Service port that are on this node.",
  endpoint: "One endpoint: rewrites the destination to its address and port.",
};

/** What a chain is for; undefined where it is none of kube-proxy's. */
export function whyChain({ name, base, rules }: Chain): string | undefined {
  if (base) return `At the kernel's hook ${base.hook}, for ${base.type}: hands packets on.`;
  const place = placeOf(name);
  const reason = place && places[place];
  return reason !== undefined && name.includes("/") && rules.length === 0
    ? `Empty: nothing leads here any more, and a later sync deletes it.`
    : reason;
}

/** What a set or a map is for. */
export const whySet = ({ name, comment, data }: NamedSet): string =>
  comment ??
  `${data === undefined ? "Set" : "Map"} ${name}: whom one endpoint served lately, forgotten after the Service's timeout.`;

const from = ({ object, field }: Purpose = {}): string => {
  const source = [object, field].filter(Boolean).join(", ");
  return source ? ` (${source})` : "";
};

/**
 * What a rule does, and in brackets the object and the field that it comes from. `chain`: where it
 * stands.
 */
export const why = (rule: Rule, chain: string): string =>
  `${effectOf(rule, chain)}${from(rule.purpose)}.`;

/** What a rule does that found this element, or that it led to. */
export function whyFound(rule: Rule, element: ElementOf): string {
  const last = rule.statements.at(-1);
  if (last?.kind === "vmap")
    return "name" in last.map ? whyElement(last.map.name, element) : why(rule, "");
  return `Refuses the packet at once: nobody is there to serve it${from(element.purpose)}.`;
}

/** What an element does. */
export function whyElement(set: string, { data, purpose }: ElementOf): string {
  const to = data !== null && typeof data === "object" && "chain" in data ? data.chain : undefined;
  const effect =
    data === undefined
      ? inSets[set as keyof typeof inSets]
      : set.startsWith("no-endpoint")
        ? to === undefined
          ? "Drops what comes here: no endpoint is on this node"
          : "Refuses what comes here at once: the Service has no endpoints"
        : `Hands what comes here to ${String(to)}`;
  return `${effect}${from(purpose)}.`;
}

const inSets = {
  "nodeport-ips": "NodePorts answer on this address",
  "cluster-ips": "A Service has this ClusterIP",
  "hairpin-connections": "An endpoint on this node may reach itself by its Service",
} as const;

type ElementOf = { data?: unknown; purpose?: Purpose | undefined };

function effectOf({ statements, comment }: Rule, chain: string): string {
  const last = statements.at(-1)!;
  const matches = statements.slice(0, -1);
  switch (last.kind) {
    case "vmap":
      return "name" in last.map
        ? `Looks ${expressionText(last.key)} up in ${last.map.name}, and goes where that says`
        : `Takes one of ${last.map.elements.length} by chance, each as likely as the others`;
    case "dnat":
      if (last.address?.kind === "map" && "elements" in last.address.map)
        return `Takes one of ${last.address.map.elements.length} by chance, each as likely as the others, and sends the packet there by rewriting its destination`;
      return `Sends the packet to ${last.address ? expressionText(last.address) : ""}:${last.port ? expressionText(last.port) : ""} by rewriting its destination`;
    case "masquerade":
      if (matches.length > 1 && matches.every(({ kind }) => kind === "match"))
        return "Where a Pod reached itself by its Service, gives the packet the node's own address as its source, so that the answer comes back this way";
      if (matches.length > 1)
        return "Takes the mark off a packet that has it, and gives it the node's own address as its source, so that the answer comes back this way";
      return "Gives the packet the node's own address as its source, so that the answer comes back this way";
    case "set":
      if (chain === "masquerading") return "Takes the mark off again";
      return chain === "mark-for-masquerade"
        ? "Marks the packet for masquerading"
        : masqueradeEffect(placeOf(chain), comment);
    case "update":
      return "Remembers the client, so that its next connection comes here too";
    case "reject":
      return comment === undefined
        ? "Refuses the packet at once"
        : "Refuses what goes to a ClusterIP and found no Service by its port";
    case "drop":
      return chain === "cluster-ips-check"
        ? "Drops what goes to a ClusterIP that no Service has"
        : "Drops who comes from none of these addresses";
    case "return":
      return "Leaves alone what is not marked";
    case "jump":
    case "goto":
      return jumpEffect(last.chain, matches, chain, comment);
    default:
      return "Looks at the packet";
  }
}

function jumpEffect(
  to: string,
  matches: readonly Statement[],
  chain: string,
  comment: string | undefined,
): string {
  const place = placeOf(chain);
  if (place === undefined)
    return `Hands ${matches.length > 0 ? "new connections" : "every packet"} to ${to}`;
  if (to === "mark-for-masquerade") return masqueradeEffect(place, comment);
  if (comment !== undefined)
    return `A short cut for ${comment.replace("short-circuit ", "")}: all endpoints, whatever the policy`;
  if (matches.length > 0) return `Goes on with the endpoint that served this client lately: ${to}`;
  return `Hands the rest to ${to}`;
}

function masqueradeEffect(place: Place | undefined, comment: string | undefined): string {
  if (place === "endpoint")
    return "Where a Pod reached itself by its Service, marks the packet for masquerading";
  if (place !== "external")
    return "Marks what comes to the ClusterIP from elsewhere, so that its answer comes back this way";
  return comment === undefined || comment === "masquerade"
    ? "Marks the packet for masquerading, since it may go on to another node"
    : "Marks what the node itself sends for masquerading";
}
