/**
 * What is wrong with statuses, which components write. A page's first chunk takes them at their
 * word; who imports this does not.
 */
import { readAddress } from "../net/ip.js";
import {
  checkAtLeast0,
  checkFormat,
  checkIP,
  checkOneOf,
  dns1123Subdomain,
  forbidden,
  invalid,
  type FieldError,
} from "./field-errors.js";
import type { Deployment, Pod, ReplicaSet, Service } from "./types.js";
import { byStatus } from "./validation.js";

/** (ValidateLoadBalancerStatus) */
function serviceStatus({ spec, status }: Service): FieldError[] {
  const ingress = status?.loadBalancer?.ingress ?? [];
  if (spec.type !== "LoadBalancer" && ingress.length > 0)
    return [
      forbidden(
        "status.loadBalancer.ingress",
        "may only be used when `spec.type` is 'LoadBalancer'",
      ),
    ];
  return ingress.flatMap(({ ip, hostname, ipMode }, i) => {
    const at = `status.loadBalancer.ingress[${i}]`;
    return [
      ...(ip ? checkIP(`${at}.ip`, ip) : []),
      ...(ipMode && !ip
        ? [forbidden(`${at}.ipMode`, "may not be specified when `ip` is not set")]
        : ipMode && ip
          ? checkOneOf(`${at}.ipMode`, ipMode, ["Proxy", "VIP"])
          : []),
      ...(hostname ? checkFormat(`${at}.hostname`, hostname, dns1123Subdomain) : []),
      ...(hostname && readAddress(hostname)
        ? [invalid(`${at}.hostname`, hostname, "must be a DNS name, not an IP address")]
        : []),
    ];
  });
}

/** Addresses come from kubelets, and packets go by them. (validatePodIPs) */
function podStatus({ status }: Pod, old: Pod): FieldError[] {
  if (status === old.status) return [];
  const podIPs = status?.podIPs ?? (status?.podIP ? [{ ip: status.podIP }] : []);
  const { hostIP = "", hostIPs = [] } = (status ?? {}) as { hostIP?: string; hostIPs?: IPs };
  const first = hostIPs[0]?.ip ?? "";
  return [
    ...checkIPs(podIPs, "status.podIPs"),
    ...(hostIPs.length > 0 && first !== hostIP
      ? [invalid("status.hostIPs[0].ip", first, "must be equal to `hostIP`")]
      : []),
    ...checkIPs(hostIPs, "status.hostIPs"),
  ];
}

type IPs = readonly { ip?: string }[];

/** At most one of each family. */
function checkIPs(all: IPs, at: string): FieldError[] {
  const found = all.flatMap(({ ip = "" }, i) => checkIP(`${at}[${i}]`, ip));
  const families = all.map(({ ip = "" }) => readAddress(ip)?.family);
  return found.length > 0 || new Set(families).size === all.length
    ? found
    : [
        invalid(
          at,
          all.map(({ ip }) => ({ IP: ip })),
          "may specify no more than one IP for each IP family",
        ),
      ];
}

type Counts = Partial<Record<(typeof counts)[number], number>>;
const counts = [
  "observedGeneration",
  "replicas",
  "fullyLabeledReplicas",
  "updatedReplicas",
  "readyReplicas",
  "availableReplicas",
  "unavailableReplicas",
  "terminatingReplicas",
  "collisionCount",
] as const;

/** (ValidateDeploymentStatus, ValidateReplicaSetStatus) */
function checkReplicas(status: Counts = {}, ofAll: keyof Counts): FieldError[] {
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status;
  const parts = [ofAll, "readyReplicas", "availableReplicas"];
  return [
    ...counts.flatMap((name) => checkAtLeast0(`status.${name}`, status[name])),
    ...(parts as (keyof Counts)[]).flatMap((name) =>
      (status[name] ?? 0) > replicas
        ? [invalid(`status.${name}`, status[name] ?? 0, "cannot be greater than status.replicas")]
        : [],
    ),
    ...(availableReplicas > readyReplicas
      ? [
          invalid(
            "status.availableReplicas",
            availableReplicas,
            "cannot be greater than readyReplicas",
          ),
        ]
      : []),
  ];
}

function deploymentStatus({ status: now }: Deployment, { status: was }: Deployment): FieldError[] {
  if (now === was) return [];
  const [after = 0, before = 0] = [now?.collisionCount, was?.collisionCount];
  return [
    ...checkReplicas(now, "updatedReplicas"),
    ...(was?.collisionCount !== undefined && after < before
      ? [invalid("status.collisionCount", after, "cannot be decremented")]
      : []),
  ];
}

const replicaSetStatus = ({ status }: ReplicaSet, old: ReplicaSet): FieldError[] =>
  status === old.status ? [] : checkReplicas(status, "fullyLabeledReplicas");

Object.assign(byStatus, {
  Service: serviceStatus,
  Pod: podStatus,
  Deployment: deploymentStatus,
  ReplicaSet: replicaSetStatus,
});
