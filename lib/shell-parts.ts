/** All that shells need: the shell itself, and what images answer. A later part, see shells.ts. */
import { listenerIn } from "./programs/images.js";
import "./programs/known.js";
import { behaveAs } from "./shell/index.js";

behaveAs((clock, sandbox, protocol, port) => listenerIn(clock, sandbox, protocol, port));

export * from "./shell/index.js";
