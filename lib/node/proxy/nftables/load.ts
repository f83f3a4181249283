/** Makes the nftables mode known, and who reads its rules: see modes.ts and opened.ts. */
import { isNftables } from "../../../net/nftables/looks.js";
import { addMode } from "../modes.js";
import { addReader } from "../opened.js";
import { nftablesMode } from "./backend.js";
import { openNftables } from "./opened.js";

addMode("nftables", nftablesMode());
addReader({ isMine: isNftables, open: openNftables });
