import { qualifiedName, labelValue } from "./field-errors.js";
import { ownField } from "./freeze.js";
import type { Kind, KubeObject, LabelSelector } from "./types.js";

/**
 * Selectors: which objects are meant. `labels("app=nginx,tier in (a,b),!old")` and
 * `fields("spec.nodeName=node-a")` answer a predicate; `matches(selector, labels)` is for the
 * structured selector of a Deployment. (k8s.io/apimachinery: pkg/labels/selector.go,
 * pkg/fields/selector.go)
 */
export class SelectorError extends Error {}

type Labels = Readonly<Record<string, string>> | undefined;
export type LabelPredicate = (labels: Labels) => boolean;

/** Longer ones are refused: it would take thousands of labels to need one. Characters. */
const maxLength = 100_000;

/** Selectors come from outside: only so many are remembered, and no long ones. */
const parsed = new Map<string, LabelPredicate>();
const [maxParsed, maxParsedLength] = [1000, 1000];

/** @throws SelectorError */
export function labels(text: string): LabelPredicate {
  const known = parsed.get(text);
  if (known) return known;
  checkLength(text);
  const all = new SelectorParser(text).requirements();
  const predicate: LabelPredicate = (labels) => all.every((one) => one(labels));
  if (parsed.size > maxParsed) parsed.clear();
  if (text.length <= maxParsedLength) parsed.set(text, predicate);
  return predicate;
}

function checkLength(text: string): void {
  if (text.length > maxLength)
    throw new SelectorError(
      `the selector has ${text.length} characters; at most ${maxLength} are read`,
    );
}

/** A word, an operator or a sign; undefined: the text is at its end. */
type Token = { is: "word" | "operator" | "sign"; text: string } | undefined;

const signs = /^(?:==|!=|[=!<>(),])/;
const blank = /^[ \t\r\n]+/;

/** In the words of upstream, whose way of reading this is. (pkg/labels/selector.go, Parser) */
class SelectorParser {
  readonly #tokens: Token[] = [];

  constructor(text: string) {
    for (let rest = text.replace(blank, ""); rest !== "";) {
      const [found] = signs.exec(rest) ?? /^[^ \t\r\n=!<>(),]+/.exec(rest)!;
      const is = signs.test(found) ? "sign" : /^(?:in|notin)$/.test(found) ? "operator" : "word";
      this.#tokens.push({ is, text: found });
      rest = rest.slice(found.length).replace(blank, "");
    }
    this.#tokens.reverse();
  }

  requirements(): LabelPredicate[] {
    const all: LabelPredicate[] = [];
    for (;;) {
      const next = this.#next();
      if (next === undefined) return all;
      if (next.is === "sign" && next.text !== "!")
        throw new SelectorError(
          `found '${next.text}', expected: !, identifier, or 'end of string'`,
        );
      all.push(this.#requirement());
      const after = this.#take();
      if (after === undefined) return all;
      if (after.text !== ",")
        throw new SelectorError(`found '${after.text}', expected: ',' or 'end of string'`);
      const more = this.#next();
      if (more?.is !== "word" && more?.text !== "!" && more?.is !== "operator")
        throw new SelectorError(`found '${more?.text ?? ""}', expected: identifier after ','`);
    }
  }

  readonly #next = (): Token => this.#tokens.at(-1);
  readonly #take = (): Token => this.#tokens.pop();

  #requirement(): LabelPredicate {
    const not = this.#next()?.text === "!" && this.#take() !== undefined;
    const word = this.#take();
    if (word === undefined || word.is === "sign")
      throw unable(`found '${word?.text ?? ""}', expected: identifier`);
    const key = word.text;
    check("<nil>", key, qualifiedName(key));
    if (not) return (labels) => valueOf(labels, key) === undefined;
    const next = this.#next();
    if (next === undefined || next.text === ",")
      return (labels) => valueOf(labels, key) !== undefined;
    return this.#comparison(key, this.#take()!.text);
  }

  #comparison(key: string, operator: string): LabelPredicate {
    switch (operator) {
      case "in":
      case "notin":
        return inSet(key, this.#list(key), operator === "in");
      case "=":
      case "==":
      case "!=":
        return equals(key, this.#value(key), operator !== "!=");
      case "<":
      case ">":
        return compared(key, this.#value(key), operator);
      default:
        throw unable(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
    }
  }

  /** What stands behind = or !=; nothing is an empty value. */
  #value(key: string): string {
    const next = this.#next();
    if (next === undefined || next.text === ",") return "";
    if (next.is === "sign") throw unable(`found '${next.text}', expected: identifier`);
    this.#take();
    check(`values[0][${key}]`, next.text, labelValue(next.text));
    return next.text;
  }

  #list(key: string): string[] {
    const open = this.#take();
    if (open?.text !== "(") throw unable(`found '${open?.text ?? ""}' expected: '('`);
    const values: string[] = [];
    for (let value = ""; ;) {
      const token = this.#take();
      if (token === undefined)
        throw unable(`found '', expected: ${value ? "',' or ')'" : "',', ')' or identifier"}`);
      if (token.is !== "sign") value = token.text;
      else if (token.text !== "," && token.text !== ")")
        throw unable(`found '${token.text}', expected: ',', ')' or identifier`);
      else {
        check(`values[${values.length}][${key}]`, value, labelValue(value));
        values.push(value);
        value = "";
        if (token.text === ")") return values;
      }
    }
  }
}

const unable = (why: string): SelectorError =>
  new SelectorError(`unable to parse requirement: ${why}`);

function check(field: string, value: string, problems: readonly string[]): void {
  if (problems.length > 0)
    throw unable(`${field}: Invalid value: ${JSON.stringify(value)}: ${problems.join("; ")}`);
}

const equals =
  (key: string, value: string, wanted: boolean): LabelPredicate =>
  (labels) =>
    (valueOf(labels, key) === value) === wanted;

/** Labels that are whole numbers can be compared as such. */
function compared(key: string, value: string, operator: "<" | ">"): LabelPredicate {
  if (!/^-?\d+$/.test(value))
    throw unable(
      `values[0]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
    );
  return (labels) => {
    const found = valueOf(labels, key);
    if (found === undefined || !/^-?\d+$/.test(found)) return false;
    return operator === ">" ? BigInt(found) > BigInt(value) : BigInt(found) < BigInt(value);
  };
}

/** The two sides of the first =, == or !=. */
function comparison(text: string): { left: string; right: string; equal: boolean } | undefined {
  const found = /==|!=|=/.exec(text) ?? undefined;
  return (
    found && {
      left: text.slice(0, found.index).trim(),
      right: text.slice(found.index + found[0].length).trim(),
      equal: found[0] !== "!=",
    }
  );
}

const valueOf = (labels: Labels, key: string): string | undefined =>
  labels && ownField(labels, key);

function inSet(key: string, values: readonly string[], wanted: boolean): LabelPredicate {
  const all = new Set(values);
  return (labels) => {
    const value = valueOf(labels, key);
    return (value !== undefined && all.has(value)) === wanted;
  };
}

/** A structured selector; an empty one selects everything, a missing one nothing. */
export function matches(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (!selector) return false;
  for (const key in selector.matchLabels)
    if (valueOf(labels, key) !== selector.matchLabels[key]) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = valueOf(labels, key);
    if (operator === "Exists") return value !== undefined;
    if (operator === "DoesNotExist") return value === undefined;
    return (value !== undefined && values.includes(value)) === (operator === "In");
  });
}

/** The text form of a structured selector, as kubectl -l takes it. */
export function selectorText(selector: LabelSelector | undefined): string {
  const words = { In: "in", NotIn: "notin", Exists: "", DoesNotExist: "!" };
  return [
    ...Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
    ...(selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) =>
      operator === "Exists" || operator === "DoesNotExist"
        ? words[operator] + key
        : `${key} ${words[operator]} (${values.join(",")})`,
    ),
  ].join(",");
}

/**
 * Fields that can be selected by, besides metadata.name and metadata.namespace. (kubernetes:
 * pkg/apis/core/v1/conversion.go)
 */
export const selectable: Partial<Record<string, readonly string[]>> = {
  Pod: [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
  ],
  Node: ["spec.unschedulable"],
  Namespace: ["status.phase"],
  Service: ["spec.clusterIP", "spec.type"],
  Event: [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
  ],
};

export interface FieldSelector {
  matches(object: KubeObject): boolean;
  /** The value that `path` must equal, where the selector says so: what an index is asked for. */
  exact(path: string): string | undefined;
}

/** @throws SelectorError where a field cannot be selected by, with Kubernetes' message. */
export function fields(kind: Kind, text: string): FieldSelector {
  checkLength(text);
  const all = text
    .split(/(?<!\\),/)
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const found = comparison(part);
      if (!found || found.left === "")
        throw new SelectorError(`invalid selector: '${part}'; can't understand '${part}'`);
      const { left: path, right, equal } = found;
      const value = right.replace(/\\([\\,=])/g, "$1");
      if (
        path !== "metadata.name" &&
        path !== "metadata.namespace" &&
        !selectable[kind]?.includes(path)
      )
        throw new SelectorError(
          selectable[kind]
            ? `field label not supported: ${path}`
            : `${JSON.stringify(path)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
        );
      return { path, read: reader(path), equal, value };
    });
  return {
    matches: (object) => all.every(({ read, equal, value }) => (read(object) === value) === equal),
    exact: (path) => all.find((one) => one.path === path && one.equal)?.value,
  };
}

function reader(path: string): (object: KubeObject) => string {
  const keys = path === "source" ? ["source", "component"] : path.split(".");
  return (object) => {
    let value: unknown = object;
    for (const key of keys) value = (value as Record<string, unknown> | undefined)?.[key];
    // An unset boolean reads as false, an unset number as 0 (Go's zero values).
    return value === undefined
      ? ({ "spec.unschedulable": "false", "spec.hostNetwork": "false" }[path] ?? "")
      : String(value);
  };
}
