/**
 * What kube-proxy calls its chains in iptables mode. (pkg/proxy/iptables/proxier.go)
 *
 * This is the only place where a name is read: rules that somebody pasted say nothing else of what
 * they are for.
 */
import type { Purpose } from "../../../net/dataplane.js";
import type { Chain, RuleSet } from "../../../net/iptables/syntax.js";
import type { TableName } from "../../../net/iptables/tables.js";
import type { Place } from "../places.js";

export const canary = "KUBE-PROXY-CANARY";

/** The chains that all Services share, by table. */
const shared: Readonly<Record<string, Place>> = {
  "nat KUBE-SERVICES": "services",
  "nat KUBE-NODEPORTS": "nodeports",
  "nat KUBE-MARK-MASQ": "masquerade mark",
  "nat KUBE-POSTROUTING": "masquerade",
  "filter KUBE-SERVICES": "refusals",
  "filter KUBE-EXTERNAL-SERVICES": "external refusals",
  "filter KUBE-NODEPORTS": "health check ports",
  "filter KUBE-PROXY-FIREWALL": "firewall drops",
  "filter KUBE-FORWARD": "forward",
  "filter KUBE-FIREWALL": "loopback",
};

/** The chains of one Service port: these words, and a hash. */
const words: Readonly<Record<string, Place>> = {
  EXT: "external",
  FW: "firewall",
  SVC: "service",
  SVL: "local service",
  SEP: "endpoint",
};
const ownChain = /^KUBE-(SVC|SVL|EXT|FW|SEP)-(.*)$/;

/** The word and the hash in the name of a chain of one Service port. */
export function readOwn(name: string): { word: string; hash: string } | undefined {
  const [, word, hash] = ownChain.exec(name) ?? [];
  return word === undefined ? undefined : { word, hash: hash! };
}

/** What a chain is for; undefined where it is none of kube-proxy's. */
export function placeOf(table: string, name: string): Place | undefined {
  const own = readOwn(name);
  if (own) return table === "nat" ? words[own.word] : undefined;
  return shared[`${table} ${name}`] ?? (name === canary ? "canary" : undefined);
}

/** What the chains of a place are called, without the hash. */
export function nameOf(place: Place): string {
  const [word] = Object.entries(words).find(([, each]) => each === place) ?? [];
  if (word !== undefined) return `KUBE-${word}`;
  const [key] = Object.entries(shared).find(([, each]) => each === place) ?? [];
  return key?.split(" ")[1] ?? canary;
}

const purposes = new Map<Place, Purpose>();
/** One object for all the chains of a place. */
export function purposeOf(place: Place | undefined): Purpose | undefined {
  if (place === undefined) return undefined;
  let purpose = purposes.get(place);
  if (purpose === undefined) purposes.set(place, (purpose = { place }));
  return purpose;
}

/** Rules as text told them, their chains with their places. */
export function recognised(rules: RuleSet): RuleSet {
  const placed = (table: TableName, chain: Chain): Chain => ({
    ...chain,
    purpose: purposeOf(placeOf(table, chain.name)),
  });
  const known = new Map<Chain, Chain>();
  const once = (table: TableName, chain: Chain): Chain => {
    let own = known.get(chain);
    if (own === undefined) known.set(chain, (own = placed(table, chain)));
    return own;
  };
  return {
    family: rules.family,
    chain(table, name) {
      const chain = rules.chain(table, name);
      return chain && once(table, chain);
    },
    *chains(table) {
      for (const chain of rules.chains(table)) yield once(table, chain);
    },
  };
}
