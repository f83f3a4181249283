/** Makes the nftables mode known: see modes.ts. */
import { addMode } from "../modes.js";
import { nftablesMode } from "./backend.js";

addMode("nftables", nftablesMode());
