/**
 * What may be asked of NetworkPolicies, Ingresses and HorizontalPodAutoscalers. Who imports this
 * has the checks. (kubernetes: pkg/apis/networking/validation, pkg/apis/autoscaling/validation)
 */
import { readAddress, readNetwork } from "../net/ip.js";
import {
  checkCIDR,
  checkFormat,
  checkPort,
  dns1035Label,
  dns1123Subdomain,
  forbidden,
  invalid,
  notSupported,
  pathSegment,
  portName,
  required,
  type FieldError,
} from "./field-errors.js";
import { same } from "./freeze.js";
import type { KubeObject, LabelSelector } from "./types.js";
import { checkSelectorParts } from "./validation-apps.js";
import { byKind } from "./validation.js";
import { quantity } from "./quantity.js";
import { checkMetric, type Metric } from "./validation-metrics.js";

// ---- NetworkPolicy ------------------------------------------------------------------------------

interface PolicyPort {
  protocol?: string;
  port?: number | string;
  endPort?: number;
}
interface Peer {
  podSelector?: LabelSelector;
  namespaceSelector?: LabelSelector;
  ipBlock?: { cidr?: string; except?: string[] };
}
interface NetworkPolicy extends KubeObject {
  spec?: {
    podSelector?: LabelSelector;
    ingress?: { ports?: PolicyPort[]; from?: Peer[] }[];
    egress?: { ports?: PolicyPort[]; to?: Peer[] }[];
    policyTypes?: string[];
  };
}

const policyTypes = ["Ingress", "Egress"];

function validatePolicy({ spec = {} }: NetworkPolicy, old?: NetworkPolicy): FieldError[] {
  if (old && same(spec, old.spec)) return [];
  const { podSelector = {}, ingress = [], egress = [], policyTypes: types = [] } = spec;
  return [
    ...checkSelectorParts("spec.podSelector", podSelector),
    ...ingress.flatMap(({ ports, from }, i) =>
      checkRule(`spec.ingress[${i}]`, ports, "from", from),
    ),
    ...egress.flatMap(({ ports, to }, i) => checkRule(`spec.egress[${i}]`, ports, "to", to)),
    ...(types.length > policyTypes.length
      ? [invalid("spec.policyTypes", types, "may not specify more than two policyTypes")]
      : types.flatMap((type, i) =>
          policyTypes.includes(type)
            ? []
            : [notSupported(`spec.policyTypes[${i}]`, type, policyTypes)],
        )),
  ];
}

const checkRule = (
  at: string,
  ports: readonly PolicyPort[] = [],
  whom: "from" | "to",
  peers: readonly Peer[] = [],
): FieldError[] => [
  ...ports.flatMap((port, i) => checkPolicyPort(port, `${at}.ports[${i}]`)),
  ...peers.flatMap((peer, i) => checkPeer(peer, `${at}.${whom}[${i}]`)),
];

function checkPolicyPort({ protocol, port, endPort }: PolicyPort, at: string): FieldError[] {
  const protocols = ["TCP", "UDP", "SCTP"];
  return [
    ...(protocol === undefined || protocols.includes(protocol)
      ? []
      : [notSupported(`${at}.protocol`, protocol, protocols)]),
    ...(typeof port === "number" ? checkPort(`${at}.port`, port) : []),
    ...(endPort === undefined ? [] : checkEndPort(endPort, port, `${at}.endPort`)),
    ...(typeof port === "string" ? checkFormat(`${at}.port`, port, portName) : []),
  ];
}

function checkEndPort(end: number, port: number | string | undefined, at: string): FieldError[] {
  if (typeof port !== "number") {
    const what = port === undefined ? "not specified" : "non-numeric";
    return [invalid(at, end, `may not be specified when \`port\` is ${what}`)];
  }
  return [
    ...(end < port ? [invalid(at, port, "must be greater than or equal to `port`")] : []),
    ...checkPort(at, end),
  ];
}

function checkPeer({ podSelector, namespaceSelector, ipBlock }: Peer, at: string): FieldError[] {
  const others = [podSelector, namespaceSelector].filter(Boolean).length;
  return [
    ...(podSelector ? checkSelectorParts(`${at}.podSelector`, podSelector) : []),
    ...(namespaceSelector ? checkSelectorParts(`${at}.namespaceSelector`, namespaceSelector) : []),
    ...(ipBlock ? checkBlock(ipBlock, `${at}.ipBlock`) : []),
    ...(!ipBlock && others === 0 ? [required(at, "must specify a peer")] : []),
    ...(ipBlock && others > 0
      ? [forbidden(at, "may not specify both ipBlock and another peer")]
      : []),
  ];
}

function checkBlock({ cidr, except = [] }: NonNullable<Peer["ipBlock"]>, at: string): FieldError[] {
  if (!cidr) return [required(`${at}.cidr`)];
  const network = readNetwork(cidr);
  if (!network) return checkCIDR(`${at}.cidr`, cidr);
  return except.flatMap((text, i) => {
    const here = `${at}.except[${i}]`;
    const part = readNetwork(text);
    if (!part) return checkCIDR(here, text);
    const isInside = network.contains(part.address) && prefixOf(cidr) < prefixOf(text);
    return isInside ? [] : [invalid(here, text, "must be a strict subset of `cidr`")];
  });
}

const prefixOf = (cidr: string): number => Number(cidr.split("/")[1]);

// ---- Ingress ------------------------------------------------------------------------------------

interface Backend {
  service?: { name?: string; port?: { name?: string; number?: number } };
  resource?: { apiGroup?: string; kind?: string; name?: string };
}
interface IngressPath {
  path?: string;
  pathType?: string;
  backend?: Backend;
}
interface Ingress extends KubeObject {
  spec?: {
    ingressClassName?: string;
    defaultBackend?: Backend;
    tls?: { hosts?: string[]; secretName?: string }[];
    rules?: { host?: string; http?: { paths?: IngressPath[] } }[];
  };
}

function validateIngress({ spec = {}, metadata }: Ingress, old?: Ingress): FieldError[] {
  if (old && same(spec, old.spec)) return [];
  const { rules = [], defaultBackend, tls = [], ingressClassName } = spec;
  return [
    ...(rules.length === 0 && !defaultBackend
      ? [
          invalid(
            "spec",
            rules.length > 0 ? rules : null,
            "either `defaultBackend` or `rules` must be specified",
          ),
        ]
      : []),
    ...(defaultBackend ? checkBackend(defaultBackend, "spec.defaultBackend") : []),
    ...rules.flatMap(({ host, http }, i) => [
      ...(host ? checkHost(host, `spec.rules[${i}].host`, true) : []),
      ...(http ? checkPaths(http.paths, `spec.rules[${i}].http.paths`) : []),
    ]),
    ...tls.flatMap(({ hosts = [], secretName }, i) => [
      ...hosts.flatMap((host, j) => checkHost(host, `spec.tls[${i}].hosts[${j}]`, false)),
      ...(secretName ? checkFormat(`spec.tls[${i}].secretName`, secretName, dns1123Subdomain) : []),
    ]),
    ...(ingressClassName === undefined
      ? []
      : checkFormat("spec.ingressClassName", ingressClassName, dns1123Subdomain)),
    ...(old ? [] : checkClass(metadata.annotations?.[CLASS], ingressClassName)),
  ];
}

const CLASS = "kubernetes.io/ingress.class";

const checkClass = (annotated: string | undefined, name: string | undefined): FieldError[] =>
  annotated !== undefined && name !== undefined && annotated !== name
    ? [
        invalid(
          `annotations.${CLASS}`,
          annotated,
          "must match `ingressClassName` when both are specified",
        ),
      ]
    : [];

const wildcard =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

function checkHost(host: string, at: string, isRule: boolean): FieldError[] {
  const found =
    isRule && readAddress(host) ? [invalid(at, host, "must be a DNS name, not an IP address")] : [];
  if (!host.includes("*")) return [...found, ...checkFormat(at, host, dns1123Subdomain)];
  const isGood = host.startsWith("*.") && dns1123Subdomain(host.slice(2)).length === 0;
  return isGood ? found : [...found, invalid(at, host, wildcard)];
}

const pathTypes = ["Exact", "ImplementationSpecific", "Prefix"];

function checkPaths(paths: readonly IngressPath[] = [], at: string): FieldError[] {
  if (paths.length === 0) return [required(at)];
  return paths.flatMap((path, i) => checkPath(path, `${at}[${i}]`));
}

function checkPath({ path = "", pathType, backend = {} }: IngressPath, at: string): FieldError[] {
  if (pathType === undefined) return [required(`${at}.pathType`, "pathType must be specified")];
  const found: FieldError[] = [];
  if (!pathTypes.includes(pathType))
    found.push(notSupported(`${at}.pathType`, pathType, pathTypes));
  else if (!path.startsWith("/") && (path !== "" || pathType !== "ImplementationSpecific"))
    found.push(invalid(`${at}.path`, path, "must be an absolute path"));
  if (pathType === "Exact" || pathType === "Prefix") {
    for (const one of ["//", "/./", "/../", "%2f", "%2F"])
      if (path.includes(one)) found.push(invalid(`${at}.path`, path, `must not contain '${one}'`));
    for (const one of ["/..", "/."])
      if (path.endsWith(one)) found.push(invalid(`${at}.path`, path, `cannot end with '${one}'`));
  }
  return [...found, ...checkBackend(backend, `${at}.backend`)];
}

function checkBackend({ service, resource }: Backend, at: string): FieldError[] {
  if (service && resource)
    return [invalid(at, "", "cannot set both resource and service backends")];
  if (resource) return checkResourceBackend(resource, `${at}.resource`);
  if (!service) return [invalid(at, "", "resource or service backend is required")];
  const { name, port: { name: named = "", number = 0 } = {} } = service;
  return [
    ...(name
      ? checkFormat(`${at}.service.name`, name, dns1035Label)
      : [required(`${at}.service.name`)]),
    ...(named && number
      ? [invalid(at, "", "cannot set both port name & port number")]
      : named
        ? checkFormat(`${at}.service.port.name`, named, portName)
        : number
          ? checkPort(`${at}.service.port.number`, number)
          : [required(at, "port name or number is required")]),
  ];
}

/** (validateIngressTypedLocalObjectReference) */
const checkResourceBackend = (
  { apiGroup, kind, name }: NonNullable<Backend["resource"]>,
  at: string,
): FieldError[] => [
  ...(apiGroup === undefined ? [] : checkFormat(`${at}.apiGroup`, apiGroup, dns1123Subdomain)),
  ...Object.entries({ kind, name }).flatMap(([field, value]) =>
    value ? checkFormat(`${at}.${field}`, value, pathSegment) : [required(`${at}.${field}`)],
  ),
];

// ---- HorizontalPodAutoscaler --------------------------------------------------------------------

interface ScalingRules {
  tolerance?: string;
  stabilizationWindowSeconds?: number;
  selectPolicy?: string;
  policies?: { type?: string; value?: number; periodSeconds?: number }[];
}
interface Autoscaler extends KubeObject {
  spec?: {
    scaleTargetRef?: { kind?: string; name?: string; apiVersion?: string };
    minReplicas?: number;
    maxReplicas?: number;
    metrics?: Metric[];
    behavior?: { scaleUp?: ScalingRules; scaleDown?: ScalingRules };
  };
}

function validateAutoscaler({ spec = {} }: Autoscaler, old?: Autoscaler): FieldError[] {
  if (old && same(spec, old.spec)) return [];
  const { minReplicas, maxReplicas = 0, scaleTargetRef = {}, metrics = [], behavior } = spec;
  return [
    ...(minReplicas !== undefined && minReplicas < 1
      ? [invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1")]
      : []),
    ...(maxReplicas < 1
      ? [invalid("spec.maxReplicas", maxReplicas, "must be greater than 0")]
      : []),
    ...(minReplicas !== undefined && maxReplicas < minReplicas
      ? [invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`")]
      : []),
    ...(["kind", "name"] as const).flatMap((name) =>
      scaleTargetRef[name]
        ? checkFormat(`spec.scaleTargetRef.${name}`, scaleTargetRef[name], pathSegment)
        : [required(`spec.scaleTargetRef.${name}`)],
    ),
    ...checkTargetVersion(scaleTargetRef.apiVersion),
    ...metrics.flatMap((metric, i) => checkMetric(metric, `spec.metrics[${i}]`)),
    ...(minReplicas === 0 && !metrics.some(({ type }) => type === "Object" || type === "External")
      ? [
          forbidden(
            "spec.metrics",
            "must specify at least one Object or External metric to support scaling to zero replicas",
          ),
        ]
      : []),
    ...(["scaleUp", "scaleDown"] as const).flatMap((name) =>
      behavior?.[name] ? checkScaling(behavior[name], `spec.behavior.${name}`) : [],
    ),
  ];
}

/** What scales is of a group: nothing of the core can be. */
function checkTargetVersion(version = ""): FieldError[] {
  const at = "spec.scaleTargetRef.apiVersion";
  const parts = version.split("/").length;
  if (parts > 2) return [invalid(at, version, `unexpected GroupVersion string: ${version}`)];
  return parts === 2 ? [] : [invalid(at, version, "apiVersion must specify API group")];
}

const WINDOW_MOST = 3600; // seconds
const PERIOD_MOST = 1800; // seconds

function checkScaling(rules: ScalingRules, at: string): FieldError[] {
  const { stabilizationWindowSeconds: window = 0, selectPolicy, policies = [] } = rules;
  const selections = ["Disabled", "Max", "Min"];
  const here = `${at}.stabilizationWindowSeconds`;
  return [
    ...(window < 0 ? [invalid(here, window, "must be greater than or equal to zero")] : []),
    ...(window > WINDOW_MOST
      ? [invalid(here, window, `must be less than or equal to ${WINDOW_MOST}`)]
      : []),
    ...(selectPolicy === undefined || selections.includes(selectPolicy)
      ? []
      : [notSupported(`${at}.selectPolicy`, selectPolicy, selections)]),
    ...(policies.length === 0
      ? [required(`${at}.policies`, "must specify at least one Policy")]
      : []),
    ...policies.flatMap(({ type = "", value = 0, periodSeconds = 0 }, i) => [
      ...(["Pods", "Percent"].includes(type)
        ? []
        : [notSupported(`${at}.policies[${i}].type`, type, ["Percent", "Pods"])]),
      ...Object.entries({ value, periodSeconds })
        .filter(([, number]) => number <= 0)
        .map(([name, number]) =>
          invalid(`${at}.policies[${i}].${name}`, number, "must be greater than zero"),
        ),
      ...(periodSeconds > PERIOD_MOST
        ? [
            invalid(
              `${at}.policies[${i}].periodSeconds`,
              periodSeconds,
              `must be less than or equal to ${PERIOD_MOST}`,
            ),
          ]
        : []),
    ]),
    ...(rules.tolerance !== undefined && quantity(rules.tolerance) < 0
      ? [invalid(`${at}.tolerance`, rules.tolerance, "must be greater than or equal to 0")]
      : []),
  ];
}

Object.assign(byKind, {
  NetworkPolicy: validatePolicy,
  Ingress: validateIngress,
  HorizontalPodAutoscaler: validateAutoscaler,
});
