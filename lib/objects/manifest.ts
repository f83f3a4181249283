import {
  CORE_SCHEMA,
  boolYaml11Tag,
  constructFromEvents,
  EVENT_ID,
  mergeTag,
  parseEvents,
  YAMLException,
  type Event,
} from "js-yaml";
import { printable } from "../net/ip.js";
import { decode, type Misfit } from "./decode.js";
import { defaulted } from "./defaulting.js";
import { frozen } from "./freeze.js";
import { kindInfo, kinds, nameOf } from "./kinds.js";
import { withPlurals } from "./plurals.js";
import { inWords } from "./schema.js";
import type { KubeObject } from "./types.js";
import { validate, type FieldError } from "./validation.js";
import { validateDumped } from "./validation-dump.js";

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
  ) {
    const at = `${source}${document === undefined ? "" : `, document ${document}`}`;
    super(printable(`${at}: ${field ? `${field}: ` : ""}${problem}`));
    this.name = "ManifestError";
  }
}

/** The API server takes 3 MB in one request; a file may hold many objects. */
const maxCharacters = 16 * 1024 * 1024;
/** Nested collections. The deepest field of this story's kinds has about fifteen. */
const maxDepth = 100;
/** Values, once all aliases are written out. */
const maxValues = 2_000_000;
/** Read, but handed on to whom it concerns. */
const configurations = new Set(["kubeproxy.config.k8s.io/v1alpha1 KubeProxyConfiguration"]);

/** @throws ManifestError */
export function readManifests(
  text: string,
  { source = "manifest", as = "apply" }: ManifestOptions = {},
): Manifest[] {
  const found: Manifest[] = [];
  for (const [index, document] of readYaml(text, source).entries()) {
    // an empty document between two "---"
    if (document === null || document === undefined) continue;
    for (const object of flattened(document, source, index + 1)) {
      if (as === "apply")
        found.push({ object: checked(object, source, index + 1), source, document: index + 1 });
      else if (kindInfo(object.kind)?.apiVersion === object.apiVersion || isConfiguration(object))
        found.push({ object: dumped(object, source, index + 1), source, document: index + 1 });
    }
  }
  refuseDuplicates(found);
  return found;
}

export const isConfiguration = ({ apiVersion, kind }: KubeObject): boolean =>
  configurations.has(`${apiVersion} ${kind}`);

/** Text to plain values, a document each, within the limits. @throws ManifestError */
export function readYaml(text: string, source: string): unknown[] {
  if (text.length > maxCharacters)
    throw new ManifestError(
      source,
      undefined,
      undefined,
      `the text has ${text.length} characters; at most ${maxCharacters} are read. Split it into several files`,
    );
  try {
    const json = parseJson(text);
    if (json) return [json.value];
    const events = parseEvents(text, { filename: source, maxDepth });
    countValues(events, text, source);
    return constructFromEvents(events, { source: text, filename: source, schema });
  } catch (error) {
    if (error instanceof YAMLException) {
      const place = error.mark
        ? `line ${error.mark.line + 1}, column ${error.mark.column + 1}: `
        : "";
      throw new ManifestError(
        source,
        undefined,
        undefined,
        `this cannot be read as YAML: ${place}${error.reason}`,
      );
    }
    throw error;
  }
}

/** kubectl reads YAML 1.1's yes, no, on and off as booleans, and knows merge keys (<<). */
const schema = CORE_SCHEMA.withTags(boolYaml11Tag, mergeTag);

/** JSON is YAML too, but JSON.parse is faster and says more clearly what is wrong. */
function parseJson(text: string): { value: unknown } | undefined {
  if (!/^\s*[{[]/.test(text) || !/[}\]]\s*$/.test(text)) return undefined;
  if (nestsDeeper(text, maxDepth)) return undefined; // js-yaml says so
  try {
    return { value: JSON.parse(text) as unknown };
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
      `got ${described(document)}; a manifest is an object with apiVersion, kind and metadata`,
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
        `got ${described(value)}; a text such as ${example} is needed`,
      );
  }
  if (!(kind as string).endsWith("List")) return [document as KubeObject];
  if (!Array.isArray(items))
    throw new ManifestError(
      source,
      number,
      "items",
      `got ${described(items)}; a ${kind as string} holds a list of objects`,
    );
  return items.flatMap((item) => {
    const itemKind =
      kind === "List" ? {} : { apiVersion, kind: (kind as string).slice(0, -"List".length) };
    return flattened(
      typeof item === "object" && item !== null && !Array.isArray(item)
        ? { ...itemKind, ...item }
        : item,
      source,
      number,
    );
  });
}

/** The object as it is, if it has a name and the fields that are known are of their types. */
function dumped(object: KubeObject, source: string, number: number): KubeObject {
  if (isConfiguration(object)) return frozen(object);
  const { value, misfits } = decode<KubeObject>(object.kind, object, { unknown: "keep" });
  const misfit = misfits.find(({ problem }) => problem === "type");
  if (misfit)
    throw new ManifestError(source, number, `${label(object)}${misfit.path}`, explained(misfit));
  if (!value.metadata.name)
    throw new ManifestError(
      source,
      number,
      `${object.kind}, metadata.name`,
      "got nothing; an object of a cluster has a name",
    );
  refuseInvalid(validateDumped(value), object, source, number);
  return frozen(value);
}

/** The object, if it is what `kubectl apply` takes. */
function checked(object: KubeObject, source: string, number: number): KubeObject {
  if (isConfiguration(object)) return frozen(object);
  const info = kindInfo(object.kind);
  if (!info)
    throw new ManifestError(
      source,
      number,
      "kind",
      `got ${JSON.stringify(object.kind)}, which Stopover does not know; it knows ${kinds.map(({ kind }) => kind).join(", ")} and KubeProxyConfiguration`,
    );
  if (info.apiVersion !== object.apiVersion)
    throw new ManifestError(
      source,
      number,
      "apiVersion",
      `got ${JSON.stringify(object.apiVersion)}; for a ${object.kind} it is "${info.apiVersion}"`,
    );
  const { value, misfits } = decode<KubeObject>(object.kind, object, { asWritten: true });
  const [misfit] = misfits;
  if (misfit)
    throw new ManifestError(source, number, `${label(object)}${misfit.path}`, explained(misfit));
  refuseInvalid(validate(forValidation(object)), object, source, number);
  return frozen({ ...value, metadata: value.metadata ?? {} });
}

function refuseInvalid(
  problems: readonly FieldError[],
  object: KubeObject,
  source: string,
  number: number,
): void {
  if (problems.length === 0) return;
  const all = problems.map(({ field, message }) => `${field}: ${message}`);
  throw new ManifestError(source, number, undefined, `${label(object)}${all.join("; ")}`);
}

/**
 * As the API server will see it: defaulted, with a namespace, and a name if one is to be generated.
 */
function forValidation(object: KubeObject): KubeObject {
  const decoded = decode<KubeObject>(object.kind, object).value;
  const { name, generateName, namespace } = decoded.metadata;
  const metadata = {
    ...decoded.metadata,
    name: name ?? (generateName ? "generated" : ""),
    ...(kindInfo(object.kind)!.namespaced && { namespace: namespace ?? "default" }),
  };
  return withPlurals(defaulted({ ...decoded, metadata }));
}

function label(object: KubeObject): string {
  const name: unknown = (object.metadata as Partial<KubeObject["metadata"]> | undefined)?.name;
  return `${object.kind}${typeof name === "string" ? ` ${JSON.stringify(name)}` : ""}, `;
}

function explained({ problem, allowed, value, path }: Misfit): string {
  if (problem === "type")
    return `got ${described(value)}; ${inWords(allowed as Parameters<typeof inWords>[0])} is needed`;
  const name = path.slice(path.lastIndexOf(".") + 1);
  const near = (allowed as string[]).find(
    (known) => known.toLowerCase() === name.toLowerCase() || nearly(known, name),
  );
  return `unknown field${near ? `; did you mean "${near}"?` : `; known here: ${(allowed as string[]).join(", ")}`}`;
}

/** One letter too many, too few, wrong, or two of them swapped. */
function nearly(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  return (
    restA.slice(1) === restB ||
    restA === restB.slice(1) ||
    restA.slice(1) === restB.slice(1) ||
    (restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2))
  );
}

function described(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "string"
    ? `the text ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`
    : `${typeof value === "number" ? "the number " : ""}${String(value)}`;
}

function refuseDuplicates(manifests: readonly Manifest[]): void {
  const seen = new Map<string, Manifest>();
  for (const manifest of manifests) {
    const { object, source, document } = manifest;
    if (!object.metadata?.name || isConfiguration(object)) continue;
    const name = nameOf({
      ...object,
      metadata: {
        ...object.metadata,
        ...(kindInfo(object.kind)!.namespaced && {
          namespace: object.metadata.namespace ?? "default",
        }),
      },
    });
    const first = seen.get(name);
    if (first)
      throw new ManifestError(
        source,
        document,
        "metadata.name",
        `${name} is in document ${first.document} already; each object may appear once`,
      );
    seen.set(name, manifest);
  }
}
