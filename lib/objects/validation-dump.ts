import { checkCIDR, checkIP, checkPortNumber, type FieldError } from "./field-errors.js";
import type { Endpoints, EndpointSlice, KubeObject, Node, Pod, Service } from "./types.js";

/**
 * What is wrong with an object of a dump: it is taken as it is, but what packets go by must be an
 * address, a range or a port.
 */
export function validateDumped(object: KubeObject): FieldError[] {
  const check = byKind.get(object.kind) as ((object: KubeObject) => FieldError[]) | undefined;
  return check?.(object) ?? [];
}

const byKind = new Map<string, (object: never) => FieldError[]>([
  ["Node", node],
  ["Pod", pod],
  ["Service", service],
  ["EndpointSlice", endpointSlice],
  ["Endpoints", endpoints],
]);

const ips = (field: string, values: readonly string[] = []): FieldError[] =>
  values.flatMap((value, i) => checkIP(`${field}[${i}]`, value));
const cidrs = (field: string, values: readonly string[] = []): FieldError[] =>
  values.flatMap((value, i) => checkCIDR(`${field}[${i}]`, value.trim()));

function node({ spec, status }: Node): FieldError[] {
  return [
    ...(spec.podCIDR ? checkCIDR("spec.podCIDR", spec.podCIDR) : []),
    ...cidrs("spec.podCIDRs", spec.podCIDRs),
    ...(status?.addresses ?? []).flatMap(({ type, address }, i) =>
      type === "InternalIP" || type === "ExternalIP"
        ? checkIP(`status.addresses[${i}].address`, address)
        : [],
    ),
  ];
}

function pod({ spec, status }: Pod): FieldError[] {
  return [
    ...(status?.podIP ? checkIP("status.podIP", status.podIP) : []),
    ...(status?.podIPs ?? []).flatMap(({ ip }, i) => checkIP(`status.podIPs[${i}].ip`, ip)),
    ...spec.containers.flatMap(({ ports = [] }, i) =>
      ports.flatMap(({ containerPort }, j) =>
        checkPortNumber(`spec.containers[${i}].ports[${j}].containerPort`, containerPort),
      ),
    ),
  ];
}

function service({ spec, status }: Service): FieldError[] {
  const own = [...(spec.clusterIPs ?? []), spec.clusterIP ?? ""];
  return [
    ...own.flatMap((ip) => (ip && ip !== "None" ? checkIP("spec.clusterIP", ip) : [])),
    ...ips("spec.externalIPs", spec.externalIPs),
    ...cidrs("spec.loadBalancerSourceRanges", spec.loadBalancerSourceRanges),
    ...(spec.ports ?? []).flatMap(({ port, nodePort = 0, targetPort = 0 }, i) => [
      ...checkPortNumber(`spec.ports[${i}].port`, port),
      ...checkPortNumber(`spec.ports[${i}].nodePort`, nodePort),
      ...(typeof targetPort === "number"
        ? checkPortNumber(`spec.ports[${i}].targetPort`, targetPort)
        : []),
    ]),
    ...checkPortNumber("spec.healthCheckNodePort", spec.healthCheckNodePort ?? 0),
    ...(status?.loadBalancer?.ingress ?? []).flatMap(({ ip }, i) =>
      ip ? checkIP(`status.loadBalancer.ingress[${i}].ip`, ip) : [],
    ),
  ];
}

function endpointSlice({ addressType, endpoints, ports }: EndpointSlice): FieldError[] {
  return [
    ...(addressType === "FQDN"
      ? []
      : endpoints.flatMap(({ addresses }, i) => ips(`endpoints[${i}].addresses`, addresses))),
    ...(ports ?? []).flatMap(({ port = 0 }, i) => checkPortNumber(`ports[${i}].port`, port)),
  ];
}

function endpoints({ subsets = [] }: Endpoints): FieldError[] {
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }, i) => [
    ...[...addresses, ...notReadyAddresses].flatMap(({ ip }, j) =>
      checkIP(`subsets[${i}].addresses[${j}].ip`, ip),
    ),
    ...ports.flatMap(({ port }, j) => checkPortNumber(`subsets[${i}].ports[${j}].port`, port)),
  ]);
}
