import {
  checkAtLeast0,
  checkFormat,
  checkIP,
  checkOneOf,
  checkPort,
  checkPortOrName,
  dns1123Label,
  dns1123Subdomain,
  duplicate,
  forbidden,
  invalid,
  labelKey,
  labelValue,
  notSupported,
  portName,
  protocols,
  qualifiedName,
  required,
  type FieldError,
} from "./field-errors.js";
import { isRecord, ownField, same } from "./freeze.js";
import { checkLabels } from "./metadata.js";
import { canonical, quantity } from "./quantity.js";
import type { Container, Pod, PodSpec, Probe, Toleration } from "./types.js";

/**
 * What may be asked of Pods, as far as this story goes, in the order and the words of Kubernetes.
 * (kubernetes: pkg/apis/core/validation/validation.go, ValidatePodSpec)
 */

// frozen specs that are known to be fine: all Pods of a template share one
const valid = new WeakSet<PodSpec>();

/**
 * Checks that few manifests need, which a page's first chunk does without; who knows all kinds adds
 * them (validation-pod-more.ts).
 */
export const further = {
  hostPorts: (_spec: PodSpec, _at: string, _isPod: boolean): FieldError[] => [],
  conflicts: (_containers: readonly Container[], _at: string): FieldError[] => [],
  env: (_container: Container, _at: string): FieldError[] => [],
  dnsConfig: (_spec: PodSpec, _at: string): FieldError[] => [],
  schedulingGates: (_spec: PodSpec, _at: string): FieldError[] => [],
  hostAliases: (_spec: PodSpec, _at: string): FieldError[] => [],
};

/** `isPod`: it is a Pod's own, and no template's, in which hostPort may still be filled in. */
export function validatePodSpec(spec: PodSpec, at = "spec", isPod = true): FieldError[] {
  if (valid.has(spec)) return [];
  const { nodeName, hostname, subdomain, activeDeadlineSeconds: deadline } = spec;
  const found = [
    ...checkContainers(spec, `${at}.containers`),
    ...checkInitContainers(spec, `${at}.initContainers`),
    ...further.hostPorts(spec, at, isPod),
    ...checkOneOf(`${at}.restartPolicy`, spec.restartPolicy, ["Always", "OnFailure", "Never"]),
    ...checkOneOf(`${at}.dnsPolicy`, spec.dnsPolicy, dnsPolicies),
    ...checkLabels(`${at}.nodeSelector`, spec.nodeSelector),
    ...further.dnsConfig(spec, `${at}.dnsConfig`),
    ...(spec.readinessGates ?? []).flatMap(({ conditionType }, i) =>
      checkFormat(`${at}.readinessGates[${i}].conditionType`, conditionType ?? "", qualifiedName),
    ),
    ...further.schedulingGates(spec, `${at}.schedulingGates`),
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
    ...checkTolerations(spec.tolerations ?? [], `${at}.tolerations`),
    ...further.hostAliases(spec, `${at}.hostAliases`),
  ];
  if (found.length === 0 && isPod && Object.isFrozen(spec)) valid.add(spec);
  return found;
}

/** A list of objects of which the table of fields knows nothing more. */
export const records = <T extends object>(list: unknown): T[] =>
  (Array.isArray(list) ? list : []).map((one) => (isRecord(one) ? one : {}) as T);

const LARGEST = 2 ** 31 - 1;
const dnsPolicies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];

// ---- containers ---------------------------------------------------------------------------------

function checkContainers(spec: PodSpec, at: string): FieldError[] {
  const { containers, terminationGracePeriodSeconds: grace } = spec;
  if (containers.length === 0) return [required(at)];
  const names = new Set<string>();
  return [
    ...containers.flatMap((container, i) => {
      const here = `${at}[${i}]`;
      return [
        ...checkContainer(container, here),
        ...checkNameIsNew(container, names, here),
        ...checkLife(container, here, grace),
      ];
    }),
    ...further.conflicts(containers, at),
  ];
}

function checkInitContainers(spec: PodSpec, at: string): FieldError[] {
  const { containers, initContainers = [], terminationGracePeriodSeconds: grace } = spec;
  const names = new Set(containers.map(({ name }) => name));
  return initContainers.flatMap((container, i) => {
    const here = `${at}[${i}]`;
    return [
      ...checkContainer(container, here),
      ...checkNameIsNew(container, names, here),
      ...further.conflicts([container], at),
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

const checkLife = (container: Container, at: string, grace: number | undefined): FieldError[] => [
  ...(container.lifecycle ? checkLifecycle(container.lifecycle, `${at}.lifecycle`, grace) : []),
  ...(["livenessProbe", "readinessProbe", "startupProbe"] as const).flatMap((which) =>
    container[which] ? checkProbe(container[which], `${at}.${which}`, which) : [],
  ),
];

function checkNameIsNew({ name }: Container, names: Set<string>, at: string): FieldError[] {
  if (names.has(name)) return [duplicate(`${at}.name`, name)];
  if (name) names.add(name);
  return [];
}

/** (validateContainerCommon) */
const checkContainer = (container: Container, at: string): FieldError[] => [
  ...(container.name
    ? checkFormat(`${at}.name`, container.name, dns1123Label)
    : [required(`${at}.name`)]),
  ...checkImage(container.image, `${at}.image`),
  ...checkOneOf(`${at}.terminationMessagePolicy`, container.terminationMessagePolicy, [
    "File",
    "FallbackToLogsOnError",
  ]),
  ...checkContainerPorts(container, `${at}.ports`),
  ...further.env(container, `${at}.env`),
  ...checkOneOf(`${at}.imagePullPolicy`, container.imagePullPolicy, [
    "Always",
    "IfNotPresent",
    "Never",
  ]),
  ...checkResources(container.resources, `${at}.resources`),
];

function checkImage(image: string | undefined, at: string): FieldError[] {
  if (!image) return [required(at)];
  return image.trim() === image
    ? []
    : [invalid(at, image, "must not have leading or trailing whitespace")];
}

function checkContainerPorts({ ports = [] }: Container, at: string): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const here = `${at}[${i}]`;
    const { name } = port;
    const problems = [
      ...(name
        ? [
            ...checkFormat(`${here}.name`, name, portName),
            ...(names.has(name) ? [duplicate(`${here}.name`, name)] : []),
          ]
        : []),
      ...(port.containerPort
        ? checkPort(`${here}.containerPort`, port.containerPort)
        : [required(`${here}.containerPort`)]),
      ...(port.hostPort ? checkPort(`${here}.hostPort`, port.hostPort) : []),
      ...checkOneOf(`${here}.protocol`, port.protocol, protocols),
    ];
    if (name) names.add(name);
    return problems;
  });
}

function checkProbe(probe: Probe, at: string, which: string): FieldError[] {
  const numbers = [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ] as const;
  return [
    ...checkHandler(probe, at),
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
  grpc?: unknown;
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
  { exec, httpGet, tcpSocket, sleep }: Handler,
  kind: keyof Handler,
  at: string,
  gracePeriod: number,
): FieldError[] {
  if (kind === "exec") return exec!.command?.length ? [] : [required(`${at}.command`)];
  if (kind === "httpGet") return checkHttpGet(httpGet!, at);
  if (kind === "tcpSocket") return checkPortOrName(`${at}.port`, tcpSocket!.port);
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

function checkResources(resources: Container["resources"], at: string): FieldError[] {
  const { requests = {}, limits = {} } = resources ?? {};
  return [
    ...checkAmounts(`${at}.limits`, limits),
    ...checkAmounts(`${at}.requests`, requests),
    ...Object.entries(requests).flatMap(([what, request]) => {
      const limit = ownField(limits, what);
      return limit !== undefined && quantity(request) > quantity(limit)
        ? [
            invalid(
              `${at}.requests`,
              String(request),
              `must be less than or equal to ${what} limit of ${limit}`,
            ),
          ]
        : [];
    }),
  ];
}

/** Of a container: those without a domain. (pkg/apis/core/helper, standardContainerResources) */
const standardResource = /^(cpu|memory|ephemeral-storage|hugepages-.+)$/;

function checkAmounts(at: string, amounts: Record<string, string>): FieldError[] {
  return Object.entries(amounts).flatMap(([what, amount]) => {
    const here = `${at}[${what}]`;
    return [...checkResourceName(here, what), ...checkAmount(here, what, amount)];
  });
}

function checkResourceName(at: string, name: string): FieldError[] {
  const found = checkFormat(at, name, qualifiedName);
  if (found.length > 0 || name.includes("/") || standardResource.test(name)) return found;
  return [
    invalid(at, name, "must be a standard resource type or fully qualified"),
    invalid(at, name, "must be a standard resource for containers"),
  ];
}

/** Of what there are whole ones only: extended resources, and a node's Pods. */
const isWhole = (resource: string): boolean =>
  resource === "pods" || (resource.includes("/") && !/(^|\.)kubernetes\.io\//.test(resource));

/** (ValidateResourceQuantityValue) */
export function checkAmount(at: string, resource: string, amount: string): FieldError[] {
  const number = quantity(amount);
  return [
    ...(number < 0 ? [invalid(at, canonical(amount), "must be greater than or equal to 0")] : []),
    ...(isWhole(resource) && !Number.isInteger(number)
      ? [invalid(at, canonical(amount), "must be an integer")]
      : []),
  ];
}

function checkTolerations(tolerations: readonly Toleration[], at: string): FieldError[] {
  return tolerations.flatMap((one, i) => checkToleration(one, `${at}[${i}]`));
}

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** (ValidateTolerations) */
function checkToleration(
  { key, operator, value = "", effect, tolerationSeconds }: Toleration,
  at: string,
): FieldError[] {
  const keyless =
    'operator must be Exists when `key` is empty, which means "match all values and all keys"';
  return [
    ...(key ? checkFormat(`${at}.key`, key, labelKey) : []),
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
    return [notSupported(at, operator, ["Equal", "Exists"])];
  const problems = labelValue(value);
  return problems.length > 0 ? [invalid(at, value, problems.join(";"))] : [];
}

// ---- Pod ----------------------------------------------------------------------------------------

const updatable = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
].join(",");

export function validatePod(pod: Pod, old?: Pod): FieldError[] {
  if (!old) return [...validatePodSpec(pod.spec), ...checkNewPod(pod.spec)];
  if (pod.spec === old.spec) return pod.status === old.status ? [] : validatePodStatus(pod);
  return [...validatePodSpec(pod.spec), ...validateChange(pod.spec, old.spec)];
}

/** (ValidatePodCreate) */
const checkNewPod = ({ nodeName, schedulingGates = [] }: PodSpec): FieldError[] =>
  nodeName && schedulingGates.length > 0
    ? [forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared")]
    : [];

/** Addresses come from kubelets, and packets go by them. (validatePodIPs) */
function validatePodStatus({ status }: Pod): FieldError[] {
  const podIPs = status?.podIPs ?? (status?.podIP ? [{ ip: status.podIP }] : []);
  return podIPs.flatMap(({ ip = "" }, i) => checkIP(`status.podIPs[${i}]`, ip));
}

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
