import type { Exercise } from "./check.js";
import { ch06 } from "./ch06.js";

export const exercises: readonly Exercise[] = [
  ...ch06,
];
