// Makes the tables in ../generated out of what main.go says: `go run . FOLDER | node write.mjs`.
//
// What Stopover models goes into one file, all else into another that only those load who need it. A
// kind moves from one to the other by its line in `modelled`.
import { readFileSync, writeFileSync } from "node:fs";
import { typesText } from "./types.mjs";

/** Kinds, and what else stands alone in a request or an answer. */
const modelled = [
  "core.v1.Endpoints",
  "core.v1.Event",
  "core.v1.Namespace",
  "core.v1.Node",
  "core.v1.Pod",
  "core.v1.Service",
  "apps.v1.Deployment",
  "apps.v1.ReplicaSet",
  "coordination.v1.Lease",
  "discovery.v1.EndpointSlice",
  "autoscaling.v1.Scale",
  "meta.v1.DeleteOptions",
];

/**
 * What nothing in Stopover reads, and what would be half of the table: it goes to the other one, and
 * without that such values are kept as they come, whatever is in them.
 */
const unread = new Set([
  "core.v1.Affinity",
  "core.v1.AttachedVolume",
  "core.v1.ContainerImage",
  "core.v1.ContainerResizePolicy",
  "core.v1.ContainerRestartRule",
  "core.v1.ContainerUser",
  "core.v1.EnvFromSource",
  "core.v1.EnvVarSource",
  "core.v1.EphemeralContainer",
  "core.v1.EventSeries",
  "core.v1.GRPCAction",
  "core.v1.HostAlias",
  "core.v1.NodeConfigStatus",
  "core.v1.NodeDaemonEndpoints",
  "core.v1.NodeFeatures",
  "core.v1.NodeRuntimeHandler",
  "core.v1.NodeSystemInfo",
  "core.v1.PodDNSConfig",
  "core.v1.PodExtendedResourceClaimStatus",
  "core.v1.PodOS",
  "core.v1.PodResourceClaim",
  "core.v1.PodResourceClaimStatus",
  "core.v1.PodSchedulingGate",
  "core.v1.PodSecurityContext",
  "core.v1.ResourceClaim",
  "core.v1.ResourceStatus",
  "core.v1.SecurityContext",
  "core.v1.TopologySpreadConstraint",
  "core.v1.Volume",
  "core.v1.VolumeDevice",
  "core.v1.VolumeMount",
  "core.v1.VolumeMountStatus",
  "core.v1.WorkloadReference",
  "meta.v1.ManagedFieldsEntry",
]);

/** Of these nobody is told what is wrong in them, even where the other table is at hand. */
const untyped = new Set(["meta.v1.ManagedFieldsEntry"]);

const source = JSON.parse(readFileSync(process.argv[2] ?? 0, "utf8"));
/** "core.v1.PodSpec" for io.k8s.api.core.v1.PodSpec */
const short = (/** @type {string} */ name) => name.split(".").slice(-3).join(".");
const home = (/** @type {string} */ name) => name.slice(0, name.lastIndexOf("."));
const own = (/** @type {string} */ name) => name.slice(name.lastIndexOf(".") + 1);

/** @type {Map<string, { home: string, fields: string[] }>} by short name */
const types = new Map(
  Object.entries(source.types)
    // a list of a kind is what all lists are
    .filter(([name]) => !(name.endsWith("List") && source.types[name.slice(0, -"List".length)]))
    .map(([name, fields]) => [short(name), { home: home(name), fields }]),
);

const reference = /io\.k8s\.[\w.-]+/g;
const referred = (/** @type {string} */ name) =>
  types.get(name).fields.flatMap((field) => (field.match(reference) ?? []).map(short));

const wanted = new Set(modelled);
for (const name of wanted)
  for (const other of referred(name)) if (!unread.has(other)) wanted.add(other);

function grouped(
  /** @type {Iterable<string>} */ all,
  /** @type {(name: string) => string} */ keyOf,
) {
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const name of all) groups.set(keyOf(name), [...(groups.get(keyOf(name)) ?? []), name]);
  return groups;
}

const namesakes = grouped(wanted, own);

/** What a type is called where only modelled ones are: of two with one name, core's is plain. */
function modelledName(/** @type {string} */ name) {
  const [group, , last] = name.split(".");
  if (!wanted.has(name)) return untyped.has(name) ? "any" : name;
  return namesakes.get(last).length > 1 && group !== "core" ? `${group}.${last}` : last;
}

/** Among the others many share a name: each keeps its group and version. */
const otherName = (/** @type {string} */ name) => (wanted.has(name) ? modelledName(name) : name);

/** Those whose apiVersion and kind say what they are themselves. */
const standalone = new Set([...modelled, ...source.kinds.map(({ type }) => short(type))]);

function table(
  /** @type {Iterable<string>} */ all,
  /** @type {(name: string) => string} */ nameOf,
) {
  const byHome = grouped([...all].sort(), (name) => types.get(name).home);
  return Array.from(byHome.keys())
    .sort()
    .flatMap((home) => [
      `# ${home}`,
      ...byHome.get(home).flatMap((name) => typeLines(name, nameOf)),
    ])
    .join("\n");
}

function typeLines(/** @type {string} */ name, /** @type {(name: string) => string} */ nameOf) {
  const fields = types
    .get(name)
    .fields.filter((field) => !standalone.has(name) || !/^(apiVersion|kind) string$/.test(field))
    .map((field) => `  ${field.replace(reference, (long) => nameOf(short(long)))}`);
  return [nameOf(name), ...fields];
}

/** group/version, kind, plural, scope, then what else there is to say. */
function kindLine(kind) {
  const rest = {
    singular: kind.singular === kind.kind.toLowerCase() ? "" : kind.singular,
    short: kind.shortNames?.join(","),
    in: kind.categories?.join(","),
    under: kind.subresources?.join(","),
  };
  const groupVersion = kind.group ? `${kind.group}/${kind.version}` : kind.version;
  const scope = kind.namespaced ? "namespaced" : "cluster";
  const more = Object.entries(rest).filter(([, value]) => value);
  return [
    groupVersion,
    kind.kind,
    kind.plural,
    scope,
    ...more.map(([name, value]) => `${name}=${value}`),
  ].join(" ");
}

/** The kind, then kubectl's columns: "+" before those of -o wide. */
const columnLine = (kind) => `${kind.kind}: ${(kind.columns ?? []).join(", ")}`;

const mine = source.kinds.filter(({ type }) => modelled.includes(short(type)));
/** Others are not served by default, and so nobody knows them here. */
const isStable = (/** @type {string} */ version) => /^v\d+$/.test(version);
const others = source.kinds.filter((kind) => !mine.includes(kind) && isStable(kind.version));
const otherTypes = [...types.keys()].filter(
  (name) => !wanted.has(name) && !/^v\d+(alpha|beta)/.test(name.split(".")[1]),
);

/** A file of tables: name -> what it is, and its lines. */
function write(file, what, tables) {
  const header = `/**
 * ${what} Made by lib/objects/generate out of
 * the API description of Kubernetes v1.35.4 (see NOTICE there); not to be edited.
 */
`;
  const texts = Object.entries(tables).map(
    ([name, [doc, lines]]) => `\n/** ${doc} */\nexport const ${name} = \`\n${lines}\n\`;\n`,
  );
  writeFileSync(new URL(`../generated/${file}`, import.meta.url), header + texts.join(""));
}

write("modelled.ts", "The kinds that Stopover models, and their fields.", {
  kindTable: [
    "Group and version, kind, plural, scope, other names, what it is in, sub-resources.",
    mine.map(kindLine).join("\n"),
  ],
  typeTable: ["How to read it: schema.ts.", table(wanted, modelledName)],
});
write("columns.ts", "What kubectl's tables show.", {
  columnTable: ['Kind and columns; "+" before those of -o wide.', mine.map(columnLine).join("\n")],
});
write("others.ts", "All other built-in kinds of Kubernetes, and their fields.", {
  otherKinds: ["As in modelled.ts.", others.map(kindLine).join("\n")],
  otherColumns: [
    "As in columns.ts.",
    others
      .filter(({ columns }) => columns)
      .map(columnLine)
      .join("\n"),
  ],
  otherTypes: ["As in modelled.ts.", table(otherTypes, otherName)],
});

// ---- Protocol Buffers ---------------------------------------------------------------------------

/** What comes as a body: the kinds of all stable versions, and what is sent to sub-resources. */
const bodies = new Map([
  ...source.kinds
    .filter(({ version, type }) => isStable(version) && source.messages[type])
    .map(({ group, version, kind, type }) => [
      `${group ? `${group}/` : ""}${version} ${kind}`,
      type,
    ]),
  ["autoscaling/v1 Scale", "io.k8s.api.autoscaling.v1.Scale"],
  ["policy/v1 Eviction", "io.k8s.api.policy.v1.Eviction"],
  ["authentication.k8s.io/v1 TokenRequest", "io.k8s.api.authentication.v1.TokenRequest"],
  ["v1 DeleteOptions", "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"],
]);

const messages = new Set(bodies.values());
for (const name of messages)
  for (const field of source.messages[name])
    for (const other of field.match(reference) ?? []) messages.add(other);

const messageLine = (/** @type {string} */ name) =>
  [short(name), ...source.messages[name].map((field) => field.replace(reference, short))].join(" ");

write("messages.ts", "How Kubernetes' objects stand in Protocol Buffers.", {
  bodyTable: [
    "Group and version, kind, its message.",
    Array.from(bodies, ([kind, name]) => `${kind} ${short(name)}`).join("\n"),
  ],
  messageTable: [
    'Message, fields: name=number:form. "*": a pointer in Go; "[]", "{}": list, map; ".": merged.',
    [...messages].sort().map(messageLine).join("\n"),
  ],
});

// ---- texts to choose from -----------------------------------------------------------------------

const enumLine = ([name, fields]) => [short(name), ...fields].join(" ");

write("enums.ts", "The fields that take one of some texts.", {
  enumTable: [
    "Type, and its fields: name=text,text.",
    Object.entries(source.enums)
      .filter(([name]) => types.has(short(name)))
      .map(enumLine)
      .sort()
      .join("\n"),
  ],
});

/** Stopover's own sentences, as doors/serve has them for kubectl explain. */
function descriptions() {
  const file = readFileSync(new URL("../../doors/serve/descriptions.ts", import.meta.url), "utf8");
  const found = new Map();
  let type = "";
  for (const line of file.split("`")[1].trim().split("\n")) {
    const [name, ...words] = line.trim().split(": ");
    if (!line.startsWith(" ")) type = name;
    found.set(line.startsWith(" ") ? `${type}.${name}` : type, words.join(": "));
  }
  return (type, field) => found.get(field === undefined ? type : `${type}.${field}`);
}

const kindNames = mine.map(({ kind }) => kind).filter((kind) => kind !== "Scale");
writeFileSync(
  new URL("../types.ts", import.meta.url),
  `/**
 * The objects of this story, with Kubernetes' own field names. Every object that the store hands
 * out is deeply frozen and shared by reference. Made by lib/objects/generate out of the API
 * description of Kubernetes v1.35.4 (see NOTICE there); not to be edited.
 */
` +
    typesText(
      table(wanted, (name) => (wanted.has(name) ? modelledName(name) : "any")),
      kindNames,
      descriptions(),
    ),
);
