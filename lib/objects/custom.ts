/**
 * The kinds that a CustomResourceDefinition makes known. Their objects are stored, and nobody acts
 * on them; a server checks them against the definition's schema (custom-schema.ts).
 */
import type { Definition, Version } from "./definition.js";
import { isRecord } from "./freeze.js";
import { actedOn, addKinds, allKinds, removeKinds, type KindInfo } from "./kinds.js";
import type { Kind, KubeObject } from "./types.js";

export const isDefinition = ({ apiVersion, kind }: KubeObject): boolean =>
  kind === "CustomResourceDefinition" && apiVersion === "apiextensions.k8s.io/v1";

actedOn.add("CustomResourceDefinition");

/** Names that another definition has are not given to a second one. */
export function isAccepted(object: KubeObject): boolean {
  const { conditions = [] } = (object as Definition).status ?? {};
  return !conditions.some(({ type, status }) => type === "NamesAccepted" && status === "False");
}

/**
 * Makes the definition's kinds known, as it has them now; what is no sound definition makes none.
 */
export function define(object: KubeObject): void {
  if (!isDefinition(object) || !isAccepted(object)) return;
  removeKinds(object.metadata.name); // versions that are served no more
  addKinds(kindsOfDefinition(object as Definition));
}

function kindsOfDefinition({ metadata, spec }: Definition): KindInfo[] {
  const { group, scope, names } = isRecord(spec) ? spec : ({} as Definition["spec"]);
  const versions = Array.isArray(spec?.versions) ? spec.versions : [];
  if (!isText(group) || !isText(names?.kind) || !isText(names.plural)) return [];
  return versions
    .filter((version) => isText(version?.name) && version.served !== false)
    .sort((x, y) => Number(y.storage ?? false) - Number(x.storage ?? false))
    .map(({ name, subresources, additionalPrinterColumns = [] }) => ({
      kind: names.kind as Kind,
      key: names.kind as Kind,
      type: undefined,
      applyType: `${group}/${name} ${names.kind}`,
      isModelled: false,
      definedBy: metadata.name,
      apiVersion: `${group}/${name}`,
      group,
      plural: names.plural,
      singular: names.singular ?? names.kind.toLowerCase(),
      shortNames: names.shortNames ?? [],
      namespaced: scope !== "Cluster",
      prefix: `/registry/${group}/${names.plural}/`,
      subresources: (["status", "scale"] as const).filter((one) => subresources?.[one]),
      inAll: names.categories?.includes("all") ?? false,
      generation: true,
      columns: columnsOf(additionalPrinterColumns),
    }));
}

type PrinterColumns = NonNullable<Version["additionalPrinterColumns"]>;

/** Who asks for columns asks for Age as well, or has none. */
const columnsOf = (asked: PrinterColumns): NonNullable<KindInfo["columns"]> => [
  { name: "Name", jsonPath: ".metadata.name", type: "string" },
  ...(asked.length === 0
    ? [{ name: "Age", jsonPath: ".metadata.creationTimestamp", type: "date" }]
    : asked.map(({ name, jsonPath, type, priority = 0 }) => ({
        name: `${priority > 0 ? "+" : ""}${name}`,
        jsonPath,
        type,
      }))),
];

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** What kube-apiserver says of a definition, once its names are accepted or are not. */
export function acceptedDefinition(object: KubeObject, now: string): object {
  const { spec, metadata } = object as Definition;
  const { names, versions, group } = spec;
  const condition = (type: string, status: string, reason: string, message: string) => ({
    type,
    status,
    lastTransitionTime: now,
    reason,
    message,
  });
  const all = {
    ...names,
    singular: names.singular ?? names.kind.toLowerCase(),
    listKind: names.listKind ?? `${names.kind}List`,
  };
  const others = allKinds().filter(
    (one) => one.group === group && one.definedBy !== metadata.name && one.definedBy,
  );
  const { accepted, conflict } = withoutTaken(all, others);
  return {
    conditions: conflict
      ? [
          condition("NamesAccepted", "False", ...conflict),
          condition("Established", "False", "NotAccepted", "not all names are accepted"),
        ]
      : [
          condition("NamesAccepted", "True", "NoConflicts", "no conflicts found"),
          condition(
            "Established",
            "True",
            "InitialNamesAccepted",
            "the initial names have been accepted",
          ),
        ],
    acceptedNames: accepted,
    storedVersions: (versions ?? []).filter(({ storage }) => storage).map(({ name }) => name),
  };
}

type Names = Definition["spec"]["names"] & { listKind: string };

/** The last conflict is the one that is told. (naming_controller.go) */
function withoutTaken(
  names: Names,
  others: readonly KindInfo[],
): { accepted: object; conflict?: [string, string] } {
  const resources = new Set(
    others.flatMap(({ plural, singular, shortNames }) => [plural, singular, ...shortNames]),
  );
  const kinds = new Set(others.flatMap(({ kind }) => [kind as string, `${kind}List`]));
  let conflict: [string, string] | undefined;
  const accepted: Record<string, unknown> = { ...names };
  const check = (field: keyof Names, taken: ReadonlySet<string>, reason: string) => {
    const found = [names[field] ?? []].flat().filter((one) => taken.has(one));
    if (found.length === 0) return;
    conflict = [reason, found.map((one) => `"${one}" is already in use`).join(", ")];
    if (field === "kind" || field === "plural") accepted[field] = "";
    else delete accepted[field];
  };
  check("plural", resources, "PluralConflict");
  check("singular", resources, "SingularConflict");
  check("shortNames", resources, "ShortNamesConflict");
  check("kind", kinds, "KindConflict");
  check("listKind", kinds, "ListKindConflict");
  return { accepted, ...(conflict && { conflict }) };
}
