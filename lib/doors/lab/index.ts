/** The lab (`stopover/lab`): the same cluster on a real Linux kernel, and ours beside it. */
export { compareWith, observe, runLab } from "./lab.js";
export { planOf } from "./plan.js";
export type { LabPlan, LabReport, Observed } from "./types.js";
export { observeOrRecall } from "./recording.js";
export { labText } from "./text.js";
export { preflight } from "./preflight.js";
