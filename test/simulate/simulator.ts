/**
 * Schedules that nobody thought of: a seed draws a cluster, what users do to it, what breaks and
 * which faults strike at its two seams, step by step; what must hold is checked after each. The
 * same seed gives the same story, to the byte.
 */
import { createHash } from "node:crypto";
import { controllerBackOff } from "stopover/internal/machinery/back-off";
import { Random } from "stopover/internal/machinery/random";
import { breakages, clientFaults, networkFaults, userActions, type Action } from "./actions.js";
import { always, recovered } from "./checks.js";
import { World } from "./world.js";

export interface Outcome {
  seed: number;
  steps: number;
  /** What was found wrong; the schedule ends with the first step that has any. */
  violations: string[];
  /** What happened, a line a step. */
  story: string[];
  /** Of the story and of the cluster at its end. */
  sha: string;
}

/** At least so many steps. */
const STEPS = 30;
/** Longer than any back-off (1000 s), eviction or deadline that is under way. Milliseconds. */
const HEALING_MS = controllerBackOff.max + 100_000;
/** Most are healed after so long, and are looked at then. Milliseconds. */
const SOON_MS = 60_000;
/** Every so many-th schedule is looked at only after the whole time: nothing may break later. */
const LATE = 8;

interface Planned {
  name: string;
  act: Action;
  pause: number;
}

/**
 * Draws the steps: some of the actions, more often one than the other, so that each schedule has a
 * character; and at least one fault at each seam. (swarm testing: Groce et al., 2012)
 */
function draw(random: Random): Planned[] {
  const groups = [userActions, breakages, clientFaults, networkFaults];
  const chosen = groups.flatMap((group) => {
    const all = Object.entries(group);
    const some = all.filter(() => random.next() < 0.6);
    return some.length > 0 ? some : all.slice(0, 1);
  });
  const steps = Array.from({ length: STEPS + random.between(0, 10) }, () => one(random, chosen));
  for (const group of [userActions, clientFaults, networkFaults]) {
    const faults = Object.entries(group).slice(0, 4);
    steps.splice(random.between(0, steps.length), 0, one(random, faults));
  }
  return steps;
}

function one(random: Random, from: readonly (readonly [string, Action])[]): Planned {
  const [name, act] = from[random.between(0, from.length - 1)]!;
  const lot = random.next();
  const longest = lot < 0.7 ? 600 : lot < 0.97 ? 12_000 : 120_000;
  return { name, act, pause: random.between(0, longest) };
}

export function simulate(seed: number): Outcome {
  const world = new World(seed);
  const story: string[] = [];
  let steps = 0;
  const check = (violations: Iterable<string>): string[] => (steps++, [...violations]);
  let violations = check(after(world, () => {}));
  for (const { name, act, pause } of draw(new Random(`schedule ${seed}`))) {
    if (violations.length > 0) break;
    story.push(`${name}; ${pause} ms`);
    violations = check(after(world, () => (act(world), world.cluster.advance(pause))));
  }
  if (violations.length === 0) {
    story.push("all is healed");
    violations = check(recovery(world, seed % LATE === 0 ? HEALING_MS : SOON_MS));
  }
  return { seed, steps, violations, story, sha: shaOf(world, story) };
}

/** What holds after an act; an act that throws is a violation itself, and a check that does. */
function* after(
  world: World,
  act: () => void,
  checks: (world: World) => Iterable<string> = always,
): Generator<string> {
  yield* throws(act);
  try {
    yield* checks(world);
  } catch (error) {
    yield `a check throws: ${messageOf(error)}`;
  }
}

function throws(act: () => void): string[] {
  try {
    act();
    return [];
  } catch (error) {
    return [`it throws: ${messageOf(error)}`];
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/**
 * What is wrong once there was time to recover. Not all of it is needed where all is well before,
 * which is looked at after `first` milliseconds and then less and less often.
 */
function* recovery(world: World, first: number): Generator<string> {
  yield* after(
    world,
    () => heal(world),
    () => [],
  );
  let passed = 0;
  for (let wait = first; passed < HEALING_MS; passed += wait, wait = passed) {
    const violations = [...after(world, () => pass(world, Math.min(wait, HEALING_MS - passed)))];
    yield* violations;
    if (violations.length > 0 || [...recovered(world)].length === 0) return;
  }
  yield* recovered(world);
}

function pass({ cluster }: World, time: number): void {
  cluster.advance(time);
  cluster.settle();
}

function heal({ cluster, client, network, nodes }: World): void {
  client.off();
  network.off();
  for (const manager of cluster.managers) manager.start();
  for (const name of nodes) {
    const machine = cluster.network.machines.get(name)!;
    if (!machine.up) cluster.node(name).start();
    cluster.patch("Node", name, { spec: { unschedulable: false } });
    for (const sandbox of machine.sandboxes) sandbox.sick = false;
  }
}

function shaOf({ cluster }: World, story: readonly string[]): string {
  const kinds = ["Node", "Service", "Deployment", "ReplicaSet", "Pod", "EndpointSlice"] as const;
  const objects = kinds.map((kind) => cluster.list(kind));
  return createHash("sha256")
    .update(JSON.stringify([story, objects]))
    .digest("hex")
    .slice(0, 16);
}
