/**
 * What passes at a place while somebody looks on (tcpdump): the packets of commands and programs,
 * by each device that they take. Where a packet passes, its journey tells (journey/types.ts); what
 * it says, the socket that sends it does. Nothing is made where nobody looks.
 */
import type { Network } from "../../journey/network.js";
import type { Journey } from "../../journey/types.js";
import type { Frame, Passing, Said, Spot } from "./frame.js";
import { passingsOf } from "./passings.js";

type Look = (frame: Frame) => void;

/** All that are looking on in one network. */
export class Taps {
  readonly #looks = new Map<Spot, Set<Look>>();
  /** Those who want to know that something has passed, and not what. */
  readonly #after = new Set<() => void>();

  get active(): boolean {
    return this.#looks.size > 0;
  }

  /** Answers how it stops. */
  look(spot: Spot, look: Look): () => void {
    const all = this.#looks.get(spot) ?? new Set();
    this.#looks.set(spot, all.add(look));
    return () => {
      all.delete(look);
      if (all.size === 0) this.#looks.delete(spot);
    };
  }

  /** Called whenever a packet has gone its way; answers how that stops. */
  afterEach(call: () => void): () => void {
    this.#after.add(call);
    return () => this.#after.delete(call);
  }

  passed(): void {
    for (const call of [...this.#after]) call();
  }

  show(at: number, passings: readonly Passing[], said: Said): void {
    for (const { spot, ...where } of passings)
      for (const look of this.#looks.get(spot) ?? []) look({ at, ...where, said });
  }
}

const known = new WeakMap<Network, Taps>();

export function tapsOf(network: Network): Taps {
  const taps = known.get(network) ?? new Taps();
  known.set(network, taps);
  return taps;
}

/** The devices that the packet itself took. `client`: the spot of who sent it. */
export const there = (network: Network, client: Spot, journey: Journey): Passing[] =>
  passingsOf(network, client, undefined, journey.hops, journey);

/** Those of the answer: its own way, or that of the question turned round. */
export function back(network: Network, client: Spot, journey: Journey): Passing[] {
  if (journey.reply.length > 0)
    return passingsOf(network, undefined, client, journey.reply, journey);
  return there(network, client, journey).reverse().map(turned);
}

/** The same device, the other way. */
const turned = (passing: Passing): Passing => ({
  ...passing,
  // what goes round in a machine is seen as it comes
  direction: passing.direction === "In" && passing.device !== "lo" ? "Out" : "In",
  source: passing.destination,
  sourcePort: passing.destinationPort,
  destination: passing.source,
  destinationPort: passing.sourcePort,
});
