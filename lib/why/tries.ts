/**
 * Tries a door in every way that chance could take: without a record, since most doors are sound.
 * Only where one is not, one of its failing ways is walked again, step by step.
 */
import { addTo, forEveryWay, toNumber, type Chooser, type Fraction } from "../net/choice.js";
import { endpoint } from "../net/ip.js";
import { emptyBasis } from "../journey/basis.js";
import { lookUp } from "../journey/lookup.js";
import type { PickTarget } from "../journey/balance.js";
import type { Network } from "../journey/network.js";
import { originOf } from "../journey/origin.js";
import {
  endOfTravel,
  travel,
  travelPacket,
  type BarePacket,
  type TravelOptions,
} from "../journey/travel.js";
import type { Disposition, Founded, Journey } from "../journey/types.js";
import type { Attempt, Way } from "./doors.js";
import { urlOf } from "./doors.js";

/** What came of a door. */
export interface Tried {
  disposition: Disposition;
  share: number;
  /** The attempt that fails worst; undefined where all of them work. */
  failing: Attempt | undefined;
}

/** So many ways of one attempt are walked. */
const mostWays = 20_000;

/** The reason in words where there is nothing to ask. */
export const nothingToAsk = "there is no address to ask";

/** `pickTarget`: which target a load balancer on the way picks. */
export function tryDoor(network: Network, { attempts }: Way, pickTarget?: PickTarget): Tried {
  let worst: { disposition: Disposition; share: number; attempt: Attempt } | undefined;
  let share = 0;
  for (const attempt of attempts) {
    const ends = endsOf(network, attempt, pickTarget);
    share += ends.get("delivered") ?? 0;
    for (const [disposition, part] of ends)
      if (disposition !== "delivered" && part > (worst?.share ?? 0))
        worst = { disposition, share: part, attempt };
  }
  const rounded = attempts.length === 0 ? 0 : share / attempts.length;
  if (!worst) return { disposition: "delivered", share: rounded, failing: undefined };
  return { disposition: worst.disposition, share: rounded, failing: worst.attempt };
}

/** Disposition -> how likely it is. */
function endsOf(
  network: Network,
  attempt: Attempt,
  pickTarget: PickTarget | undefined,
): Map<Disposition, number> {
  if (!attempt.goal) return new Map([["no route", 1]]);
  const shares = new Map<Disposition, Fraction>();
  forEveryWay(
    (choose) => endOf(network, attempt, { choose, dry: true, ...(pickTarget && { pickTarget }) }),
    (disposition, probability) => addTo(shares, disposition, probability),
    mostWays,
  );
  return new Map([...shares].map(([disposition, share]) => [disposition, toNumber(share)]));
}

/** One failing way of an attempt, with all its steps. */
export function trace(
  network: Network,
  attempt: Attempt,
  disposition: Disposition,
): Founded<Journey> | undefined {
  if (!attempt.goal) return undefined;
  let found: Founded<Journey> | undefined;
  const enough = new Error("found");
  try {
    forEveryWay(
      (choose) => follow(network, attempt, { choose, record: true, dry: true }),
      (journey) => {
        if (journey.disposition !== disposition) return;
        found = journey;
        throw enough;
      },
      mostWays,
    );
  } catch (error) {
    if (error !== enough) throw error;
  }
  return found;
}

/** How one way ends: without a journey, since nearly all of them end well. */
function endOf(network: Network, attempt: Attempt, options: TravelOptions): Disposition {
  const { goal, from, url } = attempt;
  if (goal!.protocol === "TCP")
    return endOfTravel(network, { url: url ?? urlOf(goal!), from }, options);
  const bare = bareOf(network, attempt, options.choose);
  return "disposition" in bare ? bare.disposition : endOfTravel(network, bare, options);
}

function follow(network: Network, attempt: Attempt, options: TravelOptions): Founded<Journey> {
  const { goal, from, url = urlOf(goal!) } = attempt;
  if (goal!.protocol === "TCP") return travel(network, { url, from }, options);
  const bare = bareOf(network, attempt, options.choose);
  return "disposition" in bare ? bare : travelPacket(network, bare, options);
}

/** What is no HTTP is asked as a bare packet, once the name is an address. */
function bareOf(
  network: Network,
  attempt: Attempt,
  choose: Chooser,
): BarePacket | Founded<Journey> {
  const { goal, from, node } = attempt;
  const origin = originOf(network, from);
  const { addresses, failure, unknown } = lookUp(network, origin, goal!.host);
  const address = addresses[addresses.length > 1 ? choose.pick(addresses.length) : 0];
  if (address === undefined) {
    const disposition = unknown === undefined ? "name not found" : "unknown";
    const request = { url: urlOf(goal!), from, source: "" };
    return {
      request,
      disposition,
      reason: unknown ?? failure ?? "",
      hops: [],
      reply: [],
      ...emptyBasis(),
    };
  }
  const begins = origin.kind === "outside" ? (node ?? firstNode(network)) : origin.machine.name;
  const own = origin.addresses.find((each) => each.includes(":") === address.includes(":"));
  return {
    node: begins,
    from: own ?? origin.addresses[0]!,
    to: endpoint(address, goal!.port),
    protocol: goal!.protocol,
  };
}

const firstNode = (network: Network): string => network.machines.keys().next().value ?? "";

/** The first node on the way. */
export const enteredBy = (journey: Journey | undefined): string | undefined =>
  journey?.hops.find(({ kind }) => kind === "node")?.name;
