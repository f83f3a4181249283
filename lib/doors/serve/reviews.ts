/**
 * What is asked, answered and never stored: may somebody do something, who is it, a token. Here
 * everybody may do everything and nobody says who they are, as with kube-apiserver's
 * --authorization-mode=AlwaysAllow and --anonymous-auth. (kubernetes: pkg/registry/authorization,
 * pkg/registry/authentication, pkg/registry/core/serviceaccount/storage/token.go)
 */
import { decoded, decodedAs } from "../../apiserver/decode.js";
import * as errors from "../../api/errors.js";
import { invalid, type FieldError } from "../../objects/field-errors.js";
import { ISSUER, unsigned } from "../../node/kubelet/containers/token.js";
import type { KubeObject } from "../../objects/types.js";
import type { ApiAnswer } from "./exchange.js";
import { bodyOf, fitted, writeOptions } from "./http-body.js";
import { told, wantedForm, type Call } from "./http-call.js";

interface AccessSpec {
  user?: string;
  groups?: string[];
  resourceAttributes?: { namespace?: string };
  nonResourceAttributes?: { path?: string; verb?: string };
  namespace?: string;
  token?: string;
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
  if (resourceAttributes || nonResourceAttributes) return [];
  const why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
  return [invalid("spec.resourceAttributes", null, why)];
}

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

interface TokenRequest {
  spec?: { audiences?: string[]; expirationSeconds?: number; boundObjectRef?: object };
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
