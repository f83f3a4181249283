/** The public face of the library. */
export {
  createCluster,
  Cluster,
  aws,
  gcp,
  type ClusterOptions,
  type NodeSpec,
  type Traceable,
} from "./cluster.js";
export { openSnapshot, type Snapshot } from "./snapshot.js";
export { openRules, type PastedRules, type PastedOptions } from "./pasted-rules.js";
export { carryFiles, parse, read, type Documents } from "./objects/files.js";
export { ManifestError } from "./objects/manifest.js";
export type * from "./objects/types.js";
export type * from "./journey/types.js";
export { endOf } from "./journey/end.js";
export type { NodeHandle, PodHandle } from "./handles.js";
export type { ChainRow, NodeRuleTables, RuleRow } from "./node/proxy/rule-tables.js";
export type { HistoryEntry } from "./api/history.js";
export { ApiError } from "./api/errors.js";
