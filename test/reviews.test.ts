/** What is asked and never stored: kubectl auth can-i, auth whoami, create token. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import { RealClock } from "stopover/internal/machinery/real-clock";
import { serve, type Serving } from "stopover/serve";

const test = suite("reviews");
let serving: Serving;
test.before(async () => {
  const apiserver = new ApiServer({ clock: new RealClock(), random: Math.random });
  serving = await serve({ apiserver, port: 0 });
  await post("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "robot" } });
});
test.after(() => serving.close());

interface Answer {
  code: number;
  body: { message?: string; status?: Record<string, unknown>; spec?: object };
}
async function post(path: string, body: object): Promise<Answer> {
  const answer = await fetch(serving.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { code: answer.status, body: (await answer.json()) as Answer["body"] };
}

const authorization = "/apis/authorization.k8s.io/v1";
const authentication = "/apis/authentication.k8s.io/v1";
const pods = { verb: "get", resource: "pods" };

const answered: Record<string, [path: string, body: object, status: object]> = {
  "may I": [
    `${authorization}/selfsubjectaccessreviews`,
    { spec: { resourceAttributes: pods } },
    { allowed: true },
  ],
  "may joe": [
    `${authorization}/subjectaccessreviews`,
    { spec: { user: "joe", nonResourceAttributes: { path: "/x", verb: "get" } } },
    { allowed: true },
  ],
  "may joe, in a namespace": [
    `${authorization}/namespaces/default/localsubjectaccessreviews`,
    { spec: { user: "joe", resourceAttributes: { ...pods, namespace: "default" } } },
    { allowed: true },
  ],
  "what may I": [
    `${authorization}/selfsubjectrulesreviews`,
    { spec: { namespace: "default" } },
    {
      resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
      nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
      incomplete: false,
    },
  ],
  "who am I": [
    `${authentication}/selfsubjectreviews`,
    {},
    { userInfo: { username: "system:anonymous", groups: ["system:unauthenticated"] } },
  ],
  "whose is this token": [
    `${authentication}/tokenreviews`,
    { spec: { token: "abc" } },
    { user: {}, error: "invalid bearer token" },
  ],
};
for (const [what, [path, body, status]] of Object.entries(answered))
  test(what, async () => {
    const got = await post(path, body);
    assert.is(got.code, 201);
    assert.equal(got.body.status, status);
  });

const refused: Record<string, [path: string, body: object, code: number, message: string]> = {
  "nothing to ask": [
    `${authorization}/selfsubjectaccessreviews`,
    { spec: {} },
    422,
    '.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
  ],
  "two things at once": [
    `${authorization}/selfsubjectaccessreviews`,
    { spec: { resourceAttributes: pods, nonResourceAttributes: { path: "/" } } },
    422,
    '.authorization.k8s.io "" is invalid: spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":""}: cannot be specified in combination with resourceAttributes',
  ],
  "of nobody": [
    `${authorization}/subjectaccessreviews`,
    { spec: { resourceAttributes: pods } },
    422,
    '.authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be specified',
  ],
  "of another namespace": [
    `${authorization}/namespaces/default/localsubjectaccessreviews`,
    { spec: { user: "joe", resourceAttributes: { ...pods, namespace: "x" } } },
    422,
    '.authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "x": must match metadata.namespace',
  ],
  "no namespace": [
    `${authorization}/selfsubjectrulesreviews`,
    { spec: {} },
    400,
    "no namespace on request",
  ],
  "no token": [
    `${authentication}/tokenreviews`,
    {},
    400,
    "token is required for TokenReview in authentication",
  ],
  "a token for a minute": [
    "/api/v1/namespaces/default/serviceaccounts/robot/token",
    { spec: { expirationSeconds: 60 } },
    422,
    'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes',
  ],
  "a token for nobody": [
    "/api/v1/namespaces/default/serviceaccounts/nope/token",
    {},
    404,
    'serviceaccounts "nope" not found',
  ],
  "a field that is no text": [
    `${authorization}/selfsubjectaccessreviews`,
    { spec: { resourceAttributes: { verb: 5 } } },
    400,
    'SelfSubjectAccessReview in version "v1" cannot be handled as a SelfSubjectAccessReview: json: cannot unmarshal number into Go struct field ResourceAttributes.spec.resourceAttributes.verb of type string',
  ],
};
for (const [what, [path, body, code, message]] of Object.entries(refused))
  test(`refused: ${what}`, async () => {
    const got = await post(path, body);
    assert.is(got.body.message, message);
    assert.is(got.code, code);
  });

test("a token says whose it is", async () => {
  const path = "/api/v1/namespaces/default/serviceaccounts/robot/token";
  const { code, body } = await post(path, { spec: { audiences: ["a"], expirationSeconds: 600 } });
  assert.is(code, 201);
  const [, claims = ""] = String(body.status!["token"]).split(".");
  const { sub, aud, exp, iat } = JSON.parse(Buffer.from(claims, "base64url").toString()) as {
    [claim: string]: unknown;
  };
  assert.is(sub, "system:serviceaccount:default:robot");
  assert.equal(aud, ["a"]);
  assert.is(Number(exp) - Number(iat), 600);
});

test("reviews are found by discovery, to be created only", async () => {
  const list = (await (await fetch(serving.url + authorization)).json()) as {
    resources: { name: string; verbs: string[] }[];
  };
  assert.is(list.resources.length, 4);
  for (const { verbs } of list.resources) assert.equal(verbs, ["create"]);
  const got = await fetch(`${serving.url}${authorization}/selfsubjectaccessreviews`);
  assert.is(got.status, 405);
});

test.run();
