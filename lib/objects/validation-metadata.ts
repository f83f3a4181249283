/**
 * What is refused of metadata that seldom stands there: owners, and beginnings of names to make.
 * Who imports this has the checks. (k8s.io/apimachinery: pkg/api/validation/objectmeta.go)
 */
import {
  checkFormat,
  invalid,
  qualifiedName,
  type FieldError,
  type Format,
} from "./field-errors.js";
import { further } from "./metadata.js";
import type { KubeObject, OwnerReference } from "./types.js";
import { byKind } from "./validation.js";

function checkOwners(owners: readonly OwnerReference[]): FieldError[] {
  const at = "metadata.ownerReferences";
  const missing: FieldError[] = [];
  for (const owner of owners)
    for (const field of ["apiVersion", "kind", "name", "uid"] as const)
      if (!owner[field]) {
        const what = field === "apiVersion" ? "version must not be empty" : "must not be empty";
        missing.push(invalid(`${at}.${field}`, "", what));
      }
  for (const owner of owners)
    if (owner.kind === "Event" && owner.apiVersion === "v1")
      missing.push(
        invalid(at, inOrder(owner), "/v1, Kind=Event is disallowed from being an owner"),
      );
  if (owners.length < 2) return missing;
  const [one, other] = owners
    .filter(({ controller }) => controller)
    .map(({ kind, name }) => `${kind}/${name}`);
  if (other === undefined) return missing;
  return [
    ...missing,
    invalid(
      at,
      owners.map(inOrder),
      `Only one reference can have Controller set to true. Found "true" in references for ${one} and ${other}`,
    ),
  ];
}

/** Its fields in the order of the Go type. */
const inOrder = ({ apiVersion, kind, name, uid, controller, ...rest }: OwnerReference) => ({
  apiVersion,
  kind,
  name,
  uid,
  ...(controller !== undefined && { controller }),
  ...rest,
});

/**
 * What is generated ends in a letter or digit of its own. (NameIsDNSSubdomain, maskTrailingDash)
 */
const checkGenerateName = (name: string, format: Format): FieldError[] =>
  checkFormat("metadata.generateName", name.replace(/(.)-$/, "$1a"), format).map((one) => ({
    ...one,
    message: one.message.replace(
      /^Invalid value: "[^]*?": /,
      `Invalid value: ${JSON.stringify(name)}: `,
    ),
  }));

/** (pkg/apis/core/validation, validateFinalizerName) */
export const checkNamespaceFinalizer = (name: string, at: string): FieldError[] => [
  ...checkFormat(at, name, qualifiedName),
  ...(name.includes("/") || name === "kubernetes"
    ? []
    : [invalid(at, name, "name is neither a standard finalizer name nor is it fully qualified")]),
];

byKind["Namespace"] = (
  { spec }: KubeObject & { spec?: { finalizers?: string[] } },
  old?: object,
) =>
  old
    ? []
    : (spec?.finalizers ?? []).flatMap((one) => checkNamespaceFinalizer(one, "spec.finalizers"));

Object.assign(further, { owners: checkOwners, generateName: checkGenerateName });
