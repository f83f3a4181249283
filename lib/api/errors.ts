import type { Status } from "./client.js";
import { printable } from "../net/ip.js";
import type { FieldError } from "../objects/validation.js";

/** What the API server answers where it does not do what was asked: a Kubernetes Status, thrown. */
export class ApiError extends Error {
  constructor(readonly status: Status) {
    super(status.message);
    this.name = "ApiError";
  }

  /** The HTTP status: 404, 409, 422, … */
  get code(): number {
    return this.status.code!;
  }

  /** "NotFound", "Conflict", "Invalid", … */
  get reason(): string {
    return this.status.reason!;
  }
}

/** Whether an error is the API server's answer with one of these codes (404, …), or with any. */
export const isApiError = (error: unknown, ...codes: number[]): error is ApiError =>
  error instanceof ApiError && (codes.length === 0 || codes.includes(error.code));

/**
 * What `call` answers; undefined where the API server refused it with one of `codes` (none: with
 * any), which is fine with the caller: `ignoring([404], () => client.delete("Pod", name))`. Other
 * errors go on.
 */
export function ignoring<T>(codes: readonly number[], call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (isApiError(error, ...codes)) return undefined;
    throw error;
  }
}

/**
 * What a Status says of the object it is about: plural and group for most, the kind for Invalid.
 */
export interface Subject {
  kind: string;
  plural: string;
  group: string;
}

/** Some messages have several lines. */
const escaped = (message: string) => message.split("\n").map(printable).join("\n");

function failure(
  code: number,
  reason: string,
  message: string,
  details?: Status["details"],
): ApiError {
  return new ApiError({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: escaped(message),
    ...(reason && { reason }),
    ...(details && { details }),
    code,
  });
}

const details = ({ plural, group }: Subject, name: string) => ({
  name,
  ...(group && { group }),
  kind: plural,
});
const quoted = ({ plural, group }: Subject, name: string) =>
  `${plural}${group ? `.${group}` : ""} "${printable(name)}"`;

// (k8s.io/apimachinery: pkg/api/errors/errors.go)
export const notFound = (subject: Subject, name: string) =>
  failure(404, "NotFound", `${quoted(subject, name)} not found`, details(subject, name));
export const alreadyExists = (subject: Subject, name: string) =>
  failure(409, "AlreadyExists", `${quoted(subject, name)} already exists`, details(subject, name));
export const beingDeleted = (subject: Subject, name: string) =>
  failure(
    409,
    "AlreadyExists",
    `object is being deleted: ${quoted(subject, name)} already exists`,
    details(subject, name),
  );
export const conflict = (subject: Subject, name: string, why: string) =>
  failure(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${quoted(subject, name)}: ${why}`,
    details(subject, name),
  );
/** Fields of others, which an apply would change. */
export function conflicts(
  subject: Subject,
  name: string,
  causes: readonly { reason: string; message: string; field: string }[],
): ApiError {
  const number = causes.length === 1 ? "1 conflict" : `${causes.length} conflicts`;
  const fieldsOf = (whose: string) =>
    causes.filter(({ message }) => message === whose).map(({ field }) => `\n- ${field}`);
  const all = [...new Set(causes.map(({ message }) => message))];
  const said =
    causes.length === 1
      ? `${causes[0]!.message}: ${causes[0]!.field}`
      : all
          .map((one) => `${one.replace("conflict", "conflicts")}:${fieldsOf(one).join("")}`)
          .join("\n");
  const { status } = conflict(subject, name, "");
  const message = `Apply failed with ${number}: ${said}`;
  return new ApiError({ ...status, message, details: { ...status.details, causes: [...causes] } });
}
export const forbidden = (subject: Subject, name: string, why: string) =>
  failure(
    403,
    "Forbidden",
    `${quoted(subject, name)} is forbidden: ${why}`,
    details(subject, name),
  );
/** Nothing new is made in a namespace that is being deleted; who hears so has nothing to mend. */
const TERMINATING = "NamespaceTerminating";
export function terminating(subject: Subject, name: string, namespace: string): ApiError {
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const message = `namespace ${namespace} is being terminated`;
  const causes = [{ reason: TERMINATING, message, field: "metadata.namespace" }];
  const { status } = forbidden(subject, name, why);
  return new ApiError({ ...status, details: { ...status.details, causes } });
}
export const isTerminating = (error: unknown): boolean =>
  isApiError(error, 403) &&
  (error.status.details?.causes ?? []).some(({ reason }) => reason === TERMINATING);
export const badRequest = (message: string) => failure(400, "BadRequest", message);
export const gone = (message: string) => failure(410, "Expired", message);
export const methodNotAllowed = (message: string) => failure(405, "MethodNotAllowed", message);
export const notAcceptable = (message: string) => failure(406, "NotAcceptable", message);
/** The client took too long to send its request. */
export const requestTimeout = (message: string) => failure(408, "Timeout", message);
export const headersTooLarge = (message: string) =>
  failure(431, "RequestHeaderFieldsTooLarge", message);
export const tooManyRequests = (message: string) => failure(429, "TooManyRequests", message);
/** The server took too long to answer it. */
export const timeout = (message: string) => failure(504, "Timeout", `Timeout: ${message}`);
export const tooLarge = (message: string) => failure(413, "RequestEntityTooLarge", message);
export const unsupportedMediaType = (message: string) =>
  failure(415, "UnsupportedMediaType", message);
export const internal = (message: string) =>
  failure(500, "InternalError", `Internal error occurred: ${message}`);
/** What upstream did not foresee, and answers with 500 and without a reason. */
export const unexpected = (message: string) => failure(500, "", message);
export const serviceUnavailable = (message: string) => failure(503, "ServiceUnavailable", message);
export const unknownPath = () =>
  failure(404, "NotFound", "the server could not find the requested resource");

/** A patch after which the object is none of its kind any more. */
export const invalidPatch = (patched: string, why: string): ApiError =>
  invalid({ kind: "", plural: "", group: "" }, "", [
    {
      field: "patch",
      reason: "FieldValueInvalid",
      message: `Invalid value: ${JSON.stringify(patched)}: ${why}`,
    },
  ]);

/** Options of a request (ListOptions, CreateOptions, …) that contradict themselves. */
export const invalidOptions = (kind: string, problems: readonly FieldError[]): ApiError =>
  invalid({ kind, plural: "", group: "meta.k8s.io" }, "", problems);

/** A revision of which this server has not heard. */
export function tooLargeRevision(asked: number, current: number): ApiError {
  const { status } = timeout(`Too large resource version: ${asked}, current: ${current}`);
  const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
  return new ApiError({ ...status, details: { causes, retryAfterSeconds: 1 } });
}

/** Why an object changed since it was read. */
export const modified =
  "the object has been modified; please apply your changes to the latest version and try again";

export function invalid(subject: Subject, name: string, errors: readonly FieldError[]): ApiError {
  const texts = errors.map(({ field, message }) => `${field}: ${message}`);
  const all = texts.length === 1 ? texts[0]! : `[${texts.join(", ")}]`;
  const shown = `${subject.kind}${subject.group ? `.${subject.group}` : ""} "${printable(name)}" is invalid: ${all}`;
  return failure(422, "Invalid", shown, {
    ...(name && { name }),
    ...(subject.group && { group: subject.group }),
    kind: subject.kind,
    causes: errors.map(({ field, message, reason }) => ({
      reason,
      message: printable(message),
      field: printable(field),
    })),
  });
}
