/**
 * What may be asked of a claim, also of one that stands in a StatefulSet. (kubernetes:
 * pkg/apis/core/validation, ValidatePersistentVolumeClaimSpec)
 */
import {
  checkFormat,
  dns1123Subdomain,
  forbidden,
  invalid,
  notSupported,
  required,
  type FieldError,
} from "./field-errors.js";
import { quantity } from "./quantity.js";
import type { LabelSelector } from "./types.js";
import { checkSelectorParts } from "./validation-apps.js";

interface Source {
  name?: string;
  kind?: string;
  apiGroup?: string;
  namespace?: string;
}

export interface ClaimSpec {
  dataSource?: Source;
  dataSourceRef?: Source;
  accessModes?: string[];
  selector?: LabelSelector;
  resources?: { requests?: Record<string, string> };
  storageClassName?: string;
  volumeMode?: string;
  volumeName?: string;
}

export const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

export function checkClaimSpec(spec: ClaimSpec, at: string): FieldError[] {
  const { accessModes: modes = [], selector, storageClassName, volumeMode } = spec;
  const here = `${at}.accessModes`;
  return [
    ...(modes.length === 0 ? [required(here, "at least 1 access mode is required")] : []),
    ...(selector ? checkSelectorParts(`${at}.selector`, selector) : []),
    ...modes
      .filter((mode) => !accessModes.includes(mode))
      .map((mode) => notSupported(here, mode, accessModes)),
    ...(modes.includes("ReadWriteOncePod") &&
    modes.some((mode) => mode !== "ReadWriteOncePod" && accessModes.includes(mode))
      ? [forbidden(here, "may not use ReadWriteOncePod with other access modes")]
      : []),
    ...checkStorage(spec.resources?.requests?.["storage"], `${at}.resources[storage]`),
    ...(storageClassName
      ? checkFormat(`${at}.storageClassName`, storageClassName, dns1123Subdomain)
      : []),
    ...(volumeMode === undefined || ["Block", "Filesystem"].includes(volumeMode)
      ? []
      : [notSupported(`${at}.volumeMode`, volumeMode, ["Block", "Filesystem"])]),
    ...checkDataSources(spec, at),
  ];
}

/** (validateDataSource, validateDataSourceRef) */
function checkDataSources(spec: ClaimSpec, at: string): FieldError[] {
  const { dataSource, dataSourceRef } = spec;
  const own = (field: "dataSource" | "dataSourceRef"): FieldError[] => {
    const source = spec[field];
    if (!source) return [];
    const { name = "", kind = "", apiGroup = "" } = source;
    return [
      ...(name === "" ? [required(`${at}.${field}.name`)] : []),
      ...(kind === "" ? [required(`${at}.${field}.kind`)] : []),
      ...(apiGroup === "" && kind !== "PersistentVolumeClaim"
        ? [
            invalid(
              `${at}.${field}`,
              kind,
              "must be 'PersistentVolumeClaim' when referencing the default apiGroup",
            ),
          ]
        : []),
    ];
  };
  return [
    ...own("dataSource"),
    ...own("dataSourceRef"),
    ...matching(dataSource, dataSourceRef, at),
  ];
}

/** Where both are said, they say the same. */
function matching(
  one: ClaimSpec["dataSource"],
  other: ClaimSpec["dataSourceRef"],
  at: string,
): FieldError[] {
  if (!one || !other || other.namespace) return [];
  const text = ({ name, kind, apiGroup = "" }: Source) => JSON.stringify([name, kind, apiGroup]);
  return text(one) === text(other) ? [] : [invalid(at, {}, "must match dataSourceRef")];
}

function checkStorage(amount: string | undefined, at: string): FieldError[] {
  if (amount === undefined) return [required(at)];
  return quantity(amount) > 0 ? [] : [invalid(at, amount, "must be greater than zero")];
}
