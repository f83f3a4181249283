export { check, verdict, type Exercise, type Verdict } from "./check.js";
