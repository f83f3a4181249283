/**
 * kube-proxy's nftables mode (`stopover/nftables`), which `import "stopover"` has as well. An entry
 * of its own, since few pages of the book need it.
 *
 *     import "stopover/nftables";
 *     createCluster({ proxyMode: "nftables" });
 */
import "./node/proxy/nftables/load.js";

export { nftablesMode } from "./node/proxy/nftables/backend.js";
