export { check, verdict, type Exercise, type Verdict } from "./check.js";
export { guesses, predict } from "./predict.js";
