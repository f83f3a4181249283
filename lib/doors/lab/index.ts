/** The lab (`stopover/lab`): the same cluster on a real Linux kernel, and ours beside it. */
export { compareWith, observe, runLab, type LabReport, type Observed } from "./lab.js";
export { planOf, type LabPlan } from "./plan.js";
export { observeOrRecall } from "./recording.js";
export { labText } from "./text.js";
export { preflight } from "./preflight.js";
