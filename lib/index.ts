/** The public face of the library. */
import "./apiserver/admission-plugins.js";
import "./controllers/workloads.js";
import "./node/kubelet/config-needs.js";
import "./objects/built-in.js";
import "./objects/machine-files.js";
import { shells } from "./shells.js";

shells.load = () => import("./shell-parts.js");

export * from "./live.js";
export * from "./given.js";
export type * from "./objects/types.js";
export type * from "./journey/types.js";
export type { Cause, Change, Changed, Diagnosis, Door, DoorKind } from "./why/types.js";
export type { NodeHandle, PodHandle } from "./handles.js";
export type { ShellOptions, ShellResult } from "./shells.js";
export { images, type Answering } from "./programs/registry.js";
export type { ChainRow, NodeRuleTables, RuleRow } from "./node/proxy/rule-tables.js";
export type { HistoryEntry } from "./api/history.js";
