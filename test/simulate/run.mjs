// npm run simulate -- [--seeds N] [--first SEED] [--seed K]: compiles, then tries schedules.
import { tsc } from "../../notebooks/kit/setup.mjs";

if (!tsc("-b", "lib", "test")) process.exit(1);
await import("../dist/simulate/run.js");
