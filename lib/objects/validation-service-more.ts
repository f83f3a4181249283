/**
 * Checks of a Service's rarer faults: in session affinity, load balancer and traffic policies, and
 * of what may not change. Who imports this has them. (kubernetes:
 * pkg/apis/core/validation/validation.go)
 */
import * as features from "./kubernetes-features.js";
import { externallyAccessible } from "./defaulting.js";
import {
  checkCIDR,
  checkFormat,
  checkOneOf,
  checkPort,
  duplicate,
  forbidden,
  invalid,
  notSupported,
  qualifiedName,
  type FieldError,
} from "./field-errors.js";
import type { Kubernetes } from "./kubernetes.js";
import { strictCIDR, strictIP } from "./strict-addresses.js";
import type { Service, ServicePort } from "./types.js";
import { further, isHeadless } from "./validation-service.js";

const needsHealthCheck = ({ spec }: Service): boolean =>
  spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
/** PreferClose is the older name of PreferSameZone. (KEP-3015) */
const distributionsIn = (version: Kubernetes): string[] => [
  "PreferClose",
  ...(version.has(features.preferSame) ? ["PreferSameZone", "PreferSameNode"] : []),
];
const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";

function validateRest(
  service: Service,
  old: Service | undefined,
  version: Kubernetes,
): FieldError[] {
  const { spec } = service;
  const distributions = distributionsIn(version);
  const ports = spec.ports ?? [];
  return [
    ...(spec.type === "ClusterIP"
      ? ports.flatMap(({ nodePort }, i) =>
          nodePort
            ? [forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'")]
            : [],
        )
      : []),
    ...duplicatePorts(ports),
    ...validateLoadBalancer(service),
    ...validateExternalPolicy(service),
    ...(spec.internalTrafficPolicy !== undefined || spec.type !== "ExternalName"
      ? checkOneOf("spec.internalTrafficPolicy", spec.internalTrafficPolicy, ["Cluster", "Local"])
      : []),
    ...(version.has(features.strictAddresses) ? strictAddresses(spec, old?.spec) : []),
    ...(spec.trafficDistribution === undefined ||
    spec.trafficDistribution === old?.spec.trafficDistribution ||
    distributions.includes(spec.trafficDistribution)
      ? []
      : [notSupported("spec.trafficDistribution", spec.trafficDistribution, distributions)]),
  ];
}

/** What was there before stays as it was written. (KEP-4858) */
function strictAddresses(now: Service["spec"], was: Service["spec"] | undefined): FieldError[] {
  const each = (
    field: string,
    values: readonly string[] = [],
    known: readonly string[] = [],
    check = strictIP,
  ): FieldError[] =>
    values.flatMap((value, i) => (known.includes(value) ? [] : check(`${field}[${i}]`, value)));
  const ranges = "spec.LoadBalancerSourceRanges";
  return [
    ...each("spec.clusterIPs", now.clusterIPs, was?.clusterIPs),
    ...each("spec.externalIPs", now.externalIPs, was?.externalIPs),
    ...each(ranges, now.loadBalancerSourceRanges, was?.loadBalancerSourceRanges, strictCIDR),
  ];
}

function duplicatePorts(ports: readonly ServicePort[]): FieldError[] {
  const repeated = (key: (port: ServicePort) => string | undefined) => {
    const seen = new Set<string>();
    return ports
      .map((port, i) => ({ port, i, key: key(port) }))
      .filter(({ key }) => key !== undefined && (seen.has(key) || !seen.add(key)));
  };
  // as the internal type has it, whose other fields upstream leaves empty here
  const compared = ({ protocol, port }: ServicePort) => ({
    Name: "",
    Protocol: protocol,
    AppProtocol: null,
    Port: port,
    TargetPort: 0,
    NodePort: 0,
  });
  return [
    ...repeated(({ nodePort, protocol }) => (nodePort ? `${nodePort}/${protocol}` : undefined)).map(
      ({ port, i }) => duplicate(`spec.ports[${i}].nodePort`, port.nodePort),
    ),
    ...repeated(({ port, protocol }) => `${port}/${protocol}`).map(({ port, i }) =>
      duplicate(`spec.ports[${i}]`, compared(port)),
    ),
  ];
}

function validateAffinity(spec: Service["spec"]): FieldError[] {
  const at = "spec.sessionAffinityConfig";
  const problems = checkOneOf("spec.sessionAffinity", spec.sessionAffinity, ["ClientIP", "None"]);
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (
    spec.sessionAffinity !== "ClientIP" ||
    (seconds !== undefined && seconds > 0 && seconds <= 86_400)
  )
    return problems;
  return [
    ...problems,
    invalid(
      `${at}.clientIP.timeoutSeconds`,
      seconds ?? 0,
      "must be greater than 0 and less than 86400",
    ),
  ];
}

function validateLoadBalancer(service: Service): FieldError[] {
  const { spec } = service;
  const isLB = spec.type === "LoadBalancer";
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const at = "spec.LoadBalancerSourceRanges"; // upstream writes it with a capital
  return [
    ...(ranges.length > 0 && !isLB ? [forbidden(at, onlyLoadBalancer)] : []),
    ...ranges.flatMap((range, i) => checkCIDR(`${at}[${i}]`, range.trim())),
    ...(ranges.length === 0 ? validateRangesAnnotation(service) : []),
    ...(spec.allocateLoadBalancerNodePorts !== undefined && !isLB
      ? [forbidden("spec.allocateLoadBalancerNodePorts", onlyLoadBalancer)]
      : []),
    ...(spec.loadBalancerClass === undefined
      ? []
      : isLB
        ? checkFormat("spec.loadBalancerClass", spec.loadBalancerClass, qualifiedName)
        : [forbidden("spec.loadBalancerClass", onlyLoadBalancer)]),
  ];
}

const rangesAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges";

/** What loadBalancerSourceRanges was before it was a field. */
function validateRangesAnnotation({ metadata, spec }: Service): FieldError[] {
  const ranges = metadata.annotations?.[rangesAnnotation];
  if (ranges === undefined) return [];
  const at = `metadata.annotations[${rangesAnnotation}]`;
  return [
    ...(spec.type === "LoadBalancer" ? [] : [forbidden(at, onlyLoadBalancer)]),
    ...(ranges.trim() === ""
      ? []
      : ranges.split(",").flatMap((range) => checkCIDR(at, range.trim()))),
  ];
}

function validateExternalPolicy(service: Service): FieldError[] {
  const { externalTrafficPolicy: policy, healthCheckNodePort } = service.spec;
  const found: FieldError[] = [];
  if (externallyAccessible(service))
    found.push(...checkOneOf("spec.externalTrafficPolicy", policy, ["Cluster", "Local"]));
  else if (policy)
    found.push(
      invalid(
        "spec.externalTrafficPolicy",
        policy,
        "may only be set for externally-accessible services",
      ),
    );
  if (!needsHealthCheck(service) && healthCheckNodePort)
    found.push(
      invalid(
        "spec.healthCheckNodePort",
        healthCheckNodePort,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ),
    );
  if (needsHealthCheck(service) && healthCheckNodePort !== undefined)
    found.push(...checkPort("spec.healthCheckNodePort", healthCheckNodePort));
  return found;
}

/** What may not change. */
function validateChange(service: Service, old: Service): FieldError[] {
  const found: FieldError[] = [];
  const [now, was] = [service.spec, old.spec];
  if (now.type !== "ExternalName" && was.type !== "ExternalName") {
    found.push(
      ...pairChange(
        "clusterIP",
        now.clusterIPs ?? [],
        was.clusterIPs ?? [],
        now.ipFamilyPolicy,
        isHeadless(service) && isHeadless(old),
      ),
    );
    found.push(
      ...pairChange(
        "ipFamily",
        now.ipFamilies ?? [],
        was.ipFamilies ?? [],
        now.ipFamilyPolicy,
        isHeadless(service) || isHeadless(old),
      ),
    );
  }
  if (
    now.type === "LoadBalancer" &&
    was.type === "LoadBalancer" &&
    now.loadBalancerClass !== was.loadBalancerClass
  )
    found.push(invalid("spec.loadBalancerClass", now.loadBalancerClass, "may not change once set"));
  if (
    needsHealthCheck(service) &&
    needsHealthCheck(old) &&
    now.healthCheckNodePort !== was.healthCheckNodePort
  )
    found.push(forbidden("spec.healthCheckNodePort", "field is immutable"));
  return found;
}

/** A primary stays; a secondary may come, and may go when the policy says SingleStack. */
function pairChange(
  what: "clusterIP" | "ipFamily",
  now: readonly string[],
  was: readonly string[],
  policy: string | undefined,
  free: boolean,
): FieldError[] {
  if (free) return [];
  const field = what === "clusterIP" ? "spec.clusterIPs" : "spec.ipFamilies";
  const compared = now.length === was.length ? was.length : Math.min(now.length, was.length, 1);
  const found = Array.from({ length: compared }, (_, i) => i)
    .filter((i) => now[i] !== was[i])
    .map((i) =>
      invalid(`${field}[${what === "clusterIP" ? i : 0}]`, now, "may not change once set"),
    );
  if (was.length > now.length && now.length === 0)
    found.push(invalid(`${field}[0]`, now, `primary ${what} can not be unset`));
  if (was.length > now.length && now.length === 1 && policy !== "SingleStack")
    found.push(
      invalid(
        "spec.ipFamilyPolicy",
        policy,
        `must be set to 'SingleStack' when releasing the secondary ${what}`,
      ),
    );
  return found;
}

Object.assign(further, {
  affinity: validateAffinity,
  rest: validateRest,
  change: validateChange,
} satisfies typeof further);
