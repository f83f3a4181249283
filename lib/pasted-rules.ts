/**
 * A node's rules as somebody's `iptables-save` printed them, without the node: to read them, and to
 * send packets through them.
 *
 *     const pasted = openRules(text, { addresses: ["192.168.0.1"] });
 *     pasted.of("default/nginx")                                         // its rules, and why
 *     pasted.packet({ from: "203.0.113.9", to: "192.168.0.1:30519" })    // a Journey
 */
import { recognised } from "./node/proxy/iptables/names.js";
import { ruleRows } from "./node/proxy/iptables/rows.js";
import type { NodeRuleTables } from "./node/proxy/rule-tables.js";
import { DataPath } from "./journey/data-path.js";
import { Network } from "./journey/network.js";
import type { BarePacket } from "./journey/travel.js";
import type { Founded, Journey, Outcomes } from "./journey/types.js";
import { Random } from "./machinery/random.js";
import { VirtualClock } from "./machinery/virtual-clock.js";
import { familyOf, type Family } from "./net/ip.js";
import { Zone } from "./net/dns.js";
import { fixedBalancers } from "./net/load-balancer.js";
import { parseRules } from "./net/iptables/parse.js";
import { saveText } from "./net/iptables/text.js";
import { iptables } from "./net/iptables/walk.js";
import { Routes } from "./net/routes.js";
import type { RuleSet } from "./net/iptables/rule.js";
import { Machine } from "./node/machine.js";

/** Rules that were pasted, and what they do to packets. */
export interface PastedRules extends Pick<NodeRuleTables, "chain" | "chains" | "of" | "endpoints"> {
  text(): string;
  /**
   * A packet that arrives at the node (or leaves it, where `from` is one of its addresses). Whoever
   * the rules send it to answers.
   */
  packet(bare: Omit<BarePacket, "node">): Founded<Journey>;
  packetOutcomes(bare: Omit<BarePacket, "node">): Founded<Outcomes>;
}

/** What an iptables-save does not tell of its machine. */
export interface PastedOptions {
  /** The node's own addresses, which rules mean by `--dst-type LOCAL`. Default: 192.168.0.1. */
  addresses?: readonly string[];
  /** Default: that of the first address. */
  family?: Family;
  seed?: number;
}

/** Throws a RulesError with the line where the text is no such rules. */
export function openRules(
  text: string,
  { addresses = ["192.168.0.1"], family = familyOf(addresses[0]!), seed = 1 }: PastedOptions = {},
): PastedRules {
  const rules = recognised(parseRules(text, { family }));
  const network = new Network(new Routes(), new Zone(), new Zone(), fixedBalancers([]));
  const machine = new Machine({
    name: "node",
    addresses: addresses.map((address) => `${address}/${address.includes(":") ? 128 : 32}`),
    clock: new VirtualClock(),
  });
  iptables(machine.kernel).rules[family] = rules;
  network.addMachine(machine);
  for (const address of goals(rules))
    if (!machine.addresses.includes(address)) network.outside.set(address, address);
  const random = new Random(seed);
  const path = new DataPath(
    network,
    random.fork("requests").next,
    random.fork("health checks").next,
  );
  return {
    ...ruleRows(() => rules),
    text: () => saveText(rules),
    packet: (bare) => path.packet({ ...bare, node: "node" }),
    packetOutcomes: (bare) => path.packetOutcomes({ ...bare, node: "node" }),
  };
}

/** Where rules send packets: the endpoints, as far as the text tells. */
function* goals(rules: RuleSet): Generator<string> {
  for (const chain of rules.chains("nat"))
    for (const { target } of chain.rules)
      if (target?.kind === "DNAT" && target.address) yield target.address;
}
