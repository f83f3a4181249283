/**
 * The load balancers beside AWS's classic ones and Google's (`stopover/clouds`), and all of them
 * compared. An entry of its own, since one chapter's page alone needs it.
 *
 *     import { metallb, compareClouds } from "stopover/clouds";
 *     createCluster({ cloud: metallb({ mode: "bgp" }) });
 */
export { cloudNames, clouds, type CloudName } from "./cloud/clouds.js";
export { gcpNegs } from "./cloud/gcp-negs.js";
export { kubeVip, type KubeVipOptions } from "./cloud/kube-vip.js";
export { metallb, type MetallbOptions } from "./cloud/metallb.js";
export { nlb, type NlbOptions } from "./cloud/nlb.js";
export { octavia, type OctaviaOptions } from "./cloud/octavia.js";
export {
  compareClouds,
  type CloudRow,
  type CompareOptions,
  type FromPod,
  type NodeDies,
} from "./compare-clouds.js";
