/** The plugins that there are; a new one is a file beside these, and a line here. */
export { bridge } from "./bridge.js";
export { ptp } from "./ptp.js";
