/** Every kind of load balancer that a cluster can be asked for by a name. */
import { aws } from "./aws.js";
import { gcp } from "./gcp.js";
import { gcpNegs } from "./gcp-negs.js";
import { kubeVip } from "./kube-vip.js";
import { metallb } from "./metallb.js";
import { nlb } from "./nlb.js";
import { octavia } from "./octavia.js";
import type { Cloud } from "./provider.js";

export const clouds = {
  aws,
  nlb,
  "nlb-ip": () => nlb({ targetType: "ip" }),
  gcp,
  "gcp-neg": () => gcpNegs(),
  octavia,
  "metallb-l2": () => metallb({ mode: "l2" }),
  "metallb-bgp": () => metallb({ mode: "bgp" }),
  "kube-vip": () => kubeVip(),
  none: () => undefined,
} satisfies Record<string, () => Cloud | undefined>;

export type CloudName = keyof typeof clouds;
export const cloudNames = Object.keys(clouds) as CloudName[];
