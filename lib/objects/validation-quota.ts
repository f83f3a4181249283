/** What is wrong with LimitRanges and ResourceQuotas. (pkg/apis/core/validation) */
import { inMilli, isMore, type ResourceList } from "./amounts.js";
import {
  checkFormat,
  duplicate,
  forbidden,
  invalid,
  qualifiedName,
  required,
  type FieldError,
} from "./field-errors.js";
import { same } from "./freeze.js";
import { canonical } from "./quantity.js";
import type { Limit, LimitRange, ResourceQuota } from "./quota.js";
import { byKind } from "./validation.js";

const basic = ["cpu", "memory", "ephemeral-storage"];
const bounded = ["requests", "limits"].flatMap((of) => basic.map((name) => `${of}.${name}`));
const ofQuotas = new Set([
  ...basic,
  ...bounded,
  ..."requests.storage pods resourcequotas services replicationcontrollers secrets persistentvolumeclaims configmaps services.nodeports services.loadbalancers".split(
    " ",
  ),
]);
const standard = new Set([...ofQuotas, "storage", "requests.hugepages-", "limits.hugepages-"]);
const whole = new Set(
  "pods resourcequotas services replicationcontrollers secrets persistentvolumeclaims configmaps services.nodeports services.loadbalancers".split(
    " ",
  ),
);
const isHuge = (name: string): boolean => /^(requests\.)?hugepages-/.test(name);

function checkResourceName(at: string, name: string): FieldError[] {
  const found = checkFormat(at, name, qualifiedName);
  if (found.length > 0 || name.includes("/") || standard.has(name) || isHuge(name)) return found;
  return [invalid(at, name, "must be a standard resource type or fully qualified")];
}

// ---- LimitRange ---------------------------------------------------------------------------------

const types = ["Pod", "Container", "PersistentVolumeClaim"];

function validateLimitRange({ spec = {} }: LimitRange): FieldError[] {
  const seen = new Set<string>();
  return (spec.limits ?? []).flatMap((limit, i) => {
    const at = `spec.limits[${i}]`;
    const { type } = limit;
    const twice = seen.has(type);
    seen.add(type);
    return [
      ...checkLimitType(`${at}.type`, type),
      ...(twice ? [duplicate(`${at}.type`, type)] : []),
      ...checkLimit(at, limit),
    ];
  });
}

function checkLimitType(at: string, type: string): FieldError[] {
  const found = checkFormat(at, type, qualifiedName);
  if (found.length > 0 || type.includes("/") || types.includes(type)) return found;
  return [invalid(at, type, "must be a standard limit type or fully qualified")];
}

const lists = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const;

function checkLimit(at: string, limit: Limit): FieldError[] {
  const isPod = limit.type === "Pod";
  const notForPods = (["default", "defaultRequest"] as const).filter(
    (name) => isPod && limit[name] && Object.keys(limit[name]).length > 0,
  );
  const said = lists.filter((list) => !isPod || !list.startsWith("default"));
  const names = new Set(said.flatMap((list) => Object.keys(limit[list] ?? {})));
  const isClaim = limit.type === "PersistentVolumeClaim";
  const hasStorage = limit.min?.["storage"] ?? limit.max?.["storage"];
  return [
    ...said.flatMap((list) =>
      Object.keys(limit[list] ?? {}).flatMap((name) => checkLimited(at, list, name, limit.type)),
    ),
    ...notForPods.map((name) =>
      forbidden(`${at}.${name}`, "may not be specified when `type` is 'Pod'"),
    ),
    ...(isClaim && hasStorage === undefined
      ? [
          required(
            `${at}.limits`,
            "either minimum or maximum storage value is required, but neither was provided",
          ),
        ]
      : []),
    ...[...names].flatMap((name) => checkBounds(at, limit, name)),
  ];
}

function checkLimited(at: string, list: string, name: string, type: string): FieldError[] {
  const place = `${at}.${list}[${name}]`;
  const found = checkResourceName(place, name);
  const isOfContainers = name.includes("/") || basic.includes(name) || isHuge(name);
  if ((type !== "Pod" && type !== "Container") || isOfContainers) return found;
  return [...found, invalid(place, name, "must be a standard resource for containers")];
}

function checkBounds(at: string, limit: Limit, name: string): FieldError[] {
  const of = (list: (typeof lists)[number]) => {
    const amount = limit[list]?.[name];
    return amount === undefined ? undefined : canonical(amount);
  };
  const [max, min, most, request, ratio] = lists.map(of);
  const found: FieldError[] = [];
  const check = (
    a: string | undefined,
    b: string | undefined,
    list: string,
    value: string | undefined,
    [first, second]: readonly [string, string],
  ) => {
    if (a !== undefined && b !== undefined && isMore(a, b))
      found.push(
        invalid(`${at}.${list}[${name}]`, value, `${first} ${a} is greater than ${second} ${b}`),
      );
  };
  const bySelf = ["default request value", "max value"] as const;
  check(min, max, "min", min, ["min value", "max value"]);
  check(min, request, "defaultRequest", request, ["min value", "default request value"]);
  check(request, max, "defaultRequest", request, bySelf);
  check(request, most, "defaultRequest", request, ["default request value", "default limit value"]);
  check(min, most, "default", min, ["min value", "default value"]);
  check(most, max, "default", max, ["default value", "max value"]);
  const place = `${at}.maxLimitRequestRatio[${name}]`;
  if (ratio !== undefined && isMore("1", ratio))
    found.push(invalid(place, ratio, `ratio ${ratio} is less than 1`));
  if (ratio !== undefined && min !== undefined && max !== undefined) {
    const widest = Number(inMilli(max)) / Number(inMilli(min));
    if (Number(inMilli(ratio)) / 1000 > widest)
      found.push(
        invalid(place, ratio, `ratio ${ratio} is greater than max/min = ${widest.toFixed(6)}`),
      );
  }
  if (name.includes("/") && most !== undefined && request !== undefined && most !== request)
    found.push(
      invalid(
        `${at}.defaultRequest[${name}]`,
        request,
        `default value ${most} must equal to defaultRequest value ${request} in ${name}`,
      ),
    );
  return found;
}

// ---- ResourceQuota ------------------------------------------------------------------------------

const scopeNames = new Set(
  "Terminating NotTerminating BestEffort NotBestEffort PriorityClass CrossNamespacePodAffinity VolumeAttributesClass".split(
    " ",
  ),
);

type Spec = NonNullable<ResourceQuota["spec"]>;

function validateQuota({ spec = {}, status }: ResourceQuota, old?: ResourceQuota): FieldError[] {
  const scopes = (of: Spec | undefined) => [...(of?.scopes ?? [])].sort();
  const isNew = !old || spec !== old.spec;
  return [
    ...(isNew ? checkHard("spec.hard", spec.hard) : []),
    ...(isNew ? checkScopes(spec) : []),
    ...(isNew ? checkSelector(spec) : []),
    ...(old && !same(scopes(spec), scopes(old.spec))
      ? [invalid("spec.scopes", spec.scopes ?? null, "field is immutable")]
      : []),
    ...(status === old?.status
      ? []
      : [...checkHard("status.hard", status?.hard), ...checkHard("status.used", status?.used)]),
  ];
}

const checkHard = (at: string, list: ResourceList = {}): FieldError[] =>
  Object.entries(list).flatMap(([name, amount]) => {
    const place = `${at}[${name}]`;
    const isKnown = name.includes("/") || ofQuotas.has(name) || isHuge(name);
    return [
      ...checkResourceName(place, name),
      ...(isKnown ? [] : [invalid(place, name, "must be a standard resource for quota")]),
      ...(inMilli(amount) < 0n
        ? [invalid(place, canonical(amount), "must be greater than or equal to 0")]
        : []),
      ...((whole.has(name) || name.includes("/")) && inMilli(amount) % 1000n !== 0n
        ? [invalid(place, canonical(amount), "must be an integer")]
        : []),
    ];
  });

const ofPods = new Set([...basic, ...bounded, "pods"]);

/** (IsResourceQuotaScopeValidForResource) */
function fits(scope: string, resource: string): boolean {
  if (scope === "BestEffort") return resource === "pods";
  if (scope === "VolumeAttributesClass")
    return resource === "persistentvolumeclaims" || resource === "requests.storage";
  return !scopeNames.has(scope) || ofPods.has(resource);
}

const unfit = (scope: string, { hard = {} }: Spec): string[] =>
  Object.keys(hard).filter((name) => (ofQuotas.has(name) || isHuge(name)) && !fits(scope, name));

const pairs = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
];
const conflicting = (scopes: readonly string[]): boolean =>
  pairs.some((pair) => pair.every((one) => scopes.includes(one)));

function checkScopes(spec: Spec): FieldError[] {
  const { scopes = [] } = spec;
  const at = "spec.scopes";
  return [
    ...scopes.flatMap((scope) => [
      ...(scopeNames.has(scope) ? [] : [invalid(at, scopes, "unsupported scope")]),
      ...unfit(scope, spec).map(() => invalid(at, scopes, "unsupported scope applied to resource")),
    ]),
    ...(conflicting(scopes) ? [invalid(at, scopes, "conflicting scopes")] : []),
  ];
}

function checkSelector(spec: Spec): FieldError[] {
  const all = spec.scopeSelector?.matchExpressions ?? [];
  const at = "spec.scopeSelector.matchExpressions";
  // as the internal type has it
  const MatchExpressions = all.map((one) => ({
    ScopeName: one.scopeName,
    Operator: one.operator,
    Values: one.values ?? null,
  }));
  return [
    ...all.flatMap(({ scopeName, operator, values = [] }) => [
      ...(scopeNames.has(scopeName)
        ? []
        : [invalid(`${at}.scopeName`, scopeName, "unsupported scope")]),
      ...unfit(scopeName, spec).map(() =>
        invalid(at, { MatchExpressions }, "unsupported scope applied to resource"),
      ),
      ...checkOperator(at, scopeName, operator, values),
    ]),
    ...(conflicting(all.map((one) => one.scopeName))
      ? [invalid(at, spec.scopes ?? null, "conflicting scopes")]
      : []),
  ];
}

function checkOperator(
  at: string,
  scope: string,
  operator: string,
  values: readonly string[],
): FieldError[] {
  const found: FieldError[] = [];
  const mayOnlyExist = scopeNames.has(scope) && !/Class$/.test(scope);
  if (mayOnlyExist && operator !== "Exists")
    found.push(
      invalid(
        `${at}.operator`,
        operator,
        "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
      ),
    );
  const isList = operator === "In" || operator === "NotIn";
  if (isList && values.length === 0)
    found.push(
      required(
        `${at}.values`,
        "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      ),
    );
  if ((operator === "Exists" || operator === "DoesNotExist") && values.length > 0)
    found.push(
      invalid(
        `${at}.values`,
        values,
        "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
      ),
    );
  else if (!isList && operator !== "Exists" && operator !== "DoesNotExist")
    found.push(invalid(`${at}.operator`, operator, "not a valid selector operator"));
  return found;
}

Object.assign(byKind, { LimitRange: validateLimitRange, ResourceQuota: validateQuota });
