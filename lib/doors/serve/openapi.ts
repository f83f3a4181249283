import { kubernetes, releaseOf, type Kubernetes } from "../../objects/kubernetes.js";
import { reviewKinds } from "../../objects/built-in.js";
import { enumTable } from "../../objects/generated/enums.js";
import { allKinds as storedKinds, kindInfo, type KindInfo } from "../../objects/kinds.js";
import { describe } from "./descriptions.js";
import { goName, types, type FieldType, type ObjectType } from "../../objects/schema.js";

/**
 * What the API server tells of itself: discovery (which kinds, where, with which verbs) and OpenAPI
 * v3 (their fields). kubectl builds its REST paths from the first; `apply` and `explain` live on
 * the second. (k8s.io/apimachinery: APIGroupList, APIResourceList; KEP-2896)
 */
export const versionInfo = (kubernetes: Kubernetes) => ({
  major: "1",
  minor: kubernetes.version.slice(2),
  gitVersion: `${releaseOf(kubernetes)}+stopover`,
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "2024-12-11T00:00:00Z",
  goVersion: "",
  compiler: "",
  platform: "linux/amd64",
});

const version = versionInfo(kubernetes());

/** Those that are stored, and those that are asked only. */
const allKinds = (): KindInfo[] => [...storedKinds(), ...reviewKinds];

const isReview = ({ kind }: KindInfo): boolean => reviewKinds.some((one) => one.kind === kind);

/** Those of the core first, and of a group's versions the one that is stored. */
const groupVersions = (): string[] => [
  ...new Set(
    allKinds()
      .sort((x, y) => Number(isPreferred(y)) - Number(isPreferred(x)))
      .map(({ apiVersion }) => apiVersion),
  ),
];

const isPreferred = (info: KindInfo): boolean => kindInfo(info.key) === info;

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/** /api */
export const coreVersions = (address: string) => ({
  kind: "APIVersions",
  versions: ["v1"],
  serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: address }],
});

const apiGroup = (name: string) => {
  const versions = groupVersions()
    .filter((one) => one.startsWith(`${name}/`))
    .map((groupVersion) => ({ groupVersion, version: groupVersion.split("/")[1] }));
  return { name, versions, preferredVersion: versions[0] };
};

/** /apis */
export const groupList = () => ({
  kind: "APIGroupList",
  apiVersion: "v1",
  groups: [
    ...new Set(groupVersions().flatMap((one) => (one.includes("/") ? one.split("/")[0]! : []))),
  ].map(apiGroup),
});

/** /apis/apps */
export function group(name: string): object | undefined {
  const isThere = groupVersions().some((one) => one.startsWith(`${name}/`));
  return isThere ? { kind: "APIGroup", apiVersion: "v1", ...apiGroup(name) } : undefined;
}

/** /api/v1, /apis/apps/v1 */
export function resourceList(groupVersion: string): object | undefined {
  const mine = allKinds().filter(({ apiVersion }) => apiVersion === groupVersion);
  if (mine.length === 0) return undefined;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion,
    resources: mine.flatMap(resources),
  };
}

function verbsOf(info: KindInfo): string[] {
  if (isReview(info)) return ["create"];
  return info.kind === "Namespace" ? verbs.filter((one) => one !== "deletecollection") : verbs;
}

function resources(info: KindInfo): object[] {
  const { plural, singular, namespaced, kind, shortNames, inAll } = info;
  const main = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: verbsOf(info),
    ...(shortNames.length > 0 && { shortNames }),
    ...(inAll && { categories: ["all"] }),
  };
  const under = {
    scale: { group: "autoscaling", version: "v1", kind: "Scale" },
    eviction: { group: "policy", version: "v1", kind: "Eviction" },
    token: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" },
    binding: { kind: "Binding" },
    status: { kind },
    finalize: { kind },
  };
  return [
    main,
    ...info.subresources.map((name) => ({
      name: `${plural}/${name}`,
      singularName: "",
      namespaced,
      ...under[name],
      verbs:
        name === "binding" || name === "eviction" || name === "token"
          ? ["create"]
          : name === "finalize"
            ? ["update"]
            : ["get", "patch", "update"],
    })),
  ];
}

// ---- OpenAPI v3 ---------------------------------------------------------------------------------

/** "api/v1", "apis/apps/v1" */
export const pathOf = (groupVersion: string): string =>
  groupVersion.includes("/") ? `apis/${groupVersion}` : `api/${groupVersion}`;

/** / */
export const rootPaths = () => ({
  paths: [
    "/api",
    "/apis",
    ...groupVersions().map((one) => `/${pathOf(one)}`),
    "/healthz",
    "/livez",
    "/openapi/v2",
    "/openapi/v3",
    "/readyz",
    "/version",
  ].sort(),
});

/** /openapi/v3 */
export const openapiIndex = () => ({
  paths: Object.fromEntries(
    groupVersions().map((one) => [
      pathOf(one),
      { serverRelativeURL: `/openapi/v3/${pathOf(one)}` },
    ]),
  ),
});

/** /openapi/v3/apis/apps/v1 */
export function openapi(path: string): object | undefined {
  const groupVersion = groupVersions().find((one) => pathOf(one) === path);
  if (!groupVersion) return undefined;
  const mine = allKinds().filter(({ apiVersion }) => apiVersion === groupVersion);
  const needed = new Set<string>();
  const roots = [
    "ObjectMeta",
    ...mine.flatMap(({ type }) => type ?? []),
    ...(mine.some(({ subresources }) => subresources.includes("scale")) ? ["Scale"] : []),
  ];
  roots.forEach((name) => collect(name, needed));
  const schemas = Object.fromEntries(
    [...needed].map((name) => types().get(name)!).map((type) => [schemaName(type), schemaOf(type)]),
  );
  const lists = Object.fromEntries(
    mine.map((info) => [`${schemaNameOf(info)}List`, listSchema(info)]),
  );
  return {
    openapi: "3.0.0",
    info: { title: "Stopover", version: version.gitVersion },
    paths: Object.assign({}, ...mine.map(pathsOf)) as object,
    components: { schemas: { ...schemas, ...customSchemas(mine), ...lists, ...named } },
  };
}

function collect(name: string, into: Set<string>): void {
  if (into.has(name)) return;
  into.add(name);
  for (const { type } of types().get(name)!.fields.values()) {
    let inner = type;
    while (inner.is === "list" || inner.is === "map") inner = inner.of;
    if (inner.is === "object") collect(inner.name, into);
  }
}

/** Of a kind whose fields nobody knows. (apiextensions-apiserver: controller/openapi) */
const schemaNameOf = ({ type, group, apiVersion, kind }: KindInfo): string =>
  type === undefined
    ? `${group.split(".").reverse().join(".")}.${apiVersion.split("/")[1]}.${kind}`
    : schemaName(types().get(type)!);

const customSchemas = (mine: readonly KindInfo[]): Record<string, object> =>
  Object.fromEntries(
    mine
      .filter(({ type }) => type === undefined)
      .map((info) => [
        schemaNameOf(info),
        {
          type: "object",
          properties: {
            apiVersion: { type: "string" },
            kind: { type: "string" },
            metadata: { allOf: [reference("ObjectMeta")], default: {} },
          },
          "x-kubernetes-preserve-unknown-fields": true,
          "x-kubernetes-group-version-kind": [gvk(info)],
        },
      ]),
  );

const referenceTo = (info: KindInfo) => ({ $ref: `#/components/schemas/${schemaNameOf(info)}` });

const schemaName = (type: ObjectType): string => `${type.package}.${goName(type.name)}`;
const reference = (name: string) => ({
  $ref: `#/components/schemas/${schemaName(types().get(name)!)}`,
});
const gvk = (info: KindInfo) => ({
  group: info.group,
  version: info.apiVersion.split("/").pop()!,
  kind: info.kind,
});

function schemaOf(type: ObjectType): object {
  const info = allKinds().find((each) => each.type === type.name);
  const fields = [...type.fields.values()];
  const required = fields.filter((field) => field.required).map(({ name }) => name);
  const properties = Object.fromEntries(
    fields.map(({ name, type: fieldType, mergeKey }) => [
      name,
      {
        ...withChoices(fieldSchema(fieldType, describe(type.name, name)), choicesOf(type, name)),
        ...(mergeKey !== undefined && { "x-kubernetes-patch-strategy": "merge" }),
        ...(mergeKey && { "x-kubernetes-patch-merge-key": mergeKey }),
      },
    ]),
  );
  const scale = type.name === "Scale" && { group: "autoscaling", version: "v1", kind: "Scale" };
  return {
    description: describe(type.name),
    type: "object",
    ...(required.length > 0 && { required }),
    properties,
    ...((info || scale) && { "x-kubernetes-group-version-kind": [info ? gvk(info) : scale] }),
  };
}

/** "core.v1.PodSpec dnsPolicy" -> the texts that it takes */
const choices = new Map(
  enumTable
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [type = "", ...fields] = line.split(" ");
      return fields.map((field) => {
        const [name = "", texts = ""] = field.split("=");
        return [`${type} ${name}`, texts.split(",")] as const;
      });
    }),
);

const choicesOf = (type: ObjectType, field: string): string[] | undefined =>
  choices.get(`${schemaName(type).split(".").slice(-3).join(".")} ${field}`);

function withChoices(schema: object, texts: string[] | undefined): object {
  if (texts === undefined) return schema;
  const { items } = schema as { items?: object };
  return items ? { ...schema, items: { ...items, enum: texts } } : { ...schema, enum: texts };
}

const [intOrString, quantity] = [
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
  "io.k8s.apimachinery.pkg.api.resource.Quantity",
] as const;
/** Scalars that have names of their own, which kubectl explain prints. */
const named = {
  [intOrString]: {
    description: "A number or a text.",
    oneOf: [{ type: "integer" }, { type: "string" }],
    format: "int-or-string",
  },
  [quantity]: {
    description: "A number with a unit, as 500m or 64Mi.",
    oneOf: [{ type: "string" }, { type: "number" }],
  },
};

function fieldSchema(type: FieldType, description?: string): object {
  const words = description === undefined ? {} : { description };
  switch (type.is) {
    case "object":
      return { ...words, allOf: [reference(type.name)], default: {} };
    case "list":
      return { ...words, type: "array", items: itemSchema(type.of) };
    case "map":
      return { ...words, type: "object", additionalProperties: itemSchema(type.of) };
    case "int":
      return { ...words, type: "integer", format: "int32" };
    case "int64":
      return { ...words, type: "integer", format: "int64" };
    case "bool":
      return { ...words, type: "boolean" };
    case "time":
      return { ...words, type: "string", format: "date-time" };
    case "intOrString":
      return { ...words, allOf: [{ $ref: `#/components/schemas/${intOrString}` }] };
    case "quantity":
      return { ...words, allOf: [{ $ref: `#/components/schemas/${quantity}` }] };
    case "any":
      return { ...words, "x-kubernetes-preserve-unknown-fields": true };
    default:
      return { ...words, type: "string" };
  }
}

const itemSchema = (type: FieldType): object =>
  type.is === "object" ? { allOf: [reference(type.name)], default: {} } : fieldSchema(type);

function listSchema(info: KindInfo): object {
  return {
    description: `A list of ${info.plural}.`,
    type: "object",
    required: ["items"],
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      items: { type: "array", items: referenceTo(info) },
      metadata: { type: "object" },
    },
    "x-kubernetes-group-version-kind": [{ ...gvk(info), kind: `${info.kind}List` }],
  };
}

const query = (name: string, type: "string" | "integer" | "boolean", description: string) => ({
  name,
  in: "query",
  description,
  schema: { type, uniqueItems: true },
});
const writing = [
  query("dryRun", "string", "All: do everything but store it."),
  query("fieldManager", "string", "Who asks."),
  query(
    "fieldValidation",
    "string",
    "What becomes of unknown fields: Strict refuses, Warn drops and warns, Ignore drops.",
  ),
];
const selecting = [
  query("labelSelector", "string", "As kubectl -l."),
  query("fieldSelector", "string", "As kubectl --field-selector."),
  query("limit", "integer", "At most so many; go on with continue."),
  query("continue", "string", "Out of the list before."),
  query("watch", "boolean", "Tell of changes as they come."),
];

function pathsOf(info: KindInfo): Record<string, object> {
  const base = `/${pathOf(info.apiVersion)}/${info.namespaced ? "namespaces/{namespace}/" : ""}${info.plural}`;
  const own = schemaNameOf(info);
  const answer = (schema: object) => ({
    200: { description: "OK", content: { "application/json": { schema } } },
  });
  const operation = (action: string, schema: object, parameters: object[] = []) => ({
    operationId: `${action}${info.kind}`,
    parameters,
    responses: answer(schema),
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": gvk(info),
  });
  const it = referenceTo(info);
  const body = { requestBody: { content: { "*/*": { schema: it } } } };
  const patches = [
    "application/json-patch+json",
    "application/merge-patch+json",
    ...(info.type === undefined ? [] : ["application/strategic-merge-patch+json"]),
  ];
  const path = (name: string) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string", uniqueItems: true },
  });
  const places = info.namespaced ? [path("namespace")] : [];
  const made = { ...operation("post", it, writing), ...body };
  if (isReview(info)) return { [base]: { parameters: places, post: made } };
  return {
    [base]: {
      parameters: places,
      get: operation("list", { $ref: `#/components/schemas/${own}List` }, selecting),
      post: made,
    },
    [`${base}/{name}`]: {
      parameters: [path("name"), ...places],
      get: operation("get", it),
      put: { ...operation("put", it, writing), ...body },
      patch: {
        ...operation("patch", it, writing),
        requestBody: {
          content: Object.fromEntries(
            patches.map((type) => [type, { schema: { type: "object" } }]),
          ),
        },
      },
      delete: operation("delete", { type: "object" }, [
        query("dryRun", "string", "All: do everything but remove it."),
        query("gracePeriodSeconds", "integer", "For Pods."),
        query("propagationPolicy", "string", "Background, Foreground or Orphan."),
      ]),
    },
  };
}
