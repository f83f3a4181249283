/**
 * What may be asked of webhooks and of policies in CEL, whose expressions are not compiled here.
 * (kubernetes: pkg/apis/admissionregistration/validation)
 */
import {
  checkFormat,
  dns1035Label,
  dns1123Subdomain,
  duplicate,
  forbidden,
  invalid,
  notSupported,
  qualifiedName,
  required,
  type FieldError,
} from "./field-errors.js";
import type { KubeObject, LabelSelector } from "./types.js";
import { byKind } from "./validation.js";
import { checkSelectorParts } from "./validation-apps.js";
import { ifSaid, oneOf } from "./validation-cluster.js";

type Spec<T> = KubeObject & { spec?: T };

interface Rule {
  operations?: string[];
  apiGroups?: string[];
  apiVersions?: string[];
  resources?: string[];
  scope?: string;
}

interface MatchCondition {
  name?: string;
  expression?: string;
}

const operations = ["*", "CREATE", "UPDATE", "DELETE", "CONNECT"];

/** (validateRule, validateRuleWithOperations) */
function checkRule(rule: Rule, at: string): FieldError[] {
  const { operations: acts = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  const alone = (list: readonly string[], field: string, what: string) =>
    list.length > 1 && list.includes("*")
      ? [invalid(`${at}.${field}`, list, `if '*' is present, must not specify other ${what}`)]
      : [];
  const needed = (list: readonly string[], field: string) =>
    list.length === 0 ? [required(`${at}.${field}`)] : [];
  return [
    ...needed(acts, "operations"),
    ...alone(acts, "operations", "operations"),
    ...acts.flatMap((one, i) =>
      operations.includes(one)
        ? []
        : [notSupported(`${at}.operations[${i}]`, one, [...operations].sort())],
    ),
    ...needed(apiGroups, "apiGroups"),
    ...alone(apiGroups, "apiGroups", "API groups"),
    ...needed(apiVersions, "apiVersions"),
    ...alone(apiVersions, "apiVersions", "API versions"),
    ...needed(resources, "resources"),
    ...checkResources(resources, `${at}.resources`),
    ...(scope === undefined ? [] : oneOf(`${at}.scope`, scope, ["*", "Cluster", "Namespaced"])),
  ];
}

/** (validateResources) */
function checkResources(resources: readonly string[], at: string): FieldError[] {
  const says = (one: string, others: string) =>
    invalid(at, resources, `if '${one}' is present, must not specify ${others}`);
  const isWhole = resources.includes("*");
  const plain = resources.filter((one) => one !== "*" && !one.includes("/"));
  return [
    ...(resources.length > 1 && resources.includes("*/*") ? [says("*/*", "other resources")] : []),
    ...(isWhole && plain.length > 0 ? [says("*", "other resources without subresources")] : []),
  ];
}

/** (validateMatchConditions) */
function checkConditions(conditions: readonly MatchCondition[] = [], at: string): FieldError[] {
  const names = conditions.map(({ name = "" }) => name);
  return conditions.flatMap(({ name = "", expression = "" }, i) => [
    ...(expression.trim() === "" ? [required(`${at}[${i}].expression`)] : []),
    ...(name === ""
      ? [required(`${at}[${i}].name`)]
      : checkFormat(`${at}[${i}].name`, name, qualifiedName)),
    ...(name !== "" && names.indexOf(name) < i ? [duplicate(`${at}[${i}].name`, name)] : []),
  ]);
}

const checkServicePort = (port: number | undefined, at: string): FieldError[] =>
  port === undefined || (port >= 1 && port <= 65_535)
    ? []
    : [invalid(at, port, "port is not valid: must be between 1 and 65535, inclusive")];

/** (ValidateWebhookService) */
function checkServicePath(path: string | undefined, at: string): FieldError[] {
  if (path === undefined || path === "/") return [];
  const found = path.startsWith("/") ? [] : [invalid(at, path, "must start with a '/'")];
  const steps = path.slice(1).split("/");
  if (steps.at(-1) === "") steps.pop();
  return [
    ...found,
    ...steps.flatMap((step, i) =>
      step === "" || (!path.startsWith("/") && i === 0 && path.slice(1, 2) === "/")
        ? [invalid(at, path, `segment[${i}] may not be empty`)]
        : checkFormat(at, step, dns1123Subdomain).map((one) => ({
            ...one,
            message: one.message.replace(/: a lowercase/, `: segment[${i}]: a lowercase`),
          })),
    ),
  ];
}

interface Webhook {
  name?: string;
  sideEffects?: string;
  admissionReviewVersions?: string[];
  clientConfig?: {
    url?: string;
    service?: { name?: string; namespace?: string; port?: number; path?: string };
  };
  timeoutSeconds?: number;
  failurePolicy?: string;
  matchPolicy?: string;
  reinvocationPolicy?: string;
  rules?: Rule[];
  matchConditions?: MatchCondition[];
}
type Webhooks = KubeObject & { webhooks?: Webhook[] };

/** (pkg/apis/admissionregistration/validation) */
function validateWebhooks({ webhooks = [] }: Webhooks): FieldError[] {
  const names = webhooks.map(({ name = "" }) => name);
  return webhooks.flatMap((webhook, i) => [
    ...checkWebhook(`webhooks[${i}]`, webhook),
    ...(names.indexOf(names[i]!) < i ? [duplicate(`webhooks[${i}].name`, names[i])] : []),
  ]);
}

const reviews = ["v1", "v1beta1"];

function checkWebhook(at: string, webhook: Webhook): FieldError[] {
  const { name = "", sideEffects, timeoutSeconds = 10, clientConfig = {} } = webhook;
  const versions = webhook.admissionReviewVersions ?? [];
  return [
    ...checkQualified(`${at}.name`, name),
    ...(webhook.rules ?? []).flatMap((rule, i) => checkRule(rule, `${at}.rules[${i}]`)),
    ...ifSaid(`${at}.failurePolicy`, webhook.failurePolicy, ["Fail", "Ignore"]),
    ...ifSaid(`${at}.matchPolicy`, webhook.matchPolicy, ["Equivalent", "Exact"]),
    ...(sideEffects === undefined
      ? [required(`${at}.sideEffects`, "must specify one of None, NoneOnDryRun")]
      : oneOf(`${at}.sideEffects`, sideEffects, ["None", "NoneOnDryRun"])),
    ...(timeoutSeconds < 1 || timeoutSeconds > 30
      ? [
          invalid(
            `${at}.timeoutSeconds`,
            timeoutSeconds,
            "the timeout value must be between 1 and 30 seconds",
          ),
        ]
      : []),
    ...ifSaid(`${at}.reinvocationPolicy`, webhook.reinvocationPolicy, ["IfNeeded", "Never"]),
    ...checkClient(`${at}.clientConfig`, clientConfig),
    ...versions.flatMap((one, i) => {
      const here = `${at}.admissionReviewVersions[${i}]`;
      return [
        ...(versions.indexOf(one) < i ? [invalid(here, one, "duplicate version")] : []),
        ...(dns1035Label(one).length > 0 ? [invalid(here, one, dns1035Label(one).join(","))] : []),
      ];
    }),
    ...(versions.length === 0
      ? [required(`${at}.admissionReviewVersions`, "must specify one of v1, v1beta1")]
      : versions.some((one) => reviews.includes(one))
        ? []
        : [
            invalid(
              `${at}.admissionReviewVersions`,
              versions,
              "must include at least one of v1, v1beta1",
            ),
          ]),
    ...checkConditions(webhook.matchConditions, `${at}.matchConditions`),
  ];
}

/** (IsFullyQualifiedName) */
function checkQualified(at: string, name: string): FieldError[] {
  if (name === "") return [required(at)];
  const found = checkFormat(at, name, dns1123Subdomain);
  if (found.length > 0 || name.split(".").length >= 3) return found;
  return [invalid(at, name, "should be a domain with at least three segments separated by dots")];
}

function checkClient(at: string, { url, service }: NonNullable<Webhook["clientConfig"]>) {
  if ((url === undefined) === (service === undefined))
    return [required(at, "exactly one of url or service is required")];
  if (url !== undefined) return checkUrl(`${at}.url`, url);
  return [
    ...(service?.name ? [] : [required(`${at}.service.name`, "service name is required")]),
    ...(service?.namespace
      ? []
      : [required(`${at}.service.namespace`, "service namespace is required")]),
    ...checkServicePort(service?.port, `${at}.service.port`),
    ...checkServicePath(service?.path, `${at}.service.path`),
  ];
}

function checkUrl(at: string, url: string): FieldError[] {
  const form = "; desired format: https://host[/path]";
  if (!URL.canParse(url))
    return [
      required(at, `url must be a valid URL: parse ${JSON.stringify(url)}: invalid URI${form}`),
    ];
  const { protocol, host, username, password } = new URL(url);
  return [
    ...(protocol === "https:"
      ? []
      : [invalid(at, protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`)]),
    ...(username || password
      ? [
          invalid(
            at,
            password ? `${username}:${password}` : username,
            `user information is not permitted in the URL${form}`,
          ),
        ]
      : []),
    ...(host === "" ? [invalid(at, host, `host must be specified${form}`)] : []),
  ];
}

// ---- policies -----------------------------------------------------------------------------------

interface Constraints {
  matchPolicy?: string;
  resourceRules?: Rule[];
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
}

interface PolicySpec {
  paramKind?: { apiVersion?: string; kind?: string };
  matchConstraints?: Constraints;
  matchConditions?: MatchCondition[];
  variables?: { name?: string; expression?: string }[];
  validations?: { expression?: string; message?: string; reason?: string }[];
  auditAnnotations?: unknown[];
  failurePolicy?: string;
}

/** (validateMatchResources) */
const checkMatched = (matched: Constraints, at: string): FieldError[] => [
  ...ifSaid(`${at}.matchPolicy`, matched.matchPolicy, ["Equivalent", "Exact"]),
  ...(["namespaceSelector", "objectSelector"] as const).flatMap((which) =>
    matched[which] ? checkSelectorParts(`${at}.${which}`, matched[which]) : [],
  ),
  ...(matched.resourceRules ?? []).flatMap((rule, i) =>
    checkRule(rule, `${at}.resourceRules[${i}]`),
  ),
];

const reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge"];

function validatePolicy({ spec = {} }: Spec<PolicySpec>): FieldError[] {
  const { validations = [], auditAnnotations = [], paramKind, matchConstraints } = spec;
  const needed = "validations or auditAnnotations must contain at least one item";
  return [
    ...ifSaid("spec.failurePolicy", spec.failurePolicy, ["Fail", "Ignore"]),
    ...(paramKind && !paramKind.apiVersion ? [required("spec.paramKind.apiVersion")] : []),
    ...(paramKind && !paramKind.kind ? [required("spec.paramKind.kind")] : []),
    ...(matchConstraints
      ? [
          ...checkMatched(matchConstraints, "spec.matchConstraints"),
          ...((matchConstraints.resourceRules ?? []).length === 0
            ? [required("spec.matchConstraints.resourceRules")]
            : []),
        ]
      : [required("spec.matchConstraints")]),
    ...checkConditions(spec.matchConditions, "spec.matchConditions"),
    ...checkVariables(spec.variables),
    ...(validations.length === 0 && auditAnnotations.length === 0
      ? [required("spec.validations", needed), required("spec.auditAnnotations", needed)]
      : []),
    ...validations.flatMap((one, i) => checkValidation(one, `spec.validations[${i}]`)),
  ];
}

const identifier = /^[_a-zA-Z][_a-zA-Z0-9]*$/;

const checkVariables = (variables: PolicySpec["variables"] = []): FieldError[] =>
  variables.flatMap(({ name = "", expression = "" }, i) => {
    const at = `spec.variables[${i}]`;
    return [
      ...(name === ""
        ? [required(`${at}.name`, "name is not specified")]
        : identifier.test(name)
          ? []
          : [invalid(`${at}.name`, name, "must be a valid CEL identifier")]),
      ...(expression.trim() === ""
        ? [required(`${at}.expression`, "expression is not specified")]
        : []),
    ];
  });

function checkValidation(
  { expression = "", message = "", reason }: NonNullable<PolicySpec["validations"]>[number],
  at: string,
): FieldError[] {
  return [
    ...(expression.trim() === ""
      ? [required(`${at}.expression`, "expression is not specified")]
      : []),
    ...(message !== "" && message.trim() === ""
      ? [invalid(`${at}.message`, message, "must be non-empty if specified")]
      : []),
    ...ifSaid(`${at}.reason`, reason, reasons),
  ];
}

interface BindingSpec {
  policyName?: string;
  paramRef?: {
    name?: string;
    namespace?: string;
    selector?: LabelSelector;
    parameterNotFoundAction?: string;
  };
  matchResources?: Constraints;
  validationActions?: string[];
}

function checkParams(params: NonNullable<BindingSpec["paramRef"]>): FieldError[] {
  const { name = "", selector, parameterNotFoundAction: missing } = params;
  const at = "spec.paramRef";
  const both = "name and selector are mutually exclusive";
  return [
    ...(name !== "" && selector
      ? [forbidden(`${at}.name`, both), forbidden(`${at}.selector`, both)]
      : name === "" && !selector
        ? [required(at, "one of name or selector must be specified")]
        : []),
    ...(missing === undefined
      ? [required(`${at}.parameterNotFoundAction`)]
      : oneOf(`${at}.parameterNotFoundAction`, missing, ["Allow", "Deny"])),
  ];
}

function validatePolicyBinding({ spec = {} }: Spec<BindingSpec>): FieldError[] {
  const { policyName = "", paramRef, matchResources, validationActions: actions = [] } = spec;
  const at = "spec.validationActions";
  return [
    ...(policyName === ""
      ? [required("spec.policyName")]
      : checkFormat("spec.policyName", policyName, dns1123Subdomain)),
    ...(paramRef ? checkParams(paramRef) : []),
    ...(matchResources ? checkMatched(matchResources, "spec.matchResources") : []),
    ...(actions.length === 0 ? [required(at, "at least one validation action is required")] : []),
    ...actions.flatMap((one, i) => [
      ...oneOf(`${at}[${i}]`, one, ["Audit", "Deny", "Warn"]),
      ...(actions.indexOf(one) < i ? [duplicate(`${at}[${i}]`, one)] : []),
    ]),
    ...(actions.includes("Deny") && actions.includes("Warn")
      ? [
          invalid(
            at,
            actions,
            "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)",
          ),
        ]
      : []),
  ];
}

Object.assign(byKind, {
  ValidatingWebhookConfiguration: validateWebhooks,
  MutatingWebhookConfiguration: validateWebhooks,
  ValidatingAdmissionPolicy: validatePolicy,
  ValidatingAdmissionPolicyBinding: validatePolicyBinding,
});
