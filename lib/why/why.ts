/**
 * Why a Service does not answer. Every door is tried in every way; where one fails, the ladder is
 * climbed down from it, and the first thing that is wrong is its cause.
 *
 *     const [web] = why(world, { service: "web" });
 *     web.doors.find(({ cause }) => cause)?.cause.sentence
 *     // "selector app=webshop matches 0 of 3 Pods in default (near: app=shop on shop-…)"
 */
import { originOf } from "../journey/origin.js";
import type { Origin } from "../journey/party.js";
import { together } from "../journey/basis.js";
import type { Basis } from "../journey/types.js";
import { readURL } from "../journey/url.js";
import { namespacedName } from "../objects/names.js";
import type { Service } from "../objects/types.js";
import { aimAt, firstBalanced, type Aim } from "./aim.js";
import { basisOf } from "./basis.js";
import { causesOf } from "./causes.js";
import { doorsOf, urlOf, type Attempt, type Way } from "./doors.js";
import type { Case } from "./ladder/case.js";
import { Objects } from "./objects.js";
import { AlikeNodes } from "./alike-nodes.js";
import { withoutKind } from "./service-name.js";
import { notesOf } from "./notes.js";
import { enteredBy, nothingToAsk, trace, type Tried } from "./tries.js";
import type { Diagnosis, Door, Fault, WhyOptions, World } from "./types.js";

/** The Services that are asked about, failing ones first. Throws where there is no such Service. */
export function why(
  world: World,
  { service, url, from }: WhyOptions & { service?: string | undefined } = {},
): Diagnosis[] {
  const objects = new Objects(world);
  const asked = url === undefined ? undefined : askedFor(world, objects, url, from, service);
  const wanted = asked
    ? [asked.service]
    : service === undefined
      ? all(objects)
      : [named(objects, service)];
  const alike = new AlikeNodes(world);
  const found = wanted.map((each) => diagnose(world, objects, alike, each, from, asked?.way));
  return [...found.filter(isFailing), ...found.filter((each) => !isFailing(each))];
}

/** Whether a door that should answer does not. */
export const isFailing = ({ doors }: Diagnosis): boolean =>
  doors.some(({ shouldAnswer, disposition }) => shouldAnswer && disposition !== "delivered");

/** default/kubernetes leads to the control plane, which is no Pod: only asked about by name. */
const all = (objects: Objects): Service[] =>
  objects.services.filter((service) => namespacedName(service) !== "default/kubernetes");

function named(objects: Objects, asked: string): Service {
  // a namespace may be called "svc"
  const text = objects.service(asked) ? asked : withoutKind(asked);
  const [first, second] = text.split("/");
  const inside = /^([^./]+)\.([^./]+)/.exec(text);
  const key =
    second === undefined ? (inside ? `${inside[2]}/${inside[1]}` : `default/${first}`) : text;
  const others = objects.services.filter(({ metadata }) => metadata.name === text);
  const found = objects.service(key) ?? (others.length === 1 ? others[0] : undefined);
  if (found) return found;
  const there = objects.services.map(namespacedName).slice(0, 10).join(", ") || "none";
  throw new Error(`there is no Service "${asked}"; those that are there: ${there}`);
}

/** The Service that a URL is meant for, and the URL as a door of it. */
function askedFor(
  world: World,
  objects: Objects,
  url: string,
  from: string | undefined,
  service: string | undefined,
): { service: Service; way: Way } {
  const goal = readURL(url);
  if ("failure" in goal) throw new Error(goal.failure);
  const client = from ?? "internet";
  const origin = originOf(world.network, client);
  const { host, port } = goal;
  const aim = aimAt(world, objects, origin, { host, port, protocol: "TCP" });
  const meant =
    service === undefined
      ? (aim.service ?? firstBalanced(objects.services))
      : named(objects, service);
  if (!meant) throw new Error("there is no Service among the objects");
  return { service: meant, way: wayOf(aim, url, client, origin) };
}

function wayOf(aim: Aim, url: string, from: string, origin: Origin): Way {
  const node = aim.node ?? ("machine" in origin ? origin.machine.name : undefined);
  return {
    door: aim.door,
    name: aim.node ?? aim.pod ?? aim.goal.host,
    via: aim.via,
    attempts: [{ goal: aim.goal, port: aim.port ?? -1, from, url }],
    shouldAnswer: true,
    ...(node !== undefined && { node }),
    ...(aim.pod !== undefined && { pod: aim.pod }),
  };
}

// ---- one Service ----

function diagnose(
  world: World,
  objects: Objects,
  alike: AlikeNodes,
  service: Service,
  from: string | undefined,
  asked: Way | undefined,
): Diagnosis {
  const own = doorsOf(world, objects, service, from);
  const ways = asked ? [asked, ...own.filter((way) => !isSameDoor(way, asked))] : own;
  const tried = alike.tryAll(ways, service, objects);
  const bases: Basis[] = [...world.network.bases, basisOf(world, objects, service, ways)];
  const doors: Door[] = [];
  for (const [place, way] of ways.entries()) {
    const { like = place, ...found } = tried[place]!;
    const spokesman = like < place ? doors[like] : undefined;
    doors.push(
      spokesman ? likeDoor(spokesman, way) : doorOf(world, objects, service, way, found, bases),
    );
  }
  return {
    service: namespacedName(service),
    doors,
    notes: notesOf(objects, service, ways, doors),
    ...together(bases),
  };
}

function doorOf(
  world: World,
  objects: Objects,
  service: Service,
  way: Way,
  { disposition, share, failing }: Tried,
  bases: Basis[],
): Door {
  const attempt = failing ?? way.attempts[0];
  const base = { door: way.door, name: way.name, path: pathOf(attempt), disposition, share };
  const { shouldAnswer } = way;
  if (!failing) {
    const nothing = { reason: "", cause: null, causes: [], change: null, kubectl: null };
    return { ...base, shouldAnswer, ...nothing };
  }
  const journey = trace(world.network, failing, disposition);
  if (journey) bases.push({ assumed: [], leftOut: journey.leftOut });
  const faults = causesOf(
    caseOf(world, objects, service, way, failing, { disposition, share, journey }),
  );
  return { ...base, reason: journey?.reason ?? nothingToAsk, shouldAnswer, ...told(faults) };
}

/** What is said of a door that another one speaks for. */
function likeDoor(door: Door, { name, door: kind, attempts, shouldAnswer }: Way): Door {
  const path = pathOf(attempts[0]);
  const { disposition, share, cause, causes, change, kubectl } = door;
  const reason = door.reason === "" ? "" : door.reason.replaceAll(door.name, name);
  // one literal: there are hundreds of thousands of them
  return {
    door: kind,
    name,
    path,
    disposition,
    share,
    reason,
    shouldAnswer,
    cause,
    causes,
    change,
    kubectl,
  };
}

function pathOf(attempt: Attempt | undefined): string {
  if (!attempt) return "";
  const what = attempt.url ?? (attempt.goal ? urlOf(attempt.goal) : "no address");
  return `${what} from ${attempt.from}`;
}

function caseOf(
  world: World,
  objects: Objects,
  service: Service,
  way: Way,
  attempt: Attempt,
  outcome: Pick<Case, "disposition" | "share" | "journey">,
): Case {
  const port = attempt.port >= 0 ? attempt.port : undefined;
  const entered = way.node ?? enteredBy(outcome.journey);
  return {
    world,
    objects,
    service: way.service ?? service,
    door: way.door,
    via: way.via,
    goal: attempt.goal,
    port,
    from: attempt.from,
    origin: originOf(world.network, attempt.from),
    ...outcome,
    node: entered,
    pod: way.pod,
  };
}

const plain = ({ object, field, value, expected, sentence }: Fault) => ({
  object,
  field,
  value,
  expected,
  sentence,
});

function told(faults: readonly Fault[]): Pick<Door, "cause" | "causes" | "change" | "kubectl"> {
  const [first] = faults;
  const causes = faults.map(plain);
  return {
    cause: causes[0] ?? null,
    causes,
    change: first?.change ?? null,
    kubectl: first?.kubectl ?? null,
  };
}

const isSameDoor = (one: Way, other: Way): boolean =>
  one.door === other.door &&
  one.name === other.name &&
  one.attempts[0]?.from === other.attempts[0]?.from;
