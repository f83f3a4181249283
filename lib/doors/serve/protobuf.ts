import { badRequest } from "../../api/errors.js";
import { bodyTable, messageTable } from "../../objects/generated/messages.js";

/**
 * Bodies in Protocol Buffers, which kubectl sends from 1.32 on for what it makes by itself (`create
 * deployment`, `autoscale`, `drain`), and clients written in Go where they are told to. Answers are
 * JSON, which all of them take, too. (k8s.io/apimachinery: pkg/runtime/serializer/protobuf)
 */
export const bodyType = "application/vnd.kubernetes.protobuf";

interface MessageField {
  /** Undefined: its fields are the message's own in JSON. */
  name: string | undefined;
  form: string;
}
type Message = ReadonlyMap<number, MessageField>;

const lines = (table: string): string[][] =>
  table
    .trim()
    .split("\n")
    .map((line) => line.split(" "));

/** "apps/v1 Deployment" -> its message's name */
const bodies = new Map(
  lines(bodyTable).map(([version, kind, name]) => [`${version} ${kind}`, name!]),
);

const messageLines = new Map(lines(messageTable).map(([name, ...fields]) => [name!, fields]));
const messages = new Map<string, Message>();

function messageOf(name: string): Message {
  const known = messages.get(name);
  if (known) return known;
  const message = new Map(messageLines.get(name)!.map(fieldOf));
  messages.set(name, message);
  return message;
}

function fieldOf(text: string): [number: number, field: MessageField] {
  const [, name = "", number, form = ""] = /^(.+)=(\d+):(.+)$/.exec(text) ?? [];
  return [Number(number), { name: name === "." ? undefined : name, form }];
}

/** Its own group and version say nothing: it goes with each kind's. */
const messageNameOf = (apiVersion: string, kind: string): string | undefined =>
  bodies.get(kind === "DeleteOptions" ? "v1 DeleteOptions" : `${apiVersion} ${kind}`);

/**
 * The object in a protobuf body: the magic "k8s\0", then runtime.Unknown with the kind and the
 * object's own bytes.
 */
export function decodeBody(sent: Uint8Array): Record<string, unknown> {
  const body = Buffer.from(sent.buffer, sent.byteOffset, sent.byteLength);
  if (body.length < 4 || body.toString("latin1", 0, 4) !== "k8s\0")
    throw badRequest("the body is no protobuf of Kubernetes: it does not begin with k8s\\0");
  const unknown = new Map(fieldsOf(body.subarray(4)));
  const typeMeta = new Map(fieldsOf(bytes(unknown.get(1))));
  const [apiVersion, kind] = [text(typeMeta.get(1)), text(typeMeta.get(2))];
  const name = messageNameOf(apiVersion, kind);
  if (name === undefined)
    throw badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme`,
    );
  return { apiVersion, kind, ...decodeMessage(name, bytes(unknown.get(2))) };
}

/** What a field holds on the wire: a number, or a length and so many bytes. */
type Content = Buffer | bigint;

/** The fields of a message, in order: number and content. */
function fieldsOf(message: Buffer): [number: number, content: Content][] {
  const fields: [number, Content][] = [];
  for (let at = 0; at < message.length;) {
    const [key, afterKey] = varint(message, at);
    const [number, wire] = [Number(key >> 3n), Number(key & 7n)];
    if (wire === 1) {
      at = afterKey + DOUBLE;
      if (at > message.length) throw cutOff();
      fields.push([number, message.subarray(afterKey, at)]);
      continue;
    }
    if (wire !== 0 && wire !== 2)
      throw badRequest(
        `the protobuf body has a field of wire type ${wire}, which Kubernetes' objects do not use`,
      );
    const [value, next] = varint(message, afterKey);
    at = wire === 0 ? next : next + Number(value);
    if (at > message.length) throw cutOff();
    fields.push([number, wire === 0 ? value : message.subarray(next, at)]);
  }
  return fields;
}

/** Bytes of a floating-point number. */
const DOUBLE = 8;
const cutOff = () => badRequest("the protobuf body ends in the middle of a field");

/** Without a sign, as keys and lengths are: a field that has one takes it with `signed`. */
function varint(message: Buffer, start: number): [value: bigint, next: number] {
  let value = 0n;
  for (let at = start, shift = 0n; at < message.length && shift < 70n; at++, shift += 7n) {
    value |= BigInt(message[at]! & 0x7f) << shift;
    if (message[at]! < 0x80) return [BigInt.asUintN(64, value), at + 1];
  }
  throw badRequest("the protobuf body ends in the middle of a number");
}

const signed = (value: bigint): number => Number(BigInt.asIntN(64, value));

/** What has no content is empty, as in Go; a number where bytes belong is refused. */
function bytes(content: Content = Buffer.alloc(0)): Buffer {
  if (Buffer.isBuffer(content)) return content;
  throw badRequest("the protobuf body has a number where a text or an object belongs");
}

function integer(content: Content = 0n): bigint {
  if (!Buffer.isBuffer(content)) return content;
  throw badRequest("the protobuf body has a text or an object where a number belongs");
}

const text = (content: Content | undefined): string => bytes(content).toString("utf8");

/** What is not known comes of a newer client, and is left out, as Go leaves it out. */
function decodeMessage(name: string, message: Buffer): Record<string, unknown> {
  const known = messageOf(name);
  const found = new Map<string, unknown>();
  for (const [number, content] of fieldsOf(message)) {
    const field = known.get(number);
    if (field?.name !== undefined) put(found, field.name, field.form, content);
    else if (field)
      for (const [key, value] of Object.entries(decodeValue(field.form, content) as object))
        found.set(key, value);
  }
  // not by assignment, to which __proto__ is no key
  return Object.fromEntries(Array.from(found, ([key, value]) => [key, finished(value)]));
}

/** A zero says "not set", except where Go has a pointer. */
function put(found: Map<string, unknown>, name: string, form: string, content: Content): void {
  if (form.startsWith("[]"))
    entryIn<unknown[]>(found, name, () => []).push(decodeValue(form.slice(2), content));
  else if (form.startsWith("{}"))
    entryIn<Map<string, unknown>>(found, name, () => new Map()).set(
      ...decodeEntry(form.slice(2), bytes(content)),
    );
  else {
    const isPointer = form.startsWith("*");
    const value = decodeValue(isPointer ? form.slice(1) : form, content);
    const isZero = value === "" || value === 0 || value === false;
    if (value !== undefined && (isPointer || !isZero)) found.set(name, value);
  }
}

const finished = (value: unknown): unknown =>
  value instanceof Map ? Object.fromEntries(value) : value;

function entryIn<T>(map: Map<string, unknown>, key: string, empty: () => T): T {
  if (!map.has(key)) map.set(key, empty());
  return map.get(key) as T;
}

type Decode = (content: Content | undefined) => unknown;

/** All forms but messages. */
const forms: Readonly<Record<string, Decode>> = {
  string: (content) => text(content),
  bool: (content) => integer(content) !== 0n,
  int: (content) => signed(integer(content)),
  bytes: (content) => bytes(content).toString("base64"),
  time: (content) => decodeTime(bytes(content), 0),
  microTime: (content) => decodeTime(bytes(content), 6),
  duration: (content) => decodeDuration(bytes(content)),
  quantity: (content) => text(new Map(fieldsOf(bytes(content))).get(1)),
  intOrString: (content) => decodeIntOrString(bytes(content)),
  raw: (content) => decodeRaw(bytes(content)),
  double: (content) => decodeDouble(bytes(content)),
  schemaOrBool: (content) => decodeEither(bytes(content), { 2: SCHEMA }, 1),
  schemaOrSchemas: (content) => decodeEither(bytes(content), { 1: SCHEMA, 2: `[]${SCHEMA}` }),
  schemaOrTexts: (content) => decodeEither(bytes(content), { 1: SCHEMA, 2: "[]string" }),
  items: (content) => fieldsOf(bytes(content)).map(([, item]) => text(item)),
};

const SCHEMA = "apiextensions.v1.JSONSchemaProps";

function decodeDouble(content: Buffer): number {
  if (content.length !== DOUBLE) throw cutOff();
  return content.readDoubleLE();
}

/**
 * One of several things, by the number of its field; `allows`: where none is there, the number of a
 * field that is true or false. (apiextensions: pkg/apis/apiextensions/v1/types_jsonschema.go)
 */
function decodeEither(
  message: Buffer,
  either: Readonly<Record<number, string>>,
  allows?: number,
): unknown {
  const found = new Map<string, unknown>();
  let isAllowed = false;
  for (const [number, content] of fieldsOf(message)) {
    if (number === allows) isAllowed = integer(content) !== 0n;
    else if (either[number] !== undefined) put(found, String(number), either[number], content);
  }
  const [one] = found.values();
  return one ?? (allows === undefined ? undefined : isAllowed);
}

/** A pointer in a list or map is what it points to. */
function decodeValue(form: string, content: Content | undefined): unknown {
  const plain = form.replace(/^\*/, "");
  const decode = Object.hasOwn(forms, plain) ? forms[plain] : undefined;
  return decode ? decode(content) : decodeMessage(plain, bytes(content));
}

function decodeEntry(form: string, entry: Buffer): [key: string, value: unknown] {
  const parts = new Map(fieldsOf(entry));
  return [text(parts.get(1)), decodeValue(form, parts.get(2))];
}

function decodeIntOrString(message: Buffer): number | string {
  const parts = new Map(fieldsOf(message));
  return integer(parts.get(1)) === 1n ? text(parts.get(3)) : signed(integer(parts.get(2)));
}

/** Whatever it is, it is JSON in here, too. */
function decodeRaw(message: Buffer): unknown {
  const raw = text(new Map(fieldsOf(message)).get(1));
  if (raw === "") return undefined;
  try {
    return JSON.parse(raw) as unknown;
  } catch {
    throw badRequest("the protobuf body holds an object of any kind that is no JSON");
  }
}

/** `digits`: of the second's fraction. */
function decodeTime(message: Buffer, digits: number): string | undefined {
  const parts = new Map(fieldsOf(message));
  if (!parts.has(1)) return undefined;
  const time = new Date(signed(integer(parts.get(1))) * 1000);
  if (Number.isNaN(time.getTime()))
    throw badRequest("the protobuf body has a time that no calendar knows");
  const nanos = String(signed(integer(parts.get(2)))).padStart(9, "0");
  const fraction = digits === 0 ? "" : `.${nanos.slice(0, digits)}`;
  return `${time.toISOString().slice(0, 19)}${fraction}Z`;
}

/** In seconds, as Go reads them, too. */
function decodeDuration(message: Buffer): string {
  const nanos = integer(new Map(fieldsOf(message)).get(1));
  return `${signed(nanos) / 1e9}s`;
}
