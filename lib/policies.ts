/**
 * NetworkPolicies are noticed and not evaluated: where one may decide whether a connection is let
 * in, the verdict is that nobody here knows. (kubernetes: networking.k8s.io/v1)
 */
import type { Doubt, ListOf } from "./journey/network.js";
import { nameOf } from "./journey/origin.js";
import type { Party } from "./journey/party.js";
import type { Remark } from "./journey/types.js";
import type { Packet } from "./net/packet.js";
import { matches } from "./objects/selectors.js";
import type { KubeObject, LabelSelector, Pod } from "./objects/types.js";

/** As far as it is read here. */
interface NetworkPolicy extends KubeObject {
  spec?: {
    podSelector?: LabelSelector;
    policyTypes?: string[];
    ingress?: Rule[];
    egress?: Rule[];
  };
}

interface Rule {
  from?: unknown[];
  to?: unknown[];
  ports?: { port?: number | string; endPort?: number; protocol?: string }[];
}

type Direction = "Ingress" | "Egress";

/** Of the policies there are at the time. */
export const policyDoubt =
  (list: ListOf): Doubt =>
  (opener, by, packet) => {
    const all = list("NetworkPolicy") as readonly NetworkPolicy[];
    if (all.length === 0 || isSameHouse(opener, by)) return undefined;
    return (
      decidedBy(all, "Egress", podOf(opener), opener, packet) ??
      decidedBy(all, "Ingress", podOf(by), opener, packet)
    );
  };

/** A Pod's own node gets in always, and nobody is kept from itself. */
const isSameHouse = (opener: Party, by: Party): boolean =>
  opener.kind !== "outside" &&
  opener.kind !== "load-balancer" &&
  by.kind === "pod" &&
  ((opener.kind === "node" && !opener.pod && opener.machine === by.machine) ||
    (opener.kind === "pod" && opener.sandbox === by.sandbox));

/** Policies say nothing of Pods in a node's network. */
const podOf = (party: Party): Pod | undefined =>
  party.kind === "pod" ? party.sandbox.pod : undefined;

function decidedBy(
  policies: readonly NetworkPolicy[],
  direction: Direction,
  pod: Pod | undefined,
  opener: Party,
  packet: Packet,
): Remark | undefined {
  if (!pod) return undefined;
  const namespace = pod.metadata.namespace ?? "default";
  const own = policies.filter(
    ({ metadata, spec = {} }) =>
      (metadata.namespace ?? "default") === namespace &&
      typesOf(spec).includes(direction) &&
      matches(spec.podSelector ?? {}, pod.metadata.labels ?? {}),
  );
  const [first] = own;
  if (
    !first ||
    own.some(({ spec }) => rulesOf(spec, direction).some((rule) => isOpen(rule, packet)))
  )
    return undefined;
  const field = rulesOf(first.spec, direction).length > 0 ? direction.toLowerCase() : "policyTypes";
  const object = `NetworkPolicy ${namespace}/${first.metadata.name}`;
  const who = direction === "Ingress" ? `from ${nameOf(opener)}` : `to ${packet.destination}`;
  const sentence = `${object} selects Pod ${namespace}/${pod.metadata.name} and decides whether it may have connections ${who} on ${packet.protocol} ${packet.destinationPort}; policies are not evaluated here`;
  return { object, field: `spec.${field}`, sentence };
}

const typesOf = ({ policyTypes, egress }: NonNullable<NetworkPolicy["spec"]>): string[] =>
  policyTypes ?? ["Ingress", ...(egress?.length ? ["Egress"] : [])];

const rulesOf = (spec: NetworkPolicy["spec"], direction: Direction): Rule[] =>
  (direction === "Ingress" ? spec?.ingress : spec?.egress) ?? [];

/** Whether the rule lets everybody in (or out) at this port. */
const isOpen = ({ from, to, ports }: Rule, { protocol, destinationPort }: Packet): boolean =>
  !from?.length &&
  !to?.length &&
  (!ports?.length ||
    ports.some(
      ({ protocol: own = "TCP", port, endPort = port }) =>
        own === protocol &&
        (port === undefined ||
          (destinationPort >= Number(port) && destinationPort <= Number(endPort))),
    ));
