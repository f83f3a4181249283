import type { Exercise } from "./check.js";

export const exercises: readonly Exercise[] = [];
