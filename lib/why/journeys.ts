/**
 * The cause behind a journey's end, in its reason: "has no endpoints" is the end of six different
 * stories.
 */
import { originOf } from "../journey/origin.js";
import type { Origin } from "../journey/party.js";
import type { Header, Journey } from "../journey/types.js";
import { readURL } from "../journey/url.js";
import { aimAt, type Aim, type Goal } from "./aim.js";
import { faultsOf } from "./causes.js";
import { whyNoPing, isPing } from "./pings.js";
import type { Case } from "./ladder/case.js";
import { addressOf } from "./ladder/case.js";
import { Objects } from "./objects.js";
import { enteredBy } from "./tries.js";
import type { Fault, World } from "./types.js";

/**
 * Answers the same journey; where it ended badly and the cause is found, its reason names it. Only
 * then is the world looked at: most journeys end well.
 */
export function causesIn(look: () => World): <J extends Journey>(journey: J) => J {
  let found: { world: World; objects: Objects } | undefined;
  const known = new Map<string, Fault | undefined>();
  return (journey) => {
    if (journey.disposition === "delivered" || journey.disposition === "unknown") return journey;
    const key = `${journey.reason} ${enteredBy(journey)} ${journey.destination}`;
    if (!found) {
      const world = look();
      found = { world, objects: new Objects(world) };
    }
    if (!known.has(key)) known.set(key, causeOf(found.world, found.objects, journey));
    const cause = known.get(key);
    return cause ? { ...journey, reason: withCause(journey.reason, cause) } : journey;
  };
}

/** Where the reason has said already what is and what should be, the field alone is added. */
function withCause(reason: string, { object, field, value, expected, sentence }: Fault): string {
  if (reason.includes(sentence.replace(/^Pod \S+ /, ""))) return reason;
  // a rule's comment and an object's name hold such words by chance
  const own = reason.replace(/"[^"]*"|\b[A-Z]\w+ [\w.-]+\/[\w.-]+/g, "");
  const isSaid = [value, expected].every((each) => each && own.includes(String(each)));
  return isSaid ? `${reason} (${field} of ${object})` : `${reason}; ${sentence}`;
}

function causeOf(world: World, objects: Objects, journey: Journey): Fault | undefined {
  if (isPing(journey)) return whyNoPing(objects, journey);
  const asked = askedBy(world, journey);
  if (!asked) return undefined;
  const aim = aimAt(world, objects, asked.origin, asked.goal);
  if (!aim.service) return undefined;
  return faultsOf(caseOf(world, objects, journey, aim, asked.origin))[0];
}

/** What the last connection was opened for, and by whom: a proxy on the way may have opened it. */
function askedBy(
  world: World,
  journey: Journey,
): { goal: Goal; origin: Origin | undefined } | undefined {
  const proxy = journey.hops.findLast(({ kind }) => kind === "proxy");
  if (proxy) return { goal: goalOf(proxy.out), origin: undefined };
  const { url, from } = journey.request;
  const origin = originOf(
    world.network,
    from.replace(/:\d+$/, (port) => (from.includes(".") ? "" : port)),
  );
  if (url === "") return journey.hops[0] && { goal: goalOf(journey.hops[0].in), origin };
  const goal = readURL(url);
  if ("failure" in goal) return undefined;
  return { goal: { host: goal.host, port: goal.port, protocol: "TCP" }, origin };
}

const goalOf = ({ destination, protocol }: Header): Goal => ({
  host: addressOf(destination)!,
  port: Number(destination.slice(destination.lastIndexOf(":") + 1)),
  protocol: protocol as Goal["protocol"],
});

const caseOf = (
  world: World,
  objects: Objects,
  journey: Journey,
  aim: Aim,
  origin: Origin | undefined,
): Case => ({
  world,
  objects,
  service: aim.service!,
  door: aim.door,
  via: aim.via,
  goal: aim.goal,
  port: aim.port,
  from: journey.request.from,
  origin,
  disposition: journey.disposition,
  share: 0,
  journey,
  node: aim.node ?? enteredBy(journey),
  pod: aim.pod,
});
