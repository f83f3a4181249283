import * as features from "../../objects/kubernetes-features.js";
import type { DeleteOptions, Patch } from "../../api/client.js";
import * as errors from "../../api/errors.js";
import type { ApiServer } from "../../apiserver/apiserver.js";
import { otherNamespace } from "../../apiserver/place.js";
import { decodedAs, notOfThisKind } from "../../apiserver/decode.js";
import { markDisrupted } from "../../controllers/disruption-target.js";
import { stamp } from "../../api/time.js";
import { spent, whyNotEvicted } from "../../apiserver/eviction.js";
import { filterOf } from "../../apiserver/listing.js";
import { endpointsWarning } from "../../apiserver/warnings.js";
import { checkScale, scaled, scaleOf, type Scale } from "../../apiserver/scale.js";
import { converted } from "../../objects/convert.js";
import type { PodDisruptionBudget } from "../../objects/disruption-budgets.js";
import { invalid } from "../../objects/field-errors.js";
import { checkNamespaceFinalizer } from "../../objects/validation-metadata.js";
import { kindInfo, specOf, type KindInfo } from "../../objects/kinds.js";
import type { Kind, KubeObject } from "../../objects/types.js";
import { forwarded } from "./port-forward.js";
import { attached } from "./attach.js";
import { executed } from "./commands.js";
import type { ApiAnswer, ApiRequest, LaterAnswer, StreamStart } from "./exchange.js";
import {
  bodyOf,
  deleteOptions,
  fitted,
  otherVersion,
  patchBody,
  writeOptions,
  appliedBody,
} from "./http-body.js";
import {
  callOf,
  includeObject,
  json,
  listOptions,
  shown,
  success,
  told,
  wantedForm,
  type Call,
  type ResourcePath,
} from "./http-call.js";
import {
  checkListOptions,
  checkRevision,
  checkWatchRevision,
  deleteOptions as deleteOptionsOf,
  flag,
  notARevision,
  whole,
} from "./http-options.js";
import { formOf, metadataOnly } from "./negotiation.js";
import { watch } from "./http-watch.js";
import { statusOf } from "./http-status.js";
import type { Kubelets } from "./kubelets.js";
import { checkLog, logs } from "./logs.js";
import { askedOfKubelet, containerOf, hasHost, noHost, podOf } from "./pod-target.js";
import { isProxied, proxied } from "./proxied.js";
import { goTimeError } from "./go-time.js";
import { isReview, issueToken, review } from "./reviews.js";
import { table } from "./tables.js";
import { componentStatuses, isUnstored } from "./unstored.js";

/**
 * Kubernetes' REST paths: a request becomes a ResourcePath (which kind, which object) and then
 * calls of the same Client that components in the process use. All of it is synchronous, and knows
 * nothing of connections. (kubernetes: staging/src/k8s.io/apiserver/pkg/endpoints/handlers)
 */
export function answer(
  apiserver: ApiServer,
  request: ApiRequest,
  kubelets?: Kubelets,
): ApiAnswer | StreamStart | LaterAnswer {
  try {
    const call = callOf(apiserver, request, kubelets);
    warnOfOld(call, apiserver);
    const answer = inItsGroup(call, () => handle(call));
    if (!("code" in answer) || !call.warnings.any) return answer;
    return { ...answer, headers: { ...answer.headers, Warning: call.warnings.headers() } };
  } catch (error) {
    const status = statusOf(request, error);
    const refusal = json(status.code!, status);
    if (!(error instanceof NotAllowed)) return refusal;
    return { ...refusal, headers: { ...refusal.headers, Allow: error.allowed.join(", ") } };
  }
}

/** What is kept in another group is told by the name of the one that was asked. */
function inItsGroup<T>({ target: { info, name } }: Call, act: () => T): T {
  const kept = kindInfo(info.key);
  try {
    return act();
  } catch (error) {
    const isOther = kept !== undefined && kept.group !== info.group;
    if (!isOther || !errors.isApiError(error, 404, 409)) throw error;
    const { details, message = "" } = error.status;
    if (details?.kind !== info.plural) throw error;
    throw new errors.ApiError({
      ...error.status,
      message: message.replace(`${info.plural} "`, `${info.plural}.${info.group} "`),
      details: { ...details, name: details.name ?? name ?? "", group: info.group },
    });
  }
}

/** Kinds on their way out, as each answer about them says. (k8s.io/api: APILifecycleDeprecated) */
function warnOfOld({ target, warnings }: Call, { kubernetes }: ApiServer): void {
  if (target.info.kind === "Endpoints" && kubernetes.has(features.endpointsWarning))
    warnings.add(endpointsWarning);
}

/**
 * Tables come in larger pages than asked for, as a server may: kubectl asks for 500 rows at a time,
 * but holds itself to 5 requests a second.
 */
const leastRows = 5000;

/** Subresources that Kubernetes has and this server has not, with what to do instead. */
const missing = new Map([
  ["log", "its containers have no output"],
  ["portforward", "use `stopover packet` or `stopover journey` to follow a connection"],
  ["proxy", "there is no network here"],
]);

function notOffered(info: KindInfo, subresource: string, name?: string): errors.ApiError {
  const instead = missing.get(subresource);
  // (apiextensions-apiserver: customresource_handler.go)
  const isCustom = info.definedBy !== undefined && ["status", "scale"].includes(subresource);
  if (isCustom && name !== undefined) return errors.notFound(info, name);
  if (instead === undefined) return errors.unknownPath();
  return errors.methodNotAllowed(
    `Stopover does not offer ${info.plural}/${subresource}: ${instead}`,
  );
}

/** A wrong method for a path, and the right ones. */
class NotAllowed extends errors.ApiError {
  constructor(readonly allowed: readonly string[]) {
    const why = "the server does not allow this method on the requested resource";
    super(errors.methodNotAllowed(why).status);
  }
}

const methods = {
  collection: ["GET", "POST", "DELETE"],
  // of all namespaces together, nothing can be made or removed
  everywhere: ["GET"],
  // one by one only (pkg/registry/core/namespace)
  namespaces: ["GET", "POST"],
  object: ["GET", "PUT", "PATCH", "DELETE"],
  status: ["GET", "PUT", "PATCH"],
  scale: ["GET", "PUT", "PATCH"],
  binding: ["POST"],
  eviction: ["POST"],
  token: ["POST"],
  review: ["POST"],
  ephemeralcontainers: ["GET", "PUT", "PATCH"],
  resize: ["GET", "PUT", "PATCH"],
  exec: ["GET", "POST"],
  attach: ["GET", "POST"],
  portforward: ["GET", "POST"],
  proxy: ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"],
  log: ["GET"],
  finalize: ["PUT"],
} as const;

function handle(call: Call): ApiAnswer | StreamStart | LaterAnswer {
  const { name } = call.target;
  const { method } = call.request;
  if (isUnstored(call.target.info)) return unstored(call);
  const under = isReview(call)
    ? "review"
    : name === undefined
      ? collectionOf(call.target)
      : subresourceOf(call);
  const allowed: readonly string[] = methods[under];
  if (!allowed.includes(method)) throw new NotAllowed(allowed);
  if (under === "proxy") return proxied(call);
  switch (method) {
    case "GET":
      checkRead(call);
      if (isAsked(under)) return asked[under](call);
      if (isWatch(call)) {
        filterOf(call.target.info, listOptions(call)); // what cannot be selected by is no stream
        if (formOf(call.request.accept).type === "application/yaml")
          throw errors.notAcceptable(streamTypes);
        return { begin: watch(call) };
      }
      return name === undefined ? list(call) : read(call);
    case "POST":
      if (isAsked(under)) return asked[under](call);
      return create(call);
    case "PUT":
      return update(call);
    case "PATCH":
      return patch(call);
    default:
      return name === undefined ? removeAll(call) : remove(call);
  }
}

/** A Binding is posted, and a ComponentStatus read. */
function unstored(call: Call): ApiAnswer {
  const { info, name, subresource, namespace } = call.target;
  const isBinding = (info.kind as string) === "Binding";
  if (subresource !== undefined || isBinding === (namespace === undefined || name !== undefined))
    throw errors.unknownPath();
  const allowed = [isBinding ? "POST" : "GET"];
  if (!allowed.includes(call.request.method)) throw new NotAllowed(allowed);
  return isBinding ? bind(call, bodyOf(call)) : componentStatuses(call);
}

function collectionOf({ info, namespace }: ResourcePath): keyof typeof methods {
  if (info.kind === "Namespace") return "namespaces";
  return info.namespaced && namespace === undefined ? "everywhere" : "collection";
}

const podsOwn = ["ephemeralcontainers", "resize"] as const;

function subresourceOf(call: Call): keyof typeof methods {
  const { info, subresource, namespace } = call.target;
  if (info.namespaced && namespace === undefined) throw errors.unknownPath();
  if (subresource === undefined) return "object";
  const offered = info.kind === "Pod" ? [...info.subresources, ...podsOwn] : info.subresources;
  if (info.kind === "Pod" && call.kubelets && isAsked(subresource)) return subresource;
  if (subresource === "proxy" && call.kubelets && isProxied(info)) return subresource;
  const found = offered.find((one) => one === subresource);
  if (found === undefined) throw whyNot(call, subresource);
  return found;
}

/** What a kubelet is asked for. */
const asked = { exec: executed, attach: attached, log: logs, portforward: forwarded };

const isAsked = (subresource: string): subresource is keyof typeof asked =>
  Object.hasOwn(asked, subresource);

/** What a kubelet would have to be asked for is looked at before that is said. */
function whyNot(call: Call, subresource: string): errors.ApiError {
  const { query, target } = call;
  const { info, name } = target;
  if (info.kind !== "Pod" || !askedOfKubelet.has(subresource))
    return notOffered(info, subresource, name);
  if (subresource === "log") checkLog(name!, query);
  const pod = podOf(call);
  if (subresource !== "portforward") containerOf(pod, query.get("container"));
  return hasHost(call, pod) ? notOffered(info, subresource) : noHost(pod);
}

/** YAML is not told piece by piece. */
const streamTypes =
  "only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";

/** Refuses what cannot be asked for, or not yet. */
function checkRead(call: Call): void {
  const { apiserver, target, query } = call;
  const isList = target.name === undefined || isWatch(call);
  if (isList) whole(query, "timeoutSeconds");
  if (isList) checkListOptions(query, isWatch(call));
  if (isWatch(call)) return checkWatchRevision(query);
  // what another API server has written may be news to this one
  const { store } = apiserver;
  checkRevision(query, isList, store.immediate ? store.revision : Infinity);
}

const isWatch = ({ query }: Call): boolean => flag(query, "watch");

// ---- reading ------------------------------------------------------------------------------------

function read(call: Call): ApiAnswer {
  const {
    client,
    target: { info, name, namespace, subresource },
  } = call;
  const object = client.get(info.key, name!, namespace);
  return shown(call, 200, subresource === "scale" ? scaleOf(object) : object, [object]);
}

function list(call: Call): ApiAnswer {
  const {
    client,
    target: { info },
    query,
  } = call;
  const form = wantedForm(call);
  const asTable = form.as === "Table";
  const asked = listOptions(call);
  const options =
    asTable && asked.limit ? { ...asked, limit: Math.max(asked.limit, leastRows) } : asked;
  const {
    items,
    resourceVersion,
    continue: next,
    remainingItemCount,
  } = client.list(info.key, options);
  const metadata = {
    resourceVersion,
    ...(next && { continue: next }),
    ...(remainingItemCount !== undefined && { remainingItemCount }),
  };
  if (asTable)
    return told(
      form,
      200,
      table(info, items, call.apiserver.clock.now(), includeObject(query), metadata),
    );
  if (form.as === "PartialObjectMetadata")
    throw errors.notAcceptable(
      `you requested PartialObjectMetadata, but the requested object is a list (*core.${info.kind}List)`,
    );
  if (form.as !== "Object")
    return told(form, 200, {
      kind: "PartialObjectMetadataList",
      apiVersion: "meta.k8s.io/v1",
      metadata,
      items: items.map(metadataOnly),
    });
  const { kind, apiVersion } = info;
  const versioned = items.map((one) => converted(one, info));
  return told(form, 200, { kind: `${kind}List`, apiVersion, metadata, items: versioned });
}

// ---- writing ------------------------------------------------------------------------------------

function create(call: Call): ApiAnswer {
  const {
    client,
    target: { info, namespace, name, subresource },
  } = call;
  if (isReview(call)) return review(call);
  if (subresource === "token") return issueToken(call);
  const body = bodyOf(call);
  if (subresource === "binding") return bind(call, body);
  if (subresource === "eviction") return evict(call, body);
  const object = fitted(body, info, namespace, name);
  checkMicroTimes(object);
  const created = client.create(object, writeOptions(call, "CreateOptions"));
  return shown(call, 201, created, [created]);
}

/** Some moments have six digits after the second, and Go's parser wants all of them. */
function checkMicroTimes({ kind, apiVersion, ...rest }: KubeObject): void {
  const { spec = {}, eventTime } = rest as { spec?: Record<string, unknown>; eventTime?: unknown };
  const moments = kind === "Lease" ? [spec["acquireTime"], spec["renewTime"]] : [eventTime];
  if (kind !== "Lease" && kind !== "Event") return;
  for (const moment of moments) {
    const why = typeof moment === "string" ? goTimeError(moment, true) : undefined;
    if (why === undefined || moment === "") continue;
    throw errors.badRequest(
      `${kind} in version ${JSON.stringify(apiVersion.split("/").pop())} cannot be handled as a ${kind}: ${why}`,
    );
  }
}

const done = (code: number): ApiAnswer => json(code, { ...success(), code });

/** What is posted to a sub-resource is of its kind, and about the object that the path names. */
function checkNamed({ target }: Call, body: Record<string, unknown>, kind: string): void {
  const { metadata } = body as { metadata?: { name?: string } | null };
  checkKind(body, kind);
  if (metadata?.name !== undefined && metadata.name !== target.name)
    throw errors.badRequest(`name in URL does not match name in ${kind} object`);
}

function checkKind(body: Record<string, unknown>, wanted: string): void {
  const { kind = wanted, apiVersion = "" } = body;
  if (kind === wanted) return;
  const why = notOfThisKind(kind, apiVersion, { kind: wanted, group: groupOf[wanted]! });
  const named = typeof kind === "string" ? kind : JSON.stringify(kind);
  const version = typeof apiVersion === "string" ? apiVersion.split("/").pop() : "";
  throw errors.badRequest(
    `${named} in version ${JSON.stringify(version)} cannot be handled as a ${wanted}: ${why}`,
  );
}

const groupOf: Readonly<Record<string, string>> = {
  Binding: "",
  Eviction: "policy",
  Scale: "autoscaling",
};

/** (pkg/apis/core/validation, ValidatePodBinding) */
function bind(call: Call, body: Record<string, unknown>): ApiAnswer {
  const { client, target } = call;
  const { metadata } = body as { metadata?: { name?: string; namespace?: string } };
  if (target.name === undefined) checkKind(body, "Binding");
  else checkNamed(call, body, "Binding");
  const pod = target.name ?? metadata?.name;
  if ((metadata?.namespace ?? target.namespace) !== target.namespace) throw otherNamespace();
  if (!pod) throw errors.badRequest("Name parameter required.");
  const { kind = "", name = "" } = (body["target"] ?? {}) as { kind?: string; name?: string };
  const problems = [
    ...(kind === "" || kind === "Node"
      ? []
      : [
          `target.kind: Unsupported value: ${JSON.stringify(kind)}: supported values: "Node", "<empty>"`,
        ]),
    ...(name === "" ? ["target.name: Required value"] : []),
  ];
  if (problems.length > 0)
    throw errors.unexpected(problems.length > 1 ? `[${problems.join(", ")}]` : problems[0]!);
  client.bind(pod, target.namespace, name, writeOptions(call, "CreateOptions"));
  return done(201);
}

/** A Pod goes if its disruption budgets allow it. (policy/v1 Eviction) */
function evict(call: Call, body: Record<string, unknown>): ApiAnswer {
  const { client, target, query } = call;
  checkNamed(call, { metadata: { name: "" }, ...body }, "Eviction");
  const pod = client.get("Pod", target.name!, target.namespace);
  const { deleteOptions = {} } = body as { deleteOptions?: { dryRun?: unknown } };
  const dryRun = query.getAll("dryRun");
  // as with the options that it says itself (propagateDryRun)
  const own = (deleteOptions.dryRun ?? []) as unknown[];
  if (dryRun.length > 0 && own.length > 0 && dryRun.join() !== own.join())
    throw errors.unexpected(
      `Non-matching dry-run options in request and content: [${dryRun.join(" ")}] and [${own.join(" ")}]`,
    );
  const asked = dryRun.length > 0 ? { ...deleteOptions, dryRun } : deleteOptions;
  const options = deleteOptionsOf(query, asked);
  const inNamespace = target.namespace === undefined ? {} : { namespace: target.namespace };
  const { items } = client.list("PodDisruptionBudget" as Kind, inNamespace);
  const budgets = items as readonly KubeObject[] as readonly PodDisruptionBudget[];
  const why = whyNotEvicted(pod, budgets);
  if (why) throw why;
  if (options.dryRun) return done(201);
  const { clock } = call.apiserver;
  const budget = spent(pod, budgets, stamp(clock.now()));
  if (budget) client.updateStatus(budget);
  markDisrupted({ client, clock }, pod, "eviction");
  client.delete("Pod", target.name!, target.namespace, options);
  return done(201);
}

function update(call: Call): ApiAnswer {
  const {
    client,
    target: { info, namespace, name, subresource },
  } = call;
  const body = bodyOf(call);
  if (subresource === "scale") {
    checkKind(body, "Scale");
    const { apiVersion = "autoscaling/v1" } = body;
    if (apiVersion !== "autoscaling/v1") throw otherVersion(apiVersion, "autoscaling/v1");
    const options = writeOptions(call, "UpdateOptions");
    const scale = decodedAs<Scale>("Scale", body, options);
    checkScale(scale, name!);
    const scaledObject = client.update(
      scaled(client.get(info.key, name!, namespace), scale),
      options,
    );
    return shown(call, 200, scaleOf(scaledObject), [scaledObject]);
  }
  const { metadata } = body as { metadata?: { name?: string } };
  if (!metadata?.name)
    throw errors.badRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    );
  const object = fitted(body, info, namespace, name);
  // as if nothing were said of it
  if (object.metadata.resourceVersion === "0") delete object.metadata.resourceVersion;
  const revision = object.metadata.resourceVersion;
  const why = revision ? notARevision(revision) : undefined;
  if (why) throw errors.unexpected(why);
  const under = own.find((one) => one === subresource);
  if (under === "finalize") checkFinalizers(name!, object);
  const options = { ...writeOptions(call, "UpdateOptions"), under };
  if (subresource === undefined && createdByUpdate.has(info.kind) && !isThere(call))
    return create(call);
  if (
    !revision &&
    (info.definedBy || mustSayRevision.has(info.kind)) &&
    client.get(info.key, name!, namespace)
  )
    throw errors.invalid({ ...info, kind: info.plural }, name!, [
      invalid("metadata.resourceVersion", 0, "must be specified for an update"),
    ]);
  const updated =
    subresource === "status"
      ? client.updateStatus(object, options)
      : client.update(object, options);
  return shown(call, 200, updated, [updated]);
}

/** (ValidateNamespaceFinalizeUpdate) */
function checkFinalizers(name: string, object: KubeObject): void {
  const { finalizers = [] } = (specOf(object) ?? {}) as { finalizers?: string[] };
  const problems = finalizers.flatMap((one, i) =>
    checkNamespaceFinalizer(one, `spec.finalizers[${i}]`),
  );
  if (problems.length > 0)
    throw errors.invalid({ kind: "Namespace", plural: "namespaces", group: "" }, name, problems);
}

/** Sub-resources that are parts, and are written as the object is. */
const own = ["finalize", "ephemeralcontainers", "resize"] as const;

/** What nobody may overwrite unseen. (pkg/registry, AllowUnconditionalUpdate) */
const mustSayRevision = new Set(
  "CSIDriver CSINode CSIStorageCapacity Lease MutatingWebhookConfiguration PodDisruptionBudget RuntimeClass ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration VolumeAttachment".split(
    " ",
  ),
);

/** What a PUT makes where there is none. (pkg/registry, AllowCreateOnUpdate) */
const createdByUpdate = new Set([
  "Service",
  "Endpoints",
  "Event",
  "Lease",
  "LimitRange",
  "Role",
  "RoleBinding",
  "ClusterRole",
  "ClusterRoleBinding",
  "RuntimeClass",
]);

const isThere = ({ client, target: { info, name, namespace } }: Call): boolean =>
  errors.ignoring([404], () => client.get(info.key, name!, namespace)) !== undefined;

const patchTypes = new Map<string, Exclude<Patch["type"], "apply">>([
  ["application/json-patch+json", "json"],
  ["application/merge-patch+json", "merge"],
  ["application/strategic-merge-patch+json", "strategic"],
]);

function patchOf({ client, request, target }: Call): unknown {
  const { info, namespace, name, subresource } = target;
  let body: unknown;
  try {
    body = patchBody(request);
  } catch (error) {
    client.get(info.key, name!, namespace); // what is not there comes first
    throw error;
  }
  const { metadata } = (body ?? {}) as { metadata?: { uid?: unknown } | null };
  const uid = metadata?.uid;
  if (uid === undefined || uid === null) return body;
  const own = client.get(info.key, name!, namespace).metadata.uid;
  if (uid !== own && subresource === "scale")
    throw errors.conflict(
      { ...info, plural: `${info.plural}/scale` },
      name!,
      `Precondition failed: UID in precondition: ${String(uid)}, UID in object meta: ${own}`,
    );
  if (uid !== own)
    throw errors.invalid(info, name!, [invalid("metadata.uid", uid, "field is immutable")]);
  return body;
}

/** Sub-resources that take patches of their own. */
const doors = ["status", "scale", "ephemeralcontainers", "resize"] as const;

function patch(call: Call): ApiAnswer {
  const {
    client,
    target: { info, namespace, name, subresource },
    request,
  } = call;
  const { contentType = "" } = request;
  const type = patchTypes.get(contentType);
  if (contentType === "application/apply-patch+yaml") return apply(call);
  if (!type) throw errors.unsupportedMediaType("415: Unsupported Media Type");
  const body = patchOf(call);
  const door = doors.find((one) => one === subresource);
  const under = door ? { subresource: door } : {};
  const result = client.patch(
    info.key,
    name!,
    namespace,
    { type, body },
    { ...writeOptions(call, "PatchOptions"), ...under },
  );
  if (subresource === "scale") return shown(call, 200, scaleOf(result), [result]);
  return shown(call, 200, result, [result]);
}

function apply(call: Call): ApiAnswer {
  const { client, target } = call;
  const { info, namespace, name, subresource } = target;
  const { force, ...options } = writeOptions(call, "PatchOptions", true);
  const body = asStored(appliedBody(call), info);
  const made = !isThere(call);
  const patch = { type: "apply", body, force } as const;
  const door = doors.find((one) => one === subresource);
  const under = door ? { subresource: door } : {};
  const result = client.patch(info.key, name!, namespace, patch, { ...options, ...under });
  if (subresource === "scale") return shown(call, 200, scaleOf(result), [result]);
  return shown(call, made ? 201 : 200, result, [result]);
}

/** What is applied by another version than the one that is kept is that one here. */
function asStored(body: unknown, info: KindInfo): unknown {
  const kept = kindInfo(info.key)?.apiVersion;
  const { apiVersion } = body as { apiVersion?: unknown };
  return kept !== undefined && apiVersion === info.apiVersion
    ? { ...(body as object), apiVersion: kept }
    : body;
}

function remove(call: Call): ApiAnswer {
  const {
    apiserver,
    client,
    target: { info, namespace, name },
  } = call;
  const options = { ...defaultPolicy(info), ...deleteOptions(call) };
  if ((info.kind as string) === "PriorityClass" && name!.startsWith("system-"))
    throw errors.forbidden(info, name!, "this is a system priority class and cannot be deleted");
  const object = client.get(info.key, name!, namespace);
  client.delete(info.key, name!, namespace, options);
  const left = stillThere(apiserver, info, object);
  if (left) return shown(call, 200, left, [left]);
  if (answered.has(info.kind)) return shown(call, 200, goneNow(object), [object]);
  return json(
    200,
    success({
      name: name!,
      ...(info.group && { group: info.group }),
      kind: info.plural,
      uid: object.metadata.uid!,
    }),
  );
}

/** Old kinds leave their Pods behind, if nobody says otherwise. (DefaultGarbageCollectionPolicy) */
const defaultPolicy = ({ key }: KindInfo): DeleteOptions =>
  ["ReplicationController", "Job"].includes(key) ? { propagationPolicy: "Orphan" } : {};

/** Of these the last state is the answer, and no Status. (pkg/registry, ReturnDeletedObject) */
const answered = new Set([
  "Pod",
  "Service",
  "ServiceAccount",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "PodTemplate",
  "ResourceQuota",
  "StorageClass",
  "VolumeAttachment",
  "CSIDriver",
  "CSINode",
  "DeviceClass",
  "ResourceClaim",
  "CustomResourceDefinition",
]);

const goneNow = (object: KubeObject): KubeObject =>
  object.kind === "Pod"
    ? { ...object, metadata: { ...object.metadata, deletionGracePeriodSeconds: 0 } }
    : object;

function stillThere(
  apiserver: ApiServer,
  info: KindInfo,
  { metadata: { name, namespace, uid } }: KubeObject,
): KubeObject | undefined {
  const [found] = apiserver.list(info.key, {
    ...(namespace && { namespace }),
    fieldSelector: `metadata.name=${name}`,
  }).items;
  return found?.metadata.uid === uid ? found : undefined;
}

function removeAll(call: Call): ApiAnswer {
  const {
    client,
    target: { info },
  } = call;
  const options = deleteOptions(call);
  const { items, resourceVersion } = client.list(info.key, listOptions(call));
  for (const { metadata } of items)
    client.delete(info.key, metadata.name, metadata.namespace, options);
  const { kind, apiVersion } = info;
  return json(200, { kind: `${kind}List`, apiVersion, metadata: { resourceVersion }, items });
}
