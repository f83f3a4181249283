/** Makes the ipvs mode known, which is not modelled: its nodes have a doubt. (KEP-5495) */
import { iptablesMode } from "./iptables/backend.js";
import { addMode } from "./modes.js";

const sentence =
  "kube-proxy runs in ipvs mode, which hands Services to the kernel's own load balancer (IPVS) and is deprecated since Kubernetes 1.35; it is not modelled, so nobody here knows where a node sends a packet";

// what rules of iptables would decide is what nobody knows
addMode("ipvs", iptablesMode(), { object: "KubeProxyConfiguration", field: "mode", sentence });
