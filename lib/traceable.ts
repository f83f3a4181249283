import type { RequestOptions } from "./journey/data-path.js";
import type { Network } from "./journey/network.js";
import type { BarePacket } from "./journey/travel.js";
import type { Founded, Journey, Outcomes } from "./journey/types.js";
import type { NodeRuleTables } from "./node/proxy/rule-tables.js";
import type { Kind, Kinds } from "./objects/types.js";
import type { AskWhy } from "./why/ask.js";

/** What can be asked of a cluster and of a snapshot alike. */
export interface Traceable {
  readonly network: Network;
  node(name: string): { name: string; rules: NodeRuleTables };
  list<K extends Kind>(kind: K): readonly Kinds[K][];
  request(url: string, options?: RequestOptions): Founded<Journey>;
  outcomes(url: string, options?: RequestOptions): Founded<Outcomes>;
  shares(url: string, options?: RequestOptions): Record<string, number>;
  packet(bare: BarePacket): Founded<Journey>;
  packetOutcomes(bare: BarePacket): Founded<Outcomes>;
  /** See Cluster.why. */
  why: AskWhy;
}
