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

export interface ClaimSpec {
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
  ];
}

function checkStorage(amount: string | undefined, at: string): FieldError[] {
  if (amount === undefined) return [required(at)];
  return quantity(amount) > 0 ? [] : [invalid(at, amount, "must be greater than zero")];
}
