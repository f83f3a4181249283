/** What is asked of a Job's policies of failure and success. (pkg/apis/batch/validation) */
import {
  checkAtLeast0,
  checkFormat,
  duplicate,
  type FieldError,
  invalid,
  notSupported,
  qualifiedName,
  required,
  tooMany,
} from "./field-errors.js";
import type { LabelSelector, PodTemplate } from "./types.js";

interface FailureRule {
  action?: string;
  onExitCodes?: { containerName?: string; operator?: string; values?: number[] };
  onPodConditions?: { type?: string; status?: string }[];
}

export interface JobSpec {
  parallelism?: number;
  completions?: number;
  activeDeadlineSeconds?: number;
  backoffLimit?: number;
  backoffLimitPerIndex?: number;
  maxFailedIndexes?: number;
  ttlSecondsAfterFinished?: number;
  managedBy?: string;
  completionMode?: string;
  suspend?: boolean;
  manualSelector?: boolean;
  selector?: LabelSelector;
  podFailurePolicy?: { rules?: FailureRule[] };
  successPolicy?: { rules?: { succeededIndexes?: string; succeededCount?: number }[] };
  podReplacementPolicy?: string;
  template: PodTemplate;
}

const FAILURE_RULES_MOST = 20;

const actions = ["Count", "FailIndex", "FailJob", "Ignore"];

/** As Go prints a list of texts. */
const quoted = (texts: readonly string[]) =>
  `valid values: [${texts.map((one) => JSON.stringify(one)).join(" ")}]`;

/** (validatePodFailurePolicy) */
export function checkFailurePolicy(spec: JobSpec, at: string): FieldError[] {
  const { rules = [] } = spec.podFailurePolicy ?? {};
  return [
    ...(rules.length > FAILURE_RULES_MOST ? [tooMany(at, rules.length, FAILURE_RULES_MOST)] : []),
    ...rules.flatMap((rule, i) => checkFailureRule(rule, spec, `${at}[${i}]`)),
  ];
}

function checkFailureRule(rule: FailureRule, spec: JobSpec, at: string): FieldError[] {
  const { action = "", onExitCodes, onPodConditions = [] } = rule;
  const found: FieldError[] = [];
  if (action === "") found.push(required(`${at}.action`, quoted(actions)));
  else if (action === "FailIndex") {
    if (spec.backoffLimitPerIndex === undefined)
      found.push(invalid(`${at}.action`, action, "requires the backoffLimitPerIndex to be set"));
  } else if (!actions.includes(action)) found.push(notSupported(`${at}.action`, action, actions));
  if (onExitCodes) found.push(...checkExitCodes(onExitCodes, spec, `${at}.onExitCodes`));
  found.push(...checkConditions(onPodConditions, `${at}.onPodConditions`));
  const said = [onExitCodes, onPodConditions.length > 0].filter(Boolean).length;
  if (said === 1) return found;
  const why =
    said === 2
      ? "specifying both OnExitCodes and OnPodConditions is not supported"
      : "specifying one of OnExitCodes and OnPodConditions is required";
  return [...found, { field: at, reason: "FieldValueInvalid", message: `Invalid value: ${why}` }];
}

const EXIT_CODES_MOST = 255;

function checkExitCodes(
  { containerName, operator = "", values = [] }: NonNullable<FailureRule["onExitCodes"]>,
  { template }: JobSpec,
  at: string,
): FieldError[] {
  const { containers = [], initContainers = [] } = template.spec;
  const names = [...containers, ...initContainers].map(({ name }) => name);
  const operators = ["In", "NotIn"];
  return [
    ...(operator === ""
      ? [required(`${at}.operator`, quoted(operators))]
      : operators.includes(operator)
        ? []
        : [notSupported(`${at}.operator`, operator, operators)]),
    ...(containerName === undefined || names.includes(containerName)
      ? []
      : [
          invalid(
            `${at}.containerName`,
            containerName,
            "must be one of the container or initContainer names in the pod template",
          ),
        ]),
    ...(values.length === 0
      ? [invalid(`${at}.values`, [], "at least one value is required")]
      : values.length > EXIT_CODES_MOST
        ? [tooMany(`${at}.values`, values.length, EXIT_CODES_MOST)]
        : []),
    ...values.flatMap((value, i) => [
      ...(operator === "In" && value === 0
        ? [invalid(`${at}.values[${i}]`, value, "must not be 0 for the In operator")]
        : []),
      ...(values.indexOf(value) < i ? [duplicate(`${at}.values[${i}]`, value)] : []),
    ]),
    ...(values.some((value, i) => i > 0 && values[i - 1]! > value)
      ? [invalid(`${at}.values`, values, "must be ordered")]
      : []),
  ];
}

const CONDITIONS_MOST = 20;

function checkConditions(
  conditions: NonNullable<FailureRule["onPodConditions"]>,
  at: string,
): FieldError[] {
  const statuses = ["False", "True", "Unknown"];
  return [
    ...(conditions.length > CONDITIONS_MOST
      ? [tooMany(at, conditions.length, CONDITIONS_MOST)]
      : []),
    ...conditions.flatMap(({ type = "", status = "" }, i) => [
      ...checkFormat(`${at}[${i}].type`, type, qualifiedName),
      ...(status === ""
        ? [required(`${at}[${i}].status`, quoted(statuses))]
        : statuses.includes(status)
          ? []
          : [notSupported(`${at}[${i}].status`, status, statuses)]),
    ]),
  ];
}

const SUCCESS_RULES_MOST = 20;

export function checkSuccessPolicy(spec: JobSpec, at: string): FieldError[] {
  if (!spec.successPolicy) return [];
  const { rules = [] } = spec.successPolicy;
  if (spec.completionMode !== "Indexed") {
    const shown = {
      Rules: rules.map(({ succeededIndexes, succeededCount }) => ({
        SucceededIndexes: succeededIndexes ?? null,
        SucceededCount: succeededCount ?? null,
      })),
    };
    return [invalid(at, shown, "requires indexed completion mode")];
  }
  const { completions = 0 } = spec;
  return [
    ...(rules.length === 0
      ? [
          required(
            `${at}.rules`,
            "at least one rules must be specified when the successPolicy is specified",
          ),
        ]
      : []),
    ...(rules.length > SUCCESS_RULES_MOST
      ? [tooMany(`${at}.rules`, rules.length, SUCCESS_RULES_MOST)]
      : []),
    ...rules.flatMap(({ succeededIndexes, succeededCount }, i) => [
      ...(succeededIndexes === undefined && succeededCount === undefined
        ? [
            required(
              `${at}.rules[${i}]`,
              "at least one of succeededCount or succeededIndexes must be specified",
            ),
          ]
        : []),
      ...checkIndexes(succeededIndexes, completions, `${at}.rules[${i}].succeededIndexes`),
      ...checkAtLeast0(`${at}.rules[${i}].succeededCount`, succeededCount),
      ...(succeededCount !== undefined && succeededCount > completions
        ? [
            invalid(
              `${at}.rules[${i}].succeededCount`,
              succeededCount,
              `must be less than or equal to ${completions} (the number of specified completions)`,
            ),
          ]
        : []),
      ...tooFewIndexes(succeededIndexes, succeededCount, completions, `${at}.rules[${i}]`),
    ]),
  ];
}

const MOST = 100_000; // as many Pods as an indexed Job may have at a time

/** It cannot be that more of the indexes succeed than are named; unreadable ones are none. */
function tooFewIndexes(
  text: string | undefined,
  count: number | undefined,
  completions: number,
  at: string,
): FieldError[] {
  if (text === undefined || count === undefined) return [];
  const named = checkIndexes(text, completions, at).length > 0 ? 0 : indexesIn(text).length;
  return count <= named
    ? []
    : [
        invalid(
          `${at}.succeededCount`,
          count,
          `must be less than or equal to ${named} (the number of indexes in the specified succeededIndexes field)`,
        ),
      ];
}

/** "1,3-5" -> 1, 3, 4, 5 */
export const indexesIn = (text: string): number[] =>
  text === ""
    ? []
    : text.split(",").flatMap((part) => {
        const [first = 0, last = first] = part.split("-").map(Number);
        return Array.from(
          { length: Math.min(Math.max(last - first + 1, 0), MOST) },
          (_, i) => first + i,
        );
      });

/** (validateIndexesFormat) */
export function checkIndexes(
  text: string | undefined,
  completions: number,
  at: string,
  what = "succeededIndexes",
): FieldError[] {
  if (text === undefined || text === "") return [];
  const refuse = (why: string) => [invalid(at, text, `error parsing ${what}: ${why}`)];
  let last = -1;
  for (const part of text.split(",")) {
    const limits = part.split("-");
    if (limits.length > 2)
      return refuse(
        `the fragment ${JSON.stringify(part)} violates the requirement that an index interval can have at most two parts separated by '-'`,
      );
    for (const limit of limits) {
      if (!/^\d+$/.test(limit))
        return refuse(`cannot convert string to integer for index: ${JSON.stringify(limit)}`);
      if (Number(limit) >= completions) return refuse(`too large index: ${JSON.stringify(limit)}`);
    }
    const [first, end = first] = limits.map(Number) as [number, number?];
    if (limits.length === 2 && first >= end)
      return refuse(`non-increasing order, previous: ${first}, current: ${end}`);
    if (first <= last) return refuse(`non-increasing order, previous: ${last}, current: ${first}`);
    last = end!;
  }
  return [];
}
