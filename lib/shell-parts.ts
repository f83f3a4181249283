/** All that shells need: the shell itself, and what images answer. A later part, see shells.ts. */
import { listenerIn, programsIn } from "./programs/images.js";
import "./programs/agnhost/agnhost.js";
import "./programs/known.js";
import { unmodelledIn } from "./programs/unmodelled.js";
import { behaveAs, bringAlong, nameUnmodelled } from "./shell/index.js";

behaveAs(listenerIn);
bringAlong(programsIn);
nameUnmodelled(unmodelledIn);

export * from "./shell/index.js";
export { TerminalSession, type TerminalOptions } from "./shell/session.js";
export { logsAt, logsOf, runsCommands, stdioOf } from "./programs/containers.js";
export type { Stdio } from "./programs/stdio.js";
export { read as readLog, type Log, type LogOptions } from "./programs/log.js";
