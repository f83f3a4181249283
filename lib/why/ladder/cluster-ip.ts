/** The fourth rung: whether the Service's own address leads anywhere, from where it was asked. */
import { nameOf } from "../objects.js";
import type { Fault } from "../types.js";
import { fault, type Case, type Look } from "./case.js";
import { deadNode, localPolicy, notOurs, otherName, staleProxy } from "./node-port.js";
import { lookAtPort } from "./port.js";

export const lookAtClusterIP: Look = (one) => [
  ...askedOutside(one),
  ...lookAtPort(one, "cluster-ip"),
  ...notOurs(one, "cluster-ip"),
  ...nobodysExternalIP(one),
  ...otherName(one, "internalTrafficPolicy", "cluster-ip"),
  ...localPolicy(one, "internalTrafficPolicy", "cluster-ip"),
  ...deadNode(one, "cluster-ip"),
  ...staleProxy(one, "cluster-ip"),
];

/** The cluster's nodes alone know what a ClusterIP is. */
function askedOutside({ service, goal, origin, disposition }: Case): Fault[] {
  const value = goal?.host ?? "";
  const isInside = origin === undefined || origin.kind === "pod" || origin.kind === "node";
  if (isInside || disposition !== "no route" || !service.spec.clusterIPs?.includes(value))
    return [];
  const { type = "ClusterIP" } = service.spec;
  return [
    fault("cluster-ip", service, "spec.type", {
      value: type,
      expected: type === "ClusterIP" ? "NodePort" : type,
      sentence: `${value} is the ClusterIP of ${nameOf(service)}: rules on the cluster's nodes make something of it, and nobody outside of the cluster has a route there (spec.type is ${type})`,
    }),
  ];
}

/** Rules take an external address at every node, and somebody has to bring packets for it there. */
function nobodysExternalIP({ service, goal, disposition }: Case): Fault[] {
  const value = goal?.host ?? "";
  if (disposition !== "no route" || !service.spec.externalIPs?.includes(value)) return [];
  return [
    fault("cluster-ip", service, "spec.externalIPs", {
      value,
      expected: "an address of a node, or one that a route leads to a node",
      sentence: `spec.externalIPs of ${nameOf(service)} has ${value}: the nodes' rules take it, but no node has that address and no route leads packets for it to one; Kubernetes makes neither`,
    }),
  ];
}
