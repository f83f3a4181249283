import {
  checkAtLeast0,
  checkFormat,
  checkOneOf,
  checkPort,
  checkPortOrName,
  dns1123Label,
  dns1123Subdomain,
  duplicate,
  forbidden,
  goMap,
  GoText,
  invalid,
  labelValue,
  portName,
  protocols,
  qualifiedName,
  required,
  type FieldError,
} from "./field-errors.js";
import { ownField, same } from "./freeze.js";
import { checkLabels } from "./metadata.js";
import { quantity } from "./quantity.js";
import { matches } from "./selectors.js";
import type {
  Container,
  Deployment,
  LabelSelector,
  Pod,
  PodSpec,
  PodTemplate,
  Probe,
  ReplicaSet,
  Toleration,
} from "./types.js";

/**
 * What may be asked of Pods and of those who make them, as far as this story goes.
 * (kubernetes: pkg/apis/core/validation/validation.go, pkg/apis/apps/validation/validation.go)
 */
// frozen specs that are known to be fine: all Pods of a template share one
const valid = new WeakSet<PodSpec>();

export function validatePodSpec(spec: PodSpec, at = "spec"): FieldError[] {
  if (valid.has(spec)) return [];
  const grace = spec.terminationGracePeriodSeconds;
  const found = [
    ...(spec.containers.length > 0 ? [] : [required(`${at}.containers`)]),
    ...checkContainers(spec.containers, `${at}.containers`, grace),
    ...checkContainers(spec.initContainers ?? [], `${at}.initContainers`, grace),
    ...checkOneOf(`${at}.restartPolicy`, spec.restartPolicy, ["Always", "OnFailure", "Never"]),
    ...checkOneOf(`${at}.dnsPolicy`, spec.dnsPolicy, [
      "ClusterFirst",
      "ClusterFirstWithHostNet",
      "Default",
      "None",
    ]),
    ...checkLabels(`${at}.nodeSelector`, spec.nodeSelector),
    ...checkTolerations(spec.tolerations ?? [], `${at}.tolerations`),
    ...(spec.nodeName ? checkFormat(`${at}.nodeName`, spec.nodeName, dns1123Subdomain) : []),
    ...(spec.hostname ? checkFormat(`${at}.hostname`, spec.hostname, dns1123Label) : []),
    ...(spec.subdomain ? checkFormat(`${at}.subdomain`, spec.subdomain, dns1123Label) : []),
    ...(spec.readinessGates ?? []).flatMap(({ conditionType }, i) =>
      checkFormat(`${at}.readinessGates[${i}].conditionType`, conditionType ?? "", qualifiedName),
    ),
  ];
  if (found.length === 0 && Object.isFrozen(spec)) valid.add(spec);
  return found;
}

function checkContainers(
  containers: readonly Container[],
  at: string,
  gracePeriod: number | undefined,
): FieldError[] {
  const names = new Set<string>();
  return containers.flatMap((container, i) => {
    const here = `${at}[${i}]`;
    const { name } = container;
    const problems = [
      ...(name ? checkFormat(`${here}.name`, name, dns1123Label) : [required(`${here}.name`)]),
      ...(name && names.has(name) ? [duplicate(`${here}.name`, name)] : []),
      ...(container.image
        ? container.image.trim() === container.image
          ? []
          : [
              invalid(
                `${here}.image`,
                container.image,
                "must not have leading or trailing whitespace",
              ),
            ]
        : [required(`${here}.image`)]),
      ...checkContainerPorts(container, `${here}.ports`),
      ...(container.env ?? []).flatMap((one, j) =>
        one.name ? [] : [required(`${here}.env[${j}].name`)],
      ),
      ...(["livenessProbe", "readinessProbe", "startupProbe"] as const).flatMap((which) =>
        container[which] ? checkProbe(container[which], `${here}.${which}`, which) : [],
      ),
      ...checkOneOf(`${here}.imagePullPolicy`, container.imagePullPolicy, [
        "Always",
        "IfNotPresent",
        "Never",
      ]),
      ...checkResources(container.resources, `${here}.resources`),
      ...(container.lifecycle
        ? checkLifecycle(container.lifecycle, `${here}.lifecycle`, gracePeriod)
        : []),
    ];
    names.add(name);
    return problems;
  });
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
    ...(which !== "readinessProbe" && probe.successThreshold !== 1
      ? [invalid(`${at}.successThreshold`, probe.successThreshold, "must be 1")]
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
  if (kind === "httpGet") return checkPortOrName(`${at}.port`, httpGet!.port);
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

function checkAmounts(at: string, amounts: Record<string, string>): FieldError[] {
  return Object.entries(amounts).flatMap(([what, amount]) => [
    ...checkFormat(at, what, qualifiedName),
    ...(quantity(amount) < 0
      ? [invalid(`${at}[${what}]`, amount, "must be greater than or equal to 0")]
      : []),
  ]);
}

function checkTolerations(tolerations: readonly Toleration[], at: string): FieldError[] {
  return tolerations.flatMap((one, i) => {
    const here = `${at}[${i}]`;
    return [
      ...(one.key
        ? checkFormat(`${here}.key`, one.key, qualifiedName)
        : one.operator !== "Exists"
          ? [
              invalid(
                `${here}.operator`,
                one.operator ?? "",
                'operator must be Exists when `key` is empty, which means "match all values and all keys"',
              ),
            ]
          : []),
      ...(one.operator === "Exists" && one.value
        ? [
            invalid(
              `${here}.operator`,
              new GoText(JSON.stringify(one.operator)),
              "value must be empty when `operator` is 'Exists'",
            ),
          ]
        : []),
      ...(one.operator !== "Exists" && one.value
        ? checkFormat(`${here}.value`, one.value, labelValue)
        : []),
      ...(one.tolerationSeconds !== undefined && one.effect !== "NoExecute"
        ? [
            invalid(
              `${here}.effect`,
              one.effect ?? "",
              "effect must be 'NoExecute' when `tolerationSeconds` is set",
            ),
          ]
        : []),
      ...(one.effect
        ? checkOneOf(`${here}.effect`, one.effect, ["NoSchedule", "PreferNoSchedule", "NoExecute"])
        : []),
    ];
  });
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
  if (!old) return validatePodSpec(pod.spec);
  if (pod.spec === old.spec) return [];
  const [now, was] = [pod.spec.containers, old.spec.containers];
  if (now.length !== was.length)
    return [forbidden("spec.containers", "pod updates may not add or remove containers")];
  const tolerated = new Set(pod.spec.tolerations?.map(tolerationKey));
  const removed = old.spec.tolerations?.some((one) => !tolerated.has(tolerationKey(one)));
  const withOld = (
    containers: readonly Container[] | undefined,
    before: readonly Container[] | undefined,
  ) =>
    containers?.map((one, i) => ({
      ...one,
      image: before?.[i]?.image,
      imagePullPolicy: before?.[i]?.imagePullPolicy,
    }));
  const [containers, initContainers] = [
    withOld(now, was),
    withOld(pod.spec.initContainers, old.spec.initContainers),
  ];
  const comparable = {
    ...pod.spec,
    containers,
    initContainers,
    tolerations: old.spec.tolerations,
    activeDeadlineSeconds: (old.spec as { activeDeadlineSeconds?: number }).activeDeadlineSeconds,
  };
  return [
    ...validatePodSpec(pod.spec),
    ...(removed
      ? [
          forbidden(
            "spec.tolerations",
            "existing toleration can not be modified except its tolerationSeconds",
          ),
        ]
      : []),
    // Upstream appends a diff of the two specs; here the changed fields are named.
    ...(same(comparable, old.spec)
      ? []
      : [
          forbidden(
            "spec",
            `pod updates may not change fields other than ${updatable}\nchanged: ${changedFields(comparable, old.spec)}`,
          ),
        ]),
  ];
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

// ---- Deployment and ReplicaSet ------------------------------------------------------------------

export function validateDeployment({ spec }: Deployment, old?: Deployment): FieldError[] {
  if (old && spec === old.spec) return [];
  return [
    ...(old && !same(spec.selector, old.spec.selector)
      ? [invalid("spec.selector", goSelector(spec.selector), "field is immutable")]
      : []),
    ...checkAtLeast0("spec.replicas", spec.replicas),
    ...checkSelector(spec.selector, "deployment"),
    ...checkTemplate(spec.template, spec.selector),
    ...checkStrategy(spec.strategy),
    ...checkAtLeast0("spec.minReadySeconds", spec.minReadySeconds),
    ...checkAtLeast0("spec.revisionHistoryLimit", spec.revisionHistoryLimit),
    ...(spec.progressDeadlineSeconds !== undefined &&
    spec.progressDeadlineSeconds <= (spec.minReadySeconds ?? 0)
      ? [
          invalid(
            "spec.progressDeadlineSeconds",
            spec.progressDeadlineSeconds,
            "must be greater than minReadySeconds",
          ),
        ]
      : []),
  ];
}

export function validateReplicaSet({ spec }: ReplicaSet, old?: ReplicaSet): FieldError[] {
  if (old && spec === old.spec) return [];
  return [
    ...(old && !same(spec.selector, old.spec.selector)
      ? [invalid("spec.selector", goSelector(spec.selector), "field is immutable")]
      : []),
    ...checkAtLeast0("spec.replicas", spec.replicas),
    ...checkAtLeast0("spec.minReadySeconds", spec.minReadySeconds),
    ...checkSelector(spec.selector, "deployment"), // upstream says "deployment" here too
    ...checkTemplate(spec.template, spec.selector),
  ];
}

function checkSelector(selector: LabelSelector | undefined, owner: string): FieldError[] {
  if (!selector) return [required("spec.selector")];
  const expressions = selector.matchExpressions ?? [];
  if (Object.keys(selector.matchLabels ?? {}).length + expressions.length === 0)
    return [
      invalid("spec.selector", goSelector(selector), `empty selector is invalid for ${owner}`),
    ];
  return [
    ...checkLabels("spec.selector.matchLabels", selector.matchLabels),
    ...expressions.flatMap(({ operator, values = [] }, i) => {
      const at = `spec.selector.matchExpressions[${i}]`;
      if (operator === "In" || operator === "NotIn")
        return values.length > 0
          ? []
          : [required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
      if (operator === "Exists" || operator === "DoesNotExist")
        return values.length === 0
          ? []
          : [
              forbidden(
                `${at}.values`,
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
              ),
            ];
      return [invalid(`${at}.operator`, operator, "not a valid selector operator")];
    }),
  ];
}

function checkTemplate(template: PodTemplate, selector: LabelSelector | undefined): FieldError[] {
  const labels = template.metadata?.labels ?? {};
  const policy = template.spec.restartPolicy;
  return [
    ...(selector && !matches(selector, labels)
      ? [
          invalid(
            "spec.template.metadata.labels",
            new GoText(goMap(labels)),
            "`selector` does not match template `labels`",
          ),
        ]
      : []),
    ...checkLabels("spec.template.labels", template.metadata?.labels),
    ...validatePodSpec(template.spec, "spec.template.spec"),
    ...(policy && policy !== "Always"
      ? checkOneOf("spec.template.spec.restartPolicy", policy, ["Always"])
      : []),
  ];
}

function checkStrategy(strategy: Deployment["spec"]["strategy"]): FieldError[] {
  const at = "spec.strategy";
  const { type, rollingUpdate } = strategy ?? {};
  if (type === "Recreate")
    return rollingUpdate
      ? [
          forbidden(
            `${at}.rollingUpdate`,
            "may not be specified when strategy `type` is 'Recreate'",
          ),
        ]
      : [];
  if (type !== "RollingUpdate")
    return checkOneOf(`${at}.type`, type, ["Recreate", "RollingUpdate"]);
  const { maxSurge = 0, maxUnavailable = 0 } = rollingUpdate ?? {};
  const found = Object.entries({ maxUnavailable, maxSurge }).flatMap(([name, value]) =>
    checkShare(`${at}.rollingUpdate.${name}`, value),
  );
  if (found.length === 0 && share(maxSurge) === 0 && share(maxUnavailable) === 0)
    found.push(
      invalid(
        `${at}.rollingUpdate.maxUnavailable`,
        goIntOrString(maxUnavailable),
        "may not be 0 when `maxSurge` is 0",
      ),
    );
  if (found.length === 0 && typeof maxUnavailable === "string" && share(maxUnavailable) > 100)
    found.push(
      invalid(
        `${at}.rollingUpdate.maxUnavailable`,
        goIntOrString(maxUnavailable),
        "must not be greater than 100%",
      ),
    );
  return found;
}

/** A number, or a percentage. */
function checkShare(field: string, value: number | string): FieldError[] {
  if (typeof value === "number") return checkAtLeast0(field, value);
  return /^\d{1,9}%$/.test(value)
    ? []
    : [
        invalid(
          field,
          goIntOrString(value),
          "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
        ),
      ];
}

const share = (value: number | string): number =>
  typeof value === "number" ? value : parseInt(value, 10);
const goIntOrString = (value: number | string): GoText =>
  new GoText(
    typeof value === "number"
      ? `intstr.IntOrString{Type:0, IntVal:${value}, StrVal:""}`
      : `intstr.IntOrString{Type:1, IntVal:0, StrVal:${JSON.stringify(value)}}`,
  );

function goSelector(selector: LabelSelector | undefined): GoText {
  const labels = selector?.matchLabels ? goMap(selector.matchLabels) : "map[string]string(nil)";
  const values = (list: string[] | undefined) =>
    list ? `[]string{${list.map((one) => JSON.stringify(one)).join(", ")}}` : "[]string(nil)";
  const expressions = selector?.matchExpressions?.map(
    ({ key, operator, values: list }) =>
      `v1.LabelSelectorRequirement{Key:${JSON.stringify(key)}, Operator:${JSON.stringify(operator)}, Values:${values(list)}}`,
  );
  return new GoText(
    `v1.LabelSelector{MatchLabels:${labels}, MatchExpressions:[]v1.LabelSelectorRequirement${expressions ? `{${expressions.join(", ")}}` : "(nil)"}}`,
  );
}
