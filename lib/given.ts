/**
 * What somebody brings along: a dump of a cluster, a node's rules. A page loads it when first used.
 */
export { openSnapshot, type Snapshot } from "./snapshot.js";
export { openRules, type PastedRules, type PastedOptions } from "./pasted-rules.js";
