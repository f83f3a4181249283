/**
 * Checks of a Pod's rarer fields: host ports, environment, DNS, scheduling gates, host aliases. Who
 * imports this has them. (kubernetes: pkg/apis/core/validation/validation.go)
 */
import {
  checkFormat,
  checkIP,
  dns1123Subdomain,
  duplicate,
  invalid,
  notSupported,
  qualifiedName,
  required,
  type FieldError,
} from "./field-errors.js";
import type { Container, EnvVar, PodSpec } from "./types.js";
import { further, records } from "./validation-pod.js";

/** On the node's own network a port is the node's, too. (validatePodHostNetworkDeps) */
const checkHostPorts = (containers: readonly Container[], at: string, isPod: boolean) =>
  containers.flatMap(({ ports = [] }, i) =>
    ports.flatMap(({ hostPort = 0, containerPort }, j) =>
      hostPort === containerPort || (!isPod && hostPort === 0)
        ? []
        : [
            invalid(
              `${at}[${i}].ports[${j}].hostPort`,
              hostPort,
              "must match `containerPort` when `hostNetwork` is true",
            ),
          ],
    ),
  );

function checkDnsConfig({ dnsPolicy, dnsConfig }: PodSpec, at: string): FieldError[] {
  const { nameservers = [], searches = [] } = (dnsConfig ?? {}) as {
    nameservers?: string[];
    searches?: string[];
  };
  if (dnsPolicy === "None" && !dnsConfig)
    return [required(at, "must provide `dnsConfig` when `dnsPolicy` is None")];
  if (dnsPolicy === "None" && nameservers.length === 0)
    return [
      required(
        `${at}.nameservers`,
        "must provide at least one DNS nameserver when `dnsPolicy` is None",
      ),
    ];
  return [
    ...(nameservers.length > 3
      ? [invalid(`${at}.nameservers`, nameservers, "must not have more than 3 nameservers")]
      : []),
    ...nameservers.flatMap((one, i) => checkIP(`${at}.nameservers[${i}]`, one)),
    ...(searches.length > 32
      ? [invalid(`${at}.searches`, searches, "must not have more than 32 search paths")]
      : []),
  ];
}

function checkSchedulingGates({ schedulingGates = [] }: PodSpec, at: string): FieldError[] {
  const seen = new Set<string>();
  return records<{ name?: string }>(schedulingGates).flatMap(({ name = "" }, i) => {
    const twice = seen.has(name);
    seen.add(name);
    const here = `${at}[${i}]`;
    return [...checkFormat(here, name, qualifiedName), ...(twice ? [duplicate(here, name)] : [])];
  });
}

const checkHostAliases = ({ hostAliases = [] }: PodSpec, at: string): FieldError[] =>
  records<{ ip?: string; hostnames?: string[] }>(hostAliases).flatMap(
    ({ ip = "", hostnames = [] }, i) => [
      ...checkIP(`${at}[${i}].ip`, ip),
      ...hostnames.flatMap((one, j) =>
        checkFormat(`${at}[${i}].hostnames[${j}]`, one, dns1123Subdomain),
      ),
    ],
  );

/** One port of the node is one container's only. (AccumulateUniqueHostPorts) */
function checkHostPortConflicts(containers: readonly Container[], at: string): FieldError[] {
  const taken = new Set<string>();
  return containers.flatMap(({ ports = [] }, i) =>
    ports.flatMap(({ protocol, hostIP = "", hostPort }, j) => {
      if (!hostPort) return [];
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key)) return [duplicate(`${at}[${i}].ports[${j}].hostPort`, key)];
      taken.add(key);
      return [];
    }),
  );
}

const envFieldPaths = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
/** Any name but one with "=" or with what cannot be printed. (KEP-4369) */
const envName = (name: string): string[] =>
  /^[ -<>-~]+$/.test(name)
    ? []
    : [
        "a valid environment variable name must consist only of printable ASCII characters other than '='",
      ];

const checkEnv = ({ name, value, valueFrom }: EnvVar, at: string): FieldError[] => [
  ...(name ? checkFormat(`${at}.name`, name, envName) : [required(`${at}.name`)]),
  ...(valueFrom ? checkValueFrom(valueFrom, value, `${at}.valueFrom`) : []),
];

interface KeyRef {
  name?: string;
  key?: string;
}
interface ValueFrom {
  fieldRef?: { fieldPath?: string };
  resourceFieldRef?: { resource?: string };
  configMapKeyRef?: KeyRef;
  secretKeyRef?: KeyRef;
}

/** (validateEnvVarValueFrom) */
function checkValueFrom(from: ValueFrom, value: string | undefined, at: string): FieldError[] {
  const sources = Object.keys(from).length;
  const found = [
    ...(from.fieldRef ? checkFieldPath(from.fieldRef.fieldPath ?? "", `${at}.fieldRef`) : []),
    ...(["configMapKeyRef", "secretKeyRef"] as const).flatMap((which) =>
      from[which] ? checkKeyRef(from[which], `${at}.${which}`) : [],
    ),
  ];
  if (sources === 0)
    found.push(
      invalid(
        at,
        "",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
      ),
    );
  else if (value) found.push(invalid(at, "", "may not be specified when `value` is not empty"));
  else if (sources > 1)
    found.push(invalid(at, "", "may not have more than one field specified at a time"));
  return found;
}

function checkFieldPath(path: string, at: string): FieldError[] {
  if (!path) return [required(`${at}.fieldPath`)];
  const [, map, key = ""] = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/.exec(path) ?? [];
  if (map)
    return checkFormat(at, map.endsWith("annotations") ? key.toLowerCase() : key, qualifiedName);
  if (["metadata.annotations", "metadata.labels"].includes(path))
    return [notSupported(`${at}.fieldPath`, path, envFieldPaths)];
  return envFieldPaths.includes(path)
    ? []
    : [
        invalid(
          `${at}.fieldPath`,
          path,
          `error converting fieldPath: field label not supported: ${path}`,
        ),
      ];
}

const checkKeyRef = ({ name = "", key }: KeyRef, at: string): FieldError[] => [
  ...checkFormat(`${at}.name`, name, dns1123Subdomain),
  ...(key ? [] : [required(`${at}.key`)]),
];

Object.assign(further, {
  hostPorts: (spec, at, isPod) =>
    spec.hostNetwork ? checkHostPorts(spec.containers, `${at}.containers`, isPod) : [],
  conflicts: checkHostPortConflicts,
  env: ({ env = [] }, at) => env.flatMap((one, i) => checkEnv(one, `${at}[${i}]`)),
  dnsConfig: checkDnsConfig,
  schedulingGates: checkSchedulingGates,
  hostAliases: (spec, at) => checkHostAliases(spec, at),
} satisfies typeof further);
