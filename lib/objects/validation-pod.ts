import {
  checkFormat,
  checkOneOf,
  checkPort,
  dns1123Label,
  duplicate,
  forbidden,
  invalid,
  portName,
  protocols,
  qualifiedName,
  required,
  type FieldError,
} from "./field-errors.js";
import { isRecord, ownField } from "./freeze.js";
import { checkLabels } from "./metadata.js";
import { canonical, quantity } from "./quantity.js";
import type { Container, Pod, PodSpec } from "./types.js";

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
  volumes: (_spec: PodSpec, _at: string): FieldError[] => [],
  mounts: (_container: Container, _at: string, _spec: PodSpec): FieldError[] => [],
  placing: (_spec: PodSpec, _at: string): FieldError[] => [],
  initContainers: (_spec: PodSpec, _at: string): FieldError[] => [],
  hostPorts: (_spec: PodSpec, _at: string, _isPod: boolean): FieldError[] => [],
  life: (_container: Container, _at: string, _grace: number | undefined): FieldError[] => [],
  conflicts: (_containers: readonly Container[], _at: string): FieldError[] => [],
  container: (_container: Container, _at: string, _spec: PodSpec): FieldError[] => [],
  source: (_volume: Record<string, unknown>, _at: string): FieldError[] => [],
  rest: (_spec: PodSpec, _at: string): FieldError[] => [],
  change: (_now: PodSpec, _was: PodSpec): FieldError[] => [],
};

/** `isPod`: it is a Pod's own, and no template's, in which hostPort may still be filled in. */
export function validatePodSpec(spec: PodSpec, at = "spec", isPod = true): FieldError[] {
  if (valid.has(spec)) return [];
  const found = [
    ...further.volumes(spec, at),
    ...checkContainers(spec, `${at}.containers`),
    ...further.initContainers(spec, `${at}.initContainers`),
    ...further.hostPorts(spec, at, isPod),
    ...checkOneOf(`${at}.restartPolicy`, spec.restartPolicy, ["Always", "OnFailure", "Never"]),
    ...checkOneOf(`${at}.dnsPolicy`, spec.dnsPolicy, dnsPolicies),
    ...checkLabels(`${at}.nodeSelector`, spec.nodeSelector),
    ...further.placing(spec, at),
    ...further.rest(spec, at),
  ];
  if (found.length === 0 && isPod && Object.isFrozen(spec)) valid.add(spec);
  return found;
}

/** A list of objects of which the table of fields knows nothing more. */
export const records = <T extends object = Record<string, unknown>>(list: unknown): T[] =>
  (Array.isArray(list) ? list : []).map((one) => (isRecord(one) ? one : {}) as T);

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
        ...checkContainer(container, here, spec),
        ...checkNameIsNew(container, names, here),
        ...further.life(container, here, grace),
      ];
    }),
    ...further.conflicts(containers, at),
  ];
}

export function checkNameIsNew({ name }: Container, names: Set<string>, at: string): FieldError[] {
  if (names.has(name)) return [duplicate(`${at}.name`, name)];
  if (name) names.add(name);
  return [];
}

/** (validateContainerCommon) */
export const checkContainer = (container: Container, at: string, spec: PodSpec): FieldError[] => [
  ...(container.name
    ? checkFormat(`${at}.name`, container.name, dns1123Label)
    : [required(`${at}.name`)]),
  ...(container.image ? [] : [required(`${at}.image`)]),
  ...checkOneOf(`${at}.terminationMessagePolicy`, container.terminationMessagePolicy, [
    "File",
    "FallbackToLogsOnError",
  ]),
  ...checkContainerPorts(container, `${at}.ports`),
  ...further.container(container, at, spec),
  ...further.mounts(container, `${at}.volumeMounts`, spec),
  ...checkOneOf(`${at}.imagePullPolicy`, container.imagePullPolicy, [
    "Always",
    "IfNotPresent",
    "Never",
  ]),
  ...checkResources(container.resources, `${at}.resources`),
];

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

export function checkAmounts(at: string, amounts: Record<string, string>): FieldError[] {
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

// ---- Pod ----------------------------------------------------------------------------------------

export function validatePod(pod: Pod, old?: Pod): FieldError[] {
  if (!old) return [...validatePodSpec(pod.spec), ...checkNewPod(pod.spec)];
  if (pod.spec === old.spec) return [];
  return [...validatePodSpec(pod.spec), ...further.change(pod.spec, old.spec)];
}

/** (ValidatePodCreate) */
const checkNewPod = ({ nodeName, schedulingGates = [] }: PodSpec): FieldError[] =>
  nodeName && schedulingGates.length > 0
    ? [forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared")]
    : [];
