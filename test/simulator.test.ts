/**
 * A few schedules of the simulator (test/simulate). Without CI the same few; with CI new ones for a
 * minute, from a seed that is printed. `npm run simulate` tries more, and replays one.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { seed } from "./seed.js";
import { simulate, type Outcome } from "./simulate/simulator.js";

/** Milliseconds that CI spends on new schedules. */
const BUDGET_MS = 20_000;

const told = ({ seed, story, violations }: Outcome): string =>
  `npm run simulate -- --seed ${seed}\n${[...story, ...violations].join("\n")}`;

test("a schedule has at least thirty steps and can be repeated to the byte", () => {
  const [first, again] = [simulate(3), simulate(3)];
  assert.ok(first.steps >= 30, told(first));
  assert.equal(again, first);
});

/** Each of them once found something. */
for (const known of [1, 10, 27])
  test(`schedule ${known} goes well`, () => {
    const outcome = simulate(known);
    assert.equal(outcome.violations, [], told(outcome));
  });

test("whatever happens, nothing impossible is seen, and all comes back", () => {
  const end = performance.now() + BUDGET_MS;
  const most = process.env["CI"] ? Infinity : 6;
  for (let i = 0; i < most && performance.now() < end; i++) {
    const outcome = simulate(seed * 1_000 + i);
    assert.equal(outcome.violations, [], told(outcome));
  }
});

test.run();
