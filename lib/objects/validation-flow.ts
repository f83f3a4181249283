/** What may be asked of priority and fairness. (kubernetes: pkg/apis/flowcontrol/validation) */
import { forbidden, invalid, notSupported, required, type FieldError } from "./field-errors.js";
import type { KubeObject } from "./types.js";
import { byKind } from "./validation.js";
import { oneOf } from "./validation-cluster.js";

type Spec<T> = KubeObject & { spec?: T };

interface FlowSpec {
  priorityLevelConfiguration?: { name?: string };
  matchingPrecedence?: number;
  distinguisherMethod?: { type?: string };
  rules?: FlowRule[];
}

const HIGHEST_PRECEDENCE = 10_000;

/** (pkg/apis/flowcontrol/validation) */
function validateFlowSchema({ spec = {} }: Spec<FlowSpec>): FieldError[] {
  const { matchingPrecedence: precedence = 1000, distinguisherMethod: by } = spec;
  const methods = ["ByNamespace", "ByUser"];
  return [
    ...(precedence <= 0
      ? [invalid("spec.matchingPrecedence", precedence, "must be a positive value")]
      : []),
    ...(precedence > HIGHEST_PRECEDENCE
      ? [
          invalid(
            "spec.matchingPrecedence",
            precedence,
            `must not be greater than ${HIGHEST_PRECEDENCE}`,
          ),
        ]
      : []),
    ...(by && !methods.includes(by.type ?? "")
      ? [notSupported("spec.distinguisherMethod.type", { Type: by.type ?? "" }, methods)]
      : []),
    ...(spec.priorityLevelConfiguration?.name
      ? []
      : [required("spec.priorityLevelConfiguration.name", "must reference a priority level")]),
    ...(spec.rules ?? []).flatMap((rule, i) => checkFlowRule(rule, `spec.rules[${i}]`)),
  ];
}

interface Queuing {
  queues?: number;
  handSize?: number;
  queueLengthLimit?: number;
}

const MOST_QUEUES = 10_000_000;

/** (ValidatePriorityLevelQueuingConfiguration) */
function checkQueuing(queuing: Queuing, place: string): FieldError[] {
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing;
  const at = `${place}.queuing`;
  const positive = (field: string, value: number) =>
    value <= 0 ? [invalid(`${at}.${field}`, value, "must be positive")] : [];
  return [
    ...positive("queueLengthLimit", queueLengthLimit),
    ...(queues <= 0
      ? positive("queues", queues)
      : queues > MOST_QUEUES
        ? [invalid(`${at}.queues`, queues, `must not be greater than ${MOST_QUEUES}`)]
        : []),
    ...(handSize <= 0
      ? positive("handSize", handSize)
      : handSize > queues
        ? [invalid(`${at}.handSize`, handSize, `should not be greater than queues (${queues})`)]
        : []),
  ];
}

interface LevelSpec {
  type?: string;
  limited?: {
    nominalConcurrencyShares?: number;
    lendablePercent?: number;
    borrowingLimitPercent?: number;
    limitResponse?: { type?: string; queuing?: Queuing };
  };
  exempt?: object;
}

function validatePriorityLevel({ spec = {} }: Spec<LevelSpec>): FieldError[] {
  const { type = "", limited, exempt } = spec;
  if (type === "Exempt")
    return limited ? [forbidden("spec.limited", "must be nil if the type is not Limited")] : [];
  if (type !== "Limited") return [notSupported("spec.type", type, ["Exempt", "Limited"])];
  const response = limited?.limitResponse ?? {};
  const at = "spec.limited.limitResponse";
  return [
    ...(exempt ? [forbidden("spec.exempt", "must be nil if the type is Limited")] : []),
    ...(limited ? [] : [required("spec.limited", "must not be empty when type is Limited")]),
    ...((limited?.nominalConcurrencyShares ?? 0) < 0
      ? [
          invalid(
            "spec.limited.nominalConcurrencyShares",
            limited?.nominalConcurrencyShares,
            "must be a non-negative integer",
          ),
        ]
      : []),
    ...(!limited
      ? []
      : response.type === "Queue" && !response.queuing
        ? [required(`${at}.queuing`, "must not be empty if limited.limitResponse.type is Limited")]
        : response.type === "Reject" && response.queuing
          ? [forbidden(`${at}.queuing`, "must be nil if limited.limitResponse.type is not Limited")]
          : oneOf(`${at}.type`, response.type, ["Queue", "Reject"])),
    ...(response.type === "Queue" && response.queuing ? checkQueuing(response.queuing, at) : []),
    ...checkShares(limited ?? {}),
  ];
}

function checkShares(limited: NonNullable<LevelSpec["limited"]>): FieldError[] {
  const { lendablePercent: lends = 0, borrowingLimitPercent: borrows = 0 } = limited;
  return [
    ...(lends < 0 || lends > 100
      ? [invalid("spec.limited.lendablePercent", lends, "must be between 0 and 100, inclusive")]
      : []),
    ...(borrows < 0
      ? [
          invalid(
            "spec.limited.borrowingLimitPercent",
            borrows,
            "if specified, must be a non-negative integer",
          ),
        ]
      : []),
  ];
}

interface FlowRule {
  subjects?: { kind?: string; user?: object; group?: object; serviceAccount?: object }[];
  resourceRules?: {
    verbs?: string[];
    apiGroups?: string[];
    resources?: string[];
    clusterScope?: boolean;
    namespaces?: string[];
  }[];
  nonResourceRules?: { verbs?: string[]; nonResourceURLs?: string[] }[];
}

const alone = (list: readonly string[], at: string, what: string): FieldError[] =>
  list.length > 1 && list.includes("*")
    ? [invalid(at, list, `if '*' is present, must not specify other ${what}`)]
    : [];

const subjectFields = { Group: "group", ServiceAccount: "serviceAccount", User: "user" } as const;

/** (ValidateFlowSchemaRule and its parts) */
function checkFlowRule(
  { subjects = [], resourceRules = [], nonResourceRules = [] }: FlowRule,
  at: string,
): FieldError[] {
  const some = (list: readonly unknown[], field: string, why: string) =>
    list.length > 0 ? [] : [required(field, why)];
  return [
    ...some(subjects, `${at}.subjects`, "subjects must contain at least one value"),
    ...subjects.flatMap((subject, i) => {
      const here = `${at}.subjects[${i}]`;
      const field = subjectFields[subject.kind as "User"];
      if (!field)
        return [notSupported(`${here}.kind`, subject.kind ?? "", Object.keys(subjectFields))];
      if (!subject[field])
        return [
          required(
            `${here}.${field}`,
            `${field} is required when subject kind is '${subject.kind}'`,
          ),
        ];
      const { name, namespace } = subject[field] as { name?: string; namespace?: string };
      return [
        ...(name ? [] : [required(`${here}.${field}.name`)]),
        ...(subject.kind === "ServiceAccount" && !namespace
          ? [
              required(
                `${here}.serviceAccount.namespace`,
                "must specify namespace for service account",
              ),
            ]
          : []),
      ];
    }),
    ...(resourceRules.length === 0 && nonResourceRules.length === 0
      ? [required(at, "at least one of resourceRules and nonResourceRules has to be non-empty")]
      : []),
    ...resourceRules.flatMap((rule, i) => {
      const here = `${at}.resourceRules[${i}]`;
      const { verbs = [], apiGroups = [], resources = [], namespaces = [], clusterScope } = rule;
      return [
        ...some(verbs, `${here}.verbs`, "verbs must contain at least one value"),
        ...alone(verbs, `${here}.verbs`, "verbs"),
        ...some(
          apiGroups,
          `${here}.apiGroups`,
          "resource rules must supply at least one api group",
        ),
        ...some(resources, `${here}.resources`, "resource rules must supply at least one resource"),
        ...(clusterScope
          ? []
          : some(
              namespaces,
              `${here}.namespaces`,
              "resource rules that are not cluster scoped must supply at least one namespace",
            )),
      ];
    }),
    ...nonResourceRules.flatMap(({ verbs = [], nonResourceURLs: urls = [] }, i) => {
      const here = `${at}.nonResourceRules[${i}]`;
      return [
        ...some(verbs, `${here}.verbs`, "verbs must contain at least one value"),
        ...alone(verbs, `${here}.verbs`, "verbs"),
        ...some(urls, `${here}.nonResourceURLs`, "nonResourceURLs must contain at least one value"),
        ...urls.flatMap((url, j) =>
          url === "*"
            ? []
            : !url.startsWith("/")
              ? [invalid(`${here}.nonResourceURLs[${j}]`, url, "must start with slash")]
              : /\*./.test(url)
                ? [
                    invalid(
                      `${here}.nonResourceURLs[${j}]`,
                      url,
                      "wildcard can only do suffix matching",
                    ),
                  ]
                : [],
        ),
      ];
    }),
  ];
}

Object.assign(byKind, {
  FlowSchema: validateFlowSchema,
  PriorityLevelConfiguration: validatePriorityLevel,
});
