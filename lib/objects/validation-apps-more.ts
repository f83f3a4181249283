/**
 * Checks of how a Deployment replaces its Pods. Who imports this has them. (kubernetes:
 * pkg/apis/apps/validation/validation.go, ValidateDeploymentStrategy)
 */
import {
  checkAtLeast0,
  forbidden,
  invalid,
  notSupported,
  type FieldError,
} from "./field-errors.js";
import type { Deployment } from "./types.js";
import { further } from "./validation-apps.js";

function checkStrategy({ strategy = {} }: Deployment["spec"]): FieldError[] {
  const at = "spec.strategy";
  const { type, rollingUpdate } = strategy;
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
    return [
      // as the internal type has it
      notSupported(
        at,
        { Type: type ?? "", RollingUpdate: rollingUpdate ? internal(rollingUpdate) : null },
        ["Recreate", "RollingUpdate"],
      ),
    ];
  const { maxSurge = 0, maxUnavailable = 0 } = rollingUpdate ?? {};
  const found = Object.entries({ maxUnavailable, maxSurge }).flatMap(([name, value]) =>
    checkPercentOrNumber(`${at}.rollingUpdate.${name}`, value),
  );
  if (asNumber(maxSurge) === 0 && asNumber(maxUnavailable) === 0)
    found.push(
      invalid(
        `${at}.rollingUpdate.maxUnavailable`,
        maxUnavailable,
        "may not be 0 when `maxSurge` is 0",
      ),
    );
  if (found.length === 0 && typeof maxUnavailable === "string" && share(maxUnavailable) > 100)
    found.push(
      invalid(
        `${at}.rollingUpdate.maxUnavailable`,
        maxUnavailable,
        "must not be greater than 100%",
      ),
    );
  return found;
}

/** What is neither a number nor a share of all is 0. (getIntOrPercentValue) */
const asNumber = (value: number | string): number =>
  typeof value === "number" || /^(\d{1,9}%|[+-]?\d+)$/.test(value) ? share(value) : 0;

/** As the internal type calls its fields. */
const internal = ({
  maxUnavailable = 0,
  maxSurge = 0,
}: NonNullable<NonNullable<Deployment["spec"]["strategy"]>["rollingUpdate"]>) => ({
  MaxUnavailable: maxUnavailable,
  MaxSurge: maxSurge,
});

/** A number, or a percentage. (ValidatePositiveIntOrPercent) */
export function checkPercentOrNumber(field: string, value: number | string): FieldError[] {
  if (typeof value === "number") return checkAtLeast0(field, value);
  return /^\d{1,9}%$/.test(value)
    ? []
    : [
        invalid(
          field,
          value,
          "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
        ),
      ];
}

/** (getIntOrPercentValue) */
export const isZero = (value: number | string): boolean => !share(value);

/** (IsNotMoreThan100Percent) */
export const moreThanAll = (field: string, value: number | string): FieldError[] =>
  typeof value === "string" && /^\d+%$/.test(value) && share(value) > 100
    ? [invalid(field, value, "must not be greater than 100%")]
    : [];

const share = (value: number | string): number =>
  typeof value === "number" ? value : parseInt(value, 10);

Object.assign(further, { strategy: checkStrategy } satisfies typeof further);
