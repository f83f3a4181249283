/**
 * npm run simulate -- [--seeds N] [--first SEED] [--seed K]
 *
 * Tries N schedules (default 100) from a first seed (default: a random one, printed). `--seed`
 * replays one and tells its story. The last line is "N seeds, N violations".
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { simulate, type Outcome } from "./simulator.js";

/** So many seeds from one line about the speed to the next. */
const PROGRESS = 500;

const { values } = parseArgs({
  options: { seeds: { type: "string" }, first: { type: "string" }, seed: { type: "string" } },
});

function whole(name: "seeds" | "first" | "seed", otherwise: number): number {
  const text = values[name];
  if (text === undefined) return otherwise;
  if (/^\d+$/.test(text)) return Number(text);
  console.error(`simulate: --${name} is ${JSON.stringify(text)}; it must be a whole number`);
  process.exit(2);
}

const one = values.seed === undefined ? undefined : whole("seed", 0);
const seeds = one === undefined ? whole("seeds", 100) : 1;
const first = one ?? whole("first", randomInt(2 ** 31));
console.log(`seeds ${first} to ${first + seeds - 1}`);

function tell({ seed, story, violations, sha }: Outcome): void {
  if (one !== undefined) console.log(story.join("\n"));
  if (one !== undefined || violations.length > 0) console.log(`seed ${seed}: sha ${sha}`);
  for (const violation of violations) console.log(`seed ${seed}: ${violation}`);
}

/** Of this process's own time, so that others at work on the machine do not matter. */
const secondsOfCPU = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;

const started = secondsOfCPU();
let [steps, violations] = [0, 0];
for (let seed = first; seed < first + seeds; seed++) {
  const outcome = simulate(seed);
  steps += outcome.steps;
  violations += outcome.violations.length;
  tell(outcome);
  const tried = seed - first + 1;
  if (tried % PROGRESS === 0 || tried === seeds) tellSpeed(tried);
}

function tellSpeed(tried: number): void {
  const seconds = secondsOfCPU() - started;
  const [stepsPerSecond, seedsPerSecond] = [steps / seconds, tried / seconds];
  console.log(
    `${tried} seeds: ${stepsPerSecond.toFixed(0)} steps and ${seedsPerSecond.toFixed(2)} seeds a second of one core`,
  );
}

console.log(`${seeds} seeds, ${violations} violations`);
process.exitCode = violations > 0 ? 1 : 0;
