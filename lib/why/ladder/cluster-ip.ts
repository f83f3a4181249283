/** The fourth rung: whether the Service's own address leads anywhere, from where it was asked. */
import type { Look } from "./case.js";
import { deadNode, localPolicy, notOurs, staleProxy } from "./node-port.js";
import { lookAtPort } from "./port.js";

export const lookAtClusterIP: Look = (one) => [
  ...lookAtPort(one, "cluster-ip"),
  ...notOurs(one, "cluster-ip"),
  ...localPolicy(one, "internalTrafficPolicy", "cluster-ip"),
  ...deadNode(one, "cluster-ip"),
  ...staleProxy(one, "cluster-ip"),
];
