/**
 * What kube-apiserver refuses of a CustomResourceDefinition. (apiextensions-apiserver:
 * pkg/apis/apiextensions/validation/validation.go)
 */
import type { Definition, Schema } from "./definition.js";
import {
  dns1035Label,
  dns1123Subdomain,
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
  tooMany,
  type FieldError,
  type Format,
} from "./field-errors.js";
import { same } from "./freeze.js";
import { byKind } from "./validation.js";
import { immutable } from "./validation-cluster.js";
import { schemaErrors } from "./validation-schemas.js";

type Spec = Definition["spec"];
type Version = NonNullable<Spec["versions"]>[number];

function validateDefinition(definition: Definition, old?: Definition): FieldError[] {
  const { metadata, spec, status } = definition;
  if (old && spec === old.spec) return []; // who writes a status names what was accepted
  const { group = "", names } = spec ?? {};
  const isEstablished = old?.status?.conditions?.some(
    ({ type, status: is }) => type === "Established" && is === "True",
  );
  return [
    ...(old || metadata.name === `${names?.plural}.${group}`
      ? []
      : [invalid("metadata.name", metadata.name, 'must be spec.names.plural+"."+spec.group')]),
    ...specErrors(spec),
    ...(old ? changeErrors(spec, old.spec, isEstablished ?? false) : []),
    ...storedErrors(old ? (status?.storedVersions ?? []) : storedIn(spec), spec.versions ?? []),
    ...approvalErrors(definition),
    ...(spec.preserveUnknownFields === true && old?.spec.preserveUnknownFields !== true
      ? [
          invalid(
            "spec.preserveUnknownFields",
            true,
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
          ),
        ]
      : []),
  ];
}

/** Several faults of one text are one sentence here. */
const joined = (field: string, value: string, format: Format, start = "", checked = value) => {
  const why = format(checked);
  return why.length > 0 ? [invalid(field, value, start + why.join(","))] : [];
};

const scopes = ["Cluster", "Namespaced"];

function specErrors(spec: Spec): FieldError[] {
  const { group = "", scope = "", versions = [], conversion } = spec;
  const whole = partsOfAll(versions);
  return [
    ...(group === ""
      ? [required("spec.group")]
      : dns1123Subdomain(group).length > 0
        ? joined("spec.group", group, dns1123Subdomain)
        : group.includes(".")
          ? []
          : [invalid("spec.group", group, "should be a domain with at least one dot")]),
    ...(scope === "" ? [required("spec.scope")] : []),
    ...(scope === "" || scopes.includes(scope) ? [] : [notSupported("spec.scope", scope, scopes)]),
    ...versions.flatMap((one, i) =>
      one.schema?.openAPIV3Schema ? [] : [required(`spec.versions[${i}].schema.openAPIV3Schema`)],
    ),
    ...versions.flatMap((one, i) => [
      ...joined(`spec.versions[${i}].name`, one.name ?? "", dns1035Label),
      ...deprecationErrors(one, `spec.versions[${i}]`),
      ...partErrors(one, `spec.versions[${i}]`, whole, false),
    ]),
    ...countErrors(versions),
    ...(versions[0] ? joined("spec.version", versions[0].name, dns1035Label) : []),
    ...nameErrors(spec.names ?? {}),
    ...(versions[0] ? partErrors(versions[0], "spec", whole, true) : []),
    ...conversionErrors(conversion),
  ];
}

/** In Go's type, what all versions share stands beside them. */
const shared = ["schema", "subresources", "additionalPrinterColumns", "selectableFields"] as const;
type Shared = (typeof shared)[number];

const partsOfAll = (versions: readonly Version[]): ReadonlySet<Shared> =>
  new Set(shared.filter((part) => versions.every((one) => same(one[part], versions[0]?.[part]))));

function partErrors(
  version: Version,
  at: string,
  whole: ReadonlySet<Shared>,
  isWhole: boolean,
): FieldError[] {
  const isHere = (part: Shared) => whole.has(part) === isWhole;
  const schema = version.schema?.openAPIV3Schema;
  const schemaAt = isWhole ? "validation" : "schema";
  return [
    ...(isHere("schema") && schema
      ? schemaErrors(schema, `${at}.${schemaAt}.openAPIV3Schema`)
      : []),
    ...(isHere("subresources") ? scaleErrors(version, `${at}.subresources.scale`) : []),
    ...(isHere("additionalPrinterColumns")
      ? (version.additionalPrinterColumns ?? []).flatMap((one, i) =>
          columnErrors(one, `${at}.additionalPrinterColumns[${i}]`),
        )
      : []),
    ...(isHere("selectableFields") && schema
      ? selectableErrors(version.selectableFields ?? [], schema, `${at}.selectableFields`)
      : []),
  ];
}

function deprecationErrors(
  { deprecated, deprecationWarning: warning }: Version,
  at: string,
): FieldError[] {
  const refuse = (why: string) => [invalid(`${at}.deprecationWarning`, warning, why)];
  if (warning === undefined) return [];
  if (!deprecated) return refuse("can only be set for deprecated versions");
  if (warning === "") return refuse("must not be an empty string");
  return warning.length > 256 ? refuse("must be <= 256 characters long") : [];
}

function countErrors(versions: readonly Version[]): FieldError[] {
  const names = new Set(versions.map(({ name }) => name));
  const why = [
    ...(names.size < versions.length ? ["must contain unique version names"] : []),
    ...(versions.filter(({ storage }) => storage).length === 1
      ? []
      : ["must have exactly one version marked as storage version"]),
  ];
  return why.map((one) => invalid("spec.versions", versions.map(inGo), one));
}

/** A version as Go's type of it looks; what all versions share stands beside them. */
const inGo = ({ name, served, storage, deprecated, deprecationWarning }: Version): object => ({
  Name: name,
  Served: served ?? false,
  Storage: storage ?? false,
  Deprecated: deprecated ?? false,
  DeprecationWarning: deprecationWarning ?? null,
  Schema: null,
  Subresources: null,
  AdditionalPrinterColumns: null,
  SelectableFields: null,
});

const mixed = "may have mixed case, but should otherwise match: ";

function nameErrors(names: Partial<Spec["names"]>): FieldError[] {
  const { plural = "", kind = "", shortNames = [], categories = [] } = names;
  const singular = names.singular || kind.toLowerCase();
  const listKind = names.listKind || `${kind}List`;
  const at = "spec.names";
  const label = (field: string, text: string, isMixed = false) =>
    text === ""
      ? []
      : joined(
          `${at}.${field}`,
          text,
          dns1035Label,
          isMixed ? mixed : "",
          isMixed ? text.toLowerCase() : text,
        );
  return [
    ...(plural ? [] : [required(`${at}.plural`)]),
    ...(singular ? [] : [required(`${at}.singular`)]),
    ...(kind ? [] : [required(`${at}.kind`)]),
    ...label("plural", plural),
    ...label("singular", singular),
    ...label("kind", kind, true),
    ...label("listKind", listKind, true),
    ...shortNames.flatMap((one, i) => label(`shortNames[${i}]`, one)),
    ...(kind && kind === listKind
      ? [invalid(`${at}.listKind`, listKind, "kind and listKind may not be the same")]
      : []),
    ...categories.flatMap((one, i) => label(`categories[${i}]`, one)),
  ];
}

const simplePath = (field: string, path: string): FieldError[] =>
  path.startsWith(".") ? [] : [invalid(field, path, "must be a simple json path starting with .")];

function scaleErrors({ subresources }: Version, at: string): FieldError[] {
  const scale = subresources?.scale;
  if (!scale) return [];
  const under = (field: keyof typeof scale, root: string): FieldError[] => {
    const path = scale[field] ?? "";
    const here = `${at}.${field}`;
    if (path === "") return [required(here)];
    if (!path.startsWith(".")) return simplePath(here, path);
    return path.startsWith(`.${root}.`)
      ? []
      : [invalid(here, path, `should be a json path under .${root}`)];
  };
  const selector = scale.labelSelectorPath ?? "";
  const here = `${at}.labelSelectorPath`;
  const isPath = selector === "" || selector.startsWith(".");
  return [
    ...under("specReplicasPath", "spec"),
    ...under("statusReplicasPath", "status"),
    ...(isPath ? [] : simplePath(here, selector)),
    ...(isPath && selector !== "" && !/^\.(spec|status)\./.test(selector)
      ? [invalid(here, selector, "should be a json path under either .spec or .status")]
      : []),
  ];
}

const columnTypes = ["boolean", "date", "integer", "number", "string"];
const columnFormats = "byte date date-time double float int32 int64 password".split(" ");

function columnErrors(
  { name, type, format, jsonPath }: NonNullable<Version["additionalPrinterColumns"]>[number],
  at: string,
): FieldError[] {
  const oneOf = (all: readonly string[]) => `must be one of ${all.join(",")}`;
  return [
    ...(name ? [] : [required(`${at}.name`)]),
    ...(type ? [] : [required(`${at}.type`, oneOf(columnTypes))]),
    ...(!type || columnTypes.includes(type)
      ? []
      : [invalid(`${at}.type`, type, oneOf(columnTypes))]),
    ...(!format || columnFormats.includes(format)
      ? []
      : [invalid(`${at}.format`, format, oneOf(columnFormats))]),
    ...(jsonPath ? simplePath(`${at}.JSONPath`, jsonPath) : [required(`${at}.JSONPath`)]),
  ];
}

const MOST_SELECTABLE = 8;

function selectableErrors(
  fields: readonly { jsonPath?: string }[],
  schema: Schema,
  at: string,
): FieldError[] {
  const seen = new Set<string>();
  const found = fields.flatMap(({ jsonPath = "" }, i): FieldError[] => {
    const here = `${at}[${i}].jsonPath`;
    if (jsonPath === "") return [required(here)];
    const steps = jsonPath.split(".").slice(1);
    const place = steps.reduce<Schema | undefined>((one, key) => one?.properties?.[key], schema);
    if (!place)
      return [invalid(here, jsonPath, "is an invalid path: does not refer to a valid field")];
    if (seen.has(jsonPath)) return [duplicate(here, jsonPath)];
    seen.add(jsonPath);
    return [
      ...(steps[0] === "metadata"
        ? [invalid(here, jsonPath, "must not point to fields in metadata")]
        : []),
      ...(["string", "boolean", "integer"].includes(place.type ?? "")
        ? []
        : [
            invalid(
              here,
              jsonPath,
              "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
            ),
          ]),
    ];
  });
  return seen.size > MOST_SELECTABLE ? [...found, tooMany(at, seen.size, MOST_SELECTABLE)] : found;
}

const strategies = ["None", "Webhook"];

function conversionErrors(conversion: Spec["conversion"]): FieldError[] {
  if (!conversion) return [];
  const { strategy = "", webhook } = conversion;
  const at = "spec.conversion";
  const known: FieldError[] = strategy
    ? strategies.includes(strategy)
      ? []
      : [notSupported(`${at}.strategy`, strategy, strategies)]
    : [required(`${at}.strategy`)];
  const { clientConfig, conversionReviewVersions: reviews = [] } = webhook ?? {};
  if (strategy !== "Webhook") {
    const why = "should not be set when strategy is not set to Webhook";
    return [
      ...known,
      ...(clientConfig ? [forbidden(`${at}.webhookClientConfig`, why)] : []),
      ...(reviews.length > 0 ? [forbidden(`${at}.conversionReviewVersions`, why)] : []),
    ];
  }
  const isOne = (clientConfig?.url === undefined) !== (clientConfig?.service === undefined);
  return [
    ...(clientConfig
      ? isOne
        ? []
        : [required(`${at}.webhookClientConfig`, "exactly one of url or service is required")]
      : [required(`${at}.webhookClientConfig`, "required when strategy is set to Webhook")]),
    ...(reviews.length === 0 ? [required(`${at}.conversionReviewVersions`)] : []),
    ...(reviews.length > 0 && !reviews.some((one) => one === "v1" || one === "v1beta1")
      ? [
          invalid(
            `${at}.conversionReviewVersions`,
            reviews,
            "must include at least one of v1, v1beta1",
          ),
        ]
      : []),
  ];
}

function changeErrors(spec: Spec, old: Spec, isEstablished: boolean): FieldError[] {
  return [
    ...(isEstablished
      ? [
          ...immutable("spec.scope", spec.scope, old.scope),
          ...immutable("spec.names.kind", spec.names.kind, old.names.kind),
        ]
      : []),
    ...immutable("spec.group", spec.group, old.group),
    ...immutable("spec.names.plural", spec.names.plural, old.names.plural),
  ];
}

const storedIn = ({ versions = [] }: Spec): string[] =>
  versions
    .filter(({ storage }) => storage)
    .map(({ name }) => name)
    .slice(0, 1);

function storedErrors(stored: readonly string[], versions: readonly Version[]): FieldError[] {
  const at = "status.storedVersions";
  const names = new Set(versions.map(({ name }) => name));
  if (stored.length === 0) return [invalid(at, null, "must have at least one stored version")];
  return [
    ...versions
      .filter(({ name, storage }) => storage && !stored.includes(name))
      .map(({ name }) => invalid(at, stored, `must have the storage version ${name}`)),
    ...stored.flatMap((one, i) =>
      names.has(one)
        ? []
        : [
            invalid(
              `${at}[${i}]`,
              one,
              `missing from spec.versions; ${one} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${one} and removes ${one} from status.storedVersions`,
            ),
          ],
    ),
  ];
}

function approvalErrors({ metadata, spec }: Definition): FieldError[] {
  const isProtected = /(^|\.)(k8s|kubernetes)\.io$/.test(spec.group ?? "");
  const approval = "api-approved.kubernetes.io";
  if (!isProtected || metadata.annotations?.[approval]) return [];
  return [
    required(
      "metadata.annotations[api-approved.kubernetes.io]",
      'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
    ),
  ];
}

byKind["CustomResourceDefinition"] = validateDefinition;
