import {
  checkCIDR,
  checkFormat,
  checkIP,
  checkNotSpecial,
  checkOneOf,
  checkPort,
  dns1123Label,
  duplicate,
  forbidden,
  invalid,
  protocols,
  qualifiedName,
  required,
  tooMany,
  type FieldError,
} from "./field-errors.js";
import { readAddress } from "../net/ip.js";
import { validateMetadata } from "./metadata.js";
import type {
  Endpoint,
  Endpoints,
  EndpointSlice,
  Event,
  KubeObject,
  Lease,
  Node,
} from "./types.js";
import { validateService } from "./validation-service.js";
import { validateDeployment, validatePod, validateReplicaSet } from "./validation-workloads.js";

export type { FieldError } from "./field-errors.js";

/**
 * What is wrong with a defaulted object; `old` is what it is to replace. Nothing here looks at the
 * rest of the cluster.
 */
export function validate(object: KubeObject, old?: KubeObject): FieldError[] {
  const own = byKind[object.kind] as
    ((object: KubeObject, old?: KubeObject) => FieldError[]) | undefined;
  const problems = object.metadata === old?.metadata ? [] : validateMetadata(object, old);
  if (own) problems.push(...own(object, old));
  return problems;
}

const byKind: Record<string, (object: never, old?: never) => FieldError[]> = {
  Service: validateService,
  Pod: validatePod,
  Deployment: validateDeployment,
  ReplicaSet: validateReplicaSet,
  Node: validateNode,
  EndpointSlice: validateEndpointSlice,
  Endpoints: validateEndpoints,
  Lease: validateLease,
  Event: validateEvent,
};

/** (ValidateNode, ValidateNodeUpdate) */
function validateNode({ spec = {}, status }: Node, old?: Node): FieldError[] {
  const seen = new Set<string>();
  const taints = (spec.taints ?? []).flatMap(({ key, effect }, i) => {
    const at = `spec.taints[${i}]`;
    const twice = seen.has(`${key}:${effect}`);
    seen.add(`${key}:${effect}`);
    return [
      ...checkFormat(`${at}.key`, key ?? "", qualifiedName),
      ...checkOneOf(`${at}.effect`, effect, ["NoSchedule", "PreferNoSchedule", "NoExecute"]),
      ...(twice ? [duplicate(at, `${key}:${effect}`)] : []),
    ];
  });
  const before = old?.spec;
  const rewritten = (field: "podCIDR" | "providerID") =>
    before?.[field] && before[field] !== spec[field];
  return [
    ...taints,
    ...(spec.podCIDRs ?? []).flatMap((cidr, i) => checkCIDR(`spec.podCIDRs[${i}]`, cidr)),
    ...(rewritten("podCIDR")
      ? [forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid')]
      : []),
    ...(rewritten("providerID")
      ? [
          forbidden(
            "spec.providerID",
            'node updates may not change providerID except from "" to valid',
          ),
        ]
      : []),
    ...(status?.addresses ?? []).flatMap(({ address, type }, i) =>
      type === "InternalIP" || type === "ExternalIP"
        ? checkIP(`status.addresses[${i}].address`, address)
        : [],
    ),
  ];
}

// frozen ones that are known to be fine: a slice changes a few of its hundred
const validEndpoints = new WeakSet<Endpoint>();

/** (pkg/apis/discovery/validation) */
function validateEndpointSlice(
  { addressType, endpoints = [], ports = [] }: EndpointSlice,
  old?: EndpointSlice,
): FieldError[] {
  if (endpoints.length > 1000) return [tooMany("endpoints", endpoints.length, 1000)];
  if (ports.length > 100) return [tooMany("ports", ports.length, 100)];
  const names = new Set<string>();
  return [
    ...checkOneOf("addressType", addressType, ["FQDN", "IPv4", "IPv6"]),
    ...(old && old.addressType !== addressType
      ? [invalid("addressType", addressType, "field is immutable")]
      : []),
    ...endpoints.flatMap((endpoint, i) =>
      validateEndpoint(endpoint, addressType, `endpoints[${i}]`),
    ),
    ...ports.flatMap(({ name = "", protocol }, i) => {
      const twice = names.has(name);
      names.add(name);
      return [
        ...(name ? checkFormat(`ports[${i}].name`, name, dns1123Label) : []),
        ...(twice ? [duplicate(`ports[${i}].name`, name)] : []),
        ...checkOneOf(`ports[${i}].protocol`, protocol, protocols),
      ];
    }),
  ];
}

function validateEndpoint(
  endpoint: Endpoint,
  addressType: EndpointSlice["addressType"],
  at: string,
): FieldError[] {
  if (validEndpoints.has(endpoint)) return [];
  const { addresses = [], hostname } = endpoint;
  const found = [
    ...(addresses.length === 0
      ? [required(`${at}.addresses`, "must contain at least 1 address")]
      : addresses.length > 100
        ? [tooMany(`${at}.addresses`, addresses.length, 100)]
        : []),
    ...(addressType === "IPv4" || addressType === "IPv6"
      ? addresses.flatMap((address, i) =>
          checkFamily(`${at}.addresses[${i}]`, address, addressType),
        )
      : []),
    ...(hostname === undefined ? [] : checkFormat(`${at}.hostname`, hostname, dns1123Label)),
  ];
  if (found.length === 0 && Object.isFrozen(endpoint)) validEndpoints.add(endpoint);
  return found;
}

function checkFamily(field: string, address: string, family: "IPv4" | "IPv6"): FieldError[] {
  if (readAddress(address)?.family !== family)
    return [invalid(field, address, `must be a valid ${family} address`)];
  return checkNotSpecial(field, address);
}

function validateEndpoints({ subsets = [] }: Endpoints): FieldError[] {
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }, i) => [
    ...(addresses.length + notReadyAddresses.length === 0
      ? [required(`subsets[${i}]`, "must specify `addresses` or `notReadyAddresses`")]
      : []),
    ...addresses.flatMap(({ ip }, j) => [
      ...checkIP(`subsets[${i}].addresses[${j}].ip`, ip),
      ...checkNotSpecial(`subsets[${i}].addresses[${j}].ip`, ip),
    ]),
    ...notReadyAddresses.flatMap(({ ip }, j) =>
      checkIP(`subsets[${i}].notReadyAddresses[${j}].ip`, ip),
    ),
    ...ports.flatMap(({ name, port, protocol }, j) => {
      const at = `subsets[${i}].ports[${j}]`;
      return [
        ...(ports.length > 1 && !name ? [required(`${at}.name`)] : []),
        ...checkPort(`${at}.port`, port),
        ...checkOneOf(`${at}.protocol`, protocol, protocols),
      ];
    }),
  ]);
}

function validateLease({ spec }: Lease): FieldError[] {
  const { leaseDurationSeconds: seconds, leaseTransitions: transitions } = spec ?? {};
  return [
    ...(seconds !== undefined && seconds <= 0
      ? [invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0")]
      : []),
    ...(transitions !== undefined && transitions < 0
      ? [invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0")]
      : []),
  ];
}

function validateEvent({ metadata, involvedObject }: Event): FieldError[] {
  // of a cluster-scoped object: its Events live in "default"
  const about = involvedObject?.namespace ?? "";
  const wrong = about
    ? about !== metadata.namespace
    : metadata.namespace !== "default" && metadata.namespace !== "kube-system";
  return wrong
    ? [invalid("involvedObject.namespace", about, "does not match event.namespace")]
    : [];
}
