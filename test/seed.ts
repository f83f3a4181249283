/**
 * The seed of what is drawn at random in a test file. A fixed one (1) while one works; a new one at
 * each run where CI is set, so that no two runs try the same; `STOPOVER_SEED=N` repeats a run. It
 * is printed as `seed N`, since a failure needs it.
 */
import { randomInt } from "node:crypto";

/** Seeds fit 31 bits, which is what fast-check takes. */
const LIMIT = 2 ** 31;

function chosen(): number {
  const asked = process.env["STOPOVER_SEED"];
  if (asked === undefined) return process.env["CI"] ? randomInt(LIMIT) : 1;
  const seed = Number(asked);
  if (!/^\d+$/.test(asked) || seed >= LIMIT)
    throw new RangeError(
      `STOPOVER_SEED is ${JSON.stringify(asked)}; it must be a whole number from 0 to ${LIMIT - 1}`,
    );
  return seed;
}

export const seed = chosen();
console.log(`seed ${seed}`);
