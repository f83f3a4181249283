/**
 * The kinds that a CustomResourceDefinition makes known. Their objects are stored, and nobody acts
 * on them; a server checks them against the definition's schema (custom-schema.ts).
 */
import type { Definition, Version } from "./definition.js";
import { isRecord } from "./freeze.js";
import { addKinds, type KindInfo } from "./kinds.js";
import type { Kind, KubeObject } from "./types.js";

export const isDefinition = ({ apiVersion, kind }: KubeObject): boolean =>
  kind === "CustomResourceDefinition" && apiVersion === "apiextensions.k8s.io/v1";

/** Makes the definition's kinds known; what is no sound definition makes none. */
export function define(object: KubeObject): void {
  if (isDefinition(object)) addKinds(kindsOfDefinition(object as Definition));
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

/** What kube-apiserver says of a definition once its names are accepted. */
export function acceptedDefinition(object: KubeObject, now: string): object {
  const { names, versions = [] } = (object as Definition).spec;
  const condition = (type: string, reason: string, message: string) => ({
    type,
    status: "True",
    lastTransitionTime: now,
    reason,
    message,
  });
  return {
    conditions: [
      condition("NamesAccepted", "NoConflicts", "no conflicts found"),
      condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ],
    acceptedNames: {
      ...names,
      singular: names.singular ?? names.kind.toLowerCase(),
      listKind: `${names.kind}List`,
    },
    storedVersions: versions.filter(({ storage }) => storage).map(({ name }) => name),
  };
}
