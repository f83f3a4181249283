/**
 * What is asked, answered and never stored: may somebody do something, who is it, a token. Here
 * everybody may do everything and nobody says who they are, as with kube-apiserver's
 * --authorization-mode=AlwaysAllow and --anonymous-auth. (kubernetes: pkg/registry/authorization,
 * pkg/registry/authentication, pkg/registry/core/serviceaccount/storage/token.go)
 */
import { decoded, decodedAs } from "../../apiserver/decode.js";
import * as errors from "../../api/errors.js";
import {
  forbidden,
  invalid,
  notSupported,
  required,
  type FieldError,
} from "../../objects/field-errors.js";
import { kindInfo } from "../../objects/kinds.js";
import { ISSUER, unsigned } from "../../node/kubelet/containers/token.js";
import type { Kind, KubeObject } from "../../objects/types.js";
import type { ApiAnswer } from "./exchange.js";
import { bodyOf, fitted, writeOptions } from "./http-body.js";
import { told, wantedForm, type Call } from "./http-call.js";

interface AccessSpec {
  user?: string;
  groups?: string[];
  resourceAttributes?: {
    namespace?: string;
    fieldSelector?: Selector;
    labelSelector?: Selector;
  };
  nonResourceAttributes?: { path?: string; verb?: string };
  namespace?: string;
  token?: string;
}
interface Selector {
  rawSelector?: string;
  requirements?: { key?: string; operator?: string; values?: string[] }[];
}
type Review = KubeObject & { spec?: AccessSpec };

export const isReview = ({ target }: Call): boolean => target.info.kind.endsWith("Review");

/** The review with its answer. */
export function review(call: Call): ApiAnswer {
  const { target } = call;
  const options = writeOptions(call, "CreateOptions");
  const body = fitted(bodyOf(call), target.info, target.namespace, undefined);
  const asked: Review = decoded(target.info, body, options);
  const answer = answers[target.info.kind]!(asked, call);
  const { apiVersion, kind, metadata } = asked;
  return told(wantedForm(call), 201, { kind, apiVersion, metadata, ...answer });
}

type Answer = (asked: Review, call: Call) => { spec?: object; status: object };

const allowed: Answer = ({ spec = {} }) => ({ spec, status: { allowed: true } });

const answers: Readonly<Record<string, Answer>> = {
  SelfSubjectAccessReview: (asked, call) => {
    refuse(call, checkAttributes(asked.spec));
    return allowed(asked, call);
  },
  SubjectAccessReview: (asked, call) => {
    refuse(call, [...checkAttributes(asked.spec), ...checkUser(asked.spec)]);
    return allowed(asked, call);
  },
  LocalSubjectAccessReview: (asked, call) => {
    const namespace = asked.spec?.resourceAttributes?.namespace ?? "";
    refuse(call, [
      ...checkAttributes(asked.spec),
      ...checkUser(asked.spec),
      ...(namespace === call.target.namespace
        ? []
        : [
            invalid(
              "spec.resourceAttributes.namespace",
              namespace,
              "must match metadata.namespace",
            ),
          ]),
    ]);
    return allowed(asked, call);
  },
  SelfSubjectRulesReview: ({ spec }) => {
    if (!spec?.namespace) throw errors.badRequest("no namespace on request");
    return { spec: {}, status: everything };
  },
  SelfSubjectReview: (_, { apiserver }) => {
    const creationTimestamp = secondsOf(apiserver.clock.now());
    return { metadata: { creationTimestamp }, status: { userInfo: nobody } };
  },
  TokenReview: ({ spec = {} }) => {
    if (!spec.token) throw errors.badRequest("token is required for TokenReview in authentication");
    return { spec, status: { user: {}, error: "invalid bearer token" } };
  },
};

const everything = {
  resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
  nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
  incomplete: false,
};

const nobody = { username: "system:anonymous", groups: ["system:unauthenticated"] };

/** (pkg/apis/authorization/validation) */
function checkAttributes(spec: AccessSpec = {}): FieldError[] {
  const { resourceAttributes, nonResourceAttributes } = spec;
  if (resourceAttributes && nonResourceAttributes)
    return [
      invalid(
        "spec.nonResourceAttributes",
        { Path: nonResourceAttributes.path ?? "", Verb: nonResourceAttributes.verb ?? "" },
        "cannot be specified in combination with resourceAttributes",
      ),
    ];
  if (resourceAttributes) {
    const { fieldSelector: fields, labelSelector: labels } = resourceAttributes;
    const at = "spec.resourceAttributes";
    return [
      ...(fields ? checkSelector(fields, `${at}.fieldSelector`) : []),
      ...(labels ? checkSelector(labels, `${at}.labelSelector`) : []),
    ];
  }
  if (nonResourceAttributes) return [];
  const why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
  return [invalid("spec.resourceAttributes", null, why)];
}

/** (pkg/apis/authorization/validation, validateFieldSelectorAttributes) */
function checkSelector(
  { rawSelector = "", requirements = [] }: Selector,
  at: string,
): FieldError[] {
  if (rawSelector !== "" && requirements.length > 0) {
    const why = "may not specified at the same time as requirements";
    return [invalid(`${at}.rawSelector`, rawSelector, why), ...ofRequirements(requirements, at)];
  }
  if (rawSelector === "" && requirements.length === 0)
    return [
      required(
        `${at}.requirements`,
        `when ${at} is specified, requirements or rawSelector is required`,
      ),
    ];
  return ofRequirements(requirements, at);
}

const operators = ["In", "NotIn", "Exists", "DoesNotExist"];

const ofRequirements = (all: NonNullable<Selector["requirements"]>, at: string): FieldError[] =>
  all.flatMap(({ key = "", operator = "", values = [] }, i) => {
    const here = `${at}.requirements[${i}]`;
    const isSet = operator === "In" || operator === "NotIn";
    return [
      ...(key === "" ? [required(`${here}.key`, "must be specified")] : []),
      ...(isSet && values.length === 0
        ? [required(`${here}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
        : []),
      ...(!isSet && operators.includes(operator) && values.length > 0
        ? [
            forbidden(
              `${here}.values`,
              "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ),
          ]
        : []),
      ...(operators.includes(operator)
        ? []
        : [notSupported(`${here}.operator`, operator, operators)]),
    ];
  });

const checkUser = ({ user, groups = [] }: AccessSpec = {}): FieldError[] =>
  user || groups.length > 0
    ? []
    : [invalid("spec.user", "", "at least one of user or group must be specified")];

/** Upstream leaves the kind out of these. */
function refuse({ target }: Call, problems: FieldError[]): void {
  const { group } = target.info;
  if (problems.length > 0) throw errors.invalid({ kind: "", plural: "", group }, "", problems);
}

// ---- tokens -------------------------------------------------------------------------------------

interface BoundTo {
  kind?: string;
  apiVersion?: string;
  name?: string;
  uid?: string;
}
interface TokenRequest {
  spec?: { audiences?: string[]; expirationSeconds?: number; boundObjectRef?: BoundTo };
}

const HOUR = 3600; // seconds
const LEAST = 600; // seconds
const MOST = 2 ** 32; // seconds

/** A token that says whose it is; nobody signs it, since nobody here asks for one. */
export function issueToken(call: Call): ApiAnswer {
  const { client, target, apiserver } = call;
  const { name, namespace } = target;
  const account = client.get(target.info.key, name!, namespace);
  const { spec = {} } = decodedAs<TokenRequest>("authentication.v1.TokenRequest", bodyOf(call));
  const { expirationSeconds = HOUR, boundObjectRef = null } = spec;
  checkDuration(expirationSeconds);
  if (spec.boundObjectRef) checkBound(call, spec.boundObjectRef);
  const audiences = spec.audiences?.length ? spec.audiences : [ISSUER];
  const now = Math.floor(apiserver.clock.now() / 1000);
  const expires = now + expirationSeconds;
  const { uid } = account.metadata;
  const token = unsigned({
    aud: audiences,
    exp: expires,
    iat: now,
    iss: ISSUER,
    "kubernetes.io": { namespace, serviceaccount: { name, uid } },
    nbf: now,
    sub: `system:serviceaccount:${namespace}:${name}`,
  });
  return told(wantedForm(call), 201, {
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: { name, namespace, uid, creationTimestamp: secondsOf(now * 1000) },
    spec: { audiences, expirationSeconds, boundObjectRef },
    status: { token, expirationTimestamp: secondsOf(expires * 1000) },
  });
}

/** (pkg/registry/core/serviceaccount/storage/token.go) */
function checkBound(
  { client, target }: Call,
  { kind = "", apiVersion = "", ...ref }: BoundTo,
): void {
  const { name = "", uid = "" } = ref;
  if (apiVersion !== "v1" || !["Pod", "Secret", "Node"].includes(kind))
    throw errors.badRequest(
      `cannot bind token to object of type ${apiVersion.includes("/") ? apiVersion : `/${apiVersion}`}, Kind=${kind}`,
    );
  const namespace = kind === "Node" ? undefined : target.namespace;
  const there: KubeObject = client.get(kind as Kind, name, namespace);
  if (uid === "" || uid === there.metadata.uid) return;
  throw errors.conflict(
    kindInfo(kind)!,
    name,
    `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
  );
}

/** (pkg/apis/authentication/validation) */
function checkDuration(seconds: number): void {
  const why =
    seconds < LEAST
      ? "may not specify a duration less than 10 minutes"
      : seconds > MOST
        ? "may not specify a duration larger than 2^32 seconds"
        : undefined;
  if (why === undefined) return;
  const subject = { kind: "TokenRequest", plural: "", group: "authentication.k8s.io" };
  throw errors.invalid(subject, "", [invalid("spec.expirationSeconds", seconds, why)]);
}

const secondsOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
