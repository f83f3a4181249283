export { check, verdict } from "./check.js";
export type { Exercise, Verdict } from "./exercise.js";
export { guesses, predict } from "./predict.js";
