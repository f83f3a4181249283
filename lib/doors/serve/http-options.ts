import type { DeleteOptions, WriteOptions } from "../../api/client.js";
import * as errors from "../../api/errors.js";
import { decodedAs } from "../../apiserver/decode.js";
import {
  forbidden,
  invalid,
  notSupported,
  required,
  tooLong,
  type FieldError,
} from "../../objects/field-errors.js";

/**
 * The options of a request, as the query gives them: what they mean, and which contradict each
 * other. (apimachinery: pkg/apis/meta/v1/validation, pkg/apis/meta/internalversion/validation)
 */

function refuse(kind: string, problems: readonly FieldError[]): void {
  if (problems.length > 0) throw errors.invalidOptions(kind, problems);
}

/** As Go reads a switch in a query: whatever is not said to be off is on. */
export const flag = (query: URLSearchParams, name: string): boolean =>
  query.has(name) && !["false", "0"].includes(query.get(name)!.toLowerCase());

// ---- commands and containers --------------------------------------------------------------------

/** Which streams somebody wants. */
export interface Streams {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

/** PodExecOptions, PodAttachOptions. @throws where none is wanted */
export function streamsOf(query: URLSearchParams): Streams {
  const [stdin, stdout, tty] = [flag(query, "stdin"), flag(query, "stdout"), flag(query, "tty")];
  const stderr = flag(query, "stderr") && !tty; // a terminal shows both as one
  if (!stdin && !stdout && !stderr)
    throw errors.badRequest("you must specify at least 1 of stdin, stdout, stderr");
  return { stdin, stdout, stderr, tty };
}

// ---- lists and watches --------------------------------------------------------------------------

/** Refuses what a list or a watch cannot be asked for. */
export function checkListOptions(query: URLSearchParams, isWatch: boolean): void {
  refuse("ListOptions", isWatch ? watchProblems(query) : listProblems(query));
  const revision = query.get("resourceVersion") ?? "";
  if (!isWatch && query.get("continue") && revision !== "" && revision !== "0")
    throw errors.badRequest("specifying resource version is not allowed when using continue");
}

function listProblems(query: URLSearchParams): FieldError[] {
  const match = query.get("resourceVersionMatch") ?? "";
  const revision = query.get("resourceVersion") ?? "";
  const at = "resourceVersionMatch";
  const found: FieldError[] = [];
  if (match && revision === "")
    found.push(forbidden(at, `${at} is forbidden unless resourceVersion is provided`));
  if (match && query.get("continue"))
    found.push(forbidden(at, `${at} is forbidden when continue is provided`));
  if (match && match !== "Exact" && match !== "NotOlderThan")
    found.push(notSupported(at, match, ["Exact", "NotOlderThan", ""]));
  if (match === "Exact" && revision === "0")
    found.push(forbidden(at, `${at} "exact" is forbidden for resourceVersion "0"`));
  if (query.has("sendInitialEvents"))
    found.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  return found;
}

function watchProblems(query: URLSearchParams): FieldError[] {
  const match = query.get("resourceVersionMatch") ?? "";
  const initial = query.has("sendInitialEvents");
  const at = "resourceVersionMatch";
  const found: FieldError[] = [];
  if (initial && match !== "NotOlderThan")
    found.push(forbidden(at, `sendInitialEvents requires setting ${at} to NotOlderThan`));
  if (match && !initial)
    found.push(forbidden(at, `${at} is forbidden for watch unless sendInitialEvents is provided`));
  if (match && match !== "NotOlderThan") found.push(notSupported(at, match, ["NotOlderThan"]));
  if (query.get("continue"))
    found.push(forbidden(at, `${at} is forbidden when continue is provided`));
  return found;
}

/** A whole number out of the query, as Go reads one. */
export function whole(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^[+-]?\d{1,18}$/.test(text)) {
    const why = /^[+-]?\d+$/.test(text) ? "value out of range" : "invalid syntax";
    throw errors.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`);
  }
  return Number(text);
}

/** What is wrong with a revision. */
export const notARevision = (text: string): string | undefined =>
  /^\d{1,15}$/.test(text)
    ? undefined
    : `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;

const invalidRevision = (text: string, why: string): string =>
  `resourceVersion: Invalid value: ${JSON.stringify(text)}: ${why}`;

/**
 * The revision that a list or a get must not be older than. `current`: what this server has heard
 * of; a real one waits three seconds for more.
 */
export function checkRevision(query: URLSearchParams, isList: boolean, current: number): void {
  const text = query.get("resourceVersion") ?? "";
  const why = text === "" ? undefined : notARevision(text);
  if (why && isList)
    throw errors.badRequest(`invalid resource version: ${invalidRevision(text, why)}`);
  if (why) throw errors.unexpected(invalidRevision(text, why));
  if (Number(text) > current) throw errors.tooLargeRevision(Number(text), current);
}

/** The revision with which a watch begins. */
export function checkWatchRevision(query: URLSearchParams): void {
  const text = query.get("resourceVersion") ?? "";
  const why = text === "" ? undefined : notARevision(text);
  if (why) throw errors.unexpected(invalidRevision(text, why));
}

// ---- writes -------------------------------------------------------------------------------------

export interface Write extends WriteOptions {
  force: boolean;
}

/** `kind`: CreateOptions, UpdateOptions or PatchOptions; `apply`: it is a server-side apply. */
export function writeOptions(
  query: URLSearchParams,
  kind: "CreateOptions" | "UpdateOptions" | "PatchOptions",
  apply = false,
): Write {
  const fieldManager = query.get("fieldManager") ?? "";
  const validation = query.get("fieldValidation") ?? "";
  const force = query.get("force") === "true";
  refuse(kind, [
    ...(apply && !fieldManager ? [required("fieldManager", "is required for apply patch")] : []),
    ...(kind === "PatchOptions" && !apply && query.has("force")
      ? [forbidden("force", "may not be specified for non-apply patch")]
      : []),
    ...managerProblems(fieldManager),
    ...dryRunProblems(query.getAll("dryRun")),
    ...(["", "Ignore", "Strict", "Warn"].includes(validation)
      ? []
      : [notSupported("fieldValidation", validation, ["", "Ignore", "Strict", "Warn"])]),
  ]);
  return {
    fieldValidation: (validation || "Warn") as NonNullable<WriteOptions["fieldValidation"]>,
    dryRun: query.getAll("dryRun").length > 0,
    force,
    ...(fieldManager && { fieldManager }),
  };
}

const MOST_OF_A_NAME = 128; // bytes (FieldManagerMaxLength)

/** A text in quotes, as Go writes it. */
const inGo = (text: string): string =>
  JSON.stringify(text)
    .replace("\\u0007", "\\a")
    .replace("\\u000b", "\\v")
    .replace(/\\u00([01][0-9a-f])/g, "\\x$1");

function managerProblems(name: string): FieldError[] {
  if (new TextEncoder().encode(name).length > MOST_OF_A_NAME)
    return [tooLong("fieldManager", MOST_OF_A_NAME)];
  const found = /[\p{Cc}\p{Cf}\p{Cs}]/u.exec(name);
  if (!found) return [];
  const code = found[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
  const why = `invalid character U+${code} (at position ${found.index})`;
  const { message } = invalid("fieldManager", "", why);
  return [{ ...invalid("fieldManager", "", why), message: message.replace('""', inGo(name)) }];
}

const dryRunProblems = (asked: readonly unknown[]): FieldError[] =>
  asked.some((one) => one !== "All") ? [notSupported("dryRun", asked, ["All"])] : [];

// ---- deletes ------------------------------------------------------------------------------------

interface DeleteBody {
  kind?: string;
  apiVersion?: string;
  gracePeriodSeconds?: number;
  propagationPolicy?: string;
  orphanDependents?: boolean;
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: string[];
}

const policies = ["Foreground", "Background", "Orphan"];

/** Of the query, or of the body where there is one. */
export function deleteOptions(query: URLSearchParams, raw: unknown): DeleteOptions {
  const body = decodedAs<DeleteBody>("DeleteOptions", raw);
  const { kind, apiVersion = "v1" } = raw as DeleteBody;
  if (kind !== undefined && kind !== "DeleteOptions")
    throw errors.badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
    );
  // who sends a body says all in it (apiserver: pkg/endpoints/handlers/delete.go)
  const hasBody = Object.keys(raw as object).length > 0;
  const asked = hasBody ? new URLSearchParams() : query;
  const grace = body.gracePeriodSeconds ?? whole(asked, "gracePeriodSeconds");
  const policy = body.propagationPolicy ?? asked.get("propagationPolicy") ?? undefined;
  const orphans = body.orphanDependents ?? orphansOf(asked);
  const dryRun = [...(body.dryRun ?? []), ...asked.getAll("dryRun")];
  refuse("DeleteOptions", [
    ...(policy !== undefined && orphans !== undefined
      ? [
          invalid(
            "propagationPolicy",
            policy,
            "orphanDependents and deletionPropagation cannot be both set",
          ),
        ]
      : []),
    ...(policy === undefined || policies.includes(policy)
      ? []
      : [notSupported("propagationPolicy", policy, [...policies, "nil"])]),
    ...dryRunProblems(dryRun),
  ]);
  const propagationPolicy = policy ?? (orphans ? "Orphan" : undefined);
  return {
    // less than nothing is as little as there is (apiserver: pkg/registry/rest/delete.go)
    ...(grace !== undefined && { gracePeriodSeconds: grace < 0 ? 1 : grace }),
    ...(propagationPolicy && {
      propagationPolicy: propagationPolicy as NonNullable<DeleteOptions["propagationPolicy"]>,
    }),
    ...body.preconditions,
    dryRun: dryRun.length > 0,
  };
}

function orphansOf(query: URLSearchParams): boolean | undefined {
  const text = query.get("orphanDependents");
  return text === null ? undefined : text === "true";
}
