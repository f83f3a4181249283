export { dumpOf, dumpText, readCluster, type Connection, type Read } from "./dump.js";
export { Disguise, disguiseFor } from "./disguise.js";
