/** A cluster that lives: what a first journey needs, and so a page's first chunk. */
export {
  createCluster,
  Cluster,
  aws,
  ptp,
  type ClusterOptions,
  type NodeSpec,
  type Traceable,
} from "./cluster.js";
export { carryFiles, parse, read, type Documents } from "./objects/files.js";
export { ManifestError } from "./objects/manifest.js";
export { endOf } from "./journey/end.js";
export { ApiError } from "./api/errors.js";
