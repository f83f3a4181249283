/**
 * The objects of a dump with other names and addresses, always the same for the same, so that the
 * verdict on them stays what it was:
 *
 *     const disguise = disguiseFor(objects, key);
 *     disguise.object(service)                   // "shop" is "bakomefi" wherever it stands
 *     disguise.text("http://shop.prod/")         // also in what is asked
 *
 * A word that is not known to be everybody's (vocabulary.ts) is replaced; so nothing of somebody's
 * slips through because a field was forgotten.
 */
import { createHash } from "node:crypto";
import { readAddress } from "../../net/ip.js";
import { isKnownImage } from "../../node/listening.js";
import { isBareImage, listenVariable } from "../../node/listening-untold.js";
import { isRecord } from "../../objects/freeze.js";
import { readYaml } from "../../objects/manifest.js";
import type { KubeObject } from "../../objects/types.js";
import { Addresses } from "./addresses.js";
import {
  annotationWords,
  commandWords,
  common,
  components,
  isPublicAnnotation,
  isPublicKey,
  messageWords,
  ownWords,
} from "./vocabulary.js";
import { Words } from "./words.js";

type Vocabulary = ReadonlySet<string>;
const nothing: Vocabulary = new Set();

export class Disguise {
  readonly #addresses: Addresses;
  readonly #words: Words;
  readonly #told = new Map<string, string>();

  constructor(key: string) {
    this.#addresses = new Addresses(`addresses ${key}`);
    this.#words = new Words(`words ${key}`);
  }

  /** What became of names and addresses, for whoever has to read the answer. */
  get told(): ReadonlyMap<string, string> {
    return this.#told;
  }

  object(object: KubeObject): KubeObject {
    const { kind } = object;
    if (kind === "ConfigMap") return this.#configMap(object);
    return this.#value(object, []) as KubeObject;
  }

  /** A name, an address, a URL or a sentence; `also`: words that are kept here. */
  text(text: string, also: Vocabulary = nothing): string {
    const made = this.#made(text, also);
    if (made !== text && !/\s/.test(text)) this.#told.set(text, made);
    return made;
  }

  /** Others may be meant for this word. */
  model(word: string): void {
    if (!isPlain(word) && !common.has(word.toLowerCase())) this.#words.of(word, true);
  }

  #made(text: string, also: Vocabulary): string {
    const address = readAddress(text);
    if (address) return this.#addresses.of(address);
    const range = text.includes("/") ? this.#addresses.ofRange(text) : undefined;
    if (range !== undefined) return range;
    // "kube-system/kube-proxy-x7k2p": each part is a name
    return text
      .split("/")
      .map((part) => {
        const [component = ""] = components.exec(part) ?? [];
        const rest = part.slice(component.length);
        return component + rest.replace(pieces, (piece) => this.#piece(piece, also));
      })
      .join("/");
  }

  #piece(piece: string, also: Vocabulary): string {
    const address = readAddress(piece);
    if (address) return this.#addresses.of(address);
    const small = piece.toLowerCase();
    return common.has(small) || also.has(small) || isPlain(piece) ? piece : this.#words.of(piece);
  }

  #value(value: unknown, path: readonly string[]): unknown {
    if (typeof value === "string") return this.#string(value, path);
    if (Array.isArray(value)) return value.map((item) => this.#value(item, path));
    if (!isRecord(value)) return value;
    const field = path.at(-1) ?? "";
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, item]) => {
        if (field === "annotations" && !isPublicAnnotation(name)) return [];
        const key = isMap(path, value) ? this.#key(name) : name;
        return [[key, this.#value(item, [...path, name])]];
      }),
    );
  }

  #key(key: string): string {
    return isPublicKey(key) || key.startsWith("cloud.google.com/") ? key : this.text(key);
  }

  #string(text: string, path: readonly string[]): string {
    const [parent, field = ""] = [path.at(-2), path.at(-1)];
    if (parent === "annotations") return this.text(text, annotationWords);
    if (labels.has(parent ?? "")) return this.text(text);
    if (ownWords.has(field) && /^[A-Za-z][\w./-]*$/.test(text)) return text;
    if (field === "status" || quantities.has(parent ?? "") || /^\d{4}-\d\d-\d\dT/.test(text))
      return text;
    if (field === "key" || field === "topologyKey") return this.#key(text);
    if (field === "command" || field === "args") return this.text(text, commandWords);
    if (field === "message") return this.text(text, messageWords);
    if (field === "image") return this.#image(text);
    if (parent === "env" && field === "name" && text.endsWith("PORT")) return "PORT";
    if (parent === "env" && field === "name" && listenVariable.test(text)) return "HOST";
    if (parent === "readinessGates" || field === "conditionType") return this.#key(text);
    return this.text(text);
  }

  /** What well-known images listen on is read from their names. */
  #image(image: string): string {
    if (!isKnownImage(image) && !isBareImage(image)) return this.text(image);
    const [path = ""] = image.split(/[:@]/, 1);
    return `${path.slice(path.lastIndexOf("/") + 1)}:${this.text(image.slice(path.length + 1) || "latest")}`;
  }

  /** kube-proxy's configuration: its text is a document of its own. */
  #configMap(object: KubeObject): KubeObject {
    const { data, ...rest } = object as KubeObject & { data: Record<string, string> };
    const texts = Object.entries(data).map(([name, text]): [string, string] => {
      const documents = readYaml(text, name).filter(isConfiguration);
      return [
        name,
        documents.map((one) => JSON.stringify(this.#configuration(one))).join("\n---\n"),
      ];
    });
    return {
      ...(this.#value(rest, []) as KubeObject),
      data: Object.fromEntries(texts),
    } as KubeObject;
  }

  #configuration({ clientConnection: _, ...rest }: Record<string, unknown>): unknown {
    return this.#value(rest, ["configuration"]);
  }
}

const isConfiguration = (one: unknown): one is Record<string, unknown> =>
  isRecord(one) && one["kind"] === "KubeProxyConfiguration";

/** Words, addresses of IPv4, and of IPv6 where they are written out. */
const pieces = /\d+(?:\.\d+){3}|[0-9a-fA-F]*:[0-9a-fA-F:]*:[0-9a-fA-F.]*|[A-Za-z0-9]+/g;

/** A number or a time says little by itself, unless it is long. */
const isPlain = (word: string): boolean =>
  /^(?:\d{1,5}|(?:\d{1,4}(?:ns|us|ms|s|m|h))+)$/.test(word);

const labels = new Set(["labels", "matchLabels", "nodeSelector"]);
const quantities = new Set(["requests", "limits", "allocatable", "capacity"]);

/** Whether the keys of this value are somebody's own words. */
function isMap(path: readonly string[], value: Record<string, unknown>): boolean {
  const field = path.at(-1) ?? "";
  if (field === "selector") return Object.values(value).every((each) => typeof each === "string");
  return labels.has(field) || field === "annotations";
}

/** One under which no address of the dump stands for another one of it. */
export function disguiseFor(objects: readonly KubeObject[], key: string): Disguise {
  const addresses = new Set(
    [...stringsIn(objects)].flatMap((text) => readAddress(text)?.text ?? []),
  );
  const words = namedIn(objects);
  for (let again = 0; ; again++) {
    const disguise = new Disguise(createHash("sha256").update(`${key} ${again}`).digest("hex"));
    const isClear = [...addresses].every((one) => {
      const other = disguise.text(one);
      return other === one || !addresses.has(other);
    });
    if (!isClear && again < 100) continue;
    for (const word of words) disguise.model(word);
    return disguise;
  }
}

function* stringsIn(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (typeof value === "object" && value !== null)
    for (const item of Object.values(value)) yield* stringsIn(item);
}

/** The words of what people name and misspell: labels, ports, Services; short ones first. */
function namedIn(objects: readonly KubeObject[]): string[] {
  const found = new Set<string>();
  const add = (text: string) =>
    (text.match(/[A-Za-z0-9]+/g) ?? []).forEach((word) => found.add(word));
  for (const { kind, metadata, ...rest } of objects) {
    if (!isRecord(metadata)) continue; // kube-proxy's configuration has none
    if (kind === "Service") add(metadata.name);
    const { spec } = rest as { spec?: Record<string, unknown> };
    for (const map of [metadata.labels, spec?.["selector"]])
      for (const [key, text] of Object.entries(map ?? {}))
        if (typeof text === "string" && !/hash|generation/.test(key)) add(text);
    for (const text of portNames(spec)) add(text);
  }
  return [...found].sort((x, y) => x.length - y.length || (x < y ? -1 : 1));
}

function* portNames(spec: unknown): Generator<string> {
  if (!isRecord(spec)) return;
  for (const { name, targetPort } of listOf(spec["ports"])) {
    if (typeof name === "string") yield name;
    if (typeof targetPort === "string") yield targetPort;
  }
  for (const container of listOf(spec["containers"])) yield* portNames(container);
}

const listOf = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];
