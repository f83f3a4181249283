/**
 * Where a request may end, with exact probabilities, and without a walk for each of its ways where
 * that can be spared: behind a load balancer with hundreds of nodes most ways are alike.
 *
 * Nodes that hold the same rules, that no rule anywhere tells apart, and that have the same routes
 * to everybody concerned, treat a packet alike, and the others treat packets of theirs alike. So of
 * such nodes two are asked for every way. A third node's ways end as theirs do, but for those that
 * lead to that node itself: these are walked. What is not plainly alike is walked way by way.
 */
import { Budget } from "../net/budget.js";
import {
  addTo,
  forEveryWay,
  multiply,
  seeded,
  type Chooser,
  type Fraction,
} from "../net/choice.js";
import type { Target } from "../net/load-balancer.js";
import { parseAddress } from "../net/ip.js";
import { rollBack, type Walk } from "../net/passage.js";
import type { Machine } from "../node/machine.js";
import { classesOf, looksAlike, toldApartBy } from "./alike.js";
import type { PickTarget } from "./balance.js";
import type { Pass } from "./carrier.js";
import { Trip } from "./connection.js";
import type { Stage } from "./stages.js";
import { endOf } from "./end.js";
import type { Network } from "./network.js";
import { mergeWith, mostWays, type Question, type Shares } from "./travel.js";

/** With fewer targets than this nothing is gained. */
const fewTargets = 5;

/** How one way went. */
interface Way {
  end: string;
  passes: readonly Pass[];
  probability: Fraction;
  /** What was decided on the way, the load balancer's pick left out. */
  decisions: readonly (number | boolean)[];
}

/** The ways are not alike after all. */
class NotAlike extends Error {}

class Asking {
  readonly #shares: Shares = new Map();
  readonly #budget = Budget.forAllWays();
  /** What all ways have in common: a name is looked up, and nothing is left to chance. */
  readonly #opened: Stage | undefined;

  constructor(
    private readonly network: Network,
    private readonly question: Question,
  ) {
    this.#opened = this.#open();
  }

  /** The question after its opening; undefined where ways part there already. */
  #open(): Stage | undefined {
    const parts = (): never => {
      throw new NotAlike();
    };
    const choose: Chooser = { chance: parts, pick: parts, port: (low) => low };
    const trip = new Trip(this.network, { choose }, false);
    try {
      const stage = trip.begin(this.question.url, this.question.from);
      return stage.doing === "opening" ? trip.next(stage) : stage;
    } catch (error) {
      if (error instanceof NotAlike) return undefined;
      throw error;
    }
  }

  /** undefined: there is nothing to merge, or it cannot be done. */
  merged(): Shares | undefined {
    const targets = this.#targets();
    if (!targets || targets.length < fewTargets || this.network.fault) return undefined;
    try {
      const machines = targets.map(({ instance }) => this.network.machines.get(instance));
      if (machines.includes(undefined)) return undefined;
      for (const places of classesOf(machines as Machine[]))
        if (places.length > 2) this.#addAlike(places, machines as Machine[], targets);
        else for (const place of places) this.#add(this.#waysFrom(place, targets));
    } catch (error) {
      if (error instanceof NotAlike) return undefined;
      throw error;
    }
    const each = { numerator: 1n, denominator: BigInt(targets.length) };
    for (const [end, share] of this.#shares) this.#shares.set(end, multiply(share, each));
    return this.#shares;
  }

  #add(ways: readonly Way[]): void {
    for (const { end, probability } of ways) addTo(this.#shares, end, probability);
  }

  /** The targets that the first load balancer picks from; undefined where none is on the way. */
  #targets(): readonly Target[] | undefined {
    let targets: readonly Target[] | undefined;
    this.#walk(
      seeded(() => 0),
      (healthy) => {
        targets ??= healthy;
        return 0;
      },
    );
    return targets;
  }

  // ---- nodes that are alike ----

  /** The ways from all of these targets, out of those from two of them. */
  #addAlike(
    places: readonly number[],
    machines: readonly Machine[],
    targets: readonly Target[],
  ): void {
    const [x, y, ...rest] = places.map((place) => machines[place]!) as [Machine, Machine];
    const [waysOfX, waysOfY] = [0, 1].map((i) => this.#waysFrom(places[i]!, targets)) as [
      Way[],
      Way[],
    ];
    this.#add(waysOfX);
    this.#add(waysOfY);
    const others = rest as readonly Machine[];
    if (waysOfX.length !== waysOfY.length) throw new NotAlike();
    mustBeFresh([x, y, ...others], x, waysOfX[0]!);
    mustNotTellApart([x, y, ...others], [...waysOfX, ...waysOfY]);
    const routes = new Routing(others);
    waysOfX.forEach((wayOfX, i) => {
      const wayOfY = waysOfY[i]!;
      const way = pattern(wayOfX, x, wayOfY, y);
      const own = way === wayOfX ? x : y;
      const special = new Set(routes.differing(way, own));
      for (const { machine } of [...wayOfX.passes, ...wayOfY.passes]) special.add(machine);
      special.delete(x);
      special.delete(y);
      const alone = others.filter((machine) => special.has(machine));
      this.#countTimes(way, others.length - alone.length);
      for (const machine of alone)
        addTo(
          this.#shares,
          this.#again(way, places[2 + others.indexOf(machine)]!, targets),
          way.probability,
        );
    });
  }

  #countTimes({ end, probability }: Way, times: number): void {
    if (times === 0) return;
    addTo(this.#shares, end, multiply(probability, { numerator: BigInt(times), denominator: 1n }));
  }

  /** Where it ends from another target, decided in the same way. */
  #again({ decisions }: Way, place: number, targets: readonly Target[]): string {
    let next = 0;
    const decided = (): never => {
      if (next === decisions.length) throw new NotAlike();
      return decisions[next++] as never;
    };
    const same: Chooser = { chance: decided, pick: decided, first: decided, port: (low) => low };
    const { end } = this.#walk(same, onlyPick(place, targets));
    if (next < decisions.length) throw new NotAlike();
    return end;
  }

  /** Every way on which the load balancer picks this target. */
  #waysFrom(place: number, targets: readonly Target[]): Way[] {
    const ways: Way[] = [];
    forEveryWay(
      (choose) => this.#logged(choose, place, targets),
      (way, probability) => ways.push({ ...way, probability }),
      mostWays,
    );
    return ways;
  }

  #logged(choose: Chooser, place: number, targets: readonly Target[]): Omit<Way, "probability"> {
    const decisions: (number | boolean)[] = [];
    const log = <T extends number | boolean>(decision: T): T => (
      decisions.push(decision),
      decision
    );
    const logging: Chooser = {
      chance: (numerator, denominator) => log(choose.chance(numerator, denominator)),
      pick: (n) => log(choose.pick(n)),
      first: (chances) => log(choose.first!(chances)),
      port: (low, high) => choose.port(low, high),
    };
    return { ...this.#walk(logging, onlyPick(place, targets)), decisions };
  }

  // ---- one way ----

  #walk(choose: Chooser, pickTarget?: PickTarget): Pick<Way, "end" | "passes"> {
    const walk: Walk = { choose, undo: [], budget: this.#budget };
    const trip = new Trip(this.network, walk, false, pickTarget);
    try {
      const begun = trip.begin(this.question.url, this.question.from);
      let stage: Stage = this.#opened ?? begun;
      while (stage.doing !== "ended") stage = trip.next(stage);
      return { end: endOf(stage.result), passes: trip.passes };
    } finally {
      rollBack(walk);
    }
  }
}

/** The load balancer picks this one of these targets, and there is no other one on the way. */
function onlyPick(place: number, targets: readonly Target[]): PickTarget {
  let picked = false;
  return (healthy) => {
    const isSame =
      healthy.length === targets.length && healthy.every((each, i) => each === targets[i]);
    if (picked || !isSame) throw new NotAlike();
    picked = true;
    return place;
  };
}

/**
 * Of the same decisions from two nodes, the way that a third node's is like: where one of the two
 * is itself the goal, the other one's. Throws where both stay away from each other and end
 * differently.
 */
function pattern(wayOfX: Way, x: Machine, wayOfY: Way, y: Machine): Way {
  if (wayOfX.decisions.join() !== wayOfY.decisions.join()) throw new NotAlike();
  for (const [{ passes }, own] of [
    [wayOfX, x],
    [wayOfY, y],
  ] as const)
    if (passes.some(({ machine, verdict }) => machine === own && verdict.kind === "local"))
      throw new NotAlike(); // its own processes decide
  const meets = ({ passes }: Way, other: Machine): boolean =>
    passes.some(({ machine }) => machine === other);
  if (meets(wayOfY, x)) return wayOfY;
  if (!meets(wayOfX, y) && wayOfX.end !== wayOfY.end) throw new NotAlike();
  return wayOfX;
}

/** No kernel may know the connection already, as the first node gets it. */
function mustBeFresh(machines: readonly Machine[], x: Machine, { passes: [first] }: Way): void {
  if (first?.machine !== x) throw new NotAlike();
  const { packet } = first;
  const place = x.addresses.indexOf(packet.destination);
  for (const { kernel, addresses } of machines) {
    const destination = place < 0 ? packet.destination : addresses[place]!;
    if (kernel.conntrack.taken({ ...packet, destination })) throw new NotAlike();
  }
}

/** Whoever is met on the way treats packets from and to all of these machines alike. */
function mustNotTellApart(machines: readonly Machine[], ways: readonly Way[]): void {
  const [first] = machines;
  const own = new Set(machines);
  const met = new Set(ways.flatMap(({ passes }) => passes.map(({ machine }) => machine)));
  for (const machine of met) {
    const told = own.has(machine) ? undefined : toldApartBy(machine.kernel);
    const ways = new Set<string>();
    for (const other of machines) {
      if (told && !looksAlike(told, first!, other)) throw new NotAlike();
      if (other !== machine) ways.add(waysTo(machine, other));
    }
    if (ways.size > 1) throw new NotAlike();
  }
}

/** How a machine's packets get to another one: by which devices, and through which gateways. */
const waysTo = (machine: Machine, { addresses }: Machine): string =>
  addresses.map((address) => routeOf(machine, address)).join();

function routeOf({ kernel }: Machine, address: string): string {
  const route = kernel.routes.lookup(parseAddress(address));
  return route ? `${route.dev} ${route.via ?? ""} ${route.type ?? ""}` : "none";
}

/** Where machines route packets, against where another one does. */
class Routing {
  readonly #known = new Map<string, readonly Machine[]>();

  constructor(private readonly machines: readonly Machine[]) {}

  /** Those of the machines that would route, or take, a packet of this way differently. */
  differing({ passes }: Way, own: Machine): Machine[] {
    return passes.flatMap(({ machine, packet, verdict }) =>
      machine === own
        ? [packet.source, packet.destination, verdict.packet.destination].flatMap((address) =>
            own.addresses.includes(address) ? [] : this.#differingFor(address, own),
          )
        : [],
    );
  }

  #differingFor(address: string, own: Machine): readonly Machine[] {
    const key = `${own.name} ${address}`;
    let found = this.#known.get(key);
    if (!found) {
      const route = routeOf(own, address);
      found = this.machines.filter(
        (machine) =>
          routeOf(machine, address) !== route || machine.kernel.isLocal(parseAddress(address)),
      );
      this.#known.set(key, found);
    }
    return found;
  }
}

mergeWith((network, question) => new Asking(network, question).merged());
