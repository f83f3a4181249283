import {
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
import { kubernetes, type Kubernetes } from "./kubernetes.js";
import { readAddress } from "../net/ip.js";
import { checkLabels } from "./metadata.js";
import type { Service, ServicePort } from "./types.js";

/**
 * What may be asked of a Service, in the order and the words of Kubernetes.
 * (kubernetes: pkg/apis/core/validation/validation.go, ValidateService and ValidateServiceUpdate)
 */
export function validateService(
  service: Service,
  old?: Service,
  version = kubernetes(),
): FieldError[] {
  if (old && service.spec === old.spec) return [];
  return [...(old ? further.change(service, old) : []), ...validateSpec(service, old, version)];
}

/**
 * Checks of what few manifests get wrong, which a page's first chunk does without; who knows all
 * kinds adds them (validation-service-more.ts).
 */
export const further = {
  affinity: (_spec: Service["spec"]): FieldError[] => [],
  rest: (_service: Service, _old: Service | undefined, _version: Kubernetes): FieldError[] => [],
  change: (_service: Service, _old: Service): FieldError[] => [],
};

export const isHeadless = ({ spec }: Service): boolean =>
  spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === "None";
function validateSpec(
  service: Service,
  old: Service | undefined,
  version: Kubernetes,
): FieldError[] {
  const { spec } = service;
  const ports = spec.ports ?? [];
  return [
    ...(ports.length === 0 && !isHeadless(service) && spec.type !== "ExternalName"
      ? [required("spec.ports")]
      : []),
    ...validateForType(service),
    ...validatePorts(ports),
    ...checkLabels("spec.selector", spec.selector),
    ...further.affinity(spec),
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
    ...further.rest(service, old, version),
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
