import {
  CORE_SCHEMA,
  boolYaml11Tag,
  constructFromEvents,
  EVENT_ID,
  intCoreTag,
  mergeTag,
  parseEvents,
  YAMLException,
  type Event,
} from "js-yaml";
import { printable } from "../net/ip.js";
import { decode, type Misfit } from "./decode.js";
import { defaulted } from "./defaulting.js";
import { frozen, isRecord } from "./freeze.js";
import { allKinds, kindOf, type KindInfo } from "./kinds.js";
import { otherKinds } from "./others.js";
import { withPlurals } from "./plurals.js";
import { kubernetes, type Kubernetes } from "./kubernetes.js";
import { inWords, type FieldType } from "./schema.js";
import type { KubeObject } from "./types.js";
import { validate, type FieldError } from "./validation.js";

/**
 * Manifests: YAML (several documents a file) or JSON in, objects out. The text is not to be
 * trusted: it is refused early if it is too large, too deep, or grows too much by aliases; and it
 * is checked as strictly as `kubectl apply` has it checked. Errors name the file, the document, the
 * field, what came and what is allowed.
 */
export interface Manifest {
  object: KubeObject;
  /** "service.yaml" */
  source: string;
  /** Counted from 1 within its source; items of a List share their document's number. */
  document: number;
}

export interface ManifestOptions {
  /** What to call the text in errors: the file's name. */
  source?: string;
  /**
   * "dump": what a real cluster printed. Fields that Stopover does not know are kept, kinds that it
   * does not know are left out, and beyond their types nothing is validated. Default "apply".
   */
  as?: "apply" | "dump";
  /** As which Kubernetes' API server would take it. Default: the usual version. */
  version?: string | undefined;
  /** One bad document does not take its neighbours along. Default: the first one is thrown. */
  partial?: boolean;
  /** Hears of each document that is not taken as it is. */
  onNotice?: (notice: Notice) => void;
}

/** What became of a document, or of a part of it. */
export interface Notice {
  /**
   * "refused": as kube-apiserver would; "left out": nobody here knows it; "changed": taken in part;
   * "stored": taken, and nobody acts on it.
   */
  what: "refused" | "left out" | "changed" | "stored";
  /** "service.yaml, document 2: Service "web", …" */
  text: string;
  source: string;
  document: number | undefined;
  /** It was read, and refused as it was applied. */
  isLate?: boolean;
  /** What was left out is the server's to write: a dump has it. */
  isServersOwn?: boolean;
  /** What was left out whole, since nobody here knows its kind. */
  object?: KubeObject;
}

/**
 * A manifest cannot be taken as it is: the message names file, document, field, what came and what
 * is allowed.
 */
export class ManifestError extends Error {
  constructor(
    readonly source: string,
    readonly document: number | undefined,
    readonly field: string | undefined,
    problem: string,
    /** Nobody here knows its kind: it is no mistake. */
    readonly isUnknown = false,
  ) {
    const at = `${source}${document === undefined ? "" : `, document ${document}`}`;
    super(printable(`${at}: ${lookalikes.shortened(`${field ? `${field}: ` : ""}${problem}`)}`));
    this.name = "ManifestError";
  }
}

/** The API server takes 3 MB in one request; a file may hold many objects. JSON may be longer. */
const maxCharacters = 40 * 1024 * 1024;
/** Nested collections. The deepest field of this story's kinds has about fifteen. */
const maxDepth = 100;
/** Values, once all aliases are written out. */
const maxValues = 5_000_000;
/** Read, but handed on to whom it concerns. */
const configurations = new Set(["kubeproxy.config.k8s.io/v1alpha1 KubeProxyConfiguration"]);

/** What is particular to reading a dump. Who imports dumps.ts has it; a page may do so later. */
export interface Dumps {
  /** @throws ManifestError */
  object(object: KubeObject, source: string, number: number): KubeObject;
  /** Of an object that is there twice, the last one. */
  withoutOlder(manifests: readonly Manifest[]): Manifest[];
}

const notLoaded = (): never => {
  throw new Error("what reads dumps (given.js) is not loaded");
};
export const dumps: Dumps = { object: notLoaded, withoutOlder: notLoaded };

/** What a text or a value that is no manifest looks like, in words. Who imports dumps.ts has it. */
export const lookalikes = {
  ofText: (_text: string): string | undefined => undefined,
  ofValue: (_value: unknown): string | undefined => undefined,
  /** Of a kind that nobody knows. */
  ofKind: (_kind: string): string => "kubectl api-resources lists its kinds",
  /** Of a field that its object does not have: "; did you mean "ports"?" */
  ofField: ({ allowed }: Misfit): string => `; known here: ${(allowed as string[]).join(", ")}`,
  /** Of a value of another type, what the writer may have meant. */
  ofType: (_misfit: Misfit): string => "",
  /** Of a value that its field does not take, what the writer may have meant. */
  ofInvalid: (_field: string, _message: string): string => "",
  /** A text of which the lines that are no manifests' are empty. */
  within: (text: string): string => text,
  /** What of a text is not taken as it stands. */
  oddities: (_text: string, _as: "apply" | "dump"): string[] => [],
  /** What shortens a line of an error: no value takes more than it. */
  shortened: (text: string): string => text,
};

/** @throws ManifestError, unless `partial`. */
export function readManifests(text: string, options: ManifestOptions = {}): Manifest[] {
  const { source = "manifest", as = "apply", onNotice } = options;
  const known = kubernetes(options.version);
  const told = options.partial ? (onNotice ?? (() => {})) : undefined;
  const found: Manifest[] = [];
  const place = (document: number) => ({ source, document });
  const objects = documentsIn(lookalikes.within(text), source, told).flatMap(({ value, number }) =>
    trying(told, () => flattened(value, source, number).map((one) => ({ one, number }))),
  );
  if (objects.length > 0)
    for (const odd of lookalikes.oddities(text, as)) {
      const notice = new ManifestError(source, undefined, undefined, odd).message;
      onNotice?.({ what: "changed", text: notice, source, document: undefined });
    }
  // whatever their order: a definition makes kinds known
  for (const { one } of objects) otherKinds.written(one);
  for (const { one, number } of objects)
    trying(
      told && ((notice) => told({ ...notice, object: { ...one, metadata: one.metadata ?? {} } })),
      () => {
        const object =
          as === "dump"
            ? dumps.object(one, source, number)
            : checked(one, source, number, onNotice, known);
        if (object) found.push({ object, ...place(number) });
        return [];
      },
    );
  return as === "dump" ? dumps.withoutOlder(found) : found;
}

/** Runs it; what cannot be taken is told, if somebody hears of it. */
function trying<T>(told: ManifestOptions["onNotice"], read: () => T[]): T[] {
  try {
    return read();
  } catch (error) {
    if (!told || !(error instanceof ManifestError)) throw error;
    const { source, document, message: text, isUnknown } = error;
    told({ what: isUnknown ? "left out" : "refused", text, source, document });
    return [];
  }
}

/** The documents of a text; what is nothing between two "---" counts, but is none. */
function documentsIn(
  text: string,
  source: string,
  told: ManifestOptions["onNotice"],
): { value: unknown; number: number }[] {
  const numbered = (all: unknown[], first = 1) =>
    all.flatMap((value, i) =>
      value === null || value === undefined ? [] : [{ value, number: first + i }],
    );
  try {
    return numbered(readYaml(text, source, undefined, true));
  } catch (error) {
    if (!told || !(error instanceof ManifestError)) throw error;
    const parts = partsOf(text);
    if (parts.length < 2)
      return trying<never>(told, () => {
        throw error;
      });
    return parts.flatMap((part, i) =>
      trying(told, () => numbered(readYaml(part, source, i + 1, true), i + 1)),
    );
  }
}

/** The documents as texts, each behind empty lines, so that its lines keep their numbers. */
function partsOf(text: string): string[] {
  const parts: string[] = [];
  let [part, lines] = ["", 0];
  for (const line of text.split("\n")) {
    if (/^---(\s|$)/.test(line) && part.trim() !== "") {
      parts.push(part);
      part = "\n".repeat(lines);
    }
    part += `${line}\n`;
    lines++;
  }
  if (part.trim() !== "") parts.push(part);
  return parts;
}

export const isConfiguration = ({ apiVersion, kind }: KubeObject): boolean =>
  configurations.has(`${apiVersion} ${kind}`);

/**
 * Text to plain values, a document each, within the limits. `lastWins`: of keys that stand twice in
 * a map the last counts, as for kubectl (sigs.k8s.io/yaml). @throws ManifestError
 */
export function readYaml(
  text: string,
  source: string,
  number?: number,
  lastWins = false,
): unknown[] {
  const json = parseJson(text);
  if (json) return json;
  // files that were put together have a byte-order mark before each document
  if (text.includes("\ufeff")) text = text.replace(/^\ufeff/gm, "");
  if (text.length > maxCharacters)
    throw new ManifestError(
      source,
      undefined,
      undefined,
      `the text has ${text.length} characters; at most ${maxCharacters} are read. Split it into several files`,
    );
  try {
    const events = parseEvents(text, { filename: source, maxDepth });
    countValues(events, text, source);
    return constructFromEvents(events, { source: text, filename: source, schema, json: lastWins });
  } catch (error) {
    if (error instanceof YAMLException) {
      const place = error.mark
        ? `line ${error.mark.line + 1}, column ${error.mark.column + 1}: `
        : "";
      throw new ManifestError(
        source,
        number,
        undefined,
        lookalikes.ofText(text) ?? `this cannot be read as YAML: ${place}${error.reason}`,
      );
    }
    throw error;
  }
}

/**
 * kubectl reads YAML 1.1's yes, no, on and off as booleans, 0644 as an octal number, 0b11 as a
 * binary one and 8_080 as 8080, and knows merge keys (<<). (go-yaml v2, resolve.go)
 */
const schema = CORE_SCHEMA.withTags(boolYaml11Tag, mergeTag, {
  ...intCoreTag,
  resolve: (text, ...how) => {
    const plain = /^[-+]?\d/.test(text) ? text.replaceAll("_", "") : text;
    const [, sign, digits] = /^([-+]?)(0b[01]+|0[0-7]+|0x[\da-f]+)$/i.exec(plain) ?? [];
    if (digits === undefined) return intCoreTag.resolve(plain, ...how);
    return Number(`${sign}1`) * Number(/^0\d/.test(digits) ? `0o${digits}` : digits);
  },
});

/**
 * JSON is YAML too, but JSON.parse is faster and says more clearly what is wrong. kubectl reads
 * several values one after the other, as jq prints them.
 */
function parseJson(text: string): unknown[] | undefined {
  if (!/^\s*[{[]/.test(text) || !/[}\]]\s*$/.test(text)) return undefined;
  if (nestsDeeper(text, maxDepth)) return undefined; // js-yaml says so
  try {
    return [JSON.parse(text) as unknown];
  } catch {
    return parseStream(text);
  }
}

/** One JSON value after the other. */
function parseStream(text: string): unknown[] | undefined {
  const values: unknown[] = [];
  let [depth, start] = [0, 0];
  try {
    for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
      if (token === "{" || token === "[") depth++;
      if ((token !== "}" && token !== "]") || --depth > 0) continue;
      values.push(JSON.parse(text.slice(start, index + 1)) as unknown);
      start = index + 1;
    }
    return text.slice(start).trim() === "" ? values : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a JSON text's brackets nest deeper than `max`; those within strings count too. */
export function nestsDeeper(text: string, max: number): boolean {
  let [depth, deepest] = [0, 0];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x7d || code === 0x5d) depth--;
  }
  return deepest > max;
}

/**
 * Counts values as if every alias were written out, before anything is built: a "billion laughs"
 * ends here.
 */
function countValues(events: readonly Event[], text: string, source: string): void {
  const sizes = new Map<string, number>();
  const open: { anchor: string; start: number }[] = [];
  let count = 0;
  for (const event of events) {
    if (event.type === EVENT_ID.POP) {
      const { anchor, start } = open.pop()!;
      if (anchor) sizes.set(anchor, count - start);
    } else if (event.type === EVENT_ID.DOCUMENT) open.push({ anchor: "", start: count });
    else {
      const anchor =
        event.anchorStart < 0
          ? ""
          : text.slice(event.anchorStart, event.anchorEnd).replace(/^[&*]/, "");
      if (event.type === EVENT_ID.ALIAS) count += sizes.get(anchor) ?? 1;
      else if (event.type === EVENT_ID.SCALAR) sizes.set(anchor, 1);
      else open.push({ anchor, start: count });
      count++;
    }
    if (count > maxValues)
      throw new ManifestError(
        source,
        undefined,
        undefined,
        `the text holds more than ${maxValues} values once its aliases are written out. Split it, or use fewer aliases`,
      );
  }
}

/** The objects of a document: itself, or the items of a List. */
function flattened(document: unknown, source: string, number: number): KubeObject[] {
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new ManifestError(
      source,
      number,
      undefined,
      `got ${described(document)}; ${lookalikes.ofValue(document) ?? "a manifest is an object with apiVersion, kind and metadata"}`,
    );
  }
  const { apiVersion, kind, items } = document as {
    apiVersion?: unknown;
    kind?: unknown;
    items?: unknown;
  };
  for (const [field, value, example] of [
    ["apiVersion", apiVersion, '"v1" or "apps/v1"'],
    ["kind", kind, '"Service" or "Deployment"'],
  ] as const) {
    if (typeof value !== "string" || value === "")
      throw new ManifestError(
        source,
        number,
        field,
        `got ${described(value)}; ${lookalikes.ofValue(document) ?? `a text such as ${example} is needed`}`,
      );
  }
  if (!(kind as string).endsWith("List")) return [document as KubeObject];
  if (!Array.isArray(items))
    throw new ManifestError(
      source,
      number,
      "items",
      `got ${described(items)}; ${withArticle(kind as string)} holds a list of objects`,
    );
  return items.flatMap((item, i) => {
    if (typeof item !== "object" || item === null)
      throw new ManifestError(
        source,
        number,
        `items[${i}]`,
        `got ${described(item)}; an object is needed`,
      );
    const itemKind =
      kind === "List" ? {} : { apiVersion, kind: (kind as string).slice(0, -"List".length) };
    return flattened(Array.isArray(item) ? item : { ...itemKind, ...item }, source, number);
  });
}

/** The object, if it is what `kubectl apply` takes; undefined where its owner makes it. */
function checked(
  written: KubeObject,
  source: string,
  number: number,
  onNotice: ManifestOptions["onNotice"],
  version: Kubernetes,
): KubeObject | undefined {
  if (isConfiguration(written)) return frozen(written);
  const info = infoOf(written, source, number);
  const { object, notices } = withoutServersOwn(written);
  for (const { what, why } of notices) {
    const text = new ManifestError(source, number, undefined, `${label(written)}${why}`).message;
    onNotice?.({ what, text, source, document: number, isServersOwn: true });
  }
  if (!object) return undefined;
  if (info.type === undefined) return frozen({ ...object, metadata: object.metadata ?? {} });
  const { value, misfits } = decode<KubeObject>(info.type, object, { asWritten: true });
  const [misfit] = misfits;
  if (misfit)
    throw new ManifestError(source, number, `${label(object)}${misfit.path}`, explained(misfit));
  refuseInvalid(validate(forValidation(object), undefined, version), object, source, number);
  return frozen({ ...value, metadata: value.metadata ?? {} });
}

/** What is known of the object's kind, in the version that it names. */
function infoOf(object: KubeObject, source: string, number: number): KindInfo {
  const info = kindOf(object);
  if (info) return info;
  const others = allKinds().filter(({ kind }) => kind === object.kind);
  const isOld = others.some(
    ({ group }) => oldGroups.includes(groupOf(object)) || group === groupOf(object),
  );
  if (others.length > 0 && (isOld || !object.apiVersion.includes(".")))
    throw new ManifestError(
      source,
      number,
      "apiVersion",
      `got ${JSON.stringify(object.apiVersion)}; for ${withArticle(object.kind)} it is "${others.map(({ apiVersion }) => apiVersion).join('" or "')}"`,
    );
  throw new ManifestError(
    source,
    number,
    "kind",
    unknownKind(object),
    object.apiVersion.includes("."),
  );
}

function unknownKind({ apiVersion, kind }: KubeObject): string {
  const got = `got ${JSON.stringify(kind)} of ${JSON.stringify(apiVersion)}`;
  if (apiVersion.includes(".") && !apiVersion.includes(".k8s.io/"))
    return `${got}; no CustomResourceDefinition here makes it known`;
  return `${got}, which Kubernetes does not know; ${lookalikes.ofKind(kind)}`;
}

/** "an Ingress" */
export const withArticle = (kind: string): string =>
  `${/^[aeio]/i.test(kind) ? "an" : "a"} ${kind}`;

const oldGroups = ["extensions"];
const groupOf = ({ apiVersion }: KubeObject): string =>
  apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";

/** What only the server writes, as `kubectl get -o yaml` prints it. */
const serversOwn = [
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "generation",
  "selfLink",
  "managedFields",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
] as const;

interface Without {
  object: KubeObject | undefined;
  notices: { what: Notice["what"]; why: string }[];
}

/** The object as somebody would write it, and what was taken out. */
function withoutServersOwn(object: KubeObject): Without {
  const { metadata } = object;
  if (!isRecord(metadata) || metadata.uid === undefined) return { object, notices: [] };
  const { ownerReferences: owners, ...own } = metadata;
  const owner = Array.isArray(owners) ? owners.find((one) => one?.controller) : undefined;
  if (owner && isMadeHere(owner.kind)) {
    const why = `${owner.kind} ${owner.name} makes it: it is not applied by itself`;
    return { object: undefined, notices: [{ what: "left out", why }] };
  }
  const fields = serversOwn.filter((field) => own[field] !== undefined);
  for (const field of fields) delete own[field];
  const { status, ...rest } = object as KubeObject & { status?: unknown };
  const kept = object.kind === "Node" && status !== undefined ? { status } : {};
  const gone = [...fields, ...(owners ? ["ownerReferences"] : [])].map((one) => `metadata.${one}`);
  if (status !== undefined && object.kind !== "Node") gone.push("status");
  const why = `the server's own fields are left out: ${gone.join(", ")}`;
  return {
    object: { ...rest, metadata: own, ...kept },
    notices: [{ what: "changed", why }],
  };
}

/** Whether a controller here makes what it owns. */
const isMadeHere = (kind: string): boolean =>
  ["Deployment", "ReplicaSet", "Service"].includes(kind);

export function refuseInvalid(
  problems: readonly FieldError[],
  object: KubeObject,
  source: string,
  number: number,
): void {
  if (problems.length === 0) return;
  const all = problems.map(
    ({ field, message }) => `${field}: ${message}${lookalikes.ofInvalid(field, message)}`,
  );
  throw new ManifestError(source, number, undefined, `${label(object)}${all.join("; ")}`);
}

/**
 * As the API server will see it: defaulted, with a namespace, and a name if one is to be generated.
 */
function forValidation(object: KubeObject): KubeObject {
  const info = kindOf(object)!;
  const decoded = decode<KubeObject>(info.type!, object).value;
  const { name, generateName, namespace } = decoded.metadata;
  const metadata = { ...decoded.metadata, name: name ?? (generateName ? "generated" : "") };
  if (info.namespaced) metadata.namespace = namespace ?? "default";
  return withPlurals(defaulted({ ...decoded, metadata }));
}

export function label(object: KubeObject): string {
  const name: unknown = (object.metadata as Partial<KubeObject["metadata"]> | undefined)?.name;
  return `${object.kind}${typeof name === "string" ? ` ${JSON.stringify(name)}` : ""}, `;
}

export function explained(misfit: Misfit): string {
  const { problem, allowed, value } = misfit;
  if (problem !== "type") return `unknown field${lookalikes.ofField(misfit)}`;
  return `got ${described(value)}; ${inWords(allowed as FieldType)} is needed${lookalikes.ofType(misfit)}`;
}

function described(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "string"
    ? `the text ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`
    : `${typeof value === "number" ? "the number " : ""}${String(value)}`;
}
