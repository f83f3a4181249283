/**
 * What is wrong with what components write: Nodes, EndpointSlices, Endpoints, Leases. A
 * page's first chunk takes them at their word; who imports this does not.
 */
import {
  checkCIDR,
  checkFormat,
  checkIP,
  checkNotSpecial,
  checkOneOf,
  checkPort,
  dns1123Label,
  dns1123Subdomain,
  duplicate,
  forbidden,
  invalid,
  qualifiedName,
  labelValue,
  protocols,
  required,
  tooMany,
  type FieldError,
  type Format,
} from "./field-errors.js";
import { readAddress } from "../net/ip.js";
import { same } from "./freeze.js";
import type { Endpoint, Endpoints, EndpointSlice, Lease, Node } from "./types.js";
import { strictIP } from "./strict-addresses.js";
import { byKind } from "./validation.js";
import { checkAmount } from "./validation-pod.js";

/** (ValidateNode, ValidateNodeUpdate) */
function validateNode({ spec = {}, status }: Node, old?: Node): FieldError[] {
  const isNew = spec !== old?.spec; // heartbeats leave it as it is
  return [
    ...(isNew ? checkTaints(spec.taints ?? []) : []),
    ...(["capacity", "allocatable"] as const).flatMap((which) =>
      status?.[which] === old?.status?.[which]
        ? []
        : Object.entries(status?.[which] ?? {}).flatMap(([name, amount]) =>
            checkAmount(`status.${which}.${name}`, name, amount),
          ),
    ),
    ...(isNew ? checkPodCIDRs(spec.podCIDRs ?? []) : []),
    ...(isNew && old ? checkNodeChange(spec, old.spec ?? {}) : []),
    ...(status?.addresses ?? []).flatMap(({ address, type }, i) =>
      type === "InternalIP" || type === "ExternalIP"
        ? checkIP(`status.addresses[${i}].address`, address)
        : [],
    ),
  ];
}

type NodeSpec = NonNullable<Node["spec"]>;

/** Upstream says "metadata", where they are in spec. */
function checkTaints(taints: NonNullable<NodeSpec["taints"]>): FieldError[] {
  const seen = new Set<string>();
  return taints.flatMap(({ key, value, effect, timeAdded }, i) => {
    const at = `metadata.taints[${i}]`;
    const twice = seen.has(`${key}:${effect}`);
    seen.add(`${key}:${effect}`);
    const found = [
      ...checkFormat(`${at}.key`, key ?? "", qualifiedName),
      ...checkFormat(`${at}.value`, value ?? "", labelValue),
      ...checkOneOf(`${at}.effect`, effect, ["NoSchedule", "PreferNoSchedule", "NoExecute"]),
    ];
    if (!twice) return found;
    // as the internal type has it
    const taint = { Key: key, Value: value ?? "", Effect: effect, TimeAdded: timeAdded ?? null };
    return [...found, duplicate(at, taint, "taints must be unique by key and effect pair")];
  });
}

function checkPodCIDRs(cidrs: readonly string[]): FieldError[] {
  const found = cidrs.flatMap((cidr, i) => checkCIDR(`spec.podCIDRs[${i}]`, cidr));
  const families = new Set(cidrs.map((cidr) => cidr.includes(":")));
  return families.size === cidrs.length
    ? found
    : [
        ...found,
        invalid("spec.podCIDRs", cidrs, "may specify no more than one CIDR for each IP family"),
      ];
}

function checkNodeChange(now: NodeSpec, was: NodeSpec): FieldError[] {
  const moved = was.podCIDRs?.length && !same(now.podCIDRs, was.podCIDRs);
  const other = was.providerID && now.providerID !== was.providerID;
  return [
    ...(moved
      ? [forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid')]
      : []),
    ...(other
      ? [
          forbidden(
            "spec.providerID",
            'node updates may not change providerID except from "" to valid',
          ),
        ]
      : []),
  ];
}

// frozen ones that are known to be fine: a slice changes a few of its hundred
const validEndpoints = new WeakSet<Endpoint>();

/** (pkg/apis/discovery/validation) */
function validateEndpointSlice(
  { addressType, endpoints = [], ports = [] }: EndpointSlice,
  old?: EndpointSlice,
): FieldError[] {
  const change =
    old && old.addressType !== addressType
      ? [invalid("addressType", addressType, "field is immutable")]
      : [];
  if (old && same(endpoints, old.endpoints)) return change; // what was fine is looked at no more
  return [
    ...checkOneOf("addressType", addressType, ["FQDN", "IPv4", "IPv6"]),
    ...checkSlicePorts(ports),
    ...(endpoints.length > 1000
      ? [tooMany("endpoints", endpoints.length, 1000)]
      : endpoints.flatMap((one, i) => validateEndpoint(one, addressType, `endpoints[${i}]`))),
    ...change,
  ];
}

const MOST_PORTS = 20_000; // upstream: maxPorts

function checkSlicePorts(ports: NonNullable<EndpointSlice["ports"]>): FieldError[] {
  if (ports.length > MOST_PORTS) return [tooMany("ports", ports.length, MOST_PORTS)];
  const names = new Set<string>();
  return ports.flatMap(({ name = "", protocol, appProtocol }, i) => {
    const at = `ports[${i}]`;
    const twice = names.has(name);
    names.add(name);
    return [
      ...(name ? checkFormat(`${at}.name`, name, dns1123Label) : []),
      ...(twice ? [duplicate(`${at}.name`, name)] : []),
      ...checkOneOf(`${at}.protocol`, protocol, protocols),
      ...(appProtocol ? checkFormat(`${at}.appProtocol`, appProtocol, qualifiedName) : []),
    ];
  });
}

function validateEndpoint(
  endpoint: Endpoint,
  addressType: EndpointSlice["addressType"],
  at: string,
): FieldError[] {
  if (validEndpoints.has(endpoint)) return [];
  const { addresses = [], hostname, nodeName, hints } = endpoint;
  const found = [
    ...(addresses.length === 0
      ? [required(`${at}.addresses`, "must contain at least 1 address")]
      : addresses.length > 100
        ? [tooMany(`${at}.addresses`, addresses.length, 100)]
        : []),
    ...addresses.flatMap((address, i) =>
      checkEndpointAddress(`${at}.addresses`, i, address, addressType),
    ),
    ...(nodeName === undefined ? [] : checkFormat(`${at}.nodeName`, nodeName, dns1123Subdomain)),
    ...(hostname === undefined ? [] : checkFormat(`${at}.hostname`, hostname, dns1123Label)),
    ...(hints ? checkHints(hints, `${at}.hints`) : []),
  ];
  if (found.length === 0 && Object.isFrozen(endpoint)) validEndpoints.add(endpoint);
  return found;
}

/** An address of IPv6 is written in one way. */
function checkAsWritten(at: string, address: string, canonical: string): FieldError[] {
  const found = strictIP(at, address);
  return found.length > 0 || address === canonical
    ? found
    : [invalid(at, address, `must be in canonical form (${JSON.stringify(canonical)})`)];
}

function checkEndpointAddress(
  field: string,
  i: number,
  address: string,
  type: EndpointSlice["addressType"],
): FieldError[] {
  const at = `${field}[${i}]`;
  if (type === "FQDN") return checkFormat(at, address, dns1123Subdomain);
  if (type !== "IPv4" && type !== "IPv6") return [];
  const read = readAddress(address);
  if (read === undefined) return checkIP(at, address);
  const { family } = read;
  return [
    ...(type === "IPv6" ? checkAsWritten(at, address, read.text) : []),
    // of the list as a whole, upstream says
    ...(family === type ? [] : [invalid(field, address, `must be an ${type} address`)]),
    ...checkNotSpecial(at, address),
  ];
}

const MOST_HINTS = 8; // upstream: maxZoneHints, maxNodeHints

/** (validateHints) */
function checkHints(hints: NonNullable<Endpoint["hints"]>, at: string): FieldError[] {
  return [
    ...checkHintsFor(hints.forZones ?? [], `${at}.forZones`, labelValue),
    ...checkHintsFor(hints.forNodes ?? [], `${at}.forNodes`, dns1123Subdomain),
  ];
}

function checkHintsFor(
  list: readonly { name: string }[],
  at: string,
  format: Format,
): FieldError[] {
  if (list.length > MOST_HINTS) return [tooMany(at, list.length, MOST_HINTS)];
  const seen = new Set<string>();
  return list.flatMap(({ name }, i) => {
    const twice = seen.has(name);
    seen.add(name);
    const here = `${at}[${i}].name`;
    return [...(twice ? [duplicate(here, name)] : []), ...checkFormat(here, name, format)];
  });
}

function validateEndpoints({ subsets = [] }: Endpoints): FieldError[] {
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }, i) => [
    ...(addresses.length + notReadyAddresses.length === 0
      ? [required(`subsets[${i}]`, "must specify `addresses` or `notReadyAddresses`")]
      : []),
    ...addresses.flatMap((one, j) => checkEndpointsAddress(one, `subsets[${i}].addresses[${j}]`)),
    ...notReadyAddresses.flatMap((one, j) =>
      checkEndpointsAddress(one, `subsets[${i}].notReadyAddresses[${j}]`),
    ),
    ...ports.flatMap(({ name, port, protocol }, j) => {
      const at = `subsets[${i}].ports[${j}]`;
      return [
        ...(ports.length > 1 && !name ? [required(`${at}.name`)] : []),
        ...(name ? checkFormat(`${at}.name`, name, dns1123Label) : []),
        ...checkPort(`${at}.port`, port),
        ...checkOneOf(`${at}.protocol`, protocol, protocols),
      ];
    }),
  ]);
}

/** (validateEndpointAddress) */
const checkEndpointsAddress = (
  { ip, hostname, nodeName }: { ip: string; hostname?: string; nodeName?: string },
  at: string,
): FieldError[] => [
  ...checkEndpointsIP(`${at}.ip`, ip),
  ...(hostname ? checkFormat(`${at}.hostname`, hostname, dns1123Label) : []),
  ...(nodeName ? checkFormat(`${at}.nodeName`, nodeName, dns1123Subdomain) : []),
];

/** Upstream asks twice whether it is an address. (ValidateEndpointIP) */
const checkEndpointsIP = (at: string, ip: string): FieldError[] =>
  readAddress(ip)
    ? checkNotSpecial(at, ip)
    : [...checkIP(at, ip), invalid(at, ip, "must be a valid IP address")];

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

Object.assign(byKind, {
  Node: validateNode,
  EndpointSlice: validateEndpointSlice,
  Endpoints: validateEndpoints,
  Lease: validateLease,
});
