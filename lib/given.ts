/**
 * What somebody brings along: a dump of a cluster, a node's rules; and who finds causes. A page
 * loads it when first used.
 */
import "./apiserver/other-patches.js";
import "./objects/built-in.js";
import "./objects/dumps.js";
import { diagnoseWith } from "./diagnosis.js";
import "./node/listening-untold.js";
import "./node/proxy/configuration.js";
import "./node/proxy/ipvs.js";
import "./node/proxy/nftables/load.js";
import "./option-checks.js";
import "./journey/shares.js";
import { teach } from "./journey/network.js";
import { policyDoubt } from "./policies.js";
import { undeclared } from "./undeclared.js";
import { askWhy } from "./why/ask.js";
import { causesIn } from "./why/journeys.js";

teach((network, list) => network.doubts.push(policyDoubt(list)));
teach(undeclared);
diagnoseWith({ askWhy, causesIn });

export { gcp } from "./cloud/gcp.js";
export { bridge } from "./node/cni/plugins.js";
export { whyText } from "./why/text.js";
export { openSnapshot, type Snapshot } from "./snapshot.js";
export { openRules, type PastedRules, type PastedOptions } from "./pasted-rules.js";
