import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  add,
  everyWay,
  forced,
  seeded,
  toNumber,
  type Chooser,
} from "stopover/internal/net/choice";
import { seed } from "./seed.js";

const ways = suite("every way");
const text = <T extends string | number>(
  all: { probability: { numerator: bigint; denominator: bigint }; result: T }[],
) =>
  all.map(
    ({ probability: { numerator, denominator }, result }) =>
      `${result}: ${numerator}/${denominator}`,
  );
ways("a choice among nodes, then among Pods by 1/3 and 1/2: nine ways of a ninth", () => {
  const all = everyWay(
    (choose) => `${choose.pick(3)}${choose.chance(1, 3) ? "a" : choose.chance(1, 2) ? "b" : "c"}`,
  );
  assert.equal(text(all), [
    "0a: 1/9",
    "0b: 1/9",
    "0c: 1/9",
    "1a: 1/9",
    "1b: 1/9",
    "1c: 1/9",
    "2a: 1/9",
    "2b: 1/9",
    "2c: 1/9",
  ]);
});
ways("ways may be of different length", () =>
  assert.equal(
    text(
      everyWay((choose) =>
        choose.chance(1, 4) ? "short" : choose.chance(1, 3) ? "long" : "longer",
      ),
    ),
    ["short: 1/4", "long: 1/4", "longer: 1/2"],
  ),
);
ways("what is certain or impossible is no branch", () =>
  assert.equal(
    text(everyWay((choose) => `${choose.chance(1, 1)} ${choose.chance(0, 1)} ${choose.pick(1)}`)),
    ["true false 0: 1/1"],
  ),
);
ways("ports do not branch, and differ within a way", () =>
  assert.equal(text(everyWay((choose) => `${choose.port(10, 20)} ${choose.port(10, 20)}`)), [
    "10 11: 1/1",
  ]),
);
ways("a thousand decimals make a long fraction, and no deep recursion", () => {
  const run = (choose: Chooser): boolean =>
    Array.from({ length: 1500 }, () => choose.chance(99_991, 100_000)).every(Boolean);
  assert.throws(() => everyWay(run, 1), /there are more than 1 ways/);
});
ways("a way that takes decisions without end is given up", () => {
  const run = (choose: Chooser): void => {
    for (;;) choose.chance(1, 2);
  };
  assert.throws(() => everyWay(run), /more than 5000 decisions/);
});
ways("they sum to exactly one, whatever is decided", () => {
  const decisions = fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 5 })), { maxLength: 5 });
  fc.assert(
    fc.property(decisions, (list) => {
      const run = (choose: Chooser): string =>
        list
          .map(([numerator, n]) =>
            numerator % 2 ? choose.chance(Math.min(numerator, 7), 7) : choose.pick(n),
          )
          .join();
      const all = everyWay(run);
      const sum = all.map(({ probability }) => probability).reduce(add);
      assert.equal([sum.numerator, sum.denominator], [1n, 1n]);
      assert.is(new Set(all.map(({ result }) => result)).size, all.length, "no way comes twice");
    }),
    { seed },
  );
});
ways("more ways than anybody can look at are refused", () =>
  assert.throws(
    () =>
      everyWay((choose) => {
        for (let i = 0; i < 40; i++) choose.pick(2);
      }, 1000),
    /more than 1000 ways/,
  ),
);
ways("chances in turn are one decision, with the same probabilities", () => {
  const chances = Array.from({ length: 1999 }, (_, i) => ({ numerator: 1, denominator: 2000 - i }));
  const all = everyWay((choose) => choose.first!(chances));
  assert.is(all.length, 2000);
  for (const { probability } of all)
    assert.equal([probability.numerator, probability.denominator], [1n, 2000n]);
  const mixed = [
    { numerator: 1, denominator: 4 },
    { numerator: 0, denominator: 7 },
    { numerator: 1, denominator: 3 },
    { numerator: 1, denominator: 1 },
    { numerator: 1, denominator: 2 },
  ];
  const inTurn = (choose: Chooser): number => {
    const place = mixed.findIndex(({ numerator, denominator }) =>
      choose.chance(numerator, denominator),
    );
    return place < 0 ? mixed.length : place;
  };
  assert.equal(text(everyWay((choose) => choose.first!(mixed))), text(everyWay(inTurn)));
});
ways("a fraction as a number", () =>
  assert.equal(
    [toNumber({ numerator: 1n, denominator: 3n }), toNumber({ numerator: 1n, denominator: 1n })],
    [1 / 3, 1],
  ),
);
ways.run();

const choosers = suite("choosers");
choosers("seeded: as often as the probability says", () => {
  let state = 42;
  const choose = seeded(() => (state = (state * 16807) % 2147483647) / 2147483647);
  const count = (ask: () => boolean): number =>
    Array.from({ length: 10_000 }, ask).filter(Boolean).length;
  assert.ok(Math.abs(count(() => choose.chance(1, 3)) - 3333) < 150);
  assert.ok(Math.abs(count(() => choose.pick(4) === 3) - 2500) < 150);
  for (let i = 0; i < 1000; i++) {
    const port = choose.port(1024, 1026);
    assert.ok(port >= 1024 && port <= 1026);
  }
});
choosers(
  "forced: in the order given, then the other chooser, or an error that says what was asked",
  () => {
    const choose = forced([true, 2, false]);
    assert.equal([choose.chance(1, 2), choose.pick(3), choose.chance(1, 2)], [true, 2, false]);
    assert.throws(
      () => choose.chance(1, 3),
      /all 3 forced decisions are used up, and a chance of 1\/3 asks for one more/,
    );
    const backed = forced(
      [1],
      seeded(() => 0),
    );
    assert.equal([backed.pick(9), backed.pick(9), backed.port(5, 9)], [1, 0, 5]);
  },
);
choosers.run();
