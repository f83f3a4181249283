import { externallyAccessible } from "./defaulting.js";
import {
  checkCIDR,
  checkFormat,
  checkIP,
  checkNotSpecial,
  checkOneOf,
  checkPort,
  checkPortOrName,
  dns1123Label,
  dns1123Subdomain,
  duplicate,
  forbidden,
  invalid,
  notSupported,
  protocols,
  qualifiedName,
  required,
  type FieldError,
} from "./field-errors.js";
import { readAddress } from "../net/ip.js";
import { checkLabels } from "./metadata.js";
import type { Service, ServicePort } from "./types.js";

/**
 * What may be asked of a Service, in the order and the words of Kubernetes.
 * (kubernetes: pkg/apis/core/validation/validation.go, ValidateService and ValidateServiceUpdate)
 */
export function validateService(service: Service, old?: Service): FieldError[] {
  if (old && service.spec === old.spec) return validateStatus(service);
  return [...(old ? validateChange(service, old) : []), ...validateSpec(service)];
}

const isHeadless = ({ spec }: Service): boolean =>
  spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === "None";
const needsHealthCheck = ({ spec }: Service): boolean =>
  spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
/** PreferClose is the older name of PreferSameZone. (KEP-3015) */
const distributions = ["PreferClose", "PreferSameZone", "PreferSameNode"];
const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";

function validateSpec(service: Service): FieldError[] {
  const { spec } = service;
  const ports = spec.ports ?? [];
  return [
    ...(ports.length === 0 && !isHeadless(service) && spec.type !== "ExternalName"
      ? [required("spec.ports")]
      : []),
    ...validateForType(service),
    ...validatePorts(ports),
    ...checkLabels("spec.selector", spec.selector),
    ...validateAffinity(spec),
    ...validateFamilies(service),
    ...(spec.externalIPs ?? []).flatMap((ip, i) =>
      readAddress(ip)
        ? checkNotSpecial(`spec.externalIPs[${i}]`, ip)
        : checkIP(`spec.externalIPs[${i}]`, ip),
    ),
    ...checkOneOf("spec.type", spec.type, [
      "ClusterIP",
      "ExternalName",
      "LoadBalancer",
      "NodePort",
    ]),
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
    ...(spec.trafficDistribution === undefined || distributions.includes(spec.trafficDistribution)
      ? []
      : [notSupported("spec.trafficDistribution", spec.trafficDistribution, distributions)]),
  ];
}

function validateForType(service: Service): FieldError[] {
  const { spec } = service;
  if ((spec.type === "LoadBalancer" || spec.type === "NodePort") && isHeadless(service))
    return [
      invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${spec.type} services`),
    ];
  if (spec.type !== "ExternalName") return [];
  const cname = (spec.externalName ?? "").replace(/\.$/, "");
  const unwanted = (["clusterIPs", "ipFamilies", "ipFamilyPolicy"] as const).filter(
    (field) => spec[field] !== undefined && spec[field].length > 0,
  );
  return [
    ...unwanted.map((field) =>
      forbidden(`spec.${field}`, "may not be set for ExternalName services"),
    ),
    ...(cname
      ? checkFormat("spec.externalName", cname, dns1123Subdomain)
      : [required("spec.externalName")]),
  ];
}

function validatePorts(ports: readonly ServicePort[]): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const at = `spec.ports[${i}]`;
    const name = port.name ?? "";
    const problems = name
      ? [
          ...checkFormat(`${at}.name`, name, dns1123Label),
          ...(names.has(name) ? [duplicate(`${at}.name`, name)] : []),
        ]
      : ports.length > 1
        ? [required(`${at}.name`)]
        : [];
    names.add(name);
    return [
      ...problems,
      ...checkPort(`${at}.port`, port.port ?? 0),
      ...checkOneOf(`${at}.protocol`, port.protocol, protocols),
      ...checkPortOrName(`${at}.targetPort`, port.targetPort),
      ...(port.appProtocol
        ? checkFormat(`${at}.appProtocol`, port.appProtocol, qualifiedName)
        : []),
    ];
  });
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

/**
 * clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy, which the allocators need in order.
 * (ValidateServiceClusterIPsRelatedFields)
 */
export function validateFamilies(service: Service): FieldError[] {
  const { clusterIP, clusterIPs = [], ipFamilies = [], ipFamilyPolicy, type } = service.spec;
  if (type === "ExternalName") return [];
  const at = "spec.clusterIPs";
  const found: FieldError[] = [];
  if (clusterIP && clusterIPs[0] !== clusterIP)
    found.push(
      clusterIPs.length === 0
        ? required(at)
        : invalid(at, clusterIPs, "first value must match `clusterIP`"),
    );
  if (!clusterIP && clusterIPs.length > 0)
    found.push(invalid(at, clusterIPs, "must be empty when `clusterIP` is not specified"));
  const seen = new Set<string>();
  ipFamilies.forEach((family, i) => {
    if (family !== "IPv4" && family !== "IPv6")
      found.push(notSupported(`spec.ipFamilies[${i}]`, family, ["IPv4", "IPv6"]));
    if (seen.has(family)) found.push(duplicate(`spec.ipFamilies[${i}]`, family));
    seen.add(family);
  });
  if (
    ipFamilyPolicy !== undefined &&
    !["PreferDualStack", "RequireDualStack", "SingleStack"].includes(ipFamilyPolicy)
  )
    found.push(
      notSupported("spec.ipFamilyPolicy", ipFamilyPolicy, [
        "PreferDualStack",
        "RequireDualStack",
        "SingleStack",
      ]),
    );
  const badIPs = clusterIPs.flatMap((ip, i) =>
    ip === "None" && i === 0
      ? clusterIPs.length > 1
        ? [invalid(at, clusterIPs, "'None' must be the first and only value")]
        : []
      : checkIP(`${at}[${i}]`, ip),
  );
  for (const bad of badIPs) found.push(bad);
  if (clusterIPs.length > 2) found.push(invalid(at, clusterIPs, "may only hold up to 2 values"));
  if (badIPs.length > 0 || isHeadless(service)) return found;
  const families = clusterIPs.map((ip) => readAddress(ip)!.family);
  if (families.length > 1 && new Set(families).size < 2)
    found.push(invalid(at, clusterIPs, "may specify no more than one IP for each IP family"));
  families.forEach((family, i) => {
    if (ipFamilies[i] && ipFamilies[i] !== family)
      found.push(
        invalid(
          `${at}[${i}]`,
          clusterIPs[i],
          `expected an ${ipFamilies[i]} value as indicated by \`ipFamilies[${i}]\``,
        ),
      );
  });
  return found;
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

/** (ValidateLoadBalancerStatus) */
function validateStatus({ spec, status }: Service): FieldError[] {
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
