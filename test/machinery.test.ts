import { test } from "uvu";
import * as assert from "uvu/assert";
import { every } from "stopover/internal/api/clock";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import {
  run,
  context,
  TransientError,
  watch,
  type Controller,
} from "stopover/internal/machinery/controller";
import { duration } from "stopover/internal/machinery/duration";
import { EventRecorder } from "stopover/internal/machinery/events";
import { Informer } from "stopover/internal/machinery/informer";
import { LeaderElector } from "stopover/internal/machinery/leader-election";
import { Random } from "stopover/internal/machinery/random";
import { Supervisor } from "stopover/internal/machinery/supervisor";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import { WorkQueue } from "stopover/internal/machinery/work-queue";
import type { Service } from "stopover/internal/objects/types";

const service = (name: string, labels: Record<string, string> = {}): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, labels },
  spec: { ports: [{ port: 80 }] },
});

function world(options: { watchWindow?: number } = {}) {
  const clock = new VirtualClock(0);
  const random = new Random(1);
  const server = new ApiServer({ clock, random: random.next, ...options });
  return {
    clock,
    random,
    server,
    client: server.client("test"),
    guard: new Supervisor(clock).of("test"),
    surroundings: { clock, random, connect: (who: string) => server.client(who) },
  };
}

// ---- the clock

test("work runs in the order of time, then of scheduling, whatever mix of delays", () => {
  const random = new Random(7);
  const clock = new VirtualClock(0);
  const log: { time: number; order: number; due: number }[] = [];
  let order = 0;
  const add = (depth: number) => {
    const delay = random.between(0, 5);
    const mine = { due: clock.now() + delay, order: order++ };
    clock.schedule(delay, () => {
      log.push({ time: clock.now(), ...mine });
      if (depth > 0) for (let i = 0; i < 3; i++) add(depth - 1);
    });
  };
  for (let i = 0; i < 20; i++) add(4);
  clock.settle();
  assert.is(log.length, 20 * (1 + 3 + 9 + 27 + 81));
  for (const { time, due } of log) assert.is(time, due);
  for (let i = 1; i < log.length; i++)
    assert.ok(
      log[i - 1]!.due < log[i]!.due ||
        (log[i - 1]!.due === log[i]!.due && log[i - 1]!.order < log[i]!.order),
      `entry ${i} ran too early`,
    );
});

test("settle ends with the foreground work; background work due before then runs on the way", () => {
  const clock = new VirtualClock(0);
  const log: string[] = [];
  const beat = () =>
    void clock.schedule(10, () => (log.push(`beat ${clock.now()}`), beat()), { background: true });
  beat();
  clock.schedule(25, () => log.push(`done ${clock.now()}`));
  clock.settle();
  assert.equal(log, ["beat 10", "beat 20", "done 25"]);
  assert.is(clock.now(), 25);
  clock.advance(10);
  assert.is(log.at(-1), "beat 30");
  assert.is(clock.now(), 35);
});

test("what is cancelled does not run and is not waited for", () => {
  const clock = new VirtualClock(0);
  const cancel = clock.schedule(1000, () => assert.unreachable());
  cancel();
  cancel();
  clock.settle();
  assert.is(clock.now(), 0);
  assert.not(clock.busy);
});

test("a cluster that never rests is an error that says so", () => {
  const clock = new VirtualClock(0);
  const again = () => void clock.schedule(1000, again);
  again();
  assert.throws(() => clock.settle({ within: 60_000 }), /still busy after 60 steps and 60000 ms/);
  for (const delay of [NaN, -1, Infinity])
    assert.throws(() => clock.schedule(delay, again), `the delay is ${delay}`);
  assert.throws(() => clock.advance(-1), /only moves forward/);
});

test("a long wait is no unrest, though there is work meanwhile; waits without end are", () => {
  const clock = new VirtualClock(0);
  const hour = 3_600_000;
  let done = 0;
  every(clock, 10_000, () => clock.schedule(5, () => {}));
  clock.schedule(5 * hour, () => clock.schedule(5 * hour, () => done++));
  clock.schedule(48 * hour, () => done++);
  clock.settle();
  assert.equal([done, clock.now()], [1, 10 * hour]);
  const again = () => void clock.schedule(120_000, again);
  again();
  assert.throws(() => clock.settle(), /still busy/);
});

test("settle and advance give up after so many steps, and say who still waits for what", () => {
  for (const pass of [
    (clock: VirtualClock) => clock.settle({ steps: 1_000 }),
    (clock: VirtualClock) => clock.advance(3_600_000, { steps: 1_000 }),
  ]) {
    const clock = new VirtualClock(0);
    const again = () => void clock.schedule(1, again, { who: "kubelet/node-a", about: "Pod a/b" });
    again();
    assert.throws(() => pass(clock), /1000 steps.* Waiting: kubelet\/node-a, Pod a\/b \(1\)$/);
  }
});

test("who never lets time pass is cut off, by name, and the others go on", () => {
  for (const background of [true, false]) {
    const clock = new VirtualClock(0);
    const again = () => void clock.schedule(0, again, { who: "prober", background });
    let others = 0;
    every(clock, 10, () => others++);
    again();
    assert.throws(() => clock.advance(95), /time stands still at 1970-01-01T00:00:00.000Z.*prober/);
    assert.is(others, 9);
    clock.settle();
    clock.advance(10);
    assert.is(others, 10);
  }
});

test("work that throws is thrown at the end, and keeps no other work from being done", () => {
  const clock = new VirtualClock(0);
  const log: string[] = [];
  const mistake = new Error("one");
  clock.schedule(10, () => {
    throw mistake;
  });
  clock.schedule(10, () => log.push("two"));
  clock.schedule(20, () => log.push("three"));
  let thrown: unknown;
  try {
    clock.settle();
  } catch (error) {
    thrown = error;
  }
  assert.is(thrown, mistake);
  assert.equal(log, ["two", "three"]);
  clock.settle();
  for (const text of ["four", "five"])
    clock.schedule(10, () => {
      throw new Error(text);
    });
  assert.throws(() => clock.advance(10), /four\nfive/);
});

test("a loop begins when it is told to, goes on after a failure, and stops", () => {
  const clock = new VirtualClock(0);
  const times: number[] = [];
  const stop = every(
    clock,
    10,
    () => {
      times.push(clock.now());
      if (times.length === 2) throw new Error("the second time");
    },
    { first: 3 },
  );
  assert.throws(() => clock.advance(30), /the second time/);
  stop();
  clock.advance(30);
  assert.equal(times, [3, 13, 23]);
});

test("the clock starts at the second in which the article's cluster was made", () => {
  assert.is(new Date(new VirtualClock().now()).toISOString(), "2024-01-21T05:09:08.000Z");
});

// ---- chance and durations

test("the same seed gives the same numbers; forks depend on their label alone", () => {
  const draw = (random: Random) => Array.from({ length: 5 }, random.next);
  assert.equal(draw(new Random(1)), draw(new Random(1)));
  assert.not.equal(draw(new Random(1)), draw(new Random(2)));
  const used = new Random(1);
  draw(used);
  assert.equal(draw(used.fork("a")), draw(new Random(1).fork("a")));
  assert.not.equal(draw(used.fork("a")), draw(used.fork("b")));
});

test("numbers are spread evenly over [0, 1)", () => {
  const random = new Random("even");
  const buckets = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) buckets[Math.floor(random.next() * 10)]!++;
  for (const count of buckets) assert.ok(Math.abs(count - 10_000) < 400, `a bucket holds ${count}`);
});

for (const [text, ms] of [
  ["400ms", 400],
  ["40s", 40_000],
  ["1m30s", 90_000],
  ["1.5h", 5_400_000],
  [7, 7],
] as const)
  test(`duration ${text} is ${ms} ms`, () => assert.is(duration(text), ms));

for (const bad of ["", "40", "s", "4 s", "-1s", -1, NaN] as const)
  test(`${JSON.stringify(bad)} is no duration, and the error shows one`, () =>
    assert.throws(() => duration(bad), /"40s"/));

// ---- queue

test("a key that is added often is worked on once, and rests before its next turn", () => {
  const clock = new VirtualClock(0);
  const log: string[] = [];
  const queue = new WorkQueue(clock, (key) => log.push(`${key} ${clock.now()}`), {
    latency: 5,
    pace: 50,
  });
  for (let i = 0; i < 10; i++) queue.add("a");
  queue.add("b");
  clock.schedule(20, () => (queue.add("a"), queue.add("a")));
  clock.schedule(30, () => queue.add("a"));
  clock.settle();
  assert.equal(log, ["a 5", "b 5", "a 60"]);
});

test("what fails is tried again, each time after twice as long, until it succeeds", () => {
  const clock = new VirtualClock(0);
  const times: number[] = [];
  const queue: WorkQueue = new WorkQueue(
    clock,
    (key) => {
      times.push(clock.now());
      if (times.length < 5) queue.retry(key);
      else queue.forget(key);
    },
    { latency: 0, pace: 0, backOff: { base: 100, max: 300 } },
  );
  queue.add("a");
  clock.settle();
  assert.equal(times, [0, 100, 300, 600, 900]);
});

test("nobody waits for a retry that is more than a second ahead", () => {
  const clock = new VirtualClock(0);
  let tries = 0;
  const queue: WorkQueue = new WorkQueue(clock, (key) => (tries++, queue.retry(key)), {
    latency: 0,
    pace: 0,
    backOff: { base: 5_000, max: 300_000 },
  });
  queue.add("a");
  clock.settle();
  assert.is(tries, 1);
  clock.advance(5_000 + 10_000 + 20_000);
  assert.is(tries, 4);
});

// ---- informers

test("an informer follows list and watch, and its indexes follow it", () => {
  const { clock, client, guard } = world();
  client.create(service("a", { tier: "web" }));
  const informer = new Informer<Service>(client, "Service", guard);
  informer.index("tier", ({ metadata }) => metadata.labels?.tier);
  informer.start();
  const names = (tier: string) => informer.by("tier", tier).map(({ metadata }) => metadata.name);
  assert.equal(names("web"), ["a"]);
  client.create(service("b", { tier: "web" }));
  client.patch("Service", "a", "default", {
    type: "merge",
    body: { metadata: { labels: { tier: "db" } } },
  });
  assert.equal(names("web"), ["a"], "nothing is delivered inside the writer's call");
  clock.settle();
  assert.equal([names("web"), names("db")], [["b"], ["a"]]);
  client.delete("Service", "b", "default");
  clock.settle();
  assert.equal([names("web"), informer.size], [[], 1]);
  assert.throws(() => informer.by("colour", "red"), /no index "colour"/);
});

test("an informer that learns of its own write is not set back by the older news", () => {
  const { clock, client, guard } = world();
  const informer = new Informer<Service>(client, "Service", guard);
  informer.start();
  const seen: (string | undefined)[] = [];
  informer.onChange((_key, object) => seen.push(object?.metadata.labels?.version));
  const created = client.create(service("a", { version: "1" }));
  const updated = client.update({
    ...created,
    metadata: { ...created.metadata, labels: { version: "2" } },
  });
  informer.learn(updated);
  clock.settle();
  assert.equal(seen, ["2"]);
});

test("an object that was replaced by another of the same name stays known", () => {
  const { clock, client, guard } = world();
  const informer = new Informer<Service>(client, "Service", guard);
  informer.start();
  client.create(service("a"));
  client.delete("Service", "a", "default");
  informer.learn(client.create(service("a", { second: "yes" })));
  clock.settle();
  assert.is(informer.get("default/a")?.metadata.labels?.second, "yes");
});

test("what was made anew while nobody listened is told as an end and a beginning", () => {
  const { clock, client, guard } = world();
  client.create(service("a", { version: "1" }));
  const informer = new Informer<Service>(client, "Service", guard);
  const version = (object: Service | undefined) => object?.metadata.labels?.version ?? "none";
  const seen: string[] = [];
  informer.onChange((_key, object, before) =>
    seen.push(`${version(before)} -> ${version(object)}`),
  );
  informer.start();
  informer.stop();
  client.delete("Service", "a", "default");
  client.create(service("a", { version: "2" }));
  informer.start();
  clock.settle();
  assert.equal(seen, ["none -> 1", "1 -> none", "none -> 2"]);
});

test("a watch whose revision was compacted away is followed by a new list", () => {
  const { clock, client, guard } = world();
  client.create(service("a"));
  client.create(service("b"));
  let fail: () => void = () => assert.unreachable();
  let lists = 0;
  const informer = new Informer<Service>(
    {
      ...client,
      list: ((...args: Parameters<typeof client.list>) => (
        lists++,
        client.list(...args)
      )) as typeof client.list,
      watch: (kind, options, on) => {
        fail = () =>
          on({
            type: "ERROR",
            object: {
              kind: "Status",
              apiVersion: "v1",
              metadata: {},
              status: "Failure",
              reason: "Expired",
              code: 410,
            },
          });
        return client.watch(kind, options, () => {}); // deaf: it misses everything
      },
    },
    "Service",
    guard,
  );
  const gone: string[] = [];
  informer.onChange((key, object) => !object && gone.push(key));
  informer.start();
  client.delete("Service", "a", "default");
  client.create(service("c"));
  clock.settle();
  assert.equal(
    [...informer.all()].map(({ metadata }) => metadata.name),
    ["a", "b"],
  );
  fail();
  assert.equal([...informer.all()].map(({ metadata }) => metadata.name).sort(), ["b", "c"]);
  assert.equal([lists, gone], [2, ["default/a"]]);
});

// ---- the controller runtime

test("a reconcile that meets a conflict is tried again; a mistake is not hidden", () => {
  const { clock, client, surroundings } = world();
  let tries = 0;
  const controller: Controller = {
    name: "test",
    watches: [watch("Service")],
    reconcile() {
      tries++;
      if (tries === 1)
        client.update({
          ...client.get("Service", "a"),
          metadata: { name: "a", namespace: "default", resourceVersion: "1" },
        });
      if (tries === 2) throw new TransientError("the cloud is away");
    },
  };
  const ours = context("test", surroundings);
  run(controller, ours);
  ours.informers.start();
  client.create(service("a"));
  clock.settle();
  assert.is(tries, 3);
  controller.reconcile = () => {
    throw new TypeError("a mistake");
  };
  client.create(service("b"));
  assert.throws(() => clock.settle(), /a mistake/);
});

// ---- events

test("an event is called by its object and the nanoseconds since 1970, which go on counting", () => {
  const { clock, client } = world();
  const events = new EventRecorder(client, clock, "tester");
  const told = (): bigint => {
    const before = client.list("Event").items.map(({ metadata }) => metadata.name);
    events.normal(client.create(service(`s${before.length}`)), "Tested", "all is well");
    const [name] = client
      .list("Event")
      .items.map(({ metadata }) => metadata.name)
      .filter((one) => !before.includes(one));
    return BigInt(name!.replace(/^s\d+\./, "0x"));
  };
  let last = told();
  assert.is(last / 1_000_000n, BigInt(clock.now()));
  for (const milliseconds of [1, 17, 16_777, 1_234_567, 300_000_000]) {
    clock.advance(milliseconds);
    const next = told();
    assert.is(next - last, BigInt(milliseconds) * 1_000_000n + 1n, `${milliseconds} ms later`);
    last = next;
  }
});

test("an event told again counts up instead of coming twice", () => {
  const { clock, client } = world();
  const object = client.create(service("a"));
  const events = new EventRecorder(client, clock, "tester");
  events.normal(object, "Tested", "all is well");
  clock.advance(60_000);
  events.normal(object, "Tested", "all is well");
  events.warning(object, "Tested", "all is well");
  const told = [...client.list("Event").items].sort((a, b) => (a.type < b.type ? -1 : 1));
  assert.equal(
    told.map(({ type, count, firstTimestamp, lastTimestamp }) => [
      type,
      count,
      firstTimestamp,
      lastTimestamp,
    ]),
    [
      ["Normal", 2, "1970-01-01T00:00:00Z", "1970-01-01T00:01:00Z"],
      ["Warning", 1, "1970-01-01T00:01:00Z", "1970-01-01T00:01:00Z"],
    ],
  );
  assert.equal(told[0]!.involvedObject.uid, object.metadata.uid);
});

test("an event whose object was taken away meanwhile is written anew, with its whole story", () => {
  const { clock, client } = world();
  const object = client.create(service("a"));
  const events = new EventRecorder(client, clock, "tester");
  events.normal(object, "Tested", "all is well");
  clock.advance(60_000);
  client.delete("Event", client.list("Event").items[0]!.metadata.name);
  events.normal(object, "Tested", "all is well");
  const [told, ...others] = client.list("Event").items;
  assert.equal(
    [told!.count, told!.firstTimestamp, told!.lastTimestamp, others],
    [2, "1970-01-01T00:00:00Z", "1970-01-01T00:01:00Z", []],
  );
});

test("from the tenth text for one reason on they are told as one, and a talkative object is throttled after 25", () => {
  const { clock, client } = world();
  const object = client.create(service("a"));
  const events = new EventRecorder(client, clock, "tester");
  for (let i = 1; i <= 40; i++) events.normal(object, "Counted", `number ${i}`);
  const told = client.list("Event").items;
  assert.is(told.length, 10);
  const combined = told.find(({ message }) =>
    message.startsWith("(combined from similar events): "),
  )!;
  assert.equal(
    [combined.count, combined.message],
    [16, "(combined from similar events): number 25"],
  );
  clock.advance(300_000);
  events.normal(object, "Counted", "number 41");
  events.normal(object, "Counted", "number 42");
  assert.is(
    client.get("Event", combined.metadata.name).message,
    "(combined from similar events): number 41",
  );
});

test("two components may speak of one object in the same millisecond", () => {
  const { clock, client } = world();
  const object = client.create(service("a"));
  for (const name of ["kubelet", "scheduler", "kubelet"])
    new EventRecorder(client, clock, name).normal(object, "Spoke", `said ${name}`);
  assert.is(client.list("Event").items.length, 3);
});

// ---- leader election

function candidates(...names: string[]) {
  const { clock, client, random } = world();
  const electors = names.map(
    (identity) =>
      new LeaderElector({
        clock,
        client,
        random: random.fork(identity),
        name: "kube-controller-manager",
        identity,
        onStarted() {},
        onStopped() {},
      }),
  );
  for (const elector of electors) elector.start();
  clock.settle();
  return {
    clock,
    client,
    electors,
    leaders: () => names.filter((_, i) => electors[i]!.leading),
    lease: () => client.get("Lease", "kube-controller-manager", "kube-system").spec,
  };
}

test("one of several candidates leads, and renews every two seconds", () => {
  const { clock, leaders, lease } = candidates("a", "b", "c");
  assert.equal(leaders(), ["a"]);
  assert.equal(lease(), {
    holderIdentity: "a",
    leaseDurationSeconds: 15,
    acquireTime: "1970-01-01T00:00:00.000000Z",
    renewTime: "1970-01-01T00:00:00.000000Z",
    leaseTransitions: 0,
  });
  clock.advance(60_000);
  assert.equal(leaders(), ["a"]);
  assert.is(lease().renewTime, "1970-01-01T00:01:00.000000Z");
});

test("when the leader dies the standby takes over after the lease has run out, not before", () => {
  const { clock, electors, leaders, lease } = candidates("a", "b");
  clock.advance(30_000);
  electors[0]!.stop();
  clock.advance(13_000);
  assert.equal(leaders(), []);
  clock.advance(2_000 + 4_400 + 1_000); // the rest of 15 s, and a round of the standby
  assert.equal(leaders(), ["b"]);
  assert.equal([lease().holderIdentity, lease().leaseTransitions], ["b", 1]);
  electors[0]!.start();
  clock.advance(60_000);
  assert.equal(leaders(), ["b"], "who comes back waits");
});

test("a leader that goes in good order gives the lease back", () => {
  const { clock, electors, leaders } = candidates("a", "b");
  clock.advance(10_000);
  electors[0]!.stop({ release: true });
  clock.advance(4_400);
  assert.equal(leaders(), ["b"]);
});

test("a leader whose lease was taken steps down within ten seconds", () => {
  const { clock, client, leaders } = candidates("a");
  clock.advance(4_000);
  const lease = client.get("Lease", "kube-controller-manager", "kube-system");
  client.update({ ...lease, spec: { ...lease.spec, holderIdentity: "somebody else" } });
  clock.advance(12_000);
  assert.equal(leaders(), []);
});

test("a leader that trips over its Lease steps down within ten seconds, and leads again later", () => {
  const { clock, client, electors, leaders, lease } = candidates("a");
  let trips = false;
  const get = client.get.bind(client);
  client.get = ((...args: Parameters<typeof get>) => {
    if (trips) throw new TypeError("Cannot read properties of undefined");
    return get(...args);
  }) as typeof get;
  const advance = (ms: number) => {
    try {
      clock.advance(ms);
    } catch {} // the clock tells what went wrong
  };
  advance(4_000);
  trips = true;
  advance(9_000);
  assert.equal(leaders(), ["a"], "it was heard of less than ten seconds ago");
  advance(1_100);
  assert.equal(leaders(), []);
  trips = false;
  electors[0]!.stop();
  electors[0]!.start();
  advance(1_000);
  assert.equal([leaders(), lease().holderIdentity], [["a"], "a"]);
});

test.run();
