/** Makes all kinds of patches known; they would be a thirtieth of a page's first chunk. */
import { apply } from "./apply-request.js";
import { jsonPatched } from "./json-patch.js";
import { otherPatches, type OtherPatches } from "./patch.js";
import { strategic } from "./strategic-patch.js";

Object.assign(otherPatches, { jsonPatched, strategic, apply } satisfies Partial<OtherPatches>);
