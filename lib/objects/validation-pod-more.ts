/**
 * Checks of a Pod's rarer fields: init containers, probes and hooks, host ports, environment, most
 * of what is no container's, and of what may not change. Who imports this has them. (kubernetes:
 * pkg/apis/core/validation/validation.go)
 */
import {
  checkAtLeast0,
  checkFormat,
  checkIP,
  checkOneOf,
  checkPortOrName,
  dns1123Label,
  dns1123Subdomain,
  duplicate,
  forbidden,
  invalid,
  qualifiedName,
  labelValue,
  notSupported,
  required,
  type FieldError,
} from "./field-errors.js";
import { same } from "./freeze.js";
import type { Container, EnvVar, PodSpec, Probe, Toleration } from "./types.js";
import { checkFieldRef, checkResourceRef } from "./validation-pod-fields.js";
import { checkContainer, checkNameIsNew, further, records } from "./validation-pod.js";

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
  const {
    nameservers = [],
    searches = [],
    options,
  } = (dnsConfig ?? {}) as {
    nameservers?: string[];
    searches?: string[];
    options?: unknown;
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
    ...searches.flatMap((one, i) =>
      checkFormat(`${at}.searches[${i}]`, one.replace(/(.)\.$/, "$1"), searchPath),
    ),
    ...records<{ name?: string }>(options).flatMap(({ name }, i) =>
      name ? [] : [required(`${at}.options[${i}]`, "must not be empty")],
    ),
  ];
}

/** (IsDNS1123SubdomainWithUnderscore) */
const searchPath = (name: string): string[] =>
  /^_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*$/.test(name) ||
  name === "."
    ? []
    : [
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')",
      ];

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

export const checkTolerations = (
  tolerations: readonly Toleration[] = [],
  at: string,
): FieldError[] => tolerations.flatMap((one, i) => checkToleration(one, `${at}[${i}]`));

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** (ValidateTolerations) */
function checkToleration(
  { key, operator, value = "", effect, tolerationSeconds }: Toleration,
  at: string,
): FieldError[] {
  const keyless =
    'operator must be Exists when `key` is empty, which means "match all values and all keys"';
  return [
    ...(key ? checkFormat(`${at}.key`, key, qualifiedName) : []),
    ...(!key && operator !== "Exists" ? [invalid(`${at}.operator`, operator ?? "", keyless)] : []),
    ...(tolerationSeconds !== undefined && effect !== "NoExecute"
      ? [
          invalid(
            `${at}.effect`,
            effect ?? "",
            "effect must be 'NoExecute' when `tolerationSeconds` is set",
          ),
        ]
      : []),
    ...checkOperator(operator ?? "", value, `${at}.operator`),
    ...(effect ? checkOneOf(`${at}.effect`, effect, effects) : []),
  ];
}

function checkOperator(operator: string, value: string, at: string): FieldError[] {
  if (operator === "Exists")
    return value ? [invalid(at, value, "value must be empty when `operator` is 'Exists'")] : [];
  if (operator !== "" && operator !== "Equal")
    return [
      notSupported(
        at,
        operator,
        // those are known, and off
        ["Equal", "Exists", ...(operator === "Lt" || operator === "Gt" ? ["Lt", "Gt"] : [])],
      ),
    ];
  const problems = labelValue(value);
  return problems.length > 0 ? [invalid(at, value, problems.join(";"))] : [];
}

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
export const envName = (name: string): string[] =>
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
  fieldRef?: Record<string, unknown>;
  resourceFieldRef?: Record<string, unknown>;
  configMapKeyRef?: KeyRef;
  secretKeyRef?: KeyRef;
}

/** (validateEnvVarValueFrom) */
function checkValueFrom(from: ValueFrom, value: string | undefined, at: string): FieldError[] {
  const sources = Object.keys(from).length;
  const found = [
    ...(from.fieldRef ? checkFieldRef(from.fieldRef, `${at}.fieldRef`, envFieldPaths) : []),
    ...(from.resourceFieldRef
      ? checkResourceRef(from.resourceFieldRef, `${at}.resourceFieldRef`, false)
      : []),
    ...(["configMapKeyRef", "secretKeyRef"] as const).flatMap((which) =>
      from[which] ? checkKeyRef(from[which], `${at}.${which}`) : [],
    ),
  ];
  if (sources === 0)
    found.push(
      invalid(
        at,
        "",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
      ),
    );
  else if (value) found.push(invalid(at, "", "may not be specified when `value` is not empty"));
  else if (sources > 1)
    found.push(invalid(at, "", "may not have more than one field specified at a time"));
  return found;
}

const checkKeyRef = ({ name = "", key }: KeyRef, at: string): FieldError[] => [
  ...checkFormat(`${at}.name`, name, dns1123Subdomain),
  ...(key ? checkFormat(`${at}.key`, key, configKey) : [required(`${at}.key`)]),
];

const configKey = (key: string): string[] =>
  /^[-._a-zA-Z0-9]+$/.test(key)
    ? []
    : [
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      ];

// ---- probes and hooks ---------------------------------------------------------------------------

const checkLife = (container: Container, at: string, grace: number | undefined): FieldError[] => [
  ...(container.lifecycle ? checkLifecycle(container.lifecycle, `${at}.lifecycle`, grace) : []),
  ...(["livenessProbe", "readinessProbe", "startupProbe"] as const).flatMap((which) =>
    container[which] ? checkProbe(container[which], `${at}.${which}`, which) : [],
  ),
];

function checkProbe(probe: Probe, at: string, which: string): FieldError[] {
  const numbers = [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ] as const;
  return [
    ...checkHandler(probe as Handler, at),
    ...numbers.flatMap((name) => checkAtLeast0(`${at}.${name}`, probe[name])),
    ...checkProbeGrace(probe.terminationGracePeriodSeconds, at, which),
    ...(which !== "readinessProbe" && probe.successThreshold !== 1
      ? [invalid(`${at}.successThreshold`, probe.successThreshold, "must be 1")]
      : []),
  ];
}

function checkProbeGrace(grace: number | undefined, probe: string, which: string): FieldError[] {
  const at = `${probe}.terminationGracePeriodSeconds`;
  if (grace === undefined) return [];
  return [
    ...(grace > 0 ? [] : [invalid(at, grace, "must be greater than 0")]),
    ...(which === "readinessProbe"
      ? [invalid(at, grace, "must not be set for readinessProbes")]
      : []),
  ];
}

type Handler = Pick<Probe, "exec" | "httpGet" | "tcpSocket"> & {
  grpc?: { port?: number };
  sleep?: { seconds: number };
};

/** What a probe or a hook does; exactly one thing. (validateHandler) */
function checkHandler(handler: Handler, at: string, gracePeriod = Infinity): FieldError[] {
  const kinds = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] as const;
  const [first, ...more] = kinds.filter((kind) => handler[kind]);
  if (!first) return [required(at, "must specify a handler type")];
  return [
    ...checkAction(handler, first, `${at}.${first}`, gracePeriod),
    ...more.map((kind) => forbidden(`${at}.${kind}`, "may not specify more than 1 handler type")),
  ];
}

function checkAction(
  { exec, httpGet, tcpSocket, grpc, sleep }: Handler,
  kind: keyof Handler,
  at: string,
  gracePeriod: number,
): FieldError[] {
  if (kind === "exec") return exec!.command?.length ? [] : [required(`${at}.command`)];
  if (kind === "httpGet") return checkHttpGet(httpGet!, at);
  if (kind === "tcpSocket") return checkPortOrName(`${at}.port`, tcpSocket!.port);
  if (kind === "grpc") return checkPortOrName(`${at}.port`, grpc!.port);
  if (kind !== "sleep" || (sleep!.seconds >= 0 && sleep!.seconds <= gracePeriod)) return [];
  return [
    invalid(
      at,
      sleep!.seconds,
      `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriod})`,
    ),
  ];
}

const headerName = (name: string): string[] =>
  /^[-A-Za-z0-9]+$/.test(name)
    ? []
    : [
        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
      ];

/** (validateHTTPGetAction) */
const checkHttpGet = (action: NonNullable<Probe["httpGet"]>, at: string): FieldError[] => [
  ...(action.path ? [] : [required(`${at}.path`)]),
  ...checkPortOrName(`${at}.port`, action.port),
  ...checkOneOf(`${at}.scheme`, action.scheme, ["HTTP", "HTTPS"]),
  ...records<{ name?: string }>(action.httpHeaders).flatMap(({ name = "" }) =>
    checkFormat(`${at}.httpHeaders`, name, headerName),
  ),
];

function checkLifecycle(
  { postStart, preStop }: NonNullable<Container["lifecycle"]>,
  at: string,
  gracePeriod: number | undefined,
): FieldError[] {
  return [
    ...(postStart ? checkHandler(postStart, `${at}.postStart`, gracePeriod) : []),
    ...(preStop ? checkHandler(preStop, `${at}.preStop`, gracePeriod) : []),
  ];
}

// ---- the Pod itself -----------------------------------------------------------------------------

/** Seconds, as upstream holds them. */
const LARGEST = 2 ** 31 - 1;

function checkRest(spec: PodSpec, at: string): FieldError[] {
  const { nodeName, hostname, subdomain, activeDeadlineSeconds: deadline } = spec;
  return [
    ...checkDnsConfig(spec, `${at}.dnsConfig`),
    ...(spec.readinessGates ?? []).flatMap(({ conditionType }, i) =>
      checkFormat(`${at}.readinessGates[${i}].conditionType`, conditionType ?? "", qualifiedName),
    ),
    ...checkSchedulingGates(spec, `${at}.schedulingGates`),
    ...(nodeName ? checkFormat(`${at}.nodeName`, nodeName, dns1123Subdomain) : []),
    ...(deadline !== undefined && (deadline < 1 || deadline > LARGEST)
      ? [
          invalid(
            `${at}.activeDeadlineSeconds`,
            deadline,
            `must be between 1 and ${LARGEST}, inclusive`,
          ),
        ]
      : []),
    ...(hostname ? checkFormat(`${at}.hostname`, hostname, dns1123Label) : []),
    ...(subdomain ? checkFormat(`${at}.subdomain`, subdomain, dns1123Label) : []),
    ...checkTolerations(spec.tolerations, `${at}.tolerations`),
    ...checkHostAliases(spec, `${at}.hostAliases`),
    ...(at === "spec" ? checkImages(spec) : []),
  ];
}

/** In a template there may be blanks around an image's name. */
const checkImages = (spec: PodSpec): FieldError[] =>
  (["containers", "initContainers"] as const).flatMap((list) =>
    (spec[list] ?? []).flatMap(({ image = "" }, i) =>
      image.trim() === image
        ? []
        : [
            invalid(
              `spec.${list}[${i}].image`,
              image,
              "must not have leading or trailing whitespace",
            ),
          ],
    ),
  );

function checkInitContainers(spec: PodSpec, at: string): FieldError[] {
  const { containers, initContainers = [], terminationGracePeriodSeconds: grace } = spec;
  const names = new Set(containers.map(({ name }) => name));
  return initContainers.flatMap((container, i) => {
    const here = `${at}[${i}]`;
    return [
      ...checkContainer(container, here, spec),
      ...checkNameIsNew(container, names, here),
      ...checkHostPortConflicts([container], at),
      ...(container.restartPolicy === "Always"
        ? checkLife(container, here, grace)
        : checkNoLife(container, here)),
    ];
  });
}

const life = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const;

/** What an init container that is no sidecar must not have. (validateInitContainers) */
const checkNoLife = (container: Container, at: string): FieldError[] =>
  life
    .filter((field) => container[field])
    .map((field) =>
      forbidden(
        `${at}.${field}`,
        "may not be set for init containers without restartPolicy=Always",
      ),
    );

// ---- what may not change ------------------------------------------------------------------------

const updatable = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
].join(",");

/** (ValidatePodUpdate) */
function validateChange(now: PodSpec, was: PodSpec): FieldError[] {
  for (const which of ["containers", "initContainers"] as const)
    if ((now[which]?.length ?? 0) !== (was[which]?.length ?? 0))
      return [forbidden(`spec.${which}`, "pod updates may not add or remove containers")];
  const deadline = checkDeadline(now.activeDeadlineSeconds, was.activeDeadlineSeconds);
  if (deadline.length > 0 && now.activeDeadlineSeconds !== undefined) return deadline;
  const comparable = {
    ...now,
    containers: withOld(now.containers, was.containers),
    initContainers: withOld(now.initContainers, was.initContainers),
    tolerations: was.tolerations,
    activeDeadlineSeconds: was.activeDeadlineSeconds,
    schedulingGates: was.schedulingGates,
  };
  return [
    ...deadline,
    ...checkToleratedStill(now.tolerations ?? [], was.tolerations ?? []),
    ...checkGatesOnlyGo(now, was),
    // Upstream appends a diff of the two specs; here the changed fields are named.
    ...(same(comparable, was)
      ? []
      : [
          forbidden(
            "spec",
            `pod updates may not change fields other than ${updatable}\nchanged: ${changedFields(comparable, was)}`,
          ),
        ]),
  ];
}

/** A Pod's time may become shorter, not longer. */
function checkDeadline(now: number | undefined, was: number | undefined): FieldError[] {
  const at = "spec.activeDeadlineSeconds";
  if (was === undefined) return [];
  if (now === undefined)
    return [invalid(at, null, "must not update from a positive integer to nil value")];
  return now > was ? [invalid(at, now, "must be less than or equal to previous value")] : [];
}

/** The containers, with what may change as it was. */
const withOld = (
  containers: readonly Container[] | undefined,
  before: readonly Container[] | undefined,
) =>
  containers?.map((one, i) => ({
    ...one,
    image: before?.[i]?.image,
    imagePullPolicy: before?.[i]?.imagePullPolicy,
  }));

/** What is tolerated stays; further tolerations may come. (validateOnlyAddedTolerations) */
function checkToleratedStill(now: readonly Toleration[], was: readonly Toleration[]): FieldError[] {
  const tolerated = new Set(now.map(tolerationKey));
  return was.every((one) => tolerated.has(tolerationKey(one)))
    ? []
    : [
        forbidden(
          "spec.tolerations",
          "existing toleration can not be modified except its tolerationSeconds",
        ),
      ];
}

function checkGatesOnlyGo(now: PodSpec, was: PodSpec): FieldError[] {
  const before = new Set(records<{ name?: string }>(was.schedulingGates).map(({ name }) => name));
  return records<{ name?: string }>(now.schedulingGates).flatMap(({ name }, i) =>
    before.has(name)
      ? []
      : [
          forbidden(
            `spec.schedulingGates[${i}].name`,
            `only deletion is allowed, but found new scheduling gate '${name}'`,
          ),
        ],
  );
}

/** How long a taint is tolerated may change; what is tolerated stays. */
const tolerationKey = ({ key = "", operator = "Equal", value = "", effect = "" }: Toleration) =>
  JSON.stringify([key, operator, value, effect]);

function changedFields(now: object, was: object): string {
  const [a, b] = [now as Record<string, unknown>, was as Record<string, unknown>];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((key) => !same(a[key], b[key]))
    .map((key) => `spec.${key}`)
    .join(", ");
}

Object.assign(further, {
  life: checkLife,
  initContainers: checkInitContainers,
  hostPorts: (spec, at, isPod) =>
    spec.hostNetwork ? checkHostPorts(spec.containers, `${at}.containers`, isPod) : [],
  conflicts: checkHostPortConflicts,
  container: ({ env = [] }, at) => env.flatMap((one, i) => checkEnv(one, `${at}.env[${i}]`)),
  rest: checkRest,
  change: validateChange,
} satisfies Partial<typeof further>);
